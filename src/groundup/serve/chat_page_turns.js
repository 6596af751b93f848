// The conversation on the page: one article for each turn of the branch that is shown.

import { copy, grow, icon, iconButton, make, toast } from "./chat_page_elements.js";
import { pathTo, siblings } from "./chat_page_conversations.js";
import { show } from "./chat_page_markup.js";
import { plainLeaf, tokenLeaf } from "./chat_page_tokens.js";

/** Draws the branch of a conversation anew; returns the view of each turn by its index. */
export function showConversation(log, conversation, actions) {
  const views = new Map();
  for (const index of pathTo(conversation)) {
    views.set(index, new TurnView(conversation, index, actions));
  }
  log.replaceChildren(...[...views.values()].map((view) => view.element));
  return views;
}

/** One turn. `actions` are `retry(index)`, `edit(index, text)`, `choose(index)`. */
export class TurnView {
  constructor(conversation, index, actions) {
    Object.assign(this, { conversation, index, actions, turn: conversation.turns[index] });
    const isUser = this.turn.role === "user";
    this.body = isUser
      ? make("div", { className: "bubble" }, this.turn.text)
      : make("div", { className: "answer", tabIndex: 0, role: "group", aria: { label: "Answer; the arrow keys step through its tokens" } });
    this.note = make("p", { className: "note", hidden: true });
    this.figures = make("span", { className: "figures" });
    this.buttons = make("div", { className: "actions" });
    const foot = make("div", { className: "foot" }, this.buttons, this.figures);
    const name = isUser ? "You" : this.turn.model || "Answer";
    this.element = make("article", { className: `turn ${this.turn.role}`, dataset: { turn: index }, aria: { label: name } }, this.body, this.note, foot);
    this.update({ isStreaming: false });
  }

  /** Shows what the turn holds by now. */
  update({ isStreaming }) {
    const { turn } = this;
    this.element.classList.toggle("streaming", isStreaming);
    if (turn.role === "assistant") {
      const leaf = turn.tokens?.length ? tokenLeaf(turn.text, turn.tokens) : plainLeaf(turn.text);
      if (Boolean(turn.tokens) !== this.hadTokens) this.forget();
      this.hadTokens = Boolean(turn.tokens);
      show(this.body, turn.text, leaf, { copy: (text, button) => copyFrom(button, text) });
      this.body.classList.toggle("waiting", isStreaming && turn.text === "");
      this.body.setAttribute("aria-busy", String(isStreaming));
      this.figures.textContent = figuresOf(turn);
    }
    const note = isStreaming ? "" : noteOf(turn);
    this.note.hidden = note === "";
    this.note.classList.toggle("error", Boolean(turn.error));
    this.note.replaceChildren(note);
    if (turn.error && !isStreaming) this.note.append(this.retryButton());
    this.buttons.replaceChildren(...(isStreaming ? [] : this.buttonsNow()));
  }

  forget() {
    this.body.replaceChildren();
    this.body.blocks = [];
  }

  retryButton() {
    const button = make("button", { type: "button", className: "pill retry" }, icon("retry"), "Try again");
    button.addEventListener("click", () => this.actions.retry(this.index));
    return button;
  }

  buttonsNow() {
    const { turn, index, actions } = this;
    const buttons = turn.text ? [iconButton("copy", "Copy", (event) => copyFrom(event.currentTarget, turn.text))] : [];
    if (turn.role === "user") buttons.push(iconButton("edit", "Edit and send again", () => this.edit()));
    else if (!turn.error) buttons.push(iconButton("retry", "Answer again", () => actions.retry(index)));
    const places = siblings(this.conversation, index);
    if (places.length > 1) buttons.push(this.switcher(places));
    return buttons;
  }

  /** Steps between the turns that stand in this place: "2 / 3" between two arrows. */
  switcher(places) {
    const at = places.indexOf(this.index);
    const what = this.turn.role === "user" ? "version" : "answer";
    const before = iconButton("before", `The ${what} before`, () => this.actions.choose(places[at - 1]));
    const after = iconButton("after", `The ${what} after`, () => this.actions.choose(places[at + 1]));
    before.disabled = at === 0;
    after.disabled = at === places.length - 1;
    return make("span", { className: "switcher" }, before, `${at + 1} / ${places.length}`, after);
  }

  /** Turns the bubble into a form; Enter sends, Escape leaves all as it was. */
  edit() {
    const area = make("textarea", { value: this.turn.text, rows: 1, aria: { label: "Edit the message" } });
    const cancel = make("button", { type: "button", className: "pill" }, "Cancel");
    const form = make("form", { className: "edit" }, area,
      make("div", { className: "buttons" }, cancel, make("button", { className: "pill strong" }, "Send")));
    const close = () => { form.replaceWith(this.body); this.element.classList.remove("editing"); };
    const back = () => { close(); this.buttons.querySelector("button")?.focus(); };
    const send = (event) => {
      event.preventDefault();
      if (area.value.trim() === "") return;
      close();
      this.actions.edit(this.index, area.value);
    };
    form.addEventListener("submit", send);
    cancel.addEventListener("click", back);
    area.addEventListener("input", () => grow(area));
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
      if (event.key === "Escape") { event.stopPropagation(); back(); }
    });
    this.body.replaceWith(form);
    this.element.classList.add("editing");
    grow(area);
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }
}

/** Why an answer is not whole, or an empty string. */
function noteOf(turn) {
  if (turn.error) return turn.error;
  if (turn.reason === "stopped") return turn.text ? "Stopped." : "Stopped before the first token.";
  if (turn.reason === "length") return "Cut at the most tokens that the settings or the model's context allow.";
  if (turn.reason === "content_filter") return "Withheld by the server's filter.";
  if (turn.role === "assistant" && turn.text === "") return "The model said nothing.";
  return "";
}

/** Speed and counts of an answer, as far as they are known. */
function figuresOf({ rate, first, usage }) {
  const parts = [];
  if (rate) parts.push(`${rate >= 100 ? rate.toFixed(0) : rate.toFixed(1)} tokens/s`);
  if (first !== undefined && first !== null) parts.push(`first after ${first.toFixed(2)} s`);
  if (usage) {
    const cached = usage.prompt_tokens_details?.cached_tokens;
    parts.push(`${usage.prompt_tokens} tokens in${cached ? ` (${cached} cached)` : ""}`, `${usage.completion_tokens} out`);
  }
  return parts.join(" · ");
}

async function copyFrom(button, text) {
  if (!(await copy(text))) {
    toast("The browser does not let this page use the clipboard.");
    return;
  }
  const before = [...button.childNodes];
  button.replaceChildren(button.classList.contains("icon") ? icon("done") : "Copied");
  setTimeout(() => button.replaceChildren(...before), 1200);
}
