"""What strace writes becomes deeds, and no text of a package becomes a line."""

import pytest

from package_gate.observation.trace import Trace


def digits(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


def line(call: str, pid: int = 7) -> str:
    return f"{pid} 1795967454.1 {call}"


def opened(path: str, flags: str = "O_RDONLY", result: str = "3") -> str:
    folder = digits("/home/jovyan")
    return f'openat(AT_FDCWD<{folder}>, "{digits(path)}", {flags}) = {result}'


def begun() -> Trace:
    """A trace in which the first step is under way."""
    trace = Trace()
    trace.read(line(opened("/observed/step/0", result="-1 ENOENT (No such file)"), pid=3))
    return trace


def seen(*calls: str) -> set[tuple[str, str]]:
    trace = begun()
    for call in calls:
        trace.read(line(call))
    return {(kind, what) for kind, what, _ in trace.deeds}


ADDRESS = '{{sa_family=AF_INET, sin_port=htons({}), sin_addr=inet_addr("{}")}}, 16'


@pytest.mark.parametrize(
    ("call", "deed"),
    [
        (opened(".aws/credentials"), ("canary-read", "aws")),
        (opened("x/../../jovyan/.ssh/id_ed25519"), ("canary-read", "ssh")),
        (opened(".bashrc", "O_WRONLY|O_APPEND"), ("persists", "/home/jovyan/.bashrc")),
        (
            opened("/etc/cron.d/x", "O_WRONLY|O_CREAT", "-1 EACCES (Permission denied)"),
            ("persists", "/etc/cron.d/x"),
        ),
        (opened("/tmp/tmpab12cd34/f", "O_RDWR|O_CREAT"), ("writes", "/tmp/*/f")),
        (
            f'rename("{digits("a")}", "{digits(".bash_profile")}") = 0',
            ("persists", "/home/jovyan/.bash_profile"),
        ),
        (
            f'execve("{digits("/usr/bin/curl")}", ["{digits("ls")}", "{digits("-s")}"], 0x1) = 0',
            ("starts", "curl -s"),
        ),
        (
            f'execve("{digits("/home/jovyan/env/bin/uname")}", ["{digits("uname")}"], 0x1) = '
            "-1 ENOENT (No such file or directory)",
            ("starts", "uname"),
        ),
        (
            f'execve("{digits("/opt/bin/python3")}", ["{digits("x")}", "{digits("-V")}"], 0) = 0',
            ("starts", "python -V"),
        ),
        (
            f'execve("{digits("/tmp/bin/python3")}", ["{digits("x")}"], 0x1) = 0',
            ("starts", "/tmp/bin/python3"),
        ),
        (
            f'execve("{digits("/tmp/ldconfig")}", ["{digits("ldconfig")}"], 0x1) = 0',
            ("starts", "/tmp/ldconfig"),
        ),
        (
            f"connect(3<TCP:[1]>, {ADDRESS.format(443, digits('203.0.113.1'))}) = -1 EINPROGRESS",
            ("connects", "203.0.113.1:443"),
        ),
        (
            f"connect(3<TCP:[1]>, {ADDRESS.format(80, digits('169.254.169.254'))}) = 0",
            ("metadata", "169.254.169.254:80"),
        ),
        (
            f"bind(3<TCP:[1]>, {ADDRESS.format(4445, digits('0.0.0.0'))}) = 0",
            ("listens", "0.0.0.0:4445"),
        ),
        ("io_uring_setup(8, 0x1) = -1 EPERM (Operation not permitted) (INJECTED)",
         ("closed-call", "io_uring_setup")),
        ("+++ killed by SIGSYS +++", ("closed-call", "a call that would not have been seen")),
    ],
)  # fmt: skip
def test_a_call_is_a_deed(call: str, deed: tuple[str, str]) -> None:
    assert deed in seen(call)


@pytest.mark.parametrize(
    "call",
    [
        opened("/usr/lib/python3.11/os.py"),
        opened("/dev/null", "O_RDWR"),
        opened("env/lib/python3.11/site-packages/a/__pycache__/b.pyc", "O_WRONLY|O_CREAT"),
        f"connect(3<TCP:[1]>, {ADDRESS.format(80, digits('127.0.0.1'))}) = 0",
        f"connect(3<UDP:[1]>, {ADDRESS.format(80, digits('203.0.113.1'))}) = 0",
        f"connect(3<TCP:[1]>, {ADDRESS.format(53, digits('198.18.0.1'))}) = 0",
        "garbage",
        "openat(",
    ],
)
def test_other_calls_are_none(call: str) -> None:
    assert seen(call) == set()


def test_what_comes_before_the_first_step_installs() -> None:
    trace = Trace()
    trace.read(line(opened(".bashrc", "O_WRONLY|O_CREAT")))

    assert trace.deeds == {}


def test_only_who_began_the_first_step_begins_others() -> None:
    trace = begun()
    trace.read(line(opened("/observed/step/9", result="-1 ENOENT (…)"), pid=8))
    assert trace.step == 0
    trace.read(line(opened("/observed/step/1", result="-1 ENOENT (…)"), pid=3))
    assert trace.step == 1


def test_a_call_that_is_interrupted_by_another_line_is_put_together() -> None:
    whole = opened(".aws/credentials")
    trace = begun()
    trace.read(line(whole.partition(" O_")[0] + " O_RDONLY <unfinished ...>"))
    trace.read(line(opened("/usr/x"), pid=8))
    trace.read(line("<... openat resumed>) = 3"))

    assert {(kind, what) for kind, what, _ in trace.deeds} == {("canary-read", "aws")}


def test_a_datagram_is_kept_with_where_it_went() -> None:
    trace = begun()
    trace.read(line(f"connect(4<UDP:[1]>, {ADDRESS.format(99, digits('203.0.113.9'))}) = 0"))
    trace.read(line(f'sendto(4<UDP:[1]>, "{digits("secret")}", 6, 0, NULL, 0) = 6'))

    assert trace.datagrams == [(0, "203.0.113.9:99", b"secret")]
    assert trace.ports == set()


def test_processes_are_counted() -> None:
    trace = Trace()
    trace.read(line("clone(child_stack=NULL, flags=SIGCHLD) = 12"))
    trace.read(line("clone(child_stack=NULL, flags=SIGCHLD) = -1 EAGAIN (…)"))
    assert trace.alive == 1
    trace.read(line("+++ exited with 0 +++"))
    assert trace.alive == 0
