"""The real AWS CLI, started in a fraction of the time.

Half a second of each call is Python importing the AWS CLI. Here one process imports it once and
forks for each call; the `aws` on PATH is a small program that hands over its arguments,
environment, folder and descriptors, and ends with the same status. Run as a program with the Python
of the AWS CLI's own environment, this file is that process.
"""

import ast
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).parents[2] / ".venv" / "awscli" / "bin"
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


@contextmanager
def aws_cli(folder: Path) -> Iterator[Path]:
    """Give a folder for PATH with `aws` in it.

    Args:
        folder: an empty one with a short path.
    """
    address = folder / "socket"
    tools = folder / "bin"
    tools.mkdir()
    program = tools / "aws"
    program.write_text(CLIENT.format(python=TOOLS / "python", address=str(address)))
    program.chmod(0o755)
    server = subprocess.Popen(
        [TOOLS / "python", __file__, address],
        env={"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": "/dev/null"},
    )
    try:
        while not address.exists():
            if server.poll() is not None:
                raise RuntimeError("the AWS CLI did not start; run-tests.sh installs it")
            time.sleep(0.05)
        yield tools
    finally:
        server.terminate()
        server.wait()


def serve(address: str) -> None:
    """Take calls until the process is ended."""
    from awscli.clidriver import create_clidriver  # type: ignore[import-not-found]

    driver = create_clidriver()
    read_ahead(driver)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{address}.new")
    listener.listen(50)
    Path(f"{address}.new").rename(address)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            run(driver, connection)
        connection.close()


def read_ahead(driver: Any) -> None:
    """Read the models that every call would read for itself."""
    from botocore.exceptions import UnknownServiceError  # the one that the AWS CLI carries

    loader = driver.session.get_component("data_loader")
    for service in SERVICES:
        driver.session.get_service_model(service)
        for model in ("service-2", "paginators-1", "waiters-2", "endpoint-rule-set-1"):
            with suppress(UnknownServiceError):  # not every service has waiters
                loader.load_service_model(service, model)
    for name in ("endpoints", "partitions", "_retry", "sdk-default-configuration"):
        loader.load_data(name)
    driver._get_command_table()
    gc.collect()
    gc.freeze()  # a call does not copy what its collections would touch


def run(driver: Any, connection: socket.socket) -> None:
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
        status = driver.main(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(status).encode())
        os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
