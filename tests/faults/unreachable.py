#!/usr/bin/env python3
"""Two hosts with a bridge of the same address on each, as docker0: Open MPI takes it for a network that joins them, and its
ranks wait for each other without a word. After a minute they say what helps, and leave; and it helps.

Needs root. Use: unreachable.py --program P --make-world M
"""

import subprocess
import time

from hosts import SKIPPED, Hosts, ip, possible
from world import World, arguments, expect

FEW = ["--only", "method=head", "--set", "seeds=1"]


def give_both_one_address(hosts):
    for name in hosts.names:
        ip("-n", name, "link", "add", "docker0", "type", "bridge")
        ip("-n", name, "addr", "add", "172.17.0.1/16", "dev", "docker0")
        ip("-n", name, "link", "set", "docker0", "up")


def start(world, hosts, out, included):
    """What two ranks, one a host, print; their exit code, and how many are left."""
    del hosts.environment["OMPI_MCA_btl_tcp_if_include"]
    if included:
        hosts.environment["OMPI_MCA_btl_tcp_if_include"] = included
    words = [world.program, "--grid", str(world.grid), "--out", str(out), "--progress", "plain", *FEW]
    printed = world.folder / "printed"
    run = hosts.start(world, 0, {0: 1, 1: 1}, words, printed)
    try:
        code = run.wait(timeout=100)
    except subprocess.TimeoutExpired:
        code = None
    time.sleep(1)
    left = [len(hosts.ranks(host, world.program)) for host in (0, 1)]
    hosts.kill_all()
    return code, printed.read_text(), left


def main():
    world = World(arguments())
    if not possible(world.folder):
        print("skipped: no network namespaces can be made here")
        raise SystemExit(SKIPPED)
    with Hosts(world.folder) as hosts:
        give_both_one_address(hosts)
        out = world.folder / "out"
        code, text, left = start(world, hosts, out, None)
        expect(code == 4, f"ranks that cannot reach each other leave with exit code 4 ({code})", text)
        expect(any(f"on {name}: the 2 ranks could not reach each other within 60 s" in text for name in hosts.names),
               "they name their host", text)  # fmt: skip
        expect("--mca btl_tcp_if_include" in text and "docker0 172.17.0.1/16" in text and "10.77.0." in text,
               "and the option that helps, and the networks to choose from", text)  # fmt: skip
        expect(left == [0, 0], f"no rank is left on either host ({left})", text)
        hosts.environment["OMPI_MCA_btl_tcp_if_include"] = ""
        code, text, left = start(world, hosts, out, "10.77.0.0/24")
        expect(code == 0 and world.status(out) == 0, "with it the same command finishes the grid", text)


if __name__ == "__main__":
    main()
