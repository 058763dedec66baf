#!/usr/bin/env python3
"""Signals, and two starts on one folder."""

import os
import signal
import subprocess
import time
from pathlib import Path

from world import World, arguments, expect

MANY = ["--set", "seeds=5", "--set", "training.epochs=100", "--set", "selection.patience=0", "--only", "method=lora"]


def wait_for_trial(out, deadline_s=60):
    """Until the first trial is published: the run is in full swing."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if any((out / "trials").glob("*.h5")):
            return
        time.sleep(0.02)
    expect(False, "a first trial is published in time")


def ranks_alive(program, out):
    """Processes of the program, launcher left out, that work on a run folder."""
    count = 0
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        count += words[0] == program and str(out) in words
    return count


def stop(world, name, sent, ranks):
    """Sends a signal to a running grid; returns its exit code and how long its ranks took to leave."""
    out = world.folder / name
    run = world.start(out, ranks, *MANY)
    wait_for_trial(out)
    begin = time.monotonic()
    os.kill(run.pid, sent)
    while ranks_alive(world.program, out) and time.monotonic() - begin < 10:
        time.sleep(0.01)
    seconds = time.monotonic() - begin
    run.communicate(timeout=30)
    return out, run.returncode, seconds


def stays_where_it_is_told_to(world):
    out = world.folder / "nohup"
    run = subprocess.Popen(world.command(out, None, *MANY), env=world.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))  # fmt: skip
    wait_for_trial(out)
    os.kill(run.pid, signal.SIGHUP)
    time.sleep(1)
    expect(run.poll() is None, "under nohup it goes on")
    os.kill(run.pid, signal.SIGTERM)
    run.wait(timeout=30)


def goes_on_after_a_pause(world):
    """Ctrl-Z stops mpirun and its ranks; fg lets them go on: its SIGCONT is no wish to end."""
    out = world.folder / "paused"
    run = world.start(out, 2, *MANY)
    wait_for_trial(out)
    os.kill(run.pid, signal.SIGTSTP)
    time.sleep(2)
    before = len(list((out / "trials").glob("*.h5")))
    os.kill(run.pid, signal.SIGCONT)
    text, _ = run.communicate(timeout=120)
    expect(run.returncode == 0 and "stopped" not in text, "a run under mpirun that is paused (Ctrl-Z) and goes on (fg) ends well", text)
    expect(len(list((out / "trials").glob("*.h5"))) > before, "and trains the rest")


def main():
    world = World(arguments())
    for sent in (signal.SIGINT, signal.SIGTERM):
        out, code, seconds = stop(world, "bare-" + sent.name, sent, None)
        expect(code == 128 + sent, f"the bare program ends with 128 + {sent.name} (got {code})")
        expect(seconds < 0.7, f"it ends within 0.7 s of {sent.name} (took {seconds:.2f} s)")
        _, _, seconds = stop(world, "two-" + sent.name, sent, 2)
        expect(seconds < 0.7, f"under mpirun both ranks end within 0.7 s of {sent.name} (took {seconds:.2f} s)")
    out, code, seconds = stop(world, "bare-SIGHUP", signal.SIGHUP, None)
    expect(code == 128 + signal.SIGHUP and seconds < 0.7, f"a terminal that goes away (SIGHUP) stops a bare run in order (got {code}, {seconds:.2f} s)")
    stays_where_it_is_told_to(world)
    goes_on_after_a_pause(world)
    out = world.folder / "two-SIGTERM"
    kept = {file: file.stat().st_mtime_ns for file in (out / "trials").glob("*.h5")}
    code, text = world.run(out, 2, *MANY)
    expect(code == 0, "the same command goes on to the end", text)
    untouched = all(file.stat().st_mtime_ns == time_ns for file, time_ns in kept.items())
    expect(kept and untouched and f"{len(kept)} of them already there" in text, "what was finished is kept and not done again")

    first = world.start(world.folder / "shared", 2, *MANY)
    wait_for_trial(world.folder / "shared")
    code, text = world.run(world.folder / "shared", None, *MANY)
    expect(code == 2 and "in use by pid" in text, "a second start on a folder is refused, naming the first", text)
    os.kill(first.pid, signal.SIGTERM)
    first.communicate(timeout=30)


if __name__ == "__main__":
    main()
