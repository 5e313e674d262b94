"""Verifiers: rewards of the paths of a problem, by a reward model or by a model that judges.

A verifier is a TOML file::

    kind = "judge"              # a model that judges in words
    engine = "judge.toml"       # its engine file; the run's own engine without one

    kind = "reward"             # a reward model of transformers
    model = "folder or Hugging Face id"

    kind = "reward"             # one of a vLLM server
    url = "http://host:8000/v1"
    model = "its name"
    api = "pooling"             # or classify
    key = "ENVIRONMENT_VARIABLE"
    steps = "min"               # of a process reward model: last, mean, min or product
    separator = "<extra_0>"     # behind each step

Rewards are stored: those of steps by their keys, and those of a problem in its plan, so that votes
can be taken again without the verifier.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from clc.bounds import abbreviate
from clc.engines.engine_file import load_engine_file
from clc.engines.reward.base import combine_steps
from clc.engines.reward.classifier import ClassifierReward
from clc.engines.reward.server import APIS, ServedReward
from clc.errors import ConfigurationError
from clc.input_files import parse_toml, read_regular
from clc.records import Step, Usage, content_key
from clc.solving.concurrency import all_of
from clc.solving.model_choice import ModelChoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clc.engines.base import Engine
    from clc.engines.engine_file import EngineSpec
    from clc.engines.reward import RewardModel
    from clc.prompts.templates import Templates
    from clc.records import ReasoningPath
    from clc.solving.prompt_builder import OpenProblem
    from clc.solving.sampler import Sampler
    from clc.thoughts import Marks

_log = logging.getLogger(__name__)

__all__ = ["OWN_JUDGE", "Verifier", "VerifierSpec", "load_verifier"]

OWN_JUDGE = "own"
_JUDGE = "judge"
_FEW = 6  # replies without a score, before a warning


@dataclass(frozen=True, slots=True)
class VerifierSpec:
    """A verifier as its file describes it; see the module.

    Raises:
        ConfigurationError: values contradict each other.
    """

    kind: str = _JUDGE
    engine: str | None = None
    model: str | None = None
    url: str | None = None
    api: str = "classify"
    key: str | None = None
    steps: str = "last"
    separator: str = ""

    def __post_init__(self) -> None:
        if self.kind not in {_JUDGE, "reward"}:
            raise ConfigurationError(f"kind is judge or reward, not {self.kind!r:.60}")
        given = {one.name for one in fields(self) if getattr(self, one.name) != one.default}
        if self.kind == _JUDGE:
            if wrong := sorted(given - {"kind", "engine"}):
                raise ConfigurationError(f"a judge has no {wrong[0]}; it has engine")
            return
        if self.engine is not None:
            raise ConfigurationError("a reward model has no engine; it has model, and url or none")
        if not self.model:
            raise ConfigurationError("a reward model needs model")
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise ConfigurationError(f"url is {abbreviate(self.url)}; it begins with http://")
        combine_steps([1.0], self.steps)
        if self.api not in APIS:
            raise ConfigurationError(
                f"api of a reward model is one of {', '.join(APIS)}, not {abbreviate(self.api)}"
            )
        if self.url is None and (wrong := sorted(given & {"api", "key", "steps"})):
            raise ConfigurationError(f"{wrong[0]} is of a server: give its url")

    def open(self, templates: Templates, engine: EngineSpec | None = None) -> Verifier:
        """Make the verifier.

        Args:
            templates: prompt templates.
            engine: what the judge's engine file holds, where it has been read.

        Raises:
            ConfigurationError: the reward model has no head, or a key is missing.
        """
        if self.kind == _JUDGE:
            return Verifier(templates, judge=self.engine, engine=engine)
        assert self.model is not None  # noqa: S101  checked above
        if self.url is None:
            return Verifier(templates, ClassifierReward(self.model, self.separator))
        model = ServedReward(
            self.url,
            self.model,
            api=self.api,
            key=self.key,
            separator=self.separator,
            steps=self.steps,
        )
        return Verifier(templates, model)


def load_verifier(name: str) -> VerifierSpec:
    """Read the file of a verifier; ``own`` is the run's engine as judge.

    Raises:
        ConfigurationError: the file cannot be read, is not TOML, or a key or value is wrong.
    """
    if name == OWN_JUDGE:
        return VerifierSpec()
    path = Path(name)
    data = read_regular(path, ConfigurationError)
    if data is None:
        raise ConfigurationError(f"{name}: cannot read the verifier: no such file")
    values = parse_toml(data, path, ConfigurationError)
    known = [one.name for one in fields(VerifierSpec)]
    for key, value in values.items():
        if key not in known:
            raise ConfigurationError(
                f"{name}: unknown key {abbreviate(key)}; there are: {', '.join(known)}"
            )
        if not isinstance(value, str):
            raise ConfigurationError(f"{name}: {key} is {abbreviate(value)}; it must be text")
    if "kind" not in values:
        raise ConfigurationError(f"{name}: needs kind, judge or reward")
    if engine := values.get("engine"):
        values["engine"] = str(path.parent / engine)
    try:
        return VerifierSpec(**values)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from None


class Verifier:
    """Gives the paths of problems rewards from 0 to 1.

    Args:
        templates: prompt templates.
        model: the reward model; a model judges without one.
        judge: the judge's engine file, among the sampler's voters; None for the run's engine.
        engine: what that file holds, where it has been read.
    """

    def __init__(
        self,
        templates: Templates,
        model: RewardModel | None = None,
        judge: str | None = None,
        engine: EngineSpec | None = None,
    ) -> None:
        self.judge = judge
        self._engine = engine
        self._judged_paths = self._scores = 0
        self._templates = templates
        self._model = model

    def fingerprint(self, sampler: Sampler) -> str:
        """Return the identity of the verifier: its model and its template."""
        if self._model is not None:
            return self._model.fingerprint
        template = self._templates.get(_JUDGE).hash
        return content_key(_JUDGE, [sampler.engine_of(self.judge).fingerprint, template])

    def open_judge(self, marks: Marks | None = None) -> dict[str, Engine]:
        """Make the judge's engine, by its engine file; {} where it has none."""
        if self.judge is None:
            return {}
        return {self.judge: (self._engine or load_engine_file(self.judge)).open(marks)}

    async def start(self) -> None:
        """Load the model, or check that its server answers.

        Raises:
            EngineError: it gives no rewards.
        """
        if self._model is not None:
            await self._model.start()

    async def close(self) -> None:
        """Release the model."""
        if self._model is not None:
            await self._model.close()

    async def rewards(
        self, sampler: Sampler, opened: OpenProblem, paths: Sequence[ReasoningPath]
    ) -> dict[str, float]:
        """Return the rewards of a problem's paths by key, without those that were lost.

        Rewards that are stored are not computed again.
        """
        if self._model is not None:
            return await self._modelled(sampler, opened, paths)
        found = await all_of([self._judged(sampler, opened, path) for path in paths])
        return {
            path.key: reward
            for path, reward in zip(paths, found, strict=True)
            if reward is not None
        }

    async def _modelled(
        self, sampler: Sampler, opened: OpenProblem, paths: Sequence[ReasoningPath]
    ) -> dict[str, float]:
        assert self._model is not None  # noqa: S101
        question = opened.problem.question
        keys = {
            path.key: content_key("reward", [self._model.fingerprint, question, path.text])
            for path in paths
        }
        found = {key: sampler.store.step(key) for key in keys.values()}
        known = {key: float(step.text) for key, step in found.items() if step is not None}
        # A text that several paths have is rewarded once: in a batch it may differ in a digit.
        new = {keys[path.key]: path for path in paths if keys[path.key] not in known}
        values = await self._model.rewards(question, [path.text for path in new.values()])
        for (key, path), reward in zip(new.items(), values, strict=True):
            if reward is not None:
                known[key] = reward
                step = Step("reward", path.language, repr(reward), "stop", Usage())
                sampler.store.add_step(key, step)
        return {path: known[key] for path, key in keys.items() if key in known}

    async def _judged(
        self, sampler: Sampler, opened: OpenProblem, path: ReasoningPath
    ) -> float | None:
        from clc.prompts.replies import parse_score

        choice = ModelChoice(self._templates, sampler)
        reply = await choice.ask(opened, _JUDGE, _JUDGE, voter=self.judge, responses=[path.text])
        if not reply:
            return None
        score = parse_score(reply)
        self._judged_paths += 1
        self._scores += score is not None
        if self._judged_paths == _FEW and not self._scores:
            _log.warning(
                "the judge scored none of the first %s paths: its replies have no line 'Score: N' "
                "(such as %s); without rewards every vote counts the same",
                _FEW,
                abbreviate(reply),
            )
        return score
