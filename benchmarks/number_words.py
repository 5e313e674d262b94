"""Generate the number words of the files of languages from spelled-out numbers.

    python -m benchmarks.number_words [--check] [--node FOLDER] [CODE ...]

For each language, numbers that libraries spell (benchmarks/spellings.py) are read with the words
that are known so far; a spelling that is not read teaches the shortest word that makes it readable.
So the file holds no more words than its rules of composition need. The script writes the table
``[numbers.cardinals]`` and ``sources``; everything else in ``[numbers]`` is kept, and its words in
``[numbers.forms]`` are known from the beginning. Where no library has a language, the file says so.

Without ``--node`` the languages that need it are left as they are. ``--check`` writes nothing and
fails where a file would change. Spellings that remain unread are printed. The spellings that the
tests read are written to tests/answers/spelled/CODE.txt.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from benchmarks.spellings import Spellings
from clc.answers.number_lexicon import Lexicon, fold_form

ROOT = Path(__file__).parents[1]
LANGUAGES = ROOT / "prompts" / "languages"
SPELLED = ROOT / "tests" / "answers" / "spelled"
TESTED = (*range(101), 200, 365, 1000, 1999, 12345)
_ROUND = [*range(200, 1000, 100), *range(1000, 13000, 1000), 20000, 21000, 50000, *(
    factor * 10**power for power in (5, 6, 7, 8, 9) for factor in (1, 2, 5)
)]  # fmt: skip
_MIXED = (101, 102, 111, 125, 145, 199, 201, 245, 345, 365, 465, 572, 678, 789, 999, 1001, 1100,
          1365, 1999, 2024, 12345, 345678, 1234567)  # fmt: skip
_ROUNDS = 3
_SCALES = (10**2, 10**3, 10**5, 10**6, 10**7, 10**9)  # with lakh and crore
_LANGUAGE_WITHOUT = ("zh", "zh-Hant", "ja")  # written in numerals, which are read as such


class Speller(Protocol):
    """Something that spells numbers."""

    def spell(self, number: int) -> list[str]:
        """Return the spellings of a number."""


class Learner:
    """The words of one language, learned from spellings."""

    def __init__(self, table: dict[str, Any], spellings: Speller) -> None:
        self._table = {**table, "cardinals": {}, "not_alone": []}
        self._spellings = spellings
        self.cardinals: dict[int, list[str]] = {}
        self._lexicon = Lexicon(self._table)

    def reads(self, spelled: str, number: int) -> bool:
        folded = fold_form(spelled)
        found = self._lexicon.read(folded, 0, len(folded))
        return found == [(Fraction(number), 0, len(folded))]

    def learn(self) -> None:
        """Learn from all spellings, until no later word has made an earlier one unreadable."""
        for _ in range(_ROUNDS):
            known = {number: list(forms) for number, forms in self.cardinals.items()}
            for number in (*range(101), *_ROUND, *_MIXED):
                for spelled in self._spellings.spell(number):
                    if not self.reads(spelled, number):
                        self._explain(number, spelled)
            if self.cardinals == known:
                return

    def _add(self, number: int, word: str) -> None:
        others = (*self.cardinals.items(), *self._table.get("forms", {}).items())
        if any(word in forms for value, forms in others if str(value) != str(number)):
            return  # the sources differ: what is written by hand, or was spelled first, is kept
        forms = self.cardinals.setdefault(number, [])
        if word not in forms:
            forms.append(word)
            self._table["cardinals"] = {str(key): value for key, value in self.cardinals.items()}
            self._lexicon = Lexicon(self._table)

    def _explain(self, number: int, spelled: str) -> None:
        """Learn the shortest word that makes a spelling readable."""
        if number < 100:
            self._add(number, spelled)
            return
        power = 10 ** (len(str(number)) - 1)
        for scale in sorted({power, *_SCALES}, reverse=True):
            factor = number // scale
            if factor and number % scale == 0 and self._learn_scale(factor, scale, spelled):
                return
        if self._learn_before_rest(number, spelled):
            return
        whole = number % power == 0 or number % 1000 == 0
        if whole and number <= 12000 and not _is_power(number):
            self._try(number, spelled, spelled, number)

    def _learn_scale(self, factor: int, scale: int, spelled: str) -> bool:
        """Learn a scale from what is left of a spelling without the number that it multiplies."""
        together = self._table.get("together")
        cuts = range(1, len(spelled)) if together else [
            match.start() for match in re.finditer(" |-", spelled)
        ]  # fmt: skip
        for cut in sorted(cuts, reverse=True):
            left, right = spelled[:cut].strip(" -"), spelled[cut:].strip(" -")
            for part, rest in ((left, right), (right, left)):
                if (
                    rest
                    and self.reads(part, factor)
                    and self._try(scale, rest, spelled, factor * scale)
                ):
                    return True
        return factor == 1 and self._try(scale, spelled, spelled, scale)

    def _learn_before_rest(self, number: int, spelled: str) -> bool:
        """Learn the form of thousands or hundreds before the rest of a number."""
        for scale in (10**6, 10**3, 100):
            rest = number % scale
            if not rest or number < scale:
                continue
            for tail in self._spellings.spell(rest):
                words = [word.rstrip("-") for word in self._table.get("and", ())]
                head = spelled.removesuffix(tail)
                whole = self._table.get("together") or head.endswith((" ", "-", *words))
                if head != spelled and head and whole:
                    head = head.strip(" -,")
                    for word in words:
                        head = re.sub(rf"[ -]{re.escape(word)}$", "", head)
                    if not self.reads(head, number - rest):
                        self._explain(number - rest, head)
                    if self.reads(spelled, number):
                        return True
        return False

    def _try(self, value: int, word: str, spelled: str, number: int) -> bool:
        """Keep a word if it makes a spelling readable."""
        before = {key: list(forms) for key, forms in self.cardinals.items()}
        self._add(value, word)
        if self.reads(spelled, number):
            return True
        self.cardinals = before
        self._table["cardinals"] = {str(key): forms for key, forms in before.items()}
        self._lexicon = Lexicon(self._table)
        return False


def _is_power(number: int) -> bool:
    return str(number).rstrip("0") == "1"


def generate(text: str, code: str, node: Path | None = None) -> tuple[str, list[str], list[str]]:
    """Return a file's text with generated words, lines for the tests, and what is not read."""
    table = tomllib.loads(text).get("numbers", {})
    spellings = Spellings(code, node)
    if not spellings.sources or spellings.needs_node or code in _LANGUAGE_WITHOUT:
        return text, [], []
    learner = Learner(table, spellings)
    learner.learn()
    lines, unread = [], []
    alone = {word.rstrip("*") for word in table.get("not_alone", ())}
    for number in TESTED:
        spelled = [item for item in spellings.spell(number) if item not in alone]
        readable = [item for item in spelled if learner.reads(item, number)]
        unread += [f"{number} {item}" for item in spelled if item not in readable]
        lines.append("|".join([str(number), *readable]))
    return _rewritten(text, learner.cardinals, spellings.sources), lines, unread


def _rewritten(text: str, cardinals: dict[int, list[str]], sources: list[str]) -> str:
    """Put the sources and the table of cardinals into the text of a file."""
    rows = "".join(
        f"{number} = [{', '.join(map(_quoted, forms))}]\n"
        for number, forms in sorted(cardinals.items())
    )
    block = f"[numbers.cardinals]\n{rows}"
    line = f"sources = [{', '.join(map(_quoted, sources))}]\n"
    text = re.sub(r"(?m)(^\[numbers\]\n)(?:sources = .*\n)?", rf"\1{line}", text)
    if "[numbers.cardinals]" in text:
        return re.sub(r"\[numbers\.cardinals\]\n(?:\w+ = .*\n)*", lambda _: block, text)
    return f"{text.rstrip()}\n\n{block}"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("codes", nargs="*", metavar="CODE")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a change")
    parser.add_argument("--node", type=Path, help="folder with the packages n2words and to-words")
    options = parser.parse_args(arguments)
    changed = 0
    for path in sorted(LANGUAGES.glob("*.toml")):
        if path.stem == "und" or (options.codes and path.stem not in options.codes):
            continue
        before = path.read_text(encoding="utf-8")
        if "[numbers]" not in before:
            print(f"{path.stem}: no table [numbers]")
            continue
        after, lines, unread = generate(before, path.stem, options.node)
        print(f"{path.stem}: {len(lines)} numbers, {len(unread)} spellings not read")
        for item in unread[:8]:
            print("   ", item)
        changed += after != before
        if not options.check:
            path.write_text(after, encoding="utf-8")
            if lines:
                SPELLED.mkdir(exist_ok=True)
                spelled = SPELLED / f"{path.stem}.txt"
                spelled.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(options.check and changed > 0)


if __name__ == "__main__":
    sys.exit(main())
