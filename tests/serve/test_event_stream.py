"""Server-sent events at the level of ASGI: readers who leave, who stop reading, and errors."""

import asyncio

import pytest

from groundup.serve.errors import ApiError
from groundup.serve.event_stream import ClientGone, EventStream, event, unless_gone


class Reader:
    """The other end of a response."""

    def __init__(self, *, leaves=False, stalls_after=None):
        self.sent, self.leaving, self.stalls_after = [], asyncio.Event(), stalls_after
        if leaves:
            self.leaving.set()

    async def receive(self):
        await self.leaving.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self.stalls_after is not None and len(self.sent) >= self.stalls_after:
            await asyncio.sleep(60)
        self.sent.append(message)

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.sent)


class Events:
    """Events that come when they are let, and what became of their source."""

    def __init__(self, *items, then=None, waits=False):
        self.items, self.then, self.waits, self.closed, self.told = items, then, waits, 0, 0

    async def __call__(self):
        try:
            for item in self.items:
                yield event(item)
            if self.waits:
                await asyncio.sleep(60)
            if self.then is not None:
                raise self.then
        finally:
            self.closed += 1

    def tell(self):
        self.told += 1


def run(reader_of, events, *, write_seconds=5.0):
    async def main():
        reader = reader_of()
        stream = EventStream(events(), write_seconds=write_seconds, closed=events.tell)
        await asyncio.wait_for(stream({"type": "http"}, reader.receive, reader.send), 10)
        return reader

    return asyncio.run(main())


def test_all_events_and_the_end():
    events = Events({"a": "é"}, {"b": [1]})
    reader = run(Reader, events)
    assert reader.body == 'data: {"a":"é"}\n\ndata: {"b":[1]}\n\ndata: [DONE]\n\n'.encode()
    assert reader.sent[0]["status"] == 200
    assert reader.sent[-1]["more_body"] is False
    assert (events.closed, events.told) == (1, 1)


def test_an_error_is_an_event_before_the_end():
    events = Events({"a": 1}, then=ApiError(500, "it broke", code="x"))
    reader = run(Reader, events)
    assert b'"message":"it broke"' in reader.body
    assert reader.body.endswith(b"data: [DONE]\n\n")
    assert (events.closed, events.told) == (1, 1)


def test_who_leaves_is_noticed_while_there_is_nothing_to_send():
    events = Events({"a": 1}, waits=True)
    reader = run(lambda: Reader(leaves=True), events)
    assert b"[DONE]" not in reader.body
    assert events.told == 1


def test_who_stops_reading_is_given_up():
    events = Events(*({"a": i} for i in range(100)))
    reader = run(lambda: Reader(stalls_after=3), events, write_seconds=0.02)
    assert len(reader.sent) == 3
    assert (events.closed, events.told) == (1, 1)


def test_an_unexpected_error_is_not_hidden():
    events = Events({"a": 1}, then=RuntimeError("a defect"))
    with pytest.raises(RuntimeError, match="a defect"):
        run(Reader, events)
    assert (events.closed, events.told) == (1, 1)


def test_work_is_cancelled_when_its_client_leaves():
    async def main():
        ended = []

        async def work():
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(True)

        with pytest.raises(ClientGone):
            await unless_gone(work(), Reader(leaves=True).receive)
        assert ended == [True]

        async def quick():
            return 5

        assert await unless_gone(quick(), Reader().receive) == 5

    asyncio.run(main())
