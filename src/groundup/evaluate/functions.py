"""Does sampled code parse? A model is given a file up to a function's first line and goes on.

Prompts are signatures of top-level functions in files the model never saw, after what stands before
them there: a function is written into its file. What a model writes is cut where the function ends,
before the first line that starts at the margin and is not blank, and is accepted if Python parses
signature and body, and the body holds a statement besides a docstring, `pass` and `...`. Nothing is
repaired: text that was cut off because the token limit was reached counts as it stands, so it is
nearly always refused.

Parsing is not being right. It is a low bar that a model of any size can be held to without running
what it wrote; Chen et al. (2021), Codex, is the high one. One code path serves every model.
"""

import ast
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from groundup.data.corpus import Document
from groundup.data.facts import parsed
from groundup.data.shards import END_OF_TEXT
from groundup.inference.generate import generate_batch
from groundup.inference.sampling import Sampling
from groundup.maths.intervals import wilson
from groundup.models.gpt import GPT
from groundup.models.ngram import NGram
from groundup.observe.progress import Progress, silent
from groundup.tokenizers.bpe import BPE


@dataclass(frozen=True)
class Prompt:
    """A function that is to be written."""

    before: str
    """The file up to it."""
    signature: str
    """Its first line."""


Complete = Callable[[list[str], float, int], list[str]]
"""`(prompts, temperature, seed) -> continuations`; temperature 0 is greedy."""
_ROUND = 64
_NEXT_STATEMENT = re.compile(r"^\S", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One function as a model wrote it."""

    prompt: str
    body: str
    accepted: bool


@dataclass(frozen=True, kw_only=True)
class FunctionScore:
    """How many of a model's functions parse."""

    name: str
    """Whose functions: `model` or `n-gram`."""
    temperature: float
    accepted: int
    total: int
    share: float
    low: float
    """Lower end of the 95 % Wilson interval of the share."""
    high: float
    """Its upper end."""
    unended: int
    """How many did not go on to a next statement: the token limit or the end of text came first."""
    samples: tuple[Sample, ...]
    """The first few, to look at."""


def signatures(documents: Sequence[Document], *, most: int, seed: int = 0) -> list[Prompt]:
    """`def name(arguments):` and a newline for top-level functions, no two alike, shuffled.

    Tests take no arguments and say little, so functions named `test...` are left out.
    """
    found: dict[str, Prompt] = {}
    for document in documents:
        tree = parsed(document.text) if document.path.endswith(".py") else None
        lines = document.text.splitlines(keepends=True)
        for node in tree.body if tree else ():
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("test"):
                result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
                signature = f"def {node.name}({ast.unparse(node.args)}){result}:\n"
                begin = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
                found.setdefault(signature, Prompt("".join(lines[: begin - 1]), signature))
    out = list(found.values())
    random.Random(seed).shuffle(out)
    return out[:most]


def cut(continuation: str) -> tuple[str, bool]:
    """The body that a continuation starts with, and whether the continuation went on after it.

    A string over several lines with one at the margin is cut too early, and so refused.
    """
    end = _NEXT_STATEMENT.search(continuation)
    return (continuation[: end.start()], True) if end else (continuation, False)


def is_function(prompt: str, body: str) -> bool:
    """Whether signature and body are one function that does something, as Python parses it."""
    tree = parsed(prompt + body)
    if tree is None or len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        return False
    return any(not _is_filler(statement) for statement in tree.body[0].body)


def _is_filler(statement: ast.stmt) -> bool:
    """A docstring or another constant on its own (`...`), or `pass`."""
    is_constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_constant or isinstance(statement, ast.Pass)


def score_functions(
    name: str,
    complete: Complete,
    prompts: Sequence[Prompt],
    *,
    temperature: float,
    seed: int = 0,
    keep: int = 6,
) -> FunctionScore:
    """Let a model finish every prompt once and count what parses. Raises ValueError for none."""
    if not prompts:
        raise ValueError("there is no function signature to complete; give Python files with some")
    texts = [prompt.before + prompt.signature for prompt in prompts]
    samples, unended = [], 0
    for prompt, continuation in zip(prompts, complete(texts, temperature, seed), strict=True):
        body, has_ended = cut(continuation)
        unended += not has_ended
        is_accepted = is_function(prompt.signature, body)
        samples.append(Sample(prompt=prompt.signature, body=body, accepted=is_accepted))
    accepted = sum(sample.accepted for sample in samples)
    low, high = wilson(accepted, len(samples))
    return FunctionScore(
        name=name,
        temperature=temperature,
        accepted=accepted,
        total=len(samples),
        share=accepted / len(samples),
        low=low,
        high=high,
        unended=unended,
        samples=tuple(samples[:keep]),
    )


def model_completer(
    model: GPT,
    tokenizer: BPE,
    *,
    max_tokens: int,
    prompt_tokens: int,
    batch_size: int,
    progress: Progress = silent,
) -> Complete:
    """Completion by a language model of the last `prompt_tokens` tokens of each prompt."""

    def more(texts: list[list[int]], limit: int, temperature: float, seed: int) -> list[list[int]]:
        return generate_batch(
            model,
            texts,
            max_tokens=limit,
            sampling=Sampling(temperature=temperature, seed=seed),
            stop_ids=[tokenizer.special_tokens[END_OF_TEXT]],
            batch_size=batch_size,
            progress=progress,
        )

    return _in_rounds(more, tokenizer, max_tokens, prompt_tokens)


def ngram_completer(
    model: NGram,
    tokenizer: BPE,
    *,
    max_tokens: int,
    prompt_tokens: int,
    progress: Progress = silent,
) -> Complete:
    """Completion by an n-gram model, under the same conditions."""

    def more(texts: list[list[int]], limit: int, temperature: float, seed: int) -> list[list[int]]:
        out = []
        with progress("generating", total=len(texts), unit="sequences") as advance:
            for index, text in enumerate(texts):
                ids = model.generate(
                    text,
                    max_tokens=limit,
                    temperature=temperature,
                    seed=seed * len(texts) + index,
                    stop_ids=[tokenizer.special_tokens[END_OF_TEXT]],
                )
                out.append(ids)
                advance(1)
        return out

    return _in_rounds(more, tokenizer, max_tokens, prompt_tokens)


def _in_rounds(
    more: Callable[[list[list[int]], int, float, int], list[list[int]]],
    tokenizer: BPE,
    max_tokens: int,
    prompt_tokens: int,
) -> Complete:
    """Completion some tokens at a time; what has come to the next statement is not gone on with."""
    end = tokenizer.special_tokens[END_OF_TEXT]

    def complete(prompts: list[str], temperature: float, seed: int) -> list[str]:
        starts = [[end, *tokenizer.encode(prompt)][-prompt_tokens:] for prompt in prompts]
        written: list[list[int]] = [[] for _ in prompts]
        active = list(range(len(prompts)))
        for done in range(0, max_tokens, _ROUND):
            limit = min(_ROUND, max_tokens - done)
            texts = [starts[i] + written[i] for i in active]
            for i, ids in zip(active, more(texts, limit, temperature, seed + done), strict=True):
                written[i] += ids
            is_full = {i: len(written[i]) == done + limit for i in active}
            active = [i for i in active if is_full[i] and not cut(tokenizer.decode(written[i]))[1]]
            if not active:
                break
        return [tokenizer.decode(ids) for ids in written]

    return complete
