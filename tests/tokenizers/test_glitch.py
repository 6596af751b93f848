"""Planted rows that no training touched are found, by each indicator; and what could not occur."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.extend import add_special_tokens
from groundup.tokenizers.glitch import count_tokens, distances, glitch_tokens, norms, troubles

PLANTED = [300, 512, 777, 1001]
UNUSED = [0, 1, 2]
WIDTH = 48


@pytest.fixture(scope="module")
def rows():
    """A matrix as training leaves it: rows of used tokens spread, those of unused ones alike.

    All share a constant part, which a distance must not be led astray by.
    """
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(1024, WIDTH))
    pushed = rng.normal(size=WIDTH)
    for token in [*PLANTED, *UNUSED]:
        spread[token] = pushed + 0.1 * rng.normal(size=WIDTH)
    return (spread + 5 * np.ones(WIDTH)).astype(np.float32)


@pytest.mark.parametrize("indicator", ["cosine", "euclidean"])
def test_planted_rows_are_the_most_suspect(small, rows, indicator):
    found = glitch_tokens(small, rows, indicator=indicator, unused=UNUSED, most=10)
    assert sorted(suspect.token for suspect in found[:4]) == PLANTED
    assert all(found[i].score <= found[i + 1].score for i in range(9))
    assert found[3].score < 0.5 * found[4].score
    assert found[0].text == small.token_bytes(found[0].token)
    assert found[0].count is None
    assert len(found) == 10


def test_small_input_embeddings_are_suspect(small, rows):
    shrunk = rows.copy()
    shrunk[PLANTED] *= 0.01
    found = glitch_tokens(small, shrunk, indicator="norm", most=4, counts=Counter({512: 3}))
    assert sorted(suspect.token for suspect in found) == PLANTED
    assert {suspect.token: suspect.count for suspect in found}[512] == 3
    np.testing.assert_allclose(norms(shrunk), np.sqrt((shrunk.astype(float) ** 2).sum(axis=1)))


def test_distances_by_definition(rows):
    wide = rows.astype(np.float64)
    mean = wide[UNUSED].mean(axis=0)
    np.testing.assert_allclose(
        distances(rows, UNUSED, kind="euclidean"), np.linalg.norm(wide - mean, axis=1)
    )
    first = np.linalg.svd(wide, full_matrices=False)[2][0]
    bare = wide - np.outer(wide @ first, first)
    mean = bare[UNUSED].mean(axis=0)
    cosine = bare @ mean / np.linalg.norm(bare, axis=1) / np.linalg.norm(mean)
    np.testing.assert_allclose(distances(rows, UNUSED), 1 - cosine, atol=1e-9)


def test_a_row_of_zeros_is_as_suspect_as_can_be(rows):
    rows = rows.copy()
    rows[500] = 0
    assert distances(rows, UNUSED)[500] == 0
    assert np.isfinite(distances(rows, UNUSED)).all()


def test_special_and_unused_tokens_are_not_suspects(small, rows):
    found = glitch_tokens(small, rows, unused=[*UNUSED, 300], most=10_000)
    assert len(found) == 1024 - 4
    assert not {suspect.token for suspect in found} & {*UNUSED, 300}


def test_tokens_never_seen(small, stdlib_texts):
    counts = count_tokens(small, stdlib_texts[:2])
    assert sum(counts.values()) == sum(len(small.encode(text)) for text in stdlib_texts[:2])
    assert counts[0] == 0
    assert counts.keys() < set(range(1024))
    assert count_tokens(small, ["a", "a"]) == {small.encode("a")[0]: 2}


def test_tokens_that_plain_text_never_gives(small):
    tokens = small.definition.tokens | {1024: "né".encode(), 1025: b"n\xc3", 1030: b"xqz"}
    odd = add_special_tokens(BPE(replace(small.definition, tokens=tokens)), ["<|a|>"])
    found = troubles(odd)
    assert {token: why for token, why in found.items() if token >= 1024} == {
        1024: "unreachable",
        1025: "undecodable",
        1026: "none",
        1027: "none",
        1028: "none",
        1029: "none",
        1030: "unreachable",
        1031: "special",
    }
    assert [found[token] for token in UNUSED] == ["special"] * 3
    assert found[small.encode("é")[0]] == "undecodable"
    assert small.encode("import")[0] not in found


def test_bad_matrices_are_refused(small, rows):
    with pytest.raises(ValueError, match="wanted ids of unused tokens from 0 to 1023, got"):
        glitch_tokens(small, rows)
    with pytest.raises(ValueError, match=r"got \[1024\]"):
        distances(rows, [1024])
    with pytest.raises(ValueError, match="there are 3 rows for 1024 ids"):
        glitch_tokens(small, rows[:3], indicator="norm")
    for bad in (rows[0], rows[:0], np.full((3, 2), np.nan)):
        with pytest.raises(ValueError, match="wanted a matrix of finite numbers"):
            norms(bad)
