#!/usr/bin/env python3
"""Jobs that more important ones push aside: each mode of preemption leaves a run that goes on, and is called by its name."""

import time

from local_slurm import LocalSlurm
from submission import SlurmWorld, arguments, expect, job_of, log_text, trained_again, trial_files

LONG = ["--set", "training.epochs=60", "--set", "selection.patience=0"]
PARTITIONS = "\n".join(
    ["PreemptType=preempt/partition_prio", "PreemptMode=SUSPEND,GANG",
     *(f"PartitionName={mode} Nodes=n1 PriorityTier=1 PreemptMode={mode.upper()}" for mode in ("requeue", "cancel", "suspend")),
     "PartitionName=urgent Nodes=n1 PriorityTier=10 PreemptMode=OFF MaxTime=60 MaxNodes=1", ""])


def wait_for_log(out, words, times=1):
    deadline = time.monotonic() + 90
    while log_text(out).count(words) < times and time.monotonic() < deadline:
        time.sleep(0.1)
    expect(log_text(out).count(words) >= times, f"the log says “{words}”", log_text(out))


def preempt(slurm):
    """A job of more importance, that takes the whole node for a moment."""
    job = slurm.run("sbatch", "--parsable", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap", "sleep 1").strip()
    slurm.wait_for(job, 60)


def submit(world, mode, *more):
    out = world.folder / mode
    code, text = world.submit(out, "--time", "30", "--ranks-per-node", "2", "--partition", mode, *LONG, *more)
    expect(code == 0, f"{mode}: submit succeeds", text)
    return out, job_of(text)


def check_requeue(world, reference):
    """Three times before a trial has ended: none is an idle round."""
    out, job = submit(world, "requeue")
    for round in range(1, 4):
        wait_for_log(out, "to run on", round)
        preempt(world.slurm)
    state, code, restarts = world.slurm.wait_for(job, 240)
    log = log_text(out)
    expect(state == "COMPLETED" and code == 0 and restarts == 3, f"requeue: it goes on by itself (got {state}, {code}, {restarts})", log)
    expect(log.count("stopping (preempted)") == 3 and "rounds in a row" not in log, "requeue: each preempted round is called so", log)
    same, text = world.compare(reference, out)
    expect(same and not trained_again(out), "requeue: the same bytes as the undisturbed run", text)


def check_cancel(world):
    out, job = submit(world, "cancel")
    wait_for_log(out, "to run on")
    preempt(world.slurm)
    state, _, restarts = world.slurm.wait_for(job, 60)
    code, text = world.status(out)
    expect(state == "PREEMPTED" and restarts == 0 and code == 4, f"cancel: the job ends for good (got {state})", log_text(out))
    expect(f"the last round, of Slurm job {job}, was preempted" in text, "cancel: status says why", text)


def check_suspend(world):
    out, job = submit(world, "suspend")
    wait_for_log(out, "to run on")
    preempt(world.slurm)
    expect("SuspendTime=None" not in world.slurm.run("scontrol", "show", "job", job), "suspend: the job was suspended")
    state, code, restarts = world.slurm.wait_for(job, 120)
    expect(state == "COMPLETED" and code == 0 and restarts == 0, f"suspend: the job halts and goes on (got {state}, {code})", log_text(out))


def main():
    options = arguments()
    with LocalSlurm(nodes=1, more=PARTITIONS) as slurm:
        world = SlurmWorld(options, slurm)
        reference = world.folder / "undisturbed"
        code, text = world.run(reference, 2, *LONG)
        expect(code == 0, "the undisturbed run finishes", text)
        check_requeue(world, reference)
        check_cancel(world)
        check_suspend(world)


main()
