#!/usr/bin/env python3
"""What a trial costs beside its own work: dispatch, journal, trial file. Many trials of one step on one rank, beside what
the same disk takes for the bare writes and syncs, and beside Optuna's journal, which syncs too.

Use: bench/overhead.py --make-world build/release/tests/make_tiny_world [--trials 200,1000,10000]
       [--optuna $(bench/optuna_environment.sh)] [--folder DIR]
"""

import argparse
import csv
import os
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_BYTES, LINE_BYTES = 8000, 100  # of such a trial


def run(world, folder, trials):
    """Milliseconds a trial, and of these the trial's own work."""
    seeds = "[" + ",".join(str(s) for s in range(1, trials + 1)) + "]"
    grid = world / f"grid-{trials}.yaml"  # a long list of seeds does not fit a command line
    grid.write_text((world / "grid.yaml").read_text().replace("seeds: 2\n", f"seeds: {seeds}\n"))
    out = folder / f"run-{trials}"
    command = [ROOT / "build/orchestrator", "--grid", grid, "--out", out, "--quiet", "--only", "method=head,size=40",
               "--set", "training={max_steps: 1, batch_size: 8, max_length: 32, learning_rate: 1.0e-3}", "--set", "selection=none"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, XDG_CACHE_HOME=str(world)))
    begin, end = 0.0, 0.0
    for line in (out / "journal").read_text().splitlines():
        _, seconds, kind, _ = line.split(" ", 3)
        if kind == "assigned" and begin == 0.0:
            begin = float(seconds)
        if kind == "finished":
            end = float(seconds)
    own = sum(float(t["total_s"]) for t in csv.DictReader(open(out / "report/trials.csv")))
    return 1000 * (end - begin) / trials, 1000 * own / trials


def bare(folder, trials=200):
    """The system calls alone, one after the other: draft, sync, rename, sync of the folder, synced line of a journal."""
    place = folder / "bare"
    place.mkdir()
    journal = os.open(place / "journal", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    begin = time.perf_counter()
    for i in range(trials):
        draft = os.open(place / f".{i}.draft", os.O_RDWR | os.O_CREAT | os.O_EXCL)
        os.write(draft, b"x" * FILE_BYTES)
        os.fsync(draft)
        os.close(draft)
        os.rename(place / f".{i}.draft", place / f"{i}.h5")
        at = os.open(place, os.O_RDONLY)
        os.fsync(at)
        os.close(at)
        os.write(journal, b"x" * LINE_BYTES)
        os.fdatasync(journal)
    return 1000 * (time.perf_counter() - begin) / trials


def optuna(python, folder, trials):
    place = folder / f"optuna-{trials}"
    place.mkdir()
    done = subprocess.run([python, ROOT / "bench/optuna_reference.py", place, str(trials)], check=True, capture_output=True, text=True)
    return float(done.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--make-world", required=True)
    parser.add_argument("--trials", default="200,1000,10000")
    parser.add_argument("--optuna", help="a python that has Optuna; bench/optuna_environment.sh makes one")
    parser.add_argument("--folder", help="where to write: on the disk that is asked about")
    options = parser.parse_args()
    if options.folder:
        Path(options.folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        subprocess.run([options.make_world, folder], check=True)
        print("milliseconds a trial")
        print(" trials    all   own  beside  bare writes and syncs" + ("  Optuna" if options.optuna else ""))
        for trials in (int(n) for n in options.trials.split(",")):
            each, own = run(folder, folder, trials)
            floor = bare(folder)
            subprocess.run(["rm", "-r", folder / "bare"], check=True)
            beside = f"{optuna(options.optuna, folder, trials):8.2f}" if options.optuna else ""
            print(f"{trials:7} {each:6.2f} {own:5.2f} {each - own:7.2f} {floor:22.2f}{beside}", flush=True)


if __name__ == "__main__":
    main()
