#!/usr/bin/env python3
"""Install packages that the package gate has approved, and nothing else.

    python verify.py --trust trust.json --index https://HOST/simple idna==3.7
    python verify.py --trust trust.json idna==3.7     # CodeArtifact: aws codeartifact login first
    python verify.py --trust trust.json --find-links NAME/packages --standing-list FILE NAME
    python verify.py --trust trust.json --index https://HOST/simple --file NAME.zip

It asks pip what it would install (wheels only), and lets it install exactly that when, for every
file, there is a statement that is about these bytes and this repository, says that they are
approved, is signed by a key of the trust file, and is not withdrawn by the repository's standing
list. It needs Python 3.8, pip 23, the program openssl, for CodeArtifact the AWS CLI, and no network
but the repository.

The trust file says whom to believe; by default it is the one beside this file. It comes with the
notebook (its lifecycle script writes it), never from the repository. `package-gate trust` makes it.

Exit status: 0 installed, 1 refused, 2 it could not be checked, or the arguments are wrong.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

INSTALLED, REFUSED, UNCHECKED = 0, 1, 2
DEFAULT_TRUST = str(Path(__file__).absolute().with_name("trust.json"))
STATEMENT_SUFFIX = ".vsa.json"
STANDING_LIST = "standing-list.json"
IN_TOTO = "application/vnd.in-toto+json"
LISTED = "application/vnd.package-gate.standing-list+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
LIST_TYPE = "urn:package-gate:standing-list:v1"
CODEARTIFACT = "codeartifact://"
NAMESPACE = "package-gate-verdicts"
MISMATCH = re.compile(
    r"([a-z]+://[^\s#]+)[^\n]*\n\s*Expected sha256\s+([0-9a-f]{64})\s+Got\s+([0-9a-f]{64})"
)
"""What pip says of a file whose digest is another one."""
PIP = """\
import sys
sys.path[:] = [place for place in sys.path if place]
from runpy import run_module
run_module("pip", run_name="__main__", alter_sys=True)
"""
"""Starts pip as `python -m pip` does, but never a `pip.py` of the current folder."""
ARCHIVE_PURL = "pkg:generic/"
ARCHIVE_SUFFIX = re.compile(r"\.(zip|tar|tar\.gz|tar\.bz2|tar\.xz|tar\.zst)\Z")
"""What the gate adds to a request's name when it publishes an archive."""
MAX_BYTES = 16 * 1024 * 1024
SECONDS = 60
SKEW = timedelta(minutes=5)
"""So far two clocks may differ."""
KEPT_VARIABLES = ("PIP_CERT", "PIP_CLIENT_CERT", "PIP_PROXY", "PIP_TRUSTED_HOST", "PIP_CACHE_DIR")
"""How pip reaches the repository; which repository it is, they don't say."""


class Refused(Exception):
    """Something is not as it was signed."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(why)
        self.what = what


class Unchecked(Exception):
    """It can't be told whether it is."""


class Mismatch(Exception):
    """What pip got is not what the index names."""

    def __init__(self, url: str, expected: str, got: str) -> None:
        super().__init__(url)
        self.url, self.expected, self.got = url, expected, got


class Key:
    """A public key that the trust file names."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.pem = text_of(entry, "publicKey")
        self.keyid = text_of(entry, "keyid")
        self.not_before = moment(text_of(entry, "notBefore"))
        self.not_after = moment(text_of(entry, "notAfter"))
        body = "".join(line for line in self.pem.splitlines() if not line.startswith("-----"))
        if hashlib.sha256(base64.b64decode(body)).hexdigest() != self.keyid:
            raise Refused(
                "key",
                f"The trust file's key {shown(self.keyid)} is another one than its name says: its "
                "SHA-256 differs. Somebody has changed the key.",
            )


class Trust:
    """Whom to believe, about which repository."""

    def __init__(self, path: str, now: datetime) -> None:
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
            self.verifier = text_of(document, "verifier")
            self.repository = text_of(document, "repository")
            self.keys = {key.keyid: key for key in map(Key, document["keys"])}
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise Unchecked(f"The trust file {path} can't be used: {error}.") from error
        self.now = now

    def opened(self, content: bytes, payload_type: str, what: str, where: str) -> dict[str, Any]:
        """Give the document in an envelope that a trusted key has signed."""
        try:
            envelope = json.loads(content)
            payload = base64.b64decode(envelope["payload"], validate=True)
            signatures = [
                (text_of(each, "keyid"), base64.b64decode(each["sig"], validate=True))
                for each in envelope["signatures"]
            ]
            kind = text_of(envelope, "payloadType")
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise Refused(what, f"The {what} {where} is damaged: {error}.") from error
        if kind != payload_type:
            raise Refused(what, f"The {what} {where} is something else: {shown(kind)}.")
        key, signature = self._key(signatures, what, where)
        message = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
        if not is_signed(message, signature, key):
            raise Refused(
                what,
                f"The {what} {where} is not what was signed: its signature by the key "
                f"{key.keyid} does not fit. Somebody has changed it.",
            )
        try:
            document = json.loads(payload)
            if not isinstance(document, dict):
                raise TypeError("no object")
        except (TypeError, ValueError) as error:
            raise Refused(what, f"The {what} {where} can't be read: {error}.") from error
        return document

    def _key(self, signatures: list[tuple[str, bytes]], what: str, where: str) -> tuple[Key, bytes]:
        named = ", ".join(shown(keyid) for keyid, _ in signatures) or "nobody"
        for keyid, signature in signatures:
            key = self.keys.get(keyid)
            if key is not None and key.not_before <= self.now <= key.not_after:
                return key, signature
            if key is not None:
                named = (
                    f"{keyid}, which counts from {key.not_before:%Y-%m-%d} to "
                    f"{key.not_after:%Y-%m-%d} only"
                )
        raise Refused("key", f"The {what} {where} is signed by a key that is not trusted: {named}.")

    def check_names(self, verifier: object, repository: object, what: str, where: str) -> None:
        """Check in whose name something is said, and of which repository."""
        if verifier != self.verifier:
            raise Refused(
                "verifier",
                f"The {what} {where} is by {shown(verifier)}, not by {self.verifier}.",
            )
        if repository != self.repository:
            raise Refused(
                "repository",
                f"The {what} {where} is about {shown(repository)}, not about {self.repository}.",
            )


class File:
    """A file that is to be installed; without a name when only the file is known."""

    def __init__(self, name: str, version: str, url: str, sha256: str) -> None:
        self.name, self.version, self.url, self.sha256 = name, version, url, sha256
        path = urllib.parse.urlsplit(url).path
        self.filename = shown(urllib.parse.unquote(path.rpartition("/")[2])) if path else ""


class Web:
    """Statements beside the files, in a folder or behind HTTP."""

    def __init__(self, standing_list: str) -> None:
        self._standing_list = standing_list

    def standing_list(self) -> bytes:
        content = fetched(self._standing_list)
        if content is None:
            raise Refused(
                "standing list",
                f"There is none at {without_credentials(self._standing_list)}, so nobody knows "
                "what is withdrawn.",
            )
        return content

    def statement(self, file: File) -> bytes | None:
        folder, _, name = file.url.partition("#")[0].rpartition("/")
        found = fetched(f"{folder}/{name}{STATEMENT_SUFFIX}")
        if found is None and folder.rpartition("/")[2] == "packages":  # a branch on GitHub
            found = fetched(f"{folder.rpartition('/')[0]}/attestations/{name}{STATEMENT_SUFFIX}")
        return found


class CodeArtifact:
    """Statements as generic packages of the repository."""

    def __init__(self, address: str, owner: str, keys: list[str]) -> None:
        domain, _, repository = address[len(CODEARTIFACT) :].partition("/")
        self._place = ["--domain", domain, "--repository", repository]
        self._place += ["--domain-owner", owner] if owner else []
        self._keys = keys

    def standing_list(self) -> bytes:
        listed = self._aws(
            "list-package-versions", "standing-list", "--status", "Published", "--output", "json"
        )
        versions = [each["version"] for each in json.loads(listed or b"{}").get("versions", [])]
        content = self._asset("standing-list", max(versions), STANDING_LIST) if versions else None
        if content is None:
            raise Refused(
                "standing list",
                "The repository has no standing list, so nobody knows what is withdrawn.",
            )
        return content

    def statement(self, file: File) -> bytes | None:
        found = (self._asset(file.sha256, keyid, "statement.json") for keyid in self._keys)
        return next((content for content in found if content is not None), None)

    def _asset(self, package: str, version: str, asset: str) -> bytes | None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "asset")
            options = ["--package-version", version, "--asset", asset]
            said = self._aws("get-package-version-asset", package, *options, str(path))
            return path.read_bytes() if said is not None and path.exists() else None

    def _aws(self, command: str, package: str, *options: str) -> bytes | None:
        names = ["--format", "generic", "--namespace", NAMESPACE, "--package", package]
        done = run(["aws", "codeartifact", command, *self._place, *names, *options])
        if done.returncode == 0:
            return done.stdout
        said = done.stderr.decode("utf-8", "replace").strip()
        if "ResourceNotFoundException" in said:
            return None
        raise Unchecked(f"aws codeartifact {command} failed: {said}")


class Pip:
    """pip of this Python, which asks one repository only."""

    def __init__(self, index: str, find_links: str) -> None:
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PIP_") or name in KEPT_VARIABLES
        }
        self._environment["PIP_CONFIG_FILE"] = os.devnull
        self._options = ["--only-binary", ":all:", "--disable-pip-version-check", "--no-input"]
        if find_links:
            self._options += ["--no-index", "--find-links", find_links]
        else:  # in the environment, because it may hold a token
            self._environment["PIP_INDEX_URL"] = index

    def would_install(self, requirements: list[str]) -> list[File]:
        """Ask pip what it would install."""
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            self._pip("--quiet", "--dry-run", "--report", str(report), *requirements)
            document = json.loads(report.read_text(encoding="utf-8"))
        return [self._file(each) for each in document["install"]]

    def _file(self, item: dict[str, Any]) -> File:
        name, version = item["metadata"]["name"], item["metadata"]["version"]
        url = item["download_info"]["url"]
        sha256 = item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256", "")
        if url.startswith("file:"):
            sha256 = sha256_of(Path(urllib.request.url2pathname(urllib.parse.urlsplit(url).path)))
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            raise Refused("index", f"The index gives no SHA-256 for {name} {version}.")
        file = File(name, version, url, sha256)
        if not file.filename.endswith(".whl"):
            raise Refused("index", f"{file.filename} is no wheel; it would be built from source.")
        return file

    def install(self, files: list[File]) -> None:
        """Let pip install exactly these bytes."""
        with tempfile.TemporaryDirectory() as folder:
            lines = [f"{each.name}=={each.version} --hash=sha256:{each.sha256}" for each in files]
            path = Path(folder, "requirements.txt")
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            self._pip("--require-hashes", "--no-deps", "--requirement", str(path))

    def _pip(self, *arguments: str) -> None:
        command = [sys.executable, "-c", PIP, "install", *self._options, *arguments]
        done = run(command, self._environment, None)
        said = without_credentials(done.stderr.decode("utf-8", "replace").strip())
        found = MISMATCH.search(said)
        if done.returncode and found:
            raise Mismatch(found[1], found[2], found[3])
        if done.returncode:
            raise Unchecked(f"pip did not do it:\n{said}")


def main(arguments: list[str] | None = None) -> int:
    """Check and install; gives the exit status."""
    options = options_of(arguments)
    try:
        files = checked(options, datetime.now(timezone.utc))
    except Refused as refused:
        print(f"verify: refused ({refused.what}): {refused}", file=sys.stderr)
        return REFUSED
    except Unchecked as error:
        print(f"verify: {error}", file=sys.stderr)
        return UNCHECKED
    for file in files:
        print(f"verified {file.filename} sha256:{file.sha256}")
    done = "checked" if options.file or options.dry_run else "checked and installed"
    print(f"{len(files)} file{'' if len(files) == 1 else 's'} {done}.")
    return INSTALLED


def checked(options: argparse.Namespace, now: datetime) -> list[File]:
    """Check what is to be installed, and install it; gives the files."""
    trust = Trust(options.trust, now)
    index = options.index
    if trust.repository.startswith(CODEARTIFACT):
        keys = [key.keyid for key in trust.keys.values() if key.not_before <= now <= key.not_after]
        statements: CodeArtifact | Web = CodeArtifact(trust.repository, options.domain_owner, keys)
        index = index or configured_index(options)
    else:
        if not (index or options.standing_list):
            raise Unchecked("Name the repository with --index, or the list with --standing-list.")
        place = options.standing_list or f"{index.rstrip('/')}/{STANDING_LIST}"
        statements = Web(as_url(place))
    withdrawn = check_standing_list(trust, statements.standing_list())
    check_installed(withdrawn)
    pip = Pip(index, options.find_links)
    try:
        if options.file:
            files = [given_file(each) for each in options.file]
        else:
            files = pip.would_install(options.requirement)
    except Mismatch as mismatch:
        raise told_apart(trust, statements, mismatch) from mismatch
    except Unchecked:  # perhaps because it has left the repository
        check_asked(options.requirement, withdrawn)
        raise
    since = {each["sha256"]: each["since"] for each in withdrawn}
    for file in files:
        check(trust, file, statements.statement(file))
        if file.sha256 in since:
            raise Refused(
                "withdrawn",
                f"{file.filename} was approved and is withdrawn since "
                f"{shown(since[file.sha256])}. Remove it where it is installed.",
            )
    if files and not options.file and not options.dry_run:
        try:
            pip.install(files)
        except Mismatch as mismatch:
            raise told_apart(trust, statements, mismatch) from mismatch
    return files


def told_apart(trust: Trust, statements: CodeArtifact | Web, mismatch: Mismatch) -> Refused:
    """Say which of the two was changed, the package or the index: what is signed tells."""

    def is_approved(sha256: str) -> bool:
        file = File("", "", mismatch.url, sha256)
        try:
            check(trust, file, statements.statement(file))
        except Refused:
            return False
        return True

    filename = File("", "", mismatch.url, "").filename or "a file"
    if is_approved(mismatch.expected):
        return Refused(
            "package",
            f"Somebody has changed {filename}: its SHA-256 is {mismatch.got}, and what was "
            f"approved has {mismatch.expected}.",
        )
    if is_approved(mismatch.got):
        return Refused(
            "index",
            f"Somebody has changed the index: it names {mismatch.expected} as the SHA-256 of "
            f"{filename}, and what was approved has {mismatch.got}.",
        )
    return Refused(
        "index",
        f"The index names {mismatch.expected} as the SHA-256 of {filename} and delivers "
        f"{mismatch.got}; neither was approved.",
    )


def check_standing_list(trust: Trust, content: bytes) -> list[dict[str, str]]:
    """Check the standing list; gives each withdrawn file's `sha256`, `package` and `since`."""
    what = "standing list"
    document = trust.opened(content, LISTED, what, "of the repository")
    trust.check_names(
        document.get("verifier"), document.get("repository"), what, "of the repository"
    )
    try:
        if document["type"] != LIST_TYPE:
            raise ValueError(f"it is {shown(document['type'])}")
        issued, until = moment(document["issued"]), moment(document["validUntil"])
        withdrawn = [
            {name: text_of(each, name) for name in ("sha256", "package", "since")}
            for each in document["withdrawn"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(what, f"The standing list can't be used: {error}.") from error
    if until < trust.now:
        raise Refused(
            what,
            f"The standing list is of {issued:%Y-%m-%d %H:%M} UTC and counted until "
            f"{until:%Y-%m-%d %H:%M} UTC only. What was withdrawn since is not in it.",
        )
    if issued > trust.now + SKEW:
        raise Refused(
            what, f"The standing list is of {issued:%Y-%m-%d %H:%M} UTC, which is to come."
        )
    return withdrawn


def check_installed(withdrawn: list[dict[str, str]]) -> None:
    """Check that nothing is installed here that has been withdrawn since."""
    gone = {}
    for each in withdrawn:
        name, _, version = each["package"].rpartition(" ")
        gone[normalised(name), version] = each["since"]
    for installed in distributions():
        name = installed.metadata["Name"] or ""
        since = gone.get((normalised(name), installed.version))
        if since is not None:
            raise Refused(
                "withdrawn",
                f"{shown(name)} {shown(installed.version)} is installed here, was approved and is "
                f"withdrawn since {shown(since)}. Remove it: {sys.executable} -m pip uninstall "
                f"{shown(name)}",
            )


def check_asked(requirements: list[str], withdrawn: list[dict[str, str]]) -> None:
    """Say of what pip did not find that it is withdrawn, when it is."""
    asked = {normalised(re.split(r"[^\w.-]", each.strip(), maxsplit=1)[0]) for each in requirements}
    for each in withdrawn:
        if normalised(each["package"].rpartition(" ")[0]) in asked:
            raise Refused(
                "withdrawn",
                f"{shown(each['package'])} was approved and is withdrawn since "
                f"{shown(each['since'])}.",
            )


def check(trust: Trust, file: File, content: bytes | None) -> None:
    """Check what is signed about a file."""
    if content is None:
        raise Refused(
            "statement",
            f"Nothing is signed about {file.filename} with SHA-256 {file.sha256}.",
        )
    where = f"on {file.filename}"
    document = trust.opened(content, IN_TOTO, "statement", where)
    try:
        if (document["_type"], document["predicateType"]) != (STATEMENT_TYPE, SUMMARY):
            raise ValueError(f"it is {shown(document['predicateType'])}")
        predicate = document["predicate"]
        verifier, result = predicate["verifier"]["id"], predicate["verificationResult"]
        purl, _, qualifiers = predicate["resourceUri"].partition("?")
        repository = urllib.parse.parse_qs(qualifiers).get("repository_url", [""])[0]
        filenames = {
            text_of(each["digest"], "sha256"): text_of(each, "name") for each in document["subject"]
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused("statement", f"The statement {where} can't be used: {error}.") from error
    trust.check_names(verifier, repository, "statement", where)
    if file.sha256 not in filenames:
        raise Refused(
            "index",
            f"The index offers {file.filename} with SHA-256 {file.sha256}, which is not what was "
            "approved. The statement is about "
            + ", ".join(shown(digest) for digest in list(filenames)[:5])
            + ".",
        )
    if result != "PASSED":
        raise Refused("verdict", f"The gate has not approved {file.filename}: {shown(result)}.")
    if not is_published_as(file.filename, purl, filenames[file.sha256]):
        raise Refused(
            "index",
            f"The gate gives these bytes another name than {file.filename}: they were approved as "
            f"{shown(purl)}, {shown(filenames[file.sha256])}.",
        )
    if file.name and normalised(file.filename.partition("-")[0]) != normalised(file.name):
        raise Refused("index", f"The index offers {file.filename} as {shown(file.name)}.")


def is_published_as(name: str, purl: str, filename: str) -> bool:
    """Whether the gate gives this name to a file that it approved as `filename`."""
    if not purl.startswith(ARCHIVE_PURL) or filename.endswith(".whl"):
        return name == filename
    stem = ARCHIVE_SUFFIX.sub("", name)
    return name != stem and normalised(stem) == purl[len(ARCHIVE_PURL) :].partition("@")[0]


def is_signed(message: bytes, signature: bytes, key: Key) -> bool:
    """Ask openssl whether a key has signed these bytes: ECDSA with SHA-256."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("key.pem", "signature", "message")]
        for path, content in zip(paths, (key.pem.encode(), signature, message)):
            path.write_bytes(content)
        public, signed, told = map(str, paths)
        done = run(["openssl", "dgst", "-sha256", "-verify", public, "-signature", signed, told])
    return done.returncode == 0 and done.stdout.strip() == b"Verified OK"


def run(
    command: list[str],
    environment: dict[str, str] | None = None,
    output: int | None = subprocess.PIPE,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program to its end."""
    try:
        return subprocess.run(
            command, stdout=output, stderr=subprocess.PIPE, env=environment, check=False
        )
    except OSError as error:
        raise Unchecked(f"{command[0]} can't be started: {error.strerror}.") from error


def fetched(url: str) -> bytes | None:
    """Read an address; None when there is nothing."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - also a folder
            content: bytes = answer.read(MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            return None
        raise Unchecked(f"{without_credentials(url)} answers {error.code}.") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, FileNotFoundError) or "No such file" in str(error.reason):
            return None
        reason = error.reason
        raise Unchecked(f"{without_credentials(url)} can't be read: {reason}.") from error
    except (OSError, ValueError) as error:
        raise Unchecked(f"{without_credentials(url)} can't be read: {error}.") from error
    if len(content) > MAX_BYTES:
        raise Unchecked(f"{without_credentials(url)} is too large.")
    return content


def configured_index(options: argparse.Namespace) -> str:
    """Give the index that `aws codeartifact login --tool pip` has configured."""
    if options.find_links or options.file:
        return ""
    done = run([sys.executable, "-c", PIP, "config", "get", "global.index-url"])
    if done.returncode:
        raise Unchecked("pip has no index. Log in first: aws codeartifact login --tool pip …")
    return done.stdout.decode("utf-8", "replace").strip()


def given_file(path: str) -> File:
    """Take a file that was downloaded already."""
    place = Path(path).absolute()
    return File("", "", place.as_uri(), sha256_of(place))


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise Unchecked(f"{path} can't be read: {error.strerror}.") from error
    return digest.hexdigest()


def as_url(place: str) -> str:
    return place if re.match("(https?|file):", place) else Path(place).absolute().as_uri()


def normalised(name: str) -> str:
    return re.sub("[-_.]+", "-", urllib.parse.unquote(name)).lower()


def moment(text: str) -> datetime:
    found = datetime.strptime(re.sub(r"\.\d+Z$", "Z", text), "%Y-%m-%dT%H:%M:%SZ")
    return found.replace(tzinfo=timezone.utc)


def text_of(document: dict[str, Any], name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def shown(value: object) -> str:
    """Show what somebody else wrote, on one line."""
    text = str(value)
    return "".join(c if c.isprintable() else "?" for c in text[:200]) or "(nothing)"


def without_credentials(text: str) -> str:
    return re.sub(r"//[^/@\s]*@", "//***@", text)


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """Read the arguments; mistaken ones end the process with 2."""
    made = argparse.ArgumentParser(
        description="Install packages that the package gate has approved, and nothing else.",
        epilog="Exit status: 0 installed, 1 refused, 2 it could not be checked.",
        allow_abbrev=False,
    )
    made.add_argument("requirement", nargs="*", help="as pip takes it, such as idna==3.7")
    made.add_argument(
        "--trust",
        default=os.environ.get("PACKAGE_GATE_TRUST", DEFAULT_TRUST),
        help="the file of trusted keys (default: $PACKAGE_GATE_TRUST, else %(default)s)",
    )
    made.add_argument("--index", default="", help="the repository's address, …/simple")
    made.add_argument("--find-links", default="", help="a folder with wheels, instead of an index")
    made.add_argument(
        "--standing-list",
        default="",
        help=f"where the list is (default: {STANDING_LIST} of the index)",
    )
    made.add_argument("--domain-owner", default="", help="the account of a CodeArtifact domain")
    made.add_argument("--file", action="append", help="check a file that is here already")
    made.add_argument("--dry-run", action="store_true", help="check, and install nothing")
    options = made.parse_args(arguments)
    if bool(options.requirement) == bool(options.file):
        made.error("name what to install, or a file to check with --file")
    if any(each.startswith("-") for each in options.requirement):
        made.error("requirements only: options are not passed on to pip")
    return options


if __name__ == "__main__":
    sys.exit(main())
