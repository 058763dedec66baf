#!/usr/bin/env python3
"""A trial that diverges ends alone: recorded with its reason, never repeated, the others untouched by it."""

from world import World, arguments, expect

# A decay of 100 at a rate of 10 multiplies what LoRA trains by -999 a step.
WILD = "{name: wild, learning_rate: 10, training: {weight_decay: 100, clip: 0, schedule: constant}}"
GRID = ["--set", "methods=[head, {lora: " + WILD + "}]", "--set", "seeds=1"]


def main():
    world = World(arguments())
    out = world.folder / "wild"
    code, text = world.run(out, 2, *GRID)
    expect(code == 0, f"divergence is a result: the grid ends with 0 (got {code})", text)
    trials = len(list((out / "trials").glob("*.h5")))
    expect(trials == 4, f"all four trials are kept, the diverged ones too (found {trials})")
    report = (out / "report/report.md").read_text()
    expect("diverged: the loss became NaN at step" in report, "the report tells what diverged and why", report)
    code, text = world.run(out, 2, *GRID)
    expect("4 of them already there" in text or "every trial is already there" in text, "a second start repeats none", text)


main()
