"""Links out of ``docs/`` lead to the source tree; the site, which has none, shows their text."""  # noqa: INP001

from __future__ import annotations

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]*)\]\(\.\./[^)]*\)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Take such links out of a page of the top folder; mkdocs calls this for every page."""
    return markdown if "/" in page.file.src_uri else _OUTSIDE.sub(r"`\1`", markdown)
