/* test_gen.c - the promises of the cell functions: pure, uniform, weighted, skewed, unique, sorted, related; and the portable
 * maths and layouts below them. Statistics print their seed; their limits are those of p = 0.9999 or wider. */
#include "gen/build.h"
#include "gen/maths.h"
#include "os/os.h"
#include "unit/check.h"

#include <math.h>
#include <stdlib.h>

/* ---- a plan made into rows ---- */

typedef struct made {
    spate_plan *plan;
    sp_gen *gen;
    sp_gen_scratch *scratch;
    sp_batch batch;
} made;

static uint64_t seed;

static bool make(made *m, const char *yaml)
{
    spate_error err = {0};
    *m = (made){0};
    if (sp_plan_parse("test.yaml", yaml, strlen(yaml), &m->plan, &err) != SPATE_OK) {
        printf("# %s\n", err.message);
        return CHECK(!"the plan is read");
    }
    int rc = m->plan->mistakes.n_errors ? SPATE_E_CONFIG : sp_gen_new(m->plan, seed, &m->gen, &err);
    for (size_t i = 0; rc != SPATE_OK && i < spate_plan_mistakes(m->plan); i++)
        printf("# %u:%u %s %s\n", spate_plan_mistake(m->plan, i)->line, spate_plan_mistake(m->plan, i)->column,
               spate_plan_mistake(m->plan, i)->found, spate_plan_mistake(m->plan, i)->message);
    if (rc != SPATE_OK)
        return CHECK(!"the plan is good");
    return CHECK_INT(sp_gen_scratch_new(m->gen, &m->scratch, &err), 0);
}

static void drop(made *m)
{
    if (m->batch.columns)
        sp_batch_done(&m->batch);
    sp_gen_scratch_free(m->scratch);
    sp_gen_free(m->gen);
    spate_plan_free(m->plan);
}

static const sp_column *fill(made *m, uint32_t table, uint64_t first, uint32_t rows, uint32_t column)
{
    if (m->batch.columns && m->batch.schema != sp_gen_schema(m->gen, table))
        sp_batch_done(&m->batch);
    if (!m->batch.columns)
        CHECK_INT(sp_batch_init(&m->batch, sp_gen_schema(m->gen, table), NULL), 0);
    sp_batch_reset(&m->batch);
    CHECK_INT(sp_gen_fill(m->gen, table, first, rows, m->scratch, &m->batch, NULL), 0);
    return &m->batch.columns[column];
}

static int64_t int_at(const sp_column *c, uint32_t i)
{
    switch (sp_kind_width(c->type.kind)) {
    case 2: return ((int16_t *)c->data)[i];
    case 4: return ((int32_t *)c->data)[i];
    default: return ((int64_t *)c->data)[i];
    }
}

/* ---- statistics ---- */

/* Chi-square of counts against expected shares; its limit for k - 1 degrees of freedom, which a right one exceeds once
 * in 1e9 runs (Wilson and Hilferty): the seed is another one every time. */
static void check_shares(const uint64_t *counts, const double *shares, size_t k, uint64_t n, const char *what)
{
    double chi = 0, df = (double)k - 1, a = 2 / (9 * df);
    for (size_t i = 0; i < k; i++) {
        double expected = shares[i] * (double)n;
        chi += ((double)counts[i] - expected) * ((double)counts[i] - expected) / expected;
    }
    double limit = df * pow(1 - a + 6 * sqrt(a), 3);
    if (chi > limit)
        printf("# %s: chi-square %.1f, limit %.1f\n", what, chi, limit);
    CHECK(chi <= limit);
}

/* ---- draws ---- */

static void ranges_are_uniform_and_exclusive(void)
{
    made m;
    if (make(&m, "tables: [{name: t, rows: 1000000, columns: [{name: n, range: int, props: {min: -7, max: 13}}]}]")) {
        uint64_t counts[20] = {0};
        double shares[20];
        for (uint64_t row = 0; row < 1000000; row += 2000) {
            const sp_column *c = fill(&m, 0, row, 2000, 0);
            for (uint32_t i = 0; i < 2000; i++) {
                int64_t v = int_at(c, i);
                if (v < -7 || v >= 13)
                    CHECK(!"in range");
                else
                    counts[v + 7]++;
            }
        }
        for (int i = 0; i < 20; i++)
            shares[i] = 1 / 20.0;
        check_shares(counts, shares, 20, 1000000, "range int");
    }
    drop(&m);
}

static void equal_bounds_are_that_value(void)
{
    made m;
    if (make(
            &m,
            "tables: [{name: t, rows: 10, columns: [{name: i, range: int, props: {min: 5, max: 5}},"
            "{name: f, range: float, props: {min: 2.5, max: 2.5}},{name: s, range: string, props: {min: 3, max: 3}},"
            "{name: t, range: timestamp, props: {min: 2020-01-01T00:00:00Z, max: 2020-01-01T00:00:00Z, format: '2006-01-02T15:04:05Z'}},"
            "{name: v, range: interval, props: {min: 1h, max: 1h}},"
            "{name: n, range: float, props: {min: 2.5, max: 2.5}, distribution: {type: normal, mean: 9, deviation: 1}}]}]")) {
        CHECK_INT(int_at(fill(&m, 0, 0, 10, 0), 9), 5);
        CHECK(((double *)fill(&m, 0, 0, 10, 1)->data)[3] == 2.5);
        CHECK_INT(sp_column_str(fill(&m, 0, 0, 10, 2), 4).len, 3);
        CHECK_INT(int_at(fill(&m, 0, 0, 10, 3), 7), INT64_C(1577836800000000));
        CHECK_INT(((sp_interval *)fill(&m, 0, 0, 10, 4)->data)[1].us, INT64_C(3600000000));
        CHECK(((double *)fill(&m, 0, 0, 10, 5)->data)[9] == 2.5);
    }
    drop(&m);
}

static void sets_follow_their_weights(void)
{
    made m;
    static const double shares[] = {0.5, 0.3, 0.2};
    if (make(&m, "tables: [{name: t, rows: 600000, columns: [{name: s, set: [a, bb, ccc], weights: [5, 3, 2]},"
                 "{name: u, set: [1, 2, 3], type: int}]}]")) {
        uint64_t weighted[3] = {0}, uniform[3] = {0};
        for (uint64_t row = 0; row < 600000; row += 2000) {
            const sp_column *c = fill(&m, 0, row, 2000, 0);
            for (uint32_t i = 0; i < 2000; i++) {
                weighted[sp_column_str(c, i).len - 1]++;
                uniform[int_at(c + 1, i) - 1]++;
            }
        }
        check_shares(weighted, shares, 3, 600000, "weighted set");
        check_shares(uniform, (double[]){1 / 3.0, 1 / 3.0, 1 / 3.0}, 3, 600000, "uniform set");
    }
    drop(&m);
}

static void nulls_come_at_their_rate(void)
{
    made m;
    if (make(
            &m,
            "tables: [{name: t, rows: 500000, columns: [{name: n, inc: 1, 'null': 0.02}, {name: a, inc: 1, 'null': 1}]}]")) {
        uint64_t counts[2] = {0};
        for (uint64_t row = 0; row < 500000; row += 2000) {
            const sp_column *c = fill(&m, 0, row, 2000, 0);
            for (uint32_t i = 0; i < 2000; i++) {
                counts[sp_column_null(c, i)]++;
                if (!sp_column_null(c + 1, i))
                    CHECK(!"all null");
            }
        }
        check_shares(counts, (double[]){0.98, 0.02}, 2, 500000, "null rate");
        CHECK(sp_gen_schema(m.gen, 0)->fields[0].nullable);
    }
    drop(&m);
}

static void zipf_follows_its_law(void)
{
    static const double exponents[] = {0.5, 1.0, 1.1, 2.5};
    sp_arena arena;
    sp_arena_init(&arena);
    sp_pick p;
    for (size_t e = 0; e < SP_COUNT(exponents); e++) {
        enum { N = 50, DRAWS = 300000 };
        CHECK(sp_pick_zipf(&p, &arena, sp_mix64(seed + e), N, exponents[e], false));
        uint64_t counts[N] = {0};
        double shares[N], sum = 0;
        for (uint64_t row = 0; row < DRAWS; row++)
            counts[sp_pick_one(&p, row)]++;
        for (int i = 0; i < N; i++)
            sum += shares[i] = pow(i + 1, -exponents[e]);
        for (int i = 0; i < N; i++)
            shares[i] /= sum;
        check_shares(counts, shares, N, DRAWS, "zipf");
    }
    CHECK(sp_pick_zipf(&p, &arena, seed, UINT64_C(1000000000), 1.1, true));
    for (uint64_t row = 0; row < 10000; row++)
        CHECK(sp_pick_one(&p, row) < UINT64_C(1000000000));
    sp_arena_done(&arena);
}

static void guides_handle_odd_weights(void)
{
    sp_arena arena;
    sp_arena_init(&arena);
    static const double weights[] = {0, 1e-9, 1, 0, 1e9, 7};
    sp_pick p;
    CHECK(sp_pick_weighted(&p, &arena, seed, weights, SP_COUNT(weights)));
    for (uint64_t row = 0; row < 200000; row++) {
        uint64_t i = sp_pick_one(&p, row);
        if (i >= SP_COUNT(weights) || weights[i] == 0)
            CHECK(!"an item with weight");
    }
    sp_arena_done(&arena);
}

/* ---- keys ---- */

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void unique_columns_are_unique(void)
{
    enum { ROWS = 60000 };
    made m;
    static uint64_t hashes[4][ROWS];
    if (make(
            &m,
            "tables: [{name: t, rows: 60000, columns: [{name: i, range: int, props: {min: 0, max: 60000}, unique: true},"
            "{name: e, value: '${email}', unique: true}, {name: s, range: string, props: {min: 3, max: 9}, unique: true},"
            "{name: u, value: '${uuid}'}]}]")) {
        for (uint32_t row = 0; row < ROWS; row += 1000) {
            const sp_column *c = fill(&m, 0, row, 1000, 0);
            for (uint32_t i = 0; i < 1000; i++) {
                hashes[0][row + i] = (uint64_t)int_at(c, i);
                for (int k = 1; k <= 2; k++) {
                    sp_str s = sp_column_str(c + k, i);
                    hashes[k][row + i] = sp_hash64(s.p, s.len, 0);
                }
                hashes[3][row + i] = sp_hash64((uint8_t *)c[3].data + 16 * (size_t)i, 16, 0);
            }
        }
        for (int k = 0; k < 4; k++) {
            qsort(hashes[k], ROWS, sizeof(uint64_t), compare_u64);
            for (uint32_t i = 1; i < ROWS; i++)
                if (hashes[k][i] == hashes[k][i - 1])
                    CHECK(!"no value twice");
        }
        CHECK(hashes[0][0] == 0 && hashes[0][ROWS - 1] == ROWS - 1);
    }
    drop(&m);
}

static void sorted_keys_increase(void)
{
    made m;
    if (make(&m, "tables: [{name: t, rows: 100000, columns: [{name: u, value: '${uuid}', sorted: true},"
                 "{name: i, range: int, props: {min: 0, max: 1000000}, sorted: true},"
                 "{name: f, range: float, props: {min: 0, max: 1}, sorted: true}]}]")) {
        uint8_t last[16] = {0};
        int64_t last_int = -1, sum = 0;
        double last_float = -1;
        for (uint64_t row = 0; row < 100000; row += 2000) {
            const sp_column *c = fill(&m, 0, row, 2000, 0);
            for (uint32_t i = 0; i < 2000; i++) {
                const uint8_t *u = (uint8_t *)c[0].data + 16 * (size_t)i;
                int64_t v = int_at(c + 1, i);
                double f = ((double *)c[2].data)[i];
                if (memcmp(u, last, 16) <= 0 || v <= last_int || f < last_float || u[6] >> 4 != 4 || u[8] >> 6 != 2)
                    CHECK(!"increasing, version 4");
                memcpy(last, u, 16);
                last_int = v;
                last_float = f;
                sum += v;
            }
        }
        CHECK(last[0] == 0xff);                    /* over the whole space, */
        CHECK(llabs(sum / 100000 - 500000) < 100); /* evenly */
    }
    drop(&m);
}

static void references_are_cells_of_the_parent(void)
{
    enum { PARENTS = 500, CHILDREN = 100000 };
    made m;
    if (make(
            &m,
            "tables: [{name: child, rows: 100000, columns: [{name: p, ref: parent.id}, {name: z, ref: parent.id,"
            "distribution: zipf}]}, {name: parent, rows: 500, columns: [{name: id, range: int, props: {min: 0, max: 100000},"
            "unique: true}]}, {name: grandchild, rows: 10, columns: [{name: c, ref: child.p}]},"
            "{name: one, rows: 500, columns: [{name: p, ref: parent.id, unique: true}]}]")) {
        static uint64_t counts[2][100000];
        memset(counts, 0, sizeof(counts));
        for (uint64_t row = 0; row < CHILDREN; row += 2000) {
            const sp_column *c = fill(&m, 0, row, 2000, 0);
            for (uint32_t i = 0; i < 2000; i++) {
                counts[0][int_at(c, i)]++;
                counts[1][int_at(c + 1, i)]++;
            }
        }
        const sp_column *p = fill(&m, 1, 0, PARENTS, 0);
        uint64_t uniform[PARENTS], total = 0, most = 0;
        double shares[PARENTS];
        for (uint32_t i = 0; i < PARENTS; i++) {
            uniform[i] = counts[0][int_at(p, i)];
            total += uniform[i];
            most = SP_MAX(most, counts[1][int_at(p, i)]);
            shares[i] = 1.0 / PARENTS;
        }
        CHECK_INT(total, CHILDREN); /* no child without a parent */
        check_shares(uniform, shares, PARENTS, CHILDREN, "ref");
        CHECK(most > CHILDREN / 20);
        memset(counts[0], 0, sizeof(counts[0]));
        const sp_column *one = fill(&m, 3, 0, PARENTS, 0);
        for (uint32_t i = 0; i < PARENTS; i++)
            CHECK_INT(++counts[0][int_at(one, i)], 1);
        const sp_schema *s = sp_gen_schema(m.gen, 0);
        CHECK_INT(s->n_foreign_keys, 2);
        CHECK_STR(s->foreign_keys[0].parent, "parent");
        CHECK_INT(sp_gen_schema(m.gen, 2)->n_foreign_keys, 1); /* child.p is no key, but its cells are those of one */
        CHECK_STR(sp_gen_schema(m.gen, 2)->foreign_keys[0].parent, "parent");
        CHECK_INT(sp_gen_schema(m.gen, 1)->n_primary_key, 1);
    }
    drop(&m);
}

static void references_to_the_own_table_make_trees(void)
{
    made m;
    if (make(&m, "tables: [{name: t, rows: 2000, columns: [{name: id, inc: 0}, {name: boss, ref: t.id}]}]")) {
        const sp_column *c = fill(&m, 0, 0, 2000, 0);
        CHECK(sp_column_null(c + 1, 0));
        for (uint32_t i = 1; i < 2000; i++)
            CHECK(!sp_column_null(c + 1, i) && int_at(c + 1, i) < (int64_t)i);
    }
    drop(&m);
}

/* ---- purity ---- */

static const char everything[] =
    "tables: [{name: p, rows: 1000, columns: [{name: id, value: '${uuid}'}, {name: k, range: int, props: {min: 0, max: 9}}]},"
    "{name: t, rows: 5000, columns: [{name: a, value: '${first_name} ${last_name} <${email}>', 'null': 0.1},"
    "{name: b, range: decimal, props: {min: 1, max: 100, scale: 2}}, {name: c, range: string, props: {min: 0, max: 20}},"
    "{name: d, range: bytes, props: {min: 0, max: 20}}, {name: e, ref: p.id}, {name: f, ref: p.k, distribution: zipf},"
    "{name: g, set: [x, y, 'z,'], weights: [1, 2, 3]}, {name: h, array: '${fruit}', props: {min: 0, max: 4}},"
    "{name: i, range: point, props: {lat: 51.5, lon: -0.14, distance_km: 20}}, {name: j, range: interval, props: {min: 1s, max: 24h}},"
    "{name: k, range: timestamp, props: {min: 2020-01-01, max: 2021-01-01, format: '02 Jan 06'}},"
    "{name: l, range: float, props: {min: 0, max: 1}, type: 'numeric(5,3)'}]}]";

static uint64_t hash_cell(const sp_column *c, uint32_t i, uint64_t h)
{
    if (sp_column_null(c, i))
        return sp_mix64(h);
    uint32_t width = sp_kind_width(c->type.kind);
    if (width)
        return sp_hash64((const char *)c->data + (size_t)i * width, width, h);
    if (c->type.kind == SP_BOOL)
        return sp_mix64(h + sp_bit(c->data, i));
    if (c->type.kind == SP_LIST) {
        for (int32_t j = c->offsets[i]; j < c->offsets[i + 1]; j++)
            h = hash_cell(c->child, (uint32_t)j, h);
        return sp_mix64(h);
    }
    sp_str s = sp_column_str(c, i);
    return sp_hash64(s.p, s.len, h);
}

static uint64_t hash_rows(made *m, uint64_t first, uint32_t rows)
{
    uint64_t h = 0;
    fill(m, 1, first, rows, 0);
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t c = 0; c < m->batch.schema->n_fields; c++)
            h = hash_cell(&m->batch.columns[c], i, h);
    return h;
}

static void any_slice_gives_the_same_cells(void)
{
    made m;
    if (make(&m, everything)) {
        uint64_t one_by_one[40], h[40];
        for (uint32_t i = 0; i < 40; i++)
            one_by_one[i] = hash_rows(&m, 4000 + i, 1);
        fill(&m, 1, 4000, 40, 0);
        for (uint32_t i = 0; i < 40; i++) {
            h[i] = 0;
            for (uint32_t c = 0; c < m.batch.schema->n_fields; c++)
                h[i] = hash_cell(&m.batch.columns[c], i, h[i]);
            CHECK(h[i] == one_by_one[i]);
        }
    }
    drop(&m);
}

static void another_seed_gives_other_cells(void)
{
    made a, b;
    uint64_t kept = seed;
    if (make(&a, everything)) {
        seed++;
        if (make(&b, everything))
            CHECK(hash_rows(&a, 0, 100) != hash_rows(&b, 0, 100));
        drop(&b);
    }
    seed = kept;
    drop(&a);
}

static void new_columns_leave_the_others_alone(void)
{
    made a, b;
    const char *one = "tables: [{name: t, rows: 100, columns: [{name: x, value: '${email}'}]}]";
    const char *two = "tables: [{name: s, rows: 5, columns: [{name: x, inc: 1}]},"
                      "{name: t, rows: 100, columns: [{name: y, inc: 1}, {name: x, value: '${email}'}]}]";
    if (make(&a, one) && make(&b, two)) {
        const sp_column *x = fill(&a, 0, 0, 100, 0), *y = fill(&b, 1, 0, 100, 1);
        for (uint32_t i = 0; i < 100; i++)
            CHECK(sp_str_eq(sp_column_str(x, i), sp_column_str(y, i)));
    }
    drop(&a);
    drop(&b);
}

static void text_cells_keep_their_promises(void)
{
    made m;
    if (make(&m, everything))
        for (uint64_t row = 0; row < 5000; row += 500) {
            fill(&m, 1, row, 500, 0);
            for (uint32_t c = 0; c < m.batch.schema->n_fields; c++) {
                const sp_field *f = &m.batch.schema->fields[c];
                const sp_column *col = &m.batch.columns[c];
                for (uint32_t i = 0; col->bytes && i < 500; i++) {
                    sp_str s = sp_column_str(col, i);
                    if (s.len > f->bounds.text_max || (f->type.kind == SP_TEXT && !sp_utf8_valid(s.p, s.len)) ||
                        (f->bounds.care == SP_CARE_NOTHING && (s.len == 0 || memchr(s.p, ',', s.len))))
                        CHECK(!"bounds hold");
                }
            }
        }
    drop(&m);
}

/* ---- plans by chance ---- */

static const char *const anything[] = {
    "inc: -3",
    "inc: 7, type: smallint",
    "inc: 1, 'null': 0.3",
    "set: [a, 'ü,\"', '']",
    "set: [3, 1, 2], weights: [1, 2, 3], type: int",
    "set: [x, y, z], distribution: zipf",
    "set: ['0.5', '-1.25'], type: real",
    "set: ['true', 'false'], type: bool, 'null': 50%",
    "set: [2020-01-01, 1999-12-31], type: date",
    "set: ['[1]', '{}'], type: json",
    "set: [1h, 90s], type: interval",
    "range: int, props: {min: -9, max: 9}, distribution: zipf",
    "range: int, props: {min: 0, max: 900}, sorted: true",
    "range: int, props: {min: 0, max: 900}, unique: true, type: 'numeric(9,2)'",
    "range: int, props: {min: -9, max: 9}, type: real",
    "range: float, props: {min: -5, max: 5}",
    "range: float, props: {min: -5, max: 5}, type: real",
    "range: float, props: {min: -5, max: 5}, type: int",
    "range: float, props: {min: -5, max: 5}, type: 'numeric(4,2)', 'null': 0.1",
    "range: decimal, props: {min: -5, max: 5, scale: 3}",
    "range: decimal, props: {min: -5, max: 5, scale: 3}, type: 'numeric(4,1)'",
    "range: decimal, props: {min: -5, max: 5, scale: 3}, type: bigint",
    "range: decimal, props: {min: -5, max: 5, scale: 1}, sorted: true, type: float",
    "range: string, props: {min: 0, max: 40}",
    "range: timestamp, props: {min: 1960-01-01, max: 2040-01-01}",
    "range: timestamp, props: {min: 1960-01-01, max: 2040-01-01}, type: date",
    "range: timestamp, props: {min: 1960-01-01, max: 2040-01-01}, type: timestamp, sorted: true",
    "range: timestamp, props: {min: 2020-01-01, max: 2020-01-02, format: '15:04:05'}",
    "range: interval, props: {min: 1ns, max: 50h}",
    "range: interval, props: {min: 1ms, max: 50h}, unique: true",
    "range: point, props: {lat: 10, lon: 179.9, distance_km: 100}",
    "value: '${uuid}'",
    "value: '${uuid}', sorted: true",
    "value: '${email}', unique: true",
    "value: '${bool}', type: int",
    "value: '${uint64}'",
    "value: '${first_name} ${int8} ${float32}', 'null': 5%",
    "value: '${float64}', type: real",
    "value: '${date}', type: date",
    "value: same",
};

/* A table of a few columns, and one that refers to them, with or without type: text. */
static void plan_by_chance(char *yaml, size_t size, uint64_t z, bool as_text)
{
    size_t len = (size_t)snprintf(yaml, size, "tables: [{name: r, rows: 700, columns: [");
    for (int i = 0; i < 4; i++)
        len += (size_t)snprintf(yaml + len, size - len, "{name: c%d, ref: t.c%d, %s%s}%s", i, i,
                                z >> i & 1 ? "'null': 0.2" : "distribution: zipf", as_text ? ", type: text" : "",
                                i < 3 ? "," : "]},");
    len += (size_t)snprintf(yaml + len, size - len, "{name: t, rows: 800, columns: [");
    for (int i = 0; i < 4; i++) {
        z = sp_draw_next(z);
        len += (size_t)snprintf(yaml + len, size - len, "{name: c%d, %s}%s", i,
                                anything[sp_bounded(z, SP_COUNT(anything))], i < 3 ? "," : "]}]");
    }
}

/* The cell of row i, as text. */
static sp_str text_of(const sp_column *c, uint32_t i, char room[100])
{
    if (c->bytes)
        return sp_column_str(c, i);
    uint8_t bit = c->type.kind == SP_BOOL && sp_bit(c->data, i);
    uint32_t width = sp_kind_width(c->type.kind);
    return (sp_str){
        room, (size_t)(sp_put_value(room, c->type, width ? (char *)c->data + (size_t)i * width : (char *)&bit) - room)};
}

static void same_cells_however_asked(const char *yaml, made *filled, made *texts)
{
    enum { ROWS = 500 };
    uint64_t whole[ROWS] = {0};
    char room[100];
    const sp_column *a = fill(filled, 0, 150, ROWS, 0), *b = fill(texts, 0, 150, ROWS, 0);
    for (uint32_t c = 0; c < 4; c++)
        for (uint32_t i = 0; i < ROWS; i++) {
            bool null = sp_column_null(&a[c], i);
            if (null != sp_column_null(&b[c], i) ||
                (!null && !sp_str_eq(text_of(&a[c], i, room), sp_column_str(&b[c], i)))) {
                sp_str x = null ? sp_str_of("null") : text_of(&a[c], i, room), y = sp_column_str(&b[c], i);
                printf("# c%u of row %u: %.*s, as text %.*s\n# %s\n", c, i + 150, (int)x.len, x.p, (int)y.len, y.p,
                       yaml);
                CHECK(!"fill and text agree");
                return;
            }
            whole[i] = hash_cell(&a[c], i, whole[i]);
        }
    for (uint32_t first = 0, step = 1; first < ROWS; first += step, step = step % 7 + 1 + step / 2) {
        uint32_t n = SP_MIN(step, ROWS - first);
        a = fill(filled, 0, 150 + first, n, 0);
        for (uint32_t i = 0; i < n; i++) {
            uint64_t h = 0;
            for (uint32_t c = 0; c < 4; c++)
                h = hash_cell(&a[c], i, h);
            if (h != whole[first + i]) {
                printf("# row %u in a batch of %u\n# %s\n", 150 + first + i, n, yaml);
                CHECK(!"any batch gives the same cells");
                return;
            }
        }
    }
}

static void plans_by_chance_are_pure(void)
{
    for (uint64_t k = 0; k < 60; k++) {
        char yaml[2500], as_text[2500];
        uint64_t z = sp_mix64(seed + k);
        made filled, texts = {0};
        plan_by_chance(yaml, sizeof(yaml), z, false);
        plan_by_chance(as_text, sizeof(as_text), z, true);
        if (make(&filled, yaml) && make(&texts, as_text))
            same_cells_however_asked(yaml, &filled, &texts);
        else
            printf("# %s\n", yaml);
        drop(&filled);
        drop(&texts);
    }
}

/* ---- cells that ask cells ---- */

static void arrays_survive_nulls_and_refs(void)
{
    made m;
    if (make(
            &m,
            "tables: [{name: t, rows: 3000, columns: [{name: a, array: '${fruit}', props: {min: 3, max: 9}, 'null': 0.3}]},"
            "{name: u, rows: 3000, columns: [{name: b, ref: t.a}]}]"))
        for (uint32_t t = 0; t < 2; t++) {
            uint32_t rows = sp_gen_batch_rows(m.gen, t), nulls = 0;
            CHECK(rows > 0 && rows * 8 <= SP_BATCH_ROWS_MAX);
            const sp_column *c = fill(&m, t, 100, rows, 0);
            for (uint32_t i = 0; i < rows; i++) {
                int32_t len = c->offsets[i + 1] - c->offsets[i];
                nulls += sp_column_null(c, i);
                CHECK(len >= 3 && len < 9);
            }
            CHECK(nulls > rows / 10 && nulls < rows / 2);
        }
    drop(&m);
}

/* 20 tables, each referring to the one before; the file has parents or children first. */
static void chains_of_refs_work_in_either_order(void)
{
    for (int reversed = 0; reversed < 2; reversed++) {
        char yaml[4000] = "tables: [";
        size_t len = strlen(yaml);
        for (int i = 0; i < 20; i++) {
            int k = reversed ? 19 - i : i;
            len += (size_t)snprintf(yaml + len, sizeof(yaml) - len, "{name: t%d, rows: 9, columns: [{name: c, ", k);
            if (k == 0)
                len += (size_t)snprintf(yaml + len, sizeof(yaml) - len, "set: [1, 2, 3], type: int, 'null': 0.1}]},");
            else
                len += (size_t)snprintf(yaml + len, sizeof(yaml) - len, "ref: t%d.c%s}]},", k - 1,
                                        k == 7 ? ", type: bigint" : ", 'null': 0.01");
        }
        yaml[len - 1] = ']';
        made m;
        if (make(&m, yaml)) {
            const sp_column *c = fill(&m, reversed ? 0 : 19, 0, 9, 0);
            for (uint32_t i = 0; i < 9; i++)
                CHECK(sp_column_null(c, i) || (int_at(c, i) >= 1 && int_at(c, i) <= 3));
        }
        drop(&m);
    }
}

/* ---- mistakes ---- */

static void impossible_columns_are_mistakes(void)
{
    static const struct {
        const char *yaml, *words;
    } cases[] = {
        {"tables: [{name: t, rows: 10, columns: [{name: x, set: [1, two], type: int}]}]", "is no int"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: int, props: {min: 0, max: 100000}, type: smallint}]}]",
         "too small for values"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, value: '${uuid}', type: int}]}]",
         "cannot be made from uuid"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, value: '${bool}', unique: true}]}]",
         "has 2 different values, and the table 10 rows"},
        {"tables: [{name: t, rows: 257, columns: [{name: x, value: '${int8}', unique: true}]}]",
         "has 256 different values, and the table 257 rows"},
        {"tables: [{name: t, rows: 28, columns: [{name: x, value: '${http_status_code}', unique: true}]}]",
         "has 27 different values, and the table 28 rows"},
        {"tables: [{name: t, rows: 36, columns: [{name: x, value: '${time_zone_offset}', unique: true}]}]",
         "has 35 different values"},
        {"tables: [{name: t, rows: 3907, columns: [{name: x, range: string, props: {min: 1, max: 3}, unique: true}]}]",
         "has 3906 different values"},
        {"tables: [{name: t, rows: 258, columns: [{name: x, range: bytes, props: {min: 0, max: 2}, unique: true}]}]",
         "has 257 different values"},
        {"tables: [{name: t, rows: 16777217, columns: [{name: x, value: '${float32}', unique: true}]}]",
         "has 16777216 different values"},
        {"tables: [{name: t, rows: 64, columns: [{name: x, range: float, props: {min: 1, max: 1.0000000000000142}, unique: true}]}]",
         "has 32 different values"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: point, props: {lat: 51.5, lon: 0, distance_km: 0}, unique: true}]}]",
         "has 1 different values"},
        {"tables: [{name: t, rows: 15, columns: [{name: x, array: '${bool}', props: {min: 1, max: 4}, unique: true}]}]",
         "has 14 different values"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, array: '${fruit}', props: {min: 0, max: 4}, unique: true}]}]",
         "cannot be kept unique"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, array: [a, b, a], props: {min: 1, max: 4}, unique: true}]}]",
         "is equal to the value"},
        {"tables: [{name: t, rows: 82, columns: [{name: x, range: decimal, props: {min: 1, max: 9, scale: 2}, type: 'numeric(9,1)', unique: true}]}]",
         "has 81 different values"},
        {"tables: [{name: t, rows: 46400, columns: [{name: x, value: '${date}', type: date, unique: true}]}]",
         "different values, and the table 46400 rows"},
        /* casts */
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: float, props: {min: 100000, max: 200000}, type: smallint}]}]",
         "too small for values between 100000 and 200000"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: float, props: {min: 0, max: 1e300}, type: real}]}]",
         "too small for values"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: float, props: {min: 1000, max: 2000}, type: 'numeric(3,1)'}]}]",
         "too small for values"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: float, props: {min: 1, max: 9.96}, type: 'numeric(2,1)'}]}]",
         "too small for values"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: float, props: {min: -32769, max: 5}, type: smallint}]}]",
         "too small for values"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: float, props: {min: 0, max: 1e19}, type: bigint}]}]",
         "too small for values"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: decimal, props: {min: 9.95, max: 9.99, scale: 2}, type: 'numeric(2,1)'}]}]",
         "too small for values between 9.95 and 9.98"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, value: '${uint64}', type: bigint}]}]",
         "too small for values"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, value: '${int64}', type: int}]}]", "too small for values"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: int, props: {min: 0, max: 5000000000}, type: 'numeric(18,9)'}]}]",
         "too small for values"},
        /* promises of uniqueness that would not be kept */
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: timestamp, props: {min: 2020-01-01, max: 2021-01-01, format: 'Jan 06'}, unique: true}]}]",
         "cannot be kept unique"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, set: [1, 2, 3, 4, 5, 6, 8, 9, 7, '007'], type: int, unique: true}]}]",
         "equal"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, set: [1, 2, 3, 4, 5, 6, 8, 9, A, '\\x41'], type: bytea, unique: true}]}]",
         "equal"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, set: [1, 2, 3, 4, 5, 6, 8, 9, 0, '-0'], type: real, unique: true}]}]",
         "equal"},
        {"tables: [{name: t, rows: 10, columns: [{name: id, inc: 1}, {name: x, ref: t.id, unique: true}]}]",
         "cannot be kept unique"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, ref: u.x, primary_key: true}]}, {name: u, rows: 10, columns: [{name: x, inc: 1, 'null': 0.1}]}]",
         "a primary key cannot be null"},
        {"tables: [{name: t, rows: 10, columns: [{name: id, inc: 1, primary_key: true}, {name: x, ref: t.id, primary_key: true}]}]",
         "a primary key cannot be null"},
        /* types of text */
        {"tables: [{name: t, rows: 10, columns: [{name: x, set: [ab, 'ü€x', abcd], type: varchar(3)}]}]",
         "longer than"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, value: abcd, type: 'char(3)'}]}]", "longer than"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, set: ['{}', '{a: 1}'], type: jsonb}]}]", "is no jsonb"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, value: hello, type: json}]}]", "is no json"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, value: '{${first_name}}', type: json}]}]", "is not JSON"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, value: '[${fruit}', type: jsonb}]}]", "is not JSON"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, range: timestamp, props: {min: 2020-01-01, max: 2021-01-01}, type: json}]}]",
         "JSON"},
        {"tables: [{name: t, rows: 10, columns: [{name: x, ref: u.x, type: json}]}, {name: u, rows: 10, columns: [{name: x, set: [a]}]}]",
         "JSON"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        spate_plan *plan = NULL;
        sp_gen *gen = NULL;
        spate_error err;
        CHECK_INT(sp_plan_parse("t.yaml", cases[i].yaml, strlen(cases[i].yaml), &plan, &err), 0);
        CHECK_INT(plan->mistakes.n_errors, 0);
        CHECK_INT(sp_gen_new(plan, 0, &gen, &err), SPATE_E_CONFIG);
        size_t n = spate_plan_mistakes(plan);
        if (!CHECK(n == 1 && strstr(spate_plan_mistake(plan, 0)->message, cases[i].words)))
            printf("# %s: %s\n", cases[i].yaml, n ? spate_plan_mistake(plan, 0)->message : "no mistake");
        if (n)
            CHECK(spate_plan_mistake(plan, 0)->line == 1 && spate_plan_mistake(plan, 0)->column > 1);
        spate_plan_free(plan);
    }
}

/* Every plan here says unique, and its cells are. */
static void unique_cells_of_every_kind_differ(void)
{
    static const char *const columns[] = {
        "range: interval, props: {min: 1500ns, max: 2001500ns}, unique: true",
        "range: interval, props: {min: 0s, max: 24h}, unique: true",
        "range: timestamp, props: {min: 2020-01-01T00:00:00Z, max: 2020-01-01T00:33:20Z, format: '2006-01-02T15:04:05Z'}, unique: true",
        "range: timestamp, props: {min: 2020-01-01, max: 2026-01-01, format: '2006-01-02'}, unique: true, type: timestamp",
        "range: decimal, props: {min: 0, max: 20, scale: 2}, unique: true, type: 'numeric(9,3)'",
        "range: int, props: {min: 0, max: 2000}, unique: true, type: double precision",
        "range: int, props: {min: 0, max: 2000}, primary_key: true, type: 'numeric(9,2)'",
        "inc: 5, unique: true, type: text",
        "value: '${uuid}', type: text, primary_key: true",
        "value: '${int16}', unique: true",
        "value: '${int32}', unique: true, type: text",
        "value: '${date}', unique: true",
        "value: '${date}', unique: true, type: date",
        "value: '${past_date}', unique: true, type: timestamp",
        "value: '${float32}', unique: true",
        "value: '${float64}', unique: true, type: real",
        "value: '${float64}', unique: true, type: 'numeric(9,4)'",
        "range: float, props: {min: -7.5, max: 1000}, unique: true",
        "range: float, props: {min: 1000000, max: 1000400}, unique: true, type: real",
        "range: float, props: {min: 0, max: 2000}, unique: true, type: int",
        "range: decimal, props: {min: 0, max: 200, scale: 2}, type: 'numeric(9,1)', unique: true",
        "range: decimal, props: {min: 0, max: 20, scale: 2}, type: real, unique: true",
        "range: int, props: {min: 0, max: 100000000}, type: real, primary_key: true",
        "range: string, props: {min: 0, max: 3}, unique: true",
        "range: string, props: {min: 1, max: 40}, unique: true",
        "range: bytes, props: {min: 1, max: 3}, unique: true",
        "range: bytes, props: {min: 8, max: 9}, unique: true",
        "range: point, props: {lat: 51.5, lon: 0, distance_km: 0.02}, unique: true",
        "range: point, props: {lat: 90, lon: 0, distance_km: 0.02}, unique: true",
        "range: point, props: {lat: 0, lon: 180, distance_km: 0.02}, unique: true",
        "range: point, props: {lat: 0, lon: 0, distance_km: 20000}, unique: true",
        "array: '${bool}', props: {min: 0, max: 11}, unique: true",
        "array: '${int8}', props: {min: 1, max: 3}, unique: true",
        "array: '${fruit}', props: {min: 1, max: 4}, unique: true",
        "array: '${uuid}', props: {min: 1, max: 4}, unique: true",
        "array: [a, b, c], props: {min: 7, max: 9}, unique: true",
        "range: float, props: {min: 0, max: 1}, unique: true, sorted: true",
    };
    for (size_t k = 0; k < SP_COUNT(columns); k++) {
        char yaml[300];
        static uint64_t hashes[2000];
        made m;
        snprintf(yaml, sizeof(yaml), "tables: [{name: t, rows: 2000, columns: [{name: x, %s}]}]", columns[k]);
        if (make(&m, yaml)) {
            for (uint32_t row = 0, n; row < 2000; row += n) {
                n = SP_MIN(2000 - row, sp_gen_batch_rows(m.gen, 0));
                const sp_column *c = fill(&m, 0, row, n, 0);
                for (uint32_t i = 0; i < n; i++)
                    hashes[row + i] = hash_cell(c, i, SP_PHI);
            }
            qsort(hashes, 2000, sizeof(uint64_t), compare_u64);
            uint32_t twice = 0;
            for (uint32_t i = 1; i < 2000; i++)
                twice += hashes[i] == hashes[i - 1];
            if (!CHECK_INT(twice, 0))
                printf("# of %s\n", columns[k]);
        }
        drop(&m);
    }
}

static void texts_of_a_type_are_made_or_warned_of(void)
{
    made m;
    if (make(
            &m,
            "tables: [{name: t, rows: 10, columns: [{name: a, set: ['ü€x', abc], type: varchar(3)}, {name: b, value: abc, type: char(3)},"
            "{name: c, value: '${bool}', type: json}, {name: d, range: float, props: {min: 0, max: 1}, type: jsonb},"
            "{name: e, set: ['{\"a\": [1]}', '2'], type: json}, {name: f, ref: t.e, type: json},"
            "{name: g, value: '${first_name}', type: varchar(200)}]}]"))
        CHECK_INT(spate_plan_mistakes(m.plan), 0);
    drop(&m);
    if (make(&m, "tables: [{name: t, rows: 10, columns: [{name: x, value: '${uuid}', type: varchar(20)}]}]")) {
        CHECK_INT(spate_plan_mistakes(m.plan), 1);
        CHECK(!spate_plan_mistake(m.plan, 0)->fatal &&
              strstr(spate_plan_mistake(m.plan, 0)->message, "up to 36 bytes"));
    }
    drop(&m);
}

/* What just fits is let through, and every cell is what its type allows. */
static void casts_that_fit_are_made(void)
{
    static const struct {
        const char *range, *type;
        double min, max;
    } cases[] = {
        {"range: float, props: {min: -32768, max: 32767}", "smallint", -32768, 32767},
        {"range: float, props: {min: -100, max: 3e38}", "real", -100, 3e38},
        {"range: float, props: {min: 0, max: 99.94}", "'numeric(3,1)'", 0, 99.9},
        {"range: decimal, props: {min: 9.9, max: 9.95, scale: 2}", "'numeric(2,1)'", 9.9, 9.9},
        {"range: decimal, props: {min: -9.95, max: 9.9, scale: 2}", "'numeric(3,1)'", -10, 9.9},
        {"value: '${bool}'", "smallint", 0, 1},
        {"value: '${float64}'", "'numeric(2,1)'", 0, 1},
        {"value: '${float32}'", "int", 0, 1},
        {"value: '${uint64}'", "double precision", 0, 0x1p64},
        {"range: int, props: {min: 0, max: 1000000000}", "'numeric(18,9)'", 0, 999999999},
    };
    for (size_t k = 0; k < SP_COUNT(cases); k++) {
        char yaml[300];
        made m;
        snprintf(yaml, sizeof(yaml), "tables: [{name: t, rows: 2000, columns: [{name: x, %s, type: %s}]}]",
                 cases[k].range, cases[k].type);
        if (make(&m, yaml)) {
            const sp_column *c = fill(&m, 0, 0, 2000, 0);
            for (uint32_t i = 0; i < 2000; i++) {
                double v = c->type.kind == SP_F32   ? (double)((float *)c->data)[i]
                           : c->type.kind == SP_F64 ? ((double *)c->data)[i]
                                                    : (double)int_at(c, i) / (double)sp_pow10[c->type.scale];
                if (!(v >= cases[k].min && v <= cases[k].max))
                    CHECK(!"in range");
            }
        }
        drop(&m);
    }
}

static void casts_keep_nulls(void)
{
    made m;
    if (make(
            &m,
            "tables: [{name: t, rows: 1000, columns: [{name: a, inc: 5, 'null': 0.5}, {name: b, ref: u.c, type: smallint},"
            "{name: d, ref: u.c, type: text}]},"
            "{name: u, rows: 100, columns: [{name: c, range: int, props: {min: 1, max: 9}, 'null': 0.5}]}]")) {
        const sp_column *c = fill(&m, 0, 0, 1000, 0);
        uint32_t nulls[3] = {0};
        for (uint32_t i = 0; i < 1000; i++)
            for (int k = 0; k < 3; k++)
                nulls[k] += sp_column_null(c + k, i);
        for (int k = 0; k < 3; k++)
            CHECK(nulls[k] > 200 && nulls[k] < 800);
    }
    drop(&m);
}

/* Mistakes of the reader do not hide those of the generator, and nothing follows from what is wrong already. */
static void all_mistakes_come_in_one_run(void)
{
    static const struct {
        const char *yaml;
        size_t n;
    } cases[] = {
        {"tables: [{name: t, rows: 10, columns: [{name: a, rang: int}, {name: b, set: [1, two], type: int}, {name: c, ref: t.a},"
         "{name: d, ref: x.y, unique: true}, {name: e, range: int, props: {min: 0, max: 70000}, type: smallint}]}]",
         4},
        {"tables: [{name: t, rows: 10, columns: [{name: a, ref: t.b}, {name: b, ref: t.a}, {name: c, ref: t.c}, {name: d, value: x, type: int}]}]",
         3},
        {"tables: [{name: t, rows: 10, columns: [{name: a, range: int, props: {min: 0, max: 5}, unique: true}, {name: d, value: x, type: int}]}]",
         2},
        {"tables: [{name: t, rows: 10, columns: [{name: a, set: [1, 2]}, {name: b, ref: t.a, unique: true}, {name: d, value: x, type: int}]}]",
         2},
        {"tables: [{name: t, columns: [{name: a, inc: 1}, {name: d, value: x, type: int}]}, {rows: 3}, 7, {name: u, rows: 5, columns: [3, {inc: 2}]}]",
         7},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        spate_plan *plan = NULL;
        sp_gen *gen = NULL;
        spate_error err;
        CHECK_INT(sp_plan_parse("t.yaml", cases[i].yaml, strlen(cases[i].yaml), &plan, &err), 0);
        CHECK(plan->mistakes.n_errors > 0);
        CHECK_INT(sp_gen_new(plan, 0, &gen, &err), SPATE_E_CONFIG);
        if (!CHECK_INT(plan->mistakes.n_errors, cases[i].n))
            for (size_t k = 0; k < spate_plan_mistakes(plan); k++)
                printf("# %zu: %u %s: %s\n", i, spate_plan_mistake(plan, k)->column, spate_plan_mistake(plan, k)->found,
                       spate_plan_mistake(plan, k)->message);
        spate_plan_free(plan);
    }
}

/* A chain that is too long is refused without being followed to its end. */
static void endless_chains_are_refused(void)
{
    enum { LINKS = 4000 };
    static char yaml[LINKS * 60];
    size_t len = (size_t)snprintf(yaml, sizeof(yaml), "tables: [");
    for (int i = LINKS; i-- > 0;)
        len += (size_t)snprintf(yaml + len, sizeof(yaml) - len,
                                i ? "{name: t%d, rows: 1, columns: [{name: c, ref: t%d.c}]},"
                                  : "{name: t%d, rows: 1, columns: [{name: c, inc: %d}]}]",
                                i, i - 1 < 0 ? 0 : i - 1);
    spate_plan *plan = NULL;
    sp_gen *gen = NULL;
    CHECK_INT(sp_plan_parse("t.yaml", yaml, len, &plan, NULL), 0);
    CHECK_INT(plan->mistakes.n_errors, 1);
    CHECK_INT(sp_gen_new(plan, 0, &gen, NULL), SPATE_E_CONFIG);
    CHECK_INT(plan->mistakes.n_errors, 1);
    spate_plan_free(plan);
}

static void unknown_functions_are_warned_about(void)
{
    made m;
    if (make(&m, "tables: [{name: t, rows: 1, columns: [{name: x, value: '${emial} and ${uuid}'}]}]")) {
        CHECK_INT(spate_plan_mistakes(m.plan), 1);
        CHECK(!spate_plan_mistake(m.plan, 0)->fatal && strstr(spate_plan_mistake(m.plan, 0)->message, "${email}"));
        CHECK(strncmp(sp_column_str(fill(&m, 0, 0, 1, 0), 0).p, "${emial} and ", 13) == 0);
    }
    drop(&m);
}

static void no_memory_is_reported_not_crashed_on(void)
{
    for (uint64_t nth = 1; nth < 400; nth++) {
        spate_plan *plan = NULL;
        sp_gen *gen = NULL;
        if (sp_plan_parse("t.yaml", everything, strlen(everything), &plan, NULL) != SPATE_OK)
            break;
        sp_alloc_fail_at(nth);
        int rc = sp_gen_new(plan, 0, &gen, NULL);
        sp_alloc_fail_at(0);
        CHECK(rc == SPATE_OK || rc == SPATE_E_NOMEM);
        sp_gen_free(rc == SPATE_OK ? gen : NULL);
        spate_plan_free(plan);
        if (rc == SPATE_OK)
            break;
    }
}

/* ---- below ---- */

static void maths_agree_with_libm(void)
{
    uint64_t z = seed;
    for (int i = 0; i < 200000; i++) {
        z = sp_draw_next(z);
        double x = (sp_unit(z) - 0.5) * 60, pos = sp_exp(x), small = (sp_unit(sp_mix64(z)) - 0.5) * 0.01;
        if (fabs(pos / exp(x) - 1) > 1e-13 || fabs(sp_log(pos) - log(pos)) > 1e-13 * SP_MAX(1, fabs(x)) ||
            fabs(sp_sin(x) - sin(x)) > 1e-13 || fabs(sp_cos(x) - cos(x)) > 1e-13 ||
            fabs(sp_expm1(small) - expm1(small)) > 1e-13 * fabs(small) ||
            fabs(sp_log1p(small) - log1p(small)) > 1e-13 * fabs(small) ||
            fabs(sp_atan2(x, small * 1000) - atan2(x, small * 1000)) > 1e-13) {
            printf("# at %.17g and %.17g\n", x, small);
            CHECK(!"close to libm");
        }
    }
    CHECK(sp_exp(-1000) == 0 && isinf(sp_exp(1000)) && sp_exp(0) == 1 && sp_log(1) == 0);
    CHECK(sp_atan2(0, -1) > 3.14159 && sp_atan2(-1, 0) < -1.57 && sp_atan2(0, 0) == 0);
}

static void layouts_write_as_go_does(void)
{
    static const struct {
        const char *layout, *text;
    } cases[] = {
        /* Friday 5 January 2024 16:07:08.0905 UTC */
        {"2006-01-02T15:04:05Z", "2024-01-05T16:07:08Z"},
        {"Mon Jan _2 15:04:05 2006", "Fri Jan  5 16:07:08 2024"},
        {"Monday, 02-Jan-06 15:04:05 MST", "Friday, 05-Jan-24 16:07:08 UTC"},
        {"January 2, 2006 3:04 PM", "January 5, 2024 4:07 PM"},
        {"1/2/06 03:4:5pm", "1/5/24 04:7:8pm"},
        {"15:04:05.000", "16:07:08.090"},
        {"15:04:05.999999", "16:07:08.0905"},
        {"15:04:05,00", "16:07:08,09"},
        {"-07:00 -0700 -07 Z07:00", "+00:00 +0000 +00 Z"},
        {"002 __2", "005   5"},
        {"plain text", "plain text"},
        {"", ""},
    };
    sp_arena arena;
    sp_arena_init(&arena);
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        const sp_layout *l = sp_layout_new(&arena, sp_str_of(cases[i].layout));
        char text[200];
        char *end = sp_layout_put(l, INT64_C(1704470828090500), text);
        CHECK_STRN(text, (size_t)(end - text), cases[i].text);
        CHECK((size_t)(end - text) <= sp_layout_text_max(l));
    }
    CHECK_INT(sp_layout_kind(sp_str_of("2006-01-02")), SP_DATE);
    CHECK_INT(sp_layout_kind(sp_str_of("2006-01-02T15:04:05Z")), SP_TIMESTAMPTZ);
    CHECK_INT(sp_layout_kind(sp_str_of("02/01/2006")), SP_TEXT);
    sp_arena_done(&arena);
}

int main(void)
{
    const char *given = getenv("SPATE_TEST_SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)sp_os_monotonic_us();
    printf("# SPATE_TEST_SEED=%llu\n", (unsigned long long)seed);
    RUN(ranges_are_uniform_and_exclusive);
    RUN(equal_bounds_are_that_value);
    RUN(sets_follow_their_weights);
    RUN(nulls_come_at_their_rate);
    RUN(zipf_follows_its_law);
    RUN(guides_handle_odd_weights);
    RUN(unique_columns_are_unique);
    RUN(sorted_keys_increase);
    RUN(references_are_cells_of_the_parent);
    RUN(references_to_the_own_table_make_trees);
    RUN(any_slice_gives_the_same_cells);
    RUN(another_seed_gives_other_cells);
    RUN(new_columns_leave_the_others_alone);
    RUN(text_cells_keep_their_promises);
    RUN(plans_by_chance_are_pure);
    RUN(arrays_survive_nulls_and_refs);
    RUN(chains_of_refs_work_in_either_order);
    RUN(impossible_columns_are_mistakes);
    RUN(unique_cells_of_every_kind_differ);
    RUN(texts_of_a_type_are_made_or_warned_of);
    RUN(all_mistakes_come_in_one_run);
    RUN(endless_chains_are_refused);
    RUN(casts_that_fit_are_made);
    RUN(casts_keep_nulls);
    RUN(unknown_functions_are_warned_about);
    RUN(no_memory_is_reported_not_crashed_on);
    RUN(maths_agree_with_libm);
    RUN(layouts_write_as_go_does);
    return check_done();
}
