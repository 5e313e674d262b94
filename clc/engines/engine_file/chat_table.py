"""Read the table [chat] of an engine file."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from clc.engines.chat_options import SWITCHES, ChatOptions
from clc.engines.engine_file.tables import TableReader, join_key
from clc.engines.engine_file.template_check import template_fault
from clc.engines.plain_prompt import BASE, BASE_TEMPLATE
from clc.errors import ConfigurationError
from clc.input_files import read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["merge_chat", "read_chat"]

_CHAT_KEYS = tuple(one.name for one in fields(ChatOptions))


def read_chat(reader: TableReader, table: str, values: Any) -> dict[str, Any]:
    """Return the given fields of ``ChatOptions``."""
    given: dict[str, Any] = dict(reader.table(table, values))
    return _read_given(reader, table, given)


def _read_given(reader: TableReader, table: str, values: dict[str, Any]) -> dict[str, Any]:
    reader.check_keys(table, values, (*_CHAT_KEYS, *SWITCHES))
    kwargs = dict(
        reader.table(join_key(table, "template_kwargs"), values.pop("template_kwargs", {}))
    )
    if isinstance(values.get("enable_thinking"), bool):
        kwargs["enable_thinking"] = values.pop("enable_thinking")
    elif "enable_thinking" in values:
        reader.fail(join_key(table, "enable_thinking"), "give true or false")
    if isinstance(values.get("thinking"), bool):
        values["thinking"] = "on" if values["thinking"] else "off"
    if (name := reader.text(table, values, "template")) is not None:
        values["template"] = _read_template(reader, join_key(table, "template"), name)
    if kwargs:
        values["template_kwargs"] = kwargs
    return values


def merge_chat(main: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of chat options: those of the engine, under the translator's own."""
    kwargs = dict(main.get("template_kwargs", {}))
    merged = {**main, **own}
    switched = "thinking" in own or not own.get("template_kwargs", {}).keys().isdisjoint(SWITCHES)
    if switched:
        kwargs = {name: one for name, one in kwargs.items() if name not in SWITCHES}
        merged["thinking"] = own.get("thinking", "auto")
    kwargs |= own.get("template_kwargs", {})
    off = merged.get("thinking") == "off" or any(kwargs.get(name) is False for name in SWITCHES)
    if off:
        for name in ("reasoning_effort", "thinking_budget"):
            if name not in own:
                merged.pop(name, None)
    return {**merged, "template_kwargs": kwargs}


def _read_template(reader: TableReader, key: str, name: str) -> str:
    if name == BASE and not reader.beside(name).exists():
        return BASE_TEMPLATE
    file = reader.beside(name)
    data = reader.guard(key, read_regular, file, ConfigurationError)
    if data is None:
        reader.fail(key, f"{name!r}: there is no such file; name one beside {reader.path.name}")
    try:
        text: str = data.decode("utf-8")
    except UnicodeDecodeError as error:
        reader.fail(key, f"{name!r} is not UTF-8 ({error.reason}): save it as UTF-8")
    if fault := template_fault(text):
        reader.fail(
            key,
            f"{name}: {fault}; correct it: it gets messages, each with role and "
            "content, and add_generation_prompt",
        )
    return text
