#!/usr/bin/env python3
"""What a trial costs beside its own work: dispatch, journal, trial file. Many trials of one step on one rank.

Use: bench/overhead.py --make-world build/release/tests/make_tiny_world [--trials 400]
"""

import argparse
import csv
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--make-world", required=True)
    parser.add_argument("--trials", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([options.make_world, folder], check=True)
        seeds = "[" + ",".join(str(s) for s in range(1, options.trials + 1)) + "]"
        command = [ROOT / "build/orchestrator", "--grid", folder / "grid.yaml", "--out", folder / "run", "--quiet",
                   "--only", "method=head,size=40", "--set", "seeds=" + seeds, "--set", "training={max_steps: 1, batch_size: 8, max_length: 32, learning_rate: 1.0e-3}",
                   "--set", "selection=none"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, XDG_CACHE_HOME=str(folder)))
        begin, end = 0.0, 0.0
        for line in (folder / "run/journal").read_text().splitlines():
            _, seconds, kind, _ = line.split(" ", 3)
            if kind == "assigned" and begin == 0.0:
                begin = float(seconds)
            if kind == "finished":
                end = float(seconds)
        own = sum(float(t["total_s"]) for t in csv.DictReader(open(folder / "run/report/trials.csv")))
        each = (end - begin) / options.trials
        print(f"{options.trials} trials of one step: {1000 * each:.2f} ms each, of which {1000 * own / options.trials:.2f} ms "
              f"are the trial's own work and {1000 * (each - own / options.trials):.2f} ms dispatch, journal and file")


if __name__ == "__main__":
    main()
