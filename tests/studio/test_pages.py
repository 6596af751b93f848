"""What a person reads on each page, and when something is not there."""

import pytest
from tests.studio.fake_desk import TOPIC, known, make_desk

from groundup.course.lesson_parts import Field
from groundup.studio.map_view import Reached
from groundup.studio.pages import hours, slider_step


def test_the_map_shows_every_bullet_with_its_state_in_words(client):
    text = client.get("/").text
    assert text.count('<li class="place ') == 124
    assert "Scaled dot-product attention" in text
    assert "(not written)" in text
    assert "<strong>0</strong> of 114" in text


def test_the_map_counts_what_is_passed(desk, client):
    desk.learner.now = Reached(mastered=frozenset({TOPIC}))
    text = client.get("/").text
    passed = text.count('<li class="place passed">')
    assert passed >= 1
    assert f"<strong>{passed}</strong> of 114" in text


@pytest.mark.parametrize(
    "path",
    [
        "/topics/p04_transformer/attentoin",
        "/topics/..%2f..%2fetc/passwd",
        "/topics/%3Cscript%3Ealert(1)%3C%2Fscript%3E/x",
        "/topics/p04_transformer/" + "a" * 5000,
        "/topics/p04_transformer%00/x",
        "/exercise/%27%22%3E%3Cimg%20src=x%3E",
        "/static/%2e%2e/%2e%2e/app.py",
        "/nothing",
    ],
)
def test_an_address_that_is_none_is_told_so_and_never_repeated_raw(client, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert len(answer.text) < 12_000


def test_a_slip_of_the_pen_is_helped(client):
    text = client.get("/topics/p04_transformer/attentoin").text
    assert 'href="/topics/p04_transformer/attention"' in text


def test_static_files_are_kept_for_good_and_only_ours(client):
    page = client.get("/").text
    style = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = client.get(style)
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    assert client.get(style.replace("studio.css", "../app.py")).status_code == 404


def test_a_route_that_breaks_says_what_and_that_nothing_is_lost(tmp_path):
    class Broken:
        def reached(self):
            raise RuntimeError("a bug")

    client = known(make_desk(tmp_path, learner=Broken()), raise_server_exceptions=False)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "RuntimeError: a bug" in answer.text
    assert "Traceback" not in answer.text


def test_a_damaged_progress_file_is_named(tmp_path):
    class Damaged:
        def reached(self):
            raise ValueError("progress.db is damaged; move it away")

    answer = known(make_desk(tmp_path, learner=Damaged())).get("/")
    assert answer.status_code == 400
    assert "move it away" in answer.text


@pytest.mark.parametrize(
    ("minutes", "said"), [(5, "5 min"), (60, "1 h"), (90, "1 h 30"), (605, "10 h"), (3600, "60 h")]
)
def test_minutes_are_said_as_people_do(minutes, said):
    assert hours(minutes) == said


@pytest.mark.parametrize(
    ("low", "high", "default", "more", "step"),
    [
        (0.1, 5.0, 1.0, {}, 0.02),
        (0, 1, 0.5, {}, 0.01),
        (0, 7, 1 / 3, {}, "any"),
        (1, 9, 3, {"is_whole": True}, 1),
        (0, 9, 3, {"step": 1.5}, 1.5),
        (0, 1e-6, 0, {}, 1e-8),
    ],
)
def test_a_slider_moves_in_round_steps_that_hold_its_default(low, high, default, more, step):
    field = Field(name="x", label="x", kind="slider", default=default, low=low, high=high, **more)
    assert slider_step(field) == step
