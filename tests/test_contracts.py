"""Imports only point down, types hold, style is one: the tools' own words, run as tests."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from groundup.cli import map as map_verb

ROOT = Path(__file__).parent.parent
TOOLS = Path(sys.executable).parent


def tool(*words, cwd=ROOT):
    """Run one of the tools of this environment; returns its exit code and output."""
    command = [str(TOOLS / words[0]), *words[1:]]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_imports_keep_the_contracts():
    code, output = tool("lint-imports", "--no-cache")
    assert code == 0, output


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("layers/wrong.py", "from groundup.pipeline import stage", "point down BROKEN"),
        ("evaluate/wrong.py", "import groundup.finetune", "point down BROKEN"),
        ("maths/wrong.py", "import torch", "plain Python and NumPy BROKEN"),
        ("tokenizers/wrong.py", "import tiktoken", "tests and benchmarks only BROKEN"),
        ("serve/wrong.py", "import groundup.kernels", "open kernels BROKEN"),
        ("newroom/__init__.py", "", "- groundup.newroom"),
    ],
)
def test_a_broken_contract_is_found(tmp_path, file, line, said):
    """In a house of empty rooms with one wrong import."""
    house = tmp_path / "groundup"
    for name in [*map_verb.rooms(), Path(file).parent.name]:
        (house / name).mkdir(parents=True, exist_ok=True)
        (house / name / "__init__.py").touch()
    for name in ("__init__.py", "swap.py", "config.py", "pipeline/stage.py"):
        (house / name).touch()
    (house / file).write_text(line, encoding="utf-8")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    code, output = tool("lint-imports", "--no-cache", cwd=tmp_path)
    assert code == 1
    assert said in output


def test_the_map_shows_the_floors_of_the_contract():
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [floors] = [c for c in table["tool"]["importlinter"]["contracts"] if c["id"] == "floors"]
    drawn = [" | ".join(group) for _, groups in map_verb.FLOORS for group in groups]
    assert [*drawn, "swap", "config"] == floors["layers"]


def test_style_is_one():
    code, output = tool("ruff", "check", "--output-format", "concise", ".")
    assert code == 0, output
    code, output = tool("ruff", "format", "--check", ".")
    assert code == 0, output


@pytest.mark.slow
def test_types_hold():
    code, output = tool("mypy")
    assert code == 0, output
