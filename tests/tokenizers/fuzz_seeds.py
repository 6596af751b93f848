"""What `fuzz.py` begins with: a small whole tokenizer of every kind, as its files."""

import base64
import functools
import importlib
import io
import json
import struct
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from groundup.checkpoints import gguf
from groundup.tokenizers import chat_formats, gguf_vocabulary, tiktoken_file
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.byte_alphabet import to_characters
from groundup.tokenizers.chat_template import ChatTemplate

TEXT = "The quick brown fox, 12 + 34 = 46; don't naïveté 漢字かな 한글 שלום 👩‍🚀\n\n\tdef f(x):\n"
TRAINED = {
    "bytes": ("bytes", "Bytes", {}),
    "characters": ("characters", "Characters", {}),
    "words": ("words", "Words", {}),
    "wordpiece": ("wordpiece", "WordPiece", {}),
    "character_bpe": ("character_bpe", "CharacterBPE", {}),
    "unigram": ("unigram", "Unigram", {}),
}


@dataclass
class Seed:
    """A whole tokenizer: its files by name, and what reads the folder they lie in."""

    kind: str
    files: dict[str, bytes]
    load: Callable[[Path], object]


def all_seeds():
    texts = [TEXT * 3, *stdlib_texts()]
    bpe = BPE.train(texts, vocab_size=400)
    bpe = bpe.with_chat(chat_formats.SMOLLM2, end_token="<|im_end|>")
    seeds = [
        Seed("bpe", saved(bpe), BPE.load),
        Seed("chat_template", template_files(), load_template),
        Seed("tiktoken", {"cl100k_base.tiktoken": tiktoken_bytes(bpe)}, load_tiktoken),
        Seed("gguf", {"x.gguf": gguf_bytes(bpe)}, load_gguf),
    ]
    for kind, (module, name, options) in TRAINED.items():
        try:
            made = getattr(importlib.import_module(f"groundup.tokenizers.{module}"), name)
        except (ImportError, AttributeError):
            print(f"  no {kind} yet")
            continue
        if hasattr(made, "train"):
            size = {} if kind == "bytes" else {"vocab_size": 400}
            seeds.append(Seed(kind, saved(made.train(texts, **size, **options)), made.load))
    try:
        load = importlib.import_module("groundup.tokenizers.load").load
        read = functools.partial(by_load, load=load)
        seeds += [
            Seed(f"{seed.kind} by load", seed.files, read)
            for seed in seeds
            if seed.kind != "chat_template"
        ]
        for kind in ("bpe", "unigram"):
            seeds.append(Seed(f"model {kind}", {"x.model": model_bytes(kind)}, read))
    except (ImportError, AttributeError):
        print("  no groundup.tokenizers.load yet")
    return seeds


def by_load(folder, *, load):
    files = sorted(folder.iterdir())
    return load(folder if len(files) > 1 else files[0])


def is_lossless(tokenizer):
    """Whether every text comes back from its ids."""
    return type(tokenizer).__name__ in ("BPE", "Bytes") and not tokenizer.frame.normalizers


def try_template(template, any_text, rng):
    """Render and encode a conversation of odd texts."""
    roles = ["system", "user", "assistant", "tool"]
    talk = [{"role": rng.choice(roles), "content": any_text(rng)} for _ in range(rng.randrange(4))]
    tokenizer = codes()
    text = template.render(talk, add_generation_prompt=rng.random() < 0.5)
    ids, mask = template.encode(talk, tokenizer)
    if len(ids) != len(mask) or tokenizer.decode(ids) != template.render(talk):
        raise AssertionError(f"the conversation is encoded otherwise than rendered: {text[:80]!r}")


@functools.cache
def codes():
    names = ["<|im_start|>", "<|im_end|>", "<s>", "<|eot_id|>"]
    return BPE.train([], vocab_size=256 + len(names), special_tokens=names)


def stdlib_texts():
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:160:20]
    return [file.read_text(encoding="utf-8") for file in files]


def saved(tokenizer):
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(folder)
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


def template_files():
    config = {
        "bos_token": {"content": "<s>"},
        "chat_template": [
            {"name": "default", "template": chat_formats.LLAMA3},
            {"name": "tool_use", "template": "{% if tools %}{{ tools | tojson }}{% endif %}"},
        ],
    }
    source = (
        "{% set ns = namespace(n=0) %}{%- for m in messages %}{% set ns.n = ns.n + 1 %}"
        "{% if loop.first and m['role'] == 'system' %}{{ m.content | trim }}{% else %}"
        "<|im_start|>{{ m.role }}\n{% generation %}{{ m.content.split('x')[0] }}<|im_end|>"
        "{% endgeneration %}{% endif %}{% endfor %}{{ ns.n * 2 }}"
        "{% macro f(n) %}{{ n[:2] }}{% endmacro %}{{ f('abc') ~ range(3) | join }}"
    )
    return {
        "tokenizer_config.json": json.dumps(config).encode(),
        "chat_template.jinja": source.encode(),
    }


def load_template(folder) -> ChatTemplate:
    return chat_formats.load(folder)


def tiktoken_bytes(bpe):
    tokens = [bytes([i]) for i in range(256)] + [a + b for a, b in bpe.merges]
    lines = [f"{base64.b64encode(token).decode()} {i}\n" for i, token in enumerate(tokens)]
    return "".join(lines).encode()


def load_tiktoken(folder):
    return BPE(
        tiktoken_file.read(folder / "cl100k_base.tiktoken", pattern=r"\w+|\W", special_tokens={})
    )


def load_gguf(folder):
    return gguf_vocabulary.from_metadata(gguf.read(folder / "x.gguf").metadata)


def gguf_bytes(bpe):
    names = {i: to_characters(data) for i, data in bpe.definition.tokens.items()}
    names |= {i: name for name, i in bpe.special_tokens.items()}
    tokens = [names[i] for i in range(bpe.vocab_size)]
    merges = [f"{to_characters(a)} {to_characters(b)}" for a, b in bpe.merges]
    kinds = [3 if i in bpe.special_tokens.values() else 1 for i in range(bpe.vocab_size)]
    out = io.BytesIO()
    pairs = [
        ("general.architecture", text_value("gpt2")),
        ("tokenizer.ggml.model", text_value("gpt2")),
        ("tokenizer.ggml.pre", text_value("smollm")),
        ("tokenizer.ggml.tokens", list_value(8, [text(t) for t in tokens])),
        ("tokenizer.ggml.token_type", list_value(5, [struct.pack("<i", k) for k in kinds])),
        ("tokenizer.ggml.merges", list_value(8, [text(m) for m in merges])),
        ("tokenizer.ggml.eos_token_id", struct.pack("<II", 4, 2)),
        ("tokenizer.chat_template", text_value(chat_formats.CHATML)),
    ]
    out.write(b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)))
    for key, value in pairs:
        out.write(text(key) + value)
    return out.getvalue() + b"\0" * (-out.tell() % 32)


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def text_value(value):
    return struct.pack("<I", 8) + text(value)


def list_value(kind, items):
    return struct.pack("<IIQ", 9, kind, len(items)) + b"".join(items)


def model_bytes(kind):
    """A SentencePiece model, trained by its own library."""
    import sentencepiece

    out = io.BytesIO()
    lines = [line for part in [TEXT * 3, *stdlib_texts()] for line in part.splitlines() if line]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=out, vocab_size=600, model_type=kind,
        byte_fallback=True, hard_vocab_limit=False, character_coverage=0.98, minloglevel=2,
    )  # fmt: skip
    return out.getvalue()
