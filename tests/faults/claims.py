#!/usr/bin/env python3
"""Who owns a run folder: claims of dead and living hosts, of other PID namespaces, without locks, and files that are none.
Needs the right to make namespaces for some of it. Use: claims.py --program P --make-world M --no-locks LIBRARY
"""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from stopping import MANY, wait_for_trial
from world import World, arguments, expect

FEW = ["--only", "method=head", "--set", "seeds=1"]
CLAIM = {"host": "nodea", "boot": "of another machine", "pid_namespace": "pid:[1]", "pid": 1234, "start": 5, "parent": 1,
         "since": 0, "beat": 7}  # fmt: skip


def folder_of(world, name, claim=None):
    """A run folder with a finished grid, and that claim upon it."""
    out = world.folder / name
    code, text = world.run(out, None, *FEW)
    expect(code == 0, f"{name}: a first run is done", text)
    if claim:
        (out / "owner").write_text(json.dumps(claim) + "\n")
    return out


def a_dead_hosts_claim_is_taken_over(world):
    out = folder_of(world, "dead-host", CLAIM)
    said = subprocess.run([world.program, "status", out], env=world.environment, capture_output=True, text=True).stdout
    expect("on host nodea" in said and "last seen" in said, "status tells when the other host was last seen", said)
    begin = time.monotonic()
    code, text = world.run(out, None, *FEW)
    took = time.monotonic() - begin
    expect(code == 0, f"the claim of a host that fell silent is taken over (after {took:.0f} s)", text)
    expect(28 < took < 45, "not before the stated 30 s, and soon after", f"{took:.1f} s\n{text}")
    expect("its host may be dead" in text, "while it waits it says so", text)


def a_living_hosts_claim_is_refused(world):
    out = folder_of(world, "living-host", CLAIM)
    done = threading.Event()

    def beat():
        # Written over in place, as the program does: a file that is emptied first is nobody's for an instant.
        with open(out / "owner", "r+") as owner:
            for number in range(1000):
                if done.wait(2):
                    return
                owner.seek(0)
                owner.write(json.dumps({**CLAIM, "beat": number}) + "\n")
                owner.flush()

    beating = threading.Thread(target=beat, daemon=True)
    beating.start()
    begin = time.monotonic()
    code, text = world.run(out, None, *FEW)
    took = time.monotonic() - begin
    done.set()
    beating.join()
    expect(code == 2 and "in use by pid 1234 on host nodea" in text, "a claim that stirs is refused, naming host and pid", text)
    expect(took < 20, "as soon as it stirs", f"{took:.1f} s")


def another_pid_namespace_is_no_dead_process(world):
    inside = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*inside, "true"], capture_output=True).returncode != 0:
        return print("skipped: no right to make PID namespaces")
    out = world.folder / "containers"
    first = subprocess.Popen([*inside, *world.command(out, None, *MANY)], env=world.environment,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    wait_for_trial(out)
    code, text = world.run(out, None, *MANY)
    first.kill()
    first.wait()
    expect(code == 2 and "in use by pid" in text, "a living owner in another container of this host is not taken for dead", text)


def a_file_system_without_locks_will_do(world, library):
    for answer in ("ENOSYS", "ENOLCK"):
        out = world.folder / f"no-locks-{answer}"
        environment = {"LD_PRELOAD": library, "NO_LOCKS": answer, "XDG_CACHE_HOME": str(world.folder / f"cache-{answer}")}
        first = world.start(out, None, *MANY, "--set", "precision=bf16", environment=environment)
        wait_for_trial(out)
        second = world.start(out, None, *MANY, "--set", "precision=bf16", environment=environment)
        text, _ = second.communicate(timeout=60)
        expect(second.returncode == 2 and "in use by pid" in text, f"{answer} of flock: a second start is refused", text)
        first.send_signal(signal.SIGINT)
        text, _ = first.communicate(timeout=60)
        expect(first.returncode == 130, f"{answer} of flock: the first one trains, and ends in order", text)
        expect(not (out / "owner.lock").exists(), f"{answer} of flock: no lock file stays")
        (out / "owner.lock").write_text("of a process that died")
        third = world.start(out, None, *FEW, "--set", "precision=bf16", environment=environment)
        text, _ = third.communicate(timeout=60)
        expect(third.returncode == 0, f"{answer} of flock: the lock file of a dead process is no obstacle", text)


def what_is_no_plain_file_is_named(world):
    precious = world.folder / "precious"
    for name in ("owner", "journal"):
        for kind, make in (
            ("a symbolic link", lambda path: path.symlink_to(precious)),
            ("a symbolic link", lambda path: path.symlink_to(world.folder / "nowhere")),
            ("a pipe", os.mkfifo),
            ("a folder", os.mkdir),
        ):
            out = folder_of(world, f"{name}-{time.monotonic_ns()}")
            precious.write_text("precious")
            (out / name).unlink()
            make(out / name)
            code, text = world.run(out, None, *FEW, timeout=20)
            told = f"/{name}: is {kind}" in text and "plain file" in text
            expect(code == 2 and told, f"{kind} in place of {name} is named and refused", text)
            expect(precious.read_text() == "precious", f"what {name} leads to is not written to")
            for command in ("status", "check"):
                done = subprocess.run([world.program, command, out], env=world.environment, capture_output=True, text=True, timeout=20)
                expect(f"/{name}: is {kind}" in done.stdout + done.stderr, f"{command} names it, too", done.stdout + done.stderr)


def the_umask_decides_who_may_go_on(world):
    before = os.umask(0o002)
    out = folder_of(world, "group")
    os.umask(before)
    for file in [out / "owner", out / "journal", *(out / "trials").iterdir()]:
        mode = file.stat().st_mode & 0o777
        expect(mode == 0o664, f"{file.name} has the mode that the umask leaves", oct(mode))


def main():
    chosen = arguments(no_locks="")
    world = World(chosen)
    what_is_no_plain_file_is_named(world)
    the_umask_decides_who_may_go_on(world)
    a_living_hosts_claim_is_refused(world)
    another_pid_namespace_is_no_dead_process(world)
    a_file_system_without_locks_will_do(world, str(Path(chosen.no_locks).resolve()))
    a_dead_hosts_claim_is_taken_over(world)


if __name__ == "__main__":
    main()
