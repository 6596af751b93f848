"""Metrics for Prometheus: names, labels and buckets as vLLM has them, under a prefix of ours.

With the prefix `vllm` dashboards made for vLLM show this server. All stand in a registry of their
own, so two servers in one process do not meet. Times are in seconds, sizes in tokens.

Source: vLLM's documentation, "Production metrics"; Prometheus, "Exposition formats". Left out: what
we have no counterpart of (sleeping, several engines, multi-modal caches, connectors); `cancelled`
is called `abort`, as there.
"""

import itertools
from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from groundup.inference.engine import EngineStats
from groundup.serve.observer import Life

_FIRST_TOKEN = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
    80, 160, 640, 2560,
)  # fmt: skip
_BETWEEN_TOKENS = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
)  # fmt: skip
_WHOLE = (
    0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680,
)  # fmt: skip
_STEP_TOKENS = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)

_HISTOGRAMS = {
    "time_to_first_token_seconds": ("From a request's arrival to its first token.", _FIRST_TOKEN),
    "inter_token_latency_seconds": ("From one token to the next.", _BETWEEN_TOKENS),
    "e2e_request_latency_seconds": ("From a request's arrival to its end.", _WHOLE),
    "request_queue_time_seconds": ("From arrival to the first step.", _WHOLE),
    "request_prefill_time_seconds": ("From the first step to the first token.", _WHOLE),
    "request_decode_time_seconds": ("From the first token to the last.", _WHOLE),
    "iteration_tokens_total": ("Tokens of one engine step.", _STEP_TOKENS),
    "request_prompt_tokens": ("Tokens of a prompt.", None),
    "request_generation_tokens": ("Tokens of an answer.", None),
    "request_params_max_tokens": ("The longest answer asked for.", None),
}
"""What each measures, and its buckets; None: 1, 2, 5, 10 ... up to the model's context."""

_GAUGES = {
    "num_requests_running": "Sequences that take part in steps.",
    "num_requests_waiting": "Sequences that wait for their first step.",
    "kv_cache_usage_perc": "Share of the key-value cache in use, from 0 to 1.",
}

_TOTALS = {
    "prefix_cache_queries": ("prefix_queries", "Prompt tokens looked up in the prefix cache."),
    "prefix_cache_hits": ("prefix_hits", "Prompt tokens found there."),
    "prompt_tokens": ("prompt_tokens", "Prompt tokens read."),
    "generation_tokens": ("generated_tokens", "Tokens generated."),
    "num_preemptions": ("preemptions", "Sequences put back to be computed again."),
    "spec_decode_num_draft_tokens": ("drafted", "Tokens guessed ahead."),
    "spec_decode_num_accepted_tokens": ("accepted", "Guessed tokens that held."),
}
"""Each counter's field in the engine's own running totals, and what it counts."""

_REASONS = {"stop": "stop", "length": "length", "cancelled": "abort", "error": "error"}
_REFUSALS = ("queue_full", "draining", "limit", "invalid")


class Metrics:
    """An `Observer` that counts. `models`: each one's name and context; others are not labelled.

    A name that a client made up would make a new series each time, so it is called `unknown`.
    """

    def __init__(self, models: Mapping[str, int], *, prefix: str = "groundup") -> None:
        self._registry = CollectorRegistry()
        self._models = frozenset(models)
        self._prefix = prefix
        tokens = powers_1_2_5(max(models.values(), default=1))
        labels = ("model_name", "engine")
        self._histograms = {
            name: Histogram(
                self._name(name), says, labels, registry=self._registry, buckets=buckets or tokens
            )
            for name, (says, buckets) in _HISTOGRAMS.items()
        }
        self._gauges = {
            name: Gauge(self._name(name), says, labels, registry=self._registry)
            for name, says in _GAUGES.items()
        }
        self._totals = {
            name: Counter(self._name(name), says, labels, registry=self._registry)
            for name, (_, says) in _TOTALS.items()
        }
        self._success = self._counter("request_success", "Requests that ended.", "finished_reason")
        self._refused = self._counter("admission_rejections", "Requests not taken.", "reason")
        self._cache = Gauge(
            self._name("cache_config_info"),
            "How the key-value cache is made; always 1.",
            (*labels, "block_size", "num_gpu_blocks", "enable_prefix_caching"),
            registry=self._registry,
        )
        self._seen: dict[str, EngineStats] = {}
        for model in models:
            self._begin(model)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """What `/metrics` answers, and its media type: Prometheus' text or OpenMetrics."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type

    def describe(self, model: str, *, block_size: int, blocks: int, has_prefix_cache: bool) -> None:
        """How a model's cache is made, as labels of `cache_config_info`."""
        self._cache.labels(model, "0", str(block_size), str(blocks), str(has_prefix_cache)).set(1)

    def started(self, life: Life) -> None:
        """What was asked for."""
        self._observe("request_params_max_tokens", life, life.max_tokens)

    def first_token(self, life: Life) -> None:
        """The time to the first token."""
        if life.first_at is not None:
            self._observe("time_to_first_token_seconds", life, life.first_at - life.asked.at)

    def tokens(self, life: Life, count: int, seconds: float) -> None:
        """The time between tokens; of several that came together, each its share."""
        for _ in range(count):
            self._observe("inter_token_latency_seconds", life, seconds / count)

    def finished(self, life: Life) -> None:
        """A request's times and sizes; phases that it never reached are not observed."""
        model = self._label(life.asked.model)
        reason = _REASONS[life.finish_reason or "error"]
        self._success.labels(model, "0", reason).inc()
        self._observe("request_prompt_tokens", life, life.prompt_tokens)
        self._observe("request_generation_tokens", life, life.generated_tokens)
        phases = {
            "e2e_request_latency_seconds": (life.asked.at, life.finished_at),
            "request_queue_time_seconds": (life.asked.at, life.scheduled_at),
            "request_prefill_time_seconds": (life.scheduled_at, life.first_at),
            "request_decode_time_seconds": (life.first_at, life.last_at),
        }
        for name, (begin, end) in phases.items():
            if begin is not None and end is not None:
                self._observe(name, life, end - begin)

    def refused(self, model: str, reason: str) -> None:
        """A request was not taken."""
        reason = reason if reason in _REFUSALS else "other"
        self._refused.labels(self._label(model), "0", reason).inc()

    def stepped(self, model: str, stats: EngineStats, seconds: float) -> None:
        """What one step computed, and the engine's state after it."""
        before = self._seen.get(model)
        tokens = stats.computed_tokens - (before.computed_tokens if before else 0)
        labelled = self._histograms["iteration_tokens_total"].labels(self._label(model), "0")
        labelled.observe(tokens)
        self.state(model, stats)

    def state(self, model: str, stats: EngineStats) -> None:
        """What the engine holds now and has counted; also for between steps, as after a cancel."""
        before, label = self._seen.get(model), self._label(model)
        self._seen[model] = stats
        for name, (field, _) in _TOTALS.items():
            added = getattr(stats, field) - (getattr(before, field) if before else 0)
            self._totals[name].labels(label, "0").inc(added)
        values = {
            "num_requests_running": stats.running,
            "num_requests_waiting": stats.waiting,
            "kv_cache_usage_perc": 1 - stats.blocks_free / max(1, stats.blocks_total),
        }
        for name, value in values.items():
            self._gauges[name].labels(label, "0").set(value)

    def _begin(self, model: str) -> None:
        """All series of a model at 0: a rate over a series that only appears later is wrong."""
        for family in (self._histograms, self._gauges, self._totals):
            for metric in family.values():
                metric.labels(model, "0")
        for reason in _REASONS.values():
            self._success.labels(model, "0", reason)
        for reason in _REFUSALS:
            self._refused.labels(model, "0", reason)

    def _observe(self, name: str, life: Life, value: float) -> None:
        self._histograms[name].labels(self._label(life.asked.model), "0").observe(value)

    def _label(self, model: str) -> str:
        return model if model in self._models else "unknown"

    def _counter(self, name: str, says: str, label: str) -> Counter:
        labels = ("model_name", "engine", label)
        return Counter(self._name(name), says, labels, registry=self._registry)

    def _name(self, name: str) -> str:
        return f"{self._prefix}:{name}"


def powers_1_2_5(most: int) -> Sequence[int]:
    """1, 2, 5, 10, 20, 50 ... up to `most`."""
    steps = (m * 10**power for power in itertools.count() for m in (1, 2, 5))
    return list(itertools.takewhile(lambda bucket: bucket <= max(most, 1), steps))
