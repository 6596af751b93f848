"""The rules of the house that a machine can hold. Each check is also shown code that breaks it."""

import ast
import statistics
from pathlib import Path

import pytest

from groundup.course.syllabus import imported_modules

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
EVERYTHING = SOURCES + [
    path for room in ("tests", "benchmarks") for path in sorted((ROOT / room).rglob("*.py"))
]
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "core", "base", "shared"}
UNSAFE_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}

LONG_FILES: dict[str, str] = {}
"""Files beyond 500 lines, each with its reason."""
LONG_FUNCTIONS: dict[str, str] = {}
"""Functions beyond 80 lines, as `file::name`, each with its reason."""
TALKERS = {
    "src/groundup/cli": "verbs talk to the person",
    "src/groundup/observe/progress.py": "where there is no terminal, progress is printed lines",
}
"""Where `print` may stand; elsewhere code returns, logs or takes a `Progress`."""
CATCHERS = {
    "src/groundup/course/case.py": "a learner's own __repr__ may fail in any way",
    "src/groundup/inference/drawing.py": "whose draw it is that fails is found one by one",
    "src/groundup/inference/engine.py": "a request that fails ends alone, told whatever it was",
    "src/groundup/train/compile.py": "what a compiler fails with cannot be listed; it is returned",
}
"""Where any exception may be caught without raising it again."""
REGISTRARS = {
    "src/groundup/kernels/loss.py": "an operator's gradient is registered with torch once",
    "src/groundup/course/topics/": "a topic's checks declare its exercises and their mistakes",
}
"""What does something when it is imported."""
EXECUTORS = {
    "src/groundup/swap.py": "--use imports the learner's own file; that is its purpose",
}
"""Where Python may be run that is not part of the house."""


def name(path):
    return path.relative_to(ROOT).as_posix()


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=name(path))


def offences(check, paths=SOURCES):
    """What a check finds in each file, as `file:line what`."""
    return [f"{name(path)}:{line} {what}" for path in paths for line, what in check(parse(path))]


def functions(tree):
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def length(function):
    first = min([function.lineno, *(mark.lineno for mark in function.decorator_list)])
    return function.end_lineno - first + 1


# Size: small enough to read from the top


def test_no_file_is_longer_than_500_lines():
    long = {
        name(path): lines
        for path in EVERYTHING
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 500
    }
    assert set(long) == set(LONG_FILES), f"too long, or no longer so: {long}, {LONG_FILES}"


def test_half_of_the_files_have_at_most_150_lines_and_nine_tenths_300():
    sizes = [
        len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCES
        if path.name != "__init__.py"
    ]
    assert statistics.median(sizes) <= 150
    assert sum(size <= 300 for size in sizes) >= 0.9 * len(sizes), sorted(sizes)[-10:]


def test_no_function_is_longer_than_80_lines_and_nine_tenths_have_at_most_30():
    sizes = {
        f"{name(path)}::{function.name}": length(function)
        for path in SOURCES
        for function in functions(parse(path))
    }
    long = {key for key, size in sizes.items() if size > 80}
    assert long == set(LONG_FUNCTIONS), f"too long, or no longer so: {long}"
    assert sum(size <= 30 for size in sizes.values()) >= 0.9 * len(sizes)


def too_many_parameters(tree):
    for function in functions(tree):
        arguments = function.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        count = sum(argument.arg not in ("self", "cls") for argument in every)
        if count > 8:
            yield function.lineno, f"{function.name} has {count} parameters; 8 are the most"


def test_no_function_has_more_than_8_parameters():
    assert offences(too_many_parameters) == []


# Names and rooms


def test_no_file_is_named_for_nothing():
    vague = [name(path) for path in EVERYTHING if path.stem.removeprefix("test_") in BANNED_NAMES]
    assert vague == []


def test_rooms_are_one_level_deep_and_each_says_what_it_is():
    house = ROOT / "src" / "groundup"
    rooms = [path for path in house.iterdir() if path.is_dir() and path.name != "__pycache__"]
    silent = [room.name for room in rooms if not (room / "__init__.py").is_file()]
    assert silent == []
    folders = ("course/topics/", "course/projects/")  # one for each topic, one for each project
    deeper = [name(path) for path in house.glob("*/*/**/*.py")]
    assert [path for path in deeper if not any(folder in path for folder in folders)] == []


def more_than_a_docstring(tree):
    if not ast.get_docstring(tree):
        yield 1, "has no docstring"
    for node in tree.body[1:]:
        yield node.lineno, "an __init__ holds its docstring and nothing else"


def test_an_init_is_its_docstring():
    inits = [path for path in SOURCES if path.name == "__init__.py"]
    assert offences(more_than_a_docstring, inits) == []


def test_tests_stand_in_the_rooms_they_test():
    rooms = {path.name for path in (ROOT / "src" / "groundup").iterdir() if path.is_dir()}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders <= rooms


def test_every_module_is_tested_itself_or_through_its_room():
    """A test imports it, or a module of the same room that runs it; topics: test_exercises does."""
    modules = {
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts): imported_modules(
            parse(path)
        )
        for path in SOURCES
        if not path.stem.startswith("__") and "/course/topics/" not in name(path)
    }
    tests = set().union(*(imported_modules(parse(p)) for p in (ROOT / "tests").rglob("*.py")))
    tested = set(modules) & tests
    waiting = list(tested)
    while waiting:
        module = waiting.pop()
        room = module.rpartition(".")[0]
        mates = {other for other in modules[module] & set(modules) if other.startswith(f"{room}.")}
        waiting += mates - tested
        tested |= mates
    assert sorted(set(modules) - tested) == []


# What a module may contain


def missing_docstrings(tree):
    if not ast.get_docstring(tree):
        yield 1, "the module has no docstring"
    public = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
    ]
    yield from (
        (n.lineno, f"{n.name} has no docstring") for n in public if not ast.get_docstring(n)
    )


def star_or_relative_imports(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or node.names[0].name == "*"):
            yield node.lineno, "imports name their module in full and what they want from it"


def wordless_asserts(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and node.msg is None:
            yield node.lineno, "an assert says in words what holds"


def work_on_import(tree):
    allowed = (
        ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef,
        ast.Assign, ast.AnnAssign,
    )  # fmt: skip
    for node in tree.body:
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_guard = isinstance(node, ast.If) and ast.unparse(node.test) in (
            "TYPE_CHECKING", "__name__ == '__main__'",
        )  # fmt: skip
        if not (isinstance(node, allowed) or is_text or is_guard):
            yield node.lineno, "a module only defines; it does nothing when it is imported"


def globals_that_change(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield node.lineno, f"global {', '.join(node.names)}: pass what is needed"


def swallowed_exceptions(tree):
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
        if broad and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
            yield node.lineno, "a broad except must raise again"


def unfinished(tree):
    handled = {id(node.type) for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)}
    for node in ast.walk(tree):
        is_named = isinstance(node, ast.Name) and node.id == "NotImplementedError"
        if is_named and id(node) not in handled:
            yield node.lineno, "a stub"


def unsafe_loading(tree):
    """Nothing executes what it loads: no pickle, no eval, torch.load with weights_only alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = {alias.name.split(".")[0] for alias in node.names} & UNSAFE_MODULES
        elif isinstance(node, ast.ImportFrom):
            found = {(node.module or "").split(".")[0]} & UNSAFE_MODULES
        elif isinstance(node, ast.Call):
            found = _unsafe_call(node)
        else:
            continue
        yield from ((node.lineno, what) for what in found)


def _unsafe_call(node):
    called = ast.unparse(node.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    if called == "torch.load" and given.get("weights_only") != "True":
        return {"torch.load without weights_only=True"}
    if called in ("np.load", "numpy.load") and given.get("allow_pickle", "False") != "False":
        return {"numpy.load with pickle"}
    runs_text = called in ("eval", "exec") or called.endswith(".exec_module")
    return {called} if runs_text else set()


def prints(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
            yield node.lineno, "the library does not print"


def reads_environment(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"):
            yield node.lineno, "no environment variables"


EVERYWHERE = [
    missing_docstrings,
    star_or_relative_imports,
    wordless_asserts,
    globals_that_change,
    unfinished,
]


@pytest.mark.parametrize("check", EVERYWHERE, ids=lambda check: check.__name__)
def test_no_source_has(check):
    assert offences(check) == []


def outside(places):
    return [path for path in SOURCES if not any(name(path).startswith(place) for place in places)]


def test_only_these_catch_everything():
    assert offences(swallowed_exceptions, outside(CATCHERS)) == []


def test_only_these_do_something_on_import():
    assert offences(work_on_import, outside(REGISTRARS)) == []


def test_every_exception_to_a_rule_is_still_needed():
    rules = [
        (prints, TALKERS),
        (swallowed_exceptions, CATCHERS),
        (work_on_import, REGISTRARS),
        (unsafe_loading, EXECUTORS),
    ]
    for check, exceptions in rules:
        for place in exceptions:
            paths = [path for path in SOURCES if name(path).startswith(place)]
            assert offences(check, paths), f"{place} keeps {check.__name__}; take it off the list"


def test_only_those_who_talk_to_the_person_print():
    assert offences(prints, outside(TALKERS)) == []


def test_nothing_executes_what_it_loads():
    assert offences(unsafe_loading, outside(EXECUTORS)) == []


def test_no_environment_variables_below_the_command_line():
    assert offences(reads_environment, outside(["src/groundup/cli"])) == []


def test_nothing_is_left_to_do_later():
    words = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    found = [
        f"{name(path)}: {word}"
        for path in EVERYTHING
        for word in words
        if word in path.read_text(encoding="utf-8")
    ]
    assert found == []


@pytest.mark.parametrize(
    ("check", "bad", "good"),
    [
        (missing_docstrings, "x = 1", '"""Says."""'),
        (missing_docstrings, '"""Says."""\ndef f(): pass', '"""Says."""\ndef _f(): pass'),
        (missing_docstrings, '"""Says."""\nasync def f(): pass', '"""S."""\nasync def _f(): 0'),
        (star_or_relative_imports, "from os import *", "from os import path"),
        (star_or_relative_imports, "from . import a", "from groundup import a"),
        (wordless_asserts, "assert x", "assert x, 'x holds'"),
        (work_on_import, "open('a')", "A = open"),
        (work_on_import, "await_(f())", "async def f(): await g()"),
        (work_on_import, "for a in b: pass", '"""Text."""'),
        (globals_that_change, "def f():\n    global a", "def f(): return a"),
        (swallowed_exceptions, "try: a\nexcept Exception: pass", "try: a\nexcept ValueError: b"),
        (swallowed_exceptions, "try: a\nexcept: b", "try: a\nexcept Exception: raise"),
        (unfinished, "raise NotImplementedError", "raise ValueError"),
        (unsafe_loading, "import pickle", "import json"),
        (unsafe_loading, "from pickle import loads", "from json import loads"),
        (unsafe_loading, "torch.load(f)", "torch.load(f, weights_only=True)"),
        (unsafe_loading, "np.load(f, allow_pickle=True)", "np.load(f, mmap_mode='r')"),
        (unsafe_loading, "eval(text)", "model.eval()"),
        (prints, "print(1)", "say(1)"),
        (reads_environment, "os.environ['A']", "os.path"),
        (too_many_parameters, "def f(a, b, c, d, e, f, g, h, i): 0", "def f(self, a): 0"),
        (more_than_a_docstring, "import os", '"""Says."""'),
    ],
)
def test_each_check_finds_what_it_is_for(check, bad, good):
    assert list(check(ast.parse(bad)))
    assert list(check(ast.parse(good))) == []
