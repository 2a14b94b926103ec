/* fuzz_arrow.c - any bytes as an Arrow IPC stream: no crash, no leak, nothing read outside; and rows that come out keep their word: they
 * are written as a stream again, which gives the same rows.
 *
 * With FUZZ_CANARY it has a bug that a fuzzer worth its name finds: no column may be called as the corpus's first is, with another
 * first letter. */
#include "codec/arrow.h"
#include "codec/codec.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define KEEP(cond) ((cond) ? (void)0 : abort())

typedef struct stream {
    sp_arrowread *reader;
    sp_schema schema;
    uint32_t columns[SP_COLUMNS_MAX];
    sp_batch batch;
    bool open;
    char *metadata, *body; /* copies of exactly their length: what is read behind them is found */
} stream;

static void canary(const sp_schema *s)
{
#ifdef FUZZ_CANARY
    if (s->n_fields && strlen(s->fields[0].name) == 2 && s->fields[0].name[0] != 'i' && s->fields[0].name[1] == 'd') {
        static const char words[] = "the canary is found\n";
        (void)!write(2, words, sizeof words - 1);
        abort();
    }
#else
    (void)s;
#endif
}

static char *copy_of(const uint8_t *p, size_t len)
{
    char *copy = malloc(len ? len : 1);
    KEEP(copy);
    memcpy(copy, p, len);
    return copy;
}

static bool begin(stream *s, sp_str metadata)
{
    const sp_field *fields;
    uint32_t n;
    if (sp_arrowread_schema(s->reader, metadata, &fields, &n, NULL) || n == 0)
        return false;
    s->schema = (sp_schema){.table = "t", .fields = fields, .n_fields = n, .rows = UINT64_MAX};
    for (uint32_t i = 0; i < n; i++)
        s->columns[i] = i;
    canary(&s->schema);
    KEEP(!sp_batch_init(&s->batch, &s->schema, NULL));
    s->open = true;
    return true;
}

static void write_again(stream *s)
{
    sp_buf out = {0};
    if (sp_batch_check_text(&s->batch, NULL) == SPATE_OK && sp_arrow_batch(&s->batch, &out, NULL) == SPATE_OK) {
        sp_arrow_block block;
        KEEP(sp_arrow_measure((sp_str){out.data, out.len}, &block) && block.metadata + block.body == out.len);
    }
    sp_buf_done(&out);
}

static bool take_rows(stream *s, uint64_t rows)
{
    for (uint64_t at = 0, n; at < SP_MIN(rows, UINT64_C(20000)); at += n) {
        n = SP_MIN(rows - at, (uint64_t)SP_BATCH_ROWS_MAX);
        sp_batch_reset(&s->batch);
        if (sp_arrowread_rows(s->reader, s->columns, at, at + n, &s->batch, NULL))
            return false;
        KEEP(s->batch.rows == n);
        write_again(s);
    }
    return true;
}

static bool one_message(stream *s, const uint8_t **p, size_t *len)
{
    uint32_t metadata, head;
    uint64_t body, rows;
    sp_arrow_kind kind;
    if (*len < SP_ARROW_HEAD_BYTES || sp_arrow_head(*p, &metadata, &head, NULL) || !metadata || *len - head < metadata)
        return false;
    free(s->metadata);
    free(s->body);
    s->body = NULL;
    s->metadata = copy_of(*p + head, metadata);
    sp_str m = {s->metadata, metadata};
    if (sp_arrowread_kind(m, &kind, &body, NULL) || body > *len - head - metadata)
        return false;
    s->body = copy_of(*p + head + metadata, body);
    *p += head + metadata + body;
    *len -= head + metadata + body;
    sp_str b = {s->body, body};
    if (kind == SP_ARROW_SCHEMA)
        return !s->open && begin(s, m);
    if (!s->open)
        return false;
    if (kind == SP_ARROW_DICTIONARY)
        return sp_arrowread_dictionary(s->reader, m, b, NULL) == SPATE_OK;
    return sp_arrowread_batch(s->reader, m, b, &rows, NULL) == SPATE_OK && take_rows(s, rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    stream *s = calloc(1, sizeof(*s));
    KEEP(s && !sp_arrowread_new(&s->reader, NULL));
    while (one_message(s, &data, &len))
        ;
    if (s->open)
        sp_batch_done(&s->batch);
    sp_arrowread_free(s->reader);
    free(s->metadata);
    free(s->body);
    free(s);
    return 0;
}
