"""The `groundup` command: finds the verb, imports only that, and turns errors into sentences."""

import ast
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

CHAPTERS = {
    "learn": "Learn it",
    "make": "Make a model",
    "talk": "Talk to it",
    "look": "Look around",
}
"""The headings of the table of contents; a verb names its own in `CHAPTER`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. Returns the exit code: 0, 1 for what the person can mend, 130 after Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    return _run(given[0] if given else "--help", given[1:], debug=debug)


def _about(flag: str) -> str | None:
    """What the command itself answers; None for a verb."""
    if flag in ("-h", "--help", "help"):
        return contents()
    if flag == "--version":
        from importlib.metadata import version

        return f"groundup {version('groundup')}"
    return None


def _run(verb: str, arguments: list[str], *, debug: bool) -> int:
    try:
        if answer := _about(verb):
            print(answer, flush=True)
            return 0
        if verb not in (known := verbs()):
            near = difflib.get_close_matches(verb, known, n=1)
            hint = f"did you mean `groundup {near[0]}`?" if near else "`groundup --help` lists them"
            raise ValueError(f"there is no verb {verb!r}; {hint}")
        code = importlib.import_module(f"groundup.cli.{verb}").run(arguments)
        sys.stdout.flush()
        return int(code)
    except KeyboardInterrupt as stop:  # a verb that starts over says so in it
        what_next = str(stop) or "the same command goes on where it was"
        print(f"\nstopped; {what_next}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError) as problem:
        if debug:
            raise
        print(f"groundup {verb}: {_sentence(problem)}", file=sys.stderr)
        return 1
    except Exception as problem:
        if debug:
            raise
        kind = type(problem).__name__
        print(
            f"groundup {verb}: unexpected {kind}: {_sentence(problem)} (--debug shows where)",
            file=sys.stderr,
        )
        return 70


def _sentence(problem: Exception) -> str:
    """An error's own words; for an OSError, what the system said and about which file."""
    if isinstance(problem, OSError) and problem.strerror:
        about = f": {problem.filename}" if problem.filename else ""
        return f"{problem.strerror}{about}"
    return str(problem) or type(problem).__name__


def verbs() -> list[str]:
    """The verbs there are: the files beside this one."""
    here = Path(__file__).parent
    return sorted(path.stem for path in here.glob("[a-z]*.py") if path.stem != "main")


def contents() -> str:
    """The help text: verbs under their chapters, read from the files without importing them."""
    chapters: dict[str, list[str]] = {title: [] for title in CHAPTERS.values()}
    for verb in verbs():
        tree = ast.parse((Path(__file__).parent / f"{verb}.py").read_text(encoding="utf-8"))
        summary = (ast.get_docstring(tree) or "").partition("\n")[0]
        chapters[CHAPTERS[_chapter(tree)]].append(f"  groundup {verb:<11} {summary}")
    lines = ["groundup: from zero to building and running a large language model", ""]
    for title, entries in chapters.items():
        lines += [title, *entries, ""]
    lines.append("`groundup VERB --help` explains a verb; --debug shows the traceback of an error.")
    return "\n".join(lines)


def _chapter(tree: ast.Module) -> str:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            target = node.targets[0]
            if isinstance(target, ast.Name) and target.id == "CHAPTER":
                return str(node.value.value)
    return "look"
