#!/usr/bin/env python3
"""What is printed cannot be printed: a log on a full disk, a reader that leaves, a closed stream. A run goes on to its end;
a command says that its answer is lost. And names that would play with the terminal are shown as text.
Use: output_trouble.py --program P --make-world M
"""

import os
import shutil
import subprocess
import sys

from world import World, arguments, expect

FEW = ["--only", "method=head", "--set", "seeds=2"]


def shell(world, line, **more):
    return subprocess.run(["bash", "-c", line], env=world.environment, capture_output=True, text=True, timeout=120, **more)


def quoted(words):
    return " ".join(f"'{word}'" for word in words)


def no_output_ends_a_run(world):
    for number, redirection in enumerate(
        (">/dev/full 2>&1", "2>/dev/full", ">/dev/full", ">&- 2>&-", "--quiet >/dev/full 2>&1", "| head -n 1 >/dev/null; exit ${PIPESTATUS[0]}")
    ):
        out = world.folder / f"run-{number}"
        done = shell(world, f"{quoted(world.command(out, None, *FEW))} {redirection}")
        expect(done.returncode == 0, f"a run with {redirection} ends with 0", f"{done.returncode}\n{done.stdout}{done.stderr}")
        expect(world.status(out) == 0, f"and all of its trials are there ({redirection})")
    # The same command with its options in another order is a run, too.
    done = shell(world, f"{quoted([world.program, '--out', world.folder / 'run-0', '--grid', world.grid, *FEW])} >/dev/full")
    expect(done.returncode == 0, "whichever option comes first", f"{done.returncode}\n{done.stderr}")


def a_lost_answer_is_said(world):
    out = world.folder / "run-0"
    program = quoted([world.program])
    for command in (f"status {out}", f"check {out}", f"plan --grid {world.grid}", f"report {out}", f"compare {out} {out}",
                    "--help", "--version", "status --help"):  # fmt: skip
        done = shell(world, f"{program} {command} >/dev/full")
        expect(done.returncode == 1, f"{command.split()[0]} to a full disk ends with 1", f"{done.returncode}\n{done.stderr}")
        expect("could not be written: No space left on device" in done.stderr, "and says why on the other stream", done.stderr)
        done = shell(world, f"{program} {command} >&-")
        expect(done.returncode == 1 and "could not be written" in done.stderr, f"{command.split()[0]} to a closed stream likewise", done.stderr)


def names_are_shown_as_text(world):
    """A folder whose name clears the screen, breaks the line, and is not UTF-8."""
    folder = os.fsencode(world.folder) + b"/odd \x1b[2J\n\xff name"
    shutil.copytree(os.fsencode(world.folder / "run-0"), folder)
    program = os.fsencode(world.program)
    for words in ([b"status"], [b"check"], [b"report", b"--quiet"], [b"compare", os.fsencode(world.folder / "run-0")]):
        done = subprocess.run([program, *words, folder], env=world.environment, capture_output=True, timeout=60)
        told = done.stdout + done.stderr
        name = words[0].decode()
        expect(done.returncode == 0, f"{name} reads a folder of any name", repr(told))
        expect(b"\x1b" not in told and b"\xff" not in told, f"{name} shows what is no text as text", repr(told))
        expect(b"internal" not in told, f"{name} calls nothing an internal error", repr(told))


def no_path_is_a_command(world):
    """A report whose path would make gnuplot run a program, were it to read it; each control character once."""
    for number in range(1, 32):
        folder = os.fsencode(world.folder) + b"/r" + bytes([number]) + b"system 'touch evil'" + bytes([number])
        done = subprocess.run([os.fsencode(world.program), b"report", os.fsencode(world.folder / "run-0"), b"--out", folder, b"--quiet"],
                              env=world.environment, capture_output=True, timeout=60, cwd=world.folder)  # fmt: skip
        evil = [place for place in world.folder.rglob("evil")]
        expect(done.returncode == 0 and not evil, f"a report in a folder with character {number} runs nothing", repr(done.stdout + done.stderr))
        expect(list(os.scandir(folder + b"/plots")), "and has its plots")


def a_run_in_a_folder_of_any_name(world):
    folder = os.fsencode(world.folder) + b"/caf\xe9"
    os.mkdir(folder)
    for entry in os.scandir(os.fsencode(world.folder)):
        if entry.is_file():
            shutil.copy(entry.path, folder)
        elif entry.name == b"model":
            shutil.copytree(entry.path, folder + b"/model")
    done = subprocess.run(
        [os.fsencode(world.program), b"--grid", folder + b"/grid.yaml", b"--out", folder + b"/out", *map(os.fsencode, FEW)],
        env=world.environment, capture_output=True, timeout=120, cwd=folder)  # fmt: skip
    told = done.stdout + done.stderr
    expect(done.returncode == 0, "a grid, its data and its run folder may lie in a folder whose name is not UTF-8", repr(told))
    expect(b"caf\\xe9" in told and b"\xe9/" not in told, "whose name is shown as text", repr(told))
    done = subprocess.run([world.program, "compare", world.folder / "run-0", folder + b"/out"], env=world.environment, capture_output=True)
    expect(done.returncode == 0, "with the same numbers", repr(done.stdout + done.stderr))


def main():
    world = World(arguments())
    no_output_ends_a_run(world)
    a_lost_answer_is_said(world)
    names_are_shown_as_text(world)
    no_path_is_a_command(world)
    a_run_in_a_folder_of_any_name(world)


if __name__ == "__main__":
    sys.exit(main())
