"""One attempt at an endpoint: send the request, read its reply or find out what is wrong."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from clc.engines.base import Completion
from clc.engines.openai import reply_fields, wire
from clc.engines.openai.error_bodies import error_code, error_message, retry_hint_s
from clc.engines.openai.failures import (
    FATAL,
    AttemptError,
    UnreachableError,
    describe_error,
    describe_failure,
    make_fatal_error,
    overflows,
)
from clc.engines.openai.limits import LIST_BYTES, most_bytes, read_body, unpacked
from clc.engines.openai.reply import ReplyReader
from clc.engines.openai.settings import option_fields
from clc.engines.openai.sse import UnfinishedStreamError, read_stream
from clc.engines.plain_prompt import render_text
from clc.errors import ConfigurationError, EngineError
from clc.thoughts import split

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from clc.engines.base import Request
    from clc.engines.chat_options import ChatOptions
    from clc.engines.openai.endpoints import Endpoint
    from clc.engines.openai.refusals import Refusals
    from clc.engines.openai.secrets import Secrets
    from clc.thoughts import Marks

__all__ = ["BYTES_PER_TOKEN", "EndpointClient"]

_log = logging.getLogger(__name__)

BYTES_PER_TOKEN = 3  # of UTF-8: about right for Thai and Bengali, too many tokens for English
_RETRIED = frozenset({408, 409, 425, 429})  # and every status from _SERVER_ERROR on
_SERVER_ERROR = 500
_OVERLOAD = frozenset({429, 503})
_NO_STREAM = frozenset({400, 404, 405, 422, 501})  # where the message names streams
_FIELD_REFUSALS = frozenset({400, 422})
_UNREACHABLE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)
_EVENTS = "text/event-stream"
_LIST_TIMEOUT_S = 30.0
_NAMED_MODELS = 20
_MOST_SOURCES = 64  # that are noted: a fingerprint may change with every deployment


class _NoStreamError(Exception):
    """The endpoint refuses to stream, or ends a stream before the completion has ended."""


class _AdaptedError(Exception):
    """The endpoint refused a field, and gets the request without it."""


@dataclass(frozen=True, slots=True)
class EndpointClient:
    """Makes single attempts at endpoints that serve one model.

    Args:
        clients: by base URL, each with the headers of its requests.
        model: name of the model.
        extra: more fields of every request body.
        left_out: sampling fields that are not sent.
        chat_options: of requests without their own.
        marks: the marks of thoughts.
        timeout_s: seconds without an event of a stream, or for all of a reply that is no stream.
        retry_after_max_s: the longest Retry-After that is believed, in seconds.
        api: ``chat`` or ``completions``.
        secrets: hides the header values in every text of an endpoint.
        refusals: of all requests before the first completion.
        sources: what replied, each once: names and values.
    """

    clients: Mapping[str, httpx.AsyncClient]
    model: str
    extra: Mapping[str, Any]
    left_out: Collection[str]
    chat_options: ChatOptions
    marks: Marks
    timeout_s: float
    retry_after_max_s: float
    api: str
    secrets: Secrets
    refusals: Refusals
    sources: set[tuple[tuple[str, str], ...]] = field(default_factory=set)

    async def close(self) -> None:
        """Close every connection."""
        for client in self.clients.values():
            await client.aclose()

    async def check(self, endpoint: Endpoint) -> None:
        """Ask an endpoint for its models, and note whose they are.

        A name that it does not list may be that of a deployment: there is a warning, and the first
        request decides.

        Raises:
            UnreachableError: no connection.
            EngineError: it refuses the key, or lists endlessly many models.
        """
        url = f"{endpoint.url}/models"
        try:
            async with (
                asyncio.timeout(min(_LIST_TIMEOUT_S, self.timeout_s)),
                self.clients[endpoint.url].stream("GET", url) as response,
            ):
                body = await read_body(response, LIST_BYTES)
        except _UNREACHABLE as error:
            raise UnreachableError(describe_failure(error, self.secrets)) from None
        except reply_fields.BrokenReplyError as error:
            raise EngineError(
                f"{url} answered with {error.describe(self.secrets)}: check the base URL"
            ) from None
        except (TimeoutError, httpx.HTTPError):
            return  # busy or odd: the first attempt will show
        endpoint.owner = endpoint.server or ""
        if response.status_code == 401:  # noqa: PLR2004  (403 may only mean: no list for you)
            raise make_fatal_error(url, self.model, response, body, secrets=self.secrets)
        served = wire.served_models(body) if response.is_success else None
        if not served:
            return
        owners = [owner for name, owner in served.items() if wire.same_model(self.model, name)]
        if not owners:
            names = ", ".join(self.secrets.quote(name) for name in list(served)[:_NAMED_MODELS])
            more = ", …" if len(served) > _NAMED_MODELS else ""
            endpoint.listed = f"{names}{more}"
            _log.warning(
                "%s does not list the model %r; it lists %s%s",
                endpoint.url,
                self.model,
                names,
                more,
            )
            return
        endpoint.owner = endpoint.server or owners[0].casefold()

    def fields(
        self,
        request: Request,
        *,
        stream: bool = True,
        stops: bool = True,
        counted: bool = False,
        owner: str | None = None,
    ) -> dict[str, Any]:
        """Return the body of a request.

        ``stops``: with the stop strings; ``counted``: with the token counts in every event;
        ``owner``: of the model, as the endpoint lists it.

        Raises:
            ConfigurationError: a sampling field is in the extra body, too.
        """
        options = request.chat_options or self.chat_options
        extra = {**self.extra, **option_fields(options, self.extra, self.api)}
        messages, prompt = options.add_system(request.messages), None
        if self.api == "completions":
            prompt = render_text(messages, options.template, options.template_kwargs)
        left_out = self.left_out if stops else {*self.left_out, "stop"}
        return wire.request_fields(
            self.model,
            request,
            messages,
            extra,
            left_out,
            stream=stream,
            counted=counted,
            owner=owner,
            prompt=prompt,
        )

    def _option_fields(self, request: Request) -> Mapping[str, Any]:
        return option_fields(request.chat_options or self.chat_options, self.extra, self.api)

    def _url(self, endpoint: Endpoint) -> str:
        path = "completions" if self.api == "completions" else "chat/completions"
        return f"{endpoint.url}/{path}"

    async def complete(self, endpoint: Endpoint, request: Request) -> Completion:
        """Make one attempt; one that cannot succeed returns a lost completion.

        Raises:
            AttemptError: another attempt may succeed.
            EngineError, ConfigurationError: every request would end like this one.
        """
        needs_prefill = wire.is_prefilled(request) and self.api == "chat"
        if needs_prefill and "continue_final_message" not in self.extra:
            await self._check_prefill(endpoint)
        if request.sampling.stop and endpoint.thinks is None:
            async with endpoint.probe:
                if endpoint.thinks is None:
                    return (await self._send(endpoint, request))[0]
        completion, again = await self._send(endpoint, request)
        if again:
            completion, _ = await self._send(endpoint, request)
        return completion

    async def _check_prefill(self, endpoint: Endpoint) -> None:
        if endpoint.owner is None:  # it could not be asked before
            await self.check(endpoint)
        if endpoint.owner not in wire.PREFILLING:
            raise ConfigurationError(
                f"the prompt begins the model's turn, which {endpoint.url} is not known to "
                "continue: vLLM and SGLang do (the list of models names them as owner); choose "
                "such a server, a template without '--- begin', or say so with extra_body="
                "{'continue_final_message': True}"
            )

    async def _send(self, endpoint: Endpoint, request: Request) -> tuple[Completion, bool]:
        """Post the request and read the reply.

        A server takes a stop string in a thought for one in the answer, so it is given none where
        its model may think: the reader finds them.

        Returns:
            The completion, and whether a stop string may have ended its thought.
        """
        options = request.chat_options or self.chat_options
        may_think = options.thinking != "off" and (
            endpoint.thinks is not False
            or options.asks_for_thought
            or _opens_thought(request, self.marks)
        )
        stops = request.sampling.stop if may_think else ()
        while True:
            given = stops or (
                request.sampling.stop if "stop" in endpoint.adaptation.dropped else ()
            )
            try:
                reader, completion = await self._post(endpoint, request, given)
                break
            except _NoStreamError:
                endpoint.streams = False
            except _AdaptedError:
                continue  # each refusal changes a field, of which there are few
        self.refusals.works |= completion.error is None
        if reader.source and len(self.sources) < _MOST_SOURCES:
            self.sources.add(reader.source)
        endpoint.opens_thoughts |= reader.opened_by_prompt and not wire.is_prefilled(request)
        thought = completion.closed is not None
        if thought or (endpoint.thinks is None and may_think and reader.finish_reason == "stop"):
            endpoint.thinks = thought
        ended = completion.finish_reason == "stop" and not completion.text.strip()
        sent = bool(request.sampling.stop) and not stops and options.thinking != "off"
        return completion, sent and thought and ended and not reader.passed_on

    async def _post(
        self, endpoint: Endpoint, request: Request, stops: Sequence[str]
    ) -> tuple[ReplyReader, Completion]:
        url = self._url(endpoint)
        reader = self._reader(endpoint, request, stops)
        loop = asyncio.get_running_loop()
        counted = bool(stops) and endpoint.owner == "vllm"
        streamed = endpoint.streams
        fields = self.fields(
            request, stream=streamed, stops=not stops, counted=counted, owner=endpoint.owner
        )
        fields = endpoint.adaptation.apply(fields)
        body = orjson.dumps(fields)
        most = most_bytes(request, self.left_out)
        try:
            async with (
                asyncio.timeout(self.timeout_s) as limit,
                self.clients[endpoint.url].stream("POST", url, content=body) as response,
            ):
                if response.is_success and _is_stream(response):
                    completion = await read_stream(
                        unpacked(response, most),
                        reader,
                        lambda: limit.reschedule(loop.time() + self.timeout_s),
                    )
                    if reader.finish_reason and not reader.usage.completion_tokens:
                        endpoint.estimated |= bool(completion.usage.completion_tokens)
                else:
                    content = await read_body(response, most)
                    if streamed and self._refuses_stream(response, content):
                        raise _NoStreamError
                    if self._adapts(endpoint, request, response, content, fields):
                        raise _AdaptedError
                    completion = self._read(endpoint, response, content, reader, request)
                    if streamed and response.is_success:
                        endpoint.streams = False
        except reply_fields.NoLogprobsError:
            raise self._unmeasured(url) from None
        except UnfinishedStreamError as error:
            if streamed and not reader.passed_on:
                raise _NoStreamError from None
            completion = self._failed(url, error, reader)
        except (reply_fields.BrokenReplyError, TimeoutError, httpx.HTTPError, OSError) as error:
            completion = self._failed(url, error, reader)
        return reader, completion

    def _reader(self, endpoint: Endpoint, request: Request, stops: Sequence[str]) -> ReplyReader:
        opened = endpoint.opens_thoughts
        if wire.is_prefilled(request):
            opened = _opens_thought(request, self.marks)
        written = sum(len(message["content"].encode()) for message in request.messages)
        return ReplyReader(
            request,
            self.marks,
            opened=opened,
            prompt_tokens=written // BYTES_PER_TOKEN,
            stops=stops,
            may_open=not endpoint.thinks,
        )

    def _failed(self, url: str, error: Exception, reader: ReplyReader) -> Completion:
        """Raise the AttemptError of a failure, or return a lost completion where tokens had come.

        A completion whose tokens had come is not asked for again: the same slow server would do,
        and bill, the same work, and what a listener got cannot be taken back.
        """
        if isinstance(error, _UNREACHABLE):
            raise UnreachableError(describe_failure(error, self.secrets)) from None
        if isinstance(error, TimeoutError):
            if reader.started:
                return Completion.lost(
                    f"{url} sent nothing for {self.timeout_s:g} s in the middle of a completion; "
                    "a longer timeout may help"
                )
            reason = f"{url} did not answer within {self.timeout_s:g} s"
        elif isinstance(error, reply_fields.BrokenReplyError):
            reason = f"{url} answered with {error.describe(self.secrets)}"
        else:  # OSError: TLS that breaks while reading
            reason = (
                f"the connection to {url} was lost: {self.secrets.quote(describe_error(error))}"
            )
        if reader.passed_on:
            return Completion.lost(reason)
        raise AttemptError(reason) from None

    @staticmethod
    def _refuses_stream(response: httpx.Response, content: bytes) -> bool:
        message = error_message(content).lower()
        return response.status_code in _NO_STREAM and "stream" in message

    def _adapts(
        self,
        endpoint: Endpoint,
        request: Request,
        response: httpx.Response,
        content: bytes,
        sent: Mapping[str, Any],
    ) -> bool:
        """Whether a refusal names fields that are changed or left out from now on."""
        if response.status_code not in _FIELD_REFUSALS:
            return False
        message = error_message(content).lower()
        if overflows(content, message) or any(
            name in message for name in self._option_fields(request)
        ):
            return False
        if request.measure is not None and "logprob" in message:
            return False
        return endpoint.adaptation.learn(endpoint.url, content, sent, self.secrets)

    def _read(
        self,
        endpoint: Endpoint,
        response: httpx.Response,
        content: bytes,
        reader: ReplyReader,
        request: Request,
    ) -> Completion:
        """Return the completion or lost path of a reply that is no stream; or raise its error."""
        status, url = response.status_code, self._url(endpoint)
        if response.is_success:
            return reply_fields.read_completion(content, reader)
        code = error_code(content)
        if status in FATAL or status < 400 or code == "insufficient_quota":  # noqa: PLR2004
            raise make_fatal_error(
                url, self.model, response, content, secrets=self.secrets, listed=endpoint.listed
            )
        message = error_message(content, self.secrets)
        if status in _RETRIED or status >= _SERVER_ERROR:
            raise AttemptError(
                f"{url} answered {status}: {message}",
                retry_after_s=self._retry_after_s(response),
                overloaded=status in _OVERLOAD,
            )
        if request.measure is not None and "logprob" in message.lower():
            raise self._unmeasured(url, f"answered {status}: {message}")
        if refused := [name for name in self._option_fields(request) if name in message]:
            raise ConfigurationError(
                f"{url} does not take {refused[0]} ({status}: {message}): leave out the option "
                "for thinking that sets it, or give what this server takes as extra_body"
            )
        if overflows(content, message.lower()):
            return Completion.lost(
                f"prompt and max_tokens do not fit the model's context ({status}: {message})"
            )
        self.refusals.add(url, f"({status}): {message}", request)
        return Completion.lost(f"{url} refused the request ({status}): {message}")

    def _unmeasured(
        self, url: str, problem: str = "answered without log-probabilities"
    ) -> ConfigurationError:
        """Make the error of an endpoint whose completions cannot be measured."""
        return ConfigurationError(
            f"{url} {problem} (model {self.model!r}). Confidence is measured by the likeliest "
            "tokens' log-probabilities: choose a server that gives them (vLLM, SGLang, llama.cpp), "
            "or fewer tokens, or measure no confidence."
        )

    def _retry_after_s(self, response: httpx.Response) -> float:
        return retry_hint_s(response.headers, datetime.now(UTC), self.retry_after_max_s)


def _opens_thought(request: Request, marks: Marks) -> bool:
    """Whether the prompt begins the model's turn with a thought."""
    prefill = request.messages[-1]["content"] if wire.is_prefilled(request) else ""
    return split(prefill, marks).closed is False


def _is_stream(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).startswith(_EVENTS)
