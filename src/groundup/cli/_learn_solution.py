"""Show the library's own version, after you passed or when you give up.

groundup learn solution attention
groundup learn solution attention --give-up
"""

from groundup.cli import _learning
from groundup.course import mastery
from groundup.course.facts import Hint

_SOLUTION = 4
"""The level of a hint that is the solution."""


def run(arguments: list[str]) -> int:
    """Print the source."""
    parser = _learning.parser("solution", __doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="the exercise (the current one)")
    parser.add_argument("--give-up", action="store_true", help="show it before you passed")
    options = _learning.parsed(parser, arguments)
    desk = _learning.opened(options)
    entry = desk.named(options.name)
    if desk.states()[entry.name] not in mastery.DONE:
        if not options.give_up:
            raise ValueError(
                f"{entry.name} is not passed yet; `groundup learn hint` helps, and --give-up shows "
                "the solution all the same"
            )
        desk.progress.add(Hint(exercise=entry.name, level=_SOLUTION))
    print(desk.workspace.solution(entry), end="")
    return 0
