"""Metrics: read back through Prometheus' own parser; the names are those of vLLM's dashboards."""

import dataclasses

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from groundup.inference.engine import EngineStats
from groundup.serve.metrics import Metrics, powers_1_2_5
from groundup.serve.observer import Asked, Life

MODEL = "small"
DASHBOARD = {
    "num_requests_running", "num_requests_waiting", "kv_cache_usage_perc",
    "prefix_cache_queries_total", "prefix_cache_hits_total", "prompt_tokens_total",
    "generation_tokens_total", "num_preemptions_total", "request_success_total",
    "time_to_first_token_seconds_bucket", "inter_token_latency_seconds_bucket",
    "e2e_request_latency_seconds_bucket", "request_queue_time_seconds_sum",
    "request_prefill_time_seconds_sum", "request_decode_time_seconds_sum",
    "request_prompt_tokens_bucket", "request_generation_tokens_bucket",
    "iteration_tokens_total_bucket", "spec_decode_num_draft_tokens_total",
    "spec_decode_num_accepted_tokens_total", "admission_rejections_total",
}  # fmt: skip


def life(model=MODEL, **facts):
    asked = Asked(
        request_id="r", endpoint="/v1/completions", model=model,
        prompt_tokens=10, max_tokens=20, sequences=1, at=100.0,
    )  # fmt: skip
    given = {"number": 1, "prompt_tokens": 10, "max_tokens": 20, "submitted_at": 100.5}
    return Life(asked=asked, **(given | facts))


def stats(**facts):
    nothing = {field.name: 0 for field in dataclasses.fields(EngineStats)}
    return EngineStats(**(nothing | {"blocks_total": 100} | facts))


def read(metrics):
    """Each series' value by name and labels, `model_name` and `engine` left out."""
    text, media_type = metrics.exposition()
    assert media_type.startswith("text/plain")
    found = {}
    for family in parse(text.decode()):
        for sample in family.samples:
            rest = {k: v for k, v in sample.labels.items() if k != "engine"}
            assert rest.pop("model_name") in (MODEL, "unknown")
            found[sample.name, *sorted(rest.items())] = sample.value
    return found


@pytest.fixture
def metrics():
    return Metrics({MODEL: 1024})


def test_every_series_that_dashboards_ask_for_is_there_from_the_start(metrics):
    names = {name for name, *_ in read(metrics)}
    assert {f"groundup:{name}" for name in DASHBOARD} <= names
    under_vllm = {name for name, *_ in read(Metrics({MODEL: 1024}, prefix="vllm"))}
    assert {f"vllm:{name}" for name in DASHBOARD} <= under_vllm


def test_the_phases_of_a_request_add_up(metrics):
    whole = life(
        scheduled_at=102.0, first_at=103.0, last_at=107.0, finished_at=107.25,
        generated_tokens=5, finish_reason="stop",
    )  # fmt: skip
    metrics.started(whole)
    metrics.first_token(whole)
    metrics.tokens(whole, 1, 1.0)
    metrics.tokens(whole, 3, 3.0)
    metrics.finished(whole)
    found = read(metrics)

    def total(name):
        return found[f"groundup:{name}_sum",], found[f"groundup:{name}_count",]

    assert total("time_to_first_token_seconds") == (3.0, 1)
    assert total("inter_token_latency_seconds") == (4.0, 4)
    assert total("request_queue_time_seconds") == (2.0, 1)
    assert total("request_prefill_time_seconds") == (1.0, 1)
    assert total("request_decode_time_seconds") == (4.0, 1)
    assert total("e2e_request_latency_seconds") == (7.25, 1)
    assert total("request_prompt_tokens") == (10, 1)
    assert total("request_generation_tokens") == (5, 1)
    assert total("request_params_max_tokens") == (20, 1)
    assert found["groundup:request_success_total", ("finished_reason", "stop")] == 1
    assert found["groundup:inter_token_latency_seconds_bucket", ("le", "0.75")] == 0
    assert found["groundup:inter_token_latency_seconds_bucket", ("le", "1.0")] == 4


def test_a_request_that_was_cancelled_while_it_waited_has_no_phases(metrics):
    metrics.finished(life(finished_at=101.0, finish_reason="cancelled"))
    found = read(metrics)
    assert found["groundup:request_success_total", ("finished_reason", "abort")] == 1
    assert found["groundup:e2e_request_latency_seconds_sum",] == 1.0
    for phase in ("queue", "prefill", "decode"):
        assert found[f"groundup:request_{phase}_time_seconds_count",] == 0


def test_steps_add_what_the_engine_counted_since(metrics):
    metrics.stepped(
        MODEL, stats(prompt_tokens=30, computed_tokens=20, generated_tokens=2, running=3), 0.01
    )
    metrics.stepped(
        MODEL,
        stats(prompt_tokens=40, computed_tokens=45, generated_tokens=5, drafted=4, accepted=3,
              preemptions=1, prefix_queries=40, prefix_hits=16, running=2, waiting=1,
              blocks_free=75),
        0.01,
    )  # fmt: skip
    found = read(metrics)
    for name, value in {
        "prompt_tokens_total": 40, "generation_tokens_total": 5, "num_preemptions_total": 1,
        "spec_decode_num_draft_tokens_total": 4, "spec_decode_num_accepted_tokens_total": 3,
        "prefix_cache_queries_total": 40, "prefix_cache_hits_total": 16,
        "num_requests_running": 2, "num_requests_waiting": 1, "kv_cache_usage_perc": 0.25,
        "iteration_tokens_total_count": 2, "iteration_tokens_total_sum": 45,
    }.items():  # fmt: skip
        assert found[f"groundup:{name}",] == value, name


def test_the_state_can_be_told_between_steps(metrics):
    metrics.stepped(MODEL, stats(running=1, generated_tokens=7, blocks_free=50), 0.01)
    metrics.state(MODEL, stats(running=0, generated_tokens=8, blocks_free=100))
    found = read(metrics)
    assert found["groundup:num_requests_running",] == 0
    assert found["groundup:kv_cache_usage_perc",] == 0
    assert found["groundup:iteration_tokens_total_count",] == 1
    assert found["groundup:generation_tokens_total",] == 8


def test_names_that_clients_make_up_make_no_series(metrics):
    before = len(read(metrics))
    for i in range(50):
        metrics.refused(f"made-up-{i}", "invalid")
        metrics.finished(life(model=f"other-{i}", finished_at=101.0, finish_reason="error"))
    text = metrics.exposition()[0].decode()
    assert "made-up" not in text
    assert "other-" not in text
    assert len(read(metrics)) < 2 * before
    assert 'model_name="unknown",reason="invalid"} 50.0' in text


def test_why_requests_were_refused(metrics):
    for reason in ("queue_full", "queue_full", "limit", "something new"):
        metrics.refused(MODEL, reason)
    found = read(metrics)
    reasons = {k[1][1]: v for k, v in found.items() if k[0].endswith("admission_rejections_total")}
    assert reasons == {"queue_full": 2, "limit": 1, "draining": 0, "invalid": 0, "other": 1}


def test_the_cache_is_described(metrics):
    metrics.describe(MODEL, block_size=16, blocks=100, has_prefix_cache=True)
    found = read(metrics)
    facts = [k[1:] for k, v in found.items() if k[0] == "groundup:cache_config_info" and v == 1]
    assert facts == [
        (("block_size", "16"), ("enable_prefix_caching", "True"), ("num_gpu_blocks", "100"))
    ]


def test_open_metrics_for_who_asks(metrics):
    text, media_type = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    assert any(family.name == "groundup:prompt_tokens" for family in parse_open(text.decode()))


@pytest.mark.parametrize(
    ("most", "buckets"),
    [(1, [1]), (4, [1, 2]), (5, [1, 2, 5]), (100, [1, 2, 5, 10, 20, 50, 100]), (0, [1])],
)
def test_buckets_of_tokens_end_at_the_context(most, buckets):
    assert powers_1_2_5(most) == buckets
