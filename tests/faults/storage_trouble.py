#!/usr/bin/env python3
"""A disk that is full, read-only or away while a grid runs: said once, what is finished is kept and written when the disk
comes back, a stop signal still ends the run at once; with --on-storage-trouble stop the run ends and the same command goes on.

Small file systems in memory stand for the disk, so it needs the right to mount. Use: storage_trouble.py --program P --make-world M
"""

import atexit
import os
import shutil
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from world import World, arguments, events, expect, trained_again

SKIPPED = 77
FEW = ["--only", "method=lora", "--set", "seeds=5", "--set", "training.epochs=12", "--set", "selection.patience=0"]


class Disk:
    """A file system of its own, of a size that the test can fill."""

    def __init__(self, place, kilobytes=2048):
        self.place = place
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", place], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.place], check=False)

    def fill(self):
        block = b"\0" * 4096
        with open(self.place / "filler", "ab", buffering=0) as file:
            try:
                while True:
                    file.write(block)
            except OSError:
                pass

    def empty(self):
        (self.place / "filler").unlink()


class Listener:
    """What a run prints, while it runs."""

    def __init__(self, run):
        self.run, self.lines = run, []
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()
        atexit.register(self.kill)

    def listen(self):
        for line in self.run.stdout:
            self.lines.append(line)

    def text(self):
        return "".join(self.lines)

    def kill(self):
        """What a failed test leaves running."""
        if self.run.poll() is None:
            os.killpg(self.run.pid, signal.SIGKILL)

    def said(self, what, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what in self.text():
                return True
            time.sleep(0.02)
        return False

    def end(self, seconds=60):
        code = self.run.wait(timeout=seconds)
        self.thread.join()
        return code


def can_mount(folder):
    try:
        with Disk(folder / "probe"):
            return True
    except (subprocess.CalledProcessError, FileNotFoundError, PermissionError):
        return False


def wait_for_trial(out):
    end = time.monotonic() + 60
    while not any((out / "trials").glob("*.h5")) and time.monotonic() < end:
        time.sleep(0.005)


def check_end(world, reference, out, text, name):
    expect(world.status(out) == 0, f"{name}: the grid is done", text)
    same, seen = world.compare(reference, out)
    expect(same, f"{name}: the same bytes as the undisturbed run", seen)
    expect(not trained_again(out), f"{name}: nothing is done twice")
    expect(not list((out / "trials").glob(".*.draft")), f"{name}: no draft is left")
    expect(not (out / "reserve").exists(), f"{name}: the room that was kept is given back")


def read_only(disk):
    """Not even root may make files in an immutable folder; a file system with open files cannot be made read-only."""
    subprocess.run(["chattr", "+i", disk.place / "run/trials"], check=True)


def writable(disk):
    subprocess.run(["chattr", "-i", disk.place / "run/trials"], check=True)


class Folder:
    """A plain folder in a disk's stead."""

    def __init__(self, place):
        self.place = place
        place.mkdir()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["chattr", "-R", "-i", self.place], check=False, capture_output=True)


def immutable_works(folder):
    try:
        with Folder(folder / "probe-immutable") as place:
            (place.place / "run/trials").mkdir(parents=True)
            read_only(place)
            return True
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False


def waits(world, reference, name, ranks, harm, mend, place=Disk):
    """Trouble comes and goes in the middle of a run that waits."""
    with place(world.folder / name) as disk:
        out = disk.place / "run"
        run = world.start(out, ranks, *FEW, "--checkpoint-every", "0.05")
        heard = Listener(run)
        wait_for_trial(out)
        expect((out / "reserve").exists(), f"{name}: room is kept for finished trials")
        harm(disk)
        expect(heard.said("storage: "), f"{name}: the trouble is said", heard.text())
        time.sleep(2)
        if harm is Disk.fill:
            expect(not (out / "reserve").exists(), f"{name}: which they have taken before anything waits")
            drafts = [file.name for folder in ("trials", "checkpoints") for file in (out / folder).glob(".*.draft")]
            expect(not drafts, f"{name}: no draft stays on the full disk", str(drafts))
        expect(run.poll() is None, f"{name}: the run waits", heard.text())
        mend(disk)
        code = heard.end()
        text = heard.text()
        expect(code == 0, f"{name}: the run ends well", text)
        expect(text.count("storage: ") == 1, f"{name}: it is said once", text)
        expect("storage works again after" in text or "end of the run waits" in text, f"{name}: its end is said too", text)
        check_end(world, reference, out, text, name)


def stops(world, reference, name, ranks):
    """The run ends when trouble comes; the same command goes on."""
    with Disk(world.folder / name) as disk:
        out = disk.place / "run"
        run = world.start(out, ranks, *FEW, "--on-storage-trouble", "stop")
        heard = Listener(run)
        wait_for_trial(out)
        disk.fill()
        heard.end()
        text = heard.text()
        expect("storage: " in text and "No space left" in text, f"{name}: the run stops and says why", text)
        expect(ranks is not None or run.returncode == 4, f"{name}: with exit code 4", text)
        kept = {f: f.stat().st_mtime_ns for f in (out / "trials").glob("*.h5")}
        disk.empty()
        code, text = world.run(out, ranks, *FEW)
        expect(code == 0, f"{name}: the same command goes on", text)
        expect(kept and all(f.stat().st_mtime_ns == at for f, at in kept.items()), f"{name}: what was finished is kept")
        check_end(world, reference, out, text, name)


def stopped_while_waiting(world, reference, name, ranks):
    with Disk(world.folder / name) as disk:
        out = disk.place / "run"
        run = world.start(out, ranks, *FEW)
        heard = Listener(run)
        wait_for_trial(out)
        disk.fill()
        expect(heard.said("storage: "), f"{name}: the trouble is said", heard.text())
        time.sleep(1)
        begin = time.monotonic()
        os.kill(run.pid, signal.SIGTERM)
        heard.end()
        seconds = time.monotonic() - begin
        expect(seconds < (0.7 if ranks is None else 2.5), f"{name}: a stop signal ends the waiting run at once ({seconds:.2f} s)", heard.text())
        disk.empty()
        code, text = world.run(out, ranks, *FEW)
        expect(code == 0, f"{name}: the same command goes on", text)
        check_end(world, reference, out, text, name)


def vanish(disk):
    os.rename(disk.place / "run", disk.place / "elsewhere")


def come_back(disk):
    os.rename(disk.place / "elsewhere", disk.place / "run")


def deleted(world, name):
    """The folder is deleted, and an empty one put in its place."""
    out = world.folder / name
    run = world.start(out, 2, *FEW)
    heard = Listener(run)
    wait_for_trial(out)
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    expect(heard.said("storage: "), f"{name}: the trouble is said", heard.text())
    (out / "trials").mkdir(parents=True)
    expect(heard.end() == 0, f"{name}: the run goes on in a new folder", heard.text())
    kinds = [kind for kind, _ in events(out)]
    expect(kinds.count("grid") == 1 and kinds[-1] == "end", f"{name}: its journal tells the grid again", str(kinds))
    code, text = world.run(out, 2, *FEW)
    expect(code == 0 and world.status(out) == 0, f"{name}: the same command trains what was deleted", text)


def main():
    world = World(arguments())
    if os.geteuid() != 0 or not can_mount(world.folder):
        print("skipped: no file system can be mounted here")
        raise SystemExit(SKIPPED)
    reference = world.folder / "undisturbed"
    code, text = world.run(reference, 2, *FEW)
    expect(code == 0, "the undisturbed run finishes", text)
    can_be_immutable = immutable_works(world.folder)
    if not can_be_immutable:
        print("skipped: read-only folder: this file system knows no immutable ones")
    both = ((None, "one process"), (2, "two ranks"))
    with ThreadPoolExecutor(2) as beside:  # they wait more than they compute
        done = [beside.submit(deleted, world, "deleted folder")]
        for ranks, words in both:
            done.append(beside.submit(waits, world, reference, f"full disk, {words}", ranks, Disk.fill, Disk.empty))
            done.append(beside.submit(waits, world, reference, f"vanished folder, {words}", ranks, vanish, come_back))
            done.append(beside.submit(stops, world, reference, f"stop, {words}", ranks))
            if can_be_immutable:
                done.append(beside.submit(waits, world, reference, f"read-only, {words}", ranks, read_only, writable, Folder))
        for one in done:
            one.result()
    for ranks, words in both:
        stopped_while_waiting(world, reference, f"signal, {words}", ranks)


if __name__ == "__main__":
    main()
