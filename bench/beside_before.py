#!/usr/bin/env python3
"""Trials of this program beside those of an earlier build, in pairs, interleaved: is any method slower than it was?

SST-2 on MiniLM, 150 rows, 3 epochs, batch 16, 200 test rows, one rank on one core. For each method the median ratio of
processor seconds (now / before) and the limits that hold it with 95 % (order statistics; at least 6 pairs); then of
all methods together, which scatters less. Where other tenants share the core, a pair is better the least of several
interleaved runs of each (--least-of 3): they only ever add time.
Use: bench/beside_before.py --before OLD_ORCHESTRATOR --data FOLDER_WITH_SST-2 [--pairs 15] [--least-of 1] [--methods full,lora]
"""

import argparse
import csv
import math
import os
import random
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

from program import MODEL, PROGRAM, environment

METHODS = "full,top_layers,lora,bitfit,pfeiffer,prefix,prompt,head"


def write_grid(options, folder):
    draw = random.Random(0)
    for name, file, count in (("train", "train.tsv", 150), ("test", "dev.tsv", 200)):
        lines = (Path(options.data) / "SST-2" / file).read_text(encoding="utf-8").splitlines()
        (folder / f"{name}.tsv").write_text("\n".join([lines[0], *draw.sample(lines[1:], count)]) + "\n", encoding="utf-8")
    (folder / "grid.yaml").write_text(
        f"run: before\nbackbones: [{{name: base, path: {MODEL}, readout: mean}}]\n"
        "tasks: [{name: sst2, train: train.tsv, test: test.tsv, text: sentence, label: label}]\n"
        f"methods: [{options.methods}]\ntrain_sizes: [all]\nseeds: 1\nselection: none\n"
        f"precision: {options.precision}\ntraining: {{epochs: 3, batch_size: 16}}\n")


def seconds(program, folder, out):
    """Processor seconds of each method's trial."""
    command = [program, "--grid", folder / "grid.yaml", "--out", out, "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment(OMP_NUM_THREADS="1"))
    return {trial["method"]: float(trial["cpu_s"]) for trial in csv.DictReader(open(out / "report/trials.csv"))}


def least_seconds(programs, folder, count, order):
    """The least processor seconds of each method of `count` runs of each program, in turns."""
    least = {when: {} for when, _ in programs}
    for _ in range(count):
        order.shuffle(programs)
        for when, program in programs:
            for method, time in seconds(program, folder, folder / when).items():
                least[when][method] = min(time, least[when].get(method, math.inf))
            shutil.rmtree(folder / when)
    return least


def limits(values):
    """The order statistics that hold the median with at least 95 %: a sign test turned round."""
    ordered, count, below, rank = sorted(values), len(values), 0.0, 0
    while below + math.comb(count, rank) / 2**count <= 0.025:
        below += math.comb(count, rank) / 2**count
        rank += 1
    return ordered[rank - 1], ordered[count - rank]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--before", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--least-of", type=int, default=1, help="runs of each program in a pair, the least of which counts")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--precision", default="fp32")
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    pairs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_grid(options, folder)
        for pair in range(options.pairs):
            programs = [("before", options.before), ("now", PROGRAM)]
            pairs.append(least_seconds(programs, folder, options.least_of, random.Random(pair)))
    for pair in pairs:
        for trials in pair.values():
            trials["together"] = sum(trials.values())
    for method in [*options.methods.split(","), "together"]:
        before, now = ([pair[when][method] for pair in pairs] for when in ("before", "now"))
        ratios = [n / b for n, b in zip(now, before)]
        low, high = limits(ratios)
        print(f"{method:10} before {statistics.median(before):5.2f} s, now {statistics.median(now):5.2f} s, "
              f"ratio {statistics.median(ratios):.3f} ({low:.3f} to {high:.3f})", flush=True)


if __name__ == "__main__":
    main()
