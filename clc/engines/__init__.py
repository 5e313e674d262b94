"""Engines: chat messages in, completions out.

Each reasoning path is one request with its own seed. A caller keeps up to ``window`` calls of
``complete`` in flight; cancelling a call, as any asyncio task, aborts it in the engine.

::

    base                request, completion, the protocol of an engine
    factory, arguments, engine_file/   an engine by its name and arguments, or by a TOML file
    models, hub, fingerprints          a model's name and folder, its commit, its hash
    chat_options, chat_template, plain_prompt, prompt_cache   messages to a prompt
    token_codec, detokenizer, token_completion                tokens to a completion
    deltas              a completion that is passed on while it arrives
    confidence          the confidence of a path, from log-probabilities
    vllm/, transformers/, openai/, replay   the engines
    adjusted, shared    an engine with other options; an engine with several callers
    reward/             reward models
    environment, thread_bridge, error_text   what the engines share
"""

from __future__ import annotations

from clc.engines.base import Completion, Engine, Request

__all__ = ["Completion", "Engine", "Request"]
