#!/usr/bin/env python3
"""The program itself with --collectives nccl: over the stand-in for NCCL, with a fault in it, and without a GPU."""

from pathlib import Path

from world import World, arguments, expect

FEW = ["--only", "method=lora,size=40", "--set", "seeds=1", "--set", "training.epochs=1"]
NCCL = [*FEW, "--collectives", "nccl", "--device", "cpu"]


def main():
    given = arguments(standin="")
    world = World(given)
    alone = dict(world.environment)
    over_standin = dict(alone, LD_LIBRARY_PATH=given.standin)

    world.environment = over_standin
    code, text = world.run(world.folder / "nccl", 2, *NCCL)
    expect(code == 0, "a grid runs over NCCL's stand-in on 2 ranks", text)
    world.environment = alone
    code, text = world.run(world.folder / "mpi", 2, *FEW, "--collectives", "mpi")
    expect(code == 0, "the same grid runs over MPI", text)
    same, text = world.compare(world.folder / "nccl", world.folder / "mpi")
    expect(same, "a trial that two ranks share is the same over both (the stand-in adds in rank order)", text)

    world.environment = dict(over_standin, PEFTGRID_NCCL_FAULT="error 1 1")
    code, text = world.run(world.folder / "fault", 2, *NCCL)
    expect(code == 2, f"where NCCL fails the run is refused with exit code 2 (got {code})", text)
    said = [line for line in text.splitlines() if line.startswith("orchestrator:")]
    expect(len(said) == 1 and "rank 1: " in said[0] and said[0].endswith("; use --collectives mpi"),
           "one line names the rank and what would be right", text)
    expect(not (world.folder / "fault").exists(), "nothing has been begun")

    world.environment = dict(over_standin, PEFTGRID_NCCL_FAULT="error 1 3")
    code, text = world.run(world.folder / "fault-in-a-step", 2, *NCCL)
    expect(code == 3, f"where NCCL fails in the middle of a trial, that trial has failed (exit code 3, got {code})", text)
    expect("the ranks that share it lost touch: step 3: rank 1: " in text, "and the reason names step and rank", text)
    world.environment = over_standin
    code, text = world.run(world.folder / "fault-in-a-step", 2, *NCCL)
    expect(code == 0, "the same command tries it again", text)

    if Path("/dev/nvidiactl").exists():
        print("skipped: what happens without a GPU; this machine has one")
        return
    world.environment = alone
    for ranks in (None, 2):
        code, text = world.run(world.folder / "no-gpu", ranks, *NCCL)
        expect(code == 2 and "no CUDA device" in text and "; use --collectives mpi" in text,
               f"without a GPU and the stand-in it is refused clearly on {ranks or 1} rank(s)", text)
        code, text = world.run(world.folder / "no-gpu", ranks, *FEW, "--device", "cuda")
        expect(code == 2 and "no CUDA device" in text and "; use --device cpu" in text,
               f"and so is training on one, on {ranks or 1} rank(s)", text)


if __name__ == "__main__":
    main()
