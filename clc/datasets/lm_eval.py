"""Samples of lm-evaluation-harness (``samples_*.jsonl``): every repeat is a path.

The language is in the file's name, in two or three letters, with or without a script
(``mgsm_native_cot_de``, ``afrimgsm_direct_amh_prompt_1``, ``belebele_swh_Latn``), or in the row.
The files of one task over several languages are one problem each by ``doc_id``.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clc.answers import extract_answer
from clc.datasets.field_names import QUESTION_NAMES, first_name, usual_names
from clc.datasets.generation import Generation, identifier, missing_response, row_language
from clc.datasets.levels import read_level
from clc.datasets.options import find_options, has_options, recorded_options
from clc.datasets.set_names import WORD_CODES
from clc.datasets.source import Place
from clc.errors import DatasetError, LanguageError
from clc.languages.codes import COMMON_LANGUAGES, UNKNOWN_LANGUAGE, read_language
from clc.records import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.records import AnswerKind

__all__ = ["TaskName", "parse_harness_row", "read_task_name"]

_SAMPLES = re.compile(r"(?:samples_)?(.+?)(?:_\d{4}-\d{2}-\d{2}T[\d\-.]+)?\.jsonl(?:\.gz|\.zst)?\Z")
_CODE = re.compile(r"[A-Za-z]{2,3}\Z")
_NAME = re.compile(r"[A-Za-z]{4,16}\Z")
_OWN_QUESTIONS = "include"  # a set whose languages, given by name, have different questions
_SCRIPT = re.compile(r"[A-Z][a-z]{3}\Z")
_TAIL = re.compile(r"(?:prompt|v|shot|\d+|\d+shot|lite|full|test|dev)\Z")
_GSM8K = "####"


class TaskName(NamedTuple):
    """A task's name without its language, and the language."""

    stem: str
    language: str | None


def read_task_name(file: str) -> TaskName:
    """Read the task and the language in a file's name; the last code is the question's language.

    >>> read_task_name("samples_afrimgsm_direct_amh_prompt_1_2026-08-01T10-00-00.12.jsonl")
    TaskName(stem='afrimgsm_direct_prompt_1', language='am')
    >>> read_task_name("samples_mgsm_en_cot_de.jsonl"), read_task_name("samples_gsm8k_no_cot.jsonl")
    (TaskName(stem='mgsm_en_cot', language='de'), TaskName(stem='gsm8k_no_cot', language=None))
    """
    match = _SAMPLES.match(Path(file).name)
    task = match[1] if match else Path(file).stem
    words = re.split(r"([_-])", task)  # with the separators at odd positions
    for position in range(len(words) - 1, -1, -2):
        tail = words[position + 2 :: 2]
        scripted = bool(tail) and bool(_SCRIPT.match(tail[0]))
        # Words of task names, too ("mgsm_direct_no_cot"), count only as the last before numbers.
        if words[position].lower() in WORD_CODES and not all(map(_TAIL.match, tail[scripted:])):
            continue
        if (language := _language(words[position], tail[0] if scripted else None)) is None:
            continue
        if not _CODE.match(words[position]) and _OWN_QUESTIONS in words:
            return TaskName(task, language)
        rest = words[: max(position - 1, 0)] + words[position + 1 + 2 * scripted :]
        return TaskName("".join(rest).strip("_-"), language)
    return TaskName(task, None)


def _language(word: str, script: str | None) -> str | None:
    if not (_CODE.match(word) or _NAME.match(word)):
        return None
    try:
        code = read_language(f"{word}-{script}" if script else word)
    except LanguageError:
        return None
    common = code.partition("-")[0] in COMMON_LANGUAGES
    return code if common or _CODE.match(word) else None


def parse_harness_row(source: str, line: int, row: Mapping[str, Any]) -> list[Generation]:
    """Return the paths of a sample, one for each repeat.

    Raises:
        DatasetError: it has no number, or no texts.
    """
    doc = row.get("doc")
    doc = doc if isinstance(doc, dict) else {}
    task = read_task_name(source)
    number = row.get("doc_id", row.get("id"))
    if number is None:
        raise DatasetError.at(
            source, line, "'doc_id' is missing; give lm-eval's samples as written"
        )
    resps = row["resps"]
    if not isinstance(resps, list):
        raise DatasetError.at(source, line, f"'resps' is {resps!r:.60}; give a list of lists")
    texts = [text for part in resps for text in (part if isinstance(part, list) else [part])]
    if not all(isinstance(text, str | None) for text in texts):
        raise DatasetError.at(
            source, line, "'resps' holds no texts; only generate_until tasks can be voted on"
        )
    usual = usual_names(doc)
    question = _text(usual.get(first_name(usual, QUESTION_NAMES) or "question"))
    gold = _gold(doc, row.get("target"))
    languages = row.get("languages")
    if isinstance(languages, list) and len(languages) == len(texts):  # written by clc solve
        codes, problem = [str(code) for code in languages], str(doc.get("id", number))
    else:
        own = task.language or row_language(_text(doc.get("language")))
        codes, problem = [own or UNKNOWN_LANGUAGE] * len(texts), f"{task.stem}-{identifier(number)}"
    options, letter = _options(doc, row.get("target"), gold, Place(source, line))
    kind: AnswerKind | None = None if letter is None else "choice"
    level = read_level(doc.get("level"), task.stem)
    return [
        missing_response(path, source, line) if text is None else path
        for code, text in zip(codes, texts, strict=True)
        for path in (
            Generation(
                problem,
                code,
                text or "",
                question,
                letter or gold,
                kind=kind,
                item=problem,
                level=level,
                options=options if letter else None,
            ),
        )
    ]


def _options(
    doc: Mapping[str, Any], target: object, gold: str | None, place: Place
) -> tuple[dict[str, str], str | None]:
    """Return the options and the gold's letter: by the doc's own fields, else by the target."""
    if not has_options(doc):
        return {}, None
    with suppress(DatasetError):
        own = find_options(doc, place)
        if own is not None and own.gold is not None:
            return own.texts, own.gold
    return recorded_options(doc, target if isinstance(target, int) else gold, place)


def _gold(doc: Mapping[str, Any], target: object) -> str | None:
    for value in (doc.get("answer_number"), target, doc.get("answer")):
        if isinstance(value, list) and len(value) == 1:
            value = value[0]  # noqa: PLW2901
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value.strip():
            text = value.rsplit(_GSM8K, 1)[-1].strip()
            outcome = extract_answer(text, "en") if len(text) > 24 else None  # noqa: PLR2004
            return outcome.value if isinstance(outcome, Answer) else text
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
