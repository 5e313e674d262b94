"""The part of a text that solves this problem: a chat's last reply, before a run-on.

A text that begins with a turn of the user is a transcript, and its last reply counts. Otherwise the
text ends where a turn, or another problem after an answer, begins.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from clc.answers.labels import labels
from clc.answers.vocabulary import per_vocabulary
from clc.answers.word_lists import word_list
from clc.answers.words import listed
from clc.deferred_patterns import deferred_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clc.answers.scan import Scan

__all__ = ["Body", "find_body", "is_blank", "is_whole", "run_on_at"]

_SPECIAL = re.compile(
    r"<\|[a-zA-Z_]{2,24}\|>|</s>|<end_of_turn>|<eos>|<\|endoftext\|>|\[/?INST\]|<｜[^｜\n]{2,40}｜>"
)
_PROMPT = re.compile(
    r"\s*(?:<s>)?\s*(?:\[SYSTEM_PROMPT\][^\[]*\[/SYSTEM_PROMPT\]\s*)?\[INST\][^\[]*\[/INST\]"
)
_PROMPT_END = "[/INST]"
# The headers of turns that are left where special tokens were removed: a line of its own, or glued
# to the end of an answer.
# Without these marks a text has no special token, call, or turn on a line of its own.
_IN_SPECIAL = ("<", "[INST]", "[/INST]")
_IN_CALLS = ("<", "[TOOL", "```tool")
_CALL_FIELDS = ('"name"', '"action"')
_BOXES = {"oxed", "fbox", "{"}
_IN_TURNS = ("assistant", "user\n", "model\n")
_ROLE_LINE = deferred_pattern(r"(?:\A|\n)[ \t]?(system|user|assistant|model)[ \t]?(?=\n|\Z)")
_GLUED = deferred_pattern(
    r"(?<=[\d.!?。！？।)\]}*\"'”»%])(?:(assistant)(?=\n|[A-Z\d]|\Z)|(user|system)(?=\n))"
)
_HASHES = re.compile(r"####[ \t]?[-$€£]?\d")
_DONE = deferred_pattern(
    r"oxed\s?\{|(?:\A|\n)[ \t*]{0,4}A:[ *]{0,3}[^\n]{0,200}[\dA-J]|####\s?[-$€£]?\d"
)
_VALUE = re.compile(r"[^\n\d?]{0,14}\d|[\s*:：(\[]{0,6}[A-J](?![a-zA-Z])")
_FAR_VALUE = re.compile(r"[^\n\d?]{0,60}\d")  # after a colon
_NUMBER_LINE = deferred_pattern(
    r"(?:\A|\n)[\s*_$€£(\[-]{0,6}\d[\d.,]{0,20}[\s*_%)\].。]{0,6}(?=\n|\Z)"
)
_DIGIT = re.compile(r"\d")
_TOOL = deferred_pattern(
    r"<\|?(?:tool_calls?|function_calls?|tool_code|tool_use|tool_response|python_tag|tool_calls_section_begin"
    r"|tool_call_begin|action_start)\b[^<>\n]{0,60}>|<(?:function|invoke|minimax:tool_call)\b[^<>\n]{0,80}>"
    r"|<｜tool▁calls?▁begin｜>|\[TOOL_CALLS\]|```tool_(?:code|call)\b"
)
_TOOL_END = deferred_pattern(
    r"</(?:tool_calls?|function_calls?|tool_code|tool_use|tool_response|function|invoke|minimax:tool_call)>"
    r"|<\|/?(?:tool_calls?_end|tool_calls_section_end|/tool_calls?|action_end)\|?>|<｜tool▁calls?▁end｜>|(?<=\n)```"
)
_CALL_KEYS = (("name", "arguments"), ("name", "parameters"), ("action", "action_input"))
_LONGEST_CALL = 20_000  # characters of a call without marks
_HEAD = 60  # characters from the start that settle most texts


class Body(NamedTuple):
    """A span of a text; ``calling`` where a tool is called in place of an answer or after it."""

    start: int
    end: int
    calling: bool = False


def find_body(scan: Scan, start: int = 0, end: int | None = None) -> Body:
    r"""Return the span of this problem's solution in ``text[start:end]`` of a scanned text.

    >>> from clc.answers.scan import Scan
    >>> text = "Answer: 6<|im_end|>Answer: 7"
    >>> text[slice(*find_body(Scan(text))[:2])]
    'Answer: 6'
    >>> text = "user\n5 + 5?\nassistant\nAnswer: 10"
    >>> text[slice(*find_body(Scan(text))[:2])]
    '\nAnswer: 10'
    """
    text = scan.text
    end = len(text) if end is None else end
    calling = False
    if not scan.marks <= _BOXES:
        if "[/INST]" in scan.marks:
            start = _after_prompts(text, start, end)
        start, end, calling = _without_calls(scan, start, end)
        if not scan.marks.isdisjoint(_IN_SPECIAL):
            for mark in _SPECIAL.finditer(text, start, end):
                if text[start : mark.start()].strip():
                    end = mark.start()
                    break
    start, end = _last_reply(scan, start, end)
    run_on = run_on_at(scan, start, end)
    end = _without_repetition(text, start, end if run_on is None else run_on)
    return Body(start, end, calling)


def is_whole(scan: Scan, start: int, end: int) -> bool:
    r"""Whether all of ``text[start:end]`` of a scanned text solves this problem.

    >>> from clc.answers.scan import Scan
    >>> is_whole(Scan("Answer: 6"), 0, 9), is_whole(Scan("Answer: 6\nuser\nHi"), 0, 17)
    (True, False)
    """
    if not scan.marks <= _BOXES:
        return find_body(scan, start, end) == (start, end, False)
    if _ordered_turns(scan, start, end) or run_on_at(scan, start, end) is not None:
        return False
    return _without_repetition(scan.text, start, end) == end


def _after_prompts(text: str, start: int, end: int) -> int:
    """Return where the reply to an echoed prompt begins; the last, where each has its end."""
    echoed = _PROMPT.match(text, start, end)
    if echoed is None or not text[echoed.end() : end].strip():
        return start
    last = text.rfind(_PROMPT_END, echoed.end(), end)
    opening = text.rfind("[INST]", echoed.end(), max(last, echoed.end()))
    ended = text[start : max(opening, start)].rstrip().removesuffix("<s>").rstrip().endswith("</s>")
    if opening >= 0 and ended and text[last + len(_PROMPT_END) : end].strip():
        return last + len(_PROMPT_END)
    return echoed.end()


def _without_repetition(text: str, start: int, end: int) -> int:
    """Return the end without a last line that breaks off within a repetition of the one before."""
    line = text.rfind("\n", start, end) + 1
    before = text.rfind("\n", start, max(line - 1, start)) + 1
    repeated = start < before < line < end and text.startswith(text[line:end], before)
    return line if repeated and line - before > end - line + 1 else end


def _without_calls(scan: Scan, start: int, end: int) -> Body:
    """Leave out calls of tools: what follows the last one counts, else what stands before it."""
    text = scan.text
    if not scan.marks.isdisjoint(_IN_CALLS):
        first = _TOOL.search(text, start, end)
        if first:
            last = None
            for last in _TOOL_END.finditer(text, first.end(), end):  # noqa: B007
                pass
            if last and not is_blank(text, last.end(), end):
                return Body(last.end(), end)
            return Body(start, first.start(), calling=True)
    if not scan.marks.isdisjoint(_CALL_FIELDS) and _is_call(text, start, end):
        return Body(start, start, calling=True)
    return Body(start, end)


def _is_call(text: str, start: int, end: int) -> bool:
    """Whether a text is nothing but the JSON of a call."""
    content = text[start:end].strip().removeprefix("```json").strip("`\n ")
    if not content.startswith(("{", "[")) or len(content) > _LONGEST_CALL:
        return False
    try:
        calls = json.loads(content)
    except (ValueError, RecursionError):
        return False
    first = calls[0] if isinstance(calls, list) and calls else calls
    return isinstance(first, dict) and any(all(key in first for key in keys) for keys in _CALL_KEYS)


@per_vocabulary
def _turns() -> re.Pattern[str]:
    """Headers with a colon: the first group is the user's, the second the assistant's."""
    user, assistant = ("|".join(listed(name)) for name in ("user", "assistant"))
    return re.compile(
        rf"(?:\A|\n)[ \t]{{0,3}}(?:#{{1,6}}[ \t]?|\*\*)?(?i:({user}|system|instruction|input)|"
        rf"({assistant}|model|response))\s?(?:\*\*)?[:：](?:\*\*)?"
    )


def _last_reply(scan: Scan, start: int, end: int) -> tuple[int, int]:
    """Return the last reply of a transcript; without one, the text before another turn."""
    text = scan.text
    turns = _ordered_turns(scan, start, end)
    if not turns:
        return start, end
    first = turns[0]
    if text[start : first[0]].strip():
        return start, (first[0] if first[3] else end)
    replies = [
        index
        for index, (_, stop, reply, _) in enumerate(turns)
        if reply and text[stop : turns[index + 1][0] if index + 1 < len(turns) else end].strip()
    ]
    if not replies:
        return start, end
    index = replies[0] if turns[0][2] else replies[-1]  # a reply first: others were made up
    return turns[index][1], turns[index + 1][0] if index + 1 < len(turns) else end


def _ordered_turns(scan: Scan, start: int, end: int) -> list[tuple[int, int, bool, bool]]:
    """Return the headers' starts, ends, whether they are replies', and whether they end a text.

    A header with a colon ends no text that began without one: it may be a heading of the solution.
    """
    text = scan.text
    turns: list[tuple[int, int, bool, bool]] = []
    if not scan.marks.isdisjoint(_IN_TURNS):
        turns += [
            (mark.start(), mark.end(), mark[1] in {"assistant", "model"}, True)
            for mark in _ROLE_LINE.finditer(text, start, end)
        ]
        turns += [
            (mark.start(), mark.end(), mark[1] is not None, True)
            for mark in _GLUED.finditer(text, start, end)
        ]
    head = text[start : start + _HEAD]
    if (":" in head or "：" in head) and _turns().match("\n" + head.lstrip(" \n\t#*")):
        turns += [
            (mark.start(), mark.end(), mark[2] is not None, False)
            for mark in _turns().finditer(text, start, end)
        ]
    return sorted(turns)


_HEAD_END = r"\s?(?:#?\d{1,4})?[ \t*]{0,3}[:：]"
_LETTER_HEAD = re.compile(rf"\n[ \t#*]{{0,6}}([qQ]){_HEAD_END}")
_NUMBERED_HEAD = re.compile(
    r"\n[ \t]*(?:#{1,6}|\*\*)[ \t]*(?i:question|problem|exercise|example)[ ]#?\d{1,4}"
)
_INNER_HEAD = re.compile(r"(?:Q|Question|Problem)[ ]?\d{0,3}:[ ]")
_BEFORE_INNER = deferred_pattern(r"[.!?。！？।]([ ]{1,2})\Z")
_INDENT = "\t #*"
_WIDEST_INDENT = 6
_LONGEST_INDENT = 60  # of a numbered heading in Markdown


def _headings(scan: Scan, start: int, end: int) -> list[tuple[int, bool]]:
    """Return where other problems are headed, and whether a turn of the user is.

    A heading stands at the start of a line, or of a sentence within it.
    """
    text = scan.text
    found: list[tuple[int, bool]] = []
    for position in scan.heads:
        line = position - 1
        while line > start and position - line <= _LONGEST_INDENT and text[line] in _INDENT:
            line -= 1
        if start <= line < end and text[line] == "\n":
            found += _line_headings(text, line, position, end)
    if scan.lettered:
        found += [(mark.start(), False) for mark in _LETTER_HEAD.finditer(text, start, end)]
    for mark in _INNER_HEAD.finditer(text, start, end) if scan.inner else ():
        before = _BEFORE_INNER.search(text, max(0, mark.start() - 3), mark.start())
        if before and before.start(1) >= start:
            found.append((before.start(1), False))
    return sorted(found)


def _line_headings(text: str, line: int, position: int, end: int) -> Iterator[tuple[int, bool]]:
    """Yield whether the line, whose first word is at ``position``, heads a problem or a turn."""
    if position - line <= _WIDEST_INDENT + 1:
        user = word_list("user", after=_HEAD_END).match(text, position, end) is not None
        if user or word_list("problem", after=_HEAD_END).match(text, position, end):
            yield line, user
    if _NUMBERED_HEAD.match(text, line, end):
        yield line, False


def run_on_at(scan: Scan, start: int, end: int) -> int | None:
    """Return where another problem begins, after an answer to this one."""
    if not (scan.heads or scan.lettered or scan.inner or "####" in scan.marks):
        return None
    text = scan.text
    done, checked = False, start
    hashes = _HASHES.search(text, start, end) if "####" in scan.marks else None
    for heading, user in _headings(scan, start, end):
        done = done or (
            _DIGIT.search(text, checked, heading) is not None
            if user
            else _is_done(scan, checked, heading)
        )
        checked = heading
        if done:
            return heading
    if hashes and (again := _HASHES.search(text, hashes.end(), end)):
        line = text.find("\n", hashes.end(), again.start())
        if line >= 0 and not word_list("error", "pause").found(text, line, again.start()):
            return line
    return None


def _is_done(scan: Scan, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` states an answer."""
    text = scan.text
    if _DONE.search(text, start, end) or _NUMBER_LINE.search(text, start, end):
        return True
    for label in labels(scan, start, end):
        far = _FAR_VALUE.match(text, label.end, end) if label.colon else None
        if far or _VALUE.match(text, label.end, end):
            return True
    begin = max(start, text.rfind("\n", start, start + len(text[start:end].rstrip())))
    conclusion = word_list("so").search(text, begin, end)
    return conclusion is not None and _DIGIT.search(text, conclusion.end(), end) is not None


def is_blank(text: str, start: int, end: int) -> bool:
    r"""Whether ``text[start:end]`` holds nothing but spaces and special tokens.

    >>> is_blank("\n<|im_end|>", 0, 11), is_blank("5<|im_end|>", 0, 11)
    (True, False)
    """
    head = text[start : min(end, start + _HEAD)]
    if head.strip() and "<" not in head and "[" not in head:
        return False
    position = start
    for mark in _SPECIAL.finditer(text, start, end):
        if text[position : mark.start()].strip():
            return False
        position = mark.end()
    return not text[position:end].strip()
