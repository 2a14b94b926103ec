/* test_hist.c - times counted in buckets: quantiles beside those of the sorted values, and histograms that add up. */
#include "check.h"
#include "lab/hist.h"

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

int main(void)
{
    RUN(quantiles_are_near);
    RUN(edges);
    return check_done();
}
