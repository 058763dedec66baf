#!/usr/bin/env python3
"""Deaths at random instants, from start-up to report, then the same command until the grid is done: nothing lost, nothing
trained twice after publication, nothing stuck, the same bytes as an undisturbed run.

Kinds: kill -9 of a worker, of rank 0, of mpirun; SIGSTOP of any rank; a second start on the same folder. Prints a tally.
Use: random_deaths.py --program P --make-world M [--deaths 15] [--ranks 3] [--seed 1]; 1,000 of them are the long proof.
"""

import collections
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

from world import World, arguments, expect, trained_again

KINDS = ["worker", "worker", "rank 0", "mpirun", "stop", "second start"]
STUCK_S = 90  # silence of 10 or 20 s, start-up's 15 and 20 s, and the work itself


def ranks_of(launcher):
    """pid by rank of the living children of an mpirun."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent != launcher:
                continue
            for entry in (folder / "environ").read_bytes().split(b"\0"):
                if entry.startswith(b"OMPI_COMM_WORLD_RANK="):
                    found[int(entry.split(b"=")[1])] = int(folder.name)
        except (OSError, ValueError, IndexError):
            continue
    return found


def strike(kind, run, world, out, chance):
    """Does it; returns False where there was nobody to strike any more."""
    if kind == "mpirun":
        os.kill(run.pid, signal.SIGKILL)
        return True
    if kind == "second start":
        subprocess.run(world.command(out, 2), env=world.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=STUCK_S)
        return True
    pids = ranks_of(run.pid)
    wanted = [r for r in pids if (r == 0) == (kind == "rank 0") or kind == "stop"]
    if not wanted:
        return False
    try:
        os.kill(pids[chance.choice(sorted(wanted))], signal.SIGSTOP if kind == "stop" else signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def main():
    options = arguments(deaths=15, ranks=3, seed=1)
    chance = random.Random(options.seed)
    world = World(options, recovery=True)
    reference, out = world.folder / "undisturbed", world.folder / "struck"
    begin = time.monotonic()
    code, text = world.run(reference, options.ranks)
    duration = time.monotonic() - begin
    expect(code == 0, "the undisturbed run finishes", text)
    tally, lost, again, rounds = collections.Counter(), 0, 0, 0
    while sum(tally.values()) < options.deaths:
        rounds += 1
        shutil.rmtree(out, ignore_errors=True)
        published = set()
        for start in range(100):
            run = world.start(out, options.ranks)
            if sum(tally.values()) < options.deaths:
                time.sleep(chance.uniform(0.05, duration))
                kind = chance.choice(KINDS)
                if strike(kind, run, world, out, chance):
                    tally[kind] += 1
            try:
                text, _ = run.communicate(timeout=STUCK_S)
            except subprocess.TimeoutExpired:
                import sys
                print("STUCK", kind, "start", start, "round", rounds, run.pid, flush=True); os.system("ps -eo pid,ppid,stat,wchan:30,etime,args | grep -E 'mpirun|orch_w' | grep -v grep"); os.system("for p in $(pgrep -f orch_w2); do echo == $p; cat /proc/$p/status | grep -E 'State|SigQ'; for t in /proc/$p/task/*; do cat $t/comm; cat $t/wchan; echo; done; done"); time.sleep(100000)
                os.killpg(run.pid, signal.SIGKILL)
                expect(False, "no run is stuck", str(dict(tally)) + " " + run.communicate()[0])
            here = {f.name for f in (out / "trials").glob("*.h5")} if (out / "trials").exists() else set()
            lost += len(published - here)
            published = here
            if world.status(out) == 0:
                break
        expect(world.status(out) == 0, f"round {rounds}: the grid is done after {start + 1} starts", text)
        again += len(trained_again(out))
        same, text = world.compare(reference, out)
        expect(same, f"round {rounds}: the same bytes as the undisturbed run", text)
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(tally.items()))
    print(f"{sum(tally.values())} deaths ({kinds}) in {rounds} rounds: {lost} lost, {again} trained again after publication, 0 stuck")
    expect(lost == 0 and again == 0, "nothing lost, nothing done twice")


if __name__ == "__main__":
    main()
