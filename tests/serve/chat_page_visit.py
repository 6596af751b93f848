"""A visit to the chat page in a real browser: what its tests share."""

import pytest
from tests.serve.chat_page_server import ChatPageServer
from tests.serve.devtools import CHROMIUM, Browser

MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
ANSWERED = "!document.querySelector('.streaming') && document.querySelectorAll('.turn').length"
"""To be compared with how many turns there are once the last one is whole."""
LAST = ".turn.assistant:last-child"


@pytest.fixture(scope="module")
def server():
    server = ChatPageServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory, server):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    browser.open(server.address)
    yield browser
    browser.close()


@pytest.fixture
def page(server, browser):
    """The page as someone sees it who was never there. It must have complained of nothing."""
    server.asked.clear()
    server.left.clear()
    server.key = None
    browser.resize(1280)
    browser.theme("light")
    # As if it were left: what is unfinished is kept then, and must be gone.
    browser.run(
        "dispatchEvent(new Event('pagehide')); localStorage.clear(); sessionStorage.clear()"
    )
    browser.events.clear()
    fresh(browser)
    yield browser
    # That the server refused something stands in the log of each test that has it refuse.
    complaints = [one for one in browser.complaints() if "server responded" not in str(one)]
    assert complaints == []
    assert {address[: len(server.address)] for address in browser.requested()} == {server.address}


def fresh(page):
    page.run("window.old = true")
    page.send("Page.reload")
    page.wait("!window.old && document.querySelector('#model')?.options.length === 2")


def ask(page, text, turns=2):
    page.type(text)
    page.press("Enter")
    page.wait(f"{ANSWERED} === {turns}")


def said(page):
    """Who said what, from the top."""
    return page.run(
        "[...document.querySelectorAll('.turn')].map((t) => [t.classList[1],"
        "t.querySelector('.bubble, .answer').innerText])"
    )


def answer_to(question):
    return f"You said: {question}. That is all I know about it."
