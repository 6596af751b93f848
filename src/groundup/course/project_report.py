"""The report of a project's run: one self-contained page, made from the files of its folder."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

from groundup.course.project_run import GATES
from groundup.pipeline import artifact, report_page
from groundup.pipeline.report_charts import lines_chart
from groundup.pipeline.report_facts import Figure, minutes

_TEMPLATE = "project_report.html"


def write(folder: Path) -> Path:
    """Write `report/index.html` into the run's folder and return its path.

    Raises ValueError when the folder holds no finished run, or a file of it is damaged.
    """
    run = _read(folder / GATES)
    steps = [_step(folder, step) for step in run["steps"]]
    missed = [gate for gate in run["gates"] if not gate["passed"]]
    view = {
        "run": run,
        "title": run["title"],
        "subtitle": _subtitle(run, missed),
        "figures": _figures(run, missed),
        "missed": missed,
        "steps": steps,
        "place": f"runs/{run['name']}/",
    }
    page = folder / "report" / "index.html"
    template = resources.files("groundup.course").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    artifact.write_text_atomically(page, report_page.render(view, template))
    return page


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ValueError(
            f"{path.parent} holds no finished run of a project; `groundup learn project` makes one"
        )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise ValueError(f"{path} is damaged ({problem}); run the project again") from problem
    return dict(found)


def _step(folder: Path, step: dict[str, Any]) -> dict[str, Any]:
    """A step's row in `gates.json`, and what it found as far as it came."""
    path = folder / f"{step['step']}.json"
    found = _read(path) if path.is_file() else {}
    lines = {name: [(x, y) for x, y in points] for name, points in found.get("curves", {}).items()}
    chart = lines_chart(lines, title=step["says"], unit=found.get("unit", "")) if lines else None
    table = found.get("table") or []
    return {
        **step,
        "numbers": found.get("numbers", {}),
        "heading": table[0] if table else [],
        "rows": table[1:],
        "text": found.get("text", ""),
        "chart": chart.within(step["step"]) if chart else None,
    }


def _figures(run: dict[str, Any], missed: list[Any]) -> list[Figure]:
    gates, parts = run["gates"], run["parts"]
    yours = [part for part in parts if part["calls"]]
    seconds = sum(step["seconds"] for step in run["steps"])
    return [
        Figure(
            label="gates passed",
            value=f"{len(gates) - len(missed)} of {len(gates)}",
            note="the project is passed" if run["passed"] else "not passed yet",
            source=f"{GATES}: gates",
        ),
        Figure(
            label="parts that were yours",
            value=f"{len(yours)} of {len(parts)}",
            note=f"called {sum(part['calls'] for part in yours):,} times",
            source=f"{GATES}: parts",
        ),
        Figure(label="time", value=minutes(seconds), source=f"{GATES}: steps"),
    ]


def _subtitle(run: dict[str, Any], missed: list[Any]) -> str:
    day = run["finished"][:10]
    if run["passed"]:
        return f"Project {run['project']}, {day}: passed, on your own parts."
    first = missed[0]["gate"]
    return f"Project {run['project']}, {day}: not passed yet. The first gate that failed: {first}."
