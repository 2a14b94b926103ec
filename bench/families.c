/* families.c - what a cell of each family of generators costs, beside the primitive it rests on, on one core.
 *
 * A family is a column of a plan, filled batch after batch as for any target, and nothing written. A primitive is the least that
 * must be done for such a cell, in a plain loop over the same number of rows: a draw, a look into a table of quantiles, the key of
 * a random parent computed again, four rounds of Feistel, a copy of 16 bytes. Both are measured in turn, several times, and the
 * best of each counts, for other programs only ever add.
 *
 *   bench_families [--rounds N]      prints a line of JSON for each family */
#include "gen/gen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROWS = 2048, BATCHES = 100, WORDS = 1024, TABLE = 1 << 16 };

static uint64_t rows[ROWS], words[2 * ROWS];
static double reals[ROWS], quantiles[4097];
static uint32_t table[TABLE];
static char text[ROWS * 32], dictionary[WORDS][16];
static volatile uint64_t sink; /* what is added to it cannot be left out */

/* Processor time of this thread: what others do beside us costs less of it than of the clock. */
static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- primitives ------------------------------------------------------------------------------------------------------ */

typedef void primitive(void);

static void draw(void)
{
    for (int i = 0; i < ROWS; i++)
        words[i] = sp_draw(1, rows[i]);
}

static void bounded(void)
{
    for (int i = 0; i < ROWS; i++)
        words[i] = sp_bounded(sp_draw(1, rows[i]), 1000000);
}

static void quantile(void)
{
    for (int i = 0; i < ROWS; i++)
        words[i] = table[sp_draw(1, rows[i]) >> 48];
}

static void line(void) /* a table of 4096 quantiles, straight lines between them */
{
    for (int i = 0; i < ROWS; i++) {
        uint64_t z = sp_draw(1, rows[i]);
        const double *q = &quantiles[z >> 52];
        reals[i] = q[0] + (double)(z << 12 >> 12) * 0x1p-52 * (q[1] - q[0]);
    }
}

static void key(void) /* a random parent, and its uuid again */
{
    for (int i = 0; i < ROWS; i++) {
        uint64_t parent = sp_bounded(sp_draw(1, rows[i]), 1000000), z = sp_draw(2, parent);
        words[2 * i] = (z & ~UINT64_C(0xf000)) | 0x4000;
        words[2 * i + 1] = sp_draw_next(z) >> 2 | UINT64_C(1) << 63;
    }
}

static void feistel(void) /* four rounds over 32 bits */
{
    for (int i = 0; i < ROWS; i++) {
        uint32_t left = (uint32_t)rows[i] >> 16, right = (uint32_t)rows[i] & 0xffff;
        for (uint32_t r = 0; r < 4; r++) {
            uint32_t next = left ^ ((uint32_t)(sp_mix64(right + r * SP_PHI)) & 0xffff);
            left = right;
            right = next;
        }
        words[i] = left << 16 | right;
    }
}

static void copy(void) /* a random word of at most 15 letters, its length in the last byte */
{
    char *p = text;
    for (int i = 0; i < ROWS; i++) {
        const char *w = dictionary[sp_bounded(sp_draw(1, rows[i]), WORDS)];
        memcpy(p, w, 16);
        p += w[15];
    }
    sink += (uint64_t)(p - text);
}

static void prepare(void)
{
    for (int i = 0; i < TABLE; i++)
        table[i] = (uint32_t)(1000000 / (1 + i));
    for (int i = 0; i <= 4096; i++)
        quantiles[i] = i * 0.5;
    for (int i = 0; i < WORDS; i++) {
        memset(dictionary[i], 'a' + i % 26, 15);
        dictionary[i][15] = (char)(4 + i % 8);
    }
}

/* ---- families -------------------------------------------------------------------------------------------------------- */

static const struct family {
    const char *name, *column;
    const char *rests_on;
    primitive *on;
    double goal; /* at most so many times the primitive; 0: only told */
} families[] = {
    {"range int", "range: int, props: {min: 0, max: 1000000}", "a bounded draw", bounded, 0},
    {"range decimal", "range: decimal, props: {min: 0, max: 10000}", "a bounded draw", bounded, 0},
    {"range float", "range: float, props: {min: 0, max: 1}", "a draw", draw, 0},
    {"range timestamp", "range: timestamp, props: {min: 2024-01-01, max: 2025-01-01}", "a bounded draw", bounded, 0},
    {"uuid", "value: '${uuid}'", "a draw", draw, 0},
    {"dictionary text", "value: '${last_name}'", "a 16-byte copy", copy, 3},
    {"set", "set: [red, green, blue, yellow]", "a 16-byte copy", copy, 3},
    {"weighted set", "set: [red, green, blue, yellow], weights: [50, 30, 15, 5]", "a 16-byte copy", copy, 0},
    {"e-mail template", "value: '${first_name}.${last_name}@example.com'", "a 16-byte copy", copy, 0},
    {"zipf", "range: int, props: {min: 0, max: 1000000}, distribution: {type: zipf, exponent: 1.1}",
     "a quantile-table draw", quantile, 3},
    {"normal", "range: float, distribution: {type: normal, mean: 50, deviation: 10}", "a quantile-table draw", line, 3},
    {"normal int", "range: int, distribution: {type: normal, mean: 50, deviation: 10}", "a quantile-table draw", line,
     3},
    {"lognormal", "range: decimal, distribution: {type: lognormal, median: 20, sigma: 0.8}", "a quantile-table draw",
     line, 3},
    {"exponential", "range: float, distribution: {type: exponential, mean: 5}", "a quantile-table draw", line, 3},
    {"poisson", "range: int, distribution: {type: poisson, mean: 12}", "a quantile-table draw", quantile, 3},
    {"histogram", "range: float, distribution: {type: histogram, bounds: [0, 1, 10, 50, 99], weights: [1, 5, 3, 2]}",
     "a quantile-table draw", line, 0},
    {"rhythm", "range: timestamp, props: {min: 2024-01-01, max: 2025-01-01}, distribution: {type: rhythm, growth: 20%}",
     "a quantile-table draw", line, 0},
    {"ref to uuid", "ref: p.id", "recomputing the key", key, 3},
    {"ref to int", "ref: p.n", "recomputing the key", key, 3},
    {"ref, zipf", "ref: p.n, distribution: zipf", "recomputing the key", key, 0},
    {"children", "ref: p.n, children: {type: poisson, mean: 4}", "recomputing the key", key, 0},
    {"unique int", "range: int, props: {min: 0, max: 1000000000}, unique: true", "a Feistel step", feistel, 3},
    {"unique decimal", "range: decimal, props: {min: 0, max: 99999999}, unique: true", "a Feistel step", feistel, 3},
    {"expr, arithmetic", "expr: 'round(a * b * 1.19, 2)'", "a bounded draw", bounded, 0},
    {"expr, text", "expr: lower(s) || '-' || b", "a 16-byte copy", copy, 0},
    {"cases", "by: s, cases: {x: '${fruit}', y: '${color}'}, else: other", "a 16-byte copy", copy, 0},
    {"person's e-mail", "person: email", "a 16-byte copy", copy, 0},
    {"place's city", "place: city", "a 16-byte copy", copy, 0},
    {"after", "after: t, props: {min: 1h, max: 100h}", "a bounded draw", bounded, 0},
    {"null 10%", "range: int, props: {min: 0, max: 1000000}, 'null': 10%", "a bounded draw", bounded, 0},
};

typedef struct made {
    spate_plan *plan;
    sp_gen *gen;
    sp_gen_scratch *scratch;
    sp_batch batch;
    uint32_t field;
} made;

static bool make(made *m, const char *column)
{
    char yaml[2000];
    spate_error err = {0};
    snprintf(
        yaml, sizeof(yaml),
        "tables: [{name: p, rows: 1000000, columns: [{name: id, value: '${uuid}'}, {name: n, range: int, props: {min: 0, max: 9999999}, unique: true}]},"
        "{name: t, rows: 4000000, columns: [{name: a, range: decimal, props: {min: 1, max: 100}, hidden: true}, {name: b, range: int, props: {min: 1, max: 10}, "
        "hidden: true}, {name: s, set: [x, y, z], hidden: true}, {name: t, range: timestamp, props: {min: 2024-01-01, max: 2025-01-01}, hidden: true}, {name: c, %s}]}]",
        column);
    bool good = sp_plan_parse("bench", yaml, strlen(yaml), &m->plan, &err) == SPATE_OK &&
                sp_gen_new(m->plan, 1, &m->gen, &err) == SPATE_OK &&
                sp_gen_scratch_new(m->gen, &m->scratch, &err) == SPATE_OK &&
                sp_batch_init(&m->batch, sp_gen_schema(m->gen, 1), &err) == SPATE_OK;
    if (!good)
        fprintf(stderr, "bench_families: %s: %s\n", column, err.message);
    return good;
}

static void drop(made *m)
{
    sp_batch_done(&m->batch);
    sp_gen_scratch_free(m->scratch);
    sp_gen_free(m->gen);
    spate_plan_free(m->plan);
}

static double fill_ns(made *m)
{
    uint32_t n = SP_MIN(sp_gen_batch_rows(m->gen, 1), (uint32_t)ROWS);
    uint64_t total = 0;
    double start = now_ns();
    for (uint32_t b = 0; b < BATCHES; b++, total += n) {
        sp_batch_reset(&m->batch);
        if (sp_gen_fill(m->gen, 1, total, n, m->scratch, &m->batch, NULL) != SPATE_OK)
            exit(1);
    }
    return (now_ns() - start) / (double)total;
}

static double primitive_ns(primitive *run)
{
    double start = now_ns();
    for (uint64_t b = 0; b < BATCHES; b++) {
        for (uint64_t i = 0; i < ROWS; i++)
            rows[i] = b * ROWS + i;
        run();
        sink += words[b % ROWS] + (uint64_t)reals[b % ROWS];
    }
    return (now_ns() - start) / BATCHES / ROWS;
}

static bool measure(const struct family *f, int rounds)
{
    made m = {0};
    if (!make(&m, f->column))
        return false;
    double ours = INFINITY, limit = INFINITY;
    for (int r = 0; r < rounds; r++) {
        limit = fmin(limit, primitive_ns(f->on));
        ours = fmin(ours, fill_ns(&m));
    }
    printf("{\"family\": \"%s\", \"ns\": %.3f, \"primitive\": \"%s\", \"primitive_ns\": %.3f, \"goal\": %g}\n", f->name,
           ours, f->rests_on, limit, f->goal);
    fflush(stdout);
    drop(&m);
    return true;
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 && strcmp(argv[1], "--rounds") == 0 ? atoi(argv[2]) : 7;
    bool good = true;
    prepare();
    for (size_t i = 0; i < SP_COUNT(families); i++)
        good = measure(&families[i], rounds) && good;
    return good ? 0 : 1;
}
