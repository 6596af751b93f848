"""WordPiece, BERT's tokenizer: a word is cut into the longest tokens there are, from the left.

A token that continues a word begins with "##": "tokenizing" is `token ##izing`. A word that cannot
be cut so becomes the unknown token as a whole.

Source: Schuster and Nakajima (2012); Devlin et al. (2019), whose released code is what
`encode_piece` does. How the vocabulary is learnt is in `groundup.tokenizers.wordpiece_training`.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Self

from groundup.observe.progress import Progress, silent
from groundup.tokenizers.bert_normalizer import BertNormalizer
from groundup.tokenizers.definition import Frame
from groundup.tokenizers.normalize import Normalizer
from groundup.tokenizers.pieces import PieceTokenizer, Segment, count_pieces
from groundup.tokenizers.post_process import Template, bert
from groundup.tokenizers.pre_tokenize import BERT, PreTokenizer
from groundup.tokenizers.tokenizer_json import Json, frame_json, read_frame, read_vocabulary
from groundup.tokenizers.wordpiece_training import Score, learn_vocabulary
from groundup.tokenizers.words import UNKNOWN_TOKEN, check_special_tokens

SPECIAL_TOKENS = ("[PAD]", UNKNOWN_TOKEN, "[CLS]", "[SEP]", "[MASK]")
"""BERT's; they get the first ids."""
CONTINUES = "##"
"""What a token begins with that continues a word."""
_LONGEST_WORD = 100
_CACHED_WORDS = 1 << 17
_CLEANED = re.compile(r" (?=[.?!,]|n't|'m|'s|'ve|'re)")


class WordPiece(PieceTokenizer):
    """Words cut into the longest tokens of a vocabulary, from the left."""

    drops_first_space = True

    def __init__(
        self,
        vocabulary: dict[str, int],
        frame: Frame,
        *,
        unknown_token: str = UNKNOWN_TOKEN,
        longest_word: int = _LONGEST_WORD,
        cleans_up: bool = True,
    ) -> None:
        """`longest_word`: characters; a longer one is unknown, whatever is in it.

        `cleans_up`: whether decoding leaves out the space before full stops and the like.
        Raises ValueError if the unknown token is not one of the special tokens.
        """
        super().__init__(frame)
        if unknown_token not in frame.special_tokens:
            raise ValueError(
                f"the unknown token {unknown_token!r} is not one of the special tokens "
                f"{sorted(frame.special_tokens)}"
            )
        self.unknown_token = unknown_token
        self.longest_word = longest_word
        self.cleans_up = cleans_up
        self.vocabulary = vocabulary | frame.special_tokens | frame.added_tokens
        # A special token's name in a text is plain text, so cutting does not know it.
        self._ids = {text: i for text, i in vocabulary.items() if text not in frame.special_tokens}
        self._longest = max(map(len, self._ids), default=0)
        self._unknown = frame.special_tokens[unknown_token]
        self._cache: dict[str, list[Segment]] = {}

    @classmethod
    def train(
        cls,
        texts: Iterable[str | Path],
        *,
        vocab_size: int,
        special_tokens: Sequence[str] = SPECIAL_TOKENS,
        min_frequency: int = 0,
        score: Score = "frequency",
        normalizers: Sequence[Normalizer] = (BertNormalizer(),),
        pre_tokenizers: Sequence[PreTokenizer] = (BERT,),
        progress: Progress = silent,
    ) -> Self:
        """Learn a vocabulary from texts, or from files; see `wordpiece_training`.

        Raises ValueError if `vocab_size` has no room for the special tokens and the characters of
        the texts, or the unknown token is not among the special tokens.
        """
        check_special_tokens(special_tokens, vocab_size)
        counts = count_pieces(texts, normalizers, pre_tokenizers, progress)
        with progress("learning tokens", total=vocab_size, unit="tokens") as advance:
            tokens = learn_vocabulary(
                counts,
                vocab_size=vocab_size,
                special_tokens=special_tokens,
                min_frequency=min_frequency,
                score=score,
                advance=advance,
            )
        special = {name: i for i, name in enumerate(special_tokens)}
        frame = Frame(
            special_tokens=special,
            normalizers=tuple(normalizers),
            pre_tokenizers=tuple(pre_tokenizers),
            post_processor=_template(special),
        )
        return cls({text: i for i, text in enumerate(tokens)}, frame)

    def encode_piece(self, piece: str) -> Sequence[Segment]:
        """The longest tokens from the left, or the unknown token for the whole word."""
        known = self._cache.get(piece)
        if known is None:
            if len(self._cache) >= _CACHED_WORDS:
                self._cache.clear()
            known = self._cache[piece] = self._cut(piece)
        return known

    def _cut(self, word: str) -> list[Segment]:
        segments: list[Segment] = []
        start = 0
        while start < len(word) <= self.longest_word:
            segment = self._longest_token(word, start)
            if segment is None:
                break
            segments.append(segment)
            start = segment.end
        return segments if start == len(word) else [Segment(self._unknown, 0, len(word))]

    def _longest_token(self, word: str, start: int) -> Segment | None:
        prefix = CONTINUES if start else ""
        for end in range(min(len(word), start + self._longest), start, -1):
            token = self._ids.get(prefix + word[start:end])
            if token is not None:
                return Segment(token, start, end)
        return None

    def _bytes_of_ids(self) -> dict[int, bytes]:
        """Each token's text, behind a space if it begins a word.

        The first of a text loses the space, and also its "##", which Hugging Face's decoder keeps
        there.
        """
        texts = {
            token: text.removeprefix(CONTINUES) if text.startswith(CONTINUES) else " " + text
            for text, token in self.vocabulary.items()
        }
        clean = _cleaned if self.cleans_up else str
        return {token: clean(text).encode() for token, text in texts.items()}

    def to_json(self) -> dict[str, Any]:
        """The contents of tokenizer.json."""
        model: Json = {
            "type": "WordPiece",
            "unk_token": self.unknown_token,
            "continuing_subword_prefix": CONTINUES,
            "max_input_chars_per_word": self.longest_word,
            "vocab": dict(sorted(self.vocabulary.items(), key=lambda item: item[1])),
        }
        decoder = {"type": "WordPiece", "prefix": CONTINUES, "cleanup": self.cleans_up}
        return frame_json(self.frame, model=model, decoder=decoder)

    @classmethod
    def from_json(cls, data: dict[str, Any], config: dict[str, Any]) -> Self:
        """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""
        model = data["model"]
        vocabulary = read_vocabulary(model, kind="WordPiece")
        if model.get("continuing_subword_prefix", CONTINUES) != CONTINUES:
            raise ValueError(
                f"its tokens continue a word with {model['continuing_subword_prefix']!r}; "
                f"only {CONTINUES!r} is built"
            )
        return cls(
            vocabulary,
            read_frame(data, config),
            unknown_token=model["unk_token"],
            longest_word=int(model.get("max_input_chars_per_word", _LONGEST_WORD)),
            cleans_up=(data.get("decoder") or {}).get("cleanup", True) is True,
        )


def _template(special_tokens: dict[str, int]) -> Template | None:
    return bert() if {"[CLS]", "[SEP]"} <= special_tokens.keys() else None


def _cleaned(text: str) -> str:
    """A token's text as English prints it: no space before a full stop, or the n't of don't."""
    return _CLEANED.sub("", text).replace(" do not", " don't")
