"""The stage that measures the base model on the files it never saw."""

from groundup import config as configs
from groundup.checkpoints import huggingface
from groundup.evaluate.table import EvaluateConfig, EvaluateResult, evaluate
from groundup.pipeline.stage import Work
from groundup.tokenizers.bpe import BPE


def evaluation(work: Work) -> None:
    """Write `result.json` and say the figures."""
    config: EvaluateConfig = work.config
    base = work.inputs["pretrain"] / "model"
    model = huggingface.load(base)
    model.eval()
    result = evaluate(
        model,
        BPE.load(base),
        corpus=work.inputs["corpus"],
        shards=work.inputs["shards"],
        config=config,
        progress=work.progress,
    )
    configs.write(result, work.folder / "result.json")
    for line in summary(result):
        work.say(line)


def summary(result: EvaluateResult) -> list[str]:
    """The figures in two lines or three."""
    bits = ", ".join(f"{row.name} {row.bits_per_byte:.3f}" for row in result.bits_per_byte)
    lines = [f"evaluate: bits per byte: {bits}"]
    for score in result.functions:
        how = "greedy" if score.temperature == 0 else f"temperature {score.temperature}"
        lines.append(
            f"evaluate: functions that parse, {score.name}, {how}: {100 * score.share:.0f} % "
            f"({100 * score.low:.0f} to {100 * score.high:.0f} %)"
        )
    return lines
