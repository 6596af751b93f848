"""Talking to a model: text in, text out, a piece at a time.

`complete` continues a text; a `Conversation` keeps the turns of a chat, writes them the way the
model was taught (its chat template). What was read before, the engine's prefix cache still has.
"""

from collections.abc import Generator, Iterator
from dataclasses import replace

from groundup.inference.engine import Engine
from groundup.inference.generate import window_start
from groundup.inference.healing import Healed, heal
from groundup.inference.open_engine import OpenedEngine
from groundup.inference.request import Delta, Request
from groundup.inference.sampling import Sampling
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import Message

END_TOKENS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|eom_id|>", "</s>")
"""Names that model families give to the token that ends a text or a turn."""


def stop_ids(tokenizer: BPE) -> frozenset[int]:
    """The ids of the end tokens that this tokenizer has, and of the one it names itself."""
    special = tokenizer.special_tokens
    names = {*END_TOKENS, tokenizer.end_token}
    return frozenset(token for name, token in special.items() if name in names)


def answer(engine: Engine, request: Request) -> Iterator[Delta]:
    """One request's deltas, from an engine that serves nobody else meanwhile.

    Who stops listening cancels it. Raises RuntimeError if the request fails half-way.
    """
    request_id = engine.submit(request)
    try:
        while True:
            for delta in engine.step():
                if delta.request_id != request_id:
                    continue
                if delta.error:
                    raise RuntimeError(delta.error)
                yield delta
                if delta.finish_reason is not None:
                    return
    finally:
        engine.cancel(request_id)


def complete(
    opened: OpenedEngine, prompt: str, *, max_tokens: int, sampling: Sampling
) -> Iterator[str]:
    """Continue a text: a piece for each token, empty where it completes no character yet.

    A word that the prompt leaves unfinished is gone on with, however a tokenizer would cut it (see
    `healing`). Special tokens spelt out in the prompt are plain text. An empty prompt begins a
    document, which is what follows an end token. A text that outgrows the model's context goes on
    from its last half (see `generate.window_start`). Raises ValueError if there is no such token.
    """
    tokenizer = opened.tokenizer
    start = tokenizer.special_tokens.get(tokenizer.end_token or "")
    ids = tokenizer.encode(prompt)
    begun = heal(ids, tokenizer, start) if ids else Healed(ids=[] if start is None else [start])
    view = begun.ids[window_start(len(begun.ids), opened.engine.room) :]
    request = Request(
        prompt=tuple(view),
        max_tokens=max_tokens,
        sampling=sampling,
        stop_ids=stop_ids(tokenizer),
        first_ids=None if begun.first_ids is None else tuple(begun.first_ids),
    )
    opened.engine.check(request)  # now, not when the first piece is asked for
    return _without(begun.known, _sliding(opened.engine, request))


def _sliding(engine: Engine, request: Request) -> Iterator[str]:
    """The pieces of an answer that may be longer than the context."""
    while True:
        tokens = list(request.prompt)
        delta = None
        for delta in answer(engine, request):
            tokens += delta.tokens
            if delta.tokens or delta.text:
                yield delta.text
        left = request.max_tokens - (len(tokens) - len(request.prompt))
        if delta is None or delta.finish_reason != "length" or left <= 0:
            return
        request = replace(
            request,
            prompt=tuple(tokens[window_start(len(tokens), engine.room) :]),
            max_tokens=left,
            first_ids=None,
            index=request.index + 1,  # another part of the text, other numbers of chance
        )


def _without(known: str, pieces: Iterator[str]) -> Iterator[str]:
    """The pieces, of which the first does not repeat what is known."""
    for piece in pieces:
        yield piece.removeprefix(known)
        known = ""


class Conversation:
    """The turns between a person and a model.

    `messages` holds them all, the system message first if there is one. When they outgrow the
    model's context, the oldest exchange is forgotten; `forgotten` counts them.
    """

    def __init__(self, opened: OpenedEngine, *, system: str | None = None) -> None:
        if opened.template is None:
            raise ValueError(
                f"{opened.name} has no chat template, so it was not taught to chat; "
                f"`groundup complete {opened.name}` lets it continue a text"
            )
        self._opened = opened
        self._template = opened.template
        self.messages: list[Message] = []
        self.forgotten = 0
        self.begin(system)

    def begin(self, system: str | None = None) -> None:
        """Start afresh, with this system message or without one."""
        self.messages = [{"role": "system", "content": system}] if system else []
        self.forgotten = 0

    def ask(
        self, question: str, *, max_tokens: int, sampling: Sampling
    ) -> Generator[str, None, None]:
        """Answer a question: a piece for each token, empty where it completes no character yet.

        The question and what was said of the answer become part of the conversation, also when
        the caller stops listening half-way. Raises ValueError, and leaves the conversation as it
        was, when the question alone is longer than the model's context.
        """
        prompt = self._prompt({"role": "user", "content": question}, max_tokens)
        said: list[str] = []
        request = Request(
            prompt=tuple(prompt),
            max_tokens=max_tokens,
            sampling=sampling,
            stop_ids=stop_ids(self._opened.tokenizer),
        )
        try:
            for delta in answer(self._opened.engine, request):
                if delta.tokens or delta.text:
                    said.append(delta.text)
                    yield delta.text
        finally:
            self.messages.append({"role": "assistant", "content": "".join(said)})

    def _prompt(self, question: Message, max_tokens: int) -> list[int]:
        """Ids of the conversation up to where the answer begins; forgets what no longer fits."""
        context = self._opened.engine.room
        room = min(max_tokens, context // 2)
        messages = [*self.messages, question]
        first = 1 if messages[0]["role"] == "system" else 0
        dropped = 0
        while len(ids := self._encode(messages)) + room > context and len(messages) > first + 2:
            del messages[first : first + 2]
            dropped += 1
        if len(ids) >= context:
            raise ValueError(
                f"the question is {len(ids)} tokens long with its markup, and {self._opened.name} "
                f"reads at most {context}; ask something shorter"
            )
        self.messages = messages
        self.forgotten += dropped
        return ids

    def _encode(self, messages: list[Message]) -> list[int]:
        ids, _ = self._template.encode(messages, self._opened.tokenizer, add_generation_prompt=True)
        return ids
