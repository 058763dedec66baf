#!/usr/bin/env python3
"""Merge and report of 10,000 trial files of 40 kB, twice: how long, and are the bytes the same?

Use: bench/files.py --make-run build/release/bench/make_sample_run
"""

import argparse
import filecmp
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def timed(*words):
    begin = time.monotonic()
    subprocess.run([ROOT / "build/orchestrator", *words], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def same_folders(first, second):
    names = sorted(f.relative_to(first) for f in first.rglob("*") if f.is_file())
    if names != sorted(f.relative_to(second) for f in second.rglob("*") if f.is_file()):
        return False
    return all(filecmp.cmp(first / name, second / name, shallow=False) for name in names)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--make-run", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(subprocess.run([options.make_run, folder / "run"], check=True, capture_output=True, text=True).stdout, end="")
        files = list((folder / "run/trials").iterdir())
        print(f"{len(files)} files of {sum(f.stat().st_size for f in files) / len(files) / 1000:.1f} kB on average")
        for again in ("1", "2"):
            merge = timed("merge", folder / "run", "--out", folder / f"{again}.h5")
            report = timed("report", folder / "run", "--out", folder / again, "--quiet")
            print(f"merge {merge:.1f} s, report {report:.1f} s, together {merge + report:.1f} s")
        merged = timed("report", folder / "1.h5", "--out", folder / "merged", "--quiet")
        print(f"report of the merged file {merged:.1f} s")
        same = filecmp.cmp(folder / "1.h5", folder / "2.h5", shallow=False) and same_folders(folder / "1", folder / "2")
        print("the same bytes" if same else "UNLIKE bytes")


if __name__ == "__main__":
    main()
