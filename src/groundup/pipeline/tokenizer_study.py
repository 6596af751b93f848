"""The experiment "same GPT, same bytes of text, another tokenizer": what does the choice cost?

    corpus -> a tokenizer and its shards, each -> plan -> a model and its score, each -> summary

Every contender learns its vocabulary from the same training documents and trains the same blocks
(width, depth, context in tokens) on the same number of bytes of text, in updates of about as many
bytes. What differs follows from the tokenizer: tokens and FLOPs, rows of the embedding, and how
many bytes a context holds. They are compared by bits per byte of the same held-out documents; what
a vocabulary lacks is spelled out at its price (`groundup.evaluate.unknown_text`).

Leaves out several seeds, rates tuned for each, and models of a size at which the order may change.
"""

from dataclasses import dataclass, field

from groundup.data.corpus import CorpusConfig, digest
from groundup.pipeline import texts
from groundup.pipeline.stage import Stage, refuse_bad_name
from groundup.pipeline.tokenizer_study_models import (
    ModelConfig,
    PlanConfig,
    PlanStage,
    model,
    plan,
)
from groundup.pipeline.tokenizer_study_summary import SummaryConfig, summary
from groundup.pipeline.tokenizer_study_tokens import Contender, tokens

_TRAIN_ROOMS = ("layers", "models", "optimizers", "train", "tokenizers")


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """The whole experiment."""

    name: str
    """The run's folder below `runs/`."""
    contenders: tuple[Contender, ...]
    """The tokenizers, in the order of tables and colours."""
    model: ModelConfig
    """What they all share."""
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    """Where the text comes from."""
    plan: PlanConfig = field(default_factory=PlanConfig)
    """How much text the models read."""

    def __post_init__(self) -> None:
        refuse_bad_name(self.name)
        names = [contender.name for contender in self.contenders]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"the contenders are called {names}; wanted some, each its own name")
        if self.model.train.context > self.model.model.context:
            raise ValueError(
                f"train.context is {self.model.train.context}, and the model sees "
                f"{self.model.model.context} tokens at most"
            )


def stages(config: StudyConfig) -> list[Stage]:
    """The stages in order, each with what decides its result."""
    names = [contender.name for contender in config.contenders]
    return [
        Stage(
            name="corpus",
            config=config.corpus,
            run=texts.corpus,
            sources={"files": digest(config.corpus)},
        ),
        *(_tokens(contender) for contender in config.contenders),
        Stage(
            name="plan",
            config=PlanStage(plan=config.plan, model=config.model),
            run=plan,
            needs=tuple(f"tokens-{name}" for name in names),
        ),
        *(_model(name, config.model) for name in names),
        Stage(
            name="summary",
            config=SummaryConfig(names=tuple(names)),
            run=summary,
            needs=tuple(f"model-{name}" for name in names),
        ),
    ]


def _tokens(contender: Contender) -> Stage:
    return Stage(
        name=f"tokens-{contender.name}",
        config=contender,
        run=tokens,
        needs=("corpus",),
        rooms=("tokenizers",),
    )


def _model(name: str, config: ModelConfig) -> Stage:
    return Stage(
        name=f"model-{name}",
        config=config,
        run=model,
        needs=("corpus", f"tokens-{name}", "plan"),
        rooms=_TRAIN_ROOMS,
        product="result.json",
    )
