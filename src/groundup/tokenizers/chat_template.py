"""Conversations as the text, and the ids, that a chat model was trained on.

A chat template is a Jinja program that lays out messages as one text with control tokens between
them; it comes with the model. It is a stranger's program, so it runs in Jinja's sandbox. What users
write must never become a control token, and training wants to know what the assistant said: both
are read off the rendered text, for any template (see `ChatTemplate.encode`).

Source: the `chat_template` of Hugging Face's tokenizers; ChatML is OpenAI's. Leaves out tools,
documents, messages of several parts, and `strftime_now`: what is rendered depends on the messages
alone. The sandbox bounds what a template can reach, not how long it runs.
"""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.parser
import jinja2.sandbox
import jinja2.utils

Message: TypeAlias = dict[str, str]
"""One message: `role` ("system", "user", "assistant") and `content`."""
Span: TypeAlias = tuple[int, int]

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""ChatML: each message between `<|im_start|>role` and `<|im_end|>`. Ours; Qwen's and SmolLM2's."""
_ROLE = re.compile(r"\w[\w-]*")
# Private-use characters: nobody's text holds all of them, so one is free to mark places with.
_MARKS = range(0xF0000, 0xFFFFE)


class ChatTokenizer(Protocol):
    """What a chat template needs of a tokenizer."""

    special_tokens: dict[str, int]

    def encode(self, text: str) -> list[int]:
        """Ids of plain text: the names of special tokens are plain text too."""
        ...


class ChatTemplate:
    """A compiled chat template.

    `variables` are what templates may name besides the messages, as `bos_token`. Raises ValueError
    if the source is no Jinja template.
    """

    def __init__(self, source: str, *, variables: Mapping[str, str] | None = None) -> None:
        self.source = source
        self.variables = dict(variables or {})
        try:
            self._template = _environment().from_string(source)
        except jinja2.TemplateError as problem:
            raise ValueError(f"the chat template is no Jinja template: {problem}") from problem

    def render(self, messages: Sequence[Message], *, add_generation_prompt: bool = False) -> str:
        """The text of a conversation; with the generation prompt, the assistant speaks next.

        Raises ValueError on a message without a role or content, on a role that is no single word,
        and if the template refuses the conversation (its `raise_exception`).
        """
        _check_messages(messages)
        return self._render(messages, add_generation_prompt)

    def encode(
        self,
        messages: Sequence[Message],
        tokenizer: ChatTokenizer,
        *,
        add_generation_prompt: bool = False,
    ) -> tuple[list[int], list[bool]]:
        """The conversation's ids, and which of them the assistant said.

        Control tokens are only those the template itself wrote. To tell, every control token's
        name inside a message is broken up by a mark before rendering, and the mark is taken out
        again just before its text is encoded, as plain text.

        What the assistant said in turn i is what rendering i + 1 messages adds to rendering i
        messages with the generation prompt, up to the control token that ends the turn: what a
        model must produce when it is asked. Each such stretch is encoded by itself, so a prompt has
        the same ids in training and in use.

        Raises ValueError as `render` does, and if the template has no such stretches because it
        rewrites earlier turns, or treats control tokens in a message specially.
        """
        _check_messages(messages)
        mark = _free_mark(self.source, messages)
        guarded = [_guard(message, mark, list(tokenizer.special_tokens)) for message in messages]
        text = self._render(guarded, add_generation_prompt)
        if text.replace(mark, "") != self._render(messages, add_generation_prompt):
            raise ValueError(
                "the chat template treats the control tokens that stand inside a message specially,"
                " so they cannot be kept apart from its own; take them out of the message first"
            )
        said = self._said(guarded, text, tokenizer.special_tokens)
        ids: list[int] = []
        mask: list[bool] = []
        for start, end, is_said in _stretches(said, len(text)):
            stretch = _encode_marked(text[start:end], mark, tokenizer)
            ids += stretch
            mask += [is_said] * len(stretch)
        return ids, mask

    def _said(
        self, messages: Sequence[Message], text: str, special_tokens: Mapping[str, int]
    ) -> list[Span]:
        spans = []
        for i, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            before = self._render(messages[:i], True)
            through = self._render(messages[: i + 1], False)
            if not (text.startswith(through) and through.startswith(before)):
                raise ValueError(
                    f"the chat template writes message {i} otherwise when more messages follow, or "
                    "not as its generation prompt announces, so what the assistant said in it "
                    "cannot be marked"
                )
            spans.append((len(before), _end_of_turn(through, len(before), special_tokens)))
        return spans

    def _render(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        try:
            return self._template.render(
                **self.variables,
                messages=[dict(message) for message in messages],
                add_generation_prompt=add_generation_prompt,
            )
        except (jinja2.TemplateError, TypeError, ArithmeticError, LookupError) as problem:
            raise ValueError(f"the chat template refuses the conversation: {problem}") from problem


def _environment() -> jinja2.Environment:
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[_Generation, jinja2.ext.loopcontrols],
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise
    environment.globals["namespace"] = _Namespace
    return environment


class _Generation(jinja2.ext.Extension):
    """`{% generation %} ... {% endgeneration %}` marks what the assistant says: shown as it is."""

    tags = {"generation"}  # noqa: RUF012 - jinja2 declares it so

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Namespace(jinja2.utils.Namespace):
    """Jinja's `namespace`, but for names that could reach Python's internals."""

    def __setitem__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            raise jinja2.exceptions.SecurityError(f"a template may not set {name!r}")
        super().__setitem__(name, value)


def _to_json(value: Any, indent: int | None = None, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, **options)


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _check_messages(messages: Sequence[Message]) -> None:
    for i, message in enumerate(messages):
        for key in ("role", "content"):
            if not isinstance(message.get(key), str):
                raise ValueError(f"message {i} needs a {key!r} of text; it is {message!r}")
        if not _ROLE.fullmatch(message["role"]):
            raise ValueError(
                f"the role of message {i} is {message['role']!r}; wanted one word, as 'user'"
            )


def _free_mark(source: str, messages: Sequence[Message]) -> str:
    taken = set(source).union(*(text for message in messages for text in message.values()))
    return next(chr(code) for code in _MARKS if chr(code) not in taken)


def _guard(message: Message, mark: str, names: Sequence[str]) -> Message:
    """The message with a mark inside all that is, or could become, a control token's name."""
    return {
        key: text if key == "role" else _guard_text(text, mark, names)
        for key, text in message.items()
    }


def _guard_text(text: str, mark: str, names: Sequence[str]) -> str:
    places = set()
    for name in names:
        # At each end a part of the name is enough: what stands beside it could complete it.
        places |= {match.start() + 1 for match in re.finditer(f"(?={re.escape(name)})", text)}
        cuts = range(1, len(name))
        places |= {len(text) - cut + 1 for cut in cuts if text.endswith(name[:cut])}
        if any(text.startswith(name[cut:]) for cut in cuts):
            places.add(0)
    edges = [0, *sorted(places), len(text)]
    return mark.join(text[start:end] for start, end in itertools.pairwise(edges))


def _end_of_turn(text: str, start: int, special_tokens: Mapping[str, int]) -> int:
    """Where a turn that began at `start` ends: white space after its last token is the layout's."""
    bare = text[start:].rstrip()
    is_ended = any(bare.endswith(name) for name in special_tokens)
    return start + len(bare) if is_ended else len(text)


def _stretches(said: Sequence[Span], length: int) -> list[tuple[int, int, bool]]:
    stretches, end_before = [], 0
    for start, end in said:
        stretches += [(end_before, start, False), (start, end, True)]
        end_before = end
    return [*stretches, (end_before, length, False)]


def _encode_marked(text: str, mark: str, tokenizer: ChatTokenizer) -> list[int]:
    names = sorted(tokenizer.special_tokens, key=len, reverse=True)
    parts = re.split(f"({'|'.join(map(re.escape, names))})", text) if names else [text]
    ids: list[int] = []
    for i, part in enumerate(parts):
        if i % 2:
            ids.append(tokenizer.special_tokens[part])
        else:
            ids += tokenizer.encode(part.replace(mark, ""))
    return ids
