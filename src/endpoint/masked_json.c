/* masked_json.c - values inside documents are replaced, and every other byte of these stays.
 *
 * One pass over a column's documents notes the places that its paths lead to, each with a number: the hash of the value there, as a
 * column's cell with that value has it, so that both are replaced by the same. Then the new values are made, path by path and many at a time,
 * and the documents are put together from what was between the places and the new values as JSON. */
#include "endpoint/masked_json.h"

#include "codec/codec.h"

typedef struct place {
    uint32_t row, path;
    uint32_t at, len; /* in the document */
    uint64_t number;
    size_t made_at, made_len; /* in the made text */
} place;

/* One column of documents, or of lists of them. */
typedef struct document {
    uint32_t field, n_paths;
    uint32_t *columns; /* of the plan: a path each */
    sp_json_finder *finder;
    sp_column all; /* what is put together; changes places with what was there */
} document;

struct sp_masked_json {
    const sp_gen *gen;
    const sp_plan_table *table;
    uint32_t number; /* of the table, in the plan */
    sp_arena arena;
    document *documents;
    uint32_t n_documents;
    sp_column *some; /* for a column of the plan: values that are made at once */
    const sp_json_path **paths;
    place *places;
    size_t n_places, places_max;
    uint64_t numbers[SP_BATCH_ROWS_MAX];
    size_t of[SP_BATCH_ROWS_MAX]; /* a number: the place it is from */
    sp_buf made, text;
    /* while documents are looked through */
    const uint64_t *rows;
    const document *at;
    uint32_t row;
    const char *begin;
};

/* ---- opening ---- */

static document *document_of(sp_masked_json *m, uint32_t field)
{
    for (uint32_t i = 0; i < m->n_documents; i++)
        if (m->documents[i].field == field)
            return &m->documents[i];
    document *d = &m->documents[m->n_documents];
    d->field = field;
    d->columns = sp_arena_alloc(&m->arena, m->table->n_columns, sizeof(*d->columns));
    m->n_documents += d->columns != NULL;
    return d->columns ? d : NULL;
}

static int add_path(sp_masked_json *m, uint32_t column, spate_error *err)
{
    document *d = document_of(m, m->table->columns[column].mask);
    if (!d)
        return sp_fail_nomem(err);
    d->columns[d->n_paths++] = column;
    return sp_column_init(&m->some[column], *sp_gen_column_type(m->gen, m->number, column), SP_BATCH_ROWS_MAX, err);
}

static int open_document(sp_masked_json *m, document *d, spate_error *err)
{
    for (uint32_t i = 0; i < d->n_paths; i++)
        m->paths[i] = m->table->columns[d->columns[i]].path;
    return sp_json_finder_new(m->paths, d->n_paths, &d->finder, err);
}

int sp_masked_json_new(const sp_gen *gen, const spate_plan *plan, uint32_t table, sp_masked_json **out,
                       spate_error *err)
{
    const sp_plan_table *t = &plan->tables[table];
    bool some = false;
    *out = NULL;
    for (uint32_t i = 0; i < t->n_columns; i++)
        some = some || t->columns[i].path;
    if (!some)
        return SPATE_OK;
    sp_masked_json *m = sp_alloc_zero(1, sizeof(*m));
    if (!m)
        return sp_fail_nomem(err);
    m->gen = gen;
    m->table = t;
    m->number = table;
    sp_arena_init(&m->arena);
    m->documents = sp_arena_alloc(&m->arena, t->n_columns, sizeof(*m->documents));
    m->some = sp_arena_alloc(&m->arena, t->n_columns, sizeof(*m->some));
    m->paths = sp_arena_alloc(&m->arena, t->n_columns, sizeof(*m->paths));
    int rc = m->documents && m->some && m->paths ? SPATE_OK : sp_fail_nomem(err);
    for (uint32_t i = 0; i < t->n_columns && rc == SPATE_OK; i++)
        rc = t->columns[i].path ? add_path(m, i, err) : SPATE_OK;
    for (uint32_t i = 0; i < m->n_documents && rc == SPATE_OK; i++)
        rc = open_document(m, &m->documents[i], err);
    if (rc == SPATE_OK)
        *out = m;
    else
        sp_masked_json_free(m);
    return rc;
}

void sp_masked_json_free(sp_masked_json *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->n_documents; i++) {
        sp_json_finder_free(m->documents[i].finder);
        sp_column_done(&m->documents[i].all);
    }
    for (uint32_t i = 0; m->some && i < m->table->n_columns; i++)
        sp_column_done(&m->some[i]);
    sp_buf_done(&m->made);
    sp_buf_done(&m->text);
    sp_free(m->places);
    sp_arena_done(&m->arena);
    sp_free(m);
}

/* ---- where ---- */

static bool hangs_on_itself(const sp_plan_column *c)
{
    return c->mask_by == c->mask;
}

static int note_place(void *arg, uint32_t path, sp_str raw, sp_str text)
{
    sp_masked_json *m = arg;
    uint32_t column = m->at->columns[path];
    if (m->n_places == m->places_max) {
        size_t more = SP_MAX(2 * m->places_max, (size_t)SP_BATCH_ROWS_MAX);
        place *places = sp_realloc(m->places, more * sizeof(*places));
        if (!places)
            return SPATE_E_NOMEM;
        m->places = places;
        m->places_max = more;
    }
    uint64_t number = hangs_on_itself(&m->table->columns[column])
                          ? sp_hash64(text.p, text.len, 0)
                          : m->rows[(size_t)column * SP_BATCH_ROWS_MAX + m->row];
    m->places[m->n_places++] = (place){
        .row = m->row, .path = path, .at = (uint32_t)(raw.p - m->begin), .len = (uint32_t)raw.len, .number = number};
    return SPATE_OK;
}

static int find_places(sp_masked_json *m, const document *d, const sp_column *documents, uint32_t n)
{
    int rc = SPATE_OK;
    m->at = d;
    m->n_places = 0;
    for (m->row = 0; m->row < n && rc == SPATE_OK; m->row++) {
        if (sp_column_null(documents, m->row))
            continue;
        sp_str text = sp_column_str(documents, m->row);
        m->begin = text.p;
        rc = sp_json_find(d->finder, text, note_place, m);
        if (rc != SPATE_OK)
            break; /* of this row */
    }
    return rc;
}

/* ---- by what ---- */

static int make_some(sp_masked_json *m, uint32_t column, uint32_t n, sp_gen_scratch *scratch)
{
    sp_column *some = &m->some[column];
    sp_column_reset(some);
    some->validity = NULL;
    int rc = sp_gen_fill_column(m->gen, m->number, column, m->numbers, n, scratch, some);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        place *p = &m->places[m->of[i]];
        p->made_at = m->made.len;
        rc = sp_cell_json(&m->made, some, i);
        p->made_len = m->made.len - p->made_at;
    }
    return rc;
}

static int make_values(sp_masked_json *m, const document *d, sp_gen_scratch *scratch)
{
    uint32_t step = SP_MIN(sp_gen_batch_rows(m->gen, m->number), SP_BATCH_ROWS_MAX);
    int rc = SPATE_OK;
    m->made.len = 0;
    for (uint32_t path = 0; path < d->n_paths && rc == SPATE_OK; path++) {
        uint32_t n = 0;
        for (size_t i = 0; i < m->n_places && rc == SPATE_OK; i++) {
            if (m->places[i].path != path)
                continue;
            m->numbers[n] = m->places[i].number;
            m->of[n++] = i;
            if (n == step) {
                rc = make_some(m, d->columns[path], n, scratch);
                n = 0;
            }
        }
        if (n && rc == SPATE_OK)
            rc = make_some(m, d->columns[path], n, scratch);
    }
    return rc;
}

/* ---- together ---- */

/* The document of a row, whose places begin at *next. */
static int put_together(sp_masked_json *m, sp_str old, uint32_t row, size_t *next)
{
    size_t from = 0;
    int rc = SPATE_OK;
    m->text.len = 0;
    for (; *next < m->n_places && m->places[*next].row == row && rc == SPATE_OK; (*next)++) {
        const place *p = &m->places[*next];
        rc = sp_buf_add(&m->text, old.p + from, p->at - from);
        if (rc == SPATE_OK)
            rc = sp_buf_add(&m->text, m->made.data + p->made_at, p->made_len);
        from = (size_t)p->at + p->len;
    }
    return rc == SPATE_OK ? sp_buf_add(&m->text, old.p + from, old.len - from) : rc;
}

static int rewrite(sp_masked_json *m, document *d, sp_column *old, uint32_t n)
{
    sp_column *all = &d->all;
    size_t next = 0;
    if (!all->offsets && sp_column_init(all, old->type, SP_BATCH_ROWS_MAX, NULL) != SPATE_OK)
        return SPATE_E_NOMEM;
    sp_column_reset(all);
    int rc = sp_column_reserve_items(all, n);
    for (uint32_t row = 0; row < n && rc == SPATE_OK; row++) {
        if (sp_column_null(old, row)) {
            sp_cell_read_null(all, row);
            continue;
        }
        rc = put_together(m, sp_column_str(old, row), row, &next);
        if (rc == SPATE_OK)
            rc = sp_cell_add_text(all, row, (sp_str){m->text.data, m->text.len});
    }
    sp_column kept = *old;
    *old = *all;
    *all = kept;
    return rc;
}

static int replace_inside(sp_masked_json *m, document *d, sp_gen_scratch *scratch, sp_batch *batch, spate_error *err)
{
    sp_column *c = &batch->columns[d->field];
    bool list = c->type.kind == SP_LIST;
    uint32_t n = list ? (uint32_t)c->offsets[batch->rows] : batch->rows;
    c = list ? c->child : c;
    int rc = find_places(m, d, c, n);
    if (rc == SPATE_E_DATA)
        return sp_fail(err, rc, "table \"%s\", column \"%s\", %s %llu: this is no JSON whose values could be replaced",
                       batch->schema->table, batch->schema->fields[d->field].name, list ? "item" : "row",
                       (unsigned long long)((list ? 0 : batch->first_row) + m->row + 1));
    if (rc == SPATE_OK && m->n_places == 0)
        return rc;
    rc = rc == SPATE_OK ? make_values(m, d, scratch) : rc;
    rc = rc == SPATE_OK ? rewrite(m, d, c, n) : rc;
    return rc == SPATE_OK ? rc : sp_fail_nomem(err);
}

int sp_masked_json_replace(sp_masked_json *m, const uint64_t *rows, sp_gen_scratch *scratch, sp_batch *batch,
                           spate_error *err)
{
    int rc = SPATE_OK;
    m->rows = rows;
    for (uint32_t i = 0; i < m->n_documents && rc == SPATE_OK; i++)
        rc = replace_inside(m, &m->documents[i], scratch, batch, err);
    return rc;
}
