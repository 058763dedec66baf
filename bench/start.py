#!/usr/bin/env python3
"""From mpirun to the first training step on many ranks of one machine, and how many copies of the base they hold.

Use: bench/start.py --data <folder with SST-2> [--ranks 32] [--model <Hugging Face folder>]
"""

import argparse
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from program import MODEL, command, environment, ranks_of

# A trial a rank, long enough to be looked at; each writes down its state after its first step.
GRID = """run: start
backbones: [{{name: base, path: {model}}}]
data: {data}
tasks: [sst2]
methods: [lora]
train_sizes: [500]
seeds: {ranks}
selection: none
training: {{epochs: 1000, batch_size: 16}}
"""


def proportional_of(pid, file):
    """kB of a process's mapping of a file, each page divided by those who share it; and how much of it is its own."""
    sums, inside = {"Pss": 0, "Private_Dirty": 0}, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        key, _, rest = line.partition(":")
        if " " in key:
            inside = line.endswith(file)
        elif inside and key in sums:
            sums[key] += int(rest.split()[0])
    return sums["Pss"], sums["Private_Dirty"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ranks", type=int, default=32)
    parser.add_argument("--model", type=Path, default=MODEL)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        grid = Path(name) / "grid.yaml"
        grid.write_text(GRID.format(model=options.model.resolve(), data=options.data.resolve(), ranks=options.ranks))
        begin = time.monotonic()
        words = ["--grid", grid, "--out", run, "--quiet", "--checkpoint-every", "0.001"]
        process = subprocess.Popen(command(options.ranks, *words), env=environment(), stdout=subprocess.DEVNULL)
        first = None
        while True:
            states = len(list((run / "checkpoints").glob("*.safetensors"))) if (run / "checkpoints").exists() else 0
            if states and first is None:
                first = time.monotonic() - begin
                print(f"{options.ranks} ranks: first training step after {first:.1f} s")
            if states == options.ranks:
                break
            if process.poll() is not None or time.monotonic() - begin > 300:
                raise SystemExit("the run ended, or not every rank made a step within 300 s")
            time.sleep(0.02)
        print(f"every rank has made a step after {time.monotonic() - begin:.1f} s")
        weights = (options.model / "model.safetensors").resolve()
        shares = [proportional_of(pid, str(weights)) for pid in ranks_of(run)]
        total, own = sum(s[0] for s in shares) / 1024, sum(s[1] for s in shares) / 1024
        print(f"{len(shares)} ranks map {weights.name} of {weights.stat().st_size / 2**20:.1f} MB: {total:.1f} MB all together, "
              f"{own:.1f} MB of that written to")
        process.send_signal(signal.SIGTERM)
        process.wait()


if __name__ == "__main__":
    main()
