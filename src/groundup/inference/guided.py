"""Guided answers: a JSON schema, a regular expression, a choice or a grammar, as masks over tokens.

Before each draw the grammar says which tokens may come next, so that whatever is drawn, the answer
fits. The automaton over bytes, and the walk through the vocabulary that makes a mask of it, are
llguidance's (Moskal et al., 2025), which takes some 50 microseconds a token and has been hardened
for years; this file builds its vocabulary from our tokenizer and keeps strangers' grammars within
bounds. It is installed with `groundup[serve]`, and imported when the first grammar is made.

Left out: what llguidance leaves out ("not", "oneOf" that overlaps, look-around, back-references;
each is a ValueError that says so), and drafts while an answer is guided.
"""

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from groundup.tokenizers.stream import TokenBytes
from groundup.tokenizers.tokenizer import checked

MOST_CHARACTERS = 100_000
"""Of a schema, or of all choices together."""
MOST_CHARACTERS_OF_A_GRAMMAR = 5_000
"""Of a regular expression or a grammar; those of terminals that name each other take longest."""
MOST_MULTIPLES = 10_000
"""Product of a schema's different "multipleOf": states of the automaton that divides."""
SECONDS = 1.0
"""Of the processor, for an answer's masks together, beyond `SECONDS_A_TOKEN` for each."""
SECONDS_A_TOKEN = 0.005
"""A hundred times what they usually take. An ambiguous grammar needs more at every token than at
the one before, and all other answers wait for it."""
_WHITE_SPACE = r" ?|\n {0,16}"  # between JSON's parts: what people write, and no endless run of it
_STACK_SIZE_LOCK = threading.Lock()
_STACK = 256 * 2**20  # bytes, of address space: a chain of references is followed by recursion


class Vocabulary(TokenBytes, Protocol):
    """What is needed of a tokenizer."""

    special_tokens: dict[str, int]

    @property
    def vocab_size(self) -> int:
        """The highest id plus one."""
        ...

    def encode_ordinary(self, text: str) -> list[int]:
        """The ids of a text."""
        ...


class TokenGrammar:
    """A `request.Grammar`: where one answer stands in what it may be."""

    def __init__(
        self, matcher: Any, size: int, clock: Callable[[], float] = time.thread_time
    ) -> None:
        """`matcher`: llguidance's; `size`: how many tokens it knows; `clock`: in seconds."""
        self._matcher = matcher
        self._words = np.zeros(-(-size // 32), np.uint32)
        self._clock = clock
        self._seconds = 0.0
        self._accepted = 0

    def copy(self) -> "TokenGrammar":
        """Another answer that stands where this one does."""
        return TokenGrammar(self._matcher.deep_copy(), 32 * len(self._words), self._clock)

    def mask(self) -> NDArray[np.uint32]:
        """The tokens that may come next, as bits; valid until the next call.

        Raises ValueError if the grammar has become too large to go on with.
        """
        words = self._words
        with self._timed():
            self._matcher.unsafe_compute_mask_ptr(words.ctypes.data, words.nbytes)
        self._refuse_error()
        return words

    def accept(self, token: int) -> None:
        """Go on after this token. Raises ValueError if it may not stand here."""
        with self._timed():
            is_accepted = self._matcher.consume_token(token)
        if not is_accepted:
            self._refuse_error()
            raise ValueError(f"token {token} is not one that may stand here")
        self._accepted += 1

    def is_finished(self) -> bool:
        """Whether nothing but an end token can follow."""
        return bool(self._matcher.is_stopped()) and not self._matcher.is_error()

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        """Raises ValueError once the grammar has taken too long."""
        began = self._clock()
        yield
        self._seconds += self._clock() - began
        if self._seconds > SECONDS + SECONDS_A_TOKEN * self._accepted:
            raise ValueError(
                f"the grammar cannot go on: {self._accepted} tokens took {self._seconds:.1f} s; "
                "make it less ambiguous, so that a text can be read in one way only"
            )

    def _refuse_error(self) -> None:
        if self._matcher.is_error():
            raise ValueError(f"the grammar cannot go on: {_first_line(self._matcher)}")


class Grammars:
    """Makes grammars over one vocabulary. Safe to use from several threads."""

    def __init__(
        self, tokenizer: Vocabulary, *, vocab_size: int | None = None, end_ids: Collection[int] = ()
    ) -> None:
        """`vocab_size`: the model's, where it is larger; `end_ids`: the tokens that end an answer.

        Reads the whole vocabulary: 0.8 s for 49,152 tokens, 0.4 s a second time. Raises
        ImportError, with what to install, without llguidance.
        """
        self._library = _library()
        self._size = max(vocab_size or 0, tokenizer.vocab_size)
        ends = sorted(end_ids) or [self._size]  # an id no model can draw
        self._tokenizer = self._library.LLTokenizer(
            _wrapped(tokenizer, max(self._size, ends[-1] + 1), ends[0]), eos_token=ends
        )

    def json_schema(self, schema: Mapping[str, Any] | str) -> TokenGrammar:
        """JSON that the schema allows. Raises ValueError for one that is none, or not supported."""
        text, parsed = _read(schema)
        _check_length("schema", text, MOST_CHARACTERS)
        if not isinstance(parsed, dict):
            raise ValueError(
                f"the schema is {text[:40]}; it must be an object, as {{}} for any JSON"
            )
        _check_multiples(parsed)
        options = {"whitespace_pattern": _WHITE_SPACE}
        return self._made(
            "schema",
            lambda: self._library.LLMatcher.grammar_from_json_schema(text, overrides=options),
        )

    def json_object(self) -> TokenGrammar:
        """Any JSON object."""
        return self.json_schema({"type": "object"})

    def regex(self, pattern: str) -> TokenGrammar:
        r"""What the whole of the expression matches; `\d` is 0 to 9. Raises ValueError.

        The syntax is Rust's: no look-around, no back-references.
        """
        _check_length("regular expression", pattern, MOST_CHARACTERS_OF_A_GRAMMAR)
        lark = self._library.regex_to_lark(pattern, "d")
        return self._lark("regular expression", f"start: /{lark}/")

    def choices(self, texts: Sequence[str]) -> TokenGrammar:
        """One of these texts. Raises ValueError if there is none."""
        if not texts:
            raise ValueError("there are no choices; give at least one text")
        _check_length("list of choices", "".join(texts), MOST_CHARACTERS)
        return self._lark("list of choices", "start: " + " | ".join(map(json.dumps, texts)))

    def grammar(self, text: str) -> TokenGrammar:
        """A context-free grammar: llguidance's dialect of Lark, or GBNF. Raises ValueError."""
        _check_length("grammar", text, MOST_CHARACTERS_OF_A_GRAMMAR)
        return self._made("grammar", lambda: self._library.grammar_from("grammar", text))

    def _lark(self, kind: str, text: str) -> TokenGrammar:
        return self._made(kind, lambda: self._library.LLMatcher.grammar_from_lark(text))

    def _made(self, kind: str, source: Callable[[], str]) -> TokenGrammar:
        """Compile, and look whether anything can be written at all."""
        matcher = _with_a_large_stack(
            kind, lambda: self._library.LLMatcher(self._tokenizer, source(), log_level=0)
        )
        if matcher.is_error():
            raise ValueError(f"the {kind} cannot be used: {_first_line(matcher)}")
        grammar = TokenGrammar(matcher, self._size)
        try:
            grammar.mask()
        except ValueError as problem:
            raise ValueError(f"nothing fits the {kind}: {_first_line(matcher)}") from problem
        return grammar


def _library() -> Any:
    try:
        import llguidance
    except ImportError as problem:
        raise ImportError(
            "guided answers need llguidance; install it with: pip install 'groundup[serve]'"
        ) from problem
    return llguidance


def _wrapped(tokenizer: Vocabulary, size: int, end: int) -> Any:
    """The vocabulary as llguidance reads it; an id that stands for nothing is never allowed."""
    tokens = [b""] * size
    for token in range(tokenizer.vocab_size):
        with contextlib.suppress(ValueError):  # a gap in the vocabulary
            tokens[token] = tokenizer.token_bytes(token)
    special = sorted({*tokenizer.special_tokens.values(), end})
    return _library().TokenizerWrapper(_Wrapped(tokenizer, tokens, special, end))


class _Wrapped:
    """What llguidance asks of a tokenizer."""

    bos_token_id = None

    def __init__(
        self, tokenizer: Vocabulary, tokens: list[bytes], special: list[int], end: int
    ) -> None:
        self._tokenizer = tokenizer
        self.tokens = tokens
        self.special_token_ids = special
        self.eos_token_id = end

    def __call__(self, text: str) -> list[int]:
        return self._tokenizer.encode_ordinary(text)


def _with_a_large_stack(kind: str, compiled: Callable[[], Any]) -> Any:
    """Run in a thread of its own, whose stack a long chain of references does not exhaust."""
    with ThreadPoolExecutor(1, thread_name_prefix="grammar") as pool:
        with _STACK_SIZE_LOCK:  # the size is the process's, for threads that start meanwhile
            before = threading.stack_size(_STACK)
            try:
                result = pool.submit(compiled)
            finally:
                threading.stack_size(before)
        try:
            return result.result()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as problem:  # a panic of the library is no Exception
            raise ValueError(f"the {kind} cannot be read: {_short(str(problem))}") from problem


def _read(schema: Mapping[str, Any] | str) -> tuple[str, Any]:
    """A schema as text, and what that says."""
    try:
        text = schema if isinstance(schema, str) else json.dumps(schema, allow_nan=False)
        return text, json.loads(text)
    except (TypeError, ValueError) as problem:
        raise ValueError(f"the schema is no JSON: {problem}") from problem
    except RecursionError:
        raise ValueError("the schema is nested too deeply; make it flatter") from None


def _check_length(kind: str, text: str, most: int) -> None:
    checked(text)
    if len(text) > most:
        raise ValueError(
            f"the {kind} is {len(text)} characters long; at most {most} are taken: make it shorter"
        )


def _check_multiples(schema: Any) -> None:
    """Refuse "multipleOf" of large numbers: an automaton of so many states takes minutes."""
    found: set[int] = set()
    left = [schema]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            number = node.get("multipleOf")
            if isinstance(number, int | float) and math.isfinite(number):
                found.add(abs(Fraction(str(number)).numerator))
            left += node.values()
        elif isinstance(node, list):
            left += node
    if math.prod(found - {0}) > MOST_MULTIPLES:
        raise ValueError(
            f"the schema's multipleOf are {sorted(found)[:5]}; "
            f"the product of them all may be at most {MOST_MULTIPLES}"
        )


def _first_line(matcher: Any) -> str:
    return _short(str(matcher.get_error()))


def _short(message: str) -> str:
    """The first line: what follows is the state of the parser, or the grammar again."""
    return (message.splitlines() or ["no reason is given"])[0][:300]
