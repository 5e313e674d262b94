"""The chat options with which a request asks the model to think, over those of the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from clc.engines.base import ChatEngine
from clc.engines.chat_options import SWITCHES, ChatOptions
from clc.errors import ConfigurationError
from clc.serving.errors import ApiError

if TYPE_CHECKING:
    from clc.engines.base import Engine
    from clc.serving.openai.requests import BaseRequest

__all__ = ["check_chat_options", "read_chat_options"]


def read_chat_options(request: BaseRequest, engine: Engine) -> ChatOptions | None:
    """Return the chat options of a request, None where it has none of its own.

    A variable of the chat template that the request sets replaces the engine's; a switch of the
    thought that it sets replaces the engine's choice to think.

    Raises:
        ApiError: 400, the engine takes no chat options, or one is wrong or given twice.
    """
    effort, given = request.effort(), request.chat_template_kwargs or {}
    if effort is None and not given:
        return None
    if not isinstance(engine, ChatEngine):
        raise _refused(request, "this engine takes no options for thinking; leave it out")
    own = engine.chat_options
    if effort is None and "reasoning_effort" not in given:
        effort = own.reasoning_effort
    try:
        options = replace(
            own,
            thinking=own.thinking if given.keys().isdisjoint(SWITCHES) else "auto",
            reasoning_effort=effort,
            template_kwargs={
                name: value
                for name, value in {**own.template_kwargs, **given}.items()
                if name in given or effort is None or name != "reasoning_effort"
            },
        )
        engine.fingerprint_with(options)
    except ConfigurationError as error:
        raise _refused(request, str(error)) from error
    return options


def check_chat_options(request: BaseRequest, engine: Engine, options: ChatOptions | None) -> None:
    """Check that the model takes the options; the engine has started.

    Raises:
        ApiError: 400, its chat template does not.
    """
    if options is None:
        return
    assert isinstance(engine, ChatEngine)  # noqa: S101 - read_chat_options checks it
    try:
        engine.check_options(options)
    except ConfigurationError as error:
        raise _refused(request, str(error)) from error


def _refused(request: BaseRequest, reason: str) -> ApiError:
    names = [name for name in ("reasoning_effort", "reasoning", "chat_template_kwargs")
             if getattr(request, name, None)]  # fmt: skip
    return ApiError(
        400, f"{' and '.join(names)} cannot be honoured here: {reason}",
        code="unsupported_value", param=names[0],
    )  # fmt: skip
