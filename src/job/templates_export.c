/* templates_export.c - a built-in plan as a schema of datagen-cli: its tables with their types and keys, as that program knows them, and in
 * the key "plan" of a column what spate's own form says of it, so that spate makes the same rows of it. */
#include "spate/template.h"

#include "codec/codec.h"
#include "gen/gen.h"
#include "plan/node.h"

/* ---- nodes as JSON ------------------------------------------------------------------------------- */

/* A number as JSON has it, which is narrower than YAML. */
static bool is_json_number(sp_str s)
{
    int64_t i;
    double v;
    bool whole = sp_parse_i64(s, &i) && s.p[0] != '+' && (s.len == 1 || s.p[s.p[0] == '-'] != '0');
    return whole ||
           (memchr(s.p, '.', s.len) && s.p[0] >= '1' && s.p[0] <= '9' && s.p[s.len - 1] != '.' && sp_parse_f64(s, &v));
}

static int add_scalar(sp_buf *out, const sp_node *node)
{
    if (sp_node_is_null(node))
        return sp_buf_adds(out, "null");
    if (node->plain && (is_json_number(node->text) || sp_str_is(node->text, "true") || sp_str_is(node->text, "false")))
        return sp_buf_add(out, node->text.p, node->text.len);
    return sp_buf_add_json(out, node->text.p, node->text.len);
}

/* Trees are no deeper than the reader lets them be. */
static int add_node(sp_buf *out, const sp_node *node, unsigned depth)
{
    if (node->kind == SP_NODE_TEXT)
        return add_scalar(out, node);
    bool map = node->kind == SP_NODE_MAP;
    int rc = sp_buf_adds(out, map ? "{" : "[");
    for (uint32_t i = 0; i < node->n && !rc; i++) {
        rc = sp_buf_printf(out, "%s\n%*s", i ? "," : "", 2 * (int)depth + 2, "");
        if (!rc && map)
            rc = sp_buf_add_json(out, node->pairs[i].key->text.p, node->pairs[i].key->text.len) ||
                 sp_buf_adds(out, ": ");
        rc = rc || add_node(out, map ? node->pairs[i].value : node->items[i], depth + 1);
    }
    return rc || (node->n && sp_buf_printf(out, "\n%*s", 2 * (int)depth, "")) || sp_buf_adds(out, map ? "}" : "]");
}

/* ---- the schema ---------------------------------------------------------------------------------- */

typedef struct export
{
    sp_buf out;
    const spate_plan *plan;
    const sp_gen *gen;
    int rc;
}
export;

static void put(export *x, const char *text)
{
    x->rc = x->rc || sp_buf_adds(&x->out, text);
}

static void put_text(export *x, const char *text)
{
    x->rc = x->rc || sp_buf_add_json(&x->out, text, strlen(text));
}

/* An enumeration's type has the name of its table and column. */
static void put_enum_name(export *x, const sp_schema *s, const sp_field *f)
{
    x->rc = x->rc || sp_buf_printf(&x->out, "\"%s_%s\"", s->table, f->name);
}

static void put_enums(export *x)
{
    const char *before = ",\n  \"custom_types\": {";
    bool any = false;
    for (uint32_t t = 0; t < x->plan->n_tables; t++) {
        const sp_schema *s = sp_gen_schema(x->gen, t);
        for (uint32_t i = 0; i < s->n_fields; i++) {
            if (!s->fields[i].n_labels)
                continue;
            put(x, before);
            put(x, "\n    ");
            put_enum_name(x, s, &s->fields[i]);
            put(x, ": {\"kind\": \"enum\", \"definition\": \"ENUM (");
            for (uint32_t k = 0; k < s->fields[i].n_labels; k++)
                x->rc = x->rc || sp_buf_printf(&x->out, "%s'%.*s'", k ? ", " : "", (int)s->fields[i].labels[k].len,
                                               s->fields[i].labels[k].p);
            put(x, ")\"}");
            before = ",";
            any = true;
        }
    }
    put(x, any ? "\n  }" : "");
}

/* What the plan says of a column or a table, but for what is said of it in the schema's own words. */
static void put_plan(export *x, const sp_node *node, const char *const *but, size_t n_but, unsigned depth)
{
    const char *before = "{";
    for (uint32_t i = 0; i < node->n; i++) {
        bool said = false;
        for (size_t k = 0; k < n_but; k++)
            said = said || sp_str_is(node->pairs[i].key->text, but[k]);
        if (said)
            continue;
        x->rc = x->rc || sp_buf_printf(&x->out, "%s\n%*s", before, 2 * (int)depth + 2, "") ||
                sp_buf_add_json(&x->out, node->pairs[i].key->text.p, node->pairs[i].key->text.len) ||
                sp_buf_adds(&x->out, ": ") || add_node(&x->out, node->pairs[i].value, depth + 1);
        before = ",";
    }
    x->rc =
        x->rc || (*before == ',' ? sp_buf_printf(&x->out, "\n%*s}", 2 * (int)depth, "") : sp_buf_adds(&x->out, "{}"));
}

static void put_column(export *x, const sp_schema *s, const sp_node *node)
{
    static const char *const but[] = {"name"};
    const sp_node *name = sp_node_value(node, "name");
    int field = sp_schema_find(s, name->text.p);
    put(x, "\n        ");
    put_text(x, name->text.p);
    put(x, ": {\"type\": ");
    if (field < 0) { /* hidden */
        put(x, "\"text\"");
    } else if (s->fields[field].n_labels) {
        put_enum_name(x, s, &s->fields[field]);
    } else {
        put(x, "\"");
        x->rc = x->rc || sp_sql_type(&x->out, SP_SQL_POSTGRES, s, (uint32_t)field);
        put(x, "\"");
    }
    put(x, field >= 0 && s->fields[field].nullable ? ", \"nullable\": true, \"plan\": " : ", \"plan\": ");
    put_plan(x, node, but, SP_COUNT(but), 4);
    put(x, "}");
}

static void put_fields(export *x, const sp_schema *s, const uint32_t *fields, uint32_t n)
{
    put(x, "[");
    for (uint32_t i = 0; i < n; i++) {
        put(x, i ? ", " : "");
        put_text(x, s->fields[fields[i]].name);
    }
    put(x, "]");
}

static void put_keys(export *x, const sp_schema *s)
{
    if (s->n_primary_key) {
        put(x, ",\n      \"primary_key\": ");
        put_fields(x, s, s->primary_key, s->n_primary_key);
    }
    for (uint32_t i = 0; i < s->n_uniques; i++) {
        put(x, i ? ", {\"columns\": " : ",\n      \"unique_constraints\": [{\"columns\": ");
        put_fields(x, s, &s->uniques[i], 1);
        put(x, i + 1 == s->n_uniques ? "}]" : "}");
    }
    for (uint32_t i = 0; i < s->n_foreign_keys; i++) {
        const sp_foreign_key *f = &s->foreign_keys[i];
        put(x, i ? ",\n        {\"columns\": " : ",\n      \"foreign_keys\": [\n        {\"columns\": ");
        put_fields(x, s, f->columns, f->n);
        put(x, ", \"referenced_table\": ");
        put_text(x, f->parent);
        for (uint32_t k = 0; k < f->n; k++) {
            put(x, k ? ", " : ", \"referenced_columns\": [");
            put_text(x, f->parent_columns[k]);
        }
        put(x, "]}");
    }
    put(x, s->n_foreign_keys ? "\n      ]" : "");
}

static void put_table(export *x, uint32_t t, const sp_node *node)
{
    static const char *const but[] = {"name", "rows", "columns"};
    const sp_schema *s = sp_gen_schema(x->gen, t);
    const sp_node *columns = sp_node_value(node, "columns");
    bool more = false;
    put(x, t ? ",\n    " : "\n    ");
    put_text(x, x->plan->tables[t].name);
    x->rc = x->rc || sp_buf_printf(&x->out, ": {\n      \"row_count\": %llu,\n      \"columns\": {",
                                   (unsigned long long)x->plan->tables[t].rows);
    for (uint32_t i = 0; i < columns->n; i++) {
        put(x, i ? "," : "");
        put_column(x, s, columns->items[i]);
    }
    put(x, "\n      }");
    put_keys(x, s);
    for (uint32_t i = 0; i < node->n; i++) {
        bool said = false;
        for (size_t k = 0; k < SP_COUNT(but); k++)
            said = said || sp_str_is(node->pairs[i].key->text, but[k]);
        more = more || !said;
    }
    if (more) {
        put(x, ",\n      \"plan\": ");
        put_plan(x, node, but, SP_COUNT(but), 3);
    }
    put(x, "\n    }");
}

static void put_schema(export *x, const char *name, const sp_node *root)
{
    static const char *const kept[] = {"seed", "now", "locale"};
    const sp_node *tables = sp_node_value(root, "tables");
    put(x, "{\n  \"version\": \"1.0\",\n  \"database\": {\"name\": ");
    put_text(x, name);
    put(x, ", \"encoding\": \"UTF8\", \"locale\": \"en_US.utf8\"}");
    for (size_t i = 0; i < SP_COUNT(kept); i++) {
        const sp_node *node = sp_node_value(root, kept[i]);
        if (!node)
            continue;
        x->rc = x->rc || sp_buf_printf(&x->out, ",\n  \"%s\": ", kept[i]) || add_node(&x->out, node, 1);
    }
    put_enums(x);
    put(x, ",\n  \"tables\": {");
    for (uint32_t t = 0; t < x->plan->n_tables && t < tables->n; t++)
        put_table(x, t, tables->items[t]);
    put(x, "\n  }\n}\n");
    x->rc = x->rc || sp_buf_add(&x->out, "", 1);
}

static int export_plan(export *x, const char *name, const char *yaml, size_t len, spate_error *err)
{
    sp_arena arena;
    sp_mistakes m;
    const sp_node *root = NULL;
    spate_plan *plan = NULL;
    sp_gen *gen = NULL;
    int status = spate_plan_read(name, yaml, len, &plan, err);
    if (status == SPATE_OK)
        status = sp_gen_new(plan, plan->seed, &gen, err);
    sp_arena_init(&arena);
    sp_mistakes_init(&m, name);
    if (status == SPATE_OK)
        status = sp_document_load(yaml, len, &arena, &arena, &m, &root, err);
    x->plan = plan;
    x->gen = gen;
    if (status == SPATE_OK)
        put_schema(x, name, root);
    if (status == SPATE_OK && x->rc)
        status = sp_fail_nomem(err);
    sp_mistakes_done(&m);
    sp_arena_done(&arena);
    sp_gen_free(gen);
    spate_plan_free(plan);
    return status;
}

int spate_template_json(const char *name, const spate_setting *settings, size_t n, char **text, size_t *len,
                        spate_error *err)
{
    char *yaml = NULL;
    export x = {0};
    *text = NULL;
    *len = 0;
    int status = spate_template_text(name, settings, n, &yaml, len, err);
    if (status != SPATE_OK)
        return status;
    status = export_plan(&x, name, yaml, *len, err);
    spate_template_free(yaml);
    if (status != SPATE_OK) {
        sp_buf_done(&x.out);
        return status;
    }
    *text = x.out.data;
    *len = x.out.len - 1;
    return SPATE_OK;
}
