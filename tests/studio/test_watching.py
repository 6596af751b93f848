"""A file saved in another editor is noticed, checked once, and told to every page."""

import asyncio
import contextlib

from tests.studio.fake_desk import ADD, make_desk

from groundup.studio.bench import Bench
from groundup.studio.watching import Watch


async def listen(watch, path, seen, count):
    async for event in watch.events("add", path):
        seen.append(event)
        if sum(one is not None for one in seen) == count:
            return


async def heard(watch, path, act, *, count, listeners=1):
    """What each of some listeners heard after `act`."""
    all_seen = [[] for _ in range(listeners)]
    tasks = [asyncio.create_task(listen(watch, path, seen, count)) for seen in all_seen]
    while not all(all_seen):  # everybody was told that we listen
        await asyncio.sleep(0.005)
    await act()
    await asyncio.wait_for(asyncio.gather(*tasks), 20)
    return [[one for one in seen if one is not None] for seen in all_seen]


def test_a_save_elsewhere_is_told_and_checked_once_for_all_pages(tmp_path):
    desk = make_desk(tmp_path)
    bench = Bench(desk)
    path = bench.path(ADD)

    async def act():
        path.write_text("right, from another editor")

    [one, two] = asyncio.run(heard(bench.watch, path, act, count=3, listeners=2))
    assert one == two
    assert [kind for kind, _ in one] == ["file", "checking", "result"]
    assert one[0][1]["text"] == "right, from another editor"
    assert one[2][1]["result"].status == "passed"
    assert len(desk.grader.asked) == 1


def test_what_the_studio_saved_itself_is_not_checked_again(tmp_path):
    desk = make_desk(tmp_path)
    bench = Bench(desk)

    async def act():
        bench.save(ADD, "from the page", based_on="")
        await asyncio.sleep(0.5)
        bench.path(ADD).write_text("from outside")

    [events] = asyncio.run(heard(bench.watch, bench.path(ADD), act, count=3))
    assert events[0][1]["text"] == "from outside"
    assert [text for _, text, _ in desk.grader.asked] == ["from outside"]


def test_a_touch_without_another_text_is_nothing(tmp_path):
    desk = make_desk(tmp_path)
    bench = Bench(desk)
    path = bench.path(ADD)
    path.write_text("same")

    async def act():
        path.write_text("same")
        await asyncio.sleep(0.4)
        path.write_text("other")

    [events] = asyncio.run(heard(bench.watch, path, act, count=3))
    assert events[0][1]["text"] == "other"
    assert len(desk.grader.asked) == 1


def test_a_file_that_goes_away_or_turns_to_bytes_is_said(tmp_path):
    desk = make_desk(tmp_path)
    bench = Bench(desk)
    path = bench.path(ADD)
    path.write_text("there")

    async def act():
        path.unlink()

    [events] = asyncio.run(heard(bench.watch, path, act, count=1))
    assert "gone" in events[0][1]["problem"]


def test_when_the_last_page_leaves_nobody_looks_any_more(tmp_path):
    called = []

    async def changed(name):
        called.append(name)

    async def scene():
        watch = Watch(changed)
        events = watch.events("add", tmp_path / "add.py")
        await anext(events)
        assert len(asyncio.all_tasks()) == 2
        await events.aclose()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) == 1
        (tmp_path / "add.py").write_text("x")
        await asyncio.sleep(0.3)

    asyncio.run(scene())
    assert called == []
