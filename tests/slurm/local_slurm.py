"""A Slurm of one's own: several nodes on this machine, for one test, gone with it. Standard library only.

munged, slurmctld and one slurmd a node run as this process's children, on loopback, as root, without systemd. State lies
in a new temporary folder, ports are free ones, so that tests can run at once. However a test ends, nothing of it stays:
what the daemons start becomes a child of this process and is killed with it (see `reap`).
"""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "sinfo")
SKIPPED = 77  # the exit code that ctest takes for "skipped"
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SBIN = "/usr/sbin:/sbin"

CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
{addresses}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
TmpFS={folder}/tmp/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=64
GresTypes=gpu
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
KillWait=5
MinJobAge=600
SlurmctldTimeout=30
SlurmdTimeout=30
InactiveLimit=0
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
PriorityType=priority/basic
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=n[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{last}] CPUs={cpus} RealMemory={memory} Gres=gpu:2
PartitionName=main Nodes=n[1-{nodes}] Default=YES MaxTime=INFINITE State=UP
"""


def skip(reason):
    print("SKIPPED: " + reason)
    sys.exit(SKIPPED)


class LocalSlurm:
    """`with LocalSlurm() as slurm:` — `slurm.environment` makes Slurm's commands talk to it.

    `more` are further lines of slurm.conf. With `own_hosts` each node has a host name of its own: n1, n2."""

    def __init__(self, nodes=2, cpus=4, more="", own_hosts=False):
        path = os.environ.get("PATH", "") + ":" + SBIN
        missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
        if missing:
            skip(", ".join(missing) + " not installed (Debian: slurm-wlm slurm-client munge)")
        if os.geteuid() != 0:
            skip("Slurm's daemons start as root only")
        self.nodes, self.cpus, self.more, self.own_hosts = nodes, cpus, more, own_hosts
        self.folder = Path(tempfile.mkdtemp(prefix="peftgrid-slurm-"))
        self.environment = dict(os.environ, PATH=path, SLURM_CONF=str(self.folder / "slurm.conf"))
        for name in [name for name in self.environment if name.startswith(("SLURM_", "SBATCH_")) and name != "SLURM_CONF"]:
            del self.environment[name]
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # through __exit__, not past it
        self._die_with_parent = lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def __enter__(self):
        try:
            self._configure()
            self._start("munged", "--foreground", "--force", "--key-file", self.folder / "key", "--socket",
                        self.folder / "munge.socket", "--pid-file", self.folder / "munge.pid", "--log-file",
                        self.folder / "munge.log", "--seed-file", self.folder / "seed", "--num-threads", "2")
            self._wait("munged's socket", lambda: (self.folder / "munge.socket").exists())
            self.started = time.monotonic()
            self._start("slurmctld", "-D", "-f", self.folder / "slurm.conf")
            for node in range(1, self.nodes + 1):
                name = f"n{node}"
                self._start(*(self._host(name) if self.own_hosts else []), "slurmd", "-D", "-f", self.folder / "slurm.conf", "-N", name)
            self._wait("idle nodes", self._all_idle)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        reap()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command):
        """What a command prints; its failure is the test's."""
        done = subprocess.run([str(word) for word in command], env=self.environment, capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def wait_for(self, job, deadline_s):
        """Until a job (all tasks of an array) has left the queue; its last state and exit code, such as COMPLETED 0."""
        end = time.monotonic() + deadline_s
        while self.run("squeue", "--noheader", "--jobs", job, "--format=%T").strip():
            if time.monotonic() > end:
                raise TimeoutError(f"job {job} is still there after {deadline_s} s:\n" + self.run("scontrol", "show", "job", job))
            time.sleep(0.2)
        shown = dict(word.split("=", 1) for word in self.run("scontrol", "show", "job", job).split() if "=" in word)
        return shown["JobState"], int(shown["ExitCode"].split(":")[0]), int(shown["Restarts"])

    def _host(self, name):
        """Words before a command that make it run on a host of this name, which all such hosts can resolve."""
        hosts = self.folder / "hosts"
        names = " ".join(f"n{node}" for node in range(1, self.nodes + 1))
        hosts.write_text(Path("/etc/hosts").read_text() + f"\n127.0.0.1 {names}\n")
        return ["unshare", "--uts", "--mount", "sh", "-c", f'mount --bind {hosts} /etc/hosts && hostname {name} && exec "$@"', "sh"]

    def kill_node(self, name):
        """All processes of a node with a host name of its own end at once, as when its power is cut."""
        pid = int((self.folder / f"slurmd.{name}.pid").read_text())
        host = os.readlink(f"/proc/{pid}/ns/uts")
        for namespace in Path("/proc").glob("[0-9]*/ns/uts"):
            try:
                if os.readlink(namespace) == host:
                    os.kill(int(namespace.parts[2]), signal.SIGKILL)
            except OSError:
                continue

    def _configure(self):
        host = socket.gethostname().split(".")[0]
        try:
            loopback = socket.gethostbyname(host).startswith("127.")
        except OSError:
            skip(f"the host name {host} has no address; /etc/hosts can give it 127.0.1.1")
        # Daemons that listen at the host name's address are heard at 127.0.0.1 only where that is loopback.
        addresses = "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny" if loopback else ""
        port = free_ports(self.nodes + 1)
        with open("/proc/meminfo") as meminfo:
            memory = int(meminfo.readline().split()[1]) // 1024 // self.nodes
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(host=host, folder=self.folder, port=port, first=port + 1, last=port + self.nodes,
                                 nodes=self.nodes, cpus=self.cpus, memory=memory, addresses=addresses) + self.more)
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        for gpu in range(2):
            device = self.folder / f"gpu{gpu}"
            try:
                os.mknod(device, 0o600 | 0o020000, os.makedev(1, 3))  # only a character device sets CUDA_VISIBLE_DEVICES
            except PermissionError:
                device.touch()
        (self.folder / "gres.conf").write_text(f"NodeName=n[1-{self.nodes}] Name=gpu File={self.folder}/gpu[0-1]\n")
        for name in ["state", *(f"spool/n{n}" for n in range(1, self.nodes + 1)), *(f"tmp/n{n}" for n in range(1, self.nodes + 1))]:
            (self.folder / name).mkdir(parents=True)
        key = self.folder / "key"
        key.touch(mode=0o400)
        key.write_bytes(os.urandom(1024))
        self.folder.chmod(0o755)

    def _start(self, *command):
        log = open(self.folder / (Path(command[0]).name + ".out"), "a")
        subprocess.Popen([str(word) for word in command], env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                         stderr=subprocess.STDOUT, preexec_fn=self._die_with_parent, start_new_session=True)

    def _all_idle(self):
        done = subprocess.run(["sinfo", "--noheader", "--Node", "--partition=main", "--format=%T"], env=self.environment, capture_output=True, text=True)
        return done.stdout.split() == ["idle"] * self.nodes

    def _wait(self, what, ready, deadline_s=20):
        end = time.monotonic() + deadline_s
        while not ready():
            if time.monotonic() > end:
                logs = "".join(f"{log.name}:\n{log.read_text()[-2000:]}\n" for log in sorted(self.folder.glob("*.[lo][ou][gt]")))
                raise TimeoutError(f"no {what} after {deadline_s} s:\n{logs}")
            time.sleep(0.05)


def free_ports(count):
    """The first of `count` neighbouring ports that nobody has, below those that the system gives away."""
    chance = random.Random(os.getpid())
    while True:
        first = chance.randrange(17000, 32000 - count)
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("", port))
            return first
        except OSError:
            continue


def parents():
    """The parent of each process."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[int(entry.parent.name)] = int(fields[1])
    return found


def descendants():
    parent, mine = parents(), {os.getpid()}
    while True:
        more = {pid for pid, above in parent.items() if above in mine} - mine
        if not more:
            return mine - {os.getpid()}
        mine |= more


def reap():
    """Kills all that this process has started, orphans included: as a subreaper it inherits those."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        left = descendants()
        if not left:
            return
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        while True:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    break
            except ChildProcessError:
                return
        time.sleep(0.02)
