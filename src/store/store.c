/* store.c - the public calls about a store as a whole: opening, tables, names, the user's bytes. */
#include "spate/store.h"
#include "store/file.h"

int spate_store_create(const char *path, uint64_t user_bytes, spate_store **store, spate_error *err)
{
    return sp_store_create(path, user_bytes ? user_bytes : SPATE_STORE_USER_BYTES, store, err);
}

int spate_store_open(const char *path, bool write, spate_store **store, spate_error *err)
{
    return sp_store_open(path, write, store, err);
}

static int refuse_reader(const spate_store *s, spate_error *err)
{
    return s->writable ? SPATE_OK : sp_fail(err, SPATE_E_USAGE, "\"%s\" is open for reading only", s->path);
}

int spate_store_commit(spate_store *s, spate_error *err)
{
    int rc = refuse_reader(s, err);
    return rc == SPATE_OK ? sp_store_commit(s, err) : rc;
}

int spate_store_finish(spate_store *s, spate_error *err)
{
    int rc = refuse_reader(s, err);
    return rc == SPATE_OK ? sp_store_finish(s, err) : rc;
}

void spate_store_close(spate_store *s)
{
    sp_store_close(s);
}

bool spate_store_rounded(const spate_store *s)
{
    return s->super.compat & SP_COMPAT_ROUNDED;
}

bool spate_store_packed(const spate_store *s)
{
    return s->super.incompat & SP_INCOMPAT_PACKED;
}

int spate_store_user_write(spate_store *s, const void *bytes, size_t len, spate_error *err)
{
    int rc = refuse_reader(s, err);
    return rc == SPATE_OK ? sp_store_user_write(s, bytes, len, err) : rc;
}

int spate_store_user_read(spate_store *s, void **bytes, size_t *len, spate_error *err)
{
    sp_buf out = {0};
    int rc = sp_store_user_read(s, &out, err);
    if (rc != SPATE_OK) {
        sp_buf_done(&out);
        return rc;
    }
    *bytes = out.data;
    *len = out.len;
    return SPATE_OK;
}

void spate_store_free(void *memory)
{
    sp_free(memory);
}

/* ---- tables ------------------------------------------------------------------------------------ */

static int to_type(const spate_type *t, sp_type *out, sp_arena *arena, unsigned depth, spate_error *err)
{
    if ((unsigned)t->kind >= SP_KINDS || (t->kind == SPATE_LIST && !t->item) || depth > SP_LIST_DEPTH_MAX ||
        (t->kind == SPATE_DECIMAL && (t->precision > 18 || t->scale > 18)))
        return sp_fail(err, SPATE_E_USAGE, "a column has no type that can be stored");
    *out = (sp_type){.kind = (sp_kind)t->kind, .precision = t->precision, .scale = t->scale};
    if (t->kind != SPATE_LIST)
        return SPATE_OK;
    sp_type *item = sp_arena_alloc(arena, 1, sizeof *item);
    out->item = item;
    return item ? to_type(t->item, item, arena, depth + 1, err) : sp_fail_nomem(err);
}

static int add_table(spate_store *s, const char *name, const spate_column_def *columns, size_t n, uint32_t *table,
                     sp_arena *arena, spate_error *err)
{
    sp_field *fields = sp_arena_alloc(arena, n, sizeof *fields);
    if (!fields)
        return sp_fail_nomem(err);
    for (size_t i = 0; i < n; i++) {
        fields[i] = (sp_field){.name = columns[i].name, .nullable = columns[i].nullable};
        int rc = to_type(&columns[i].type, &fields[i].type, arena, 0, err);
        if (rc != SPATE_OK)
            return rc;
        for (size_t j = 0; j < i; j++)
            if (strcmp(fields[j].name, fields[i].name) == 0)
                return sp_fail(err, SPATE_E_USAGE, "table \"%s\" has the column \"%s\" twice", name, fields[i].name);
    }
    sp_schema schema = {.table = name, .fields = fields, .n_fields = (uint32_t)n, .rows = UINT64_MAX};
    return sp_store_add_table(s, &schema, table, err);
}

int spate_store_add_table(spate_store *s, const char *name, const spate_column_def *columns, size_t n, uint32_t *table,
                          spate_error *err)
{
    int rc = refuse_reader(s, err);
    if (rc != SPATE_OK)
        return rc;
    if (sp_lexicon_find_table(&s->catalog, name) >= 0)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has a table \"%s\" already", s->path, name);
    if (n > SP_NAMES_MAX)
        return sp_fail(err, SPATE_E_USAGE, "a table has at most %d columns", SP_NAMES_MAX);
    sp_arena arena;
    sp_arena_init(&arena);
    rc = add_table(s, name, columns, n, table, &arena, err);
    sp_arena_done(&arena);
    return rc;
}

uint32_t spate_store_tables(const spate_store *s)
{
    return s->catalog.n_tables;
}

int spate_store_find_table(const spate_store *s, const char *name, uint32_t *table, spate_error *err)
{
    int found = name ? sp_lexicon_find_table(&s->catalog, name) : s->catalog.n_tables == 1 ? 0 : -1;
    if (found < 0 && name)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has no table \"%s\"", s->path, name);
    if (found < 0)
        return sp_fail(err, SPATE_E_USAGE,
                       s->catalog.n_tables ? "\"%s\" has %u tables: which one?" : "\"%s\" has no table", s->path,
                       s->catalog.n_tables);
    *table = (uint32_t)found;
    return SPATE_OK;
}

/* Items first, so that one block of memory holds all: count them. */
static uint32_t depth_of(const sp_type *t)
{
    return t->item ? 1 + depth_of(t->item) : 0;
}

static spate_type show_type(const sp_type *t, spate_type **items)
{
    spate_type out = {.kind = (spate_kind)t->kind, .precision = t->precision, .scale = t->scale};
    if (t->item) {
        spate_type *item = (*items)++;
        *item = show_type(t->item, items);
        out.item = item;
    }
    return out;
}

int spate_store_table(const spate_store *s, uint32_t table, spate_table *info, spate_error *err)
{
    if (table >= s->catalog.n_tables)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has no table number %u", s->path, table);
    const sp_table *t = &s->catalog.tables[table];
    const sp_schema *schema = t->schema;
    uint32_t items = 0;
    for (uint32_t i = 0; i < schema->n_fields; i++)
        items += depth_of(&schema->fields[i].type);
    spate_column_def *columns = sp_alloc_zero(1, schema->n_fields * sizeof *columns + items * sizeof(spate_type));
    if (!columns)
        return sp_fail_nomem(err);
    spate_type *next = (spate_type *)(columns + schema->n_fields);
    for (uint32_t i = 0; i < schema->n_fields; i++)
        columns[i] = (spate_column_def){schema->fields[i].name, show_type(&schema->fields[i].type, &next),
                                        schema->fields[i].nullable};
    *info = (spate_table){schema->table, columns, schema->n_fields, t->rows};
    return SPATE_OK;
}

void spate_table_done(spate_table *info)
{
    sp_free((void *)(uintptr_t)info->columns);
    *info = (spate_table){0};
}

int spate_store_name(spate_store *s, const char *name, uint16_t *number, spate_error *err)
{
    if (s->writable)
        return sp_store_name(s, sp_str_of(name), number, err);
    int found = sp_lexicon_find_name(&s->catalog, sp_str_of(name));
    if (found < 0)
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" has no field \"%s\"", s->path, name);
    *number = (uint16_t)found;
    return SPATE_OK;
}

const char *spate_store_name_text(const spate_store *s, uint16_t number)
{
    return number < s->catalog.n_names ? s->catalog.names[number].p : NULL;
}
