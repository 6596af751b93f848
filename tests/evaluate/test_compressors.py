"""Sizes are those of the command-line tools."""

import gzip
import random
import shutil
import subprocess

import pytest
import zstandard

from groundup.evaluate.compressors import COMPRESSORS, compress_all

TEXTS = [f"def f{i}(x):\n    return x + {i}\n".encode() * 5 for i in range(20)]


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=lambda c: c.name)
def test_the_size_is_that_of_the_command(compressor):
    if shutil.which(compressor.name) is None:
        pytest.skip(f"{compressor.name} is not installed here")
    chance = random.Random(0)
    data = " ".join(chance.choice(["alpha", "beta", "gamma", "x"]) for _ in range(40_000)).encode()
    command = [*compressor.command.split(), "-c"]
    run = subprocess.run(command, input=data, capture_output=True, check=True)
    # headers differ by some bytes: a file name or a check sum
    assert compressor.size(data) == pytest.approx(len(run.stdout), abs=24)


def test_both_ways_are_reported():
    total = sum(map(len, TEXTS))
    gz, zstd, xz = compress_all(TEXTS)
    assert [found.name for found in (gz, zstd, xz)] == ["gzip", "zstd", "xz"]
    whole = len(gzip.compress(b"".join(TEXTS), 9))
    assert gz.together == pytest.approx(8 * whole / total)
    each = sum(len(zstandard.ZstdCompressor(level=19).compress(text)) for text in TEXTS)
    assert zstd.each == pytest.approx(8 * each / total)
    assert xz.together < xz.each


def test_nothing_to_compress_is_an_error():
    for texts in ([], [b"", b""]):
        with pytest.raises(ValueError, match="hold no bytes"):
            compress_all(texts)
