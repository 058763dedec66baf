#!/usr/bin/env python3
"""Deaths at random instants, from start-up to report, then the same command until the grid is done: nothing lost, nothing
trained twice after publication, nothing stuck, the same bytes as an undisturbed run.

Kinds: kill -9 of a worker, of rank 0, of mpirun; SIGSTOP of any rank; a second start on the same folder; and, by a library
that is preloaded (tests/support/dying_publisher.cpp), death of a rank just before a trial file gets its name, right after,
and before its report, and SIGSTOP of a rank while it exits. Several grids are struck beside each other, since a stopped rank is noticed after 10 to 20 s only.

Some grids run over two hosts (hosts.py; where such can be made), of which whole ones die, with rank 0 and mpirun or without, all
at once or silently, behind a cut link; or the link alone is cut. The same command is then started on a living host.
Prints a tally. Use: random_deaths.py --program P --make-world M --dying-publisher L [--deaths 15] [--ranks 3] [--jobs 3]
[--host-jobs 1] [--seed 1]; 1,000 of them are the long proof.
"""

import collections
import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from hosts import KEEPALIVE, Hosts, possible
from world import World, arguments, events, expect

KINDS = ["worker", "worker", "rank 0", "mpirun", "stop", "second start", "published", "published"]
WHERE = ["draft", "renamed", "synced", "exit"]
HOST_KINDS = ["host of rank 0", "other host", "silent host of rank 0", "silent other host", "link", "worker", "rank 0"]
STUCK_S = 120  # silence of 10 or 20 s, start-up's 15 and 20 s, and the work itself, beside other jobs
ABSENT_S = 12  # after that long without a rank a launcher is one that Open MPI has left waiting for a lost host
HOST_STUCK_S = STUCK_S + 30  # until a silent host's claim expires
SMALL = ["--set", "training.epochs=3", "--set", "seeds=1"]


def rank_of(pid):
    for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
        if entry.startswith(b"OMPI_COMM_WORLD_RANK="):
            return int(entry.split(b"=")[1])
    return None


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
            rank = rank_of(folder.name)
            if rank is not None:
                found[rank] = int(folder.name)
        except (OSError, ValueError, IndexError):
            continue
    return found


class Tally:
    """What all jobs count together."""

    def __init__(self, wanted):
        self.lock, self.wanted = threading.Lock(), wanted
        self.deaths, self.rounds, self.lost, self.again, self.trouble = collections.Counter(), 0, 0, 0, None
        self.begin = time.monotonic()

    def left(self):
        with self.lock:
            return self.trouble is None and sum(self.deaths.values()) < self.wanted

    def died(self, kind):
        with self.lock:
            self.deaths[kind] += 1
            count = sum(self.deaths.values())
            if count % 25 == 0:
                print(f"{count} deaths after {time.monotonic() - self.begin:.0f} s: {self.lost} lost, {self.again} trained again", flush=True)

    def fail(self, what, seen):
        with self.lock:
            self.trouble = self.trouble or f"{what}:\n{seen}"


class Job:
    """One grid that is struck again and again, in rounds from an empty folder to the last trial."""

    def __init__(self, number, options, world, reference, duration, tally):
        self.options, self.world, self.reference, self.duration, self.tally = options, world, reference, duration, tally
        self.chance = random.Random(1000 * options.seed + number)
        self.out, self.mark = world.folder / f"struck-{number}", world.folder / f"mark-{number}"

    def strike(self, kind, run):
        """Does it; returns False where there was nobody to strike any more."""
        if kind == "mpirun":
            os.kill(run.pid, signal.SIGKILL)
            return True
        if kind == "second start":
            words = self.world.command(self.out, 2, *SMALL)
            subprocess.run(words, env=self.world.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=STUCK_S)
            return True
        pids = ranks_of(run.pid)
        wanted = [r for r in pids if (r == 0) == (kind == "rank 0") or kind == "stop"]
        if not wanted:
            return False
        try:
            os.kill(pids[self.chance.choice(sorted(wanted))], signal.SIGSTOP if kind == "stop" else signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def start_and_strike(self):
        """One start, with one death in it as long as some are wanted. What it printed, or None where it is stuck."""
        kind = self.chance.choice(KINDS) if self.tally.left() else None
        more = {}
        if kind == "published":
            where, rank, count = self.chance.choice(WHERE), self.chance.randrange(self.options.ranks), self.chance.randint(1, 3)
            self.mark.unlink(missing_ok=True)
            more = {"LD_PRELOAD": self.options.dying_publisher, "PEFTGRID_DIE": f"{rank},{count},{where}", "PEFTGRID_DIE_MARK": str(self.mark)}
        run = self.world.start(self.out, self.options.ranks, *SMALL, environment=more)
        if kind and kind != "published":
            time.sleep(self.chance.uniform(0.05, self.duration))
            if self.strike(kind, run):
                self.tally.died(kind)
        try:
            text, _ = run.communicate(timeout=STUCK_S)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            self.tally.fail(f"no run is stuck after the death of {kind}", run.communicate()[0])
            return None
        if kind == "published" and self.mark.exists():
            self.tally.died("stop at exit" if where == "exit" else f"{where} trial")
        return text

    def round(self):
        shutil.rmtree(self.out, ignore_errors=True)
        published, told, text = {}, 0, ""
        for start in range(200):
            text = self.start_and_strike()
            if text is None:
                return
            here = {f.stem: f.stat().st_mtime_ns for f in (self.out / "trials").glob("*.h5")}
            happened = list(events(self.out)) if (self.out / "journal").exists() else []
            again = [body["id"] for kind, body in happened[told:] if kind == "assigned" and body["id"] in published]
            with self.tally.lock:
                self.tally.lost += sum(here.get(trial) != at for trial, at in published.items())
                self.tally.again += len(again)
            published, told = here, len(happened)
            if self.world.status(self.out) == 0:
                break
        with self.tally.lock:
            self.tally.rounds += 1
        if self.world.status(self.out) != 0:
            return self.tally.fail(f"the grid is not done after {start + 1} starts", text)
        same, seen = self.world.compare(self.reference, self.out)
        if not same:
            self.tally.fail("other bytes than the undisturbed run", seen)

    def run(self):
        try:
            while self.tally.left():
                self.round()
        except Exception as error:  # of a thread, which would end unheard
            self.tally.fail("the test itself", repr(error))


class HostJob(Job):
    """One whose ranks are on two hosts."""

    def __init__(self, number, options, world, reference, duration, tally, hosts):
        super().__init__(number, options, world, reference, duration, tally)
        self.hosts = hosts

    def prepare(self):
        """What is down may come up again, or stay away for this start. The host of mpirun and rank 0, and ranks by host."""
        up = [host for host in (0, 1) if self.hosts.is_up(host)]
        if self.chance.random() < 0.5 or not up:
            self.hosts.mend()
            for host in {0, 1} - set(up):
                self.hosts.boot(host)
            up = [0, 1]
        on = self.chance.choice(up)
        if len(up) == 1 or self.hosts.is_cut:
            return on, {on: self.options.ranks}
        return on, {on: self.options.ranks - 1, 1 - on: 1}

    def strike_hosts(self, kind, on):
        struck = on if "rank 0" in kind else 1 - on
        if kind in ("worker", "rank 0"):
            pids = [pid for host in (0, 1) for pid in self.hosts.ranks(host, self.world.program)]
            pids = [pid for pid in pids if (rank_of(pid) == 0) == (kind == "rank 0")]
            if not pids:
                return False
            os.kill(self.chance.choice(sorted(pids)), signal.SIGKILL)
            return True
        if self.hosts.is_cut or not self.hosts.is_up(struck):
            return False
        if "silent" in kind or kind == "link":
            self.hosts.cut()
        if kind != "link":
            self.hosts.kill(struck)
        return True

    def starts(self):
        return sum(kind == "start" for kind, _ in events(self.out)) if (self.out / "journal").exists() else 0

    def await_start(self, run, before):
        """Until all ranks have met: MPI_Init itself waits ten minutes for a rank that is lost just then with its host, or as
        the only one of its host (launch_watch.hpp), and then the run ends with exit code 4."""
        begin = time.monotonic()
        while run.poll() is None and self.starts() == before and time.monotonic() - begin < 60:
            time.sleep(0.05)

    def wait(self, run):
        """Until nothing is left of a start; False where that takes too long."""
        begin = seen = time.monotonic()
        while time.monotonic() - begin < HOST_STUCK_S:
            if any(self.hosts.ranks(host, self.world.program) for host in (0, 1)):
                seen = time.monotonic()
            elif run.poll() is not None or time.monotonic() - seen > ABSENT_S:
                self.hosts.kill_all()
                run.wait()
                return True
            time.sleep(0.2)
        return False

    def start_and_strike(self):
        kind = self.chance.choice(HOST_KINDS) if self.tally.left() else None
        on, ranks = self.prepare()
        printed = self.world.folder / f"printed-{self.out.name}"
        keepalive = self.chance.random() < 0.5
        words = [*(KEEPALIVE if keepalive else []), *self.world.command(self.out, None, *SMALL)]
        starts = self.starts()
        run = self.hosts.start(self.world, on, ranks, words, printed)
        if kind:
            self.await_start(run, starts)
            time.sleep(self.chance.uniform(0.05, self.duration))
            try:
                if self.strike_hosts(kind, on):
                    self.tally.died(kind)
            except ProcessLookupError:
                pass
        if not self.wait(run):
            self.tally.fail(f"no run is stuck after the death of {kind}", printed.read_text())
            return None
        return printed.read_text()


def main():
    options = arguments(dying_publisher="", deaths=15, ranks=3, jobs=3, host_jobs=1, seed=1)
    world = World(options, recovery=True)
    reference = world.folder / "undisturbed"
    begin = time.monotonic()
    code, text = world.run(reference, options.ranks, *SMALL)
    duration = time.monotonic() - begin
    expect(code == 0, f"the undisturbed run finishes, in {duration:.1f} s", text)
    tally = Tally(options.deaths)
    with contextlib.ExitStack() as stack:
        jobs = [Job(n, options, world, reference, duration, tally) for n in range(options.jobs)]
        host_jobs = options.host_jobs if possible(world.folder) else 0
        for n in range(host_jobs):
            hosts = stack.enter_context(Hosts(world.folder, str(n)))
            jobs.append(HostJob(options.jobs + n, options, world, reference, duration, tally, hosts))
        threads = [threading.Thread(target=job.run) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(tally.deaths.items()))
    stuck = 1 if tally.trouble and "stuck" in tally.trouble else 0
    print(f"{sum(tally.deaths.values())} deaths ({kinds}) in {tally.rounds} rounds and {time.monotonic() - begin:.0f} s: "
          f"{tally.lost} lost, {tally.again} trained again after publication, {stuck} stuck")
    expect(tally.trouble is None, "every round ends with the bytes of the undisturbed run", tally.trouble or "")
    expect(tally.lost == 0 and tally.again == 0, "nothing lost, nothing done twice")


if __name__ == "__main__":
    main()
