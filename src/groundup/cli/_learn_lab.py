"""Open a lesson as a notebook, to change its steps and see.

groundup learn lab attention
groundup learn lab attention --file ~/play.py
"""

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path


def run(arguments: list[str]) -> int:
    """Write the notebook, unless it is there, and open it in marimo, if that is installed."""
    options = _parser().parse_args(arguments)
    from groundup.course import lab, lesson

    topic = lesson.find(options.topic)
    file = options.file or Path(f"{topic.rpartition('/')[2]}_lab.py")
    file = file.expanduser()
    if file.exists() and not options.again:
        print(f"{file} is there already and stays as it is; --again writes it anew")
    else:
        file.write_text(lab.write(topic), encoding="utf-8")
        print(f"wrote {file}")
    if importlib.util.find_spec("marimo") is None:
        print(f"to open it: pip install 'groundup[lab]', then marimo edit {file}")
        return 0
    command = [sys.executable, "-m", "marimo", "edit", str(file)]
    return 0 if options.no_open else subprocess.run(command, check=False).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="groundup learn lab",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("topic", help="a topic with a lesson, or its last word: attention")
    parser.add_argument("--file", type=Path, help="the notebook (default: TOPIC_lab.py)")
    parser.add_argument("--again", action="store_true", help="replace the file if it is there")
    parser.add_argument("--no-open", action="store_true", help="write the file only")
    return parser
