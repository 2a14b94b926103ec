/* sqlite_pages.c - rows into a new file as the pages that SQLite would come to (codec/sqlitefile.h).
 *
 *   create: SQLite makes the tables in NAME.partial, and leaves it
 *   lanes:  write makes records, commit puts them into the tables' trees and whole pages at the file's end, in the rows' order
 *   finish: every tree gets its root, the header the number of pages; then SQLite opens the file again, for what only it does:
 *           rows that came late, unique keys, CHECK, foreign keys, indexes. After that the file is synced and gets its name.
 *
 * A row is late when its INTEGER PRIMARY KEY is not above all before it. Those rows wait in NAME.late.partial, a file made in the
 * same way, and are inserted in order at the end. Memory: a page for each level of each tree, and a lane's records up to
 * SPILL_BYTES; more wait in a file without a name. A run that is stopped leaves nothing. */
#include "endpoint/output.h"
#include "endpoint/sqlite_sink.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

enum {
    CHUNK_BYTES = 1 << 20,
    FLUSH_BYTES = 1 << 20,  /* of pages, that go to the file at once */
    SPILL_BYTES = 16 << 20, /* of records, that a lane holds in memory; rows may be longer than their types promise */
};

typedef struct page_file {
    sp_output out;
    sp_sqlite_pages pages;
} page_file;

typedef struct page_table {
    const sp_schema *schema;
    sp_sqlite_column *columns;
    uint32_t n_columns;
    const char *key; /* the column that is the rowid, or NULL */
    bool has_checks, has_own_indexes;
    sp_sqliterows *encoder;
    int64_t rowid; /* the last one, where rows are numbered here */
    uint32_t root, late_root;
    sp_sqlitetree *tree, *late; /* late: NULL while no row was */
} page_table;

typedef struct sp_sqlite_by_pages {
    pthread_mutex_t lock; /* of everything below */
    page_file file, late; /* late.pages.size is 0 while there is none */
    page_table *tables;
    uint32_t n_tables;
    sp_buf record; /* of a late row */
    unsigned n_spills;
} by_pages;

typedef struct pages_lane {
    sp_lane base;
    uint32_t table;
    sp_sqlite_rows rows;
    int spill; /* a file without a name, or -1 */
    uint64_t spilled;
} pages_lane;

static sp_sqlite_sink *self_of(sp_sink *s)
{
    return (sp_sqlite_sink *)s;
}

bool sp_sqlite_pages_allowed(const sp_sqlite_sink *s)
{
    const sp_sink_options *o = &s->base.options;
    bool plain = o->mode == SP_INSERT_DEFAULT || o->mode == SP_INSERT_COPY;
    return o->create && plain && !o->job && !o->rejects && !o->dry_run && !o->indexes_before && !sp_os_exists(s->path);
}

/* ---- a file of pages ------------------------------------------------------------------------- */

/* Empty, and open as the sink's database too. */
static int file_create(sp_sqlite_sink *s, page_file *f, const char *path, spate_error *err)
{
    char sql[64];
    int rc = sp_output_init(&f->out, &s->arena, path, false, err);
    if (rc == SPATE_OK)
        rc = sp_output_create(&f->out, err);
    if (rc == SPATE_OK)
        rc = sp_sqlite_open(f->out.written_as, SQLITE_OPEN_READWRITE, &s->db, err);
    snprintf(sql, sizeof(sql), "PRAGMA page_size = %u", s->page_size);
    return rc == SPATE_OK && s->page_size ? sp_sqlite_do(s, sql, err) : rc;
}

/* Its first pages are SQLite's; what comes now goes behind them. */
static int file_begin(sp_sqlite_sink *s, page_file *f, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    if (sp_sqlite.prepare_v2(s->db, "SELECT page_size, page_count FROM pragma_page_size, pragma_page_count", -1, &row,
                             NULL) != SQLITE_OK ||
        sp_sqlite.step(row) != SQLITE_ROW) {
        sp_sqlite.finalize(row);
        return sp_sqlite_fail(err, s->db, s->path);
    }
    f->pages.size = (uint32_t)sp_sqlite.column_int64(row, 0);
    f->pages.next = (uint32_t)sp_sqlite.column_int64(row, 1) + 1;
    sp_sqlite.finalize(row);
    sp_sqlite.close_v2(s->db);
    s->db = NULL;
    f->out.length = (uint64_t)(f->pages.next - 1) * f->pages.size;
    return sp_os_seek(f->out.fd, f->out.length, f->out.written_as, err);
}

static int file_flush(page_file *f, size_t least, spate_error *err)
{
    if (f->pages.out.len < least || f->pages.out.len == 0)
        return SPATE_OK;
    int rc = sp_output_append(&f->out, &f->pages.out, err);
    f->pages.out.len = 0;
    return rc;
}

static int file_put_root(page_file *f, sp_sqlitetree *tree, uint32_t root, spate_error *err)
{
    const uint8_t *page = NULL;
    int rc = sp_sqlitetree_finish(tree, &page, err);
    if (rc == SPATE_OK)
        rc = sp_os_write_at(f->out.fd, page, f->pages.size, (uint64_t)(root - 1) * f->pages.size, f->out.written_as,
                            err);
    return rc == SPATE_OK ? file_flush(f, FLUSH_BYTES, err) : rc;
}

/* Behind all roots: the header. */
static int file_end(page_file *f, spate_error *err)
{
    uint8_t header[SP_SQLITE_HEADER_BYTES] = {0};
    int rc = file_flush(f, 0, err);
    if (rc == SPATE_OK)
        rc = sp_os_read_at(f->out.fd, header, sizeof(header), 0, f->out.written_as, err);
    sp_sqlite_header_set_pages(header, f->pages.next - 1);
    return rc == SPATE_OK ? sp_os_write_at(f->out.fd, header, sizeof(header), 0, f->out.written_as, err) : rc;
}

static void file_drop(page_file *f)
{
    if (f->out.written_as && f->out.fd >= 0) {
        (void)!sp_output_close(&f->out, NULL);
        (void)!sp_os_unlink(f->out.written_as, NULL);
    }
    sp_buf_done(&f->pages.out);
}

/* ---- what the tables are ----------------------------------------------------------------------- */

/* Whether the words of a CREATE TABLE have this one among them, quoted or not: rather once too often than not. */
static bool says(const char *sql, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = sql; *at; at++) {
        bool starts = at == sql || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
        if (starts && strncasecmp(at, word, n) == 0 && !isalnum((unsigned char)at[n]) && at[n] != '_')
            return true;
    }
    return false;
}

/* The statement that made the table, and where its root is. */
static int read_table(sp_sqlite_sink *s, page_table *t, const char **sql, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    if (sp_sqlite.prepare_v2(
            s->db, "SELECT sql, rootpage FROM sqlite_master WHERE type = 'table' AND name = ?1 COLLATE NOCASE", -1,
            &row, NULL) != SQLITE_OK ||
        sp_sqlite.bind_text(row, 1, t->schema->table, -1, SQLITE_STATIC) != SQLITE_OK ||
        sp_sqlite.step(row) != SQLITE_ROW) {
        sp_sqlite.finalize(row);
        return sp_sqlite_fail(err, s->db, s->path);
    }
    *sql = sp_arena_strndup(&s->arena, sp_sqlite_text(row, 0), strlen(sp_sqlite_text(row, 0)));
    t->root = (uint32_t)sp_sqlite.column_int64(row, 1);
    sp_sqlite.finalize(row);
    return *sql ? SPATE_OK : sp_fail_nomem(err);
}

/* The indexes that keys have made; *primary: the primary key is one of them, and so not the rowid. */
static int read_indexes(sp_sqlite_sink *s, page_table *t, bool *primary, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    int rc = sp_sqlite_ask(s, "SELECT origin FROM pragma_index_list", t->schema->table, &row, err);
    *primary = false;
    while (rc == SPATE_OK && sp_sqlite.step(row) == SQLITE_ROW) {
        t->has_own_indexes = true;
        *primary = *primary || strcmp(sp_sqlite_text(row, 0), "pk") == 0;
    }
    sp_sqlite.finalize(row);
    return rc;
}

enum { COLUMN_NAME, COLUMN_TYPE, COLUMN_NOT_NULL, COLUMN_KEY, COLUMN_HIDDEN };

/* False: the column is none that a record can be made for. */
static bool add_column(const sp_sqlite_table *look, page_table *t, sqlite3_stmt *row, bool primary_index, bool strict)
{
    int field = sp_sqlite_field_of(look->schema, sp_sqlite_text(row, COLUMN_NAME));
    if (field < 0 || sp_sqlite.column_int64(row, COLUMN_HIDDEN) || t->n_columns == look->schema->n_fields)
        return false;
    const sp_field *f = &look->schema->fields[field];
    bool key = sp_sqlite.column_int64(row, COLUMN_KEY) > 0;
    sp_sqlite_column *c = &t->columns[t->n_columns++];
    *c = (sp_sqlite_column){.field = (uint32_t)field,
                            .target = look->targets[field],
                            .not_null = sp_sqlite.column_int64(row, COLUMN_NOT_NULL) != 0};
    c->is_rowid = key && !primary_index && strcasecmp(sp_sqlite_text(row, COLUMN_TYPE), "INTEGER") == 0;
    if (c->is_rowid)
        t->key = f->name;
    return c->is_rowid ? !f->nullable : sp_sqlite_can_keep(&f->type, &c->target, strict);
}

static int read_columns(sp_sqlite_sink *s, const sp_sqlite_table *look, page_table *t, bool primary_index, bool strict,
                        bool *can, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    t->columns = sp_arena_alloc(&s->arena, look->schema->n_fields, sizeof(*t->columns));
    int rc = t->columns ? sp_sqlite_ask(s, "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo",
                                        look->schema->table, &row, err)
                        : sp_fail_nomem(err);
    while (rc == SPATE_OK && *can && sp_sqlite.step(row) == SQLITE_ROW)
        *can = add_column(look, t, row, primary_index, strict);
    sp_sqlite.finalize(row);
    *can = *can && t->n_columns == look->schema->n_fields;
    return rc;
}

static int look_at(sp_sqlite_sink *s, const sp_sqlite_table *look, page_table *t, bool *can, spate_error *err)
{
    static const char *const not_ours[] = {"WITHOUT", "AUTOINCREMENT", "CONFLICT", "VIRTUAL"};
    const char *sql = NULL;
    bool primary_index = false;
    t->schema = look->schema;
    int rc = read_table(s, t, &sql, err);
    if (rc == SPATE_OK)
        rc = read_indexes(s, t, &primary_index, err);
    if (rc != SPATE_OK)
        return rc;
    for (size_t i = 0; i < SP_COUNT(not_ours); i++)
        *can = *can && !says(sql, not_ours[i]);
    t->has_checks = says(sql, "CHECK");
    return *can ? read_columns(s, look, t, primary_index, says(sql, "STRICT"), can, err) : SPATE_OK;
}

/* What runs when a row is inserted is SQLite's to run. */
static int look_for_triggers(sp_sqlite_sink *s, bool *can, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    if (sp_sqlite.prepare_v2(s->db, "SELECT 1 FROM sqlite_master WHERE type = 'trigger'", -1, &row, NULL) != SQLITE_OK)
        return sp_sqlite_fail(err, s->db, s->path);
    *can = *can && sp_sqlite.step(row) == SQLITE_DONE;
    sp_sqlite.finalize(row);
    return SPATE_OK;
}

/* ---- prepare -------------------------------------------------------------------------------------- */

int sp_sqlite_pages_create(sp_sqlite_sink *s, spate_error *err)
{
    by_pages *p = sp_arena_alloc(&s->arena, 1, sizeof(*p));
    if (!p)
        return sp_fail_nomem(err);
    p->file.out.fd = p->late.out.fd = -1;
    pthread_mutex_init(&p->lock, NULL);
    s->pages = p;
    int rc = file_create(s, &p->file, s->path, err);
    if (rc == SPATE_E_IO)
        sp_error_hint(err, "is the directory there, and may it be written to?");
    const char *left = sp_arena_printf(&s->arena, "%s.late.partial", s->path); /* by a run that was killed */
    if (rc == SPATE_OK)
        rc = left ? sp_os_unlink(left, err) : sp_fail_nomem(err);
    return rc == SPATE_OK ? sp_sqlite_do(s, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", err) : rc;
}

static int make_builder(page_file *f, page_table *t, spate_error *err)
{
    int rc = sp_sqliterows_new(t->schema, t->columns, t->n_columns, &t->encoder, err);
    return rc == SPATE_OK ? sp_sqlitetree_new(&f->pages, &t->tree, err) : rc;
}

/* Rows of about a chunk's bytes, in whole batches where they are many. */
static uint64_t rows_of_chunk(const sp_sqlite_sink *s, uint32_t t)
{
    uint64_t rows = CHUNK_BYTES / SP_MAX(sp_schema_row_bytes(s->tables[t].schema), 1u);
    if (s->base.options.batch_rows)
        return s->base.options.batch_rows;
    return sp_whole_batches(rows);
}

int sp_sqlite_pages_begin(sp_sqlite_sink *s, bool *can, spate_error *err)
{
    by_pages *p = s->pages;
    p->tables = sp_arena_alloc(&s->arena, s->n_tables, sizeof(*p->tables));
    if (!p->tables)
        return sp_fail_nomem(err);
    p->n_tables = s->n_tables;
    *can = true;
    int rc = look_for_triggers(s, can, err);
    for (uint32_t t = 0; t < s->n_tables && rc == SPATE_OK && *can; t++)
        rc = look_at(s, &s->tables[t], &p->tables[t], can, err);
    if (rc != SPATE_OK)
        return rc;
    if (!*can) {
        sp_sqlite_pages_close(s);
        return SPATE_OK;
    }
    rc = file_begin(s, &p->file, err);
    for (uint32_t t = 0; t < s->n_tables && rc == SPATE_OK; t++) {
        rc = make_builder(&p->file, &p->tables[t], err);
        s->base.chunk_rows[t] = rows_of_chunk(s, t);
        s->base.deps[t].n = 0; /* nothing is looked up before the end */
    }
    s->base.order = SP_ORDER_TABLE;
    s->base.lanes_max = 0;
    s->base.keeps_nothing = true;
    return rc;
}

void sp_sqlite_pages_close(sp_sqlite_sink *s)
{
    by_pages *p = s->pages;
    if (!p)
        return;
    if (s->db)
        sp_sqlite.close_v2(s->db);
    s->db = NULL;
    for (uint32_t t = 0; t < p->n_tables; t++) {
        sp_sqliterows_free(p->tables[t].encoder);
        sp_sqlitetree_free(p->tables[t].tree);
        sp_sqlitetree_free(p->tables[t].late);
    }
    file_drop(&p->file);
    file_drop(&p->late);
    sp_buf_done(&p->record);
    pthread_mutex_destroy(&p->lock);
    s->pages = NULL;
}

/* ---- lanes ---------------------------------------------------------------------------------------- */

int sp_sqlite_pages_lane_open(sp_sink *s, sp_lane **lane, spate_error *err)
{
    pages_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = s;
    l->spill = -1;
    *lane = &l->base;
    return SPATE_OK;
}

int sp_sqlite_pages_lane_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    pages_lane *l = (pages_lane *)lane;
    (void)err;
    l->table = chunk->table;
    sp_sqlite_rows_clear(&l->rows);
    return SPATE_OK;
}

/* ---- more records than a lane holds: segments, each with its lengths in front ---- */

typedef struct segment {
    uint64_t n, records, lengths, keys;
} segment;

static int spill_open(pages_lane *l, spate_error *err)
{
    sp_sqlite_sink *s = self_of(l->base.sink);
    char path[4096];
    unsigned number = __atomic_fetch_add(&s->pages->n_spills, 1, __ATOMIC_RELAXED);
    if ((size_t)snprintf(path, sizeof(path), "%s.%u.partial", s->path, number) >= sizeof(path))
        return sp_fail(err, SPATE_E_USAGE, "the path \"%.200s...\" is too long", s->path);
    int rc = sp_os_open(path, SP_OS_OPEN_MAKE, &l->spill, err);
    return rc == SPATE_OK ? sp_os_unlink(path, err) : rc;
}

static int spill_rows(pages_lane *l, spate_error *err)
{
    const char *path = self_of(l->base.sink)->path;
    segment head = {l->rows.n, l->rows.records.len, l->rows.lengths.len, l->rows.keys.len};
    const sp_str parts[] = {{(const char *)&head, sizeof(head)},
                            {l->rows.records.data, l->rows.records.len},
                            {l->rows.lengths.data, l->rows.lengths.len},
                            {l->rows.keys.data, l->rows.keys.len}};
    int rc = l->spill < 0 ? spill_open(l, err) : SPATE_OK;
    for (size_t i = 0; i < SP_COUNT(parts) && rc == SPATE_OK; i++) {
        rc = sp_os_write_at(l->spill, parts[i].p, parts[i].len, l->spilled, path, err);
        l->spilled += parts[i].len;
    }
    sp_sqlite_rows_clear(&l->rows);
    return rc;
}

static int unspill_part(pages_lane *l, sp_buf *part, uint64_t len, uint64_t *at, spate_error *err)
{
    if (sp_buf_reserve(part, len))
        return sp_fail_nomem(err);
    int rc = sp_os_read_at(l->spill, part->data, len, *at, self_of(l->base.sink)->path, err);
    part->len = len;
    *at += len;
    return rc;
}

/* The segment at *at takes the place of the lane's rows. */
static int unspill_rows(pages_lane *l, uint64_t *at, spate_error *err)
{
    segment head;
    int rc = sp_os_read_at(l->spill, &head, sizeof(head), *at, self_of(l->base.sink)->path, err);
    if (rc != SPATE_OK)
        return rc;
    *at += sizeof(head);
    sp_sqlite_rows_clear(&l->rows);
    l->rows.n = head.n;
    rc = unspill_part(l, &l->rows.records, head.records, at, err);
    if (rc == SPATE_OK)
        rc = unspill_part(l, &l->rows.lengths, head.lengths, at, err);
    return rc == SPATE_OK ? unspill_part(l, &l->rows.keys, head.keys, at, err) : rc;
}

int sp_sqlite_pages_write(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    pages_lane *l = (pages_lane *)lane;
    int rc = sp_sqliterows_encode(self_of(lane->sink)->pages->tables[l->table].encoder, batch, &l->rows, err);
    return rc == SPATE_OK && l->rows.records.len > SPILL_BYTES ? spill_rows(l, err) : rc;
}

/* ---- rows that come late ---- */

/* CREATE TABLE with the names of the columns alone: what is in the records has been made of them for good. */
static int add_late_table(const page_table *t, sp_buf *sql)
{
    int built = sp_buf_adds(sql, "CREATE TABLE ") || sp_sql_ident(sql, t->schema->table);
    for (uint32_t i = 0; i < t->n_columns && !built; i++)
        built = sp_buf_adds(sql, i ? ", " : " (") || sp_sql_name(sql, t->schema->fields[t->columns[i].field].name);
    return built || sp_buf_adds(sql, ");") ? SPATE_E_NOMEM : SPATE_OK;
}

static int make_late_tables(sp_sqlite_sink *s, spate_error *err)
{
    by_pages *p = s->pages;
    sp_buf sql = {0};
    int built = SPATE_OK;
    for (uint32_t t = 0; t < p->n_tables && !built; t++)
        built = p->tables[t].key ? add_late_table(&p->tables[t], &sql) : SPATE_OK;
    int rc = built || sp_buf_add(&sql, "", 1) ? sp_fail_nomem(err) : sp_sqlite_do(s, sql.data, err);
    sp_buf_done(&sql);
    return rc;
}

static int read_late_root(sp_sqlite_sink *s, page_table *t, spate_error *err)
{
    page_table there = {.schema = t->schema};
    const char *sql;
    int rc = t->key ? read_table(s, &there, &sql, err) : SPATE_OK;
    t->late_root = there.root;
    return rc;
}

static int late_create(sp_sqlite_sink *s, spate_error *err)
{
    by_pages *p = s->pages;
    const char *path = sp_arena_printf(&s->arena, "%s.late", s->path);
    int rc = path ? file_create(s, &p->late, path, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_sqlite_do(s, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", err);
    if (rc == SPATE_OK)
        rc = make_late_tables(s, err);
    for (uint32_t t = 0; t < p->n_tables && rc == SPATE_OK; t++)
        rc = read_late_root(s, &p->tables[t], err);
    return rc == SPATE_OK ? file_begin(s, &p->late, err) : rc;
}

static int add_late(sp_sqlite_sink *s, page_table *t, int64_t key, sp_str record, spate_error *err)
{
    by_pages *p = s->pages;
    int rc = p->late.pages.size ? SPATE_OK : late_create(s, err);
    if (rc == SPATE_OK && !t->late)
        rc = sp_sqlitetree_new(&p->late.pages, &t->late, err);
    p->record.len = 0;
    if (rc == SPATE_OK && sp_sqliterows_with_key(t->encoder, record, key, &p->record))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_sqlitetree_add(t->late, ++t->rowid, (sp_str){p->record.data, p->record.len}, err);
    return rc == SPATE_OK ? file_flush(&p->late, FLUSH_BYTES, err) : rc;
}

/* ---- commit ---- */

static int add_rows(sp_sqlite_sink *s, page_table *t, const sp_sqlite_rows *rows, spate_error *err)
{
    by_pages *p = s->pages;
    const uint32_t *lengths = (const uint32_t *)(const void *)rows->lengths.data;
    const int64_t *keys = t->key ? (const int64_t *)(const void *)rows->keys.data : NULL;
    const char *record = rows->records.data;
    int rc = SPATE_OK;
    for (uint64_t i = 0; i < rows->n && rc == SPATE_OK; record += lengths[i++]) {
        sp_str r = {record, lengths[i]};
        int64_t key = keys ? keys[i] : ++t->rowid;
        rc = sp_sqlitetree_takes(t->tree, key) ? sp_sqlitetree_add(t->tree, key, r, err) : add_late(s, t, key, r, err);
        if (rc == SPATE_OK && p->file.pages.out.len >= FLUSH_BYTES)
            rc = file_flush(&p->file, FLUSH_BYTES, err);
    }
    return rc;
}

static int add_all_rows(pages_lane *l, spate_error *err)
{
    sp_sqlite_sink *s = self_of(l->base.sink);
    page_table *t = &s->pages->tables[l->table];
    uint64_t at = 0;
    int rc = l->spilled && l->rows.n ? spill_rows(l, err) : SPATE_OK;
    do {
        if (rc == SPATE_OK && l->spilled)
            rc = unspill_rows(l, &at, err);
        if (rc == SPATE_OK)
            rc = add_rows(s, t, &l->rows, err);
        sp_sink_wrote(&s->base, l->table, l->rows.records.len);
    } while (rc == SPATE_OK && at < l->spilled);
    return rc;
}

int sp_sqlite_pages_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    sp_sqlite_sink *s = self_of(lane->sink);
    (void)chunk;
    (void)rows;
    pthread_mutex_lock(&s->pages->lock);
    int rc = add_all_rows((pages_lane *)lane, err);
    pthread_mutex_unlock(&s->pages->lock);
    sp_sqlite_pages_rollback(lane);
    return rc;
}

/* Nothing is in the lane any more. */
void sp_sqlite_pages_rollback(sp_lane *lane)
{
    pages_lane *l = (pages_lane *)lane;
    sp_sqlite_rows_clear(&l->rows);
    if (l->spilled)
        (void)!sp_os_truncate(l->spill, 0, self_of(lane->sink)->path, NULL);
    l->spilled = 0;
}

void sp_sqlite_pages_lane_close(sp_lane *lane)
{
    pages_lane *l = (pages_lane *)lane;
    if (!l)
        return;
    (void)!sp_os_close(&l->spill, self_of(lane->sink)->path, NULL);
    sp_sqlite_rows_done(&l->rows);
    sp_free(l);
}

/* ---- the end ---------------------------------------------------------------------------------------- */

static int end_files(by_pages *p, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t t = 0; t < p->n_tables && rc == SPATE_OK; t++) {
        rc = file_put_root(&p->file, p->tables[t].tree, p->tables[t].root, err);
        if (rc == SPATE_OK && p->tables[t].late)
            rc = file_put_root(&p->late, p->tables[t].late, p->tables[t].late_root, err);
    }
    if (rc == SPATE_OK && p->late.pages.size)
        rc = file_end(&p->late, err);
    return rc == SPATE_OK ? file_end(&p->file, err) : rc;
}

/* Runs head "table" tail, and for a key "table" ORDER BY "key" behind it. */
static int do_for(sp_sqlite_sink *s, const char *head, const char *table, const char *tail, const char *key,
                  spate_error *err)
{
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, head) || sp_sql_ident(&sql, table) || sp_buf_adds(&sql, tail);
    if (!built && key)
        built = sp_sql_ident(&sql, table) || sp_buf_adds(&sql, " ORDER BY ") || sp_sql_name(&sql, key);
    int rc = built || sp_buf_add(&sql, "", 1) ? sp_fail_nomem(err) : sp_sqlite_do(s, sql.data, err);
    sp_buf_done(&sql);
    return rc;
}

static int insert_late_rows(sp_sqlite_sink *s, spate_error *err)
{
    by_pages *p = s->pages;
    if (!p->late.pages.size)
        return SPATE_OK;
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, "ATTACH ") || sp_sql_literal(&sql, sp_str_of(p->late.out.written_as)) ||
                sp_buf_add(&sql, " AS late", 9);
    int rc = built ? sp_fail_nomem(err) : sp_sqlite_do(s, sql.data, err);
    sp_buf_done(&sql);
    for (uint32_t t = 0; t < p->n_tables && rc == SPATE_OK; t++)
        if (p->tables[t].late)
            rc = do_for(s, "INSERT INTO main.", p->tables[t].schema->table, " SELECT * FROM late.", p->tables[t].key,
                        err);
    return rc == SPATE_OK ? sp_sqlite_do(s, "DETACH late", err) : rc;
}

/* SQLite's own check of a table tells whether a CHECK fails. */
static int check_table(sp_sqlite_sink *s, const page_table *t, spate_error *err)
{
    sqlite3_stmt *row = NULL;
    if (!t->has_checks)
        return SPATE_OK;
    int rc = sp_sqlite_ask(s, "SELECT quick_check FROM pragma_quick_check", t->schema->table, &row, err);
    if (rc == SPATE_OK && sp_sqlite.step(row) != SQLITE_ROW)
        rc = sp_sqlite_fail(err, s->db, s->path);
    else if (rc == SPATE_OK && strcmp(sp_sqlite_text(row, 0), "ok") != 0)
        rc = sp_fail(err, SPATE_E_DATA, "SQLite: \"%s\": %s", s->path, sp_sqlite_text(row, 0));
    sp_sqlite.finalize(row);
    return rc;
}

/* What SQLite does with a file that holds all rows. Nothing of it is written twice: whatever fails, the file goes. */
static int complete_file(sp_sqlite_sink *s, spate_error *err)
{
    by_pages *p = s->pages;
    int rc = sp_sqlite_open(p->file.out.written_as, SQLITE_OPEN_READWRITE, &s->db, err);
    if (rc == SPATE_OK)
        rc = sp_sqlite_do(
            s,
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -32768",
            err);
    if (rc == SPATE_OK)
        rc = insert_late_rows(s, err);
    for (uint32_t t = 0; t < p->n_tables && rc == SPATE_OK; t++) {
        if (p->tables[t].has_own_indexes)
            rc = do_for(s, "REINDEX ", p->tables[t].schema->table, "", NULL, err);
        if (rc == SPATE_OK)
            rc = check_table(s, &p->tables[t], err);
    }
    if (rc == SPATE_OK && s->base.options.parts <= 1)
        rc = sp_sqlite_check_foreign_keys(s, err);
    if (rc == SPATE_OK)
        rc = sp_sqlite_run_step(s, SP_DDL_INDEXES, err);
    sp_sqlite.close_v2(s->db);
    s->db = NULL;
    return rc;
}

int sp_sqlite_pages_finish(sp_sink *sink, bool complete, spate_error *err)
{
    sp_sqlite_sink *s = self_of(sink);
    if (!s->prepared)
        return SPATE_OK;
    int rc = complete ? end_files(s->pages, err) : SPATE_OK;
    if (rc == SPATE_OK && complete)
        rc = complete_file(s, err);
    if (rc == SPATE_OK && complete)
        rc = sp_output_publish(&s->pages->file.out, err);
    sp_sqlite_pages_close(s);
    return rc;
}
