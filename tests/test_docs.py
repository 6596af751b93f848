"""The documents tell the truth: code runs, commands parse, links and numbers hold.

A number taken from a benchmark is written between markers, and must equal the file:

    <!-- number: benchmarks/results/x.json ratio .2f -->1.62<!-- /number -->
"""

import contextlib
import functools
import io
import json
import re
import shlex
from pathlib import Path

import pytest

from groundup.cli import main as command

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
NUMBER = re.compile(r"<!-- number: (\S+) (\S+) (\S+) -->(.*?)<!-- /number -->", re.DOTALL)

documents = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)


def code_blocks(text, language):
    return [body for found, body in FENCE.findall(text) if found == language]


def groundup_commands(text):
    """Words after `groundup` in shell blocks and in inline code, a list a command."""
    lines = [line for kind in ("sh", "console") for body in code_blocks(text, kind)
             for line in body.replace("\\\n", " ").splitlines()]  # fmt: skip
    lines += re.findall(r"`(groundup [^`\n]*)`", FENCE.sub("", text))
    lines = [line.strip().removeprefix("$ ").partition("  #")[0] for line in lines]
    return [shlex.split(line)[1:] for line in lines if line.startswith("groundup ")]


def make_targets(text):
    lines = [line for body in code_blocks(text, "sh") for line in body.splitlines()]
    lines += re.findall(r"`(make [^`\n]*)`", FENCE.sub("", text))
    return [word for line in lines if line.startswith("make ") for word in line.split()[1:2]]


def links(text):
    return [first or second for first, second in LINK.findall(FENCE.sub("", text))]


def anchor(heading):
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def broken_links(document):
    for link in links(document.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, part = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        if not target.exists():
            yield link
        elif part:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            if part not in map(anchor, headings):
                yield link


def wrong_numbers(text, root):
    for file, key, form, quoted in NUMBER.findall(text):
        value = json.loads((root / file).read_text(encoding="utf-8"))
        for part in key.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
        if quoted.strip() != (shown := format(value, form)):
            yield f"{file} {key} is {shown}; the document says {quoted.strip()}"


@functools.cache
def help_of(*words):
    """What `groundup words --help` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        command.main([*words, "--help"])
    return out.getvalue()


def wrong_command(words):
    """Why a `groundup` command line would not parse, or None."""
    verb, *rest = words or ["--help"]
    if verb.startswith("-"):
        return None if verb in ("--help", "--version") else f"no option {verb}"
    if verb not in [*command.verbs(), "VERB"]:
        return f"no verb {verb}"
    has_parts = verb in ("build", "tokenizer")  # recipes, commands
    recipe = [word for word in rest[:1] if has_parts and not word.startswith("-")]
    shown = help_of(verb, *recipe) if any(word.startswith("--") for word in rest) else ""
    for word in rest:
        option = word.partition("=")[0]
        known = re.search(rf"{re.escape(option)}(?![\w-])", shown) or option in (
            "--help",
            "--debug",
        )
        if option.startswith("--") and not known:
            return f"{verb} has no option {option}"
    return None


@documents
def test_its_python_runs(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "document"}
    for block in code_blocks(document.read_text(encoding="utf-8"), "python"):
        exec(compile(block, str(document), "exec"), names)


@documents
def test_its_commands_parse(document):
    found = groundup_commands(document.read_text(encoding="utf-8"))
    assert [problem for words in found if (problem := wrong_command(words))] == []


@documents
def test_its_make_targets_exist(document):
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(make_targets(document.read_text(encoding="utf-8"))) <= known


@documents
def test_its_links_lead_somewhere(document):
    assert list(broken_links(document)) == []


@documents
def test_its_numbers_are_those_of_the_benchmarks(document):
    assert list(wrong_numbers(document.read_text(encoding="utf-8"), ROOT)) == []


def test_the_readme_fits_on_a_screen():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 70


def test_the_checks_find_what_they_are_for(tmp_path):
    text = (
        "```sh\nmake nothing\ngroundup nothing  # a remark\n$ groundup map --nothing\n```\n"
        "`groundup map layers` [a](gone.md) [b](#no-such) [c](#a-title) [d](https://x.org)\n"
        "# A title\n<!-- number: x.json a.0 .1f -->2.0<!-- /number -->"
        "<!-- number: x.json b d -->7<!-- /number -->\n```python\nx = 1\n```\n"
    )
    document = tmp_path / "x.md"
    document.write_text(text, encoding="utf-8")
    (tmp_path / "x.json").write_text('{"a": [1.96], "b": 8}', encoding="utf-8")
    assert make_targets(text) == ["nothing"]
    assert [wrong_command(words) for words in groundup_commands(text)] == [
        "no verb nothing",
        "map has no option --nothing",
        None,
    ]
    assert list(broken_links(document)) == ["gone.md", "#no-such"]
    assert list(wrong_numbers(text, tmp_path)) == ["x.json b is 8; the document says 7"]
    assert code_blocks(text, "python") == ["x = 1\n"]


def test_every_letter_in_a_legend_is_in_the_notation():
    table = (ROOT / "docs" / "notation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z](?:, [A-Z])*) \|", table, re.MULTILINE)
    known = {letter for row in rows for letter in row.split(", ")}
    legends = {
        path: re.search(r"Legend:(.*?)\.\n", path.read_text(encoding="utf-8"), re.DOTALL)
        for path in sorted((ROOT / "src").rglob("*.py"))
    }
    assert sum(found is not None for found in legends.values()) > 10
    for path, found in legends.items():
        letters = set(re.findall(r"\b([A-Z])\b", found[1])) if found else set()
        assert letters <= known, f"{path.name}: {letters - known}"
