#!/usr/bin/env python3
"""Memory of ranks: private memory must not grow with the base, and must stay flat over a long trial.

Use: bench/memory.py --make-world build/release/tests/make_tiny_world [--ranks 8]
"""

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from program import command, environment, ranks_of


def memory_of(pid):
    """Private and proportional memory of a process in MB, or None when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    kb = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return (kb["Private_Clean"] + kb["Private_Dirty"]) / 1024, kb["Pss"] / 1024


def start(folder, ranks, method, more):
    words = ["--grid", folder / "grid.yaml", "--out", folder / "run", "--quiet", "--only", f"method={method},size=80", *more]
    return subprocess.Popen(command(ranks, *words), env=environment(XDG_CACHE_HOME=str(folder / "cache")), stdout=subprocess.DEVNULL)


def private_beside_base(options, vocabulary, precision):
    """Mean private memory and the sum of proportional memory of all ranks, at work."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([options.make_world, folder, "4", "256", "4", "1024", str(vocabulary)], check=True)
        base = (folder / "model/model.safetensors").stat().st_size / 2**20
        seeds = "[" + ",".join(str(s) for s in range(1, options.ranks + 1)) + "]"
        run = start(folder, options.ranks, "lora", ["--set", "seeds=" + seeds, "--set", "training.epochs=1000", "--set",
                                                    "selection=none", "--set", "precision=" + precision])
        time.sleep(25)
        found = [m for m in map(memory_of, ranks_of(folder / "run")) if m]
        run.terminate()
        run.wait()
    private = statistics.mean(m[0] for m in found)
    print(f"{len(found)} ranks, base of {base:6.1f} MB, {precision}: {private:6.1f} MB private a rank, "
          f"{sum(m[1] for m in found):7.1f} MB for all ranks together", flush=True)


def flatness(options):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([options.make_world, folder, "4", "256", "4", "1024", "30000"], check=True)
        run = start(folder, 1, "lora", ["--set", "seeds=1", "--set", "training={max_steps: 1000, batch_size: 8, max_length: 32, learning_rate: 1.0e-3}", "--set", "selection=none"])
        seen = []
        while run.poll() is None:
            time.sleep(0.5)
            seen += [m[0] for m in map(memory_of, ranks_of(folder / "run")) if m]
    quarters = [statistics.mean(seen[len(seen) * i // 4 : len(seen) * (i + 1) // 4]) for i in range(4)]
    print("private MB over 1,000 steps of varying length, by quarters: " + ", ".join(f"{q:.1f}" for q in quarters))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--make-world", required=True)
    parser.add_argument("--ranks", type=int, default=8)
    options = parser.parse_args()
    for precision in ("fp32", "bf16"):
        for vocabulary in (30000, 300000):
            private_beside_base(options, vocabulary, precision)
    flatness(options)


if __name__ == "__main__":
    main()
