"""Spans: read back from OpenTelemetry's own exporter; names by its conventions."""

import http.server
import sys
import threading

import pytest

sdk = pytest.importorskip("opentelemetry.sdk.trace.export", reason="the extra `tracing` is missing")
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: E402
    InMemorySpanExporter,
)
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes  # noqa: E402

from groundup.serve.observer import Asked, Life  # noqa: E402
from groundup.serve.operation import Operation  # noqa: E402
from groundup.serve.operation_config import OperationConfig  # noqa: E402
from groundup.serve.tracing import Tracing, open_tracing, provider_of  # noqa: E402

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def life(**facts):
    asked = Asked(
        request_id="abc", endpoint="/v1/chat/completions", model="small", key="ana",
        prompt_tokens=10, max_tokens=20, sequences=2, stream=True, at=100.0,
        traceparent=facts.pop("traceparent", ""),
    )  # fmt: skip
    return Life(asked=asked, number=1, prompt_tokens=10, max_tokens=20, submitted_at=100.5, **facts)


WHOLE = {
    "scheduled_at": 101.0, "first_at": 103.0, "last_at": 107.0, "finished_at": 107.5,
    "generated_tokens": 5, "cached_tokens": 4, "finish_reason": "stop",
}  # fmt: skip


def spans_of(one):
    exporter = InMemorySpanExporter()
    tracing = Tracing(provider_of(sdk.SimpleSpanProcessor(exporter)))
    tracing.finished(one)
    tracing.close()
    return {span.name: span for span in exporter.get_finished_spans()}


def test_a_request_and_its_phases():
    spans = spans_of(life(**WHOLE))
    assert set(spans) == {"chat small", "queue", "prefill", "decode"}
    root = spans["chat small"]

    def seconds(span):
        return (span.start_time - root.start_time) / 1e9, (span.end_time - root.start_time) / 1e9

    assert seconds(root) == (0.0, pytest.approx(7.5))
    assert seconds(spans["queue"]) == (0.0, pytest.approx(1.0))
    assert seconds(spans["prefill"]) == (pytest.approx(1.0), pytest.approx(3.0))
    assert seconds(spans["decode"]) == (pytest.approx(3.0), pytest.approx(7.5))
    for name in ("queue", "prefill", "decode"):
        assert spans[name].parent.span_id == root.context.span_id
    assert root.parent is None
    assert root.resource.attributes["service.name"] == "groundup"


def test_attributes_have_the_conventions_names():
    found = dict(spans_of(life(**WHOLE))["chat small"].attributes)
    known = {v for k, v in vars(gen_ai_attributes).items() if k.startswith("GEN_AI_")}
    assert {name for name in found if name.startswith("gen_ai.")} <= known
    assert found["gen_ai.operation.name"] == "chat"
    assert found["gen_ai.usage.input_tokens"] == 10
    assert found["gen_ai.usage.output_tokens"] == 5
    assert found["gen_ai.usage.cache_read.input_tokens"] == 4
    assert found["gen_ai.response.finish_reasons"] == ("stop",)
    assert found["gen_ai.response.time_to_first_chunk"] == pytest.approx(3.0)
    assert found["groundup.request_id"] == "abc"


def test_a_clients_trace_goes_on():
    spans = spans_of(life(traceparent=f"00-{TRACE}-{SPAN}-01", **WHOLE))
    for span in spans.values():
        assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{spans['chat small'].parent.span_id:016x}" == SPAN


@pytest.mark.parametrize("header", ["nonsense", "00-zz-yy-01", f"00-{'0' * 32}-{SPAN}-01"])
def test_a_header_that_is_no_trace_begins_one(header):
    assert spans_of(life(traceparent=header, **WHOLE))["chat small"].parent is None


def test_phases_that_were_not_reached_are_no_spans():
    spans = spans_of(life(finished_at=101.0, finish_reason="cancelled"))
    assert set(spans) == {"chat small", "queue"}
    failed = spans_of(life(finished_at=102.0, scheduled_at=101.0, finish_reason="error"))
    assert set(failed) == {"chat small", "queue", "prefill"}
    assert not failed["chat small"].status.is_ok


def test_without_the_exporter_it_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("opentelemetry.exporter")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter", None)
    with pytest.raises(ValueError, match=r"needs opentelemetry\.exporter.* 'groundup\[tracing\]'"):
        open_tracing("http://127.0.0.1:4318/v1/traces")


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    config = OperationConfig(traces_to="http://127.0.0.1:4318/v1/traces")
    with pytest.raises(ValueError, match=r"needs opentelemetry; .* 'groundup\[tracing\]'"):
        Operation(config, models={"small": 64})


class Collector(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted to it."""

    def do_POST(self):
        self.server.posted.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


def test_a_collector_gets_them_over_http():
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="`tracing` is missing")
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as collector:
        collector.posted = []
        thread = threading.Thread(target=collector.serve_forever, daemon=True)
        thread.start()
        tracing = open_tracing(f"http://127.0.0.1:{collector.server_port}/v1/traces")
        tracing.finished(life(traceparent=f"00-{TRACE}-{SPAN}-01", **WHOLE))
        tracing.close()
        collector.shutdown()
        thread.join()
    [(path, body)] = collector.posted
    assert path == "/v1/traces"
    [resource] = service.ExportTraceServiceRequest.FromString(body).resource_spans
    spans = {span.name: span for scope in resource.scope_spans for span in scope.spans}
    assert set(spans) == {"chat small", "queue", "prefill", "decode"}
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    assert spans["decode"].end_time_unix_nano == spans["chat small"].end_time_unix_nano
