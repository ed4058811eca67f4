"""The comment at a pull request: what it says, and that Markdown obeys nothing of others in it."""

from dataclasses import replace

from markdown_it import MarkdownIt

from package_gate.report.comment import MAX_CHARACTERS, headline, write_comment
from tests.report.sample_run import hostile_run, refused, run, sample_run, too_fresh

COMMIT = "a" * 40


def test_each_line_is_told_with_its_verdict_and_what_to_do() -> None:
    told = refused()
    told = replace(told, decision=replace(told.decision, instead="pyyaml,pypi:PyYAML==6.0.2"))
    text = write_comment(run(told, too_fresh(), errors=sample_run().line_errors), COMMIT)
    assert text.startswith("**Package gate: 0 approved, 1 refused, 1 undecided, 2 bad lines**\n")
    assert COMMIT in text
    places = [text.index(f"**Line {line}: ") for line in (3, 4, 6, 9)]
    assert places == sorted(places)
    assert "**Line 3: refused**\n\n    pyyaml: pypi:PyYAML==5.3.1\n" in text
    assert "critical vulnerability PYSEC-2021-142 in pyyaml 5.3.1 (and 1 more)" in text
    assert "\nRequest instead:\n\n    pyyaml,pypi:PyYAML==6.0.2\n" in text
    assert "\nWrite instead:\n\n    torch,pypi:torch\n" in text
    assert "research.example" not in text, "a requester's address"


def test_what_is_approved_is_told_as_not_yet_published() -> None:
    text = write_comment(sample_run(), COMMIT)
    assert "**Line 2: would be approved**\n\n    scikit-learn: pypi:scikit-learn==1.5.2\n" in text
    assert "Nothing is published" in text
    assert "pip install" not in text
    assert "could not be sent: it is tried again" in text, "the run's warnings"


def test_what_was_not_tried_is_counted() -> None:
    assert headline(run(refused()), 3) == "0 approved, 1 refused, 0 undecided, 3 not tried"
    assert "3 new lines were not tried here" in write_comment(run(refused()), COMMIT, 3)
    assert headline(run()) == "No line is new, so there is nothing to try."


def test_hostile_text_is_shown_as_it_is() -> None:
    hostile = hostile_run()
    evil = "\n\n# @everyone\n    ```\n[x](https://evil.example) ![](https://evil.example) <b>\n\n"
    warned = replace(hostile, warnings=(*hostile.warnings, evil, ""))
    text = write_comment(warned, COMMIT)
    tokens = MarkdownIt("commonmark", {"linkify": True}).parse(text)
    assert "evil.example" in text
    kinds = {token.type for token in tokens}
    assert kinds == {"paragraph_open", "inline", "paragraph_close", "code_block"}
    for token in tokens:
        if token.type == "inline":
            assert {each.type for each in token.children or ()} <= {
                "text", "strong_open", "strong_close", "code_inline",
            }  # fmt: skip
            assert "evil" not in token.content
    assert all(line.isprintable() for line in text.split("\n"))


def test_a_long_comment_ends_between_two_lines() -> None:
    many = [replace(refused(), request=replace(refused().request, line=n)) for n in range(1, 900)]
    text = write_comment(run(*many), COMMIT)
    assert len(text) <= MAX_CHARACTERS + 100
    shown = text.count("**Line ")
    assert text.endswith(f"\n{899 - shown} more lines are in the log of the check.\n")
    assert f"**Line {shown}: refused**" in text
