#!/usr/bin/env python3
"""A long trial that is killed, or stopped, in its middle goes on from its last state, with the same bytes in the end.

Use: mid_trial.py --program P --make-world M
"""

import os
import re
import signal
import time

from world import World, arguments, events, expect

LONG = ["--only", "size=80,seed=1", "--set", "training.epochs=100", "--set", "selection.patience=0"]


def wait_for_state(world, out):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        kept = list((out / "checkpoints").glob("*.safetensors")) if (out / "checkpoints").exists() else []
        if kept:
            return True
        time.sleep(0.01)
    return False


def wait_for_assignment(out):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (out / "journal").exists() and any(kind == "assigned" for kind, _ in events(out)):
            return True
        time.sleep(0.01)
    return False


def resumed_steps(world, out):
    """The steps from which trials went on, as their files say."""
    text = b"".join(f.read_bytes() for f in (out / "trials").glob("*.h5"))
    steps = []
    for part in text.split(b'"resumed_step":')[1:]:
        steps.append(int(part[:12].split(b"}")[0].split(b",")[0]))
    return steps


def disturbed(world, reference, method, how, *more, ranks=(None, None)):
    """`ranks`: of the start that is disturbed, and of the one that goes on."""
    out = world.folder / "-".join([method, how, *(str(r) for r in ranks if r)])
    words = [*LONG, "--only", f"method={method}", *more]
    run = world.start(out, ranks[0], *words)
    if how == "killed":
        expect(wait_for_state(world, out), f"{method}: the state of a trial in hand is written down")
    else:
        expect(wait_for_assignment(out), f"{method}: a trial is handed out")
        time.sleep(0.7)  # some steps
    os.kill(run.pid, signal.SIGKILL if how == "killed" else signal.SIGTERM)
    run.communicate(timeout=60)
    kept = list((out / "checkpoints").glob("*.safetensors"))
    over = list((out / "trials").glob("*.h5"))
    expect(kept or over, f"{method} {how}: a state is left, or the trial was over")
    if over:
        return
    method += f" on {ranks[0] or 1} ranks, then {ranks[1] or 1}"
    code, text = world.run(out, ranks[1], *words)
    expect(code == 0, f"{method} {how}: the same command finishes", text)
    expect(max(resumed_steps(world, out)) > 0, f"{method} {how}: from the middle, not from the beginning")
    same, text = world.compare(reference, out)
    expect(same, f"{method} {how}: the same bytes as the undisturbed run", text)
    expect(not list((out / "checkpoints").iterdir()), f"{method} {how}: a finished trial's state is removed")


def damaged(world, reference):
    """A state that was cut short, or of another trial, is no state."""
    out = world.folder / "damaged"
    words = [*LONG, "--only", "method=lora", "--checkpoint-every", "0.05"]
    run = world.start(out, None, *words)
    expect(wait_for_state(world, out), "a state is written down")
    os.kill(run.pid, signal.SIGKILL)
    run.communicate(timeout=60)
    state = next((out / "checkpoints").glob("*.safetensors"))
    whole = state.read_bytes()
    numbers = re.search(rb'"micro_step":(\d)', whole).start(1)
    step = re.search(rb'"step":(\d)', whole).start(1)
    for what, place, byte in (
        ("a bit of a tensor", len(whole) // 2, whole[len(whole) // 2] ^ 1),
        ("a digit of micro_step", numbers, whole[numbers] ^ 1),
        ("a sign for the first digit of step", step, ord("-")),
    ):
        for file in (out / "trials").iterdir():
            file.unlink()
        state.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
        code, text = world.run(out, None, *words)
        expect(code == 0 and resumed_steps(world, out) == [0], f"with {what} changed the trial starts from its beginning", text)
        same, text = world.compare(reference, out)
        expect(same, "and gives the same bytes", text)


def main():
    world = World(arguments())
    for method in ("lora", "full", "head"):
        reference = world.folder / f"{method}-undisturbed"
        code, text = world.run(reference, None, *LONG, "--only", f"method={method}")
        expect(code == 0, f"{method}: the undisturbed run finishes", text)
        disturbed(world, reference, method, "killed", "--checkpoint-every", "0.05")
        disturbed(world, reference, method, "stopped")
        if method == "full":  # of width 3
            disturbed(world, reference, method, "killed", "--checkpoint-every", "0.05", ranks=(3, 2))
    damaged(world, world.folder / "lora-undisturbed")


if __name__ == "__main__":
    main()
