"""The real AWS CLI, started in a twentieth of the time.

Half a second of each call is Python importing the AWS CLI. Here one process imports it once and
forks for each call; the `aws` on PATH is a small program that hands over its arguments,
environment, folder and descriptors, and ends with the same status. Run as a program with the Python
of the AWS CLI's own environment, this file is that process.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TOOLS = Path(__file__).parents[2] / ".venv" / "awscli" / "bin"
"""Where run-tests.sh installs the AWS CLI."""
SERVICES = (
    *("cloudformation", "codeartifact", "ec2", "kms"),
    *("s3", "secretsmanager", "sts"),
)
CLIENT = """#!{python} -ISE
import array, json, os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect({address!r})
numbers = []
for number in range(10):
    if number != connection.fileno():
        try:
            os.fstat(number)
            numbers.append(number)
        except OSError:
            pass
socket.send_fds(connection, [b"0"], numbers)
call = [sys.argv[1:], dict(os.environ), os.getcwd(), numbers]
connection.sendall(json.dumps(call).encode() + b"\\n")
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
    for service in SERVICES:
        driver.session.get_service_model(service)
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


def run(driver: object, connection: socket.socket) -> None:
    """Do one call, in a process of its own."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = 255
    try:
        _, received, _, _ = socket.recv_fds(connection, 1, 20)
        with connection.makefile() as lines:
            arguments, environment, folder, numbers = json.loads(lines.readline())
        # Out of the way first, so that no descriptor is overwritten before it is moved.
        high = [os.dup2(fd, 100 + at) for at, fd in enumerate([connection.fileno(), *received])]
        for fd, number in zip(high[1:], numbers, strict=True):
            os.dup2(fd, number)
            os.close(fd)
        connection = socket.socket(fileno=high[0])
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        status = driver.main(arguments)  # type: ignore[attr-defined]
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(status).encode())
        os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
