"""Two hosts on one machine: each with a network, host name, /etc/hosts, /dev/shm and process numbers of its own, and a link
between. Folders that they have in common stand for a network file system. Needs root and namespaces."""

import os
import signal
import subprocess
import threading
from pathlib import Path

SKIPPED = 77
# With these mpirun notices in seconds that another host is away, instead of in minutes.
KEEPALIVE = ["--mca", "oob_tcp_keepalive_time", "5", "--mca", "oob_tcp_keepalive_intvl", "2", "--mca", "oob_tcp_keepalive_probes", "3"]

INIT = """hostname "$0"; mount --bind "{hosts}" /etc/hosts; mount -t tmpfs tmpfs /dev/shm; echo up
while :; do sleep 60; done
"""
# What mpirun calls instead of ssh. From one host's processes none can be started among another's, so the test is asked.
AGENT = """#!/bin/bash
host=$1; shift
call="{folder}/$host.$(cat /proc/sys/kernel/random/uuid)"
printf '%s' "$*" >"$call"; mkfifo "$call.code"; printf '%s\\n' "$call" >"{folder}/calls"
read -r code <"$call.code"; exit "$code"
"""


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True)


class Hosts:
    """Host 0 and host 1."""

    def __init__(self, folder, label=""):
        self.names = [f"pg{os.getpid()}{label}{letter}" for letter in "ab"]
        self.folder = Path(folder) / f"hosts{label}"
        self.is_cut = False
        self.inits = [None, None]  # the outer process, and the first one of the host

    def __enter__(self):
        a, b = self.names
        self.folder.mkdir(exist_ok=True)
        for name in self.names:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", a, "link", "add", "va", "type", "veth", "peer", "name", "vb", "netns", b)
        ip("-n", a, "addr", "add", "10.77.0.1/24", "dev", "va")
        ip("-n", b, "addr", "add", "10.77.0.2/24", "dev", "vb")
        ip("-n", a, "link", "set", "va", "up")
        self.mend()
        (self.folder / "hosts").write_text(f"127.0.0.1 localhost\n10.77.0.1 {a}\n10.77.0.2 {b}\n")
        agent = self.folder / "agent.sh"
        agent.write_text(AGENT.format(folder=self.folder))
        agent.chmod(0o755)
        self.environment = {
            "OMPI_MCA_plm_rsh_agent": str(agent),
            "OMPI_MCA_oob_tcp_if_include": "10.77.0.0/24",
            "OMPI_MCA_btl_tcp_if_include": "10.77.0.0/24",
            "OMPI_MCA_pml": "ob1",
            "OMPI_MCA_btl": "self,vader,tcp",
            "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
        }
        for host in (0, 1):
            self.boot(host)
        os.mkfifo(self.folder / "calls")
        self.answering = threading.Thread(target=self.answer, daemon=True)
        self.answering.start()
        return self

    def __exit__(self, *_):
        with open(self.folder / "calls", "w") as calls:
            calls.write("end\n")
        self.answering.join()
        for host in (0, 1):
            self.kill(host)
            ip("netns", "del", self.names[host], check=False)

    def boot(self, host):
        """A host that is down comes up, with none of its processes."""
        name = self.names[host]
        spaces = ["--uts", "--mount", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]
        words = ["ip", "netns", "exec", name, "unshare", *spaces, "bash", "-c", INIT.format(hosts=self.folder / "hosts"), name]
        outer = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                 start_new_session=True)  # fmt: skip
        if outer.stdout.readline() != "up\n":
            raise OSError("no host can be made here")
        inner = int(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()[0])
        self.inits[host] = (outer, inner)

    def is_up(self, host):
        return self.inits[host] is not None

    def kill(self, host):
        """All of its processes at once."""
        if not self.is_up(host):
            return
        outer, inner = self.inits[host]
        os.kill(inner, signal.SIGKILL)
        outer.wait()
        outer.stdout.close()
        self.inits[host] = None

    def command(self, host, words):
        """The command line that runs these words on a host."""
        _, inner = self.inits[host]
        return ["nsenter", "--target", str(inner), "--net", "--uts", "--mount", "--ipc", "--pid", *words]

    def answer(self):
        """Starts what mpirun wants to have started on the other host."""
        while True:
            with open(self.folder / "calls") as calls:
                for line in calls:
                    if line == "end\n":
                        return
                    threading.Thread(target=self.call, args=(Path(line.strip()),), daemon=True).start()

    def call(self, file):
        host = self.names.index(file.name.rsplit(".", 1)[0])
        code = 255  # as ssh where there is no such host
        if self.is_up(host):
            words = self.command(host, ["/bin/sh", "-c", file.read_text()])
            code = subprocess.run(words, env={**os.environ, **self.caller}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL).returncode  # fmt: skip
        reply = os.open(f"{file}.code", os.O_RDWR | os.O_NONBLOCK)  # the caller may be dead by now
        os.write(reply, f"{code}\n".encode())

    caller = {}

    def start(self, world, on, ranks, words, printed, environment=None):
        """mpirun on a host, with so many ranks on each: {host: ranks}."""
        where = ",".join(f"{self.names[host]}:{count}" for host, count in ranks.items())
        launcher = [*world.launcher, "--host", where, "-np", str(sum(ranks.values()))]
        self.caller = {**world.environment, **self.environment, **(environment or {})}
        # No pipe: daemons on the other host would keep it open.
        with open(printed, "w") as file:
            return subprocess.Popen(self.command(on, [*launcher, *words]), env=self.caller, stdin=subprocess.DEVNULL, stdout=file,
                                    stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip

    def pids(self, host):
        return [int(word) for word in ip("netns", "pids", self.names[host], check=False).stdout.split()]

    def ranks(self, host, program):
        """Processes of the program on a host."""
        found = []
        for pid in self.pids(host):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            if words[0].decode(errors="replace") == program and state != "Z":
                found.append(pid)
        return found

    def kill_all(self):
        """Every process that was started on them; they stay up."""
        first = [init[1] for init in self.inits if init]
        for pid in [pid for host in (0, 1) for pid in self.pids(host)]:
            if pid in first or any(init and pid == init[0].pid for init in self.inits):
                continue
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def cut(self):
        ip("-n", self.names[1], "link", "set", "vb", "down")
        self.is_cut = True

    def mend(self):
        ip("-n", self.names[1], "link", "set", "vb", "up")
        self.is_cut = False


def possible(folder):
    """Can such hosts be made here?"""
    if os.geteuid() != 0:
        return False
    try:
        with Hosts(folder, "x") as hosts:
            return subprocess.run(hosts.command(0, ["true"]), capture_output=True).returncode == 0
    except (OSError, subprocess.CalledProcessError):
        return False
