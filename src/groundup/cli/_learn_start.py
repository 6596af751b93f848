"""Make a workspace, or bring one up to date; nothing you wrote is changed.

groundup learn start ~/my-llm
"""

from pathlib import Path

from groundup.cli import _learning
from groundup.course import workspace
from groundup.course.facts import Setting
from groundup.course.progress import Progress


def run(arguments: list[str]) -> int:
    """Write the stubs and remember the folder."""
    parser = _learning.parser("start", __doc__)
    parser.add_argument("folder", type=Path, help="where your files are to be")
    parser.add_argument("--progress", type=Path, metavar="FILE", help="where progress is kept")
    options = parser.parse_args(arguments)
    made, changes = workspace.start(options.folder)
    progress = Progress(options.progress)
    progress.add(Setting(name=_learning.WORKSPACE, value=str(made.folder)))
    print(f"{made.folder}: {len(changes.given)} new files, {len(changes.renewed)} renewed")
    if changes.outdated:
        print(
            f"the course has changed {', '.join(changes.outdated)}; your files are as you left "
            "them, `groundup learn reset NAME` begins anew and keeps a backup"
        )
    desk = _learning.Desk(workspace=made, progress=progress, entries=_learning.in_order())
    current = desk.current()
    if current:
        print(f"\nWrite {made.path(current)}\nand leave this running beside your editor:")
        print("  groundup learn watch")
    return 0
