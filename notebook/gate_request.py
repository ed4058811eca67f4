#!/usr/bin/env python3
"""Ask the package gate for a package, from a notebook.

    python gate_request.py humanize                  # the newest that is approved, or ask for it
    python gate_request.py 'scikit-learn==1.5.2' --email you@example.com
    python gate_request.py https://HOST/tool-1.0.zip --name tool
    python gate_request.py --status                  # how your requests stand

It asks pip whether the private repository has the package already and tells the command that
installs it. Otherwise it adds the line to external-package-request.csv in the requests' repository
and pushes: that starts the gate, whose email tells the verdict. It needs Python 3.8, pip 23, git,
and no network but the two repositories. It keeps nothing and takes no password: pip and git have
their logins.

Which repository: --requests, or `git config package-gate.requests`, and its branch
`git config package-gate.branch` when it is not the default one. Your address: --email, or
`git config user.email`.

Exit status: 0 it is approved, or asked for; 1 such a request is not taken; 2 it could not be done.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

DONE, REFUSED, FAILED = 0, 1, 2
FILE = "external-package-request.csv"
MAX_BYTES = 4 * 1024 * 1024
TRIES = 5
"""As often a push is tried when somebody else has pushed meanwhile."""
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
REQUIREMENT = re.compile(
    r"([A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?)"
    r"(?:\[[A-Za-z0-9._, -]*\])?\s*(?:[<>=!~]=?[A-Za-z0-9.*+!<>=~, -]*)?"
)
"""A name with extras and versions: no address, no path, no option, no marker."""
ADDRESS = re.compile(r"https://[!-~]{1,2000}")
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,250}")
NOT_THERE = ("No matching distribution found", "Could not find a version that satisfies")
"""How pip says that the index has no such package, or not this version."""


class Refused(Exception):
    """The gate would not take it."""


class Failed(Exception):
    """It could not be done."""


class Line(NamedTuple):
    """A line of the request file."""

    number: int
    name: str
    source: str
    requester: str


def main(arguments: list[str] | None = None) -> int:
    """Ask, or tell how requests stand; gives the exit status."""
    options = options_of(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="gate-request-") as folder:
            if options.status:
                tell_status(options, Path(folder))
            else:
                ask(options, Path(folder))
    except Refused as refused:
        print(f"gate-request: {refused}", file=sys.stderr)
        return REFUSED
    except Failed as error:
        print(f"gate-request: {error}", file=sys.stderr)
        return FAILED
    return DONE


def ask(options: argparse.Namespace, folder: Path) -> None:
    """Tell the command for what is approved, or ask for it."""
    name, source = wanted(options.package, options.name)
    if source.startswith("pypi:") and is_approved(source, folder):
        print(f"It is approved already. Install it with:\n    {command(source)}")
        return
    email = options.email or setting("user.email")
    if not EMAIL.fullmatch(email):
        raise Refused("The verdict goes to an email address: give yours with --email.")
    for attempt in range(TRIES):
        clone = folder / f"clone-{attempt}"
        get_requests(options.requests, clone)
        content = read(clone)
        for line in lines_of(content):
            if line.source == source:
                print(f"It is asked for already, in line {line.number} of {FILE}: {told(line)}")
                return
            if not source.startswith("pypi:") and line.name.lower() == name.lower():
                raise Refused(f"Line {line.number} has the name {name} already. Choose another.")
        added = written(name, source, email)
        if content and not content.endswith((b"\n", b"\r")):
            added = "\n" + added
        (clone / FILE).write_bytes(content + added.encode())
        if pushed(clone, f"Ask for {source}", email):
            print(f"Asked for: {added.strip()}\nThe gate decides; {email} gets the verdict.")
            return
    raise Failed("Others push at the same time. Try again.")


def tell_status(options: argparse.Namespace, folder: Path) -> None:
    """Tell of each request of one's own whether it is approved."""
    email = options.email or setting("user.email")
    if not EMAIL.fullmatch(email):
        raise Refused("Whose requests? Give your address with --email.")
    clone = folder / "clone"
    get_requests(options.requests, clone, whole=True)
    pushed_by = blame(clone)
    mine = [
        line
        for line in lines_of(read(clone))
        if (line.requester or pushed_by.get(line.number, ("", ""))[0]).lower() == email.lower()
    ]
    if not mine:
        print(f"There is no request of {email}.")
    for line in mine:
        since = pushed_by.get(line.number, ("", "some time"))[1]
        print(f"{told(line)}, asked for on {since}:")
        if not line.source.startswith("pypi:"):
            print("    an archive: the email with the verdict has the command")
        elif not REQUIREMENT.fullmatch(line.source[len("pypi:") :].strip()):
            print("    can't be looked up from here: the email has the verdict")
        elif is_approved(line.source, folder):
            print(f"    approved: {command(line.source)}")
        else:
            print("    not approved so far: the email says whether it is refused")


def wanted(package: str, name: str) -> tuple[str, str]:
    """Read what is asked for; gives the request's name and its source."""
    package = package.strip()
    if ADDRESS.fullmatch(package):
        if not NAME.fullmatch(name):
            raise Refused("An archive needs a name of letters, digits and . _ -: give --name.")
        return name, package
    requirement = re.sub("^pypi:", "", package, flags=re.IGNORECASE).strip()
    found = REQUIREMENT.fullmatch(requirement)
    if not found:
        raise Refused(
            f"{shown(package)} is neither a package such as humanize==4.12.3 nor the https:// "
            "address of an archive."
        )
    if name and not NAME.fullmatch(name):
        raise Refused("A name has letters, digits and . _ - only.")
    return name or found[1], f"pypi:{requirement}"


def is_approved(source: str, folder: Path) -> bool:
    """Ask pip whether all that it needs is in the private repository; nothing is built."""
    requirement = source[len("pypi:") :].strip()
    done = run(
        [
            *(sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "-vv"),
            *("--no-input", "--disable-pip-version-check", "--only-binary", ":all:", requirement),
        ],
        folder,  # where no file has the name of a package
    )
    if done.returncode == 0:
        return True
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    # An index that can't be read is an index without the package, as pip sees it.
    unread = [
        each for each in re.findall("Could not fetch URL [^\n]*", said) if " 404 " not in each
    ]
    if any(text in said for text in NOT_THERE) and not unread and "Retrying (" not in said:
        return False
    why = "\n".join(unread) or done.stderr.decode("utf-8", "replace").strip()
    raise Failed(f"pip can't tell whether it is approved:\n{without_credentials(why)}")


def command(source: str) -> str:
    requirement = source[len("pypi:") :].strip()
    quoted = f"'{requirement}'" if re.search(r"[^A-Za-z0-9._=-]", requirement) else requirement
    return f"python -m pip install {quoted}"


def get_requests(url: str, clone: Path, *, whole: bool = False) -> None:
    """Get the requests' repository."""
    url = url or setting("package-gate.requests")
    if not url or url.startswith("-"):
        raise Failed("Where are the requests? Give the repository with --requests.")
    branch = setting("package-gate.branch")
    git(
        *("clone", "--quiet", "--no-tags", *(() if whole else ("--depth", "1"))),
        *(("--branch", branch) if branch else ()),
        *("--", url, str(clone)),
    )


def read(clone: Path) -> bytes:
    path = clone / FILE
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise Failed(f"{FILE} of the repository is no file.")
    if not path.exists():
        return b""
    if path.stat().st_size > MAX_BYTES:
        raise Failed(f"{FILE} of the repository is larger than 4 MiB.")
    return path.read_bytes()


def lines_of(content: bytes) -> list[Line]:
    """Read the lines that have a name and a source; what is no request, the gate tells."""
    found = []
    text = content.decode("utf-8-sig", "replace")
    for number, line in enumerate(re.split("\r\n|\r|\n", text), start=1):
        if line.strip() and not line.strip().startswith("#"):
            try:
                cells = [cell.strip() for cell in next(csv.reader([line]))]
            except csv.Error:
                continue
            if len(cells) > 1 and re.match("(?i)pypi:|https:", cells[1]):
                source = re.sub(r"(?i)^pypi:\s*", "pypi:", cells[1])
                found.append(Line(number, cells[0], source, cells[2] if len(cells) > 2 else ""))
    return found


def blame(clone: Path) -> dict[int, tuple[str, str]]:
    """Tell of each line who pushed it, and on which day."""
    if not (clone / FILE).is_file():
        return {}
    text = git("-C", str(clone), "blame", "--line-porcelain", "--", FILE)
    found, number, email = {}, 0, ""
    for line in text.split("\n"):
        if re.match("[0-9a-f]{40,64} ", line):
            number = int(line.split(" ")[2])
        elif line.startswith("author-mail <"):
            email = line[len("author-mail <") : -1]
        elif line.startswith("author-time "):
            day = datetime.fromtimestamp(int(line.split(" ")[1]), timezone.utc)
            found[number] = (email, f"{day:%Y-%m-%d}")
    return found


def pushed(clone: Path, message: str, email: str) -> bool:
    """Commit and push; False when somebody else was faster."""
    who = setting("user.name") or email.partition("@")[0]
    git("-C", str(clone), "add", "--", FILE)
    git(
        *("-C", str(clone), "-c", f"user.name={who}", "-c", f"user.email={email}"),
        *("-c", "commit.gpgSign=false", "commit", "--quiet", "--no-verify", "--message", message),
    )
    done = run(["git", "-C", str(clone), "push", "--quiet", "--no-verify", "origin", "HEAD"], None)
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode and not re.search(
        r"fetch first|non-fast-forward|\[(remote )?rejected\]", said
    ):
        raise Failed(f"git did not push:\n{without_credentials(said.strip())}")
    return done.returncode == 0


def git(*arguments: str) -> str:
    done = run(["git", *arguments], None)
    if done.returncode:
        said = without_credentials(done.stderr.decode("utf-8", "replace").strip())
        raise Failed(f"git did not do it:\n{said}")
    return done.stdout.decode("utf-8", "replace")


def setting(name: str) -> str:
    """Read one of git's settings; "" when there is none."""
    return run(["git", "config", "--get", name], None).stdout.decode("utf-8", "replace").strip()


def run(command: list[str], folder: Path | None) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end; it asks nobody for anything."""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise Failed(f"{command[0]} can't be started: {error.strerror}.") from error


def written(*cells: str) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow(cells)
    return file.getvalue()


def told(line: Line) -> str:
    return shown(f"{line.name}, {line.source}")


def shown(text: str) -> str:
    """Show what somebody else wrote, on one line."""
    text = without_credentials(text)
    return "".join(c if c.isprintable() else "?" for c in text[:200]) or "(nothing)"


def without_credentials(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//***@", text)


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """Read the arguments; mistaken ones end the process with 2."""
    made = argparse.ArgumentParser(
        description="Ask the package gate for a package, from a notebook.",
        epilog="Exit status: 0 approved or asked for, 1 such a request is not taken, 2 not done.",
        allow_abbrev=False,
    )
    made.add_argument("package", nargs="?", default="", help="such as humanize or humanize==4.12.3")
    made.add_argument("--status", action="store_true", help="tell how your requests stand")
    made.add_argument("--name", default="", help="what the request is called; an archive needs it")
    made.add_argument("--email", default="", help="your address (default: git's user.email)")
    made.add_argument(
        "--requests", default="", help="the requests' repository (default: package-gate.requests)"
    )
    options = made.parse_args(arguments)
    if bool(options.package) == options.status:
        made.error("name a package, or give --status")
    return options


if __name__ == "__main__":
    sys.exit(main())
