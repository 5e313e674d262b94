"""Print foreign text safely: no character acts on the terminal, and lines fit the screen.

Texts of models, files and endpoints are data. ``visible`` replaces the characters that would move
the cursor, colour, ring, set titles or reorder; everything that is printed goes through it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import click
from rich.cells import cell_len, set_cell_size
from rich.console import RenderHook
from rich.measure import Measurement
from rich.segment import Segment
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType

__all__ = ["brief", "echo", "excerpt", "make_console", "put", "visible"]

LINE_MOST = 10_000  # characters of one line that are printed
_TABLE_MOST = 40  # cells
_MARKS_MOST = 31  # on one letter; UAX #15 allows 30 in its stream-safe format

# Controls (ECMA-48: C0, delete, C1), the marks and embeddings of UAX #9, line and paragraph
# separators, interlinear annotations, and half surrogates, which no terminal can be sent.
_ACTS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\ud800-\udfff]"
)
_ACTS_IN_LINES = re.compile(_ACTS.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
_PICTURES = 0x2400
_SPACE, _DELETE = 0x20, 0x7F
_DELETE_PICTURE = "\u2421"


def visible(text: str, *, lines: bool = False) -> str:
    r"""Replace the characters that a terminal would act on by symbols.

    Each character is replaced by itself, so that parts of a text may be shown one by one. With
    ``lines``, line ends and tabs stay.

    >>> visible("\x1b[31m7\x07\n"), visible("a\tb\n", lines=True)
    ('␛[31m7␇␊', 'a\tb\n')
    >>> visible("\u202e7\x85")
    '⟦U+202E⟧7⟦U+0085⟧'
    """
    return (_ACTS_IN_LINES if lines else _ACTS).sub(_symbol, text)


def echo(text: str, *, err: bool = False) -> None:
    """Print lines that may hold foreign text."""
    click.echo(visible(text, lines=True), err=err)


def make_console(*, stderr: bool = False) -> Console:
    """Make a console on which no text acts on the terminal, whatever is printed."""
    from rich.console import Console

    console = Console(stderr=stderr)
    console.push_render_hook(_VisibleHook())
    return console


def brief(text: str, most: int = _TABLE_MOST) -> str:
    """Return a text as one line of at most ``most`` cells, with an ellipsis where it is cut.

    >>> brief("a text of several words", 10), brief("日本語の答え", 6)
    ('a text of…', '日本…')
    """
    start = text[: most * (1 + _MARKS_MOST)]  # an answer may have a million characters
    line = visible(start)
    if start == text and cell_len(line) <= most:
        return line
    return set_cell_size(line, most - 1).rstrip() + "…"


def excerpt(text: str, *, marked: tuple[int, int] | None = None, full: bool = False) -> Text:
    """Return the lines of a text, with the characters ``marked`` (start, end) highlighted.

    The middle of a line of more than ``LINE_MOST`` characters is replaced by a note of its length,
    unless ``full``. Marked characters are never left out.
    """
    shown, position = Text(), 0
    low, high = marked or (0, 0)
    for line in text.split("\n"):
        end = position + len(line)
        for start, stop in _kept(text, position, end, (low, high), full=full):
            if start > position:
                left = f" … {start - position:,} of {len(line):,} characters are left out … "
                shown.append(left, style="dim italic")
            inner = [min(max(edge, start), stop) for edge in (low, high)]
            edges = [start, *inner, stop]
            for begin, close, style in zip(
                edges, edges[1:], ("", "bold reverse", ""), strict=False
            ):
                shown.append(visible(text[begin:close], lines=True), style=style)
            position = stop
        shown.append("\n")
        position = end + 1
    return shown[:-1]


def put(console: Console, text: Text, indent: int = 0) -> None:
    """Print lines with ``indent`` spaces before them, wrapped if the console is a terminal.

    Other consoles get the lines unwrapped, for programs that read them.
    """
    before = Text(" " * indent)
    width = max(console.width - indent, 2)
    for line in text.split("\n", allow_blank=True):
        if not console.is_terminal:
            console.file.write(f"{before.plain if line else ''}{line.plain}\n")
            continue
        for part in line.wrap(console, width, overflow="fold", tab_size=4):
            console.print(before + part if part else part, soft_wrap=True)


def _kept(
    text: str, start: int, end: int, marked: tuple[int, int], *, full: bool
) -> Iterator[tuple[int, int]]:
    """Yield the parts of a line to print: all of it, or its ends and the marked characters."""
    if full or end - start <= LINE_MOST:
        yield start, end
        return
    half = LINE_MOST // 2
    parts = [(start, start + half), (end - half, end)]
    low, high = marked
    if start <= low < high <= end:
        parts.append((low, high))
    shown = start
    for low, high in sorted(parts):
        begin = _after_marks(text, max(low, shown), end)
        stop = _after_marks(text, max(high, shown), end)
        if begin < stop:
            yield begin, stop
            shown = stop


def _after_marks(text: str, index: int, end: int) -> int:
    """Return ``index``, or the end of the combining marks that begin there."""
    most = min(end, index + _MARKS_MOST)
    while index < most and unicodedata.category(text[index])[0] == "M":
        index += 1
    return index


def _symbol(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < _SPACE:
        return chr(_PICTURES + code)
    return _DELETE_PICTURE if code == _DELETE else f"⟦U+{code:04X}⟧"


class _VisibleHook(RenderHook):
    """Makes the text of everything that a console prints visible; styles stay."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Visible(one) for one in renderables]


class _Visible:
    def __init__(self, shown: RenderableType) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for text, style, control in console.render(self._shown, options):
            yield Segment(text if control else visible(text, lines=True), style, control)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._shown)
