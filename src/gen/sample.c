/* sample.c - the texts of a table's first rows, put into its schema: what a target cannot take of them it refuses before any row. */
#include "gen/build.h"

enum { SAMPLE_ROWS = 16 };

typedef struct sampler {
    sp_gen *gen;
    sp_gen_scratch *scratch;
    uint32_t table, rows;
    sp_batch batch;
} sampler;

/* Text of which nothing is known yet. */
static bool is_unknown(const sp_field *f)
{
    return f->type.kind == SP_TEXT && !f->values && !f->n_labels;
}

static bool keep_texts(const sampler *s, const sp_column *c, sp_field *f)
{
    sp_arena *arena = sp_gen_arena(s->gen);
    sp_str *values = sp_arena_alloc(arena, s->rows, sizeof(*values));
    f->values = values;
    for (uint32_t i = 0; values && i < s->rows; i++) {
        if (sp_column_null(c, i))
            continue;
        sp_str text = sp_column_str(c, i);
        char *copy = sp_arena_strndup(arena, text.p, text.len);
        if (!copy)
            return false;
        values[f->n_values++] = (sp_str){copy, text.len};
    }
    return values != NULL;
}

static int sample_field(sampler *s, uint32_t field, spate_error *err)
{
    uint64_t rows[SAMPLE_ROWS];
    for (uint32_t i = 0; i < s->rows; i++)
        rows[i] = i;
    sp_gen_wish wish = {.rows = rows, .n = s->rows, .fields = &field, .n_fields = 1};
    int rc = sp_gen_fill_wish(s->gen, s->table, &wish, s->scratch, &s->batch, err);
    sp_field *f = (sp_field *)&sp_gen_schema(s->gen, s->table)->fields[field]; /* the generator's, and not yet shared */
    if (rc == SPATE_OK && !keep_texts(s, &s->batch.columns[field], f))
        rc = sp_fail_nomem(err);
    return rc;
}

static int sample_table(sampler *s, spate_error *err)
{
    const sp_schema *schema = sp_gen_schema(s->gen, s->table);
    s->rows =
        (uint32_t)SP_MIN(SP_MIN((uint64_t)SAMPLE_ROWS, schema->rows), (uint64_t)sp_gen_batch_rows(s->gen, s->table));
    int rc = sp_batch_init(&s->batch, schema, err);
    if (rc != SPATE_OK)
        return rc;
    for (uint32_t f = 0; f < schema->n_fields && rc == SPATE_OK; f++)
        if (is_unknown(&schema->fields[f]))
            rc = sample_field(s, f, err);
    sp_batch_done(&s->batch);
    return rc;
}

int sp_gen_sample(sp_gen *gen, spate_error *err)
{
    sampler s = {.gen = gen};
    int rc = sp_gen_scratch_new(gen, &s.scratch, err);
    for (; s.table < sp_gen_tables(gen) && rc == SPATE_OK; s.table++)
        if (!sp_gen_masked(gen, s.table) && !sp_gen_hidden(gen, s.table))
            rc = sample_table(&s, err);
    sp_gen_scratch_free(s.scratch);
    return rc;
}
