"""The studio as a person starts it: the real course, the real grader, Ctrl-C."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WRONG = """import torch


def attend(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):
    return (q_BHTD @ k_BHSD.mT).softmax(-1) @ v_BHSD
"""


def start(folder, port=0):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.studio.studio_process", str(folder), str(port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Client:
    """Knows the address that was printed."""

    def __init__(self, line):
        found = re.search(r"http://(127\.0\.0\.1:\d+)(/\?token=\S+)", line)
        assert found, line
        self.host, path = found.groups()
        self.cookie = ""
        status, headers, _ = self.ask("GET", path)
        assert status == 303
        self.cookie = headers["set-cookie"].partition(";")[0]

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.host, timeout=120)
        headers = {"Cookie": self.cookie, "Origin": f"http://{self.host}"}
        headers["Content-Type"] = "application/json"
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()


@pytest.fixture
def studio(tmp_path):
    with start(tmp_path) as process:
        try:
            yield process, Client(process.stdout.readline())
        finally:
            process.kill()


def test_a_wrong_answer_is_named_and_ctrl_c_ends_it_all_quietly(studio, tmp_path):
    process, client = studio
    assert "Scaled dot-product attention" in client.ask("GET", "/")[2]
    page = client.ask("GET", "/exercise/attention")[2]
    stamp = re.search(r'data-stamp="(\w+)"', page).group(1)
    run = {"text": WRONG, "stamp": stamp}
    status, _, text = client.ask("POST", "/api/exercise/attention/run", run)
    found = json.loads(text)
    assert (status, found["status"]) == (200, "failed")
    assert "not divided by the root" in found["html"]
    assert (tmp_path / "work" / "p04_transformer" / "attention.py").read_text() == WRONG
    page = client.ask("GET", "/progress")[2]
    assert "<dt>answers checked</dt><dd>1</dd>" in page
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert process.stderr.read() == ""


def test_ctrl_c_ends_it_while_a_page_listens(studio):
    process, client = studio
    connection = http.client.HTTPConnection(client.host, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", "/api/exercise/attention/events", None, {"Cookie": client.cookie})
        assert connection.getresponse().readline() == b"retry: 1000\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert process.stderr.read() == ""


def test_a_kill_leaves_no_process_behind(studio):
    process, client = studio
    children = _children(process.pid)
    assert children, "the processes that compute lessons were started"
    client.ask("GET", "/")
    process.kill()
    process.wait(30)
    for child in children:
        _until_gone(child)


def _children(pid):
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.exists():
        pytest.skip("this system does not list a process's children")
    return [int(child) for child in path.read_text().split()]


def _until_gone(pid):
    for _ in range(600):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
            return
        time.sleep(0.1)
    raise AssertionError(f"process {pid} is still there")


def test_a_port_that_is_taken_ends_it_in_words(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with start(tmp_path, other.getsockname()[1]) as process:
            _, errors = process.communicate(timeout=120)
    assert process.returncode
    assert "another program listens there" in errors
