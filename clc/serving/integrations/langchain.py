"""LangChain: a chat model that answers by a vote.

::

    from clc.serving.integrations.langchain import ChatClc

    reply = ChatClc(paths=11).invoke("Tom has 3 apples and buys 4 more. How many now?")
    reply.content, reply.response_metadata["clc"]["answer"]

To call a server, use LangChain's ``ChatOpenAI(model="clc", base_url=...)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, convert_to_openai_messages
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field, PrivateAttr

from clc.serving.integrations.local import LocalClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
    from langchain_core.messages import BaseMessage

__all__ = ["ChatClc"]


class ChatClc(BaseChatModel):
    """A voted model.

    Attributes:
        model: as for ``LocalClient``: ``clc-tiny``, a folder, a Hugging Face id, …
        strategy: how a question is solved.
        languages: to reason in.
        paths: for one question, over all languages.
        temperature: of every path.
        max_tokens: new tokens of a path, at most.
        seed: of all questions; equal questions get equal answers.
        base_url: an OpenAI-compatible endpoint that serves the model.
        settings: further arguments of ``LocalClient``: engine, window, stopping, …

    Further arguments of a call (``stop``, ``clc={"paths": 3}``) become fields of its request, as
    in ``clc serve``.
    """

    model: str = "clc-tiny"
    strategy: str = "clc"
    languages: str | list[str] | None = None
    paths: int | None = None
    temperature: float | None = None
    max_tokens: int = 1024
    seed: int = 0
    base_url: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    _local: LocalClient = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Make the engine; it starts with the first call.

        Raises:
            InputError: a setting is wrong.
        """
        super().model_post_init(context)
        self._local = LocalClient(
            self.model,
            strategy=self.strategy,
            languages=self.languages,
            paths=self.paths,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            seed=self.seed,
            base_url=self.base_url or (),
            **self.settings,
        )

    def close(self) -> None:
        """Close the engine."""
        self._local.close()

    @property
    def _llm_type(self) -> str:
        return "clc"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        """Return the identity of the model in LangChain's caches."""
        return {"model": self.model, "fingerprint": self._local.fingerprint}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - nothing streams
        **more: Any,
    ) -> ChatResult:
        return _result(self._local.complete(_body(messages, stop, more)))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - nothing streams
        **more: Any,
    ) -> ChatResult:
        return _result(await self._local.acomplete(_body(messages, stop, more)))


def _body(
    messages: Sequence[BaseMessage], stop: list[str] | None, more: dict[str, Any]
) -> dict[str, Any]:
    stops = {} if stop is None else {"stop": stop}
    return {"model": "clc", "messages": convert_to_openai_messages(messages), **stops, **more}


def _result(reply: dict[str, Any]) -> ChatResult:
    (choice,) = reply["choices"]
    usage = reply["usage"]
    metadata = {
        "model_name": reply["model"],
        "finish_reason": choice["finish_reason"],
        "system_fingerprint": reply["system_fingerprint"],
        "clc": reply["clc"],
    }
    message = AIMessage(
        content=choice["message"]["content"],
        id=reply["id"],
        response_metadata=metadata,
        usage_metadata=UsageMetadata(
            input_tokens=usage["prompt_tokens"],
            output_tokens=usage["completion_tokens"],
            total_tokens=usage["total_tokens"],
        ),
    )
    return ChatResult(generations=[ChatGeneration(message=message)])
