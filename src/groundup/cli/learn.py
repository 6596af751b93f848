"""Learn by writing the parts of a language model yourself; alone, it opens the course in a browser.

groundup learn start ~/my-llm        # a folder of plain files: one stub for each exercise
groundup learn watch                 # checks the current exercise whenever you save it
groundup learn check attention       # or one by name; --deep for all of its checks
groundup learn hint                  # the next of three
groundup build stdlib --quick --use ~/my-llm    # a model that runs on the parts that passed

Your code is run with limits on time, memory and files. That protects from accidents and from tricks
within reason, not from malice.
"""

import argparse
import ast
import difflib
import importlib
import importlib.util
import inspect
from pathlib import Path

CHAPTER = "learn"
_ALSO = {"export": "progress", "import": "progress"}
"""Words that are a command of another word."""


def run(arguments: list[str]) -> int:
    """Hand over to the word's own file."""
    word, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if word in ("-h", "--help", "help"):
        print(_contents())
        return 0
    if word == "" or word.startswith("-"):
        return _open_the_studio(arguments)
    known = words()
    if word in _ALSO and word not in known:
        word, rest = _ALSO[word], [word, *rest]
    if word not in known:
        near = difflib.get_close_matches(word, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`groundup learn --help` lists them"
        raise ValueError(f"there is no `groundup learn {word}`; {hint}")
    module = importlib.import_module(f"groundup.cli._learn_{word}")
    return int(module.run(rest))


def words() -> list[str]:
    """The words there are: the files `_learn_<word>.py` beside this one."""
    return sorted(p.stem.removeprefix("_learn_") for p in Path(__file__).parent.glob("_learn_*.py"))


def _contents() -> str:
    lines = [inspect.cleandoc(__doc__ or ""), ""]
    for word in words():
        path = Path(__file__).with_name(f"_learn_{word}.py")
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        lines.append(f"  groundup learn {word:<10} {text.partition(chr(10))[0]}")
    return "\n".join([*lines, "", "`groundup learn WORD --help` explains a word."])


def _open_the_studio(arguments: list[str]) -> int:
    if importlib.util.find_spec("groundup.studio.main") is None:
        print(_contents())
        return 0
    parser = argparse.ArgumentParser(prog="groundup learn")
    parser.add_argument("--port", type=int, default=0, help="where it listens (a free port)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    options, rest = parser.parse_known_args(arguments)
    from groundup.cli import _learning

    desk = _learning.opened(_learning.parsed(argparse.ArgumentParser(prog=parser.prog), rest))
    studio = importlib.import_module("groundup.studio.main")
    code = studio.run(desk.workspace, port=options.port, open_browser=not options.no_browser)
    return int(code or 0)
