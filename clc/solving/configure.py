"""A configuration from plain arguments, checked before anything is sampled."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_args

from clc import bounds
from clc.engines.confidence import Measure
from clc.errors import ConfigurationError
from clc.languages.codes import read_language
from clc.records import Sampling
from clc.solving.configuration import (
    Configuration,
    Fidelity,
    Online,
    TotalBudget,
    Untranslated,
)
from clc.strategies.catalogue import get_strategy
from clc.strategies.schedule import plan_slots
from clc.strategies.strategy import QUESTION, engine_files
from clc.voting.stopping import RULES, Stopping
from clc.voting.verdict import PATH_CHOICES
from clc.voting.weighting import WEIGHTINGS, Weighting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from clc.records import SamplingSettings
    from clc.strategies.strategy import Strategy
    from clc.voting.abstaining import Abstaining

__all__ = ["configure"]


_NO_LANGUAGE = "vo"  # of hardly any question: arms that only meet in some language stay apart


def configure(
    strategy: str | Strategy = "clc",
    *,
    languages: Sequence[str] | None = None,
    paths: int | None = None,
    seed: int = 0,
    human_translations: bool = True,
    translation_tries: int = 3,
    translation_max_tokens: int | None = None,
    stopping: str | Stopping | None = None,
    ahead: int = 0,
    portfolio: Sequence[str] = (),
    routes: Mapping[str, Sequence[str]] | None = None,
    fidelity: Fidelity = "keep",
    untranslated: Untranslated = "give",
    measure: Measure | None = None,
    weighting: str | Weighting | None = None,
    online: Online | None = None,
    abstaining: Abstaining | None = None,
    voters: Mapping[str, SamplingSettings] | None = None,
    total_paths: int | None = None,
    total_tokens: int | None = None,
    **sampling: Unpack[SamplingSettings],
) -> Configuration:
    """Check settings and freeze them.

    Args:
        strategy: a name (one of ``STRATEGIES``) or your own ``Strategy``.
        languages: the languages to reason in, in the order that breaks ties; the strategy's own
            by default.
        paths: paths for one question; the strategy's own number by default.
        seed: of the run. Paths of one seed are the same whenever they are sampled.
        human_translations: use the translations that come with a problem.
        translation_tries: tries at a translation that keeps the question's numbers.
        translation_max_tokens: most tokens of a translation, with its thought; ``max_tokens`` by
            default.
        stopping: when a question has enough paths: the name of a rule with its defaults, or a
            ``Stopping``; the strategy's own by default.
        ahead: paths to sample beyond the fewest that the rule needs next, for a lower latency.
        portfolio: languages in drawing order, with repetition, in place of ``languages``; see
            ``clc calibrate``. ``"question"`` is the question's own.
        routes: such sequences by question language; others use the portfolio.
        fidelity: a path that was not written in its arm's language is kept (``keep``), counted
            for the language it used (``count``), or sampled again (``redraw``).
        untranslated: the paths of an arm whose translation failed go to the other arms (``give``),
            abstain (``abstain``), or ask the question as it is (``original``).
        measure: how to measure the paths' confidence; not at all by default.
        weighting: weigh votes by confidence: a name of ``WEIGHTINGS``, or your own.
        online: abort paths of low confidence (DeepConf online).
        abstaining: withhold an answer with too little agreement, or of too few languages.
        voters: sampling of the paths of arms that name an engine file, by that name; it goes over
            ``sampling``.
        total_paths: paths of all problems together: each gets one, the others go where the leading
            answer is most in doubt. ``paths`` is then the most of one problem.
        total_tokens: the same in tokens, translations included.
        sampling: the fields of ``Sampling`` (temperature, top_p, max_tokens, stop, …). The
            temperature is the strategy's own by default.

    Raises:
        InputError: a value is out of range or unknown.
    """
    chosen = get_strategy(strategy) if isinstance(strategy, str) else strategy
    codes = None if languages is None else tuple(read_language(code) for code in languages)
    if codes == ():
        raise ConfigurationError("languages must name at least one language")
    parameters = _sampling(chosen, sampling)
    others = {name: _sampling(chosen, {**sampling, **own}) for name, own in (voters or {}).items()}
    _check_voters(chosen, others)
    budget = (len(portfolio) or chosen.paths) if paths is None else paths
    if translation_max_tokens is None:
        translation_max_tokens = parameters.max_tokens
    _check_ranges(translation_tries, translation_max_tokens, ahead, seed)
    for name, value, kind in (
        ("fidelity", fidelity, Fidelity),
        ("untranslated", untranslated, Untranslated),
    ):
        if value not in get_args(kind):
            raise ConfigurationError(
                f"unknown {name} {value!r}; there are: {', '.join(get_args(kind))}"
            )
    sequence = _sequence(portfolio)
    by_question = tuple(
        (read_language(code), _sequence(one)) for code, one in (routes or {}).items()
    )
    if by_question and not sequence:
        raise ConfigurationError("routes need a portfolio for questions in other languages")
    rule = _stopping(chosen, stopping)
    _check_together(chosen, budget, rule, online, weighted=weighting is not None)
    total = None
    if total_paths is not None or total_tokens is not None:
        total = TotalBudget(total_paths, total_tokens)
        _check_total(chosen, rule, online, ahead, weighted=weighting is not None)
    if isinstance(weighting, str):
        weighting = _named_weighting(weighting)
    by_confidence = weighting is not None and weighting.field != "reward"
    if measure is None and (by_confidence or online is not None):
        measure = Measure()
    configuration = Configuration(
        strategy=chosen,
        paths=budget,
        sampling=parameters,
        languages=codes,
        sequence=sequence,
        seed=seed,
        human_translations=human_translations,
        translation_tries=translation_tries,
        translation_max_tokens=translation_max_tokens,
        stopping=rule,
        ahead=ahead,
        fidelity=fidelity,
        untranslated=untranslated,
        measure=measure,
        weighting=weighting,
        online=online,
        routes=by_question or None,
        abstaining=abstaining,
        voters=others or None,
        total=total,
    )
    _check_paths(configuration)
    return configuration


def _check_voters(strategy: Strategy, voters: Mapping[str, Sampling]) -> None:
    """Check that there is a sampling for each engine file that the arms name, and no other."""
    named = engine_files(strategy)
    if missing := [name for name in named if name not in voters]:
        raise ConfigurationError(
            f"strategy {strategy.name!r} has an arm with the engine file {missing[0]!r}, and it is "
            "not open: arms with engines of their own are for clc solve, clc ask and solve_many"
        )
    if unknown := [name for name in voters if name not in named]:
        raise ConfigurationError(f"no arm of strategy {strategy.name!r} names {unknown[0]!r}")


def _sequence(codes: Sequence[str]) -> tuple[str, ...]:
    return tuple(code if code == QUESTION else read_language(code) for code in codes)


def _sampling(strategy: Strategy, settings: SamplingSettings) -> Sampling:
    """Fill in the strategy's temperature and the defaults."""
    given = {name: value for name, value in settings.items() if value is not None}
    unknown = given.keys() - {setting.name for setting in fields(Sampling)}
    if unknown:
        raise TypeError(f"configure() got an unexpected keyword argument {min(unknown)!r}")
    arguments: dict[str, Any] = {"temperature": strategy.temperature} | given
    return Sampling(**arguments)


def _check_paths(settings: Configuration) -> None:
    """Plan once, for a question in no language, so that arms that only meet in one are apart."""
    for sequence in {settings.sequence, *dict(settings.routes or ()).values()}:
        _check_sequence(settings, sequence)


def _check_sequence(settings: Configuration, sequence: Sequence[str]) -> None:
    strategy, languages, budget = settings.strategy, settings.languages, settings.paths
    if strategy.planner is not None:
        if languages is not None or sequence:
            raise ConfigurationError(
                f"strategy {strategy.name!r} lets the model choose its languages; leave out "
                f"{'the portfolio' if sequence else 'languages'}"
            )
        languages = strategy.planner.candidates[: strategy.planner.choose]
    slots = plan_slots(strategy, _NO_LANGUAGE, budget, languages=languages, sequence=sequence)
    voting = {slot.arm.stands_for for slot in slots}
    if settings.abstaining is not None and settings.abstaining.languages > len(voting):
        raise ConfigurationError(
            f"abstain_languages is {settings.abstaining.languages}, and {budget} paths are in "
            f"{len(voting)} language{'s'[: len(voting) != 1]}: no answer would be given"
        )
    if any(
        slot.index and not slot.arm.switch and settings.sampling_of(slot.arm).temperature == 0
        for slot in slots
    ):
        prompts = len({slot.arm for slot in slots})
        raise ConfigurationError(
            f"temperature 0 samples the same path again and again, and {budget} paths over "
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
                f"online samples {online.warm_up} paths before it aborts any, and {budget} are "
                "asked for; raise paths or lower warm_up"
            )
    if strategy.voting in PATH_CHOICES and weighted:
        raise ConfigurationError(
            f"{strategy.voting} voting picks a path, whatever its weight; leave out weighting"
        )
    by_language = strategy.voting == "weighted" and RULES[rule.rule].takes_weights
    if stops and (weighted or not (strategy.voting == "majority" or by_language)):
        raise ConfigurationError(
            f"stopping rule {rule.rule!r} counts every vote once; it does not go with "
            f"{'weighting' if weighted else voting}: leave one of them out"
        )


def _check_total(
    strategy: Strategy, rule: Stopping, online: Online | None, ahead: int, *, weighted: bool
) -> None:
    """Refuse what a total budget decides itself, and votes that do not count once."""
    for other, there in (
        (f"stopping rule {rule.rule!r}", rule.rule != "fixed"),
        ("online", online is not None),
        ("ahead", ahead > 0),
        ("weighting", weighted),
        (f"{strategy.voting} voting", strategy.voting != "majority"),
    ):
        if there:
            raise ConfigurationError(
                f"a total budget goes where the votes disagree, and counts each once; leave out "
                f"{other}"
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


def _check_ranges(
    translation_tries: int, translation_max_tokens: int, ahead: int, seed: int
) -> None:
    bounds.TRIES.check("translation_tries", translation_tries)
    bounds.TOKENS.check("translation_max_tokens", translation_max_tokens)
    bounds.SOME.check("ahead", ahead)
    bounds.SEED.check("seed", seed)
