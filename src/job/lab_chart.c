/* lab_chart.c - spate_lab_chart: a bench's result as a picture, SVG written by hand.
 *
 * Bars of one query share a scale, whatever those of another have. Latencies are curves over the share of answers that did not take
 * longer; that axis and the times' are logarithmic, because the interesting share is the small one at the end. A curve ends where
 * fewer than one answer would stand for the next point. Colours are the target's, in every picture the same. */
#include "spate/lab.h"

#include "base/base.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WIDTH = 960,
    MARGIN = 24,
    HEAD = 64,
    NAME_WIDTH = 190,
    VALUE_WIDTH = 170,
    BAR = 18,
    BAR_STEP = 24,
    GROUP_GAP = 14,
    PANEL_WIDTH = 444,
    PANEL_HEIGHT = 250,
    PLOT_LEFT = 58,
    PLOT_TOP = 34,
    PLOT_RIGHT = 12,
    PLOT_BOTTOM = 34,
    PANEL_GAP = 24,
    COLOURS = 8,
    TARGETS_MAX = 16,
    DECADES = 4, /* of the share's axis: up to 99.99 % */
};

static const char style[] =
    "<style>svg{font:13px system-ui,sans-serif;--ink:#1c2430;--soft:#5b6675;--line:#d5dae1;--paper:#fff;"
    "--c0:#0b6bcb;--c1:#c2410c;--c2:#0f766e;--c3:#7c3aed;--c4:#a16207;--c5:#be185d;--c6:#4d7c0f;--c7:#475569}"
    "@media(prefers-color-scheme:dark){svg{--ink:#e6eaf0;--soft:#9aa5b4;--line:#38414e;--paper:#12161c;"
    "--c0:#61a8ff;--c1:#ff8a50;--c2:#3fc9b9;--c3:#b794ff;--c4:#e0b13c;--c5:#ff7ab8;--c6:#a3d65c;--c7:#a9b5c6}}"
    "text{fill:var(--ink)}.soft{fill:var(--soft)}.end{text-anchor:end}.mid{text-anchor:middle}.title{font-size:20px;font-weight:600}"
    ".head{font-size:15px;font-weight:600}.grid{stroke:var(--line);fill:none}.curve{fill:none;stroke-width:2}"
    ".f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}.f4{fill:var(--c4)}.f5{fill:var(--c5)}.f6{fill:var(--c6)}.f7{fill:var(--c7)}.more{opacity:.6}"
    ".s0{stroke:var(--c0)}.s1{stroke:var(--c1);stroke-dasharray:7 3}.s2{stroke:var(--c2);stroke-dasharray:2 3}.s3{stroke:var(--c3);stroke-dasharray:10 3 2 3}"
    ".s4{stroke:var(--c4);stroke-dasharray:4 4}.s5{stroke:var(--c5);stroke-dasharray:12 4}.s6{stroke:var(--c6);stroke-dasharray:5 2}.s7{stroke:var(--c7);stroke-dasharray:1 2}</style>";

typedef struct drawing {
    const spate_lab_bench_report *report;
    sp_buf *out;
    const char *targets[TARGETS_MAX];
    unsigned n_targets;
    double y; /* where the next thing begins */
} drawing;

/* ---- what there is to draw ---- */

static unsigned colour_of(const drawing *d, const char *target)
{
    for (unsigned i = 0; i < d->n_targets; i++)
        if (strcmp(d->targets[i], target) == 0)
            return i;
    return TARGETS_MAX - 1;
}

/* The second round of the colours is paler. */
static const char *more(unsigned colour)
{
    return colour < COLOURS ? "" : " more";
}

static void find_targets(drawing *d)
{
    for (size_t i = 0; i < d->report->n_measures; i++) {
        bool known = false;
        for (unsigned t = 0; t < d->n_targets; t++)
            known |= strcmp(d->targets[t], d->report->measures[i].label) == 0;
        if (!known && d->n_targets < TARGETS_MAX)
            d->targets[d->n_targets++] = d->report->measures[i].label;
    }
}

/* The first measure of each query; those of one query stand together. */
static bool begins_query(const spate_lab_bench_report *r, size_t i)
{
    return i == 0 || strcmp(r->measures[i].query, r->measures[i - 1].query) != 0;
}

static size_t end_of_query(const spate_lab_bench_report *r, size_t i)
{
    for (i++; i < r->n_measures && !begins_query(r, i); i++)
        ;
    return i;
}

/* ---- words ---- */

static int put_words(sp_buf *out, const char *s)
{
    int built = 0;
    for (; *s && !built; s++)
        built = *s == '<' ? sp_buf_adds(out, "&lt;") : *s == '&' ? sp_buf_adds(out, "&amp;") : sp_buf_add(out, s, 1);
    return built;
}

static int put_text(drawing *d, double x, double y, const char *class, const char *text)
{
    return sp_buf_printf(d->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class) || put_words(d->out, text) ||
           sp_buf_adds(d->out, "</text>\n");
}

/* Three digits that count. */
static const char *number(double v, char text[32])
{
    int decimals = v >= 100 ? 0 : v >= 10 ? 1 : v >= 1 ? 2 : 3;
    snprintf(text, 32, "%.*f", decimals, v);
    return text;
}

static int put_legend(drawing *d)
{
    enum { MARK = 12, MARK_ROOM = 18, LINE_STEP = 22 };
    double x = MARGIN;
    int built = 0;
    for (unsigned t = 0; t < d->n_targets && !built; t++) {
        double width = MARK_ROOM + 7.5 * (double)strlen(d->targets[t]) + 16;
        if (x + width > WIDTH - MARGIN) {
            x = MARGIN;
            d->y += LINE_STEP;
        }
        built =
            sp_buf_printf(d->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"2\" class=\"f%u%s\"/>\n",
                          x, d->y - 11, MARK, MARK, t % COLOURS, more(t)) ||
            put_text(d, x + MARK_ROOM, d->y, "", d->targets[t]);
        x += width;
    }
    d->y += LINE_STEP + GROUP_GAP;
    return built;
}

/* The fewest and the most: queries may have been asked by different numbers. */
static void count_users(const spate_lab_bench_report *r, char text[32])
{
    unsigned few = UINT_MAX, many = 0;
    for (size_t i = 0; i < r->n_measures; i++) {
        few = SP_MIN(few, r->measures[i].users);
        many = SP_MAX(many, r->measures[i].users);
    }
    if (few < many)
        snprintf(text, 32, "%u to %u users", few, many);
    else
        snprintf(text, 32, "%u users", many);
}

static int put_head(drawing *d)
{
    const spate_lab_measure *m = d->report->measures;
    char words[160] = "nothing was measured", users[32], rate[64] = "each asks again once answered";
    count_users(d->report, users);
    if (d->report->n_measures && m->rate_asked > 0)
        snprintf(rate, sizeof(rate), "%.0f questions a second were due", m->rate_asked);
    if (d->report->n_measures)
        snprintf(words, sizeof(words), "%s, %s; %.3g s for each query and target", users, rate, m->seconds);
    d->y = MARGIN + HEAD;
    return put_text(d, MARGIN, MARGIN + 14, "title", "spate lab bench") ||
           put_text(d, MARGIN, MARGIN + 36, "soft", words) || put_legend(d);
}

/* ---- bars ---- */

static int put_bar(drawing *d, const spate_lab_measure *m, double most)
{
    char label[128], rate[32], p99[32];
    double room = WIDTH - 2 * MARGIN - NAME_WIDTH - VALUE_WIDTH, width = most > 0 ? room * m->rate / most : 0;
    snprintf(label, sizeof(label), "%s/s, p99 %s ms", number(m->rate, rate), number(m->p99_ms, p99));
    if (m->errors + m->unserved)
        snprintf(label + strlen(label), sizeof(label) - strlen(label), ", %llu errors",
                 (unsigned long long)(m->errors + m->unserved));
    unsigned colour = colour_of(d, m->label);
    int built =
        put_text(d, MARGIN + NAME_WIDTH - 10, d->y + 14, "soft end", m->label) ||
        sp_buf_printf(d->out, "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"2\" class=\"f%u%s\"/>\n",
                      MARGIN + NAME_WIDTH, d->y, SP_MAX(width, 1.0), BAR, colour % COLOURS, more(colour)) ||
        put_text(d, MARGIN + NAME_WIDTH + width + 8, d->y + 14, "", label);
    d->y += BAR_STEP;
    return built;
}

static int put_bars(drawing *d)
{
    const spate_lab_bench_report *r = d->report;
    int built = put_text(d, MARGIN, d->y, "head", "Answers a second");
    d->y += GROUP_GAP;
    for (size_t i = 0, end; i < r->n_measures && !built; i = end, d->y += GROUP_GAP) {
        double most = 0;
        end = end_of_query(r, i);
        for (size_t k = i; k < end; k++)
            most = SP_MAX(most, r->measures[k].rate);
        built = put_text(d, MARGIN, d->y + 14, "", r->measures[i].query);
        for (size_t k = i; k < end && !built; k++)
            built = put_bar(d, &r->measures[k], most);
    }
    return built;
}

/* ---- curves ---- */

typedef struct plot {
    double left, top, width, height;
    double low, high; /* log10 of milliseconds */
} plot;

static double x_of(const plot *p, double share)
{
    return p->left + p->width * SP_MIN(-log10(1 - share), (double)DECADES) / DECADES;
}

static double y_of(const plot *p, double ms)
{
    return p->top + p->height * (1 - (log10(ms) - p->low) / (p->high - p->low));
}

static bool has_point(const spate_lab_measure *m, size_t i)
{
    double share = spate_lab_curve[i];
    return share < 1 && m->curve_ms[i] > 0 && (double)m->answers * (1 - share) >= 1;
}

/* Room for all points, from a tick to a tick: 1, 2 and 5 times the powers of ten. */
static double tick_at(int i)
{
    static const double steps[] = {1, 2, 5};
    int decade = (i - ((i % 3 + 3) % 3)) / 3;
    return steps[(i % 3 + 3) % 3] * pow(10, decade);
}

static bool find_scale(const drawing *d, size_t from, size_t to, int *first, int *last)
{
    double low = INFINITY, high = 0;
    for (size_t k = from; k < to; k++)
        for (size_t i = 0; i < SPATE_LAB_CURVE; i++)
            if (has_point(&d->report->measures[k], i)) {
                low = SP_MIN(low, d->report->measures[k].curve_ms[i]);
                high = SP_MAX(high, d->report->measures[k].curve_ms[i]);
            }
    if (high <= 0)
        return false;
    *first = *last = (int)floor(log10(low)) * 3;
    while (tick_at(*first + 1) <= low)
        ++*first;
    *last = *first + 1;
    while (tick_at(*last) < high)
        ++*last;
    return true;
}

static int put_grid(drawing *d, const plot *p, int first, int last)
{
    static const char *const shares[DECADES + 1] = {"0 %", "90 %", "99 %", "99.9 %", "99.99 %"};
    int built = 0, step = last - first > 9 ? 3 : 1; /* over more than three decades, only their beginnings */
    for (int i = step == 3 ? first + (3 - (first % 3 + 3) % 3) % 3 : first; i <= last && !built; i += step) {
        char label[32];
        double y = y_of(p, tick_at(i));
        snprintf(label, sizeof(label), "%g ms", tick_at(i));
        built = sp_buf_printf(d->out, "<path class=\"grid\" d=\"M%.1f %.1fh%.1f\"/>", p->left, y, p->width) ||
                put_text(d, p->left - 6, y + 4, "soft end", label);
    }
    for (int i = 0; i <= DECADES && !built; i++) {
        double x = p->left + p->width * i / DECADES;
        built = sp_buf_printf(d->out, "<path class=\"grid\" d=\"M%.1f %.1fv%.1f\"/>", x, p->top, p->height) ||
                put_text(d, x, p->top + p->height + 18,
                         i == DECADES ? "soft end"
                         : i          ? "soft mid"
                                      : "soft",
                         shares[i]);
    }
    return built;
}

static int put_curve(drawing *d, const plot *p, const spate_lab_measure *m)
{
    const char *to = "M";
    unsigned colour = colour_of(d, m->label);
    int built = sp_buf_printf(d->out, "<path class=\"curve s%u%s\" d=\"", colour % COLOURS, more(colour));
    for (size_t i = 0; i < SPATE_LAB_CURVE && !built; i++)
        if (has_point(m, i)) {
            built = sp_buf_printf(d->out, "%s%.1f %.1f", to, x_of(p, spate_lab_curve[i]), y_of(p, m->curve_ms[i]));
            to = "L";
        }
    return built || sp_buf_adds(d->out, "\"><title>") || put_words(d->out, m->label) ||
           sp_buf_adds(d->out, "</title></path>\n");
}

static int put_panel(drawing *d, size_t from, size_t to, double x)
{
    int first, last;
    int built = put_text(d, x, d->y + 14, "", d->report->measures[from].query);
    if (built || !find_scale(d, from, to, &first, &last))
        return built || put_text(d, x, d->y + 40, "soft", "too few answers for a curve");
    plot p = {x + PLOT_LEFT,
              d->y + PLOT_TOP,
              PANEL_WIDTH - PLOT_LEFT - PLOT_RIGHT,
              PANEL_HEIGHT - PLOT_TOP - PLOT_BOTTOM,
              log10(tick_at(first)),
              log10(tick_at(last))};
    built = put_grid(d, &p, first, last);
    for (size_t k = from; k < to && !built; k++)
        built = put_curve(d, &p, &d->report->measures[k]);
    return built;
}

static int put_curves(drawing *d)
{
    const spate_lab_bench_report *r = d->report;
    unsigned column = 0;
    d->y += GROUP_GAP;
    int built = put_text(d, MARGIN, d->y, "head", "Latency: the share of answers that did not take longer");
    d->y += GROUP_GAP;
    for (size_t i = 0, end; i < r->n_measures && !built; i = end) {
        end = end_of_query(r, i);
        built = put_panel(d, i, end, MARGIN + column * (PANEL_WIDTH + PANEL_GAP));
        column = (column + 1) % 2;
        d->y += column ? 0 : PANEL_HEIGHT + PANEL_GAP;
    }
    d->y += column ? PANEL_HEIGHT + PANEL_GAP : 0;
    return built;
}

/* ---- the whole ---- */

static int put_svg(const spate_lab_bench_report *report, sp_buf *out)
{
    sp_buf body = {0};
    drawing d = {.report = report, .out = &body};
    find_targets(&d);
    int built = put_head(&d);
    if (report->n_measures && !built)
        built = put_bars(&d) || put_curves(&d);
    built = built ||
            sp_buf_printf(out,
                          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" role=\"img\""
                          " aria-label=\"Answers a second and latencies of a bench\">\n%s\n"
                          "<rect width=\"100%%\" height=\"100%%\" fill=\"var(--paper)\"/>\n",
                          WIDTH, d.y + MARGIN, WIDTH, style) ||
            sp_buf_add(out, body.data, body.len) || sp_buf_adds(out, "</svg>\n");
    sp_buf_done(&body);
    return built;
}

static int put_table(const spate_lab_bench_report *r, sp_buf *out)
{
    int built = sp_buf_adds(
        out,
        "<div class=\"wide\"><table><thead><tr><th>query<th>on<th>users<th>answers/s<th>p50 ms<th>p90 ms<th>p99 ms<th>p99.9 ms<th>max ms<th>errors\n<tbody>\n");
    for (size_t i = 0; i < r->n_measures && !built; i++) {
        const spate_lab_measure *m = &r->measures[i];
        built = sp_buf_adds(out, "<tr><td>") || put_words(out, m->query) || sp_buf_adds(out, "<td>") ||
                put_words(out, m->label) ||
                sp_buf_printf(out, "<td>%u<td>%.1f<td>%.3f<td>%.3f<td>%.3f<td>%.3f<td>%.3f<td>%llu\n", m->users,
                              m->rate, m->p50_ms, m->p90_ms, m->p99_ms, m->p999_ms, m->max_ms,
                              (unsigned long long)(m->errors + m->unserved));
    }
    return built || sp_buf_adds(out, "</table></div>\n");
}

static int put_html(const spate_lab_bench_report *report, sp_buf *out)
{
    static const char head[] =
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n"
        "<title>spate lab bench</title>\n<style>:root{color-scheme:light dark}body{font:14px system-ui,sans-serif;max-width:960px;margin:0 auto;padding:8px}"
        "@media(prefers-color-scheme:dark){body{background:#12161c;color:#e6eaf0}}svg{max-width:100%;height:auto}.wide{overflow-x:auto}"
        "table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:4px 12px;text-align:right}"
        "th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}tbody tr{border-top:1px solid #8884}</style>\n<body>\n";
    return sp_buf_adds(out, head) || put_svg(report, out) || put_table(report, out) ||
           sp_buf_adds(out, "</body></html>\n");
}

int spate_lab_chart(const spate_lab_bench_report *report, spate_lab_chart_form form, char **text, spate_error *err)
{
    sp_buf out = {0};
    if ((form == SPATE_LAB_HTML ? put_html(report, &out) : put_svg(report, &out)) || sp_buf_add(&out, "", 1)) {
        sp_buf_done(&out);
        return sp_fail_nomem(err);
    }
    *text = out.data;
    return SPATE_OK;
}
