"""Headless Chromium, driven over its DevTools protocol: NUL-ended JSON through a pair of pipes.

Real key presses and mouse moves reach the page, and everything it says or loads is kept.
Source: https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
    # Headless has no mouse of its own: say that there is one, so that what needs hovering is tried.
    "--blink-settings=primaryHoverType=2,availableHoverTypes=2,"
    "primaryPointerType=4,availablePointerTypes=4",
]
KEYS = {"Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowRight": 39, "ArrowLeft": 37, "Tab": 9}


class Browser:
    """One Chromium with one page. `events` holds what the page did, oldest first."""

    def __init__(self, profile, *, width=1280, height=900):
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()
        # Chromium reads its file 3 and writes its file 4; ours must not stand in the way of them.
        high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (commands, answers)]
        quiet = os.open(os.devnull, os.O_RDWR)
        self.process = os.posix_spawn(
            CHROMIUM,
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"],
            {"PATH": os.defpath, "HOME": str(profile)},
            file_actions=[
                *((os.POSIX_SPAWN_DUP2, quiet, stream) for stream in (0, 1, 2)),
                (os.POSIX_SPAWN_DUP2, high[0], 3),
                (os.POSIX_SPAWN_DUP2, high[1], 4),
            ],
            setpgroup=0,
        )
        for end in (commands, answers, quiet, *high):
            os.close(end)
        self.rest, self.number, self.session, self.events = b"", 0, None, []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.resize(width, height)

    def close(self):
        os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.commands)
        os.close(self.answers)

    def send(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read(120)
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def _read(self, seconds):
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.answers], [], [], seconds)
            piece = os.read(self.answers, 1 << 16) if ready else b""
            assert piece, "the browser does not answer"
            self.rest += piece
        raw, self.rest = self.rest.split(b"\0", 1)
        message = json.loads(raw)
        if "method" in message:
            self.events.append(message)
        return message

    def resize(self, width, height=900, *, phone=False):
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=phone,
        )  # fmt: skip

    def theme(self, name):
        feature = {"name": "prefers-color-scheme", "value": name}
        self.send("Emulation.setEmulatedMedia", features=[feature])

    def open(self, address):
        self.send("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, script):
        """The value of an expression in the page; promises are awaited."""
        answer = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, (script, answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait(self, condition, seconds=60):
        """Looks again and again until the condition holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(f"new Promise((go) => setTimeout(() => go(Boolean({condition})), 15))"):
                return
        raise AssertionError(f"in {seconds} s it did not come to hold: {condition}")

    def text(self, selector):
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def place(self, selector):
        """The middle of an element's first line."""
        return self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'nearest'}); const r = e.getClientRects()[0];"
            "return [r.left + r.width / 2, r.top + r.height / 2] })()"
        )

    def point(self, selector):
        x, y = self.place(selector)
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector):
        x, y = self.place(selector)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def press(self, key, *, shift=False):
        code = {"windowsVirtualKeyCode": KEYS[key], "key": key, "code": key}
        text = {"text": "\r"} if key == "Enter" else {}
        shift = {"modifiers": 8 if shift else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown", **code, **text, **shift)
        self.send("Input.dispatchKeyEvent", type="keyUp", **code, **shift)

    def type(self, text):
        self.send("Input.insertText", text=text)

    def picture(self, path):
        data = self.send("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def complaints(self):
        """What the page logged as an error or warning, and exceptions nobody caught."""
        found = []
        for event in self.events:
            said = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append(said["exceptionDetails"])
            elif event["method"] == "Runtime.consoleAPICalled" and said["type"] != "log":
                found.append(said["args"])
            elif event["method"] == "Log.entryAdded":
                found.append(said["entry"])
        return found

    def requested(self):
        """Addresses of everything the page asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]
