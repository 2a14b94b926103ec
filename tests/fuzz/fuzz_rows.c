/* fuzz_rows.c - any bytes as rows: no crash, no leak, nothing read outside; and a batch that comes out keeps its word: offsets rise,
 * text is UTF-8, and what is written of it as CSV is read back as the same rows.
 *
 * The first byte chooses the form: CSV of two dialects, COPY text, NDJSON, COPY BINARY; the second cuts the rest into two pieces.
 * With FUZZ_CANARY it has a bug that a fuzzer worth its name finds: no text may have "infinity" in it, which the
 * dictionary has as a word for times. */
#include "codec/codec.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define KEEP(cond) ((cond) ? (void)0 : abort())

static const sp_type item = {.kind = SP_I32};
static const sp_field fields[] = {
    {"i", {SP_I32}, true},
    {"t", {SP_TEXT}, true},
    {"d", {SP_DECIMAL, 10, 2}, true},
    {"ts", {SP_TIMESTAMPTZ}, true},
    {"gap", {SP_INTERVAL}, true},
    {"j", {SP_JSON}, true},
    {"l", {SP_LIST, .item = &item}, true},
    {"n", {SP_TEXT}, true},
};
static const sp_pg_type types[] = {
    {.oid = 23, .name = "int4"},
    {.oid = 25, .name = "text"},
    {.oid = 1700, .typmod = (10 << 16 | 2) + 4, .name = "numeric"},
    {.oid = 1184, .name = "tstz"},
    {.oid = 1186, .name = "iv"},
    {.oid = 3802, .name = "jsonb"},
    {.oid = 1007, .item_oid = 23, .category = 'A', .name = "int4[]"},
    {.oid = 1700, .typmod = -1, .name = "numeric"},
};
enum { N = SP_COUNT(fields) };
static const int32_t all[N] = {0, 1, 2, 3, 4, 5, 6, 7};
static const sp_schema schema = {.table = "t", .fields = fields, .n_fields = N, .rows = UINT64_MAX};

static void canary(sp_str s)
{
#ifdef FUZZ_CANARY
    static const char words[] = "the canary is found\n";
    if (memmem(s.p, s.len, "infinity", 8)) {
        (void)!write(2, words, sizeof words - 1);
        abort();
    }
#else
    (void)s;
#endif
}

static void look_at(const sp_batch *b)
{
    KEEP(b->rows <= SP_BATCH_ROWS_MAX);
    for (uint32_t c = 0; c < N; c++)
        for (uint32_t row = 0; row < b->rows && b->columns[c].offsets; row++) {
            const sp_column *column = &b->columns[c];
            KEEP(column->offsets[row] <= column->offsets[row + 1]);
            if (column->type.kind != SP_TEXT)
                continue;
            sp_str s = sp_column_str(column, row);
            KEEP(sp_utf8_valid(s.p, s.len) && !memchr(s.p, 0, s.len));
            canary(s);
        }
}

/* Written as CSV and read again, the rows are written as the same CSV. */
static void back_and_forth(const sp_batch *b)
{
    sp_rowtext *e;
    sp_rowread *r;
    sp_buf one = {0}, two = {0};
    sp_batch again;
    size_t used;
    sp_text_form form = sp_text_form_of(SP_TEXT_CSV);
    KEEP(!sp_rowtext_new(&schema, SP_TEXT_CSV, &e, NULL) && !sp_rowtext_encode(e, b, 0, b->rows, &one));
    KEEP(!sp_rowread_new(&schema, &form, all, N, &r, NULL) && !sp_batch_init(&again, &schema, NULL));
    sp_batch_reset(&again);
    KEEP(!sp_rowread_decode(r, (sp_str){one.data, one.len}, true, UINT64_MAX, &again, &used, NULL) &&
         again.rows == b->rows);
    KEEP(!sp_rowtext_encode(e, &again, 0, again.rows, &two) && two.len == one.len);
    KEEP(one.len == 0 || memcmp(one.data, two.data, one.len) == 0);
    sp_batch_done(&again);
    sp_rowread_free(r);
    sp_rowtext_free(e);
    sp_buf_done(&one);
    sp_buf_done(&two);
}

static bool read_text(unsigned how, sp_str bytes, size_t cut, sp_batch *b)
{
    static const sp_text_dialect dialects[] = {SP_TEXT_CSV, SP_TEXT_CSV, SP_TEXT_COPY, SP_TEXT_NDJSON};
    sp_text_form form = sp_text_form_of(dialects[how]);
    if (how == 1)
        form = (sp_text_form){.dialect = SP_TEXT_CSV,
                              .delimiter = ';',
                              .quote = '\'',
                              .escape = '\\',
                              .null_word = "NULL",
                              .portable = true};
    sp_rowread *r;
    size_t used = 0, more = 0;
    KEEP(!sp_rowread_new(&schema, &form, all, N, &r, NULL));
    int rc = sp_rowread_decode(r, (sp_str){bytes.p, cut}, false, UINT64_MAX, b, &used, NULL);
    KEEP(used <= cut);
    if (rc == SPATE_OK)
        rc = sp_rowread_decode(r, (sp_str){bytes.p + used, bytes.len - used}, true, UINT64_MAX, b, &more, NULL);
    KEEP(used + more <= bytes.len);
    sp_rowread_free(r);
    return rc == SPATE_OK;
}

static bool read_binary(sp_str bytes, sp_batch *b)
{
    sp_pgread *d;
    KEEP(!sp_pgread_new(&schema, types, &d, NULL));
    int rc = SPATE_OK;
    for (size_t used; rc == SPATE_OK && bytes.len && b->rows < SP_BATCH_ROWS_MAX; bytes.p += used, bytes.len -= used) {
        used = 0;
        rc = sp_pgread_tuple(d, bytes, b, &used, NULL);
        KEEP(used <= bytes.len && (rc != SPATE_OK || used > 0));
    }
    sp_pgread_free(d);
    return rc == SPATE_OK && sp_batch_check_text(b, NULL) == SPATE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    sp_str bytes = {(const char *)data + 2, len - 2};
    unsigned how = data[0] % 5;
    sp_batch b;
    KEEP(!sp_batch_init(&b, &schema, NULL));
    sp_batch_reset(&b);
    bool ok = how == 4 ? read_binary(bytes, &b) : read_text(how, bytes, bytes.len * data[1] / 255, &b);
    if (ok) {
        look_at(&b);
        if (how != 4) /* the server's word is taken for its JSON, so it need not be any */
            back_and_forth(&b);
    }
    sp_batch_done(&b);
    return 0;
}
