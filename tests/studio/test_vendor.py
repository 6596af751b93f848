"""What the pages load is what was built, is named with its licence, and asks nobody outside."""

import hashlib
import re
from pathlib import Path

import pytest

from groundup import studio

VENDOR = Path(studio.__file__).parent / "static" / "vendor"
ROW = re.compile(r"^\| (\S+) \| (\d+) \| ([0-9a-f]{64}) \|$", re.MULTILINE)
PACKAGE = re.compile(r"^\| (@?[\w/.-]+) \| (\d+\.\d+\.\d+\S*) \| (\S+) \|$", re.MULTILINE)


def listed():
    rows = ROW.findall((VENDOR / "VENDOR.md").read_text(encoding="utf-8"))
    return {file: (int(size), digest) for file, size, digest in rows}


def test_every_file_is_listed_with_its_size_and_hash():
    there = {
        path.relative_to(VENDOR).as_posix(): path.read_bytes()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "VENDOR.md"
    }
    found = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in there.items()}
    assert found == listed()


def test_every_package_is_named_with_a_free_licence_and_its_text_is_there():
    packages = PACKAGE.findall((VENDOR / "VENDOR.md").read_text(encoding="utf-8"))
    texts = (VENDOR / "LICENSES.txt").read_text(encoding="utf-8")
    names = {name for name, _, _ in packages}
    assert {"katex", "vega", "vega-lite", "vega-embed", "@codemirror/view"} <= names
    for name, version, licence in packages:
        assert licence in {"MIT", "ISC", "BSD-3-Clause", "Apache-2.0", "0BSD", "Unlicense"}, name
        assert f"{name} {version}\n" in texts


@pytest.mark.parametrize("file", ["katex/katex.min.css"])
def test_a_style_asks_for_files_that_are_there(file):
    path = VENDOR / file
    asked = re.findall(r"url\(([^)]+)\)", path.read_text(encoding="utf-8"))
    assert len(asked) == 20
    assert [one for one in asked if not (path.parent / one).is_file()] == []


@pytest.mark.parametrize("path", sorted(VENDOR.rglob("*.js")), ids=lambda path: path.name)
def test_a_script_loads_no_other_and_names_no_map(path):
    text = path.read_text(encoding="utf-8")
    assert "sourceMappingURL" not in text
    assert not re.search(r"""\bimport\s*\(?\s*["']https?:""", text)
