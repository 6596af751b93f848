"""A tiny GPT with random weights behind the real engine, as the server serves it."""

import torch

from groundup.checkpoints.open import LoadedModel
from groundup.inference.engine import EngineConfig
from groundup.inference.open_engine import engine_of
from groundup.models.gpt import GPT, GPTConfig
from groundup.serve.service import served
from groundup.tokenizers.chat_template import CHATML, ChatTemplate


def tiny_gpt(tokenizer, *, context=512):
    """Always the same weights."""
    torch.manual_seed(0)
    config = GPTConfig(vocab_size=tokenizer.vocab_size, context=context, depth=2, width=64, heads=4)
    return GPT(config).eval()


def tiny_opened(tokenizer, *, context=512, cache_bytes=4 * 2**20, name="tiny", config=None):
    loaded = LoadedModel(
        model=tiny_gpt(tokenizer, context=context),
        tokenizer=tokenizer,
        template=ChatTemplate(CHATML),
        name=name,
    )
    return engine_of(loaded, cache_bytes=cache_bytes, config=config)


def tiny_model(tokenizer, *, context=512, cache_bytes=4 * 2**20, **settings):
    config = EngineConfig(**settings)
    return served(tiny_opened(tokenizer, context=context, cache_bytes=cache_bytes, config=config))
