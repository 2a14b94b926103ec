/* jsonread.c - rows out of NDJSON, and what JSON there is in cells: RFC 8259, UTF-8, checked byte for byte.
 *
 * An object a line; its keys are the columns' names, in any order, though the order of the schema costs no search. A key that is
 * missing is null; one that is no column, or is there twice, is an error, since dropping data silently is not ours to do. Numbers
 * keep their digits: a column gets the text of the number, never a double made of it. */
#include "codec/json.h"
#include "codec/rowread.h"

/* ---- values into cells --------------------------------------------------------------------------- */

static int read_value(sp_json *j, sp_column *c, uint32_t row, sp_buf *word);

static int read_string(sp_json *j, sp_column *c, uint32_t row, sp_buf *word)
{
    sp_str raw;
    bool escapes;
    const char *start = j->p;
    j->p++;
    if (!sp_json_take_string(j, &raw, &escapes))
        return SPATE_E_DATA;
    if (c->type.kind == SP_JSON)
        return sp_cell_add_text(c, row, (sp_str){start, (size_t)(j->p - start)});
    if (escapes) {
        int rc = sp_json_unescape(raw, word);
        if (rc != SPATE_OK)
            return rc;
        raw = (sp_str){word->data, word->len};
    }
    return sp_cell_read(c, row, raw);
}

static int read_items(sp_json *j, sp_column *c, uint32_t row, sp_buf *word)
{
    uint32_t at = (uint32_t)c->offsets[row];
    if (!sp_json_take(j, '['))
        return SPATE_E_DATA;
    for (bool more = !sp_json_take(j, ']'); more; at++) {
        int rc = sp_column_reserve_items(c->child, at + 1);
        if (rc == SPATE_OK)
            rc = read_value(j, c->child, at, word);
        if (rc != SPATE_OK)
            return rc;
        more = sp_json_take(j, ',');
        if (!more && !sp_json_take(j, ']'))
            return SPATE_E_DATA;
    }
    c->offsets[row + 1] = (int32_t)at;
    return SPATE_OK;
}

static int read_value(sp_json *j, sp_column *c, uint32_t row, sp_buf *word)
{
    sp_json_skip_space(j);
    const char *start = j->p;
    if (start == j->end)
        return SPATE_E_DATA;
    if (*start == 'n') {
        sp_cell_read_null(c, row);
        return sp_json_skip_word(j, "null") ? SPATE_OK : SPATE_E_DATA;
    }
    if (*start == '"')
        return read_string(j, c, row, word);
    if (*start == '[' && c->type.kind == SP_LIST)
        return read_items(j, c, row, word);
    if (!sp_json_skip_value(j, 0))
        return SPATE_E_DATA;
    sp_str text = {start, (size_t)(j->p - start)};
    bool nested = *start == '{' || *start == '[';
    if (c->type.kind == SP_JSON)
        return sp_cell_add_text(c, row, text);
    return nested && c->type.kind != SP_TEXT ? SPATE_E_DATA : sp_cell_read(c, row, text);
}

/* {"bytes": "68e9"} */
static int read_bytes(sp_json *j, sp_column *c, uint32_t row, sp_buf *word)
{
    sp_str key, hex;
    bool escapes;
    size_t n;
    if (!sp_json_take(j, '{') || !sp_json_take(j, '"') || !sp_json_take_string(j, &key, &escapes) ||
        !sp_str_is(key, "bytes") || !sp_json_take(j, ':') || !sp_json_take(j, '"') ||
        !sp_json_take_string(j, &hex, &escapes) || !sp_json_take(j, '}'))
        return SPATE_E_DATA;
    word->len = 0;
    if (sp_buf_reserve(word, hex.len / 2 + 1))
        return SPATE_E_NOMEM;
    if (!sp_parse_hex(hex, (uint8_t *)word->data, &n))
        return SPATE_E_DATA;
    return sp_cell_read(c, row, (sp_str){word->data, n});
}

/* A value of a rejected row: the cell's text, whatever its kind. */
static int read_rejected(sp_json *j, sp_column *c, uint32_t row, sp_buf *word)
{
    sp_str raw;
    bool escapes;
    sp_json_skip_space(j);
    if (j->p < j->end && *j->p == '{')
        return read_bytes(j, c, row, word);
    if (!sp_json_take(j, '"'))
        return read_value(j, c, row, word);
    if (!sp_json_take_string(j, &raw, &escapes))
        return SPATE_E_DATA;
    int rc = escapes ? sp_json_unescape(raw, word) : SPATE_OK;
    return rc == SPATE_OK ? sp_cell_read(c, row, escapes ? (sp_str){word->data, word->len} : raw) : rc;
}

int sp_json_read_list(sp_column *c, uint32_t row, sp_str text)
{
    sp_json j = {text.p, text.p + text.len};
    sp_buf word = {0};
    int rc = read_items(&j, c, row, &word);
    sp_json_skip_space(&j);
    sp_buf_done(&word);
    return rc == SPATE_OK && j.p < j.end ? SPATE_E_DATA : rc;
}

/* ---- lines --------------------------------------------------------------------------------------- */

typedef struct json_reader {
    sp_rowread base;
    uint64_t *seen; /* a column: the row, counted from 1 since the reader was made, that had it last */
    uint64_t rows;
    sp_buf word, key;
} json_reader;

static int fail_row(const json_reader *r, const sp_batch *b, spate_error *err, const char *what, sp_str text)
{
    return sp_fail(err, SPATE_E_DATA, "table \"%s\", row %llu: %s%s%.*s%s", r->base.schema->table,
                   (unsigned long long)(b->first_row + b->rows + 1), what, text.p ? " \"" : "",
                   (int)SP_MIN(text.len, (size_t)80), text.p ? text.p : "", text.p ? "\"" : "");
}

/* hint: the column behind the one before. */
static int find_column(const sp_schema *schema, sp_str key, uint32_t hint)
{
    if (hint < schema->n_fields && sp_str_is(key, schema->fields[hint].name))
        return (int)hint;
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (sp_str_is(key, schema->fields[i].name))
            return (int)i;
    return -1;
}

static int take_key(json_reader *r, sp_json *j, sp_str *key)
{
    bool escapes;
    if (!sp_json_take(j, '"') || !sp_json_take_string(j, key, &escapes) || !sp_json_take(j, ':'))
        return SPATE_E_DATA;
    if (!escapes)
        return SPATE_OK;
    int rc = sp_json_unescape(*key, &r->key);
    *key = (sp_str){r->key.data, r->key.len};
    return rc;
}

static int read_member(json_reader *r, sp_json *j, sp_batch *b, uint32_t *hint, spate_error *err)
{
    sp_str key;
    int rc = take_key(r, j, &key);
    if (rc != SPATE_OK)
        return rc == SPATE_E_DATA ? fail_row(r, b, err, "this is no JSON object", (sp_str){0}) : sp_fail_nomem(err);
    int at = find_column(r->base.schema, key, *hint);
    if (at < 0 && r->base.form.some)
        return sp_json_skip_value(j, 0) ? SPATE_OK : fail_row(r, b, err, "this is no JSON value, of the key", key);
    if (at < 0)
        return fail_row(r, b, err, "there is no column for the key", key);
    if (r->seen[at] == r->rows)
        return fail_row(r, b, err, "the object has this key twice:", key);
    r->seen[at] = r->rows;
    *hint = (uint32_t)at + 1;
    sp_json_skip_space(j);
    const char *start = j->p;
    rc = (r->base.form.rejected ? read_rejected : read_value)(j, &b->columns[at], b->rows, &r->word);
    if (rc == SPATE_OK)
        return rc;
    if (j->p == start)
        sp_json_skip_value(j, 0);
    return sp_rowread_fail_cell(&r->base, b, (uint32_t)at, rc, (sp_str){start, (size_t)(j->p - start)}, err);
}

static int read_object(json_reader *r, sp_json *j, sp_batch *b, spate_error *err)
{
    uint32_t hint = 0;
    int rc = SPATE_OK;
    r->rows++;
    bool ok = sp_json_take(j, '{'), more = ok && !sp_json_take(j, '}');
    while (more && rc == SPATE_OK) {
        rc = read_member(r, j, b, &hint, err);
        more = rc == SPATE_OK && sp_json_take(j, ',');
        ok = more || rc != SPATE_OK || sp_json_take(j, '}');
    }
    if (rc != SPATE_OK)
        return rc;
    sp_json_skip_space(j);
    if (!ok || j->p < j->end)
        return fail_row(r, b, err, "this is no JSON object:", (sp_str){j->p, (size_t)(j->end - j->p)});
    return SPATE_OK;
}

/* Columns that the object did not have, and nulls where none may be. */
static int complete_row(json_reader *r, sp_batch *b, spate_error *err)
{
    for (uint32_t i = 0; i < b->schema->n_fields; i++) {
        if (r->seen[i] != r->rows)
            sp_cell_read_null(&b->columns[i], b->rows);
        if (!b->schema->fields[i].nullable && sp_column_null(&b->columns[i], b->rows))
            return fail_row(r, b, err, "null in a column that cannot be null:", sp_str_of(b->schema->fields[i].name));
    }
    b->rows++;
    return SPATE_OK;
}

/* Points line at the values of a rejected row. False in *ours: it is of another table. */
static int enter_rejected(json_reader *r, sp_json *line, const sp_batch *b, bool *ours, spate_error *err)
{
    sp_json j = *line, values = {0};
    bool told = false, more = sp_json_take(&j, '{');
    *ours = true;
    while (more && *ours) {
        sp_str key, text;
        bool escapes;
        int rc = take_key(r, &j, &key);
        if (rc == SPATE_E_NOMEM)
            return sp_fail_nomem(err);
        bool table = rc == SPATE_OK && sp_str_is(key, "table"), cells = rc == SPATE_OK && sp_str_is(key, "values");
        sp_json_skip_space(&j);
        const char *start = j.p;
        if (rc != SPATE_OK || !sp_json_skip_value(&j, 0))
            break;
        if (cells)
            values = (sp_json){start, j.p};
        if (table && *start == '"') {
            sp_json name = {start + 1, j.p};
            if (!sp_json_take_string(&name, &text, &escapes) || sp_json_unescape(text, &r->word))
                break;
            told = true;
            *ours = sp_str_is((sp_str){r->word.data, r->word.len}, r->base.form.rejected);
        }
        more = sp_json_take(&j, ',');
    }
    if (!*ours)
        return SPATE_OK;
    if (more || !sp_json_take(&j, '}') || !told)
        return fail_row(r, b, err, "this tells of no rejected row", (sp_str){0});
    if (!values.p)
        return fail_row(r, b, err, "the rejected row has no \"values\": write them, or take the line out", (sp_str){0});
    *line = values;
    return SPATE_OK;
}

static int read_line(json_reader *r, sp_json line, sp_batch *b, spate_error *err)
{
    bool ours = true;
    sp_json_skip_space(&line);
    if (line.p == line.end)
        return SPATE_OK;
    int rc = r->base.form.rejected ? enter_rejected(r, &line, b, &ours, err) : SPATE_OK;
    if (rc != SPATE_OK || !ours)
        return rc;
    rc = read_object(r, &line, b, err);
    return rc == SPATE_OK ? complete_row(r, b, err) : rc;
}

static int decode(sp_rowread *base, sp_str bytes, bool last, uint64_t limit, sp_batch *b, size_t *used,
                  spate_error *err)
{
    int rc = SPATE_OK;
    while (rc == SPATE_OK && *used < bytes.len && *used < limit && b->rows < base->rows_max && !sp_rowread_full(b)) {
        const char *p = bytes.p + *used, *end = memchr(p, '\n', bytes.len - *used);
        if (!end && !last)
            break;
        rc = read_line((json_reader *)base, (sp_json){p, end ? end : bytes.p + bytes.len}, b, err);
        if (rc == SPATE_OK)
            *used = end ? (size_t)(end + 1 - bytes.p) : bytes.len;
    }
    return rc;
}

static void json_free(sp_rowread *base)
{
    json_reader *r = (json_reader *)base;
    sp_buf_done(&r->word);
    sp_buf_done(&r->key);
    sp_free(r->seen);
    sp_free(r);
}

int sp_rowread_json_new(const sp_schema *schema, const sp_text_form *form, sp_rowread **out, spate_error *err)
{
    json_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->base = (sp_rowread){.schema = schema, .form = *form, .decode = decode, .free = json_free};
    r->seen = sp_alloc_zero(schema->n_fields + 1, sizeof(*r->seen));
    if (!r->seen) {
        json_free(&r->base);
        return sp_fail_nomem(err);
    }
    *out = &r->base;
    return SPATE_OK;
}

/* ---- the members of a line: samples ---------------------------------------------------------------- */

int sp_json_line(sp_str line, sp_json_member_fn *member, void *arg, spate_error *err)
{
    sp_json j = {line.p, line.p + line.len};
    sp_buf name = {0}, word = {0};
    int rc = sp_json_take(&j, '{') ? SPATE_OK : SPATE_E_DATA;
    for (bool more = rc == SPATE_OK && !sp_json_take(&j, '}'); more && rc == SPATE_OK;) {
        sp_str key, value;
        bool escapes, string;
        rc = sp_json_take(&j, '"') && sp_json_take_string(&j, &key, &escapes) && sp_json_take(&j, ':')
                 ? sp_json_unescape(key, &name)
                 : SPATE_E_DATA;
        sp_json_skip_space(&j);
        const char *start = j.p;
        string = j.p < j.end && *j.p == '"';
        if (rc == SPATE_OK && !sp_json_skip_value(&j, 0))
            rc = SPATE_E_DATA;
        value = (sp_str){start, (size_t)(j.p - start)};
        if (rc == SPATE_OK && string) {
            rc = sp_json_unescape((sp_str){value.p + 1, value.len - 2}, &word);
            value = (sp_str){word.data, word.len};
        }
        if (rc == SPATE_OK)
            rc = member(arg, (sp_str){name.data, name.len}, value, string);
        more = rc == SPATE_OK && sp_json_take(&j, ',');
        if (rc == SPATE_OK && !more && !sp_json_take(&j, '}'))
            rc = SPATE_E_DATA;
    }
    sp_json_skip_space(&j);
    sp_buf_done(&name);
    sp_buf_done(&word);
    if (rc == SPATE_E_NOMEM)
        return sp_fail_nomem(err);
    return rc == SPATE_OK && j.p == j.end ? rc : sp_fail(err, SPATE_E_DATA, "this is no JSON object");
}

/* ---- what a line tells of a rejected row -------------------------------------------------------------- */

typedef struct values {
    sp_json_member_fn *member;
    void *arg;
    sp_buf bytes;
    bool found;
    spate_error *err;
} values;

static int see_bytes(void *arg, sp_str key, sp_str value, bool string)
{
    sp_buf *to = arg;
    size_t n;
    if (!string || !sp_str_is(key, "bytes"))
        return SPATE_E_DATA;
    if (sp_buf_reserve(to, value.len / 2 + 1))
        return SPATE_E_NOMEM;
    if (!sp_parse_hex(value, (uint8_t *)to->data, &n))
        return SPATE_E_DATA;
    to->len = n;
    return SPATE_OK;
}

static int see_cell(void *arg, sp_str key, sp_str value, bool string)
{
    values *v = arg;
    v->bytes.len = 0;
    if (string || value.len == 0 || *value.p != '{')
        return v->member(v->arg, key, value, string);
    int rc = sp_json_line(value, see_bytes, &v->bytes, v->err);
    return rc == SPATE_OK ? v->member(v->arg, key, (sp_str){v->bytes.data, v->bytes.len}, true) : rc;
}

static int see_values(void *arg, sp_str key, sp_str value, bool string)
{
    values *v = arg;
    if (string || !sp_str_is(key, "values"))
        return SPATE_OK;
    v->found = true;
    return sp_json_line(value, see_cell, v, v->err);
}

int sp_reject_cells(sp_str line, sp_json_member_fn *member, void *arg, spate_error *err)
{
    values v = {.member = member, .arg = arg, .err = err};
    int rc = sp_json_line(line, see_values, &v, err);
    sp_buf_done(&v.bytes);
    return rc == SPATE_OK && !v.found ? sp_fail(err, SPATE_E_DATA, "the rejected row has no \"values\"") : rc;
}

typedef struct told {
    sp_buf *word;
    size_t table_len, job_at, job_len;
    bool table, position;
    uint64_t at;
} told;

static int see_told(void *arg, sp_str key, sp_str value, bool string)
{
    told *t = arg;
    bool table = sp_str_is(key, "table"), job = sp_str_is(key, "job");
    if (string && table && !t->table && t->word->len == 0) {
        t->table = true;
        t->table_len = value.len;
    } else if (string && job) {
        t->job_at = t->word->len;
        t->job_len = value.len;
    } else {
        if (!string && sp_str_is(key, "position"))
            t->position = sp_parse_u64(value, &t->at);
        return SPATE_OK;
    }
    return sp_buf_add(t->word, value.p, value.len);
}

int sp_reject_read(sp_str line, sp_buf *word, sp_rejected_line *out, spate_error *err)
{
    told t = {.word = word};
    word->len = 0;
    int rc = sp_json_line(line, see_told, &t, err);
    if (rc != SPATE_OK)
        return rc;
    *out = (sp_rejected_line){{word->data, t.table_len}, {word->data + t.job_at, t.job_len}, t.at};
    return t.table && t.position ? SPATE_OK : sp_fail(err, SPATE_E_DATA, "this tells of no rejected row");
}
