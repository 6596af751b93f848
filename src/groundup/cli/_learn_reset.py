"""Begin an exercise anew; your file is kept in _backups.

groundup learn reset attention
"""

from groundup.cli import _learning


def run(arguments: list[str]) -> int:
    """Set the file aside and write the stub."""
    parser = _learning.parser("reset", __doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="the exercise (the current one)")
    options = _learning.parsed(parser, arguments)
    desk = _learning.opened(options)
    entry = desk.named(options.name)
    aside = desk.workspace.reset(entry)
    print(f"{desk.workspace.path(entry)} is as it was given")
    if aside:
        print(f"what you wrote is in {aside}")
    return 0
