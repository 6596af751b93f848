"""What counts as a function, and who wrote it."""

import ast
import warnings

import numpy as np
import pytest
import torch

from groundup.data.corpus import Document
from groundup.evaluate.functions import (
    Prompt,
    cut,
    is_function,
    model_completer,
    ngram_completer,
    score_functions,
    signatures,
)
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.models.ngram import NGram
from groundup.tokenizers.bpe import BPE

SIGNATURE = "def area(x, y=2):\n"
PROMPT = Prompt("import math\n\n", SIGNATURE)


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("    return x * y\n", True),
        ("    if x:\n        return y\n    return x", True),
        ('    """Area."""\n    return x * y\n', True),
        ("\n\n    return x\n\n\n", True),
        ("", False),
        ("\n", False),
        ("    pass\n", False),
        ("    ...\n", False),
        ('    """Only words."""\n', False),
        ("    # only a remark\n", False),
        ("    return x * (y\n", False),
        ("    return x +", False),
        ("  return x\n    return y\n", False),
        ("return x\n", False),
        ("    x = '\0'\n", False),
        ("    return " + "(" * 5000 + "\n", False),
        ("    return '\\d'\n", True),
    ],
)
def test_a_function_parses_and_does_something(body, verdict):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert is_function(SIGNATURE, body) is verdict


@pytest.mark.parametrize(
    ("continuation", "body", "ended"),
    [
        ("    return x\n\n\ndef g():\n    pass\n", "    return x\n\n\n", True),
        ("    return x\n# remark\n", "    return x\n", True),
        ("    return x\n", "    return x\n", False),
        ("    return x +", "    return x +", False),
        ("x = 1\n", "", True),
        ("", "", False),
        ("\n\n   \n", "\n\n   \n", False),
        ("    a = '''\nb'''\n", "    a = '''\n", True),
    ],
)
def test_the_body_ends_before_the_next_statement_at_the_margin(continuation, body, ended):
    assert cut(continuation) == (body, ended)


def test_signatures_are_those_of_top_level_functions():
    source = """
def one(a, *, b: int = 2) -> int:
    def inner(): pass

def test_one(): pass

async def later(x): pass

class C:
    def method(self): pass

def one(a, *, b: int = 2) -> int:
    return a
"""
    documents = [
        Document(path="a.py", text=source, sha256=""),
        Document(path="b.txt", text="def no(): pass", sha256=""),
        Document(path="c.py", text="print 'python 2'", sha256=""),
    ]
    assert signatures(documents, most=9) == [Prompt("\n", "def one(a, *, b: int=2) -> int:\n")]
    many = [Document(path=f"{i}.py", text=f"def f{i}(): pass", sha256="") for i in range(50)]
    chosen = signatures(many, most=10, seed=3)
    assert chosen == signatures(many, most=10, seed=3)
    assert len(set(chosen)) == 10
    assert chosen != signatures(many, most=10, seed=4)
    for prompt in chosen:
        assert ast.parse(prompt.signature + "    pass")


def test_a_prompt_is_the_file_up_to_the_function_without_its_decorators():
    text = "import os\n\n\n@cached\n@other(1)\ndef one(a):\n    return a\n\ndef two(): pass\n"
    documents = [Document(path="a.py", text=text, sha256="")]
    found = {prompt.signature: prompt.before for prompt in signatures(documents, most=9)}
    assert found["def one(a):\n"] == "import os\n\n\n"
    assert found["def two():\n"] == text.removesuffix("def two(): pass\n")


def test_scores_count_and_carry_their_interval():
    answers = ["    return x\n", "    return (\n", "    return y\nx = 1\n", "    pass\n"]
    asked = []

    def complete(prompts, temperature, seed):
        asked.append((prompts, temperature, seed))
        return answers

    score = score_functions("mine", complete, [PROMPT] * 4, temperature=0.8, seed=7, keep=2)
    assert asked == [([PROMPT.before + SIGNATURE] * 4, 0.8, 7)]
    assert score.samples[0].prompt == SIGNATURE
    assert (score.accepted, score.total, score.share, score.unended) == (2, 4, 0.5, 3)
    assert score.low == pytest.approx(0.1500, abs=1e-4)
    assert score.high == pytest.approx(0.8500, abs=1e-4)
    assert [sample.accepted for sample in score.samples] == [True, False]
    with pytest.raises(ValueError, match="no function signature"):
        score_functions("mine", complete, [], temperature=0)


@pytest.fixture(scope="module")
def tokenizer():
    texts = [f"def f{i}(x):\n    return x + {i}\n\n\n" * 3 for i in range(30)]
    return BPE.train(texts, vocab_size=300)


def test_an_ngram_model_that_saw_the_functions_writes_them(tokenizer):
    end = tokenizer.special_tokens["<|endoftext|>"]
    stream = [end]
    for i in range(30):
        stream += [*tokenizer.encode(f"def f{i}(x):\n    return x + {i}\n"), end]
    model = NGram.fit(np.array(stream), vocab_size=tokenizer.vocab_size, order=6)
    complete = ngram_completer(model, tokenizer, max_tokens=40, prompt_tokens=99)
    (written,) = complete(["def f7(x):\n"], 0.0, 0)
    assert written.startswith("    return x + ")
    assert is_function("def f7(x):\n", written)
    again = [complete(["def f7(x):\n"] * 2, 0.8, seed) for seed in (1, 1, 2)]
    assert again[0] == again[1]


def test_the_transformer_goes_through_the_same_door(tokenizer):
    config = GPTConfig(vocab_size=tokenizer.vocab_size, context=32, depth=1, width=16, heads=2)
    model = GPT(config)
    model.initialize(torch.Generator().manual_seed(0))
    complete = model_completer(model, tokenizer, max_tokens=12, prompt_tokens=99, batch_size=2)
    prompts = ["def f(x):\n", "def g():\n", "def h(a, b, c):\n"]
    greedy = complete(prompts, 0.0, 0)
    assert greedy == complete(prompts, 0.0, 1)
    asked = [Prompt("", signature) for signature in prompts]
    score = score_functions("model", complete, asked, temperature=0.8, seed=1)
    assert score == score_functions("model", complete, asked, temperature=0.8, seed=1)
    assert score.total == 3


def test_generation_stops_at_the_next_statement_and_at_the_limit(tokenizer):
    """What was written in rounds is what was written at once, up to where the function ends."""
    end = tokenizer.special_tokens["<|endoftext|>"]
    text = "def f(x):\n    return x + 1\n\n\n" * 400
    model = NGram.fit(
        np.array([end, *tokenizer.encode(text)]), vocab_size=tokenizer.vocab_size, order=6
    )
    prompt = [end, *tokenizer.encode("def f(x):\n")]
    at_once = tokenizer.decode(model.generate(prompt, max_tokens=1000, temperature=0))
    (written,) = ngram_completer(model, tokenizer, max_tokens=1000, prompt_tokens=99)(
        ["def f(x):\n"], 0.0, 0
    )
    assert at_once.startswith(written)
    assert len(written) < len(at_once) / 4
    assert cut(written) == cut(at_once)
    (short,) = ngram_completer(model, tokenizer, max_tokens=3, prompt_tokens=99)(
        ["def f(x):\n"], 0.0, 0
    )
    assert len(tokenizer.encode(short)) <= 3
    assert at_once.startswith(short)


def test_only_the_end_of_a_long_prompt_is_read(tokenizer):
    model = GPT(GPTConfig(vocab_size=tokenizer.vocab_size, context=32, depth=1, width=16, heads=2))
    model.initialize(torch.Generator().manual_seed(0))
    complete = model_completer(model, tokenizer, max_tokens=8, prompt_tokens=6, batch_size=2)
    long = "x = 1\n" * 50 + "def f(x):\n"
    assert len(tokenizer.encode("x = 1\ndef f(x):\n")) > 6
    assert complete([long], 0.0, 0) == complete([long[12:]], 0.0, 0)
    whole = model_completer(model, tokenizer, max_tokens=8, prompt_tokens=20, batch_size=2)
    assert complete([long], 0.0, 0) != whole([long], 0.0, 0)


def test_a_body_longer_than_one_round_goes_on(tokenizer):
    end = tokenizer.special_tokens["<|endoftext|>"]
    body = "".join(f"    return x + {i}\n" for i in range(30))
    ids = [end, *tokenizer.encode("def f(x):\n" + body), end]
    model = NGram.fit(np.array(ids * 3), vocab_size=tokenizer.vocab_size, order=12)
    assert len(ids) > 150
    (written,) = ngram_completer(model, tokenizer, max_tokens=400, prompt_tokens=99)(
        ["def f(x):\n"], 0.0, 0
    )
    assert written == body
