"""The settings of a run: built at the edge, frozen, passed down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from clc.bounds import PATHS, TOTAL_PATHS, TOTAL_TOKENS
from clc.errors import StrategyError
from clc.solving.translation import TRANSLATION_TRIES
from clc.strategies.strategy import QUESTION
from clc.voting.stopping import Stopping
from clc.voting.verdict import Counting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.engines.confidence import Measure
    from clc.records import Sampling
    from clc.strategies.strategy import Arm, Strategy
    from clc.voting.abstaining import Abstaining
    from clc.voting.weighting import Weighting

__all__ = ["Configuration", "Fidelity", "Online", "TotalBudget", "Untranslated"]

Fidelity = Literal["keep", "count", "redraw"]
Untranslated = Literal["give", "abstain", "original"]


@dataclass(frozen=True, slots=True)
class Online:
    """DeepConf online (arXiv 2508.15260): abort paths that turn out unsure.

    The first ``warm_up`` paths of a question are sampled in full. They set a floor for each
    language which the best ``keep`` of them pass; later paths are aborted below it. The question
    is done when the leading answer has the share ``consensus`` of the votes.

    Raises:
        StrategyError: a value is out of range.
    """

    warm_up: int = 16
    keep: float = 0.9
    consensus: float = 0.95

    def __post_init__(self) -> None:
        PATHS.check("warm_up", self.warm_up, StrategyError)
        for name in ("keep", "consensus"):
            if not 0 < getattr(self, name) <= 1:
                raise StrategyError(
                    f"{name} must be above 0 and at most 1, not {getattr(self, name)}"
                )


@dataclass(frozen=True, slots=True)
class TotalBudget:
    """A budget for all problems of a run together, in paths or in tokens.

    Raises:
        StrategyError: a number is out of range, or not exactly one is given.
    """

    paths: int | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        if (self.paths is None) == (self.tokens is None):
            raise StrategyError("a total budget is in paths or in tokens: give one of them")
        if self.paths is not None:
            TOTAL_PATHS.check("total_paths", self.paths, StrategyError)
        if self.tokens is not None:
            TOTAL_TOKENS.check("total_tokens", self.tokens, StrategyError)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The frozen settings with which every question of a run is solved.

    Attributes:
        strategy: which arms, and how votes are counted.
        paths: budget for one question.
        sampling: of the paths.
        languages: replaces the strategy's own list.
        sequence: languages in drawing order, with repetition (a portfolio's); ``"question"`` is the
            question's own.
        routes: such sequences by question language, in place of ``sequence``.
        seed: of the run.
        human_translations: whether translations that come with a problem are used.
        translation_tries: tries at a translation.
        translation_max_tokens: new tokens of a translation or another step, at most.
        stopping: when a question has enough paths.
        ahead: paths sampled beyond the fewest that the stopping rule needs next. They come sooner
            when they are needed; the engine aborts them when they are not.
        fidelity: a path that was not written in its arm's language is kept, is counted for the
            language it used, or is sampled again.
        untranslated: the paths of an arm whose translation failed go to the other arms, abstain, or
            ask the original question.
        measure: how confidence is measured, where it is.
        weighting: how confidence weighs votes, where it does.
        online: abort paths of low confidence (DeepConf online), where that is wanted.
        abstaining: when an unsure answer is withheld.
        voters: sampling of the paths of arms with an engine file, by its name.
        total: a budget for all problems together; ``paths`` is then the most of one of them.
    """

    strategy: Strategy
    paths: int
    sampling: Sampling
    languages: tuple[str, ...] | None = None
    sequence: tuple[str, ...] = ()
    seed: int = 0
    human_translations: bool = True
    translation_tries: int = TRANSLATION_TRIES
    translation_max_tokens: int = 1024
    stopping: Stopping = Stopping()  # noqa: RUF009 - frozen
    ahead: int = 0
    fidelity: Fidelity = "keep"
    untranslated: Untranslated = "give"
    measure: Measure | None = None
    weighting: Weighting | None = None
    online: Online | None = None
    routes: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    abstaining: Abstaining | None = None
    voters: Mapping[str, Sampling] | None = None
    total: TotalBudget | None = None

    def sampling_of(self, arm: Arm) -> Sampling:
        """Return the sampling of an arm's paths."""
        sampling = self.sampling if arm.engine is None else (self.voters or {})[arm.engine]
        if arm.temperature is None:
            return sampling
        return replace(sampling, temperature=arm.temperature)

    def sequence_for(self, question_language: str) -> tuple[str, ...]:
        """Return the languages of a question's paths in drawing order, () without a portfolio."""
        chosen = dict(self.routes or ()).get(question_language, self.sequence)
        return tuple(question_language if code == QUESTION else code for code in chosen)

    @property
    def needs_verifier(self) -> bool:
        """Whether the vote is over rewards."""
        return self.strategy.voting == "best" or self.counting.by_reward

    @property
    def done_budget(self) -> int:
        """The budget that a stored problem must have been given to be done."""
        total = self.total or TotalBudget(paths=self.paths)
        return total.paths or total.tokens or self.paths

    @property
    def counting(self) -> Counting:
        """The settings of the vote; ``Counting.from_manifest`` reads them from a stored run."""
        return Counting(
            self.strategy.voting,
            by_written_language=self.fidelity == "count",
            weighting=self.weighting,
            abstaining=self.abstaining,
        )
