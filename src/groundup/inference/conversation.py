"""Talking to a model: text in, text out, a piece at a time.

`complete` continues a text; a `Conversation` keeps the turns of a chat, writes them the way the
model was taught (its chat template), and remembers in a key-value cache what was read before.
"""

from collections.abc import Generator, Iterator

from groundup.checkpoints.open import LoadedModel
from groundup.inference.generate import Reader, generate
from groundup.inference.healing import Healed, heal
from groundup.inference.sampling import Sampling
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import Message
from groundup.tokenizers.stream import StreamDecoder

END_TOKENS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|eom_id|>", "</s>")
"""Names that model families give to the token that ends a text or a turn."""


def stop_ids(tokenizer: BPE) -> frozenset[int]:
    """The ids of the end tokens that this tokenizer has, and of the one it names itself."""
    special = tokenizer.special_tokens
    names = {*END_TOKENS, tokenizer.end_token}
    return frozenset(token for name, token in special.items() if name in names)


def complete(
    loaded: LoadedModel, prompt: str, *, max_tokens: int, sampling: Sampling
) -> Iterator[str]:
    """Continue a text: a piece for each token, empty where it completes no character yet.

    A word that the prompt leaves unfinished is gone on with, however a tokenizer would cut it (see
    `healing`). Special tokens spelt out in the prompt are plain text. An empty prompt begins a
    document, which is what follows an end token. Raises ValueError if there is no such token.
    """
    tokenizer = loaded.tokenizer
    start = tokenizer.special_tokens.get(tokenizer.end_token or "")
    ids = tokenizer.encode(prompt)
    begun = heal(ids, tokenizer, start) if ids else Healed(ids=[] if start is None else [start])
    tokens = generate(
        loaded.model,
        begun.ids,
        max_tokens=max_tokens,
        sampling=sampling,
        stop_ids=stop_ids(tokenizer),
        first_ids=begun.first_ids,
    )
    return _without(begun.known, _as_text(tokens, tokenizer))


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

    def __init__(self, loaded: LoadedModel, *, system: str | None = None) -> None:
        if loaded.template is None:
            raise ValueError(
                f"{loaded.name} has no chat template, so it was not taught to chat; "
                f"`groundup complete {loaded.name}` lets it continue a text"
            )
        self._loaded = loaded
        self._template = loaded.template
        self._reader = Reader(loaded.model)
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
        tokens = generate(
            self._loaded.model,
            prompt,
            max_tokens=max_tokens,
            sampling=sampling,
            stop_ids=stop_ids(self._loaded.tokenizer),
            reader=self._reader,
        )
        try:
            for piece in _as_text(tokens, self._loaded.tokenizer):
                said.append(piece)
                yield piece
        finally:
            self.messages.append({"role": "assistant", "content": "".join(said)})

    def _prompt(self, question: Message, max_tokens: int) -> list[int]:
        """Ids of the conversation up to where the answer begins; forgets what no longer fits."""
        context = self._loaded.model.config.context
        room = min(max_tokens, context // 2)
        messages = [*self.messages, question]
        first = 1 if messages[0]["role"] == "system" else 0
        dropped = 0
        while len(ids := self._encode(messages)) + room > context and len(messages) > first + 2:
            del messages[first : first + 2]
            dropped += 1
        if len(ids) >= context:
            raise ValueError(
                f"the question is {len(ids)} tokens long with its markup, and {self._loaded.name} "
                f"reads at most {context}; ask something shorter"
            )
        self.messages = messages
        self.forgotten += dropped
        return ids

    def _encode(self, messages: list[Message]) -> list[int]:
        ids, _ = self._template.encode(messages, self._loaded.tokenizer, add_generation_prompt=True)
        return ids


def _as_text(tokens: Iterator[int], tokenizer: BPE) -> Iterator[str]:
    """The whole characters that each token completes, and at the end what is left over."""
    decoder = StreamDecoder(tokenizer)
    for token in tokens:
        yield decoder.push(token)
    if rest := decoder.flush():
        yield rest
