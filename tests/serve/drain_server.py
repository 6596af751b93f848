"""A server in a process of its own, for signals: it counts to ten on each request.

    python tests/serve/drain_server.py TIMEOUT SECONDS_A_COUNT

It prints its address. No model and no engine, so that it starts in no time.
"""

import asyncio
import sys

from groundup.serve.drain import DrainingServer
from groundup.serve.listen import address, bind, configured


class Counting:
    """An ASGI application, and what `DrainingServer` asks of it."""

    def __init__(self, pause):
        self.pause, self.is_draining, self.counting = pause, False, set()

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        status = 503 if self.is_draining else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        if scope["path"] == "/count" and not self.is_draining:
            task = asyncio.ensure_future(self.count(send))
            self.counting.add(task)
            await asyncio.gather(task, return_exceptions=True)
            self.counting.discard(task)
        await send({"type": "http.response.body", "body": b"over\n"})

    async def count(self, send):
        for number in range(10):
            body = f"{number}\n".encode()
            await send({"type": "http.response.body", "body": body, "more_body": True})
            await asyncio.sleep(self.pause)

    def drain(self):
        self.is_draining = True

    async def drained(self, timeout):
        if self.counting:
            await asyncio.wait(self.counting, timeout=timeout)
        return not self.counting

    def abort(self):
        for task in self.counting:
            task.cancel()


def main():
    timeout, pause = map(float, sys.argv[1:])
    app = Counting(pause)
    listener = bind("127.0.0.1", 0)
    print(address(listener), flush=True)
    tell = lambda text: print(text, flush=True)  # noqa: E731
    DrainingServer(configured(app), app, timeout=timeout, tell=tell).run([listener])
    print(f"ended, {len(app.counting)} counting", flush=True)


if __name__ == "__main__":
    main()
