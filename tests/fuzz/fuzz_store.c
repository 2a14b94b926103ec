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

static int read_with(const sp_kernels *k, sp_segment *s, sp_type type, const void *bytes, size_t len, uint32_t from,
                     uint32_t n, sp_column *out)
{
    s->k = k;
    int rc = sp_segment_open(s, type, bytes, len, NULL);
    if (rc != SPATE_OK || s->rows > ROWS_MAX)
        return SPATE_E_CORRUPT;
    canary(s);
    from = from > s->rows ? s->rows : from;
    return sp_segment_read(s, from, SP_MIN(n, s->rows - from), out, NULL);
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
    sp_segment s[2];
    sp_column out[2];
    int rc[2];
    for (unsigned i = 0; i < 2; i++) {
        sp_segment_init(&s[i]);
        KEEP(sp_column_init(&out[i], type, 1, NULL) == SPATE_OK);
        rc[i] = read_with(i ? sp_kernels_best() : &sp_kernels_portable, &s[i], type, bytes, len - 3, from, n, &out[i]);
    }
    KEEP(rc[0] == rc[1]);
    if (rc[0] == SPATE_OK)
        same(&out[0], &out[1], SP_MIN(n, s[0].rows - SP_MIN(from, s[0].rows)));
    for (unsigned i = 0; i < 2; i++) {
        sp_segment_done(&s[i]);
        sp_column_done(&out[i]);
    }
    free(bytes);
    return 0;
}
