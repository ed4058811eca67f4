"""inventory.html: the catalogue as one page that is searched in the browser.

The document stands in the page as it is, with every `<` escaped, so that nothing in it can end its
element. The page's own script, which the Content-Security-Policy names by its digest, is the only
one that runs; it loads nothing and makes text of everything that it shows.
"""

import base64
import functools
import hashlib
from pathlib import Path

from package_gate.report.html import template

_PLACE = b"{}</script>"


def inventory_page(document: bytes) -> bytes:
    """Make the page.

    Args:
        document: the catalogue, as JSON in UTF-8.
    """
    before, after = _around()
    return b"".join((before, document.replace(b"<", b"\\u003c"), after))


@functools.cache
def _around() -> tuple[bytes, bytes]:
    script = Path(__file__).with_name("inventory.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = template("inventory.html.jinja").render(digest=digest).encode()
    before, _, after = page.partition(_PLACE)
    # The script is the project's own text; as a value it would be escaped.
    after = after.replace(b"<script></script>", f"<script>{script}</script>".encode())
    return before, b"</script>" + after
