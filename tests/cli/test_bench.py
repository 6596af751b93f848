"""The bench verb: its table and files; the load test itself is tested in tests/serve."""

import json
import subprocess
import sys

import pytest

from groundup.cli import _bench_serve
from groundup.cli import bench as verb
from groundup.serve.load_summary import Call, summarize
from groundup.serve.traces import TraceConfig


@pytest.fixture
def asked(monkeypatch):
    """What the load test was asked for; it answers by hand."""
    made = []

    def load_test(config, trace, *, progress):
        made.append((config, trace))
        if trace.seed == 9:
            calls = [Call(due=0.0, end=1.0, error="HTTP 500 [red]")]
        else:
            calls = [
                Call(
                    due=0.0, pieces=[0.25, 0.5], end=1.0, output_tokens=2, prompt_tokens=1234,
                    cached_tokens=1000, text="my text",
                )
            ]  # fmt: skip
        return calls, summarize(calls)

    monkeypatch.setattr(_bench_serve, "load_test", load_test)
    return made


URL = ["serve", "--url", "http://127.0.0.1:1"]


def test_a_table_of_percentiles_and_rates(asked, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    options = ["--users", "3", "--requests", "5", "--api-key", "sk-1", "--model", "m"]
    assert verb.run([*URL, *options]) == 0
    config, trace = asked[0]
    assert (config.url, config.api_key, config.model) == ("http://127.0.0.1:1", "sk-1", "m")
    assert trace == TraceConfig(users=3, requests=5)
    shown = capsys.readouterr().out
    assert "chat, 3 users, 5 requests" in shown
    assert "time to first token" in shown
    assert "250.0" in shown
    assert "2.0 output tokens/s, 1.00 requests/s: 1 requests, 1,234 prompt tokens, 1,000" in shown
    assert "sk-1" not in shown


def test_figures_and_a_plot_without_key_or_text(asked, tmp_path, capsys):
    out = tmp_path / "deep" / "load.json"
    assert verb.run([*URL, "--out", str(out), "--api-key", "sk-1", "--trace", "poisson"]) == 0
    text = out.read_text()
    assert "sk-1" not in text
    assert "my text" not in text
    record = json.loads(text)
    assert record["summary"]["first_token"]["percentiles"]["p50"] == 0.25
    assert record["trace"]["trace"] == "poisson"
    assert record["requests"][0]["pieces"] == [0.25, 0.5]
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert "wrote" in capsys.readouterr().err


def test_when_nothing_was_answered_it_says_why_and_fails(asked, capsys):
    assert verb.run([*URL, "--seed", "9"]) == 1
    assert "1 failed: HTTP 500 [red]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["what"], "there is: serve"), ([*URL, "--plot", "x.txt"], "must end in .png")],
)
def test_what_cannot_be_is_refused_before_the_test(asked, arguments, said):
    with pytest.raises(ValueError, match=said):
        verb.run(arguments)
    assert asked == []


def test_help(capsys):
    assert verb.run([]) == 2
    assert verb.run(["--help"]) == 0
    assert "groundup bench serve" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        verb.run(["serve", "--help"])
    assert "--system-words" in capsys.readouterr().out


@pytest.mark.parametrize("missing", verb.NEEDED)
def test_what_is_missing_is_named_and_the_help_is_there_all_the_same(missing):
    """In a process of its own, in which the package cannot be imported."""
    program = f"""
import sys
sys.modules[{missing!r}] = None
from groundup.cli.main import main
assert main(["bench", "--help"]) == 0
sys.exit(main({["bench", *URL]}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr == (
        f"groundup bench: the load test needs {missing}; "
        "get it with `pip install 'groundup[serve]'`\n"
    )
    assert "groundup bench serve" in done.stdout
