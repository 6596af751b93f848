// The report's three small behaviours: the theme button, tables that sort, and the attention map.
"use strict";

function theme() {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const name = () => { button.textContent = isDark() ? "Light theme" : "Dark theme"; };
  const asked = new URLSearchParams(location.search).get("theme");
  if (asked === "dark" || asked === "light") root.dataset.theme = asked;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
    document.dispatchEvent(new Event("recolour"));
  });
  system.addEventListener("change", () => { name(); document.dispatchEvent(new Event("recolour")); });
  button.hidden = false;
  name();
}

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  const sort = (column) => {
    const down = heads[column].ariaSort === "ascending";
    heads.forEach((head, i) => { head.ariaSort = i !== column ? "none" : down ? "descending" : "ascending"; });
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const [x, y] = [key(a, column), key(b, column)];
      const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
      return down ? -order : order;
    });
    table.tBodies[0].append(...rows);
  };
  heads.forEach((head, column) => {
    head.ariaSort = "none";
    head.tabIndex = 0;
    head.addEventListener("click", () => sort(column));
    head.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(column); }
    });
  });
}

const shown = (token) => token.replaceAll(" ", "\u2423").replaceAll("\n", "\u23ce").replaceAll("\t", "\u21e5");

function attention(place) {
  const data = JSON.parse(document.getElementById("attention-data").textContent);
  const count = data.tokens.length;
  const bytes = Uint8Array.from(atob(data.weights), (letter) => letter.charCodeAt(0));
  const triangle = (count * (count + 1)) / 2;
  const weight = (layer, head, query, key) =>
    bytes[(layer * data.heads + head) * triangle + (query * (query + 1)) / 2 + key] / 255;
  const state = { layer: 0, head: 0, pinned: Math.min(count - 1, Math.floor(count * 0.7)), over: null };
  const tokens = place.querySelector(".tokens");
  const looks = place.querySelector(".looks");
  const habit = place.querySelector(".habit");

  const heads = new Map();
  for (let layer = 0; layer < data.layers; layer++) {
    const row = document.createElement("div");
    row.className = "layer";
    const label = document.createElement("span");
    label.textContent = layer + 1;
    row.append(label);
    for (let head = 0; head < data.heads; head++) {
      const button = document.createElement("button");
      button.type = "button";
      button.ariaLabel = `layer ${layer + 1}, head ${head + 1}`;
      button.title = button.ariaLabel;
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = count;
      button.append(canvas);
      button.addEventListener("click", () => { Object.assign(state, { layer, head }); draw(); });
      heads.set(button, [layer, head, canvas]);
      row.append(button);
    }
    place.querySelector(".heads").append(row);
  }

  const spans = data.tokens.map((token, index) => {
    const span = document.createElement("span");
    span.setAttribute("role", "button");
    span.textContent = token.replaceAll("\n", index + 1 < count ? "\u23ce\n" : "\u23ce");
    span.addEventListener("click", () => { state.pinned = index; state.over = null; draw(); });
    span.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") { state.over = index; draw(); }
    });
    span.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, Enter: 0, " ": 0 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      state.pinned = Math.max(0, Math.min(count - 1, index + step));
      state.over = null;
      draw();
      spans[state.pinned].focus();
    });
    tokens.append(span);
    return span;
  });
  tokens.addEventListener("pointerleave", () => { state.over = null; draw(); });

  function paint() {
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = getComputedStyle(place.querySelector(".swatch")).color;
    probe.fillRect(0, 0, 1, 1);
    const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
    for (const [layer, head, canvas] of heads.values()) {
      const context = canvas.getContext("2d");
      const image = context.createImageData(count, count);
      for (let query = 0; query < count; query++) {
        for (let key = 0; key <= query; key++) {
          const strength = 255 * Math.sqrt(weight(layer, head, query, key));
          image.data.set([red, green, blue, strength], 4 * (query * count + key));
        }
      }
      context.putImageData(image, 0, 0);
    }
  }

  function draw() {
    const query = state.over ?? state.pinned;
    for (const [button, [layer, head]] of heads) {
      button.ariaPressed = String(layer === state.layer && head === state.head);
    }
    const row = data.tokens.map((_, key) => (key <= query ? weight(state.layer, state.head, query, key) : 0));
    spans.forEach((span, key) => {
      span.ariaPressed = String(key === query);
      span.tabIndex = key === state.pinned ? 0 : -1;
      span.className = key > query ? "later" : "";
      const share = Math.round(100 * Math.sqrt(row[key]));
      span.style.backgroundColor = `color-mix(in srgb, var(--glow) ${share}%, transparent)`;
    });
    const best = row.map((share, key) => [share, key]).filter(([share]) => share > 0.005);
    best.sort((a, b) => b[0] - a[0]);
    looks.replaceChildren();
    for (const [share, key] of best.slice(0, 6)) {
      const cells = ["chip", "bar", "share"].map((name) => {
        const cell = document.createElement("span");
        cell.className = name;
        return cell;
      });
      cells[0].textContent = shown(data.tokens[key]);
      cells[1].style.width = `${100 * share}%`;
      cells[2].textContent = `${Math.round(100 * share)} %`;
      looks.append(...cells);
    }
    const [itself, before, first] = data.habits[state.layer][state.head].map((x) => Math.round(100 * x));
    habit.textContent = `Layer ${state.layer + 1}, head ${state.head + 1}: on average ${before} % on the token ` +
      `before, ${itself} % on the token itself, ${first} % on the first. Now: where `;
    const now = document.createElement("span");
    now.className = "chip";
    now.textContent = shown(data.tokens[query]);
    habit.append(now, " looks.");
  }

  document.addEventListener("recolour", paint);
  paint();
  draw();
}

theme();
document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll("#attention").forEach(attention);
