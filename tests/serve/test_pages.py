"""What the server hands out as the chat page."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from groundup.serve.pages import chat_page


@pytest.fixture(scope="module")
def client():
    app = FastAPI()
    app.include_router(chat_page())
    return TestClient(app)


def named_in(text):
    """The page's files that a file loads."""
    return {f"/chat/{name}" for name in re.findall(r"chat_page[\w]*\.(?:css|js|svg)", text)}


def test_every_file_that_the_page_loads_is_there_and_loaded(client):
    reached, todo = set(), {"/"}
    while todo:
        path = todo.pop()
        answer = client.get(path)
        assert answer.status_code == 200, path
        reached.add(path)
        todo |= named_in(answer.text) - reached
    assert len(reached) > 10
    assert (
        client.get("/chat/chat_page_main.js").headers["content-type"].startswith("text/javascript")
    )


def test_no_file_names_another_place(client):
    page = client.get("/").text
    for path in named_in(page) | {"/"}:
        addresses = set(re.findall(r"https?://[^\s\"'`<>]+", client.get(path).text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path


def test_the_page_has_no_script_style_or_handler_in_itself(client):
    page = client.get("/").text
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert "<style" not in page
    assert re.findall(r"\s(?:on\w+|style)=", page) == []


@pytest.mark.parametrize("name", ["main", "markup", "turns", "tokens", "panels", "elements"])
def test_no_script_turns_text_into_markup(client, name):
    script = client.get(f"/chat/chat_page_{name}.js").text
    sinks = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function"
    )
    assert re.findall(sinks, script) == []


@pytest.mark.parametrize("path", ["/", "/chat/chat_page.css", "/chat/nothing.js"])
def test_the_policy_stands_on_every_answer(client, path):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_what_the_browser_has_is_not_sent_again(client):
    first = client.get("/chat/chat_page.css")
    assert first.headers["cache-control"] == "no-cache"
    tag = first.headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}"):
        again = client.get("/chat/chat_page.css", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get("/chat/chat_page.css", headers={"If-None-Match": '"other"'}).content
    head = client.head("/")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/chat/pages.py",
        "/chat/../serve/pages.py",
        "/chat/..%2fpages.py",
        "/chat/%2e%2e%2f%2e%2e%2fconfig.py",
        "/chat/%2fetc%2fpasswd",
        "/chat/chat_page.css%00.js",
        "/chat/chat_page.html%20",
        "/chat/\\..\\pages.py",
        "/chat/",
        "//etc/passwd",
    ],
)
def test_nothing_else_is_handed_out(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "import" not in answer.text
