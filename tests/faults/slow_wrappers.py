#!/usr/bin/env python3
"""Ranks whose wrapper needs long before it starts the program, or stays between the launcher and the rank: they are waited
for. Use: slow_wrappers.py --program P --make-world M
"""

import os
import subprocess
import threading
import time

from world import World, arguments, expect

FEW = ["--only", "method=head", "--set", "seeds=1"]
SLEEPS = '[ "$OMPI_COMM_WORLD_RANK" = 0 ] || sleep 20\n'


def wrapper(world, name, text):
    file = world.folder / name
    file.write_text("#!/bin/sh\n" + text)
    file.chmod(0o755)
    return str(file)


def start(world, name, text):
    out = world.folder / f"run-{name}"
    words = world.command(out, 2, *FEW)
    words.insert(words.index(world.program), wrapper(world, name, text))
    return out, subprocess.Popen(words, env=world.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                 start_new_session=True)  # fmt: skip


def is_waited_for(world, name, text):
    out, run = start(world, name, text)
    printed, _ = run.communicate(timeout=120)
    expect(run.returncode == 0 and world.status(out) == 0, f"{name}: a rank that starts 20 s late is waited for", printed)
    said = [line for line in printed.splitlines() if "has not started the program yet" in line]
    expect(len(said) == 1 and "waits for rank 1 of this host" in said[0], f"{name}: meanwhile it is said once which", printed)


def shares_what_its_node_shares(world):
    """Both ranks make one folder in memory, that of their launcher, not of their wrappers."""
    out, run = start(world, "stays", '"$@" --set training.epochs=40\n')
    names = set()
    for _ in range(600):
        names |= {name for name in os.listdir("/dev/shm") if name.startswith("peftgrid-") and f"-{run.pid}-" in name}
        if run.poll() is not None:
            break
        time.sleep(0.02)
    printed = run.communicate()[0]
    expect(run.returncode == 0, "stays: ranks below wrappers that stay finish the grid", printed)
    expect(len(names) == 1, f"stays: their folder in memory is the launcher's ({len(names)})", printed)
    expect(not names & set(os.listdir("/dev/shm")), "stays: and it is gone with them", printed)


failed = []


def check(act, *more):
    """In a thread, whose SystemExit nobody would hear."""
    try:
        act(*more)
    except BaseException as error:
        failed.append(repr(error))


def main():
    world = World(arguments())
    jobs = [threading.Thread(target=check, args=(is_waited_for, world, name, text)) for name, text in
            (("exec", SLEEPS + 'exec "$@"\n'), ("child", SLEEPS + '"$@"\n'))]  # fmt: skip
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    if failed:
        raise SystemExit(1)
    shares_what_its_node_shares(world)


if __name__ == "__main__":
    main()
