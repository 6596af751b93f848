"""The `llm` command-line client against the server, unchanged, in a process of its own."""

import json
import os
import subprocess
import sys

import pytest
from tests.serve.fake_engine import fake_model
from tests.serve.real_server import RealServer

from groundup.serve.app import create_app
from groundup.serve.service import Service

pytestmark = [pytest.mark.slow, pytest.mark.distributed]


@pytest.fixture(scope="module")
def llm(tokenizer, tmp_path_factory):
    """Runs `llm` with a user folder that knows our server; gives its output."""
    model = fake_model(tokenizer)
    folder = tmp_path_factory.mktemp("llm")
    with RealServer(create_app(Service([model]))) as server:
        known = [
            {
                "model_id": "ours",
                "model_name": "fake",
                "api_base": f"{server.url}/v1",
                "supports_schema": True,
                "supports_tools": True,
            },
        ]
        (folder / "extra-openai-models.yaml").write_text(json.dumps(known))  # JSON is YAML

        def run(*arguments):
            environment = {
                **os.environ,  # noqa: TID251
                "LLM_USER_PATH": str(folder),
                "LLM_LOAD_PLUGINS": "",
                "OPENAI_API_KEY": "x",
            }
            done = subprocess.run(
                [sys.executable, "-m", "llm", *arguments],
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
                stdin=subprocess.DEVNULL,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        run.engine = model.runner._engine
        yield run


def test_a_chat_as_it_comes(llm):
    said = llm("-m", "ours", "-s", "Be brief.", "-o", "max_tokens", "3", "-o", "seed", "7", "Hi")
    assert said.startswith("You")
    [request] = llm.engine.submitted
    assert (request.max_tokens, request.sampling.seed) == (3, 7)
    assert "Be brief." in llm.engine.tokenizer.decode(request.prompt)


def test_a_schema_at_once(llm, monkeypatch):
    """The fake says what fits the schema, so the grammar that comes of it takes it."""
    monkeypatch.setattr(llm.engine, "reply", lambda text: '{"name": "Rex", "age": 3}')
    said = llm("-m", "ours", "--no-stream", "--schema", "name, age int", "A dog")
    assert json.loads(said) == {"name": "Rex", "age": 3}
    assert llm.engine.submitted[-1].grammar is not None
