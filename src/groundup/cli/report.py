"""Open a run's report in the browser.

groundup report runs/stdlib
"""

import argparse
import webbrowser
from pathlib import Path

CHAPTER = "look"


def run(arguments: list[str]) -> int:
    """Find the page, say where it is, open it."""
    parser = argparse.ArgumentParser(prog="groundup report", description=__doc__)
    parser.add_argument("run", type=Path, help="the run's folder, or its name below runs/")
    parser.add_argument("--no-open", action="store_true", help="only print where the page is")
    options = parser.parse_args(arguments)
    page = find(options.run)
    print(page)
    if not options.no_open and not webbrowser.open(page.as_uri()):
        print("no browser could be started; open this file in one")
    return 0


def find(run_folder: Path, runs: Path = Path("runs")) -> Path:
    """The absolute path of a run's report. Raises ValueError when there is no run or no report."""
    folder = run_folder if run_folder.is_dir() else runs / run_folder
    if not folder.is_dir():
        raise ValueError(f"{run_folder} is not a run's folder, and {folder} is not there either")
    page = folder / "report" / "index.html"
    if not page.is_file():
        raise ValueError(
            f"{folder} has no report/index.html yet; `groundup build` writes it as its last stage"
        )
    return page.resolve()
