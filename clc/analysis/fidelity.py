"""In which language a reasoning path was really written.

A model that is asked to reason in Swahili may well answer in English: the path counts for its arm,
but brings no second view. Scripts that write one language decide by themselves, py3langid among
those that share one. What is said in every language alike (numbers, formulas, code) tells nothing
and is left out.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clc.language_id import letters_by_script, likeliest, script_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Fidelity", "fidelity", "written_language"]

_FEWEST_LETTERS = 12  # a short sentence; "Answer: 18" tells nothing about the path
# A Chinese character says about as much as three letters, a kana or a Korean syllable as two.
_LETTERS_WORTH = {"zh": 3, "ja": 2, "ko": 2}
_NEAR = 0.5  # a runner-up of at least half the leader's weight is a near-tie
# Closer log-likelihoods, by the root of the text's bytes, are a near-tie: of 1,250 texts of eight
# words none is mistaken by more than 0.8, and one in thirty is told by less than 0.5.
_NEAR_SCORE = 0.5
_KANA_OF_JAPANESE = 0.2  # of Chinese characters and kana; recorded Japanese has 0.36 and more
_KNOWN_AS = {"nb": "no", "fil": "tl", "yue": "zh", "wuu": "zh"}  # told apart by nobody here
_FALLBACK = "en"  # what models fall back to, whatever they are asked for

_FORMULAS = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`"  # code
    r"|\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)"  # display and inline LaTeX
    r"|\$(?=\S)[^$\n]*?(?<=\S)\$(?!\d)"  # as pandoc reads it: "$2 and $3" are prices
    r"|\\begin\{(\w+\*?)\}.*?\\end\{\1\}|\\[a-zA-Z]+"
    r"|https?://\S+",
    re.DOTALL,
)
_VARIABLES = re.compile(r"(?<![^\W\d_])[a-zA-Z](?![^\W\d_])")  # a letter by itself


def written_language(text: str, expected: str, candidates: Sequence[str] = ()) -> str | None:
    """Tell the language that ``text`` is written in, or None where it cannot be told.

    Args:
        text: a reasoning path.
        expected: BCP-47 code of the language that was asked for. It decides near-ties and no
            more. Its script and region are taken on trust: Portuguese is ``pt-BR`` when that is
            expected.
        candidates: BCP-47 codes that are to be told apart where languages share a script, beside
            ``expected`` and English; every large language of the script by default.

    Returns:
        A BCP-47 code, or None for too little text, for two scripts in about equal parts neither
        of which writes ``expected``, for languages too close for the detector to tell apart, and
        where it does not know ``expected``.

    >>> written_language("Zuerst zählen wir alle Äpfel im Korb: $3 + 4 = 7$.", "de")
    'de'
    >>> written_language("First we count all apples in the basket: 3 + 4 = 7.", "ja")
    'en'
    >>> written_language("3 + 4 = 7", "de") is None
    True
    """
    wanted = _primary(expected)
    prose = _VARIABLES.sub(" ", _FORMULAS.sub(" ", text))
    weights = _weights(prose)
    if weights.total() < _FEWEST_LETTERS:
        return None
    (_, most), *_ = weights.most_common(1)
    among = frozenset(map(_primary, candidates))
    leaders = [script for script, weight in weights.items() if weight >= _NEAR * most]
    found = {_within(script, prose, wanted, among, alone=len(weights) == 1) for script in leaders}
    if wanted in found:
        return expected
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How many paths of an arm are written in its language.

    ``written`` counts the paths by the language that they are written in, commonest first;
    ``unknown`` of them could not be told.
    """

    paths: int
    faithful: int
    unknown: int
    written: Mapping[str, int]

    @property
    def share(self) -> float | None:
        """Faithful paths of those that could be told, from 0 to 1; None when none could."""
        told = self.paths - self.unknown
        return self.faithful / told if told else None


def fidelity(
    rows: Iterable[tuple[str, str]], candidates: Sequence[str] = ()
) -> dict[str, Fidelity]:
    """Compare what arms asked for with what they got, in one pass.

    Args:
        rows: the language that was asked for and the text, of every path.
        candidates: as ``written_language`` takes them.

    >>> rows = [("en", "First we add the apples."), ("de", "First we add the apples.")]
    >>> {code: found.share for code, found in fidelity(rows).items()}
    {'en': 1.0, 'de': 0.0}
    """
    counts: dict[str, Counter[str | None]] = {}
    for language, text in rows:
        written = written_language(text, language, candidates)
        counts.setdefault(language, Counter())[written] += 1
    return {
        language: Fidelity(
            paths=count.total(),
            faithful=count[language],
            unknown=count[None],
            written={code: number for code, number in count.most_common() if code is not None},
        )
        for language, count in counts.items()
    }


def _primary(code: str) -> str:
    """Language subtag, as the detector names it."""
    subtag = code.replace("_", "-").partition("-")[0].lower()
    return _KNOWN_AS.get(subtag, subtag)


def _weights(prose: str) -> Counter[str]:
    """Letters by script, in Latin letters' worth; Han belongs to Japanese where kana is with it."""
    scripts = letters_by_script(prose)
    kana, han = scripts["ja"], scripts["zh"]
    weights = Counter({s: n * _LETTERS_WORTH.get(s, 1) for s, n in scripts.items()})
    if kana and kana >= _KANA_OF_JAPANESE * (kana + han):
        weights["ja"] += weights.pop("zh", 0)
    else:
        weights["zh"] += weights.pop("ja", 0)
    return +weights


def _within(
    script: str, prose: str, wanted: str, among: frozenset[str], *, alone: bool
) -> str | None:
    """Language of the part of ``prose`` that is written in ``script``."""
    languages = frozenset(script.split())
    if len(languages) == 1:
        return script
    if not alone:
        prose = "".join(c if not c.isalpha() or script_of(c) == script else " " for c in prose)
    told_apart = (languages & (among | {_FALLBACK}) if among & languages else languages) | {wanted}
    ranked = likeliest(prose, told_apart)
    if wanted not in (code for code, _ in ranked):
        return None  # the detector does not know it, and would take it for another
    best, score = ranked[0]
    near = _NEAR_SCORE * math.sqrt(len(prose.encode()))
    tied = {code for code, other in ranked if other >= score - near}
    if wanted in tied:
        return wanted
    return best if len(tied) == 1 else None
