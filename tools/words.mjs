// words.mjs - writes the word lists as C: node words.mjs words.json FAKER_DIR OUT.c
//
// words.json says what each list is made of; the data package (@faker-js/faker, MIT) is only read, never run. The order of
// words is that of the sources, so the same inputs give the same file on every machine, and generated rows depend on it:
// changing a list changes the rows of every plan that uses it.
//
// A list is a piece, an array of pieces, or {"of": pieces, "make": "step step"}. A piece is one of
//   "a|b|c"         words written out
//   "@en.path"      everything at that path of a locale; * goes through all members, % takes their names
//   "=list"         another list
// Steps, in order: lower, title, letters (a-z only), nospace, first (of several words), single (drops those of several words),
// plain (drops those that need quoting), droplast (drops the last of several words), under:N (drops those of N bytes and more).
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve, join } from 'node:path';

const [specPath, fakerDir, outPath] = process.argv.slice(2);
if (!outPath) {
    console.error('usage: node words.mjs words.json FAKER_DIR OUT.c');
    process.exit(2);
}
const spec = JSON.parse(readFileSync(specPath, 'utf8'));
const require = createRequire(join(resolve(fakerDir), 'package.json'));
const { allLocales } = require('./dist/index.cjs');

const PLAIN = /^[A-Za-z0-9 \-_.:\/@+#]+$/;

function at(path) {
    let here = [allLocales];
    for (const step of path.split('.')) {
        if (step === '*') here = here.flatMap((x) => Object.values(x));
        else if (step === '%') here = here.flatMap((x) => Object.keys(x));
        else here = here.map((x) => x?.[step]);
        if (!here.length || here.some((x) => x === undefined)) throw new Error(`nothing at ${path}`);
    }
    here = here.flat();
    if (here.some((x) => typeof x !== 'string')) throw new Error(`not only text at ${path}`);
    return here;
}

const fold = (w) => w.normalize('NFD').replace(/[\u0300-\u036f]/g, '');
const steps = {
    lower: (w) => w.toLowerCase(),
    title: (w) => w.replace(/(^|[ \-])(\p{Ll})/gu, (_, gap, c) => gap + c.toUpperCase()),
    letters: (w) => fold(w).toLowerCase().replace(/[^a-z]/g, ''),
    nospace: (w) => w.replace(/ /g, ''),
    first: (w) => w.split(' ')[0],
    single: (w) => (/ /.test(w) ? '' : w),
    plain: (w) => (PLAIN.test(w) ? w : ''),
    droplast: (w) => w.replace(/ [^ ]*$/, ''),
};

const done = new Map();
const open = new Set();
function list(name) {
    if (done.has(name)) return done.get(name);
    const entry = spec[name];
    if (entry === undefined) throw new Error(`no list ${name}`);
    if (open.has(name)) throw new Error(`list ${name} is made of itself`);
    open.add(name);
    const { of, make = '' } = typeof entry === 'string' || Array.isArray(entry) ? { of: entry } : entry;
    let words = [of].flat().flatMap((piece) => {
        if (piece[0] === '@') return at(piece.slice(1));
        if (piece[0] === '=') return list(piece.slice(1));
        return piece.split('|');
    });
    for (const step of make.split(' ').filter(Boolean)) {
        const under = /^under:(\d+)$/.exec(step);
        if (under) words = words.filter((w) => Buffer.byteLength(w) < Number(under[1]));
        else if (steps[step]) words = words.map(steps[step]);
        else throw new Error(`list ${name}: no step ${step}`);
    }
    words = [...new Set(words.map((w) => w.trim()))].filter((w) => w && !/[\u0000-\u001f\u007f]/.test(w));
    if (!words.length) throw new Error(`list ${name} is empty`);
    done.set(name, words);
    open.delete(name);
    return words;
}

const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const names = Object.keys(spec).sort(byBytes);
const blob = [];
const offsets = [0];
let size = 0;
let lists = '';
const same = new Map(); // lists of the same words share their bytes
for (const name of names) {
    const words = list(name);
    const id = words.join('\n');
    const known = same.get(id);
    if (known) {
        lists += `    {"${name}", ${known}},\n`;
        continue;
    }
    const start = offsets.length - 1;
    let longest = 0;
    for (const word of words) {
        const bytes = Buffer.from(word, 'utf8');
        longest = Math.max(longest, bytes.length);
        blob.push(bytes);
        size += bytes.length;
        offsets.push(size);
    }
    const plain = words.every((w) => PLAIN.test(w));
    same.set(id, `text, offsets + ${start}, ${words.length}, ${longest}, ${plain}`);
    lists += `    {"${name}", ${same.get(id)}},\n`;
}

const text = Buffer.concat(blob);
let literal = '';
for (let i = 0; i < text.length; i += 96) {
    let line = '';
    for (const byte of text.subarray(i, i + 96)) {
        const c = String.fromCharCode(byte);
        if (byte < 0x20 || byte > 0x7e) line += '\\' + byte.toString(8).padStart(3, '0');
        else line += c === '"' || c === '\\' || c === '?' ? '\\' + c : c;
    }
    literal += `    "${line}"\n`;
}
let numbers = '';
for (let i = 0; i < offsets.length; i += 16) numbers += `    ${offsets.slice(i, i + 16).join(', ')},\n`;

const version = require('./package.json').version;
writeFileSync(
    outPath,
    `/* Made by tools/words.mjs from tools/words.json and @faker-js/faker ${version} (MIT). ` +
        `${names.length} lists, ${offsets.length - 1} words, ${size} bytes. */
#include "gen/cell.h"

static const char text[${size} + SP_SLACK] =
${literal};
static const uint32_t offsets[] = {
${numbers}};
const sp_words sp_words_all[] = {
${lists}};
const uint32_t sp_words_count = ${names.length};
`,
);
