"""The studio runs code: only the person's own browser, on the studio's own pages, may ask it."""

import re

import pytest
from tests.studio.fake_desk import ADDRESS, ITS, known, stranger

from groundup.studio.guard import Pass, has_cookie, refusal

OWN = {"host": "127.0.0.1:8123"}
FETCH = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
VISIT = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", OWN),
        ("GET", {"host": "localhost:8123"}),
        ("GET", {**OWN, "sec-fetch-site": "none", **VISIT}),
        ("GET", {**OWN, "sec-fetch-site": "same-origin", **FETCH}),
        ("GET", {**OWN, "sec-fetch-site": "cross-site", **VISIT}),
        ("POST", {**OWN, "origin": ADDRESS}),
        ("POST", {"host": "localhost:8123", "origin": "http://localhost:8123"}),
    ],
)
def test_lets_the_persons_own_browser_pass(method, headers):
    assert refusal(method, headers, ITS) is None


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 421),
        ("GET", {"host": "evil.example:8123"}, 421),
        ("GET", {"host": "127.0.0.1"}, 421),
        ("GET", {"host": "127.0.0.1:8124"}, 421),
        ("GET", {"host": "127.0.0.1:8123.evil.example"}, 421),
        ("GET", {**OWN, "origin": "http://evil.example"}, 403),
        ("GET", {**OWN, "origin": "http://127.0.0.1:9000"}, 403),
        ("GET", {**OWN, "origin": "null"}, 403),
        ("GET", {**OWN, "sec-fetch-site": "cross-site", **FETCH}, 403),
        ("GET", {**OWN, "sec-fetch-site": "same-site", **FETCH}, 403),
        ("GET", {**OWN, "sec-fetch-site": "cross-site", **VISIT, "sec-fetch-dest": "iframe"}, 403),
        ("POST", {**OWN, "sec-fetch-site": "cross-site", **VISIT, "origin": "null"}, 403),
        ("POST", OWN, 403),
        ("DELETE", OWN, 403),
        ("POST", {**OWN, "origin": "https://127.0.0.1:8123"}, 403),
        ("POST", {**OWN, "origin": "http://localhost:8123"}, 403),
    ],
)
def test_keeps_out_other_names_pages_and_ports(method, headers, status):
    found = refusal(method, headers, ITS)
    assert found is not None
    assert found.status == status


@pytest.mark.parametrize("path", ["/", "/plan", "/static/x/studio.css", "/api/runs", "/nothing"])
def test_without_the_token_nothing_is_told_not_even_what_there_is(desk, path):
    answer = stranger(desk).get(path)
    assert answer.status_code == 403
    assert "address it printed" in answer.text
    assert "attention" not in answer.text


def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address(desk):
    client = stranger(desk)
    answer = client.get(f"/?token={ITS.token}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert ITS.token not in answer.headers["set-cookie"]
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("token", ["", "x", "é", ITS.cookie, ITS.token[:-1], ITS.token + "x"])
def test_another_token_opens_nothing(desk, token):
    answer = stranger(desk).get("/", params={"token": token})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_token_alone_does_not_answer_a_post(desk):
    answer = stranger(desk).post(f"/?token={ITS.token}", headers={"origin": ADDRESS})
    assert answer.status_code == 403


def test_the_exchange_leads_to_no_other_host(desk):
    answer = stranger(desk).get(
        f"{ADDRESS}//evil.example/?token={ITS.token}", follow_redirects=False
    )
    assert answer.headers["location"] == "/evil.example/"


@pytest.mark.parametrize(
    "cookie", ["", "x", f"{ITS.cookie_name}=x", f"other={ITS.cookie}", f"{ITS.cookie_name}=é"]
)
def test_another_cookie_opens_nothing(cookie):
    assert not has_cookie({"cookie": cookie}, ITS)


def test_a_click_on_another_site_is_tried_again_by_our_own_page(desk):
    headers = {"sec-fetch-site": "cross-site", **VISIT}
    answer = stranger(desk).get("/plan", headers=headers)
    assert answer.status_code == 403
    assert '<meta http-equiv="refresh" content="0; url=/plan">' in answer.text
    direct = stranger(desk).get("/plan", headers={"sec-fetch-site": "same-origin", **VISIT})
    assert "refresh" not in direct.text  # or it would go on for ever


def test_each_start_has_secrets_of_its_own():
    some = [Pass(port=1) for _ in range(3)]
    assert len({one.token for one in some} | {one.cookie for one in some}) == 6
    assert min(len(one.token) for one in some) >= 40


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/nothing"])
def test_every_answer_forbids_what_is_not_ours(client, path):
    answer = client.get(path)
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert policy["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_each_page_has_its_own_nonce(client):
    found = {client.get("/").headers["content-security-policy"] for _ in range(3)}
    assert len(found) == 3


def test_pages_load_nothing_from_outside_and_have_no_script_or_style_in_them(client):
    text = client.get("/").text
    for address in re.findall(r'(?:src|href|action)="([^"]*)"', text):
        assert address.startswith(("/", "#")), address
        assert not address.startswith("//"), address
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son\w+=", text)


def test_a_tunnel_with_another_port_is_told_why(desk):
    answer = known(desk).get("/", headers={"host": "127.0.0.1:9999"})
    assert answer.status_code == 421
    assert "127.0.0.1:8123" in answer.text
