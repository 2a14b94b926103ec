/* test_store_rows.c - rows read as records are the rows read as values: every kind, absent cells, any shapes, few fields and conditions,
 * seeking, both ways in turns; and what was read as records is written as it is. */
#include "spate/store.h"
#include "base/base.h"
#include "check.h"
#include "ok.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 3000, COLUMNS = 150, TEXT_MAX = 12 };

static char dir[] = "/dev/shm/spate-rows-XXXXXX";
static char path[64], other[64];
static spate_error err;
static uint64_t state;

static uint64_t draw(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return sp_mix64(state);
}

/* ---- stores to read ------------------------------------------------------------------------------- */

/* All kinds, over and over; runs of doubles between them are as long as real tables have them. */
static spate_kind kind_of(unsigned column)
{
    static const spate_kind kinds[] = {SPATE_I64,      SPATE_BOOL,      SPATE_F64,  SPATE_F64, SPATE_F64,
                                       SPATE_F64,      SPATE_F64,       SPATE_F64,  SPATE_F64, SPATE_F64,
                                       SPATE_I16,      SPATE_UUID,      SPATE_TEXT, SPATE_F32, SPATE_I32,
                                       SPATE_INTERVAL, SPATE_TIMESTAMP, SPATE_LIST, SPATE_DATE};
    return kinds[column % SP_COUNT(kinds)];
}

static const spate_type item = {SPATE_I64, 0, 0, NULL};

typedef struct cells {
    uint64_t data[ROWS * 2 + 8]; /* what all else belongs to */
    int32_t offsets[ROWS + 1];
    uint8_t validity[ROWS / 8 + 1];
    spate_column child;
} cells;

static void free_column(const spate_column *c)
{
    free((void *)(uintptr_t)c->data);
}

/* Cells of a column: what its bytes are does not matter, but for floats, which may be NaN. */
static spate_column make_column(spate_kind kind, unsigned nulls)
{
    spate_column c = {.type = {kind, 0, 0, kind == SPATE_LIST ? &item : NULL}};
    cells *x = malloc(sizeof *x);
    uint64_t *data = x->data;
    int32_t *offsets = x->offsets;
    uint8_t *validity = x->validity;
    offsets[0] = 0;
    for (unsigned i = 0; i < ROWS * 2 + 8; i++)
        data[i] = nulls == 2 ? draw() % 100 : draw();
    for (unsigned i = 0; i <= ROWS / 8; i++)
        validity[i] = (uint8_t)(nulls == 1 ? draw() | draw() : draw() & draw() & draw());
    for (unsigned i = 0; i < ROWS; i++) { /* no item of a list that is null */
        bool there = nulls == 0 || validity[i >> 3] >> (i & 7) & 1;
        offsets[i + 1] = offsets[i] + (there ? (int32_t)(draw() % (kind == SPATE_LIST ? 3 : TEXT_MAX)) : 0);
    }
    x->child = (spate_column){.type = item, .data = data};
    c.validity = nulls ? validity : NULL;
    c.data = data;
    c.offsets = kind >= SPATE_TEXT ? offsets : NULL;
    c.bytes = (const char *)data;
    c.child = kind == SPATE_LIST ? &x->child : NULL;
    return c;
}

static void make_wide(unsigned n)
{
    static spate_column columns[COLUMNS];
    static char names[COLUMNS][8];
    static spate_column_def defs[COLUMNS];
    spate_store *s = NULL;
    spate_appender *a = NULL;
    uint32_t table;
    for (unsigned i = 0; i < n; i++) {
        sprintf(names[i], "c%u", i);
        columns[i] = make_column(kind_of(i), i % 11 < 8 ? 0 : i % 3);
        defs[i] = (spate_column_def){names[i], columns[i].type, true};
    }
    unlink(path);
    OK(spate_store_create(path, 0, &s, &err));
    OK(spate_store_add_table(s, "wide", defs, n, &table, &err));
    OK(spate_appender_open(s, table, &a, &err));
    for (unsigned block = 0; block < 2; block++) {
        OK(spate_append_columns(a, columns, block ? ROWS : ROWS / 3, &err));
        OK(spate_appender_flush(a, &err));
    }
    spate_appender_close(a);
    OK(spate_store_finish(s, &err));
    spate_store_close(s);
    for (unsigned i = 0; i < n; i++)
        free_column(&columns[i]);
}

/* Rows of any fields, in some shapes. */
static void make_free(unsigned shapes)
{
    spate_store *s = NULL;
    spate_appender *a = NULL;
    uint32_t table;
    uint16_t names[12];
    char name[8];
    unlink(path);
    OK(spate_store_create(path, 0, &s, &err));
    OK(spate_store_add_table(s, "free", NULL, 0, &table, &err));
    for (unsigned f = 0; f < 12; f++) {
        sprintf(name, "c%u", f);
        OK(spate_store_name(s, name, &names[f], &err));
    }
    OK(spate_appender_open(s, table, &a, &err));
    for (unsigned i = 0; i < ROWS; i++) {
        spate_value v[12];
        size_t n = 0;
        uint64_t shape = sp_mix64(draw() % shapes);
        for (unsigned f = 0; f < 12; f++)
            if (shape >> f & 1)
                v[n++] = (spate_value){.name = names[f],
                                       .kind = f % 3 == 2 ? SPATE_TEXT
                                               : f % 3    ? SPATE_F64
                                                          : SPATE_I16,
                                       .len = f % 3 == 2 ? 4 : 0};
        for (size_t f = 0; f < n; f++)
            if (v[f].kind == SPATE_TEXT)
                v[f].as.p = "text or not" + draw() % 7;
            else
                v[f].as.i = (int64_t)(draw() % 1000);
        OK(spate_append_row(a, v, n, &err));
    }
    OK(spate_appender_flush(a, &err));
    spate_appender_close(a);
    OK(spate_store_finish(s, &err));
    spate_store_close(s);
}

/* ---- comparing ------------------------------------------------------------------------------------- */

static bool same_items(const spate_column *a, const spate_column *b, uint32_t n)
{
    const char *of_a = a->child->data, *of_b = b->child->data;
    return memcmp(of_a + 8 * (size_t)a->offsets[0], of_b + 8 * (size_t)b->offsets[0], 8 * (size_t)n) == 0;
}

static bool same_cell(const spate_value *v, const spate_record_field *f, const char *record)
{
    const char *at = record + f->offset;
    spate_text t;
    int32_t narrow;
    int16_t narrower;
    switch (f->type.kind) {
    case SPATE_BOOL: return *at == (char)v->as.b;
    case SPATE_I16: return memcpy(&narrower, at, 2), narrower == v->as.i;
    case SPATE_I32:
    case SPATE_DATE: return memcpy(&narrow, at, 4), narrow == v->as.i;
    case SPATE_F32: return memcmp(at, &v->as.f32, 4) == 0;
    case SPATE_UUID:
    case SPATE_INTERVAL: return memcmp(at, v->as.p, 16) == 0;
    case SPATE_TEXT:
    case SPATE_JSON:
    case SPATE_BYTES: return memcpy(&t, at, sizeof t), t.len == v->len && memcmp(t.p, v->as.p, t.len) == 0;
    case SPATE_LIST: return memcpy(&t, at, sizeof t), t.len == v->len && same_items((const void *)t.p, v->as.p, v->len);
    default: return memcmp(at, &v->as.u, 8) == 0;
    }
}

/* The present cells of record i, in order, are the values. */
static bool same_row(const spate_store *s, const spate_rows *rows, size_t i, const spate_value *v, size_t n)
{
    const char *record = (const char *)rows->records + i * rows->stride;
    size_t found = 0;
    for (size_t f = 0; f < rows->n_fields; f++) {
        const spate_record_field *of = &rows->fields[f];
        if (!(record[rows->null_bits + f / 8] >> (f & 7) & 1))
            continue;
        if (found == n || strcmp(of->name, spate_store_name_text(s, v[found].name)) != 0 ||
            of->type.kind != (spate_kind)v[found].kind || !same_cell(&v[found], of, record))
            return false;
        found++;
    }
    return found == n;
}

static uint64_t same_rows(spate_store *s, const spate_scan_options *options)
{
    spate_cursor *a = NULL, *b = NULL;
    spate_rows rows;
    const spate_value *v;
    size_t n;
    uint64_t row, read = 0, wrong = 0;
    OK(spate_cursor_open(s, options, &a, &err));
    OK(spate_cursor_open(s, options, &b, &err));
    while (spate_cursor_next_rows(a, &rows, &err) == SPATE_OK && rows.rows)
        for (size_t i = 0; i < rows.rows; i++, read++) {
            OK(spate_cursor_next(b, &v, &n, &row, &err));
            wrong += !v || row != rows.first_row + i || !same_row(s, &rows, i, v, n);
        }
    OK(spate_cursor_next(b, &v, &n, &row, &err));
    CHECK(v == NULL);
    CHECK_INT(wrong, 0);
    spate_cursor_close(a);
    spate_cursor_close(b);
    return read;
}

/* Here and there, and both ways of reading by one cursor in turns. */
static void in_turns(spate_store *s, uint64_t all)
{
    spate_cursor *a = NULL, *b = NULL;
    spate_rows rows;
    const spate_value *v;
    size_t n;
    uint64_t row;
    OK(spate_cursor_open(s, &(spate_scan_options){0}, &a, &err));
    OK(spate_cursor_open(s, &(spate_scan_options){0}, &b, &err));
    for (unsigned i = 0; i < 100; i++) {
        uint64_t want = draw() % all;
        OK(spate_cursor_seek(a, want, &err));
        OK(spate_cursor_seek(b, want, &err));
        if (i % 2) {
            OK(spate_cursor_next(a, &v, &n, NULL, &err));
            OK(spate_cursor_next(b, &v, &n, NULL, &err));
        }
        OK(spate_cursor_next_rows(a, &rows, &err));
        for (size_t k = 0; k < rows.rows; k++) {
            OK(spate_cursor_next(b, &v, &n, &row, &err));
            CHECK(row == want + i % 2 + k && same_row(s, &rows, k, v, n));
        }
        CHECK(rows.rows > 0 || want + i % 2 == all);
    }
    spate_cursor_close(a);
    spate_cursor_close(b);
}

static void both_ways(bool all_there, uint64_t want)
{
    static const char *const fields[] = {"c7", "c0", "c2"};
    spate_store *s = NULL;
    spate_condition where = {"c0", SPATE_GT, {.kind = SPATE_I64, .as.i = 500}};
    OK(spate_store_open(path, false, &s, &err));
    uint64_t all = same_rows(s, &(spate_scan_options){0});
    CHECK_INT(all, want);
    CHECK_INT(same_rows(s, &(spate_scan_options){.first_row = 77, .last_row = all - 100}), all - 177);
    CHECK_INT(same_rows(s, &(spate_scan_options){.fields = fields, .n_fields = 2}), all);
    uint64_t some = same_rows(s, &(spate_scan_options){.conditions = &where, .n_conditions = 1});
    CHECK(some > 0 && some < all);
    CHECK_INT(
        same_rows(s, &(spate_scan_options){.fields = fields, .n_fields = 1, .conditions = &where, .n_conditions = 1}),
        some);
    CHECK(all_there || some < all / 2 + all / 8);
    in_turns(s, all);
    spate_store_close(s);
}

static void wide_rows(void)
{
    make_wide(COLUMNS);
    both_ways(true, ROWS + ROWS / 3);
}

static void narrow_rows(void)
{
    make_wide(19);
    both_ways(true, ROWS + ROWS / 3);
}

static void rows_of_shapes(void)
{
    make_free(5);
    both_ways(false, ROWS);
    make_free(200); /* so many that they become one, with gaps */
    both_ways(false, ROWS);
}

/* What is read as records goes into another store as it is. */
static void records_are_written(void)
{
    enum { COPIED = 12 }; /* up to the first list */
    static char names[COPIED][8];
    const char *fields[COPIED];
    spate_column_def defs[COPIED];
    spate_store *from = NULL, *to = NULL;
    spate_cursor *a = NULL, *b = NULL;
    spate_appender *appender = NULL;
    spate_record *record = NULL;
    spate_rows rows;
    const spate_value *v;
    size_t n;
    uint32_t table;
    uint64_t wrong = 0, read = 0;
    make_wide(19);
    for (unsigned i = 0; i < COPIED; i++) {
        sprintf(names[i], "c%u", i);
        fields[i] = names[i];
        defs[i] = (spate_column_def){names[i], {kind_of(i), 0, 0, NULL}, true};
    }
    unlink(other);
    OK(spate_store_open(path, false, &from, &err));
    OK(spate_store_create(other, 0, &to, &err));
    OK(spate_store_add_table(to, "t", defs, COPIED, &table, &err));
    OK(spate_appender_open(to, table, &appender, &err));
    const spate_scan_options options = {.fields = fields, .n_fields = COPIED};
    OK(spate_cursor_open(from, &options, &a, &err));
    while (spate_cursor_next_rows(a, &rows, &err) == SPATE_OK && rows.rows) {
        if (!record)
            OK(spate_record_define(appender, rows.fields, rows.n_fields, rows.null_bits, &record, &err));
        OK(spate_append_records(appender, record, rows.records, rows.stride, rows.rows, &err));
    }
    OK(spate_appender_flush(appender, &err));
    spate_appender_close(appender);
    OK(spate_store_finish(to, &err));
    spate_cursor_close(a);
    OK(spate_cursor_open(to, &(spate_scan_options){0}, &a, &err));
    OK(spate_cursor_open(from, &options, &b, &err));
    while (spate_cursor_next_rows(a, &rows, &err) == SPATE_OK && rows.rows)
        for (size_t i = 0; i < rows.rows; i++, read++) {
            OK(spate_cursor_next(b, &v, &n, NULL, &err));
            wrong += !same_row(from, &rows, i, v, n);
        }
    CHECK_INT(read, ROWS + ROWS / 3);
    CHECK_INT(wrong, 0);
    spate_cursor_close(a);
    spate_cursor_close(b);
    spate_store_close(from);
    spate_store_close(to);
    unlink(other);
}

int main(void)
{
    const char *seed = getenv("SPATE_TEST_SEED");
    state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    printf("# SPATE_TEST_SEED=%llu\n", (unsigned long long)state);
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/t.spate", dir);
    snprintf(other, sizeof other, "%s/other.spate", dir);
    RUN(wide_rows);
    RUN(narrow_rows);
    RUN(rows_of_shapes);
    RUN(records_are_written);
    unlink(path);
    rmdir(dir);
    return check_done();
}
