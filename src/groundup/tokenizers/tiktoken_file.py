"""Files of ranks: `.tiktoken` (OpenAI's) and GPT-2's pair `vocab.bpe` and `encoder.json`.

A `.tiktoken` file holds one token a line, its bytes in base64 and its rank, which is its id:

    IGFuZA== 323

It lists no merges: two neighbours merge if their bytes joined are a token, the lowest rank first.
`explicit_merges` finds the one pair each token is made of, for formats that want merges.

A file does not say how text is cut, nor what the special tokens are; that is known by the name of
the encoding, or said by the caller. Source: tiktoken's `openai_public.py`. Leaves out downloading.
"""

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from groundup.tokenizers import split
from groundup.tokenizers.byte_alphabet import to_bytes
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.merging import merge_in_order

_END = "<|endoftext|>"
_FILL_IN_MIDDLE = ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>")
_LARGEST_FILE = 1 << 28  # bytes, unpacked; o200k_base has 3.6 million
_PAIRS_OF_FILES = (("vocab.bpe", "encoder.json"), ("merges.txt", "vocab.json"))
_PATTERNS = {
    "gpt2": split.GPT2,
    "r50k_base": split.GPT2,
    "p50k_base": split.GPT2,
    "p50k_edit": split.GPT2,
    "cl100k_base": split.CL100K_WHOLE_END,
    "o200k_base": split.O200K,
    "o200k_harmony": split.O200K,
}
"""How each encoding cuts text."""


def special_tokens_of(encoding: str) -> dict[str, int]:
    """The special tokens of one of OpenAI's encodings. Raises ValueError on another name."""
    match encoding:
        case "gpt2" | "r50k_base" | "p50k_base":
            return {_END: 50256}
        case "p50k_edit":
            return {_END: 50256} | {name: 50281 + i for i, name in enumerate(_FILL_IN_MIDDLE)}
        case "cl100k_base":
            middle = {name: 100258 + i for i, name in enumerate(_FILL_IN_MIDDLE)}
            return {_END: 100257, **middle, "<|endofprompt|>": 100276}
        case "o200k_base":
            return {_END: 199999, "<|endofprompt|>": 200018}
        case "o200k_harmony":
            return _harmony_tokens()
    raise ValueError(
        f"{encoding!r} is none of the encodings {', '.join(_PATTERNS)}; "
        "say which pattern and special tokens the file goes with"
    )


def _harmony_tokens() -> dict[str, int]:
    """The tokens that lay out a conversation, among a thousand that are kept for later."""
    named = {
        199998: "<|startoftext|>",
        199999: _END,
        200002: "<|return|>",
        200003: "<|constrain|>",
        200005: "<|channel|>",
        200006: "<|start|>",
        200007: "<|end|>",
        200008: "<|message|>",
        200012: "<|call|>",
    }
    tokens = {named.get(i, f"<|reserved_{i}|>"): i for i in range(199998, 201088)}
    return tokens | {"<|endofprompt|>": 200018}


def read(
    path: str | Path,
    *,
    encoding: str | None = None,
    pattern: str | None = None,
    special_tokens: Mapping[str, int] | None = None,
) -> Definition:
    """Read a `.tiktoken` file, or one packed with gzip.

    `encoding`: whose pattern and special tokens to take; without it, the file's name says it.
    `pattern` and `special_tokens` go before what the encoding has. Raises ValueError, with the
    file's name, if it is not whole and sound or nothing says how to cut; OSError if it cannot be
    opened.
    """
    path = Path(path)
    try:
        if encoding is None and (pattern is None or special_tokens is None):
            encoding = _encoding_of(path, needed=pattern is None)
        special = special_tokens
        if special is None:
            special = special_tokens_of(encoding) if encoding else {}
        if pattern is None:
            special_tokens_of(encoding or "")  # refuses a name that is unknown
            pattern = _PATTERNS[encoding or ""]
        tokens = _read_ranks(_unpacked(path), special)
        return Definition(
            tokens=tokens,
            merges=[],
            patterns=(pattern,),
            special_tokens=dict(special),
            end_token=_END if _END in special else None,
            by_rank=True,
            whole_first=True,
        )
    except ValueError as problem:
        raise ValueError(f"{path} cannot be read: {problem}") from problem


def _encoding_of(path: Path, *, needed: bool) -> str | None:
    stem = path.name.removesuffix(".gz").removesuffix(".tiktoken")
    for name in (stem, f"{stem}_base"):  # people leave the ending off
        if name in _PATTERNS:
            return name
    if not needed:
        return None
    raise ValueError(
        f"its name is none of the encodings {', '.join(_PATTERNS)}; "
        "say which encoding it is, or which pattern cuts text for it"
    )


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.open(path) as file:
                data = file.read(_LARGEST_FILE + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise ValueError(f"it is no whole gzip file: {problem}") from problem
    if len(data) > _LARGEST_FILE:
        raise ValueError(f"it has more than {_LARGEST_FILE} bytes")
    return data


def _read_ranks(data: bytes, special: Mapping[str, int]) -> dict[int, bytes]:
    tokens: dict[int, bytes] = {}
    ranks: dict[bytes, int] = {}
    for i, line in enumerate(data.splitlines(), 1):
        if not line:
            continue
        token, rank = _read_line(line, i)
        if rank in tokens:
            raise ValueError(f"line {i} gives the rank {rank}, which is given already")
        if token in ranks:
            raise ValueError(f"line {i} has the token {token!r}, which has rank {ranks[token]}")
        tokens[rank], ranks[token] = token, rank
    _check_ranks(tokens, ranks, special)
    return tokens


def _read_line(line: bytes, number: int) -> tuple[bytes, int]:
    token, space, rank = line.partition(b" ")
    try:
        data = base64.b64decode(token, validate=True)
    except binascii.Error as problem:
        raise ValueError(f"line {number}: {token[:40]!r} is no base64: {problem}") from problem
    if not data or not space or not rank.isdigit() or len(rank) > 9:
        raise ValueError(f"line {number} is {line[:60]!r}; wanted a token in base64 and its rank")
    return data, int(rank)


def _check_ranks(
    tokens: Mapping[int, bytes], ranks: Mapping[bytes, int], special: Mapping[str, int]
) -> None:
    if missing := [byte for byte in range(256) if bytes([byte]) not in ranks]:
        raise ValueError(
            f"{len(missing)} of the 256 bytes have no token, the first {missing[0]:#04x}"
        )
    taken = set(special.values())
    if twice := taken & tokens.keys():
        raise ValueError(f"rank {min(twice)} belongs to a special token too")
    last = max(tokens)
    # No further than there are tokens: a rank of a billion is no reason to count so far.
    for rank in range(min(last, len(tokens) + len(taken) + 1)):
        if rank not in tokens and rank not in taken:
            raise ValueError(f"no token has rank {rank}, though ranks go on to {last}")


def write(definition: Definition, path: str | Path) -> None:
    """Write the ordinary tokens as a `.tiktoken` file, packed if the name ends in `.gz`.

    Raises ValueError if the definition has merges that the ranks alone would not give back, or
    something else such a file cannot say.
    """
    tokens = definition.tokens
    if definition.normalizers or definition.added_tokens:
        raise ValueError("a .tiktoken file has no place for normalizers or added tokens")
    if not definition.by_rank and definition.merges != explicit_merges(tokens):
        raise ValueError(
            "this vocabulary's merges are not in the order of its ids, which is all that a "
            ".tiktoken file says; save it as tokenizer.json"
        )
    lines = [b"%s %d\n" % (base64.b64encode(data), i) for i, data in sorted(tokens.items())]
    data = b"".join(lines)
    Path(path).write_bytes(gzip.compress(data, mtime=0) if str(path).endswith(".gz") else data)


def explicit_merges(tokens: Mapping[int, bytes]) -> list[tuple[int, int, int]]:
    """One merge a token, `(left, right, merged)` in the order of ids: what the ranks imply.

    The two parts are what merging by rank leaves of the token's bytes when only lower ranks may
    merge. A token of which more than two parts are left can never be merged, and has no merge; only
    `whole_first` reaches it.
    """
    ids = {data: token for token, data in tokens.items()}
    merges = []
    for token, data in sorted(tokens.items()):
        parts = _merged_below(data, ids, token) if len(data) > 2 else _single(data)
        if len(parts) == 2 and parts[0] in ids and parts[1] in ids:
            merges.append((ids[parts[0]], ids[parts[1]], token))
    return merges


def _merged_below(data: bytes, ids: Mapping[bytes, int], limit: int) -> list[bytes]:
    def lookup(left: bytes, right: bytes) -> tuple[int, bytes] | None:
        rank = ids.get(left + right, limit)
        return (rank, left + right) if rank < limit else None

    return merge_in_order(_single(data), lookup)


def _single(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def read_pair(folder: str | Path) -> Definition:
    """Read GPT-2's two files from a folder: the merges in `vocab.bpe`, the ids in `encoder.json`.

    Hugging Face's names for the same two, `merges.txt` and `vocab.json`, do as well. Raises
    ValueError if they are not whole, OSError if they are not there.
    """
    folder = Path(folder)
    merges_file, ids_file = next(
        (folder / a, folder / b)
        for a, b in _PAIRS_OF_FILES
        if (folder / a).exists() or b == "vocab.json"
    )
    try:
        ids = json.loads(ids_file.read_text(encoding="utf-8"))
        if not isinstance(ids, dict) or not all(type(i) is int and i >= 0 for i in ids.values()):
            raise ValueError(f"{ids_file.name} does not give each token its id")
        if len(set(ids.values())) < len(ids):
            raise ValueError(f"{ids_file.name} gives two tokens the same id")
        lines = merges_file.read_text(encoding="utf-8").split("\n")
        special = {_END: ids.pop(_END)} if _END in ids else {}
        return Definition(
            tokens={token: to_bytes(text) for text, token in ids.items()},
            merges=list(_read_merges(lines, ids)),
            patterns=(split.GPT2,),
            special_tokens=special,
            end_token=_END if special else None,
        )
    except ValueError as problem:
        raise ValueError(f"{folder} cannot be read: {problem}") from problem


def _read_merges(lines: Iterable[str], ids: Mapping[str, int]) -> Iterable[tuple[int, int, int]]:
    for i, line in enumerate(lines, 1):
        if not line or (i == 1 and line.startswith("#version")):
            continue
        left, space, right = line.rstrip("\r").partition(" ")
        if not space or any(text not in ids for text in (left, right, left + right)):
            raise ValueError(f"merge {line[:60]!r} in line {i} does not join two tokens to a third")
        yield ids[left], ids[right], ids[left + right]
