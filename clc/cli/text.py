"""Foreign text on a terminal: nothing in it acts, and no line is longer than the screen.

What models, files and endpoints write is data. ``visible`` is the one way on which it comes to a
person: what would move the cursor, colour, ring, set titles or reorder is shown as a symbol.

Terminals do not agree how wide text is: a vowel sign such as U+09BF takes no column in some and
one in others, and an emoji of several code points two columns or as many as its parts would.
``cells`` counts the most that any takes, so that a wrapped line fits everywhere; and since a
line may be narrower than that, nothing is put to the right of foreign text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

__all__ = ["brief", "cells", "clusters", "excerpt", "line_breaks", "put", "visible"]

LINE_MOST = 10_000  # characters that are shown of one line
_TABLE_MOST = 40

# Controls (ECMA-48: C0, delete, C1), the marks and embeddings of UAX #9, line and paragraph
# separators, interlinear annotations, and half surrogates, which no terminal can be sent.
_ACTS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\ud800-\udfff]"
)
_ACTS_IN_LINES = re.compile(_ACTS.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
_PICTURES = 0x2400
_SPACE, _DELETE = 0x20, 0x7F
_DELETE_PICTURE = "\u2421"

_JOINER, _EMOJI_STYLE = "\u200d", "\ufe0f"
# What extends a cluster without being a mark: joiners, Thai and Lao AM, half-width voiced marks,
# skin tones and tags (UAX #29, GB9 and GB9a), and the second and third parts of Hangul syllables.
_EXTENDS = re.compile(
    "[\u200c\u200d\u0e33\u0eb3\uff9e\uff9f\u1160-\u11ff\ud7b0-\ud7fb"
    "\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_HANGUL_FIRST = re.compile("[\u1100-\u115f\ua960-\ua97c]")
_HANGUL = re.compile("[\u1100-\u115f\ua960-\ua97c\uac00-\ud7a3]")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")
_VIRAMA = 9  # canonical combining class
_CLUSTER_MOST = 32  # code points; UAX #15 allows a letter 30 marks in its stream-safe format
_NOT_FIRST = frozenset(
    "、。，．！？：；）」』】〕〉》…ー々"
)  # what no line of Chinese or Japanese begins with


def visible(text: str, *, lines: bool = False) -> str:
    r"""Show as symbols what a terminal would act on; with ``lines``, line ends and tabs stay.

    Every character is shown by itself, so that parts of a text may be shown one by one.

    >>> visible("\x1b[31m7\x07\n"), visible("a\tb\n", lines=True)
    ('␛[31m7␇␊', 'a\tb\n')
    >>> visible("\u202e7\x85")
    '⟦U+202E⟧7⟦U+0085⟧'
    """
    return (_ACTS_IN_LINES if lines else _ACTS).sub(_symbol, text)


def brief(text: str, most: int = _TABLE_MOST) -> str:
    """Make one line of at most ``most`` cells of a text; an ellipsis stands for the rest.

    >>> brief("a text of several words", 10), brief("日本語の答え", 6)
    ('a text of…', '日本…')
    """
    line = visible(text[: most * _CLUSTER_MOST])
    end = room = used = 0  # where the line is full, and where an ellipsis still has room
    for cluster in clusters(line):
        used += cells(cluster)
        if used > most:
            return line[:room].rstrip() + "…"
        end += len(cluster)
        room = end if used < most else room
    return line if len(text) <= most * _CLUSTER_MOST else line[:room].rstrip() + "…"


def excerpt(text: str, *, marked: tuple[int, int] | None = None, full: bool = False) -> Text:
    """Make a body of lines of a text, with the characters ``marked`` (start, end) standing out.

    Of a line of more than ``LINE_MOST`` characters the middle is left out, and said to be, unless
    ``full``; what is marked is always shown.
    """
    shown, at = Text(), 0
    low, high = marked or (0, 0)
    for line in text.split("\n"):
        end = at + len(line)
        for start, stop in _kept(text, at, end, (low, high), full=full):
            if start > at:
                left = f" … {start - at:,} of {len(line):,} characters are left out … "
                shown.append(left, style="dim italic")
            inner = [min(max(edge, start), stop) for edge in (low, high)]
            edges = [start, *inner, stop]
            for begin, close, style in zip(
                edges, edges[1:], ("", "bold reverse", ""), strict=False
            ):
                shown.append(visible(text[begin:close], lines=True), style=style)
            at = stop
        shown.append("\n")
        at = end + 1
    return shown[:-1]


def put(console: Console, text: Text, indent: int = 0) -> None:
    """Print lines behind ``indent`` spaces, wrapped if the console is a terminal.

    Elsewhere they go out as they are, for whatever reads them.
    """
    before = Text(" " * indent)
    width = max(console.width - indent, 2)
    for line in text.split("\n", allow_blank=True):
        if not console.is_terminal:
            console.file.write(f"{before.plain if line else ''}{line.plain}\n")
            continue
        line.expand_tabs(4)
        for part in line.divide(line_breaks(line.plain, width)):
            part.rstrip()
            console.print(before + part if part else part, soft_wrap=True)


def line_breaks(text: str, width: int) -> list[int]:
    """Say where to break one line so that no part has more than ``width`` cells.

    It breaks at spaces and beside wide characters, in a longer word between two clusters. Spaces
    at a break hang over.

    >>> text = "zwei Wörter und 日本語。"
    >>> breaks = [0, *line_breaks(text, 11), len(text)]
    >>> [text[start:end] for start, end in zip(breaks, breaks[1:])]
    ['zwei Wörter ', 'und 日本', '語。']
    """
    if len(text) <= width and text.isascii():
        return []
    breaks: list[int] = []
    at = used = 0  # where we are, and cells since the last break
    chance = before = 0  # last place to break at, and cells up to there
    wide = spaced = False
    for cluster in clusters(text):
        size = cells(cluster)
        is_wide, is_space = size > 1 and cluster[0] not in _NOT_FIRST, cluster.isspace()
        if not is_space and (spaced or is_wide or (wide and cluster[0] not in _NOT_FIRST)):
            chance, before = at, used
        if not is_space and used and used + size > width:
            if not before:
                chance, before = at, used
            breaks.append(chance)
            used -= before
            before = 0
        used += size
        at += len(cluster)
        wide, spaced = is_wide or (wide and cluster[0] in _NOT_FIRST), is_space
    return breaks


def clusters(text: str) -> Iterator[str]:
    """Yield the user-perceived characters of a text, never less than a cluster of UAX #29.

    Some are more than that: a chain of flags is one. None is longer than 32 code points.

    >>> list(clusters("กำ ক্ষি 👩‍👧"))
    ['กำ', ' ', 'ক্ষি', ' ', '👩‍👧']
    """
    start, linked = 0, False
    for at in range(1, len(text)):
        before, after = text[at - 1], text[at]
        # A virama binds the next letter, also over signs that stand between (GB9c).
        linked = unicodedata.combining(before) == _VIRAMA or (linked and _extends(before))
        joined = _joined(before, after) or (linked and unicodedata.category(after)[0] == "L")
        if at - start >= _CLUSTER_MOST or not joined:
            yield text[start:at]
            start = at
    if text:
        yield text[start:]


def cells(text: str) -> int:
    """Count the columns that a text takes, the most that any terminal gives it.

    >>> cells("Äpfel"), cells("日本"), cells("ক্ষি"), cells("น้ำ")
    (5, 4, 3, 2)
    """
    return len(text) if text.isascii() else sum(map(_width, text))


@lru_cache(maxsize=1 << 14)
def _width(character: str) -> int:
    if character == _EMOJI_STYLE:
        return 1  # makes a narrow symbol a wide one
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _extends(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or _EXTENDS.match(character) is not None


@lru_cache(maxsize=1 << 16)
def _joined(before: str, after: str) -> bool:
    """Whether a cluster goes on from one character to the next."""
    if before < "\u0300" and after < "\u0300":
        return False
    kind = unicodedata.category(after)
    if kind in {"Cc", "Zl", "Zp"} or unicodedata.category(before) in {"Cc", "Zl", "Zp"}:
        return False
    if before == _JOINER or _extends(after):
        return True
    if unicodedata.combining(before) == _VIRAMA:
        return kind[0] == "L"
    if _HANGUL_FIRST.match(before):
        return _HANGUL.match(after) is not None
    return _FLAG.match(before) is not None and _FLAG.match(after) is not None


def _kept(
    text: str, start: int, end: int, marked: tuple[int, int], *, full: bool
) -> Iterator[tuple[int, int]]:
    """Yield the parts of a line that are shown: all of it, or its ends and what is marked."""
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
        begin, stop = (_cluster_end(text, at, end) for at in (max(low, shown), max(high, shown)))
        if begin < stop:
            yield begin, stop
            shown = stop


def _cluster_end(text: str, at: int, end: int) -> int:
    """Return ``at``, or where the cluster ends that goes on there."""
    most = min(end, at + _CLUSTER_MOST)
    while 0 < at < most and _joined(text[at - 1], text[at]):
        at += 1
    return at


def _symbol(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < _SPACE:
        return chr(_PICTURES + code)
    return _DELETE_PICTURE if code == _DELETE else f"⟦U+{code:04X}⟧"
