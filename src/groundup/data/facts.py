"""What Python source says about itself, read with `ast`, as questions that have one answer.

A fact is a `Pair`: what kind of question, the names in it, and the answer the source gives. How it
is asked is `instructions`'.
"""

import ast
import inspect
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Pair:
    """A question and its answer before it is a conversation."""

    kind: str
    facts: dict[str, str]
    answer: str


def facts_of(path: str, text: str, *, skip_tests: bool) -> Iterator[Pair]:
    """All pairs of a Python file; none if it does not parse. `path` names its module.

    `skip_tests` leaves out functions and classes named `test...`.
    """
    tree = parsed(text)
    if tree is None:
        return
    module = module_name(path)
    lines = text.split("\n")  # as the parser counts; splitlines() cuts at form feeds too
    yield from _purpose(tree, module)
    for node in tree.body:
        if not isinstance(node, Function | ast.ClassDef):
            continue
        if skip_tests and _is_test(node.name):
            continue
        if not node.name.startswith("__"):
            yield Pair("where", {"name": node.name}, f"`{node.name}` is in `{module}`.")
        if isinstance(node, ast.ClassDef):
            yield from _class_facts(node, module, lines, skip_tests)
        else:
            yield from _function_facts(node, module, lines)


def parsed(text: str) -> ast.Module | None:
    """None for what is not Python as this interpreter reads it, such as Python 2."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a document's odd escapes are nothing to tell anybody
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def module_name(path: str) -> str:
    """`email/mime/text.py` is `email.mime.text`; a package's `__init__.py` is the package."""
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _is_test(name: str) -> bool:
    return name.startswith(("test", "Test"))


def _class_facts(
    node: ast.ClassDef, module: str, lines: list[str], skip_tests: bool
) -> Iterator[Pair]:
    place = f"{module}.{node.name}"
    yield from _purpose(node, place)
    if node.bases:
        named = listed([ast.unparse(base) for base in node.bases])
        yield Pair("bases", {"place": place}, f"`{place}` inherits from {named}.")
    methods = [
        child
        for child in node.body
        if isinstance(child, Function) and not (skip_tests and _is_test(child.name))
    ]
    public = list(dict.fromkeys(m.name for m in methods if not m.name.startswith("_")))
    if public:
        noun = "method" if len(public) == 1 else "methods"
        yield Pair("methods", {"place": place}, f"`{place}` has the {noun} {listed(public)}.")
    for method in methods:
        yield from _function_facts(method, place, lines)


def _function_facts(node: Function, owner: str, lines: list[str]) -> Iterator[Pair]:
    place = f"{owner}.{node.name}"
    signature = f"{node.name}({ast.unparse(node.args)})"
    if paragraph := _paragraph(node):
        yield Pair("write", {"signature": signature, "doc": paragraph}, source_of(node, lines))
    yield from _purpose(node, place)
    if node.name.startswith("_"):
        return
    names = [argument for argument in _arguments(node.args) if argument not in ("self", "cls")]
    if names:
        yield Pair("arguments", {"place": place}, f"`{signature}` takes {listed(names)}.")
    for argument, default in _defaults(node.args):
        facts = {"place": place, "argument": argument}
        yield Pair("default", facts, f"The default of `{argument}` is `{default}`.")


def _purpose(node: ast.Module | ast.ClassDef | Function, place: str) -> Iterator[Pair]:
    """What a docstring's first sentence says, if it has three words or more."""
    if paragraph := _paragraph(node):
        sentence = sentences(paragraph)[0]
        if len(sentence.split()) >= 3:
            yield Pair("does", {"place": place}, sentence)


def source_of(node: Function, lines: list[str]) -> str:
    """A function's source without its decorators, moved to the margin."""
    assert node.end_lineno is not None, "ast.parse knows where each statement ends"
    first, *rest = lines[node.lineno - 1 : node.end_lineno]
    taken = [first.lstrip("\x0c"), *rest]
    indent = len(taken[0]) - len(taken[0].lstrip())
    # not textwrap.dedent: lines inside a long string may stand further left
    return "\n".join(line if line[:indent].strip() else line[indent:] for line in taken).rstrip()


def _arguments(arguments: ast.arguments) -> list[str]:
    plain = [argument.arg for argument in [*arguments.posonlyargs, *arguments.args]]
    star = [f"*{arguments.vararg.arg}"] if arguments.vararg else []
    double = [f"**{arguments.kwarg.arg}"] if arguments.kwarg else []
    return [*plain, *star, *(argument.arg for argument in arguments.kwonlyargs), *double]


def _defaults(arguments: ast.arguments) -> Iterator[tuple[str, str]]:
    """(name, default) of each argument that has one written as a short constant."""
    plain = [*arguments.posonlyargs, *arguments.args]
    last = plain[len(plain) - len(arguments.defaults) :]
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    for argument, default in [*zip(last, arguments.defaults, strict=True), *named]:
        if isinstance(default, ast.Constant) and len(text := ast.unparse(default)) <= 40:
            yield argument.arg, text


def _paragraph(node: ast.Module | ast.ClassDef | Function) -> str | None:
    """A docstring's first paragraph on one line."""
    doc = ast.get_docstring(node, clean=False)
    if not doc or not doc.strip():
        return None
    return " ".join(re.split(r"\n\s*\n", inspect.cleandoc(doc).strip())[0].split())


def sentences(text: str) -> list[str]:
    """Cuts after `.`, `!` or `?` before a space and a capital letter, digit or quote.

    Leaves out abbreviations: `Mr. Smith` is cut in two.
    """
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+(?=[\"'A-ZÀ-Þ\d])", text.strip())]


def listed(names: list[str]) -> str:
    """`a`, `b` and `c`; nothing for no names."""
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
