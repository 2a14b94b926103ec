/* masked.c - a source around sources: tables that are made, and tables that are read elsewhere and get some of their columns replaced.
 *
 * A reader fills the batch as its source does; then a masked column's cells are made anew, each for a number that is a hash of the value
 * it replaces. So equal values are replaced by equal ones, in whatever row and table, and nothing has to be remembered. Nulls stay nulls;
 * types, keys and all other columns stay as they are. What is replaced inside documents is masked_json.c's. Owns the sources; borrows
 * plan and generator. */
#include "endpoint/masked.h"

#include "codec/codec.h"
#include "endpoint/generated.h"
#include "endpoint/masked_json.h"

typedef struct table {
    uint32_t part, number; /* whose it is, and its number there */
    uint32_t plan_table;
    const sp_plan_table *masked; /* NULL: nothing of it is replaced */
} table;

typedef struct masked {
    sp_source source;
    sp_arena arena;
    const spate_plan *plan;
    const sp_gen *gen;
    sp_source **parts;
    uint32_t n_parts;
    table *tables;
    uint32_t n_tables;
} masked;

/* Lists are made a few rows at a time, and their items a few items: what is made, and all of it, behind one another. */
typedef struct remade {
    sp_column some, all;
} remade;

typedef struct masked_reader {
    sp_reader reader;
    sp_gen_scratch *scratch;
    sp_reader **parts; /* NULL until it is first needed */
    const table *at;
    uint64_t *rows; /* what the cells of the masked columns are made for: SP_BATCH_ROWS_MAX for each */
    remade *remade; /* of the masked columns of the table at hand that are lists */
    sp_masked_json *json; /* of the table at hand; NULL: nothing is replaced inside its documents */
    const table *remade_of;
    sp_buf text;
} masked_reader;

/* ---- readers ---- */

static void forget_remade(masked_reader *r)
{
    for (uint32_t i = 0; r->remade_of && i < r->remade_of->masked->n_columns; i++) {
        sp_column_done(&r->remade[i].some);
        sp_column_done(&r->remade[i].all);
    }
    sp_masked_json_free(r->json);
    r->json = NULL;
    r->remade_of = NULL;
}

static void reader_close(sp_reader *reader)
{
    masked_reader *r = (masked_reader *)reader;
    const masked *m = (const masked *)reader->source;
    for (uint32_t i = 0; r->parts && i < m->n_parts; i++)
        if (r->parts[i])
            m->parts[i]->ops->reader_close(r->parts[i]);
    if (r->remade)
        forget_remade(r);
    sp_gen_scratch_free(r->scratch);
    sp_buf_done(&r->text);
    sp_free(r->remade);
    sp_free(r->parts);
    sp_free(r->rows);
    sp_free(r);
}

static uint32_t columns_max(const masked *m)
{
    uint32_t most = 1;
    for (uint32_t t = 0; t < m->n_tables; t++)
        if (m->tables[t].masked)
            most = SP_MAX(most, m->tables[t].masked->n_columns);
    return most;
}

static int reader_open(sp_source *s, sp_reader **out, spate_error *err)
{
    const masked *m = (const masked *)s;
    masked_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->reader.source = s;
    r->parts = sp_alloc_zero(m->n_parts, sizeof(*r->parts));
    r->rows = sp_alloc((size_t)columns_max(m) * SP_BATCH_ROWS_MAX * sizeof(*r->rows));
    r->remade = sp_alloc_zero(columns_max(m), sizeof(*r->remade));
    int rc = r->parts && r->rows && r->remade ? sp_gen_scratch_new(m->gen, &r->scratch, err) : sp_fail_nomem(err);
    if (rc != SPATE_OK) {
        reader_close(&r->reader);
        return rc;
    }
    *out = &r->reader;
    return SPATE_OK;
}

static bool is_list(const sp_plan_column *c)
{
    return !c->path && (c->mask_items || c->type->kind == SP_LIST);
}

static int prepare_remade(masked_reader *r, spate_error *err)
{
    const masked *m = (const masked *)r->reader.source;
    const sp_plan_table *t = r->at->masked;
    if (!t || r->remade_of == r->at)
        return SPATE_OK;
    forget_remade(r);
    r->remade_of = r->at;
    int rc = sp_masked_json_new(m->gen, m->plan, r->at->plan_table, &r->json, err);
    for (uint32_t i = 0; i < t->n_columns && rc == SPATE_OK; i++) {
        if (is_list(&t->columns[i]))
            rc = sp_column_init(&r->remade[i].some, *t->columns[i].type, SP_BATCH_ROWS_MAX, err);
        if (rc == SPATE_OK && is_list(&t->columns[i]))
            rc = sp_column_init(&r->remade[i].all, *t->columns[i].type, SP_BATCH_ROWS_MAX, err);
    }
    return rc;
}

static int seek(sp_reader *reader, uint32_t t, uint64_t first, uint64_t last, spate_error *err)
{
    masked_reader *r = (masked_reader *)reader;
    const masked *m = (const masked *)reader->source;
    r->at = &m->tables[t];
    sp_source *part = m->parts[r->at->part];
    sp_reader **of_part = &r->parts[r->at->part];
    int rc = *of_part ? SPATE_OK : part->ops->reader_open(part, of_part, err);
    if (rc == SPATE_OK)
        rc = prepare_remade(r, err);
    return rc == SPATE_OK ? part->ops->seek(*of_part, r->at->number, first, last, err) : rc;
}

/* ---- what is replaced ---- */

/* A number for each of n values from first on: its hash. A null's is any. */
static int number_values(masked_reader *r, const sp_column *c, uint32_t first, uint32_t n, uint64_t *rows)
{
    bool text = c->type.kind == SP_TEXT || c->type.kind == SP_JSON;
    for (uint32_t i = 0; i < n; i++) {
        sp_str value = {"", 0};
        if (text) {
            value = sp_column_str(c, first + i);
        } else if (!sp_column_null(c, first + i)) {
            r->text.len = 0;
            if (sp_cell_text(c, first + i, &r->text))
                return SPATE_E_NOMEM;
            value = (sp_str){r->text.data, r->text.len};
        }
        rows[i] = sp_hash64(value.p, value.len, 0);
    }
    return SPATE_OK;
}

static void keep_nulls(const sp_column *from, uint32_t first, uint32_t n, sp_column *to)
{
    for (uint32_t i = 0; from->validity && i < n; i++)
        if (sp_column_null(from, first + i))
            sp_column_validity(to, n)[i >> 3] &= (uint8_t) ~(1u << (i & 7));
}

/* Column i of the plan is a list, made for its rows' numbers, or one of items, each made for its own number: n cells take the place of
 * those of old. */
static int remake(masked_reader *r, uint32_t i, sp_column *old, uint32_t n)
{
    const masked *m = (const masked *)r->reader.source;
    bool items = r->at->masked->columns[i].mask_items;
    sp_column *some = &r->remade[i].some, *all = &r->remade[i].all;
    uint32_t step = SP_MIN(sp_gen_batch_rows(m->gen, r->at->plan_table), SP_BATCH_ROWS_MAX), k;
    uint64_t *rows = r->rows + (size_t)i * SP_BATCH_ROWS_MAX;
    sp_column_reset(all);
    int rc = sp_column_reserve_items(all, n);
    for (uint32_t at = 0; at < n && !rc; at += k) {
        k = SP_MIN(step, n - at);
        sp_column_reset(some);
        rc = items ? number_values(r, old, at, k, rows) : SPATE_OK;
        rc = rc ? rc : sp_gen_fill_column(m->gen, r->at->plan_table, i, items ? rows : rows + at, k, r->scratch, some);
        keep_nulls(old, at, k, some);
        rc = rc ? rc : sp_column_append(all, at, some, 0, k);
    }
    sp_column kept = *old;
    *old = *all;
    *all = kept;
    return rc;
}

static int replace_column(masked_reader *r, uint32_t i, sp_batch *batch)
{
    const masked *m = (const masked *)r->reader.source;
    const sp_plan_column *c = &r->at->masked->columns[i];
    sp_column *out = &batch->columns[c->mask];
    if (c->mask_items)
        return remake(r, i, out->child, (uint32_t)out->offsets[batch->rows]);
    if (is_list(c))
        return remake(r, i, out, batch->rows);
    return sp_gen_fill_column(m->gen, r->at->plan_table, i, r->rows + (size_t)i * SP_BATCH_ROWS_MAX, batch->rows,
                              r->scratch, out);
}

/* Of its own, for each row: items have them for each item, values in documents for each place. */
static bool has_numbers(const sp_plan_column *c)
{
    return !c->mask_items && !(c->path && c->mask_by == c->mask);
}

/* What replaces a column may hang on another that is replaced too: all are looked at before any is changed. */
static int replace(masked_reader *r, sp_batch *batch, spate_error *err)
{
    const sp_plan_table *t = r->at->masked;
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < t->n_columns && !rc; i++)
        if (has_numbers(&t->columns[i]))
            rc = number_values(r, &batch->columns[t->columns[i].mask_by], 0, batch->rows,
                               r->rows + (size_t)i * SP_BATCH_ROWS_MAX);
    for (uint32_t i = 0; i < t->n_columns && !rc; i++)
        rc = t->columns[i].path ? SPATE_OK : replace_column(r, i, batch);
    if (rc)
        return sp_fail_nomem(err);
    return r->json ? sp_masked_json_replace(r->json, r->rows, r->scratch, batch, err) : SPATE_OK;
}

static int next(sp_reader *reader, sp_batch *batch, spate_error *err)
{
    masked_reader *r = (masked_reader *)reader;
    const masked *m = (const masked *)reader->source;
    sp_reader *of_part = r->parts[r->at->part];
    int rc = m->parts[r->at->part]->ops->next(of_part, batch, err);
    reader->position = of_part->position;
    reader->at_end = of_part->at_end;
    return rc == SPATE_OK && r->at->masked && batch->rows ? replace(r, batch, err) : rc;
}

static void source_close(sp_source *s)
{
    masked *m = (masked *)s;
    for (uint32_t i = 0; i < m->n_parts; i++)
        sp_source_close(m->parts[i]);
    sp_arena_done(&m->arena);
    sp_free(m);
}

static int mark(sp_source *s, uint32_t t, sp_buf *text, spate_error *err)
{
    const masked *m = (const masked *)s;
    sp_source *part = m->parts[m->tables[t].part];
    return part->ops->mark ? part->ops->mark(part, m->tables[t].number, text, err) : sp_source_refuse_job(part, err);
}

static int unchanged(sp_source *s, uint32_t t, const char *text, const sp_landed *landed, spate_error *err)
{
    const masked *m = (const masked *)s;
    sp_source *part = m->parts[m->tables[t].part];
    return part->ops->unchanged(part, m->tables[t].number, text, landed, err);
}

static int pass_over(sp_reader *reader, sp_unread *row, spate_error *err)
{
    const masked_reader *r = (const masked_reader *)reader;
    const sp_source *part = ((const masked *)reader->source)->parts[r->at->part];
    return part->ops->pass_over ? part->ops->pass_over(r->parts[r->at->part], row, err) : SPATE_E_DATA;
}

static const sp_source_ops ops = {reader_open, seek, next, reader_close, source_close, mark, unchanged, pass_over};

/* ---- opening ---- */

typedef struct opening {
    masked *m;
    const spate_plan *plan;
    const char *const *only;
    size_t n_only;
    sp_share share;
    const sp_schema **schemas;
    sp_extent *extents;
} opening;

static bool is_wanted(const opening *o, const char *name)
{
    for (size_t i = 0; i < o->n_only; i++)
        if (strcmp(o->only[i], name) == 0)
            return true;
    return o->n_only == 0;
}

static void add_table(opening *o, uint32_t part, uint32_t number, const sp_schema *schema, uint32_t plan_table,
                      const sp_plan_table *is_masked)
{
    masked *m = o->m;
    m->tables[m->n_tables] = (table){part, number, plan_table, is_masked};
    o->schemas[m->n_tables] = schema;
    o->extents[m->n_tables++] = m->parts[part]->extents[number];
}

/* The table's schema under the plan's name. What is promised of replaced values no longer holds; that those of a key differ is for
 * the plan to see to. */
static const sp_schema *renamed(opening *o, const sp_schema *there, const sp_plan_table *t)
{
    sp_schema *s = sp_arena_alloc(&o->m->arena, 1, sizeof(*s));
    sp_field *fields = sp_arena_alloc(&o->m->arena, there->n_fields + 1, sizeof(*fields));
    if (!s || !fields)
        return NULL;
    memcpy(fields, there->fields, there->n_fields * sizeof(*fields));
    for (uint32_t i = 0; i < t->n_columns; i++)
        fields[t->columns[i].mask].bounds = (sp_bounds){0};
    *s = *there;
    s->table = t->name;
    s->fields = fields;
    return s;
}

/* The foreign keys between tables that are called otherwise here. */
static bool rename_parents(opening *o)
{
    for (uint32_t t = 0; t < o->m->n_tables; t++) {
        sp_schema *s = (sp_schema *)(uintptr_t)o->schemas[t]; /* ours, where it is masked */
        sp_foreign_key *keys =
            o->m->tables[t].masked ? sp_arena_alloc(&o->m->arena, s->n_foreign_keys + 1, sizeof(*keys)) : NULL;
        if (!o->m->tables[t].masked)
            continue;
        if (!keys)
            return false;
        for (uint32_t i = 0; i < s->n_foreign_keys; i++) {
            keys[i] = s->foreign_keys[i];
            for (uint32_t p = 0; p < o->m->n_tables; p++)
                if (o->m->tables[p].masked && o->m->tables[p].part == o->m->tables[t].part &&
                    strcmp(o->m->tables[p].masked->from->table, keys[i].parent) == 0)
                    keys[i].parent = o->m->tables[p].masked->name;
        }
        s->foreign_keys = keys;
    }
    return true;
}

static bool has_type(const sp_plan_column *c, const sp_field *there)
{
    bool list = there->type.kind == SP_LIST;
    const sp_type *type = list && (c->mask_items || c->path) ? there->type.item : &there->type;
    return c->path ? sp_kind_is_text(type->kind) : type->kind == c->type->kind;
}

/* Has the source what the plan was read with? */
static int check_fields(const sp_plan_table *t, const sp_schema *there, spate_error *err)
{
    for (uint32_t i = 0; i < t->n_columns; i++) {
        const sp_plan_column *c = &t->columns[i];
        bool same = c->mask < there->n_fields && c->mask_by < there->n_fields &&
                    strcmp(there->fields[c->mask].name, c->name) == 0 && has_type(c, &there->fields[c->mask]);
        if (!same)
            return sp_fail(err, SPATE_E_CONFIG, "table \"%s\" has other columns now than when the plan was read",
                           t->from->table);
    }
    return SPATE_OK;
}

/* What is opened together: the tables of one place, each once. */
typedef struct place {
    const char **names, **wheres;
    uint32_t *tables; /* of the plan */
    uint32_t n;
} place;

/* Of the same name, and in the same space as far as both say it: one that says none may be in any. */
static bool may_be_same(const char *a, const char *b)
{
    const char *bare_a = sp_table_bare(a), *bare_b = sp_table_bare(b);
    return strcmp(a, b) == 0 || ((bare_a == a || bare_b == b) && strcmp(bare_a, bare_b) == 0);
}

static bool make_place(opening *o, uint32_t first, const bool *opened, place *p)
{
    const spate_plan *plan = o->plan;
    p->names = sp_arena_alloc(&o->m->arena, plan->n_tables, sizeof(*p->names));
    p->wheres = sp_arena_alloc(&o->m->arena, plan->n_tables, sizeof(*p->wheres));
    p->tables = sp_arena_alloc(&o->m->arena, plan->n_tables, sizeof(*p->tables));
    for (uint32_t t = first; p->names && p->wheres && p->tables && t < plan->n_tables; t++) {
        const sp_plan_from *from = plan->tables[t].from;
        bool also = from && !opened[t] && is_wanted(o, plan->tables[t].name) &&
                    strcmp(from->uri, plan->tables[first].from->uri) == 0;
        for (uint32_t i = 0; also && i < p->n; i++)
            also = !may_be_same(p->names[i], from->table); /* another part of the same table is opened on its own */
        if (!also)
            continue;
        p->names[p->n] = from->table;
        p->wheres[p->n] = from->where;
        p->tables[p->n++] = t;
    }
    return p->n > 0;
}

static int add_place(opening *o, const place *p, bool *opened, spate_error *err)
{
    masked *m = o->m;
    const sp_source *part = m->parts[m->n_parts++];
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < part->n_tables && rc == SPATE_OK; i++)
        for (uint32_t k = 0; k < p->n && rc == SPATE_OK; k++) {
            const sp_plan_table *t = &o->plan->tables[p->tables[k]];
            if (!sp_names_table(p->names[k], part->home, part->tables[i]->table))
                continue;
            opened[p->tables[k]] = true;
            rc = check_fields(t, part->tables[i], err);
            const sp_schema *schema = rc == SPATE_OK ? renamed(o, part->tables[i], t) : NULL;
            if (schema)
                add_table(o, m->n_parts - 1, i, schema, p->tables[k], t);
            else if (rc == SPATE_OK)
                rc = sp_fail_nomem(err);
        }
    return rc;
}

/* Opens the place that table first comes from, for all tables of that place: a database is then seen as it is at one moment. */
static int open_place(opening *o, uint32_t first, bool *opened, spate_error *err)
{
    masked *m = o->m;
    place p = {0};
    const char *uri = sp_uri_beside(o->plan->tables[first].from->uri, o->plan->path, &m->arena);
    if (!uri || !make_place(o, first, opened, &p))
        return sp_fail_nomem(err);
    sp_source_options options = {.tables = p.names, .n_tables = p.n, .called = p.names[0], .wheres = p.wheres};
    bool some = false;
    for (uint32_t i = 0; i < p.n; i++)
        some = some || p.wheres[i];
    options.wheres = some ? p.wheres : NULL;
    sp_source *whole = NULL;
    int rc = sp_source_open(uri, &options, &whole, err);
    if (rc == SPATE_OK)
        rc = sp_share_open(whole, o->share, &m->parts[m->n_parts], err);
    return rc == SPATE_OK ? add_place(o, &p, opened, err) : rc;
}

static int open_made(opening *o, spate_error *err)
{
    masked *m = o->m;
    int rc = sp_generated_open(m->gen, o->only, o->n_only, &m->parts[m->n_parts], err);
    if (rc != SPATE_OK)
        return rc;
    const sp_source *part = m->parts[m->n_parts++];
    for (uint32_t i = 0; i < part->n_tables; i++)
        add_table(o, m->n_parts - 1, i, part->tables[i], 0, NULL);
    return SPATE_OK;
}

static int open_all(opening *o, spate_error *err)
{
    const spate_plan *plan = o->plan;
    masked *m = o->m;
    uint32_t n = plan->n_tables + 1;
    bool *opened = sp_arena_alloc(&m->arena, n, sizeof(*opened));
    m->parts = sp_arena_alloc(&m->arena, n, sizeof(*m->parts));
    m->tables = sp_arena_alloc(&m->arena, n, sizeof(*m->tables));
    o->schemas = sp_arena_alloc(&m->arena, n, sizeof(*o->schemas));
    o->extents = sp_arena_alloc(&m->arena, n, sizeof(*o->extents));
    if (!opened || !m->parts || !m->tables || !o->schemas || !o->extents)
        return sp_fail_nomem(err);
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < plan->n_tables && rc == SPATE_OK; t++)
        if (plan->tables[t].from && !opened[t] && is_wanted(o, plan->tables[t].name))
            rc = open_place(o, t, opened, err);
    if (rc == SPATE_OK)
        rc = open_made(o, err);
    return rc == SPATE_OK && !rename_parents(o) ? sp_fail_nomem(err) : rc;
}

static bool has_masked(const spate_plan *plan)
{
    for (uint32_t t = 0; t < plan->n_tables; t++)
        if (plan->tables[t].from)
            return true;
    return false;
}

static bool is_emptied(const opening *o, const char *table)
{
    for (uint32_t t = 0; t < o->plan->n_tables; t++) {
        const char *name = o->plan->tables[t].name;
        if (is_wanted(o, name) && sp_str_ieq(sp_str_of(sp_table_bare(table)), sp_table_bare(name)))
            return true;
    }
    return false;
}

int sp_masked_refuse_itself(const spate_plan *plan, const char *const *only, size_t n_only, const char *to,
                            spate_error *err)
{
    opening o = {.plan = plan, .only = only, .n_only = n_only};
    sp_arena arena;
    sp_arena_init(&arena);
    int rc = SPATE_OK;
    const char *asked = NULL; /* one server's tables stand together, mostly */
    for (uint32_t t = 0; t < plan->n_tables && rc == SPATE_OK; t++) {
        const sp_plan_from *from = plan->tables[t].from;
        if (!from || !is_wanted(&o, plan->tables[t].name) || !is_emptied(&o, from->table))
            continue;
        if (asked && strcmp(asked, from->uri) == 0)
            continue;
        asked = from->uri;
        const char *uri = sp_uri_beside(from->uri, plan->path, &arena);
        rc = uri ? sp_refuse_itself(uri, to, err) : sp_fail_nomem(err);
    }
    sp_arena_done(&arena);
    return rc;
}

int sp_masked_open(const spate_plan *plan, const sp_gen *gen, const char *const *only, size_t n_only, sp_share share,
                   sp_source **out, spate_error *err)
{
    if (!has_masked(plan))
        return sp_generated_open(gen, only, n_only, out, err);
    masked *m = sp_alloc_zero(1, sizeof(*m));
    if (!m)
        return sp_fail_nomem(err);
    m->source.ops = &ops;
    m->source.unit = "positions";
    m->source.shown = plan->path;
    m->plan = plan;
    m->gen = gen;
    sp_arena_init(&m->arena);
    opening o = {.m = m, .plan = plan, .only = only, .n_only = n_only, .share = share};
    int rc = open_all(&o, err);
    if (rc != SPATE_OK) {
        source_close(&m->source);
        return rc;
    }
    m->source.tables = o.schemas;
    m->source.extents = o.extents;
    m->source.n_tables = m->n_tables;
    *out = &m->source;
    return SPATE_OK;
}
