"""A learner's way through the studio in a real browser, and what a page must survive."""

import threading
import time
from dataclasses import replace

import pytest
from tests.serve.devtools import CHROMIUM, Browser
from tests.studio import fake_desk
from tests.studio.fake_desk import ADD, TOPIC
from tests.studio.lessons import LESSON

from groundup.course.progress import Progress
from groundup.studio import serving
from groundup.studio.app import create_app
from groundup.studio.guard import Pass
from groundup.studio.learner import LocalLearner

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]
BOX = "#exercise-add"
PAGES = ["/", f"/topics/{TOPIC}", "/exercise/add", "/plan", "/runs", "/chat", "/progress", "/none"]


async def compute(topic, name, values):
    """A bar as high as the slider says; a step; two lines of a trace."""
    one = {"name": "x", "kind": "float64 1 x 2", "text": "", "rows": (("1.0", "2.0"),)}
    if name == "naive":
        return {"values": [one]}
    if name == "flow":
        line = {"number": 1, "text": "x = 1", "values": [one]}
        return {"lines": [line, line], "result": {**one, "name": "result"}, "cut": False}
    if name == "guess":
        return {"answer": "4", "right": values["guess"] == "4"}
    height = float((values or {}).get("scale", 1))
    return {
        "chart": {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "data": {"values": [{"a": "x", "b": height}]},
            "mark": {"type": "bar", "tooltip": True},
            "encoding": {
                "x": {"field": "a", "type": "nominal"},
                "y": {"field": "b", "type": "quantitative"},
            },
        }
    }


class Studio:
    """The studio in a thread of its own; it can be ended and started again."""

    was_closed = False

    def __init__(self, folder):
        desk = fake_desk.make_desk(folder, lesson=lambda topic: LESSON, compute=compute)
        topics = {n: replace(t, lesson=None, exercise=None) for n, t in desk.course.topics.items()}
        topics[TOPIC] = replace(desk.course.topics[TOPIC])
        self.desk = replace(desk, course=replace(desk.course, topics=topics))
        self.start()

    def start(self):
        learner = LocalLearner(
            Progress(self.desk.learner.progress.file),
            steps=self.desk.course.steps,
            exercises=[ADD],
        )
        self.desk = replace(self.desk, learner=learner)
        listener = serving.bind(0)
        self.its = Pass(port=listener.getsockname()[1])
        self.server = serving.Server(create_app(self.desk, self.its))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [listener]})
        self.thread.start()
        end = time.monotonic() + 20
        while not self.server.started and time.monotonic() < end:
            time.sleep(0.01)

    def close(self):
        self.was_closed = True
        self.server.should_exit = True
        self.thread.join(20)

    def at(self, path):
        return f"http://127.0.0.1:{self.its.port}{path}"

    @property
    def file(self):
        return self.desk.workspace.folder / "add.py"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def studio(tmp_path):
    studio = Studio(tmp_path)
    yield studio
    studio.close()


@pytest.fixture
def page(studio, browser):
    """The map, as it is opened from the terminal. It must have complained of nothing."""
    browser.resize(1280)
    browser.theme("light")
    browser.events.clear()
    browser.open(studio.its.address)
    yield browser
    expected = ("server responded", *(["ERR_CONNECTION"] if studio.was_closed else []))
    complaints = [
        one for one in browser.complaints() if not any(words in str(one) for words in expected)
    ]
    browser.send("Page.navigate", url="about:blank")  # its streams end before the studio does
    assert complaints == []
    hosts = {address.split("/")[2] for address in browser.requested() if "//" in address}
    assert all(host.startswith("127.0.0.1:") for host in hosts), hosts


def write(page, text):
    """What a person does to replace the answer."""
    page.click(f"{BOX} .cm-content")
    page.run(f"document.querySelector('{BOX} .cm-content').focus()")
    select = {"key": "a", "code": "KeyA", "windowsVirtualKeyCode": 65, "modifiers": 2}
    page.send("Input.dispatchKeyEvent", type="keyDown", commands=["selectAll"], **select)
    page.send("Input.dispatchKeyEvent", type="keyUp", **select)
    erase = {"key": "Backspace", "code": "Backspace", "windowsVirtualKeyCode": 8}
    page.send("Input.dispatchKeyEvent", type="keyDown", commands=["deleteBackward"], **erase)
    page.send("Input.dispatchKeyEvent", type="keyUp", **erase)
    page.type(text)


def until_ready(page):
    page.wait(f"document.querySelector('{BOX} .cm-content')")


def shown(page):
    return page.text(f"{BOX} .cm-content")


def test_from_the_map_to_a_passed_exercise_and_after_a_restart(studio, page):
    assert page.run("location.search") == "", "the token has left the address"
    page.wait("document.querySelector('.now h1').innerText.startsWith('Next: ')")
    page.click(".now .button")
    page.wait(f"location.pathname === '/topics/{TOPIC}'")
    page.wait("document.querySelector('.katex')")

    page.wait("document.querySelector('.chart svg')")
    page.run("window.before = document.querySelector('.chart svg').innerHTML")
    page.run(
        "(() => { const s = document.querySelector('#picture-scale'); s.focus();"
        "s.value = 4; s.dispatchEvent(new Event('input', {bubbles: true})) })()"
    )
    page.wait("document.querySelector('.chart svg')?.innerHTML !== window.before")
    assert page.text("output[for=picture-scale]") == "4"

    until_ready(page)
    write(page, "wrong")
    page.click(f"{BOX} [data-do=run]")
    page.wait(f"document.querySelector('{BOX} .result.failed')")
    assert "the two are multiplied" in page.text(f"{BOX} .verdict")
    page.click(f"{BOX} [data-do=hint]")
    page.wait(f"document.querySelectorAll('{BOX} .hints li').length === 1")
    assert page.text(f"{BOX} [data-do=hint]") == "Hint 2 of 3"
    write(page, "right")
    page.click(f"{BOX} [data-do=run]")
    page.wait(f"document.querySelector('{BOX} .result.passed')")
    assert studio.file.read_text() == "right"

    studio.close()
    studio.start()
    page.open(studio.its.address)
    page.wait("document.querySelector('.place.passed')")
    page.open(studio.at("/exercise/add"))
    until_ready(page)
    assert shown(page) == "right"
    assert page.text(f"{BOX} .badge") == "passed"
    assert page.text(f"{BOX} .hints") == "think of <two>"


def test_what_is_saved_in_another_editor_arrives_and_is_checked(studio, page):
    studio.file.write_text("first")
    page.open(studio.at("/exercise/add"))
    until_ready(page)
    time.sleep(0.5)  # the page listens
    studio.file.write_text("right, from elsewhere")
    page.wait(f"document.querySelector('{BOX} .cm-content').innerText.includes('elsewhere')")
    page.wait(f"document.querySelector('{BOX} .result.passed')")


def test_two_texts_are_both_offered(studio, page):
    studio.file.write_text("first")
    page.open(studio.at("/exercise/add"))
    until_ready(page)
    time.sleep(0.5)
    for button, theirs, kept in (("take", "theirs", "theirs"), ("keep", "theirs 2", "mine")):
        write(page, "mine")
        studio.file.write_text(theirs)
        page.wait(f"!document.querySelector('{BOX} [data-part=clash]').hidden")
        page.click(f"{BOX} [data-do={button}]")
        page.wait(f"document.querySelector('{BOX} [data-part=clash]').hidden")
        assert shown(page) == kept
        assert studio.file.read_text() == kept


def test_what_was_typed_and_not_saved_survives_leaving_the_page(studio, page):
    page.open(studio.at("/exercise/add"))
    until_ready(page)
    write(page, "half a thought")
    page.open(studio.at("/"))
    page.open(studio.at("/exercise/add"))
    until_ready(page)
    assert shown(page) == "half a thought"
    assert not studio.file.exists()


def test_a_studio_that_is_gone_says_so_and_keeps_the_text(studio, page):
    page.open(studio.at("/exercise/add"))
    until_ready(page)
    write(page, "my work")
    studio.close()
    page.click(f"{BOX} [data-do=run]")
    page.wait(f"!document.querySelector('{BOX} [data-part=problem]').hidden")
    assert "groundup learn" in page.text(f"{BOX} [data-part=problem]")
    assert shown(page) == "my work"
    page.events[:] = [one for one in page.events if one["method"] != "Log.entryAdded"]
    studio.start()


def test_a_reset_asks_first_and_the_solution_too(studio, page):
    page.open(studio.at("/exercise/add"))
    until_ready(page)
    write(page, "mine")
    page.click(f"{BOX} [data-do=run]")
    page.wait(f"document.querySelector('{BOX} .result')")
    for button, answer in (("reset", "no"), ("reset", "yes")):
        page.click(f"{BOX} [data-do={button}]")
        page.wait(f"document.querySelector('{BOX} dialog').open")
        page.click(f"{BOX} dialog [value={answer}]")
        page.wait(f"!document.querySelector('{BOX} dialog').open")
        if answer == "no":
            assert shown(page) == "mine"
    page.wait(f"document.querySelector('{BOX} .cm-content').innerText.includes('Write add')")
    page.click(f"{BOX} [data-do=solution]")
    page.wait(f"document.querySelector('{BOX} dialog').open")
    page.click(f"{BOX} dialog [value=yes]")
    page.wait(f"document.querySelector('{BOX} .solution .cm-content')")
    assert "the library" in page.text(f"{BOX} .solution .cm-content")


def test_quiz_prediction_and_trace(studio, page):
    page.open(studio.at(f"/topics/{TOPIC}"))
    page.run("document.querySelector('[data-part=quiz]').scrollIntoView({behavior: 'instant'})")
    page.wait("document.querySelector('.chart svg')")
    page.wait("!document.querySelector('.live[aria-busy]')")
    page.click("[data-part=quiz] li:nth-child(2) button")
    page.wait("!document.querySelector('#why-because-1').hidden")
    assert page.text("#why-because-1").startswith("No.")
    page.click("[data-part=predict] input")
    page.type("5")
    page.press("Enter")
    page.wait("document.querySelector('[data-part=answer]').innerText.includes('It gives 4')")
    page.wait("!document.querySelector('[data-part=stepper]').hidden")
    for _ in range(2):
        page.click("[data-step='1']")
    page.wait("document.querySelector('.trace .values').innerText.includes('result')")
    assert page.run("document.querySelector('[data-step=\"1\"]').disabled")


def test_the_theme_follows_the_system_until_it_is_chosen(studio, page):
    def background():
        return page.run("getComputedStyle(document.body).backgroundColor")

    light = background()
    page.theme("dark")
    dark = background()
    assert light != dark
    page.click("#theme")
    assert background() == light
    page.open(studio.at("/plan"))
    assert background() == light
    page.run("localStorage.clear()")


@pytest.mark.parametrize("width", [390, 768, 1280, 2200])
def test_no_page_is_wider_than_the_window(studio, page, width):
    page.resize(width, phone=width < 500)
    wide = {}
    for path in PAGES:
        page.open(studio.at(path))
        time.sleep(0.2)
        if (found := page.run("document.documentElement.scrollWidth")) > width:
            wide[path] = found
    assert wide == {}


def test_every_control_has_a_name_and_can_be_reached_with_the_keyboard(studio, page):
    script = """(() => [...document.querySelectorAll('button, a, input, select, textarea, summary')]
        .filter((e) => e.checkVisibility() && !e.closest('.cm-editor, [aria-hidden=true]'))
        .filter((e) => !(e.labels?.length || e.innerText?.trim() || e.getAttribute('aria-label')))
        .map((e) => e.outerHTML.slice(0, 120)))()"""
    for path in PAGES:
        page.open(studio.at(path))
        assert page.run(script) == [], path
    page.open(studio.at("/"))
    page.press("Tab")
    assert page.run("document.activeElement.className") == "skip"
