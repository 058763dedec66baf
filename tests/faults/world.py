"""A tiny grid to be run, killed and compared; used by the fault tests. Standard library only."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


class World:
    """A folder with a tiny model, task and grid, and the ways to run it."""

    def __init__(self, arguments, recovery=False):
        self.launcher = ["mpirun", "--oversubscribe", "--bind-to", "none", *(["--enable-recovery"] if recovery else [])]
        self.program = str(Path(arguments.program).resolve())
        self._temporary = tempfile.TemporaryDirectory(prefix="peftgrid-faults-")
        self.folder = Path(self._temporary.name)
        subprocess.run([arguments.make_world, self.folder, *([arguments.world] if arguments.world else [])], check=True)
        self.grid = self.folder / "grid.yaml"
        self.environment = dict(
            os.environ,
            OMPI_ALLOW_RUN_AS_ROOT="1",
            OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
            XDG_CACHE_HOME=str(self.folder / "cache"),
        )

    def command(self, out, ranks=None, *more):
        """The command line; without ranks the bare program."""
        launcher = [*self.launcher, "-np", str(ranks)] if ranks else []
        return [*launcher, self.program, "--grid", str(self.grid), "--out", str(out), "--progress", "plain", *more]

    def start(self, out, ranks=None, *more, environment=None):
        return subprocess.Popen(
            self.command(out, ranks, *more),
            env={**self.environment, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, out, ranks=None, *more, timeout=120):
        done = self.start(out, ranks, *more)
        text, _ = done.communicate(timeout=timeout)
        return done.returncode, text

    def status(self, out):
        """What `status --exit-code` says: 0 all done, 3 finished with failures, 4 unfinished; 2 where nothing was begun."""
        return subprocess.run([self.program, "status", out, "--exit-code"], env=self.environment, capture_output=True).returncode

    def check(self, out):
        done = subprocess.run([self.program, "check", str(out)], capture_output=True, text=True, env=self.environment)
        return done.returncode, done.stdout + done.stderr

    def compare(self, first, second):
        """Is `compare` of the opinion that the runs are identical? And what it says."""
        done = subprocess.run([self.program, "compare", first, second], env=self.environment, capture_output=True, text=True)
        return done.returncode == 0, done.stdout + done.stderr


def events(out):
    """(kind, body) of each whole line of a run's journal."""
    for line in (Path(out) / "journal").read_text(errors="replace").splitlines():
        parts = line.split(" ", 3)
        if len(parts) == 4:
            yield parts[2], json.loads(parts[3])


def trained_again(out):
    """Trials that were handed out after they had been reported finished."""
    finished, again = set(), []
    for kind, body in events(out):
        if kind == "assigned" and body["id"] in finished:
            again.append(body["id"])
        if kind == "finished":
            finished.add(body["id"])
    return again


def arguments(**more):
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--make-world", required=True)
    parser.add_argument("--world", default="", help="decoder: a LLaMA and its kinds of task instead of a BERT")
    for name, default in more.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default)
    return parser.parse_args()


def expect(condition, what, seen=""):
    """Ends the test with the reason and what was seen when something is not as promised."""
    if condition:
        print("ok: " + what)
        return
    print("FAILED: " + what + (":\n" + seen if seen else ""))
    sys.exit(1)
