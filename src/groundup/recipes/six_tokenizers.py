"""The same small GPT on the same bytes of text with six tokenizers: bits per byte."""

from groundup.data.corpus import CorpusConfig
from groundup.models.gpt_config import GPTConfig
from groundup.optimizers.groups import OptimizerConfig
from groundup.pipeline.tokenizer_study import StudyConfig
from groundup.pipeline.tokenizer_study_models import ModelConfig, PlanConfig
from groundup.pipeline.tokenizer_study_tokens import Contender
from groundup.train.settings import TrainConfig


def six_tokenizers(depth: int = 2, minutes: float = 8.0, quick: bool = False) -> StudyConfig:
    """Six tokenizers, one small GPT, the same bytes of text: which needs the fewest bits per byte?

    depth: blocks of the transformer; width and heads follow from it.
    minutes: time for training all six, measured once and turned into bytes of text.
    quick: a fixed 200 kB of text and small vocabularies; shows that all works, not who is better.
    """
    context = 128
    small, large = (512, 1024) if quick else (1024, 8192)
    shape = GPTConfig.from_depth(depth, large, context)
    return StudyConfig(
        name="six-tokenizers-quick" if quick else "six-tokenizers",
        contenders=(
            Contender(name="characters", kind="characters", vocab_size=1024),
            Contender(name="bytes", kind="bytes"),
            Contender(name="words", kind="words", vocab_size=large),
            Contender(name="bpe-small", kind="bpe", vocab_size=small),
            Contender(name="bpe-large", kind="bpe", vocab_size=large),
            Contender(name="unigram", kind="unigram", vocab_size=large),
        ),
        corpus=CorpusConfig(max_bytes=800_000 if quick else 6_000_000),
        plan=PlanConfig(
            minutes=minutes,
            bytes=200_000 if quick else None,
            bytes_per_update=2048 if quick else 8192,
        ),
        model=ModelConfig(
            model=shape,
            train=TrainConfig(
                context=context,
                precision="float32",
                compile="off",
                threads=1,  # so small a model gains little by a second, and waits for it
                optimizer=OptimizerConfig.from_width(shape.width),
            ),
            curve_bytes=10_000 if quick else 40_000,
        ),
    )
