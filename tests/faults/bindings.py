#!/usr/bin/env python3
"""mpirun binds each rank to a core by default: what two ranks of a node have is then two cores, as without a binding, and the
plan's time is the same. Use: bindings.py --program P --make-world M
"""

import os
import shutil

from world import World, arguments, events, expect

BINDINGS = ["core", "socket", "none"]
SKIPPED = 77


def last(out, wanted):
    return [body for kind, body in events(out) if kind == wanted][-1]


def main():
    if len(os.sched_getaffinity(0)) < 2:
        print("skipped: two cores are needed")
        raise SystemExit(SKIPPED)
    world = World(arguments())
    first = world.folder / "first"
    code, text = world.run(first, 2)
    expect(code == 0, "a first run is done, from which plans know what trials take", text)
    plans = {}
    for binding in BINDINGS:
        out = world.folder / f"bound-to-{binding}"
        shutil.copytree(first, out)
        for trial in sorted((out / "trials").glob("*.h5"))[::2]:
            trial.unlink()
        world.launcher = ["mpirun", "--bind-to", binding]
        code, text = world.run(out, 2)
        expect(code == 0, f"--bind-to {binding}: the run is done", text)
        expect(last(out, "start")["cores"] >= 2, f"--bind-to {binding}: two ranks have two cores", str(last(out, "start")))
        report = (out / "report/report.md").read_text()
        expect("more ranks than cores" not in report, f"--bind-to {binding}: the report does not say that cores were shared", report)
        expect("at the costs that it predicted no plan takes less" in " ".join(report.split()),
               f"--bind-to {binding}: the least time is called that of predicted costs", report)  # fmt: skip
        plans[binding] = last(out, "plan")["makespan"]
    expect(len(set(plans.values())) == 1, "a plan's time is the same under all three", str(plans))


if __name__ == "__main__":
    main()
