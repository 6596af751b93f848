"""One language model from text, stage by stage: what `groundup build` runs.

    corpus -> tokenizer -> shards -> pretrain -> instruct -> evaluate -> report

Each stage is an artifact in `runs/<name>/<stage>/`; see `stage` for when one runs. An experiment is
built in the same way, from stages of its own.
"""

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from groundup import config as configs
from groundup.data.corpus import CorpusConfig, digest
from groundup.data.shards import ShardsConfig
from groundup.evaluate.table import EvaluateConfig
from groundup.observe.progress import Progress, silent
from groundup.pipeline import backpropagation_study, names_study, texts, tokenizer_study
from groundup.pipeline.artifact import Record
from groundup.pipeline.backpropagation_study import BackpropagationConfig
from groundup.pipeline.evaluation import evaluation
from groundup.pipeline.instruct import InstructConfig, instruct
from groundup.pipeline.names_study import NamesStudyConfig
from groundup.pipeline.pretrain import PretrainConfig, pretrain
from groundup.pipeline.report import ReportConfig, write_report
from groundup.pipeline.stage import Site, Stage, Work, refuse_bad_name, run_stage
from groundup.pipeline.texts import TokenizerConfig
from groundup.pipeline.tokenizer_study import StudyConfig
from groundup.swap import Replacement, replaced

_MODEL_ROOMS = ("layers", "models")
_TRAIN_ROOMS = (*_MODEL_ROOMS, "optimizers", "train", "inference")


@dataclass(frozen=True, kw_only=True)
class BuildConfig:
    """A whole run: the config of every stage."""

    name: str
    """The run's folder below `runs/`."""
    pretrain: PretrainConfig
    """The base model and its training."""
    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    """Where the text comes from."""
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    """The vocabulary."""
    shards: ShardsConfig = field(default_factory=ShardsConfig)
    """Text to token ids."""
    instruct: InstructConfig = field(default_factory=InstructConfig)
    """Teaching it to answer."""
    evaluate: EvaluateConfig = field(default_factory=EvaluateConfig)
    """What is measured."""
    report: ReportConfig = field(default_factory=ReportConfig)
    """What the page shows."""

    def __post_init__(self) -> None:
        refuse_bad_name(self.name)


AnyConfig = BuildConfig | StudyConfig | NamesStudyConfig | BackpropagationConfig
"""What can be built: a language model, or one of the experiments."""


def stages(config: AnyConfig) -> list[Stage]:
    """The stages in order, each with what decides its result."""
    if isinstance(config, StudyConfig):
        return tokenizer_study.stages(config)
    if isinstance(config, NamesStudyConfig):
        return names_study.stages(config)
    if isinstance(config, BackpropagationConfig):
        return backpropagation_study.stages(config)
    return [
        Stage(
            name="corpus",
            config=config.corpus,
            run=texts.corpus,
            sources={"files": digest(config.corpus)},
        ),
        Stage(
            name="tokenizer",
            config=config.tokenizer,
            run=texts.tokenizer,
            needs=("corpus",),
            rooms=("tokenizers",),
        ),
        Stage(
            name="shards",
            config=config.shards,
            run=texts.shards,
            needs=("corpus", "tokenizer"),
            rooms=("tokenizers",),
        ),
        Stage(
            name="pretrain",
            config=config.pretrain,
            run=pretrain,
            needs=("tokenizer", "shards"),
            rooms=_TRAIN_ROOMS,
            product="model/",
        ),
        Stage(
            name="instruct",
            config=config.instruct,
            run=instruct,
            needs=("corpus", "pretrain"),
            rooms=(*_TRAIN_ROOMS, "tokenizers", "finetune"),
            product="model/",
        ),
        Stage(
            name="evaluate",
            config=config.evaluate,
            run=evaluation,
            needs=("corpus", "shards", "pretrain"),
            rooms=(*_MODEL_ROOMS, "inference", "tokenizers", "evaluate"),
        ),
        Stage(
            name="report",
            config=config.report,
            run=_report,
            needs=("corpus", "tokenizer", "shards", "pretrain", "instruct", "evaluate"),
            rooms=_MODEL_ROOMS,
        ),
    ]


def build(
    config: AnyConfig,
    runs: Path,
    *,
    uses: Sequence[Replacement] = (),
    progress: Progress = silent,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Bring `runs/<name>` to what the config describes; returns that folder.

    What is up to date is left as it is, what was interrupted goes on, and a result that another
    config or another part replaces is kept in `previous/`. Raises ValueError when another build
    works in that folder.
    """
    folder = runs.expanduser() / config.name
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder), replaced(uses):
        configs.write(config, folder / "config.json")
        site = Site(run_folder=folder, progress=progress, say=say)
        for use in uses:
            say(f"using {use.name} from {use.file} as {use.part}")
        records: dict[str, Record] = {}
        for stage in stages(config):
            records[stage.name] = run_stage(stage, site, inputs=records, uses=uses)
    return folder


def _report(work: Work) -> None:
    page = write_report(work.folder.parent, work.folder, work.config)
    work.say(f"report: {page}")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the run's lock; the system lets go of it when the process ends, however it ends."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise ValueError(
                f"another build is at work in {folder}; wait for it, or choose another --name"
            ) from problem
        yield
