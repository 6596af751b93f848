"""A lesson's Markdown: prose becomes HTML, directives are handed over as they stand.

CommonMark with tables, footnotes, `$TeX$` and `$$TeX$$`. Raw HTML is shown as text. A link to
another lesson is its file's path, `[softmax](../../p02_learning/losses/lesson.md)`, and becomes
`/topics/p02_learning/losses`.
"""

import functools
import itertools
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.anchors import anchors_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from groundup.course.lesson_parts import Heading
from groundup.course.lesson_source import highlighted

_OPENING = re.compile(r"\{([a-z]+)\}\s*(\S*)\s*")
_LESSON_LINK = re.compile(r"(?:\.\./)+[\w/]+/lesson\.md(#[\w-]+)?")


@dataclass(frozen=True, kw_only=True)
class Directive:
    """`:::{kind} argument`, its body, and its first line in the file."""

    kind: str
    argument: str
    body: str
    line: int


class WrongLesson(ValueError):  # noqa: N818, said to whoever writes the lesson
    """Something in a lesson's file is not as it should be; `line` says where."""

    def __init__(self, line: int, says: str) -> None:
        super().__init__(says)
        self.line = line


@functools.cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "highlight": _highlight})
    parser.enable(["table", "strikethrough"]).disable("image")
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False)
    parser.use(colon_fence_plugin)
    parser.use(footnote_plugin)
    return parser.use(anchors_plugin, max_level=4)


def _highlight(code: str, language: str, _: str) -> str:
    return highlighted(code, language)


def pieces(text: str) -> Iterator[str | Directive]:
    """The lesson in order: HTML of its prose, and its directives. Raises WrongLesson."""
    parser, env = _parser(), dict[str, Any]()
    waiting: list[Token] = []
    for token in _tokens(parser, text, env):
        if token.type != "colon_fence":
            waiting.append(token)
            continue
        if waiting:
            yield parser.renderer.render(waiting, parser.options, env)
            waiting = []
        yield _directive(token)
    if waiting:
        yield parser.renderer.render(waiting, parser.options, env)


def texts(text: str) -> Iterator[str | Directive]:
    """As `pieces`, with the prose as it was written."""
    lines = text.splitlines(keepends=True)
    start = 0
    for token in _tokens(_parser(), text, {}):
        if token.type == "colon_fence" and token.map:
            yield "".join(lines[start : token.map[0]])
            yield _directive(token)
            start = token.map[1]
    yield "".join(lines[start:])


def headings(text: str) -> tuple[Heading, ...]:
    """Of its prose, in order."""
    tokens = _parser().parse(text, {})
    found = []
    for opened, inline in itertools.pairwise(tokens):
        if opened.type == "heading_open":
            words = "".join(one.content for one in inline.children or [] if one.content)
            anchor = str(opened.attrGet("id") or "")
            found.append(Heading(level=int(opened.tag[1]), text=words, anchor=anchor))
    return tuple(found)


def html(text: str) -> str:
    """A piece of Markdown in a directive: paragraphs, without directives of its own."""
    parser, env = _parser(), dict[str, Any]()
    tokens = _tokens(parser, text, env)
    if any(token.type == "colon_fence" for token in tokens):
        raise ValueError("a directive cannot stand in a directive")
    return str(parser.renderer.render(tokens, parser.options, env))


def html_line(text: str) -> str:
    """Markdown without a paragraph around it."""
    made = html(text).strip()
    inner = made.removeprefix("<p>").removesuffix("</p>")
    return inner if "<p>" not in inner else made


def _tokens(parser: MarkdownIt, text: str, env: dict[str, Any]) -> Sequence[Token]:
    tokens = parser.parse(text, env)
    for token in tokens:
        if token.type == "colon_fence" and token.level > 0:
            raise WrongLesson(_line(token), "a directive stands in no list, quote or table")
        for inner in token.children or []:
            _resolve_link(inner, _line(token))
        if token.type == "fence":
            _check_language(token)
    return tokens


def _check_language(token: Token) -> None:
    try:
        highlighted("", token.info.strip())
    except ValueError as problem:
        raise WrongLesson(_line(token), str(problem)) from problem


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1


def _resolve_link(token: Token, line: int) -> None:
    """A link to a lesson's file becomes one to its page."""
    target = str(token.attrGet("href") or "") if token.type == "link_open" else ""
    if not target or re.match(r"https?://|#", target):
        return
    if not _LESSON_LINK.fullmatch(target):
        raise WrongLesson(line, f"the link {target!r} leads neither to a lesson nor to the web")
    path, _, anchor = target.partition("#")
    topic = posixpath.dirname(path).replace("../", "")
    token.attrSet("href", f"/topics/{topic}" + (f"#{anchor}" if anchor else ""))


def _directive(token: Token) -> Directive:
    opening = _OPENING.fullmatch(token.info.strip())
    if not opening:
        raise WrongLesson(_line(token), f"':::{token.info.strip()}' should read ':::{{kind}} name'")
    kind, argument = opening.groups()
    return Directive(kind=kind, argument=argument, body=token.content, line=_line(token))
