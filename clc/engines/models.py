"""Model names and model folders: what a name stands for, and what its folder lacks.

A model name is ``clc-tiny`` (the one in the package), a local folder, or a Hugging Face id.
"""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

from clc.errors import ConfigurationError, EngineError

__all__ = [
    "BUNDLED",
    "WEIGHTS",
    "check_model_folder",
    "find_gguf",
    "lora_rank",
    "model_files",
    "resolve_model",
]

BUNDLED = "clc-tiny"
_BUNDLED_FOLDER = Path(__file__).parent.parent / "models" / BUNDLED
_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model",
               "tekken.json")  # fmt: skip
WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "consolidated*.pth", "*.gguf")
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # vLLM's values of max_lora_rank


def resolve_model(name: str, *, weights: bool = True) -> str:
    """Return the folder or Hugging Face id that ``name`` stands for.

    Args:
        name: ``clc-tiny``, a local folder, or a Hugging Face id (``owner/name``).
        weights: whether a local folder must hold weights.

    Raises:
        ConfigurationError: no such folder, the folder lacks a file, or it is no possible id.
        EngineError: this installation of clc lacks the bundled model.
    """
    if name == BUNDLED:
        if not _BUNDLED_FOLDER.is_dir():
            raise EngineError(
                f"the bundled model is not in this installation ({_BUNDLED_FOLDER} is missing); "
                "install clc again, or name another model"
            )
        return str(_BUNDLED_FOLDER)
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        check_model_folder(folder, weights=weights)
        return str(folder)
    if folder.is_file():
        raise ConfigurationError(
            f"model {name!r} is a file; name the folder that holds it"
            f"{' (engine transformers reads a GGUF file)' if folder.suffix == '.gguf' else ''}"
        )
    if not _HUB_ID.fullmatch(name):
        raise ConfigurationError(
            f"model {name!r}: there is no such folder, and a Hugging Face id reads owner/name"
        )
    return name


def find_gguf(name: str) -> tuple[str, str | None]:
    """Return the folder or id of a model, and the name of its GGUF file where it is one.

    Raises:
        ConfigurationError: as ``resolve_model``; or the package gguf is missing.
        EngineError: as ``resolve_model``.
    """
    file = Path(name).expanduser()
    if file.suffix != ".gguf" or not file.is_file():
        return resolve_model(name), None
    if find_spec("gguf") is None:
        raise ConfigurationError(f"model {name!r} is a GGUF file: pip install gguf")
    return str(file.parent), file.name


def check_model_folder(folder: Path, *, weights: bool = True) -> None:
    """Check that a model folder holds what an engine needs.

    Raises:
        ConfigurationError: it lacks its configuration, tokenizer or weights; the message names
            what is missing.
    """
    if not (folder / "config.json").is_file():
        raise ConfigurationError(
            f"model folder {folder} has no config.json; name the folder of a saved Hugging Face "
            "model (save_pretrained, or huggingface-cli download ID --local-dir FOLDER)"
        )
    if not any((folder / name).is_file() for name in _TOKENIZERS) and not any(
        folder.glob("*.tiktoken")
    ):
        raise ConfigurationError(
            f"model folder {folder} has no tokenizer (tokenizer.json, tokenizer.model or "
            "vocab.json); copy the tokenizer's files into it: "
            "AutoTokenizer.from_pretrained(ID).save_pretrained(FOLDER)"
        )
    if weights:
        _check_weights(folder)


def _check_weights(folder: Path) -> None:
    for index in folder.glob("*.safetensors.index.json"):
        shards = set(json.loads(index.read_bytes())["weight_map"].values())
        missing = sorted(shard for shard in shards if not (folder / shard).is_file())
        if missing:
            raise ConfigurationError(
                f"model folder {folder} lacks {len(missing)} of {len(shards)} weight files: "
                f"{', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}; "  # noqa: PLR2004
                "download them again"
            )
    if not model_files(folder, WEIGHTS):
        raise ConfigurationError(
            f"model folder {folder} has no weights ({', '.join(WEIGHTS)}); copy them into it, "
            "or download the model again"
        )


def model_files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Return the files of a model folder that match one of the patterns, sorted."""
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def lora_rank(folder: str) -> int:
    """Return the rank of a LoRA adapter, in the steps that vLLM has.

    Raises:
        ConfigurationError: the folder holds no adapter as PEFT saves it.
    """
    path = Path(folder) / "adapter_config.json"
    try:
        rank = int(json.loads(path.read_bytes())["r"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path}: is not the configuration of a LoRA adapter ({type(error).__name__}: {error});"
            " name the folder of an adapter as PEFT saves it"
        ) from error
    return next((step for step in _RANKS if step >= rank), rank)
