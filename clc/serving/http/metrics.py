"""Metrics for Prometheus (``GET /metrics``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from clc.engines.shared import SharedEngine
    from clc.serving.http.admission import Admission
    from clc.serving.reply import Reply

__all__ = ["Metrics"]

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_AGREEMENT = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Metrics:
    """Counters of requests, votes and tokens, and gauges of the queue.

    Args:
        lane: engine of the gauges.
        admission: queue of the gauges.
    """

    def __init__(self, lane: SharedEngine, admission: Admission) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "clc_requests", "Requests by route, model and status.",
            ("route", "model", "status"), registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "clc_request_seconds", "From request to last byte.",
            ("route", "model"), buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._tokens = Counter(
            "clc_tokens", "Tokens spent, translations included.", ("kind",), registry=registry
        )
        self._paths = Counter(
            "clc_paths", "Paths sampled by strategy.", ("strategy",), registry=registry
        )
        self._lost = Counter(
            "clc_abstentions", "Paths without a vote, by reason.", ("reason",), registry=registry
        )
        self._agreement = Histogram(
            "clc_agreement", "Share of the votes behind the answer.",
            ("strategy",), buckets=_AGREEMENT, registry=registry,
        )  # fmt: skip
        for name, help_text, read in (
            ("clc_requests_running", "Requests being answered.", lambda: admission.running),
            ("clc_requests_waiting", "Requests waiting.", lambda: admission.waiting),
            ("clc_engine_in_flight", "Completions in the engine.", lambda: lane.in_flight),
            ("clc_engine_waiting", "Completions waiting.", lambda: lane.waiting),
        ):
            Gauge(name, help_text, registry=registry).set_function(read)

    def finished(self, route: str, model: str, status: int, seconds: float) -> None:
        """Count a request that has ended; status 499 is a client that disconnected."""
        self._requests.labels(route, model, str(status)).inc()
        self._seconds.labels(route, model).observe(seconds)

    def replied(self, reply: Reply) -> None:
        """Count the tokens, paths and abstentions of a reply."""
        self._tokens.labels("prompt").inc(reply.usage.prompt_tokens)
        self._tokens.labels("completion").inc(reply.usage.completion_tokens)
        votes = reply.votes
        if votes is None:
            return
        self._paths.labels(votes.strategy).inc(votes.paths)
        for reason, by_language in votes.abstentions.items():
            self._lost.labels(reason).inc(sum(by_language.values()))
        if votes.answer is not None:
            self._agreement.labels(votes.strategy).observe(votes.agreement)

    def render(self) -> bytes:
        """Return the metrics in Prometheus's text format."""
        return generate_latest(self._registry)
