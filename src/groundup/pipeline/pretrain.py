"""The stage that makes a base model: next-token prediction on the training shards."""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from groundup.data.batches import Batches
from groundup.inference.generate import generate
from groundup.inference.sampling import Sampling
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.pipeline.stage import Work
from groundup.pipeline.training import fitted, refuse_what_does_not_fit, run_training
from groundup.tokenizers.bpe import BPE
from groundup.train.settings import TrainConfig


@dataclass(frozen=True, kw_only=True)
class PretrainConfig:
    """A base model and how it is trained."""

    model: GPTConfig
    """Its shape; the vocabulary's size is taken from the tokenizer."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """How it is trained."""
    seed: int = 0
    """Of the initial weights and of the order of the data."""
    sample_prompt: str = "def "
    """What the samples on the way begin with."""
    sample_tokens: int = 60
    """How long they are, at most."""

    def __post_init__(self) -> None:
        if self.train.context > self.model.context:
            raise ValueError(
                f"train.context is {self.train.context}, and the model sees {self.model.context} "
                "tokens at most; raise model.context or lower train.context"
            )


def pretrain(work: Work) -> None:
    """Train from random weights, or go on where an interrupted session was."""
    config: PretrainConfig = work.config
    tokenizer = BPE.load(work.inputs["tokenizer"])
    shape = fitted(config.model, tokenizer)
    refuse_what_does_not_fit(shape, config.train)
    shards, train = work.inputs["shards"], config.train
    batches = Batches(shards / "train", train.batch_size, train.context, config.seed)
    validation = validation_batches(shards / "validation", train)
    model = GPT(shape)
    model.initialize(torch.Generator().manual_seed(config.seed))
    work.say(
        f"pretrain: {shape.parameters() / 1e6:.2f}M parameters, depth {shape.depth}, "
        f"width {shape.width}, {train.batch_size * train.context:,} tokens a step"
    )

    def sampler() -> str:
        return sample_text(model, tokenizer, config.sample_prompt, config.sample_tokens)

    run_training(work, model, tokenizer, batches, train, validation=validation, sampler=sampler)


def validation_batches(split: Path, config: TrainConfig) -> Batches:
    """Windows of the validation split in a fixed order, as many at a time as it has."""
    windows = Batches(split, 1, config.context, shift=False).windows
    return Batches(split, min(config.batch_size, windows), config.context, shift=False)


def sample_text(model: GPT, tokenizer: BPE, prompt: str, tokens: int) -> str:
    """The prompt and how the model goes on, at temperature 0.8 and always with the same chance."""
    was_training = model.training
    model.eval()
    end = tokenizer.special_tokens["<|endoftext|>"]
    sampling = Sampling(temperature=0.8, seed=0)
    ids = tokenizer.encode(prompt)
    drawn = list(generate(model, ids, max_tokens=tokens, sampling=sampling, stop_ids={end}))
    model.train(was_training)
    return tokenizer.decode([*ids, *drawn])
