"""Fingerprints of models and adapters: hashes of files, or a commit of the Hugging Face Hub."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.engines.chat_options import add_options
from clc.engines.hub import hub_revision, read_chat_template
from clc.engines.models import WEIGHTS, model_files

if TYPE_CHECKING:
    from clc.engines.chat_options import ChatOptions
    from clc.thoughts import Marks

__all__ = ["adapter_fingerprint", "chat_fingerprint", "model_fingerprint"]

_ADAPTER_WEIGHTS = ("adapter_model*.safetensors", "adapter_model*.bin")
_TEXT = ("*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken", "*.py")
# A file up to this size is hashed whole; of a larger one, this many bytes, evenly spread.
_SAMPLED_BYTES = 1 << 22
_SAMPLES = 256


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
    for path in model_files(folder, _TEXT):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    for path in model_files(folder, WEIGHTS):
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


def adapter_fingerprint(folder: str) -> str:
    """Return a hash of a LoRA adapter's settings and weights; the folder's path does not count."""
    digest = hashlib.blake2b(digest_size=16)
    for path in model_files(Path(folder), ("adapter_config.json", *_ADAPTER_WEIGHTS)):
        _update_from_weights(digest, path)
    return digest.hexdigest()


def chat_fingerprint(
    plain: str, options: ChatOptions, location: str, revision: str | None, marks: Marks | None
) -> str:
    """Return an engine's fingerprint with the chat options of its requests.

    Args:
        plain: without them.
        options: of the requests; some depend on the model's chat template.
        location: of the model, a folder or a Hugging Face id.
        revision: of the id.
        marks: the marks of thoughts; bundled ones change nothing.
    """
    return add_options(plain, options, lambda: read_chat_template(location, revision), marks)
