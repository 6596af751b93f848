"""The key-value cache, the pool of blocks, and the keys that let prompts share them."""

import torch

from groundup.course.exercise import Exercise
from groundup.inference.blocks import BlockPool
from groundup.inference.cache import KVCache
from groundup.inference.prefix_cache import block_key

CACHE = Exercise(
    "kv-cache",
    of="groundup.inference.cache:KVCache",
    title="Keys and values of what was read already",
    minutes=35,
    methods=("append", "advance", "truncate"),
    hints=(
        "A layer gives you the keys of the new tokens and wants those of all tokens back. Where do "
        "the new ones go, and when does `length` grow: in every layer, or once?",
        "Storage has room for more than there is: write to positions length ... length + T, return "
        "a view of the first length + T. `_grown` makes room when it does not suffice. The model "
        "calls `advance` once, after its last layer.",
        "end = self.length + k.shape[-2]; if there is no room up to end, self._layers[layer] = "
        "(self._grown(stored, 0, k, end), self._grown(stored, 1, v, end)); "
        "kept[:, :, self.length : end] = new for both; return both cut to [:, :, :end].",
    ),
)


def _pair(case, tokens, layers=1):
    """Keys and values of some tokens for each layer: 2 sequences, 1 head, 2 wide."""
    return [(case.tensor(2, 1, tokens, 2), case.tensor(2, 1, tokens, 2)) for _ in range(layers)]


def _read(cache, layers):
    """What the model does with a piece of text: every layer appends, then the cache advances."""
    found = [cache.append(layer, k, v) for layer, (k, v) in enumerate(layers)]
    cache.advance(layers[0][0].shape[-2])
    return [list(pair) for pair in found]


def _together(*pieces):
    """What must come back: for each layer all keys and all values, one piece after the other."""
    return [
        [torch.cat([piece[layer][part] for piece in pieces], 2) for part in (0, 1)]
        for layer in range(len(pieces[0]))
    ]


@CACHE.check("after a prompt and a token, the keys and values of both come back")
def _(cache_of, case):
    prompt, token = _pair(case, 2), _pair(case, 1)
    cache = cache_of()
    _read(cache, prompt)
    given = {"prompt (k, v)": prompt, "token (k, v)": token}
    got = _read(cache, token)
    shapes = [list(part.shape) for part in got[0]]
    case.same(shapes, [[2, 1, 3, 2]] * 2, given=given, says="another shape, B x H x S x D")
    case.same(got, _together(prompt, token), given=given)


@CACHE.check("every layer has its own, and all stand at the same position")
def _(cache_of, case):
    prompt, token = _pair(case, 2, layers=2), _pair(case, 1, layers=2)
    cache = cache_of()
    got = [_read(cache, prompt), _read(cache, token)]
    given = {"prompt": prompt, "token": token}
    case.same(cache.length, 3, given=given, says="the length is another one")
    case.same(got, [_together(prompt), _together(prompt, token)], given=given)


@CACHE.check("what is cut back is forgotten: new tokens take its place")
def _(cache_of, case):
    text, other = _pair(case, 4), _pair(case, 1)
    cache = cache_of()
    _read(cache, text)
    cache.truncate(2)
    kept = [(k[:, :, :2], v[:, :, :2]) for k, v in text]
    given = {"text (k, v)": text, "truncate": 2, "then (k, v)": other}
    case.same(_read(cache, other), _together(kept, other), given=given)


@CACHE.check("it grows when it is full, and keeps what it had", tier="deep")
def _(cache_of, case):
    first, more = _pair(case, 250), _pair(case, 20)
    cache = cache_of()
    _read(cache, first)
    case.same(_read(cache, more), _together(first, more), given={"tokens": [250, 20]})


@CACHE.check("what was returned before is not written over", tier="deep")
def _(cache_of, case):
    first, second = _pair(case, 2), _pair(case, 1)
    cache = cache_of()
    before = _read(cache, first)
    _read(cache, second)
    case.same(before, _together(first), given={"first": first, "second": second})


@CACHE.check("it cannot be cut back to more than it holds", tier="deep")
def _(cache_of, case):
    cache = cache_of()
    _read(cache, _pair(case, 2))
    says = "a cache of 2 tokens was cut back to 3"
    case.refuses(lambda: cache.truncate(3), AssertionError, says=says)


@CACHE.mistake(
    "the length grows in every layer, so that the second layer writes further on: let `append` "
    "read the length, and `advance` alone change it",
    caught_by="every layer has its own, and all stand at the same position",
)
class _GrowsInLayers(KVCache):
    def append(self, layer, k_BHTD, v_BHTD):
        found = super().append(layer, k_BHTD, v_BHTD)
        self.length += k_BHTD.shape[-2] if layer == 0 else 0
        return found


@CACHE.mistake(
    "only the new tokens' keys and values come back; attention needs those of all tokens",
    caught_by="after a prompt and a token, the keys and values of both come back",
)
class _OnlyNew(KVCache):
    def append(self, layer, k_BHTD, v_BHTD):
        super().append(layer, k_BHTD, v_BHTD)
        return k_BHTD, v_BHTD


@CACHE.mistake(
    "the whole room comes back, with positions nobody has written: cut it to what was read",
    caught_by="after a prompt and a token, the keys and values of both come back",
)
class _WholeRoom(KVCache):
    def append(self, layer, k_BHTD, v_BHTD):
        super().append(layer, k_BHTD, v_BHTD)
        return self._layers[layer]


@CACHE.mistake(
    "one store serves all layers: the second finds the first one's keys in front of its own",
    caught_by="every layer has its own, and all stand at the same position",
)
class _OneStore(KVCache):
    def append(self, layer, k_BHTD, v_BHTD):
        return super().append(0, k_BHTD, v_BHTD)


@CACHE.mistake(
    "new tokens go behind all that was ever appended (torch.cat); after truncate they belong at "
    "position `length`",
    caught_by="what is cut back is forgotten: new tokens take its place",
)
class _NeverForgets(KVCache):
    def append(self, layer, k_BHTD, v_BHTD):
        stored = self._layers.get(layer)
        if stored is not None:
            k_BHTD, v_BHTD = torch.cat([stored[0], k_BHTD], 2), torch.cat([stored[1], v_BHTD], 2)
        self._layers[layer] = (k_BHTD, v_BHTD)
        return k_BHTD, v_BHTD


POOL = Exercise(
    "block-pool",
    of="groundup.inference.blocks:BlockPool",
    title="Blocks that several sequences share",
    minutes=25,
    methods=("take", "share", "release"),
    hints=(
        "Two prompts begin alike and share a block; one of them ends. May the block be given away?",
        "Each block counts its users: 1 when it is taken, one more with share, one less with "
        "release; at 0 it goes back to the free ones.",
        "take: pop from self._free, self._users[block] = 1. release: assert it has users, subtract "
        "one, append it to self._free at 0, return how many are left.",
    ),
)


@POOL.check("each block is given out once, until none is left")
def _(pool_of, case):
    count = case.integer(3, 5)
    pool = pool_of(count)
    taken = sorted(pool.take() for _ in range(count))
    given = {"blocks": count}
    case.same([taken, pool.free], [list(range(count)), 0], given=given)


@POOL.check("a block is free when the last of its users lets go, not before")
def _(pool_of, case):
    count, more = case.integer(3, 5), case.integer(1, 3)
    pool = pool_of(count)
    block = pool.take()
    for _ in range(more):
        pool.share(block)
    history = []
    for _ in range(more + 1):
        left = pool.release(block)
        history.append([left, pool.users(block), pool.free])
    expected = [[n, n, count - (n > 0)] for n in range(more, -1, -1)]
    given = {"blocks": count, "shared": more, "after each release": "[returned, users, free]"}
    case.same(history, expected, given=given)


@POOL.check("what was let go can be taken again, with one user", tier="deep")
def _(pool_of, case):
    pool = pool_of(1)
    history = []
    for _ in range(case.integer(2, 3)):
        block = pool.take()
        history.append([block, pool.users(block), pool.release(block), pool.free])
    expected = [[0, 1, 0, 1]] * len(history)
    case.same(history, expected, given={"each time": "[block, users, left, free]"})


@POOL.check("nobody lets go of, or shares, a block that is free", tier="deep")
def _(pool_of, case):
    pool = pool_of(case.integer(2, 3))
    block = pool.take()
    pool.release(block)
    for call, says in (
        (lambda: pool.release(block), "a block was released twice"),
        (lambda: pool.share(block), "a free block was shared"),
    ):
        case.refuses(call, AssertionError, says=says)


@POOL.mistake(
    "a block is free as soon as one user lets go: the others then read what strangers write there",
    caught_by="a block is free when the last of its users lets go, not before",
)
class _FreedAtOnce(BlockPool):
    def release(self, block):
        self._users[block] -= 1
        self._free.append(block)
        return self._users[block]


@POOL.mistake(
    "a block without users never goes back to the free ones: the pool runs dry",
    caught_by="a block is free when the last of its users lets go, not before",
)
class _NeverFreed(BlockPool):
    def release(self, block):
        self._users[block] -= 1
        return self._users[block]


@POOL.mistake(
    "share does not count the second user: the first release frees the block under it",
    caught_by="a block is free when the last of its users lets go, not before",
)
class _Uncounted(BlockPool):
    def share(self, block):
        pass

    def release(self, block):
        self._users[block] = max(0, self._users[block] - 1)
        self._free += [block] * (self._users[block] == 0 and block not in self._free)
        return self._users[block]


@POOL.mistake(
    "take looks at a free block and leaves it free: the next one gets the same",
    caught_by="each block is given out once, until none is left",
)
class _Peeks(BlockPool):
    def take(self):
        self._users[self._free[-1]] = 1
        return self._free[-1]


KEYS = Exercise(
    "prefix-keys",
    of="groundup.inference.prefix_cache:extend_keys",
    title="Keys by which prompts find what is computed already",
    minutes=25,
    hints=(
        "Two blocks hold the same tokens, but after different texts. Are their keys and values "
        "(those of attention) the same?",
        "What a block holds follows from all tokens up to its end: hash the key before it together "
        "with its own tokens. Only full blocks get a key; those that have one are not redone.",
        "for block in range(len(keys), len(tokens) // block_size): before = keys[-1] if keys else "
        "hashlib.blake2b(salt.encode(), digest_size=32).digest(); keys.append(block_key(before, "
        "tokens[block * block_size : (block + 1) * block_size])).",
    ),
)


def _keys(extend_keys, tokens, size=2, salt="", keys=None):
    keys = [] if keys is None else keys
    extend_keys(keys, tokens, size, salt)
    return keys


def _agree(a, b):
    return [x == y for x, y in zip(a, b, strict=False)]


def _tokens(case, count):
    return case.integers(0, 9, count).tolist()


@KEYS.check("each full block has a key; a part of one has none")
def _(extend_keys, case):
    tokens = _tokens(case, 5)
    given = {"tokens": tokens, "block_size": 2}
    case.same(len(_keys(extend_keys, tokens)), 2, given=given, says="the number of keys is wrong")


@KEYS.check("texts that begin alike have equal keys up to where they part")
def _(extend_keys, case):
    start = _tokens(case, 4)
    one, other = [*start, 1, 2, 3, 4], [*start, 1, 3, 3, 4]
    got = _agree(_keys(extend_keys, one), _keys(extend_keys, other))
    given = {"one": one, "other": other, "block_size": 2}
    case.same(got, [True, True, False, False], given=given, says="which keys agree is wrong")


@KEYS.check("equal tokens after different ones have different keys")
def _(extend_keys, case):
    end = _tokens(case, 4)
    one, other = [1, 2, *end], [2, 1, *end]
    got = _agree(_keys(extend_keys, one), _keys(extend_keys, other))
    given = {"one": one, "other": other, "block_size": 2}
    case.same(got, [False, False, False], given=given, says="which keys agree is wrong")


@KEYS.check("a text that grew gets keys for its new blocks only", tier="deep")
def _(extend_keys, case):
    tokens = _tokens(case, 8)
    keys = _keys(extend_keys, tokens[:5])
    _keys(extend_keys, tokens, keys=keys)
    got = [len(keys), *_agree(keys, _keys(extend_keys, tokens))]
    given = {"tokens": tokens, "first": 5, "block_size": 2}
    case.same(got, [4, True, True, True, True], given=given, says="they are not those of the whole")


@KEYS.check("with another salt, or another block size, nothing agrees", tier="deep")
def _(extend_keys, case):
    tokens = _tokens(case, 4)
    plain = _keys(extend_keys, tokens)
    got = [_agree(plain, _keys(extend_keys, tokens, salt="another person"))]
    got.append(_agree(plain, _keys(extend_keys, tokens, size=1)))
    given = {"tokens": tokens, "salts": ["", "another person"], "block sizes": [2, 1]}
    case.same(got, [[False, False]] * 2, given=given, says="a key is shared that may not be")


def _write(keys, tokens, size, salt, *, first=None, is_chained=True, begin=b"start"):
    last = len(tokens) // size if first is None else first(len(tokens), size)
    for block in range(len(keys), last):
        part = tokens[block * size : (block + 1) * size]
        before = keys[-1] if keys and is_chained else begin + salt.encode()
        keys.append(block_key(before, part))


@KEYS.mistake(
    "a key is the hash of the block's own tokens, but after another text the same tokens have "
    "other keys and values in attention. The key before belongs into it",
    caught_by="equal tokens after different ones have different keys",
)
def _(keys, tokens, block_size, salt=""):
    _write(keys, tokens, block_size, salt, is_chained=False)


@KEYS.mistake(
    "the last block is given a key before it is full; it will hold something else when it is",
    caught_by="each full block has a key; a part of one has none",
)
def _(keys, tokens, block_size, salt=""):
    _write(keys, tokens, block_size, salt, first=lambda count, size: -(-count // size))


@KEYS.mistake(
    "the salt is not used: people with one prompt share blocks, and the time it takes tells one "
    "what the other asked",
    caught_by="with another salt, or another block size, nothing agrees",
)
def _(keys, tokens, block_size, salt=""):
    _write(keys, tokens, block_size, "")


@KEYS.mistake(
    "the keys there are already are made again and appended: begin at block len(keys)",
    caught_by="a text that grew gets keys for its new blocks only",
)
def _(keys, tokens, block_size, salt=""):
    fresh = []
    _write(fresh, tokens, block_size, salt)
    keys.extend(fresh)


@KEYS.mistake(
    "every key is made from the first block's tokens: cut out those of block n, from n * "
    "block_size to (n + 1) * block_size",
    caught_by="texts that begin alike have equal keys up to where they part",
)
def _(keys, tokens, block_size, salt=""):
    _write(keys, list(tokens[:block_size]) * (len(tokens) // block_size), block_size, salt)
