"""The real AWS CLI and pip, started in a fraction of the time.

Half a second of each call is Python importing them. Here one process imports each once and forks
for every call; the `aws` and the `pip` on PATH are small programs that hand over their arguments,
environment, folder and descriptors, and end with the same status. Run as a program with the Python
of the AWS CLI's own environment, or of the tests', this file is that process.
"""

import ast
import atexit
import gc
import importlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

AWS_CLI = Path(__file__).parents[1] / ".venv" / "awscli" / "bin"
"""Where run-tests.sh installs the AWS CLI."""
SERVICES = (
    *("cloudformation", "codeartifact", "ec2", "efs", "kms", "logs"),
    *("s3", "sagemaker", "secretsmanager", "sts"),
)
CLIENT = """#!{python} -ISE
import _socket, posix, sys  # each of these is in Python's program: nothing is searched for
connection = _socket.socket(_socket.AF_UNIX)
connection.connect({address!r})
numbers = []
for number in range(10):
    if number != connection.fileno():
        try:
            posix.fstat(number)
            numbers.append(number)
        except OSError:
            pass
descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in numbers)
connection.sendmsg([b"0"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
call = (sys.argv[1:], dict(posix.environ), posix.getcwd(), numbers)
connection.sendall(repr(call).encode() + b"\\n")
answer = connection.recv(10)
sys.exit(int(answer) if answer else 255)
"""


@cache
def aws_cli() -> Path:
    """Give a folder for PATH with `aws` in it; it reads no configuration file."""
    return _program("aws", AWS_CLI / "python")


@cache
def pip() -> Path:
    """Give a folder for PATH with the `pip` of this environment in it."""
    return _program("pip", Path(sys.executable))


def _program(name: str, python: Path) -> Path:
    """Start the process that imports a program, for as long as this one runs."""
    folder = tempfile.TemporaryDirectory(prefix=f"{name}-")  # a socket's path must be short
    address = Path(folder.name, "socket")
    tools = Path(folder.name, "bin")
    tools.mkdir()
    program = tools / name
    program.write_text(CLIENT.format(python=python, address=str(address)))
    program.chmod(0o755)
    server = subprocess.Popen(
        [python, "-P", __file__, name, address],
        env={"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": "/dev/null"},
    )

    def end() -> None:
        server.terminate()
        server.wait()
        folder.cleanup()

    atexit.register(end)
    while not address.exists():
        if server.poll() is not None:
            raise RuntimeError(f"{name} did not start; run-tests.sh installs it")
        time.sleep(0.05)
    return tools


def load_aws() -> Callable[[list[str]], int]:
    """Import the AWS CLI, and read the models that every call would read for itself."""
    from awscli.clidriver import create_clidriver  # type: ignore[import-not-found]
    from botocore.exceptions import UnknownServiceError  # the one that the AWS CLI carries

    driver = create_clidriver()
    loader = driver.session.get_component("data_loader")
    for service in SERVICES:
        driver.session.get_service_model(service)
        for model in ("service-2", "paginators-1", "waiters-2", "endpoint-rule-set-1"):
            with suppress(UnknownServiceError):  # not every service has waiters
                loader.load_service_model(service, model)
    for name in ("endpoints", "partitions", "_retry", "sdk-default-configuration"):
        loader.load_data(name)
    driver._get_command_table()
    call: Callable[[list[str]], int] = driver.main
    return call


def load_pip() -> Callable[[list[str]], int]:
    """Import pip with what its commands import when they are given."""
    from pip._internal.cli.main import main

    for command in ("install", "download", "configuration"):
        importlib.import_module(f"pip._internal.commands.{command}")
    return main


def serve(call: Callable[[list[str]], int], address: str) -> None:
    """Take calls until the process is ended."""
    gc.collect()
    gc.freeze()  # a call does not copy what its collections would touch
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{address}.new")
    listener.listen(50)
    Path(f"{address}.new").rename(address)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            run(call, connection)
        connection.close()


def run(call: Callable[[list[str]], int], connection: socket.socket) -> None:
    """Do one call, in a process of its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    gc.disable()  # it ends before there is anything to collect
    status = 255
    try:
        _, received, _, _ = socket.recv_fds(connection, 1, 20)
        with connection.makefile() as lines:
            arguments, environment, folder, numbers = ast.literal_eval(lines.readline())
        # Out of the way first, so that no descriptor is overwritten before it is moved.
        high = [os.dup2(fd, 100 + at) for at, fd in enumerate([connection.fileno(), *received])]
        for fd, number in zip(high[1:], numbers, strict=True):
            os.dup2(fd, number)
            os.close(fd)
        connection = socket.socket(fileno=high[0])
        os.environb.clear()
        os.environb.update(environment)
        os.chdir(folder)
        status = call(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(status).encode())
        os._exit(0)


if __name__ == "__main__":
    serve({"aws": load_aws, "pip": load_pip}[sys.argv[1]](), sys.argv[2])
