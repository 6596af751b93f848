"""Lessons compute in processes of their own: late ones are ended, dead ones replaced."""

import asyncio
import json
import sys
import textwrap

import pytest

from groundup.studio import part_worker
from groundup.studio.workers import Workers

SCRIPT = """
    import json, os, sys, time
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        topic, name, values = json.loads(line)
        if name == "loops":
            time.sleep(600)
        if name == "dies":
            os._exit(9)
        if name == "refuses":
            said = {"refused": "no such part"}
        elif name == "breaks":
            said = {"broken": "ZeroDivisionError: division by zero"}
        else:
            said = {"given": {"pid": os.getpid(), "topic": topic, "values": values}}
        print(json.dumps(said), flush=True)
"""


@pytest.fixture
def make():
    made = []

    def make_(stamp=lambda topic: "1", **settings):
        command = (sys.executable, "-c", textwrap.dedent(SCRIPT))
        made.append(Workers(stamp=stamp, command=command, **{"count": 1, **settings}))
        return made[-1]

    yield make_
    for workers in made:
        workers.close()


def ask(workers, name, values=None, topic="a/b"):
    return asyncio.run(workers.compute(topic, name, values))


def test_it_answers_and_remembers(make):
    stamps = iter("1112")
    workers = make(lambda topic: next(stamps))
    first = ask(workers, "x", {"a": 1})
    assert first["values"] == {"a": 1}
    assert ask(workers, "x", {"a": 1}) is first
    assert ask(workers, "x", {"a": 2}) is not first
    assert ask(workers, "x", {"a": 1}) is not first, "the topic's files are others now"


def test_a_refusal_comes_in_its_own_words_and_costs_no_process(make):
    workers = make()
    pid = ask(workers, "x")["pid"]
    with pytest.raises(ValueError, match=r"^no such part$"):
        ask(workers, "refuses")
    assert ask(workers, "y")["pid"] == pid


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("loops", TimeoutError, "loops took more than 1 seconds and was ended"),
        ("dies", ValueError, "died"),
        ("breaks", ValueError, "breaks of a/b failed: ZeroDivisionError"),
    ],
)
def test_what_goes_wrong_is_said_and_another_process_takes_over(make, name, error, words):
    workers = make(seconds=1.0)
    pid = ask(workers, "x")["pid"]
    with pytest.raises(error, match=words):
        ask(workers, name)
    assert ask(workers, "y")["pid"] != pid


def test_several_are_asked_at_once(make):
    workers = make(count=2)

    async def scene():
        return await asyncio.gather(*(workers.compute("a/b", f"x{i}") for i in range(12)))

    assert len({one["pid"] for one in asyncio.run(scene())}) <= 2


def test_after_closing_no_process_is_left(make):
    workers = make(count=2)
    ask(workers, "x")
    [process] = [one._process for one in workers._all if one._process]
    workers.close()
    assert process.returncode is not None


def test_a_worker_answers_for_a_real_lesson_and_refuses_in_words():
    said = part_worker.answer(json.dumps(["p04_transformer/none", "x", None]))
    assert "there is no topic" in said["refused"]
