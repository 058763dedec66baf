#!/usr/bin/env python3
"""A host that is cut off while rank 0 still prepares the run: nobody waits for it in a collective for ever. Those on either side
say who fell silent, and leave; the same command goes on.

Rank 0 is kept at it by the claim of a host that is dead, which it watches for 30 s. Needs root.
Use: lost_at_start.py --program P --make-world M
"""

import json
import time

from claims import CLAIM
from hosts import SKIPPED, Hosts, possible
from world import World, arguments, expect

FEW = ["--only", "method=head", "--set", "seeds=1"]
SILENCE_S = 20  # what preparation_watch.hpp states


def wait_until(what, seconds):
    begin = time.monotonic()
    while not what() and time.monotonic() - begin < seconds:
        time.sleep(0.1)
    return time.monotonic() - begin


def main():
    world = World(arguments(), recovery=True)
    if not possible(world.folder):
        print("skipped: no network namespaces can be made here")
        raise SystemExit(SKIPPED)
    out, printed = world.folder / "out", world.folder / "printed"
    code, text = world.run(out, None, *FEW, "--set", "seeds=2")
    expect(code == 0, "a first run is done", text)
    (out / "owner").write_text(json.dumps(CLAIM) + "\n")
    with Hosts(world.folder) as hosts:
        run = hosts.start(world, 0, {0: 1, 1: 1}, world.command(out, None, *FEW), printed)
        wait_until(lambda: "its host may be dead" in printed.read_text(), 60)
        hosts.cut()
        took = wait_until(lambda: not any(hosts.ranks(host, world.program) for host in (0, 1)), 100)
        text = printed.read_text()
        expect(took < SILENCE_S + 8, f"ranks of both hosts leave ({took:.0f} s)", text)
        expect(f"rank 1 on {hosts.names[1]} was silent for 20 s while the run started" in text, "it is said who fell silent", text)
        hosts.kill_all()
        run.wait()
    (out / "owner").write_text("")
    code, text = world.run(out, 2, *FEW)
    expect(code == 0, "the same command goes on", text)


if __name__ == "__main__":
    main()
