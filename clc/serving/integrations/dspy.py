"""DSPy: an engine that answers by a vote, and an adapter that reads its answers.

::

    import dspy
    from clc.serving.integrations.dspy import VoteAdapter, vote_lm

    dspy.configure(lm=vote_lm("clc-tiny", paths=11), adapter=VoteAdapter())
    dspy.ChainOfThought("question -> answer")(question="Tom has 3 apples and buys 4 more. ...")
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dspy
from dspy.lm15 import (
    InvalidRequestError,
    Message,
    Response,
    ServerError,
    TextPart,
    Usage,
    response_to_events,
)
from dspy.utils.exceptions import AdapterParseError
from pydantic import TypeAdapter, ValidationError

from clc.answers import extract_answer
from clc.datasets import detect_language
from clc.errors import ClcError, ConfigurationError, InputError
from clc.records import Answer
from clc.serving.integrations.local import LocalClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from dspy.lm15 import Request
    from dspy.signatures.signature import Signature

__all__ = ["AsyncVoteEngine", "VoteAdapter", "VoteEngine", "vote_lm"]

_REASONING = "reasoning"  # the field that dspy.ChainOfThought adds
_DEFAULT_INSTRUCTIONS = "Given the fields `"  # start of DSPy's generated instructions


def vote_lm(model: str = "clc-tiny", *, cache: bool = True, **settings: Any) -> dspy.LM:
    """Make a language model of DSPy that answers by a vote.

    Args:
        model: as for ``LocalClient``, like ``settings``: strategy, paths, languages, base_url, …
        cache: whether DSPy caches replies; the model's name keys the settings.
        settings: see ``model``.
    """
    local = LocalClient(model, **settings)
    return dspy.LM(
        f"clc/{local.name}:{local.fingerprint}",
        engine=VoteEngine(local),
        async_engine=AsyncVoteEngine(local),
        cache=cache,
        num_retries=0,
    )


class VoteEngine:
    """Answers DSPy's requests.

    Args:
        local: samples the paths.
    """

    def __init__(self, local: LocalClient) -> None:
        self._local = local

    def complete(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            InvalidRequestError: it cannot be honoured.
            ServerError: the engine, or every path, is lost.
        """
        with _dspy_errors():
            return _response(self._local.complete(_body(request)))

    def stream(self, request: Request) -> Iterator[Any]:
        """Answer one request in one piece."""
        yield from response_to_events(self.complete(request))

    def close(self) -> None:
        """Close the engine."""
        self._local.close()


class AsyncVoteEngine:
    """``VoteEngine`` for DSPy's asynchronous calls.

    Args:
        local: samples the paths.
    """

    def __init__(self, local: LocalClient) -> None:
        self._local = local

    async def complete(self, request: Request) -> Response:
        """Answer one request; see ``VoteEngine``."""
        with _dspy_errors():
            return _response(await self._local.acomplete(_body(request)))

    async def stream(self, request: Request) -> AsyncIterator[Any]:
        """Answer one request in one piece."""
        for event in response_to_events(await self.complete(request)):
            yield event

    async def aclose(self) -> None:
        """Close the engine."""
        self._local.close()


class VoteAdapter(dspy.Adapter):
    """Sends the question unchanged, and reads the answer in the reply.

    DSPy's adapters wrap the question in field markers, which would be translated and voted on
    with it. Here the inputs of a signature form the question, and its one output is the answer
    (text, int or float); an output ``reasoning`` is the whole reply. Instructions that are not
    generated become a system message, demonstrations earlier turns.
    """

    def format(
        self, signature: type[Signature], demos: list[dict[str, Any]], inputs: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Write the turns.

        Raises:
            ConfigurationError: the signature does not have exactly one answer.
        """
        answer = _answer_field(signature)
        turns = []
        if not signature.instructions.startswith(_DEFAULT_INSTRUCTIONS):
            turns.append({"role": "system", "content": signature.instructions})
        for demo in demos:
            texts = [str(demo[name]) for name in (_REASONING, answer) if demo.get(name) is not None]
            turns.append({"role": "user", "content": _question(signature, demo)})
            turns.append({"role": "assistant", "content": "\n".join(texts)})
        return [*turns, {"role": "user", "content": _question(signature, inputs)}]

    def parse(self, signature: type[Signature], completion: str) -> dict[str, Any]:
        """Read the outputs.

        Raises:
            AdapterParseError: the reply states no answer, or none of the field's type.
        """
        name = _answer_field(signature)
        outcome = extract_answer(completion, language=detect_language(completion))
        if not isinstance(outcome, Answer):
            raise AdapterParseError(
                "VoteAdapter", signature, completion, message=str(outcome.reason)
            )
        field = signature.output_fields[name]
        try:
            value = TypeAdapter(field.annotation).validate_python(outcome.value)
        except ValidationError as error:
            raise AdapterParseError(
                "VoteAdapter", signature, completion, message=f"{name}: {error.errors()[0]['msg']}"
            ) from error
        whole = {_REASONING: completion} if _REASONING in signature.output_fields else {}
        return {**whole, name: value}


@contextmanager
def _dspy_errors() -> Iterator[None]:
    """Turn errors of clc into DSPy's."""
    try:
        yield
    except InputError as error:
        raise InvalidRequestError(str(error)) from error
    except ClcError as error:
        raise ServerError(str(error)) from error


def _answer_field(signature: type[Signature]) -> str:
    names: list[str] = [name for name in signature.output_fields if name != _REASONING]
    if len(names) != 1:
        raise ConfigurationError(
            f"a vote has one answer, and the signature has {len(names)} outputs "
            f"({', '.join(names) or 'none'}); give it one, and reasoning if you like"
        )
    return names[0]


def _question(signature: type[Signature], values: dict[str, Any]) -> str:
    given = [str(values[name]) for name in signature.input_fields if values.get(name) is not None]
    return "\n\n".join(given)


def _body(request: Request) -> dict[str, Any]:
    """Make the body of a chat request, where unsupported fields are refused."""
    config = request.config
    options = {
        name: getattr(config, name)
        for name in ("max_tokens", "temperature", "top_p", "top_k", "seed", "frequency_penalty",
                     "presence_penalty", "response_format", "logprobs")
    }  # fmt: skip
    body = {name: value for name, value in options.items() if value is not None}
    if config.stop:
        body["stop"] = list(config.stop)
    turns = [{"role": turn.role, "content": _content(turn.parts)} for turn in request.messages]
    if request.system is not None:
        system = request.system
        content = system if isinstance(system, str) else _content(system)
        turns.insert(0, {"role": "system", "content": content})
    tools = [tool.name for tool in request.tools]
    return {**body, **(config.extensions or {}), "model": "clc", "messages": turns, "tools": tools}


def _content(parts: Any) -> list[dict[str, Any]]:
    return [{"type": part.type, "text": getattr(part, "text", "")} for part in parts]


def _response(reply: dict[str, Any]) -> Response:
    (choice,) = reply["choices"]
    usage = reply["usage"]
    return Response(
        id=reply["id"],
        model=reply["model"],
        message=Message.assistant([TextPart(choice["message"]["content"])]),
        finish_reason=choice["finish_reason"],
        usage=Usage(
            input_tokens=usage["prompt_tokens"],
            output_tokens=usage["completion_tokens"],
            total_tokens=usage["total_tokens"],
        ),
        provider_data={"clc": reply["clc"]},
    )
