"""One attempt at an endpoint: send the request, read its reply or find out what is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from clc.engines.base import Completion
from clc.engines.openai import reply_fields, wire
from clc.engines.openai.error_response import ErrorResponse
from clc.engines.openai.failures import (
    UNREACHABLE,
    AttemptError,
    UnreachableError,
    describe_error,
    describe_failure,
    unmeasured_error,
)
from clc.engines.openai.limits import most_bytes, read_body, unpacked
from clc.engines.openai.model_list import check_models
from clc.engines.openai.reply import ReplyReader
from clc.engines.openai.sse import UnfinishedStreamError, read_stream
from clc.errors import ConfigurationError
from clc.thoughts import split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.engines.base import Request
    from clc.engines.openai.endpoints import Endpoint
    from clc.engines.openai.refusals import Refusals
    from clc.engines.openai.secrets import Secrets
    from clc.thoughts import Marks

__all__ = ["BYTES_PER_TOKEN", "EndpointClient"]

BYTES_PER_TOKEN = 3  # of UTF-8: about right for Thai and Bengali, too many tokens for English
_EVENTS = "text/event-stream"
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
        format: of the requests.
        marks: the marks of thoughts.
        timeout_s: seconds without an event of a stream, or for all of a reply that is no stream.
        retry_after_max_s: the longest Retry-After that is believed, in seconds.
        secrets: hides the header values in every text of an endpoint.
        refusals: of all requests before the first completion.
        sources: what replied, each once: names and values.
    """

    clients: Mapping[str, httpx.AsyncClient]
    format: wire.RequestFormat
    marks: Marks
    timeout_s: float
    retry_after_max_s: float
    secrets: Secrets
    refusals: Refusals
    sources: set[tuple[tuple[str, str], ...]] = field(default_factory=set)

    async def close(self) -> None:
        """Close every connection."""
        for client in self.clients.values():
            await client.aclose()

    async def check(self, endpoint: Endpoint) -> None:
        """Ask an endpoint for its models; see ``check_models``."""
        client = self.clients[endpoint.url]
        await check_models(endpoint, client, self.format.model, self.secrets, self.timeout_s)

    def _url(self, endpoint: Endpoint) -> str:
        return f"{endpoint.url}/{self.format.path}"

    async def complete(self, endpoint: Endpoint, request: Request) -> Completion:
        """Make one attempt; one that cannot succeed returns a lost completion.

        Raises:
            AttemptError: another attempt may succeed.
            EngineError, ConfigurationError: every request would end like this one.
        """
        needs_prefill = wire.is_prefilled(request) and self.format.api == "chat"
        if needs_prefill and "continue_final_message" not in self.format.extra:
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
        options = self.format.options(request)
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
        fields = self.format.body(
            request, stream=streamed, stops=not stops, counted=counted, owner=endpoint.owner
        )
        fields = endpoint.adaptation.apply(fields)
        body = orjson.dumps(fields)
        most = most_bytes(request, self.format.left_out)
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
                    completion = self._read(
                        endpoint, request, response, content, reader, sent=fields
                    )
        except reply_fields.NoLogprobsError:
            raise unmeasured_error(url, self.format.model) from None
        except UnfinishedStreamError as error:
            if streamed and not reader.passed_on:
                raise _NoStreamError from None
            completion = self._failed(url, error, reader)
        except (reply_fields.BrokenReplyError, TimeoutError, httpx.HTTPError, OSError) as error:
            completion = self._failed(url, error, reader)
        return reader, completion

    def _read(
        self,
        endpoint: Endpoint,
        request: Request,
        response: httpx.Response,
        content: bytes,
        reader: ReplyReader,
        *,
        sent: Mapping[str, Any],
    ) -> Completion:
        """Return the completion or lost path of a reply that is no stream; or raise its error."""
        if response.is_success:
            completion = reply_fields.read_completion(content, reader)
            endpoint.streams = False
            return completion
        options = self.format.option_fields(self.format.options(request))
        url = self._url(endpoint)
        reply = ErrorResponse(url, response, content, request, options, self.secrets)
        if sent.get("stream") and reply.refuses_stream:
            raise _NoStreamError
        if reply.adapts(endpoint, sent):
            raise _AdaptedError
        return reply.outcome(endpoint, self.format.model, self.refusals, self.retry_after_max_s)

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
        if isinstance(error, UNREACHABLE):
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


def _opens_thought(request: Request, marks: Marks) -> bool:
    """Whether the prompt begins the model's turn with a thought."""
    prefill = request.messages[-1]["content"] if wire.is_prefilled(request) else ""
    return split(prefill, marks).closed is False


def _is_stream(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).startswith(_EVENTS)
