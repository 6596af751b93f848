"""A run's metrics for TensorBoard: reads the JSONL rows and writes event files.

JSONL is what a run always writes; this is a view of it for those who like to watch there. It can be
made during a run or long after. Left out: images, histograms, graphs.
"""

from pathlib import Path

from groundup.observe import metrics


def write_events(rows_path: Path, folder: Path) -> int:
    """Write the rows of a metrics file as TensorBoard events into `folder`; how many rows.

    Numbers become scalars named like their key, text becomes text; other things are left
    out. Raises ValueError when TensorBoard is not installed or there are no rows.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as problem:
        raise ValueError(
            f"TensorBoard is not installed ({problem}); install it with "
            "`pip install 'groundup[tracking]'`"
        ) from problem
    rows = metrics.read(rows_path)
    if not rows:
        raise ValueError(
            f"{rows_path} has no rows; train first, or give the metrics.jsonl of a run"
        )
    with SummaryWriter(str(folder)) as writer:
        for row in rows:
            for name, value in row.items():
                if name == "step" or isinstance(value, bool):
                    continue
                if isinstance(value, int | float):
                    writer.add_scalar(name, value, row["step"])
                elif isinstance(value, str):
                    writer.add_text(name, value, row["step"])
    return len(rows)
