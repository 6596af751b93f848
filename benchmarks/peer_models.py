"""The peers' models in a given size, each with its loss: `build(size) -> (model, loss(x, y))`.

Imported by the benchmarks that train beside them. nanoGPT's design stands in `reference_gpt`.
"""

from dataclasses import dataclass

import reference_gpt
from torch.nn import functional as F


@dataclass(frozen=True)
class Size:
    batch: int
    context: int
    depth: int
    heads: int
    width: int
    hidden: int
    vocabulary: int


def cross_entropy(logits, targets):
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def nanogpt(size):
    shape = reference_gpt.Shape(size.vocabulary, size.context, size.depth, size.heads, size.width)
    model = reference_gpt.ReferenceGPT(shape)
    return model, model.loss


def transformers_gpt2(size):
    from transformers import GPT2Config, GPT2LMHeadModel

    zero = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    shape = {"n_positions": size.context, "n_embd": size.width, "n_layer": size.depth}
    heads = {"n_head": size.heads, "vocab_size": size.vocabulary}
    model = GPT2LMHeadModel(GPT2Config(**shape, **heads, **zero)).train()
    return model, lambda x, y: cross_entropy(model(x, use_cache=False).logits, y)


def transformers_llama(size):
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = {"hidden_size": size.width, "intermediate_size": size.hidden}
    shape |= {"num_hidden_layers": size.depth, "num_attention_heads": size.heads}
    shape |= {"vocab_size": size.vocabulary, "max_position_embeddings": size.context}
    model = LlamaForCausalLM(LlamaConfig(**shape)).train()
    return model, lambda x, y: cross_entropy(model(x, use_cache=False).logits, y)


def litgpt_llama(size):
    import litgpt

    shape = {"n_layer": size.depth, "n_head": size.heads, "n_embd": size.width}
    shape |= {"block_size": size.context, "intermediate_size": size.hidden}
    kind = {"norm_class_name": "RMSNorm", "mlp_class_name": "LLaMAMLP", "bias": False}
    sizes = {"vocab_size": size.vocabulary, "padded_vocab_size": size.vocabulary}
    model = litgpt.GPT(litgpt.Config(name="bench", rotary_percentage=1.0, **shape, **kind, **sizes))
    return model, lambda x, y: cross_entropy(model(x), y)
