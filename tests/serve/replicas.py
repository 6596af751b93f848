"""Replicas that do as a script says, on real sockets of this machine, and a client of ASGI."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field

EVENT_STREAM = "content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass
class Got:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict
    body: bytes


@dataclass
class Replica:
    """Answers each request with `script(got, writer)`; /ready with `ready`."""

    script: object
    ready: bool = True
    url: str = ""
    got: list = field(default_factory=list)
    tasks: set = field(default_factory=set)

    async def serve(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        try:
            while not writer.is_closing():
                got = await read_request(reader)
                if got.path == "/ready":
                    writer.write(whole(200 if self.ready else 503, b"{}"))
                    continue
                self.got.append(got)
                await self.script(got, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # whoever asked has left, or the test is over
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()


async def read_request(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in rest)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = line.split(" ")
    return Got(method, path, headers, body)


def whole(status, body, headers=""):
    head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def answers(body=b'{"ok": true}', status=200, headers="content-type: application/json\r\n"):
    async def script(got, writer):
        writer.write(whole(status, body, headers))

    return script


def streams(*pieces, then="end"):
    """Server-sent bytes; then the stream ends, the connection breaks, or it stays silent."""

    async def script(got, writer):
        writer.write(f"HTTP/1.1 200 OK\r\n{EVENT_STREAM}".encode())
        for piece in pieces:
            writer.write(chunk(piece))
            await writer.drain()
        if then == "end":
            writer.write(chunk(b""))
        elif then == "break":
            writer.close()
        else:
            await asyncio.Event().wait()

    return script


async def breaks(got, writer):
    writer.close()


@contextlib.asynccontextmanager
async def replicas(*scripts):
    """A running replica for each script; None: nobody listens there."""
    servers, made = [], []
    for script in scripts:
        replica = Replica(script)
        server = await asyncio.start_server(replica.serve, "127.0.0.1", 0)
        replica.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        if script is None:
            server.close()
        else:
            servers.append(server)
        made.append(replica)
    try:
        yield made
    finally:
        for server in servers:
            server.close()
        tasks = [task for replica in made for task in replica.tasks]
        for task in tasks:
            task.cancel()  # scripts that stay silent would wait for ever
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Answer:
    """What a client of an ASGI application saw."""

    status: int = 0
    headers: dict = field(default_factory=dict)
    pieces: list = field(default_factory=list)
    ended: bool = False

    @property
    def body(self):
        return b"".join(self.pieces)

    def json(self):
        return json.loads(self.body)


async def ask(app, path, body=b"", *, method="POST", headers=(), leave_after=None, query=b""):
    """One request; `leave_after`: the client hangs up when it has so many pieces."""
    answer, left = Answer(), asyncio.Event()
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        if waiting:
            return waiting.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            assert not answer.status, "an answer begins once"
            answer.status = message["status"]
            answer.headers = {n.decode(): v.decode() for n, v in message["headers"]}
        else:
            assert answer.status, "the head comes first"
            assert not answer.ended, "nothing follows the end"
            answer.ended = not message.get("more_body", False)
            if message.get("body"):
                answer.pieces.append(message["body"])
            if leave_after is not None and len(answer.pieces) >= leave_after:
                left.set()

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": query, "headers": list(headers), "client": ("127.0.0.1", 9),
    }  # fmt: skip
    await asyncio.wait_for(app(scope, receive, send), 20)
    return answer
