#!/usr/bin/env python3
"""A grid over two hosts whose link is cut in the middle. Under --enable-recovery the ranks beyond the cut are given up within
10 s and leave within 20 s, while the others finish the grid; without it, and with mpirun's keepalive, mpirun ends the run.
Either way the same command goes on when the link is back: nothing lost, nothing done twice, the same bytes.

Two network namespaces stand for the hosts, each with its own host name, /etc/hosts and /dev/shm; their common folders for a
network file system. Needs root. Use: two_hosts.py --program P --make-world M
"""

import os
import signal
import subprocess
import time

from world import World, arguments, events, expect, trained_again

SKIPPED = 77
LONG = ["--set", "training.epochs=60", "--set", "seeds=1", "--set", "selection.patience=0"]
KEEPALIVE = ["--mca", "oob_tcp_keepalive_time", "5", "--mca", "oob_tcp_keepalive_intvl", "2", "--mca", "oob_tcp_keepalive_probes", "3"]
SILENCE_S, ABANDONED_S = 10, 20  # what docs/architecture.md states

IN_HOST = """#!/bin/bash
# in_host.sh HOST COMMAND...
host=$1; shift
exec ip netns exec "$host" unshare --uts --mount --ipc bash -c 'hostname "$0"; mount --bind "{hosts}" /etc/hosts
  mount -t tmpfs tmpfs /dev/shm; exec "$@"' "$host" "$@"
"""
AGENT = """#!/bin/bash
# rsh_agent.sh HOST WORDS...: what mpirun calls instead of ssh
host=$1; shift; exec "{in_host}" "$host" /bin/sh -c "$*"
"""


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


class Hosts:
    """Two of them, with a link between."""

    def __init__(self, folder):
        self.names = [f"pg{os.getpid()}{letter}" for letter in "ab"]
        self.folder = folder

    def __enter__(self):
        a, b = self.names
        for name in self.names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", a, "link", "add", "va", "type", "veth", "peer", "name", "vb", "netns", b)
        ip("-n", a, "addr", "add", "10.77.0.1/24", "dev", "va")
        ip("-n", b, "addr", "add", "10.77.0.2/24", "dev", "vb")
        ip("-n", a, "link", "set", "va", "up")
        self.mend()
        hosts = self.folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n10.77.0.1 {a}\n10.77.0.2 {b}\n")
        self.in_host = self.script("in_host.sh", IN_HOST.format(hosts=hosts))
        self.agent = self.script("rsh_agent.sh", AGENT.format(in_host=self.in_host))
        return self

    def __exit__(self, *_):
        self.kill_all()
        for name in self.names:
            ip("netns", "del", name, check=False)

    def kill_all(self):
        for pid in [pid for name in self.names for pid in self.pids(name)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def script(self, name, text):
        file = self.folder / name
        file.write_text(text)
        file.chmod(0o755)
        return str(file)

    def pids(self, name):
        return [int(word) for word in ip("netns", "pids", name, check=False).stdout.split()]

    def ranks(self, host, program):
        """Processes of the program on a host."""
        found = 0
        for pid in self.pids(self.names[host]):
            try:
                words = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
            except OSError:
                continue
            found += words[0].decode(errors="replace") == program
        return found

    def cut(self):
        ip("-n", self.names[1], "link", "set", "vb", "down")

    def mend(self):
        ip("-n", self.names[1], "link", "set", "vb", "up")


def possible(folder):
    if os.geteuid() != 0:
        return False
    try:
        with Hosts(folder) as hosts:
            return subprocess.run([hosts.in_host, hosts.names[0], "true"], capture_output=True).returncode == 0
    except (OSError, subprocess.CalledProcessError):
        return False


def start(world, hosts, out, *options):
    a, b = hosts.names
    launcher = [hosts.in_host, a, "mpirun", "--oversubscribe", "--bind-to", "none", *options, "--host", f"{a}:2,{b}:2", "-np", "4"]
    words = [*launcher, world.program, "--grid", str(world.grid), "--out", str(out), "--progress", "plain", *LONG]
    environment = dict(world.environment, OMPI_MCA_plm_rsh_agent=hosts.agent, OMPI_MCA_btl_tcp_if_include="10.77.0.0/24",
                       OMPI_MCA_oob_tcp_if_include="10.77.0.0/24", OMPI_MCA_pml="ob1", OMPI_MCA_btl="self,vader,tcp",
                       OMPI_MCA_btl_vader_single_copy_mechanism="none")
    printed = open(world.folder / "printed", "w")  # no pipe: a launcher's daemon beyond the cut would keep it open
    return subprocess.Popen(words, env=environment, stdout=printed, stderr=subprocess.STDOUT, text=True, start_new_session=True)


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
    left = wait_until(lambda: hosts.ranks(1, world.program) == 0, 40)
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
    gone = wait_until(lambda: hosts.ranks(0, world.program) + hosts.ranks(1, world.program) == 0, ABANDONED_S + 5)
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
