#!/usr/bin/env python3
"""kill -9 of mpirun at random moments, then the same command: nothing lost, nothing trained twice, nothing stuck.

Prints a tally. Use: kill_and_resume.py --program P --make-world M [--kills 20] [--ranks 2] [--seed 1]
"""

import os
import random
import shutil
import signal
import time

from world import World, arguments, expect, trained_again


def main():
    options = arguments(kills=20, ranks=2, seed=1)
    chance = random.Random(options.seed)
    world = World(options)
    reference, out = world.folder / "undisturbed", world.folder / "killed"
    begin = time.monotonic()
    code, text = world.run(reference, options.ranks)
    duration = time.monotonic() - begin
    expect(code == 0, "the undisturbed run finishes", text)
    kills = lost = again = rounds = 0
    while kills < options.kills:
        rounds += 1
        shutil.rmtree(out, ignore_errors=True)
        published = set()
        while True:
            run = world.start(out, options.ranks)
            try:
                run.communicate(timeout=chance.uniform(0.05, duration) if kills < options.kills else 120)
                break
            except Exception:
                expect(kills < options.kills, "no run is stuck")
                os.kill(run.pid, signal.SIGKILL)
                run.communicate()
                kills += 1
            here = {f.name for f in (out / "trials").glob("*.h5")} if (out / "trials").exists() else set()
            lost += len(published - here)
            published = here
        expect(run.returncode == 0, f"round {rounds}: the last start finishes")
        again += len(trained_again(out))
        same, text = world.compare(reference, out)
        expect(same, f"round {rounds}: the same bytes as the undisturbed run", text)
    print(f"{kills} kills in {rounds} rounds: {lost} trials lost, {again} trained again after publication")
    expect(lost == 0 and again == 0, "nothing lost, nothing done twice")


if __name__ == "__main__":
    main()
