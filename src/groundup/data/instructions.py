"""Conversations for instruction tuning, made from the corpus itself: nothing in them is invented.

From Python source, read with `ast`:
- "Write a function ..." with a docstring's first paragraph -> the function's own source;
- questions about what the source says (what a function does, its arguments, its defaults, where it
  is defined, a class's methods and bases) -> the answer the source gives.
From other text: "Continue this text" -> how it goes on.

One conversation is one question and one answer. Self-instruction in the sense of Wang et al. (2023)
without the teacher: phrasings are templates, so the tuned model learns to answer, not to reason.
"""

import hashlib
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from groundup.data.corpus import Document
from groundup.data.facts import Pair, facts_of, sentences
from groundup.tokenizers.chat_template import Message


@dataclass(frozen=True, kw_only=True)
class InstructionsConfig:
    """How conversations are made from documents."""

    seed: int = 0
    """Chooses phrasings and, where there is a limit, the conversations that are kept."""
    most_code: int = 1500
    """Longest source of a function, in characters."""
    most_answer: int = 500
    """Longest answer in words, in characters."""
    most_each: int | None = None
    """At most this many conversations of each kind; all without it."""
    skip_tests: bool = True
    """Leave out tests, which rarely say what they do."""

    def __post_init__(self) -> None:
        """Refuse lengths that leave nothing."""
        for name in ("most_code", "most_answer", "most_each"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")


PHRASINGS: dict[str, tuple[str, ...]] = {
    "write": (
        "Write a Python function `{signature}`: {doc}",
        "Write `{signature}` in Python. {doc}",
        "Implement a Python function `{signature}`. {doc}",
        "How would you write a function `{signature}`? {doc}",
    ),
    "does": (
        "What does `{place}` do?",
        "Explain `{place}`.",
        "What is `{place}` for?",
        "Describe what `{place}` does.",
    ),
    "arguments": (
        "Which arguments does `{place}` take?",
        "What are the parameters of `{place}`?",
        "How is `{place}` called?",
    ),
    "default": (
        "What is the default of `{argument}` in `{place}`?",
        "Which value does `{argument}` have in `{place}` if it is not given?",
    ),
    "where": (
        "In which module is `{name}` defined?",
        "Where is `{name}` defined?",
        "Which module defines `{name}`?",
    ),
    "methods": (
        "Which methods has the class `{place}`?",
        "What methods does `{place}` have?",
        "List the methods of `{place}`.",
    ),
    "bases": (
        "What is the base class of `{place}`?",
        "Which class does `{place}` inherit from?",
    ),
    "continue": (
        "Continue this text: {start}",
        "How does this go on? {start}",
        "Complete the following text: {start}",
    ),
}
"""The user's words by kind; several of each, so that the model learns the question, not a form."""


def conversations(
    documents: Iterable[Document], config: InstructionsConfig | None = None
) -> list[list[Message]]:
    """All conversations the documents give, shuffled; the same for the same documents and seed.

    Give it one split's documents and it knows nothing of the other's. No two conversations ask the
    same: where two documents would (two functions `main(argv)`), the first one answers. Where the
    documents give nothing, they are all read as plain text. Raises ValueError when that gives
    nothing either.
    """
    config = config or InstructionsConfig()
    documents = list(documents)
    found = _unlike(pair for document in documents for pair in pairs(document, config))
    if not found:
        found = _unlike(
            pair for document in documents for pair in _text_pairs(document.text, config)
        )
    if not found:
        raise ValueError(
            f"none of the {len(documents)} documents gives a conversation: there is no function "
            "with a docstring, no class, and no text of two sentences; give a larger corpus"
        )
    random.Random(config.seed).shuffle(found)
    kept = _limited(found, config.most_each)
    return [
        [_message("user", _phrase(pair, config.seed)), _message("assistant", pair.answer)]
        for pair in kept
    ]


def pairs(document: Document, config: InstructionsConfig) -> Iterator[Pair]:
    """What one document has to ask and to answer, within the config's lengths."""
    if not document.path.endswith(".py"):
        yield from _text_pairs(document.text, config)
    elif not (config.skip_tests and _is_test_file(document.path)):
        for pair in facts_of(document.path, document.text, skip_tests=config.skip_tests):
            most = config.most_code if pair.kind == "write" else config.most_answer
            words = max(map(len, pair.facts.values()))
            if len(pair.answer) <= most and words <= config.most_answer:
                yield pair


def _is_test_file(path: str) -> bool:
    *folders, name = path.split("/")
    return name.startswith("test_") or not {"test", "tests"}.isdisjoint(folders)


def _text_pairs(text: str, config: InstructionsConfig) -> Iterator[Pair]:
    """Each paragraph's first half asks and its second half answers; short ones are joined."""
    held: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        held += [line for sentence in sentences(paragraph) for line in _bounded(sentence, config)]
        if len(held) >= 2 and sum(map(len, held)) >= 120:
            yield _halves(held, config)
            held = []
    if len(held) >= 2:
        yield _halves(held, config)


def _bounded(sentence: str, config: InstructionsConfig) -> list[str]:
    """A sentence that is longer than an answer may be, as lines that are not."""
    if len(sentence) <= config.most_answer:
        return [sentence] if sentence else []
    width = config.most_answer
    return [sentence[i : i + width] for i in range(0, len(sentence), width)]


def _halves(parts: list[str], config: InstructionsConfig) -> Pair:
    middle = (len(parts) + 1) // 2
    answer = ""
    for part in parts[middle:]:
        if answer and len(answer) + len(part) + 1 > config.most_answer:
            break
        answer = f"{answer} {part}".strip()
    return Pair("continue", {"start": " ".join(parts[:middle])[-config.most_answer :]}, answer)


def _phrase(pair: Pair, seed: int) -> str:
    """One of the kind's phrasings, chosen by the seed and the facts."""
    ways = PHRASINGS[pair.kind]
    digest = hashlib.sha256(f"{seed}:{_sameness(pair)}".encode()).digest()
    return ways[digest[0] % len(ways)].format(**pair.facts)


def _sameness(pair: Pair) -> str:
    """Equal for two pairs that ask the same, however they are phrased."""
    return f"{pair.kind}:{sorted(pair.facts.items())}"


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _unlike(found: Iterable[Pair]) -> list[Pair]:
    """The first of all pairs that ask the same."""
    first: dict[str, Pair] = {}
    for pair in found:
        first.setdefault(_sameness(pair), pair)
    return list(first.values())


def _limited(found: list[Pair], most_each: int | None) -> Iterator[Pair]:
    counts: dict[str, int] = {}
    for pair in found:
        counts[pair.kind] = counts.get(pair.kind, 0) + 1
        if most_each is None or counts[pair.kind] <= most_each:
            yield pair
