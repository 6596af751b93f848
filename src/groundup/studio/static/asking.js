// Asking the studio, and small things every page's script needs.

export const nonce = document.querySelector("meta[name=csp-nonce]")?.content ?? "";

export class Refused extends Error {
  constructor(says, data) {
    super(says);
    this.data = data;
  }
}

// The answer's JSON. Throws Refused with the studio's own words, or with what to do when it is gone.
export async function ask(path, data = {}, { signal } = {}) {
  let response;
  try {
    response = await fetch(path, {
      method: "POST", signal,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(data),
    });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new Refused("The studio does not answer; start it again with `groundup learn`. Your text is still here.", {});
  }
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(found.error ?? `The studio answered ${response.status}.`, found);
  return found;
}

// HTML that the studio made from a template.
export function pieces(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content;
}

export function make(name, text = "", className = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

// What an element's data-part names are.
export const part = (root, name) => root.querySelector(`[data-part="${name}"]`);

// Asks yes or no in the page's own dialog.
export function agrees(dialog, question) {
  part(dialog, "question").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
