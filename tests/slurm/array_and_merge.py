#!/usr/bin/env python3
"""An array of shards, then merge and report: the same trials as one run, each in one shard."""

from local_slurm import LocalSlurm
from submission import SlurmWorld, arguments, expect, job_of, log_text, trial_files

SHARDS = 3


def main():
    options = arguments()
    with LocalSlurm(nodes=2) as slurm:
        world = SlurmWorld(options, slurm)
        reference, out = world.folder / "one run", world.folder / "an array"
        code, text = world.run(reference, 2)
        expect(code == 0, "one run finishes", text)
        words = ["--time", "5", "--ranks-per-node", "1", "--array", str(SHARDS)]
        code, text = world.submit(out, *words)
        expect(code == 0, "submit succeeds", text)
        code, standing = world.status(out)
        expect(code == 4 and "of 32 trials done" in standing, "status knows the whole grid from the start", standing)
        slurm.wait_for(job_of(text), 90)
        state, code, _ = slurm.wait_for(job_of(text, "then"), 60)
        log = log_text(out)
        expect(state == "COMPLETED" and code == 0, f"the merge completes (got {state}, {code})", log)
        shards = [set(trial_files(out / f"shard-{n}-of-{SHARDS}")) for n in range(1, SHARDS + 1)]
        expect(sum(map(len, shards)) == len(set.union(*shards)) == 32, f"each trial is in one shard ({[len(s) for s in shards]})")
        for name, other in (("the merged file", out / "all.h5"), ("the array's folder", out)):
            same, text = world.compare(reference, other)
            expect(same and "32 trials" in text, f"{name} and one run are identical", text)
        expect((out / "report/index.html").exists() and "32 of 32 trials done" in log, "one report of all trials", log)

        gone = next(iter(shards[1]))
        (out / f"shard-2-of-{SHARDS}/trials" / gone).unlink()
        code, text = world.submit(out, *words[:-1], str(SHARDS + 1))
        expect(code == 2 and f"--array {SHARDS} goes on with it" in text, "another number of shards is refused", text)
        code, text = world.submit(out, *words)
        expect(code == 0 and "1 trials to run" in text, "submitted again it has the missing trial to run", text)
        slurm.wait_for(job_of(text), 90)
        state, code, _ = slurm.wait_for(job_of(text, "then"), 60)
        same, text = world.compare(reference, out)
        expect(code == 0 and same, "and runs just that", text)


main()
