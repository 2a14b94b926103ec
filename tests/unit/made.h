/* made.h - plans of a few rows, made and shown. */
#ifndef SP_TEST_MADE_H
#define SP_TEST_MADE_H

#include "gen/gen.h"
#include "unit/check.h"

typedef struct made {
    spate_plan *plan;
    sp_gen *gen;
    sp_gen_scratch *scratch;
    sp_batch batch;
} made;

static const char *path = "test.yaml"; /* that plans are said to be in */

static bool make(made *m, const char *yaml)
{
    spate_error err = {0};
    *m = (made){0};
    if (!CHECK_INT(sp_plan_parse(path, yaml, strlen(yaml), &m->plan, &err), 0))
        return false;
    int rc = sp_gen_new(m->plan, 7, &m->gen, &err);
    for (size_t i = 0; rc != SPATE_OK && i < spate_plan_mistakes(m->plan); i++)
        printf("# %u:%u %s %s\n", spate_plan_mistake(m->plan, i)->line, spate_plan_mistake(m->plan, i)->column,
               spate_plan_mistake(m->plan, i)->found, spate_plan_mistake(m->plan, i)->message);
    return CHECK_INT(rc, 0) && CHECK_INT(sp_gen_scratch_new(m->gen, &m->scratch, &err), 0);
}

static void drop(made *m)
{
    if (m->batch.columns)
        sp_batch_done(&m->batch);
    sp_gen_scratch_free(m->scratch);
    sp_gen_free(m->gen);
    spate_plan_free(m->plan);
}

/* All rows of a table, one batch at most. */
static const sp_batch *rows_of(made *m, uint32_t table)
{
    const sp_schema *s = sp_gen_schema(m->gen, table);
    if (m->batch.columns)
        sp_batch_done(&m->batch);
    CHECK_INT(sp_batch_init(&m->batch, s, NULL), 0);
    CHECK_INT(sp_gen_fill(m->gen, table, 0, (uint32_t)s->rows, m->scratch, &m->batch, NULL), 0);
    return &m->batch;
}

/* The cells of a column (64 kB at most) as "a|b|c"; a null is -. */
static const char *shown(made *m, uint32_t table, const char *column)
{
    static char text[1 << 16];
    char *p = text;
    const sp_batch *b = rows_of(m, table);
    int i = sp_schema_find(b->schema, column);
    if (!CHECK(i >= 0))
        return "";
    const sp_column *c = &b->columns[i];
    for (uint32_t row = 0; row < b->rows; row++) {
        if (row)
            *p++ = '|';
        if (sp_column_null(c, row))
            *p++ = '-';
        else if (sp_kind_is_text(c->type.kind))
            p += sprintf(p, "%.*s", (int)sp_column_str(c, row).len, sp_column_str(c, row).p);
        else if (c->type.kind == SP_DATE)
            p = sp_put_date(p, ((int32_t *)c->data)[row]);
        else if (c->type.kind == SP_I16)
            p = sp_put_i64(p, ((int16_t *)c->data)[row]);
        else
            p = sp_put_i64(p, sp_kind_width(c->type.kind) == 4 ? ((int32_t *)c->data)[row] : ((int64_t *)c->data)[row]);
    }
    *p = '\0';
    return text;
}

/* Some mistake says these words. */
static void check_mistake(const char *yaml, const char *words)
{
    spate_plan *plan = NULL;
    sp_gen *gen = NULL;
    spate_error err = {0};
    bool said = false;
    CHECK_INT(sp_plan_parse("test.yaml", yaml, strlen(yaml), &plan, &err), 0);
    CHECK(sp_gen_new(plan, 0, &gen, &err) == SPATE_E_CONFIG);
    for (size_t i = 0; i < spate_plan_mistakes(plan); i++)
        said = said || strstr(spate_plan_mistake(plan, i)->message, words);
    if (!CHECK(said))
        printf("# nobody said \"%s\"\n", words);
    sp_gen_free(gen);
    spate_plan_free(plan);
}

#endif
