"""The chat page for everyone's eyes and hands, and its modules one by one, in a real browser."""

import json

import pytest
from tests.serve import chat_page_visit
from tests.serve.chat_page_visit import ANSWERED, LAST, ask, said
from tests.serve.fake_engine import fake_model
from tests.serve.real_server import RealServer

from groundup.serve.app import create_app
from groundup.serve.pages import chat_page
from groundup.serve.service import Service

pytestmark = chat_page_visit.MARKS
server, browser, page = chat_page_visit.server, chat_page_visit.browser, chat_page_visit.page


# The modules by themselves


def test_events_are_found_wherever_the_stream_is_cut(page):
    found = page.run(
        r"""(async () => {
        const { events } = await import("/chat/chat_page_server.js");
        const text = ": hello\r\ndata: ä\r\ndata:  b\r\n\r\nevent: x\ndata:c\n\n\n\r" +
          "data\rdata: 👋\r\rdata: torn\n";
        const bytes = new TextEncoder().encode(text);
        const seen = new Set();
        for (let first = 0; first < bytes.length; first++) for (const size of [1, 2, 3, 100]) {
          const stream = new ReadableStream({ start(control) {
            const send = (from, to) => control.enqueue(bytes.slice(from, to));
            send(0, first);
            for (let at = first; at < bytes.length; at += size) send(at, at + size);
            control.close();
          } });
          const all = [];
          for await (const one of events(stream)) all.push(one);
          seen.add(JSON.stringify(all));
        }
        return [...seen];
    })()"""
    )
    assert [json.loads(one) for one in found] == [["ä\n b", "c", "👋"]]


def test_text_shown_piece_by_piece_is_what_is_shown_at_once(page):
    text = (
        "# A\n\nSome *soft* and **loud *both* words**, `co*de`, 2*3*4, a ** b, `` `x` ``.\n"
        "next line\n\n- one\n  - two\n    more\n1. three\n\n"
        "~~~js\nlet a = `b`;\n```\n~~~\n\n## B *open\n\n```py\nx = 1\n"
    )
    page.run(f"window.text = {json.dumps(text)}")
    same = page.run(
        """(async () => {
        const { show } = await import("/chat/chat_page_markup.js");
        const { plainLeaf } = await import("/chat/chat_page_tokens.js");
        const grown = document.createElement("div");
        let same = true;
        for (let end = 1; end <= text.length; end++) {
          const part = text.slice(0, end), whole = document.createElement("div");
          show(grown, part, plainLeaf(part), {});
          show(whole, part, plainLeaf(part), {});
          same &&= grown.innerHTML === whole.innerHTML;
        }
        window.grown = grown;
        return same;
    })()"""
    )
    assert same
    find = "[...grown.querySelectorAll(%r)].map((e) => e.textContent)"
    assert page.run(find % "strong") == ["loud both words"]
    assert page.run(find % "em") == ["soft", "both"]
    assert page.run(find % ":not(pre) > code") == ["co*de", " `x` "]
    assert page.run(find % "pre code") == ["let a = `b`;\n```", "x = 1"]
    assert page.run(find % "li") == ["•one", "•two\n    more", "1.three"]
    assert page.run(find % "h3") == ["A", "B *open"]


def test_tokens_that_do_not_spell_the_text_are_not_shown(page):
    spelt = page.run(
        """(async () => {
        const { Aligner } = await import("/chat/chat_page_tokens.js");
        const aligner = new Aligner();
        aligner.add({ token: "Hi", bytes: null, logprob: -0.5, top_logprobs: null });
        aligner.add({ token: "<end>", bytes: [60, 101], logprob: -1, top_logprobs: [] });
        return ["Hi", "Hi<", "hi", "Hi<e>"].map((text) => aligner.spells(text));
    })()"""
    )
    assert spelt == [True, True, False, False]


# For everyone


CONTRAST = """(() => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const over = (colours) => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of colours) { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const isSeen = element.checkVisibility({ opacityProperty: true });
    if (!walk.currentNode.data.trim() || !isSeen) continue;
    if (element.closest(".unseen, noscript, :disabled, option, [inert]")) continue;
    const grounds = [];
    const look = (at) => getComputedStyle(at);
    for (let at = element; at; at = at.parentElement) grounds.unshift(look(at).backgroundColor);
    const [ground, ink] = [grounds, [...grounds, look(element).color]].map(over).map(light);
    const ratio = (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05);
    if (ratio < 4.5) bad.push([element.outerHTML.slice(0, 90), ratio.toFixed(2)]);
  }
  return bad;
})()"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(page, theme):
    page.theme(theme)
    assert page.run(CONTRAST) == []
    ask(page, "fail")
    ask(page, "markup", turns=4)
    page.click("#open-settings")
    page.point(f"{LAST} [data-token='3']")
    assert page.run(CONTRAST) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_and_its_controls_have_names_and_room(page, width):
    ask(page, "markup")
    page.resize(width, 844, phone=width < 500)
    page.run("document.querySelector('#open-settings').click()")
    page.wait("document.querySelector('#settings').checkVisibility()")
    beyond = """[...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() &&
      !e.closest("pre, svg, .unseen, .skip, dialog")).map((e) => [e.getBoundingClientRect(), e])
      .filter(([box]) => box.right > innerWidth + 1 || box.left < -1)"""
    assert page.run(f"{beyond}.map(([box, e]) => e.outerHTML.slice(0, 90))") == []
    assert page.run("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
    controls = (
        "[...document.querySelectorAll('button, select, input:not([aria-hidden]), textarea')]"
    )
    named = "e.ariaLabel || e.textContent.trim() || e.labels?.length"
    shown = "map((e) => e.outerHTML.slice(0, 90))"
    assert page.run(f"{controls}.filter((e) => !({named})).{shown}") == []
    room = "[e.getBoundingClientRect()].every((box) => box.width >= 24 && box.height >= 24)"
    assert page.run(f"{controls}.filter((e) => e.checkVisibility() && !{room}).{shown}") == []


def test_a_panel_on_a_phone_holds_the_focus_and_gives_it_back(page):
    page.resize(390, 844, phone=True)
    page.click("#open-settings")
    assert page.run("document.activeElement.id") == "system"
    assert page.run(
        "document.querySelector('#main').inert && document.querySelector('#chats').hidden"
    )
    page.press("Escape")
    assert page.run("document.activeElement.id") == "open-settings"
    assert not page.run("document.querySelector('#main').inert")
    page.click("#open-chats")
    assert page.run("document.activeElement.id") == "new-chat"
    page.click("[data-close=chats]")
    assert page.run("document.activeElement.id") == "open-chats"


def test_the_page_works_before_the_real_application(browser, tokenizer):
    service = Service([fake_model(tokenizer)])
    engine = service.runners["fake"]._engine
    with RealServer(create_app(service, routers=[chat_page()])) as real:
        browser.resize(1280)
        browser.events.clear()
        browser.open(f"{real.url}/")
        browser.wait("document.querySelector('#model').value === 'fake'")
        ask(browser, "hello there")
        assert said(browser)[1][1].startswith("You said: ")
        spans = f"[...document.querySelectorAll('{LAST} [data-token]')].map((s) => s.textContent)"
        assert browser.run(f"{spans}.join('')") == said(browser)[1][1]
        engine.gate.clear()
        browser.type("and now?")
        browser.press("Enter")
        browser.wait("document.querySelector('.streaming')")
        browser.press("Escape")
        browser.wait(f"{ANSWERED} === 4")
        engine.gate.set()
        ask(browser, "go on", turns=6)
        assert said(browser)[5][1].startswith("You said: ")
        service.drain()
        ask(browser, "still there?", turns=8)
        assert browser.text(f"{LAST} .note").startswith("The server takes no new messages now")
        assert [one for one in browser.complaints() if "status of 503" not in str(one)] == []
