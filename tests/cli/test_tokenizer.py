"""What a person types about tokenizers, from the command to what is printed and written."""

import io
import json
import subprocess
import sys

import pytest
import torch

from groundup.checkpoints import huggingface
from groundup.cli import (
    _tokenizer_compare,
    _tokenizer_glitch,
    _tokenizer_text,
    _tokenizer_train,
)
from groundup.cli import main as front
from groundup.cli import tokenizer as verb
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.load import load


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with texts in it and a tokenizer trained from the command line."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "texts" / "deep").mkdir(parents=True)
    (folder / "texts" / "a.txt").write_text("lower and lowest, newer and newest\n" * 20)
    (folder / "texts" / "deep" / "b.txt").write_text("the widest river\n" * 20)
    for kind, name in (("bpe", "tok"), ("words", "words"), ("bytes", "bytes")):
        words = ["train", kind, "--files", f"{folder}/texts/**/*.txt", "--vocab-size", "290"]
        assert front.main(["tokenizer", *words, "--out", f"{folder}/{name}"]) == 0
    return folder


@pytest.fixture
def say(place, monkeypatch, capsys):
    """Runs `groundup tokenizer ...` in that folder; returns exit code, output and errors."""
    monkeypatch.chdir(place)
    capsys.readouterr()

    def run(*words):
        code = front.main(["tokenizer", *words])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_help_names_every_command_and_each_has_its_own(say, capsys):
    code, out, _ = say("--help")
    assert code == 0
    for command in verb.COMMANDS:
        assert f"\n  {command} " in out
        with pytest.raises(SystemExit) as left:
            verb.run([command, "--help"])
        assert left.value.code == 0
        assert f"groundup tokenizer {command}" in capsys.readouterr().out
    assert say()[0] == 2
    assert "there is no command 'trian'; there are: train" in say("trian")[2]


def test_every_command_is_a_function_of_its_file():
    files = (_tokenizer_compare, _tokenizer_glitch, _tokenizer_text, _tokenizer_train)
    named = {module.__name__.rpartition(".")[2]: module for module in files}
    assert {file for file, _ in verb.COMMANDS.values()} == named.keys()
    for command, (file, _) in verb.COMMANDS.items():
        assert callable(getattr(named[file], command))


def test_the_front_of_the_verb_imports_neither_torch_nor_numpy():
    code = (
        "import sys; from groundup.cli.main import main; main(['tokenizer', '--help']); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'numba')))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == 0


def test_training_says_what_was_read_and_made(say, place):
    code, out, _ = say("train", "bpe", "--vocab-size", "290", "--files", "texts/**/*.txt",
                       "--out", "tok")  # fmt: skip
    assert (code, out) == (0, "tok is up to date: the same files, the same settings\n")
    code, out, _ = say("train", "bpe", "--vocab-size", "280", "--files", "texts/**/*.txt",
                       "--out", "fresh", "--pattern", "gpt2", "--special-tokens", "<|end|>",
                       "--memory", "512MB")  # fmt: skip
    lines = out.splitlines()
    tokenizer = load(place / "fresh")
    assert lines[0] == "fresh: bpe, 280 tokens, 1 of them special"
    assert "2 files, 0.00 MB" in lines[1]
    texts = [path.read_text() for path in sorted((place / "texts").rglob("*.txt"))]
    size, count = sum(map(len, texts)), len(tokenizer.encode("".join(texts)))
    assert float(lines[2].split()[1]) == pytest.approx(size / count, abs=0.005)
    assert "bytes)" in lines[3]
    assert lines[4] == 'try: groundup tokenizer show fresh "some text"'


def test_another_tokenizer_is_not_overwritten_and_files_can_be_added(say, place):
    words = ("train", "bpe", "--vocab-size", "270", "--out", "grown", "--files")
    say(*words, "texts/a.txt")
    code, _, err = say(*words, "texts/deep/b.txt")
    assert code == 1
    assert "grown holds a tokenizer with another files; choose another folder, or add" in err
    assert say(*words[:2], "--out", "grown", "--add", "texts/deep/*.txt")[0] == 0
    both = [place / "texts" / "a.txt", place / "texts" / "deep" / "b.txt"]
    assert load(place / "grown").merges == BPE.train(both, vocab_size=270).merges


@pytest.mark.parametrize("kind", ["characters", "bytes", "words", "wordpiece", "unigram",
                                  "character-bpe"])  # fmt: skip
def test_other_kinds_train_and_come_back(say, place, kind):
    code, out, _ = say("train", kind, "--vocab-size", "300", "--files", "texts/**/*.txt",
                       "--out", f"of-{kind}")  # fmt: skip
    assert code == 0
    assert out.startswith(f"of-{kind}: {kind}, {load(place / f'of-{kind}').vocab_size} tokens")
    assert say("show", f"of-{kind}", "lower")[0] == 0


def test_encode_and_decode_give_the_text_back_to_the_byte(say, monkeypatch):
    text = "a\r\n\tb é 😀 <|endoftext|>"
    _, ids, _ = say("encode", "tok", text)
    monkeypatch.setattr(sys, "stdin", io.StringIO(ids))
    assert say("decode", "tok")[1] == text
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert say("encode", "tok")[1] == ids
    assert say("decode", "tok", f"[{ids.strip().replace(' ', ', ')}]")[1] == text


def test_special_tokens_are_read_only_when_allowed(say):
    tokenizer = load("tok")
    plain = say("encode", "tok", "x<|endoftext|>")[1].split()
    special = say("encode", "tok", "x<|endoftext|>", "--allow-special")[1].split()
    assert len(plain) > 2
    assert special[1:] == [str(tokenizer.special_tokens["<|endoftext|>"])]
    assert say("decode", "tok", "--skip-special", *special)[1] == "x"


def test_json_says_where_each_id_stands(say):
    data = json.loads(say("encode", "tok", "lower é", "--json")[1])
    assert data["ids"] == load("tok").encode("lower é")
    assert len(data["offsets"]) == len(data["pieces"]) == len(data["ids"])
    assert data["offsets"][-1] == [6, 7]


def test_show_lists_tokens_and_says_why(say):
    _, out, _ = say("show", "tok", "lower\tx", "--why")
    ids = load("tok").encode("lower\tx")
    lines = out.splitlines()
    assert [int(line.split()[0]) for line in lines[: len(ids)]] == ids
    assert lines[len(ids)].startswith(f"{len(ids)} tokens for 7 characters, 7 bytes")
    assert any(line.startswith("lower   (") for line in lines)
    assert any("l o w e r" in line and "merge" in line for line in lines)
    assert "→x" in out
    code, _, err = say("show", "words", "lower", "--why")
    assert (code, "this is Words" in err) == (1, True)


def test_compare_prints_a_table_and_draws_it(say, place):
    code, out, _ = say("compare", "tok", "bytes", "words", "--files", "texts/**/*.txt")
    assert code == 0
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    assert rows["bytes"][2] == "1.00"
    assert float(rows["tok"][2]) > 1.5
    assert (place / "tokenizers.png").read_bytes()[:4] == b"\x89PNG"
    data = json.loads(say("compare", "tok", "--files", "texts/a.txt", "--json")[1])
    assert data["files"][0]["bytes"] == len((place / "texts" / "a.txt").read_bytes())


def test_languages_get_their_price(say, place):
    folder = place / "spoken"
    folder.mkdir(exist_ok=True)
    (folder / "eng.txt").write_text("lower and newer")
    (folder / "ell.txt").write_text("χαμηλότερο και νεότερο")
    (folder / "none.txt").write_text("")
    (folder / "bit.txt").write_text("x")
    _, out, err = say("compare", "tok", "--languages", "spoken", "--plot", "fair.png")
    assert "their files are empty: none" in err
    assert "too short to say what eng says: bit" in err
    rows = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
    tokenizer = load("tok")
    price = len(tokenizer.encode("χαμηλότερο και νεότερο")) / len(
        tokenizer.encode("lower and newer")
    )
    assert rows["ell"][1] == f"{price:.2f}"
    assert rows["eng"][1] == "1.00"
    assert (place / "fair-languages.png").exists()


def test_glitch_lists_the_planted_row_first(say, place):
    tokenizer = load("tok")
    model = GPT(GPTConfig.from_depth(1, tokenizer.vocab_size, 32))
    model.initialize(torch.Generator().manual_seed(0))
    with torch.no_grad():
        rows = model.embedding.weight
        rows += 0.05 * torch.randn(rows.shape, generator=torch.Generator().manual_seed(1))
        for special in tokenizer.special_tokens.values():
            rows[special] = 0.1
        rows[285] = 0.101
    huggingface.save(model, place / "model", tokenizer)
    code, out, _ = say("glitch", "model", "--most", "3", "--files", "texts/a.txt")
    assert code == 0
    lines = out.splitlines()
    assert lines[1].split()[0] == "285"
    assert " times " in lines[1]
    assert len(lines) == 4


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("train", "bpe", "--files", "none/*.txt", "--out", "x"), "no file matches 'none/*.txt'"),
        (("train", "bpe", "--files", "texts", "--out", "x"), "texts is a folder"),
        (("train", "bpe", "--out", "x"), "there is nothing to learn from"),
        (("train", "bp", "--files", "texts/a.txt", "--out", "x"), "no kind of tokenizer 'bp'"),
        (("train", "bpe", "--files", "bin", "--vocab-size", "300", "--out", "x"), "not UTF-8"),
        (("train", "words", "--files", "bin", "--out", "x"), "is not UTF-8: byte 0 is 0xff"),
        (("train", "bpe", "--files", "bin", "--memory", "lots", "--out", "x"), "'lots' is not"),
        (("train", "words", "--files", "texts/a.txt", "--pattern", "gpt2", "--out", "x"),
         "has no pattern to choose"),
        (("encode", "nowhere", "text"), "there is no nowhere"),
        (("encode", "texts", "text"), "has no tokenizer.json"),
        (("decode", "tok", "5", "290"), "there is no token 290"),
        (("decode", "tok", "five"), "'five' is not an id"),
        (("compare", "tok"), "there is no text to compare on"),
        (("compare", "--files", "texts/a.txt"), "there is nothing to compare"),
        (("compare", "tok", "tok", "--files", "texts/a.txt"), "given twice"),
        (("compare", "tok", "--files", "texts/a.txt", "--plot", "no/x.png"), "cannot be written"),
        (("compare", "tok", "--files", "texts/a.txt", "--plot", "x.doc"), "the endings .png"),
        (("compare", "tok", "--files", "texts/a.txt", "--most-bytes", "0"), "--most-bytes is 0"),
        (("train", "bpe", "--files", "texts/a.txt", "--min-frequency", "-3", "--out", "x"),
         "min_frequency is -3"),
        (("compare", "tok", "--languages", "bin"), "bin is not a folder"),
        (("compare", "tok", "--languages", "texts"), "there is no language eng"),
        (("glitch", "nowhere"), "there is no model 'nowhere'"),
        (("glitch", "tok", "--most", "0"), "--most is 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(say, place, words, problem):
    (place / "bin").write_bytes(b"\xff\xfe\x00")
    code, out, err = say(*words)
    assert code == 1
    assert problem in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""


def test_a_pipe_that_is_no_text_is_a_clear_error(say, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\xff")))
    assert "what came through the pipe is not UTF-8: byte 1" in say("encode", "tok")[2]


@pytest.mark.parametrize(
    ("kind", "words"), [("bpe", "goes on where it was"), ("words", "learns words from the start")]
)
def test_after_a_stop_it_is_said_what_the_same_command_does(
    tmp_path, monkeypatch, capsys, kind, words
):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("groundup.cli._tokenizer_train.train_into", stop)
    (tmp_path / "a.txt").write_text("some text")
    given = ["--files", str(tmp_path / "a.txt"), "--out", str(tmp_path / "out")]
    assert front.main(["tokenizer", "train", kind, *given]) == 130
    assert words in capsys.readouterr().err
