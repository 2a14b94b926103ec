/* test_store_fsst.c - compressed strings are read as what they were, in windows of any size, with the place where each of them ends;
 * what ends within an escape is noticed. */
#include "store/fsst.h"
#include "check.h"

#include <stdlib.h>

enum { STRINGS = 600, BYTES = 40000 };

static char text[BYTES + SP_SLACK];
static int32_t offsets[STRINGS + 1], ends[STRINGS + 1]; /* of the strings, and of their codes */
static char codes[SP_FSST_GROWS * BYTES + SP_SLACK], table[SP_FSST_TABLE_MAX];
static char out[SP_FSST_SHRINKS * SP_FSST_GROWS * BYTES + 64];
static uint32_t at[SP_FSST_GROWS * BYTES + 1];
static sp_fsst symbols;

/* Words, with every noise-th byte drawn at random: those that no symbol has are escaped. 0: all of them. */
static void make(uint64_t seed, unsigned noise)
{
    static const char *const words[] = {"north", "@example.com", "Smith", " ", "x", "kilometre"};
    uint64_t z = seed;
    int32_t n = 0;
    for (uint32_t i = 0; i < STRINGS; i++) {
        int32_t len = (int32_t)((z = sp_mix64(z + SP_PHI)) % 9 == 0 ? 0 : z >> 8 & 63), end = n + len;
        while (n < end) {
            const char *word = words[(z = sp_mix64(z + SP_PHI)) % SP_COUNT(words)];
            for (; *word && n < end; word++) {
                z = sp_mix64(z + SP_PHI);
                text[n++] = noise == 0 || z % noise == 0 ? (char)(z >> 32) : *word;
            }
        }
        offsets[i + 1] = n;
    }
}

static uint32_t put(void)
{
    sp_fsst_maker *m = sp_fsst_maker_new();
    size_t used;
    char *p = codes;
    if (!CHECK(m != NULL))
        exit(1);
    sp_fsst_learn(m, text, offsets, STRINGS);
    for (uint32_t i = 0; i < STRINGS; i++) {
        p = sp_fsst_put(m, text + offsets[i], (size_t)(offsets[i + 1] - offsets[i]), p);
        ends[i + 1] = (int32_t)(p - codes);
    }
    CHECK(sp_fsst_parse(table, sp_fsst_put_table(m, table), &symbols, &used));
    sp_fsst_maker_free(m);
    return (uint32_t)(p - codes);
}

/* Reads n codes, window of them at a time, and looks at every place that a string ends at. */
static void check_windows(uint32_t n, uint32_t window)
{
    uint32_t from = 0, bytes = 0, i = 0, wrong = 0;
    while (from < n || i <= STRINGS) {
        uint32_t read = sp_fsst_get(&symbols, codes + from, SP_MIN(window, n - from), out + bytes, at);
        if (!CHECK(read > 0 || from == n))
            return;
        for (; i <= STRINGS && (uint32_t)ends[i] - from <= read; i++)
            wrong += bytes + at[(uint32_t)ends[i] - from] != (uint32_t)offsets[i];
        from += read;
        bytes += at[read];
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(bytes, offsets[STRINGS]);
    CHECK(memcmp(out, text, bytes) == 0);
}

static void windows(void)
{
    static const unsigned noises[] = {0, 1, 2, 9, 100, 100000};
    static const uint32_t sizes[] = {2, 3, 7, 8, 9, 16, 100, 1024, sizeof codes};
    for (size_t k = 0; k < SP_COUNT(noises); k++) {
        make(k, noises[k]);
        uint32_t n = put();
        for (size_t w = 0; w < SP_COUNT(sizes); w++)
            check_windows(n, sizes[w]);
    }
}

static void escapes(void)
{
    static const char some[] = "\x00\xff"
                               "A\x00\xff\xff\x00\x00\x00\x00\x00\xff";
    symbols = (sp_fsst){.symbol = {'b' | 'c' << 8}, .len = {2}, .n = 1};
    static const uint32_t want[] = {0, 2, SP_FSST_INSIDE, 3, 5, SP_FSST_INSIDE, 6, 8, 10, 12, 14, 16};
    CHECK_INT(sp_fsst_get(&symbols, some, 12, out, at), 11); /* the last one escapes what is not there */
    CHECK(memcmp(at, want, sizeof want) == 0);
    CHECK_STRN(out, 16, "bcAbc\xff"
                        "bcbcbcbcbc");
    CHECK_INT(sp_fsst_get(&symbols, some + 11, 1, out, at), 0);
    CHECK_INT(sp_fsst_get(&symbols, some, 0, out, at), 0);
    CHECK_INT(at[0], 0);
}

int main(void)
{
    RUN(windows);
    RUN(escapes);
    return check_done();
}
