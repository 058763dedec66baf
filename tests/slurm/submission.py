"""Submitting tiny grids to a Slurm of the test's own. Standard library only."""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "faults"))

from world import World, arguments, events, expect, trained_again  # noqa: E402, F401


class SlurmWorld(World):
    """The tiny grid of the fault tests beside a Slurm that its commands talk to."""

    def __init__(self, arguments, slurm):
        super().__init__(arguments)
        self.slurm = slurm
        self.environment = dict(slurm.environment, **{name: value for name, value in self.environment.items() if name not in slurm.environment})

    def submit(self, out, *more):
        """Exit code of `submit`, and what it says."""
        done = subprocess.run(
            [self.program, "submit", "--grid", self.grid, "--out", out, *more],
            env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def status(self, out):
        done = subprocess.run([self.program, "status", out, "--exit-code"], env=self.environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def told(text, word):
    """What `submit` prints behind each line's first word."""
    return re.findall(rf"^{word} +(.*)$", text, re.MULTILINE)


def job_of(text, word="job"):
    return told(text, word)[0].split(",")[0]


def trial_files(run):
    """Trial files of a run, by name, with the time when each was written."""
    return {file.name: file.stat().st_mtime_ns for file in (Path(run) / "trials").glob("*.h5")}


def log_text(out):
    return "".join(log.read_text(errors="replace") for log in sorted((Path(out) / "slurm").glob("*.log")))
