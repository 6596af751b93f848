// Making elements. Text goes in as text: nothing here, or on this page, ever parses markup from a string.

/** An element with properties, `dataset`, `style` and `aria` entries, and children (nodes or text). */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "aria") for (const [key, said] of Object.entries(value)) element.setAttribute(`aria-${key}`, said);
    else if (name === "role") element.setAttribute("role", value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** One of the page's drawn symbols, by its name. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#icon-${name}`);
  drawing.setAttribute("aria-hidden", "true");
  drawing.append(use);
  return drawing;
}

/** A small button that shows a symbol and says its name. */
export function iconButton(name, label, act) {
  const button = make("button", { type: "button", className: "icon", title: label, aria: { label } }, icon(name));
  button.addEventListener("click", act);
  return button;
}

export const byId = (id) => document.getElementById(id);

/** Says something to screen readers; nothing is seen. */
export function say(text) {
  byId("spoken").textContent = text;
}

let hiding;

/** A line at the foot of the page for some seconds, with at most one thing to do about it. */
export function toast(text, action = null) {
  const place = byId("toast");
  clearTimeout(hiding);
  const hide = () => { place.hidden = true; };
  place.replaceChildren(text);
  if (action) {
    const button = make("button", { type: "button", className: "pill" }, action.name);
    button.addEventListener("click", () => { hide(); action.act(); });
    place.append(button);
  }
  place.hidden = false;
  hiding = setTimeout(hide, action ? 8000 : 3000);
}

/** Puts text on the clipboard; also where the page came over plain HTTP from another machine. */
export async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch { /* not allowed: the old way below */ }
  }
  const area = make("textarea", { value: text, className: "unseen" });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

/** Lets a textarea be as high as its text; the style sheet bounds it. */
export function grow(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight}px`;
}
