"""Resolve a model name, check the model's folder, and identify its weights.

A model name is ``clc-tiny`` (the one in the package), a local folder, or a Hugging Face id.
"""

from __future__ import annotations

import hashlib
import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from clc.errors import ConfigurationError, EngineError
from clc.version import install_hint

__all__ = [
    "BUNDLED",
    "adapter_fingerprint",
    "check_model_folder",
    "find_gguf",
    "hub_revision",
    "lora_rank",
    "model_fingerprint",
    "read_chat_template",
    "read_generation_config",
    "resolve_model",
]

BUNDLED = "clc-tiny"
_BUNDLED_FOLDER = Path(__file__).parent.parent / "models" / BUNDLED
_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model",
               "tekken.json")  # fmt: skip
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "consolidated*.pth", "*.gguf")
_ADAPTER_WEIGHTS = ("adapter_model*.safetensors", "adapter_model*.bin")
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)  # vLLM's values of max_lora_rank
_TEXT = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken", "*.py")
# Those of the Hub are fetched in this order: where the last is cached, the others are, too.
_CHAT_TEMPLATES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")
# A file up to this size is hashed whole; of a larger one, this many bytes, evenly spread.
_SAMPLED_BYTES = 1 << 22
_SAMPLES = 256


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
    if not _files(folder, _WEIGHTS):
        raise ConfigurationError(
            f"model folder {folder} has no weights ({', '.join(_WEIGHTS)}); copy them into it, "
            "or download the model again"
        )


def model_fingerprint(path_or_id: str, revision: str | None = None) -> str:
    """Return the fingerprint of a model; other weights have another fingerprint.

    A folder's fingerprint is a hash of its configuration, tokenizer and template files, and of its
    weight files' names, sizes, headers and contents (files over 4 MiB: 4 MiB sampled evenly, so
    that a 100 GB model takes no longer than a small one). The folder's path does not count.
    That of a Hugging Face id is ``id@commit``.

    Raises:
        EngineError: the id's commit cannot be found; see ``hub_revision``.
    """
    folder = Path(path_or_id)
    if not folder.is_dir():
        return f"{path_or_id}@{hub_revision(path_or_id, revision)}"
    digest = hashlib.blake2b(digest_size=16)
    for path in _files(folder, _TEXT):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    for path in _files(folder, _WEIGHTS):
        _update_from_weights(digest, path)
    return f"folder@{digest.hexdigest()}"


def _update_from_weights(digest: Any, path: Path) -> None:
    """Hash a weight file: fine-tunes share names, sizes and headers, so contents must count."""
    size = path.stat().st_size
    digest.update(f"{path.name}\0{size}\0".encode())
    with path.open("rb") as file:
        if size <= _SAMPLED_BYTES:
            digest.update(file.read())
            return
        if path.suffix == ".safetensors":
            digest.update(file.read(8 + min(int.from_bytes(file.read(8), "little"), size)))
        for step in range(_SAMPLES):
            file.seek((size - _SAMPLED_BYTES // _SAMPLES) * step // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLED_BYTES // _SAMPLES))


def _files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def hub_revision(model: str, revision: str | None = None) -> str:
    """Return the commit that a Hugging Face id stands for: the local snapshot's, else the Hub's.

    Engines load exactly this commit, so that a path's key names what generated it.

    Raises:
        EngineError: no snapshot is here and the Hub cannot be asked, or does not know the id.
    """
    try:
        from huggingface_hub import HfApi, try_to_load_from_cache
        from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
    except ModuleNotFoundError as error:
        raise EngineError(
            f"model {model!r} is no local folder, and huggingface_hub, which would fetch it, is "
            f"not installed: {install_hint('transformers')}, or {install_hint('vllm')}"
        ) from error
    cached = try_to_load_from_cache(model, "config.json", revision=revision)
    if isinstance(cached, str):
        return Path(cached).parent.name
    try:
        commit = HfApi().model_info(model, revision=revision, timeout=20).sha
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise EngineError(
            f"the Hugging Face Hub has no model {model!r}"
            f"{f' at revision {revision!r}' if revision else ''}, or it is private: check the "
            "name, or log in with `hf auth login`"
        ) from error
    except Exception as error:  # httpx, requests and offline errors, by version of the library
        raise EngineError(
            f"model {model!r} is no local folder, not in the Hugging Face cache, and the Hub "
            f"cannot be reached ({type(error).__name__}); name a folder, or go online once"
        ) from error
    return str(commit)


def read_chat_template(path_or_id: str, revision: str | None = None) -> str:
    """Return the text of a model's chat templates, '' where it has none; of the Hub's, fetch it.

    Raises:
        EngineError: the Hub cannot be asked.
    """
    folder = Path(path_or_id)
    if folder.is_dir():
        paths = [folder / name for name in _CHAT_TEMPLATES]
    else:
        paths = _hub_files(path_or_id, hub_revision(path_or_id, revision), _CHAT_TEMPLATES)
    texts = []
    for path in paths:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        texts.append(text if path.suffix == ".jinja" else str(_template_entry(text)))
    return "\n".join(texts)


def read_generation_config(path_or_id: str, revision: str | None = None) -> dict[str, Any]:
    """Return a model's generation_config.json, {} where it has none; of the Hub's, fetch it.

    Raises:
        EngineError: the Hub cannot be asked.
        ConfigurationError: the file is no JSON object.
    """
    name = "generation_config.json"
    folder = Path(path_or_id)
    if folder.is_dir():
        paths = [folder / name]
    else:
        paths = _hub_files(path_or_id, hub_revision(path_or_id, revision), (name,))
    for path in paths:
        if not path.is_file():
            continue
        try:
            values = json.loads(path.read_bytes())
        except ValueError as error:
            raise ConfigurationError(f"{path}: is no JSON: {error}") from error
        if not isinstance(values, dict):
            raise ConfigurationError(f"{path}: is no JSON object")
        return values
    return {}


def adapter_fingerprint(folder: str) -> str:
    """Return a hash of a LoRA adapter's settings and weights; the folder's path does not count."""
    digest = hashlib.blake2b(digest_size=16)
    for path in _files(Path(folder), ("adapter_config.json", *_ADAPTER_WEIGHTS)):
        _update_from_weights(digest, path)
    return digest.hexdigest()


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


def _template_entry(text: str) -> Any:
    try:
        return json.loads(text).get("chat_template") or ""
    except (ValueError, AttributeError):
        return ""  # the tokenizer cannot be loaded, which the engine reports


def _hub_files(model: str, commit: str, names: tuple[str, ...]) -> list[Path]:
    """Return the files of a model that the Hub has, from the cache where the last one is there."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    cached = [try_to_load_from_cache(model, name, revision=commit) for name in names]
    if isinstance(cached[-1], str):
        return [Path(path) for path in cached if isinstance(path, str)]
    paths = []
    for name in names:
        try:
            paths.append(Path(hf_hub_download(model, name, revision=commit)))
        except LocalEntryNotFoundError as error:
            raise EngineError(
                f"{name} of model {model!r} is not in the Hugging Face cache, and the Hub cannot "
                "be reached; name a folder, or go online once"
            ) from error
        except EntryNotFoundError:
            continue
    return paths
