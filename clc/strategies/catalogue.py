"""The named strategies of clc, with their sources."""

from __future__ import annotations

from dataclasses import replace

from clc.bounds import abbreviate
from clc.errors import StrategyError
from clc.strategies.strategy import EVERY, QUESTION, Arm, Planner, Strategy
from clc.voting.stopping import Stopping

__all__ = ["STRATEGIES", "get_strategy"]

_MGSM_PAPER = "MGSM, arXiv 2210.03057"
_CLC_PAPER = "Cross-Lingual Consistency, arXiv 2504.01857"
_SC_PAPER = "Self-Consistency, arXiv 2203.11171"
_XCOT_PAPER = "xCoT, arXiv 2401.07037"
_CLP_PAPER = "Cross-lingual Prompting, EMNLP 2023, arXiv 2310.14799"
_AUTOCAP_PAPER = "AutoCAP, arXiv 2406.13940"

_CLSP_LANGUAGES = ("en", "de", "es", "fr", "ja", "ru", "zh")
# The paper's thirteen, which prompts/candidates.toml describes to the model.
_AUTOCAP_LANGUAGES = (
    "en", "ru", "de", "ja", "zh", "fr", "es", "pt", "it", "pl", "nl", "cs", "vi",
)  # fmt: skip

_CLC = Strategy(
    "clc",
    (Arm(EVERY),),
    paths=11,
    temperature=0.7,
    summary="the question in every language, paths in each, one vote over all",
    source=_CLC_PAPER,
)
_SC = Strategy(
    "sc",
    (Arm(QUESTION, question="original"),),
    paths=11,
    temperature=0.7,
    summary="many paths in the question's language, one vote",
    source=_SC_PAPER,
)


def _single(name: str, arm: Arm, summary: str, source: str = _MGSM_PAPER) -> Strategy:
    """A strategy of one greedy path, as for the papers' single-path figures."""
    return Strategy(name, (arm,), paths=1, temperature=0.0, summary=summary, source=source)


# Temperature 0.7 and one path a language are our choice: the CLC and CLSP papers' public records
# do not state them.
STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (
        _single(
            "direct",
            Arm(QUESTION, "direct", "original"),
            "answer at once, without reasoning",
        ),
        _single(
            "native-cot",
            Arm(QUESTION, question="original"),
            "one path, reasoning in the question's language",
        ),
        _single(
            "en-cot",
            Arm("en", question="original"),
            "one path, the question as it is, reasoning in English",
        ),
        _single(
            "translate-en",
            Arm("en"),
            "one path, the question translated, reasoning in English",
        ),
        _single(
            "native-cot-few-shot",
            Arm(QUESTION, "few-shot", "original", shots=8),
            "native-cot after 8 demonstrations in the question's language",
        ),
        _single(
            "en-cot-few-shot",
            Arm("en", "few-shot", "original", shots=8),
            "en-cot after 8 demonstrations that reason in English",
        ),
        _SC,
        Strategy(
            "sc-en",
            (Arm("en"),),
            paths=11,
            temperature=0.7,
            summary="the question translated into English, many paths, one vote",
            source=_SC_PAPER,
        ),
        _CLC,
        replace(
            _CLC,
            name="clc-think",
            arms=(Arm(EVERY, "think"),),
            summary="clc with a thinking model, each thought starts in its language",
            source="arXiv 2505.05408, arXiv 2505.22888",
        ),
        # 0.85 over votes of equal worth is a lead of three: 3 to 0, 4 to 1, 5 to 2.
        replace(
            _CLC,
            name="clc-widen",
            summary="clc in three languages, and in more while they disagree",
            source="sequential test, Wald 1945; ours",
            stopping=Stopping("crosslingual", threshold=0.85, languages=3, correlation=0.0),
        ),
        Strategy(
            "clc-bilingual",
            (Arm(QUESTION, question="original"), Arm("en")),
            paths=10,
            temperature=0.7,
            summary="the question's language and English, one vote over both",
            source=_CLC_PAPER,
        ),
        Strategy(
            "xcot",
            (Arm(EVERY, "xcot", "original", answers_in="en", drawn=True),),
            paths=11,
            temperature=0.7,
            summary="each path restates the question in a random language, then reasons in English",
            source=_XCOT_PAPER,
        ),
        Strategy(
            "xcot-two-stage",
            (Arm("en", into=EVERY, drawn=True),),
            paths=11,
            temperature=0.7,
            summary="the question translated into a random language, then English reasoning on it",
            source=_XCOT_PAPER,
        ),
        Strategy(
            "xicl",
            (Arm("en", "few-shot", "original", shots=4, switch=0.5),),
            paths=11,
            temperature=0.7,
            summary="few-shot, the demonstrations' fragments switched between languages",
            source=_XCOT_PAPER,
        ),
        _single(
            "clp",
            Arm("en", "clp", "original"),
            "two turns: understand the question in English, then solve it",
            _CLP_PAPER,
        ),
        Strategy(
            "clsp",
            (Arm(EVERY, "clp", "original"),),
            paths=len(_CLSP_LANGUAGES),
            temperature=0.7,
            summary="clp in seven languages, one vote; ties go to English",
            source=_CLP_PAPER,
            languages=_CLSP_LANGUAGES,
        ),
        _single(
            "xlt",
            Arm("en", "xlt", "original"),
            "one prompt: retell the question in English, then reason",
            "XLT, arXiv 2305.07004",
        ),
        Strategy(
            "autocap",
            (Arm(EVERY, "clp", "original"),),
            paths=6,
            temperature=0.7,
            summary="the model chooses six languages and their weights, then clp in each",
            source=_AUTOCAP_PAPER,
            languages=_AUTOCAP_LANGUAGES,
            voting="weighted",
            planner=Planner(_AUTOCAP_LANGUAGES),
        ),
        _single(
            "cross-tot",
            Arm("en", "cross-tot", "original"),
            "one prompt in which several languages reason and converge",
            "Cross-ToT, arXiv 2311.08097",
        ),
        _single(
            "self-translate",
            Arm("en", "few-shot", translator="translate-few", shots=8),
            "few-shot translation into English by the same model, then few-shot reasoning",
            "Self-translate, arXiv 2308.01223",
        ),
        replace(
            _SC,
            name="usc",
            summary="the model picks the most consistent of its paths",
            source="Universal Self-Consistency, arXiv 2311.17311",
            voting="usc",
        ),
        replace(
            _SC,
            name="mbr",
            summary="the path most like all others, by values or the similarity of texts",
            source="Minimum Bayes risk, arXiv 2211.07634",
            voting="mbr",
        ),
        replace(
            _SC,
            name="semantic",
            summary="paths clustered by what they say, as the model judges; the largest cluster",
            source="Semantic Uncertainty, arXiv 2302.09664",
            voting="semantic",
        ),
        replace(
            _CLC,
            name="weighted-by-reward",
            summary="clc, with votes weighed by a verifier's rewards (--verifier)",
            source="Making Language Models Better Reasoners, arXiv 2206.02336",
            voting="reward",
        ),
        replace(
            _CLC,
            name="best-of-n",
            summary="the path of clc that a verifier rewards most (--verifier)",
            source="Training Verifiers, arXiv 2110.14168",
            voting="best",
        ),
    )
}


def get_strategy(name: str) -> Strategy:
    """Return the strategy called ``name``.

    Raises:
        StrategyError: there is no strategy of that name.
    """
    try:
        return STRATEGIES[name]
    except KeyError:
        raise StrategyError(
            f"unknown strategy {abbreviate(name)}; there are: {', '.join(STRATEGIES)}"
        ) from None
