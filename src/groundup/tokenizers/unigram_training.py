"""Learning a Unigram vocabulary: begin with far too many pieces, and drop what is missed least.

Each piece has a probability, and a word's is the sum over all its segmentations. EM makes the words
as probable as it can; then the pieces whose loss would cost the least likelihood go; and so on,
until the vocabulary has its size.

Source: Kudo (2018), section 3.2; what that leaves open (seeds, the digamma function, losses) as
sentencepiece does it, Kudo and Richardson (2018). Two things differ from sentencepiece: seeds are
repeated substrings of the different words, not of the running text, so one that is always followed
by a space is among them; and one cut off at the longest length is, too.

Here are the plain functions; `groundup.kernels.unigram_training` holds their fast twins.
Leaves out pieces that must be in and pieces that hold several words.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from groundup.observe.progress import Progress, silent
from groundup.swap import is_replaced, replaceable
from groundup.tokenizers.compiling import compiling
from groundup.tokenizers.lattice import TIE, Lattice
from groundup.tokenizers.normalize import Normalizer, normalize
from groundup.tokenizers.scripts import COMMON, INHERITED, scripts
from groundup.tokenizers.texts import read_texts
from groundup.tokenizers.unigram_definition import UNKNOWN_PENALTY

SPACE = "▁"
"""Stands for a space in pieces, so that a piece says whether it begins a word."""
ANY, LEFT_OUT = 0, -1
"""Classes of characters, beside those of `scripts`: joins any script; is in no piece."""
_RUNS = re.compile(r" +(?= )| [^ ]*")
_LEAST_COUNT = 0.5


@dataclass(frozen=True, kw_only=True)
class UnigramTraining:
    """How a vocabulary is learnt; the defaults are sentencepiece's.

    Raises ValueError if a number is out of range.
    """

    max_piece_length: int = 16
    """The most characters a piece has."""
    seed_size: int = 1_000_000
    """How many substrings training begins with, beside the characters."""
    shrinking_factor: float = 0.75
    """The share of the pieces that a round of pruning keeps."""
    sub_iterations: int = 2
    """Rounds of EM before each pruning."""
    split_by_script: bool = True
    """Whether a piece has characters of one script only: letters, or digits and signs."""
    space_runs: bool = False
    """Whether several spaces may be one piece, as suits code; "allow_whitespace_only_pieces"."""

    def __post_init__(self) -> None:
        for name in ("max_piece_length", "seed_size", "sub_iterations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not 0 < self.shrinking_factor < 1:
            raise ValueError(f"shrinking_factor is {self.shrinking_factor}; wanted 0 < it < 1")


DEFAULTS = UnigramTraining()


def count_words(
    texts: Iterable[str | Path],
    normalizers: Sequence[Normalizer] = (),
    *,
    space_runs: bool = False,
    progress: Progress = silent,
) -> Counter[str]:
    """How often each word occurs; a word begins with `SPACE` and goes on to the next space.

    A text begins as if a space stood in front of it. Line ends are characters like any other. With
    `space_runs`, of several spaces all but the last are one word.
    """
    counts = Counter[str]()
    with progress("counting words", unit="characters") as advance:
        for text in read_texts(texts):
            if plain := normalize(normalizers, text).replace(SPACE, " "):
                counts.update(_RUNS.findall(" " + plain) if space_runs else plain.split(" "))
            advance(len(text))
    front = "" if space_runs else SPACE
    words = Counter[str]()
    while counts:  # one by one, so that there is never room for both
        word, count = counts.popitem()
        words[front + word.replace(" ", SPACE)] = count
    return words


def required_characters(counts: Mapping[str, int], coverage: float) -> list[str]:
    """The most frequent characters, as few as make up this share of all; most frequent first."""
    required: list[str] = []
    wanted, so_far = coverage * sum(counts.values()), 0
    for character, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if coverage < 1 and so_far >= wanted:
            break
        required.append(character)
        so_far += count
    return required


def classes(
    characters: Iterable[str], required: Iterable[str], *, by_script: bool
) -> dict[str, int]:
    """For `cut_words`: what may stand together in a piece."""
    found = dict.fromkeys(characters, LEFT_OUT)
    kept = "".join(required)
    found |= scripts(kept) if by_script else dict.fromkeys(kept, COMMON)
    return found | ({SPACE: ANY} if SPACE in kept else {})


def cut_words(words: Mapping[str, int], kinds: Mapping[str, int]) -> Counter[str]:
    """The words cut where the class of their characters changes, without what is left out.

    No piece may reach across such a place, so nothing is lost, and there are far fewer different
    words then.
    """
    runs = Counter[str]()
    for word, count in words.items():
        run, before = "", ANY
        for character in word:
            kind = kinds[character]
            if kind == LEFT_OUT or (kind > 0 and before not in (ANY, kind)):
                runs[run] += count
                run = ""
            if kind != LEFT_OUT:
                run += character
            if kind != INHERITED:
                before = ANY if kind == LEFT_OUT else kind
        runs[run] += count
    del runs[""]
    return Counter(dict(sorted(runs.items())))


def seed_pieces(words: Mapping[str, int], options: UnigramTraining) -> dict[str, float]:
    """All characters, and the substrings that cover most: frequency times length.

    A substring that is always followed by the same character is left to the longer one, unless it
    has the greatest length already. In alphabetical order, as log probabilities.
    """
    frequency = Counter[str]()
    for word, count in words.items():
        for start in range(len(word)):
            for end in range(start + 1, min(start + options.max_piece_length, len(word)) + 1):
                frequency[word[start:end]] += count
    longer: defaultdict[str, int] = defaultdict(int)
    for text, count in frequency.items():
        longer[text[:-1]] = max(longer[text[:-1]], count)
    cover = {text: count for text, count in frequency.items() if len(text) == 1}
    repeated = {
        text: count * len(text)
        for text, count in frequency.items()
        if len(text) > 1 and count >= 2 and longer[text] < count
    }
    ordered = sorted(repeated.items(), key=lambda item: (-item[1], item[0]))
    cover |= dict(islice(ordered, options.seed_size))
    total = sum(cover.values())
    return {text: math.log(count / total) for text, count in sorted(cover.items())}


def lattice(word: str, pieces: Mapping[str, float]) -> Lattice:
    """All segmentations of a word."""
    unknown = min(pieces.values(), default=0.0) - UNKNOWN_PENALTY
    longest = max(map(len, pieces), default=1)
    return Lattice(word, pieces, longest=longest, unknown=unknown)


@replaceable
def expected_counts(
    words: Mapping[str, int], pieces: Mapping[str, float]
) -> tuple[dict[str, float], float]:
    """The E step: how often each piece is expected, and the log probability of all words."""
    expected = dict.fromkeys(pieces, 0.0)
    likelihood = 0.0
    for word, count in words.items():
        marginals, total = lattice(word, pieces).marginals()
        likelihood += count * total
        for edge, probability in marginals:
            if edge.is_known:
                expected[word[edge.start : edge.end]] += count * probability
    return expected, likelihood


@replaceable
def maximise(expected: Mapping[str, float]) -> dict[str, float]:
    """The M step: new log probabilities, ψ(count) - ψ(sum of counts), for counts of 0.5 or more.

    With log in ψ's place it would be the maximum likelihood; ψ(x) ≈ log(x - 1/2) takes from the
    rare and so keeps the vocabulary sparse: EM under a Dirichlet prior, Liang and Klein (2007).
    """
    kept = {piece: n for piece, n in expected.items() if np.float32(n) >= _LEAST_COUNT}
    total = digamma(sum(kept.values())) if kept else 0.0
    return {piece: digamma(count) - total for piece, count in kept.items()}


def digamma(x: float) -> float:
    """The slope of log Γ, for x > 0: climb to 7 by ψ(x) = ψ(x + 1) - 1/x, then a series in 1/x²."""
    result = 0.0
    while x < 7:
        result -= 1 / x
        x += 1
    inverse = 1 / (x * x)
    series = inverse * (1 / 12 - inverse * (1 / 120 - inverse * (1 / 252 - inverse / 240)))
    return result + math.log(x) - 0.5 / x - series


@replaceable
def losses(words: Mapping[str, int], pieces: Mapping[str, float]) -> dict[str, float]:
    """How much likelihood each piece's removal would cost.

    `count * (log p - log p')`: p is the piece's share in the words' best segmentations, p' the
    product of its next best segmentation's shares after that took its place. Infinite where there
    is no other segmentation; minus infinite where the piece is not used, or is better cut in two.
    """
    found = Counter[str]()
    for word, count in words.items():
        for edge in lattice(word, pieces).best(tie=TIE).edges:
            if edge.is_known:
                found[word[edge.start : edge.end]] += count
    total = sum(found.values())
    result = dict.fromkeys(pieces, -math.inf)
    for piece in found:
        count = found[piece]
        other = lattice(piece, pieces).best(tie=TIE, without=piece)
        if len(piece) == 1 or not all(edge.is_known for edge in other.edges):
            result[piece] = math.inf
        elif other.score <= pieces[piece] + TIE:
            parts = [piece[edge.start : edge.end] for edge in other.edges]
            new_total = math.log(total + count * (len(parts) - 1))
            after = sum(math.log(found[part] + count) - new_total for part in parts)
            result[piece] = count * (math.log(count) - math.log(total) - after)
    return result


def prune(words: Mapping[str, int], pieces: Mapping[str, float], size: int) -> dict[str, float]:
    """The `size` pieces whose removal would cost most; the first of equal ones."""
    loss = losses(words, pieces)
    best = sorted(pieces, key=lambda piece: -float(np.float32(loss[piece])))
    room = max(size, sum(loss[piece] == math.inf for piece in pieces))
    kept = {piece for piece in best[:room] if loss[piece] > -math.inf}
    return {piece: score for piece, score in pieces.items() if piece in kept}


def learn_pieces(
    words: Mapping[str, int],
    *,
    size: int,
    options: UnigramTraining,
    advance: Callable[..., None] = lambda **_: None,
) -> dict[str, float]:
    """Pieces with log probabilities, about 1.1 * `size` of them; `words` as from `cut_words`."""
    pieces = seed_pieces(words, options)
    wanted = int(1.1 * size)
    while True:
        for _ in range(options.sub_iterations):
            expected, _ = expected_counts(words, pieces)
            pieces = maximise(expected)
            advance(note=f"{len(pieces):,} pieces")
        before = len(pieces)
        if before > wanted:
            pieces = prune(words, pieces, max(wanted, int(options.shrinking_factor * before)))
        if before <= wanted or len(pieces) == before:
            return pieces


def finish(
    pieces: Mapping[str, float], required: Sequence[str], size: int
) -> list[tuple[str, float]]:
    """The `size` best pieces, all required characters among them; the most probable first.

    A character that EM has dropped gets the lowest score, rarer ones a trifle less.
    """
    lowest = min(pieces.values(), default=0.0)
    chosen = {c: pieces.get(c, lowest - 1e-4 * i) for i, c in enumerate(required, start=1)}
    best = sorted(pieces.items(), key=lambda item: (-item[1], item[0]))
    others = (item for item in best if item[0] not in chosen)
    chosen |= dict(islice(others, max(0, size - len(chosen))))
    return sorted(chosen.items(), key=lambda item: (-item[1], item[0]))


def train_pieces(
    words: Mapping[str, int],
    *,
    vocab_size: int,
    reserved: int = 0,
    coverage: float = 0.9995,
    options: UnigramTraining,
    progress: Progress = silent,
) -> list[tuple[str, float]]:
    """`vocab_size - reserved` pieces with log probabilities, from `count_words`' words.

    By the fast twins, unless a learner's function stands in for a plain one. Raises ValueError if
    there are no words, or the required characters have no room.
    """
    from groundup.kernels import unigram_training as fast

    if not words:
        raise ValueError("the texts hold no characters; Unigram needs some to learn from")
    gathered = fast.gather(words)
    counts = dict(gathered.character_counts())
    required = required_characters(counts, coverage)
    size = vocab_size - reserved
    if len(required) > size:
        raise ValueError(
            f"vocab_size is {vocab_size}; {reserved} special tokens and bytes, and "
            f"{len(required)} characters that must be pieces, make at least "
            f"{reserved + len(required)}: ask for more, or lower character_coverage"
        )
    kinds = classes(counts, required, by_script=options.split_by_script)
    with progress("learning pieces", unit="rounds") as advance:
        if is_replaced(expected_counts) or is_replaced(maximise) or is_replaced(losses):
            runs = cut_words(words, kinds)
            pieces = learn_pieces(runs, size=size, options=options, advance=advance)
        else:
            del words  # the largest there is
            _warm_up()
            gathered = gathered.cut(kinds)
            pieces = fast.learn_pieces(gathered, size=size, options=options, advance=advance)
    return finish(pieces, required, size)


def _warm_up() -> None:
    from groundup.kernels import unigram_training as fast

    with compiling(*fast.kernels()):
        words = fast.gather({"ab": 3, "abab": 2}).cut({"a": COMMON, "b": COMMON})
        fast.learn_pieces(words, size=1, options=DEFAULTS, advance=lambda **_: None)
