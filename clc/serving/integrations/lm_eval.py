r"""lm-evaluation-harness: model ``clc`` answers generation tasks by a vote.

The harness finds models by name once this module is imported. On the command line::

    python -m clc.serving.integrations.lm_eval --model clc \
        --model_args model=clc-tiny,strategy=clc,paths=11,languages=en+de+zh --tasks TASK

is the harness's ``lm_eval`` with that model registered.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

from clc.errors import ConfigurationError
from clc.serving.integrations.local import LocalClient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ClcLM"]

_RENAMED = {"max_gen_toks": "max_tokens", "until": "stop"}


class Conversation(str):
    """Chat messages as JSON, which the harness handles as the text of a prompt."""

    __slots__ = ()


@register_model("clc")
class ClcLM(LM):
    """A voted model; generation only.

    A task's sampling parameters are used where it samples (``do_sample: true``); at a greedy
    task's temperature all paths of a prompt would be the same. ``until`` ends the paths, except
    for stops of white space alone, which would end a chain of thought at its first line. Each
    repeat of a task has its own seed.

    Args:
        model: as for ``LocalClient``, like ``settings``: strategy, paths, languages (``en+de``), …
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
        self._local = LocalClient(model, seed=seed, **settings)

    def generate_until(
        self,
        requests: Sequence[Any],
        disable_tqdm: bool = False,  # noqa: FBT001, FBT002 - the harness's
    ) -> list[str]:
        """Return the voted reply to every request, in their order."""
        from tqdm import tqdm

        repeats: Counter[str] = Counter()
        bodies = []
        for request in requests:
            context, settings = request.args
            bodies.append(_body(context, settings, self._seed + repeats[context]))
            repeats[context] += 1
        texts = [""] * len(bodies)
        bar = tqdm(total=len(bodies), desc="clc", disable=disable_tqdm)
        with bar:
            for position, reply in self._local.complete_all(bodies):
                texts[position] = reply["choices"][0]["message"]["content"]
                self.cache_hook.add_partial(
                    "generate_until", requests[position].args, texts[position]
                )
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
        """Keep the turns; the engine's template renders them."""
        return Conversation(json.dumps(chat_history, ensure_ascii=False))

    def chat_template(self, chat_template: bool | str = False) -> str:  # noqa: ARG002, FBT001, FBT002
        """Return the empty name: the engine has the template."""
        return ""


def _body(context: str, settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Make the body of a chat request of a request of the harness."""
    given = {_RENAMED.get(name, name): value for name, value in settings.items()}
    if not given.pop("do_sample", False):
        given = {name: given[name] for name in ("max_tokens", "stop") if name in given}
    stop = given.pop("stop", None) or []
    stop = [text for text in ([stop] if isinstance(stop, str) else stop) if text.strip()]
    if stop:
        given["stop"] = stop
    messages = [{"role": "user", "content": context}]
    if isinstance(context, Conversation):
        messages = json.loads(context)
    return {"model": "clc", "messages": messages, "seed": seed, **given}


if __name__ == "__main__":
    from lm_eval.__main__ import cli_evaluate

    cli_evaluate()
