#!/usr/bin/env python3
"""Trial files that a start finds and cannot read: damaged ones run again, those of another layout or locked are let alone."""

import fcntl
from pathlib import Path

from world import World, arguments, expect

SMALL = ["--only", "method=head", "--set", "seeds=2"]
LAYOUT_1 = Path(__file__).resolve().parent.parent / "fuzz/corpus/trial_file/layout_1"


def main():
    world = World(arguments())
    out = world.folder / "run"
    code, text = world.run(out, None, *SMALL)
    expect(code == 0, "the grid finishes", text)
    whole = {file.name: file.read_bytes() for file in (out / "trials").glob("*.h5")}
    first, second = sorted((out / "trials").glob("*.h5"))[:2]

    first.write_bytes(whole[first.name][:1000])
    code, text = world.run(out, None, *SMALL)
    expect(code == 0 and f"set aside as {first.name}.damaged" in text, "a damaged file is set aside, and its trial runs again", text)
    expect(first.exists() and "[1/1]" in text, "no other trial does", text)

    second.write_bytes(LAYOUT_1.read_bytes())
    code, text = world.run(out, None, *SMALL)
    wanted = "its layout has version 1; this program reads version 2; go on with the program that wrote it"
    expect(code == 2 and wanted in text, f"a file of another layout ends the start with 2 and the reason (got {code})", text)
    expect(second.read_bytes() == LAYOUT_1.read_bytes(), "and is let alone")
    code, text = world.check(out)
    expect(code == 3 and "of another version: " in text and "delete" not in text, "check does not call it torn", text)

    second.write_bytes(whole[second.name])
    world.environment["HDF5_USE_FILE_LOCKING"] = "TRUE"  # else files are read without locks
    with second.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        code, text = world.check(out)
        expect(code == 3 and f"locked: {second}" in text and "delete" not in text, "check calls a locked file locked", text)
        code, text = world.run(out, None, *SMALL)
        expect(code == 2 and "is let alone" in text and str(second) in text, f"and a start that needs it ends with 2 (got {code})", text)
    del world.environment["HDF5_USE_FILE_LOCKING"]
    expect(second.read_bytes() == whole[second.name], "and lets it alone")


main()
