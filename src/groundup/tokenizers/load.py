"""Open a tokenizer file of any kind: the file says which.

    load("folder" | "tokenizer.json" | "x.tiktoken" | "x.model" | "x.gguf")

Each kind's own `load` refuses other kinds; this finds the kind first.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundup.tokenizers import tokenizer_json
from groundup.tokenizers.bpe_json import from_json, is_byte_level
from groundup.tokenizers.pre_tokenize import EACH_CHARACTER
from groundup.tokenizers.steps_json import read_pre_tokenizers
from groundup.tokenizers.tokenizer import Tokenizer


def load(path: str | Path) -> Tokenizer:
    """The tokenizer in a file or a folder, whatever its kind.

    Raises ValueError if the file is of no kind that is built, or not whole; OSError if it is not
    there.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}; wanted a tokenizer's file or folder")
    if path.is_dir():
        if all((path / name).exists() for name in _PAIR):
            return _read_pair(path)
        path = _file_in(path)
    for suffix, read in _READERS.items():
        if path.name.endswith(suffix):
            return read(path)
    raise ValueError(
        f"{path} has none of the endings {', '.join(_READERS)}; "
        "rename the file if it is one of these, or load it with the class of its kind"
    )


def _file_in(folder: Path) -> Path:
    if (folder / "tokenizer.json").exists():
        return folder / "tokenizer.json"
    found = sorted(f for f in folder.iterdir() if f.suffix != ".json" and _has_reader(f))
    if len(found) == 1:
        return found[0]
    raise FileNotFoundError(
        f"{folder} has no tokenizer.json; other tokenizer files in it: "
        f"{', '.join(file.name for file in found) or 'none'}"
    )


def _has_reader(file: Path) -> bool:
    return file.name.endswith(tuple(_READERS))


def _read_json(path: Path) -> Tokenizer:
    return tokenizer_json.read(path, lambda data, config: kind_of(data).from_json(data, config))


def kind_of(data: dict[str, Any]) -> type[Tokenizer]:
    """The class that reads the contents of a tokenizer.json. Raises ValueError if there is none."""
    model = data["model"]
    match model.get("type", "BPE"):
        case "WordPiece":
            from groundup.tokenizers.wordpiece import WordPiece

            return WordPiece
        case "WordLevel":
            from groundup.tokenizers.characters import Characters
            from groundup.tokenizers.words import Words

            cuts = read_pre_tokenizers(data.get("pre_tokenizer"))
            return Characters if cuts == (EACH_CHARACTER,) else Words
        case "Unigram":
            from groundup.tokenizers.unigram import Unigram

            return Unigram
        case "BPE" if is_byte_level(data):
            from groundup.tokenizers.bpe import BPE
            from groundup.tokenizers.bytes import Bytes, is_bytes

            return Bytes if not model["merges"] and is_bytes(from_json(data)) else BPE
        case "BPE":
            from groundup.tokenizers.character_bpe import CharacterBPE

            return CharacterBPE
    raise ValueError(f"its model is {model.get('type')}; no kind that is built reads it")


def _read_tiktoken(path: Path) -> Tokenizer:
    from groundup.tokenizers import tiktoken_file
    from groundup.tokenizers.bpe import BPE

    return BPE(tiktoken_file.read(path))


def _read_pair(folder: Path) -> Tokenizer:
    from groundup.tokenizers import tiktoken_file
    from groundup.tokenizers.bpe import BPE

    return BPE(tiktoken_file.read_pair(folder))


def _read_sentencepiece(path: Path) -> Tokenizer:
    from groundup.tokenizers import sentencepiece_model

    return sentencepiece_model.read(path)


def _read_gguf(path: Path) -> Tokenizer:
    from groundup.tokenizers import gguf_vocabulary

    return gguf_vocabulary.read(path)


_PAIR = ("encoder.json", "vocab.bpe")
"""GPT-2's two files, in one folder."""
_READERS: dict[str, Callable[[Path], Tokenizer]] = {
    ".json": _read_json,
    ".tiktoken": _read_tiktoken,
    ".tiktoken.gz": _read_tiktoken,
    ".model": _read_sentencepiece,
    ".gguf": _read_gguf,
}
"""What reads the files that end so."""
