"""The fields that an endpoint takes of a request, learned from its refusals.

An endpoint may refuse a field by its name (status 400 or 422): ``max_tokens`` of models that want
``max_completion_tokens``, a temperature that is fixed, seeds, or seeds of more than 32 bits. The
field is renamed or left out from then on, which is logged once and noted.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clc.engines.openai.error_bodies import error_code, error_message, read_json
from clc.engines.openai.secrets import NO_SECRETS, Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Adaptation"]

_log = logging.getLogger(__name__)

_RENAMED = {"max_tokens": "max_completion_tokens"}
_DROPPED = ("temperature", "top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty",
            "repetition_penalty", "seed", "stop", "stream_options")  # fmt: skip
_NOT_TAKEN = re.compile(
    r"unsupported|not support|unknown|unrecogni[sz]ed|unexpected|extra (?:input|field|param)|"
    r"extra_forbidden|not (?:permitted|allowed|available)|forbidden|only the default|no such|"
    r"cannot both|invalid (?:param|field|argument)|deprecated",
    re.IGNORECASE,
)
_OUT_OF_RANGE = re.compile(
    r"less than|greater than|out of range|int32|32[- ]bit|too (?:large|big)|exceed|at most|"
    r"maximum|between|2147483647|2\^31|overflow",
    re.IGNORECASE,
)
_SYSTEM = re.compile(r"\bsystem\b[^.]{0,40}\b(?:role|message|prompt|instruction)|"
                     r"\b(?:role|message)s?\b[^.]{0,20}\bsystem\b", re.IGNORECASE)  # fmt: skip
_SEED_BITS = (1 << 31) - 1
_COMMON_WORDS = frozenset({"stop"})  # counts only in quotes


@dataclass(slots=True)
class Adaptation:
    """Changes of the requests to one endpoint.

    Attributes:
        renamed: fields by name, with the names under which they are sent.
        dropped: fields that are left out.
        short_seeds: seeds are cut to 31 bits.
        merged_system: the system prompt stands in the first turn of the user.
    """

    renamed: dict[str, str] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    short_seeds: bool = False
    merged_system: bool = False

    def apply(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of a request as the endpoint takes them."""
        if not (self.renamed or self.dropped or self.short_seeds or self.merged_system):
            return fields
        changed = {
            self.renamed.get(name, name): value
            for name, value in fields.items()
            if name not in self.dropped
        }
        if self.short_seeds and "seed" in changed:
            changed["seed"] &= _SEED_BITS
        if self.merged_system:
            changed["messages"] = _merge_system(changed["messages"])
        return changed

    def learn(
        self, url: str, content: bytes, sent: Mapping[str, Any], secrets: Secrets = NO_SECRETS
    ) -> bool:
        """Learn from a refusal; return whether the request is worth sending again.

        Args:
            url: of the endpoint, for the log.
            content: the body of the refusal.
            sent: the fields that were sent.
            secrets: of the endpoint.

        >>> body = b'{"error": {"message": "Unknown parameter: seed", "param": "seed"}}'
        >>> adaptation = Adaptation()
        >>> adaptation.learn("http://h/v1", body, {"seed": 7}), adaptation.apply({"seed": 7})
        (True, {})
        """
        message = error_message(content, secrets)
        words = f"{message} {error_code(content)}"
        if _SYSTEM.search(message) and _has_system(sent) and _NOT_TAKEN.search(words):
            if not self.merged_system:
                self.merged_system = True
                self._log(url, "a system prompt", message, "stands in the user's turn")
            return True
        for name in self._named(content, message, sent):
            if self._learn_field(url, name, sent[name], words, message):
                return True
        return False

    def notes(self) -> dict[str, Any]:
        """Return the changes as JSON values for the manifest; {} where there is none."""
        values = {
            "renamed": dict(sorted(self.renamed.items())),
            "left_out": sorted(self.dropped),
            "seed_bits": 31 if self.short_seeds else None,
            "system_in_user_turn": self.merged_system,
        }
        return {name: value for name, value in values.items() if value}

    def _learn_field(self, url: str, name: str, value: Any, words: str, message: str) -> bool:
        if name == "seed" and value > _SEED_BITS and _OUT_OF_RANGE.search(words):
            if self.short_seeds:
                return True  # learned while this request was on its way
            self.short_seeds = True
            return self._log(url, name, message, "is cut to 31 bits")
        new = _RENAMED.get(name)
        if not (_NOT_TAKEN.search(words) or (new is not None and new in words)):
            return False
        if name in self.renamed or name in self.dropped:
            return True
        if new is not None:
            self.renamed[name] = new
            return self._log(url, name, message, f"is sent as {new}")
        self.dropped.add(name)
        return self._log(url, name, message, "is left out")

    def _log(self, url: str, name: str, message: str, how: str) -> bool:
        _log.warning("%s does not take %s (%s): it %s from now on", url, name, message, how)
        return True

    def _named(self, content: bytes, message: str, sent: Mapping[str, Any]) -> list[str]:
        """Return the fields of the request that a refusal names."""
        ours = [name for name in (*_RENAMED, *_DROPPED) if name in sent]
        if "cannot both" in message and {"temperature", "top_p"} <= sent.keys():
            return ["top_p"]  # Anthropic's models take one of the two
        names_given = _structured_names(content)
        if exact := [name for name in ours if name in names_given]:
            return exact
        quoted = [name for name in ours if re.search(rf"[`'\"]{name}[`'\"]", message)]
        if quoted:
            return quoted
        return [
            name
            for name in ours
            if name not in _COMMON_WORDS and re.search(rf"\b{name}\b", message)
        ]


def _structured_names(content: bytes) -> set[str]:
    """Return the names in an error's ``param``, or in the ``loc`` of FastAPI's details."""
    reply = read_json(content)
    if not isinstance(reply, dict):
        return set()
    names: set[str] = set()
    for holder in (reply.get("error"), reply):
        if not isinstance(holder, dict):
            continue
        if isinstance(param := holder.get("param"), str):
            names.add(param)
        details = holder.get("detail")
        for one in details if isinstance(details, list) else ():
            place = one.get("loc") if isinstance(one, dict) else None
            names.update(part for part in place or () if isinstance(part, str))
    return names


def _has_system(sent: Mapping[str, Any]) -> bool:
    messages: Any = sent.get("messages") or ({},)
    return bool(messages[0].get("role") == "system")


def _merge_system(messages: Any) -> list[dict[str, Any]]:
    """Return messages whose system prompt stands in the first turn of the user."""
    if not messages or messages[0]["role"] != "system":
        return list(messages)
    system, *rest = messages
    if rest and rest[0]["role"] == "user":
        merged = {**rest[0], "content": f"{system['content']}\n\n{rest[0]['content']}"}
        return [merged, *rest[1:]]
    return [{**system, "role": "user"}, *rest]
