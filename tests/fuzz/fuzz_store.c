/* fuzz_store.c - any bytes as a segment of a store: no crash, nothing read outside, and what the widest registers read is what the portable
 * loops read. The first byte chooses the type. With FUZZ_CANARY it has a bug that a fuzzer worth its name finds: a raw segment
 * whose unused parameter is used. */
#include "store/segment.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define KEEP(cond) ((cond) ? (void)0 : abort())
enum { ROWS_MAX = 20000 };

static const sp_type text = {.kind = SP_TEXT}, ints = {.kind = SP_I32};
static const sp_type types[] = {
    {.kind = SP_BOOL},
    {.kind = SP_I16},
    {.kind = SP_I32},
    {.kind = SP_I64},
    {.kind = SP_U64},
    {.kind = SP_F32},
    {.kind = SP_F64},
    {.kind = SP_DATE},
    {.kind = SP_INTERVAL},
    {.kind = SP_UUID},
    {.kind = SP_TEXT},
    {.kind = SP_BYTES},
    {.kind = SP_DECIMAL, .precision = 9, .scale = 2},
    {.kind = SP_LIST, .item = &text},
    {.kind = SP_LIST, .item = &ints},
};

static void canary(const sp_segment *s)
{
#ifdef FUZZ_CANARY
    if (s->encoding == SP_ENC_RAW && s->param != 0) {
        static const char words[] = "the canary is found\n";
        (void)!write(2, words, sizeof words - 1);
        abort();
    }
#else
    (void)s;
#endif
}

static void same(const sp_column *a, const sp_column *b, uint32_t n)
{
    uint32_t width = sp_kind_width(a->type.kind);
    KEEP(!a->validity == !b->validity && (!a->validity || memcmp(a->validity, b->validity, (n + 7) / 8) == 0));
    if (width)
        KEEP(memcmp(a->data, b->data, (size_t)n * width) == 0);
    if (!a->offsets)
        return;
    KEEP(memcmp(a->offsets, b->offsets, ((size_t)n + 1) * 4) == 0);
    for (uint32_t i = 0; i < n; i++)
        KEEP(a->offsets[i] <= a->offsets[i + 1]);
    if (a->child)
        same(a->child, b->child, (uint32_t)a->offsets[n]);
    else if (a->offsets[n])
        KEEP(memcmp(a->bytes, b->bytes, (size_t)a->offsets[n]) == 0);
}

/* What one set of loops makes of a segment. */
typedef struct reading {
    sp_segment segment;
    sp_column cells;
    int rc;
} reading;

static int read_cells(sp_segment *s, sp_type type, const void *bytes, size_t len, uint32_t from, uint32_t n,
                      sp_column *out)
{
    int rc = sp_segment_open(s, type, bytes, len, NULL);
    if (rc != SPATE_OK || s->rows > ROWS_MAX)
        return SPATE_E_CORRUPT;
    canary(s);
    from = from > s->rows ? s->rows : from;
    return sp_segment_read(s, from, SP_MIN(n, s->rows - from), out, NULL);
}

static void read_with(const sp_kernels *k, sp_type type, const void *bytes, size_t len, uint32_t from, uint32_t n,
                      reading *to)
{
    sp_segment_init(&to->segment);
    to->segment.k = k;
    KEEP(sp_column_init(&to->cells, type, 1, NULL) == SPATE_OK);
    to->rc = read_cells(&to->segment, type, bytes, len, from, n, &to->cells);
}

static void drop(reading *one)
{
    sp_segment_done(&one->segment);
    sp_column_done(&one->cells);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 3)
        return 0;
    sp_type type = types[data[0] % SP_COUNT(types)];
    uint32_t from = data[1] * 5u, n = ROWS_MAX >> (data[2] % 12);
    char *bytes = malloc(len); /* of its own size, so that what is read behind it is seen */
    if (!bytes)
        return 0;
    memcpy(bytes, data + 3, len - 3);
    reading plain;
    read_with(sp_kernels_set(0), type, bytes, len - 3, from, n, &plain);
    for (unsigned i = 1; sp_kernels_set(i); i++) {
        reading other;
        read_with(sp_kernels_set(i), type, bytes, len - 3, from, n, &other);
        KEEP(plain.rc == other.rc);
        if (plain.rc == SPATE_OK)
            same(&plain.cells, &other.cells, SP_MIN(n, plain.segment.rows - SP_MIN(from, plain.segment.rows)));
        drop(&other);
    }
    drop(&plain);
    free(bytes);
    return 0;
}
