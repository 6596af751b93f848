"""The report of a run: one self-contained HTML page made from the files its stages left."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from groundup.checkpoints import huggingface
from groundup.config import from_plain
from groundup.data.corpus import read_documents
from groundup.data.instructions import InstructionsConfig, conversations
from groundup.pipeline import (
    artifact,
    report_evaluation,
    report_page,
    report_probes,
    report_sections,
)
from groundup.pipeline.report_facts import Figure, Run, training_figures
from groundup.tokenizers.bpe import BPE

CONTENTS = {
    "built": "Stages",
    "corpus": "Text",
    "tokenizer": "Tokenizer",
    "training": "Training",
    "inside": "Inside",
    "evaluation": "Evaluation",
    "sources": "Sources",
}
_OTHER_SOURCES = {
    "corpus/manifest.json": "documents kept and left out",
    "tokenizer/tokenizer.json": "merges and tokens",
    "shards/manifest.json": "tokens and bytes a token",
    "pretrain/metrics.jsonl": "curves and samples on the way",
    "pretrain/result.json": "speed and peak beside the curves",
    "instruct/metrics.jsonl": "the same, learning to answer",
    "pretrain/model/config.json": "shape of the model; attention and neighbours from its weights",
    "evaluate/result.json": "bits per byte, functions",
    "instruct/model/config.json": "its answers, asked for when this report was written",
}


@dataclass(frozen=True, kw_only=True)
class ReportConfig:
    """What the report shows beside the run's own numbers."""

    title: str = ""
    """Heading of the page; empty: made from the run's name."""
    command: str = ""
    """The command that built the run, shown as it would be typed; empty: left out."""
    sample_prompt: str = (
        "def area(width, height):\n"
        "    if width < 0 or height < 0:\n"
        '        raise ValueError("negative")\n'
        "    return width * height\n"
    )
    """Text whose attention is shown."""
    attention_tokens: int = 52
    """How many tokens of it at most."""
    neighbours: tuple[str, ...] = (" self", " return", " import", " None", " for", " int", "Error")
    """Tokens whose nearest neighbours are shown; those that are not one token are left out."""
    functions: int = 4
    """How many sampled functions are shown of each writer, the first ones drawn."""

    questions: int = 5
    """How many held-out questions the chat model is asked."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 2 <= self.attention_tokens <= 128:
            raise ValueError(
                f"attention_tokens is {self.attention_tokens}; wanted 2 to 128, "
                "more would not fit on a page"
            )
        for name in ("functions", "questions"):
            if (value := getattr(self, name)) < 0:
                raise ValueError(f"{name} is {value}; wanted 0 or more")
        if not self.sample_prompt:
            raise ValueError("sample_prompt is empty; give the text whose attention is shown")


def write_report(run_folder: Path, out: Path, config: ReportConfig) -> Path:
    """Write `index.html` into the folder `out` and return its path.

    A run that is not finished gets a report of what it has, with a notice of what it lacks.
    Raises ValueError when `run_folder` holds no stage or one of its files is damaged.
    """
    run = Run(run_folder)
    tokenizer = _tokenizer(run)
    page = out / "index.html"
    artifact.write_text_atomically(page, report_page.render(_view(run, tokenizer, config)))
    return page


def _view(run: Run, tokenizer: BPE | None, config: ReportConfig) -> dict[str, Any]:
    judged = report_evaluation.evaluation(run, most_functions=config.functions)
    quality: list[Figure] = report_evaluation.figures(judged) if judged else []
    return {
        "run": run,
        "title": config.title or f"The run {run.name}",
        "subtitle": _subtitle(run),
        "place": f"runs/{run.name}/",
        "figures": [*quality, *training_figures(run)],
        "gaps": run.gaps(),
        "contents": CONTENTS.items(),
        "built": report_sections.built(run),
        "corpus": report_sections.corpus(run),
        "vocabulary": report_sections.vocabulary(run, tokenizer),
        "pretrain": report_sections.training(run, "pretrain"),
        "instruct": report_sections.training(run, "instruct"),
        "evaluation": judged,
        "asked": _asked(run, config.questions),
        "replaced": report_sections.replaced(run),
        "commands": _commands(run, config),
        "other_sources": [
            (what, name) for name, what in _OTHER_SOURCES.items() if (run.folder / name).is_file()
        ],
        **_inside(run, tokenizer, config),
    }


def _tokenizer(run: Run) -> BPE | None:
    path = run.folder / "tokenizer"
    return BPE.load(path) if (path / "tokenizer.json").is_file() else None


def _inside(run: Run, tokenizer: BPE | None, config: ReportConfig) -> dict[str, Any]:
    """Attention and neighbours, which need the trained model and the tokenizer."""
    if tokenizer is None or not run.has_model("pretrain"):
        return {"attention": None, "attention_json": "", "neighbours": ()}
    model = huggingface.load(run.folder / "pretrain" / "model")
    model.eval()
    maps = report_probes.attention(
        model, tokenizer, config.sample_prompt, most=config.attention_tokens
    )
    return {
        "attention": maps,
        "attention_json": report_page.json_for_script(asdict(maps)),
        "neighbours": report_probes.neighbours(model, tokenizer, config.neighbours),
    }


def _asked(run: Run, most: int) -> tuple[tuple[str, str], ...]:
    """Held-out questions and the chat model's answers; none when there is no chat model."""
    settings = run.records["instruct"].config if run.has_model("instruct") else {}
    if not most or "conversations" not in settings or not run.is_complete("corpus"):
        return ()
    folder = run.folder / "instruct" / "model"
    documents = read_documents(run.folder / "corpus", "validation")
    held_out = conversations(documents, from_plain(InstructionsConfig, settings["conversations"]))
    model = huggingface.load(folder)
    model.eval()
    return report_probes.asked(model, BPE.load(folder), held_out, most=most)


def _subtitle(run: Run) -> str:
    finished = max((record.finished for record in run.records.values()), default="")
    day = f", {finished[:10]}" if finished else ""
    machine = next(iter(run.records.values())).machine
    where = f" on {machine['cores']} processor cores" if "cores" in machine else ""
    return f"A language model built from text{where}{day}: what it is, how it came to be, how good."


def _commands(run: Run, config: ReportConfig) -> list[tuple[str, str]]:
    place = f"runs/{run.name}"
    models = [stage for stage in ("pretrain", "instruct") if run.has_model(stage)]
    return [
        *([(config.command, "built it")] if config.command else []),
        *([(f"groundup chat {place}", "talks with it")] if models else []),
        *([(f"groundup complete {place} 'def '", "lets it go on")] if models else []),
        (f"groundup report {place}", "opens this page"),
    ]
