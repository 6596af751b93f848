// Light or dark: what the system says, until the switch says otherwise. Runs before the page is drawn.
"use strict";
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = () => { try { return localStorage.getItem("groundup.theme"); } catch { return null; } };
  const keep = (name) => { try { localStorage.setItem("groundup.theme", name); } catch { /* for this page only */ } };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const chosen = kept();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;

  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const say = () => {
      const words = isDark() ? "Light theme" : "Dark theme";
      button.title = words;
      button.setAttribute("aria-label", words);
    };
    const changed = () => { say(); dispatchEvent(new Event("themechange")); };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      keep(root.dataset.theme);
      changed();
    });
    dark.addEventListener("change", changed);
    say();
  });
})();
