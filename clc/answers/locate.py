"""Sentences and conclusions of a text, and words that take back what stands before them.

A text without box and label answers with its last sentence that has a number and is no check, note,
confidence or offer.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from clc.answers.unit_words import unit_words
from clc.answers.vocabulary import per_vocabulary
from clc.answers.word_lists import fold, word_list
from clc.answers.words import word_pattern
from clc.deferred_patterns import deferred_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LastSentences",
    "corrected_between",
    "correction_end",
    "is_error",
    "is_remark",
    "prefix_end",
    "sentence_before",
    "sentence_end",
]  # fmt: skip

_WIDEST_PREFIX = 12
_BULLETS = r"[-*#<\[>\d.)(\s¿¡✓✅|_「]"
_PREFIX = re.compile(rf"{_BULLETS}{{0,{_WIDEST_PREFIX}}}")
_ENDS = ".!?。！？।॥؟።\n"
# The last end before a word, and the bullets between them, of which none is an end.
_SENTENCE_START = re.compile(
    rf"[{_ENDS}](?:[-*#<\[>\d)(¿¡✓✅|_「]|[^\S\n]){{0,{_WIDEST_PREFIX}}}(?![{_ENDS}])"
)
_START = r"[.!?。！？।॥؟…\n,;:，、،(（—–-][\s*_\"'“”「]{0,6}"
_LEAD = re.compile(r"[\s*_\"'“”「>#-]{0,8}")
_INTERJECTION = deferred_pattern(r"[\s*_]{0,8}\w{1,6}[,，、،!！]\s?")  # oh, sorry
_OPENING = re.compile(r"\s*[(（]")
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"\w")
_SENTENCES = 8
_MOST = 64  # sentences that are looked at
_WINDOW = 4000  # characters from the end with the conclusion of a text without label
_TAILS = (300, 1200, _WINDOW)  # that are split one after another: the first suffices for most
_LONGEST_BEFORE = 300  # characters of the sentence before another
_CORRECTED = 2000  # characters in which a correction is looked for


@per_vocabulary
def _end() -> re.Pattern[str]:
    """The end of a sentence."""
    joiners, parts = unit_words().joiner_words, unit_words().short_parts
    return re.compile(
        # All ends are in one class at the start: the regex engine skips other characters ten times
        # as fast. 5! = 120 and 5! ways go on, for ! is a factorial there.
        r"[.!?。！？।॥؟።\n](?:(?<=\n)|(?<=[。！？।॥؟።])(?!(?<=\d！)[=＝×/])"
        r"|(?<=[.!?])(?=[\s*\"'”」»』)\]\\$]|\Z)"
        r"(?!(?<=[\d)}!]!)[ ]?(?:[=/×÷·^<≈$]|\\\)|[-+*][ ]\d"
        rf"|\\(?:times|cdot|div)|{word_pattern('ways')}))(?!(?<=\d !)[ ]?=)"
        r"(?!(?<=[\d)]!)\))(?!(?<=\d\.)\\(?:overline|bar|dot|overbar)\b)"
        # 3 Std. 15 Min., 9:15 p. m.
        rf"(?!(?<=\.)[ ](?:(?i:{joiners})[ ])?\d{{1,2}}[ ]?(?i:{parts}))"
        r"(?!(?<=[ \d][pa]\.)[ ]m\.))"
    )


def sentence_end(text: str, start: int, end: int) -> int:
    """Return the end of the sentence that begins at ``start``.

    >>> sentence_end("2. Sara has 3.", 0, 14)
    2
    """
    match = _end().search(text, start, end)
    return match.end() if match else end


def sentence_before(text: str, begin: int) -> int | None:
    """Return the start of the sentence that ends at ``begin``, None without one.

    >>> sentence_before("It is unknown. She has 3.", 14)
    0
    """
    stop = begin
    while stop and text[stop - 1].isspace():
        stop -= 1
    if not stop:
        return None
    start = max(0, stop - _LONGEST_BEFORE)
    for mark in _end().finditer(text, start, stop - 1):
        start = mark.end()
    return start


def corrected_between(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` corrects the text before it."""
    end = min(end, start + _CORRECTED)
    return (
        word_list("error", "rethink").found(text, start, end)
        or correction_end(text, start, end) is not None
        or word_list("pause", before=_START).found(text, start, end)
    )


def correction_end(text: str, start: int, end: int) -> int | None:
    """Return the end of a word of correction at the start of a sentence, None without one."""
    for lead in (_LEAD.match(text, start, end), _INTERJECTION.match(text, start, end)):
        word = word_list("pause").match(text, lead.end(), end) if lead else None
        if word:
            return word.end()
    return None


def is_error(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` states that what stands before it is wrong."""
    return word_list("error").found(text, start, end)


def is_remark(text: str, start: int, end: int) -> bool:
    """Whether a sentence is a check, a note, a confidence or an offer.

    >>> is_remark("Confidence: 95%", 0, 15), is_remark("4 notebooks cost 12.", 0, 20)
    (True, False)
    """
    return word_list("remark").match(text, prefix_end(text, start, end), end) is not None


def prefix_end(text: str, start: int, end: int) -> int:
    """Return where the first word of ``text[start:end]`` begins, after bullets and markup."""
    prefix = _PREFIX.match(text, start, end)
    return prefix.end() if prefix else start


class LastSentences:
    """The last sentences of ``text[start:end]``, without checks and notes at the end.

    A text is split from its end, as far as its sentences are asked for.

    >>> text = "So there are 5 mice. I hope this helps!"
    >>> [text[a:b] for a, b in LastSentences(text, 0, len(text)).numbered()]
    ['So there are 5 mice.']
    """

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._start, self._end = max(start, end - _WINDOW), end
        self._remarks = _Remarks(text, self._start, end)
        self._known: list[tuple[int, int]] = []
        self._others = islice(self._split(), _MOST)

    def numbered(self) -> Iterator[tuple[int, int]]:
        """Yield those with a digit, last first."""
        if _DIGIT.search(self._text, self._start, self._end) is None:
            return iter(())
        return islice(self._having(_DIGIT), _SENTENCES)

    def worded(self) -> Iterator[tuple[int, int]]:
        """Yield those with a word, last first."""
        return islice(self._having(_WORD), _SENTENCES)

    def _having(self, content: re.Pattern[str]) -> Iterator[tuple[int, int]]:
        index = 0
        while True:
            if index == len(self._known):
                span = next(self._others, None)
                if span is None:
                    return
                self._known.append(span)
            span = self._known[index]
            index += 1
            if content.search(self._text, *span):
                yield span

    def _split(self) -> Iterator[tuple[int, int]]:
        """Yield the sentences, last first."""
        text, start, end = self._text, self._start, self._end
        stop = end
        if not self._remarks.exist():
            for size in _TAILS:
                begin = max(start, end - size)
                if begin > start:
                    first = _end().search(text, begin, stop)
                    begin = first.end() if first else stop
                if begin == stop:
                    continue
                for sentence in reversed(_split(text, begin, stop)):
                    if _is_aside(text, *sentence):  # the ones before it decide
                        break
                    yield sentence
                    stop = sentence[0]
                if stop > begin:
                    break
        if stop > start or start == end:
            spans = _sentences(text, start, end, self._remarks) or [(start, end)]
            yield from (span for span in reversed(spans) if span[1] <= stop)


class _Remarks:
    """The remarks in ``text[start:end]``."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._start, self._end = start, end
        self._folded = fold(text[start:end])
        # What those words begin with that may stand in the text.
        self._heads = word_list("remark").beginnings(self._folded)

    def __contains__(self, sentence: tuple[int, int]) -> bool:
        """Whether a sentence is a remark."""
        if not self._heads:
            return False
        begin = prefix_end(self._text, *sentence)
        return self._may_begin(begin) and is_remark(self._text, *sentence)

    def exist(self) -> bool:
        """Whether any sentence is a remark."""
        if not self._heads:
            return False
        if (self._start, self._end) in self:
            return True
        for mark in _SENTENCE_START.finditer(self._text, self._start, self._end):
            word = mark.end()
            if self._may_begin(word):
                low = max(self._start, word - 1 - _WIDEST_PREFIX)
                ends = _end().finditer(self._text, low, word)
                if any(is_remark(self._text, one.end(), self._end) for one in ends):
                    return True
        return False

    def _may_begin(self, position: int) -> bool:
        return self._folded.startswith(self._heads, position - self._start)


def _split(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the sentences of ``text[start:end]``, of which the last may have no end."""
    ends = [mark.end() for mark in _end().finditer(text, start, end)]
    if not ends or ends[-1] < end:
        ends.append(end)
    return list(zip([start, *ends[:-1]], ends, strict=True))


def _sentences(text: str, start: int, end: int, remarks: _Remarks) -> list[tuple[int, int]]:
    """Return the sentences that are no remark, nor follow one up to the next conclusion."""
    spans: list[tuple[int, int]] = []
    checking = False
    for sentence in _split(text, start, end):
        if _is_aside(text, *sentence) and any(_DIGIT.search(text, *span) for span in spans[-3:]):
            continue
        if sentence in remarks:  # of something: the first sentence is none
            checking = checking or any(_WORD.search(text, *span) for span in spans)
        elif checking and _concludes(text, *sentence):
            checking = False
        if not checking:
            spans.append(sentence)
    return spans


def _is_aside(text: str, start: int, end: int) -> bool:
    """Whether parentheses hold all of a sentence, without total or conclusion: (About 3 kg)."""
    opening = _OPENING.match(text, start, end)
    if opening is None:
        return False
    begin = opening.end() - 1
    close = text.find(")" if text[begin] == "(" else "）", begin, end)
    if 0 <= close < end - 2:
        return False
    if "=" in text[begin:end]:
        return False
    return not word_list("so", "total", "answer").found(text, begin, end)


def _concludes(text: str, start: int, end: int) -> bool:
    """Whether a sentence begins with a word such as "therefore"."""
    return word_list("so").match(text, prefix_end(text, start, end), end) is not None
