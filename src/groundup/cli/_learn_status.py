"""Say where you are: the workspace, what is passed in each phase, what is current.

groundup learn status
groundup learn status --all     # every exercise
"""

from collections import Counter
from itertools import groupby

from groundup.cli import _learning
from groundup.course import mastery


def run(arguments: list[str]) -> int:
    """Print the standing."""
    parser = _learning.parser("status", __doc__)
    parser.add_argument("--all", action="store_true", help="list every exercise")
    options = _learning.parsed(parser, arguments)
    desk = _learning.opened(options)
    states = desk.states()
    print(f"{desk.workspace.folder}")
    by_phase = sorted(desk.entries, key=lambda one: one.phase)
    for phase, group in groupby(by_phase, key=lambda one: one.phase):
        entries = list(group)
        done = sum(states[one.name] in mastery.DONE for one in entries)
        print(f"  {phase:<18} {done:>3} of {len(entries)} passed")
        for one in entries if options.all else []:
            print(f"    {states[one.name]:<10} {one.name:<28} {one.title}")
    files = Counter(desk.workspace.state(one) for one in desk.entries)
    if files["missing"]:
        again = f"`groundup learn start {desk.workspace.folder}` gives them again"
        print(f"{files['missing']} files are missing; {again}")
    current = desk.current()
    if current:
        print(f"current: {current.name}, {desk.workspace.path(current)}")
    else:
        print("every exercise is passed")
    return 0
