/* test_unique.c - what is to be unique is: all cells of a column, or of the columns of a key, are made, sorted and
 * compared. SPATE_UNIQUE_ROWS says how many; a soak does a hundred million of each. SPATE_UNIQUE_ONLY is a word of the
 * columns to look at. */
#include "gen/build.h"
#include "os/os.h"
#include "unit/check.h"

#include <stdlib.h>

static uint64_t seed, rows_wanted = 300000;
static const char *only; /* NULL: all */

/* Numbers as they are; texts, and the columns of a key, as 64 bits of hash, which collide for a hundred million once in 3700. */
static uint64_t cell_bits(const sp_column *c, uint32_t i, uint64_t before)
{
    uint32_t width = sp_kind_width(c->type.kind);
    uint64_t bits = 0;
    if (width == 8 && !before)
        return ((uint64_t *)c->data)[i];
    if (width == 4 && !before)
        return ((uint32_t *)c->data)[i];
    if (width)
        return sp_hash64((char *)c->data + (size_t)i * width, width, before);
    if (c->type.kind == SP_BOOL)
        return sp_mix64(before + 2 + sp_bit(c->data, i));
    if (c->type.kind == SP_LIST) {
        for (int32_t item = c->offsets[i]; item < c->offsets[i + 1]; item++)
            before = cell_bits(c->child, (uint32_t)item, before + 1);
        return sp_mix64(before);
    }
    sp_str s = sp_column_str(c, i);
    bits = sp_hash64(s.p, s.len, before);
    return bits;
}

/* Sorted by their bytes, the least first; room: as many again. */
static void sort(uint64_t *v, uint64_t *room, uint64_t n)
{
    for (unsigned shift = 0; shift < 64; shift += 16) {
        static uint64_t begin[65537];
        memset(begin, 0, sizeof(begin));
        for (uint64_t i = 0; i < n; i++)
            begin[(v[i] >> shift & 0xffff) + 1]++;
        for (int b = 0; b < 65536; b++)
            begin[b + 1] += begin[b];
        for (uint64_t i = 0; i < n; i++)
            room[begin[v[i] >> shift & 0xffff]++] = v[i];
        uint64_t *swap = v;
        v = room;
        room = swap;
    }
}

static void check_unique(const char *columns)
{
    if (only && !strstr(columns, only))
        return;
    char yaml[1000];
    spate_plan *plan = NULL;
    sp_gen *gen = NULL;
    sp_gen_scratch *scratch = NULL;
    sp_batch batch;
    uint64_t n = rows_wanted, twice = 0, *v = malloc(n * 8), *room = malloc(n * 8);
    snprintf(
        yaml, sizeof(yaml),
        "tables: [{name: p, rows: %llu, columns: [{name: id, inc: 5}]}, {name: q, rows: 40000, columns: [{name: id, inc: 5}]}, "
        "{name: t, rows: %llu, columns: [%s]}]",
        (unsigned long long)n, (unsigned long long)n, columns);
    bool good = v && room && sp_plan_parse("test", yaml, strlen(yaml), &plan, NULL) == SPATE_OK &&
                sp_gen_new(plan, seed, &gen, NULL) == SPATE_OK && sp_gen_scratch_new(gen, &scratch, NULL) == SPATE_OK &&
                sp_batch_init(&batch, sp_gen_schema(gen, 2), NULL) == SPATE_OK;
    for (size_t i = 0; plan && i < spate_plan_mistakes(plan); i++)
        printf("# %s %s\n", spate_plan_mistake(plan, i)->found, spate_plan_mistake(plan, i)->message);
    if (CHECK(good)) {
        for (uint64_t row = 0, m; row < n; row += m) {
            m = SP_MIN((uint64_t)sp_gen_batch_rows(gen, 2), n - row);
            sp_batch_reset(&batch);
            good = sp_gen_fill(gen, 2, row, (uint32_t)m, scratch, &batch, NULL) == SPATE_OK && good;
            for (uint32_t i = 0; i < m; i++) {
                uint64_t bits = cell_bits(&batch.columns[0], i, 0);
                for (uint32_t c = 1; c < batch.schema->n_fields; c++)
                    bits = cell_bits(&batch.columns[c], i, bits + 1);
                v[row + i] = bits;
            }
        }
        sp_batch_done(&batch);
        sort(v, room, n);
        for (uint64_t i = 1; i < n; i++)
            twice += v[i] == v[i - 1];
        CHECK(good);
        if (!CHECK_INT(twice, 0))
            printf("# of %llu rows of %s\n", (unsigned long long)n, columns);
    }
    sp_gen_scratch_free(scratch);
    sp_gen_free(gen);
    spate_plan_free(plan);
    free(v);
    free(room);
}

static void columns_are_unique(void)
{
    char tight[200];
    snprintf(tight, sizeof(tight), "{name: a, range: int, props: {min: -3, max: %llu}, unique: true}",
             (unsigned long long)rows_wanted - 3);
    check_unique(tight);
    check_unique("{name: a, range: int, props: {min: -9000000000000000000, max: 9000000000000000000}, unique: true}");
    check_unique("{name: a, range: decimal, props: {min: 0, max: 1234567.89}, unique: true}");
    check_unique("{name: a, range: timestamp, props: {min: 2000-01-01, max: 2010-01-01}, unique: true}");
    check_unique("{name: a, range: string, props: {min: 6, max: 12}, unique: true}");
    check_unique("{name: a, value: '${uuid}'}");
    check_unique("{name: a, value: '${int64}', unique: true}");
    check_unique("{name: a, value: '${uint32}', unique: true, type: bigint}");
    check_unique("{name: a, value: '${latitude}', unique: true}");
    check_unique("{name: a, value: '${uuid}', sorted: true}");
    check_unique("{name: a, value: '${email}', unique: true}");
    check_unique("{name: a, person: email, unique: true}");
    check_unique("{name: a, expr: 'lower(${last_name})', unique: true}");
    check_unique("{name: a, ref: p.id, unique: true}");
}

/* Their values are chosen part by part: the last of these have hardly more than are asked for. */
static void made_values_are_unique(void)
{
    char tight[200];
    unsigned letters = 1, bits = 1;
    for (uint64_t words = 62; words < rows_wanted; letters++)
        words = (words + 1) * 62;
    for (uint64_t words = 2; words < rows_wanted; bits++)
        words = (words + 1) * 2;
    check_unique("{name: a, value: '${date}', unique: true}");
    check_unique("{name: a, value: '${float64}', unique: true}");
    check_unique("{name: a, range: float, props: {min: -7.5, max: 1000}, unique: true}");
    check_unique("{name: a, range: float, props: {min: 0, max: 1000000000}, unique: true, type: int}");
    check_unique("{name: a, range: bytes, props: {min: 1, max: 20}, unique: true}");
    check_unique("{name: a, range: point, props: {lat: 51.5, lon: 0, distance_km: 20}, unique: true}");
    check_unique("{name: a, pattern: '[A-Z]{2}[0-9]{3}-[a-z]{1,5}', unique: true}");
    check_unique("{name: a, pattern: '(a|[a-f]{1,3})+[b-z]{2,4}', props: {repeat: 6}, unique: true}");
    check_unique("{name: a, array: '${int16}', props: {min: 1, max: 4}, unique: true}");
    snprintf(tight, sizeof(tight), "{name: a, range: string, props: {min: 1, max: %u}, unique: true}", letters + 1);
    check_unique(tight);
    snprintf(tight, sizeof(tight), "{name: a, array: '${bool}', props: {min: 1, max: %u}, unique: true}", bits + 1);
    check_unique(tight);
}

static void keys_are_unique(void)
{
    check_unique("{name: a, ref: q.id, primary_key: true}, {name: b, ref: q.id, primary_key: true}");
    check_unique("{name: a, ref: q.id, primary_key: true}, {name: b, ref: q.id, primary_key: true, differs_from: a}");
    check_unique(
        "{name: a, ref: p.id, primary_key: true}, {name: b, range: int, props: {min: 0, max: 900000000}, primary_key: true}, {name: c, ref: p.id, primary_key: true}");
    check_unique(
        "{name: a, ref: p.id, primary_key: true, children: {type: poisson, mean: 1}}, {name: b, expr: nth(a), primary_key: true}");
    check_unique(
        "{name: a, ref: p.id, primary_key: true, children: {min: 0, max: 2}}, {name: b, ref: q.id, primary_key: true, unique_within: a}");
}

int main(void)
{
    const char *given = getenv("SPATE_TEST_SEED"), *rows = getenv("SPATE_UNIQUE_ROWS");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)sp_os_monotonic_us();
    only = getenv("SPATE_UNIQUE_ONLY");
    rows_wanted = rows ? strtoull(rows, NULL, 10) : rows_wanted;
    printf("# SPATE_TEST_SEED=%llu\n", (unsigned long long)seed);
    RUN(columns_are_unique);
    RUN(made_values_are_unique);
    RUN(keys_are_unique);
    return check_done();
}
