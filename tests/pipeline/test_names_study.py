"""The names project, end to end and tiny: stopped and gone on with, replaced, and ill fed."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from groundup import swap
from groundup.cli.build import find_recipe, parse
from groundup.data.names import built_in, read_names
from groundup.models.array_training import ArrayTraining
from groundup.observe.metrics import read
from groundup.pipeline.build import build, stages
from groundup.pipeline.names_network import encode
from groundup.pipeline.names_study import (
    NamesConfig,
    NamesStudyConfig,
    NetworkConfig,
    SamplesConfig,
)
from groundup.pipeline.names_summary import ngram_bits
from groundup.recipes.names_rnn import names_rnn

TINY = NetworkConfig(width=8, train=ArrayTraining(steps=12, batch_size=32), checkpoint_every=4)


def study(name="tiny", **given):
    return NamesStudyConfig(
        name=name, network=TINY, samples=SamplesConfig(count=20, temperatures=(1.0,)), **given
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    lines = []
    folder = build(study(), tmp_path_factory.mktemp("runs"), say=lines.append)
    return folder, lines


def test_it_learns_judges_and_writes(built):
    folder, lines = built
    result = json.loads((folder / "summary" / "result.json").read_text())
    bits = result["bits_per_character"]
    assert bits["the network (GRU)"] < bits["a fair choice of letters"]
    assert bits["4-gram"] < bits["2-gram"] < bits["a fair choice of letters"]
    assert result["samples"][0]["temperature"] == 1.0
    assert (folder / "summary" / "curve.png").stat().st_size > 10_000
    assert any("bits per character" in line for line in lines)
    rows = read(folder / "network" / "metrics.jsonl")
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert [row["step"] for row in rows if "held_out_bits" in row] == [4, 8, 12]
    assert not (folder / "network" / "checkpoint.safetensors").exists()


def test_no_name_is_on_both_sides(built):
    data = json.loads((built[0] / "names" / "names.json").read_text())
    assert not set(data["train"]) & set(data["held_out"])
    assert sorted(data["train"] + data["held_out"]) == built_in()
    assert encode(["ab"], data["letters"]) == [[2, 3]]


def test_a_stopped_run_ends_with_the_same_weights(built, tmp_path, monkeypatch):
    class Stop(Exception):
        pass

    from groundup.pipeline import names_network

    calls = []

    def save(arrays, path):
        original(arrays, path)
        calls.append(path.name)
        if len(calls) == 2:
            raise Stop

    original = names_network.save
    monkeypatch.setattr(names_network, "save", save)
    with pytest.raises(Stop):
        build(study(), tmp_path)
    assert calls == ["checkpoint.safetensors"] * 2
    monkeypatch.setattr(names_network, "save", original)
    lines = []
    folder = build(study(), tmp_path, say=lines.append)
    assert "network: going on where it was" in lines
    whole = load_file(built[0] / "network" / "model.safetensors")
    again = load_file(folder / "network" / "model.safetensors")
    for name, array in whole.items():
        np.testing.assert_array_equal(again[name], array)
    steps = [row["step"] for row in read(folder / "network" / "metrics.jsonl")]
    assert steps == list(range(1, 13))
    lines.clear()
    build(study(), tmp_path, say=lines.append)
    assert lines == [f"{name}: up to date" for name in ("names", "network", "summary")]


def test_a_learners_cell_trains_the_network(built, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "def gru_cell(x_BC, h_BF, weight_ih, weight_hh, bias_ih, bias_hh):\n"
        "    return (x_BC @ weight_ih[:8].T + h_BF @ weight_hh[:8].T).tanh()\n",
        encoding="utf-8",
    )
    use = swap.load(f"autograd.recurrence:gru_cell={file}")
    folder = build(study(), tmp_path / "runs", uses=[use])
    theirs = load_file(folder / "network" / "model.safetensors")
    ours = load_file(built[0] / "network" / "model.safetensors")
    assert not np.array_equal(theirs["recurrent.weight_hh_l0"], ours["recurrent.weight_hh_l0"])


def test_a_list_of_ones_own(tmp_path):
    file = tmp_path / "towns.txt"
    file.write_text("\n".join(f"Tōwn {i:02}" for i in range(40)) + "\n\nTōwn 00\n", "utf-8")
    assert len(read_names(file)) == 40
    folder = build(study(names=NamesConfig(file=file)), tmp_path / "runs")
    data = json.loads((folder / "names" / "names.json").read_text(encoding="utf-8"))
    assert "ō" in data["letters"]
    before = stages(study(names=NamesConfig(file=file)))[0].sources
    file.write_text(file.read_text("utf-8") + "One more\n", "utf-8")
    assert stages(study(names=NamesConfig(file=file)))[0].sources != before


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds 0 different names"),
        (b"anna\n" * 50, "holds 1 different names"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (b"x" * 500, "a line of 500 characters"),
        (b"".join(b"a\x00%d\n" % i for i in range(30)), r"control character '\\x00'"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path, content, words):
    file = tmp_path / "list.txt"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_names(file)
    with pytest.raises(OSError, match="missing"):
        read_names(tmp_path / "missing.txt")


def test_settings_that_cannot_be_are_refused():
    for make, words in (
        (lambda: NamesConfig(held_out=1.0), "a share"),
        (lambda: NetworkConfig(width=0), "1 or more"),
        (lambda: names_rnn(kind="odd"), "one of rnn, lstm, gru"),
        (lambda: SamplesConfig(temperatures=()), "at least one"),
        (lambda: SamplesConfig(temperatures=(0.5, -1.0)), "each is a number from 0 on"),
        (lambda: SamplesConfig(temperatures=(math.nan,)), "each is a number from 0 on"),
        (lambda: NetworkConfig(dropout=1.0), "from 0 to below 1"),
        (lambda: NamesStudyConfig(name="a/b"), "folder's name"),
    ):
        with pytest.raises(ValueError, match=words):
            make()


def test_the_recipe_has_its_dials():
    settings, _, _ = parse(
        find_recipe("names_rnn"), "names_rnn", ["--kind", "lstm", "--network.dropout", "0.1"]
    )
    assert settings.network.kind == "lstm"
    assert settings.network.dropout == 0.1
    assert names_rnn(quick=True).network.train.steps < names_rnn().network.train.steps


def test_the_ngrams_bits_are_those_of_the_stream():
    data = {"letters": ["a", "b"], "train": ["ab"] * 30, "held_out": ["ab", "ba"]}
    assert 0 < ngram_bits({**data, "held_out": ["ab"]}, 2) < ngram_bits(data, 2)


def test_names_with_a_letter_of_their_own_are_left_out_and_said_so(tmp_path):
    file = tmp_path / "list.txt"
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(f"n{chr(97 + i)}" for i in range(24)).encode())
    listed = read_names(file)
    assert listed[0] == "na"  # neither the byte order mark nor a carriage return is a letter
    file.write_text("\n".join([*listed, *(f"a{i}bc" for i in "éüøæ"), *built_in()[:40]]), "utf-8")
    lines = []
    folder = build(
        study(names=NamesConfig(file=file, held_out=0.5)), tmp_path / "runs", say=lines.append
    )
    data = json.loads((folder / "names" / "names.json").read_text(encoding="utf-8"))
    assert set("".join(data["held_out"])) <= set(data["letters"])
    missing = len(read_names(file)) - len(data["train"]) - len(data["held_out"])
    assert missing > 0
    assert f"{missing} left out for a letter that only they have" in lines[0]


def test_a_rate_beyond_reason_is_a_clear_error(tmp_path):
    wild = replace(TINY, train=replace(TINY.train, lr=1e30))
    with pytest.raises(ValueError, match="lower the"):
        build(replace(study(), network=wild), tmp_path)
