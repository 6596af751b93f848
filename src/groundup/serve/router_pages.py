"""The router's own pages: whether it and its replicas live, what it knows of them, its metrics."""

import json
from collections.abc import Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from groundup.serve.router import Router


class Routing(Protocol):
    """What is shown."""

    router: Router
    is_draining: bool
    retries: int


class Pages:
    """/health, /ready, /router and /metrics."""

    def __init__(self, shown: Routing) -> None:
        self._shown = shown
        self._now = 0.0
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def show(self, path: str, accept: str, *, now: float) -> tuple[int, bytes, str] | None:
        """Status, body and media type; None for what is the replicas' to answer."""
        if path == "/health":
            return _told(200, {"status": "ok"})
        if path == "/ready":
            return self._ready(now)
        if path == "/router":
            return _told(200, self._known(now))
        if path == "/metrics":
            self._now = now
            encode, media_type = choose_encoder(accept)
            return 200, encode(self._registry), media_type
        return None

    def _ready(self, now: float) -> tuple[int, bytes, str]:
        if self._shown.is_draining:
            return _told(503, {"status": "draining"})
        if any(replica.takes_requests(now) for replica in self._shown.router.replicas.values()):
            return _told(200, {"status": "ready"})
        return _told(503, {"status": "no replica is ready"})

    def _known(self, now: float) -> dict[str, object]:
        router = self._shown.router
        replicas = [
            vars(replica) | {"takes_requests": replica.takes_requests(now)}
            for replica in router.replicas.values()
        ]
        return {"policy": router.config.policy, "now": now, "replicas": replicas}

    def collect(self) -> Iterator[Metric]:
        """The replicas' numbers, read when Prometheus asks for them."""
        now, name = self._now, "groundup:router_"
        done = CounterMetricFamily(
            f"{name}requests", "Requests by replica and outcome.", labels=["replica", "outcome"]
        )
        busy = GaugeMetricFamily(f"{name}in_flight", "Requests under way.", labels=["replica"])
        takes = GaugeMetricFamily(f"{name}replica_up", "Whether it is used.", labels=["replica"])
        for replica in self._shown.router.replicas.values():
            done.add_metric([replica.url, "answered"], replica.answered)
            done.add_metric([replica.url, "broken"], replica.broken)
            busy.add_metric([replica.url], replica.in_flight)
            takes.add_metric([replica.url], replica.takes_requests(now))
        yield from (done, busy, takes)
        yield CounterMetricFamily(
            f"{name}retries", "Requests sent to another replica.", value=self._shown.retries
        )


def _told(status: int, facts: dict[str, object]) -> tuple[int, bytes, str]:
    return status, json.dumps(facts).encode(), "application/json"
