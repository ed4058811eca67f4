"""Peak memory of the gate while it takes a large archive through all steps.

Usage: ./shell/run-benchmark.sh large_archive [MIB]

The archive is requested from a server on this machine: source files as packages have them and data,
half of which does not compress. The baseline is a process that has imported the modules and done
nothing. Aim: for 1 GiB no process of the gate goes more than 150 MiB over it.
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
MODULE = 40_000
"""Bytes of a source file: a large one, as packages go."""
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
            [
                sys.executable,
                "-c",
                "import package_gate.commands.gate, package_gate.scanners.guarddog",
            ],
            local.environ(),
            local.folder,
        )
        measured = measure(command, local.environ(), local.folder)
        if measured.status != 0:
            sys.exit(measured.output)
        size = archive.stat().st_size
        verdict = local.verdicts()["large"]
    imports = max(baseline.peaks.values())
    print_table(
        f"A zip archive of {size / MIB:,.0f} MiB ({mebibytes:,} MiB unpacked): {verdict}",
        ("process", "peak MiB", "over the imports (aim: 150)"),
        [
            (name, f"{peak / MIB:.0f}", f"{(peak - imports) / MIB:.0f}")
            for name, peak in sorted(measured.peaks.items())
        ],
    )
    print(f"{measured.seconds:.1f} s; the imports alone take {imports / MIB:.0f} MiB.")


def make_archive(path: Path, size: int) -> None:
    """Write a zip with about this many bytes in it."""
    source = random.Random(1)
    line = b"value_%d = call(%d, argument='%d')\n"
    text = b"".join(line % (n, n, n * n) for n in range(MODULE // 40))
    table = b"".join(b"%d,%d,%d\n" % (n, n * n, n % 7) for n in range(MEMBER // 20))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(size // MEMBER):
            data = source.randbytes(MEMBER) if number % 2 else table
            archive.writestr(f"large/data/{number}.{'bin' if number % 2 else 'csv'}", data)
            archive.writestr(f"large/module_{number}.py", text)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1024)
