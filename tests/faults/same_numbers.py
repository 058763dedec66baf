#!/usr/bin/env python3
"""The same numbers for any number of ranks and any order of trials."""

from world import World, arguments, expect


def main():
    world = World(arguments())
    reference = world.folder / "bare"
    code, text = world.run(reference)
    expect(code == 0, "the bare program finishes", text)
    for name, ranks, more in (("1 rank", 1, []), ("2 ranks", 2, []), ("4 ranks", 4, []), ("shuffled", 2, ["--order", "shuffled"])):
        out = world.folder / name.replace(" ", "_")
        code, text = world.run(out, ranks, *more)
        expect(code == 0, name + ": finishes", text)
        same, text = world.compare(reference, out)
        expect(same, name + ": the same bytes as the bare program", text)


if __name__ == "__main__":
    main()
