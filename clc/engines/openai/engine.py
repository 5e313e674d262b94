"""The openai engine: any OpenAI-compatible endpoint (vllm serve, SGLang, llama.cpp, hosted).

Replies are streamed, so that the time limit is on silence and not on length. The result of an
attempt:

- 2xx with one finished choice: a completion.
- 400, 413, 422 and other 4xx: a lost path with the server's message; never tried again. If the
  message is about streams, or names a field that the endpoint does not take: the same request
  without, as all later ones to that endpoint. If the first several are refused in the same words:
  EngineError.
- 3xx, 401, 402, 403, 404, 405, quota used up: EngineError, for every request would end like it.
- 4xx over log-probabilities, or a 2xx without those that were asked for: ConfigurationError.
- 408, 409, 425, 429, 5xx, a lost connection, a broken body, no choice or several, no reply in
  time: another attempt, after Retry-After where it is given.
- silence in the middle of a completion: a lost path.

A request whose attempts are used up is a lost path with its last reason, unless none of the base
URLs could even be connected to: then the run stops, and goes on when a server is back.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import orjson
from jinja2 import TemplateError

from clc.engines.base import Completion, Request
from clc.engines.chat_options import ChatOptions, add_options
from clc.engines.openai.attempt import BYTES_PER_TOKEN, EndpointClient
from clc.engines.openai.connections import open_client
from clc.engines.openai.dispatch import Dispatcher
from clc.engines.openai.endpoints import Endpoints
from clc.engines.openai.refusals import Refusals
from clc.engines.openai.secrets import Secrets
from clc.engines.openai.settings import (
    KEEPALIVE_S,
    check_positive,
    checked_endpoints,
    checked_extra,
    endpoint_headers,
    fingerprint,
    shared_api,
)
from clc.engines.openai.wire import RequestFormat, unsent_fields
from clc.engines.plain_prompt import TemplateRefusal
from clc.errors import ConfigurationError, EngineError
from clc.thoughts import load_marks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from httpx import AsyncClient

    from clc.engines.openai.endpoint_spec import EndpointSpec
    from clc.records import Sampling
    from clc.thoughts import Marks

__all__ = ["OpenAIEngine"]

_CONNECT_TIMEOUT_S = 10.0


class OpenAIEngine:
    """Completes requests at one or several OpenAI-compatible endpoints.

    The fingerprint is the model with its revision and extra body, not the URL: several URLs
    serve one model, and ports change from run to run. Give a revision where one name has stood
    for different weights.

    Args:
        model: name of the model, as the endpoints know it.
        base_urls: what stands before ``/chat/completions``, such as ``http://host:8000/v1``, or
            an ``EndpointSpec`` with its own API, key, headers, query and limits. Several share the
            work; a dead one is set aside and tried again after growing pauses.
        api_key: sent as a bearer token; by default the environment's ``OPENAI_API_KEY``, and
            none for ``""``. It appears in no error, log, fingerprint or repr.
        revision: the model's revision, as far as it is known, for the fingerprint.
        window: requests in flight, over all URLs.
        max_tokens_in_flight: tokens in flight, over all URLs: an estimate of each prompt and
            its ``max_tokens``. A larger request runs alone.
        requests_per_minute: attempts sent per minute, over all URLs, evenly spaced.
        tokens_per_minute: tokens per minute: the same estimate, corrected by what was used.
        max_attempts: attempts for one request, the first included.
        timeout_s: seconds without an event of the reply, of which the first may take as long; for
            a reply that is not streamed, seconds for all of it. There is no limit in total.
        headers: more headers, on every request; their values count as secret too.
        extra_body: more fields of the request body (``{"repetition_penalty": 1.05}``). None
            leaves a sampling field out, for servers that refuse it.
        wait_initial_s: seconds before the second attempt; each further wait doubles.
        wait_max_s: the longest such wait, in seconds.
        retry_after_max_s: the longest Retry-After that is believed, in seconds.
        chat_options: how to ask the model to think: ``chat_template_kwargs`` and
            ``reasoning_effort`` of the body, and vLLM's ``thinking_token_budget``.
        marks: the marks of thoughts; the bundled ones by default.

    Raises:
        ConfigurationError: an argument that cannot be right.
    """

    def __init__(
        self,
        model: str,
        base_urls: Sequence[str | EndpointSpec],
        *,
        api_key: str | None = None,
        revision: str | None = None,
        window: int = 64,
        max_tokens_in_flight: int | None = None,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        max_attempts: int = 6,
        timeout_s: float = 600,
        headers: Mapping[str, str] | None = None,
        extra_body: Mapping[str, Any] | None = None,
        wait_initial_s: float = 1.0,
        wait_max_s: float = 60.0,
        retry_after_max_s: float = 120.0,
        chat_options: ChatOptions | None = None,
        marks: Marks | None = None,
    ) -> None:
        check_positive(
            window=window,
            max_tokens_in_flight=max_tokens_in_flight,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            max_attempts=max_attempts,
            timeout_s=timeout_s,
        )
        if not model:
            raise ConfigurationError("the model has no name: give the one that the endpoint serves")
        self.model = model
        self._endpoints = checked_endpoints(base_urls)
        self.base_urls = tuple(one if isinstance(one, str) else one.url for one in self._endpoints)
        self.window = window
        self.chat_options = chat_options or ChatOptions()
        self._marks = load_marks() if marks is None else marks
        api = shared_api(self._endpoints)
        self._plain_fingerprint = fingerprint(model, revision, extra_body or {})
        if api != "chat":
            self._plain_fingerprint += f"+{api}"
        self.fingerprint = self.fingerprint_with(self.chat_options)
        extra, left_out = checked_extra(extra_body or {})
        self._format = RequestFormat(model, api, extra, left_out, self.chat_options)
        self.check_options(self.chat_options)
        self._headers = [endpoint_headers(one, api_key, headers or {}) for one in self._endpoints]
        self._max_attempts = max_attempts
        self._timeout_s = timeout_s
        self._waits_s = (wait_initial_s, wait_max_s)
        self._retry_after_max_s = retry_after_max_s
        self._limits = (max_tokens_in_flight, requests_per_minute, tokens_per_minute)
        self._running: Dispatcher | None = None
        self._last: Dispatcher | None = None  # for the notes
        self._samplings: set[Sampling] = set()
        self._starting = asyncio.Lock()

    def __repr__(self) -> str:
        return f"OpenAIEngine({self.model!r}, {list(self.base_urls)!r})"

    def fingerprint_with(self, options: ChatOptions) -> str:
        """Return the fingerprint of requests with these chat options."""
        # no endpoint shows its template
        return add_options(self._plain_fingerprint, options, str, self._marks)

    def check_options(self, options: ChatOptions) -> None:
        """Check the options of later requests; see ``ChatEngine``."""
        self._format.option_fields(options)

    async def start(self) -> None:
        """Ask every endpoint what it serves, to fail early and clearly.

        An endpoint without such a list is taken as it is; one that cannot be reached is set
        aside, as long as another can.

        Raises:
            EngineError: no endpoint can be reached, or one refuses the key.
            ConfigurationError: one is not known to take a thinking budget.
        """
        async with self._starting:
            if self._running is None:
                await self._start()

    async def _start(self) -> None:
        dispatcher = Dispatcher(
            self._new_client(), self._new_pool(), self._max_attempts, self._waits_s
        )
        await dispatcher.start(needs_vllm=self.chat_options.thinking_budget is not None)
        self._running = self._last = dispatcher

    async def complete(self, request: Request) -> Completion:
        """Complete one request; cancelling the call closes its connection, which ends it there.

        So does falling below the measure's floor. The prompt tokens of such a path are estimated
        from its length, because servers count them at the end.

        Raises:
            EngineError: no endpoint can be reached, or one refuses every request (wrong key,
                unknown model, wrong path).
            ConfigurationError: one gives no log-probabilities, or fewer than the measure needs,
                or does not take a prefill or a chat option; or a sampling field is in the extra
                body, too.
        """
        if self._running is None:
            raise EngineError("the engine is not started, or is closed: await its start() first")
        dispatcher = self._running
        self._samplings.add(request.sampling)
        try:
            body = orjson.dumps(dispatcher.client.format.body(request))
        except orjson.JSONEncodeError as error:
            return Completion.lost(f"the prompt cannot be sent as JSON: {error}")
        except (TemplateRefusal, TemplateError) as error:
            return Completion.lost(f"the chat template refuses the messages: {error}")
        tokens = len(body) // BYTES_PER_TOKEN + request.sampling.max_tokens
        return await dispatcher.complete(request, tokens)

    def notes(self) -> dict[str, Any]:
        """Return how requests differed from their sampling, by endpoint, for the manifest.

        ``sampling_not_sent`` are fields at our defaults, for which a server has its own;
        ``renamed``, ``left_out`` and others follow the endpoint's refusals; ``tokens`` are
        ``estimated`` where it counts none in streams; ``replied`` are the models with fingerprints
        and providers that replies name, each once.
        """
        if self._last is None:
            return {}
        endpoints = {}
        for endpoint in self._last.pool.all:
            unsent = sorted(
                {
                    name
                    for sampling in self._samplings
                    for name in unsent_fields(sampling, endpoint.owner, self._format.extra)
                }
            )
            one: dict[str, Any] = {"sampling_not_sent": unsent} if unsent else {}
            one |= endpoint.adaptation.notes()
            if endpoint.estimated:
                one["tokens"] = "estimated"
            if one:
                endpoints[endpoint.url] = one
        replied = [dict(one) for one in sorted(self._last.client.sources)]
        notes = {"endpoints": endpoints, "replied": replied}
        return {name: one for name, one in notes.items() if one}

    async def close(self) -> None:
        """Close every connection."""
        running, self._running = self._running, None
        if running is not None:
            await running.client.close()

    def _new_pool(self) -> Endpoints:
        pool = Endpoints(self.base_urls, self.window, *self._limits, *self._waits_s)
        for endpoint, spec in zip(pool.all, self._endpoints, strict=True):
            if self._format.api == "completions":
                endpoint.thinks = False  # a base model
            if not isinstance(spec, str):
                endpoint.restrict(spec.window, spec.requests_per_minute, spec.tokens_per_minute)
                endpoint.owner = endpoint.server = spec.server
        return pool

    def _open_client(self, spec: str | EndpointSpec, headers: Mapping[str, str]) -> AsyncClient:
        # No read timeout here: httpx's starts again with every byte, so that a server that
        # dribbles never meets it. The attempt limits it, and the pool the connections.
        return open_client(
            headers=headers,
            params=None if isinstance(spec, str) else dict(spec.query) or None,
            timeout=httpx.Timeout(None, connect=min(_CONNECT_TIMEOUT_S, self._timeout_s)),
            limits=httpx.Limits(
                max_connections=None,
                max_keepalive_connections=self.window,
                keepalive_expiry=KEEPALIVE_S,
            ),
        )

    def _new_client(self) -> EndpointClient:
        pairs = zip(self._endpoints, self._headers, strict=True)
        clients = [self._open_client(spec, headers) for spec, headers in pairs]
        queries = [one.secret_query for one in self._endpoints if not isinstance(one, str)]
        return EndpointClient(
            dict(zip(self.base_urls, clients, strict=True)),
            self._format,
            self._marks,
            self._timeout_s,
            self._retry_after_max_s,
            Secrets(*self._headers, *queries),
            Refusals(),
        )
