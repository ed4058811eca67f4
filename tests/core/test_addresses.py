"""Addresses are told apart by whose they are."""

import time

import pytest

from package_gate.core.addresses import (
    addresses_in,
    addresses_in_code,
    has_one_owner,
    is_to_read,
    receiver_fingerprint,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://Api.Example/v1/x?y=1#z for more", {"api.example"}),
        ("https://user:pass@host.example:8443/a", {"host.example:8443"}),
        ("wss://a.example,http://b.example", {"a.example", "b.example"}),
        ("connect to 203.0.113.9:80, version 3.17.2", {"203.0.113.9"}),
        ("collect.example", {"collect.example"}),
        ("collect.example:443", {"collect.example"}),
        ("https://github.com/own/project/raw/main/a.py", {"github.com/own/project/raw/main"}),
        ("https://api.telegram.org/bot1:AA/send?x", {"api.telegram.org/bot1:aa/send"}),
        ("//cdn.example/a.js", {"cdn.example"}),
        *(
            (text, set())
            for text in ("config.py", "os.environ", "https://", "a//b c", "1.2.3", "x")
        ),
    ],
)
def test_an_address_is_its_host_and_on_shared_ones_its_path(text: str, found: set[str]) -> None:
    assert {each.lower() for each in addresses_in(text)} == found


def test_only_what_stands_in_quotes_is_of_the_code() -> None:
    code = """
# https://remark.example/x
'''Docs: see https://docstring.example/x'''
URL = "https://a.example/x" + f'{port}'
HOST = 'b.example'
MORE = f"https://c.example/{name}"
"""
    assert addresses_in_code(code) == {"a.example", "b.example", "c.example"}


@pytest.mark.parametrize(
    ("address", "one"),
    [
        ("a.example", True),
        ("bucket.s3.amazonaws.com", False),
        ("github.com/own", False),
        ("hooks.slack.com/services/a", False),
        ("notgithub.com", True),
        ("github.com.example", True),
    ],
)
def test_a_host_with_many_owners_proves_nothing(address: str, *, one: bool) -> None:
    assert has_one_owner(address) is one


def test_pages_are_read() -> None:
    assert is_to_read("github.com/own/project")
    assert is_to_read("docs.python.org")
    assert not is_to_read("raw.githubusercontent.com/own/project")
    assert not is_to_read("api.github.com/repos/own/project/issues")
    assert not is_to_read("notpython.example")


def test_each_address_has_a_fingerprint_of_its_own() -> None:
    assert receiver_fingerprint("a.example") != receiver_fingerprint("b.example")


@pytest.mark.parametrize(
    "text", ["//" * 200_000, "a." * 200_000, "'" + "a." * 200_000, "1." * 200_000, "//a@" * 100_000]
)
def test_no_text_takes_long(text: str) -> None:
    before = time.process_time()
    addresses_in(text)
    addresses_in_code(text)

    assert time.process_time() - before < 5
