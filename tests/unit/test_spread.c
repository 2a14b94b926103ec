/* test_spread.c - every distribution against its own law, by Kolmogorov and Smirnov for numbers and chi-square for counts, with the
 * laws from libm and not from the code under test. The seed is printed; limits are those of p = 0.9999. */
#include "gen/build.h"
#include "os/os.h"
#include "unit/check.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 400000, BATCH = 2000 };

static uint64_t seed;
static double values[ROWS];

/* ---- a column's cells as numbers ---- */

static double number_at(const sp_column *c, uint32_t i)
{
    switch (c->type.kind) {
    case SP_F64: return ((double *)c->data)[i];
    case SP_I32: return ((int32_t *)c->data)[i];
    case SP_DECIMAL: return (double)((int64_t *)c->data)[i] / (double)sp_pow10[c->type.scale];
    case SP_INTERVAL: return (double)((sp_interval *)c->data)[i].us / 1e6;
    case SP_TEXT: return (double)sp_column_str(c, i).len;
    case SP_LIST: return c->offsets[i + 1] - c->offsets[i];
    default: return (double)((int64_t *)c->data)[i] / (c->type.kind == SP_I64 ? 1 : 1e6);
    }
}

/* Fills values with the cells of one column, said in the plan language. False: a check has failed. */
static bool draw(const char *column)
{
    char yaml[1000];
    spate_plan *plan = NULL;
    sp_gen *gen = NULL;
    sp_gen_scratch *scratch = NULL;
    sp_batch batch;
    snprintf(
        yaml, sizeof(yaml),
        "tables: [{name: p, rows: 1000, columns: [{name: id, inc: 0}]}, {name: t, rows: %d, columns: [{name: c, %s}]}]",
        ROWS, column);
    bool good = sp_plan_parse("test", yaml, strlen(yaml), &plan, NULL) == SPATE_OK && !plan->mistakes.n_errors &&
                sp_gen_new(plan, seed, &gen, NULL) == SPATE_OK && sp_gen_scratch_new(gen, &scratch, NULL) == SPATE_OK;
    for (size_t i = 0; plan && i < spate_plan_mistakes(plan); i++)
        printf("# %s %s\n", spate_plan_mistake(plan, i)->found, spate_plan_mistake(plan, i)->message);
    if (CHECK(good) && CHECK_INT(sp_batch_init(&batch, sp_gen_schema(gen, 1), NULL), 0)) {
        for (uint32_t row = 0, n; row < ROWS; row += n) {
            n = SP_MIN(SP_MIN(sp_gen_batch_rows(gen, 1), (uint32_t)BATCH), ROWS - row);
            sp_batch_reset(&batch);
            good = sp_gen_fill(gen, 1, row, n, scratch, &batch, NULL) == SPATE_OK && good;
            for (uint32_t i = 0; i < n; i++)
                values[row + i] = number_at(&batch.columns[0], i);
        }
        sp_batch_done(&batch);
    }
    sp_gen_scratch_free(scratch);
    sp_gen_free(gen);
    spate_plan_free(plan);
    return CHECK(good);
}

/* ---- laws ---- */

static double normal_below(double x, double mean, double deviation)
{
    return erfc((mean - x) / deviation / sqrt(2)) / 2;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

typedef double law(double x);

/* The share of values below x must be law(x), cut to [min, max): Kolmogorov and Smirnov. step: values are rounded down to it, so
 * that only its multiples are looked at. */
static void check_law(const char *column, law *below, double min, double max, double step)
{
    if (!draw(column))
        return;
    qsort(values, ROWS, sizeof(*values), compare);
    double low = below(min), width = below(max) - low, worst = 0;
    for (uint32_t i = 0; i < ROWS; i++) {
        if (i + 1 < ROWS && values[i + 1] == values[i])
            continue; /* the last of equals */
        double share = (below(values[i] + step) - low) / width;
        worst = fmax(worst, fabs(share - (i + 1.0) / ROWS));
    }
    double limit = 3.27 / sqrt(ROWS); /* exceeded once in 1e9 */
    if (!CHECK(worst < limit) || !CHECK(values[0] >= min && values[ROWS - 1] < max + 1e-9))
        printf("# %s: farthest %g, limit %g; values %g to %g\n", column, worst, limit, values[0], values[ROWS - 1]);
}

static double normal_law(double x)
{
    return normal_below(x, 50, 10);
}
static double rounded_normal_law(double x)
{
    return normal_below(x - 0.5, 50, 10);
}
static double cents_law(double x)
{
    return normal_below(x - 0.005, 50, 10);
}
static double lognormal_law(double x)
{
    return x <= 0 ? 0 : normal_below(log(x / 20), 0, 0.8);
}
static double exponential_law(double x)
{
    return x <= 0 ? 0 : -expm1(-x / 30);
}
static double late_law(double x)
{
    return x <= 100 ? 0 : -expm1(-(x - 100) / 30);
}
static double pareto_law(double x)
{
    return x <= 2 ? 0 : 1 - pow(x / 2, -1.5);
}
static double triangle_law(double x)
{
    return x < 0 ? 0 : x < 20 ? x * x / 100 / 20 : x < 100 ? 1 - (100 - x) * (100 - x) / 100 / 80 : 1;
}
static double bars_law(double x)
{
    static const double edges[] = {0, 1, 10, 20, 100}, sums[] = {0, 0.5, 0.5, 0.8, 1};
    for (int i = 0; i < 4; i++)
        if (x < edges[i + 1])
            return x < 0 ? 0 : sums[i] + (sums[i + 1] - sums[i]) * (x - edges[i]) / (edges[i + 1] - edges[i]);
    return 1;
}
static double time_law(double x)
{
    return normal_below(x, 1704067200, 864000);
}

static void smooth_distributions_follow_their_laws(void)
{
    check_law("range: float, distribution: {type: normal, mean: 50, deviation: 10}", normal_law, -33, 133, 0);
    check_law("range: float, props: {min: 45, max: 90}, distribution: {type: normal, mean: 50, deviation: 10}",
              normal_law, 45, 90, 0);
    check_law("range: float, props: {min: 75, max: 90}, distribution: {type: normal, mean: 50, deviation: 10}",
              normal_law, 75, 90, 0);
    check_law("range: float, props: {min: 0, max: 30}, distribution: {type: normal, mean: 50, deviation: 10}",
              normal_law, 0, 30, 0);
    check_law("range: int, props: {min: 0, max: 100}, distribution: {type: normal, mean: 50, deviation: 10}",
              rounded_normal_law, 0, 100, 1);
    check_law("range: decimal, props: {min: 0, max: 100}, distribution: {type: normal, mean: 50, deviation: 10}",
              cents_law, 0, 100, 0.01);
    check_law("range: float, distribution: {type: lognormal, median: 20, sigma: 0.8}", lognormal_law, 0,
              20 * exp(0.8 * 8.3), 0);
    check_law("range: int, props: {min: 5, max: 500}, distribution: {type: lognormal, median: 20, sigma: 0.8}",
              lognormal_law, 5, 500, 1);
    check_law("range: float, distribution: {type: exponential, mean: 30}", exponential_law, 0, 1110, 0);
    check_law("range: interval, distribution: {type: exponential, mean: 30s}", exponential_law, 0, 1110, 1e-6);
    check_law("range: int, props: {min: 100, max: 300}, distribution: {type: exponential, mean: 30}", late_law, 100,
              300, 1);
    check_law("range: float, distribution: {type: pareto, scale: 2, shape: 1.5}", pareto_law, 2, 2 * exp2(53 / 1.5), 0);
    check_law("range: float, props: {min: 0, max: 100}, distribution: {type: triangular, peak: 20}", triangle_law, 0,
              100, 0);
    check_law(
        "range: timestamp, props: {min: 2023-06-01, max: 2024-06-01}, distribution: {type: normal, mean: 2024-01-01, deviation: 240h}",
        time_law, 1685577600, 1717200000, 1);
}

static void histograms_follow_their_bars(void)
{
    check_law("range: float, distribution: {type: histogram, bounds: [0, 1, 10, 20, 100], weights: [5, 0, 3, 2]}",
              bars_law, 0, 100, 0);
    check_law("range: int, distribution: {type: histogram, bounds: [0, 1, 10, 20, 100], weights: [5, 0, 3, 2]}",
              bars_law, 0, 100, 1);
    check_law(
        "range: decimal, distribution: {type: percentiles, values: {p0: 0, 50: 1, p50.0001: 10, 80: 20, p100: 100}}",
        bars_law, 0, 100, 0.01);
    check_law(
        "range: int, props: {min: 0, max: 15}, distribution: {type: histogram, bounds: [0, 1, 10, 20, 100], weights: [5, 0, 3, 2]}",
        bars_law, 0, 15, 1);
    check_law(
        "set: ['0', '1', '2', '3', '4'], type: int, distribution: {type: histogram, bounds: [0, 1, 10], weights: [5, 0]}",
        bars_law, 0, 1, 1);
}

static void lengths_and_refs_follow_too(void)
{
    check_law("range: string, props: {min: 0, max: 100}, distribution: {type: normal, mean: 50, deviation: 10}",
              rounded_normal_law, 0, 100, 1);
    check_law("array: '${bool}', props: {min: 5, max: 60}, distribution: {type: lognormal, median: 20, sigma: 0.8}",
              lognormal_law, 5, 60, 1);
    check_law("ref: p.id, distribution: {type: exponential, mean: 30}", exponential_law, 0, 1000, 1);
}

/* ---- counts ---- */

/* Chi-square of how often each number comes; those expected less than 10 times are taken together with their neighbours. */
static void check_counts(const char *column, double (*share)(double k), double first, uint32_t n)
{
    static double counts[5000];
    if (!draw(column))
        return;
    memset(counts, 0, sizeof(counts));
    bool inside = true;
    double sum = 0, chi = 0, want = 0, got = 0, df = -1;
    for (uint32_t i = 0; i < ROWS; i++) {
        double k = values[i] - first;
        inside = inside && k >= 0 && k < n;
        if (inside)
            counts[(uint32_t)k]++;
    }
    for (uint32_t k = 0; k < n; k++)
        sum += share(first + k);
    for (uint32_t k = 0; k < n; k++) {
        want += share(first + k) / sum * ROWS;
        got += counts[k];
        if (want >= 10) {
            chi += (got - want) * (got - want) / want;
            df++;
            want = got = 0;
        }
    }
    double a = 2 / (9 * df), limit = df * pow(1 - a + 6 * sqrt(a), 3); /* as seldom */
    if (!CHECK(inside) || !CHECK(chi < limit))
        printf("# %s: chi-square %g, limit %g for %g\n", column, chi, limit, df);
}

static double poisson_share(double k)
{
    return exp(k * log(4.5) - 4.5 - lgamma(k + 1));
}
static double large_share(double k)
{
    return exp(k * log(900) - 900 - lgamma(k + 1));
}
static double binomial_share(double k)
{
    return k > 40 ? 0 : exp(lgamma(41) - lgamma(k + 1) - lgamma(41 - k) + k * log(0.3) + (40 - k) * log(0.7));
}
static double zipf_share(double k)
{
    return pow(k + 1, -1.1);
}
static double steep_share(double k)
{
    return pow(k + 1, -2.5);
}

static double weight_share(double k)
{
    return k == 0 ? 5 : k == 1 ? 3 : k == 2 ? 2 : 0.01;
}

static void counts_follow_their_laws(void)
{
    check_counts("range: int, distribution: {type: poisson, mean: 4.5}", poisson_share, 0, 60);
    check_counts("range: int, props: {min: 3, max: 9}, distribution: {type: poisson, mean: 4.5}", poisson_share, 3, 6);
    check_counts("range: int, distribution: {type: poisson, mean: 900}", large_share, 0, 1300);
    check_counts("range: int, distribution: {type: binomial, trials: 40, chance: 30%}", binomial_share, 0, 41);
    check_counts("range: int, props: {min: 0, max: 3000}, distribution: zipf", zipf_share, 0, 3000);
    check_counts("range: int, props: {min: 0, max: 4999}, distribution: {type: zipf, exponent: 2.5}", steep_share, 0,
                 4999);
    check_counts("set: ['0', '1', '2', '3'], weights: [5, 3, 2, 0.01], type: int", weight_share, 0, 4);
}

/* The whole of zipf, far beyond the numbers that have an entry of their own: how much is below each power of ten. */
static void zipf_is_right_far_out(void)
{
    static const double exponents[] = {0.7, 1.0, 1.1, 1.6};
    const uint64_t n = UINT64_C(10000000000);
    sp_arena arena;
    sp_arena_init(&arena);
    for (size_t e = 0; e < SP_COUNT(exponents); e++) {
        double s = exponents[e], total = 0, below[11], counts[11] = {0}, chi = 0;
        for (int d = 0; d <= 10; d++) { /* the sum up to 10^d, by Euler and Maclaurin from 1000 on */
            double sum = 0, m = pow(10, d);
            for (double k = 1; k <= fmin(m, 1000); k++)
                sum += pow(k, -s);
            if (m > 1000)
                sum += (s == 1 ? log(m / 1000) : (pow(m, 1 - s) - pow(1000, 1 - s)) / (1 - s)) +
                       (pow(m, -s) - pow(1000, -s)) / 2 - s / 12 * (pow(m, -s - 1) - pow(1000, -s - 1));
            below[d] = total = sum;
        }
        sp_pick p;
        CHECK(sp_pick_zipf(&p, &arena, sp_mix64(seed + e), n, s, false));
        for (uint64_t row = 0; row < ROWS; row++) {
            double k = (double)sp_pick_one(&p, row) + 1;
            int d = 0;
            while (k > pow(10, d) + 0.5)
                d++;
            counts[d]++;
        }
        for (int d = 0; d <= 10; d++) {
            double want = (below[d] - (d ? below[d - 1] : 0)) / total * ROWS;
            chi += (counts[d] - want) * (counts[d] - want) / want;
        }
        if (!CHECK(chi < 66)) /* 10 degrees of freedom */
            printf("# zipf %g: chi-square %g\n", s, chi);
    }
    sp_arena_done(&arena);
}

/* ---- rhythms ---- */

/* Two years of office hours that grow: how many in each hour of the week, in each quarter, and none at night. */
static void rhythms_beat(void)
{
    static const char *const column =
        "range: timestamp, props: {min: 2024-01-01, max: 2026-01-01}, distribution: {type: rhythm, growth: 100%, weekdays: [1, 1, 1, 1, 1, 0.5, 0], "
        "hours: [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 1, 2, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0]}";
    static const double hours[24] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 2, 2, 1, 2, 2, 2, 1};
    double counts[7][24] = {{0}}, chi = 0, late = 0;
    if (!draw(column))
        return;
    for (uint32_t i = 0; i < ROWS; i++) {
        int64_t second = (int64_t)values[i];
        counts[(second / 86400 + 3) % 7][second / 3600 % 24]++;
        late += second >= 1735689600;
    }
    for (int d = 0; d < 7; d++)
        for (int h = 0; h < 24; h++) {
            double weight = (d < 5 ? 1 : d == 5 ? 0.5 : 0) * hours[h], want = weight / (5.5 * 15) * ROWS;
            if (weight == 0)
                CHECK_INT(counts[d][h], 0);
            else
                chi += (counts[d][h] - want) * (counts[d][h] - want) / want *
                       (want / (want + want * want * 1e-5)); /* years have not all weekdays alike */
        }
    if (!CHECK(chi < 150))
        printf("# rhythm: chi-square %g\n", chi);
    CHECK(fabs(late / ROWS - 2.0 / 3) < 0.01); /* the second year has twice as many */
}

/* ---- sorted ---- */

static void sorted_columns_ascend_and_follow_their_law(void)
{
    static const char *const columns[] = {
        "range: float, props: {min: -33, max: 133}, distribution: {type: normal, mean: 50, deviation: 10}, sorted: true",
        "range: int, distribution: {type: poisson, mean: 4.5}, sorted: true",
        "range: float, distribution: {type: histogram, bounds: [0, 1, 10, 20, 100], weights: [5, 0, 3, 2]}, sorted: true",
    };
    for (size_t k = 0; k < SP_COUNT(columns); k++) {
        bool ascends = true;
        if (!draw(columns[k]))
            continue;
        for (uint32_t i = 1; i < ROWS; i++)
            ascends = ascends && values[i] >= values[i - 1];
        CHECK(ascends);
    }
    check_law(columns[0], normal_law, -33, 133, 0);
    check_law(columns[2], bars_law, 0, 100, 0);
}

/* ---- permutations ---- */

static void permutations_are_equal_wide_and_even(void)
{
    static const uint64_t sizes[] = {
        1, 2, 3, 5, 100, 1000, 65537, 1000003, UINT64_C(1) << 40, (UINT64_C(1) << 62) - 5, UINT64_MAX};
    uint64_t rows[1003], wide[1003], plain[1003];
    for (size_t s = 0; s < SP_COUNT(sizes); s++) {
        uint64_t n = sizes[s];
        sp_permutation p = sp_permutation_of(seed + s, n);
        for (uint32_t i = 0; i < SP_COUNT(rows); i++)
            rows[i] = i % 3 ? i : sp_mix64(i) % n;
        sp_permute_many(&p, rows, SP_COUNT(rows), wide);
        sp_permute_many_scalar(&p, rows, SP_COUNT(rows), plain);
        CHECK(memcmp(wide, plain, sizeof(wide)) == 0);
    }
    for (size_t s = 5; s < SP_COUNT(sizes); s++) { /* the first rows lie anywhere, and so do their differences */
        double counts[2][16] = {{0}}, chi[2] = {0};
        uint64_t n = sizes[s], last = 0;
        sp_permutation p = sp_permutation_of(seed + s, n);
        for (uint64_t i = 0; i < 1000; i++) {
            uint64_t x = sp_permutation_at(&p, i);
            counts[0][(unsigned)((double)x / (double)n * 16) & 15]++;
            counts[1][(unsigned)((double)(x >= last ? x - last : n - last + x) / (double)n * 16) & 15]++;
            last = x;
        }
        for (int k = 0; k < 32; k++)
            chi[k / 16] += (counts[k / 16][k % 16] - 62.5) * (counts[k / 16][k % 16] - 62.5) / 62.5;
        if (!CHECK(chi[0] < 76 && chi[1] < 76))
            printf("# permutation of %llu: chi-square %g, %g\n", (unsigned long long)n, chi[0], chi[1]);
    }
}

int main(void)
{
    const char *given = getenv("SPATE_TEST_SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)sp_os_monotonic_us();
    printf("# SPATE_TEST_SEED=%llu\n", (unsigned long long)seed);
    RUN(smooth_distributions_follow_their_laws);
    RUN(histograms_follow_their_bars);
    RUN(lengths_and_refs_follow_too);
    RUN(counts_follow_their_laws);
    RUN(zipf_is_right_far_out);
    RUN(rhythms_beat);
    RUN(sorted_columns_ascend_and_follow_their_law);
    RUN(permutations_are_equal_wide_and_even);
    return check_done();
}
