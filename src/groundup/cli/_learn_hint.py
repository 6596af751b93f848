"""Show the next hint: a nudge, then the idea, then almost the code.

groundup learn hint
groundup learn hint attention
"""

from groundup.cli import _learning
from groundup.course.facts import Hint


def run(arguments: list[str]) -> int:
    """Print one more hint than before; the earlier ones stay in sight."""
    parser = _learning.parser("hint", __doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="the exercise (the current one)")
    options = _learning.parsed(parser, arguments)
    desk = _learning.opened(options)
    entry = desk.named(options.name)
    most = len(entry.hints)
    before = min(desk.hints_shown(entry), most)
    level = min(before + 1, most)
    if level > before:
        desk.progress.add(Hint(exercise=entry.name, level=level))
    print(f"{entry.name}: {entry.title}")
    for number, hint in enumerate(entry.hints[:level], 1):
        print(f"  {number} of {most}: {hint}")
    if before == most:
        print(f"that was all; `groundup learn solution {entry.name} --give-up` shows an answer")
    return 0
