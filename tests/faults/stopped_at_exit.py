#!/usr/bin/env python3
"""A rank that is stopped while it exits, after the others were let go, does not keep the launcher for ever."""

from world import World, arguments, expect


def main():
    options = arguments(dying_publisher="")
    world = World(options)
    runs = []
    for rank in (0, 1):
        mark = world.folder / f"stopped-{rank}"
        order = {"LD_PRELOAD": options.dying_publisher, "PEFTGRID_DIE": f"{rank},1,exit", "PEFTGRID_DIE_MARK": str(mark)}
        runs.append((rank, mark, world.start(world.folder / f"exit-{rank}", 2, "--only", "method=head", environment=order)))
    for rank, mark, run in runs:
        text, _ = run.communicate(timeout=90)
        expect(mark.exists() and "report: " in text, f"rank {rank} stopped while it exits does not keep the run for ever", text)


if __name__ == "__main__":
    main()
