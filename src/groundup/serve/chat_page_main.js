// The chat page: what a person does, and what then happens. The parts stand in the other files:
// server (requests), conversations (data), turns, markup and tokens (what is seen), settings, panels.

import { Aligner, Card, watchTokens } from "./chat_page_tokens.js";
import { Failure, answer, models } from "./chat_page_server.js";
import { Settings, settingsPanel } from "./chat_page_settings.js";
import { Shelf, addTurn, conversationAt, exported, leafBelow, messagesTo, pathTo, storageOr } from "./chat_page_conversations.js";
import { askForKey, chatList, download, examples, panels, themeButton } from "./chat_page_panels.js";
import { byId, grow, make, say, toast } from "./chat_page_elements.js";
import { showConversation, TurnView } from "./chat_page_turns.js";

const shelf = new Shelf(storageOr(null, "localStorage"));
const settings = new Settings(storageOr(null, "localStorage"), storageOr(null, "sessionStorage"));
const card = new Card();
const [log, question, scroll] = ["log", "question", "scroll"].map(byId);

let conversation = shelf.current ?? conversationAt(Date.now());
let views = new Map();
let running = null; // {controller, index}: the answer that is coming
let following = true; // whether the page stays at the end as the answer grows

const actions = { retry, edit, choose };

// What is seen

function draw() {
  card.hide();
  views = showConversation(log, conversation, actions);
  byId("welcome").hidden = conversation.turns.length > 0;
  listChats();
  toEnd();
}

const listChats = chatList(shelf, {
  isCurrent: (one) => one.id === conversation.id,
  open: (one) => { leave(one); },
  remove,
});

function toEnd() {
  following = true;
  scroll.scrollTop = scroll.scrollHeight;
  byId("to-end").hidden = true;
}

function drawButtons() {
  byId("stop").hidden = running === null;
  byId("send").hidden = running !== null;
  byId("send").disabled = question.value.trim() === "";
}

// What a person does

/** Goes to another conversation; an answer that is coming in this one is stopped. */
function leave(next) {
  stop();
  conversation = next;
  shelf.current = next;
  draw();
  focusQuestion();
}

/** Puts the cursor into the message box, except on phones, where that would bring up the keyboard. */
function focusQuestion() {
  if (matchMedia("(hover: hover)").matches) question.focus();
}

function send(text) {
  if (running || text.trim() === "") return;
  const index = addTurn(conversation, conversation.leaf, { role: "user", text });
  keep();
  draw();
  respond(index);
}

/** The same question again: the new answer stands beside the old one, or replaces one that never began. */
function retry(index) {
  stop();
  const { parent, text } = conversation.turns[index];
  if (text === "" && index === conversation.turns.length - 1) conversation.turns.pop();
  respond(parent);
}

/** A changed question: a branch beside the old one. */
function edit(index, text) {
  stop();
  conversation.leaf = conversation.turns[index].parent;
  send(text);
}

function choose(index) {
  stop();
  conversation.leaf = leafBelow(conversation, index);
  keep();
  const place = scroll.scrollTop; // what is before the turn stays where it is
  draw();
  scroll.scrollTop = place;
}

function stop() {
  if (!running) return;
  running.controller.abort();
  finish({ reason: "stopped" });
}

function remove(one) {
  if (one.id === conversation.id) stop();
  shelf.remove(one.id);
  if (one.id === conversation.id) conversation = shelf.all()[0] ?? conversationAt(Date.now());
  draw();
  toast("Chat deleted.", { name: "Undo", act: () => { shelf.save(one); leave(one); } });
}

function removeAll() {
  const all = shelf.all();
  if (all.length === 0) return toast("There is nothing to delete.");
  stop();
  all.forEach((one) => shelf.remove(one.id));
  leave(conversationAt(Date.now()));
  return toast(`${all.length} ${all.length === 1 ? "chat" : "chats"} deleted.`, { name: "Undo", act: () => { all.forEach((one) => shelf.save(one)); leave(all[0]); } });
}

function keep() {
  conversation.changed = Date.now();
  if (!shelf.save(conversation)) toast("The browser's storage is full: this chat will be gone after a reload.");
  shelf.current = conversation;
}

// An answer

/** Asks the server to go on after turn `index` and shows the answer as it comes. */
async function respond(index) {
  const messages = messagesTo(conversation, index, settings.system);
  const at = addTurn(conversation, index, { role: "assistant", text: "", model: settings.model, tokens: [] });
  const controller = new AbortController();
  running = { controller, index: at, aligner: new Aligner(), started: performance.now(), count: 0, firstAt: null };
  const mine = running;
  draw();
  views.get(at).update({ isStreaming: true });
  drawButtons();
  focusQuestion();
  say("Answering.");
  try {
    for await (const piece of answer(settings.body(messages), { key: settings.key, signal: controller.signal })) {
      if (running !== mine) return;
      take(piece);
    }
    finish({});
  } catch (error) {
    if (running !== mine) return;
    conversation.turns[at].wantsKey = Boolean(error.wantsKey);
    finish({ error: error instanceof Failure ? error.message : `The page failed: ${error.message}` });
    if (error.wantsKey) askKey(error.message);
  }
}

/** Adds a piece of the answer that is coming. */
function take({ text, tokens, reason, usage }) {
  const turn = conversation.turns[running.index];
  const now = performance.now();
  turn.text += text;
  turn.tokens.push(...tokens.map((token) => running.aligner.add(token)));
  if (reason) turn.reason = reason;
  if (usage) turn.usage = usage;
  if (text || tokens.length) {
    const before = running.count;
    running.count += tokens.length || 1;
    if (running.firstAt === null) {
      Object.assign(running, { firstAt: now, base: running.count });
      turn.first = (now - running.started) / 1000;
    } else if (before !== running.count && now - running.firstAt > 50) {
      turn.rate = (1000 * (running.count - running.base)) / (now - running.firstAt);
    }
  }
  drawSoon();
}

/** Draws what came at the next frame, at most once a frame. */
function drawSoon() {
  if (running.frame) return;
  const mine = running;
  mine.frame = requestAnimationFrame(() => {
    mine.frame = null;
    if (running === mine) drawAnswer();
  });
}

function drawAnswer() {
  const turn = conversation.turns[running.index];
  if (!running.aligner.spells(turn.text)) turn.tokens = [];
  views.get(running.index).update({ isStreaming: true });
  if (following) scroll.scrollTop = scroll.scrollHeight;
}

/** The answer is whole, stopped or broken off. */
function finish({ reason, error }) {
  const { index, aligner, frame } = running;
  const turn = conversation.turns[index];
  if (frame) cancelAnimationFrame(frame);
  if (reason) turn.reason = reason;
  if (error) turn.error = error;
  if (!aligner.spells(turn.text) || turn.tokens.length === 0) delete turn.tokens;
  running = null;
  keep();
  views.get(index).update({ isStreaming: false });
  if (following) scroll.scrollTop = scroll.scrollHeight;
  listChats();
  drawButtons();
  say(error ?? (reason === "stopped" ? "Stopped." : `Answer: ${turn.text}`));
}

/** Asks for a key; once the server takes it, asks again what it refused without one. */
async function askKey(reason) {
  if (!(await askForKey(settings, reason))) return;
  drawSettings();
  if (!(await loadModels())) return;
  if (!running && conversation.turns[conversation.leaf]?.wantsKey) retry(conversation.leaf);
}

/** Fills the choice of models; false where the server did not tell them. */
async function loadModels() {
  const select = byId("model");
  try {
    const names = await models(settings.key);
    select.replaceChildren(...names.map((name) => make("option", { value: name }, name)));
    if (!names.includes(settings.model)) settings.model = names[0] ?? "";
    select.value = settings.model;
    settings.save();
  } catch (error) {
    if (error.wantsKey) askKey(error.message);
    else toast(error.message, { name: "Try again", act: loadModels });
    return false;
  } finally {
    select.disabled = select.options.length < 2;
    drawModel();
  }
  return true;
}

function drawModel() {
  byId("welcome-model").textContent = settings.model || "the model";
  document.title = settings.model ? `${settings.model} · groundup` : "groundup";
}

// Wiring

const drawSettings = settingsPanel(settings, { onKey: loadModels });

function wireComposer() {
  byId("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  byId("stop").addEventListener("click", () => { stop(); focusQuestion(); });
  question.addEventListener("input", () => { grow(question); drawButtons(); });
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    } else if (event.key === "ArrowUp" && question.value === "") {
      editLast(event);
    }
  });
  examples((text) => send(text));
}

function submit() {
  if (running) return;
  const text = question.value;
  if (text.trim() === "") return;
  question.value = "";
  grow(question);
  send(text);
}

function editLast(event) {
  const last = pathTo(conversation).findLast((index) => conversation.turns[index].role === "user");
  if (last === undefined) return;
  event.preventDefault();
  views.get(last).edit();
}

function wireScroll() {
  const slack = 48;
  scroll.addEventListener("scroll", () => {
    following = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < slack;
    byId("to-end").hidden = following;
    card.hide();
  }, { passive: true });
  byId("to-end").addEventListener("click", toEnd);
}

function wirePage() {
  const closePanel = panels();
  byId("new-chat").addEventListener("click", () => { closePanel("chats"); leave(conversation.turns.length ? conversationAt(Date.now()) : conversation); });
  byId("export").addEventListener("click", () => download(exported(conversation, settings, Date.now())));
  byId("clear").addEventListener("click", removeAll);
  byId("model").addEventListener("change", (event) => { settings.model = event.target.value; settings.save(); drawModel(); });
  byId("show-tokens").addEventListener("click", () => { settings.showTokens = !settings.showTokens; settings.save(); drawTokens(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (!byId("card").hidden) card.hide();
    else if (running) stop();
  });
  addEventListener("storage", (event) => { if (shelf.read(event.key)) listChats(); });
  addEventListener("pagehide", stop);
  themeButton(settings);
  drawTokens();
}

function drawTokens() {
  byId("show-tokens").setAttribute("aria-pressed", String(settings.showTokens));
  log.classList.toggle("coloured", settings.showTokens);
}

watchTokens(log, card, (element) => conversation.turns[element?.dataset.turn]?.tokens);
wireComposer();
wireScroll();
wirePage();
draw();
drawButtons();
loadModels();
focusQuestion();
