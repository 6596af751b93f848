// Curves of runs, drawn again while they grow; two on one picture to compare.

import { part } from "./asking.js";
import { Canvas } from "./charts.js";

const root = document.querySelector("[data-part=curves]");
const form = root.querySelector("form");
const canvas = new Canvas(part(root, "chart"));
const EVERY = 2000;
let drawn = "";

const curves = [...document.querySelectorAll("button[data-run]")].map((button) => ({
  run: button.dataset.run, stage: button.dataset.stage, name: `${button.dataset.run} / ${button.dataset.stage}`, button,
}));

function fill(select, names, chosen) {
  const current = chosen ?? select.value;
  select.replaceChildren(...names.map((name) => new Option(name || "nothing", name, false, name === current)));
}

async function read(name, quantity) {
  const curve = curves.find((one) => one.name === name);
  if (!curve) return null;
  const query = quantity ? `?quantity=${encodeURIComponent(quantity)}` : "";
  const response = await fetch(`/api/runs/${encodeURIComponent(curve.run)}/${encodeURIComponent(curve.stage)}${query}`);
  const found = await response.json();
  if (!response.ok) throw new Error(found.error);
  return { name, ...found };
}

function picture(some, quantity, isLog) {
  const values = some.flatMap(({ name, points }) => points.map(([step, value]) => ({ name, step, value })));
  const scale = isLog ? { type: "log" } : { zero: false };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    width: "container", height: 300, autosize: { type: "fit", contains: "padding" },
    data: { values },
    mark: { type: "line", strokeWidth: 1.8, point: values.length < 60, tooltip: true },
    encoding: {
      x: { field: "step", type: "quantitative", title: "step", axis: { grid: false } },
      y: { field: "value", type: "quantitative", title: quantity, scale },
      color: { field: "name", type: "nominal", title: null, legend: { orient: "top", labelLimit: 400 }, sort: some.map((one) => one.name) },
    },
  };
}

function words(some, quantity) {
  return some.map(({ name, points }) => {
    if (!points.length) return `${name} has not measured ${quantity || "anything"} yet.`;
    const [step, value] = points.at(-1);
    return `${name}: ${quantity} ${Number(value.toPrecision(4))} at step ${step}.`;
  }).join(" ");
}

async function draw() {
  try {
    const first = await read(form.first.value, form.quantity.value).catch(() => read(form.first.value, ""));
    if (!first) return;
    fill(form.quantity, first.quantities, first.quantity);
    const second = await read(form.second.value, first.quantity).catch((problem) => ({ name: form.second.value, points: [], problem }));
    const some = [first, second].filter(Boolean);
    part(root, "words").textContent = words(some, first.quantity);
    part(root, "trouble").hidden = true;
    const key = JSON.stringify([some.map((one) => [one.name, one.last_step, one.points.length]), first.quantity, form.log.checked]);
    if (key === drawn) return;
    drawn = key;
    await canvas.put(picture(some, first.quantity, form.log.checked && some.every((one) => one.points.every(([, value]) => value > 0))));
  } catch (problem) {
    part(root, "trouble").textContent = problem instanceof TypeError ? "The studio does not answer; start it again with `groundup learn`." : problem.message;
    part(root, "trouble").hidden = false;
  }
}

for (const curve of curves) {
  curve.button.setAttribute("aria-label", `Show the curve of ${curve.name}`);
  curve.button.addEventListener("click", () => {
    form.first.value = curve.name;
    draw();
    root.scrollIntoView({ block: "nearest" });
  });
}
const names = curves.map((one) => one.name);
fill(form.first, names, names[0]);
fill(form.second, ["", ...names], "");
form.addEventListener("change", draw);
root.hidden = !names.length;
draw();
setInterval(() => { if (document.visibilityState === "visible") draw(); }, EVERY);
