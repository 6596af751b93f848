"""An engine without a model: it answers every request with a known text, one token a step.

It keeps to the contract of `inference.engine.Engine`, so that the server is tested without the
time a model takes. A `gate` holds its steps until a test lets them go.
"""

import dataclasses
import hashlib
import threading
from dataclasses import dataclass

import torch

from groundup.inference.answer import Answer
from groundup.inference.engine import EngineStats
from groundup.inference.request import Delta, TokenLogprob
from groundup.inference.scheduler import QueueFull, SequenceState
from groundup.serve.guides import Guides
from groundup.serve.runner import EngineRunner
from groundup.serve.service import ServedModel
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import CHATML, ChatTemplate

FIRST_TEXT = 10**6  # the ids of texts that become vectors
WORDS = "the quick brown fox jumps over the lazy dog; she sells sea shells by the sea shore. " * 4


def make_tokenizer() -> BPE:
    return BPE.train([WORDS], vocab_size=400)


def last_words(text: str) -> str:
    """What the fake answers: the end of what it was asked, again."""
    return "You said: " + text[-40:]


@dataclass
class Running:
    answer: Answer
    script: list[int]


class FakeEngine:
    """Answers as `reply(text of the prompt)` says; ends with the end token."""

    def __init__(self, tokenizer, *, reply=last_words, max_queue=64, room=512, blocks=64):
        self.tokenizer, self.reply, self.max_queue, self.room = tokenizer, reply, max_queue, room
        self.blocks = blocks
        self.running: dict[int, Running] = {}
        self.texts: dict[int, list[int]] = {}  # to become vectors, one a step
        self.gate = threading.Event()
        self.gate.set()
        self.at_gate = threading.Event()
        self.failure: Exception | None = None
        self.submitted, self.embedded, self.cancelled, self.steps = [], [], [], 0

    def submit(self, request):
        if len(request.prompt) > self.room:
            raise ValueError(f"the prompt is {len(request.prompt)} tokens long")
        if len(self.running) >= self.max_queue:
            raise QueueFull(len(self.running))
        number = len(self.submitted)
        self.submitted.append(request)
        state = SequenceState(id=number, tokens=list(request.prompt), cached=3)
        answer = Answer(request, state, self.tokenizer, longest=self.room + 1)
        text = self.reply(self.tokenizer.decode(request.prompt))
        end = min(request.stop_ids, default=self.tokenizer.special_tokens["<|im_end|>"])
        script = [*self.tokenizer.encode(text), end]
        answer.score_prompt([self.logprob(t, request.prompt_logprobs) for t in request.prompt[1:]])
        if request.prompt_logprobs is None:
            answer._prompt_logprobs.clear()
        self.running[number] = Running(answer, script)
        return number

    def logprob(self, token, top):
        """Like a model's: the same token has always the same."""
        value = -1 - int.from_bytes(hashlib.sha256(str(token).encode()).digest()[:2], "big") / 65536
        likeliest = tuple(((token + 1 + i) % 400, value - 1 - i) for i in range(top or 0))
        return TokenLogprob(token=token, logprob=value, top=likeliest)

    def cancel(self, request_id):
        if self.running.pop(request_id, None) or self.texts.pop(request_id, None):
            self.cancelled.append(request_id)

    def has_work(self):
        return bool(self.running or self.texts)

    def step(self) -> list[Delta]:
        self.at_gate.set()
        self.gate.wait(5)
        self.steps += 1
        if self.failure is not None:
            raise self.failure
        deltas = []
        for number, one in list(self.running.items()):
            request = one.answer.request
            token = one.script[min(one.answer.count, len(one.script) - 1)]
            tokens = [token] if request.max_tokens else []
            told = [self.logprob(t, request.logprobs) for t in tokens]
            delta = one.answer.take(tokens, told if request.logprobs is not None else ())
            deltas.append(delta)
            if delta.finish_reason is not None:
                del self.running[number]
        return deltas + self.embed_one()

    def embed_one(self):
        for number, prompt in self.texts.items():
            del self.texts[number]
            numbers = torch.tensor([float(len(prompt)), float(prompt[0]), 1.0])
            vector = tuple(torch.nn.functional.normalize(numbers, dim=0).tolist())
            return [Delta(request_id=number, vector=vector, finish_reason="stop")]
        return []

    def stats(self):
        used = len(self.running)
        nothing = {field.name: 0 for field in dataclasses.fields(EngineStats)}
        counts = {"running": used, "blocks_total": self.blocks, "blocks_free": self.blocks - used}
        return EngineStats(**(nothing | counts | {"computed_tokens": self.steps}))

    def submit_embeddings(self, prompts):
        if len(self.texts) >= self.max_queue:
            raise QueueFull(len(self.texts))
        ids = range(FIRST_TEXT + len(self.embedded), FIRST_TEXT + len(self.embedded) + len(prompts))
        self.texts |= dict(zip(ids, prompts, strict=True))
        self.embedded += prompts
        return ids


def fake_model(tokenizer, *, name="fake", template=CHATML, **settings) -> ServedModel:
    """A served model around a fake engine."""
    engine = FakeEngine(tokenizer, **settings)
    ends = frozenset(tokenizer.special_tokens[n] for n in ("<|im_end|>", "<|endoftext|>"))
    return ServedModel(
        name=name,
        runner=EngineRunner(engine, name=name),
        tokenizer=tokenizer,
        template=ChatTemplate(template) if template else None,
        end_ids=ends,
        guides=Guides(tokenizer, ends),
        context=engine.room,
        created=1_700_000_000,
        note="fake",
    )
