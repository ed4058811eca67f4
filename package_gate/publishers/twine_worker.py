"""Uploads one file with twine; a program of its own, started by `twine_upload`.

It reads a job from standard input and writes what became of it to standard output, both JSON.
A process of its own, because twine prints and has no timeouts; and because the token reaches it
through a pipe: it stands in no argument list, no environment and no file. Of the hostile file it
reads the bytes only, to hash and to send them: what the file says of itself stands in the job. It
imports nothing of the gate, so that it runs isolated (`python -I`).
"""

import contextlib
import io
import json
import resource
import sys
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from twine.package import PackageFile
from twine.repository import Repository

MEMORY_BYTES = 2 << 30
TIMEOUTS = (10, 300)
"""Seconds to connect, and to wait for an answer once all is sent."""


class _Timeouts(HTTPAdapter):
    """Twine sends without a timeout."""

    def send(self, *args: Any, **options: Any) -> requests.Response:
        return super().send(*args, **{**options, "timeout": TIMEOUTS})


def upload(job: dict[str, Any]) -> dict[str, Any]:
    """Upload a file.

    Args:
        job: `url`, `username`, `password`; `path` of the file and its `sha256`; its `metadata` as
            `packaging.metadata.RawMetadata`, its `python_version` and `filetype` as twine has them.

    Returns:
        `status` and `text` of the answer, or `problem` and whether it is `transient`.
    """
    package = PackageFile(
        job["path"], None, job["metadata"], job["python_version"], job["filetype"]
    )
    if package.sha2_digest != job["sha256"]:
        return _problem(f"its SHA-256 on the disk is {package.sha2_digest}")
    # Twine's own class for it, without its settings: no configuration file, no environment
    # variable, no keyring and no prompt takes part.
    repository = Repository(job["url"], job["username"], job["password"], disable_progress_bar=True)
    for scheme in ("https://", "http://"):
        repository.session.mount(scheme, _Timeouts())
    try:
        response = repository.upload(package, max_redirects=1)
    except requests.RequestException as error:
        return _problem(f"the connection failed: {type(error).__name__}", transient=True)
    else:
        return {"status": response.status_code, "text": response.text[:1000]}
    finally:
        repository.close()


def _problem(message: str, *, transient: bool = False) -> dict[str, Any]:
    return {"problem": message, "transient": transient}


def main() -> None:
    """Read the job, do it, and write the answer."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the token
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    job = json.load(sys.stdin)
    with contextlib.redirect_stdout(io.StringIO()):
        answer = upload(job)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
