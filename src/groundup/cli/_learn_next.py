"""Say what to write next, or choose it by name.

groundup learn next               # the next that is not passed
groundup learn next layer_norm    # this one
"""

from groundup.cli import _learning


def run(arguments: list[str]) -> int:
    """Choose and say where it is."""
    parser = _learning.parser("next", __doc__)
    parser.add_argument("name", nargs="?", metavar="NAME", help="the exercise to go to")
    options = _learning.parsed(parser, arguments)
    desk = _learning.opened(options)
    todo, current = desk.todo(), desk.current()
    if options.name is None and current is None:
        print("every exercise is passed; `groundup learn project` has what to build with them")
        return 0
    if options.name is not None:
        entry = desk.named(options.name)
    else:
        assert current is not None, "what is to do has a first one"
        entry = todo[(todo.index(current) + 1) % len(todo)]
    desk.choose(entry)
    print(f"{entry.name}: {entry.title} (about {entry.minutes} minutes)")
    print(desk.workspace.path(entry))
    if desk.workspace.state(entry) == "missing":
        print("the file is missing; `groundup learn reset` gives it again")
    return 0
