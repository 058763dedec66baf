#!/usr/bin/env python3
"""A rank of a gang is killed in the middle of a sum: all others end in CommError within their deadline of 1.2 s.

Use: nccl_death.py MPIRUN PROGRAM RANKS VICTIM, with the stand-in for NCCL in LD_LIBRARY_PATH.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

DEADLINE_S, SLACK_S = 1.2, 0.5


def main():
    mpirun, program, ranks, victim = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    environment = dict(os.environ, PEFTGRID_NCCL_FAULT=f"death {victim} 5", PEFTGRID_RANK_TEST_S="30")
    with tempfile.TemporaryDirectory(prefix="peftgrid-nccl-") as folder:
        command = [mpirun, "--enable-recovery", "-n", str(ranks), program, folder]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        told = {int(file.name): file.read_text().split(" ", 1) for file in Path(folder).iterdir()}
    failures = []
    if sorted(told) != [rank for rank in range(ranks) if rank != victim]:
        failures.append(f"told were {sorted(told)}, of {ranks} ranks with victim {victim}")
    for rank, (seconds, error) in told.items():
        if float(seconds) > DEADLINE_S + SLACK_S:
            failures.append(f"rank {rank} was told after {seconds} s")
        if "gradients: rank " not in error or " has left" not in error:
            failures.append(f"rank {rank} was told: {error}")
    if failures:
        print("\n".join(failures), done.stdout, done.stderr, sep="\n")
        sys.exit(1)
    print(f"rank {victim} of {ranks} died; told after {max(float(seconds) for seconds, _ in told.values()):.2f} s at most:")
    print(next(iter(told.values()))[1])


if __name__ == "__main__":
    main()
