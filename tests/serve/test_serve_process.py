"""`groundup serve` as a person starts it: a process of its own, its output, and its signals."""

import contextlib
import json
import re
import signal
import subprocess
import sys
import threading

import httpx
import pytest
import torch
from tests.serve.fake_engine import make_tokenizer

from groundup.checkpoints import huggingface
from groundup.models.gpt import GPT, GPTConfig
from groundup.serve.listen import bind
from groundup.tokenizers.chat_template import CHATML

LONG = 1500
"""Tokens of an answer that is under way for some seconds."""
pytestmark = pytest.mark.distributed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model in Hugging Face's layout, with a chat template."""
    tokenizer = make_tokenizer().with_chat(CHATML, end_token="<|im_end|>")
    shape = {"depth": 2, "width": 64, "heads": 4, "key_heads": 2, "hidden": 128}
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context=2048, **shape))
    model.initialize(torch.Generator().manual_seed(0))
    path = tmp_path_factory.mktemp("models") / "tiny"
    huggingface.save(model, path, tokenizer)
    return path


def command(*arguments):
    return [sys.executable, "-m", "groundup", "serve", *map(str, arguments)]


@contextlib.contextmanager
def serving(*arguments):
    """The process and the lines it printed until it was ready."""
    process = subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    late = threading.Timer(120, process.kill)
    late.start()
    try:
        told = []
        for line in process.stdout:
            told.append(line.rstrip("\n"))
            if line.startswith("Ctrl-C"):
                break
        else:
            raise AssertionError(f"it ended instead of serving: {process.communicate()[1]}")
        yield process, told
    finally:
        late.cancel()
        process.kill()
        process.communicate()


def ended(process):
    """Exit status and the rest of what was printed, when it ends of itself."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err.splitlines()


def chat(**fields):
    messages = [{"role": "user", "content": "the quick brown fox"}]
    return {"messages": messages, "temperature": 0, "ignore_eos": True, **fields}


def check_it_serves(client, name):
    assert client.get("/health").json()["status"] == "ok"
    assert [card["id"] for card in client.get("/v1/models").json()["data"]] == [name]
    answer = client.post("/v1/chat/completions", json=chat(model=name, max_tokens=5))
    assert answer.status_code == 200, answer.text
    assert answer.json()["usage"]["completion_tokens"] == 5
    text = client.post("/v1/embeddings", json={"model": name, "input": ["sea", "shore"]})
    assert [len(row["embedding"]) for row in text.json()["data"]] == [64, 64]
    return answer.json()["choices"][0]["message"]["content"]


def events_of(lines):
    data = [line.removeprefix("data: ") for line in lines if line]
    assert data[-1] == "[DONE]"
    return [json.loads(event) for event in data[:-1]]


@pytest.mark.slow
def test_from_its_first_line_to_its_last(folder):
    with serving(folder, "--port", 0, "--name", "tiny", "--threads", 1) as (process, told):
        page, api = (re.search(rf"^{what} +(\S+)", "\n".join(told), re.M)[1]
                     for what in ("chat page", "API"))  # fmt: skip
        assert told[0].startswith("tiny: torch float32 on cpu")
        assert api == f"{page}v1"
        with httpx.Client(base_url=page, timeout=60, trust_env=False) as client:
            assert "<title>" in client.get("/").text
            text = check_it_serves(client, "tiny")
            body = chat(
                model="tiny", max_tokens=LONG, stream=True, stream_options={"include_usage": True}
            )
            with client.stream("POST", "/v1/chat/completions", json=body) as answer:
                lines = answer.iter_lines()
                first = [next(lines) for _ in range(4)]
                process.send_signal(signal.SIGTERM)
                events = events_of([*first, *lines])
        status, out, err = ended(process)
    assert events[-1]["usage"]["completion_tokens"] == LONG
    assert events[-2]["choices"][0]["finish_reason"] == "length"
    parts = [event["choices"][0]["delta"].get("content") or "" for event in events[:-1]]
    assert "".join(parts).startswith(text)
    assert (status, out) == (0, "")
    assert [line.split(":")[0] for line in err] == ["stopping"]  # and nothing else, no traceback


def refused(*lines):
    """What each of these says on standard error when it cannot serve; they run side by side."""
    processes = [
        subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for arguments in lines
    ]
    said = []
    try:
        for process in processes:
            out, err = process.communicate(timeout=120)
            assert (process.returncode, out) == (1, ""), err
            said += err.splitlines()
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    return said


@pytest.mark.slow
def test_what_it_cannot_serve_it_says_in_one_line(folder):
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        at_port, unknown, none = refused(
            (folder, "--port", port), ("no/such/model", "--port", 0), ("--port", 0)
        )
    assert at_port.startswith(f"groundup serve: cannot listen at port {port} of 127.0.0.1: ")
    assert at_port.endswith("choose another with --port, or --port 0 for any that is free")
    assert unknown.startswith("groundup serve: ")
    assert "no/such/model" in unknown
    assert none.startswith("groundup serve: name a model to serve")
