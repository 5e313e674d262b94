r"""lm-evaluation-harness: model ``clc`` answers generation tasks by a vote.

The harness finds models by name once this module is imported. On the command line::

    python -m clc.serving.integrations.lm_eval --model clc \
        --model_args model=clc-tiny,strategy=clc,paths=11,languages=en+de+zh --tasks TASK

is the harness's own ``lm_eval``, which then knows it.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from clc.errors import ConfigurationError
from clc.serving.integrations.local import Local

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ClcLM"]

_RENAMED = {"max_gen_toks": "max_tokens", "until": "stop"}


class Conversation(str):
    """Chat messages as JSON, so that the harness may handle them as the text of a prompt."""

    __slots__ = ()


@register_model("clc")
class ClcLM(LM):
    """A voted model; generation only.

    What a task says of sampling counts where it samples (``do_sample: true``); the greedy
    temperature of the others is no way to draw different paths. ``until`` ends the paths, but for
    stops of white space alone: they would end a chain of thought at its first line. A task's
    repeats are drawn with seeds of their own.

    Args:
        model: as for ``Local``, like ``settings``: strategy, paths, languages (``en+de``), …
        batch_size: without effect, like ``max_batch_size`` and ``device``: the engine batches.
        max_batch_size: see ``batch_size``.
        device: see ``batch_size``.
        seed: of the first repeat.
        settings: see ``model``.
    """

    tokenizer_name = "clc"  # part of the harness's keys for cached requests

    def __init__(
        self,
        model: str = "clc-tiny",
        *,
        batch_size: int | str | None = None,  # noqa: ARG002
        max_batch_size: int | None = None,  # noqa: ARG002
        device: str | None = None,  # noqa: ARG002
        seed: int = 0,
        **settings: Any,
    ) -> None:
        super().__init__()
        self._seed = seed
        self._local = Local(model, seed=seed, **settings)

    def generate_until(
        self,
        requests: Sequence[Any],
        disable_tqdm: bool = False,  # noqa: FBT001, FBT002 - the harness's
    ) -> list[str]:
        """Return the voted reply to every request, in their order."""
        from tqdm import tqdm

        asked: Counter[str] = Counter()
        bodies = []
        for request in requests:
            context, settings = request.args
            bodies.append(_body(context, settings, self._seed + asked[context]))
            asked[context] += 1
        texts = [""] * len(bodies)
        bar = tqdm(total=len(bodies), desc="clc", disable=disable_tqdm)
        with bar:
            for place, reply in self._local.complete_all(bodies):
                texts[place] = reply["choices"][0]["message"]["content"]
                self.cache_hook.add_partial("generate_until", requests[place].args, texts[place])
                bar.update()
        return texts

    def loglikelihood(self, requests: Sequence[Any]) -> NoReturn:
        """Refuse: a vote has no likelihood."""
        raise ConfigurationError(
            f"{len(requests)} requests ask for log-likelihoods, and a vote has none; choose tasks "
            "whose output_type is generate_until"
        )

    loglikelihood_rolling = loglikelihood

    def apply_chat_template(
        self,
        chat_history: list[dict[str, str]],
        add_generation_prompt: bool = True,  # noqa: ARG002, FBT001, FBT002 - the harness's
    ) -> str:
        """Keep the turns; the engine's own template renders them."""
        return Conversation(json.dumps(chat_history, ensure_ascii=False))

    def chat_template(self, chat_template: bool | str = False) -> str:  # noqa: ARG002, FBT001, FBT002
        """Say that there is none here."""
        return ""


def _body(context: str, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Write one request of the harness as the body of a chat request."""
    told = {_RENAMED.get(name, name): value for name, value in settings.items()}
    if not told.pop("do_sample", False):
        told = {name: told[name] for name in ("max_tokens", "stop") if name in told}
    stop = told.pop("stop", None) or []
    stop = [text for text in ([stop] if isinstance(stop, str) else stop) if text.strip()]
    if stop:
        told["stop"] = stop
    messages = [{"role": "user", "content": context}]
    if isinstance(context, Conversation):
        messages = json.loads(context)
    return {"model": "clc", "messages": messages, "seed": seed, **told}


if __name__ == "__main__":
    from lm_eval.__main__ import cli_evaluate

    cli_evaluate()
