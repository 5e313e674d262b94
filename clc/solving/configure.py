"""A configuration from plain arguments, checked before anything is drawn."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, get_args

from clc.engines.confidence import Measure
from clc.errors import ConfigurationError
from clc.languages import normalize_language
from clc.records import Sampling
from clc.solving.configuration import Configuration, Fidelity, Online
from clc.strategies.catalogue import get_strategy
from clc.strategies.schedule import plan_slots
from clc.voting.stopping import Stopping
from clc.voting.weighting import WEIGHTINGS, Weighting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.strategies.strategy import Strategy

__all__ = ["configure"]


_MOST_PENALTY = 2.0
_SEEDS = 1 << 63
_NO_LANGUAGE = "vo"  # of hardly any question: arms that only meet in some language stay apart


def configure(
    strategy: str | Strategy = "clc",
    *,
    languages: Sequence[str] | None = None,
    paths: int | None = None,
    temperature: float | None = None,
    top_p: float = 1.0,
    top_k: int = 0,
    max_tokens: int = 1024,
    stop: Sequence[str] = (),
    seed: int = 0,
    min_p: float = 0.0,
    presence_penalty: float = 0.0,
    frequency_penalty: float = 0.0,
    repetition_penalty: float = 1.0,
    human_translations: bool = True,
    translation_tries: int = 3,
    stopping: str | Stopping | None = None,
    ahead: int = 0,
    portfolio: Sequence[str] = (),
    fidelity: Fidelity = "keep",
    measure: Measure | None = None,
    weighting: str | Weighting | None = None,
    online: Online | None = None,
) -> Configuration:
    """Check settings and freeze them.

    Args:
        strategy: a name (one of ``STRATEGIES``) or your own ``Strategy``.
        languages: the languages to reason in, in the order that breaks ties; the strategy's own
            by default.
        paths: paths for one question; the strategy's own number by default.
        temperature: the strategy's own by default.
        top_p: keep the likeliest tokens that together have this probability.
        top_k: keep so many likeliest tokens; 0 is no limit.
        max_tokens: new tokens of one path, at most.
        stop: texts that end a path.
        seed: of the run. Paths of one seed are the same whenever they are drawn.
        min_p: leave out tokens less probable than this share of the likeliest one.
        presence_penalty: for tokens that the path has, from -2 to 2.
        frequency_penalty: for tokens by how often the path has them, from -2 to 2.
        repetition_penalty: for tokens that prompt or path have, above 0; 1 is none.
        human_translations: use the translations that come with a problem.
        translation_tries: tries at a translation that keeps the question's numbers.
        stopping: when a question has enough paths: the name of a rule with its defaults, or a
            ``Stopping``; the strategy's own by default.
        ahead: paths to draw beyond the fewest that the rule needs next, for a lower latency.
        portfolio: languages in drawing order, with repetition, in place of ``languages``; see
            ``clc calibrate``.
        fidelity: a path that was not written in its arm's language is kept (``keep``), counted
            for the language it used (``count``), or drawn again (``redraw``).
        measure: how to measure the paths' confidence; not at all by default.
        weighting: weigh votes by confidence: a name of ``WEIGHTINGS``, or your own.
        online: abort paths of low confidence (DeepConf online).

    Raises:
        InputError: a value is out of range or unknown.
    """
    chosen = get_strategy(strategy) if isinstance(strategy, str) else strategy
    codes = None if languages is None else tuple(normalize_language(code) for code in languages)
    if codes == ():
        raise ConfigurationError("languages must name at least one language")
    sampling = Sampling(
        temperature=float(chosen.temperature if temperature is None else temperature),
        top_p=float(top_p),
        top_k=top_k,
        max_tokens=max_tokens,
        stop=tuple(stop),
        min_p=float(min_p),
        presence_penalty=float(presence_penalty),
        frequency_penalty=float(frequency_penalty),
        repetition_penalty=float(repetition_penalty),
    )
    budget = (len(portfolio) or chosen.paths) if paths is None else paths
    _check_ranges(sampling, translation_tries, ahead, seed)
    if fidelity not in get_args(Fidelity):
        raise ConfigurationError(
            f"unknown fidelity {fidelity!r}; there are: {', '.join(get_args(Fidelity))}"
        )
    sequence = tuple(normalize_language(code) for code in portfolio)
    _check_paths(chosen, sampling, budget, codes, sequence)
    rule = _stopping(chosen, stopping)
    _check_together(chosen, budget, rule, online, weighted=weighting is not None)
    if isinstance(weighting, str):
        weighting = _named_weighting(weighting)
    if measure is None and (weighting is not None or online is not None):
        measure = Measure()
    return Configuration(
        strategy=chosen,
        paths=budget,
        sampling=sampling,
        languages=codes,
        sequence=sequence,
        seed=seed,
        human_translations=human_translations,
        translation_tries=translation_tries,
        translation_max_tokens=max_tokens,
        stopping=rule,
        ahead=ahead,
        fidelity=fidelity,
        measure=measure,
        weighting=weighting,
        online=online,
    )


def _check_paths(
    strategy: Strategy,
    sampling: Sampling,
    budget: int,
    languages: tuple[str, ...] | None,
    sequence: tuple[str, ...],
) -> None:
    """Plan once, for a question in no language, so that arms that only meet in one are apart."""
    if strategy.planner is not None:
        if languages is not None or sequence:
            raise ConfigurationError(
                f"strategy {strategy.name!r} lets the model choose its languages; leave out "
                f"{'the portfolio' if sequence else 'languages'}"
            )
        languages = strategy.planner.candidates[: strategy.planner.choose]
    slots = plan_slots(strategy, _NO_LANGUAGE, budget, languages=languages, sequence=sequence)
    if sampling.temperature == 0 and any(slot.index and not slot.arm.switch for slot in slots):
        prompts = len({slot.arm for slot in slots})
        raise ConfigurationError(
            f"temperature 0 draws the same path again and again, and {budget} paths over "
            f"{prompts} prompts are asked for; raise the temperature or lower paths"
        )


def _check_together(
    strategy: Strategy, budget: int, rule: Stopping, online: Online | None, *, weighted: bool
) -> None:
    """Refuse settings that contradict each other."""
    voting = f"{strategy.voting} voting"
    stops = rule.rule != "fixed"
    if online is not None:
        for other, there in (
            (f"stopping rule {rule.rule!r}", stops),
            (voting, strategy.voting != "majority"),
            ("weighting", weighted),
        ):
            if there:
                raise ConfigurationError(f"online has a rule of its own; leave out {other}")
        if budget <= online.warm_up:
            raise ConfigurationError(
                f"online draws {online.warm_up} paths before it aborts any, and {budget} are asked "
                "for; raise paths or lower warm_up"
            )
    if strategy.voting == "usc" and weighted:
        raise ConfigurationError("the model itself picks the path with usc; leave out weighting")
    if stops and (strategy.voting != "majority" or weighted):
        raise ConfigurationError(
            f"stopping rule {rule.rule!r} counts every vote once; it does not go with "
            f"{'weighting' if weighted else voting}: leave one of them out"
        )


def _stopping(strategy: Strategy, chosen: str | Stopping | None) -> Stopping:
    if chosen is None:
        return strategy.stopping
    return Stopping(chosen) if isinstance(chosen, str) else chosen


def _named_weighting(name: str) -> Weighting:
    try:
        return WEIGHTINGS[name]
    except KeyError:
        raise ConfigurationError(
            f"unknown weighting {name!r}; there are: {', '.join(WEIGHTINGS)}"
        ) from None


def _check_ranges(sampling: Sampling, translation_tries: int, ahead: int, seed: int) -> None:
    checks: tuple[tuple[bool, str, object], ...] = (
        (0 <= sampling.temperature < inf, "temperature must be 0 or above", sampling.temperature),
        (all(sampling.stop), "stop must be text that is not empty", list(sampling.stop)),
        (0 < sampling.top_p <= 1, "top_p must be above 0 and at most 1", sampling.top_p),
        (sampling.top_k >= 0, "top_k must not be negative (0 is no limit)", sampling.top_k),
        (sampling.max_tokens >= 1, "max_tokens must be at least 1", sampling.max_tokens),
        (0 <= sampling.min_p < 1, "min_p must be from 0 to below 1", sampling.min_p),
        (
            abs(sampling.presence_penalty) <= _MOST_PENALTY,
            "presence_penalty must be from -2 to 2",
            sampling.presence_penalty,
        ),
        (
            abs(sampling.frequency_penalty) <= _MOST_PENALTY,
            "frequency_penalty must be from -2 to 2",
            sampling.frequency_penalty,
        ),
        (
            0 < sampling.repetition_penalty < inf,
            "repetition_penalty must be above 0",
            sampling.repetition_penalty,
        ),
        (translation_tries >= 1, "translation_tries must be at least 1", translation_tries),
        (ahead >= 0, "ahead must not be negative", ahead),
        (abs(seed) < _SEEDS, "seed must have at most 63 bits", seed),
    )
    for fine, rule, value in checks:
        if not fine:
            raise ConfigurationError(f"{rule}, not {value}")
