"""The pages that people read, taken apart: blocks, commands, links."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "reference"),
)
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

_FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')
_SHELL = ("", "sh", "console")


class Block(NamedTuple):
    """One fenced block: its language, the file that it is (or none), its text."""

    language: str
    title: str | None
    text: str


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def prose(name):
    """What stands outside of blocks."""
    return _FENCE.sub("", text(name))


def blocks(name, *languages):
    """The blocks of a page, or those in some languages."""
    found = []
    for language, rest, body in _FENCE.findall(text(name)):
        title = _TITLE.search(rest)
        if not languages or language in languages:
            found.append(Block(language, title[1] if title else None, body))
    return found


def lines(name):
    """What a page tells to type, line by line."""
    typed = "\n".join(block.text for block in blocks(name, *_SHELL)).splitlines()
    return [line.removeprefix("$ ") for line in typed if line.strip()]


def commands(name):
    return [line for line in lines(name) if line.startswith("clc ")]


def write_files(name, folder):
    """Write the blocks that are files."""
    for block in blocks(name):
        if block.title:
            target = folder / block.title
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, encoding="utf-8")


def slugs(name):
    """Anchors of a page's headings."""
    heads = re.findall(r"(?m)^#+ (.*)$", prose(name))
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}
