"""Strategies as data: arms that share the budget, stopping rule and voting rule.

An arm names the language to reason in, the template, and the form of the question. No strategy has
an engine loop of its own: one solver runs them all. The catalogue is in
``clc.strategies.catalogue``; a user-defined strategy is a TOML file with the same fields.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Literal, get_args

from clc.bounds import PATHS
from clc.errors import ConfigurationError, StrategyError
from clc.languages.codes import MGSM_LANGUAGES, distinct_languages, read_language
from clc.records import Sampling, content_key
from clc.voting.stopping import Stopping

__all__ = [
    "EVERY",
    "QUESTION",
    "TRANSLATOR",
    "Arm",
    "Planner",
    "Strategy",
    "engine_files",
    "required_templates",
]

QuestionForm = Literal["original", "translated"]
Voting = Literal["majority", "weighted", "usc", "mbr", "semantic", "reward", "best"]

QUESTION = "question"
EVERY = "*"
TRANSLATOR = "translate"
_MOST_SHOTS = 8
_CHOICE_TEMPLATES = {"usc": "usc", "semantic": "entails"}  # of voting rules that ask the model
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")  # part of file names


@dataclass(frozen=True)
class Arm:
    """One way to reason.

    Attributes:
        language: language of the reasoning: a BCP-47 code, ``"question"`` for the question's own,
            or ``"*"`` for each of the languages chosen for the run.
        template: name of the prompt template.
        question: whether the question is used as it is or translated first.
        into: language of the translation, if it is not ``language``; same values. The arm's votes
            then count for this language.
        answers_in: language of the reply, if it is not ``language``.
        drawn: ``"*"`` is one language a path, picked at random by the path's seed and never the
            question's own, instead of every language in turn.
        translator: template of the translation.
        shots: number of demonstrations in the prompt (0 to 8).
        switch: share of a demonstration's fragments, picked by the path's seed, that are in
            another language (0 to 1).
        share: paths of this arm for each path of an arm with share 1.
        engine: engine file of the model that samples the paths, None for the run's own.
        temperature: of the paths, None for the engine file's or the run's.
    """

    language: str
    template: str = "cot"
    question: QuestionForm = "translated"
    into: str | None = None
    answers_in: str | None = None
    drawn: bool = False
    translator: str = TRANSLATOR
    shots: int = 0
    switch: float = 0.0
    share: int = 1
    engine: str | None = None
    temperature: float | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            StrategyError: one is out of range.
            LanguageError: a language is unknown.
        """
        for code in (self.language, self.into, self.answers_in):
            if code not in (None, QUESTION, EVERY):
                read_language(code)
        checks = (
            (self.question in get_args(QuestionForm), "question", "original or translated"),
            (self.into is None or self.question == "translated", "into",
             'left out unless question is "translated"'),
            (not self.drawn or EVERY in (self.language, self.into), "drawn",
             'false unless language or into is "*"'),
            (0 <= self.shots <= _MOST_SHOTS, "shots", f"from 0 to {_MOST_SHOTS}"),
            (0 <= self.switch <= 1, "switch", "from 0 to 1"),
            (self.shots > 0 or self.switch == 0, "switch", "0 without shots"),
        )  # fmt: skip
        for fine, name, rule in checks:
            if not fine:
                raise StrategyError(f"an arm's {name} must be {rule}, not {getattr(self, name)!r}")
        PATHS.check("an arm's share", self.share, StrategyError)
        if self.engine is not None and not self.engine.strip():
            raise StrategyError("an arm's engine must be the name of an engine file, not ''")
        if self.temperature is not None:
            try:
                Sampling(temperature=self.temperature)
            except ConfigurationError as error:
                raise StrategyError(f"an arm's {error}") from None

    @property
    def stands_for(self) -> str:
        """The language that the arm's votes count for."""
        return self.into or self.language

    @cached_property
    def key(self) -> str:
        """Content key of what decides the texts of the arm's paths, in one model's sampling.

        The model and its sampling are part of the keys of prompts.
        """
        fields = asdict(self)
        for name in ("share", "drawn", "engine", "temperature"):
            del fields[name]
        return content_key("arm", fields)


@dataclass(frozen=True, slots=True)
class Planner:
    """A plan in which the model chooses languages and weights (AutoCAP, arXiv 2406.13940).

    With the template ``select`` it chooses ``choose`` of the ``candidates``, with ``weigh`` a
    weight from 0 to 1 for each.
    """

    candidates: tuple[str, ...]
    choose: int = 6
    select: str = "autocap-select"
    weigh: str = "autocap-weigh"

    def __post_init__(self) -> None:
        """Check the values; candidates get their canonical codes.

        Raises:
            StrategyError: ``choose`` is not between 1 and the number of candidates.
            LanguageError: a candidate is unknown.
        """
        object.__setattr__(self, "candidates", tuple(distinct_languages(self.candidates)))
        if not 1 <= self.choose <= len(self.candidates):
            raise StrategyError(
                f"a planner chooses between 1 and {len(self.candidates)} (all its candidates) "
                f"languages, not {self.choose}"
            )


@dataclass(frozen=True, slots=True)
class Strategy:
    """A named list of arms with a voting rule and defaults.

    ``paths`` is the default budget for one question; ``languages`` replace ``"*"`` unless the run
    chooses others; ``source`` is the method's publication. ``voting`` is ``majority``, ``weighted``
    (by the planner's weights and the paths' confidence), ``usc`` (the model itself chooses the most
    consistent path), ``mbr`` (the path most like all others) ``semantic`` (the largest cluster of
    paths that the model judges to say the same), ``reward`` (weighted by a verifier's rewards) or
    ``best`` (the path with the largest reward).
    """

    name: str
    arms: tuple[Arm, ...]
    paths: int
    temperature: float
    summary: str = ""
    source: str = ""
    languages: tuple[str, ...] = MGSM_LANGUAGES
    voting: Voting = "majority"
    stopping: Stopping = Stopping()  # noqa: RUF009 - frozen
    planner: Planner | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            StrategyError: there are no arms or languages, or a value is out of range.
            LanguageError: a language is unknown.
        """
        if not _NAME.match(self.name):
            raise StrategyError(
                "a strategy's name is of at most 100 letters, digits, '.', '_' and '-', not "
                f"{self.name!r:.60}"
            )
        PATHS.check(f"strategy {self.name!r}: paths", self.paths, StrategyError)
        try:
            Sampling(temperature=self.temperature)
        except ConfigurationError as error:
            raise StrategyError(f"strategy {self.name!r}: {error}") from None
        if not self.languages:
            raise StrategyError(f"strategy {self.name!r}: languages must name at least one")
        distinct_languages(self.languages)
        if not self.arms:
            raise StrategyError(f"strategy {self.name!r} has no arms; give it at least one")
        if self.voting not in get_args(Voting):
            raise StrategyError(
                f"strategy {self.name!r}: unknown voting {self.voting!r}; there are: "
                f"{', '.join(get_args(Voting))}"
            )


def engine_files(strategy: Strategy) -> list[str]:
    """Return the engine files that the arms name, each once, in their order."""
    return list(dict.fromkeys(arm.engine for arm in strategy.arms if arm.engine is not None))


def required_templates(strategy: Strategy) -> list[str]:
    """Return the names of all templates that a strategy renders, sorted."""
    names = {arm.template for arm in strategy.arms}
    names |= {arm.translator for arm in strategy.arms if arm.question == "translated"}
    if strategy.planner is not None:
        names |= {strategy.planner.select, strategy.planner.weigh}
    if strategy.voting in _CHOICE_TEMPLATES:
        names.add(_CHOICE_TEMPLATES[strategy.voting])
    return sorted(names)
