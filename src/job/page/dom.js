// dom.js - elements made of data, and put in the place of those that are there without disturbing what has not changed.

/** h("p", {class: "soft"}, "text", h("b", {}, "more")); what is null or false is left out. */
function h(tag, attributes, ...children) {
    const svg = tag === "svg" || tag === "path";
    const e = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
        if (value !== null && value !== false)
            e.setAttribute(name, value === true ? "" : value);
    for (const child of children.flat(Infinity))
        if (child !== null && child !== undefined && child !== false)
            e.append(child);
    return e;
}

function sameKind(a, b) {
    return a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

/** Makes what is in old like what is in fresh. Nodes that stay keep the focus, the selection and where they are scrolled to. */
function morph(old, fresh) {
    if (old.nodeType === Node.TEXT_NODE) {
        if (old.data !== fresh.data)
            old.data = fresh.data;
        return;
    }
    for (const {name} of [...old.attributes])
        if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) // whoever opened it closes it
            old.removeAttribute(name);
    for (const {name, value} of fresh.attributes)
        if (old.getAttribute(name) !== value)
            old.setAttribute(name, value);
    const were = [...old.childNodes], are = [...fresh.childNodes];
    are.forEach((child, i) => {
        if (i >= were.length)
            old.append(child);
        else if (sameKind(were[i], child))
            morph(were[i], child);
        else
            were[i].replaceWith(child);
    });
    were.slice(are.length).forEach(child => child.remove());
}

/** Scrolls by itself, also by the keyboard, where it is wider than the page. */
function wide(label, table) {
    return h("div", {class: "wide", tabindex: "0", role: "group", "aria-label": label}, table);
}

function show(id, ...children) {
    const old = document.getElementById(id), fresh = old.cloneNode(false);
    fresh.append(...children.flat(Infinity).filter(child => child));
    morph(old, fresh);
}

/** The options of a select; what was chosen stays chosen as long as it is there. */
function fillSelect(select, names) {
    const now = [...select.options].map(option => option.value);
    if (now.join("\n") === names.join("\n"))
        return;
    const chosen = select.value;
    select.replaceChildren(...names.map(name => h("option", {value: name}, name || "the last one asked")));
    if (names.includes(chosen))
        select.value = chosen;
}

// ---- words for numbers

const whole = new Intl.NumberFormat("en");
const count = n => whole.format(Math.round(n));
const digits = n => n === 0 || n >= 100 ? count(n) : n >= 10 ? n.toFixed(1) : n >= 1 ? n.toFixed(2) : n.toFixed(3);
const ms = n => `${digits(n)} ms`;
const percent = share => `${Math.floor(share * 100)} %`;

function bytes(n) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    for (; n >= 1000 && unit < units.length - 1; unit++)
        n /= 1000;
    return `${unit ? digits(n) : count(n)} ${units[unit]}`;
}

function span(seconds) {
    if (seconds < 60)
        return `${Math.max(0, Math.round(seconds))} s`;
    return seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function moment(us) {
    const at = new Date(us / 1000), day = at.toDateString() === new Date().toDateString();
    return (day ? "" : `${at.toLocaleDateString()} `) + at.toLocaleTimeString();
}
