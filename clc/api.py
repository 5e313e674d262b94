"""The Python calls: one question or many, at once or lazily, with async twins."""

from __future__ import annotations

from contextlib import ExitStack, aclosing, closing
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from clc.datasets.text import as_problems
from clc.engines.adjusted import open_translator
from clc.engines.base import ChatEngine
from clc.engines.chat_options import ChatOptions
from clc.engines.engine_file import EngineSpec, load_engine_file
from clc.errors import ConfigurationError
from clc.prompts.templates import Templates
from clc.records import Sampling
from clc.runs.store import Store
from clc.runs.translation_cache import TranslationCache, default_cache_folder
from clc.solving.bill import Bill
from clc.solving.concurrency import iterate
from clc.solving.configure import configure
from clc.solving.run import Run
from clc.solving.verifier import load_verifier
from clc.solving.voters import check_one_vllm, load_voters, open_voters, voter_sampling
from clc.strategies.catalogue import get_strategy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping, Sequence
    from pathlib import Path

    from clc.engines.base import Engine
    from clc.records import Problem, Verdict
    from clc.solving.sampler import Counters
    from clc.strategies.strategy import Strategy

    Watch = Callable[[Counters, Sequence[Verdict]], None]


__all__ = ["asolve", "asolve_many", "solve", "solve_many"]


async def asolve_many(
    problems: Iterable[Problem | str],
    *,
    model: str | None = None,
    engine: Engine | None = None,
    engine_file: str | Path | EngineSpec | None = None,
    chat_options: ChatOptions | None = None,
    strategy: str | Strategy = "clc",
    store: str | Path | Store | None = None,
    translator: Engine | ChatOptions | None = None,
    prompts: str | Path | None = None,
    templates: Templates | None = None,
    cache: bool = True,
    budget: float | None = None,
    verifier: str | Path | None = None,
    watch: Watch | None = None,
    **settings: Any,
) -> AsyncGenerator[Verdict, None]:
    """Solve many problems and yield each verdict when it is there (any order; see ``id``).

    Args:
        problems: ``Problem`` records, or questions as text (their language is detected).
        model: what to load when no ``engine`` is given; ``clc-tiny`` by default.
        engine: an engine of your own choice. It is closed at the end.
        engine_file: a TOML file that describes engine, sampling and translator, or what
            ``load_engine_file`` made of it. ``model``, ``chat_options``, ``translator`` and
            ``settings`` win.
        chat_options: how to ask ``model`` to think, when no ``engine`` is given.
        strategy: a name, or your own ``Strategy``, whose arms may name engine files of their own.
        store: a run folder (or an open ``Store``): what is there is not sampled again. In memory
            by default.
        translator: another engine for translations, or chat options with which the engine itself
            translates; by default without a thought where its chat template has a switch.
        prompts: a folder of templates that override the bundled ones. Its marks of thoughts are
            those of ``model``; an ``engine`` has its own.
        templates: the same, opened already.
        cache: keep translations for other runs of the same model.
        budget: money at which it stops, where the engine file has prices or the endpoint reports
            costs.
        verifier: gives the paths rewards: a file, or ``own``, the model itself as a judge.
        watch: called with the counts so far and the verdicts that have just arrived, for a bar of
            progress; in ``solve_many`` from its own thread.
        settings: as for ``configure``: languages, paths, temperature, seed, …

    Raises:
        InputError: a setting or a problem is wrong.
        RunError: the engine or the store is lost, or the budget is spent; what was stored stays.
    """
    if engine is not None and chat_options is not None:
        raise ConfigurationError("give the engine its chat_options, or leave out engine")
    if engine is not None and engine_file is not None:
        raise ConfigurationError("engine and engine_file both name an engine: give one of them")
    if templates is not None and prompts is not None:
        raise ConfigurationError("prompts and templates are the same: give one of them")
    templates = Templates(prompts) if templates is None else templates
    spec = _describe(engine_file, model, chat_options)
    if engine is not None:
        own = engine.chat_options if isinstance(engine, ChatEngine) else ChatOptions()
        settings = own.with_room(settings)
    else:
        settings = spec.with_settings(settings)
    strategy = get_strategy(strategy) if isinstance(strategy, str) else strategy
    voters = load_voters(strategy)
    configuration = configure(strategy, **_with_voters(voters, settings))
    chosen = spec.open(templates.marks) if engine is None else engine
    if translator is None and engine is None:
        translator = open_translator(chosen, spec.translator_maker(templates.marks))
    elif translator is None or isinstance(translator, ChatOptions):
        translator = open_translator(chosen, translator)
    judge = None if verifier is None else load_verifier(str(verifier)).open(templates)
    others = open_voters(voters, judge, templates.marks)
    bill = Bill(spec.run_prices, budget)
    with ExitStack() as held:
        opened = store if isinstance(store, Store) else held.enter_context(Store(store))
        kept = None
        if cache:
            kept = held.enter_context(closing(TranslationCache(default_cache_folder())))
        work = Run(
            configuration,
            chosen,
            opened,
            translator,
            templates,
            kept,
            bill=bill,
            voters=others,
            verifier=judge,
        )
        work.begin({"given": "by a call"})
        async with aclosing(work.verdicts(as_problems(problems, templates.scripts))) as verdicts:
            async for verdict in verdicts:
                if watch is not None:
                    watch(work.solver.counters, [verdict])
                yield verdict


def _with_voters(voters: Mapping[str, EngineSpec], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of ``configure`` with the sampling of the models of the arms."""
    if not voters:
        return dict(settings)
    check_one_vllm(voters.values())
    names = {one.name for one in fields(Sampling)}
    given = {name: value for name, value in settings.items() if name in names}
    return {**settings, "voters": voter_sampling(voters, given, Sampling().max_tokens)}


def _describe(
    engine_file: str | Path | EngineSpec | None,
    model: str | None,
    chat_options: ChatOptions | None,
) -> EngineSpec:
    """Return the engine of a call; the arguments win over the file."""
    if isinstance(engine_file, EngineSpec):
        spec = engine_file
    else:
        spec = EngineSpec() if engine_file is None else load_engine_file(engine_file)
    changes = {"model": model, "chat": chat_options}
    given: dict[str, Any] = {name: one for name, one in changes.items() if one is not None}
    return replace(spec, **given)


def solve_many(problems: Iterable[Problem | str], **options: Any) -> Generator[Verdict, None, None]:
    """Solve many problems lazily; takes what ``asolve_many`` takes.

    The work goes on in a thread of its own while you look at a verdict. Closing the iterator
    stops it.
    """
    return iterate(lambda: asolve_many(problems, **options))


async def asolve(question: str | Problem, **options: Any) -> Verdict:
    """Solve one question; takes what ``asolve_many`` takes."""
    async with aclosing(asolve_many([question], **options)) as verdicts:
        return await anext(verdicts)


def solve(question: str | Problem, **options: Any) -> Verdict:
    """Solve one question; takes what ``asolve_many`` takes.

    >>> import clc  # doctest: +SKIP
    >>> clc.solve("Tom has 3 apples and buys 4 more. How many now?").answer  # doctest: +SKIP
    '7'
    """
    (verdict,) = solve_many([question], **options)
    return verdict
