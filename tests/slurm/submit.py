#!/usr/bin/env python3
"""`orchestrator submit` of a tiny grid, over two nodes: it ends with all trials and a report, by mpirun and by srun."""

import os
import signal
import subprocess
import time
from pathlib import Path

from local_slurm import LocalSlurm
from submission import SlurmWorld, arguments, expect, events, job_of, log_text, told, trial_files

# The nodes share one machine's memory files; mpirun's ranks of two nodes would open each other's.
SHARED_MACHINE = ["--prologue", "export OMPI_MCA_btl=self,tcp"]
TWO_NODES = ["--time", "5", "--nodes", "2", "--ranks-per-node", "2"]


def check_run(world, name, *more):
    """One submitted run, whose folder's name needs quoting in every language it passes."""
    out = world.folder / f"it's 100% \"{name}\" $HOME #1"
    code, text = world.submit(out, *TWO_NODES, *more)
    expect(code == 0, f"{name}: submit succeeds", text)
    state, code, _ = world.slurm.wait_for(job_of(text), 90)
    log = told(text, "log")[0]
    expect(state == "COMPLETED" and code == 0, f"{name}: the job completes (got {state}, {code})", log_text(out))
    expect(len(trial_files(out)) == 32, f"{name}: all 32 trials are there", log_text(out))
    expect((out / "report/index.html").exists(), f"{name}: with a report")
    expect("32 to run on 4 ranks" in open(log).read(), f"{name}: the log lies where submit says")
    start = next(body for kind, body in events(out) if kind == "start")
    expect(start.get("job") == job_of(text) and start.get("nodes") == "n[1-2]", f"{name}: the journal knows job and nodes", str(start))
    done = subprocess.run(told(text, "status")[0] + " --exit-code", shell=True, env=world.environment, capture_output=True, text=True)
    expect(done.returncode == 0 and "32 of 32 trials done" in done.stdout, f"{name}: the status command that submit prints works", done.stdout + done.stderr)
    return out


def check_stubborn_launcher(world):
    """mpirun does not always end when its ranks have; the job must."""
    programs = world.folder / "stubborn"
    programs.mkdir()
    (programs / "mpirun").write_text('#!/bin/sh\nwhile [ "${1##*/}" != orchestrator ]; do shift; done\n"$@"\nexec sleep 600\n')
    (programs / "mpirun").chmod(0o755)
    out = world.folder / "stubborn launcher"
    code, text = world.submit(out, "--time", "5", "--ranks-per-node", "1", "--only", "method=head", "--prologue", f"PATH={programs}:$PATH")
    expect(code == 0, "submit succeeds", text)
    state, code, _ = world.slurm.wait_for(job_of(text), 60)
    expect(state == "COMPLETED" and code == 0, f"a launcher that stays when the run is over is ended (got {state}, {code})", log_text(out))


def check_dead_rank(world):
    """Of another node than mpirun's, which then never ends by itself."""
    out = world.folder / "dead rank"
    code, text = world.submit(out, *TWO_NODES, *SHARED_MACHINE, "--set", "training.epochs=25", "--set", "selection.patience=0")
    expect(code == 0, "submit succeeds", text)
    deadline = time.monotonic() + 120
    while "[2/32]" not in log_text(out) and time.monotonic() < deadline:
        time.sleep(0.1)
    expect("[2/32]" in log_text(out), "two trials end before a rank dies", log_text(out))
    os.kill(rank_of(world.program, 3), signal.SIGKILL)
    state, code, restarts = world.slurm.wait_for(job_of(text), 90)
    log = log_text(out)
    expect(state == "COMPLETED" and code == 0 and restarts == 0, f"a rank that dies does not keep the job from its end (got {state}, {code})", log)
    expect(len(trial_files(out)) == 32 and "died" in log, "the others do its work, and the log tells of it", log)


def rank_of(program, rank):
    """The process of a rank, by the environment that mpirun gave it."""
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if os.readlink(entry.parent / "exe") == program and f"OMPI_COMM_WORLD_RANK={rank}".encode() in entry.read_bytes().split(b"\0"):
                return int(entry.parent.name)
        except OSError:
            continue
    raise LookupError(f"rank {rank} is not there")


def check_dry_run(world, submitted):
    out = world.folder / "dry"
    words = ["submit", "--grid", world.grid, "--out", out, *TWO_NODES, *SHARED_MACHINE, "--dry-run"]
    done = subprocess.run([world.program, *words], env=world.environment, capture_output=True, text=True)
    kept = (submitted / "slurm/grid.sbatch").read_text()
    expect(done.returncode == 0 and len(done.stdout.splitlines()) == len(kept.splitlines()), "--dry-run prints the script that would be kept", done.stdout)
    expect(not out.exists(), "--dry-run writes nothing")


def check_short_time(world):
    words = ["--time", "1", "--ranks-per-node", "1", "--set", "training.epochs=5000", "--dry-run"]
    code, text = world.submit(world.folder / "short", *words)
    expect(code == 0 and "warning: " in text and "would do for it" in text, "a time that is too short is told, with one that would do", text)


def main():
    options = arguments()
    with LocalSlurm() as slurm:
        world = SlurmWorld(options, slurm)
        by_mpirun = check_run(world, "mpirun", *SHARED_MACHINE)
        by_srun = check_run(world, "srun", "--launcher", "srun", "--gres", "gpu:1")
        same, text = world.compare(by_mpirun, by_srun)
        expect(same, "mpirun and srun give the same bytes", text)
        check_stubborn_launcher(world)
        check_dead_rank(world)
        check_dry_run(world, by_mpirun)
        check_short_time(world)
        code, text = world.submit(by_mpirun, *TWO_NODES)
        expect(code == 0 and "nothing to submit" in text, "a finished run is not submitted again", text)


main()
