"""Core metadata: what a distribution says of itself, however hostile."""

import time

import pytest

from package_gate.core.inventory import Licence
from package_gate.inventory.bounds import MAX_METADATA_BYTES
from package_gate.inventory.formats.core_metadata import CoreMetadata, read_core_metadata
from package_gate.inventory.formats.items import FormatProblem

START = "Metadata-Version: 2.4\nName: Demo_Pkg\nVersion: 1.0\n"


def read(text: str | bytes) -> CoreMetadata:
    found = read_core_metadata(text if isinstance(text, bytes) else text.encode())
    assert isinstance(found, CoreMetadata)
    return found


def problem(text: str | bytes) -> str:
    found = read_core_metadata(text if isinstance(text, bytes) else text.encode())
    assert isinstance(found, FormatProblem)
    return found.text


def test_everything_that_an_inventory_needs_is_read() -> None:
    found = read(
        START + "Requires-Python: >=3.9, <4\n"
        "Summary: A\n        demo.\nDynamic: Summary\n"
        "Requires-Dist: idna>=2\nRequires-Dist: six; python_version < '3'\n"
        "License-Expression: MIT AND Apache-2.0\nLicense: see\n        below\n"
        "License-File: LICENSE\nLicense-File: vendor/NOTICE\n"
        "Classifier: License :: OSI Approved :: MIT License\nClassifier: Topic :: Text\n"
        "\nRequires-Dist: body\n"
    )
    assert found == CoreMetadata(
        name="Demo_Pkg",
        version="1.0",
        requires_python="<4,>=3.9",
        requires=("idna>=2", "six; python_version < '3'"),
        licence=Licence(
            "MIT AND Apache-2.0",
            "see below",
            ("License :: OSI Approved :: MIT License",),
            ("LICENSE", "vendor/NOTICE"),
        ),
        summary="A demo.",
        metadata_version="2.4",
        dynamic=("Summary",),
        line=2,
    )


@pytest.mark.parametrize("value", ["what?", ">=3<script>", ">=" + "9" * 5000, "\x1b[31m>=3"])
def test_what_is_no_specifier_is_left_out(value: str) -> None:
    assert read(f"{START}Requires-Python: {value}\n").requires_python == ""


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("Name: a\u202eb\nVersion: 1 0\n", "", ""),
        ("Name: ../up\nVersion: \u0661\n", "", ""),
        ("Name: " + "a" * 500 + "\nVersion: " + "1" * 500, "", ""),
        ("Version: 1\n", "", "1"),
        ("", "", ""),
        ("\nName: body\n", "", ""),
    ],
)
def test_a_name_or_version_that_can_be_none_is_empty(text: str, name: str, version: str) -> None:
    found = read(text)
    assert (found.name, found.version) == (name, version)


def test_of_a_repeated_field_the_first_counts_as_for_pip() -> None:
    found = read("name: a\nNAME: b\nVersion: 1\nVersion: 2\nRequires-Python: >=3\n" * 2)
    assert (found.name, found.version, found.requires_python) == ("a", "1", ">=3")


def test_a_licence_text_is_shortened_to_one_line() -> None:
    text = read(START + "License: " + "\n        word \x1b[2J\u202e" * 50_000).licence.text
    assert len(text) <= 500
    assert text.isprintable()


def test_bytes_that_are_no_text_do_no_harm() -> None:
    found = read(START.encode() + b"License: caf\xe9\nLicense-Expression: \xff\xfe\n\xff\x00")
    assert found.name == "Demo_Pkg"
    assert found.licence.expression == ""
    assert found.licence.text.isprintable()


@pytest.mark.parametrize(
    "field",
    [
        "Content-Type: multipart/mixed; boundary=x",
        "CONTENT-TYPE: message/rfc822",
        "Content-Transfer-Encoding: base64",
    ],
)
def test_metadata_that_an_email_reader_would_take_apart_is_a_problem(field: str) -> None:
    nested = f"{field}\n\n--x\n" * 2000
    assert "which core metadata does not have" in problem(START + nested)


def test_metadata_that_is_too_large_is_a_problem() -> None:
    assert "bytes" in problem(START + "\n" + "x" * MAX_METADATA_BYTES)


def test_fields_of_many_names_take_no_time() -> None:
    start = time.perf_counter()
    assert "different fields" in problem(START + "".join(f"X{n}:\n" for n in range(400_000)))
    assert time.perf_counter() - start < 30


def test_hundred_thousand_dependencies_take_little_time() -> None:
    start = time.perf_counter()
    found = read(START + "".join(f"Requires-Dist: a{n}\n" for n in range(100_000)))
    assert len(found.requires) == 100_000
    assert time.perf_counter() - start < 30
