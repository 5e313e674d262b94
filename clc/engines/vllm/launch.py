"""The start of vLLM: its chat, engine arguments and driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clc.engines.chat_template import Chat
from clc.engines.vllm.device import bind_openmp, budget_args, cpu_args, disable_compilation
from clc.engines.vllm.in_process_driver import InProcessDriver
from clc.engines.vllm.process_driver import ProcessDriver
from clc.engines.vllm.tokenizer import load_own_tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clc.engines.chat_options import ChatOptions
    from clc.engines.vllm.drivers import Driver
    from clc.thoughts import Marks

__all__ = ["load_chat", "make_driver", "start_args"]


def load_chat(
    args: Mapping[str, Any],
    location: str,
    commit: str | None,
    options: ChatOptions,
    marks: Marks | None,
) -> Chat:
    """Load the tokenizer and chat template of a model.

    Args:
        args: engine arguments; some choose another tokenizer.
        location: of the model, a folder or a Hugging Face id.
        commit: of the id.
        options: how to ask the model to think.
        marks: the marks of thoughts; the bundled ones by default.

    Raises:
        EngineError: they cannot be loaded.
        ConfigurationError: the template does not have the switches that the options need.
    """
    own = load_own_tokenizer(args, location, commit)
    if own is not None:
        return Chat(own, options, marks)
    return Chat.load(
        location,
        commit,
        options,
        marks,
        tokenizer=args.get("tokenizer"),
        trust_remote_code=bool(args.get("trust_remote_code")),
    )


def start_args(
    own: Mapping[str, Any], location: str, commit: str | None, device: str, chat: Chat
) -> dict[str, Any]:
    """Return all engine arguments: ours for the device and the chat, overridden by ``own``."""
    args: dict[str, Any] = {
        "model": location,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
    }
    if commit is not None:
        args |= {"revision": commit, "tokenizer_revision": commit}
    if device == "cpu":
        args |= cpu_args()
        disable_compilation()
    if chat.thinking_budget is not None and (marks := chat.codec.thought_tokens):
        args |= budget_args(*marks)
    return args | dict(own)


def make_driver(name: str, args: dict[str, Any], device: str, lora: str | None) -> Driver:
    """Make the driver ``process`` or ``in-process``; ``auto`` chooses by device and GPUs."""
    ranks = args.get("tensor_parallel_size", 1) * args.get("pipeline_parallel_size", 1)
    inside = device == "cpu" and ranks == 1 if name == "auto" else name == "in-process"
    if inside:
        return InProcessDriver(args, lora)
    if device == "cpu":
        bind_openmp(ranks)
    return ProcessDriver(args, lora)
