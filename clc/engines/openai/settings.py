"""Check the settings of an endpoint: URLs, headers, extra fields."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from clc.bounds import abbreviate
from clc.engines.chat_options import is_json
from clc.engines.openai import wire
from clc.engines.openai.connections import address_fault
from clc.engines.openai.endpoint_spec import APIS
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.engines.openai.endpoint_spec import EndpointSpec

__all__ = [
    "KEEPALIVE_S",
    "bearer_header",
    "check_positive",
    "checked_endpoints",
    "checked_extra",
    "checked_headers",
    "checked_urls",
    "endpoint_headers",
    "fingerprint",
    "shared_api",
]

KEEPALIVE_S = 3.0  # uvicorn drops an idle connection at 5 s, and a request sent just then is lost

_OWN_FIELDS = frozenset(
    {"model", "messages", "prompt", "n", "stream", "stream_options", "logprobs", "top_logprobs"}
)


def check_positive(**values: float | None) -> None:
    """Check that numbers are above 0; None is not checked.

    Raises:
        ConfigurationError: one is not; the message names it.
    """
    for name, value in values.items():
        if value is not None and value <= 0:
            raise ConfigurationError(f"{name} is {value}: it must be above 0")


def checked_urls(base_urls: Sequence[str]) -> tuple[str, ...]:
    """Return the base URLs without trailing slashes and repetitions."""
    given = [base_urls] if isinstance(base_urls, str) else base_urls
    urls = tuple(dict.fromkeys(url.strip().rstrip("/") for url in given))
    if not urls:
        raise ConfigurationError("no base URL: give at least one, such as http://localhost:8000/v1")
    for url in urls:
        _check_url(url)
    return urls


def checked_endpoints(base_urls: Sequence[str | EndpointSpec]) -> tuple[str | EndpointSpec, ...]:
    """Return the endpoints with checked URLs, each URL once."""
    given = [base_urls] if isinstance(base_urls, str) else base_urls
    by_url: dict[str, str | EndpointSpec] = {}
    for one in given:
        (url,) = checked_urls([one if isinstance(one, str) else one.url])
        by_url.setdefault(url, url if isinstance(one, str) else replace(one, url=url))
    if not by_url:
        checked_urls(())
    return tuple(by_url.values())


def endpoint_headers(
    endpoint: str | EndpointSpec, api_key: str | None, headers: Mapping[str, str]
) -> dict[str, str]:
    """Return the headers of an endpoint's requests.

    Args:
        endpoint: one that names its key gets no other; a URL gets ``api_key``.
        api_key: by default the environment's ``OPENAI_API_KEY``.
        headers: of all endpoints.
    """
    if isinstance(endpoint, str):
        return checked_headers(api_key, headers)
    return checked_headers("", {**headers, **endpoint.key_headers(), **endpoint.headers})


def _check_url(url: str) -> None:
    """Raise ConfigurationError unless a connection can be made to the URL.

    A password or a query is not quoted: it may hold a key.
    """
    shown = re.sub(r"[?#].*", lambda it: f"{it[0][0]}***", url, flags=re.DOTALL)
    shown = f"'{shown:.200}'"
    try:
        parsed = httpx.URL(url)
        complete = parsed.scheme in {"http", "https"} and parsed.host
        fault = address_fault(parsed) if complete else None
    except (httpx.InvalidURL, ValueError) as error:  # idna's errors are ValueErrors
        if "@" in url:
            raise ConfigurationError(
                "a base URL is no URL, and seems to hold a password: give it without, such as "
                "http://localhost:8000/v1"
            ) from None
        raise ConfigurationError(f"the base URL {shown} is no URL: {error}") from None
    if parsed.userinfo:
        raise ConfigurationError(
            f"the base URL of {parsed.host} holds a user or password: "
            "give an API key or a header in its place"
        )
    if fault is not None:
        raise ConfigurationError(f"the base URL {shown} leads nowhere: {fault}")
    if not complete or "?" in url or "#" in url:
        raise ConfigurationError(
            f"the base URL {shown} must read like http://localhost:8000/v1 "
            "(http or https, a host, no ?query, no #fragment; a key is given as an API key)"
        )
    if url.endswith("/completions"):
        base = url.removesuffix("/completions").removesuffix("/chat")
        raise ConfigurationError(f"the base URL {url!r} is too long: give {base}")


def bearer_header(api_key: str | None) -> dict[str, str]:
    """Return the header of an API key, the environment's ``OPENAI_API_KEY`` by default.

    >>> bearer_header("sk-1"), bearer_header("")
    ({'Authorization': 'Bearer sk-1'}, {})
    """
    key = os.environ.get("OPENAI_API_KEY", "") if api_key is None else api_key
    return {"Authorization": f"Bearer {key.strip()}"} if key.strip() else {}


_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110, section 5.6.2
_FRAMING = frozenset({
    "connection", "content-encoding", "content-length", "expect", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip


def checked_headers(api_key: str | None, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of every request; errors name a bad header but do not quote its value."""
    own = {"Content-Type": "application/json"}
    if "authorization" not in {name.lower() for name in headers}:
        own |= bearer_header(api_key)
    for name, value in (own | dict(headers)).items():
        if not (name + value).isascii() or not (name + value).isprintable():
            subject = "the API key" if name in own else f"the header {name!r}"
            raise ConfigurationError(f"{subject} holds a character that HTTP headers cannot carry")
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} is no name of an HTTP header")
        if name.lower() in _FRAMING:
            raise ConfigurationError(
                f"the header {name!r} belongs to the connection, which sets it itself: leave it out"
            )
    return own | dict(headers)


def checked_extra(extra: Mapping[str, Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """Split the extra body into fields to add and sampling fields to leave out."""
    for name, value in extra.items():
        if name in _OWN_FIELDS or (name in wire.SAMPLING_FIELDS and value is not None):
            raise ConfigurationError(
                f"extra_body sets {name!r} to {value!r}, which clc sets itself: "
                "give it as an option of the run"
            )
        if not is_json(value):
            raise ConfigurationError(
                f"extra_body sets {name!r} to {abbreviate(value)}, which JSON cannot express: "
                "give finite numbers and texts"
            )
    left_out = frozenset(wire.SAMPLING_FIELDS & extra.keys())
    return {name: value for name, value in extra.items() if name not in left_out}, left_out


def shared_api(endpoints: Sequence[str | EndpointSpec]) -> str:
    """Return the API of all endpoints of an engine.

    Raises:
        ConfigurationError: they have several, so that one model would get two kinds of prompts.
    """
    apis = {"chat" if isinstance(one, str) else one.api for one in endpoints}
    if len(apis) > 1 or not apis <= set(APIS):
        raise ConfigurationError(
            f"the endpoints of an engine have the API {' and '.join(map(repr, sorted(apis)))}: "
            f"give all of them one of {', '.join(APIS)}"
        )
    return apis.pop()


def fingerprint(model: str, revision: str | None, extra: Mapping[str, Any]) -> str:
    """Return the fingerprint of a model: name, revision, extra body.

    >>> fingerprint("qwen", "1a2b", {"min_p": 0.1})
    'openai:qwen@1a2b {"min_p":0.1}'
    """
    name = f"openai:{model}" + (f"@{revision}" if revision else "")
    try:
        canonical = orjson.dumps(dict(extra), option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError as error:
        raise ConfigurationError(f"extra_body cannot be written as JSON: {error}") from None
    return f"{name} {canonical}" if extra else name
