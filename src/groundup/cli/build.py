"""Build a language model from text, end to end; run it again and it goes on where it was.

groundup build stdlib
groundup build stdlib --quick
groundup build stdlib --depth 6 --minutes 30 --corpus.path ~/my-texts --name mine
groundup build stdlib --use layers.attention:attend=./mine.py
groundup build stdlib --quick --use ~/my-llm    # every part of your workspace that passes
groundup build six_tokenizers --quick
groundup build names_rnn --kind lstm
groundup build backpropagation
"""

import argparse
import importlib
import inspect
import pkgutil
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groundup.swap import Replacement

CHAPTER = "make"


def run(arguments: list[str]) -> int:
    """Parse, build, say what to do next."""
    if not arguments or arguments[0].startswith("-"):
        print(_usage())
        return 0 if set(arguments) & {"-h", "--help"} else 2
    recipe = find_recipe(arguments[0])
    settings, uses, runs = parse(recipe, arguments[0], arguments[1:])

    from groundup.observe.progress import human_time, terminal
    from groundup.pipeline.build import BuildConfig, build

    replacements = [part for use in uses for part in replacements_of(use)]
    began = time.monotonic()
    folder = build(settings, runs, uses=replacements, progress=terminal, say=_say)
    took = human_time(time.monotonic() - began)
    if not isinstance(settings, BuildConfig):
        print(f"\n{folder} is done ({took}); its figures and its picture are in {folder}/summary")
        return 0
    print(f"\n{folder} is built ({took}). What to do next:")
    command = "groundup" if shutil.which("groundup") else sys.argv[0]
    for words in (f"report {folder}", f"chat {folder}", f'complete {folder} "def fibonacci(n):"'):
        print(f"  {command} {words}")
    return 0


def replacements_of(use: str) -> "list[Replacement]":
    """What one --use names: a part and its file, or all parts of a workspace that pass now."""
    from groundup import swap

    folder = Path(use).expanduser()
    if not folder.is_dir():
        return [swap.load(use)]
    from groundup.course import passed_parts
    from groundup.course.grader import Grader
    from groundup.course.workspace import Workspace

    with Grader() as grader:
        return passed_parts.find(Workspace(folder), grader, say=_say)


def recipes() -> list[str]:
    """The names of the recipes: the files in that room."""
    package = importlib.import_module("groundup.recipes")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def find_recipe(name: str) -> Callable[..., Any]:
    """The function `name` in `groundup.recipes.<name>`."""
    if name not in recipes():
        raise ValueError(f"there is no recipe {name!r}; there are: {', '.join(recipes())}")
    return getattr(importlib.import_module(f"groundup.recipes.{name}"), name)  # type: ignore[no-any-return]


def parse(
    recipe: Callable[..., Any], name: str, arguments: Sequence[str]
) -> tuple[Any, list[str], Path]:
    """The recipe's config with its dials and any `--a.b value` applied, the uses, the runs folder.

    A recipe's parameters are dials (`--depth 6`); every field of the config it returns is an
    option (`--pretrain.train.clip 0.5`).
    """
    import tyro

    parser = argparse.ArgumentParser(
        prog=f"groundup build {name}",
        description=inspect.getdoc(recipe),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        allow_abbrev=False,
    )
    dials = _add_dials(parser, recipe)
    group = parser.add_argument_group("the run")
    group.add_argument("--name", help="the run's folder below --runs (default: the recipe's name)")
    group.add_argument("--runs", type=Path, default=Path("runs"), help="where runs live (runs)")
    group.add_argument(
        "--use", action="append", default=[], metavar="WORKSPACE|PART=FILE[:NAME]",
        help="run your functions in place of the library's: every part of a workspace that passes "
        "its checks now, or one, e.g. layers.attention:attend=./mine.py",
    )  # fmt: skip
    known, rest = parser.parse_known_args(list(arguments))
    given = {dial: value for dial in dials if (value := getattr(known, dial)) is not None}
    settings = recipe(**given)
    if {"-h", "--help"} & set(rest):
        print(parser.format_help() + "\nevery other setting, with its value for these dials:\n")
    prog = f"groundup build {name}"
    settings = tyro.cli(type(settings), default=settings, args=rest, prog=prog)
    if known.name:
        from dataclasses import replace

        settings = replace(settings, name=known.name)
    return settings, known.use, known.runs


def _add_dials(parser: argparse.ArgumentParser, recipe: Callable[..., Any]) -> list[str]:
    group = parser.add_argument_group("dials")
    parameters = inspect.signature(recipe).parameters
    for dial, parameter in parameters.items():
        option = f"--{dial.replace('_', '-')}"
        if isinstance(parameter.default, bool):
            group.add_argument(option, action="store_true", default=None)
        else:
            kind = type(parameter.default)
            group.add_argument(option, type=kind, help=f"(default {parameter.default})")
    return list(parameters)


def _usage() -> str:
    lines = [inspect.cleandoc(__doc__ or ""), "", "recipes:"]
    for name in recipes():
        summary = (inspect.getdoc(find_recipe(name)) or "").partition("\n")[0]
        lines.append(f"  {name:<15} {summary}")
    lines += ["", "`groundup build RECIPE --help` lists its dials and every setting."]
    return "\n".join(lines)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
