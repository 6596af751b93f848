"""The tokenizer in a GGUF file: ours back again, and SmolLM2's as transformers reads it."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

from groundup.checkpoints import gguf
from groundup.tokenizers.byte_alphabet import to_characters
from groundup.tokenizers.chat_template import ChatTemplate
from groundup.tokenizers.gguf_vocabulary import from_metadata
from groundup.tokenizers.split import DIGITS, GPT2, GPT4, QWEN2

shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cn", "Cs"]))


@pytest.fixture(scope="module")
def metadata(small):
    """What llama.cpp's converter would write for our own tokenizer."""
    names = {i: to_characters(data) for i, data in small.definition.tokens.items()}
    names |= {i: name for name, i in small.special_tokens.items()}
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "llama-bpe",
        "tokenizer.ggml.tokens": [names[i] for i in range(small.vocab_size)],
        "tokenizer.ggml.token_type": [3, 3, 3] + [1] * (small.vocab_size - 3),
        "tokenizer.ggml.merges": [
            f"{to_characters(left)} {to_characters(right)}" for left, right in small.merges
        ],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": "{{ messages[0].content }}",
    }


def test_our_own_tokenizer_comes_back(small, metadata, stdlib_texts):
    tokenizer = from_metadata(metadata | {"tokenizer.ggml.pre": "llama-bpe"})
    assert tokenizer.encode(stdlib_texts[0]) == small.encode(stdlib_texts[0])
    assert tokenizer.special_tokens == small.special_tokens
    assert (tokenizer.start_token, tokenizer.end_token) == ("<|endoftext|>", "<|im_end|>")
    assert tokenizer.chat_template == "{{ messages[0].content }}"


@pytest.mark.parametrize(
    ("pre", "patterns"),
    [
        ("default", (GPT2,)),
        ("gpt-2", (GPT2,)),
        ("smollm", (DIGITS, GPT2)),
        ("llama-bpe", (GPT4,)),
        ("qwen2", (QWEN2,)),
    ],
)
def test_the_names_of_pre_tokenizations(metadata, pre, patterns):
    definition = from_metadata(metadata | {"tokenizer.ggml.pre": pre}).definition
    assert definition.patterns == patterns
    assert bool(definition.normalizers) == (pre == "qwen2")
    assert definition.whole_first == (pre == "llama-bpe")


def test_user_defined_tokens_are_found_in_any_text(metadata):
    names = [*metadata["tokenizer.ggml.tokens"], "<think>"]
    kinds = [*metadata["tokenizer.ggml.token_type"], 4]
    more = {"tokenizer.ggml.tokens": names, "tokenizer.ggml.token_type": kinds}
    assert 1024 in from_metadata(metadata | more).encode("a<think>b")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": "rwkv"}, "of kind 'rwkv'; there are gpt2, llama, t5, bert"),
        ({"model": "llama"}, "needs scores and kinds of its tokens"),
        ({"model": "bert"}, "the file's unknown token has id None, which is no special token"),
        ({"pre": "gemma4"}, "is 'gemma4'; these are built: default, gpt-2"),
        ({"tokens": None}, "no list of texts 'tokenizer.ggml.tokens'"),
        ({"merges": [1]}, "no list of texts 'tokenizer.ggml.merges'"),
        ({"merges": ["ab"]}, "the file's merge 'ab' does not join two of its tokens"),
        ({"merges": ["a \u0394"]}, "does not join two of its tokens"),
        ({"token_type": [1]}, "has 1024 tokens, but 1 of 'tokenizer.ggml.token_type'"),
        ({"token_type": ["x"] * 1024}, "'tokenizer.ggml.token_type' is no list of numbers"),
        ({"token_type": 5}, "'tokenizer.ggml.token_type' is no list of numbers"),
    ],
)
def test_bad_metadata_is_refused(metadata, changes, words):
    changed = {f"tokenizer.ggml.{key}": value for key, value in changes.items()}
    with pytest.raises(ValueError, match=words):
        from_metadata(metadata | changed)


@pytest.fixture(scope="module")
def smollm2(smollm2_file):
    return from_metadata(gguf.read(smollm2_file).metadata)


@pytest.fixture(scope="module")
def judge(smollm2_file):
    from transformers import AutoTokenizer

    judge = AutoTokenizer.from_pretrained(smollm2_file.parent, gguf_file=smollm2_file.name)
    # transformers does not read tokenizer.ggml.pre; this is SmolLM2's own tokenizer.json.
    judge.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    return judge


@pytest.mark.reference
@pytest.mark.slow
@given(text=texts)
@example("x\x04y\x00")  # SmolLM2 has no token for these two bytes
@example("12 345½ <|im_end|>")
@shared_fixture
def test_smollm2_has_the_ids_of_transformers(smollm2, judge, text):
    allowed = set(smollm2.special_tokens)
    ids = smollm2.encode(text, allowed_special=allowed)
    assert ids == judge.encode(text, add_special_tokens=False)
    assert smollm2.decode(ids) == judge.decode(
        ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
    )


@pytest.mark.reference
@pytest.mark.slow
def test_smollm2_on_code_and_chat(smollm2, judge, stdlib_texts):
    for text in stdlib_texts:
        allowed = set(smollm2.special_tokens)
        assert smollm2.encode(text, allowed_special=allowed) == judge.encode(text)
    template = ChatTemplate(smollm2.chat_template)
    talk = [{"role": "user", "content": "What is 12 + 34?"}]
    ids, _ = template.encode(talk, smollm2, add_generation_prompt=True)
    theirs = judge.apply_chat_template(
        talk,
        chat_template=smollm2.chat_template,
        add_generation_prompt=True,
        return_dict=False,
    )
    assert ids == theirs
