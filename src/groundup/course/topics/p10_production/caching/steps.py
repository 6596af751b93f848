"""The key-value cache, step by step: what is computed again, what it costs, blocks, and sharing.

Legend: B sequence, T new token, S all tokens, H key head, D head width.
"""

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from groundup.inference.blocks import BlockPool
from groundup.inference.cache import KVCache
from groundup.inference.prefix_cache import PrefixCache, extend_keys
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig

Table = list[dict[str, object]]


def _model() -> GPT:
    """A small GPT of random weights."""
    torch.manual_seed(0)
    config = GPTConfig(vocab_size=50, context=512, depth=2, width=64, heads=4, attention="plain")
    return GPT(config).eval()


def _tokens(count: int) -> Tensor:
    return torch.randint(50, (1, count), generator=torch.Generator().manual_seed(1))


# The problem


def reads() -> Table:
    """Tokens that pass through the model to write so many, after a prompt of 100"""
    rows: Table = []
    for written in (1, 10, 100, 1000):
        without = sum(100 + n for n in range(written))
        rows.append({"written": written, "without a cache": without, "with": 100 + written - 1})
    return rows


def same_keys() -> dict[str, float]:
    """Keys of the second layer for 5 tokens; then with one more token behind. What changed?"""
    model, tokens = _model(), _tokens(6)
    caches = [KVCache(), KVCache()]
    with torch.no_grad():
        for cache, count in zip(caches, (5, 6), strict=True):
            model(tokens[:, :count], cache)
    few, more = (_keys(cache) for cache in caches)
    return {"largest change of the first five": float((few - more[:, :, :5]).abs().max())}


def _keys(cache: KVCache, layer: int = 1) -> Tensor:
    """All keys of a layer that a cache holds (it is asked with no new ones)."""
    nothing = torch.zeros(1, 4, 0, 16)
    return cache.append(layer, nothing, nothing)[0]


def agree() -> dict[str, float]:
    """Logits after 20 tokens, read at once, and read one by one with a cache"""
    model, tokens, cache = _model(), _tokens(20), KVCache()
    with torch.no_grad():
        at_once = model(tokens)[0, -1]
        for place in range(20):
            one_by_one = model(tokens[:, place : place + 1], cache)[0, -1]
    return {"largest difference": float((at_once - one_by_one).abs().max())}


def operations() -> Table:
    """Millions of operations for one more token after so many, as torch counts them"""
    model = _model()
    rows: Table = []
    for length in (16, 128, 500):
        tokens, cache = _tokens(length), KVCache()
        with torch.no_grad():
            with FlopCounterMode(display=False) as again:
                model(tokens)
            model(tokens[:, :-1], cache)
            with FlopCounterMode(display=False) as one:
                model(tokens[:, -1:], cache)
        counts = [counter.get_total_flops() / 1e6 for counter in (again, one)]
        rows.append({"tokens": length, "all read again": counts[0], "with a cache": counts[1]})
    return rows


# The cache


def flow() -> Tensor:
    """Two tokens were read, and there is room for four; the key and the value of a third come"""
    cache = KVCache()
    keys = torch.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0], [0.0, 0.0]]).reshape(1, 1, 4, 2)
    cache._layers[0], cache.length = (keys, 10 * keys), 2
    token = torch.tensor([[5.0, 6.0]]).reshape(1, 1, 1, 2)
    keys_BHSD, _ = cache.append(0, token, 10 * token)
    return keys_BHSD


def advanced_in_layers() -> Table:
    """Where two layers write a new token: with one advance a token, and with one a layer"""
    rows: Table = []
    for name, step in (("advance once, at the end", 0), ("advance in every layer", 1)):
        length = 2
        row: dict[str, object] = {"how": name}
        for layer in range(2):
            row[f"layer {layer} writes to"] = length
            length += step
        rows.append(row)
    return rows


# What it costs


def bytes_per_token(depth: int, key_heads: int, head_width: int, number: int = 2) -> int:
    """2 (keys and values) * layers * key heads * head width * bytes a number"""
    return 2 * depth * key_heads * head_width * number


def large_model() -> float:
    """Kilobytes (of 1024 bytes) a token: 32 layers, 32 key heads of 128 numbers, 2 bytes each"""
    return bytes_per_token(32, 32, 128) / 1024


def costs() -> Table:
    """A model of 32 layers and heads of 128 numbers in 16 bits: a token, and a text of 8,192"""
    rows: Table = []
    for key_heads in (32, 8, 1):
        one = bytes_per_token(32, key_heads, 128)
        row: dict[str, object] = {"key heads": key_heads, "KiB a token": one // 1024}
        rows.append({**row, "GiB for 8,192 tokens": 8192 * one / 2**30})
    return rows


def measured() -> dict[str, int]:
    """The formula, and what the cache of a small model holds for 256 tokens"""
    model, cache = _model(), KVCache()
    with torch.inference_mode():
        model(_tokens(256), cache)
    return {"formula": 256 * bytes_per_token(2, 4, 16, number=4), "measured": cache.bytes()}


# Blocks


def reserved() -> Table:
    """Memory for 2,048 tokens each is set aside, and answers have other lengths: the share used"""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(20, 600, (64,), generator=generator)
    blocks = (lengths + 15) // 16 * 16
    return [
        {"memory": "2,048 places each", "share used": float(lengths.sum() / (64 * 2048))},
        {"memory": "blocks of 16", "share used": float(lengths.sum() / blocks.sum())},
    ]


def table() -> dict[str, list[int]]:
    """Two sequences take blocks in turn from one pool: where the tokens of each lie"""
    pool = BlockPool(6)
    first, second = [pool.take()], [pool.take()]
    first.append(pool.take())
    second.append(pool.take())
    first.append(pool.take())
    return {"first sequence": first, "second sequence": second}


def users() -> Table:
    """A block that two sequences share: users and free blocks, event by event"""
    pool = BlockPool(3)
    rows: Table = []

    def note(event: str) -> None:
        rows.append({"event": event, "users of block 0": pool.users(0), "free": pool.free})

    block = pool.take()
    note("the first takes it")
    pool.share(block)
    note("the second begins alike and shares it")
    pool.release(block)
    note("the first ends")
    pool.release(block)
    note("the second ends")
    return rows


# Prefixes


def prefix_keys() -> Table:
    """Keys of three texts in blocks of four tokens: the first letters of each"""
    texts = {
        "system prompt, question A": [1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9],
        "system prompt, question B": [1, 2, 3, 4, 5, 6, 7, 8, 7, 7, 7, 7],
        "another beginning, question A": [0, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9],
    }
    rows: Table = []
    for name, tokens in texts.items():
        keys: list[bytes] = []
        extend_keys(keys, tokens, 4)
        row: dict[str, object] = {"text": name}
        rows.append({**row, **{f"block {n}": key.hex()[:6] for n, key in enumerate(keys)}})
    return rows


def flow_of_keys() -> list[bytes]:
    """A text of five tokens in blocks of two"""
    keys: list[bytes] = []
    extend_keys(keys, [1, 2, 3, 4, 5], 2)
    return [key[:3] for key in keys]


def shared() -> float:
    """A prompt of 1,000 tokens; 940 of them begin an earlier one. Blocks of 16: tokens to read"""
    return 1000 - 940 // 16 * 16


def life() -> Table:
    """A prompt of three blocks is read, remembered, let go, and asked for again"""
    cache = PrefixCache(BlockPool(4))
    keys: list[bytes] = []
    extend_keys(keys, list(range(6)), 2)
    rows: Table = []

    def note(event: str) -> None:
        rows.append({"event": event, "remembered": cache.cached, "available": cache.available})

    blocks = cache.take(3)
    for key, block in zip(keys, blocks, strict=True):
        cache.store(key, block)
    note("three blocks are written and remembered")
    cache.release(blocks)
    note("the sequence ends")
    found = cache.match(keys[:2])
    note(f"another begins with two of them: {len(found)} found")
    cache.take(2)
    note("it takes two more: the idle one is given up")
    return rows


# What goes wrong


def own_tokens_only() -> dict[str, float]:
    """The token 7 after two different texts: how far apart are its keys in the second layer?"""
    model = _model()
    keys = []
    for before in ([1, 2, 3], [4, 5, 6]):
        cache = KVCache()
        with torch.no_grad():
            model(torch.tensor([[*before, 7]]), cache)
        keys.append(_keys(cache)[0, :, 3])
    apart = (keys[0] - keys[1]).norm() / keys[0].norm()
    return {"distance, relative to their length": float(apart)}
