"""The plan, the way to the chat, and what can be done with what was learned."""

import http.server
import json
import threading

import pytest
from tests.studio.fake_desk import known, make_desk

from groundup.course.facts import Attempt, QuizAnswer, Setting
from groundup.course.progress import Progress
from groundup.studio import routes_chat

PAST = Attempt(exercise="add", status="passed", tier="core", code="x")


def test_a_plan_has_weeks_with_both_lanes(client):
    text = client.get("/plan?hours=25&weeks=200&goal=whole").text
    assert "Week 1<" in text
    assert ">Learn<" in text
    assert ">Build<" in text


def test_hours_that_do_not_fit_are_told_what_would(client):
    text = client.get("/plan?hours=5&weeks=60&goal=whole").text
    assert "That does not fit" in text
    assert "It fits with" in text


def test_a_plan_that_was_kept_comes_again(client, desk):
    query = "hours=7&weeks=300&goal=attention&start=2030-01-01"
    assert client.post(f"/plan/keep?{query}", follow_redirects=False).status_code == 303
    [kept] = desk.learner.progress.facts(Setting)
    assert kept.value["hours"] == 7
    assert 'value="attention"' in client.get("/plan").text
    assert ">Kept<" in client.get("/plan").text
    assert ">Keep this plan<" in client.get("/plan?hours=8").text


def test_a_kept_plan_that_is_no_longer_understood_is_passed_over(client, desk):
    desk.learner.progress.add(Setting(name="plan", value={"hours": "many"}))
    assert client.get("/plan").status_code == 200


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("hours=0", "hours"),
        ("hours=nan", "hours"),
        ("weeks=99999", "weeks"),
        ("start=never", "start"),
        ("goal=atention", "attention"),
        ("goal=%3Cscript%3E", "&lt;script&gt;"),
    ],
)
def test_a_wish_that_is_none_says_what_is_wanted(client, query, words):
    answer = client.get(f"/plan?{query}")
    assert words in answer.text
    assert "Week 1<" not in answer.text


def test_a_plan_can_be_taken_along(client):
    query = "hours=20&goal=attention"
    page = client.get("/plan/markdown?" + query)
    assert page.text.startswith("# ")
    assert "plan.md" in page.headers["content-disposition"]
    assert client.get("/plan/calendar?" + query).content.startswith(b"BEGIN:VCALENDAR")
    assert client.get("/plan/markdown?hours=1&weeks=1&goal=whole").status_code == 400


def test_what_was_left_out_stays_out(client, desk):
    wish = {"hours": 20, "weeks": 200, "goal": "whole", "start": "2030-01-01", "without": ["P9"]}
    desk.learner.progress.add(Setting(name="plan", value=wish))
    text = client.get("/plan").text
    assert "end-to-end LLM serving system" not in text
    assert "without=P9" in text
    assert "end-to-end LLM serving system" in client.get("/plan?hours=20&weeks=200").text


class Served(http.server.BaseHTTPRequestHandler):
    answer = b""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *args):
        """Quiet."""


@pytest.mark.parametrize(
    ("answer", "is_ours"),
    [
        (json.dumps({"status": "ok", "in_flight": 0}).encode(), True),
        (b"<html>another program</html>", False),
        (b"[]", False),
        (b'{"status": "ok"}', False),
    ],
)
def test_a_server_is_ours_when_it_says_so(answer, is_ours):
    handler = type("Handler", (Served,), {"answer": answer})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert routes_chat.is_served(server.server_port) is is_ours


def test_without_a_server_the_page_says_how_to_start_one(client, monkeypatch):
    monkeypatch.setattr(routes_chat, "PORT", 1)
    assert not routes_chat.is_served(1)
    assert "groundup serve" in client.get("/chat").text


def test_progress_counts_and_lists_the_latest(client, desk):
    desk.learner.progress.add(PAST)
    text = client.get("/progress").text
    assert "1 <small>of 1</small>" in text
    assert '<a href="/exercise/add">Adding two</a>' in text
    assert str(desk.workspace.folder) in text


def test_an_export_can_be_brought_in_elsewhere_and_twice(tmp_path, desk, client):
    desk.learner.progress.add(PAST)
    answer = client.get("/progress/export")
    assert "attachment" in answer.headers["content-disposition"]
    other = make_desk(tmp_path / "other")
    there = known(other)
    first = there.post("/api/progress/import", content=answer.content).json()
    again = there.post("/api/progress/import", content=answer.content).json()
    assert (first["added"], again["added"], again["known"]) == (1, 0, 1)
    assert other.learner.progress.facts(details=True) == [PAST]


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\x00", b"[" * 100_000])
def test_a_file_that_is_no_export_changes_nothing(client, desk, content):
    desk.learner.progress.add(PAST)
    answer = client.post("/api/progress/import", content=content)
    assert answer.status_code == 400
    assert "this file is no exported progress" in answer.json()["error"]
    assert len(desk.learner.progress.facts()) == 1


def test_deleting_needs_the_word_and_is_real(client, desk):
    desk.learner.progress.add(PAST)
    assert client.post("/api/progress/delete", json={"word": "yes"}).status_code == 400
    assert len(desk.learner.progress.facts()) == 1
    assert client.post("/api/progress/delete", json={"word": " Delete "}).json() == {"deleted": 1}
    assert Progress(desk.learner.progress.file).facts() == []


def test_another_page_cannot_delete(desk):
    client = known(desk)
    desk.learner.progress.add(PAST)
    answer = client.post(
        "/api/progress/delete",
        json={"word": "delete"},
        headers={"origin": "http://evil.example"},
    )
    assert answer.status_code == 403
    assert len(desk.learner.progress.facts()) == 1


def test_facts_of_quizzes_are_no_attempts(client, desk):
    desk.learner.progress.add(QuizAnswer(topic="a/b", quiz="q", choice=0, right=True))
    assert "<dt>answers checked</dt><dd>0</dd>" in client.get("/progress").text
