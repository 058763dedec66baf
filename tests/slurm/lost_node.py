#!/usr/bin/env python3
"""The node of rank 0 dies with all that runs on it: the requeued round takes the run folder over and ends the run."""

import re
import time

from local_slurm import LocalSlurm
from submission import SlurmWorld, arguments, events, expect, job_of, log_text, trained_again, trial_files

LONG = ["--set", "training.epochs=60", "--set", "selection.patience=0"]
# The nodes share one machine's memory files and addresses.
SHARED_MACHINE = ["--prologue", "export OMPI_MCA_btl=self,tcp"]
SOON = "SlurmdTimeout=10\n"  # until Slurm takes a silent node for lost


def wait_until(what, ready, deadline_s, out):
    deadline = time.monotonic() + deadline_s
    while not ready() and time.monotonic() < deadline:
        time.sleep(0.1)
    expect(ready(), what, log_text(out))


def main():
    options = arguments()
    with LocalSlurm(nodes=3, more=SOON, own_hosts=True) as slurm:
        world = SlurmWorld(options, slurm)
        reference, out = world.folder / "undisturbed", world.folder / "lost node"
        code, text = world.run(reference, 2, *LONG)
        expect(code == 0, "the undisturbed run finishes", text)
        code, text = world.submit(out, "--time", "10", "--nodes", "2", "--ranks-per-node", "1", *SHARED_MACHINE, *LONG)
        expect(code == 0, "submit succeeds", text)
        wait_until("two trials end before the node dies", lambda: len(trial_files(out)) >= 2, 120, out)
        start = next(body for kind, body in events(out) if kind == "start")
        expect(re.fullmatch("n[1-3]", start["host"]), "each node is a host of its own", str(start))
        slurm.kill_node(start["host"])
        before = trial_files(out)
        state, code, restarts = slurm.wait_for(job_of(text), 300)
        log = log_text(out)
        expect(state == "COMPLETED" and code == 0 and restarts > 0, f"Slurm puts the job back, and it ends (got {state}, {code}, {restarts})", log)
        after = trial_files(out)
        expect(len(after) == 32 and all(after[name] == written for name, written in before.items()) and not trained_again(out),
               "nothing is lost, and nothing trained twice", log)
        expect("the round before was cut off" in log and "rounds in a row" not in log, "the lost round is called so, and counted as nobody's fault", log)
        hosts = [body["host"] for kind, body in events(out) if kind == "start"]
        expect(hosts[-1] != start["host"], "another node has taken over", str(hosts))
        same, text = world.compare(reference, out)
        expect(same, "the same bytes as the undisturbed run", text)


main()
