"""The page about the API: complete, without a script, and nothing is loaded from elsewhere."""

import re
from html.parser import HTMLParser

from tests.serve.fake_engine import fake_model


class Page(HTMLParser):
    """All ids, links, and tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags, self.text = [], [], set(), ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        named = dict(attributes)
        self.ids += [named["id"]] if "id" in named else []
        self.links += [named["href"]] if "href" in named else []

    def handle_data(self, data):
        self.text += data


def test_it_shows_every_route_and_shape(client):
    answer = client.get("/docs")
    assert answer.status_code == 200
    page, document = Page(answer.text), client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page.text
    for name, schema in document["components"]["schemas"].items():
        assert name in page.text
        for field in schema.get("properties", {}).values():
            assert field.get("description", "") in page.text
    assert len(page.ids) == len(set(page.ids))
    assert {link for link in page.links if link[1:] not in page.ids} == set()


def test_it_loads_and_runs_nothing(client):
    answer = client.get("/docs")
    page = Page(answer.text)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert not re.search(r"url\(|@import", answer.text)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_its_examples_work(client):
    text = Page(client.get("/docs").text).text
    examples = re.findall(
        r"curl \S+?(/\S+) -H 'content-type: application/json' \\\n  -d '(.*?)'\n?", text
    )
    assert len(examples) == 5
    for path, body in examples:
        answer = client.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 200, answer.text


def test_what_a_model_is_called_is_only_text(open_app, tokenizer):
    client = open_app([fake_model(tokenizer, name="<script>alert('x')</script>")])
    assert "script" not in Page(client.get("/docs").text).tags
