// The little of Markdown that models write: code, headings, lists, bold, italic. Everything else stays as it is.
//
// The text is never turned into HTML. It is cut into ranges, and each range's text reaches the page through
// `leaf(start, end)`, which returns a text node or the tokens of that range. So whatever a model writes, only
// the elements named in this file can come to be, and none of them carries an address or a handler.

import { make } from "./chat_page_elements.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`]{0,30})[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+/;
const ITEM = /^([ \t]*)(?:([-*+])|(\d{1,9})[.)])[ \t]+/;

/** The blocks of a text: `{kind, from, to, ...}` with ranges into it. An open code block reaches the end. */
export function blocksOf(text) {
  const blocks = [];
  let fence = null;
  for (let from = 0; from < text.length;) {
    const end = text.indexOf("\n", from) < 0 ? text.length : text.indexOf("\n", from);
    const line = text.slice(from, end);
    const next = Math.min(end + 1, text.length);
    if (fence) {
      const closes = line.trim();
      if (closes.length >= fence.mark.length && closes === fence.mark[0].repeat(closes.length)) fence = null;
      else blocks.at(-1).end = end;
      blocks.at(-1).to = next;
    } else {
      fence = addLine(blocks, { text, line, from, end, next });
    }
    from = end + 1;
  }
  return blocks;
}

/** Adds one line outside of code; returns the fence that it opens, or null. */
function addLine(blocks, { line, from, end, next }) {
  const fence = FENCE.exec(line);
  const heading = HEADING.exec(line);
  const item = ITEM.exec(line);
  const last = blocks.at(-1);
  if (fence) {
    blocks.push({ kind: "code", language: fence[2], from, to: next, start: next, end: next });
    return { mark: fence[1] };
  }
  if (heading) {
    blocks.push({ kind: "heading", level: heading[1].length, from, to: next, start: from + heading[0].length, end });
  } else if (line.trim() === "") {
    if (last?.kind === "list") last.to = next;
    else if (last) last.ended = true;
  } else if (item) {
    const ordered = item[3] !== undefined;
    const entry = { depth: Math.min(4, Math.floor(item[1].replaceAll("\t", "  ").length / 2)), mark: ordered ? `${item[3]}.` : "•", start: from + item[0].length, end };
    if (last?.kind === "list") Object.assign(last, { to: next }).items.push(entry);
    else blocks.push({ kind: "list", items: [entry], from, to: next });
  } else if (last?.kind === "list" && /^[ \t]{2,}/.test(line)) {
    Object.assign(last, { to: next }).items.at(-1).end = end;
  } else if (last?.kind === "text" && !last.ended) {
    Object.assign(last, { end, to: next });
  } else {
    blocks.push({ kind: "text", from, to: next, start: from, end });
  }
  return null;
}

/** The nodes of the range's text, with `code`, **bold** and *italic* in their elements. */
export function inline(text, start, end, leaf) {
  const nodes = [];
  const missing = new Set(); // marks of which no closing one is left: each is looked for once
  let plain = start;
  const flush = (to) => { if (to > plain) nodes.push(leaf(plain, to)); };
  for (let at = start; at < end;) {
    const mark = markAt(text, at, end);
    const close = mark && !missing.has(mark) ? closing(text, mark, at, end) : -1;
    if (close < 0) {
      if (mark) missing.add(mark);
      at += mark?.length || 1;
      continue;
    }
    flush(at);
    const [from, to] = [at + mark.length, close];
    if (mark[0] === "`") nodes.push(make("code", {}, leaf(from, to)));
    else nodes.push(make(mark === "**" ? "strong" : "em", {}, ...inline(text, from, to, leaf)));
    at = plain = close + mark.length;
  }
  flush(end);
  return nodes;
}

/** The mark that begins at a place: a run of backticks, `**`, `*`, or an empty string. */
function markAt(text, at, end) {
  const letter = text[at];
  if (letter !== "`" && letter !== "*") return "";
  let run = 1;
  while (at + run < end && text[at + run] === letter) run++;
  if (letter === "`") return "`".repeat(run);
  const opens = run <= 2 && at + run < end && !/\s/.test(text[at + run]) && !/\w/.test(text[at - 1] ?? " ");
  return opens ? "*".repeat(run) : "";
}

/** Where the mark opened at `at` closes: a run of the same length, not after a space unless in code; or -1. */
function closing(text, mark, at, end) {
  for (let found = at + mark.length; found < end;) {
    found = text.indexOf(mark, found);
    if (found < 0 || found + mark.length > end) return -1;
    let run = mark.length;
    while (text[found + run] === mark[0]) run++;
    const fits = run === mark.length && found > at + mark.length && (mark[0] === "`" || !/\s/.test(text[found - 1]));
    if (fits) return found;
    found += run;
  }
  return -1;
}

/** One block as an element. */
export function blockElement(text, block, leaf, { copy }) {
  if (block.kind === "code") {
    const button = make("button", { type: "button", className: "copy-code", onclick: (event) => copy(text.slice(block.start, block.end), event.currentTarget) }, "Copy");
    const head = make("div", { className: "code-head" }, make("span", {}, block.language || "code"), button);
    return make("div", { className: "code" }, head, make("pre", { tabIndex: 0 }, make("code", {}, leaf(block.start, block.end))));
  }
  if (block.kind === "heading") {
    return make(block.level <= 2 ? "h3" : "h4", {}, ...inline(text, block.start, block.end, leaf));
  }
  if (block.kind === "list") {
    const items = block.items.map((item) => make("li", { className: `depth-${item.depth}` },
      make("span", { className: "bullet" }, item.mark), make("div", {}, ...inline(text, item.start, item.end, leaf))));
    return make("ul", { className: "list", role: "list" }, ...items);
  }
  return make("p", {}, ...inline(text, block.start, block.end, leaf));
}

/**
 * Shows a text in a place. Called again with more text it leaves the blocks alone that did not change,
 * so a long answer costs as little to extend as a short one, and what a reader has selected stays so.
 */
export function show(place, text, leaf, actions) {
  const shown = (place.blocks ??= []);
  const blocks = blocksOf(text);
  blocks.forEach((block, at) => {
    const key = JSON.stringify([block, text.slice(block.from, block.to)]);
    if (shown[at]?.key === key && at < blocks.length - 1) return;
    const element = blockElement(text, block, leaf, actions);
    if (shown[at]) shown[at].element.replaceWith(element);
    else place.append(element);
    shown[at] = { key, element };
  });
  shown.splice(blocks.length).forEach(({ element }) => element.remove());
}
