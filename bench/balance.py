#!/usr/bin/env python3
"""How near the optimum a run ends: 60 trials of unlike sizes on real ranks, against max(W / ranks, longest) of the
seconds that the trials took, and against what the plan had said beforehand. Then the same with wide trials.

Use: bench/balance.py --data <folder with SST-2> [--ranks 2] [--model <Hugging Face folder>]
"""

import argparse
import csv
import json
import subprocess
import tempfile
from pathlib import Path

from program import MODEL, command, environment

GRID = """run: balance
backbones: [{{name: minilm, path: {model}}}]
tasks: [{{name: sst2, train: train.csv, test: test.csv, text: text, label: label}}]
methods: [lora, bitfit, head]
width: {width}
train_sizes: [20, 40, 80, 160, 320]
seeds: 4
selection: none
training: {{epochs: 2, batch_size: 16}}
"""


def write_rows(data, folder):
    """A training file and a test set small enough that the training sizes decide."""
    with open(data / "SST-2/train.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[:2100]
    for name, part in (("train.csv", rows[:2000]), ("test.csv", rows[2000:])):
        with open(folder / name, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows([row["sentence"], row["label"]] for row in part)


def events(run):
    for line in (run / "journal").read_text().splitlines():
        _, when, kind, body = line.split(" ", 3)
        yield float(when), kind, json.loads(body)


def measure(folder, model, ranks, width):
    run = folder / f"run-{width}"
    (folder / "grid.yaml").write_text(GRID.format(model=model, width=width))
    words = ["--grid", folder / "grid.yaml", "--out", run, "--quiet"]
    subprocess.run(command(ranks, *words), env=environment(), stdout=subprocess.DEVNULL, check=True)
    planned = next((when, body) for when, kind, body in events(run) if kind == "plan")
    finished = [(when, body) for when, kind, body in events(run) if kind == "finished"]
    took = max(when for when, _ in finished) - planned[0]
    work = sum(body["seconds"] * body["ranks"] for _, body in finished)
    longest = max(body["seconds"] for _, body in finished)
    bound = max(work / ranks, longest)
    print(f"width {width}: {len(finished)} trials of {min(b['seconds'] for _, b in finished):.2f} to {longest:.2f} s on {ranks} "
          f"ranks: {took:.1f} s, bound {bound:.1f} s: {took / bound:.3f} times; the plan had said {planned[1]['makespan']:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--model", type=Path, default=MODEL)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(options.data, folder)
        for width in ("1", "auto"):
            measure(folder, options.model.resolve(), options.ranks, width)


if __name__ == "__main__":
    main()
