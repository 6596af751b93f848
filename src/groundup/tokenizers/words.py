"""One id a word: the oldest way, and the reason for all the others.

The vocabulary is the most frequent words of the training texts. However large it is, new texts hold
words it lacks: names, numbers, compounds, other languages. What becomes of such a word is the
unknown policy: one id for all of them, nothing, or an error.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from groundup.observe.progress import Progress, silent
from groundup.tokenizers.definition import Frame
from groundup.tokenizers.normalize import Normalizer
from groundup.tokenizers.pieces import PieceTokenizer, Segment, count_pieces
from groundup.tokenizers.pre_tokenize import WHITESPACE, PreTokenizer
from groundup.tokenizers.tokenizer_json import Json, frame_json, read_frame, read_vocabulary

UNKNOWN_TOKEN = "[UNK]"
"""The special token that usually stands for what is not in the vocabulary."""
DROP, ERROR = "drop", "error"
"""The other policies: what is not in the vocabulary is left out, or is an error."""


class Words(PieceTokenizer):
    """Whole words to ids, by a table.

    Decoding joins words with spaces, so a text's own white space is lost.
    """

    drops_first_space = True
    _between = b" "
    _decoder: ClassVar[Json | None] = None

    def __init__(
        self, vocabulary: dict[str, int], frame: Frame, *, unknown: str = UNKNOWN_TOKEN
    ) -> None:
        """`unknown`: the special token for words that are not in the vocabulary, or DROP, or ERROR.

        Raises ValueError if `unknown` is none of these.
        """
        super().__init__(frame)
        if unknown not in (*frame.special_tokens, DROP, ERROR):
            raise ValueError(
                f"unknown words are to become {unknown!r}, which is neither {DROP!r} nor {ERROR!r} "
                f"nor one of the special tokens {sorted(frame.special_tokens)}"
            )
        self.unknown = unknown
        self.vocabulary = vocabulary | frame.special_tokens | frame.added_tokens
        # A special token's name in a text is plain text, so the table does not have it.
        self._ids = {word: i for word, i in vocabulary.items() if word not in frame.special_tokens}

    @classmethod
    def train(
        cls,
        texts: Iterable[str | Path],
        *,
        vocab_size: int,
        special_tokens: Sequence[str] = (UNKNOWN_TOKEN,),
        unknown: str = UNKNOWN_TOKEN,
        min_frequency: int = 1,
        normalizers: Sequence[Normalizer] = (),
        pre_tokenizers: Sequence[PreTokenizer] = (WHITESPACE,),
        progress: Progress = silent,
    ) -> Self:
        """A tokenizer with the most frequent words of texts, or of files, at least so frequent.

        Special tokens get the first ids; of equally frequent words the first in code point order
        comes first. Raises ValueError if `vocab_size` has no room for a word.
        """
        check_special_tokens(special_tokens, vocab_size)
        counts = count_pieces(texts, normalizers, pre_tokenizers, progress)
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        frequent = [word for word in ranked if counts[word] >= min_frequency]
        words = [*special_tokens, *(word for word in frequent if word not in special_tokens)]
        frame = Frame(
            special_tokens={name: i for i, name in enumerate(special_tokens)},
            normalizers=tuple(normalizers),
            pre_tokenizers=tuple(pre_tokenizers),
        )
        vocabulary = {word: i for i, word in enumerate(words[:vocab_size])}
        return cls(vocabulary, frame, unknown=unknown)

    def encode_piece(self, piece: str) -> list[Segment]:
        """One id, or none where unknown words are dropped. Raises ValueError as the policy says."""
        token = self._id(piece)
        return [] if token is None else [Segment(token, 0, len(piece))]

    def _id(self, word: str) -> int | None:
        token = self._ids.get(word)
        if token is not None:
            return token
        if self.unknown == ERROR:
            raise ValueError(
                f"{word!r} is not in the vocabulary; train on texts that hold it, or choose "
                f"another policy for what is unknown than {ERROR!r}"
            )
        return self.special_tokens.get(self.unknown)

    def _bytes_of_ids(self) -> dict[int, bytes]:
        """Each word behind the space that stands between words; the first of a text loses it."""
        return {token: self._between + word.encode() for word, token in self.vocabulary.items()}

    def to_json(self) -> dict[str, Any]:
        """The contents of tokenizer.json."""
        is_token = self.unknown in self.special_tokens
        model: Json = {
            "type": "WordLevel",
            "vocab": dict(sorted(self.vocabulary.items(), key=lambda item: item[1])),
            # Hugging Face's knows no other policy: without the token, what is unknown is an error.
            "unk_token": self.unknown if is_token else "",
        }
        if self.unknown == DROP:
            model["unknown"] = DROP
        return frame_json(self.frame, model=model, decoder=self._decoder)

    @classmethod
    def from_json(cls, data: dict[str, Any], config: dict[str, Any]) -> Self:
        """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""
        model = data["model"]
        vocabulary = read_vocabulary(model, kind="WordLevel")
        frame = read_frame(data, config)
        unknown: str = model.get("unknown") or model["unk_token"]
        if unknown not in frame.special_tokens and unknown != DROP:
            if unknown not in vocabulary:
                unknown = ERROR
            else:
                raise ValueError(f"its unk_token {unknown!r} is not one of its special tokens")
        return cls(vocabulary, frame, unknown=unknown)


def check_special_tokens(names: Sequence[str], vocab_size: int, *, needed: int = 1) -> None:
    """Raise ValueError unless the names differ, and leave room for `needed` ordinary tokens."""
    if isinstance(names, str) or len(set(names)) < len(names) or "" in names:
        raise ValueError(f"special tokens must be different, non-empty texts; got {names!r}")
    smallest = len(names) + needed
    if vocab_size < smallest:
        raise ValueError(
            f"vocab_size is {vocab_size}; {len(names)} special tokens and what the kind needs "
            f"make at least {smallest}"
        )
