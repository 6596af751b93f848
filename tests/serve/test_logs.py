"""Logs: whole JSON lines, nothing secret, and no harm from a disk that does not take them."""

import asyncio
import io
import json
import threading
from pathlib import Path

import pytest

from groundup.serve.logs import AccessLog, Log, RequestLog
from groundup.serve.observer import Asked, Life


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_record_is_one_line_whatever_is_in_it(tmp_path):
    path = tmp_path / "log.jsonl"
    log = Log(path)
    log.write("odd", text='a\nb\r\u2028"\\\0\ud800é', number=1, nothing=None)
    log.write("plain", where=Path("x"))
    log.close()
    odd, plain = read(path)
    assert odd["text"] == 'a\nb\r\u2028"\\\0\ud800é'
    assert "nothing" not in odd
    assert (odd["event"], plain["event"], plain["where"]) == ("odd", "plain", "x")
    assert odd["time"].endswith("Z")


def test_lines_of_many_threads_are_all_there(tmp_path):
    path = tmp_path / "log.jsonl"
    log = Log(path)

    def write(thread):
        for i in range(200):
            log.write("x", thread=thread, i=i)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    found = [(row["thread"], row["i"]) for row in read(path)]
    assert sorted(found) == [(n, i) for n in range(4) for i in range(200)]
    assert all([i for n, i in found if n == m] == list(range(200)) for m in range(4))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_costs_lines_only():
    log = Log(Path("/dev/full"))
    for _ in range(10):
        log.write("x")
    log.close()
    assert log.lost == 10


def test_when_it_works_again_it_says_how_many_were_lost(tmp_path):
    folder = tmp_path / "not-there-yet"
    log = Log(folder / "log.jsonl")
    log.write("lost")
    until(lambda: log.lost == 1)
    folder.mkdir()
    log.write("kept")
    log.close()
    assert [row["event"] for row in read(folder / "log.jsonl")] == ["log_lines_lost", "kept"]
    assert read(folder / "log.jsonl")[0]["count"] == 1
    assert log.lost == 0


def test_a_line_torn_by_a_full_disk_does_not_swallow_the_next(tmp_path, monkeypatch):
    path = tmp_path / "log.jsonl"
    fills_up = [True]
    opened = Path.open

    class Full(io.FileIO):
        def write(self, data):
            if not fills_up[0]:
                return super().write(data)
            if self.tell():
                raise OSError(28, "No space left on device")
            return super().write(data[:10])

    def open_path(self, mode, buffering=-1):
        return Full(str(self), "a") if self == path else opened(self, mode, buffering)

    monkeypatch.setattr(Path, "open", open_path)
    log = Log(path)
    log.write("torn")
    until(lambda: log.lost == 1)
    fills_up[0] = False
    log.write("whole")
    log.close()
    monkeypatch.undo()
    torn, *rest = path.read_text().splitlines()
    assert len(torn) == 10
    assert [json.loads(line)["event"] for line in rest] == ["log_lines_lost", "whole"]


def test_a_target_that_hangs_does_not_hang_who_writes():
    """More lines than may wait are dropped and counted."""
    goes_on = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text):
            goes_on.wait(30)
            return super().write(text)

    target = Stuck()
    log = Log(target, most=5)
    log.write("x")
    until(lambda: log._lines.empty())  # the thread holds it
    for _ in range(50):
        log.write("x")
    assert log.lost == 45
    goes_on.set()
    log.close()
    assert len(target.getvalue().splitlines()) == 1 + 5 + 1  # and the line that says what was lost


def test_a_stream_that_was_closed_is_like_a_full_disk():
    target = io.StringIO()
    target.close()
    log = Log(target)
    log.write("x")
    log.close()
    assert log.lost == 1


def test_the_end_of_a_request_and_no_text_of_it(tmp_path):
    path = tmp_path / "log.jsonl"
    log = Log(path)
    asked = Asked(
        request_id="abc", endpoint="/v1/completions", model="m", key="ana",
        prompt_tokens=3, max_tokens=9, sequences=1, at=10.0,
    )  # fmt: skip
    watch = RequestLog(log)
    watch.finished(
        Life(
            asked=asked, number=1, prompt_tokens=3, max_tokens=9, submitted_at=10.5,
            scheduled_at=11.0, first_at=11.5, last_at=12.0, finished_at=12.25,
            generated_tokens=4, cached_tokens=2, finish_reason="stop",
        )
    )  # fmt: skip
    watch.refused("m", "queue_full")
    log.close()
    finished, refused = read(path)
    del finished["time"], refused["time"]
    assert finished == {
        "event": "finished", "request_id": "abc", "endpoint": "/v1/completions", "model": "m",
        "key": "ana", "prompt_tokens": 3, "cached_tokens": 2, "generated_tokens": 4,
        "queue_seconds": 1.0, "first_token_seconds": 1.5, "seconds": 2.25,
        "finish_reason": "stop",
    }  # fmt: skip
    assert refused == {"event": "refused", "model": "m", "reason": "queue_full"}


async def answer(scope, receive, send):
    """An app that reads the body and streams two pieces."""
    while (await receive()).get("more_body"):
        pass
    headers = [(b"X-Request-Id", b"id-1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ab", "more_body": True})
    if scope["path"] == "/breaks":
        raise RuntimeError("in mid-stream")
    await send({"type": "http.response.body", "body": b"cde"})


def ask(path, log, **settings):
    parts = [b'{"prompt": "my sec', b'ret"}']
    messages = [
        {"type": "http.request", "body": part, "more_body": part is parts[0]} for part in parts
    ]

    async def receive():
        return messages.pop(0)

    async def send(message):
        pass

    scope = {
        "type": "http", "method": "POST", "path": path, "query_string": b"token=hidden",
        "headers": [(b"authorization", b"Bearer hidden")], "client": ("127.0.0.1", 5),
    }  # fmt: skip
    asyncio.run(AccessLog(answer, log, **settings)(scope, receive, send))


def test_an_http_request_is_a_line_without_its_secrets(tmp_path):
    path = tmp_path / "log.jsonl"
    log = Log(path)
    ask("/v1/completions", log)
    with pytest.raises(RuntimeError, match="mid-stream"):
        ask("/breaks", log)
    ask("/health", log)
    log.close()
    text = path.read_text()
    assert "secret" not in text
    assert "hidden" not in text
    whole, broken = read(path)
    assert whole["seconds"] >= 0
    for row in (whole, broken):
        del row["time"], row["seconds"]
    same = {"event": "http", "request_id": "id-1", "method": "POST", "client": "127.0.0.1"}
    assert whole == same | {
        "path": "/v1/completions", "status": 200, "bytes": 5, "complete": True,
    }  # fmt: skip
    assert broken == same | {"path": "/breaks", "status": 200, "bytes": 2, "complete": False}


@pytest.mark.parametrize(("bodies", "shown"), [(1000, '{"prompt": "my secret"}'), (5, '{"pro')])
def test_prompts_are_logged_when_asked_for_up_to_a_size(tmp_path, bodies, shown):
    path = tmp_path / "log.jsonl"
    log = Log(path)
    ask("/v1/completions", log, bodies=bodies)
    log.close()
    assert read(path)[0]["body"] == shown


def until(holds, seconds=20):
    """Wait for another thread, without end only in a defect."""
    tick = threading.Event()
    for _ in range(int(seconds / 0.005)):
        if holds():
            return
        tick.wait(0.005)
    raise AssertionError("it did not happen")
