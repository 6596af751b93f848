"""A language model of Python, from the source of the Python that runs it."""

from groundup.data.corpus import CorpusConfig
from groundup.data.instructions import InstructionsConfig
from groundup.data.shards import ShardsConfig
from groundup.evaluate.table import EvaluateConfig
from groundup.models.gpt import GPTConfig
from groundup.optimizers.groups import OptimizerConfig
from groundup.pipeline.build import BuildConfig
from groundup.pipeline.instruct import InstructConfig
from groundup.pipeline.pretrain import PretrainConfig
from groundup.pipeline.texts import TokenizerConfig
from groundup.train.settings import TrainConfig


def stdlib(depth: int = 4, minutes: float = 8.0, quick: bool = False) -> BuildConfig:
    """A small model of Python code, built from the standard library.

    depth: blocks of the transformer; width, heads and the rest follow from it.
    minutes: time for pre-training; the other stages come on top.
    quick: everything, tiny, in under two minutes; shows that all works, not how well.
    """
    if quick:
        return _quick()
    vocab_size, context = 8192, 512
    model = GPTConfig.from_depth(depth, vocab_size, context)
    return BuildConfig(
        name="stdlib",
        tokenizer=TokenizerConfig(vocab_size=vocab_size),
        shards=ShardsConfig(threads=2),
        pretrain=PretrainConfig(
            model=model,
            train=TrainConfig(
                minutes=minutes,
                batch_size=4,
                context=context,
                optimizer=OptimizerConfig.from_width(model.width),
            ),
        ),
        instruct=InstructConfig(
            train=TrainConfig(
                minutes=minutes / 8,
                batch_size=8,
                context=context,
                evaluate_batches=2,
                compile="off",
                optimizer=OptimizerConfig(lr=1e-3, matrix_lr=5e-3),
            ),
        ),
    )


def _quick() -> BuildConfig:
    """The same stages on a tenth of the text, with a fixed number of steps.

    In float32 on every machine, so that a learner's correct part ends at the same loss.
    """
    vocab_size, context = 2048, 128
    model = GPTConfig.from_depth(2, vocab_size, context)
    return BuildConfig(
        name="stdlib-quick",
        corpus=CorpusConfig(max_bytes=2_500_000),
        tokenizer=TokenizerConfig(vocab_size=vocab_size),
        pretrain=PretrainConfig(
            model=model,
            train=TrainConfig(
                steps=400,
                batch_size=8,
                context=context,
                evaluate_batches=4,
                precision="float32",
                compile="off",
                optimizer=OptimizerConfig.from_width(model.width),
            ),
        ),
        instruct=InstructConfig(
            conversations=InstructionsConfig(most_each=100),
            train=TrainConfig(
                steps=40,
                batch_size=8,
                context=context,
                evaluate_batches=4,
                precision="float32",
                compile="off",
                optimizer=OptimizerConfig(lr=1e-3, matrix_lr=5e-3),
            ),
        ),
        evaluate=EvaluateConfig(functions=40, function_tokens=96),
    )
