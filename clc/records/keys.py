"""Content keys of records, and the seeds of paths."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import orjson

from clc.records.sampling import sampling_json

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterable, Iterator, Sequence

    from clc.records.problems import Message
    from clc.records.sampling import Sampling

__all__ = [
    "arm_path_keys",
    "content_key",
    "hashed_seed",
    "path_key",
    "path_seed",
    "prompt_key",
]

_SEED_BYTES = 8


def content_key(tag: str, value: object) -> str:
    """Hash ``value`` by its canonical JSON, under ``tag`` so that kinds of record never collide.

    >>> content_key("path", {"b": 1, "a": 2}) == content_key("path", {"a": 2, "b": 1})
    True
    >>> content_key("path", 1) == content_key("prompt", 1)
    False
    """
    canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return _blake2b()(tag.encode() + b"\0" + canonical, digest_size=16).hexdigest()


def hashed_seed(*parts: int | str) -> int:
    """Hash ``parts`` to a seed of 53 bits (exact in JSON everywhere).

    Neighbouring numbers give seeds that share nothing. A text must hold no NUL.
    """
    return _seed("seed\0" + "\0".join(map(str, parts)))


def _seed(text: str) -> int:
    digest = _blake2b()(text.encode(), digest_size=_SEED_BYTES).digest()
    return int.from_bytes(digest, "big") >> 11


@cache
def _blake2b() -> type[hashlib.blake2b]:
    """Return the hash, imported with the first key: its module loads OpenSSL."""
    import hashlib

    return hashlib.blake2b


def path_seed(run_seed: int, prompt_key: str, arm_key: str, index: int, redraw: int = 0) -> int:
    """Return the seed of path number ``index`` (0-based) of an arm, sampled anew ``redraw`` times.

    It depends on no other path and on no other arm: arms that render the same prompt sample
    different paths.
    """
    # The text that hashed_seed makes of these parts, in half of the time: there is one a path.
    text = f"seed\0{run_seed}\0{prompt_key}\0{arm_key}\0{index}\0{redraw}"
    return _seed(text)


def prompt_key(fingerprint: str, messages: Sequence[Message], sampling: Sampling) -> str:
    """Return the key of the prompt that these messages are, for this engine and this sampling."""
    return content_key("prompt", [fingerprint, list(messages), sampling_json(sampling)])


def path_key(prompt_key: str, seed: int, floor: float | None = None) -> str:
    """Return the key of one path: its prompt's key and the seed that it is sampled with.

    A path that is aborted below a ``floor`` of confidence is another one than the whole path.
    """
    parts = [prompt_key, seed]
    return content_key("path", parts if floor is None else [*parts, floor])


def arm_path_keys(
    run_seed: int,
    prompt_key: str,
    arm_key: str,
    indices: Iterable[int],
    *,
    redraw: int = 0,
    floor: float | None = None,
) -> Iterator[str]:
    """Yield the ``path_key`` of each of an arm's paths for its ``path_seed``.

    Hashing what the paths share once takes a third of the time: a vote needs all keys again.
    """
    shared = f"seed\0{run_seed}\0{prompt_key}\0{arm_key}\0"
    seeds = _blake2b()(shared.encode(), digest_size=_SEED_BYTES)
    keys = _blake2b()(b"path\0" + orjson.dumps([prompt_key])[:-1] + b",", digest_size=16)
    end = b"]" if floor is None else b",%b]" % orjson.dumps(floor)
    from_bytes = int.from_bytes
    for index in indices:
        seed = seeds.copy()
        seed.update(b"%d\0%d" % (index, redraw))
        key = keys.copy()
        key.update(b"%d%b" % (from_bytes(seed.digest(), "big") >> 11, end))
        yield key.hexdigest()
