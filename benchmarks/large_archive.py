"""Peak memory of the gate while it takes a large archive through all steps.

Usage: python -m benchmarks.large_archive [MIB]

The archive is requested from a server on this machine: half source-like text, half bytes that
don't compress. The baseline is a process that has imported the same modules and done nothing. Aim:
for 1 GiB no process of the gate goes more than 150 MiB over it.
"""

import random
import sys
import tempfile
import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from benchmarks.measure import MIB, measure, print_table
from tests.fakes.https_server import https_server
from tests.fakes.package_index import PackageIndex
from tests.local_run import LocalRun

MEMBER = 4 * MIB
POLICY_LIMITS = "\n[limits]\nscan_seconds = 1800\nscan_cpu_seconds = 1800\n"


def main(mebibytes: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, https_server(Path(folder)) as server:
        archive = Path(folder) / "large.zip"
        make_archive(archive, mebibytes * MIB)

        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(archive.stat().st_size))
            handler.end_headers()
            with archive.open("rb") as file:
                while piece := file.read(MIB):
                    handler.wfile.write(piece)

        server.routes["/large.zip"] = send
        local = LocalRun(Path(folder) / "run", PackageIndex(server))
        local.policy += POLICY_LIMITS
        local.folder.mkdir()
        command = local.command(f"large,{server.url}/large.zip\n")
        baseline = measure(
            [sys.executable, "-c", "import package_gate.cli, package_gate.scanners.guarddog"],
            local.environ(),
            local.folder,
        )
        measured = measure(command, local.environ(), local.folder)
        if measured.status != 0:
            sys.exit(measured.output)
        size = archive.stat().st_size
        verdict = local.verdicts()["large"]
    over = measured.peak_bytes - baseline.peak_bytes
    print_table(
        f"A zip archive of {size / MIB:,.0f} MiB ({mebibytes:,} MiB unpacked): {verdict}",
        ("process", "peak MiB", "seconds"),
        [
            ("imports only", f"{baseline.peak_bytes / MIB:.0f}", f"{baseline.seconds:.1f}"),
            ("largest process", f"{measured.peak_bytes / MIB:.0f}", f"{measured.seconds:.1f}"),
            ("over the imports (aim: 150)", f"{over / MIB:.0f}", ""),
        ],
    )


def make_archive(path: Path, size: int) -> None:
    """Write a zip with this many bytes in it, in members of 4 MiB."""
    source = random.Random(1)
    text = b"".join(b"value_%d = call(%d)\n" % (n, n * n) for n in range(200_000))[:MEMBER]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(size // MEMBER):
            if number % 2:
                archive.writestr(f"large/data/{number}.bin", source.randbytes(MEMBER))
            else:
                archive.writestr(f"large/module_{number}.py", text)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
