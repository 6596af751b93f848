"""Our tokenizer.json is read by tokenizers and agrees with it; others' are read, or refused."""

import base64
import gzip
import json
import sysconfig
from pathlib import Path

import pytest
import tiktoken
import tiktoken.load
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.bpe_json import from_json, to_json
from groundup.tokenizers.chat_template import CHATML
from groundup.tokenizers.split import DIGITS, GPT2, GPT4

# Code points that a newer Unicode than Python's may know are left to test_split.py.
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cn", "Cs"]))
shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
BYTE_LEVEL = {
    "type": "ByteLevel",
    "add_prefix_space": False,
    "trim_offsets": True,
    "use_regex": True,
}


@pytest.fixture(scope="module")
def folder(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer") / "new"
    small.with_chat(CHATML, end_token="<|im_end|>").save(folder)
    return folder


@pytest.fixture(scope="module")
def judge(folder):
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def test_what_is_saved_is_what_is_loaded(small, folder):
    again = BPE.load(folder)
    assert again.definition.merges == small.definition.merges
    assert again.definition.tokens == small.definition.tokens
    assert again.special_tokens == small.special_tokens
    assert (again.chat_template, again.end_token) == (CHATML, "<|im_end|>")
    assert BPE.load(folder / "tokenizer.json").chat_template == CHATML


def test_saving_twice_writes_the_same_bytes(folder, tmp_path):
    BPE.load(folder).save(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.reference
@given(text=texts)
@example("")
@example("    ")
@example("a\r\n\r\n \tb\x00\x1c\x85\u2028")
@example("😀\u200d" * 40 + "=" * 300)
@shared_fixture
def test_ids_and_text_are_those_of_tokenizers(small, judge, text):
    assume(not any(name in text for name in small.special_tokens))  # there they differ on purpose
    ids = small.encode(text)
    assert ids == judge.encode(text).ids
    assert small.decode(ids) == judge.decode(ids, skip_special_tokens=False)


@pytest.mark.reference
@given(ids=st.lists(st.integers(0, 1023)))
@shared_fixture
def test_any_ids_decode_to_the_text_of_tokenizers(small, judge, ids):
    assert small.decode(ids) == judge.decode(ids, skip_special_tokens=False)


@pytest.mark.reference
@given(parts=st.lists(st.sampled_from(["<|im_end|>", "<|im_", "end|>", " ", "<|endoftext|>", "a"])))
@shared_fixture
def test_allowed_special_tokens_are_those_of_tokenizers(small, judge, parts):
    text = "".join(parts)
    assert small.encode(text, allowed_special=set(small.special_tokens)) == judge.encode(text).ids


@pytest.mark.reference
def test_the_standard_library_has_the_ids_of_tokenizers(small, judge):
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("[a-f]*.py"))[1::3]
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert small.encode(text) == judge.encode(text).ids, file.name


@pytest.mark.reference
def test_transformers_opens_the_folder(folder):
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(folder)
    assert theirs.eos_token == "<|im_end|>"
    assert theirs.chat_template == CHATML
    assert theirs("def f(x):")["input_ids"] == BPE.load(folder).encode("def f(x):")


@pytest.fixture(scope="module")
def gpt2(shared_data):
    """GPT-2's vocabulary as its tokenizer.json has it."""
    source = shared_data / "gpt2_bpe"
    if not source.is_dir():
        pytest.skip("GPT-2's vocabulary is not in the shared data folder")
    merges = (source / "vocab.bpe").read_text(encoding="utf-8").splitlines()[1:]
    vocabulary = json.loads((source / "encoder.json").read_text(encoding="utf-8"))
    end = {"id": 50256, "content": "<|endoftext|>", "special": True}
    return BPE(
        from_json(
            {
                "added_tokens": [end],
                "pre_tokenizer": BYTE_LEVEL,
                "model": {"type": "BPE", "vocab": vocabulary, "merges": merges},
            }
        )
    )


@pytest.fixture(scope="module")
def tiktoken_gpt2(gpt2):
    ranks = {data: token for token, data in gpt2.definition.tokens.items()}
    end = {"<|endoftext|>": 50256}
    return tiktoken.Encoding("gpt2-test", pat_str=GPT2, mergeable_ranks=ranks, special_tokens=end)


@pytest.mark.reference
@given(text=texts)
@example("Hello world! 12345   \n\n  <|endoftext|>'ll")
@shared_fixture
def test_gpt2_has_the_ids_of_tiktoken(gpt2, tiktoken_gpt2, text):
    assert gpt2.encode(text) == tiktoken_gpt2.encode_ordinary(text)
    allowed = {"<|endoftext|>"}
    wanted = tiktoken_gpt2.encode(text, allowed_special=allowed)
    assert gpt2.encode(text, allowed_special=allowed) == wanted


@pytest.mark.reference
def test_gpt2_knows_what_everyone_knows(gpt2, stdlib_texts, tiktoken_gpt2):
    assert gpt2.encode("Hello world") == [15496, 995]
    assert gpt2.vocab_size == 50257
    for text in stdlib_texts[:8]:
        assert gpt2.encode(text) == tiktoken_gpt2.encode_ordinary(text)


@pytest.mark.reference
@pytest.mark.slow
def test_gpt4_has_the_ids_of_tiktoken(shared_data, stdlib_texts, tmp_path):
    """Its merges are rebuilt from the vocabulary alone, so they are not in a trained order."""
    from transformers.convert_slow_tokenizer import TikTokenConverter

    source = shared_data / "tiktoken_vocabs" / "cl100k_base.tiktoken.gz"
    if not source.is_file():
        pytest.skip("GPT-4's vocabulary is not in the shared data folder")
    plain = tmp_path / "cl100k_base.tiktoken"
    plain.write_bytes(gzip.decompress(source.read_bytes()))
    lines = [line.split() for line in plain.read_text().splitlines()]
    ranks = {base64.b64decode(data): int(rank) for data, rank in lines}
    judge = tiktoken.Encoding("gpt4-test", pat_str=GPT4, mergeable_ranks=ranks, special_tokens={})
    converter = TikTokenConverter(
        vocab_file=str(plain), pattern=GPT4, extra_special_tokens=["<|endoftext|>"]
    )
    converter.converted().save(str(tmp_path / "tokenizer.json"))
    ours = BPE.load(tmp_path)
    for text in [*stdlib_texts, "naïve 中文字符 😀 " + "=" * 500]:
        assert ours.encode(text) == judge.encode_ordinary(text)


def changed(small, **changes):
    data = to_json(small.definition)
    for place, value in changes.items():
        target = data
        *path, last = place.split("__")
        for key in path:
            target = target[key]
        target[last] = value
    return data


def pre(*steps):
    return {"type": "Sequence", "pretokenizers": [*steps, BYTE_LEVEL | {"use_regex": False}]}


def cut(**step):
    return {"type": "Split", "behavior": "Isolated", "invert": False} | step


@pytest.mark.parametrize(
    ("pre_tokenizer", "patterns"),
    [
        (BYTE_LEVEL, (GPT2,)),
        (pre({"type": "Digits", "individual_digits": True}), (DIGITS,)),
        (pre({"type": "Digits", "individual_digits": False}), (DIGITS + "+",)),
        (pre(cut(pattern={"Regex": GPT4})), (GPT4,)),
        (pre(cut(pattern={"Regex": GPT4}, behavior="Removed", invert=True)), (GPT4,)),
    ],
)
@pytest.mark.reference
def test_the_pre_tokenizers_of_others(small, pre_tokenizer, patterns):
    data = changed(small, pre_tokenizer=pre_tokenizer)
    definition = from_json(data)
    assert definition.patterns == patterns
    judge = Tokenizer.from_str(json.dumps(data))
    for text in ["It's 12345 o'clock\n\n  and x=1", "\u0663\u0664 ½ ²", ""]:
        assert BPE(definition).encode(text) == judge.encode(text).ids


@pytest.mark.reference
def test_unicode_is_composed_first_where_the_file_says_so(small):
    data = changed(small, normalizer={"type": "NFC"})
    tokenizer, judge = BPE(from_json(data)), Tokenizer.from_str(json.dumps(data))
    assert tokenizer.encode("e\u0301") == tokenizer.encode("\u00e9") == judge.encode("e\u0301").ids
    assert to_json(tokenizer.definition)["normalizer"] == {"type": "NFC"}


@pytest.mark.reference
def test_whole_pieces_first_where_the_file_says_so(small):
    data = changed(small, model__ignore_merges=True)
    data["model"]["vocab"]["zq"] = 1024
    judge = Tokenizer.from_str(json.dumps(data))
    assert BPE(from_json(data)).encode("zq") == judge.encode("zq").ids == [1024]


def added(**options):
    return [{"id": 1024, "content": "<x>", "special": False} | options]


@pytest.mark.reference
def test_added_tokens_that_are_not_special_are_found_in_any_text(small):
    data = changed(small, added_tokens=[{**entry, **_PLAIN} for entry in added()])
    data["added_tokens"] += to_json(small.definition)["added_tokens"]
    tokenizer, judge = BPE(from_json(data)), Tokenizer.from_str(json.dumps(data))
    assert tokenizer.encode("a<x>b") == judge.encode("a<x>b").ids
    assert 1024 in tokenizer.encode("a<x>b")


_PLAIN = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model__type": "Unigram"}, "its model is Unigram; only byte-level BPE"),
        ({"model__byte_fallback": True}, "byte_fallback=True"),
        ({"model__end_of_word_suffix": "</w>"}, "end_of_word_suffix='</w>'"),
        ({"model__dropout": 0.1}, "dropout=0.1"),
        ({"model__merges": [["a", "\u0394"]]}, "'\u0394', which the vocabulary lacks"),
        ({"normalizer": {"type": "Nmt"}}, "its normalizer is {'type': 'Nmt'}"),
        ({"pre_tokenizer": None}, "it has no pre-tokenizer"),
        ({"pre_tokenizer": {"type": "Metaspace"}}, r"is \['Metaspace'\]; it must end in ByteLevel"),
        ({"pre_tokenizer": BYTE_LEVEL | {"add_prefix_space": True}}, "which is not built"),
        ({"pre_tokenizer": pre(cut(pattern={"String": " "}))}, "which is not built"),
        ({"pre_tokenizer": pre(cut(pattern={"Regex": "("}))}, "is no regular expression"),
        ({"added_tokens": added(id=-1)}, "'<x>' has the id -1"),
        ({"model__vocab": {"a": 0, "b": 0}}, "'a' and 'b' share the id 0"),
        ({"post_processor": {"type": "Unheard"}}, "its post-processor is .*Unheard"),
    ],
)
def test_other_kinds_are_refused_with_what_they_have(small, tmp_path, changes, words):
    (tmp_path / "tokenizer.json").write_text(json.dumps(changed(small, **changes)))
    with pytest.raises(ValueError, match=words) as problem:
        BPE.load(tmp_path)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "tokenizer.json is not JSON"),
        ("[]", "holds a list; wanted a JSON object"),
        ("{}", "is not a whole tokenizer.json: KeyError\\('model'\\)"),
        ('{"model": 3}', "is not a whole tokenizer.json"),
    ],
)
def test_broken_files_are_named(tmp_path, content, words):
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ValueError, match=words):
        BPE.load(tmp_path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        BPE.load(tmp_path)


def test_a_template_in_a_file_of_its_own_wins(folder, tmp_path):
    BPE.load(folder).save(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("hello")
    assert BPE.load(tmp_path).chat_template == "hello"


def test_of_several_templates_the_default_is_taken(small, tmp_path):
    small.save(tmp_path)
    templates = [{"name": "tools", "template": "a"}, {"name": "default", "template": "b"}]
    config = {"chat_template": templates, "eos_token": {"content": "<|im_end|>"}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = BPE.load(tmp_path)
    assert (tokenizer.chat_template, tokenizer.end_token) == ("b", "<|im_end|>")
