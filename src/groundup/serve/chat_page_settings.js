// The settings: what can be set, the form for it, and what of it a request carries.

import { byId, make } from "./chat_page_elements.js";

const KEPT = "groundup.settings";
const KEY = "groundup.key";

/**
 * `first`: where the page begins. `off`: with this value the field is left out of the request.
 * Fields without a slider may be empty (null), and then are left out too.
 */
export const FIELDS = [
  { name: "temperature", label: "Temperature", help: "0 always takes the likeliest token.", min: 0, max: 2, step: 0.05, first: 0.7, slider: true },
  { name: "top_p", label: "Top-p", help: "Only the likeliest tokens that together have this share.", min: 0.05, max: 1, step: 0.05, first: 0.95, slider: true },
  { name: "min_p", label: "Min-p", help: "Only tokens with this share of the likeliest one's probability.", min: 0, max: 1, step: 0.01, first: 0, off: 0, slider: true },
  { name: "top_k", label: "Top-k", help: "Only so many of the likeliest tokens; 0: all.", min: 0, max: 100000, step: 1, first: 0, off: 0 },
  { name: "repetition_penalty", label: "Repetition penalty", help: "Above 1, what was said becomes less likely.", min: 0.5, max: 2, step: 0.05, first: 1, off: 1, slider: true },
  { name: "presence_penalty", label: "Presence penalty", help: "Taken once from the logit of a token that was said.", min: -2, max: 2, step: 0.1, first: 0, off: 0, slider: true },
  { name: "frequency_penalty", label: "Frequency penalty", help: "Taken from it each time it was said.", min: -2, max: 2, step: 0.1, first: 0, off: 0, slider: true },
  { name: "max_tokens", label: "Most tokens", help: "The longest answer; empty: as many as fit.", min: 1, max: 1000000, step: 1, first: null },
  { name: "seed", label: "Seed", help: "The same seed gives the same answer; empty: a new one each time.", min: 0, max: 2147483647, step: 1, first: null },
];

/** The value nearest to `value` that a field can have; null for an empty field that may be empty. */
export function fitted(field, value) {
  const number = typeof value === "number" ? value : Number.parseFloat(value);
  if (!Number.isFinite(number)) return field.first;
  const inside = Math.min(field.max, Math.max(field.min, number));
  return field.step === 1 ? Math.round(inside) : inside;
}

/** Settings, model, system prompt and key, kept in the browser; the key for the tab only. */
export class Settings {
  constructor(storage, session) {
    Object.assign(this, { storage, session });
    let kept = {};
    try {
      kept = JSON.parse(storage?.getItem(KEPT)) ?? {};
    } catch { /* damaged: begin anew */ }
    this.values = Object.fromEntries(FIELDS.map((field) => [field.name, fitted(field, kept.values?.[field.name])]));
    this.system = typeof kept.system === "string" ? kept.system : "";
    this.model = typeof kept.model === "string" ? kept.model : "";
    this.showTokens = kept.showTokens !== false;
    this.theme = ["light", "dark"].includes(kept.theme) ? kept.theme : "";
    this.typedKey = session?.getItem(KEY) ?? "";
  }

  get key() {
    return this.typedKey;
  }

  set key(key) {
    this.typedKey = key.trim();
    try {
      this.session?.setItem(KEY, this.typedKey);
    } catch { /* full or switched off: it lasts as long as the page */ }
  }

  save() {
    const { values, system, model, showTokens, theme } = this;
    try {
      this.storage?.setItem(KEPT, JSON.stringify({ values, system, model, showTokens, theme }));
    } catch { /* as above */ }
  }

  /** The body of a request for an answer to these messages. */
  body(messages) {
    const body = { model: this.model, messages, stream: true, stream_options: { include_usage: true }, logprobs: true, top_logprobs: 5 };
    for (const { name, off } of FIELDS) {
      const value = this.values[name];
      if (value !== null && value !== off) body[name] = value;
    }
    return body;
  }
}

/** Fills the settings panel and keeps it and the settings the same. Returns a function that draws it anew. */
export function settingsPanel(settings, { onKey }) {
  const draws = FIELDS.map((field) => fieldRow(settings, field));
  const system = byId("system");
  const key = byId("key");
  system.addEventListener("input", () => { settings.system = system.value; settings.save(); });
  key.addEventListener("change", () => { settings.key = key.value; onKey(); });
  byId("settings-form").addEventListener("submit", (event) => event.preventDefault());
  const draw = () => {
    draws.forEach((one) => one());
    system.value = settings.system;
    key.value = settings.key;
  };
  byId("reset").addEventListener("click", () => {
    for (const field of FIELDS) settings.values[field.name] = field.first;
    settings.save();
    draw();
  });
  draw();
  return draw;
}

function fieldRow(settings, field) {
  const { name, label, help, min, max, step } = field;
  const id = `field-${name}`;
  const number = make("input", { id, name, type: "number", min, max, step: step === 1 ? 1 : "any", placeholder: "auto", inputMode: step === 1 ? "numeric" : "decimal", aria: { describedby: `${id}-help` } });
  const slider = field.slider ? make("input", { type: "range", min, max, step, tabIndex: -1, aria: { hidden: "true" } }) : null;
  const draw = () => {
    const value = settings.values[name];
    number.value = value ?? "";
    if (!slider) return;
    slider.value = value;
    slider.style.setProperty("--filled", `${(100 * (value - min)) / (max - min)}%`);
  };
  const set = (value) => { settings.values[name] = fitted(field, value); settings.save(); draw(); };
  number.addEventListener("change", () => set(number.value));
  slider?.addEventListener("input", () => set(slider.value));
  byId("fields").append(make("div", { className: "field" },
    make("label", { htmlFor: id }, label), number, slider, make("p", { className: "help", id: `${id}-help` }, help)));
  return draw;
}
