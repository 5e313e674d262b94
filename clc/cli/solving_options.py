"""The options that say how a question is solved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from clc import bounds
from clc.cli.options import NumberType, OptionGroup, nested, option, split_codes
from clc.cli.sampling_options import SamplingOptions
from clc.cli.stopping_options import StoppingOptions
from clc.errors import ConfigurationError
from clc.records import Sampling
from clc.strategies.catalogue import STRATEGIES
from clc.voting.weighting import WEIGHTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.engines.engine_file import EngineSpec
    from clc.prompts.templates import Templates
    from clc.solving.configuration import Configuration
    from clc.solving.verifier import Verifier, VerifierSpec
    from clc.strategies.strategy import Strategy
    from clc.voting.abstaining import Abstaining

__all__ = ["SolvingOptions", "read_abstaining", "strategy_option"]

strategy_option = click.option(
    "--strategy", default="clc", show_default=True, metavar="NAME",
    help=f"How to solve a question: {', '.join(STRATEGIES)}; or a TOML file (see clc strategies).",
)  # fmt: skip


@dataclass(frozen=True)
class SolvingOptions(OptionGroup):
    """The options that say how a question is solved, whatever the strategy."""

    languages: str | None = option(
        "--languages",
        metavar="CODES",
        help="Languages to reason in, e.g. en,de,zh; earlier ones win ties.  "
        "[default: the strategy's]",
    )
    paths: int | None = option(
        "--paths",
        type=NumberType(bounds.PATHS),
        metavar="N",
        help="Paths for one question, over all languages.  [default: the strategy's]",
    )
    sampling: SamplingOptions = nested(SamplingOptions)  # noqa: RUF009 - a field
    seed: int = option(
        "--seed",
        type=NumberType(bounds.SEED),
        default=0,
        show_default=True,
        help="Seed of the run.",
    )
    translations: str = option(
        "--translations",
        type=click.Choice(["auto", "model"]),
        default="auto",
        show_default=True,
        help="auto: the problems' own where they have them; model: always translate.",
    )
    translation_tries: int = option(
        "--translation-tries",
        type=NumberType(bounds.TRIES),
        default=3,
        show_default=True,
        help="Tries at a translation that keeps all numbers.",
    )
    translation_max_tokens: int | None = option(
        "--translation-max-tokens",
        type=NumberType(bounds.TOKENS),
        metavar="N",
        help="Most tokens of a translation, with its thought.  [default: that of --max-tokens]",
    )
    prompt_folder: str | None = option(
        "--prompts", metavar="DIR", help="Folder of templates that override the bundled ones."
    )
    voters: tuple[str, ...] = option(
        "--voter",
        multiple=True,
        metavar="FILE[:COUNT]",
        help="Vote over several models: an engine file, or own, and its paths for each path of "
        "one without a count. Repeatable.",
    )
    portfolio: str | None = option(
        "--portfolio",
        metavar="FILE",
        help="Languages and their order, by question language where it has routes, from clc "
        "calibrate; instead of --languages.",
    )
    stopping: StoppingOptions = nested(StoppingOptions)  # noqa: RUF009
    ahead: int = option(
        "--ahead",
        type=NumberType(bounds.SOME),
        default=0,
        show_default=True,
        metavar="N",
        help="Paths to sample beyond the fewest needed next; aborted when unwanted.",
    )
    fidelity: str = option(
        "--fidelity",
        type=click.Choice(["keep", "count", "redraw"]),
        default="keep",
        show_default=True,
        help="A path that left its language is kept, counted for the language it used, or "
        "sampled again.",
    )
    untranslated: str = option(
        "--untranslated",
        type=click.Choice(["give", "abstain", "original"]),
        default="give",
        show_default=True,
        help="The paths of a language whose translation failed go to the others, abstain, or ask "
        "the question as it is.",
    )
    confidence: bool = option(
        "--confidence",
        is_flag=True,
        help="Measure the confidence of the paths. It costs throughput.",
    )
    weighting: str | None = option(
        "--weighting", type=click.Choice(list(WEIGHTINGS)), help="Weigh votes by confidence."
    )
    online: bool = option(
        "--online", is_flag=True, help="Abort paths of low confidence (DeepConf online).",
    )  # fmt: skip
    verifier: str | None = option(
        "--verifier",
        metavar="FILE",
        help="Reward the paths by this verifier, or by own, the model itself as a judge; for "
        "--weighting reward, weighted-by-reward and best-of-n.",
    )
    abstain_below: float | None = option(
        "--abstain-below",
        type=NumberType(bounds.SHARE),
        metavar="SHARE",
        help="Withhold an answer whose agreement is below this.",
    )
    abstain_languages: int | None = option(
        "--abstain-languages",
        type=NumberType(bounds.LANGUAGES),
        metavar="N",
        help="Withhold an answer that paths of fewer languages gave.",
    )

    def templates(self) -> Templates:
        """Open the prompt templates."""
        from clc.prompts.templates import Templates

        return Templates(self.prompt_folder)

    def strategy(self, name: str) -> Strategy:
        """Return the strategy of this name or file, with its paths by several models if wanted."""
        from clc.strategies.files import open_strategy
        from clc.strategies.voters import with_voters

        opened = open_strategy(name)
        return with_voters(opened, self.voters) if self.voters else opened

    @cached_property
    def _verifier(self) -> tuple[VerifierSpec, EngineSpec | None] | None:
        """The verifier, and the engine of a judge that has one of its own."""
        if self.verifier is None:
            return None
        from clc.engines.engine_file import load_engine_file
        from clc.solving.verifier import load_verifier

        spec = load_verifier(self.verifier)
        return spec, None if spec.engine is None else load_engine_file(spec.engine)

    def open_verifier(self, templates: Templates) -> Verifier | None:
        """Open the verifier; nothing is loaded."""
        if self._verifier is None:
            return None
        spec, engine = self._verifier
        return spec.open(templates, engine)

    def configuration(
        self,
        strategy: Strategy,
        engine: EngineSpec,
        voters: Mapping[str, EngineSpec] | None = None,
        *,
        total_paths: int | None = None,
        total_tokens: int | None = None,
    ) -> Configuration:
        """Check the options and make the configuration of a run.

        Args:
            strategy: the strategy.
            engine: its sampling stands where an option is not given, and its thoughts take their
                part of ``max_tokens``.
            voters: the engine files of the arms, by name; a strategy that has some is refused
                without them.
            total_paths: for all problems together.
            total_tokens: for all problems together.

        Raises:
            InputError: a value is out of range, or options contradict each other.
        """
        from clc.analysis.portfolio import read_portfolio
        from clc.engines.confidence import Measure
        from clc.solving.configuration import Online
        from clc.solving.configure import configure
        from clc.solving.voters import check_one_vllm, voter_sampling

        if self.portfolio and self.languages is not None:
            raise ConfigurationError("--portfolio names the languages; leave out --languages")
        for name, given in (("--voter", self.voters), ("--verifier", self.verifier)):
            if given and voters is None:
                raise ConfigurationError(f"{name} goes with clc solve and clc ask: leave it out")
        _, judge = self._verifier or (None, None)
        if others := [*(voters or {}).values(), *([] if judge is None else [judge])]:
            check_one_vllm([engine, *others])
        most = Sampling().max_tokens
        portfolio = read_portfolio(self.portfolio) if self.portfolio else None
        return configure(
            strategy,
            languages=split_codes(self.languages),
            paths=self.paths,
            seed=self.seed,
            human_translations=self.translations == "auto",
            translation_tries=self.translation_tries,
            translation_max_tokens=self.translation_max_tokens,
            stopping=self.stopping.rule_for(strategy),
            ahead=self.ahead,
            portfolio=() if portfolio is None else portfolio.sequence,
            routes=None if portfolio is None else portfolio.route_sequences,
            fidelity=self.fidelity,  # type: ignore[arg-type]  # click checked it
            untranslated=self.untranslated,  # type: ignore[arg-type]
            measure=Measure() if self.confidence else None,
            weighting=self.weighting,
            online=Online() if self.online else None,
            abstaining=read_abstaining(self.abstain_below, self.abstain_languages),
            voters=None if voters is None else voter_sampling(voters, self.sampling.given, most),
            total_paths=total_paths,
            total_tokens=total_tokens,
            **engine.with_settings(self.sampling.given, default_max_tokens=most),
        )


def read_abstaining(below: float | None, languages: int | None) -> Abstaining | None:
    """Return the settings of these options, None where neither is given."""
    from clc.voting.abstaining import Abstaining

    given = {"below": below, "languages": languages}
    settings: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return Abstaining(**settings) if settings else None
