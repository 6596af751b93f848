import torch

from groundup.inference.cache import KVCache


def fresh(count, seed, batch=2):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 3, count, 4, generator=generator)


def read(cache, count, seed, layers=2):
    """Append `count` tokens in every layer; returns what the last layer gave back."""
    for layer in range(layers):
        out = cache.append(layer, fresh(count, seed + layer), fresh(count, seed + layer + 100))
    cache.advance(count)
    return out


def test_what_comes_back_is_everything_appended_in_order():
    cache = KVCache()
    pieces = [(5, 0), (1, 10), (300, 20), (1, 30), (700, 40)]  # crosses two growths
    for count, seed in pieces:
        keys, values = read(cache, count, seed)
    assert cache.length == 1007
    assert torch.equal(keys, torch.cat([fresh(n, seed + 1) for n, seed in pieces], -2))
    assert torch.equal(values, torch.cat([fresh(n, seed + 101) for n, seed in pieces], -2))


def test_truncate_forgets_and_the_next_tokens_take_that_place():
    cache = KVCache()
    read(cache, 6, 0)
    cache.truncate(4)
    keys, _ = read(cache, 3, 50)
    assert cache.length == 7
    assert torch.equal(keys, torch.cat([fresh(6, 1)[:, :, :4], fresh(3, 51)], -2))


def test_a_forward_that_broke_off_before_advance_leaves_no_trace():
    cache = KVCache()
    read(cache, 2, 0)
    cache.append(0, fresh(5, 9), fresh(5, 9))  # no advance
    keys, _ = read(cache, 1, 70, layers=1)
    assert torch.equal(keys, torch.cat([fresh(2, 0), fresh(1, 70)], -2))


def test_keep_chooses_sequences_in_the_given_order():
    cache = KVCache()
    keys, _ = read(cache, 3, 0)
    expected = keys[[1, 0]].clone()
    cache.keep([1, 0])
    more, _ = cache.append(1, fresh(1, 5), fresh(1, 5))
    assert torch.equal(more[:, :, :3], expected)


def test_storage_takes_the_type_it_is_given_and_counts_its_bytes():
    cache = KVCache()
    keys, _ = cache.append(0, fresh(1, 0).to(torch.bfloat16), fresh(1, 0).to(torch.bfloat16))
    assert keys.dtype == torch.bfloat16
    assert cache.bytes() == 2 * 2 * 3 * 256 * 4 * 2
