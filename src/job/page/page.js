// page.js - asks for the lab's state once a second and shows it; what a section shows follows from the state alone.

const STEP_MS = 1000, PATIENCE_MS = 5000, HISTORY = 90, LOADS = 6, CHOSEN_MAX = 4, RECENT_US = 600e6;
const history = new Map();  // of each server: {clock, transactions, rates: [...]}
const trials = new Map();   // by name: {stamp, trial}
const chosen = new Set();   // trials that are compared
let choosing = false;       // whether somebody has chosen; otherwise it is the last two

// ---- asking

function showContact(text, tone) {
    show("contact", h("span", {class: `state ${tone}`}, text));
}

/** What is there, as data; null when it could not be had, which is said. */
async function get(path) {
    try {
        const answer = await fetch(path, {signal: AbortSignal.timeout(PATIENCE_MS)});
        if (answer.ok)
            return await answer.json();
        if (answer.status === 403)
            showContact("this address is no longer valid: open the one that 'spate lab serve' has printed", "bad");
    } catch { // nobody answers
        showContact("no contact with 'spate lab serve'; what is shown is old", "bad");
    }
    return null;
}

// ---- doing, where that is allowed

const DOES = {up: "starting", down: "stopping"}, DID = {up: "started", down: "stopped"};

/** A button that asks for what it says; null where the page may only look. */
function button(state, what, ...text) {
    return state.actions ? h("button", {type: "button", "data-act": what, disabled: Boolean(state.act?.busy) && what !== "stop"}, ...text) : null;
}

function showAct(state) {
    const a = state.act?.server ? state.act : null, bench = state.act?.error ? state.act : null;
    document.getElementById("act").hidden = !(a || bench);
    show("act", a && !a.error ? `${a.server}: ${(a.busy ? DOES : DID)[a.what]}` : null,
        state.act?.error ? h("span", {class: "bad"}, state.act.error) : null);
}

async function ask(what) {
    const answer = await fetch(`act/${what}`, {method: "POST"}).catch(() => null);
    if (answer?.ok)
        document.querySelectorAll("[data-act]").forEach(b => b.disabled = b.dataset.act !== "stop"); // until the next look
}

// ---- servers

const SAID = {up: ["up", "good"], down: ["down", "bad"], damaged: ["damaged", "bad"], unreachable: ["no answer", "bad"], asking: ["asking", "warn"]};

function noteRates(servers) {
    for (const s of servers) {
        const f = s.facts, before = history.get(s.name);
        if (!f) {
            history.delete(s.name);
        } else if (!before || f.transactions < before.transactions) {
            history.set(s.name, {clock: f.clock_us, transactions: f.transactions, rates: []});
        } else if (f.clock_us > before.clock) {
            const rate = (f.transactions - before.transactions) * 1e6 / (f.clock_us - before.clock);
            history.set(s.name, {clock: f.clock_us, transactions: f.transactions, rates: [...before.rates, rate].slice(-HISTORY)});
        }
    }
}

function spark(rates) {
    if (rates.length < 2)
        return null;
    const most = Math.max(...rates, 1);
    const points = rates.map((r, i) => `${(100 - (rates.length - 1 - i) * 100 / (HISTORY - 1)).toFixed(1)} ${(27 - 25 * r / most).toFixed(1)}`);
    return h("svg", {class: "spark", viewBox: "0 0 100 28", preserveAspectRatio: "none", "aria-hidden": "true"}, h("path", {d: `M${points.join("L")}`}));
}

const fact = (name, ...value) => [h("dt", {}, name), h("dd", {}, ...value)];

function serverCard(state, s) {
    const [word, tone] = SAID[s.state] ?? [s.state, "warn"], f = s.facts, rates = history.get(s.name)?.rates ?? [];
    return h("li", {class: "card", id: `server-${s.name}`},
        h("header", {}, h("h3", {}, s.name), h("span", {class: `state ${tone}`}, word)),
        h("dl", {},
            fact("role", s.role + (s.of ? ` of ${s.of}` : "") + (s.attached ? ", attached" : "")),
            s.port ? fact("port", String(s.port)) : null,
            s.pid ? fact("process", String(s.pid)) : null,
            s.cpu ? fact("may use", `${s.cpu} processors`) : null,
            f && s.of ? fact("behind", ms(f.behind_ms ?? 0)) : null,
            f ? [fact("PostgreSQL", f.version), fact("size", bytes(f.bytes)), fact("clients", `${f.clients}, ${f.active} active`),
                f.prepared ? fact("in doubt", h("span", {class: "bad"}, `${f.prepared} prepared`)) : null,
                fact("transactions/s", rates.length ? count(rates.at(-1)) : "-")] : null),
        f ? spark(rates) : null,
        s.error && s.state !== "down" ? h("p", {class: "soft"}, s.error) : null,
        s.state === "down" && !state.actions ? h("p", {class: "soft hint"}, h("code", {}, `spate lab up ${s.name}`), " starts it") : null,
        s.attached ? null : s.state === "down" ? button(state, `up/${s.name}`, `Start ${s.name}`)
            : s.state === "damaged" ? null : button(state, `down/${s.name}`, `Stop ${s.name}`));
}

function daemonCard(state, d) {
    return h("li", {class: "card", id: `server-${d.name}`},
        h("header", {}, h("h3", {}, d.name), h("span", {class: `state ${d.pid ? "good" : "bad"}`}, d.pid ? "up" : "down")),
        h("dl", {}, d.port ? fact("port", String(d.port)) : null, d.pid ? fact("process", String(d.pid)) : null,
            d.size ? fact("connections", `${d.size} to each server`) : null, d.bytes ? fact("holds", bytes(d.bytes)) : null),
        d.pid ? button(state, `down/${d.name}`, `Stop ${d.name}`) : button(state, `up/${d.name}`, `Start ${d.name}`));
}

function showServers(state) {
    const up = state.servers.filter(s => s.state === "up").length;
    show("server-list",
        h("p", {class: "soft"}, `${up} of ${state.servers.length} are up. Transactions are as PostgreSQL counts them, with the few that looking takes.`),
        h("ul", {class: "cards"}, state.servers.map(s => serverCard(state, s)), state.daemons.map(d => daemonCard(state, d))));
}

// ---- rows

function tablesOf(state) {
    const tables = new Map();
    for (const s of state.servers)
        for (const t of s.tables ?? []) {
            if (!tables.has(t.name))
                tables.set(t.name, new Map());
            tables.get(t.name).set(s.name, t);
        }
    for (const name of Object.keys(state.lab.keys))
        if (!tables.has(name))
            tables.set(name, new Map());
    return tables;
}

const rowsOf = t => (t.exact ? "" : "about ") + count(t.rows);

function skewOf(shards, parts) {
    const all = shards.map(s => parts.get(s.name)?.rows), sum = all.reduce((a, b) => a + b, 0);
    return all.includes(undefined) || sum === 0 ? null : Math.max(...all) * all.length / sum;
}

function placed(key) {
    return key === undefined ? "not distributed" : key === null ? "copied to every shard" : `by ${key}`;
}

function tableCard(state, name, parts) {
    const shards = state.servers.filter(s => s.role === "shard"), on = shards.filter(s => parts.has(s.name)), main = parts.get(state.servers[0].name);
    const key = state.lab.keys[name], most = Math.max(1, ...on.map(s => parts.get(s.name).rows)), skew = skewOf(shards, parts);
    const sum = on.reduce((a, s) => a + parts.get(s.name).rows, 0);
    return h("li", {class: "card", id: `table-${name}`},
        h("header", {}, h("h3", {}, name), typeof key === "string" && skew !== null &&
            h("span", {class: skew > 1.2 ? "warn" : "soft", title: "rows of the fullest shard beside the mean"}, `skew ${skew.toFixed(2)}x`)),
        h("p", {class: "soft"}, placed(key), on.length && typeof key === "string" ? `; ${count(sum)} rows on ${on.length < shards.length ? `the ${on.length} shards that answer` : "shards"}` : "",
            on.length && typeof key === "string" && state.move?.open ? ", those that move counted twice" : "",
            main ? `; ${rowsOf(main)} on main` : ""),
        on.length ? h("div", {class: "bars"}, shards.map(s => {
            const t = parts.get(s.name);
            return [h("span", {}, s.name), h("progress", {max: most, value: t ? t.rows : 0, "aria-label": `${name} on ${s.name}`}),
                h("span", {class: t ? null : "soft"}, t ? rowsOf(t) : s.state === "up" ? "none" : "unknown")];
        })) : null);
}

function showRows(state) {
    const tables = [...tablesOf(state)];
    show("row-list", tables.length ? h("ul", {class: "cards"}, tables.map(([name, parts]) => tableCard(state, name, parts)))
        : state.servers.some(s => s.state === "up")
            ? h("p", {class: "empty"}, "There are no tables yet: ", h("code", {}, "spate lab distribute PLAN"), " makes rows on the shards.")
            : h("p", {class: "empty"}, "No server answers, so nobody knows."));
}

// ---- slots

const SLOT_COLUMNS = 80, HEATS = 6, HOTTEST = 5;

/** Of all tables together: rows of each slot, and how many more a second it gets; null where nothing is placed by slots. */
function slotsOf(state) {
    const owners = state.lab.owners, tables = state.servers.filter(s => s.role === "shard").flatMap(s => s.tables ?? []).filter(t => t.slots);
    if (!owners || !tables.length)
        return null;
    const rows = owners.map((_, slot) => tables.reduce((sum, t) => sum + t.slots[slot], 0)), gets = owners.map(() => 0);
    for (const t of tables)
        for (const [slot, more] of t.got ?? [])
            gets[slot] += more / t.got_s;
    return {owners, rows, gets};
}

/** A square for each slot in its shard's colour, the stronger the more it has. */
function heatMap(label, owners, values) {
    const most = Math.max(...values), paths = new Map();
    values.forEach((v, slot) => {
        const heat = most ? Math.ceil(HEATS * v / most) : 0, key = `${owners[slot] % COLOURS} ${heat}`;
        paths.set(key, `${paths.get(key) ?? ""}M${slot % SLOT_COLUMNS} ${Math.floor(slot / SLOT_COLUMNS)}h.92v.92h-.92z`);
    });
    return h("svg", {class: "heat", viewBox: `-.2 -.2 ${SLOT_COLUMNS + 0.3} ${values.length / SLOT_COLUMNS + 0.3}`, role: "img", "aria-label": label},
        [...paths].filter(([key]) => !key.endsWith(" 0")).sort().map(([key, d]) => {
            const [shard, heat] = key.split(" ");
            return h("path", {class: `f${shard}`, "fill-opacity": (heat / HEATS).toFixed(2), d});
        }));
}

function slotCard(id, name, owners, values, unit, nothing) {
    const sum = values.reduce((a, b) => a + b, 0), mean = sum / values.length;
    const hottest = [...values.keys()].filter(slot => values[slot] > 0).sort((a, b) => values[b] - values[a]).slice(0, HOTTEST);
    return h("li", {class: "card", id},
        h("header", {}, h("h3", {}, name), sum ? h("span", {class: "soft"}, `hottest ${digits(values[hottest[0]] / mean)}x the mean`) : null),
        sum ? [heatMap(`${name}, of ${values.length} slots`, owners, values),
            wide(`${name}: the hottest slots`, h("table", {}, h("thead", {}, h("tr", {}, h("th", {scope: "col", class: "left"}, "slot"),
                h("th", {scope: "col", class: "left"}, "on"), [unit, "beside the mean"].map(n => h("th", {scope: "col"}, n)))),
            h("tbody", {}, hottest.map(slot => h("tr", {}, h("th", {scope: "row", class: "left"}, String(slot)),
                h("td", {class: "left"}, h("span", {class: `key k${owners[slot] % COLOURS}`}), `shard${owners[slot]}`), h("td", {}, count(values[slot])),
                h("td", {}, `${digits(values[slot] / mean)}x`))))))]
            : h("p", {class: "soft"}, nothing));
}

function showSlots(state) {
    const s = slotsOf(state);
    show("slot-list", s ? [h("p", {class: "soft"}, `Rows of all placed tables by the slot of their key${state.move?.open ? ", those that move counted twice" : ""}. `,
        [...new Set(s.owners)].sort((a, b) => a - b).map(shard => [h("span", {class: `key k${shard % COLOURS}`}), `shard${shard} `])),
    h("ul", {class: "cards halves"}, slotCard("slots-held", "Rows held", s.owners, s.rows, "rows", "There are no rows."),
        slotCard("slots-got", "Rows received a second", s.owners, s.gets, "rows/s", "None, between the last two counts."))]
        : h("p", {class: "empty"}, state.lab.owners ? "No shard has counted its rows by slots: there are none, they are too many for that, or no shard answers."
            : `Placement by ${state.lab.placement} has no slots.`));
}

// ---- statements

/** What asks for the same on several servers is one line. */
function statementsOf(state) {
    const all = new Map();
    for (const s of state.servers)
        for (const one of s.statements ?? []) {
            const sum = all.get(one.query) ?? {query: one.query, calls: 0, ms: 0, rows: 0, on: []};
            all.set(one.query, {...sum, calls: sum.calls + one.calls, ms: sum.ms + one.ms, rows: sum.rows + one.rows, on: [...sum.on, s.name]});
        }
    return [...all.values()].sort((a, b) => b.ms - a.ms).slice(0, 10);
}

function showStatements(state) {
    const top = statementsOf(state), sum = top.reduce((a, one) => a + one.ms, 0);
    show("statement-list", top.length ? tableWith("statements that took most time", [["statement", 1], ["on", 1], ["calls"], ["time"], ["of these"], ["a call"], ["rows a call"]],
        top.map(one => h("tr", {}, h("td", {class: "left sql"}, one.query), h("td", {class: "left"}, one.on.length > 3 ? `${one.on.length} servers` : one.on.join(", ")),
            h("td", {}, count(one.calls)), h("td", {}, ms(one.ms)), h("td", {}, percent(one.ms / sum)), h("td", {}, ms(one.ms / one.calls)), h("td", {}, digits(one.rows / one.calls)))))
        : h("p", {class: "empty"}, state.servers.some(s => s.statements) ? "Nothing has been asked yet."
            : ["Servers count statements with ", h("code", {}, "shared_preload_libraries: pg_stat_statements"), " among the settings of lab.yaml, and ",
                h("code", {}, "CREATE EXTENSION pg_stat_statements"), " on each of them."]));
}

// ---- work

const WORK = {running: "good", paused: "warn", failed: "bad", interrupted: "warn", done: "soft"};

function bar(label, share) {
    return share >= 0 ? h("progress", {max: 1, value: share, "aria-label": label}) : h("progress", {"aria-label": label});
}

function workCard(state) {
    const w = state.work;
    if (!w || (!state.working && state.now_us - w.seen_us > RECENT_US))
        return null;
    const now = w.state === "running" && !state.working ? "interrupted" : w.state, took = ((state.working ? state.now_us : w.seen_us) - w.began_us) / 1e6;
    return h("li", {class: "card", id: "work-now"},
        h("header", {}, h("h3", {}, w.kind), h("span", {class: `state ${WORK[now] ?? ""}`}, now)),
        h("p", {class: "soft"}, `since ${moment(w.began_us)}; ${span(took)}`),
        w.error ? h("p", {class: "bad"}, w.error) : null,
        h("div", {class: "bars"}, w.parts.map(p => [h("span", {}, p.name), bar(`${w.kind}: ${p.name}`, p.all ? p.done / p.all : 0),
            h("span", {}, count(p.done))])));
}

// Phases of a move on its way; what is rolled back has no share.
const PHASES = ["copying", "following", "switching", "switched", "committing", "committed"];

function moveCard(state) {
    const m = state.move, last = m?.steps.at(-1);
    if (!m || !last || (!m.open && state.now_us - last.at_us > RECENT_US))
        return null;
    const share = PHASES.indexOf(m.phase) / (PHASES.length - 1), stays = m.open && !state.working;
    return h("li", {class: "card", id: "work-move"},
        h("header", {}, h("h3", {}, "rows move between shards"), h("span", {class: `state ${m.open ? stays ? "warn" : "good" : "soft"}`}, m.phase)),
        share >= 0 ? h("div", {class: "bars"}, h("span", {}, "phase"), bar("phases of the move", share), h("span", {}, `${Math.max(0, PHASES.indexOf(m.phase))} of 5`)) : null,
        stays ? h("p", {class: "hint"}, m.phase === "switched"
            ? ["It can be ended by ", h("code", {}, "spate lab reshard --commit"), " or ", h("code", {}, "--rollback"), "."]
            : "Nobody is at work on it: the same command goes on with it.") : null,
        h("div", {class: "wide", tabindex: "0", role: "group", "aria-label": "steps that are done"}, h("table", {}, h("tbody", {}, m.steps.map(step =>
            h("tr", {}, h("th", {scope: "row", class: "left"}, step.what), h("td", {class: "left"}, step.step), h("td", {}, step.rows ? count(step.rows) : "")))))));
}

function jobCard(job) {
    return h("li", {class: "card", id: `job-${job.name}`},
        h("header", {}, h("h3", {}, job.name), h("span", {class: `state ${WORK[job.state] ?? ""}`}, job.state)),
        h("p", {class: "soft"}, `${job.kind}, ${job.source} to ${job.target}`),
        job.error ? h("p", {class: "bad"}, job.error) : null,
        h("div", {class: "bars"}, h("span", {}, job.share >= 0 ? percent(job.share) : "rows"), bar(job.name, job.share), h("span", {}, count(job.rows))),
        job.state === "running" ? h("p", {class: "soft"}, `${count(job.rate)} rows/s`) : null);
}

function showWork(state) {
    const order = ["running", "failed", "paused", "done"];
    const jobs = [...state.jobs].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || b.seen_us - a.seen_us);
    const cards = [workCard(state), moveCard(state), ...jobs.map(jobCard)].filter(Boolean);
    show("work-list", cards.length ? h("ul", {class: "cards broad"}, cards) : h("p", {class: "empty"}, "Nothing is at work on this lab, and no job is remembered."));
}

// ---- benches

async function loadTrials(state) {
    for (const name of trials.keys())
        if (!state.trials.some(t => t.name === name))
            trials.delete(name);
    const wanted = state.trials.filter(t => trials.get(t.name)?.stamp !== t.stamp).reverse().slice(0, LOADS);
    await Promise.all(wanted.map(async t => {
        const trial = await get(`trials/${t.name}`);
        if (trial)
            trials.set(t.name, {stamp: t.stamp, trial});
    }));
}

const usersOf = measures => [...new Set(measures.map(m => m.users))].join(" and ");
const asked = (t, measures) => `${usersOf(measures)} users, ${t.rate ? `${count(t.rate)} questions a second due` : "each asks again once answered"}`;

/** The answers of each moment as [seconds, answers a second]. */
function ratesOf(m) {
    let before = 0;
    return m.series.flatMap(([at, answers]) => {
        const point = at - before > 0.05 ? [[at, answers / (at - before)]] : []; // of too short a time, a rate says nothing
        before = at;
        return point;
    });
}

const latencyOf = (m, column) => m.series.filter(e => e[1] > 0).map(e => [e[0], e[column]]);
const targetsOf = measures => [...new Set(measures.map(m => m.on))];

function benchTile(m, i) {
    const rates = ratesOf(m), last = m.series.at(-1), over = m.rate !== undefined, errors = m.series.reduce((sum, e) => sum + e[4], 0);
    const at = over ? new Map(m.curve) : null;
    return h("li", {class: "card", id: `tile-${m.on.replace(/\W+/g, "-")}`},
        h("header", {}, h("h3", {}, h("span", {class: `key k${i}`}), m.on), h("span", {class: `state ${over ? "soft" : "good"}`}, over ? "measured" : "running")),
        h("p", {class: "big"}, over ? count(m.rate) : rates.length ? count(rates.at(-1)[1]) : "-", h("small", {class: "soft"}, " answers/s")),
        last ? h("dl", {}, fact("p50", ms(over ? at.get(0.5) : last[2])), fact("p99", ms(over ? at.get(0.99) : last[3])),
            fact("errors", h("span", {class: errors ? "bad" : null}, count(errors)))) : null,
        m.error ? h("p", {class: "bad"}, m.error) : null);
}

function drawBench(measures, targets) {
    const time = {x: {range: (u, low, high) => [0, high]}, xLabel: "s", xValue: (u, v) => v === null ? "-" : `${v.toFixed(2)} s`, xValues: numbers};
    draw("chart-rate", {...time, lines: measures.map(m => ({label: m.on, colour: targets.indexOf(m.on), points: ratesOf(m)}))});
    draw("chart-latency", {...time, log: true, lines: measures.flatMap(m => [
        {label: `${m.on} p50`, colour: targets.indexOf(m.on), thin: true, points: latencyOf(m, 2)},
        {label: `${m.on} p99`, colour: targets.indexOf(m.on), points: latencyOf(m, 3)}])});
}

function showBench(state) {
    const listed = state.trials.findLast(t => t.state === "running" && trials.has(t.name)) ?? state.trials.findLast(t => trials.has(t.name));
    const trial = listed && trials.get(listed.name).trial, controls = document.getElementById("bench-controls");
    controls.hidden = !trial?.measures.length;
    const runs = state.act?.busy && state.act.what === "bench", start = runs ? button(state, "stop", "Stop the bench") : button(state, "bench", "Start a bench");
    if (!trial) {
        show("bench-head", start, h("p", {class: "empty"}, "No bench has run in this lab yet: ", h("code", {}, "spate lab bench"), " asks main and the shards the same questions."));
        show("bench-tiles");
        drawBench([], []);
        return;
    }
    const select = document.getElementById("bench-query");
    fillSelect(select, ["", ...new Set(trial.measures.map(m => m.query))]);
    const query = select.value || trial.measures.at(-1)?.query, measures = trial.measures.filter(m => m.query === query), targets = targetsOf(measures);
    const how = listed.state === "running" ? `Running since ${moment(trial.began_us)}` : `The last one, ${moment(trial.began_us)}, ${listed.state}`;
    show("bench-head", start, h("p", {class: "soft"}, `${how}: ${asked(trial, measures)}, ${trial.seconds} s for each query and target; ${trial.shards} shards. `,
        query ? h("b", {}, query) : null), trial.error ? h("p", {class: "bad"}, trial.error) : null);
    show("bench-tiles", h("ul", {class: "cards"}, measures.map(m => benchTile(m, targets.indexOf(m.on)))));
    drawBench(measures, targets);
}

// ---- benches compared

function chooseTrials(state) {
    const whole = state.trials.filter(t => t.state !== "running" && trials.get(t.name)?.trial.measures.some(m => m.rate !== undefined));
    if (!choosing) {
        chosen.clear();
        whole.slice(-2).forEach(t => chosen.add(t.name));
    }
    return whole;
}

function trialRow(listed) {
    const t = trials.get(listed.name).trial;
    return h("tr", {id: `trial-${listed.name}`},
        h("td", {}, h("input", {type: "checkbox", value: listed.name, "aria-label": `compare ${moment(t.began_us)}`})),
        h("th", {scope: "row", class: "left"}, moment(t.began_us)), h("td", {class: "left"}, [...new Set(t.measures.map(m => m.query))].join(", ")),
        h("td", {class: "left"}, asked(t, t.measures)), h("td", {}, String(t.shards)), h("td", {}, `${t.seconds} s`),
        h("td", {class: listed.state === "done" ? null : "warn"}, listed.state));
}

function comparedRows(query) {
    return [...chosen].sort().flatMap((name, i) => trials.get(name).trial.measures.filter(m => m.query === query && m.rate !== undefined)
        .map(m => ({m, i, when: moment(trials.get(name).trial.began_us)})));
}

const timesOf = (m, other) => other?.rate ? `${(m.rate / other.rate).toFixed(2)}x` : "-";

/** A rate stands beside the first target's of the same bench, and beside the same target's of the first bench. */
function comparedTable(rows) {
    const most = Math.max(...rows.map(r => r.m.rate), 1e-9), several = new Set(rows.map(r => r.i)).size > 1;
    return wide("benches beside each other", h("table", {},
        h("thead", {}, h("tr", {}, ["bench", "on"].map(n => h("th", {scope: "col", class: "left"}, n)),
            ["answers/s", "", `beside ${rows[0].m.on}`, several && "beside the first bench", "p50", "p99", "p99.9", "max", "errors"].filter(n => n !== false)
                .map(n => h("th", {scope: "col"}, n)))),
        h("tbody", {}, rows.map(({m, i, when}) => {
            const at = new Map(m.curve), first = rows.find(r => r.m.on === m.on);
            return h("tr", {}, h("th", {scope: "row", class: "left"}, h("span", {class: `key k${i}`}), when), h("td", {class: "left"}, m.on), h("td", {}, digits(m.rate)),
                h("td", {}, h("progress", {max: most, value: m.rate, "aria-label": `${when}, ${m.on}`})),
                h("td", {}, timesOf(m, rows.find(r => r.i === i && r.m.on === rows[0].m.on)?.m)), several && h("td", {}, first.i === i ? "-" : timesOf(m, first.m)),
                [0.5, 0.99, 0.999, 1].map(share => h("td", {}, ms(at.get(share)))), h("td", {class: m.errors ? "bad" : null}, count(m.errors + m.unserved)));
        }))));
}

const SHARES = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %"];

/** A point counts as long as at least one answer stands for what lies behind it. */
function curveOf(m) {
    return m.curve.filter(([share]) => share < 1 && m.answers * (1 - share) >= 1).map(([share, v]) => [-Math.log10(1 - share), v]);
}

const DASHES = [null, [7, 4], [2, 3], [11, 3, 2, 3]];

function drawCurves(rows) {
    const targets = targetsOf(rows.map(({m}) => m));
    draw("chart-curve", {log: true, x: {range: [0, 4]}, xLabel: "share", xSplits: () => [0, 1, 2, 3, 4], xValues: () => SHARES,
        xValue: (u, v) => v === null ? "-" : `${(100 * (1 - 10 ** -v)).toFixed(2)} %`,
        lines: rows.map(({m, i, when}) => ({label: `${when} ${m.on}`, colour: i, dash: DASHES[targets.indexOf(m.on) % DASHES.length], points: curveOf(m)}))});
}

function showCompared(state) {
    const whole = chooseTrials(state), list = document.getElementById("compare-list");
    for (const name of [...chosen])
        if (!whole.some(t => t.name === name))
            chosen.delete(name);
    show("compare-list", whole.length ? wide("benches", h("table", {},
        h("thead", {}, h("tr", {}, h("th", {scope: "col"}, "compare"), ["began", "queries", "asked"].map(n => h("th", {scope: "col", class: "left"}, n)),
            ["shards", "each", "state"].map(n => h("th", {scope: "col"}, n)))),
        h("tbody", {}, [...whole].reverse().map(trialRow)))) : h("p", {class: "empty"}, "There is no finished bench to compare."));
    for (const box of list.querySelectorAll("input")) {
        box.checked = chosen.has(box.value);
        box.disabled = !box.checked && chosen.size >= CHOSEN_MAX;
    }
    const queries = [...new Set([...chosen].flatMap(name => trials.get(name).trial.measures.map(m => m.query)))];
    document.getElementById("compare-controls").hidden = queries.length === 0;
    fillSelect(document.getElementById("compare-query"), queries);
    const rows = comparedRows(document.getElementById("compare-query").value);
    show("compare-table", rows.length ? comparedTable(rows) : null);
    drawCurves(rows);
}

// ---- replication

function receiverRow(server, r) {
    return h("tr", {}, h("th", {scope: "row", class: "left"}, server), h("td", {class: "left"}, r.name), h("td", {class: "left"}, `${r.state}, ${r.sync}`),
        h("td", {}, r.lag_bytes === null ? "-" : bytes(r.lag_bytes)), h("td", {}, r.lag_ms === null ? "none measured" : ms(r.lag_ms)));
}

function slotRow(server, s) {
    return h("tr", {}, h("th", {scope: "row", class: "left"}, server), h("td", {class: "left"}, s.name),
        h("td", {class: s.active ? "left" : "left warn"}, s.active ? "in use" : "nobody reads it"), h("td", {}, s.kept_bytes === null ? "-" : bytes(s.kept_bytes)));
}

function tableWith(label, names, rows) {
    return rows.length ? wide(label, h("table", {}, h("thead", {}, h("tr", {}, names.map(([name, left]) => h("th", {scope: "col", class: left && "left"}, name)))),
        h("tbody", {}, rows))) : null;
}

function showReplication(state) {
    const up = state.servers.filter(s => s.facts);
    const receivers = up.flatMap(s => s.facts.receivers.map(r => receiverRow(s.name, r))), slots = up.flatMap(s => s.facts.slots.map(r => slotRow(s.name, r)));
    const behind = up.filter(s => s.facts.replica).map(s => h("p", {}, s.facts.behind_ms ? `${s.name} is ${ms(s.facts.behind_ms)} behind.` : `${s.name} has all that it was sent.`));
    show("replication-list", ...behind, tableWith("who follows", [["server", 1], ["followed by", 1], ["state", 1], ["behind"], ["behind for"]], receivers),
        slots.length ? h("p", {class: "soft"}, "Replication slots, and what log they keep a server from removing:") : null,
        tableWith("replication slots", [["server", 1], ["slot", 1], ["state", 1], ["keeps"]], slots),
        receivers.length + slots.length + behind.length ? null : h("p", {class: "empty"}, "No server is followed by another one."));
}

// ---- the whole

function showAll(state) {
    document.title = `${state.directory.split("/").at(-1)} - spate lab`;
    show("where", state.directory, state.lab ? `: ${state.lab.shards} shards by ${state.lab.placement}` : "");
    show("problem", state.problem ? h("div", {}, h("p", {}, state.problem), state.hint ? h("p", {class: "soft"}, state.hint) : null) : null);
    document.querySelectorAll("main > section").forEach(section => section.hidden = !state.lab);
    if (!state.lab)
        return;
    noteRates(state.servers);
    for (const part of [showAct, showServers, showRows, showSlots, showStatements, showWork, showBench, showCompared, showReplication])
        part(state);
}

let state = null;

async function look() {
    try {
        const fresh = await get("state.json");
        if (!fresh)
            return;
        state = fresh;
        if (state.lab)
            await loadTrials(state);
        showContact("live", "good");
        showAll(state);
    } finally {
        setTimeout(look, STEP_MS);
    }
}

document.addEventListener("click", event => {
    const what = event.target.closest("[data-act]")?.dataset.act;
    if (what)
        ask(what);
});
document.getElementById("bench-query").addEventListener("change", () => showBench(state));
document.getElementById("compare-query").addEventListener("change", () => showCompared(state));
document.getElementById("compare-list").addEventListener("change", event => {
    choosing = true;
    if (event.target.checked)
        chosen.add(event.target.value);
    else
        chosen.delete(event.target.value);
    showCompared(state);
});
look();
