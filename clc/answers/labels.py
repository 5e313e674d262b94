"""Answer labels: the words before a stated answer, in many languages.

A path's labels do not follow its language ("Réponse:" in Japanese text), so all of them are
searched in every text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Label", "labels"]

_WORDS = (
    # the languages of the prompts
    "answer|answers|ans|antwort|endantwort|antworten|ergebnis|endergebnis|"
    "respuesta|resultado|réponse|reponse|résultat|ответ|результат|jibu|majibu|"
    "答案|故选|故選|应选|答复|回答|解答|答え|答|उत्तर|জবাব|উত্তর|সমাধান|ఉత్తరం|సమాధానం|జవాబు|సమాదానం|คำตอบ|ตอบ|เฉลย|"
    # other languages in models' replies
    "risposta|risultato|resposta|odpowiedź|odpověď|antwoord|svar|vastaus|cevap|yanıt|răspuns|"
    "válasz|відповідь|απάντηση|jawaban|đáp án|đáp số|câu trả lời|kết quả|답|정답|답변|"
    "الجواب|الإجابة|پاسخ|جواب|תשובה|जवाब"
)
_CLOSE = r"[*_\"'”’»」』)\]`]{0,4}"
# Text between the noun and its colon or copula, within one clause.
_BETWEEN = r"[^\n:：=.!?。！？\d]{0,60}?"
_COPULA = (
    r"(?:\b(?:is|are|was|equals|ist|lautet|beträgt|lauten|es|est|sera|ni|é|è|jest|är|er|on|adalah|là|"
    r"est égale à|es igual a|равен|равно|равна|составляет)\b(?:\s*(?:also|daher|somit|folglich|donc|alors|entonces|por tanto|therefore|"  # noqa: E501
    r"simply|thus|equal to|exactly|insgesamt))?|"
    r"应该是|應該是|是|为|為|等于|は|が|হলো|হল|হচ্ছে|হবে|คือ|เท่ากับ|это)"
)


def _nouns() -> re.Pattern[str]:
    """Compile all words in their usual cases, grouped by first character.

    The regex engine searches a pattern with literal first characters about ten times as fast as one
    that ignores case or looks behind.
    """
    forms = {form for word in _WORDS.split("|") for form in (word, word.capitalize(), word.upper())}
    groups: dict[str, list[str]] = {}
    for form in sorted(forms, key=len, reverse=True):
        groups.setdefault(form[0], []).append(re.escape(form[1:]))
    return re.compile("|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in groups.items()))


_NOUN = _nouns()
_CASED = re.compile(r"[a-zA-Zа-яёА-ЯЁ]")
_COLON = re.compile(rf"{_CLOSE}[ \t\u00a0\u202f]{{0,3}}{_CLOSE}(?:[:：ঃ︰]|[-–—>]{{1,3}}(?=[ \t]))")
# "the answer to question 1 is"
_TO = r"(?i:\s(?:to|for|of|auf|zu)\s(?:the\s)?(?:question|problem|exercise|part|frage|aufgabe)\s?#?\d{1,3}\b)?"  # noqa: E501
_LATE_COLON = re.compile(_TO + rf"(?:{_BETWEEN}){_CLOSE}[ \t\u00a0\u202f]{{0,2}}[:：]")
_VERB = re.compile(_TO + rf"(?:{_BETWEEN}){_CLOSE}\s{{0,2}}{_COPULA}")
_EMPTY = re.compile(rf"{_CLOSE}[ \t]*(?=\n|\Z|\$|\\\(|\\\[)")
_DIRECT = re.compile(r"[ \t]?[\[「『\"'“*$¥-]{0,3}(?=\d)")
_HASHES = re.compile(r"####[ \t]{0,3}(?=\S)")
_HEADING = re.compile(r"[^\n\d.,;]{0,24}")  # "**Final Answer**" alone on its line, or "Answer 18"
_MOST_LABELS = 48  # that are considered, from the end


class Label(NamedTuple):
    """A label: its start, the start of its answer, and whether it ends with a colon."""

    start: int
    end: int
    colon: bool


def labels(text: str, start: int = 0, end: int | None = None) -> list[Label]:
    """Return the labels in ``text[start:end]``, in order.

    >>> labels("The answer is 3? No. Answer: 4")
    [Label(start=4, end=13, colon=False), Label(start=21, end=28, colon=True)]
    """
    stop = len(text) if end is None else end
    marks = []
    nouns = [noun for noun in _NOUN.finditer(text, start, stop) if _whole(text, noun)]
    for noun in nouns[-_MOST_LABELS:]:
        label = _label(text, noun, stop)
        if label:
            marks.append(label)
    if "####" in text:
        hashes = list(_HASHES.finditer(text, start, stop))[-_MOST_LABELS:]
        marks += [
            Label(mark.start(), mark.end(), colon=True)
            for mark in hashes
            if _number_line(text, mark.end(), stop)
        ]
        marks.sort()
    return marks


def _whole(text: str, noun: re.Match[str]) -> bool:
    """Whether the match is a whole word."""
    if not _CASED.match(noun[0]):
        return True
    start, end = noun.span()
    return not (start and _CASED.match(text[start - 1])) and not _CASED.match(text, end)


_NUMBER_LINE = re.compile(r"[$€£-]?[\d.,]{1,20}[ \t]*(?:\n|\Z)")


def _number_line(text: str, start: int, stop: int) -> bool:
    """Whether ``#### 18`` is GSM8K's mark and not a Markdown heading."""
    return _NUMBER_LINE.match(text, start, stop) is not None


def _label(text: str, noun: re.Match[str], stop: int) -> Label | None:
    colon = _COLON.match(text, noun.end(), stop)
    if colon:
        return Label(noun.start(), colon.end(), colon=True)
    late = _LATE_COLON.match(text, noun.end(), stop)
    verb = _VERB.match(text, noun.end(), stop)
    if late and (not verb or late.end() <= verb.end() + 24):
        return Label(noun.start(), late.end(), colon=True)
    if verb:
        return Label(noun.start(), verb.end(), colon=False)
    direct = _DIRECT.match(text, noun.end(), stop) or _EMPTY.match(text, noun.end(), stop)
    if direct and _HEADING.fullmatch(text, text.rfind("\n", 0, noun.start()) + 1, noun.start()):
        return Label(noun.start(), direct.end(), colon=True)
    return None
