import dataclasses

import numpy as np
import pytest
from tests.kernels.decoder_paths import decoder_of

from groundup.checkpoints import gguf_encode
from groundup.checkpoints.gguf_blocks import Tensor
from groundup.inference.packed_weights import pack
from groundup.inference.plain_decoder import PlainDecoder
from groundup.kernels import decoder

V, C, D, F, HEADS, CONTEXT = 50, 32, 16, 64, 2, 64


def matrix(rows, columns, form="Q8_0"):
    numbers = np.random.default_rng(rows).normal(size=(rows, columns)).astype(np.float32)
    kind = gguf_encode.FORMATS_BY_NAME[form]
    return pack(Tensor("m", (rows, columns), kind, gguf_encode.encode(numbers, form).reshape(-1)))


def ones(size):
    return np.ones(size, np.float32)


def layer(**changes):
    attention = {name: matrix(HEADS * D, C, "Q4_1") for name in ("query", "key", "value")}
    fields = {
        "output": matrix(C, HEADS * D),
        "gate": matrix(F, C),
        "up": matrix(F, C),
        "down": matrix(C, F),
        "attention_norm": ones(C),
        "feed_forward_norm": ones(C),
    }
    return decoder.Layer(**attention | fields | changes)


def model(**changes):
    table = matrix(V, C)
    fields = {
        "embedding": table,
        "head": table,
        "layers": [layer()],
        "norm": ones(C),
        "heads": HEADS,
        "key_heads": HEADS,
        "cosine": ones((CONTEXT, D // 2)),
        "sine": np.zeros((CONTEXT, D // 2), np.float32),
        "epsilon": 1e-6,
    }
    return decoder.Model(**fields | changes)


def step(**changes):
    fields = {
        "tokens_T": [1, 2, 3],
        "positions_T": [0, 1, 7],
        "sequences_T": [0, 0, 1],
        "blocks_SN": [[0, 1], [2, -1]],
        "wanted_R": [0, 2],
    }
    arrays = {name: np.array(value, np.int32) for name, value in (fields | changes).items()}
    return decoder.Step(**arrays)


@pytest.fixture(params=["kernel", "plain"])
def make(request):
    return decoder_of("native") if request.param == "kernel" else PlainDecoder


@pytest.fixture
def ready(make):
    return make(model(), blocks=4, block_size=16, threads=2)


def test_what_comes_out_has_the_shape_of_what_was_asked(ready):
    assert ready.step(step()).shape == (2, V)
    assert ready.step(step(), is_hidden=True).shape == (2, C)
    assert ready.step(step(wanted_R=[])).shape == (0, V)
    empty = {name: [] for name in ("tokens_T", "positions_T", "sequences_T", "wanted_R")}
    assert ready.step(step(**empty)).shape == (0, V)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tokens_T": [1, 2, V]}, "a token is 50; wanted 0 to 49"),
        ({"tokens_T": [1, -1, 3]}, "a token is -1"),
        ({"tokens_T": [1, 2]}, "2 tokens, 3 positions and 3 sequences"),
        ({"positions_T": [0, 1, CONTEXT]}, "a position is 64; wanted 0 to 63"),
        ({"positions_T": [0, 1, 16]}, "a block of sequence 1 is -1; wanted 0 to 3"),
        ({"positions_T": [0, 1, 40]}, "the number of a position's block in its table is 2"),
        ({"positions_T": [0, 2, 7]}, "one position after another"),
        ({"positions_T": [1, 0, 7]}, "one position after another"),
        ({"sequences_T": [0, 0, 2]}, "a sequence is 2; wanted 0 to 1"),
        ({"sequences_T": [1, 1, 0]}, "one position after another"),
        ({"blocks_SN": [[4, 1], [2, -1]]}, "a block of sequence 0 is 4; wanted 0 to 3"),
        ({"wanted_R": [0, 3]}, "a wanted row is 3; wanted 0 to 2"),
        ({"wanted_R": [2, 0]}, "do not ascend"),
        ({"wanted_R": [1, 1]}, "do not ascend"),
    ],
)
def test_a_step_that_is_out_of_range_is_refused_and_harms_nothing(ready, changes, reason):
    before = ready.step(step()).copy()
    with pytest.raises(ValueError, match=reason):
        ready.step(step(**changes))
    np.testing.assert_array_equal(ready.step(step()), before)


def changed_in_one_number():
    """Two good steps, and what comes of putting a number near a border in each place."""
    odd = [-(2**31), -1, 0, 1, 2, 3, 4, 15, 16, 47, 48, V - 1, V, CONTEXT - 1, CONTEXT, 2**31 - 1]
    blocks = [[0, 1, 3], [2, 1, 0]]
    for good in (
        step(positions_T=[15, 16, 7], blocks_SN=blocks),
        step(positions_T=[47, 15, 16], sequences_T=[0, 1, 1], blocks_SN=blocks),
    ):
        yield good
        for name, array in vars(good).items():
            for place in np.ndindex(array.shape):
                for number in odd:
                    other = array.copy()
                    other[place] = number
                    yield dataclasses.replace(good, **{name: other})


def test_the_kernel_lets_through_what_its_plain_twin_does():
    ready = decoder_of("native")(model(), blocks=4, block_size=16, threads=1)

    def refused(let_through, asked):
        try:
            let_through(asked)
        except ValueError as problem:
            return str(problem)
        return ""

    outcomes = set()
    for asked in changed_in_one_number():
        plain = refused(lambda one: decoder.check_step(one, ready.model, 4, 16), asked)
        assert refused(ready.step, asked) == plain, asked
        outcomes.add(plain == "")
    assert outcomes == {True, False}


def test_numbers_of_another_width_are_refused(ready):
    wide = dataclasses.replace(step(), tokens_T=np.array([1, 2, 2**32], np.int64))
    with pytest.raises(ValueError, match="tokens_T is int64; wanted int32"):
        ready.step(wide)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"layers": [layer(query=matrix(C, 64))]}, "matrix 'query' is 32 x 64 in 8 bits"),
        ({"layers": [layer(down=matrix(C, 32))]}, "matrix 'down' is 32 x 32"),
        ({"layers": [layer(up=matrix(32, C))]}, "matrix 'up' is 32 x 32"),
        ({"layers": [layer(gate=matrix(48, C))]}, "hidden are 48 numbers"),
        ({"layers": [layer(key_norm=ones(C))]}, r"vector 'key_norm' has the shape \(32,\)"),
        ({"norm": ones(5)}, r"vector 'norm' has the shape \(5,\)"),
        ({"head": matrix(V + 1, C)}, "matrix 'head' is 51 x 32"),
        ({"key_heads": 3}, "share evenly"),
        ({"heads": 4, "cosine": ones((9, 4)), "sine": ones((9, 4))}, "4 heads of 8 numbers"),
        ({"sine": ones((3, D // 2))}, "different shapes"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(make, changes, reason):
    with pytest.raises(ValueError, match=reason):
        make(model(**changes), blocks=4, block_size=16, threads=1)


def test_arrays_in_another_order_or_type_are_refused(make):
    good = matrix(V, C)
    for bad in (
        dataclasses.replace(good, quants=np.asfortranarray(good.quants)),
        dataclasses.replace(good, scales=good.scales.astype(np.float32)),
        dataclasses.replace(good, bits=4),
        dataclasses.replace(good, bits=5),
    ):
        with pytest.raises(ValueError, match="matrix 'embedding'"):
            make(model(embedding=bad), blocks=4, block_size=16, threads=1)


@pytest.mark.parametrize("block_size", [0, 8, 24])
def test_block_sizes_that_are_no_cells_are_refused(make, block_size):
    with pytest.raises(ValueError, match=f"block_size is {block_size}; wanted a multiple of 16"):
        make(model(), blocks=4, block_size=block_size, threads=1)


def test_a_closed_decoder_says_so():
    closed = decoder_of("native")(model(), blocks=4, block_size=16, threads=2)
    closed.close()
    with pytest.raises(RuntimeError, match="was closed"):
        closed.step(step())


def test_a_forked_process_is_told_that_its_threads_are_gone():
    parent = decoder_of("native")(model(), blocks=4, block_size=16, threads=2)
    parent._process += 1
    with pytest.raises(RuntimeError, match="opened in another process"):
        parent.step(step())


def test_a_model_without_layers_has_embeddings_and_a_head(make):
    bare = make(model(layers=[]), blocks=4, block_size=16, threads=1)
    assert bare.step(step()).shape == (2, V)
