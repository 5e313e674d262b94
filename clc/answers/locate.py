"""Location of the answer in a text: body, sentences and conclusions.

A box is the answer. Without one it is the text after the last label (:mod:`clc.answers.labels`), to
the end of that sentence, without later explanations and restated numbers. Without a label it is the
last sentence with a number that is no check of the result. A later label overrides an earlier one
or a box only after words of correction. A text that runs on into another problem ends where that
one begins.
"""

from __future__ import annotations

import re

__all__ = ["RUN_ON", "body", "conclusions", "corrected_between", "is_blank",
           "last_sentences", "sentence_end"]  # fmt: skip

_SPECIAL = re.compile(
    r"<\|[a-zA-Z_]{2,24}\|>|</s>|<end_of_turn>|<eos>|<\|endoftext\|>|\[/?INST\]|<｜[^｜\n]{2,40}｜>"
)
RUN_ON = re.compile(
    r"\n[ \t#*]{0,6}(?:q|question|problem|exercise|human|user|instruction|aufgabe|frage|pregunta|problema|problème|"  # noqa: E501
    r"вопрос|задача|swali|问题|問題|题目|質問|প্রশ্ন|ప్రశ్న|คำถาม|โจทย์)\s?(?:#?\d{1,4})?[ \t*]{0,3}[:：]"  # noqa: E501
    r"|\n[ \t]*(?:(?:#{1,6}|\*\*)[ \t]*(?:question|problem|exercise|example)[ ]#?\d{1,4}|example[ ]#?\d{1,4}[ ]?[:：])",  # noqa: E501
    re.IGNORECASE,
)
_DONE = re.compile(
    r"oxed\s?\{|(?:\A|\n)A:[ ][^\n]{0,200}\d|"
    r"(?:answer (?:is|was)|antwort (?:ist|lautet)|respuesta es|réponse est|jibu ni|答案是|答えは|คำตอบคือ|উত্তর হল|ответ[ ]?[—–-])[^\n\d?]{0,14}\d|"  # noqa: E501
    r"####\s?-?\d|(?:answer|antwort|respuesta|réponse|ответ|jibu|答案|回答|答え|উত্তর|సమాధానం|คำตอบ)\S{0,3}\s?[:：*ঃ]{1,3}[^\n\d]{0,60}\d",
    re.IGNORECASE,
)
_PROMPT = re.compile(r"\s*(?:<s>)?\s*\[INST\][^\[]*\[/INST\]")
# 5! = 120 and 5! ways go on, for ! is a factorial there.
_END = re.compile(
    r"[.!?](?=[\s*\"'”」»』)\]\\$]|\Z)(?!(?<=[\d)}!]!)[ ]?(?:[=/×÷·^<≈$]|\\\)|[-+*][ ]\d"
    r"|ways|different|possible|distinct|arrangement|permutation|ordering|orders|\\(?:times|cdot|div)"
    r"|Möglichkeiten|formas|façons|способ|njia))(?!(?<=\d !)[ ]?=)"
    r"(?!(?<=[\d)]!)\))(?!(?<=\d\.)\\(?:overline|bar|dot|overbar)\b)"
    # 3 Std. 15 Min., 9:15 p. m.
    r"(?!(?<=\.)[ ](?:(?:und|and|et|y|и)[ ])?\d{1,2}[ ]?(?:[mM]in|[sS]ec|[sS]ek|мин|сек)\b)"
    r"(?!(?<=[ \d][pa]\.)[ ]m\.)"
    r"|[。！？।॥](?!(?<=\d！)[=＝×/])|\n"
)
_CORRECTION = re.compile(
    r"\b(?:wait|actually|correction|sorry|mistake|oops|no,|instead|re-?check|recalculat|incorrect|corrected|"
    r"nein|moment|korrektur|korrigier\w*|fehler|tatsächlich|perdón|corrección|error|en realidad|corrig\w*|pardon|erreur|en fait|correction|"  # noqa: E501
    r"нет,|ошибка|исправ\w*|точнее|hapana|samahani|kosa)|"
    r"不对|不，|不是|更正|错|抱歉|修正|重新|間違|訂正|いや|いいえ|ではなく|ভুল|দুঃখিত|না,|తప్పు|క్షమించ|కాదు|ไม่ใช่|ผิด|ขอโทษ|แก้ไข",
    re.IGNORECASE,
)
_CHECK = re.compile(
    r"\s*[-*#>\d.)(\s]{0,8}(?:\(?(?:note|verif|check|to verify|to check|let['’]?s (?:verify|check)|p\.?s\b|explanation|hinweis|anmerkung|überprüf|probe\b|kontroll|"  # noqa: E501
    r"nota|verific|comprob|comprueb|remarque|vérif|проверк|провер|примечание|uhakiki|kumbuka|thibitish|注|验证|驗證|检验|检查|备注|検算|確認|確かめ|注意|যাচাই|দ্রষ্টব্য|"
    r"తనిఖీ|గమనిక|ตรวจสอบ|หมายเหตุ))",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"\w")
_SENTENCES = 8
_HEAD = 60  # characters from the start that settle most texts
_WINDOW = 4000  # characters from the end with the conclusion of a text without label


def body(text: str, start: int = 0, end: int | None = None) -> tuple[int, int]:
    """Return the span of this problem's solution in ``text[start:end]``: before a run-on.

    >>> text = "Answer: 6<|im_end|>Answer: 7"
    >>> text[slice(*body(text))]
    'Answer: 6'
    """
    end = len(text) if end is None else end
    if "[" in text:
        echoed = _PROMPT.match(text, start)
        if echoed and text[echoed.end() : end].strip():
            start = echoed.end()
    if "<" in text or "[" in text:
        for mark in _SPECIAL.finditer(text, start, end):
            if text[start : mark.start()].strip():
                end = mark.start()
                break
    done = None
    for mark in RUN_ON.finditer(text, start, end):
        if done is None:
            done = _DONE.search(text, start, end)
        if done is None:
            break
        if done.end() <= mark.start():
            end = mark.start()
            break
    return start, end


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


def sentence_end(text: str, start: int, end: int) -> int:
    """Return the end of the sentence that begins at ``start``.

    >>> sentence_end("2. Sara has 3.", 0, 14)
    2
    """
    match = _END.search(text, start, end)
    return match.end() if match else end


def corrected_between(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` corrects the text before it."""
    return _CORRECTION.search(text, start, min(end, start + 2000)) is not None


def last_sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the last sentences, last first, without checks and notes at the end."""
    spans = _sentences(text, max(start, end - _WINDOW), end)
    worded = [span for span in spans[-64:] if _WORD.search(text, *span)]
    return worded[: -_SENTENCES - 1 : -1]


def conclusions(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the last sentences with a digit, last first, without checks and notes at the end.

    >>> text = "So there are 5 mice. I hope this helps!"
    >>> [text[a:b] for a, b in conclusions(text, 0, len(text))]
    ['So there are 5 mice.']
    """
    spans = _sentences(text, max(start, end - _WINDOW), end)
    numbered = [span for span in spans[-64:] if _DIGIT.search(text, *span)]
    return numbered[: -_SENTENCES - 1 : -1]


def _sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Return the sentences before the first check or note; the whole text if it begins with one."""
    spans: list[tuple[int, int]] = []
    checking = False
    position = start
    for mark in _END.finditer(text, start, end):
        sentence = (position, mark.end())
        position = mark.end()
        if _CHECK.match(text, *sentence):
            checking = True
        if not checking:
            spans.append(sentence)
    if position < end and not (checking or _CHECK.match(text, position, end)):
        spans.append((position, end))
    return spans or [(start, end)]
