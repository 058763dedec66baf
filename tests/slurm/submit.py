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


def check_queued(world):
    """A job that waits, behind one that has taken all nodes."""
    hog = world.slurm.run("sbatch", "--parsable", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap", "sleep 60").strip()
    out = world.folder / "queued"
    words = ["--time", "5", "--ranks-per-node", "2", "--only", "method=head", "--sbatch", "--comment=a \"b\" c", "--sbatch", "--exclude=n2"]
    code, text = world.submit(out, *words)
    expect(code == 0, "submit succeeds", text)
    job = job_of(text)
    shown = world.slurm.run("scontrol", "show", "job", job)
    expect("ExcNodeList=n2" in shown and 'Comment=a "b" c' in shown, "options of sbatch's own reach it", shown)
    code, text = world.status(out)
    expect(f"Slurm job {job} is pending: " in text, "status says that the job waits, and why", text)
    code, text = world.submit(out, *words)
    expect(code == 2 and f"Slurm job {job} is pending" in text and f"scancel {job}" in text, "a folder whose job is queued is not submitted again", text)
    world.slurm.run("scancel", hog)
    state, code, _ = world.slurm.wait_for(job, 60)
    expect(state == "COMPLETED" and code == 0, f"the job completes (got {state}, {code})", log_text(out))
    code, text = world.status(out)
    expect(code == 0 and "Slurm job" not in text.replace("last started as Slurm job", ""), "and status says no more of the queue", text)


def check_outer_job(world):
    """Submitted from a job that was given memory by the core, where sbatch passes no environment on."""
    out = world.folder / "from a job"
    outer = {"SLURM_MEM_PER_CPU": "64", "SLURM_MEM_PER_NODE": "128", "SLURM_NTASKS": "7", "SLURM_CPUS_PER_TASK": "4", "SBATCH_EXPORT": "NONE",
             "SLURM_NTASKS_PER_NODE": "7", "SLURM_CPU_BIND": "quiet,mask_cpu:0x1", "SLURM_STEP_ID": "0", "SLURM_STEPID": "0", "PMIX_RANK": "0"}
    world.environment.update(outer)
    for launcher in ("mpirun", "srun"):
        code, text = world.submit(out / launcher, *TWO_NODES, "--mem", "256", "--only", "method=head", "--launcher", launcher, *SHARED_MACHINE)
        expect(code == 0, f"{launcher}: submit from a job succeeds", text)
        state, code, _ = world.slurm.wait_for(job_of(text), 90)
        log = log_text(out / launcher)
        expect(state == "COMPLETED" and code == 0 and "4 to run on 4 ranks" in log, f"{launcher}: what the outer job left is not in the way (got {state}, {code})", log)
    for name in outer:
        del world.environment[name]


def check_bare_program(world):
    """The program in a step that srun started without pmix."""
    words = ["srun", "--quiet", "--nodes=1", world.program, "--grid", world.grid, "--only", "method=head", "--out"]
    run = lambda tasks, out: subprocess.run([*words[:2], f"--ntasks={tasks}", *words[2:], out], env=world.environment, capture_output=True, text=True, timeout=60)  # noqa: E731
    done = run(1, world.folder / "one task")
    expect(done.returncode == 0 and "to run on 1 rank" in done.stdout, "one task is a run of one rank", done.stdout + done.stderr)
    done = run(3, world.folder / "three tasks")
    expect(done.returncode == 2 and done.stderr.count("srun --mpi=pmix") == 1 and not (world.folder / "three tasks").exists(),
           "several tasks are told once what would be right", done.stdout + done.stderr)


def check_limits(world):
    """What Slurm would take, and never begin."""
    def refused(words, *parts):
        code, text = world.submit(world.folder / "refused", "--ranks-per-node", "1", "--dry-run", *words)
        expect(code == 2 and all(part in text for part in parts), f"{' '.join(words)} is refused", text)

    refused(["--time", "02:00:00", "--partition", "short"], "more than partition short gives", "--time 01:00:00 would be right")
    refused(["--time", "UNLIMITED", "--partition", "short"], "more than partition short gives")
    refused(["--time", "5", "--array", "12"], "MaxArraySize", "--array 9 would be right")
    for time_limit in ("UNLIMITED", "0", "INFINITE"):
        code, text = world.submit(world.folder / "refused", "--ranks-per-node", "1", "--dry-run", "--time", time_limit)
        expect(code == 0 and f'#SBATCH --time="{time_limit}"' in text, f"--time {time_limit} is taken where the partition has no limit", text)


def check_waste(world):
    def said(words, warning):
        code, text = world.submit(world.folder / "waste", "--time", "5", "--dry-run", *words)
        expect(code == 0 and warning in text, f"{' '.join(words)}: “{warning}”", text)
        return text

    text = said(["--gres", "gpu:1"], "1 GPU a node asked for, but trials train on the CPU; --device cuda would use it")
    expect('#SBATCH --cpus-per-task="2"' in text and '#SBATCH --ntasks-per-node="1"' in text, "a GPU's rank gets the cores of its share, two of four", text)
    said(["--device", "cuda"], "asks for no GPU")
    said(["--device", "cuda", "--sbatch", "--gpus-per-node=2", "--ranks-per-node", "4"], "4 ranks a node share 2 GPUs")
    said(["--nodes", "9", "--ranks-per-node", "8"], "of 72 ranks no more than 48 ever have a trial")


def main():
    options = arguments()
    with LocalSlurm(more="MaxArraySize=10\nPartitionName=short Nodes=n[1-2] MaxTime=60\n") as slurm:
        world = SlurmWorld(options, slurm)
        by_mpirun = check_run(world, "mpirun", *SHARED_MACHINE)
        by_srun = check_run(world, "srun", "--launcher", "srun", "--gres", "gpu:1")
        same, text = world.compare(by_mpirun, by_srun)
        expect(same, "mpirun and srun give the same bytes", text)
        check_stubborn_launcher(world)
        check_dead_rank(world)
        check_dry_run(world, by_mpirun)
        check_short_time(world)
        check_limits(world)
        check_waste(world)
        check_queued(world)
        check_outer_job(world)
        check_bare_program(world)
        code, text = world.submit(by_mpirun, *TWO_NODES)
        expect(code == 0 and "nothing to submit" in text, "a finished run is not submitted again", text)


main()
