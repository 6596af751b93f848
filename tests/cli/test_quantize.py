"""The quantize verb, from the command to a file that the other verbs open; nothing is faked."""

import shutil

import pytest
import torch

from groundup.checkpoints import gguf, huggingface
from groundup.cli import main as front
from groundup.cli import quantize as verb
from groundup.data.corpus import CorpusConfig, write_corpus
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import CHATML

TEXT = "def add(a, b):\n    return a + b\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A run of a tiny model, as a build leaves it."""
    run = tmp_path_factory.mktemp("runs") / "tiny"
    texts = tmp_path_factory.mktemp("texts")
    for i in range(30):
        body = "\n".join(f"    total_{i} += value_{j} * {i + j}" for j in range(12))
        (texts / f"m{i}.py").write_text(f"def f{i}(value):\n{body}\n    return total_{i}\n")
    write_corpus(CorpusConfig(path=texts, validation_share=0.3), run / "corpus")
    tokenizer = BPE.train([TEXT], vocab_size=290)
    for stage, seed in (("pretrain", 0), ("instruct", 1)):
        model = GPT(GPTConfig.from_depth(1, tokenizer.vocab_size, 64))
        model.initialize(torch.Generator().manual_seed(seed))
        if stage == "instruct":
            tokenizer = tokenizer.with_chat(CHATML, end_token="<|im_end|>")
        huggingface.save(model, run / stage / "model", tokenizer)
    return run


@pytest.fixture
def run(built, tmp_path):
    return shutil.copytree(built, tmp_path / "tiny")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_run_becomes_a_file_that_the_other_verbs_open(run, capsys):
    assert front.main(["quantize", str(run), "--to", "q4"]) == 0
    said = capsys.readouterr().out
    out = run / "tiny-q4.gguf"
    assert "bits per byte" in said
    assert "of the run's validation files" in said
    assert "the same likeliest token" in said
    assert "7 in Q4_1" in said
    assert f"chat {out}" in said
    assert "note:" not in said
    model, tokenizer = gguf.load(out)
    before = huggingface.load(run / "instruct" / "model")
    assert tokenizer.chat_template is not None
    weight, changed = (m.blocks[0].feed_forward.up.weight for m in (before, model))
    assert 0 < float((weight - changed).detach().norm() / weight.detach().norm()) < 0.1
    assert torch.equal(model.norm.weight, before.norm.weight)
    assert front.main(["complete", str(out), "def", "--max-tokens", "3"]) == 0
    assert capsys.readouterr().out.startswith("def")


def test_figures_say_that_eight_bits_lose_less_than_four(run, capsys):
    losses = {}
    for to in ("q4", "q8", "gguf"):
        assert front.main(["quantize", str(run), "--to", to, "--max-bytes", "300"]) == 0
        said = capsys.readouterr().out
        losses[to] = float(said.partition("mean error ")[2].partition(" %")[0])
        assert "on 300 bytes" in said
    assert losses["q4"] > 5 * losses["q8"] > 5 * losses["gguf"] > 0
    assert sorted(path.name for path in run.glob("*.gguf")) == [
        "tiny-f16.gguf",
        "tiny-q4.gguf",
        "tiny-q8.gguf",
    ]


def test_formats_places_and_texts_can_be_chosen(run, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("héé " * 100)
    words = ["--format", "BF16", "--to", "gguf", "--prefer", "base"]
    words += ["--out", str(tmp_path), "--text", str(tmp_path / "notes.txt"), "--max-bytes", "100"]
    assert front.main(["quantize", str(run), *words]) == 0
    out = tmp_path / "tiny-base-bf16.gguf"
    assert f"on 99 bytes of {tmp_path / 'notes.txt'}" in capsys.readouterr().out
    assert gguf.load(out)[1].chat_template is None
    words = [str(out), "--to", "q8", "--out", str(tmp_path / "again.gguf"), "--max-bytes", "0"]
    assert front.main(["quantize", *words]) == 0
    assert "bits per byte" not in capsys.readouterr().out
    words = ["--out", str(tmp_path / "more.gguf"), "--max-bytes", "0", "--search", "no"]
    assert front.main(["quantize", str(tmp_path / "again.gguf"), *words]) == 0
    assert "again.gguf is quantised already (Q8_0); what is lost" in capsys.readouterr().out


def test_a_learners_rounding_is_what_is_written(run, tmp_path, capsys):
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from groundup.checkpoints.gguf_encode import Groups\n"
        "def quantize_group(weights, form):\n"
        "    return Groups((weights * 0).astype('int8'), weights[:, 0] * 0, weights[:, 0] * 0)\n"
    )
    words = ["--max-bytes", "200", "--use", f"checkpoints.gguf_encode:quantize_group={mine}"]
    assert front.main(["quantize", str(run), *words]) == 0
    assert "mean error 100.00 %" in capsys.readouterr().out
    assert not gguf.load(run / "tiny-q4.gguf")[0].embedding.weight.any()


def test_a_cut_without_a_name_in_llama_cpp_is_said(run, capsys):
    tokenizer = BPE.train([TEXT], vocab_size=270, pattern=r"\w+|\W+")
    model = GPT(GPTConfig.from_depth(1, tokenizer.vocab_size, 64))
    huggingface.save(model, run / "pretrain" / "model", tokenizer)
    words = ["quantize", str(run / "pretrain"), "--max-bytes", "50"]
    assert front.main(words) == 0
    shown = capsys.readouterr().out
    assert "note: llama.cpp has no name for how this tokenizer cuts text" in shown
    assert "Python's standard library" in shown
    assert gguf.load(run / "pretrain" / "pretrain-q4.gguf")[1].definition == tokenizer.definition


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing-here"], "there is no model 'nothing-here'; what can be opened is"),
        (["{run}", "--format", "Q5_K"], "matrices is 'Q5_K'; wanted one of F32, F16"),
        (["{run}", "--out", "model.bin"], "--out is model.bin; it must end in .gguf"),
        (["{run}", "--out", "{run}/there.gguf"], "there.gguf is there already; --force replaces"),
        (["{run}", "--text", "{run}/none.txt"], "No such file or directory"),
        (["{run}", "--text", "{run}/there.gguf"], "there.gguf is not UTF-8 at byte 0"),
        (["{run}", "--text", "{run}/empty.txt"], "the text to measure on is empty"),
        (["{run}", "--max-bytes", "-1"], "--max-bytes is -1; it must be 0 or more"),
        (["{run}", "--use", "no.such:part=x.py"], "no.such"),
    ],
)
def test_bad_input_is_said_in_a_sentence_and_leaves_nothing(run, capsys, words, said):
    (run / "there.gguf").write_bytes(b"\xff")
    (run / "empty.txt").write_text("")
    assert front.main(["quantize", *(word.format(run=run) for word in words)]) == 1
    assert said in capsys.readouterr().err
    assert [path.name for path in run.glob("*.gguf")] == ["there.gguf"]


def test_force_replaces_what_is_there(run, capsys):
    out = run / "tiny-q4.gguf"
    out.write_bytes(b"before")
    assert front.main(["quantize", str(run), "--max-bytes", "0"]) == 1
    assert out.read_bytes() == b"before"
    assert verb.run([str(run), "--max-bytes", "0", "--force"]) == 0
    assert gguf.load(out)[0].config.depth == 1
    capsys.readouterr()


def test_a_full_disk_is_said_and_leaves_nothing(run, monkeypatch, capsys):
    class Full:
        free = 10

    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Full)
    assert front.main(["quantize", str(run), "--max-bytes", "0"]) == 1
    said = capsys.readouterr().err
    assert "tiny-q4.gguf could not be written (the file needs" in said
    assert "bytes, and there are 10 free); nothing is left of it" in said
    assert not list(run.glob("*gguf*"))
