#!/usr/bin/env python3
"""A folder of results from before regression targets were standardised (whose trials are those of `targets: raw`, to the
id: tests/unit/trial_test.cpp) goes on rightly: as `raw` nothing is trained again, by default the regressions alone are."""

from world import World, arguments, events, expect

GRID = """run: older
backbones: [model]
tasks:
  - {name: words, train: train.tsv, test: test.tsv, text: text, label: label}
  - {name: numbers, train: train.tsv, test: test.tsv, text: text, label: label, kind: regression%s}
methods: [head, lora]
train_sizes: [40]
seeds: 2
selection: {rows: 20, every: epoch}
training: {epochs: 2, batch_size: 8, max_length: 32, learning_rate: 1.0e-3}
"""
RAW, DEFAULT = GRID % ", targets: raw", GRID % ""


def trials(out):
    return {file.name: file.read_bytes() for file in (out / "trials").glob("*.h5")}


def trained(world, out, grid):
    """Ids of the trials that one start on the folder hands out."""
    before = sum(1 for _ in events(out)) if (out / "journal").exists() else 0
    world.grid.write_text(grid)
    code, text = world.run(out)
    expect(code == 0, "the run ends well", text)
    return [body["id"] for kind, body in list(events(out))[before:] if kind == "assigned"]


def main():
    world = World(arguments())
    out = world.folder / "run"
    first = trained(world, out, RAW)
    older = trials(out)
    expect(len(first) == len(older) == 8, "raw targets: two tasks, two methods, two seeds are trained", str(first))
    expect(not any(b'"targets":"raw"' in content for content in older.values()), "raw targets leave no mark in a trial file")
    expect(trained(world, out, RAW) == [], "raw targets again: nothing is trained again")

    anew = trained(world, out, DEFAULT)
    now = trials(out)
    expect(len(anew) == 4, "by default four trials are trained", str(anew))
    expect(all(b'"kind":"regression"' in now[trial + ".h5"] for trial in anew), "they are the regression's")
    expect(all(b'"targets":"standardized"' in now[trial + ".h5"] for trial in anew), "on standardised targets")
    expect(all(now[name] == content for name, content in older.items()), "what was there is left to the byte")
    expect(trained(world, out, DEFAULT) == [], "by default again: nothing is trained again")
    expect(trained(world, out, RAW) == [], "back to raw targets: nothing is trained again")


main()
