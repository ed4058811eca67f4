"""What strace reports of the inner room, line by line → the deeds of each step.

Everything that came from an observed process stands in hexadecimal digits (`strace -xx`), so no
text of it can look like another line.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from package_gate.observation import canaries
from package_gate.observation.documents import MAX_DEEDS, DeedKind
from package_gate.observation.inside import BUILD, ENVIRONMENT, MARKER

CALLS = (
    "execve,execveat,fork,vfork,clone,open,openat,openat2,creat,rename,renameat,renameat2,link,linkat,"
    "symlink,symlinkat,unlink,unlinkat,rmdir,chdir,connect,bind,sendto,sendmsg,sendmmsg"
)
CLOSED = (
    "io_uring_setup,memfd_create,ptrace,process_vm_readv,process_vm_writev,bpf,perf_event_open,"
    "userfaultfd,add_key,request_key,keyctl,shmget,msgget,semget,pidfd_getfd,kexec_load,init_module,"
    "finit_module,open_tree,fsopen,move_mount,open_by_handle_at"
)
"""Calls that strace reports and denies."""
POWERLESS = "mount,umount2,pivot_root,setns,unshare,chroot"
"""Calls that make the inner room, and that have no power in it."""
NAMESERVER = "198.18.0.1"
METADATA_ADDRESSES = ("169.254.169.254", "169.254.170.2", "fd00:ec2::254")

_REPORTED = frozenset(f"{CLOSED},{POWERLESS}".split(","))
_LINE = re.compile(r"(\d+) +\d+\.\d+ (.*)")
_CALL = re.compile(r"(\w+)\((.*)\) += (-?\d+|\?)(.*)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_OPENED = re.compile(r"<((?:\\x[0-9a-f]{2})+)>")
_AT = re.compile(r'(?:AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})*)>, "((?:\\x[0-9a-f]{2})*)"')
_ADDRESS = re.compile(
    r"sa_family=AF_INET6?, sin6?_port=htons\((\d+)\).*?"
    r'(?:inet_addr\(|inet_pton\(AF_INET6, )"((?:\\x[0-9a-f]{2})*)"'
)
_RANDOM = re.compile(r"tmp[a-z0-9_]{6,}|[0-9a-f]{8,}|\d{3,}")
_WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")
_HOME = canaries.HOME
_STEP_COMMAND = [f"{ENVIRONMENT}/bin/python", "/inside.py", "step"]
_PYTHON = re.compile(rf"({ENVIRONMENT}|(?!/home/|/tmp/|/dev/).*)/bin/python3?(\.\d+)?")
"""The interpreter, and nothing that the package could have put where it may write."""
_PERSISTENT = re.compile(
    rf"{_HOME}/(\.(bash|zsh|profile|config/fish|ipython/|jupyter/|config/pip/|pip/|pypirc|gitconfig|"
    r"config/git/|git-credentials|netrc|npmrc|ssh/|aws/|kube/|docker/|config/autostart/|config/systemd/|"
    r"local/lib/python|local/bin/|local/share/jupyter/))"
    r"|.*/\.git/hooks/|/etc/|/var/spool/cron/|/usr/|/bin/|/lib"
    r"|.*/site-packages/([^/]+\.(pth|start)|(site|user)customize(\.py|/.*))\Z"
)
_NOT_WRITTEN = re.compile(
    rf"/dev/(null|tty|full|zero|u?random|ptmx|pts/.*)\Z|/dev/shm/|/proc/|{BUILD}/"
)


def text_of(digits: str) -> str:
    r"""Read a string that strace wrote as `\x2f\x74…`."""
    return bytes.fromhex(digits.replace("\\x", "")).decode("utf-8", "replace")


@dataclass(slots=True)
class Trace:
    """What a run has done so far."""

    step: int = -1
    """The step that is under way; -1 before the first one."""
    alive: int = 0
    """How many processes and threads have begun, and not ended."""
    deeds: Counter[tuple[DeedKind, str, int]] = field(default_factory=Counter)
    """Kind, what, and in which step."""
    ports: set[int] = field(default_factory=set)
    """TCP ports outside loopback that were connected to."""
    datagrams: list[tuple[int, str, bytes]] = field(default_factory=list)
    """What was sent by UDP, but to the name server: step, address with port, the first bytes."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Address → the name that was asked for when it was given."""
    _inside: int = 0
    """The process that begins the steps."""
    _unfinished: dict[int, str] = field(default_factory=dict)
    _folders: dict[int, str] = field(default_factory=dict)
    _peers: dict[tuple[int, str], str] = field(default_factory=dict)

    def note(self, kind: DeedKind, what: str) -> None:
        """Count a deed of the step that is under way."""
        key = (kind, what[:500], self.step)
        if key in self.deeds or sum(each[0] == kind for each in self.deeds) < MAX_DEEDS:
            self.deeds[key] += 1

    def read(self, line: str) -> None:
        """Take a line in."""
        match = _LINE.match(line)
        if match is None:
            return
        pid, rest = int(match[1]), match[2]
        if rest.startswith("+++ "):
            self.alive -= 1
            if "SIGSYS" in rest:
                self.note("closed-call", "a call that would not have been seen")
            return
        if rest.endswith("<unfinished ...>"):
            self._unfinished[pid] = rest.removesuffix("<unfinished ...>").rstrip()
            return
        if rest.startswith("<... "):
            rest = self._unfinished.pop(pid, "") + rest.partition(" resumed>")[2]
        call = _CALL.match(rest)
        if call is None:
            return
        name, arguments, result, more = call.groups()
        if name in ("clone", "fork", "vfork") and result.isdigit():
            self.alive += 1
            return
        self._see(pid, name, arguments, result, more)

    def _see(self, pid: int, name: str, arguments: str, result: str, more: str) -> None:
        if name in _REPORTED:
            if self.step >= 0:
                self.note("closed-call", name)
        elif name == "chdir":
            if result == "0":
                self._folders[pid] = self._path(pid, _strings(arguments)[0])
        elif name in ("open", "openat", "openat2", "creat"):
            self._see_open(pid, name, arguments, result, more)
        elif self.step < 0 or pid == self._inside:
            return
        elif name in ("execve", "execveat"):
            self._see_start(arguments, result, more)
        elif name == "connect":
            self._see_connect(pid, arguments)
        elif name == "bind":
            self._see_bind(arguments)
        elif name.startswith("send"):
            self._see_datagram(pid, arguments)
        else:
            for path in self._paths(pid, arguments):
                self._see_write(path)

    def _see_open(self, pid: int, name: str, arguments: str, result: str, more: str) -> None:
        paths = self._paths(pid, arguments)
        path = paths[0] if paths else ""
        if path.startswith(f"{MARKER}/") and self._inside in (0, pid):
            self._inside = pid
            number = path.removeprefix(f"{MARKER}/")
            self.step = int(number) if number.isdigit() else self.step
            return
        if self.step < 0 or pid == self._inside:
            return
        opened = _OPENED.search(more)
        real = text_of(opened[1]) if opened and not result.startswith("-") else path
        if name == "creat" or any(flag in arguments for flag in _WRITING):
            self._see_write(real)
        elif (canary := canaries.owner(real)) is not None:
            self.note("canary-read", canary)

    def _see_write(self, path: str) -> None:
        if _NOT_WRITTEN.match(path) or "/__pycache__" in path:
            return
        kind: DeedKind = "persists" if _PERSISTENT.match(path) else "writes"
        self.note(kind, _RANDOM.sub("*", path))

    def _see_start(self, arguments: str, result: str, more: str) -> None:
        _, _, after = arguments.partition("[")
        command = [text_of(each) for each in _STRING.findall(after.partition("]")[0])]
        first = next(iter(_strings(arguments)), "")
        if command[:3] == _STEP_COMMAND or command == [first, "--help"]:
            return
        if _PYTHON.fullmatch(first):
            first = "/usr/bin/python"
        program = first
        is_absent = result == "-1" and "ENOENT" in more
        if is_absent or re.fullmatch(
            r"/(usr/(local/)?)?s?bin/[^/]+|/usr/lib.*/(cc1|cc1plus|collect2)", first
        ):
            program = first.rpartition("/")[2]
        what = " ".join([program, *command[1:]])
        self.note("starts", _RANDOM.sub("*", what.replace(str(ENVIRONMENT), "ENV")))

    def _see_connect(self, pid: int, arguments: str) -> None:
        descriptor = arguments.partition("<")[0]
        if "AF_UNIX" in arguments:
            path = next(iter(_strings(arguments.partition("sun_path")[2])), "")
            if path.endswith(("docker.sock", "containerd.sock", "podman.sock")):
                self.note("connects", path)
            return
        target = _ADDRESS.search(arguments)
        if target is None:
            return
        port, address = int(target[1]), text_of(target[2])
        if not arguments.startswith(f"{descriptor}<TCP"):
            # Nothing is sent yet; resolvers do so to learn a route.
            self._peers[pid, descriptor] = f"{address}:{port}"
            return
        if _is_loopback(address) or (address, port) == (NAMESERVER, 53):
            return
        self.ports.add(port)
        self._note_reached(address, port)

    def _note_reached(self, address: str, port: int) -> None:
        name = self.names.get(address, address)
        if address in METADATA_ADDRESSES or name.startswith("metadata.google"):
            self.note("metadata", f"{name}:{port}")
        else:
            self.note("connects", f"{name}:{port}")

    def _see_bind(self, arguments: str) -> None:
        place = _ADDRESS.search(arguments)
        if place and "<TCP" in arguments and text_of(place[2]) not in ("127.0.0.1", "::1"):
            self.note("listens", f"{text_of(place[2])}:{place[1]}")

    def _see_datagram(self, pid: int, arguments: str) -> None:
        descriptor, _, rest = arguments.partition("<")
        if not rest.startswith("UDP"):
            return
        target = _ADDRESS.search(arguments)
        if target:
            address, port = text_of(target[2]), target[1]
        else:
            address, _, port = self._peers.get((pid, descriptor), "").rpartition(":")
        if not address or _is_loopback(address) or (address, port) == (NAMESERVER, "53"):
            return
        self._note_reached(address, int(port))
        sent = b"".join(
            bytes.fromhex(each.replace("\\x", "")) for each in _STRING.findall(arguments)
        )
        if len(self.datagrams) < MAX_DEEDS:
            self.datagrams.append((self.step, f"{self.names.get(address, address)}:{port}", sent))

    def _paths(self, pid: int, arguments: str) -> list[str]:
        """Give the paths among a call's arguments, absolute as far as that is known."""
        at = _AT.findall(arguments)
        if at:
            if arguments.startswith("AT_FDCWD"):
                self._folders[pid] = text_of(at[0][0])
            return [_joined(text_of(folder), text_of(path)) for folder, path in at]
        return [self._path(pid, path) for path in _strings(arguments)]

    def _path(self, pid: int, path: str) -> str:
        return _joined(self._folders.get(pid, _HOME), path)


def _strings(arguments: str) -> list[str]:
    return [text_of(each) for each in _STRING.findall(arguments)]


def _joined(folder: str, path: str) -> str:
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{folder}/{path}").split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def _is_loopback(address: str) -> bool:
    return address.startswith(("127.", "::ffff:127.")) or address in ("::1", "0.0.0.0", "::")  # noqa: S104
