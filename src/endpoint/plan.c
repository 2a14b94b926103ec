/* plan.c - spate_plan_open, and what a plan sees of rows that are elsewhere: their columns, and samples of them.
 *
 * A sample is drawn with a fixed key, so that the same rows there give the same sample. Small tables are read from end to end. Of a
 * large one whose rows can be reached anywhere, windows are read that lie all over it: about four times as many rows as are kept. */
#include "endpoint/endpoint.h"

#include "codec/codec.h"
#include "os/os.h"
#include "plan/plan.h"

#include <stdlib.h>

enum {
    WINDOWS = 256,
    WINDOWED_FROM = 8, /* a table of so many times the sample is not read from end to end */
    WINDOWED_ROWS = 4, /* so many times the sample is read of it */
};
static const uint64_t sample_key = UINT64_C(0x5a3b1e9c72d4f608);

/* ---- the rows that are kept ---- */

typedef struct kept_row {
    uint64_t number; /* among the rows that were seen */
    char *text;      /* a line of CSV, len bytes */
    size_t len;
} kept_row;

typedef struct sampler {
    sp_source *source;
    sp_reader *reader;
    sp_batch batch;
    sp_rowtext *csv;
    sp_buf line;
    kept_row *rows;
    uint64_t n, wanted, seen;
    size_t bytes;
} sampler;

static int keep(sampler *s, uint64_t slot, uint32_t row, spate_error *err)
{
    kept_row *k = &s->rows[slot];
    s->line.len = 0;
    if (sp_rowtext_encode(s->csv, &s->batch, row, row + 1, &s->line))
        return sp_fail_nomem(err);
    s->bytes += s->line.len - k->len;
    if (s->bytes > SP_PLAN_SAMPLE_BYTES_MAX)
        return sp_fail(err, SPATE_E_USAGE,
                       "the sample has more than %d MiB of text: sample fewer rows, or name the columns",
                       SP_PLAN_SAMPLE_BYTES_MAX >> 20);
    char *text = sp_alloc(s->line.len);
    if (!text)
        return sp_fail_nomem(err);
    memcpy(text, s->line.data, s->line.len);
    sp_free(k->text);
    *k = (kept_row){s->seen, text, s->line.len};
    return SPATE_OK;
}

/* Every row seen is as likely to be kept as any other. */
static int see_batch(sampler *s, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < s->batch.rows && rc == SPATE_OK; i++, s->seen++) {
        uint64_t slot = s->n < s->wanted ? s->n++ : sp_draw(sample_key, s->seen) % (s->seen + 1);
        if (slot < s->wanted)
            rc = keep(s, slot, i, err);
    }
    return rc;
}

static int see_range(sampler *s, uint64_t first, uint64_t last, spate_error *err)
{
    int rc = s->source->ops->seek(s->reader, 0, first, last, err);
    while (rc == SPATE_OK) {
        sp_batch_reset(&s->batch);
        rc = s->source->ops->next(s->reader, &s->batch, err);
        if (rc != SPATE_OK || s->batch.rows == 0)
            return rc;
        rc = see_batch(s, err);
    }
    return rc;
}

static int see_all(sampler *s, spate_error *err)
{
    const sp_extent *e = &s->source->extents[0];
    int rc = SPATE_OK;
    if (!e->sequential)
        return see_range(s, 0, e->end, err);
    for (uint64_t at = 0; rc == SPATE_OK && at < e->end; at = s->reader->position) {
        rc = see_range(s, at, e->end, err);
        if (s->reader->at_end)
            break;
    }
    return rc;
}

static int see_windows(sampler *s, double rows, spate_error *err)
{
    const sp_extent *e = &s->source->extents[0];
    uint64_t stratum = e->end / WINDOWS;
    uint64_t width = (uint64_t)((double)e->end * WINDOWED_ROWS * (double)s->wanted / rows / WINDOWS) + 1;
    int rc = SPATE_OK;
    width = SP_MIN(width, stratum);
    for (uint64_t w = 0; w < WINDOWS && rc == SPATE_OK; w++) {
        uint64_t first = w * stratum + sp_draw(~sample_key, w) % (stratum - width + 1);
        rc = see_range(s, first, first + width, err);
    }
    return rc;
}

static int see(sampler *s, spate_error *err)
{
    const sp_extent *e = &s->source->extents[0];
    double rows = e->sequential ? 0 : sp_extent_rows(e);
    if (rows > WINDOWED_FROM * (double)s->wanted && e->end >= WINDOWS) {
        int rc = see_windows(s, rows, err);
        if (rc != SPATE_OK || s->n == s->wanted)
            return rc;
        s->n = s->seen = 0; /* it has fewer rows than it looked like */
    }
    return see_all(s, err);
}

static int by_number(const void *a, const void *b)
{
    const kept_row *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int hand_over(sampler *s, sp_arena *arena, sp_plan_there *there, spate_error *err)
{
    char *text = sp_arena_alloc(arena, s->bytes + SP_SLACK, 1), *p = text;
    if (!text)
        return sp_fail_nomem(err);
    qsort(s->rows, s->n, sizeof(*s->rows), by_number);
    for (uint64_t i = 0; i < s->n; i++) {
        memcpy(p, s->rows[i].text, s->rows[i].len);
        p += s->rows[i].len;
    }
    there->csv = (sp_str){text, (size_t)(p - text)};
    there->rows = s->n;
    return SPATE_OK;
}

static int sample(sp_source *source, uint64_t rows, sp_arena *arena, sp_plan_there *there, spate_error *err)
{
    sampler s = {.source = source, .wanted = rows};
    s.rows = sp_alloc_zero(rows, sizeof(*s.rows));
    int rc = s.rows ? sp_batch_init(&s.batch, source->tables[0], err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_rowtext_new(source->tables[0], SP_TEXT_CSV, &s.csv, err);
    if (rc == SPATE_OK)
        rc = source->ops->reader_open(source, &s.reader, err);
    if (rc == SPATE_OK)
        rc = see(&s, err);
    if (rc == SPATE_OK)
        rc = hand_over(&s, arena, there, err);
    if (s.reader)
        source->ops->reader_close(s.reader);
    for (uint64_t i = 0; s.rows && i < rows; i++)
        sp_free(s.rows[i].text);
    sp_free(s.rows);
    sp_buf_done(&s.line);
    sp_rowtext_free(s.csv);
    if (s.batch.columns)
        sp_batch_done(&s.batch);
    return rc;
}

/* ---- what is there ---- */

static bool is_alone(const sp_schema *s, uint32_t field)
{
    bool unique = s->n_primary_key == 1 && s->primary_key[0] == field;
    for (uint32_t i = 0; i < s->n_uniques; i++)
        unique = unique || s->uniques[i] == field;
    return unique && !s->fields[field].nullable;
}

static int note_fields(const sp_schema *schema, sp_arena *arena, sp_plan_there *there, spate_error *err)
{
    sp_field *fields = sp_arena_alloc(arena, schema->n_fields + 1, sizeof(*fields));
    bool *unique = sp_arena_alloc(arena, schema->n_fields + 1, sizeof(*unique));
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        const char *name = schema->fields[i].name;
        if (!fields || !unique || sp_field_copy_type(arena, &schema->fields[i], &fields[i]))
            return sp_fail_nomem(err);
        fields[i].name = sp_arena_strndup(arena, name, strlen(name));
        unique[i] = is_alone(schema, i);
        if (!fields[i].name)
            return sp_fail_nomem(err);
    }
    *there = (sp_plan_there){.fields = fields, .unique = unique, .n_fields = schema->n_fields};
    return SPATE_OK;
}

static int check_columns(const sp_schema *schema, const sp_plan_from *from, spate_error *err)
{
    for (uint32_t i = 0; i < from->n_columns; i++)
        if (sp_schema_find(schema, from->columns[i]) < 0)
            return sp_fail(err, SPATE_E_USAGE, "there is no column \"%s\" in \"%s\"", from->columns[i], from->table);
    return SPATE_OK;
}

static int look(const char *path, const sp_plan_from *from, sp_arena *arena, sp_plan_there *there, spate_error *err)
{
    const char *uri = sp_uri_beside(from->uri, path, arena);
    sp_source *source = NULL;
    sp_source_options options = {.tables = &from->table,
                                 .n_tables = 1,
                                 .columns = from->columns,
                                 .n_columns = from->n_columns,
                                 .called = from->table,
                                 .wheres = from->where ? &from->where : NULL};
    int rc = uri ? sp_source_open(uri, &options, &source, err) : sp_fail_nomem(err);
    if (rc != SPATE_OK)
        return rc;
    rc = check_columns(source->tables[0], from, err);
    if (rc == SPATE_OK)
        rc = note_fields(source->tables[0], arena, there, err);
    if (rc == SPATE_OK && from->rows)
        rc = sample(source, from->rows, arena, there, err);
    sp_source_close(source);
    return rc;
}

/* ---- the call ---- */

int spate_plan_read(const char *name, const char *text, size_t len, spate_plan **out, spate_error *err)
{
    spate_plan *plan = NULL;
    *out = NULL;
    int status = sp_plan_parse_with(name, text, len, look, &plan, err);
    if (status != SPATE_OK)
        return sp_fail_context(err, status, "reading the plan");
    *out = plan;
    return plan->mistakes.n_errors ? sp_plan_refuse(plan, err) : SPATE_OK;
}

int spate_plan_open(const char *path, spate_plan **out, spate_error *err)
{
    sp_buf text;
    *out = NULL;
    sp_buf_init(&text);
    int status = sp_os_read_file(path, SP_PLAN_BYTES_MAX, &text, err);
    if (status == SPATE_OK)
        status = spate_plan_read(path, text.data, text.len, out, err);
    else
        sp_fail_context(err, status, "reading the plan");
    sp_buf_done(&text);
    return status;
}
