"""Working on an exercise: nothing is overwritten unasked, and what happened becomes a fact."""

import pytest
from tests.studio.fake_desk import known, make_desk

from groundup.course.facts import Attempt, Hint
from groundup.studio import answer_file
from groundup.studio.map_view import Reached

API = "/api/exercise/add"


def file(desk):
    return desk.workspace.folder / "add.py"


def run(client, text, stamp="", **more):
    return client.post(f"{API}/run", json={"text": text, "stamp": stamp, **more})


def attempts(desk):
    return desk.learner.progress.facts(Attempt, details=True)


def test_the_page_shows_what_there_is_before_anything_was_written(client, desk):
    text = client.get("/exercise/add").text
    assert "Adding two" in text
    assert "Write add." in text
    assert 'data-stamp=""' in text
    assert not file(desk).exists(), "looking writes nothing"


def test_a_run_saves_checks_and_is_kept(client, desk):
    answer = run(client, "wrong").json()
    assert file(desk).read_text() == "wrong"
    assert answer["status"] == "failed"
    assert "0 of 2 checks pass" in answer["html"]
    assert "the two are multiplied" in answer["html"]
    assert "&lt;img src=x&gt;" in answer["html"]
    assert "<img" not in answer["html"]
    assert "hello &lt;b&gt;" in answer["html"]
    [kept] = attempts(desk)
    assert (kept.exercise, kept.status, kept.tier, kept.seed) == ("add", "failed", "core", 7)
    assert (kept.code, kept.purpose, len(kept.results)) == ("wrong", "practice", 2)


def test_a_pass_is_shown_on_the_page_from_then_on(client, desk):
    answer = run(client, "right").json()
    assert answer["status"] == "passed"
    assert "There are deep checks too" in answer["html"]
    page = client.get("/exercise/add").text
    assert 'data-passed="core"' in page
    assert run(client, "right", answer["stamp"], tier="deep").json()["tier"] == "deep"
    assert 'data-passed="deep"' in client.get("/exercise/add").text


def test_a_pass_of_a_topic_that_is_due_is_a_review(client, desk):
    desk.learner.now = Reached(due=frozenset({"p04_transformer/attention"}))
    run(client, "right")
    assert attempts(desk)[0].purpose == "review"


def test_a_file_that_cannot_run_says_so_and_where(client):
    answer = run(client, "broken").json()
    assert answer["line"] == 3
    assert "It cannot be checked" in answer["html"]


def test_what_another_program_saved_is_not_overwritten_unasked(client, desk):
    stamp = run(client, "mine").json()["stamp"]
    file(desk).write_text("theirs")
    for path in ("run", "save"):
        answer = client.post(f"{API}/{path}", json={"text": "mine 2", "stamp": stamp})
        assert answer.status_code == 409
        assert answer.json()["clash"] == {
            "text": "theirs",
            "stamp": answer_file.stamp_of("theirs"),
        }
    assert file(desk).read_text() == "theirs"
    assert len(attempts(desk)) == 1
    assert run(client, "mine 2", stamp, overwrite=True).status_code == 200
    assert file(desk).read_text() == "mine 2"


def test_a_file_that_appeared_meanwhile_is_not_overwritten_unasked(client, desk):
    file(desk).write_text("made with the command line")
    assert run(client, "mine", stamp="").status_code == 409


def test_saving_what_is_there_already_is_no_clash(client, desk):
    file(desk).write_text("same")
    assert run(client, "same", stamp="old").status_code == 200


def test_hints_come_one_at_a_time_and_are_kept(client, desk):
    told = [client.post(f"{API}/hint").json() for _ in range(4)]
    assert [one["level"] for one in told] == [1, 2, 3, 3]
    assert "&lt;two&gt;" in told[0]["html"]
    run(client, "wrong")
    assert attempts(desk)[0].hints_used == 4
    page = client.get("/exercise/add").text
    assert "use a plus" in page


def test_no_hint_is_in_the_page_before_it_was_asked_for(client):
    page = client.get("/exercise/add").text
    assert "use a plus" not in page
    assert "return a + b" not in page


def test_a_reset_sets_aside_and_begins_anew(client, desk):
    run(client, "my work")
    answer = client.post(f"{API}/reset").json()
    assert "Write add." in answer["text"]
    assert file(desk).read_text() == answer["text"]
    assert (desk.workspace.folder / "add.before.py").read_text() == "my work"
    assert "add.before.py" in answer["aside"]
    assert run(client, "on", answer["stamp"]).status_code == 200


def test_the_solution_comes_after_the_pass_or_when_one_gives_up(client, desk):
    refused = client.post(f"{API}/solution", json={})
    assert refused.status_code == 400
    assert "the library" not in refused.text
    given = client.post(f"{API}/solution", json={"gives_up": True}).json()
    assert "the library" in given["text"]
    assert [hint.level for hint in desk.learner.progress.facts(Hint)] == [4]


def test_after_a_pass_the_solution_costs_nothing(client, desk):
    run(client, "right")
    assert client.post(f"{API}/solution", json={}).status_code == 200
    assert desk.learner.progress.facts(Hint) == []


@pytest.mark.parametrize("path", ["run", "save", "hint", "reset", "solution"])
def test_an_exercise_that_is_none_is_a_404_for_every_request(client, path):
    answer = client.post(f"/api/exercise/..%2f..%2fx/{path}", json={"text": "", "stamp": ""})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"text": 3, "stamp": ""}, {"text": "x" * (1 << 21), "stamp": ""}, [1], "x"]
)
def test_a_body_that_is_none_is_refused_in_words(client, body, desk):
    answer = client.post(f"{API}/run", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert not file(desk).exists()


def test_a_file_that_is_no_text_is_named_and_left_alone(client, desk):
    file(desk).write_bytes(b"\xff\xfe\x00")
    page = client.get("/exercise/add").text
    assert "not text in UTF-8" in page
    assert run(client, "x").status_code == 400
    assert file(desk).read_bytes() == b"\xff\xfe\x00"


def test_a_folder_that_cannot_be_written_loses_nothing(client, desk, monkeypatch):
    def full(path, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(answer_file, "write_text_atomically", full)
    answer = run(client, "x")
    assert answer.status_code == 500
    assert "No space left" in answer.json()["error"]


def test_a_grader_that_cannot_start_says_so(tmp_path):
    class Dead:
        def grade(self, *args, **kwargs):
            raise OSError("the grader's server did not start: no memory")

    desk = make_desk(tmp_path, grader=Dead())
    answer = run(known(desk), "right")
    assert answer.status_code == 500
    assert "no memory" in answer.json()["error"]
    assert file(desk).read_text() == "right", "the text is saved all the same"


def test_a_stub_nobody_touched_is_no_attempt(client, desk):
    stub = desk.workspace.stub(desk.tasks["add"])
    assert run(client, stub).json()["status"] == "not implemented"
    assert attempts(desk) == []
    run(client, stub + "# thinking", answer_file.stamp_of(stub))
    assert [one.status for one in attempts(desk)] == ["not implemented"]


def test_an_attempt_keeps_the_text_that_was_checked_or_none(client, desk):
    run(client, "swapped")
    assert [one.code for one in attempts(desk)] == [""]


def test_a_workspace_that_does_not_know_which_file_says_so(tmp_path):
    desk = make_desk(tmp_path)

    class Torn:
        folder = desk.workspace.folder
        stub = desk.workspace.stub

        def path(self, entry):
            raise ValueError("a/add.py and b/add.py have one name; keep one of them")

    client = known(make_desk(tmp_path, workspace=Torn()))
    assert "have one name; keep one of them" in client.get("/exercise/add").text
    assert "have one name" in run(client, "x").json()["error"]
