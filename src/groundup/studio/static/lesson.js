// A lesson: mathematics, pictures that follow their settings, code that is run, questions.

import { ask, part, pieces } from "./asking.js";
import { Canvas } from "./charts.js";

const article = document.querySelector("article[data-topic]");
const API = `/api/lesson/${article.dataset.topic}`;

function trouble(root, problem) {
  const place = part(root, "trouble");
  place.textContent = problem.message;
  place.hidden = false;
}

const calm = (root) => { part(root, "trouble").hidden = true; };

function mathematics(root) {
  for (const place of root.querySelectorAll(".math")) {
    const displayMode = place.classList.contains("block");
    window.katex.render(place.textContent, place, { displayMode, throwOnError: false, trust: false, output: "htmlAndMathml" });
  }
}

class Explore {
  constructor(root) {
    this.root = root;
    this.canvas = new Canvas(part(root, "chart"));
    this.form = root.querySelector("form");
    this.isBusy = this.isStale = false;
    this.form?.addEventListener("input", () => { this.words(); this.draw(); });
    this.form?.addEventListener("submit", (event) => event.preventDefault());
    this.words();
  }

  words() {
    for (const slider of this.form?.querySelectorAll("input[type=range]") ?? []) {
      const text = String(Number(Number(slider.value).toPrecision(4)));
      slider.previousElementSibling.textContent = text;
      slider.setAttribute("aria-valuetext", text);
    }
  }

  values() {
    const found = {};
    for (const field of this.form?.elements ?? []) {
      if (!field.name || (field.type === "radio" && !field.checked)) continue;
      if (field.type === "checkbox") found[field.name] = field.checked;
      else found[field.name] = field.dataset.kind === "number" ? Number(field.value) : field.value;
    }
    return found;
  }

  // One request at a time; what was moved meanwhile is asked for next.
  async draw() {
    if (this.isBusy) { this.isStale = true; return; }
    this.isBusy = true;
    this.root.setAttribute("aria-busy", "true");
    try {
      do {
        this.isStale = false;
        const found = await ask(`${API}/part/${this.root.dataset.name}`, { values: this.values() });
        await this.canvas.put(found.chart);
        calm(this.root);
      } while (this.isStale);
    } catch (problem) { trouble(this.root, problem); } finally {
      this.isBusy = false;
      this.root.removeAttribute("aria-busy");
    }
  }
}

async function run(root) {
  const values = part(root, "values");
  try {
    const found = await ask(`${API}/part/${root.dataset.name}`);
    if (root.dataset.part === "trace") stepThrough(root, found);
    else values.replaceChildren(pieces(found.html));
  } catch (problem) {
    values.replaceChildren();
    trouble(root, problem);
  } finally { root.removeAttribute("aria-busy"); }
}

// A function line by line: the line that runs is marked, and the values so far stand below.
function stepThrough(root, found) {
  const stepper = part(root, "stepper");
  const slider = stepper.querySelector("input");
  const bar = part(root, "bar");
  const code = root.querySelector(".traced pre");
  const [back, on] = stepper.querySelectorAll("button");
  slider.max = found.lines.length;
  const show = () => {
    const place = Number(slider.value);
    const line = found.lines[place];
    const height = parseFloat(getComputedStyle(code).lineHeight);
    const top = parseFloat(getComputedStyle(code).paddingTop);
    bar.hidden = !line;
    if (line) {
      bar.style.top = `${top + (line.number - 1) * height}px`;
      bar.style.height = `${line.span * height}px`;
    }
    part(root, "values").replaceChildren(...state(found, place));
    back.disabled = place === 0;
    on.disabled = place === found.lines.length;
    slider.setAttribute("aria-valuetext", line ? `step ${place + 1} of ${found.lines.length}, line ${line.number}` : "the result");
  };
  slider.addEventListener("input", show);
  for (const button of [back, on]) {
    button.addEventListener("click", () => { slider.value = Number(slider.value) + Number(button.dataset.step); show(); });
  }
  stepper.hidden = false;
  show();
}

function state(found, place) {
  const latest = new Map();
  for (const line of found.lines.slice(0, place + 1)) {
    for (const value of line.values) {
      latest.delete(value.name);
      latest.set(value.name, value.html);
    }
  }
  const changed = new Set((found.lines[place]?.values ?? []).map((value) => value.name));
  const items = [...latest].reverse().map(([name, html]) => {
    const holder = document.createElement("div");
    if (changed.has(name)) holder.className = "changed";
    holder.append(pieces(html));
    return holder;
  });
  if (place < found.lines.length) return items;
  const result = document.createElement("div");
  result.className = "changed";
  result.append(pieces(found.result));
  if (found.cut) result.append("It went on; the rest is not shown.");
  return [result, ...items];
}

function quiz(root) {
  [...root.querySelectorAll("li")].forEach((choice, place) => {
    const button = choice.querySelector("button");
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-expanded") === "true") return;
      button.setAttribute("aria-expanded", "true");
      choice.classList.add("taken");
      choice.querySelector(".because").hidden = false;
      ask(`${API}/quiz/${root.dataset.name}`, { choice: place }).catch((problem) => trouble(root, problem));
    });
  });
}

function predict(root) {
  const form = root.querySelector("form");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      calm(root);
      const found = await ask(`${API}/predict/${root.dataset.name}`, { guess: new FormData(form).get("guess") });
      part(root, "answer").innerText = `It gives ${found.answer}. ${found.right ? "You were right." : "You guessed otherwise."}`;
      part(root, "after").hidden = false;
    } catch (problem) { trouble(root, problem); } finally { button.disabled = false; }
  });
}

// What is far below is not run before somebody comes near.
function whenNear(some, act) {
  const observer = new IntersectionObserver((seen) => {
    for (const one of seen.filter((entry) => entry.isIntersecting)) {
      observer.unobserve(one.target);
      act(one.target);
    }
  }, { rootMargin: "800px" });
  some.forEach((one) => observer.observe(one));
}

// Minutes read: the page is in front, and something was done on it lately.
function study() {
  let spent = 0;
  let active = Date.now();
  for (const kind of ["keydown", "pointermove", "scroll", "touchstart"]) {
    addEventListener(kind, () => { active = Date.now(); }, { passive: true });
  }
  const send = () => {
    if (spent < 30) return;
    const minutes = Math.min(spent / 60, 10);
    spent = 0;
    fetch(`${API}/study`, {
      method: "POST", keepalive: true, headers: { "Content-Type": "application/json" }, body: JSON.stringify({ minutes }),
    }).catch(() => { /* the studio is gone; the minutes are not that dear */ });
  };
  setInterval(() => {
    if (document.visibilityState === "visible" && Date.now() - active < 120_000) spent += 5;
    if (spent >= 60) send();
  }, 5000);
  addEventListener("pagehide", send);
}

mathematics(article);
article.querySelectorAll("[data-part=quiz]").forEach(quiz);
article.querySelectorAll("[data-part=predict]").forEach(predict);
whenNear([...article.querySelectorAll("[data-part=step], [data-part=trace]")], run);
whenNear([...article.querySelectorAll("figure[data-part=explore]")], (root) => new Explore(root).draw());
study();
