"""Inspect: a model provider, ``clc/MODEL``, that answers by a vote.

::

    inspect eval task.py --model clc/clc-tiny -M strategy=clc -M paths=11 -M languages=en,de,zh

The vote is in ``ModelOutput.metadata["clc"]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    modelapi,
)

from clc.serving.integrations.local import LocalClient

if TYPE_CHECKING:
    from inspect_ai.model import ChatMessage
    from inspect_ai.tool import ToolChoice, ToolInfo

__all__ = ["ClcAPI"]

# Fields of a request by Inspect's name. The rest of its configuration is about retries, caches and
# reasoning.
_FIELDS = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop_seqs": "stop",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "seed": "seed",
    "num_choices": "n",
    "logit_bias": "logit_bias",
    "logprobs": "logprobs",
    "response_schema": "response_format",
}
_STOP_REASONS = {"stop": "stop", "length": "max_tokens", "content_filter": "content_filter"}


@modelapi(name="clc")
class ClcAPI(ModelAPI):
    """A voted model.

    Args:
        model_name: as for ``LocalClient``: ``clc-tiny``, a folder, a Hugging Face id, …
        base_url: an OpenAI-compatible endpoint that serves it.
        api_key: not used; the endpoint's is read from ``OPENAI_API_KEY``.
        config: Inspect's own.
        settings: as for ``LocalClient``: strategy, paths, languages, seed, …
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008 - Inspect's signature
        **settings: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        self._local = LocalClient(model_name, base_url=base_url or (), **settings)

    async def generate(
        self,
        input: list[ChatMessage],  # noqa: A002 - Inspect's name
        tools: list[ToolInfo],
        tool_choice: ToolChoice,  # noqa: ARG002 - there are no tools
        config: GenerateConfig,
    ) -> ModelOutput:
        """Answer one conversation.

        Raises:
            InputError: the conversation or the configuration cannot be honoured.
            RunError: the engine is lost, or every path of it.
        """
        given = config.model_dump(exclude_none=True)
        body = {theirs: given[ours] for ours, theirs in _FIELDS.items() if ours in given}
        messages = [{"role": turn.role, "content": _content(turn)} for turn in input]
        body |= {"model": "clc", "messages": messages, "tools": [tool.name for tool in tools]}
        reply = await self._local.acomplete(body)
        return _output(reply, self.model_name)

    def max_connections(self) -> int:
        """Return the number of requests that keep the engine busy."""
        return self._local.at_once

    async def aclose(self) -> None:
        """Close the engine."""
        self._local.close()


def _content(turn: ChatMessage) -> str | list[dict[str, Any]]:
    if isinstance(turn.content, str):
        return turn.content
    return [{"type": part.type, "text": getattr(part, "text", "")} for part in turn.content]


def _output(reply: dict[str, Any], model: str) -> ModelOutput:
    (choice,) = reply["choices"]
    usage = reply["usage"]
    message = ChatMessageAssistant(
        content=choice["message"]["content"], model=model, source="generate"
    )
    return ModelOutput(
        model=model,
        choices=[
            ChatCompletionChoice(
                message=message, stop_reason=_STOP_REASONS[choice["finish_reason"]]
            )
        ],
        usage=ModelUsage(
            input_tokens=usage["prompt_tokens"],
            output_tokens=usage["completion_tokens"],
            total_tokens=usage["total_tokens"],
        ),
        metadata={"clc": reply["clc"]},
        response_id=reply["id"],
    )
