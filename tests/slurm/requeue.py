#!/usr/bin/env python3
"""A job whose grid takes longer than its time limit stops before it, puts itself back in the queue, and goes on."""

import time

from local_slurm import LocalSlurm
from submission import SlurmWorld, arguments, expect, job_of, log_text, trained_again, trial_files

LONG = ["--set", "training.epochs=100", "--set", "selection.patience=0"]
ENDLESS = ["--only", "method=full,size=80", "--set", "training.epochs=90000", "--set", "selection.patience=0"]
FIRST_ROUND_S = 8  # some of the quarter of a minute that the trials take; a slow machine's first ends in a later round
LOOK_S = 30  # slurmctld looks at time limits this often, from its start on


def wait_for_look(slurm, before_s):
    """Until slurmctld's next look at time limits is `before_s` away: a job that starts now has so long a round."""
    while (time.monotonic() - slurm.started) % LOOK_S < LOOK_S - before_s:
        time.sleep(0.1)


def check_time_limit(world):
    reference, out = world.folder / "undisturbed", world.folder / "requeued"
    code, text = world.run(reference, 2, *LONG)
    expect(code == 0, "the undisturbed run finishes", text)
    wait_for_look(world.slurm, FIRST_ROUND_S)
    # Slurm warns up to half a minute early; so near the limit it does so at its next look.
    code, text = world.submit(out, "--time", "1", "--signal-before", "50", "--ranks-per-node", "2", *LONG)
    expect(code == 0, "submit succeeds", text)
    job, rounds, published, lost = job_of(text), [], set(), set()
    while world.slurm.run("squeue", "--noheader", "--jobs", job, "--format=%T").strip():
        here = trial_files(out)
        lost |= published - set(here)
        published = set(here)
        if log_text(out).count("back to the queue") > len(rounds):
            rounds.append(here)
        time.sleep(0.2)
    state, code, restarts = world.slurm.wait_for(job, 1)
    log = log_text(out)
    expect(state == "COMPLETED" and code == 0, f"the job completes (got {state}, {code})", log)
    expect(restarts > 0 and "stopping (the time limit is near)" in log, f"it was put back in the queue before its time limit ({restarts} times)", log)
    at_end = trial_files(out)
    expect(len(at_end) == 32 and not lost, "no trial is lost", log)
    untouched = all(at_end[name] == written for here in rounds for name, written in here.items())
    counts = [len(here) for here in rounds]
    expect(any(0 < count < 32 for count in counts), f"a round ends between two trials (there are {counts} then)", log)
    expect(untouched and not trained_again(out), "no trial of an earlier round is trained twice", log)
    same, text = world.compare(reference, out)
    expect(same, "the same bytes as the undisturbed run", text)


def wait_for_round(out, round):
    """Until the round, counted from 0, trains."""
    deadline = time.monotonic() + 60
    while log_text(out).count("to run on") <= round and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)


def check_idle_rounds(world):
    out = world.folder / "idle"
    code, text = world.submit(out, "--time", "10", "--ranks-per-node", "1", *ENDLESS)
    expect(code == 0, "submit succeeds", text)
    job = job_of(text)
    for round in range(2):
        wait_for_round(out, round)
        (out / "checkpoints").touch()  # a file where the folder would be: the trial's state cannot be kept
        world.slurm.run("scancel", "--batch", "--signal=USR1", job)  # what Slurm does before the time limit
    state, code, restarts = world.slurm.wait_for(job, 60)
    log = log_text(out)
    expect(restarts == 1 and "2 rounds in a row without a finished trial or a newer checkpoint" in log and "the time limit may be too short" in log, "after two rounds that finished nothing it is not put back", log)
    expect(state == "FAILED" and code == 4, f"it ends as unfinished, with 4 (got {state}, {code})", log)


def check_cancelled(world):
    out = world.folder / "cancelled"
    code, text = world.submit(out, "--time", "10", "--ranks-per-node", "2", *ENDLESS)
    expect(code == 0, "submit succeeds", text)
    job = job_of(text)
    wait_for_round(out, 0)
    world.slurm.run("scancel", job)
    state, _, restarts = world.slurm.wait_for(job, 30)
    code, text = world.status(out)
    expect(state == "CANCELLED" and restarts == 0 and "not running" in text, f"a cancelled job ends and stays out of the queue (got {state})", log_text(out) + text)


def main():
    options = arguments()
    with LocalSlurm(nodes=1) as slurm:
        world = SlurmWorld(options, slurm)
        check_time_limit(world)
        check_idle_rounds(world)
        check_cancelled(world)


main()
