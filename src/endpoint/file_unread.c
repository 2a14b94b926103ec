/* file_unread.c - what a row is that cannot be read: its text, its cells if it falls into as many as there should be, and its line.
 *
 * Lines of a file are counted only when one is asked for, from the place that was counted before; of what cannot be looked at again,
 * as it goes by. */
#include "endpoint/file_source.h"

/* The number of the line at offset, counted from the mark before it. */
static int count_lines(sp_file_table *t, uint64_t offset, uint64_t *line, spate_error *err)
{
    sp_file_place at = {0};
    for (size_t i = 0; i < t->n_marks && t->marks[i].offset <= offset; i++)
        at = t->marks[i];
    sp_input *in = NULL;
    char *bytes = sp_alloc(SP_FILE_BUFFER_BYTES);
    int rc = bytes ? sp_input_open(t->path, at.offset, &in, err) : sp_fail_nomem(err);
    for (size_t got = 1; rc == SPATE_OK && at.offset < offset && got;) {
        rc = sp_input_read(in, bytes, (size_t)SP_MIN(offset - at.offset, (uint64_t)SP_FILE_BUFFER_BYTES), &got, err);
        at.lines += rc == SPATE_OK ? sp_file_newlines(bytes, got) : 0;
        at.offset += got;
        if (t->n_marks < t->cap_marks &&
            at.offset >= (t->n_marks ? t->marks[t->n_marks - 1].offset : 0) + SP_FILE_MARK_BYTES)
            t->marks[t->n_marks++] = at;
    }
    sp_input_close(in);
    sp_free(bytes);
    *line = at.lines + 1;
    return rc;
}

static int line_of(sp_file_reader *r, uint64_t *line, spate_error *err)
{
    const sp_file_stream *s = r->stream;
    sp_file_table *t = r->table;
    *line = s->here.lines + 1;
    if (!t->plain)
        return SPATE_OK;
    pthread_mutex_lock(&t->lock);
    int rc = count_lines(t, s->here.offset, line, err);
    pthread_mutex_unlock(&t->lock);
    return rc;
}

typedef struct unread {
    sp_file_reader *r;
    sp_unread *row;
    sp_str *names, *values;
    uint32_t n, cap;
} unread;

static int keep_str(sp_file_reader *r, sp_str s, sp_str *kept)
{
    char *p = sp_arena_strndup(&r->line, s.p ? s.p : "", s.len);
    *kept = (sp_str){p, s.len};
    return p ? SPATE_OK : SPATE_E_NOMEM;
}

static int add_cell(unread *u, sp_str name, sp_str value, bool null)
{
    if (u->n == u->cap)
        return SPATE_E_DATA;
    u->values[u->n] = (sp_str){0};
    if (keep_str(u->r, name, &u->names[u->n]) || (!null && keep_str(u->r, value, &u->values[u->n])))
        return SPATE_E_NOMEM;
    u->n++;
    return SPATE_OK;
}

/* Cells as their columns' text: a string is JSON only where JSON is. */
static int see_cell(void *arg, sp_str key, sp_str value, bool string)
{
    unread *u = arg;
    const sp_file_table *t = u->r->table;
    uint32_t i = 0;
    while (i < t->schema.n_fields && !sp_str_is(key, t->schema.fields[i].name))
        i++;
    bool json = string && !t->form.rejected && i < t->schema.n_fields && t->schema.fields[i].type.kind == SP_JSON;
    sp_buf quoted = {0};
    int rc = json ? sp_json_string(&quoted, value) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = add_cell(u, key, json ? (sp_str){quoted.data, quoted.len} : value, !string && sp_str_is(value, "null"));
    sp_buf_done(&quoted);
    return rc;
}

/* What was no row before has its text from then. */
static int see_text(void *arg, sp_str key, sp_str value, bool string)
{
    unread *u = arg;
    return string && sp_str_is(key, "text") ? keep_str(u->r, value, &u->row->text) : SPATE_OK;
}

/* What of the bytes is the row: a line; in CSV as far as its quotes make sense. */
static int look_at_json(unread *u, size_t *len)
{
    bool rejected = u->r->table->form.rejected;
    spate_error ignored;
    u->row->text = sp_file_first_line(u->row->text);
    *len = u->row->text.len;
    int rc = (rejected ? sp_reject_cells : sp_json_line)(u->row->text, see_cell, u, &ignored);
    u->n = rc == SPATE_OK ? u->n : 0;
    if (rejected && rc == SPATE_E_DATA)
        rc = sp_json_line(u->row->text, see_text, u, &ignored);
    return rc == SPATE_E_NOMEM ? rc : SPATE_OK;
}

static int look_at_csv(unread *u, size_t *len)
{
    const sp_file_table *t = u->r->table;
    spate_error ignored;
    sp_str *fields;
    bool *nulls;
    uint32_t n = 0;
    size_t used = 0;
    int rc = sp_csv_line(&t->form, u->row->text, u->r->stream->end, &u->r->line, &fields, &nulls, &n, &used, &ignored);
    if (rc == SPATE_E_NOMEM)
        return rc;
    bool whole = rc == SPATE_OK && n > 0;
    u->row->text = whole ? (sp_str){u->row->text.p, used} : sp_file_first_line(u->row->text);
    *len = u->row->text.len;
    for (uint32_t i = 0; whole && n == t->n_fields && i < n; i++)
        if (t->fields[i] >= 0 && add_cell(u, sp_str_of(t->schema.fields[t->fields[i]].name), fields[i], nulls[i]))
            return SPATE_E_NOMEM;
    return SPATE_OK;
}

int sp_file_pass_over(sp_reader *base, sp_unread *row, spate_error *err)
{
    sp_file_reader *r = (sp_file_reader *)base;
    if (!r->bad)
        return SPATE_E_DATA;
    sp_arena_done(&r->line);
    sp_arena_init(&r->line);
    *row = (sp_unread){.file = r->table->path, .text = sp_file_stream_bytes(r->stream)};
    unread u = {.r = r, .row = row, .cap = SP_MAX(r->table->n_fields, 1u) * 2};
    u.names = sp_arena_alloc(&r->line, u.cap, sizeof(*u.names));
    u.values = sp_arena_alloc(&r->line, u.cap, sizeof(*u.values));
    size_t used = 0;
    int rc = u.names && u.values ? SPATE_OK : SPATE_E_NOMEM;
    if (rc == SPATE_OK)
        rc = (r->table->form.dialect == SP_TEXT_NDJSON ? look_at_json : look_at_csv)(&u, &used);
    if (rc != SPATE_OK)
        return sp_fail_nomem(err);
    row->names = u.names;
    row->values = u.values;
    row->n = u.n;
    rc = line_of(r, &row->line, err);
    while (row->text.len && strchr("\r\n", row->text.p[row->text.len - 1]) && row->text.p[row->text.len - 1])
        row->text.len--;
    sp_file_stream_skip(r->stream, used);
    r->stream->here.row++;
    r->bad = false;
    return rc;
}
