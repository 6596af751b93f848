// An exercise: editor, checks, hints; what is saved elsewhere arrives by itself.

import { agrees, ask, nonce, part, pieces, Refused } from "./asking.js";

const PAGE = crypto.randomUUID?.() ?? String(Math.random());

class Exercise {
  constructor(root) {
    this.root = root;
    this.name = root.dataset.name;
    this.stamp = root.dataset.stamp;
    this.api = `/api/exercise/${encodeURIComponent(this.name)}`;
    this.clash = null;
    this.isBusy = false;
    const area = root.querySelector("textarea");
    this.kept = area.value;
    this.editor = window.Editor.create(part(root, "editor"), {
      text: area.value, label: area.getAttribute("aria-label"), nonce,
      onRun: () => this.run(), onSave: () => this.save(), onChange: () => this.changed(),
    });
    area.remove();
    for (const button of root.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => this[button.dataset.do]());
    }
    this.sayHints(Number(root.dataset.hints));
    this.draft();
    this.listen();
  }

  get isChanged() { return this.editor.text() !== this.kept; }

  say(text) { part(this.root, "said").textContent = text; }

  trouble(problem) {
    if (problem instanceof Refused && problem.data.clash) return this.clashes(problem.data.clash);
    const place = part(this.root, "problem");
    place.textContent = problem.message;
    place.hidden = false;
  }

  calm() { part(this.root, "problem").hidden = true; }

  // One thing at a time; what goes wrong is said.
  async busy(work) {
    if (this.isBusy) return;
    this.isBusy = true;
    this.root.setAttribute("aria-busy", "true");
    try { await work(); this.unsaved(); } catch (problem) { this.trouble(problem); } finally {
      this.isBusy = false;
      this.root.removeAttribute("aria-busy");
    }
  }

  run(overwrite = false) {
    return this.busy(async () => {
      this.calm();
      this.say("Checking…");
      const text = this.editor.text();
      const tier = part(this.root, "deep").checked ? "deep" : "core";
      try {
        const found = await ask(`${this.api}/run`, { text, stamp: this.stamp, tier, overwrite, page: PAGE });
        this.settled(text, found.stamp);
        this.show(found);
      } finally { this.say(""); }
    });
  }

  save(overwrite = false) {
    return this.busy(async () => {
      this.calm();
      const text = this.editor.text();
      const found = await ask(`${this.api}/save`, { text, stamp: this.stamp, overwrite });
      this.settled(text, found.stamp);
      this.say("Saved.");
    });
  }

  settled(text, stamp) {
    this.kept = text;
    this.stamp = stamp;
    this.clash = null;
    part(this.root, "clash").hidden = true;
  }

  show(found) {
    part(this.root, "verdict").replaceChildren(pieces(found.html));
    this.editor.mark(found.line ? [{ line: found.line, message: found.message || "here" }] : []);
    if (found.status !== "passed") return;
    const badge = part(this.root, "badge");
    const isDeep = found.tier === "deep" || badge.textContent.includes("deep");
    badge.textContent = isDeep ? "passed, deep too" : "passed";
    badge.hidden = false;
    this.root.dataset.passed = isDeep ? "deep" : "core";
  }

  // What was typed and not saved outlives the page, in this browser.
  changed() { this.calm(); this.unsaved(); }

  get draftKey() { return `groundup.draft.${part(this.root, "editor").parentElement.querySelector(".path").textContent}`; }

  unsaved() {
    try {
      if (this.isChanged) localStorage.setItem(this.draftKey, JSON.stringify({ text: this.editor.text(), stamp: this.stamp }));
      else localStorage.removeItem(this.draftKey);
    } catch { /* no room, or not allowed: then it is kept in the page only */ }
  }

  draft() {
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(this.draftKey) ?? "null"); } catch { /* none */ }
    if (!kept || kept.text === this.kept) return;
    const file = { text: this.kept, stamp: this.stamp };
    this.editor.set(kept.text);
    if (kept.stamp === this.stamp) this.say("This is what you had typed and not saved yet.");
    else this.clashes(file);
  }

  clashes(file) {
    this.clash = file;
    part(this.root, "clash").hidden = false;
  }

  take() {
    if (!this.clash) return;
    this.editor.set(this.clash.text);
    this.settled(this.clash.text, this.clash.stamp);
    this.unsaved();
    this.editor.focus();
  }

  keep() { return this.save(true).then(() => this.editor.focus()); }

  hint() {
    return this.busy(async () => {
      const found = await ask(`${this.api}/hint`);
      const list = part(this.root, "hints");
      if (list.children.length < found.level) list.append(pieces(found.html));
      this.sayHints(found.level);
    });
  }

  sayHints(shown) {
    const button = this.root.querySelector("[data-do=hint]");
    const all = Number(this.root.dataset.allHints);
    button.textContent = shown < all ? `Hint ${shown + 1} of ${all}` : "No more hints";
    button.disabled = shown >= all;
  }

  async reset() {
    const dialog = part(this.root, "dialog");
    if (!await agrees(dialog, "Begin anew? What you wrote is set aside, not deleted.")) return;
    await this.busy(async () => {
      const found = await ask(`${this.api}/reset`);
      this.editor.set(found.text);
      this.settled(found.text, found.stamp);
      part(this.root, "verdict").replaceChildren();
      this.editor.mark([]);
      this.say(found.aside ? `What you had written is in ${found.aside}.` : "As it began.");
    });
  }

  async solution() {
    const isPassed = Boolean(this.root.dataset.passed);
    const question = "You have not passed yet. Show the solution all the same? Your progress will say so.";
    if (!isPassed && !await agrees(part(this.root, "dialog"), question)) return;
    await this.busy(async () => {
      const found = await ask(`${this.api}/solution`, { gives_up: !isPassed });
      const place = part(this.root, "solution-editor");
      place.replaceChildren();
      window.Editor.create(place, { text: found.text, label: "The library's own", nonce, readOnly: true });
      part(this.root, "solution").hidden = false;
    });
  }

  listen() {
    const events = new EventSource(`${this.api}/events`);
    events.addEventListener("file", (event) => this.elsewhere(JSON.parse(event.data)));
    events.addEventListener("checking", () => this.say("Saved elsewhere; checking…"));
    events.addEventListener("problem", (event) => this.trouble(new Error(JSON.parse(event.data).says)));
    events.addEventListener("result", (event) => {
      const found = JSON.parse(event.data);
      if (found.page === PAGE) return;
      this.say("");
      this.show(found);
    });
    addEventListener("pagehide", () => events.close());
  }

  elsewhere(file) {
    if (file.problem) return this.trouble(new Error(file.problem));
    if (file.stamp === this.stamp) return;
    if (this.isChanged && this.editor.text() !== file.text) return this.clashes(file);
    this.editor.set(file.text);
    this.settled(file.text, file.stamp);
    this.unsaved();
  }
}

for (const root of document.querySelectorAll(".exercise")) new Exercise(root);
