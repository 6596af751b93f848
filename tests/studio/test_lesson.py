"""A lesson's page: every kind of part, what it computes, what is kept of the answers."""

import re
from dataclasses import replace

import pytest
from tests.studio.fake_desk import TOPIC, known, make_desk
from tests.studio.lessons import HOSTILE, LESSON

from groundup.course.facts import Prediction, QuizAnswer, Study
from groundup.studio import lesson_page
from groundup.studio.map_view import Reached

PAGE, API = f"/topics/{TOPIC}", f"/api/lesson/{TOPIC}"


async def compute(topic, name, values):
    """What a lesson's parts give, by their names."""
    if name == "guess":
        return {"answer": "4", "right": (values or {}).get("guess") == "4"}
    if name == "naive":
        return {"values": [{"name": "y", "kind": "int", "text": "<b>3</b>", "rows": ()}]}
    if name == "flow":
        one = {"name": "x", "kind": "float64 1 x 2", "text": "", "rows": (("1.0", "2.0"),)}
        lines = [{"number": 1, "text": "x = (\n1)", "values": [one]}]
        return {"lines": lines, "result": one, "cut": True}
    if name == "slow":
        raise TimeoutError("slow took more than 10 seconds and was ended")
    if name == "wrong":
        raise ValueError("scale is a number from 0.1 to 5, not 9")
    return {"chart": {"mark": "bar", "asked": values}}


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path, lesson=lambda topic: LESSON, compute=compute)


@pytest.fixture
def client(desk):
    return known(desk)


def test_the_page_has_every_kind_of_part_and_escapes_what_is_text(client):
    text = client.get(PAGE).text
    for part in ("explore", "step", "trace", "quiz", "predict"):
        assert f'data-part="{part}"' in text
    assert "as it runs, x.py, line 12" in text
    assert 'id="exercise-add"' in text
    assert HOSTILE not in text
    assert "<img" not in text
    assert '<span class="math inline">x^2</span>' in text


def test_each_field_of_a_form_is_a_labelled_input(client):
    text = client.get(PAGE).text
    assert re.search(r'type="range" id="picture-scale" name="scale" min="0.1" max="5.0"', text)
    assert re.search(r'type="radio" name="heads" value="2" checked', text)
    assert re.search(r'<select id="picture-many" name="many">', text)
    assert re.search(r'type="checkbox" name="is_on" checked', text)
    ids = set(re.findall(r'<(?:input|select)[^>]* id="([^"]+)"', text))
    assert {one for one in ids if one.startswith("picture-")} <= set(
        re.findall(r'<label for="([^"]+)"', text)
    )


def test_every_choice_of_a_quiz_has_its_explanation_hidden(client):
    text = client.get(PAGE).text
    assert text.count('class="because" id="why-because-') == 2
    assert len(re.findall(r'id="why-because-\d" hidden', text)) == 2


def test_ids_are_unique(client):
    ids = re.findall(r'\sid="([^"]+)"', client.get(PAGE).text)
    assert sorted(ids) == sorted(set(ids))


def test_an_explorable_passes_its_settings_on_and_gives_a_chart(client):
    values = {"scale": 2.5, "heads": "4", "is_on": False}
    answer = client.post(f"{API}/part/picture", json={"values": values}).json()
    assert answer["chart"] == {"mark": "bar", "asked": values}


def test_a_steps_values_come_as_escaped_html(client):
    html = client.post(f"{API}/part/naive", json={}).json()["html"]
    assert "&lt;b&gt;3&lt;/b&gt;" in html
    assert "<b>" not in html


def test_a_trace_comes_line_by_line(client):
    found = client.post(f"{API}/part/flow", json={}).json()
    [line] = found["lines"]
    assert (line["number"], line["span"], found["cut"]) == (1, 2, True)
    assert "<td>2.0</td>" in line["values"][0]["html"]


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [("slow", 500, "more than 10 seconds"), ("wrong", 400, "from 0.1 to 5")],
)
def test_what_cannot_be_computed_says_why(client, name, status, words):
    answer = client.post(f"{API}/part/{name}", json={})
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_a_quiz_answer_is_kept(client, desk):
    assert client.post(f"{API}/quiz/why", json={"choice": 0}).json() == {"right": True}
    assert client.post(f"{API}/quiz/why", json={"choice": 1}).json() == {"right": False}
    kept = desk.learner.progress.facts(QuizAnswer)
    assert [(one.topic, one.quiz, one.choice, one.right) for one in kept] == [
        (TOPIC, "why", 0, True),
        (TOPIC, "why", 1, False),
    ]


@pytest.mark.parametrize("choice", [-1, 2, 10**9, "x", None])
def test_a_choice_that_is_none_is_not_kept(client, desk, choice):
    assert client.post(f"{API}/quiz/why", json={"choice": choice}).status_code == 400
    assert desk.learner.progress.facts() == []


def test_a_prediction_is_kept_with_the_truth(client, desk):
    answer = client.post(f"{API}/predict/guess", json={"guess": "5"}).json()
    assert answer == {"answer": "4", "right": False}
    [kept] = desk.learner.progress.facts(Prediction)
    assert (kept.prediction, kept.guess, kept.truth) == ("guess", "5", "4")


@pytest.mark.parametrize("path", ["quiz/guess", "predict/why", "quiz/none", "predict/picture"])
def test_a_part_of_another_kind_is_a_404(client, path):
    body = {"choice": 0, "guess": "1"}
    assert client.post(f"{API}/{path}", json=body).status_code == 404


def test_minutes_read_are_kept_and_only_sensible_ones(client, desk):
    assert client.post(f"{API}/study", json={"minutes": 1.5}).status_code == 200
    for minutes in (0, -3, 11, 1e9, "x"):
        assert client.post(f"{API}/study", json={"minutes": minutes}).status_code == 400
    assert [one.minutes for one in desk.learner.progress.facts(Study)] == [1.5]


def test_a_topic_with_exercises_but_no_lesson_shows_them(tmp_path):
    desk = make_desk(tmp_path)
    topics = dict(desk.course.topics)
    topics[TOPIC] = replace(topics[TOPIC], lesson=None)
    desk = replace(desk, course=replace(desk.course, topics=topics))
    assert 'id="exercise-add"' in known(desk).get(PAGE).text


def test_a_topic_that_is_not_written_says_so(client, desk):
    name = next(one for one in desk.course.topics if not desk.course.is_written(one))
    answer = client.get(f"/topics/{name}")
    assert answer.status_code == 404
    assert "no lesson and no exercise yet" in answer.text


def test_a_lesson_with_a_fault_says_which(tmp_path):
    def broken(topic):
        raise ValueError(f"{topic}/lesson.md, line 7: there is no figure 'x'")

    answer = known(make_desk(tmp_path, lesson=broken)).get(PAGE)
    assert answer.status_code == 400
    assert "line 7" in answer.text


def test_what_is_missing_before_is_named_until_it_is_passed(tmp_path):
    desk = make_desk(tmp_path, lesson=lambda topic: LESSON)
    before = "p01_mathematics/norms_and_spaces"
    topics = dict(desk.course.topics)
    topics[TOPIC] = replace(topics[TOPIC], prerequisites=(before,))
    topics[before] = replace(topics[before], lesson="lesson.md")
    desk = replace(desk, course=replace(desk.course, topics=topics))
    assert f'href="/topics/{before}"' in known(desk).get(PAGE).text.partition("</p>\n")[2][:3000]
    desk.learner.now = Reached(mastered=frozenset({before}))
    assert "which you have not passed yet" not in known(desk).get(PAGE).text


def test_neighbours_are_the_lessons_around_it(desk):
    names = [one for one in desk.course.topics if desk.course.topics[one].lesson]
    order = [step.name for step in desk.course.steps if step.name in names]
    for place, name in enumerate(order):
        before, after = lesson_page.neighbours(desk.course, name)
        assert (before.name if before else None) == (order[place - 1] if place else None)
        assert (after.name if after else None) == (
            order[place + 1] if place + 1 < len(order) else None
        )
