// locales.mjs - writes the word lists of locales: node locales.mjs locales.json FAKER_DIR OUTDIR CODE... for a file CODE.words each,
// or node locales.mjs locales.json FAKER_DIR names OUT.c CODE... for the table of their names in C
//
// The data package is only read. Its locales stand in for one another (de_AT, de, en): what is there is what the package itself would
// use. A file has only what differs from English; the rest is inside the program.
//
// A file of words is text: "spate words 1", a line that says where the words are from, and entries, each a line and the lines below
// it. "= name" is a list of words, one a line. "~ name" is a recipe as in src/gen/cell.h, an alternative a line; it names lists
// and recipes that stand above it, or lists that are inside the program.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve, join } from 'node:path';

const [specPath, fakerDir, target, ...rest] = process.argv.slice(2);
if (!rest.length) {
    console.error('usage: node locales.mjs locales.json FAKER_DIR OUTDIR CODE... | names OUT.c CODE...');
    process.exit(2);
}
const spec = JSON.parse(readFileSync(specPath, 'utf8'));
const require = createRequire(join(resolve(fakerDir), 'package.json'));
const { allFakers } = require('./dist/index.cjs');
const version = require('./package.json').version;
const english = allFakers.en.rawDefinitions;
const WORD_MAX = 255; // bytes: a slot of 256 with the length in its last

// ---- letters ----

// The package's own table from other scripts to Latin letters is not exported; it is read from where it is written.
function readLetters() {
    const dist = join(fakerDir, 'dist');
    for (const file of readdirSync(dist).filter((f) => f.endsWith('.cjs')).sort()) {
        const text = readFileSync(join(dist, file), 'utf8');
        if (!text.includes('["\\u0429","Sch"]')) continue;
        return new Map([...text.matchAll(/\["((?:\\u[0-9A-F]{4})+|[^"\\])","([A-Za-z' ]*)"\]/g)].map((m) => [JSON.parse(`"${m[1]}"`), m[2]]));
    }
    throw new Error('the package has no table of letters');
}
const table = new Map([...readLetters(), ...Object.entries(spec.letters)]);

function letters(word) {
    const composed = [...word.normalize('NFC')].map((c) => table.get(c) ?? c).join('');
    const folded = [...composed.normalize('NFKD')].map((c) => table.get(c) ?? c).join('');
    return folded.toLowerCase().replace(/[^a-z]/g, '');
}

// ---- words ----

const tidy = (w) => w.normalize('NFC').replace(/[\u200e\u200f\u202a-\u202e\ufeff]/g, '').replace(/\s+/g, ' ');
const clean = (w) => tidy(w).trim();
const good = (w) => w && Buffer.byteLength(w) <= WORD_MAX && !/[\u0000-\u001f\u007f{}]|^[=~] /.test(w);

function at(data, path) {
    let here = [data];
    for (const step of path.split('.')) {
        if (step === '*') here = here.flatMap((x) => Object.values(x ?? {}));
        else here = here.map((x) => x?.[step]);
    }
    return here.flat(2).filter((x) => typeof x === 'string');
}

function words(data, paths) {
    const found = paths.map((p) => at(data, p)).find((w) => w.length) ?? [];
    return [...new Set(found.map(clean))].filter(good);
}

// ---- a locale ----

class Locale {
    constructor(code) {
        this.code = code;
        this.data = allFakers[code].rawDefinitions;
        this.entries = [];
        this.known = new Set();
    }
    add(sign, name, lines) {
        if (!lines.length || this.known.has(name)) return;
        this.known.add(name);
        this.entries.push(`${sign} ${name}\n${lines.join('\n')}\n`);
    }
    // A list, unless it is what English has.
    list(name, paths) {
        const own = words(this.data, paths);
        if (own.length && own.join('\n') !== words(english, paths).join('\n')) this.add('=', name, own);
        return own;
    }
    // The list that a {{category.entry}} of the package's patterns stands for, under a name of ours.
    piece(path) {
        const name = spec.pieces[path] ?? path;
        if (this.known.has(name)) return name;
        const own = words(this.data, [`${path}.generic`, path]);
        if (!own.length) return null;
        if (spec.inside.includes(name) && own.join() === words(english, [`${path}.generic`]).join()) return name;
        this.add('=', name, own);
        return name;
    }
}

// ---- patterns ----

const run = (n, least) => `${least}${'0'.repeat(n - 1)}..${'9'.repeat(n)}`;
const signs = { '!': '2..9', '?': 'capital', '*': 'capital_or_digit' };

// The package's signs as ours. Digits in a row become one number, as long as it is short enough; least is what the first may be.
function signed(pattern, least = 0) {
    let n = 0;
    return pattern.replace(/#{1,9}|\[(\d+)-(\d+)\]|[!?*]/g, (sign, from, to) => {
        const piece = sign[0] === '#' ? run(sign.length, least) : from !== undefined ? `${from}..${to}` : signs[sign];
        return `{${piece}#${++n}}`;
    });
}

function formats(patterns, least = 0) {
    const seen = [...new Set(patterns.map(tidy))].filter((p) => p.trim() && !/[{}]|[a-z]{5}/i.test(p));
    return seen.map((p) => signed(p, least));
}

// Weights become repetition, sixteen lines at most.
function weighted(patterns) {
    const all = patterns.map((p) => (typeof p === 'string' ? { value: p, weight: 1 } : p));
    const sum = all.reduce((n, p) => n + p.weight, 0);
    const least = Math.min(...all.map((p) => p.weight));
    const scale = sum / least <= 16 ? 1 / least : 16 / sum;
    return all.flatMap((p) => Array(Math.max(1, Math.round(p.weight * scale))).fill(p.value));
}

// One of the package's patterns with our names; null if it needs what the locale does not have.
function translate(locale, pattern, named) {
    const seen = new Map();
    let known = true;
    const out = pattern.replace(/\{\{(.*?)\}\}/g, (_, path) => {
        const drawn = /^number\.int\(\{"max": (\d+), "min": (\d+)\}?\)$/.exec(path);
        const name = named[path] ?? (drawn ? `${drawn[2]}..${drawn[1]}` : locale.piece(path));
        if (!name) known = false;
        if (!name || name.startsWith('\0')) return name ? name.slice(1) : '';
        const nth = (seen.get(name) ?? 0) + 1;
        seen.set(name, nth);
        return nth > 1 ? `{${name}#${nth}}` : `{${name}}`;
    });
    return known ? out.replace(/ {2,}/g, ' ').trim() : null;
}

const plainOnes = (patterns) => {
    const bare = patterns.filter((p) => !/prefix|suffix/.test(p.value));
    return bare.length ? bare : patterns;
};

// ---- persons ----

function addNames(locale) {
    const { data } = locale;
    const names = {};
    for (const part of ['first_name', 'last_name', 'middle_name'])
        for (const sex of ['generic', 'female', 'male']) {
            const own = words(data, sex === 'generic' ? [`person.${part}.generic`, `person.${part}.*`] : [`person.${part}.${sex}`, `person.${part}.generic`]);
            names[`${part}_${sex}`] = own;
        }
    const differs = (list, path) => list.join('\n') !== words(english, [path]).join('\n');
    const own = differs(names.first_name_generic, 'person.first_name.generic') || differs(names.last_name_generic, 'person.last_name.generic');
    if (!own) return;
    // The same person's name in letters: by the same number of the list. Names that have none get a first name that has.
    const spare = words(english, ['person.first_name.generic']).map(letters);
    const inLetters = (list) => list.map((w, i) => letters(w) || spare[(i * 7) % spare.length]);
    const unique = (list) => [...new Set(list)];
    for (const part of ['first_name', 'last_name']) {
        locale.add('=', part, names[`${part}_generic`]);
        for (const sex of ['female', 'male']) {
            locale.add('=', `${part}_${sex}`, names[`${part}_${sex}`]);
            locale.add('=', `${part}_${sex}_letters`, inLetters(names[`${part}_${sex}`]));
        }
        locale.add('=', `${part}_lower`, unique(inLetters(names[`${part}_generic`])));
    }
    locale.add('=', 'last_name_plain', unique(inLetters(names.last_name_generic).map((w) => w[0].toUpperCase() + w.slice(1))));
    const twice = (data.person.last_name_pattern?.generic ?? []).sort((a, b) => b.weight - a.weight)[0]?.value ?? '{{person.last_name.generic}}';
    const order = [];
    for (const pattern of weighted(plainOnes(data.person.name)))
        for (const sex of ['female', 'male']) {
            if (/middleName/.test(pattern)) locale.add('=', `middle_name_${sex}`, names[`middle_name_${sex}`]);
            const last = twice.replaceAll('person.last_name.generic', `last_name_${sex}`).replace(/person\.last_name\.(fe)?male/g, `last_name_${sex}`);
            const sexed = { 'person.firstName': `first_name_${sex}`, 'person.middleName': `middle_name_${sex}`, [`last_name_${sex}`]: `last_name_${sex}` };
            const line = translate(locale, pattern.replaceAll('{{person.lastName}}', last).replace(/\{\{person\.(prefix|suffix)\}\}/g, ''), sexed);
            if (line) order.push(line);
        }
    locale.add('~', 'name', order);
    const plain = order.find((line) => /^\{(first|last)_name_female\}[^{]*\{(first|last)_name_female\}( \{[^}]*#2\})?$/.test(line));
    locale.add('~', 'full_name', [(plain ?? '{first_name} {last_name}').replace(/ \{[^}]*#2\}/, '').replaceAll('_female', '')]);
    for (const sex of ['female', 'male'])
        if (data.person.prefix && data.person.prefix !== english.person.prefix) {
            const own = words(data, [`person.prefix.${sex}`]);
            if (own.length && own.join() !== words(english, [`person.prefix.${sex}`]).join()) locale.add('=', `name_prefix_${sex}`, own);
        }
}

// ---- places ----

function addPlaces(locale) {
    const { data } = locale;
    const place = data.location ?? {};
    const same = (entry) => JSON.stringify(place[entry]) === JSON.stringify(english.location[entry]);
    const names = { 'person.firstName': 'first_name', 'person.lastName': 'last_name' };
    const recipe = (name, lines) => locale.add('~', name, lines.filter(Boolean));
    if (!locale.list('city', ['location.city_name']).length || same('city_name'))
        if (!same('city_pattern')) recipe('city', (place.city_pattern ?? []).map((p) => translate(locale, p, names)));
    if (!same('postcode')) recipe('zip', formats([place.postcode ?? []].flat()));
    const parts = ['street_pattern', 'street_name', 'street_suffix', 'street_prefix'];
    if (parts.every(same)) return;
    if (!same('street_name')) locale.list('street_name', ['location.street_name']);
    const street = (place.street_pattern ?? []).map((p) => translate(locale, p, names)).filter(Boolean);
    const number = formats([place.building_number ?? []].flat(), 1);
    if (number.length) locale.add('~', 'street_number', number);
    if (!street.length) return;
    const address = translate(locale, place.street_address?.normal ?? '{{location.buildingNumber}} {{location.street}}', {
        'location.street': '\0{street_line}', 'location.buildingNumber': 'street_number', 'location.secondaryAddress': '\0',
    });
    if (address) locale.add('~', 'street', street.map((line) => address.replace('{street_line}', line)));
}

function addPhones(locale) {
    const { data } = locale;
    if (JSON.stringify(data.phone_number) === JSON.stringify(english.phone_number)) return;
    const { national = [], human = [] } = data.phone_number?.format ?? {};
    const own = formats(national.length ? national : human);
    if (!own.length) return;
    locale.add('~', 'phone_formatted', own);
    locale.add('~', 'phone', [...new Set(formats((data.phone_number.format.international ?? []).length ? data.phone_number.format.international : national))]);
}

function addCompany(locale) {
    const { data } = locale;
    const own = data.company ?? {};
    const same = ['name_pattern', 'legal_entity_type'].every((e) => JSON.stringify(own[e]) === JSON.stringify(english.company[e]));
    locale.list('company_suffix', ['company.legal_entity_type']);
    if (same && !locale.known.has('last_name')) return;
    const lines = (own.name_pattern ?? []).map((p) => translate(locale, typeof p === 'string' ? p : p.value, {}));
    locale.add('~', 'company', lines.filter(Boolean));
}

function addLists(locale) {
    for (const [name, path] of Object.entries(spec.lists)) locale.list(name, [path].flat());
    const genders = words(locale.data, ['person.sex']); // women first
    if (genders.length === 2 && genders[0] !== 'female') locale.add('=', 'gender', spec.male_first.includes(genders[0]) ? genders.reverse() : genders);
    const suffixes = words(locale.data, ['internet.domain_suffix']).filter((w) => /^[a-z.]+$/.test(w));
    if (suffixes.join() !== words(english, ['internet.domain_suffix']).join()) locale.add('=', 'domain_suffix', suffixes);
    if (locale.known.has('noun') && locale.known.has('verb')) {
        const all = ['word.noun', 'word.verb', 'word.adjective', 'word.adverb'].flatMap((p) => words(locale.data, [p]));
        locale.add('=', 'word', [...new Set(all)]);
    }
}

function file(code) {
    const locale = new Locale(code);
    const capitals = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
    locale.add('=', 'capital', capitals);
    locale.add('=', 'capital_or_digit', [...capitals, ...'0123456789']);
    addNames(locale);
    addPlaces(locale);
    addPhones(locale);
    addCompany(locale);
    addLists(locale);
    return `spate words 1\n${code}, from @faker-js/faker ${version} (MIT)\n${locale.entries.join('')}`;
}

// ---- the whole ----

const quoted = (s) => JSON.stringify(s);
if (target === 'names') {
    const [out, ...codes] = rest;
    const rows = [...codes, 'en'].sort().map((c) => `    {${quoted(c)}, ${quoted(allFakers[c].rawDefinitions.metadata.title)}, ${quoted(spec.countries[c] ?? '')}},\n`);
    writeFileSync(out, `/* Made by tools/locales.mjs from @faker-js/faker ${version} (MIT). */
#include "gen/locale.h"

const sp_locale_name sp_locale_names[] = {
${rows.join('')}};
const uint32_t sp_locale_count = ${codes.length + 1};
`);
} else {
    for (const code of rest) writeFileSync(join(target, `${code}.words`), file(code));
}
