/* problems.c - see problems.h. */
#include "endpoint/problems.h"

int sp_problems_add(sp_problems *p, const sp_schema *schema, const char *what)
{
    p->n++;
    return sp_buf_printf(&p->text, "%s: %s\n", schema->table, what);
}

int sp_problems_presence(sp_problems *p, const sp_schema *schema, bool there, const sp_sink_options *o)
{
    if (there && o->create && !o->truncate) {
        p->exists = true;
        return sp_problems_add(p, schema, "the table exists already");
    }
    if (!there && !o->create) {
        p->missing = true;
        return sp_problems_add(p, schema, "there is no such table");
    }
    return SPATE_OK;
}

int sp_problems_tell(const sp_problems *p, const char *shown, spate_error *err)
{
    int first = (int)strcspn(p->text.data, "\n");
    if (p->n == 1) {
        sp_fail(err, SPATE_E_CONFIG, "cannot load into \"%s\": %.*s", shown, first, p->text.data);
    } else {
        sp_fail(err, SPATE_E_CONFIG, "cannot load into \"%s\": %u things are in the way", shown, p->n);
        sp_error_detail(err, "%.*s", (int)p->text.len - 1, p->text.data);
    }
    if (p->missing)
        sp_error_hint(err, "--create makes missing tables");
    if (p->exists)
        sp_error_hint(err, "--truncate without --create loads into tables that are there; both replace them");
    return SPATE_E_CONFIG;
}

void sp_deps_add(sp_sink_deps *deps, uint32_t parent)
{
    for (uint32_t i = 0; i < deps->n; i++)
        if (deps->tables[i] == parent)
            return;
    deps->tables[deps->n++] = parent;
}
