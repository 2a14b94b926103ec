// charts.js - lines over time and over shares of answers, drawn by uPlot in the page's colours and as wide as there is room.

const COLOURS = 8, HEIGHT = 240;
const charts = new Map(); // by the figure's id

function colour(i) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--c${i % COLOURS}`).trim();
}

function axisOf(more) {
    const css = getComputedStyle(document.documentElement), line = css.getPropertyValue("--line").trim();
    return {stroke: css.getPropertyValue("--soft").trim(), grid: {stroke: line, width: 1}, ticks: {stroke: line, width: 1}, ...more};
}

const numbers = (u, splits) => splits.map(v => v === null ? "" : v >= 1e6 ? `${v / 1e6}M` : v >= 1e4 ? `${v / 1e3}k` : `${+v.toPrecision(3)}`);

function options(figure, spec) {
    const steps = {...axisOf({}).grid, filter: (u, splits) => splits.map(v => /^[125]/.test(v.toExponential()) ? v : null)};
    return {
        width: widthOf(figure), height: HEIGHT, legend: {live: true, markers: {fill: (u, i) => colour(spec.lines[i - 1].colour)}}, cursor: {drag: {x: false, y: false}},
        scales: {x: {time: false, ...spec.x}, y: spec.log ? {distr: 3} : {range: (u, low, high) => [0, high > 0 ? high * 1.08 : 1]}},
        axes: [axisOf({values: spec.xValues, splits: spec.xSplits}), axisOf({size: 56, values: numbers, ...(spec.log ? {grid: steps, ticks: steps} : {})})],
        series: [{label: spec.xLabel, value: spec.xValue}, ...spec.lines.map(line => ({
            label: line.label, stroke: colour(line.colour), width: line.thin ? 1 : 2.5, dash: line.dash, spanGaps: true,
            points: {show: line.points.length < 3}, value: (u, v) => v === null || v === undefined ? "-" : digits(v),
        }))],
    };
}

function widthOf(figure) {
    const style = getComputedStyle(figure);
    return Math.max(200, figure.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight));
}

/** Points of several lines on one axis: every x that any of them has. */
function align(lines) {
    const xs = [...new Set(lines.flatMap(line => line.points.map(([x]) => x)))].sort((a, b) => a - b);
    const columns = lines.map(line => {
        const at = new Map(line.points);
        return xs.map(x => at.get(x) ?? null);
    });
    return [xs, ...columns];
}

/** spec: {lines: [{label, colour, thin, dash, points: [[x, y], ...]}], log, x, xLabel, ...}. No lines: the figure is hidden. */
function draw(id, spec) {
    const figure = document.getElementById(id), before = charts.get(id);
    const lines = spec.lines.filter(line => line.points.length);
    const shape = JSON.stringify([lines.map(line => [line.label, line.colour, line.thin, line.points.length < 3]), spec.log, spec.x]);
    figure.hidden = lines.length === 0;
    if (figure.hidden || (before && before.shape !== shape)) {
        before?.plot.destroy();
        charts.delete(id);
    }
    if (figure.hidden)
        return;
    const data = align(lines);
    if (charts.has(id)) {
        charts.get(id).plot.setData(data);
        charts.get(id).spec = spec;
    } else {
        charts.set(id, {shape, spec, plot: new uPlot(options(figure, {...spec, lines}), data, figure)});
    }
}

function fitCharts() {
    for (const [id, {plot}] of charts) {
        const width = widthOf(document.getElementById(id));
        if (width !== plot.width)
            plot.setSize({width, height: HEIGHT});
    }
}

/** In other colours, when the system goes from light to dark. */
function redrawCharts() {
    for (const [id, {plot, spec}] of [...charts]) {
        plot.destroy();
        charts.delete(id);
        draw(id, spec);
    }
}

addEventListener("resize", fitCharts);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);
