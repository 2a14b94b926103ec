/* query.c - see query.h. */
#include "lab/query.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- merging ---- */

static sp_str cell(const PGresult *res, int row, int column)
{
    return sp_str_of(sp_pq.getvalue(res, row, column));
}

static void add_rows(const PGresult *res, bool whole, sp_answer *a)
{
    int rows = sp_pq.ntuples(res), columns = sp_pq.nfields(res);
    a->rows += (uint64_t)rows;
    for (int row = 0; whole && row < rows; row++) {
        uint64_t hash = 0;
        for (int c = 0; c < columns; c++)
            hash = sp_hash64(cell(res, row, c).p, cell(res, row, c).len, hash + (uint64_t)sp_pq.getisnull(res, row, c));
        a->hash += hash;
    }
}

static bool begins(const char *name, const char *word)
{
    return strncmp(name, word, strlen(word)) == 0;
}

static int column_called(const PGresult *res, const char *prefix, const char *rest)
{
    for (int c = 0; c < sp_pq.nfields(res); c++) {
        const char *name = sp_pq.fname(res, c);
        if (begins(name, prefix) && strcmp(name + strlen(prefix), rest) == 0)
            return c;
    }
    return -1;
}

static void add_total(const char *name, double v, bool first, double *total)
{
    if (first)
        *total = v;
    else if (begins(name, "min_"))
        *total = fmin(*total, v);
    else if (begins(name, "max_"))
        *total = fmax(*total, v);
    else
        *total += v;
}

/* A mean of means would be wrong: it comes from its sum and count. */
static int settle_averages(const PGresult *res, sp_answer *a, spate_error *err)
{
    for (uint32_t c = 0; c < a->n_totals; c++) {
        const char *name = sp_pq.fname(res, (int)c);
        if (!begins(name, "avg_"))
            continue;
        int sum = column_called(res, "sum_", name + 4), count = column_called(res, "count_", name + 4);
        if (sum < 0 || count < 0)
            return sp_fail(err, SPATE_E_CONFIG, "column \"%s\" cannot be merged without sum_%s and count_%s", name,
                           name + 4, name + 4);
        a->totals[c] = a->totals[count] != 0 ? a->totals[sum] / a->totals[count] : 0;
    }
    return SPATE_OK;
}

static int merge_totals(PGresult *const *parts, uint32_t n, sp_answer *a, spate_error *err)
{
    int columns = sp_pq.nfields(parts[0]);
    if (columns > SP_TOTALS_MAX)
        return sp_fail(err, SPATE_E_CONFIG, "totals of more than %d columns cannot be merged", SP_TOTALS_MAX);
    a->n_totals = (uint32_t)columns;
    a->rows = 1;
    for (int c = 0; c < columns; c++) {
        bool first = true;
        for (uint32_t i = 0; i < n; i++) {
            if (sp_pq.ntuples(parts[i]) != 1)
                return sp_fail(err, SPATE_E_CONFIG, "totals are one row, not %d", sp_pq.ntuples(parts[i]));
            if (sp_pq.getisnull(parts[i], 0, c))
                continue;
            add_total(sp_pq.fname(parts[0], c), strtod(sp_pq.getvalue(parts[i], 0, c), NULL), first, &a->totals[c]);
            first = false;
        }
    }
    return n > 1 ? settle_averages(parts[0], a, err) : SPATE_OK;
}

/* Numbers by their value, anything else by its bytes: which is right for dates and times as PostgreSQL writes them. */
static bool comes_before(sp_str a, sp_str b, bool descending)
{
    char *a_end, *b_end;
    double x = strtod(a.p, &a_end), y = strtod(b.p, &b_end);
    bool numbers = a.len && b.len && *a_end == '\0' && *b_end == '\0';
    int order = numbers ? (x > y) - (x < y) : strcmp(a.p, b.p);
    return descending ? order > 0 : order < 0;
}

/* Each part is in order already. */
static void merge_top(const sp_query *q, PGresult *const *parts, uint32_t n, sp_answer *a)
{
    int at[1 + SP_SHARDS_MAX] = {0};
    for (; a->rows < q->top; a->rows++) {
        int best = -1;
        for (uint32_t i = 0; i < n; i++) {
            bool left = at[i] < sp_pq.ntuples(parts[i]);
            if (left &&
                (best < 0 || comes_before(cell(parts[i], at[i], 0), cell(parts[best], at[best], 0), q->descending)))
                best = (int)i;
        }
        if (best < 0)
            break;
        sp_str v = cell(parts[best], at[best]++, 0);
        a->hash = sp_hash64(v.p, v.len, a->hash);
    }
}

int sp_answer_merge(const sp_query *q, PGresult *const *parts, uint32_t n, bool whole, sp_answer *a, spate_error *err)
{
    *a = (sp_answer){0};
    if (q->kind == SP_ANSWER_TOTALS)
        return merge_totals(parts, n, a, err);
    if (q->kind == SP_ANSWER_TOP)
        merge_top(q, parts, n, a);
    for (uint32_t i = 0; q->kind == SP_ANSWER_ROWS && i < n; i++)
        add_rows(parts[i], whole, a);
    return SPATE_OK;
}

/* Sums of floating-point numbers depend on their order in the last digits. */
bool sp_answer_same(const sp_query *q, const sp_answer *a, const sp_answer *b)
{
    bool same = a->rows == b->rows && a->n_totals == b->n_totals && (q->kind == SP_ANSWER_TOTALS || a->hash == b->hash);
    for (uint32_t i = 0; same && i < a->n_totals; i++)
        same = fabs(a->totals[i] - b->totals[i]) <= 1e-9 * fmax(1, fabs(a->totals[i]));
    return same;
}

/* ---- built-in queries ---- */

typedef struct builder {
    const sp_layout *layout;
    sp_arena *arena;
    sp_query *queries;
    uint32_t n;
    bool nomem;
} builder;

static bool is_number(sp_kind kind)
{
    return kind == SP_DECIMAL || kind == SP_F64 || kind == SP_F32;
}

static bool has_order(sp_kind kind)
{
    return is_number(kind) || kind == SP_TIMESTAMP || kind == SP_TIMESTAMPTZ || kind == SP_DATE;
}

/* The first field that fits, or -1. */
static int field_where(const sp_schema *s, bool (*fits)(sp_kind))
{
    for (uint32_t i = 0; i < s->n_fields; i++)
        if (fits(s->fields[i].type.kind))
            return (int)i;
    return -1;
}

/* The first table that lives by its own primary key. */
static int key_table_of(const sp_layout *l)
{
    for (uint32_t t = 0; t < l->n; t++) {
        const sp_placement *p = l->placements[t];
        if (p && l->schemas[t]->n_primary_key == 1 && l->schemas[t]->primary_key[0] == p->key[0])
            return (int)t;
    }
    return -1;
}

/* A table that lives beside it, and the column it does so by. */
static int child_of(const sp_layout *l, int parent)
{
    for (uint32_t t = 0; t < l->n; t++)
        for (uint32_t i = 0; l->placements[t] && i < l->schemas[t]->n_foreign_keys; i++) {
            const sp_foreign_key *f = &l->schemas[t]->foreign_keys[i];
            if (f->n == 1 && f->columns[0] == l->placements[t]->key[0] &&
                strcmp(f->parent, l->schemas[parent]->table) == 0)
                return (int)t;
        }
    return -1;
}

static const char *quoted(builder *b, int (*quote)(sp_buf *, const char *), const char *name)
{
    sp_buf text = {0};
    const char *made = quote(&text, name) ? NULL : sp_arena_strndup(b->arena, text.data, text.len);
    sp_buf_done(&text);
    b->nomem |= !made;
    return made ? made : "";
}

static const char *column(builder *b, const sp_schema *s, int field)
{
    return quoted(b, sp_sql_name, s->fields[field].name);
}

static const char *table(builder *b, const sp_schema *s)
{
    return quoted(b, sp_sql_ident, s->table);
}

static void add(builder *b, sp_query q)
{
    b->nomem |= !q.sql;
    b->queries[b->n++] = q;
}

static void add_point_and_range(builder *b, int t)
{
    const sp_schema *s = b->layout->schemas[t];
    int key = (int)b->layout->placements[t]->key[0];
    const char *k = column(b, s, key), *from = table(b, s);
    add(b, (sp_query){.name = "point",
                      .sql = sp_arena_printf(b->arena, "SELECT * FROM %s WHERE %s = $1", from, k),
                      .has_key = true,
                      .by_key = true});
    if (sp_kind_is_signed(s->fields[key].type.kind))
        add(b, (sp_query){.name = "range",
                          .sql = sp_arena_printf(
                              b->arena, "SELECT * FROM %s WHERE %s BETWEEN $1::bigint AND $1::bigint + 999", from, k),
                          .has_key = true});
}

static void add_join(builder *b, int parent, int child)
{
    const sp_schema *p = b->layout->schemas[parent], *c = b->layout->schemas[child];
    const char *k = column(b, p, (int)b->layout->placements[parent]->key[0]);
    const char *f = column(b, c, (int)b->layout->placements[child]->key[0]);
    add(b, (sp_query){.name = "join",
                      .sql = sp_arena_printf(b->arena, "SELECT * FROM %s p JOIN %s c ON c.%s = p.%s WHERE p.%s = $1",
                                             table(b, p), table(b, c), f, k, k),
                      .has_key = true,
                      .by_key = true});
}

static void add_total_and_top(builder *b, int t)
{
    const sp_schema *s = b->layout->schemas[t];
    int number = field_where(s, is_number), ordered = field_where(s, has_order);
    const char *from = table(b, s), *x = number < 0 ? NULL : column(b, s, number);
    const char *sql =
        x ? sp_arena_printf(b->arena,
                            "SELECT count(*) AS count_rows, count(%s) AS count_x, sum(%s) AS sum_x, min(%s) AS min_x,"
                            " max(%s) AS max_x, avg(%s) AS avg_x FROM %s",
                            x, x, x, x, x, from)
          : sp_arena_printf(b->arena, "SELECT count(*) AS count_rows FROM %s", from);
    add(b, (sp_query){.name = "total", .sql = sql, .kind = SP_ANSWER_TOTALS});
    if (ordered < 0)
        return;
    const char *o = column(b, s, ordered);
    sql = sp_arena_printf(b->arena, "SELECT %s FROM %s WHERE %s IS NOT NULL ORDER BY %s DESC LIMIT 10", o, from, o, o);
    add(b, (sp_query){.name = "top", .sql = sql, .kind = SP_ANSWER_TOP, .top = 10, .descending = true});
}

int sp_queries_built_in(const sp_layout *layout, sp_arena *arena, const sp_query **queries, uint32_t *n,
                        uint32_t *key_table, spate_error *err)
{
    enum { MOST = 5 };
    builder b = {.layout = layout, .arena = arena, .queries = sp_arena_alloc(arena, MOST, sizeof(sp_query))};
    int parent = key_table_of(layout), child = parent < 0 ? -1 : child_of(layout, parent);
    if (parent < 0)
        return sp_fail(err, SPATE_E_USAGE,
                       "no table of this lab lives by its own primary key: there is nothing to ask by");
    if (!b.queries)
        return sp_fail_nomem(err);
    add_point_and_range(&b, parent);
    if (child >= 0)
        add_join(&b, parent, child);
    add_total_and_top(&b, child >= 0 ? child : parent);
    *queries = b.queries;
    *n = b.n;
    *key_table = (uint32_t)parent;
    return b.nomem ? sp_fail_nomem(err) : SPATE_OK;
}

/* ---- queries of a file ---- */

/* "-- NAME top 10" */
static bool read_head(const char *line, size_t len, sp_arena *arena, sp_query *q)
{
    char name[64] = "", word[8] = "", text[128];
    unsigned top = 0;
    snprintf(text, sizeof(text), "%.*s", (int)SP_MIN(len, sizeof(text) - 1), line);
    int got = sscanf(text, "-- %63s %7s %u", name, word, &top);
    if (got < 1 || (got > 1 && (got < 3 || strcmp(word, "top") != 0 || top == 0 || top > SP_TOP_MAX)))
        return false;
    *q = (sp_query){.name = sp_arena_strndup(arena, name, strlen(name)),
                    .kind = top ? SP_ANSWER_TOP : SP_ANSWER_ROWS,
                    .top = top,
                    .descending = true};
    return q->name != NULL;
}

/* Totals are recognised by the names that the statement gives its columns. */
static void classify(sp_query *q)
{
    q->has_key = q->by_key = strstr(q->sql, "$1") != NULL;
    if (q->kind == SP_ANSWER_TOP || q->by_key)
        return;
    static const char *const words[] = {" AS count_", " AS sum_", " AS min_", " AS max_",
                                        " as count_", " as sum_", " as min_", " as max_"};
    for (size_t i = 0; i < SP_COUNT(words); i++)
        if (strstr(q->sql, words[i]))
            q->kind = SP_ANSWER_TOTALS;
}

int sp_queries_read(const char *file, const char *text, sp_arena *arena, const sp_query **queries, uint32_t *n,
                    spate_error *err)
{
    enum { MOST = 64 };
    sp_query *made = sp_arena_alloc(arena, MOST, sizeof(*made));
    unsigned line = 1;
    *n = 0;
    for (const char *at = text; made && *at;) {
        if (isspace((unsigned char)*at)) {
            line += *at++ == '\n';
            continue;
        }
        size_t len = strcspn(at, "\n");
        if (*n == MOST || !read_head(at, len, arena, &made[*n]))
            return sp_fail(
                err, SPATE_E_CONFIG,
                "%s:%u: expected a line \"-- NAME\" or \"-- NAME top N\" before each of at most %d statements", file,
                line, MOST);
        at += len;
        const char *end = strchr(at, ';');
        if (!end)
            return sp_fail(err, SPATE_E_CONFIG, "%s:%u: expected a statement that ends with \";\"", file, line + 1);
        made[*n].sql = sp_arena_strndup(arena, at, (size_t)(end - at));
        if (!made[*n].sql)
            return sp_fail_nomem(err);
        classify(&made[(*n)++]);
        for (; at <= end; at++)
            line += *at == '\n';
    }
    *queries = made;
    return !made ? sp_fail_nomem(err) : *n ? SPATE_OK : sp_fail(err, SPATE_E_CONFIG, "%s has no queries", file);
}
