#!/usr/bin/env python3
"""A grid over two hosts whose link is cut in the middle. Under --enable-recovery the ranks beyond the cut are given up within
10 s and leave within 20 s, while the others finish the grid; without it, and with mpirun's keepalive, mpirun ends the run.
Either way the same command goes on when the link is back: nothing lost, nothing done twice, the same bytes.

Namespaces stand for the hosts (hosts.py). Needs root. Use: two_hosts.py --program P --make-world M
"""

import os
import signal
import subprocess
import time

from hosts import KEEPALIVE, SKIPPED, Hosts, possible
from world import World, arguments, events, expect, trained_again

LONG = ["--set", "training.epochs=60", "--set", "seeds=1", "--set", "selection.patience=0"]
SILENCE_S, ABANDONED_S = 10, 20  # what docs/architecture.md states


def start(world, hosts, out, *options):
    words = [*options, world.program, "--grid", str(world.grid), "--out", str(out), "--progress", "plain", *LONG]
    return hosts.start(world, 0, {0: 2, 1: 2}, words, world.folder / "printed")


def wait_until(what, seconds):
    """Seconds until it is so; None where it is not in time."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if what():
            return time.monotonic() - begin
        time.sleep(0.05)
    return None


def end(world, hosts, run):
    """mpirun itself does not end when a host is away (Open MPI 4.1): it and its daemon beyond the cut are killed. What was
    printed."""
    try:
        run.wait(timeout=5)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    hosts.kill_all()
    return (world.folder / "printed").read_text()


def published(out):
    return {f.stem: f.stat().st_mtime_ns for f in (out / "trials").glob("*.h5")} if (out / "trials").exists() else {}


def lost_ranks(out):
    return {body["rank"] for kind, body in events(out) if kind == "lost"} if (out / "journal").exists() else set()


def resume(world, hosts, out, reference, name):
    """The link is back: the same command."""
    before = published(out)
    run = start(world, hosts, out)
    run.wait(timeout=200)
    text = (world.folder / "printed").read_text()
    expect(run.returncode == 0 and world.status(out) == 0, f"{name}: the same command finishes the grid", text)
    after = published(out)
    expect(before and all(after.get(trial) == at for trial, at in before.items()), f"{name}: nothing lost ({len(before)} kept)")
    expect(not trained_again(out), f"{name}: nothing done twice")
    same, seen = world.compare(reference, out)
    expect(same, f"{name}: the same bytes as on one host", seen)


def goes_on(world, hosts, reference):
    out = world.folder / "recovery"
    run = start(world, hosts, out, "--enable-recovery")
    expect(wait_until(lambda: len(published(out)) >= 2, 90) is not None, "recovery: trials are trained on two hosts", "")
    hosts.cut()
    seconds = wait_until(lambda: lost_ranks(out) >= {2, 3}, 40)
    expect(seconds is not None and seconds < SILENCE_S + 4, f"recovery: both ranks beyond the cut are given up ({seconds or 99:.1f} s)", "")
    left = wait_until(lambda: not hosts.ranks(1, world.program), 40)
    expect(left is not None and seconds + left < ABANDONED_S + 5, f"recovery: they leave by themselves ({seconds + (left or 99):.1f} s)", "")
    finished = wait_until(lambda: world.status(out) == 0, 150)
    text = end(world, hosts, run)
    expect(finished is not None, "recovery: the other host's ranks finish the grid", text)
    hosts.mend()
    resume(world, hosts, out, reference, "recovery")


def ends(world, hosts, reference):
    out = world.folder / "keepalive"
    run = start(world, hosts, out, *KEEPALIVE)
    expect(wait_until(lambda: len(published(out)) >= 2, 90) is not None, "keepalive: trials are trained on two hosts", "")
    hosts.cut()
    seconds = wait_until(lambda: run.poll() is not None, 60)
    text = end(world, hosts, run)
    expect(seconds is not None and seconds < 20, f"keepalive: mpirun ends the run ({seconds or 99:.1f} s)", text)
    gone = wait_until(lambda: not any(hosts.ranks(host, world.program) for host in (0, 1)), ABANDONED_S + 5)
    expect(gone is not None, "keepalive: no rank is left on either host", text)
    hosts.mend()
    resume(world, hosts, out, reference, "keepalive")


def main():
    world = World(arguments())
    if not possible(world.folder):
        print("skipped: no network namespaces can be made here")
        raise SystemExit(SKIPPED)
    reference = world.folder / "undisturbed"
    code, text = world.run(reference, 2, *LONG, timeout=200)
    expect(code == 0, "the undisturbed run on one host finishes", text)
    with Hosts(world.folder) as hosts:
        goes_on(world, hosts, reference)
        ends(world, hosts, reference)


if __name__ == "__main__":
    main()
