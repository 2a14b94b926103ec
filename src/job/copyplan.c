/* copyplan.c - see copyplan.h: for each table its size, its ranges and its columns, then the statements in the order they would run. */
#include "job/copyplan.h"

typedef struct lines {
    sp_arena *arena;
    const char **list;
    size_t n, cap;
    sp_buf line;
    bool nomem;
} lines;

static void end_line(lines *l)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        const char **grown = sp_arena_alloc(l->arena, cap, sizeof(*grown));
        if (grown && l->n)
            memcpy(grown, l->list, l->n * sizeof(*grown));
        l->list = grown ? grown : l->list;
        l->cap = grown ? cap : l->cap;
    }
    const char *kept = l->n < l->cap ? sp_arena_strndup(l->arena, l->line.data ? l->line.data : "", l->line.len) : NULL;
    l->line.len = 0;
    l->nomem = l->nomem || !kept;
    if (kept)
        l->list[l->n++] = kept;
}

/* How many ranges the workers would share. */
static uint64_t ranges_of(const sp_extent *e, uint64_t chunk_rows)
{
    uint64_t size = sp_extent_units(e, chunk_rows);
    return e->end / size + (e->end % size != 0);
}

static void add_table(lines *l, const sp_move *m, uint32_t t)
{
    const sp_schema *s = m->source->tables[t];
    const sp_extent *e = &m->source->extents[t];
    int built = sp_buf_printf(&l->line, "table %s: ", s->table);
    if (s->rows != UINT64_MAX)
        built = built || sp_buf_printf(&l->line, "%llu rows, ", (unsigned long long)s->rows);
    else if (e->end != UINT64_MAX && e->units_a_row > 0)
        built = built || sp_buf_printf(&l->line, "about %.0f rows, ", (double)e->end / e->units_a_row);
    uint64_t chunk = m->sink->chunk_rows ? m->sink->chunk_rows[t] : 0;
    if (e->sequential)
        built = built || sp_buf_adds(&l->line, "read from front to back");
    else if (chunk)
        built = built || sp_buf_printf(&l->line, "%llu %s in %llu ranges", (unsigned long long)e->end, m->source->unit,
                                       (unsigned long long)ranges_of(e, chunk));
    else
        built = built || sp_buf_printf(&l->line, "%llu %s", (unsigned long long)e->end, m->source->unit);
    l->nomem = l->nomem || built;
    end_line(l);
}

static void add_columns(lines *l, const sp_schema *s)
{
    for (uint32_t i = 0; i < s->n_fields; i++) {
        const sp_field *f = &s->fields[i];
        const char *word = f->cast ? f->cast : f->sql_type;
        l->nomem = l->nomem ||
                   sp_buf_printf(&l->line, "  %s: %s%s%s%s%s", f->name, sp_kind_name(f->type.kind), word ? " (" : "",
                                 word ? word : "", word ? ")" : "", f->nullable ? "" : ", not null");
        end_line(l);
    }
}

static void add_statements(lines *l, const sp_ddl *ddl)
{
    static const char *const when[] = {"before the rows",   "after the rows", "after the rows, at once",
                                       "after the indexes", "after the keys", "at the end"};
    for (uint32_t i = 0; i < ddl->n; i++) {
        const sp_ddl_statement *d = &ddl->statements[i];
        if (i == 0 || d->step != ddl->statements[i - 1].step) {
            l->nomem = l->nomem || sp_buf_printf(&l->line, "-- %s", when[d->step]);
            end_line(l);
        }
        l->nomem = l->nomem || sp_buf_printf(&l->line, "%s;", d->sql);
        end_line(l);
    }
}

int sp_copy_plan(const sp_move *m, const sp_ddl *ddl, spate_copy_report *report, spate_error *err)
{
    lines l = {.arena = m->arena};
    for (uint32_t t = 0; t < m->source->n_tables; t++) {
        add_table(&l, m, t);
        add_columns(&l, m->source->tables[t]);
    }
    if (ddl)
        add_statements(&l, ddl);
    sp_buf_done(&l.line);
    report->plan = l.list;
    report->n_plan = l.n;
    return l.nomem ? sp_fail_nomem(err) : SPATE_OK;
}
