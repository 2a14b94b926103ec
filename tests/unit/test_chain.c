/* test_chain.c - chains and forks of words: filled for many rows they are what single rows are, by wide registers as without. */
#include "gen/chain.h"
#include "unit/check.h"

#include <stdlib.h>
#include <time.h>

enum { ROWS = 300, LINKS_MAX = 9, WAYS_MAX = 5 };

static uint64_t seed, drawn;
static sp_arena arena;
static uint64_t rows[ROWS];
static char text[ROWS * (LINKS_MAX + 1) * 192 + SP_SLACK], again[sizeof text];
static int32_t ends[ROWS + 1], ends_again[ROWS + 1];

static uint64_t pick(uint64_t n)
{
    return sp_mulhi(sp_draw(seed, drawn++), n);
}

/* Any of the lists whose words stand in slots that a chain can use. */
static const sp_words *some_words(void)
{
    const sp_words *w;
    do
        w = &sp_words_all[pick(sp_words_count)];
    while (w->stride < 16 || w->stride > SP_CHAIN_STRIDE_MAX || (w->stride & (w->stride - 1)));
    return w;
}

static sp_str some_text(void)
{
    static const char all[] =
        "one fixed text after the other, long enough to be cut: 0123456789 0123456789 0123456789 0123456789";
    size_t len = pick(3) ? pick(4) : pick(sizeof all);
    return (sp_str){all, len};
}

static const sp_chain *some_chain(void)
{
    sp_link links[LINKS_MAX];
    uint32_t n = 1 + (uint32_t)pick(LINKS_MAX);
    uint64_t key = pick(UINT64_MAX), behind = 1;
    for (uint32_t i = 0; i < n; i++) {
        const sp_words *w = some_words();
        if (pick(4) == 0) { /* a draw of its own */
            key = pick(UINT64_MAX);
            behind = 1;
        }
        links[i] =
            (sp_link){.share = {key, behind, w->count}, .words = w, .before = some_text(), .behind = some_text()};
        behind *= w->count;
    }
    const sp_chain *c = NULL;
    CHECK_INT(sp_chain_new(&arena, links, n, &c), SPATE_OK);
    return c;
}

static void choose_rows(void)
{
    uint64_t first = pick(1000000);
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = pick(8) ? first + i : pick(UINT64_MAX);
}

static bool same_texts(uint32_t n)
{
    return memcmp(ends, ends_again, (n + 1) * sizeof *ends) == 0 && memcmp(text, again, (size_t)ends[n]) == 0;
}

static void chains_fill_as_they_put(void)
{
    for (int round = 0; round < 400; round++) {
        const sp_chain *c = some_chain();
        uint32_t n = (uint32_t)pick(ROWS + 1);
        choose_rows();
        if (!CHECK(c))
            continue;
        sp_chain_fill(c, rows, n, text, ends);
        sp_chain_fill_portable(c, rows, n, again, ends_again);
        CHECK(same_texts(n));
        char *p = again;
        for (uint32_t i = 0; i < n; i++) {
            p = sp_chain_put(c, rows[i], p);
            ends_again[i + 1] = (int32_t)(p - again);
        }
        CHECK(same_texts(n));
        sp_arena_done(&arena);
        sp_arena_init(&arena);
    }
}

/* Each row of a fork is what one of its chains has there, and every chain has its turn. */
static void forks_take_each_way(void)
{
    for (int round = 0; round < 200; round++) {
        sp_way ways[WAYS_MAX];
        uint32_t n_ways = 1 + (uint32_t)pick(WAYS_MAX), taken = 0;
        for (uint32_t i = 0; i < n_ways; i++)
            ways[i] = (sp_way){.chain = some_chain()};
        const sp_fork *f = NULL;
        CHECK_INT(sp_fork_new(&arena, pick(UINT64_MAX), ways, n_ways, &f), SPATE_OK);
        choose_rows();
        if (!CHECK(f))
            continue;
        sp_fork_fill(f, rows, ROWS, text, ends);
        sp_fork_fill_portable(f, rows, ROWS, again, ends_again);
        CHECK(same_texts(ROWS));
        for (uint32_t i = 0; i < ROWS; i++) {
            uint32_t len = (uint32_t)(ends[i + 1] - ends[i]);
            bool found = false;
            for (uint32_t k = 0; k < n_ways; k++)
                if (sp_chain_put(ways[k].chain, rows[i], again) == again + len &&
                    memcmp(again, text + ends[i], len) == 0) {
                    found = true;
                    taken |= 1u << k;
                }
            CHECK(found);
        }
        CHECK_INT(taken, (1u << n_ways) - 1);
        sp_arena_done(&arena);
        sp_arena_init(&arena);
    }
}

int main(void)
{
    const char *wanted = getenv("SPATE_TEST_SEED");
    seed = wanted ? strtoull(wanted, NULL, 10) : (uint64_t)time(NULL);
    printf("# SPATE_TEST_SEED=%llu\n", (unsigned long long)seed);
    sp_arena_init(&arena);
    RUN(chains_fill_as_they_put);
    RUN(forks_take_each_way);
    sp_arena_done(&arena);
    return check_done();
}
