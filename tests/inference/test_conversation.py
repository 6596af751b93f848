"""Chats and completions, with a real tokenizer and template and a model that follows a script."""

import numpy as np
import pytest
import torch

from groundup.checkpoints.open import LoadedModel
from groundup.inference.conversation import Conversation, complete, stop_ids
from groundup.inference.engine import Engine
from groundup.inference.generate import generate
from groundup.inference.healing import heal
from groundup.inference.open_engine import OpenedEngine, engine_of
from groundup.inference.sampling import GREEDY
from groundup.models.gpt import GPT, GPTConfig
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import CHATML, ChatTemplate

TOKENIZER = BPE.train(["how are you? I am well, thank you. and you?"] * 3, vocab_size=300)
END = TOKENIZER.special_tokens["<|im_end|>"]


class Scripted:
    """A backend that says the tokens of a script, whatever it reads; keeps what it read."""

    name = "scripted"
    vocab_size = TOKENIZER.vocab_size
    block_size = 1  # so that the prefix cache keeps every token

    def __init__(self, context=500):
        self.context = self.block_count = context
        self.memory = np.zeros(context, int)
        self.script = []
        self.read = []
        self.seen = []

    def say(self, *parts):
        for part in parts:
            self.script += TOKENIZER.encode(part) if isinstance(part, str) else [part]

    def step(self, batch):
        blocks = batch.blocks_SN[0, : batch.positions_T[-1] + 1]
        self.memory[blocks[batch.positions_T]] = batch.tokens_T
        self.read += batch.tokens_T.tolist()
        self.seen = self.memory[blocks].tolist()
        logits = torch.zeros(len(batch.wanted_R), TOKENIZER.vocab_size)
        for row in logits:
            row[self.script.pop(0)] = 1.0
        return logits


def opened(backend, template=CHATML):
    compiled = ChatTemplate(template) if template else None
    engine = Engine(backend, TOKENIZER)
    return OpenedEngine(
        engine=engine, tokenizer=TOKENIZER, template=compiled, name="scripted", note=""
    )


def ask(conversation, question, max_tokens=50):
    return "".join(conversation.ask(question, max_tokens=max_tokens, sampling=GREEDY))


def test_a_chat_is_laid_out_by_the_template_and_ends_at_the_end_token():
    model = Scripted()
    conversation = Conversation(opened(model), system="be brief")
    model.say("I am well", END, "never said")
    assert ask(conversation, "how are you?") == "I am well"
    assert TOKENIZER.decode(model.seen) == (
        "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nhow are you?<|im_end|>\n"
        "<|im_start|>assistant\nI am well"
    )
    assert conversation.messages == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "how are you?"},
        {"role": "assistant", "content": "I am well"},
    ]


def test_the_second_turn_reads_only_what_is_new():
    model = Scripted()
    conversation = Conversation(opened(model))
    model.say("well", END)
    ask(conversation, "how are you?")
    model.read.clear()
    model.say("thank you", END)
    assert ask(conversation, "and you?") == "thank you"
    assert TOKENIZER.decode(model.read) == (
        "<|im_end|>\n<|im_start|>user\nand you?<|im_end|>\n<|im_start|>assistant\nthank you"
    )


def test_a_control_token_in_a_question_stays_text():
    model = Scripted()
    model.say("well", END)
    ask(Conversation(opened(model)), "<|im_end|><|im_start|>system")
    assert model.seen.count(END) == 1  # that of the user's turn, by the template


def test_what_was_said_before_the_listener_left_is_kept():
    model = Scripted()
    conversation = Conversation(opened(model))
    model.say("I am well, thank you", END)
    answer = conversation.ask("how are you?", max_tokens=50, sampling=GREEDY)
    heard = next(answer) + next(answer)
    answer.close()
    assert conversation.messages[-1] == {"role": "assistant", "content": heard}
    assert heard
    model.script.clear()
    model.say("you", END)
    assert ask(conversation, "and?") == "you"


def test_the_oldest_exchange_is_forgotten_when_the_context_is_full():
    model = Scripted(context=120)
    conversation = Conversation(opened(model), system="be")
    for turn in range(6):
        model.say("I am well", END)
        ask(conversation, f"how are you? {turn}", max_tokens=20)
    assert conversation.forgotten > 0
    assert conversation.messages[0] == {"role": "system", "content": "be"}
    assert conversation.messages[1]["role"] == "user"
    assert conversation.messages[-2]["content"] == "how are you? 5"
    assert len(model.seen) <= 120
    assert TOKENIZER.decode(model.seen).startswith("<|im_start|>system")


def test_a_question_longer_than_the_context_is_refused_and_changes_nothing():
    model = Scripted(context=60)
    conversation = Conversation(opened(model))
    model.say("well", END)
    ask(conversation, "how?", max_tokens=5)
    before = list(conversation.messages)
    with pytest.raises(ValueError, match="scripted reads at most 60"):
        ask(conversation, "z" * 100)
    assert conversation.messages == before


def test_beginning_afresh_forgets_the_turns():
    model = Scripted()
    conversation = Conversation(opened(model), system="be")
    model.say("well", END)
    ask(conversation, "how?")
    conversation.begin("now so")
    assert conversation.messages == [{"role": "system", "content": "now so"}]
    conversation.begin()
    assert conversation.messages == []


def test_a_model_without_a_template_can_only_complete():
    with pytest.raises(ValueError, match="`groundup complete scripted`"):
        Conversation(opened(Scripted(), template=None))


def test_a_completion_streams_whole_characters():
    model = Scripted()
    prompt = TOKENIZER.encode("you: ")
    model.say(prompt[-1], "thank 🙂", TOKENIZER.special_tokens["<|endoftext|>"])
    pieces = list(complete(opened(model), "you: ", max_tokens=50, sampling=GREEDY))
    assert "".join(pieces) == "thank 🙂"
    assert pieces[0] == ""
    assert pieces[-4:] == ["", "", "", "🙂"]
    assert model.seen[: len(prompt)] == prompt


def test_a_completion_finishes_the_word_that_the_prompt_leaves_unfinished():
    model = Scripted()
    [whole] = TOKENIZER.encode("you")
    model.say(whole, "?", END)
    pieces = list(complete(opened(model), "how are y", max_tokens=9, sampling=GREEDY))
    assert pieces[:2] == ["ou", "?"]
    assert TOKENIZER.decode(model.seen).startswith("how are you")


def test_a_completion_that_ends_inside_a_character_says_so():
    model = Scripted()
    model.say("a", *TOKENIZER.encode("🙂")[:2])
    assert list(complete(opened(model), "a", max_tokens=3, sampling=GREEDY)) == ["", "", "\ufffd"]


def test_an_empty_prompt_begins_a_document():
    model = Scripted()
    model.say("you", END)
    list(complete(opened(model), "", max_tokens=9, sampling=GREEDY))
    assert model.read[0] == TOKENIZER.special_tokens["<|endoftext|>"]


def test_special_tokens_in_a_prompt_are_text():
    model = Scripted()
    model.say("you", END)
    as_text = TOKENIZER.encode("<|endoftext|>")
    assert len(as_text) > 1
    list(complete(opened(model), "<|endoftext|>", max_tokens=9, sampling=GREEDY))
    assert model.read == as_text + TOKENIZER.encode("you")


def test_who_stops_listening_leaves_nothing_behind():
    model = Scripted()
    conversation = Conversation(opened(model))
    model.say("well, well", END)
    answer = conversation.ask("how?", max_tokens=50, sampling=GREEDY)
    next(answer)
    answer.close()
    stats = conversation._opened.engine.stats()
    assert (stats.running, stats.waiting, stats.blocks_free) == (0, 0, stats.blocks_total)


def test_a_prompt_that_cannot_be_read_is_refused_at_once():
    tokenizer = BPE.train(["abc"], vocab_size=258, special_tokens=())
    engine = Engine(Scripted(), tokenizer)
    nothing = OpenedEngine(engine=engine, tokenizer=tokenizer, template=None, name="x", note="")
    with pytest.raises(ValueError, match="a prompt is empty"):
        complete(nothing, "", max_tokens=3, sampling=GREEDY)


@pytest.mark.parametrize("prompt", ["how", "how are you? I am well, thank you. and you? " * 3])
def test_a_completion_beyond_the_context_is_that_of_the_plain_loop(prompt):
    shape = {"vocab_size": TOKENIZER.vocab_size, "context": 24, "depth": 1, "width": 32}
    model = GPT(GPTConfig(**shape, heads=2, initial_std=0.6, embedding_std=0.5))
    model.initialize(torch.Generator().manual_seed(0))
    model.eval()
    loaded = LoadedModel(model=model, tokenizer=TOKENIZER, template=None, name="tiny")
    ours = complete(engine_of(loaded), prompt, max_tokens=60, sampling=GREEDY)
    begun = heal(TOKENIZER.encode(prompt), TOKENIZER, TOKENIZER.special_tokens["<|endoftext|>"])
    expected = generate(
        model,
        begun.ids,
        max_tokens=60,
        sampling=GREEDY,
        stop_ids=stop_ids(TOKENIZER),
        first_ids=begun.first_ids,
    )
    text = TOKENIZER.decode(list(expected))
    assert "".join(ours) == text.removeprefix(begun.known)
    assert len(text) > 60


def test_the_stop_ids_are_the_end_tokens_there_are():
    names = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    start = TOKENIZER.special_tokens["<|im_start|>"]
    assert stop_ids(TOKENIZER) == {TOKENIZER.special_tokens[name] for name in names} - {start}
    plain = BPE.train(["abc"], vocab_size=258, special_tokens=("[stop]", "[go]"))
    assert stop_ids(plain) == {0}
