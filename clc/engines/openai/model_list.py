"""The list of models that an endpoint serves, which is asked for before the first request."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import httpx

from clc.engines.openai.error_bodies import read_json
from clc.engines.openai.failures import (
    UNREACHABLE,
    UnreachableError,
    describe_failure,
    make_fatal_error,
)
from clc.engines.openai.limits import LIST_BYTES, read_body
from clc.engines.openai.reply_fields import BrokenReplyError
from clc.errors import EngineError

if TYPE_CHECKING:
    from clc.engines.openai.endpoints import Endpoint
    from clc.engines.openai.secrets import Secrets

__all__ = ["check_models", "same_model", "served_models"]

_log = logging.getLogger(__name__)

_LIST_TIMEOUT_S = 30.0
_NAMED_MODELS = 20


async def check_models(
    endpoint: Endpoint,
    client: httpx.AsyncClient,
    model: str,
    secrets: Secrets,
    timeout_s: float,
) -> None:
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
            asyncio.timeout(min(_LIST_TIMEOUT_S, timeout_s)),
            client.stream("GET", url) as response,
        ):
            body = await read_body(response, LIST_BYTES)
    except UNREACHABLE as error:
        raise UnreachableError(describe_failure(error, secrets)) from None
    except BrokenReplyError as error:
        raise EngineError(
            f"{url} answered with {error.describe(secrets)}: check the base URL"
        ) from None
    except (TimeoutError, httpx.HTTPError):
        return  # busy or odd: the first attempt will show
    endpoint.owner = endpoint.server or ""
    if response.status_code == 401:  # noqa: PLR2004  (403 may only mean: no list for you)
        raise make_fatal_error(url, model, response, body, secrets=secrets)
    served = served_models(body) if response.is_success else None
    if not served:
        return
    owners = [owner for name, owner in served.items() if same_model(model, name)]
    if owners:
        endpoint.owner = endpoint.server or owners[0].casefold()
        return
    names = ", ".join(secrets.quote(name) for name in list(served)[:_NAMED_MODELS])
    endpoint.listed = names + (", …" if len(served) > _NAMED_MODELS else "")
    _log.warning("%s does not list the model %r; it lists %s", endpoint.url, model, endpoint.listed)


def served_models(body: bytes) -> dict[str, str] | None:
    """Return the names in a reply to ``GET /models`` and their owners; None where it is no list.

    >>> served_models(b'{"data": [{"id": "qwen", "owned_by": "vllm"}]}')
    {'qwen': 'vllm'}
    """
    reply = read_json(body)
    data = reply.get("data") if isinstance(reply, dict) else None
    if not isinstance(data, list):
        return None
    models = (model for model in data if isinstance(model, dict))
    return {
        model["id"]: owner if isinstance(owner := model.get("owned_by"), str) else ""
        for model in models
        if isinstance(model.get("id"), str)
    }


def same_model(wanted: str, served: str) -> bool:
    """Whether a server that lists ``served`` probably serves ``wanted``.

    Lenient, because a wrong name fails at the first request: Gemini lists ``models/NAME`` and
    ollama ``NAME:latest``; OpenRouter takes variants (``NAME:free``).

    >>> same_model("llama3", "llama3:latest"), same_model("gemini", "models/gemini")
    (True, True)
    >>> same_model("qwen", "llama3")
    False
    """
    a, b = (name.casefold().split(":")[0] for name in (wanted, served))
    return a == b or a.endswith("/" + b) or b.endswith("/" + a)
