// Tokens with their probabilities: spans in the text, and a card that shows what else might have been said.

import { byId, make, say } from "./chat_page_elements.js";

/** A token that can be seen: spaces, line ends and tabs as signs. */
export const visible = (token) =>
  token.replaceAll(" ", "\u2423").replaceAll("\n", "\u23ce").replaceAll("\t", "\u21e5").replaceAll("\r", "\u240d") || "\u2205";

const percent = (logprob) => {
  const share = 100 * Math.exp(logprob);
  return share >= 99.95 ? "100 %" : share >= 10 ? `${share.toFixed(0)} %` : share >= 0.1 ? `${share.toFixed(1)} %` : "< 0.1 %";
};

/**
 * Brings OpenAI's entries to `[length, token, logprob, [[token, logprob], ...]]`, `length` being how many
 * letters of the text the token completes: 0 where it ends in the middle of a letter's bytes.
 */
export class Aligner {
  constructor() {
    this.decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    this.text = "";
  }

  add({ token, bytes, logprob, top_logprobs: top }) {
    const letters = bytes ? this.decoder.decode(Uint8Array.from(bytes), { stream: true }) : token;
    this.text += letters;
    const round = (value) => Math.round(1000 * Math.max(value, -99)) / 1000;
    return [letters.length, token, round(logprob), (top ?? []).map((other) => [other.token, round(other.logprob)])];
  }

  /** Whether the tokens spell this text. (They may go on: a stop text is cut from the text only.) */
  spells(text) {
    return this.text.startsWith(text);
  }
}

/** How far from sure, 0 to 100: what the colour shows. Raised to a power, so that only real doubt is loud. */
const doubt = (logprob) => Math.round(100 * (1 - Math.min(1, Math.exp(logprob))) ** 1.6);

/** A `leaf` for the markup (see there) that gives each token of a range a span of its own. */
export function tokenLeaf(text, tokens) {
  const ends = [];
  let sum = 0;
  for (const [length] of tokens) ends.push((sum += length));
  return (start, end) => {
    const spans = document.createDocumentFragment();
    let at = start;
    for (let index = firstAfter(ends, start); at < end && index < tokens.length; index++) {
      const to = Math.min(end, ends[index]);
      if (to <= at) continue;
      const span = make("span", { className: "token", dataset: { token: index } }, text.slice(at, to));
      span.style.setProperty("--doubt", `${doubt(tokens[index][2])}%`);
      spans.append(span);
      at = to;
    }
    if (at < end) spans.append(text.slice(at, end));
    return spans;
  };
}

/** The first index whose end lies beyond a place; binary search. */
function firstAfter(ends, place) {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] > place) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A text without known tokens. */
export const plainLeaf = (text) => (start, end) => document.createTextNode(text.slice(start, end));

/** The card beside a token: its probability and the likeliest tokens in its place. */
export class Card {
  constructor() {
    this.place = byId("card");
    this.span = null;
  }

  show(span, [, token, logprob, top]) {
    this.hide();
    this.span = span;
    span.classList.add("at");
    const others = top.some(([other]) => other === token) ? top : [...top, [token, logprob]];
    const rows = others.map(([other, share]) => row(other, share, other === token));
    this.place.replaceChildren(...rows);
    this.place.hidden = false;
    this.put(span);
  }

  /** Speaks what the card shows; for who walks through the tokens with the keyboard. */
  speak([, token, logprob, top]) {
    const others = top.filter(([other]) => other !== token).map(([other, share]) => `${visible(other)} ${percent(share)}`);
    say(`${visible(token)}, ${percent(logprob)}${others.length ? `; else ${others.join(", ")}` : ""}`);
  }

  put(span) {
    const box = span.getClientRects()[0] ?? span.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.place;
    const left = Math.max(8, Math.min(box.left - 12, innerWidth - width - 8));
    const below = box.bottom + 8 + height < innerHeight;
    this.place.style.left = `${left}px`;
    this.place.style.top = `${Math.max(8, below ? box.bottom + 8 : box.top - height - 8)}px`;
  }

  hide() {
    this.span?.classList.remove("at");
    this.span = null;
    this.place.hidden = true;
  }
}

function row(token, logprob, chosen) {
  const bar = make("span", { className: "bar" });
  bar.style.setProperty("--share", `${100 * Math.exp(logprob)}%`);
  return make("div", { className: chosen ? "chosen" : "" },
    make("span", { className: "chip" }, visible(token)),
    make("span", { className: "track" }, bar),
    make("span", { className: "share" }, percent(logprob)));
}

/**
 * Lets the tokens below `log` be pointed at, tapped, and walked through with the arrow keys once an answer
 * has the focus. `tokensOf(turn element)` gives an answer's tokens, or nothing.
 */
export function watchTokens(log, card, tokensOf) {
  const show = (span, spoken = false) => {
    const token = tokensOf(span.closest(".turn"))?.[span.dataset.token];
    if (!token) return;
    card.show(span, token);
    if (spoken) card.speak(token);
  };
  const spanOf = (event) => event.target.closest?.("[data-token]");
  log.addEventListener("pointerover", (event) => {
    const span = spanOf(event);
    if (event.pointerType === "mouse" && span) show(span);
  });
  log.addEventListener("pointerout", (event) => { if (event.pointerType === "mouse" && spanOf(event)) card.hide(); });
  document.addEventListener("click", (event) => {
    const span = log.contains(event.target) && spanOf(event);
    if (span) show(span);
    else card.hide();
  });
  log.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !event.target.classList.contains("answer")) return;
    const spans = [...event.target.querySelectorAll("[data-token]")];
    const at = spans.indexOf(card.span);
    const next = spans[at < 0 ? (step > 0 ? 0 : spans.length - 1) : Math.max(0, Math.min(spans.length - 1, at + step))];
    if (!next) return;
    event.preventDefault();
    next.scrollIntoView({ block: "nearest" });
    show(next, true);
  });
  log.addEventListener("focusout", (event) => { if (event.target.classList.contains("answer")) card.hide(); });
}
