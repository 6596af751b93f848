"""schemathesis over our OpenAPI document: requests that fit it and requests that do not.

What it checks: no 5xx, only documented statuses and content types, answers that fit their schemas,
what does not fit refused, methods that are not there refused with `Allow`. That everything that
fits is accepted it cannot ask for: a prompt may be too long for the model, and a grammar none.
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import (
    ChecksConfig,
    PositiveDataAcceptanceConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from tests.serve.real_server import RealServer
from tests.serve.tiny_model import tiny_model

from groundup.serve.app import create_app
from groundup.serve.service import Service

OPERATIONS = {
    "GET": ["/health", "/ready", "/tokenizer_info", "/v1/models", "/v1/models/{name}"],
    "POST": [
        "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/tokenize", "/detokenize",
    ],
}  # fmt: skip
PAIRS = [(method, path) for method, paths in OPERATIONS.items() for path in paths]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def document(tokenizer):
    accepted = PositiveDataAcceptanceConfig(expected_statuses=["2xx", "400", "404", "429"])
    project = ProjectConfig(checks=ChecksConfig(positive_data_acceptance=accepted))
    config = SchemathesisConfig(projects=ProjectsConfig(default=project))
    model = tiny_model(tokenizer, context=64)
    with RealServer(create_app(Service([model]))) as server:
        yield schemathesis.openapi.from_url(f"{server.url}/openapi.json", config=config)
        stats = model.runner.stats()
    assert (stats.running, stats.waiting) == (0, 0)
    assert stats.blocks_free == stats.blocks_total


def test_no_operation_is_left_out(document):
    found = {(one.ok().method.upper(), one.ok().path) for one in document.get_all_operations()}
    assert found == set(PAIRS)


def cases():
    """Requests that fit for all; those that do not where a request can be wrong."""
    for method, path in PAIRS:
        modes = (
            list(GenerationMode) if method == "POST" or path == "/tokenizer_info" else ["positive"]
        )
        for mode in modes:
            yield pytest.param(method, path, GenerationMode(mode), id=f"{path}-{mode}")


@pytest.mark.parametrize(("method", "path", "mode"), list(cases()))
def test_finds_nothing(document, method, path, mode):
    operation = document[path][method]

    @settings(max_examples=12, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def holds(case):
        case.call_and_validate()

    holds()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_finds_nothing_in_streams(document, path):
    """What each event holds is checked too."""
    operation = document[path]["POST"]
    asked = {"messages": [{"role": "user", "content": "Hi"}]} if "chat" in path else {"prompt": "a"}
    body = {"model": "tiny", "stream": True, "n": 2, "max_tokens": 5, **asked}
    answer = operation.Case(body=body, media_type="application/json").call_and_validate()
    assert answer.text.rstrip().endswith("data: [DONE]")
