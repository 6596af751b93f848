"""Texts and a small trained tokenizer that the tests of this room share."""

import sysconfig
from pathlib import Path

import pytest

from groundup.tokenizers.bpe import BPE


@pytest.fixture(scope="session")
def stdlib_texts():
    """Forty files of the standard library: about a megabyte of Python."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))[:160:4]
    return [file.read_text(encoding="utf-8") for file in files]


@pytest.fixture(scope="session")
def small(stdlib_texts):
    return BPE.train(stdlib_texts, vocab_size=1024)


@pytest.fixture(scope="session")
def shared_data():
    """Data that lies beside the repository; a test that needs it is skipped where it is not."""
    folder = Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not beside this repository")
    return folder
