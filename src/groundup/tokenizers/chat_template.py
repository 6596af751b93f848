"""Conversations as the text, and the ids, that a chat model was trained on.

A chat template is a Jinja program that lays out messages as one text with control tokens between
them; it comes with the model. It is a stranger's program, so it runs in a sandbox
(`groundup.tokenizers.chat_sandbox`). What users write must never become a control token, and
training wants to know what the assistant said: both are read off the rendered text, for any
template (see `ChatTemplate.encode`).

Source: the `chat_template` of Hugging Face's tokenizers; ChatML is OpenAI's. Leaves out Python
functions as tools (give their JSON schema), and parts of messages that are no text.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from groundup.tokenizers.chat_guard import (
    Guard,
    encode_marked,
    free_marks,
    guard_message,
    guard_value,
    strings,
)
from groundup.tokenizers.chat_messages import checked_messages, joined, parts, plain, with_parts
from groundup.tokenizers.chat_sandbox import GENERATION_END, GENERATION_START, Compiled

Message: TypeAlias = dict[str, Any]
"""One message: `role` ("system", "user", "assistant", "tool") and `content`, a text or a list of
parts `{"type": "text", "text": ...}`; and what else the template reads, as `tool_calls`."""
Clock: TypeAlias = Callable[[], datetime]
Span: TypeAlias = tuple[int, int]

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""ChatML: each message between `<|im_start|>role` and `<|im_end|>`. Ours; Qwen's and SmolLM2's."""


class ChatTokenizer(Protocol):
    """What a chat template needs of a tokenizer."""

    special_tokens: dict[str, int]

    def encode(self, text: str) -> list[int]:
        """Ids of plain text: the names of special tokens are plain text too."""
        ...


@dataclass(frozen=True)
class _Talk:
    """What a template is given, checked."""

    messages: list[Message]
    others: dict[str, Any]

    def upto(self, count: int) -> "_Talk":
        return _Talk(self.messages[:count], self.others)

    def guarded(self, guard: Guard) -> "_Talk":
        return _Talk(
            [guard_message(message, guard) for message in self.messages],
            {name: guard_value(value, guard) for name, value in self.others.items()},
        )


class _RewrittenTurnError(ValueError):
    """What the assistant said cannot be found again in the text."""


class ChatTemplate:
    """A compiled chat template.

    `variables` are what templates may name besides the messages, as `bos_token`. With a `clock`, a
    template may ask for the time (`strftime_now`); without, what is rendered depends on what is
    given alone. Raises ValueError if the source is no Jinja template.
    """

    def __init__(
        self,
        source: str,
        *,
        variables: Mapping[str, str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.source = source
        self.variables = dict(variables or {})
        self.clock = clock
        self._compiled = Compiled(source)

    def render(
        self,
        messages: Sequence[Message],
        *,
        add_generation_prompt: bool = False,
        tools: Sequence[Mapping[str, Any]] | None = None,
        documents: Sequence[Mapping[str, Any]] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """The text of a conversation; with the generation prompt, the assistant speaks next.

        `tools` (JSON schemas of functions), `documents` and `variables` (as `enable_thinking`) are
        for the template to read, if it does. Parts of a message are joined for templates that know
        none.

        Raises ValueError on a message without a role or content, on a role that is no single word,
        and if the template refuses the conversation (its `raise_exception`).
        """
        talk = self._talk(messages, {"tools": tools, "documents": documents, **(variables or {})})
        return self._render(talk, add_generation_prompt)

    def encode(
        self,
        messages: Sequence[Message],
        tokenizer: ChatTokenizer,
        *,
        add_generation_prompt: bool = False,
        tools: Sequence[Mapping[str, Any]] | None = None,
        documents: Sequence[Mapping[str, Any]] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> tuple[list[int], list[bool]]:
        """The conversation's ids, and which of them the assistant said.

        Control tokens are only those the template itself wrote: see `chat_guard`.

        What the assistant said is what stands in `{% generation %}`, if the template has it. Else,
        in turn i, it is what rendering i + 1 messages adds to rendering i messages with the
        generation prompt, up to the control token that ends the turn: what a model must produce
        when it is asked. Each such stretch is encoded by itself, so a prompt has the same ids in
        training and in use.

        Raises ValueError as `render` does, and if the template has no such stretches because it
        rewrites earlier turns, or treats control tokens in a message specially.
        """
        talk = self._talk(messages, {"tools": tools, "documents": documents, **(variables or {})})
        guarded, marked, (mark, start, end) = self._marked(
            talk, tokenizer.special_tokens, add_generation_prompt
        )
        if self._compiled.marks_generation:
            marked, said = _marked_spans(marked, start, end)
        else:
            said = self._said(guarded, marked, tokenizer.special_tokens)
        ids: list[int] = []
        mask: list[bool] = []
        for begin, stop, is_said in _stretches(said, len(marked)):
            stretch = encode_marked(
                marked[begin:stop], mark, tokenizer.special_tokens, tokenizer.encode
            )
            ids += stretch
            mask += [is_said] * len(stretch)
        return ids, mask

    def prompt_ids(
        self,
        messages: Sequence[Message],
        tokenizer: ChatTokenizer,
        *,
        add_generation_prompt: bool = True,
        tools: Sequence[Mapping[str, Any]] | None = None,
        documents: Sequence[Mapping[str, Any]] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> list[int]:
        """The conversation's ids, for a model to go on with: those of `encode`.

        Where `encode` cannot tell what the assistant said, because the template rewrites earlier
        turns (as those that leave out what was thought), the text is one stretch.

        Raises ValueError as `encode` does for all else.
        """
        others = {"tools": tools, "documents": documents, **(variables or {})}
        try:
            ids, _ = self.encode(
                messages,
                tokenizer,
                add_generation_prompt=add_generation_prompt,
                tools=tools,
                documents=documents,
                variables=variables,
            )
        except _RewrittenTurnError:
            talk = self._talk(messages, others)
            names = tokenizer.special_tokens
            _, marked, (mark, *_) = self._marked(talk, names, add_generation_prompt)
            ids = encode_marked(marked, mark, names, tokenizer.encode)
        return ids

    def _marked(
        self, talk: _Talk, special_tokens: Mapping[str, int], add_generation_prompt: bool
    ) -> tuple[_Talk, str, tuple[str, str, str]]:
        """The talk and its text with what strangers wrote marked; and the marks.

        The marks: for a special token's name in a message, and for where generation starts and
        ends.
        """
        text = self._render(talk, add_generation_prompt)
        seen = (self.source, text, *strings(talk.messages), *strings(talk.others))
        mark, start, end = free_marks(3, *seen)
        guarded = talk.guarded(Guard(mark, special_tokens))
        marked = self._render(guarded, add_generation_prompt, generation=(start, end))
        if re.sub(f"[{mark}{start}{end}]", "", marked) != text:
            raise ValueError(
                "the chat template treats the control tokens that stand inside a message specially,"
                " so they cannot be kept apart from its own; take them out of the message first"
            )
        return guarded, marked, (mark, start, end)

    def _talk(self, messages: Sequence[Message], others: Mapping[str, Any]) -> _Talk:
        talk = _Talk(
            checked_messages(messages),
            {name: plain(value, f"the variable {name!r}") for name, value in others.items()},
        )
        if self.clock is not None:
            now = self.clock()
            talk.others["strftime_now"] = lambda form: now.strftime(form)
        if any(map(parts, talk.messages)) and not self._takes_parts(talk):
            return _Talk([joined(message) for message in talk.messages], talk.others)
        return talk

    def _takes_parts(self, talk: _Talk) -> bool:
        """Whether the template writes the text of each part, found out by rendering known ones."""
        probes = [
            [f"part {i} of {j}" for i, _ in enumerate(parts(message))]
            for j, message in enumerate(talk.messages)
        ]
        messages = [
            with_parts(message, texts) if texts else message
            for message, texts in zip(talk.messages, probes, strict=True)
        ]
        try:
            text = self._render(_Talk(messages, talk.others), False)
        except ValueError:
            return False
        return "'type'" not in text and all(probe in text for texts in probes for probe in texts)

    def _said(self, talk: _Talk, text: str, special_tokens: Mapping[str, int]) -> list[Span]:
        spans = []
        for i, message in enumerate(talk.messages):
            if message["role"] != "assistant":
                continue
            before = self._render(talk.upto(i), True)
            through = self._render(talk.upto(i + 1), False)
            if not (text.startswith(through) and through.startswith(before)):
                raise _RewrittenTurnError(
                    f"the chat template writes message {i} otherwise when more messages follow, or "
                    "not as its generation prompt announces, so what the assistant said in it "
                    "cannot be marked"
                )
            spans.append((len(before), _end_of_turn(through, len(before), special_tokens)))
        return spans

    def _render(
        self, talk: _Talk, add_generation_prompt: bool, *, generation: tuple[str, str] = ("", "")
    ) -> str:
        return self._compiled.render(
            {
                **self.variables,
                **talk.others,
                "messages": talk.messages,
                "add_generation_prompt": add_generation_prompt,
                GENERATION_START: generation[0],
                GENERATION_END: generation[1],
            }
        )


def _marked_spans(text: str, start: str, end: str) -> tuple[str, list[Span]]:
    """The text without the two marks, and the spans of it that stood between them."""
    spans: list[Span] = []
    bare, begin = "", None
    for part in re.split(f"([{start}{end}])", text):
        if part == start:
            begin = len(bare)
        elif part == end and begin is not None:
            spans.append((begin, len(bare)))
            begin = None
        elif part not in (start, end):
            bare += part
    return bare, spans


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
