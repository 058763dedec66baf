#!/usr/bin/env python3
"""What is believed without a look: caches, weights that change under a run, caches that cannot be written, folders that
somebody else made first. Every case ends with the right numbers, or with a sentence that names the file.
Use: believed_files.py --program P --make-world M
"""

import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

from stopping import MANY, wait_for_trial
from world import World, arguments, expect

BF16 = ["--set", "precision=bf16", "--set", "seeds=2"]


def with_cache(world, cache):
    return {**world.environment, "XDG_CACHE_HOME": str(cache)}


def run(world, out, *more, environment=None, ranks=None):
    done = subprocess.run(world.command(out, ranks, *more), env=environment or world.environment, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def flip(file, count=1000, begin=0):
    """Other bytes of the same number, and the old times."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    dice = random.Random(1)
    for place in dice.sample(range(begin, len(content)), min(count, len(content) - begin)):
        content[place] ^= 0xFF
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def a_damaged_cache_is_made_anew(world, right):
    cache = world.folder / "damaged-cache"
    for kind, pattern in (("converted weights", "weights/*/model.safetensors"), ("tokens", "tokens/*.bin"), ("hashes", "hashes/*.json")):
        run(world, world.folder / f"first-{kind}", *BF16, environment=with_cache(world, cache))
        files = list((cache / "peftgrid").glob(pattern))
        if kind == "hashes" and not files:  # the tiny model is too small for one
            continue
        expect(files, f"there are cached {kind}")
        for file in files:
            flip(file)
        out = world.folder / f"second-{kind}"
        code, text = run(world, out, *BF16, environment=with_cache(world, cache))
        same, told = world.compare(right, out)
        expect(code == 0 and same, f"damaged {kind} of the cache change no number", text + told)


def a_hash_that_a_plan_remembers_is_not_believed_by_a_run(world, right):
    """Other weights of the same size with the old times: the trials are other trials."""
    model = world.folder / "touched"
    shutil.copytree(world.folder / "model", model)
    grid = ["--set", f"backbones.0={model}", *BF16]
    run(world, world.folder / "before-touch", *grid)
    flip(model / "model.safetensors", 1000, 4096)
    out = world.folder / "before-touch"
    code, text = run(world, out, *grid)
    expect(code == 0 and "already there" not in text, "weights with other bytes, the same size and times are other weights", text)


def weights_that_change_under_a_run_end_it(world):
    whole = world.folder / "whole"
    world.run(whole, 2, *MANY)  # the untouched model: the same ids
    for how in ("overwritten", "cut short", "replaced"):
        model = world.folder / f"model-{how.split()[0]}"
        shutil.copytree(world.folder / "model", model)
        weights = model / "model.safetensors"
        out = world.folder / f"changed-{how.split()[0]}"
        grid = ["--set", f"backbones.0={model}"]
        started = world.start(out, 2, *MANY, *grid)
        wait_for_trial(out)
        kept = {file.name for file in (out / "trials").glob("*.h5")}
        if how == "overwritten":
            flip(weights, 1000, 4096)
        elif how == "cut short":
            os.truncate(weights, 4096)
        else:
            other = model / "other"
            shutil.copy(weights, other)
            flip(other, 1000, 4096)
            other.replace(weights)
        text, _ = started.communicate(timeout=60)
        expect("model.safetensors" in text and "have changed" in text, f"weights that are {how} in mid-run end it, naming the file", text)
        expect("SIGBUS" not in text and "Bus error" not in text, "and no signal does", text)
        expect(world.status(out) == 4, "the run is unfinished")
        at_end = {file.name for file in (out / "trials").glob("*.h5")}
        (world.folder / f"same-{how.split()[0]}" / "trials").mkdir(parents=True)
        for name in at_end:
            shutil.copy(whole / "trials" / name, world.folder / f"same-{how.split()[0]}" / "trials")
        same, told = world.compare(world.folder / f"same-{how.split()[0]}", out)
        expect(same, "what was published has the numbers of the weights in its id", told)
        expect(kept <= at_end, "nothing finished is lost")


def the_same_bytes_again_are_no_change(world):
    model = world.folder / "model-again"
    shutil.copytree(world.folder / "model", model)
    out = world.folder / "again"
    started = world.start(out, None, *MANY, "--set", f"backbones.0={model}")
    wait_for_trial(out)
    os.link(model / "model.safetensors", model / "second-name")
    shutil.copy(model / "config.json", model / "copy")
    (model / "copy").replace(model / "config.json")
    text, _ = started.communicate(timeout=100)
    expect(started.returncode == 0, "a second link, or a file replaced by the same bytes, ends nothing", text)


def a_cache_that_cannot_be_written_costs_no_trial(world, right):
    """Root may write anywhere but where the file system is read-only, or a file stands in the way."""
    blocked = world.folder / "blocked"
    blocked.write_text("a file where the cache should be")
    for name, environment in (
        ("file-for-cache", with_cache(world, blocked)),
        ("no-home", {**{k: v for k, v in world.environment.items() if k not in ("HOME", "XDG_CACHE_HOME")}, "TMPDIR": str(world.folder)}),
        ("home-nowhere", {**{k: v for k, v in world.environment.items() if k != "XDG_CACHE_HOME"}, "HOME": "/proc/nowhere"}),
    ):
        out = world.folder / name
        code, text = run(world, out, *BF16, environment=environment)
        same, told = world.compare(right, out)
        expect(code == 0 and same, f"{name}: all trials are trained, with the same numbers", text + told)
        if name != "no-home":
            expect(text.count("the cache cannot be written") == 1, f"{name}: said once", text)


def the_jobs_folder_is_private(world):
    """Where the ranks of a node meet: no other user can enter it, nor guess its name."""
    names = []
    for number in range(2):
        out = world.folder / f"private-{number}"
        before = set(Path("/dev/shm").glob("peftgrid-*"))
        started = world.start(out, 2, *MANY)
        wait_for_trial(out)
        mine = [place for place in set(Path("/dev/shm").glob("peftgrid-*")) - before if str(started.pid) in place.name.split("-")]
        expect(len(mine) == 1, "the ranks of a node share one folder of memory", str(mine))
        expect(mine[0].stat().st_mode & 0o777 == 0o700, "which only its user may enter")
        names.append(mine[0].name.rsplit("-", 1)[1])
        os.kill(started.pid, signal.SIGTERM)
        started.communicate(timeout=60)
        expect(not mine[0].exists(), "and which goes with the job")
    expect(names[0] != names[1] and min(map(len, names)) >= 16, "its name cannot be guessed", str(names))


def folders_of_others_are_not_believed(world, right):
    """Without HOME the cache is a folder in /tmp: one that somebody else made first is not used, and a link not followed."""
    if os.geteuid() != 0:
        return print("skipped: only root can make another user's folder")
    temporary = world.folder / "tmp"
    environment = {k: v for k, v in world.environment.items() if k not in ("HOME", "XDG_CACHE_HOME")}
    environment["TMPDIR"] = str(temporary)
    target = world.folder / "target"
    for name in ("another user's", "a link", "open to all"):
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(target, ignore_errors=True)
        temporary.mkdir()
        target.mkdir()
        own = temporary / f"peftgrid-cache-{os.geteuid()}"
        if name == "a link":
            own.symlink_to(target)
        else:
            own.mkdir()
            own.chmod(0o777 if name == "open to all" else 0o700)
            if name == "another user's":
                os.chown(own, 12345, 12345)
        out = world.folder / f"others-{name.split()[0]}"
        code, text = run(world, out, *BF16, environment=environment)
        same, told = world.compare(right, out)
        expect(code == 0 and same, f"a cache folder that is {name} is not needed", text + told)
        expect(not any(target.iterdir()), "nothing is written through a link")
        expect(name == "a link" or not any(own.iterdir()), f"nothing is put into a folder that is {name}")


def main():
    world = World(arguments())
    right = world.folder / "right"
    code, text = run(world, right, *BF16)
    expect(code == 0, "a run in bf16 is done", text)
    a_damaged_cache_is_made_anew(world, right)
    a_hash_that_a_plan_remembers_is_not_believed_by_a_run(world, right)
    the_same_bytes_again_are_no_change(world)
    weights_that_change_under_a_run_end_it(world)
    a_cache_that_cannot_be_written_costs_no_trial(world, right)
    folders_of_others_are_not_believed(world, right)
    the_jobs_folder_is_private(world)


if __name__ == "__main__":
    main()
