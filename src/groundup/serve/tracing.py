"""Spans of requests for OpenTelemetry: one for each sequence, with its queue, prefill and decode.

    chat smollm2                       from arrival to end, gen_ai.* attributes
      queue    prefill    decode

Spans are made when a sequence has ended, with the times it had; a client's `traceparent` becomes
their parent. Needs the extra `tracing`.

Source: OpenTelemetry, "Semantic conventions for generative AI"; W3C, "Trace context". Left out:
prompts and answers as attributes, spans of single tokens.
"""

import importlib
import time
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from groundup.serve.observer import Life, Silent

_OPERATIONS = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "text_completion",
    "/v1/embeddings": "embeddings",
}


class Tracing(Silent):
    """An `Observer` that makes spans."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("groundup.serve", version("groundup"))
        # Lives have a clock's seconds, spans nanoseconds since 1970.
        self._since = time.time_ns() - time.monotonic_ns()

    def finished(self, life: Life) -> None:
        """The spans of a sequence."""
        asked = life.asked
        operation = _OPERATIONS.get(asked.endpoint, "generate")
        parent = TraceContextTextMapPropagator().extract({"traceparent": asked.traceparent})
        end = life.finished_at if life.finished_at is not None else asked.at
        span = self._tracer.start_span(
            f"{operation} {asked.model}",
            context=parent,
            kind=SpanKind.SERVER,
            attributes=attributes(life, operation),
            start_time=self._time(asked.at),
        )
        if life.finish_reason == "error":
            span.set_status(Status(StatusCode.ERROR))
        inside = set_span_in_context(span, parent)
        for name, begin, stop in phases(life, end):
            part = self._tracer.start_span(name, context=inside, start_time=self._time(begin))
            part.end(self._time(stop))
        span.end(self._time(end))

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()

    def _time(self, seconds: float) -> int:
        return round(seconds * 1e9) + self._since


def attributes(life: Life, operation: str) -> Mapping[str, Any]:
    """What the conventions say of a request and its answer; what is not known is left out."""
    asked = life.asked
    first = None if life.first_at is None else life.first_at - asked.at
    known = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "groundup",
        "gen_ai.request.model": asked.model,
        "gen_ai.request.max_tokens": life.max_tokens,
        "gen_ai.request.choice.count": asked.sequences,
        "gen_ai.request.stream": asked.stream,
        "gen_ai.response.model": asked.model,
        "gen_ai.response.finish_reasons": (life.finish_reason,) if life.finish_reason else None,
        "gen_ai.response.time_to_first_chunk": first,
        "gen_ai.usage.input_tokens": life.prompt_tokens,
        "gen_ai.usage.cache_read.input_tokens": life.cached_tokens,
        "gen_ai.usage.output_tokens": life.generated_tokens,
        "groundup.request_id": asked.request_id,
        "groundup.key": asked.key or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def phases(life: Life, end: float) -> list[tuple[str, float, float]]:
    """Name, begin and end of each phase that was reached; the last one ends with the request."""
    marks = [
        ("queue", life.asked.at),
        ("prefill", life.scheduled_at),
        ("decode", life.first_at),
    ]
    reached = [(name, at) for name, at in marks if at is not None]
    ends = [at for _, at in reached[1:]] + [end]
    return [(name, at, stop) for (name, at), stop in zip(reached, ends, strict=True)]


def open_tracing(target: str) -> Tracing:
    """Tracing to a collector: its URL, as http://127.0.0.1:4318/v1/traces.

    Raises ValueError when the package that sends is missing.
    """
    return Tracing(provider_of(BatchSpanProcessor(_exporter(target))))


def provider_of(processor: Any) -> TracerProvider:
    """A provider of its own, not the global one."""
    provider = TracerProvider(resource=Resource.create({"service.name": "groundup"}))
    provider.add_span_processor(processor)
    return provider


def _exporter(target: str) -> SpanExporter:
    try:
        sender = importlib.import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    except ModuleNotFoundError as missing:
        raise ValueError(
            f"sending traces needs {missing.name}; get it with `pip install 'groundup[tracing]'`"
        ) from missing
    exporter: SpanExporter = sender.OTLPSpanExporter(endpoint=target)
    return exporter
