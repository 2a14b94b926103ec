/* functions.c - the functions of plans with samples: a plan of one column a function is made, and its rows shown. */
#include "spate/measure.h"

#include "codec/codec.h"
#include "gen/gen.h"

enum { SHOWN_BYTES = 4096 };

/* A plan whose columns are these functions. */
static int build_plan(const char *const *names, size_t n, const spate_functions_options *o, sp_buf *text)
{
    int rc = sp_buf_printf(text, "seed: 1\nlocale: \"%s\"\ntables:\n  - name: functions\n    rows: %zu\n    columns:\n",
                           o->locale ? o->locale : "en", o->samples);
    for (size_t i = 0; i < n && !rc; i++)
        rc = sp_buf_printf(text, "      - {name: %s, value: \"${%s}\"}\n", names[i], names[i]);
    return rc;
}

/* The samples of all columns, a function's one after the other; no cell longer than SHOWN_BYTES. */
typedef struct samples {
    sp_arena arena;
    const char **texts;
    size_t n;
} samples;

static int keep_cell(samples *s, sp_column *c, uint32_t row, size_t at)
{
    sp_buf text = {0};
    int rc = sp_cell_text(c, row, &text);
    size_t len = SP_MIN(text.len, (size_t)SHOWN_BYTES);
    while (len && len < text.len && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        len--; /* between characters */
    s->texts[at] = rc ? NULL : sp_arena_strndup(&s->arena, text.data ? text.data : "", len);
    sp_buf_done(&text);
    return s->texts[at] ? SPATE_OK : SPATE_E_NOMEM;
}

static int make_samples(sp_gen *gen, samples *s, spate_error *err)
{
    const sp_schema *schema = sp_gen_schema(gen, 0);
    sp_gen_scratch *scratch = NULL;
    sp_batch batch;
    s->texts = sp_arena_alloc(&s->arena, schema->n_fields * s->n + 1, sizeof(*s->texts));
    if (!s->texts)
        return sp_fail_nomem(err);
    int status = sp_batch_init(&batch, schema, err);
    if (status)
        return status;
    status = sp_gen_scratch_new(gen, &scratch, err);
    for (size_t done = 0; done < s->n && status == SPATE_OK;) {
        uint32_t rows = (uint32_t)SP_MIN(s->n - done, (size_t)sp_gen_batch_rows(gen, 0));
        sp_batch_reset(&batch);
        status = sp_gen_fill(gen, 0, done, rows, scratch, &batch, err);
        for (uint32_t i = 0; i < schema->n_fields; i++)
            for (uint32_t r = 0; r < rows && status == SPATE_OK; r++)
                if (keep_cell(s, &batch.columns[i], r, i * s->n + done + r))
                    status = sp_fail_nomem(err);
        done += rows;
    }
    sp_gen_scratch_free(scratch);
    sp_batch_done(&batch);
    return status;
}

static const char *type_shown(const sp_schema *schema, uint32_t field, sp_arena *arena)
{
    sp_buf text = {0};
    const char *type =
        sp_sql_type(&text, SP_SQL_POSTGRES, schema, field) ? NULL : sp_arena_strndup(arena, text.data, text.len);
    sp_buf_done(&text);
    return type;
}

static int tell(sp_gen *gen, samples *s, spate_function_fn *fn, void *arg, spate_error *err)
{
    const sp_schema *schema = sp_gen_schema(gen, 0);
    int status = make_samples(gen, s, err);
    for (uint32_t i = 0; i < schema->n_fields && status == SPATE_OK; i++) {
        const char *name = schema->fields[i].name;
        spate_function f = {name, sp_func_note(sp_func_find(sp_str_of(name))), type_shown(schema, i, &s->arena)};
        status = f.type ? fn(arg, &f, s->texts + i * s->n, s->n) : sp_fail_nomem(err);
    }
    return status;
}

static int unknown(const char *kind, const char *name, const char *const *names, size_t n, spate_error *err)
{
    const char *near = sp_nearest(sp_str_of(name), names, n);
    sp_fail(err, SPATE_E_USAGE, "there is no %s \"%s\"", kind, name);
    if (near)
        sp_error_hint(err, "did you mean \"%s\"?", near);
    else
        sp_error_hint(err, "spate functions%s lists them", strcmp(kind, "locale") == 0 ? " --locales" : "");
    return SPATE_E_USAGE;
}

static int check_locale(const char *code, sp_arena *arena, spate_error *err)
{
    size_t n = sp_gen_locales();
    const char **codes = sp_arena_alloc(arena, n, sizeof(*codes));
    if (!codes)
        return sp_fail_nomem(err);
    for (size_t i = 0; i < n; i++) {
        codes[i] = sp_gen_locale(i).code;
        if (strcmp(codes[i], code) == 0)
            return SPATE_OK;
    }
    return unknown("locale", code, codes, n, err);
}

bool spate_locale_at(size_t i, spate_locale *locale)
{
    if (i >= sp_gen_locales())
        return false;
    *locale = sp_gen_locale(i);
    return true;
}

int spate_functions(const spate_functions_options *o, spate_function_fn *fn, void *arg, spate_error *err)
{
    size_t n;
    const char *const *names = sp_func_names(&n);
    if (o->name && !sp_func_find(sp_str_of(o->name)))
        return unknown("function", o->name, names, n, err);
    sp_buf text = {0};
    spate_plan *plan = NULL;
    sp_gen *gen = NULL;
    samples s = {.n = o->samples};
    sp_arena_init(&s.arena);
    int status = o->locale ? check_locale(o->locale, &s.arena, err) : SPATE_OK;
    if (status == SPATE_OK && build_plan(o->name ? &o->name : names, o->name ? 1 : n, o, &text))
        status = sp_fail_nomem(err);
    if (status == SPATE_OK)
        status = sp_plan_parse("functions", text.data, text.len, &plan, err);
    if (status == SPATE_OK)
        status = sp_gen_new(plan, plan->seed, &gen, err);
    if (status == SPATE_OK)
        status = tell(gen, &s, fn, arg, err);
    sp_gen_free(gen);
    spate_plan_free(plan);
    sp_buf_done(&text);
    sp_arena_done(&s.arena);
    return status;
}
