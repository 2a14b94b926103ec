// The dashboard as a C source: page.mjs OUT PAGE.html PAGE.css UPLOT-FOLDER SCRIPT.js...
// Style and scripts, the charts' library first, are put into the page; the policy names them by their hashes and forbids all else.
import {createHash} from "node:crypto";
import {readFileSync, writeFileSync} from "node:fs";

const [out, html, css, uplot, ...scripts] = process.argv.slice(2);
const read = path => readFileSync(path, "utf8");
const hash = text => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const style = read(`${uplot}/dist/uPlot.min.css`) + read(css);
const script = `"use strict";\n${read(`${uplot}/dist/uPlot.iife.min.js`)}\n(() => {\n${scripts.map(read).join("\n")}\n})();\n`;
if (/<\/(script|style)/i.test(style + script))
    throw new Error("a script or style would end the element that it is in");
const page = read(html).replace("/*style*/", () => style).replace("/*script*/", () => script);
const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; connect-src 'self'; img-src data:; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// Strings of C in short pieces, bytes outside ASCII as octal.
const literal = text => Array.from(Buffer.from(text).toString("latin1").matchAll(/[^\n]{0,200}(\n|$)|[^\n]{1,200}/g), m => m[0]).filter(Boolean)
    .map(piece => `    "${piece.replace(/[^ -~]|["\\?]/g, c => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`)}"`).join("\n");
writeFileSync(out, `/* Made by tools/page.mjs. */
#include "job/lab_page.h"

const char sp_lab_page[] =
${literal(page)};
const size_t sp_lab_page_len = sizeof(sp_lab_page) - 1;
const char sp_lab_page_policy[] =
${literal(policy)};
`);
