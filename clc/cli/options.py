"""Options that several commands share, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from clc.errors import ConfigurationError
from clc.records import Sampling
from clc.strategies.catalogue import STRATEGIES
from clc.voting.stopping import StoppingRule
from clc.voting.weighting import WEIGHTINGS

if TYPE_CHECKING:
    from clc.cluster import ReplicaPool
    from clc.engines.base import Engine
    from clc.prompts.templates import Templates
    from clc.solving.configuration import Configuration
    from clc.strategies.strategy import Strategy
    from clc.voting.stopping import Stopping

__all__ = ["cluster_options", "engine_maker", "engine_options", "make_configuration", "make_engine",
           "make_replica_pool", "make_templates", "make_translator", "sampling_option",
           "solving_options", "strategy_options", "translator_maker"]  # fmt: skip

_F = TypeVar("_F", bound=Callable[..., Any])
_COUNT = click.IntRange(min=1)
_PARALLEL = ("tensor_parallel_size", "pipeline_parallel_size")

_ENGINE = (
    click.option("--model", default="clc-tiny", show_default=True, metavar="NAME",
                 help="clc-tiny (bundled), a folder, a Hugging Face id, or an endpoint's name."),
    click.option("--engine", type=click.Choice(["auto", "vllm", "transformers", "openai"]),
                 default="auto", show_default=True, help="What runs the model."),
    click.option("--base-url", "base_urls", multiple=True, metavar="URL",
                 help="OpenAI-compatible endpoint, e.g. http://host:8000/v1; may be repeated. "
                      "The key is read from OPENAI_API_KEY."),
    click.option("--window", type=_COUNT, metavar="N",
                 help="Requests in flight.  [default: the engine's]"),
    click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
                 help="For one answer of an endpoint.  [default: 600]"),
    click.option("--attempts", type=_COUNT, metavar="N",
                 help="For one answer of an endpoint.  [default: 6]"),
    click.option("--max-model-len", type=_COUNT, metavar="TOKENS",
                 help="Longest prompt and path together (vLLM)."),
    click.option("--tensor-parallel-size", type=_COUNT, metavar="N",
                 help="GPUs that share each layer of one model (vLLM)."),
    click.option("--pipeline-parallel-size", type=_COUNT, metavar="N",
                 help="GPUs that share the layers of one model (vLLM)."),
    click.option("--translator", metavar="MODEL", help="Another model for translations."),
    click.option("--translator-base-url", "translator_urls", multiple=True, metavar="URL",
                 help="Endpoint of the translator."),
)  # fmt: skip

_CLUSTER = (
    click.option("--cluster", type=click.Choice(["ray"]),
                 help="Spread the work over replicas of the engine, on the Ray at RAY_ADDRESS or "
                      "one of this machine's own."),
    click.option("--replicas", type=_COUNT, metavar="N",
                 help="Engines, each in a process of its own.  [default: 1]"),
    click.option("--gpus-per-replica", type=click.FloatRange(min=0), metavar="N",
                 help="GPUs of each, all on one node.  [default: tensor times pipeline parallel "
                      "size for vLLM where there are GPUs, else 0]"),
    click.option("--cpus-per-replica", type=click.FloatRange(min=0), metavar="N",
                 help="CPUs that Ray keeps free for each.  [default: 1]"),
)  # fmt: skip


def sampling_option(name: str) -> Callable[[_F], _F]:
    """Make the option for a field of ``Sampling``, with its type, default and description."""
    setting = next(setting for setting in fields(Sampling) if setting.name == name)
    text: str = setting.metadata["help"]
    default: Any = setting.default
    kind: type = type(default)
    if kind is tuple:
        text, kind = f"{text} May be repeated.", str
    elif name == "temperature":  # has its default from the strategy
        text, default, kind = f"{text}  [default: the strategy's]", None, float
    else:
        text = f"{text}  [default: {default:g}]"
    return click.option(
        f"--{name.replace('_', '-')}", type=kind, default=default, help=text,
        multiple=kind is str, metavar="TEXT" if kind is str else None,
    )  # fmt: skip


_SOLVING = (
    click.option("--languages", metavar="CODES",
                 help="Languages to reason in, e.g. en,de,zh; earlier ones win ties.  "
                      "[default: the strategy's]"),
    click.option("--paths", type=int, metavar="N",
                 help="Paths for one question, over all languages.  [default: the strategy's]"),
    *map(sampling_option, (setting.name for setting in fields(Sampling))),
    click.option("--seed", type=int, default=0, show_default=True, help="Seed of the run."),
    click.option("--translations", type=click.Choice(["auto", "model"]), default="auto",
                 show_default=True,
                 help="auto: the problems' own where they have them; model: always translate."),
    click.option("--translation-tries", type=int, default=3, show_default=True,
                 help="Tries at a translation that keeps all numbers."),
    click.option("--prompts", "prompt_folder", metavar="DIR",
                 help="Folder of templates that go before ours."),
    click.option("--portfolio", metavar="FILE",
                 help="Languages and their order from clc calibrate, instead of --languages."),
    click.option("--stopping", type=click.Choice(get_args(StoppingRule)),
                 help="When a question has enough paths.  [default: the strategy's]"),
    click.option("--threshold", type=float,
                 help="Posterior at which beta, dirichlet and crosslingual stop.  [default: 0.95]"),
    click.option("--stop-window", type=int, metavar="N",
                 help="Paths in a row that must agree, for window.  [default: 5]"),
    click.option("--stop-languages", type=int, metavar="N",
                 help="Languages that must agree, for crosslingual.  [default: 3]"),
    click.option("--ahead", type=int, default=0, show_default=True, metavar="N",
                 help="Paths drawn beyond the fewest needed next; aborted when unwanted."),
    click.option("--fidelity", type=click.Choice(["keep", "count", "redraw"]), default="keep",
                 show_default=True,
                 help="A path that left its language is kept, counted for the language it used, "
                      "or drawn again."),
    click.option("--confidence", is_flag=True,
                 help="Measure the paths' confidence. It costs throughput."),
    click.option("--weighting", type=click.Choice(list(WEIGHTINGS)),
                 help="Weigh votes by confidence."),
    click.option("--online", is_flag=True,
                 help="Abort paths of low confidence (DeepConf online)."),
)  # fmt: skip


_STRATEGY = (
    click.option("--strategy", default="clc", show_default=True,
                 metavar="NAME",
                 help=f"How to solve a question: {', '.join(STRATEGIES)}; or a TOML file (see "
                      "clc strategies)."),
    *_SOLVING,
)  # fmt: skip


# What each stopping rule reads; the others read nothing.
_READ_BY = {
    "beta": ("threshold",),
    "dirichlet": ("threshold",),
    "window": ("window",),
    "crosslingual": ("threshold", "languages"),
}


def engine_options(function: _F) -> _F:
    """Add the options that choose an engine."""
    return _add(_ENGINE, function)


def cluster_options(function: _F) -> _F:
    """Add the options that spread a run over a cluster."""
    return _add(_CLUSTER, function)


def strategy_options(function: _F) -> _F:
    """Add the options that say how a question is solved."""
    return _add(_STRATEGY, function)


def solving_options(function: _F) -> _F:
    """Add the options that say how a question is solved, whatever the strategy."""
    return _add(_SOLVING, function)


def make_engine(options: Mapping[str, Any]) -> Engine:
    """Make the engine that the options choose."""
    return engine_maker(options)()


def engine_maker(options: Mapping[str, Any]) -> Callable[[], Engine]:
    """Return what makes the engine that the options choose, here or in another process."""
    from clc.engines.factory import open_engine

    more: dict[str, Any] = {}
    if options["base_urls"]:
        for name in ("max_model_len", *_PARALLEL):
            if options[name] is not None:
                raise ConfigurationError(
                    f"--{name.replace('_', '-')} goes with --engine vllm: what serves at "
                    "--base-url has its own; leave one of them out"
                )
    for name in _PARALLEL:
        if options[name] is not None:
            if options["engine"] not in {"auto", "vllm"}:
                raise ConfigurationError(f"--{name.replace('_', '-')} goes with --engine vllm only")
            more[name] = options[name]
    more.update(_patience(options, options["base_urls"]))
    return partial(
        open_engine,
        options["model"],
        engine=options["engine"],
        base_urls=options["base_urls"],
        window=options["window"],
        max_model_len=options["max_model_len"],
        **more,
    )


def make_translator(options: Mapping[str, Any]) -> Engine | None:
    """Make the second engine, if one is asked for."""
    maker = translator_maker(options)
    return None if maker is None else maker()


def translator_maker(options: Mapping[str, Any]) -> Callable[[], Engine] | None:
    """Return what makes the second engine, if one is asked for."""
    from clc.engines.factory import open_engine

    if options["translator"] is None and not options["translator_urls"]:
        return None
    return partial(
        open_engine,
        options["translator"] or options["model"],
        base_urls=options["translator_urls"],
        **(_patience(options, options["translator_urls"]) if options["translator_urls"] else {}),
    )


def make_replica_pool(options: Mapping[str, Any]) -> ReplicaPool:
    """Say how many replicas there are, and what each takes."""
    from clc.cluster import ReplicaPool

    gpus, cpus = options["gpus_per_replica"], options["cpus_per_replica"]
    if gpus is None and options["base_urls"]:
        gpus = 0.0
    return ReplicaPool(
        options["replicas"] or 1,
        1.0 if cpus is None else cpus,
        gpus,
        parallel=prod(options[name] or 1 for name in _PARALLEL),
    )


def _patience(options: Mapping[str, Any], urls: Sequence[str]) -> dict[str, Any]:
    """Return how long to wait for an endpoint, where that is said."""
    said = {"timeout_s": options["timeout"], "max_attempts": options["attempts"]}
    more = {name: value for name, value in said.items() if value is not None}
    if more and not urls:
        raise ConfigurationError("--timeout and --attempts go with --base-url")
    return more


def make_templates(options: Mapping[str, Any]) -> Templates:
    """Open the templates that the options choose."""
    from clc.prompts.templates import Templates

    return Templates(options["prompt_folder"])


def make_configuration(options: Mapping[str, Any]) -> Configuration:
    """Freeze the settings that the options give."""
    from clc.analysis.portfolio import read_portfolio
    from clc.engines.confidence import Measure
    from clc.solving.configuration import Online
    from clc.solving.configure import configure
    from clc.strategies.files import open_strategy

    languages = options["languages"]
    if options["portfolio"] and languages is not None:
        raise ConfigurationError("--portfolio names the languages; leave out --languages")
    strategy = open_strategy(options["strategy"])
    sampling: Any = {setting.name: options[setting.name] for setting in fields(Sampling)}
    return configure(
        strategy,
        languages=None if languages is None else languages.replace(" ", "").split(","),
        paths=options["paths"],
        seed=options["seed"],
        human_translations=options["translations"] == "auto",
        translation_tries=options["translation_tries"],
        stopping=_stopping(options, strategy),
        ahead=options["ahead"],
        portfolio=read_portfolio(options["portfolio"]).sequence if options["portfolio"] else (),
        fidelity=options["fidelity"],
        measure=Measure() if options["confidence"] else None,
        weighting=options["weighting"],
        online=Online() if options["online"] else None,
        **sampling,
    )


def _stopping(options: Mapping[str, Any], strategy: Strategy) -> Stopping:
    """Return the strategy's own rule, with whatever the options say otherwise."""
    said = {
        "rule": options["stopping"],
        "threshold": options["threshold"],
        "window": options["stop_window"],
        "languages": options["stop_languages"],
    }
    changes = {name: value for name, value in said.items() if value is not None}
    rule = options["stopping"] or strategy.stopping.rule
    wrong = ", ".join(name for name in changes if name not in {"rule", *_READ_BY.get(rule, ())})
    if wrong:
        raise ConfigurationError(f"--stopping {rule} has no {wrong}; choose another rule")
    return replace(strategy.stopping, **changes)


def _add(options: tuple[Callable[[_F], _F], ...], function: _F) -> _F:
    for option in reversed(options):
        function = option(function)
    return function
