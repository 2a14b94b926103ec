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
//
// In C a word lies in a slot of 16, 32 or 64 bytes, the same for all words of a list, whose last byte is its length.
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
const BARE = /^[^",\\\x00-\x1f]+$/;
const TAME = /^[^"\\\x00-\x1f]+$/;

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
const slots = { 16: [], 32: [], 64: [] }; // C initialisers, by the size of the slot
let lists = '';
const same = new Map(); // lists of the same words share their slots

function literal(bytes) {
    let text = '';
    for (const byte of bytes) {
        const c = String.fromCharCode(byte);
        if (byte < 0x20 || byte > 0x7e) text += '\\' + byte.toString(8).padStart(3, '0');
        else text += c === '"' || c === '\\' || c === '?' ? '\\' + c : c;
    }
    return text;
}

for (const name of names) {
    const words = list(name).map((w) => Buffer.from(w, 'utf8'));
    const id = words.join('\n');
    if (!same.has(id)) {
        const longest = Math.max(...words.map((w) => w.length));
        const size = [16, 32, 64].find((s) => longest < s);
        if (!size) throw new Error(`list ${name} has words of more than 63 bytes; use under:64`);
        const every = (what) => words.every((w) => what.test(w.toString('utf8')));
        const care = every(PLAIN) ? 'SP_CARE_NOTHING' : every(BARE) ? 'SP_CARE_SQL' : every(TAME) ? 'SP_CARE_QUOTES' : 'SP_CARE_ESCAPES';
        same.set(id, `slots.of_${size}[${slots[size].length}].text, ${size}, ${words.length}, ${longest}, ${care}`);
        for (const w of words) slots[size].push(`{"${literal(w)}", ${w.length}}`);
    }
    lists += `    {"${name}", ${same.get(id)}},\n`;
}

const version = require('./package.json').version;
const count = Object.values(slots).reduce((n, s) => n + s.length, 0);
const member = (size) => `    struct {\n        char text[${size - 1}];\n        uint8_t len;\n    } of_${size}[${slots[size].length}];\n`;
const values = (size) => `    {\n        ${slots[size].join(',\n        ')},\n    },\n`;
writeFileSync(
    outPath,
    `/* Made by tools/words.mjs from tools/words.json and @faker-js/faker ${version} (MIT). ${names.length} lists, ${count} words. */
#include "gen/cell.h"

static const struct {
${[16, 32, 64].map(member).join('')}    char slack[SP_SLACK];
} slots __attribute__((aligned(64))) = {
${[16, 32, 64].map(values).join('')}    "",
};
const sp_words sp_words_all[] = {
${lists}};
const uint32_t sp_words_count = ${names.length};
`,
);
