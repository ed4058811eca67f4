"""The pages that a deployer follows, and the commands on them."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PAGES = ("deployment", "validation", "operations", "clean-up")
"""In the order of their use."""
_BLOCK = re.compile(r"^```bash ?(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str, variant: str = "") -> list[str]:
    """Give the `bash` blocks of a page; what stands in another kind of block is not run.

    Args:
        page: its name in `docs/`, without `.md`.
        variant: leaves out those of the other one, which begin with "```bash OTHER". Empty for all.
    """
    found = _BLOCK.findall((PROJECT / f"docs/{page}.md").read_text())
    assert found, page
    return [text for of, text in found if not (variant and of) or of == variant]
