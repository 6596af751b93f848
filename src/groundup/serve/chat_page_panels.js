// What stands around the conversation: the list of chats, panels that open, the theme, the key dialog.

import { byId, iconButton, make } from "./chat_page_elements.js";
import { titleOf } from "./chat_page_conversations.js";

const EXAMPLES = [
  "Why is the sky blue? Explain it to a ten-year-old.",
  "Write a short poem about rain on a tin roof.",
  "Write a Python function that counts the vowels in a text.",
  "Give me five names for a small bakery by the sea.",
];

/** The prompts of an empty conversation; a click sends one. */
export function examples(use) {
  byId("examples").append(...EXAMPLES.map((text) => {
    const button = make("button", { type: "button" }, text);
    button.addEventListener("click", () => use(text));
    return make("li", {}, button);
  }));
}

/** Returns a function that draws the list of kept conversations. */
export function chatList(shelf, { isCurrent, open, remove }) {
  return () => {
    byId("chat-list").replaceChildren(...shelf.all().map((one) => {
      const title = titleOf(one);
      const button = make("button", { type: "button", className: "chat", title }, title);
      if (isCurrent(one)) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => open(one));
      return make("li", {}, button, iconButton("delete", `Delete "${title}"`, () => remove(one)));
    }));
  };
}

/**
 * The two side panels. Where the window is wide the list of chats always stands there and the settings
 * stand beside the conversation; else each lies over it, and then the rest of the page is inert.
 */
export function panels() {
  const wide = matchMedia("(min-width: 900px)");
  const wider = matchMedia("(min-width: 1180px)");
  const panel = { chats: byId("chats"), settings: byId("settings") };
  const opener = { chats: byId("open-chats"), settings: byId("open-settings") };
  const isOpen = { chats: false, settings: false };
  const overlays = (name) => !(name === "chats" ? wide : wider).matches;
  const draw = () => {
    panel.chats.hidden = !wide.matches && !isOpen.chats;
    panel.settings.hidden = !isOpen.settings;
    const over = Object.keys(panel).find((name) => isOpen[name] && overlays(name));
    byId("scrim").hidden = !over;
    byId("main").inert = Boolean(over);
    panel.chats.inert = over === "settings";
    for (const name of Object.keys(panel)) opener[name].setAttribute("aria-expanded", String(isOpen[name]));
  };
  const set = (name, open) => {
    const was = isOpen[name];
    isOpen[name] = open;
    draw();
    if (open) panel[name].querySelector(name === "settings" ? "textarea" : "button.row").focus();
    else if (was) opener[name].focus();
  };
  const close = (name) => { if (isOpen[name]) set(name, false); };
  for (const name of Object.keys(panel)) {
    opener[name].addEventListener("click", () => set(name, !isOpen[name]));
    panel[name].querySelector("[data-close]").addEventListener("click", () => set(name, false));
    panel[name].addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !isOpen[name]) return;
      event.preventDefault();
      close(name);
    });
  }
  byId("scrim").addEventListener("click", () => Object.keys(panel).forEach(close));
  byId("chat-list").addEventListener("click", (event) => { if (event.target.closest(".chat") && overlays("chats")) close("chats"); });
  wide.addEventListener("change", draw);
  wider.addEventListener("change", draw);
  draw();
  return (name) => { if (overlays(name)) close(name); };
}

/** Light or dark: the system's, until the button is pressed. */
export function themeButton(settings) {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (settings.theme ? settings.theme === "dark" : system.matches);
  const draw = () => {
    if (settings.theme) root.dataset.theme = settings.theme;
    byId("theme").lastElementChild.textContent = isDark() ? "Light theme" : "Dark theme";
  };
  byId("theme").addEventListener("click", () => { settings.theme = isDark() ? "light" : "dark"; settings.save(); draw(); });
  system.addEventListener("change", draw);
  draw();
}

/** Asks for the API key; resolves to whether one was given. Asked twice at once, the second asks nothing. */
export function askForKey(settings, reason) {
  const dialog = byId("ask-key");
  if (dialog.open) return Promise.resolve(false);
  byId("ask-key-title").textContent = settings.key ? "The key was not accepted" : "This server wants a key";
  byId("ask-key-reason").textContent = `${reason} Whoever runs the server has one. It is kept for this tab only.`;
  byId("asked-key").value = "";
  byId("ask-key-later").onclick = () => dialog.close("later");
  dialog.returnValue = "";
  dialog.showModal();
  byId("asked-key").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "use" && byId("asked-key").value.trim() !== "";
      if (given) settings.key = byId("asked-key").value;
      resolve(given);
    }, { once: true });
  });
}

/** Saves data as a JSON file. */
export function download(data) {
  const file = new Blob([JSON.stringify(data, null, 2)], { type: "application/json" });
  const address = URL.createObjectURL(file);
  make("a", { href: address, download: `chat-${data.exported.slice(0, 19).replaceAll(":", "-")}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
