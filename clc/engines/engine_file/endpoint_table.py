"""Read the tables [[endpoint]] and [prices] of an engine file."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from clc.bounds import abbreviate
from clc.engines.engine_file.tables import TableReader, join_key
from clc.engines.openai.endpoint_spec import APIS, SERVERS, EndpointSpec
from clc.engines.openai.settings import checked_headers, checked_urls, shared_api
from clc.prices import Prices

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read_endpoints", "read_prices"]

_ENDPOINT_KEYS = tuple(one.name for one in fields(EndpointSpec) if one.name != "needs_key")
_PRICE_KEYS = tuple(one.name for one in fields(Prices))
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HIGHEST_PRICE = 1e9


def read_endpoints(reader: TableReader, table: str, values: Any) -> tuple[EndpointSpec, ...]:
    """Return the endpoints of the tables [[endpoint]]."""
    key = join_key(table, "endpoint")
    if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
        reader.fail(key, "write each endpoint as a table [[endpoint]]")
    specs = tuple(
        _read_endpoint(reader, f"{key}.{number}", one) for number, one in enumerate(values)
    )
    if specs:
        reader.guard(key, shared_api, specs)
    return specs


def _read_endpoint(reader: TableReader, table: str, values: Mapping[str, Any]) -> EndpointSpec:
    reader.check_keys(table, values, _ENDPOINT_KEYS)
    url = reader.text(table, values, "url")
    if url is None:
        reader.fail(table, "an [[endpoint]] needs url, such as http://localhost:8000/v1")
    (url,) = reader.guard(join_key(table, "url"), checked_urls, [url])
    key = reader.text(table, values, "key")
    if key is not None and not _NAME.fullmatch(key):
        reader.fail(
            join_key(table, "key"),
            "it is the name of an environment variable that holds "
            "the key, such as OPENAI_API_KEY, and never the key itself",
        )
    for name, choices in (("api", APIS), ("server", SERVERS)):
        if (value := reader.text(table, values, name)) is not None and value not in choices:
            reader.fail(join_key(table, name), f"{value!r} is none: choose {' or '.join(choices)}")
    for name in ("window", "requests_per_minute", "tokens_per_minute"):
        number = values.get(name)
        if number is not None and (type(number) is not int or number <= 0):
            reader.fail(
                join_key(table, name), f"is {abbreviate(number)}: give a whole number above 0"
            )
    spec = EndpointSpec(
        url=url,
        key=key,
        headers=reader.texts(join_key(table, "headers"), values.get("headers", {})),
        query=reader.texts(join_key(table, "query"), values.get("query", {})),
        **{
            name: values[name]
            for name in _ENDPOINT_KEYS
            if name in values and name not in {"url", "key", "headers", "query"}
        },
    )
    if key is not None and not os.environ.get(key, "").strip():
        reader.fail(
            join_key(table, "key"),
            f"the environment variable {key} is not set: export "
            f"{key}=..., or leave out key for an endpoint that needs none",
        )
    if "key_header" in values and key is None:
        reader.fail(join_key(table, "key_header"), "there is no key for it: give key, too")
    taken = next((n for n in spec.headers if n.lower() == spec.key_header.lower()), None)
    if key is not None and taken is not None:
        reader.fail(
            join_key(table, "headers"), f"{taken!r} is the header of the key: leave one of them out"
        )
    reader.guard(join_key(table, "key"), checked_headers, "", spec.key_headers())
    reader.guard(join_key(table, "headers"), checked_headers, "", spec.headers)
    return spec


def read_prices(reader: TableReader, table: str, values: Any) -> Prices | None:
    """Return the prices of the table [prices], None without one."""
    if values is None:
        return None
    values = reader.table(table, values)
    reader.check_keys(table, values, _PRICE_KEYS)
    for name, value in values.items():
        if name == "currency":
            reader.text(table, values, name)
        elif (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not 0 <= value < _HIGHEST_PRICE
        ):
            reader.fail(
                join_key(table, name),
                f"is {abbreviate(value)}: give the price of a million tokens, a number from 0",
            )
    for name in ("prompt", "completion"):
        if name not in values:
            reader.fail(table, f"{name} is missing: give the price of a million tokens")
    return Prices(**values)
