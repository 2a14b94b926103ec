/* lexicon.c - names and tables in memory and as records. */
#include "store/lexicon.h"

/* A record: its kind, its length, its bytes, and zeros up to a multiple of 8. Numbers are 32 bits, texts have their length in front. */
enum { RECORD_NAME = 1, RECORD_TABLE = 2 };
enum { SLOTS_FIRST = 256 };

void sp_lexicon_init(sp_lexicon *c)
{
    *c = (sp_lexicon){0};
    sp_arena_init(&c->arena);
    sp_buf_init(&c->news);
}

void sp_lexicon_done(sp_lexicon *c)
{
    sp_arena_done(&c->arena);
    sp_free(c->names);
    sp_free(c->slots);
    sp_free(c->tables);
    sp_buf_done(&c->news);
}

/* ---- writing records --------------------------------------------------------------------------- */

static int put_u32(sp_buf *b, uint32_t v)
{
    return sp_buf_add(b, &v, sizeof v);
}

static int put_u64(sp_buf *b, uint64_t v)
{
    return sp_buf_add(b, &v, sizeof v);
}

static int put_text(sp_buf *b, const char *p, size_t len)
{
    static const char zeros[4];
    int rc = put_u32(b, (uint32_t)len);
    if (rc == SPATE_OK)
        rc = sp_buf_add(b, p, len);
    return rc == SPATE_OK ? sp_buf_add(b, zeros, (4 - len % 4) % 4) : rc;
}

static int put_numbers(sp_buf *b, const uint32_t *v, uint32_t n)
{
    int rc = put_u32(b, n);
    for (uint32_t i = 0; rc == SPATE_OK && i < n; i++)
        rc = put_u32(b, v[i]);
    return rc;
}

static size_t begin_record(sp_buf *b, uint32_t kind)
{
    size_t at = b->len;
    return put_u32(b, kind) == SPATE_OK && put_u32(b, 0) == SPATE_OK ? at : SIZE_MAX;
}

static int end_record(sp_buf *b, size_t at)
{
    static const char zeros[8];
    uint32_t len = (uint32_t)(b->len - at - 8);
    memcpy(b->data + at + 4, &len, sizeof len);
    return sp_buf_add(b, zeros, (8 - len % 8) % 8);
}

static int put_name(sp_buf *b, uint32_t number, sp_str text)
{
    size_t at = begin_record(b, RECORD_NAME);
    if (at == SIZE_MAX || put_u32(b, number) != SPATE_OK || put_text(b, text.p, text.len) != SPATE_OK)
        return SPATE_E_NOMEM;
    return end_record(b, at);
}

/* Kind, precision, scale and length; a list's item follows. */
static int put_type(sp_buf *b, const sp_type *t)
{
    int rc = put_u32(b, (uint32_t)t->kind | (uint32_t)t->precision << 8 | (uint32_t)t->scale << 16);
    if (rc == SPATE_OK)
        rc = put_u32(b, t->length);
    return rc == SPATE_OK && t->kind == SP_LIST ? put_type(b, t->item) : rc;
}

static int put_field(sp_buf *b, const sp_field *f, uint16_t name)
{
    const sp_bounds *r = &f->bounds;
    uint32_t flags = (uint32_t)f->nullable | (uint32_t)(f->sql_type != NULL) << 1 | (uint32_t)r->has_range << 2 |
                     (uint32_t)(r->care == SP_CARE_NOTHING) << 3;
    const char *sql = f->sql_type ? f->sql_type : "";
    int rc = put_u32(b, name);
    rc = rc == SPATE_OK ? put_u32(b, flags) : rc;
    rc = rc == SPATE_OK ? put_type(b, &f->type) : rc;
    rc = rc == SPATE_OK ? put_u64(b, (uint64_t)r->min) : rc;
    rc = rc == SPATE_OK ? put_u64(b, (uint64_t)r->max) : rc;
    rc = rc == SPATE_OK ? put_u32(b, r->text_max) : rc;
    rc = rc == SPATE_OK ? put_text(b, sql, strlen(sql)) : rc;
    rc = rc == SPATE_OK ? put_u32(b, f->n_labels) : rc;
    for (uint32_t i = 0; rc == SPATE_OK && i < f->n_labels; i++)
        rc = put_text(b, f->labels[i].p, f->labels[i].len);
    return rc;
}

static int put_foreign_key(sp_buf *b, const sp_foreign_key *k)
{
    int rc = put_text(b, k->parent, strlen(k->parent));
    rc = rc == SPATE_OK ? put_numbers(b, k->columns, k->n) : rc;
    for (uint32_t i = 0; rc == SPATE_OK && i < k->n; i++)
        rc = put_text(b, k->parent_columns[i], strlen(k->parent_columns[i]));
    return rc;
}

static int put_table(sp_buf *b, uint32_t number, const sp_table *t)
{
    const sp_schema *s = t->schema;
    size_t at = begin_record(b, RECORD_TABLE);
    if (at == SIZE_MAX)
        return SPATE_E_NOMEM;
    int rc = put_u32(b, number);
    rc = rc == SPATE_OK ? put_text(b, s->table, strlen(s->table)) : rc;
    rc = rc == SPATE_OK ? put_u32(b, s->n_fields) : rc;
    for (uint32_t i = 0; rc == SPATE_OK && i < s->n_fields; i++)
        rc = put_field(b, &s->fields[i], t->names[i]);
    rc = rc == SPATE_OK ? put_numbers(b, s->primary_key, s->n_primary_key) : rc;
    rc = rc == SPATE_OK ? put_numbers(b, s->uniques, s->n_uniques) : rc;
    rc = rc == SPATE_OK ? put_u32(b, s->n_foreign_keys) : rc;
    for (uint32_t i = 0; rc == SPATE_OK && i < s->n_foreign_keys; i++)
        rc = put_foreign_key(b, &s->foreign_keys[i]);
    return rc == SPATE_OK ? end_record(b, at) : rc;
}

int sp_lexicon_write(const sp_lexicon *c, sp_buf *out)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; rc == SPATE_OK && i < c->n_names; i++)
        rc = put_name(out, i, c->names[i]);
    for (uint32_t i = 0; rc == SPATE_OK && i < c->n_tables; i++)
        rc = put_table(out, i, &c->tables[i]);
    return rc;
}

/* ---- names ------------------------------------------------------------------------------------- */

static uint32_t slot_of(const sp_lexicon *c, sp_str text)
{
    uint32_t at = (uint32_t)sp_hash64(text.p, text.len, 0) & (c->n_slots - 1);
    while (c->slots[at] && !sp_str_eq(c->names[c->slots[at] - 1], text))
        at = (at + 1) & (c->n_slots - 1);
    return at;
}

int sp_lexicon_find_name(const sp_lexicon *c, sp_str text)
{
    return c->n_slots ? (int)c->slots[slot_of(c, text)] - 1 : -1;
}

static bool grow_slots(sp_lexicon *c)
{
    uint32_t n = c->n_slots ? c->n_slots * 2 : SLOTS_FIRST, *slots = sp_alloc_zero(n, sizeof *slots);
    if (!slots)
        return false;
    sp_free(c->slots);
    c->slots = slots;
    c->n_slots = n;
    for (uint32_t i = 0; i < c->n_names; i++)
        c->slots[slot_of(c, c->names[i])] = i + 1;
    return true;
}

/* Behind the last one; the text is copied. */
static bool add_name(sp_lexicon *c, sp_str text)
{
    if (c->n_names == c->names_cap) {
        uint32_t cap = c->names_cap ? c->names_cap * 2 : 64;
        sp_str *names = sp_realloc(c->names, cap * sizeof *names);
        if (!names)
            return false;
        c->names = names;
        c->names_cap = cap;
    }
    if (c->n_names * 2 >= c->n_slots && !grow_slots(c))
        return false;
    char *copy = sp_arena_strndup(&c->arena, text.p, text.len);
    if (!copy)
        return false;
    c->names[c->n_names] = (sp_str){copy, text.len};
    c->slots[slot_of(c, text)] = c->n_names + 1;
    c->n_names++;
    return true;
}

int sp_lexicon_name(sp_lexicon *c, sp_str text, uint16_t *name, spate_error *err)
{
    int found = sp_lexicon_find_name(c, text);
    if (found < 0) {
        if (c->n_names == SP_NAMES_MAX)
            return sp_fail(err, SPATE_E_DATA, "a store has at most %d field names", SP_NAMES_MAX);
        if (text.len == 0 || text.len > UINT16_MAX || !sp_utf8_valid(text.p, text.len) || memchr(text.p, 0, text.len))
            return sp_fail(err, SPATE_E_DATA, "a field's name must be UTF-8 of 1 to 65535 bytes without NUL");
        found = (int)c->n_names;
        if (!add_name(c, text) || put_name(&c->news, (uint32_t)found, c->names[found]) != SPATE_OK)
            return sp_fail_nomem(err);
    }
    *name = (uint16_t)found;
    return SPATE_OK;
}

/* ---- tables ------------------------------------------------------------------------------------ */

int sp_lexicon_find_table(const sp_lexicon *c, const char *name)
{
    for (uint32_t i = 0; i < c->n_tables; i++)
        if (strcmp(c->tables[i].schema->table, name) == 0)
            return (int)i;
    return -1;
}

static bool add_table(sp_lexicon *c, const sp_schema *schema, const uint16_t *names)
{
    if (c->n_tables == c->tables_cap) {
        uint32_t cap = c->tables_cap ? c->tables_cap * 2 : 8;
        sp_table *tables = sp_realloc(c->tables, cap * sizeof *tables);
        if (!tables)
            return false;
        c->tables = tables;
        c->tables_cap = cap;
    }
    c->tables[c->n_tables++] = (sp_table){.schema = schema, .names = names};
    return true;
}

static void *copied(sp_arena *a, const void *from, size_t n, size_t size)
{
    void *to = sp_arena_alloc(a, n + 1, size);
    if (to && n)
        memcpy(to, from, n * size);
    return to;
}

static const sp_type *copy_item(sp_arena *a, const sp_type *item)
{
    sp_type *copy = item ? copied(a, item, 1, sizeof *copy) : NULL;
    if (copy && copy->item)
        copy->item = copy_item(a, copy->item);
    return copy;
}

static bool copy_field(sp_arena *a, sp_field *f)
{
    f->name = sp_arena_strndup(a, f->name, strlen(f->name));
    f->sql_type = f->sql_type ? sp_arena_strndup(a, f->sql_type, strlen(f->sql_type)) : NULL;
    f->type.item = copy_item(a, f->type.item);
    sp_str *labels = copied(a, f->labels, f->n_labels, sizeof *labels);
    for (uint32_t i = 0; labels && i < f->n_labels; i++)
        labels[i].p = sp_arena_strndup(a, labels[i].p, labels[i].len);
    f->labels = f->n_labels ? labels : NULL;
    return f->name && labels && (f->type.kind != SP_LIST || f->type.item);
}

static bool copy_foreign_key(sp_arena *a, sp_foreign_key *k)
{
    k->parent = sp_arena_strndup(a, k->parent, strlen(k->parent));
    k->columns = copied(a, k->columns, k->n, sizeof *k->columns);
    const char **columns = copied(a, k->parent_columns, k->n, sizeof *columns);
    for (uint32_t i = 0; columns && i < k->n; i++)
        columns[i] = sp_arena_strndup(a, columns[i], strlen(columns[i]));
    k->parent_columns = columns;
    return k->parent && k->columns && columns;
}

static sp_schema *copy_schema(sp_arena *a, const sp_schema *from)
{
    sp_schema *s = copied(a, from, 1, sizeof *s);
    if (!s)
        return NULL;
    sp_field *fields = copied(a, from->fields, from->n_fields, sizeof *fields);
    sp_foreign_key *keys = copied(a, from->foreign_keys, from->n_foreign_keys, sizeof *keys);
    s->table = sp_arena_strndup(a, from->table, strlen(from->table));
    s->primary_key = copied(a, from->primary_key, from->n_primary_key, sizeof *s->primary_key);
    s->uniques = copied(a, from->uniques, from->n_uniques, sizeof *s->uniques);
    if (!fields || !keys || !s->table || !s->primary_key || !s->uniques)
        return NULL;
    for (uint32_t i = 0; i < from->n_fields; i++)
        if (!copy_field(a, &fields[i]))
            return NULL;
    for (uint32_t i = 0; i < from->n_foreign_keys; i++)
        if (!copy_foreign_key(a, &keys[i]))
            return NULL;
    s->fields = fields;
    s->foreign_keys = keys;
    return s;
}

int sp_lexicon_add_table(sp_lexicon *c, const sp_schema *schema, uint32_t *table, spate_error *err)
{
    sp_schema *s = copy_schema(&c->arena, schema);
    uint16_t *names = sp_arena_alloc(&c->arena, schema->n_fields + 1, sizeof *names);
    if (!s || !names)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < s->n_fields; i++) {
        int rc = sp_lexicon_name(c, sp_str_of(s->fields[i].name), &names[i], err);
        if (rc != SPATE_OK)
            return rc;
    }
    if (!add_table(c, s, names) || put_table(&c->news, c->n_tables - 1, &c->tables[c->n_tables - 1]) != SPATE_OK)
        return sp_fail_nomem(err);
    *table = c->n_tables - 1;
    return SPATE_OK;
}

/* ---- reading records --------------------------------------------------------------------------- */

typedef struct in {
    const char *p, *end;
    bool bad;
} in;

static uint32_t get_u32(in *r)
{
    uint32_t v = 0;
    r->bad |= r->end - r->p < 4;
    if (!r->bad) {
        memcpy(&v, r->p, 4);
        r->p += 4;
    }
    return v;
}

static uint64_t get_u64(in *r)
{
    uint64_t low = get_u32(r);
    return low | (uint64_t)get_u32(r) << 32;
}

/* How many of something that takes at least four bytes each. */
static uint32_t get_count(in *r)
{
    uint32_t n = get_u32(r);
    r->bad |= n > (size_t)(r->end - r->p) / 4;
    return r->bad ? 0 : n;
}

static sp_str get_text(in *r)
{
    uint32_t len = get_u32(r);
    r->bad |= len > (size_t)(r->end - r->p) || (size_t)(r->end - r->p) - len < (4 - len % 4) % 4;
    if (r->bad)
        return (sp_str){"", 0};
    sp_str s = {r->p, len};
    r->p += len + (4 - len % 4) % 4;
    return s;
}

static const char *get_string(in *r, sp_arena *a)
{
    sp_str s = get_text(r);
    const char *copy = sp_arena_strndup(a, s.p, s.len);
    r->bad |= !copy;
    return copy;
}

static const uint32_t *get_numbers(in *r, sp_arena *a, uint32_t *n, uint32_t below)
{
    *n = get_count(r);
    uint32_t *v = sp_arena_alloc(a, *n + 1, sizeof *v);
    r->bad |= !v;
    for (uint32_t i = 0; !r->bad && i < *n; i++) {
        v[i] = get_u32(r);
        r->bad |= v[i] >= below;
    }
    return v;
}

static sp_type get_type(in *r, sp_arena *a, unsigned depth)
{
    uint32_t word = get_u32(r);
    sp_type t = {.kind = (sp_kind)(word & 0xff), .precision = (uint8_t)(word >> 8), .scale = (uint8_t)(word >> 16)};
    t.length = get_u32(r);
    r->bad |= (word & 0xff) >= SP_KINDS || depth > SP_LIST_DEPTH_MAX || t.scale > 18;
    if (!r->bad && t.kind == SP_LIST) {
        sp_type *item = sp_arena_alloc(a, 1, sizeof *item);
        r->bad |= !item;
        if (item)
            *item = get_type(r, a, depth + 1);
        t.item = item;
    }
    return t;
}

static void get_field(in *r, const sp_lexicon *c, sp_arena *a, sp_field *f, uint16_t *name)
{
    uint32_t number = get_u32(r), flags = get_u32(r);
    r->bad |= number >= c->n_names;
    if (r->bad)
        return;
    *name = (uint16_t)number;
    f->name = c->names[number].p;
    f->nullable = flags & 1;
    f->type = get_type(r, a, 0);
    f->bounds.has_range = flags >> 2 & 1;
    f->bounds.care = flags >> 3 & 1 ? SP_CARE_NOTHING : SP_CARE_ESCAPES;
    f->bounds.min = (int64_t)get_u64(r);
    f->bounds.max = (int64_t)get_u64(r);
    f->bounds.text_max = get_u32(r);
    const char *sql = get_string(r, a);
    f->sql_type = flags & 2 ? sql : NULL;
    f->n_labels = get_count(r);
    sp_str *labels = sp_arena_alloc(a, f->n_labels + 1, sizeof *labels);
    r->bad |= !labels;
    for (uint32_t i = 0; !r->bad && i < f->n_labels; i++) {
        sp_str s = get_text(r);
        labels[i] = (sp_str){sp_arena_strndup(a, s.p, s.len), s.len};
        r->bad |= !labels[i].p;
    }
    f->labels = f->n_labels ? labels : NULL;
}

static void get_foreign_key(in *r, sp_arena *a, sp_foreign_key *k, uint32_t n_fields)
{
    k->parent = get_string(r, a);
    k->columns = get_numbers(r, a, &k->n, n_fields);
    const char **columns = sp_arena_alloc(a, k->n + 1, sizeof *columns);
    r->bad |= !columns;
    for (uint32_t i = 0; !r->bad && i < k->n; i++)
        columns[i] = get_string(r, a);
    k->parent_columns = columns;
}

static void get_table(in *r, sp_lexicon *c)
{
    uint32_t number = get_u32(r);
    sp_arena *a = &c->arena;
    if (r->bad || number < c->n_tables)
        return; /* known already */
    sp_schema *s = sp_arena_alloc(a, 1, sizeof *s);
    r->bad |= number != c->n_tables || !s;
    if (r->bad)
        return;
    s->table = get_string(r, a);
    s->n_fields = get_count(r);
    s->rows = UINT64_MAX;
    sp_field *fields = sp_arena_alloc(a, s->n_fields + 1, sizeof *fields);
    uint16_t *names = sp_arena_alloc(a, s->n_fields + 1, sizeof *names);
    r->bad |= !fields || !names;
    for (uint32_t i = 0; !r->bad && i < s->n_fields; i++)
        get_field(r, c, a, &fields[i], &names[i]);
    s->fields = fields;
    s->primary_key = get_numbers(r, a, &s->n_primary_key, s->n_fields);
    s->uniques = get_numbers(r, a, &s->n_uniques, s->n_fields);
    s->n_foreign_keys = get_count(r);
    sp_foreign_key *keys = sp_arena_alloc(a, s->n_foreign_keys + 1, sizeof *keys);
    r->bad |= !keys;
    for (uint32_t i = 0; !r->bad && i < s->n_foreign_keys; i++)
        get_foreign_key(r, a, &keys[i], s->n_fields);
    s->foreign_keys = keys;
    r->bad |= !r->bad && !add_table(c, s, names);
}

static void get_name(in *r, sp_lexicon *c)
{
    uint32_t number = get_u32(r);
    sp_str text = get_text(r);
    if (r->bad || number < c->n_names)
        return;
    r->bad |= number != c->n_names || number >= SP_NAMES_MAX || !add_name(c, text);
}

bool sp_lexicon_take(sp_lexicon *c, const char *records, size_t len)
{
    in all = {records, records + len, false};
    while (!all.bad && all.end - all.p >= 8) {
        uint32_t kind = get_u32(&all), bytes = get_u32(&all);
        if (bytes > (size_t)(all.end - all.p))
            return false;
        in one = {all.p, all.p + bytes, false};
        if (kind == RECORD_NAME)
            get_name(&one, c);
        else if (kind == RECORD_TABLE)
            get_table(&one, c);
        all.bad |= one.bad; /* other kinds are for later versions */
        all.p += SP_MIN(sp_round_up(bytes, 8), (uint64_t)(all.end - all.p));
    }
    return !all.bad;
}
