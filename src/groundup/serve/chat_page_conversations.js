// Conversations as plain data, and where they are kept.
//
// A conversation is a tree of turns: an edited question or a second answer is a branch beside the old
// one. `turns[i]` knows its `parent` (an index, or null); `leaf` is the last turn of the branch that is
// shown. A turn only ever points back, so nothing can go round in a circle.

const PREFIX = "groundup.chat.";
const CURRENT = "groundup.current";

/** An empty conversation. `now` is in milliseconds. */
export function conversationAt(now) {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  const id = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { id, changed: now, turns: [], leaf: null };
}

/** Adds a turn below `parent` and makes it the leaf. */
export function addTurn(conversation, parent, turn) {
  conversation.turns.push({ ...turn, parent });
  conversation.leaf = conversation.turns.length - 1;
  return conversation.leaf;
}

/** Indices of the turns from the first to `leaf`. */
export function pathTo(conversation, leaf = conversation.leaf) {
  const path = [];
  for (let at = leaf; at !== null; at = conversation.turns[at].parent) path.unshift(at);
  return path;
}

/** Indices of a turn and of those that stand in its place on other branches, oldest first. */
export function siblings(conversation, index) {
  const { parent } = conversation.turns[index];
  return [...conversation.turns.keys()].filter((other) => conversation.turns[other].parent === parent);
}

/** The leaf below a turn: always on to the youngest child. */
export function leafBelow(conversation, index) {
  const child = conversation.turns.findLastIndex((turn) => turn.parent === index);
  return child < 0 ? index : leafBelow(conversation, child);
}

/** What is sent to the server to continue after turn `index`; answers of which nothing came are left out. */
export function messagesTo(conversation, index, system) {
  const turns = pathTo(conversation, index).map((at) => conversation.turns[at]);
  const said = turns.filter((turn) => turn.text !== "").map(({ role, text }) => ({ role, content: text }));
  return system.trim() ? [{ role: "system", content: system }, ...said] : said;
}

/** The first question's first line, cut. */
export function titleOf(conversation) {
  const text = conversation.turns[0]?.text.trim() ?? "";
  const line = text.split("\n", 1)[0];
  return line.length > 60 ? `${line.slice(0, 59)}…` : line || "New chat";
}

/** The shown branch as a file that others can read: OpenAI's messages, with how each answer was made. */
export function exported(conversation, { model, values, system }, now) {
  const messages = pathTo(conversation).map((at) => {
    const { role, text, model: by, usage, reason, first, rate, tokens } = conversation.turns[at];
    const probabilities = tokens?.map(([, token, logprob, top]) => ({ token, logprob, top }));
    return { role, content: text, model: by, finish_reason: reason, usage, seconds_to_first_token: first, tokens_per_second: rate, logprobs: probabilities };
  });
  return { exported: new Date(now).toISOString(), model, settings: values, system, messages };
}

function isConversation(data) {
  const fits = (turn, at) => ["user", "assistant"].includes(turn?.role) && typeof turn.text === "string" &&
    (turn.parent === null || (Number.isInteger(turn.parent) && turn.parent >= 0 && turn.parent < at));
  return typeof data?.id === "string" && Number.isFinite(data.changed) && Array.isArray(data.turns) &&
    data.turns.every(fits) && (data.leaf === null ? data.turns.length === 0 : data.leaf in data.turns);
}

/** The kept conversations: one entry of the browser's storage each. Without storage they last as long as the page. */
export class Shelf {
  constructor(storage) {
    this.storage = storage;
    this.loaded = new Map();
    for (const name of Object.keys(storage ?? {})) this.read(name);
  }

  /** Reads one entry anew (another tab may have written it); true where it is a conversation's. */
  read(name) {
    if (!name?.startsWith(PREFIX)) return false;
    const id = name.slice(PREFIX.length);
    this.loaded.delete(id);
    try {
      const data = JSON.parse(this.storage.getItem(name));
      if (isConversation(data) && data.id === id) this.loaded.set(id, data);
    } catch { /* damaged: as if it were not there */ }
    return true;
  }

  /** All of them, the last changed first. */
  all() {
    return [...this.loaded.values()].sort((a, b) => b.changed - a.changed);
  }

  get(id) {
    return this.loaded.get(id) ?? null;
  }

  get current() {
    return this.get(this.storage?.getItem(CURRENT));
  }

  set current(conversation) {
    this.write(CURRENT, conversation.id);
  }

  /** Keeps a conversation; false where the storage is full even after old probabilities were let go. */
  save(conversation) {
    this.loaded.set(conversation.id, conversation);
    if (this.write(PREFIX + conversation.id, JSON.stringify(conversation))) return true;
    for (const old of this.all().reverse()) {
      if (!old.turns.some((turn) => turn.tokens)) continue;
      for (const turn of old.turns) delete turn.tokens;
      this.write(PREFIX + old.id, JSON.stringify(old));
      if (this.write(PREFIX + conversation.id, JSON.stringify(conversation))) return true;
    }
    return false;
  }

  remove(id) {
    this.loaded.delete(id);
    this.storage?.removeItem(PREFIX + id);
  }

  write(name, text) {
    try {
      this.storage?.setItem(name, text);
      return true;
    } catch {
      return false;
    }
  }
}

/** The browser's storage, or null where it is switched off. */
export function storageOr(nothing, name) {
  try {
    const storage = window[name];
    storage.getItem("");
    return storage;
  } catch {
    return nothing;
  }
}
