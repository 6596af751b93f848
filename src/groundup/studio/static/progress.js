// Bringing progress in, and deleting it.

import { ask, part } from "./asking.js";

const file = document.getElementById("file");
file.addEventListener("change", async () => {
  const said = part(document, "imported");
  if (!file.files.length) return;
  said.textContent = "Reading…";
  try {
    const response = await fetch("/api/progress/import", { method: "POST", body: file.files[0] });
    const found = await response.json();
    if (!response.ok) throw new Error(found.error);
    const other = found.different ? ` ${found.different} of them are otherwise here, and stay so.` : "";
    said.textContent = `${found.added} facts came in; ${found.known} were here already.${other}`;
  } catch (problem) { said.textContent = problem.message; }
  file.value = "";
});

part(document, "delete").addEventListener("submit", async (event) => {
  event.preventDefault();
  const said = part(document, "deleted");
  try {
    const found = await ask("/api/progress/delete", { word: event.target.word.value });
    said.textContent = `${found.deleted} facts are deleted.`;
    event.target.reset();
  } catch (problem) { said.textContent = problem.message; }
});
