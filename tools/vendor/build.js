// Writes src/groundup/studio/static/vendor from node_modules: scripts, fonts, licences, hashes.
//
//   npm ci && npm run build
//
// The result is committed, so that nobody who installs groundup needs node or a network.

import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = join(HERE, "../../src/groundup/studio/static/vendor");
const PACKAGES = join(HERE, "node_modules");
const COPIED = {
  "katex/dist/katex.min.js": "katex/katex.min.js",
  "vega/build/vega.min.js": "vega/vega.min.js",
  "vega-lite/build/vega-lite.min.js": "vega/vega-lite.min.js",
  "vega-embed/build/vega-embed.min.js": "vega/vega-embed.min.js",
};
const COMMAND_LINE_ONLY = /^(commander|yargs|yargs-parser|y18n|cliui|escalade|get-caller-file|string-width|strip-ansi|wrap-ansi|ansi-.*|emoji-regex|get-east-asian-width|rw|iconv-lite|safer-buffer|@types\/.*|esbuild|@esbuild\/.*)$/;

const described = (name) => JSON.parse(readFileSync(join(PACKAGES, name, "package.json"), "utf8"));

function installed() {
  const found = [];
  for (const name of readdirSync(PACKAGES).sort()) {
    if (name.startsWith(".")) continue;
    const inner = name.startsWith("@") ? readdirSync(join(PACKAGES, name)).sort() : null;
    found.push(...(inner ? inner.map((one) => `${name}/${one}`) : [name]));
  }
  return found.filter((name) => !COMMAND_LINE_ONLY.test(name));
}

function katexStyle() {
  const all = readFileSync(join(PACKAGES, "katex/dist/katex.min.css"), "utf8");
  const old = /,url\([^)]+\.(?:woff|ttf)\) format\("(?:woff|truetype)"\)/g; // every browser reads woff2
  const kept = all.replace(old, "");
  if (/\.(woff|ttf)\b/.test(kept)) throw new Error("katex.min.css names a font that is not woff2");
  return kept;
}

function licences() {
  const texts = new Map();
  for (const name of installed()) {
    const file = readdirSync(join(PACKAGES, name)).find((one) => /^licen[cs]e/i.test(one));
    if (!file) throw new Error(`${name} comes without its licence`);
    const text = readFileSync(join(PACKAGES, name, file), "utf8").trim();
    texts.set(text, [...(texts.get(text) || []), `${name} ${described(name).version}`]);
  }
  const rule = "=".repeat(80);
  return [...texts].map(([text, names]) => `${rule}\n${names.join("\n")}\n${rule}\n\n${text}\n`).join("\n");
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((one) => {
    const path = join(folder, one.name);
    return one.isDirectory() ? filesUnder(path) : [path];
  });
}

function table() {
  const versions = installed().map((name) => `| ${name} | ${described(name).version} | ${described(name).license} |`);
  const hashes = filesUnder(OUT).map((path) => relative(OUT, path)).filter((name) => name !== "VENDOR.md").sort()
    .map((name) => {
      const bytes = readFileSync(join(OUT, name));
      return `| ${name} | ${bytes.length} | ${createHash("sha256").update(bytes).digest("hex")} |`;
    });
  return `# What the studio's pages load that is not ours

Written by \`tools/vendor/build.js\` from the packages in \`tools/vendor/package-lock.json\`; to take newer ones,
\`npm update\` there, \`npm run build\`, and look at the pages. Licences: \`LICENSES.txt\`.

| file | bytes | SHA-256 |
|---|---|---|
${hashes.join("\n")}

| package | version | licence |
|---|---|---|
${versions.join("\n")}
`;
}

rmSync(OUT, { recursive: true, force: true });
for (const folder of ["katex/fonts", "vega", "editor"]) mkdirSync(join(OUT, folder), { recursive: true });
for (const [from, to] of Object.entries(COPIED)) {
  const text = readFileSync(join(PACKAGES, from), "utf8");
  writeFileSync(join(OUT, to), text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"));
}
writeFileSync(join(OUT, "katex/katex.min.css"), katexStyle());
for (const name of readdirSync(join(PACKAGES, "katex/dist/fonts"))) {
  if (name.endsWith(".woff2")) copyFileSync(join(PACKAGES, "katex/dist/fonts", name), join(OUT, "katex/fonts", name));
}
await build({
  entryPoints: [join(HERE, "editor.js")], outfile: join(OUT, "editor/editor.min.js"),
  bundle: true, minify: true, format: "iife", globalName: "Editor", target: "es2020", legalComments: "none",
});
writeFileSync(join(OUT, "LICENSES.txt"), licences());
writeFileSync(join(OUT, "VENDOR.md"), table());
