"""Where a chat template runs: Jinja's sandbox, with what the field's templates name in it.

A chat template is a program by whoever made the model. It may reach the values it is given and
nothing else: no attribute that begins with an underscore, no file, no other template, no clock but
the one it is given, no chance. A rendering makes at most `MOST_STEPS` turns of a loop or calls of a
macro, and no text, list or number is made larger than `MOST_ITEMS` by `*` and `**`.

Source: Jinja's documentation of its sandbox. Leaves out a bound on memory and time as such: a
template may still double a text line by line, or pad one with a filter (`center`). Who runs
templates of strangers for strangers sets a limit for the process.
"""

import json
from collections.abc import Sized
from typing import Any

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
import jinja2.runtime
import jinja2.sandbox
import jinja2.utils

MOST_STEPS = 1_000_000
"""Turns of loops and calls of macros in one rendering."""
MOST_ITEMS = 1 << 20
"""Characters, items or bits of what `*` and `**` make."""
GENERATION_START, GENERATION_END = "_generation_start", "_generation_end"
"""Variables that are written before and after what stands in `{% generation %}`."""
FAILURES = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    LookupError,
    RecursionError,
    MemoryError,
)
"""What running a template may end with."""
_STEPS = "_steps"


class Compiled:
    """A template, ready to be rendered; `marks_generation`: whether it has `{% generation %}`.

    Raises ValueError if the source is no Jinja template.
    """

    def __init__(self, source: str) -> None:
        environment = _Sandbox()
        try:
            tree = environment.parse(source)
            names = {node.name for node in tree.find_all(jinja2.nodes.Name)}
            _count_steps(tree, environment)
            code = environment.compile(tree)
        except (*FAILURES, SyntaxError) as problem:
            raise ValueError(
                f"the chat template is no Jinja template: {_reason(problem)}"
            ) from problem
        self.marks_generation = GENERATION_START in names
        self._template = jinja2.Template.from_code(
            environment, code, environment.make_globals(None)
        )

    def render(self, variables: dict[str, Any]) -> str:
        """The text. Raises ValueError if the template refuses, fails, or goes on too long."""
        try:
            return self._template.render({**variables, _STEPS: iter(range(MOST_STEPS))})
        except FAILURES as problem:
            raise ValueError(
                f"the chat template refuses the conversation: {_reason(problem)}"
            ) from problem


def _reason(problem: Exception) -> str:
    """What went wrong, in one line of at most 500 characters."""
    return " ".join(str(problem).split())[:500] or type(problem).__name__


class _Sandbox(jinja2.sandbox.ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(["*", "**"])

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[_Generation, jinja2.ext.loopcontrols],
        )
        self.filters["tojson"] = _to_json
        self.globals["raise_exception"] = _raise
        self.globals["namespace"] = _Namespace
        del self.filters["random"], self.globals["lipsum"]  # the same messages, the same text

    @jinja2.pass_context
    def step(self, context: jinja2.runtime.Context) -> None:
        """Called in every turn of a loop and by every macro."""
        if next(context.parent[_STEPS], None) is None:
            raise jinja2.exceptions.SecurityError(
                f"it makes more than {MOST_STEPS:,} turns of loops and calls of macros"
            )

    def call_binop(
        self, context: jinja2.runtime.Context, operator: str, left: Any, right: Any
    ) -> Any:
        """`left * right` or `left ** right`, if the result is of a size somebody could want."""
        if _size(operator, left, right) > MOST_ITEMS:
            raise jinja2.exceptions.SecurityError(f"{operator!r} makes too large a value")
        return super().call_binop(context, operator, left, right)


def _size(operator: str, left: Any, right: Any) -> int:
    """At most how many bits or items the result has; 0 where it is no integer, text or list."""
    match operator, left, right:
        case "*", int(), int():
            return left.bit_length() + right.bit_length()
        case "**", int(), int():
            return left.bit_length() * right
        case ("*", Sized(), int()) | ("*", int(), Sized()):
            count, items = (left, right) if isinstance(left, int) else (right, left)
            return count * len(items)
    return 0


def _count_steps(tree: jinja2.nodes.Template, environment: jinja2.Environment) -> None:
    """Put a call of `step` before the body of every loop and macro."""
    bodies = [node.body for node in tree.find_all(jinja2.nodes.For)]
    bodies += [node.body for node in tree.find_all(jinja2.nodes.Macro)]
    bodies += [node.body for node in tree.find_all(jinja2.nodes.CallBlock)]
    for body in bodies:
        step = jinja2.nodes.EnvironmentAttribute("step")
        body.insert(0, jinja2.nodes.ExprStmt(jinja2.nodes.Call(step, [], [], None, None)))
    tree.set_environment(environment)


class _Generation(jinja2.ext.Extension):
    """`{% generation %} ... {% endgeneration %}` marks what the assistant says."""

    tags = {"generation"}  # noqa: RUF012 - jinja2 declares it so

    def parse(self, parser: jinja2.parser.Parser) -> jinja2.nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        start, end = (
            jinja2.nodes.Output([jinja2.nodes.Name(name, "load")])
            for name in (GENERATION_START, GENERATION_END)
        )
        return jinja2.nodes.Scope([start, *body, end]).set_lineno(line)


class _Namespace(jinja2.utils.Namespace):
    """Jinja's `namespace`, but for names that could reach Python's internals."""

    def __init__(*arguments: Any, **values: Any) -> None:  # a value may be called `self`
        self, *rest = arguments
        values = dict(*rest, **values)
        for name in values:
            _check_name(name)
        jinja2.utils.Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        super().__setitem__(name, value)


def _check_name(name: str) -> None:
    if str(name).startswith("_"):
        raise jinja2.exceptions.SecurityError(f"a template may not set {name!r}")


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)
