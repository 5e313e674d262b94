"""Models of the Hugging Face Hub: their commits and files, from the cache where they are there."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from clc.errors import ConfigurationError, EngineError
from clc.version import install_hint

__all__ = ["find_commit", "hub_revision", "read_chat_template", "read_generation_config"]

_log = logging.getLogger(__name__)

# Those of the Hub are fetched in this order: where the last is cached, the others are, too.
_CHAT_TEMPLATES = ("chat_template.jinja", "chat_template.json", "tokenizer_config.json")


def find_commit(location: str, revision: str | None = None) -> str | None:
    """Return the commit of a Hugging Face id, None for a local folder.

    Raises:
        EngineError: see ``hub_revision``.
    """
    if Path(location).is_dir():
        return None
    _log.info("asking for the commit of %s", location)
    return hub_revision(location, revision)


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
