/* test_hist.c - times counted in buckets: quantiles beside those of the sorted values, and histograms that add up. */
#include "check.h"
#include "lab/hist.h"
#include "os/os.h"

#include <stdlib.h>

enum { N = 20000 };

static int order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void quantiles_are_near(void)
{
    static uint64_t values[N];
    static sp_hist whole, halves[2];
    uint64_t seed = 7;
    for (int i = 0; i < N; i++) { /* over all sizes that 64 bits have */
        uint64_t z = sp_draw(seed, (uint64_t)i);
        values[i] = z >> (sp_draw_next(z) % 64);
        sp_hist_add(&whole, values[i]);
        sp_hist_add(&halves[i % 2], values[i]);
    }
    qsort(values, N, sizeof(*values), order);
    static const double shares[] = {0.0001, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
    for (size_t i = 0; i < SP_COUNT(shares); i++) {
        uint64_t at = (uint64_t)(shares[i] * N), exact = values[at ? at - 1 : 0], got = sp_hist_at(&whole, shares[i]);
        CHECK(got >= exact);
        CHECK(got - exact <= exact / 64);
    }
    sp_hist_merge(&halves[0], &halves[1]);
    CHECK(memcmp(&halves[0], &whole, sizeof(whole)) == 0);
}

static void edges(void)
{
    static sp_hist h;
    CHECK_INT(sp_hist_at(&h, 0.5), 0);
    sp_hist_add(&h, UINT64_MAX);
    CHECK(sp_hist_at(&h, 0.5) == UINT64_MAX);
    for (uint64_t v = 0; v < 300; v++) {
        static sp_hist one;
        memset(&one, 0, sizeof(one));
        sp_hist_add(&one, v);
        sp_hist_add(&one, UINT64_C(1) << 40);
        CHECK(sp_hist_at(&one, 0.5) >= v && sp_hist_at(&one, 0.5) <= v + v / 64);
    }
}

typedef struct adder {
    sp_pulse *pulse;
    uint64_t seed;
    sp_hist mine;
} adder;

static void *add_many(void *arg)
{
    adder *a = arg;
    for (uint64_t i = 0; i < N; i++) {
        uint64_t v = sp_draw(a->seed, i) >> 20;
        sp_hist_add(&a->mine, v);
        sp_pulse_add(a->pulse, v);
    }
    return NULL;
}

/* What is taken while others add is, in the end, everything once. */
static void a_pulse_loses_nothing(void)
{
    enum { THREADS = 4 };
    static sp_pulse pulse;
    static adder adders[THREADS];
    static sp_hist took, taken, all;
    uint64_t errors;
    pthread_t threads[THREADS];
    for (uint64_t t = 0; t < THREADS; t++) {
        adders[t] = (adder){.pulse = &pulse, .seed = t};
        CHECK_INT(sp_os_thread_start(&threads[t], add_many, &adders[t], NULL), SPATE_OK);
    }
    while (taken.n < THREADS * N / 2) { /* some of it while they add */
        sp_pulse_take(&pulse, &took, &errors);
        sp_hist_merge(&taken, &took);
    }
    for (int t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        sp_hist_merge(&all, &adders[t].mine);
    }
    sp_pulse_take(&pulse, &took, &errors);
    sp_hist_merge(&taken, &took);
    CHECK_INT((int64_t)taken.n, (int64_t)all.n);
    CHECK(memcmp(taken.counts, all.counts, sizeof(all.counts)) == 0);
    CHECK(taken.max >= all.max && taken.max - all.max <= all.max / 64);
}

int main(void)
{
    RUN(quantiles_are_near);
    RUN(edges);
    RUN(a_pulse_loses_nothing);
    return check_done();
}
