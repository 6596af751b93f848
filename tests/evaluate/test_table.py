"""One call measures everything on the same bytes, and the result goes to JSON and back."""

from dataclasses import replace

import pytest
import torch

from groundup import config as configs
from groundup.data.corpus import CorpusConfig, read_documents, write_corpus
from groundup.data.shards import write_shards
from groundup.evaluate.table import EvaluateConfig, EvaluateResult, evaluate
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.tokenizers.bpe import BPE


def build(folder, texts, suffix):
    """A corpus, its shards, a tokenizer and an untrained model."""
    (folder / "src").mkdir()
    for i, text in enumerate(texts):
        (folder / "src" / f"m{i}{suffix}").write_text(text)
    write_corpus(CorpusConfig(path=folder / "src", validation_share=0.3), folder / "corpus")
    tokenizer = BPE.train(texts, vocab_size=280)
    write_shards(folder / "corpus", tokenizer, folder / "shards")
    shape = GPTConfig(vocab_size=tokenizer.vocab_size, context=32, depth=1, width=16, heads=2)
    model = GPT(shape)
    model.initialize(torch.Generator().manual_seed(0))
    return model, tokenizer


SETTINGS = EvaluateConfig(functions=3, function_tokens=8, ngram_order=3, batch_size=4)


def test_python_gets_bits_and_functions(tmp_path):
    texts = [f"def f{i}(x):\n    return x + {i}\n\n\ny = f{i}(2)\n" for i in range(30)]
    model, tokenizer = build(tmp_path, texts, ".py")
    result = evaluate(
        model,
        tokenizer,
        corpus=tmp_path / "corpus",
        shards=tmp_path / "shards",
        config=SETTINGS,
    )
    documents = read_documents(tmp_path / "corpus", "validation")
    assert result.documents == len(documents)
    assert result.bytes == sum(document.size for document in documents)
    rows = {row.name: row for row in result.bits_per_byte}
    assert list(rows) == ["gzip", "zstd", "xz", "n-gram", "model"]
    assert rows["xz"].each_file > rows["xz"].bits_per_byte
    # an untrained model knows nothing; the n-gram model has seen text of this kind
    assert rows["n-gram"].bits_per_byte < rows["model"].bits_per_byte
    assert rows["model"].nats_per_token == pytest.approx(5.6, abs=0.4)  # ln 280
    names = [(score.name, score.temperature, score.total) for score in result.functions]
    assert names == [("n-gram", 0.0, 3), ("n-gram", 0.8, 3), ("model", 0.0, 3), ("model", 0.8, 3)]
    configs.write(result, tmp_path / "result.json")
    assert configs.read(EvaluateResult, tmp_path / "result.json") == result


def test_a_part_of_the_files_can_be_scored(tmp_path):
    texts = [f"def f{i}(x):\n    return x + {i}\n\n\ny = f{i}(2)\n" for i in range(60)]
    model, tokenizer = build(tmp_path, texts, ".py")
    folders = {"corpus": tmp_path / "corpus", "shards": tmp_path / "shards"}
    part = EvaluateConfig(functions=0, ngram_order=2, max_bytes=200)
    result = evaluate(model, tokenizer, **folders, config=part)
    every = read_documents(tmp_path / "corpus", "validation")
    assert 200 <= result.bytes < 260 < sum(document.size for document in every)
    whole = evaluate(model, tokenizer, **folders, config=replace(part, max_bytes=10**9))
    assert whole.bytes == sum(document.size for document in every)
    plain = evaluate(model, tokenizer, **folders, config=replace(part, max_bytes=None))
    assert [row.bits_per_byte for row in whole.bits_per_byte] == pytest.approx(
        [row.bits_per_byte for row in plain.bits_per_byte]
    )


def test_shards_of_another_corpus_are_refused(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    model, tokenizer = build(tmp_path / "a", [f"x = {i}\n" for i in range(30)], ".py")
    build(tmp_path / "b", [f"y = 10{i}\n" for i in range(30)], ".py")
    with pytest.raises(ValueError, match="were not made from the corpus"):
        evaluate(model, tokenizer, corpus=tmp_path / "a/corpus", shards=tmp_path / "b/shards")


def test_prose_has_no_functions_and_says_so(tmp_path):
    texts = [f"It rained on day {i}. Then it stopped, and {i} birds sang." for i in range(30)]
    model, tokenizer = build(tmp_path, texts, ".txt")
    result = evaluate(
        model,
        tokenizer,
        corpus=tmp_path / "corpus",
        shards=tmp_path / "shards",
        config=EvaluateConfig(ngram_order=2, ngram_tokens=200),
    )
    assert result.functions == ()
    assert any("no Python function" in note for note in result.notes)
    assert any("first 200 training tokens" in note for note in result.notes)


@pytest.mark.parametrize(
    "changes",
    [{"batch_size": 0}, {"stride": 0}, {"functions": -1}, {"temperatures": (-1.0,)}],
)
def test_amounts_that_cannot_be_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        EvaluateConfig(**changes)
