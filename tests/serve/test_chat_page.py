"""The chat page in a real browser, with real keys and a real mouse."""

import json

import pytest
from tests.serve import chat_page_visit
from tests.serve.chat_page_server import ATTACK
from tests.serve.chat_page_visit import ANSWERED, LAST, answer_to, ask, fresh, said

pytestmark = chat_page_visit.MARKS
server, browser, page = chat_page_visit.server, chat_page_visit.browser, chat_page_visit.page


def test_a_message_is_answered_and_the_request_asks_for_all_the_page_shows(page, server):
    page.press("Enter")  # nothing to send
    ask(page, "good morning")
    assert said(page) == [["user", "good morning"], ["assistant", answer_to("good morning")]]
    assert "12 tokens in · 14 out" in page.text(f"{LAST} .figures")
    assert "first after" in page.text(f"{LAST} .figures")
    (body,) = server.asked
    assert body == {
        "model": "smollm2",
        "messages": [{"role": "user", "content": "good morning"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "logprobs": True,
        "top_logprobs": 5,
        "temperature": 0.7,
        "top_p": 0.95,
    }
    assert page.text("#spoken") == f"Answer: {answer_to('good morning')}"
    ask(page, "and you?", turns=4)
    assert [message["content"] for message in server.asked[1]["messages"]] == [
        "good morning",
        answer_to("good morning"),
        "and you?",
    ]


def test_shift_enter_makes_a_new_line(page, server):
    page.type("one")
    page.press("Enter", shift=True)
    page.type("two")
    page.press("Enter")
    page.wait(f"{ANSWERED} === 2")
    assert server.asked[0]["messages"][0]["content"] == "one\ntwo"
    assert page.run("document.querySelector('#question').value") == ""


def test_an_example_is_sent_with_a_click(page, server):
    page.click("#examples li:nth-child(2) button")
    page.wait(f"{ANSWERED} === 2")
    assert server.asked[0]["messages"][0]["content"].startswith("Write a short poem")
    assert not page.run("document.querySelector('#welcome').checkVisibility()")


def test_pointing_at_a_token_shows_what_else_might_have_been_said(page):
    ask(page, "hello")
    assert not page.run("document.querySelector('#card').checkVisibility()")
    page.point(f"{LAST} [data-token='3']")
    rows = page.text("#card").split("\n")
    assert rows == ["␣other", "46 %", "⏎", "23 %", "␣hello", "23 %"] or rows == [
        "␣other", "46 %", "␣hello", "23 %", "⏎", "23 %"
    ]  # fmt: skip
    assert page.text("#card .chosen").split() == ["␣hello", "23", "%"]
    page.point("#question")
    assert not page.run("document.querySelector('#card').checkVisibility()")


def test_the_arrow_keys_step_through_the_tokens_of_an_answer(page):
    ask(page, "hello")
    page.run(f"document.querySelector('{LAST} .answer').focus()")
    for _ in range(3):
        page.press("ArrowRight")
    page.press("ArrowLeft")
    assert page.text("#spoken") == "␣said, 61 %; else ␣other 23 %, ⏎ 12 %"
    assert page.text("#card .chosen").split() == ["␣said", "61", "%"]
    page.press("Escape")
    assert not page.run("document.querySelector('#card').checkVisibility()")


def test_colours_show_doubt_and_can_be_switched_off(page, server):
    ask(page, "hello")
    look = f"getComputedStyle(document.querySelector('{LAST} [data-token=\"3\"]')).backgroundColor"
    sure = look.replace('"3"', '"4"')
    assert page.run(f"{look} !== {sure}")
    page.click("#show-tokens")
    assert page.run(f"{look} === {sure}")
    fresh(page)
    assert page.run("document.querySelector('#show-tokens').ariaPressed") == "false"


def test_tokens_that_end_within_a_letter_are_put_together(page):
    ask(page, "letters")
    assert said(page)[-1] == ["assistant", "Grüße, 世界 👋!"]
    spans = f"[...document.querySelectorAll('{LAST} [data-token]')].map((s) => s.textContent)"
    assert page.run(spans) == ["Grüß", "e", ",", " 世", "界", " ", "👋", "!"]


@pytest.mark.parametrize(("word", "how"), [("endless", "key"), ("silent", "button")])
def test_an_answer_is_stopped_and_the_server_told(page, server, word, how):
    page.type(word)
    page.press("Enter")
    page.wait("document.querySelector('.streaming .answer')?.innerText.startsWith('on and')")
    assert page.run("document.querySelector('#send').hidden")
    if how == "key":
        page.press("Escape")
    else:
        page.click("#stop")
    page.wait(f"{ANSWERED} === 2")
    assert server.left.wait(10)
    text = said(page)[-1][1]
    assert text.startswith("on and")
    assert page.text(f"{LAST} .note") == "Stopped."
    ask(page, "go on", turns=4)
    assert said(page)[1][1] == text
    assert server.asked[1]["messages"][1]["content"].strip() == text.strip()


def test_a_message_is_edited_and_the_talk_goes_on_from_there(page, server):
    ask(page, "first")
    ask(page, "second", turns=4)
    page.press("ArrowUp")
    assert page.run("document.activeElement.value") == "second"
    page.press("Escape")
    page.click(".turn.user:nth-child(1) [aria-label^=Edit]")
    page.type(" again")
    page.press("Enter")
    page.wait(f"{ANSWERED} === 2")
    assert said(page) == [["user", "first again"], ["assistant", answer_to("first again")]]
    assert [message["content"] for message in server.asked[2]["messages"]] == ["first again"]
    page.click("[aria-label='The version before']")
    assert [text for _, text in said(page)][::2] == ["first", "second"]
    page.click("[aria-label='The version after']")
    assert said(page)[0] == ["user", "first again"]


def test_an_edit_that_is_cancelled_changes_nothing(page, server):
    ask(page, "first")
    page.press("ArrowUp")
    page.type(" and more")
    page.press("Escape")
    assert said(page)[0] == ["user", "first"]
    assert len(server.asked) == 1


def test_a_second_answer_stands_beside_the_first(page, server):
    ask(page, "hello")
    page.click("[aria-label='Answer again']")
    page.wait(f"{ANSWERED} === 2 && document.querySelector('.switcher')")
    assert page.text(".switcher").strip() == "2 / 2"
    assert server.asked[0] == server.asked[1]
    page.click("[aria-label='The answer before']")
    assert page.text(".switcher").strip() == "1 / 2"


def test_settings_reach_the_request(page, server):
    page.click("#open-settings")
    page.type("Be brief.")
    values = {"temperature": "0", "top_k": "40", "min_p": "0.1", "seed": "7", "max_tokens": "99"}
    values |= {"repetition_penalty": "1.2", "presence_penalty": "-9", "top_p": "words"}
    for name, value in values.items():
        page.run(f"document.querySelector('#field-{name}').select()")
        page.type(value)
        page.press("Tab")
    page.click("[data-close=settings]")
    page.run("document.querySelector('#model').value = 'tiny'")
    page.run("document.querySelector('#model').dispatchEvent(new Event('change'))")
    page.click("#question")
    ask(page, "hello")
    (body,) = server.asked
    assert body["model"] == "tiny"
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    wanted = {"temperature": 0, "top_k": 40, "min_p": 0.1, "seed": 7, "max_tokens": 99}
    wanted |= {"repetition_penalty": 1.2, "presence_penalty": -2, "top_p": 0.95}
    assert {name: body.get(name) for name in wanted} == wanted
    assert "frequency_penalty" not in body
    fresh(page)
    page.click("#open-settings")
    assert page.run("document.querySelector('#field-top_k').value") == "40"
    page.click("#reset")
    assert page.run("document.querySelector('#field-top_k').value") == "0"


def test_a_reload_keeps_the_conversation_with_its_probabilities(page, server):
    ask(page, "hello")
    fresh(page)
    assert said(page) == [["user", "hello"], ["assistant", answer_to("hello")]]
    page.point(f"{LAST} [data-token='3']")
    assert "46 %" in page.text("#card")


def test_chats_are_listed_opened_and_deleted_with_a_way_back(page, server):
    ask(page, "hello")
    page.click("#new-chat")
    ask(page, "another")
    titles = "[...document.querySelectorAll('#chat-list .chat')].map((c) => c.innerText)"
    assert page.run(titles) == ["another", "hello"]
    page.click("#chat-list li:nth-child(2) .chat")
    assert said(page)[0] == ["user", "hello"]
    page.click("#chat-list li:nth-child(2) .icon")
    assert page.run(titles) == ["another"]
    page.click("#toast button")
    assert page.run(titles) == ["another", "hello"]
    page.click("#clear")
    assert page.run(titles) == []
    assert page.run("Object.keys(localStorage).filter((k) => k.startsWith('groundup.chat.'))") == []


def test_a_chat_is_exported_as_json(page, tmp_path):
    page.session, session = None, page.session
    page.send(
        "Browser.setDownloadBehavior",
        behavior="allow",
        downloadPath=str(tmp_path),
        eventsEnabled=True,
    )
    page.session = session
    ask(page, "hello")
    page.click("#export")
    for _ in range(200):
        page.wait("true")
        if any(event["params"].get("state") == "completed" for event in page.events):
            break
    (file,) = tmp_path.glob("chat-*.json")
    data = json.loads(file.read_text(encoding="utf-8"))
    assert [message["content"] for message in data["messages"]] == ["hello", answer_to("hello")]
    assert data["model"] == "smollm2"
    assert data["settings"]["temperature"] == 0.7
    assert data["messages"][1]["logprobs"][0]["token"] == "You"


def test_what_a_model_or_a_person_writes_stays_text(page, server):
    for turns in (2, 4):  # as plain and as kept
        ask(page, "attack " + ATTACK.replace("\n", " "), turns=turns)
        fresh(page)
    assert page.run("document.title") == "smollm2 · groundup"
    grown = ":is(script, img, a, iframe, b, i, [onerror], [onclick], [href]:not(use))"
    assert page.run(f"document.querySelectorAll('#log {grown}, #chats {grown}').length") == 0
    text = page.text(f"{LAST} .answer")
    assert "<script>document.title='owned'</script><img src=x onerror=" in text
    assert "[link](javascript:document.title='owned')" in text


def test_a_server_that_wants_a_key_is_given_one(page, server):
    server.key = "sk-secret"
    page.type("hello")
    page.press("Enter")
    page.wait("document.querySelector('#ask-key').open")
    page.type("wrong")
    page.press("Enter")
    page.wait("document.querySelector('#ask-key-title').innerText === 'The key was not accepted'")
    page.type("sk-secret")
    page.press("Enter")
    page.wait(f"{ANSWERED} === 2 && document.querySelector('{LAST} .figures').innerText")
    assert said(page) == [["user", "hello"], ["assistant", answer_to("hello")]]
    assert "sk-secret" not in page.run("JSON.stringify(localStorage)")
    assert page.run("sessionStorage.getItem('groundup.key')") == "sk-secret"


ERRORS = {
    "fail": "The server failed (status 500). It says: a kernel failed.",
    "stopping": "The server takes no new messages now: it is starting or stopping. "
    "It says: the server is draining.",
    "busy": "The server is busy, or your limit is reached. It says: the queue is full. "
    "Try again in 7 s.",
    "invalid": "The server refused the message (status 400). "
    "It says: the prompt has 9000 tokens; the model takes 2048.",
    "error": "The server failed in the middle of the answer. It says: out of blocks.",
    "cut": "The answer broke off: the connection to the server ended before it was complete.",
}


@pytest.mark.parametrize("word", ERRORS)
def test_a_failure_is_told_in_words_and_can_be_tried_again(page, server, word):
    ask(page, word)
    assert page.text(f"{LAST} .note").split("\n")[0] == ERRORS[word]
    page.click(f"{LAST} .note button")
    page.wait(f"{ANSWERED} === 2")
    assert server.asked[-1] == server.asked[0]
    assert len(server.asked) == 2


def test_a_server_that_is_gone_is_said_to_be(page):
    network = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.send("Network.emulateNetworkConditions", offline=True, **network)
    ask(page, "hello")
    page.send("Network.emulateNetworkConditions", offline=False, **network)
    gone = "The server cannot be reached. It may have stopped, or the connection is gone."
    assert page.text(f"{LAST} .note").split("\n")[0] == gone
    page.click(f"{LAST} .note button")
    page.wait(f"{ANSWERED} === 2 && document.querySelector('{LAST} .figures').innerText")
    assert said(page)[1] == ["assistant", answer_to("hello")]
    page.events[:] = [one for one in page.events if "ERR_INTERNET" not in str(one)]


def test_damaged_and_foreign_storage_is_passed_over(page, server):
    circle = {"role": "user", "text": "x", "parent": 0}
    bad = {
        "groundup.chat.a": "{torn",
        "groundup.chat.b": json.dumps({"id": "b", "changed": 1, "turns": [circle], "leaf": 0}),
        "groundup.chat.c": json.dumps({"id": "other", "changed": 1, "turns": [], "leaf": None}),
        "groundup.settings": "[[",
        "groundup.current": "nowhere",
    }  # fmt: skip
    for name, value in bad.items():
        page.run(f"localStorage.setItem({json.dumps(name)}, {json.dumps(value)})")
    fresh(page)
    assert page.run("document.querySelectorAll('#chat-list li').length") == 0
    ask(page, "hello")
    assert said(page)[1] == ["assistant", answer_to("hello")]


def test_a_full_storage_is_told_and_the_chat_goes_on(page):
    page.run("Storage.prototype.setItem = () => { throw new Error('full') }")
    ask(page, "hello")
    assert "storage is full" in page.text("#toast")
    assert said(page)[1] == ["assistant", answer_to("hello")]
