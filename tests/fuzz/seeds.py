"""What mutations begin with: a sound input of each kind, and a few that are nearly hostile."""

import gzip
import hashlib
import json
from datetime import UTC, datetime

import msgspec

from package_gate.core.artifact import Origin
from package_gate.core.decision import PackageDecision, RequestDecision, Verdict
from package_gate.core.finding import Finding, Kind, Location, ScannerInfo, Severity
from package_gate.sandbox.protocol import Failed, Findings, Ready
from tests.archive.hostile_wheels import METADATA as WHEEL_METADATA
from tests.archive.hostile_wheels import WHEEL_NAME as WHEEL_NAME
from tests.archive.hostile_wheels import make_wheel
from tests.archive.makers import Zipped, end64, make_tar, make_zip, pax, tar_file, tar_header
from tests.fakes.malware_corpus import TUNED_ON

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_DIGEST = hashlib.sha256(b"").hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


REQUESTS = (
    b"name,source,requester-email\nscikit-learn,pypi:scikit-learn==1.5.2,jo@example.com\n"
    b"langchain,https://github.com/langchain-ai/langchain/archive/refs/heads/master.zip\n",
    b'\xef\xbb\xbf# a note\r\n"a","pypi:a[b,c]>=1,<2; python_version < \'3.12\'"\r\n\r\na;b\r\n',
    b"a,https://user:secret@example.com/a.zip,b@c.de\na,http://example.com/a.zip,,\n",
)
POLICIES = (
    b'[refuse]\nvulnerability = "high"\nscanners = { guarddog = "never", osv = "low" }\n'
    b'[cooldown]\ndays = 3\n[[waivers]]\npackage = "PyYAML"\nfinding = "PYSEC-2021-142"\n'
    b'expires = 2027-01-31\napproved_by = "Jo"\nreason = "not reachable"\nversion = "5.3.1"\n',
    b'unrated_vulnerability = "low"\n[targets]\npython_versions = ["3.11"]\n[limits]\nratio = 9\n',
)
ZIPS = (
    make_zip([Zipped(b"a/b.py", b"x = 1\n" * 9), Zipped(b"c", b"text", method=0)]),
    make_zip([Zipped(b"a.py", flags=8, after=b"PK\x07\x08" + bytes(12))], comment=b"note"),
    make_zip([Zipped("\u00e4.py".encode(), flags=1 << 11), Zipped(b"l", b"a.py", mode=0o120777)]),
    make_zip([Zipped(b"in.zip", make_zip([Zipped(b"a.py")]), method=0)]),
    make_zip([Zipped(b"a.py")], before_end=end64(1, 50, 40, 90)),
)
WHEELS = (
    make_wheel(),
    make_wheel(
        {
            "demo_pkg-1.0.dist-info/entry_points.txt": b"[console_scripts]\ndemo = demo:main\n",
            "demo_pkg-1.0.data/scripts/run": b"#!python\n",
            "demo.pth": b"import os; os.system('x')\n",
        }
    ),
)
TARS = (
    make_tar(
        pax({b"path": b"demo/long"}),
        tar_file(b"short", b"text"),
        tar_file(b"././@LongLink", b"demo/longer\0", kind=b"L"),
        tar_file(b"x"),
        tar_header(b"l", kind=b"2", link=b"demo/long"),
        tar_header(b"h", kind=b"1", link=b"demo/longer"),
        tar_header(b"d/", kind=b"5"),
    ),
    make_tar(pax({b"size": b"6", b"linkpath": b"a"}), tar_file(b"a"), tar_file(b"a")),
    gzip.compress(make_tar(tar_file(b"a.py")), mtime=0),
)
_INFO = WHEEL_METADATA.replace(b"demo-pkg", b"demo") + b"Requires-Dist: idna>=2; extra == 'x'\n"
SDISTS = (
    gzip.compress(
        make_tar(
            tar_file(b"demo-1.0/PKG-INFO", _INFO),
            tar_file(
                b"demo-1.0/demo.egg-info/requires.txt", b"idna\n[x:python_version<'3']\nsix\n"
            ),
        ),
        mtime=0,
    ),
    make_zip([Zipped(b"demo-1.0/PKG-INFO", _INFO, method=0)]),
)
METADATA = (
    WHEEL_METADATA + b"Requires-Python: >=3.9, !=3.9.1\n",
    b"Requires-Python: =?utf-8?q?>=3?=\n >=3.8\n\ntext\n",
)
DEPENDENCY_FILES = (
    b"-r other.txt\n--constraint=c.txt\nidna==3.7 --hash=sha256:ab # note\nsix[a] === 1 ; x\n\\\n",
    b'[project]\nname = "a"\nversion = "1"\ndependencies = ["idna==3.7"]\n[build-system]\n'
    b'requires = ["hatchling==1"]\n[dependency-groups]\ntest = [{include-group = "a"}, "a"]\n',
    b'[[packages]]\nname = "idna"\nversion = "3.7"\n[[package]]\nname = "b"\n',
    _json({"default": {"idna": {"version": "==3.7"}}, "develop": {}}),
    WHEEL_METADATA,
)
ADVISORIES = (
    _json(
        {
            "id": "PYSEC-2021-142",
            "modified": "2024-01-01T00:00:00Z",
            "aliases": ["CVE-2020-14343", "GHSA-8q59-q68h-6hv4"],
            "summary": "Arbitrary code",
            "details": "A long text.",
            "severity": [
                {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
            ],
            "affected": [
                {
                    "package": {"ecosystem": "PyPI", "name": "PyYAML"},
                    "ranges": [
                        {
                            "type": "ECOSYSTEM",
                            "events": [{"introduced": "0"}, {"fixed": "5.4"}, {"limit": "6"}],
                        },
                        {"type": "GIT", "events": [{"last_affected": "ab"}]},
                    ],
                    "versions": ["1.0", "not-a-version"],
                    "database_specific": {"severity": "HIGH"},
                }
            ],
            "references": [{"type": "WEB", "url": "https://example.com/"}],
            "database_specific": {"severity": "MODERATE"},
        }
    ),
    _json(
        {
            "id": "MAL-2024-1",
            "modified": "2024-01-01T00:00:00Z",
            "affected": [{"package": {"ecosystem": "PyPI:https://a.b", "name": "evil"}}],
        }
    ),
)
_FINDING = Finding(
    "osv",
    "PYSEC-1",
    Kind.VULNERABILITY,
    Severity.HIGH,
    "a flaw",
    references=("https://example.com/", "javascript:alert(1)"),
    aliases=("CVE-1",),
    locations=(Location("a.py", 3),),
)
ANSWERS = (
    msgspec.json.encode(Findings(1, [_FINDING])),
    msgspec.json.encode(Failed("it failed", 1)),
    msgspec.json.encode(Ready(ScannerInfo("osv", "1"), "none")),
)
LOCKS = (
    b'lock-version = "1.0"\ncreated-by = "uv"\n[[packages]]\nname = "idna"\nversion = "3.7"\n'
    b'wheels = [{ url = "https://files.example/idna-3.7-py3-none-any.whl", size = 9, '
    b'upload-time = 2024-01-01T00:00:00Z, hashes = { sha256 = "' + _DIGEST.encode() + b'" } }]\n',
    b'lock-version = "1.0"\ncreated-by = "uv"\n[[packages]]\nname = "a"\nversion = "1"\n'
    b'vcs = { type = "git", url = "https://a/b", commit-id = "c" }\n',
)
RECORDS = (
    msgspec.json.encode(
        PackageDecision(
            "idna",
            "3.7",
            Origin.PYPI,
            Verdict.APPROVED,
            ("fine",),
            (),
            (),
            (),
            (),
            "0" * 64,
            _NOW,
            "1",
            published_to="https://example.com/",
        )
    ),
    msgspec.json.encode(
        RequestDecision(
            "a",
            "pypi:a",
            Verdict.REFUSED,
            (),
            (),
            (),
            "0" * 64,
            _NOW,
            "1",
            notified={"a@b.c": "d"},
        )
    ),
)
MODULES = (
    b"import os\n@decorated\ndef a():\n    '''text'''\n    os.system('x')\nclass B:\n"
    b"    x = a()\n    def __init__(self): pass\nB.y = a\n",
    b"# coding: latin-1\nlambda: [x for x in (yield)]\n\x0cx = 1\r\ny = 2\r",
)
BEHAVIOURS = (
    *MODULES,
    *(
        text.encode()
        for files in TUNED_ON.values()
        for path, text in files.items()
        if path.endswith(".py") and len(text) < 2000
    ),
)
TEXTS = ("a\u202eb\x1b[2J\u200b\ud83d\ude00\U000e0101 c".encode("utf-8", "surrogatepass"), b"plain")
