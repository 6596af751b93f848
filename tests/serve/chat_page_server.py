"""The real chat page before a server of canned answers: it does what no model does on demand."""

import asyncio
import json
import math
import re
import threading
import time

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

from groundup.serve.pages import chat_page

ATTACK = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "\n\n```html\n<script>document.title='owned'</script>\n```\n\n"
    "`<b>` and **<i onclick=alert(1)>** [link](javascript:document.title='owned')"
)
MARKUP = (
    "Here is a function, with **bold** and *italic* words:\n\n```python\ndef vowels(text):\n"
    '    return sum(c in "aeiou" for c in text.lower())\n```\n\n### How it works\n\n'
    "1. `text.lower()` makes all letters small.\n2. Each vowel counts 1.\n"
)
ANSWERS = {
    "attack": ATTACK,
    "markup": MARKUP,
    "letters": "Grüße, 世界 👋!",
}


def tokens_of(text):
    """A text in pieces as a tokenizer cuts it, some in the middle of a letter's bytes."""
    for piece in re.findall(r"\s?\w+|\s|[^\w\s]", text):
        data = piece.encode()
        yield from (data,) if piece.isascii() else (data[:-1], data[-1:])


def probability(place):
    """Sure, less sure, unsure, and so on."""
    return (0.97, 0.61, 0.88, 0.23, 0.995)[place % 5]


def logprob(data, place):
    share = probability(place)
    token = data.decode("utf-8", "replace")
    top = [(token, share), (" other", (1 - share) * 0.6), ("\n", (1 - share) * 0.3)]
    entries = [
        {"token": one, "logprob": math.log(value), "bytes": list(one.encode())}
        for one, value in sorted(top, key=lambda pair: -pair[1])
    ]
    return {
        "token": token,
        "logprob": math.log(share),
        "bytes": list(data),
        "top_logprobs": entries,
    }


def event(content="", *, entries=(), reason=None, usage=None):
    choice = {
        "index": 0,
        "delta": {"content": content},
        "logprobs": {"content": list(entries)} if entries else None,
        "finish_reason": reason,
    }
    data = {"object": "chat.completion.chunk", "choices": [] if usage else [choice]}
    return f"data: {json.dumps(data | ({'usage': usage} if usage else {}))}\r\n\r\n"


async def stream(text, *, ending="whole"):
    held, count = b"", 0
    yield event()
    for data in tokens_of(text):
        held += data
        try:
            content, held = held.decode(), b""
        except UnicodeDecodeError:
            content = ""
        yield event(content, entries=[logprob(data, count)])
        count += 1
    if ending == "error":
        yield 'data: {"error": {"message": "out of blocks", "type": "server_error"}}\n\n'
    if ending != "whole":
        return
    yield event(reason="stop")
    yield event(usage={"prompt_tokens": 12, "completion_tokens": count, "total_tokens": 12 + count})
    yield "data: [DONE]\n\n"


async def endless(left, *, is_silent):
    """Goes on until its reader leaves, then says so; or falls silent after the first word."""
    try:
        while True:
            yield event("on and ", entries=[logprob(b"on and ", 0)])
            await asyncio.sleep(60 if is_silent else 0.005)
    finally:
        left.set()


def refusal(status, message, **headers):
    error = {"message": message, "type": "error", "param": None, "code": None}
    return JSONResponse({"error": error}, status, headers)


def reply(body, left):
    """What the last message asks for, by its first word."""
    question = body["messages"][-1]["content"]
    word = question.split()[0].lower()
    refusals = {
        "fail": lambda: refusal(500, "a kernel failed"),
        "stopping": lambda: refusal(503, "the server is draining"),
        "busy": lambda: refusal(429, "the queue is full", **{"Retry-After": "7"}),
        "invalid": lambda: refusal(400, "the prompt has 9000 tokens; the model takes 2048"),
    }
    if word in refusals:
        return refusals[word]()
    ending = {"error": "error", "cut": "cut"}.get(word, "whole")
    text = ANSWERS.get(word, f"You said: {question}. That is all I know about it.")
    if word in ("endless", "silent"):
        text = endless(left, is_silent=word == "silent")
        return StreamingResponse(text, media_type="text/event-stream")
    return StreamingResponse(stream(text, ending=ending), media_type="text/event-stream")


class ChatPageServer:
    """The app in a thread of its own.

    `asked` holds the bodies of the requests, `key` guards it, `left` is set once a reader has gone.
    """

    def __init__(self):
        self.asked, self.key, self.left = [], None, threading.Event()
        config = uvicorn.Config(self._app(), port=0, log_level="error", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        end = time.monotonic() + 20
        while not self.server.started and time.monotonic() < end:
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/"

    def close(self):
        self.server.force_exit = True
        self.server.should_exit = True
        self.thread.join(20)

    def _app(self):
        app = FastAPI(openapi_url=None)
        app.include_router(chat_page())

        def refused(request):
            if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
                return refusal(401, "no such key")
            return None

        @app.get("/v1/models")
        async def models(request: Request):
            data = [{"id": name, "object": "model"} for name in ("smollm2", "tiny")]
            return refused(request) or {"object": "list", "data": data}

        @app.post("/v1/chat/completions")
        async def chat(request: Request):
            if refused(request):
                return refused(request)
            self.asked.append(await request.json())
            return reply(self.asked[-1], self.left)

        return app
