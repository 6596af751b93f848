import sys
from pathlib import Path

import pytest

from groundup.course import lesson_files

LESSON = """# A title

Words with $x^2$ and <b>raw</b>.

:::{step} one
:::
"""
STEPS = '''"""Steps."""

import numpy as np


def one():
    """Says one. And more."""
    return np.arange(3.0)
'''


class Course:
    """A course of one topic, `p01_test/topic`, in a folder of its own."""

    topic = "p01_test/topic"

    def __init__(self, root: Path) -> None:
        self.folder = root / self.topic
        self.folder.mkdir(parents=True)
        self.write("topic.toml", 'title = "A topic"\nminutes = 30\nprerequisites = ["p/q"]\n')
        self.write("lesson.md", LESSON)
        self.write("steps.py", STEPS)

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")


@pytest.fixture
def course(tmp_path, monkeypatch):
    from groundup.course import topics

    monkeypatch.setattr(lesson_files, "TOPICS", tmp_path)
    monkeypatch.setattr(topics, "__path__", [str(tmp_path)])
    yield Course(tmp_path)
    for name in [one for one in sys.modules if "topics.p01_test" in one]:
        del sys.modules[name]
