"""An engine with other chat options, over the same loaded model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from clc.engines.base import ChatEngine
from clc.engines.chat_options import ChatOptions
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from clc.engines.base import Completion, Engine, Request

__all__ = ["AdjustedEngine", "open_translator"]


class AdjustedEngine:
    """An engine whose requests have chat options of their own.

    Closing it leaves the engine open, which belongs to others.

    Args:
        engine: samples the completions; it is started if it is not yet.
        options: of the requests without their own.
    """

    def __init__(self, engine: ChatEngine, options: ChatOptions) -> None:
        self.engine = engine
        self.options = options

    @property
    def fingerprint(self) -> str:
        """Identity of what generates."""
        return self.engine.fingerprint_with(self.options)

    @property
    def window(self) -> int:
        """Requests to keep in flight."""
        return self.engine.window

    async def start(self) -> None:
        """Start the engine and check the options.

        Raises:
            EngineError: it cannot start.
            ConfigurationError: the model's chat template does not take the options.
        """
        await self.engine.start()
        self.engine.check_options(self.options)

    async def complete(self, request: Request) -> Completion:
        """Complete one request.

        Raises:
            EngineError: the engine is lost.
        """
        return await self.engine.complete(
            replace(request, chat_options=request.chat_options or self.options)
        )

    async def close(self) -> None:
        """Leave the engine to its owner."""


def open_translator(
    engine: Engine, translator: Callable[[], Engine] | ChatOptions | None
) -> Engine | None:
    """Return the engine for translations, or None where it is ``engine`` as it is.

    Args:
        engine: samples the paths.
        translator: makes another engine; or the chat options with which ``engine`` translates; or
            None for its own options, without a thought where its chat template has a switch.

    Raises:
        ConfigurationError: the engine takes no chat options.
    """
    if translator is not None and not isinstance(translator, ChatOptions):
        return translator()
    if not isinstance(engine, ChatEngine):
        if translator is None:
            return None
        raise ConfigurationError(f"{type(engine).__name__} takes no chat options for translations")
    own = engine.chat_options
    options = replace(own, thinking="avoid") if translator is None else translator
    options = options.with_prompts_of(own)
    if engine.fingerprint_with(options) == engine.fingerprint:
        return None
    return AdjustedEngine(engine, options)
