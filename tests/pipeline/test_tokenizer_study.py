"""The experiment with several tokenizers, end to end on a tiny corpus: equal bytes, fair bits."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from groundup.cli.build import find_recipe, parse
from groundup.data.corpus import CorpusConfig, read_documents
from groundup.data.shards import open_shard
from groundup.models.gpt_config import GPTConfig
from groundup.pipeline.build import build, stages
from groundup.pipeline.tokenizer_study import StudyConfig
from groundup.pipeline.tokenizer_study_models import ModelConfig, PlanConfig, first_documents
from groundup.pipeline.tokenizer_study_summary import figure, table
from groundup.pipeline.tokenizer_study_tokens import Contender, spell
from groundup.recipes.six_tokenizers import six_tokenizers
from groundup.tokenizers.load import load
from groundup.train.settings import TrainConfig


@pytest.fixture(scope="module")
def corpus(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("texts")
    for i, name in enumerate(("area", "total", "mean", "largest", "first", "last", "size", "cost")):
        (folder / f"{name}.py").write_text(
            f'"""All about the {name}."""\n\n\ndef {name}(values, start={i}):\n'
            f'    """Return the {name} of the values, été {i}."""\n    result = start\n'
            f"    for value in values:\n        result += value * {i * 37}\n    return result\n" * 3
        )
    return folder


def study(corpus, **given):
    settings = StudyConfig(
        name="tiny",
        contenders=(
            Contender(name="bytes", kind="bytes"),
            Contender(name="words", kind="words", vocab_size=24),
            Contender(name="bpe", kind="bpe", vocab_size=300),
            Contender(name="unigram", kind="unigram", vocab_size=320),
            Contender(name="wordpiece", kind="wordpiece", vocab_size=120),
        ),
        corpus=CorpusConfig(path=corpus, validation_share=0.3),
        plan=PlanConfig(bytes=6000, bytes_per_update=400),
        model=ModelConfig(
            model=GPTConfig(vocab_size=1, context=32, depth=1, width=16, heads=2, head_width=8),
            train=TrainConfig(context=32, precision="float32", compile="off", threads=1),
            curve_bytes=500,
        ),
    )
    return replace(settings, **given)


@pytest.fixture(scope="module")
def built(corpus, tmp_path_factory):
    lines = []
    folder = build(study(corpus), tmp_path_factory.mktemp("runs"), say=lines.append)
    return folder, lines


@pytest.fixture(scope="module")
def results(built):
    data = json.loads((built[0] / "summary" / "result.json").read_text())
    return data["contenders"]


def test_every_model_reads_as_many_bytes_in_about_as_many_a_step(results):
    for name, result in results.items():
        each = result["bytes"] / result["steps"]
        assert abs(result["bytes"] - 6000) <= each / 2 + 1, name
        assert 0.6 * 400 < each < 1.5 * 400, name
        assert result["tokens"] == pytest.approx(result["bytes"] / result["bytes_per_token"], 1e-3)
    assert len({result["held_out_bytes"] for result in results.values()}) == 1


def test_bits_are_those_of_the_model_and_of_the_spelling(results, built):
    assert results["bytes"]["spelling_bits_per_byte"] == 0
    words = results["words"]
    assert 0 < words["spelling_bits_per_byte"] < words["bits_per_byte"]
    assert 0 < words["unknown_share_of_tokens"] < 1
    for name, result in results.items():
        assert 0 < result["bits_per_byte"] < math.log2(result["vocab_size"]) + 9, name
        assert result["curve"][-1][0] == result["bytes"]
        assert len(result["curve"]) >= 5
    spelling = spell(
        load(built[0] / "tokens-words"), built[0] / "corpus", learnt_bytes=results["words"]["bytes"]
    )
    total = sum(spelling.bits) / results["words"]["held_out_bytes"]
    assert total == pytest.approx(words["spelling_bits_per_byte"], rel=0.2)
    assert len(spelling.bits) == len(read_documents(built[0] / "corpus", "validation"))


def test_the_same_again_does_nothing_and_another_contender_runs_alone(built, corpus):
    folder, _ = built
    lines = []
    build(study(corpus), folder.parent, say=lines.append)
    assert len(lines) == len(stages(study(corpus)))
    assert all(line.endswith(": up to date") for line in lines)
    more = (*study(corpus).contenders, Contender(name="small", kind="bpe", vocab_size=270))
    lines.clear()
    build(study(corpus, contenders=more), folder.parent, say=lines.append)
    again = [line for line in lines if "bits per byte, " in line and line.endswith(" s")]
    assert len(again) == 1
    assert again[0].startswith("small: ")


def test_the_table_ranks_and_the_picture_is_there(built, results):
    folder, lines = built
    shown = table(results)
    assert [line in lines for line in shown] == [True] * len(shown)
    best_first = [line.split()[0] for line in shown[1 : 1 + len(results)]]
    assert best_first == sorted(results, key=lambda name: results[name]["bits_per_byte"])
    assert (folder / "summary" / "bits_per_byte.png").read_bytes()[:4] == b"\x89PNG"
    curves, bars = figure(results).axes
    assert len(curves.lines) == len(results)
    ends = [bar.get_x() + bar.get_width() for bar in bars.patches[len(results) :]]
    assert ends == pytest.approx([result["bits_per_byte"] for result in results.values()])


def test_minutes_become_bytes_once(corpus, tmp_path):
    two = tuple(c for c in study(corpus).contenders if c.kind in ("bytes", "bpe"))
    timed = study(
        corpus, contenders=two, plan=PlanConfig(minutes=0.03, bytes_per_update=400), name="timed"
    )
    folder = build(timed, tmp_path)
    planned = json.loads((folder / "plan" / "plan.json").read_text())
    assert planned["bytes"] >= 400
    build(timed, tmp_path)
    assert json.loads((folder / "plan" / "plan.json").read_text()) == planned


def test_a_tokenizer_that_loses_text_is_refused(corpus, tmp_path, monkeypatch):
    from groundup.pipeline import tokenizer_study_tokens

    monkeypatch.setattr(tokenizer_study_tokens, "can_be_read_back", lambda *_: False)
    one = study(corpus, contenders=(Contender(name="bytes", kind="bytes"),))
    with pytest.raises(ValueError, match=r"bytes loses something of \d+ held-out documents"):
        build(one, tmp_path)


def test_the_first_documents_are_the_same_bytes_for_every_tokenizer(built):
    folder, _ = built
    found = set()
    for name in ("bytes", "bpe"):
        shard = open_shard(folder / f"tokens-{name}" / "shards" / "validation")
        sizes = [d.size for d in read_documents(folder / "corpus", "validation")]
        part = first_documents(shard, sizes, 500)
        assert np.array_equal(part.tokens, shard.tokens[: part.starts[-1]])
        found.add((part.bytes, len(part.starts)))
    assert len(found) == 1
    assert found.pop()[0] >= 500


def test_the_recipe_and_its_options():
    config = six_tokenizers(quick=True)
    assert len(config.contenders) == 6
    assert find_recipe("six_tokenizers") is six_tokenizers
    settings, _, _ = parse(six_tokenizers, "six_tokenizers", ["--plan.bytes", "5000"])
    assert settings.plan.bytes == 5000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contenders": ()}, "wanted some, each its own name"),
        ({"name": "a/b"}, "cannot be a folder's name"),
        ({"contenders": (Contender(name="a", kind="bpe"),) * 2}, "each its own name"),
    ],
)
def test_a_study_that_cannot_be_is_refused(corpus, change, words):
    with pytest.raises(ValueError, match=words):
        study(corpus, **change)


def test_names_and_plans_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="take small letters, digits and -"):
        Contender(name="BPE 8k", kind="bpe")
    with pytest.raises(ValueError, match="all must be above 0"):
        PlanConfig(minutes=0)
    with pytest.raises(ValueError, match="all must be above 0"):
        PlanConfig(bytes=-1)
