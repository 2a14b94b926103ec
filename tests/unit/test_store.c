/* test_store.c - rows go into a store and come out bit for bit: every kind, extremes, absent cells, any shapes, several tables and
 * threads; single cells and damaged ones. */
#include "spate/store.h"
#include "base/base.h"
#include "check.h"
#include "ok.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] =
    "/dev/shm/spate-store-XXXXXX"; /* in memory: a sync to disk for each of a thousand files would take most of the time */
static char path[64];
static spate_error err;

static spate_store *fresh(void)
{
    spate_store *s = NULL;
    unlink(path);
    OK(spate_store_create(path, 0, &s, &err));
    return s;
}

static void finish(spate_store *s)
{
    OK(spate_store_finish(s, &err));
    spate_store_close(s);
}

static spate_store *reopened(void)
{
    spate_store *s = NULL;
    OK(spate_store_open(path, false, &s, &err));
    return s;
}

/* ---- columns of one kind ----------------------------------------------------------------------- */

static uint32_t width_of(spate_kind kind)
{
    static const uint8_t widths[] = {0, 2, 4, 8, 8, 4, 8, 8, 4, 8, 8, 8, 16, 16};
    return kind < SPATE_TEXT ? widths[kind] : 0;
}

static bool present(const spate_column *c, uint32_t i)
{
    return !c->validity || (c->validity[i >> 3] >> (i & 7) & 1);
}

static bool same_cell(const spate_column *a, uint32_t i, const spate_column *b, uint32_t j)
{
    if (present(a, i) != present(b, j))
        return false;
    if (!present(a, i))
        return true;
    uint32_t width = width_of(a->type.kind);
    if (width)
        return memcmp((const char *)a->data + (size_t)i * width, (const char *)b->data + (size_t)j * width, width) == 0;
    if (a->type.kind == SPATE_BOOL)
        return (((const uint8_t *)a->data)[i >> 3] >> (i & 7) & 1) ==
               (((const uint8_t *)b->data)[j >> 3] >> (j & 7) & 1);
    int32_t n = a->offsets[i + 1] - a->offsets[i];
    if (n != b->offsets[j + 1] - b->offsets[j])
        return false;
    if (a->type.kind != SPATE_LIST)
        return memcmp(a->bytes + a->offsets[i], b->bytes + b->offsets[j], (size_t)n) == 0;
    for (int32_t x = 0; x < n; x++)
        if (!same_cell(a->child, (uint32_t)(a->offsets[i] + x), b->child, (uint32_t)(b->offsets[j] + x)))
            return false;
    return true;
}

/* A table of one column goes in and comes out, in steps of every size and whole. */
static bool round_trip(const spate_column *c, uint32_t rows)
{
    spate_column_def def = {"v", c->type, true};
    spate_store *s = fresh();
    uint32_t table = 0;
    spate_appender *a = NULL;
    OK(spate_store_add_table(s, "t", &def, 1, &table, &err));
    OK(spate_appender_open(s, table, &a, &err));
    OK(spate_append_columns(a, c, rows, &err));
    OK(spate_appender_flush(a, &err));
    spate_appender_close(a);
    finish(s);
    s = reopened();
    bool same = true;
    uint32_t row = 0, piece;
    spate_scan *scan = NULL;
    OK(spate_scan_open(s, &(spate_scan_options){.table = 0}, &scan, &err));
    while (spate_scan_next(scan, &piece, &err) == SPATE_OK && piece) {
        static const uint32_t steps[] = {1, 7, 31, 32, 33, 64, 1000, 1024, 1025, 5000};
        for (uint32_t at = 0, i = row; at < piece; i++) {
            spate_column out;
            uint32_t n = SP_MIN(steps[i % SP_COUNT(steps)], piece - at);
            if (spate_scan_read(scan, 0, at, n, &out, &err) != SPATE_OK)
                return printf("# %s\n", err.message), false;
            for (uint32_t j = 0; same && j < n; j++) {
                same = same_cell(c, row + at + j, &out, j);
                if (!same)
                    printf("# kind %d differs in row %u\n", c->type.kind, row + at + j);
            }
            at += n;
        }
        row += piece;
    }
    spate_scan_close(scan);
    spate_store_close(s);
    if (row != rows)
        printf("# %u rows of %u\n", row, rows);
    return same && row == rows;
}

enum { MANY = 10000 };
static uint64_t numbers[MANY + 8];
static uint8_t bits[MANY / 8 + 8];
static uint64_t state;

static uint64_t draw(void)
{
    return sp_draw(20261121, state++);
}

static void no_nulls_or_some(spate_column *c, unsigned one_in)
{
    c->validity = one_in ? bits : NULL;
    for (uint32_t i = 0; i < MANY; i++) {
        bool there = one_in == 1 ? draw() % 20 == 0 : one_in && draw() % one_in;
        bits[i >> 3] = (uint8_t)((bits[i >> 3] & ~(1u << (i & 7))) | (unsigned)there << (i & 7));
    }
}

typedef uint64_t make_fn(uint32_t i);
static uint64_t of_double(double v)
{
    uint64_t b;
    memcpy(&b, &v, 8);
    return b;
}
static uint64_t make_zero(uint32_t i)
{
    return 0 * i;
}
static uint64_t make_line(uint32_t i)
{
    return UINT64_C(1700000000) + 10 * (uint64_t)i;
}
static uint64_t make_jitter(uint32_t i)
{
    return UINT64_C(1700000000000) + 1000 * (uint64_t)i + draw() % 50;
}
static uint64_t make_seconds(uint32_t i)
{
    static uint64_t at;
    at = i ? at + draw() % 900 * 1000000 : UINT64_C(1700000000000000);
    return i % 1000 == 37 ? at + 1 : i % 1000 == 38 ? (uint64_t)INT64_MIN : at;
}
static uint64_t make_walk(uint32_t i)
{
    static uint64_t at;
    at = i ? at + draw() % 7 - 1 : 0;
    return at;
}
static uint64_t make_small(uint32_t i)
{
    return draw() % 100 + 0 * i;
}
static uint64_t make_outliers(uint32_t i)
{
    return i % 100 == 7 ? draw() : draw() % 16;
}
static uint64_t make_low_outliers(uint32_t i)
{
    return i % 97 == 3 ? 0 : UINT64_C(1) << 40 | draw() % 256;
}
static uint64_t make_wide(uint32_t i)
{
    return draw() + 0 * i;
}
static uint64_t make_edges(uint32_t i)
{
    static const int64_t edges[] = {INT64_MIN,     INT64_MIN + 1, -1,     0,           1,
                                    INT64_MAX - 1, INT64_MAX,     -40000, -3000000000, 1 << 24};
    return (uint64_t)edges[(i + draw()) % SP_COUNT(edges)];
}
static uint64_t make_powers(uint32_t i)
{
    unsigned power = 7 + i % 57;
    return (UINT64_C(1) << power) + draw() % 3 - 1;
}
static uint64_t make_one_decimal(uint32_t i)
{
    return of_double((double)(int64_t)(draw() % 4001 - 2000) / 10 + 0 * i);
}
static uint64_t make_three_decimals(uint32_t i)
{
    return i % 500 == 3 ? of_double(i % 1000 == 3 ? NAN : -0.0)
                        : of_double((double)(int64_t)(draw() % 40000001 - 20000000) / 1000);
}
static uint64_t make_f32_origin(uint32_t i)
{
    return of_double((double)(float)((double)(draw() % 1000000) / 37 + 0 * i));
}
static uint64_t make_noise(uint32_t i)
{
    return of_double(sp_unit(draw()) * 100 + 0 * i);
}
static uint64_t make_few(uint32_t i)
{
    return of_double(1 / (double)(3 + draw() % 9 + 0 * i));
}
static uint64_t make_odd_doubles(uint32_t i)
{
    static const uint64_t odd[] = {0x7ff8000000000000,
                                   0x7ff0000000000001,
                                   0xfff8dead00beef00,
                                   0x7ff0000000000000,
                                   0xfff0000000000000,
                                   0x8000000000000000,
                                   0,
                                   1,
                                   0x000fffffffffffff,
                                   0x7fefffffffffffff,
                                   0x4340000000000000,
                                   0x4340000000000001,
                                   0x433fffffffffffff,
                                   0x3fe5555555555555};
    return odd[(draw() + i) % SP_COUNT(odd)];
}
static uint64_t make_lossy_ones(uint32_t i)
{
    static const double values[] = {2.9999999999, 0.9999999999, 1e19,   1e300, -0.0,
                                    21.37,        99999999.5,   -40000, -3e9,  9007199254740993.0};
    return of_double(values[i % SP_COUNT(values)]);
}

static make_fn *const makers[] = {make_zero,   make_line,        make_jitter,         make_seconds,    make_walk,
                                  make_small,  make_outliers,    make_low_outliers,   make_wide,       make_edges,
                                  make_powers, make_one_decimal, make_three_decimals, make_f32_origin, make_noise,
                                  make_few,    make_odd_doubles, make_lossy_ones};

/* Every maker in every kind of fixed width, by its low bytes; dense, with some nulls, with few values; many rows and few. */
static void fixed_widths(void)
{
    static const spate_kind kinds[] = {SPATE_I16,     SPATE_I32,  SPATE_I64,       SPATE_U64,      SPATE_F32, SPATE_F64,
                                       SPATE_DECIMAL, SPATE_DATE, SPATE_TIMESTAMP, SPATE_INTERVAL, SPATE_UUID};
    static char data[MANY * 16];
    for (size_t k = 0; k < SP_COUNT(kinds); k++) {
        uint32_t width = width_of(kinds[k]);
        for (size_t m = 0; m < SP_COUNT(makers); m++) {
            for (uint32_t i = 0; i < MANY; i++) {
                uint64_t v = makers[m](i);
                double d;
                memcpy(&d, &v, 8);
                float f = (float)d;
                memset(data + (size_t)i * width, 0, width);
                memcpy(data + (size_t)i * width, kinds[k] == SPATE_F32 && m >= 10 ? (const void *)&f : &v,
                       SP_MIN(width, 8u));
            }
            spate_column c = {.type = {kinds[k], 18, 3, NULL}, .data = data};
            for (unsigned nulls = 0; nulls < 4; nulls++) {
                static const uint32_t rows[] = {MANY, 1, 2, 33, 1024, 1025, 3000};
                no_nulls_or_some(&c, nulls == 3 ? 50 : nulls);
                CHECK(round_trip(&c, rows[(m + nulls + k) % SP_COUNT(rows)]));
            }
        }
    }
}

static void bools(void)
{
    spate_column c = {.type = {SPATE_BOOL, 0, 0, NULL}, .data = numbers};
    for (uint32_t i = 0; i < MANY / 64 + 1; i++)
        numbers[i] = draw();
    no_nulls_or_some(&c, 0);
    CHECK(round_trip(&c, MANY));
    no_nulls_or_some(&c, 3);
    CHECK(round_trip(&c, MANY - 3));
    memset(numbers, 0xff, sizeof numbers);
    CHECK(round_trip(&c, 1000));
    memset(bits, 0, sizeof bits);
    CHECK(round_trip(&c, 1000));
}

/* ---- text and lists ---------------------------------------------------------------------------- */

static char text[1 << 22];
static int32_t offsets[MANY + 1];

static void make_texts(unsigned way)
{
    static const char *const words[] = {"connection", "refused", "from",         "10.0.0.",
                                        "user",       "",        "na\xc3\xafve", "GET /index.html"};
    size_t at = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        offsets[i] = (int32_t)at;
        switch (way) {
        case 0: /* few */ at += (size_t)sprintf(text + at, "%s", words[draw() % SP_COUNT(words)]); break;
        case 1: /* lines of a log */
            at += (size_t)sprintf(text + at, "2026-11-%02u %s %s %s%u", 1 + i / 400, words[draw() % 8],
                                  words[draw() % 8], words[draw() % 8], (unsigned)(draw() % 100000));
            break;
        case 2: /* noise */
            for (uint64_t n = draw() % 40; n > 0; n--)
                text[at++] = (char)draw();
            break;
        case 3: /* all the same */ at += (size_t)sprintf(text + at, "constant"); break;
        case 4: /* some long */
            for (uint64_t n = i % 1000 == 5 ? 60000 : draw() % 3; n > 0; n--)
                text[at++] = (char)('a' + n % 26);
            break;
        case 5: /* of one length */ at += (size_t)sprintf(text + at, "%08u", (unsigned)(draw() % 100000000)); break;
        }
    }
    offsets[MANY] = (int32_t)at;
}

static void texts(void)
{
    for (unsigned way = 0; way < 6; way++) {
        make_texts(way);
        for (unsigned nulls = 0; nulls < 4; nulls++) {
            spate_column c = {
                .type = {way == 2 ? SPATE_BYTES : SPATE_TEXT, 0, 0, NULL}, .offsets = offsets, .bytes = text};
            no_nulls_or_some(&c, nulls);
            CHECK(round_trip(&c, nulls == 2 ? 100 : MANY));
        }
    }
}

static void lists(void)
{
    static int32_t outer[MANY + 1];
    static const spate_type text_type = {SPATE_TEXT, 0, 0, NULL}, int_type = {SPATE_I32, 0, 0, NULL},
                            ints_type = {SPATE_LIST, 0, 0, &int_type};
    static int32_t ints[MANY], inner[MANY + 1];
    make_texts(1);
    no_nulls_or_some(&(spate_column){0}, 5);
    spate_column words = {.type = text_type, .offsets = offsets, .bytes = text, .validity = bits};
    for (uint32_t i = 0, at = 0; i < 2000; i++) {
        outer[i] = (int32_t)at;
        at += (uint32_t)(draw() % 5);
        outer[i + 1] = (int32_t)at;
    }
    spate_column c = {.type = {SPATE_LIST, 0, 0, &text_type}, .offsets = outer, .child = &words};
    CHECK(round_trip(&c, 2000));
    CHECK(round_trip(&c, 1));
    for (uint32_t i = 0; i < MANY; i++)
        ints[i] = (int32_t)i * 3;
    for (uint32_t i = 0; i < 5000; i++)
        inner[i + 1] = inner[i] + (int32_t)(i % 3);
    spate_column numbers_ = {.type = int_type, .data = ints},
                 of_ints = {.type = ints_type, .offsets = inner, .child = &numbers_};
    spate_column nested = {.type = {SPATE_LIST, 0, 0, &ints_type}, .offsets = outer, .child = &of_ints};
    CHECK(round_trip(&nested, 1000));
    memset(outer, 0, sizeof outer);
    CHECK(round_trip(&nested, 1000));
}

/* ---- rows of any fields ------------------------------------------------------------------------ */

enum { SHAPES = 300, SHAPED_ROWS = 30000 };

/* Row i's fields: a pure function, so that they can be asked again. */
static size_t make_row(uint64_t i, unsigned shapes, const uint16_t *names, spate_value *v, char *buffer)
{
    size_t n = 0;
    uint64_t shape = sp_draw(5, i) % shapes;
    for (unsigned f = 0; f < 20; f++) {
        if (sp_draw(6 + f, shape) % 3)
            continue;
        uint64_t z = sp_draw(100 + f, i);
        v[n] = (spate_value){.name = names[f],
                             .kind = (uint8_t)(f % 4 == 0   ? SPATE_I64
                                               : f % 4 == 1 ? SPATE_F64
                                               : f % 4 == 2 ? SPATE_TEXT
                                                            : SPATE_BOOL)};
        if (f % 4 == 0) {
            v[n].as.i = (int64_t)(z % 1000);
        } else if (f % 4 == 1) {
            v[n].as.f = (double)(z % 1000) / 10;
        } else if (f % 4 == 2) {
            v[n].len = (uint32_t)sprintf(buffer, "text %u", (unsigned)(z % 50));
            v[n].as.p = buffer;
            buffer += 32;
        } else {
            v[n].as.b = z & 1;
        }
        n++;
    }
    return n;
}

static bool same_value(const spate_value *a, const spate_value *b)
{
    if (a->name != b->name || a->kind != b->kind)
        return false;
    if (a->kind == SPATE_TEXT)
        return a->len == b->len && memcmp(a->as.p, b->as.p, a->len) == 0;
    return a->kind == SPATE_BOOL ? a->as.b == b->as.b : a->as.u == b->as.u;
}

static bool find_value(const spate_value *values, size_t n, const spate_value *want)
{
    for (size_t i = 0; i < n; i++)
        if (same_value(&values[i], want))
            return true;
    return false;
}

static void any_fields(unsigned shapes)
{
    uint16_t names[20];
    char name[16], buffer[1024];
    spate_value row[20];
    spate_store *s = fresh();
    uint32_t table = 0;
    spate_appender *a = NULL;
    OK(spate_store_add_table(s, "events", NULL, 0, &table, &err));
    for (unsigned f = 0; f < 20; f++) {
        sprintf(name, "field_%u", f);
        OK(spate_store_name(s, name, &names[f], &err));
    }
    OK(spate_appender_open(s, table, &a, &err));
    for (uint64_t i = 0; i < SHAPED_ROWS; i++) {
        OK(spate_append_row(a, row, make_row(i, shapes, names, row, buffer), &err));
        if (i % 7001 == 0)
            OK(spate_appender_flush(a, &err));
    }
    OK(spate_appender_flush(a, &err));
    spate_appender_close(a);
    finish(s);
    s = reopened();
    spate_cursor *c = NULL;
    const spate_value *got;
    size_t n;
    uint64_t at, i = 0, wrong = 0;
    OK(spate_cursor_open(s, &(spate_scan_options){.table = 0}, &c, &err));
    for (; spate_cursor_next(c, &got, &n, &at, &err) == SPATE_OK && got; i++) {
        size_t want = make_row(i, shapes, names, row, buffer);
        bool same = at == i && n == want;
        for (size_t f = 0; same && f < n; f++)
            same = find_value(got, n, &row[f]);
        wrong += !same;
    }
    CHECK_INT(i, SHAPED_ROWS);
    CHECK_INT(wrong, 0);
    /* Here and there. */
    for (unsigned k = 0; k < 200; k++) {
        uint64_t want = draw() % SHAPED_ROWS;
        OK(spate_cursor_seek(c, want, &err));
        OK(spate_cursor_next(c, &got, &n, &at, &err));
        CHECK_INT(at, want);
        size_t fields = make_row(want, shapes, names, row, buffer);
        CHECK_INT(n, fields);
        for (size_t f = 0; f < fields; f++)
            CHECK(find_value(got, n, &row[f]));
    }
    spate_cursor_close(c);
    /* A condition, against all rows by hand. */
    const char *fields[] = {"field_1", "field_4"};
    uint64_t expected = 0, found = 0;
    for (uint64_t k = 0; k < SHAPED_ROWS; k++) {
        size_t m = make_row(k, shapes, names, row, buffer);
        for (size_t f = 0; f < m; f++)
            expected += row[f].name == names[0] && row[f].as.i > 900;
    }
    spate_condition where = {"field_0", SPATE_GT, {.kind = SPATE_I64, .as.i = 900}};
    OK(spate_cursor_open(
        s, &(spate_scan_options){.table = 0, .fields = fields, .n_fields = 2, .conditions = &where, .n_conditions = 1},
        &c, &err));
    for (; spate_cursor_next(c, &got, &n, &at, &err) == SPATE_OK && got; found++)
        for (size_t f = 0; f < n; f++)
            CHECK(got[f].name == names[1] || got[f].name == names[4]);
    CHECK_INT(found, expected);
    spate_cursor_close(c);
    spate_store_close(s);
}

static void few_shapes(void)
{
    any_fields(17);
}

static void many_shapes(void)
{
    any_fields(SHAPES);
}

/* ---- records, in several threads ----------------------------------------------------------------- */

typedef struct reading {
    uint32_t id;
    int16_t level;
    uint8_t on;
    double value[9];
    spate_text note;
    uint64_t nulls;
} reading;

static void make_reading(uint64_t i, reading *r, char *buffer)
{
    memset(r, 0, sizeof *r);
    r->id = (uint32_t)i;
    r->level = (int16_t)sp_draw(1, i);
    r->on = sp_draw(2, i) & 1;
    for (unsigned v = 0; v < 9; v++)
        r->value[v] = (double)(sp_draw(10 + v, i) % 10000) / 100;
    r->note = (spate_text){buffer, (size_t)sprintf(buffer, "note %u", (unsigned)(sp_draw(3, i) % 1000))};
    r->nulls = UINT64_MAX;
    if (i % 10 == 3) {
        r->nulls &= ~(UINT64_C(1) << (3 + i % 9));
        r->nulls &= i % 20 == 3 ? ~(UINT64_C(1) << 12) : UINT64_MAX;
        r->note = (r->nulls >> 12 & 1) ? r->note : (spate_text){(const char *)1, 1};
    }
}

static const spate_record_field reading_fields[] = {
    {"id", {SPATE_I32, 0, 0, NULL}, offsetof(reading, id)},
    {"level", {SPATE_I16, 0, 0, NULL}, offsetof(reading, level)},
    {"on", {SPATE_BOOL, 0, 0, NULL}, offsetof(reading, on)},
    {"v0", {SPATE_F64, 0, 0, NULL}, offsetof(reading, value[0])},
    {"v1", {SPATE_F64, 0, 0, NULL}, offsetof(reading, value[1])},
    {"v2", {SPATE_F64, 0, 0, NULL}, offsetof(reading, value[2])},
    {"v3", {SPATE_F64, 0, 0, NULL}, offsetof(reading, value[3])},
    {"v4", {SPATE_F64, 0, 0, NULL}, offsetof(reading, value[4])},
    {"v5", {SPATE_F64, 0, 0, NULL}, offsetof(reading, value[5])},
    {"v6", {SPATE_F64, 0, 0, NULL}, offsetof(reading, value[6])},
    {"v7", {SPATE_F64, 0, 0, NULL}, offsetof(reading, value[7])},
    {"v8", {SPATE_F64, 0, 0, NULL}, offsetof(reading, value[8])},
    {"note", {SPATE_TEXT, 0, 0, NULL}, offsetof(reading, note)},
};
enum { READINGS = 40000, THREADS = 4 };

typedef struct part {
    spate_store *store;
    uint64_t from, to;
    int status;
} part;

static void *append_part(void *arg)
{
    part *p = arg;
    spate_error e;
    spate_appender *a = NULL;
    spate_record *record = NULL;
    p->status = spate_appender_open(p->store, 0, &a, &e);
    if (p->status == SPATE_OK)
        p->status =
            spate_record_define(a, reading_fields, SP_COUNT(reading_fields), offsetof(reading, nulls), &record, &e);
    for (uint64_t i = p->from; p->status == SPATE_OK && i < p->to; i++) {
        reading r;
        char buffer[32];
        make_reading(i, &r, buffer);
        p->status = spate_append_records(a, record, &r, sizeof r, 1, &e);
        if (p->status == SPATE_OK && i % 3000 == 0)
            p->status = spate_appender_flush(a, &e);
    }
    if (p->status == SPATE_OK)
        p->status = spate_appender_flush(a, &e);
    spate_appender_close(a);
    return NULL;
}

static bool check_reading(const spate_value *v, size_t n, const spate_store *s)
{
    reading want;
    char buffer[32];
    uint64_t id = (uint64_t)v[0].as.i;
    make_reading(id, &want, buffer);
    size_t expected = (size_t)__builtin_popcountll(want.nulls & 0x1fff);
    if (n != expected)
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *name = spate_store_name_text(s, v[i].name);
        bool same = strcmp(name, "id") == 0      ? v[i].as.i == want.id
                    : strcmp(name, "level") == 0 ? v[i].as.i == want.level
                    : strcmp(name, "on") == 0    ? v[i].as.b == want.on
                    : strcmp(name, "note") == 0
                        ? v[i].len == want.note.len && memcmp(v[i].as.p, want.note.p, v[i].len) == 0
                        : v[i].as.f == want.value[name[1] - '0'];
        if (!same)
            return false;
    }
    return true;
}

static void threads_append_records(void)
{
    spate_store *s = fresh();
    uint32_t table = 0;
    part parts[THREADS];
    pthread_t threads[THREADS];
    OK(spate_store_add_table(s, "readings", NULL, 0, &table, &err));
    for (unsigned t = 0; t < THREADS; t++) {
        parts[t] = (part){s, (uint64_t)t * READINGS / THREADS, (uint64_t)(t + 1) * READINGS / THREADS, 0};
        CHECK_INT(pthread_create(&threads[t], NULL, append_part, &parts[t]), 0);
    }
    for (unsigned t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        CHECK_INT(parts[t].status, SPATE_OK);
    }
    finish(s);
    s = reopened();
    static uint8_t seen[READINGS];
    memset(seen, 0, sizeof seen);
    spate_cursor *c = NULL;
    const spate_value *v;
    size_t n;
    uint64_t row, rows = 0, wrong = 0;
    OK(spate_cursor_open(s, &(spate_scan_options){.table = 0}, &c, &err));
    for (; spate_cursor_next(c, &v, &n, &row, &err) == SPATE_OK && v; rows++) {
        wrong += row != rows || !check_reading(v, n, s) || seen[v[0].as.i]++;
    }
    CHECK_INT(rows, READINGS);
    CHECK_INT(wrong, 0);
    spate_cursor_close(c);
    spate_store_close(s);
}

/* Sums of one field by two scans that share the work. */
typedef struct summing {
    spate_scan *scan;
    uint64_t rows;
    double sum;
} summing;

static void *sum_up(void *arg)
{
    summing *x = arg;
    uint32_t rows;
    spate_error e;
    spate_column out;
    while (spate_scan_next(x->scan, &rows, &e) == SPATE_OK && rows) {
        if (spate_scan_read(x->scan, 0, 0, rows, &out, &e) != SPATE_OK)
            break;
        for (uint32_t i = 0; i < rows; i++)
            x->sum += present(&out, i) ? ((const double *)out.data)[i] : 0;
        x->rows += rows;
    }
    return NULL;
}

static void scans_share(void)
{
    threads_append_records();
    spate_store *s = reopened();
    const char *field = "v4";
    summing x[2] = {{0}};
    pthread_t other;
    OK(spate_scan_open(s, &(spate_scan_options){.table = 0, .fields = &field, .n_fields = 1}, &x[0].scan, &err));
    OK(spate_scan_share(x[0].scan, &x[1].scan, &err));
    CHECK_INT(pthread_create(&other, NULL, sum_up, &x[1]), 0);
    sum_up(&x[0]);
    pthread_join(other, NULL);
    double want = 0;
    for (uint64_t i = 0; i < READINGS; i++) {
        reading r;
        char buffer[32];
        make_reading(i, &r, buffer);
        want += r.nulls >> 7 & 1 ? r.value[4] : 0;
    }
    CHECK_INT(x[0].rows + x[1].rows, READINGS);
    CHECK(fabs(x[0].sum + x[1].sum - want) < 1e-6);
    spate_scan_close(x[0].scan);
    spate_scan_close(x[1].scan);
    spate_store_close(s);
}

/* ---- rounding, when asked for -------------------------------------------------------------------- */

static uint64_t size_of(const double *v, uint32_t n, int decimals, double *got)
{
    spate_column_def def = {"x", {SPATE_F64, 0, 0, NULL}, false};
    spate_store *s = fresh();
    spate_appender *a = NULL;
    spate_scan *scan = NULL;
    spate_column out;
    uint32_t table, rows = 0;
    OK(spate_store_add_table(s, "t", &def, 1, &table, &err));
    OK(spate_appender_open(s, table, &a, &err));
    if (decimals >= 0)
        OK(spate_appender_round_off(a, (unsigned)decimals, &err));
    OK(spate_append_columns(a, &(spate_column){.type = def.type, .data = v}, n, &err));
    OK(spate_appender_flush(a, &err));
    spate_appender_close(a);
    finish(s);
    s = reopened();
    CHECK_INT(spate_store_rounded(s), decimals >= 0);
    OK(spate_scan_open(s, &(spate_scan_options){0}, &scan, &err));
    OK(spate_scan_next(scan, &rows, &err));
    CHECK_INT(rows, n);
    OK(spate_scan_read(scan, 0, 0, n, &out, &err));
    memcpy(got, out.data, n * sizeof *got);
    spate_scan_close(scan);
    spate_field_stats *stats;
    size_t fields;
    uint64_t blocks, bytes, size;
    OK(spate_store_stats(s, 0, &stats, &fields, &blocks, &bytes, &err));
    size = stats[0].bytes;
    spate_store_free(stats);
    spate_store_close(s);
    return size;
}

static void rounded_when_asked_for(void)
{
    enum { N = 5000 };
    static double v[N], got[N];
    static const double odd[] = {2.9999999999, 0.9999999999, -0.0,           1e300, -1e19,
                                 NAN,          INFINITY,     4503599627.4e6, 1e-12, 0.30000000000000004};
    for (uint32_t i = 0; i < N; i++)
        v[i] = i < SP_COUNT(odd) ? odd[i] : (double)(draw() % 10000) / 100 + (double)(draw() % 1000) * 1e-14;
    uint64_t exact = size_of(v, N, -1, got);
    CHECK(memcmp(v, got, sizeof v) == 0);
    uint64_t rounded = size_of(v, N, 9, got);
    CHECK(rounded < exact / 2);
    CHECK(got[0] == 3 && got[1] == 1 && signbit(got[2]) && got[8] == 0 && got[9] == 0.3);
    CHECK(memcmp(v + 3, got + 3, 5 * sizeof *v) == 0); /* these have no ninth decimal */
    for (uint32_t i = SP_COUNT(odd); i < N; i++)
        CHECK(fabs(v[i] - got[i]) <= 0.5e-9);
    spate_store *s = fresh();
    spate_appender *a = NULL;
    uint32_t table;
    OK(spate_store_add_table(s, "t", NULL, 0, &table, &err));
    OK(spate_appender_open(s, table, &a, &err));
    CHECK_INT(spate_appender_round_off(a, 16, &err), SPATE_E_USAGE);
    spate_appender_close(a);
    finish(s);
}

/* ---- the file as a whole --------------------------------------------------------------------------- */

static void reopened_to_append(void)
{
    spate_column_def def = {"n", {SPATE_I64, 0, 0, NULL}, false};
    uint32_t table = 0;
    spate_store *s = fresh();
    OK(spate_store_add_table(s, "t", &def, 1, &table, &err));
    finish(s);
    for (unsigned round = 0; round < 4; round++) {
        int64_t v[100];
        spate_appender *a = NULL;
        OK(spate_store_open(path, true, &s, &err));
        spate_store *other = NULL;
        CHECK_INT(spate_store_open(path, true, &other, &err), SPATE_E_UNREACHABLE);
        for (unsigned i = 0; i < 100; i++)
            v[i] = round * 100 + i;
        OK(spate_appender_open(s, 0, &a, &err));
        OK(spate_append_columns(a, &(spate_column){.type = def.type, .data = v}, 100, &err));
        OK(spate_appender_flush(a, &err));
        spate_appender_close(a);
        if (round % 2)
            OK(spate_store_finish(s, &err));
        spate_store_close(s);
    }
    s = reopened();
    spate_table info;
    OK(spate_store_table(s, 0, &info, &err));
    CHECK_INT(info.rows, 400);
    CHECK_STR(info.name, "t");
    CHECK_INT(info.n_columns, 1);
    spate_table_done(&info);
    spate_cursor *c = NULL;
    const spate_value *v;
    size_t n;
    uint64_t row, rows = 0;
    OK(spate_cursor_open(s, &(spate_scan_options){.table = 0}, &c, &err));
    for (; spate_cursor_next(c, &v, &n, &row, &err) == SPATE_OK && v; rows++)
        CHECK_INT(v[0].as.i, rows);
    CHECK_INT(rows, 400);
    spate_cursor_close(c);
    spate_store_close(s);
}

/* Chapters of one session are written, and small ones written anew, beside those of the sessions before. */
static void finished_again_and_again(void)
{
    spate_column_def def = {"n", {SPATE_I64, 0, 0, NULL}, false};
    uint32_t table = 0;
    uint64_t rows = 0, read = 0;
    spate_store *s = fresh();
    OK(spate_store_add_table(s, "t", &def, 1, &table, &err));
    finish(s);
    for (unsigned session = 0; session < 5; session++) {
        OK(spate_store_open(path, true, &s, &err));
        for (unsigned round = 0; round < 9; round++) {
            spate_appender *a = NULL;
            OK(spate_appender_open(s, 0, &a, &err));
            for (unsigned block = 0; block < 1 + draw() % 8; block++) {
                int64_t v = (int64_t)rows++;
                OK(spate_append_columns(a, &(spate_column){.type = def.type, .data = &v}, 1, &err));
                OK(spate_appender_flush(a, &err));
            }
            spate_appender_close(a);
            OK(spate_store_finish(s, &err));
        }
        spate_store_close(s);
    }
    s = reopened();
    spate_cursor *c = NULL;
    const spate_value *v;
    size_t n;
    OK(spate_cursor_open(s, &(spate_scan_options){0}, &c, &err));
    for (; spate_cursor_next(c, &v, &n, NULL, &err) == SPATE_OK && v; read++)
        CHECK_INT(v[0].as.i, read);
    CHECK_INT(read, rows);
    spate_cursor_close(c);
    spate_store_close(s);
}

static void users_bytes(void)
{
    char *big = malloc(SPATE_STORE_USER_BYTES + 1);
    void *got = NULL;
    size_t len = 1;
    spate_store *s = fresh();
    OK(spate_store_user_read(s, &got, &len, &err));
    CHECK_INT(len, 0);
    spate_store_free(got);
    memset(big, 'x', SPATE_STORE_USER_BYTES + 1);
    OK(spate_store_user_write(s, "hello", 5, &err));
    OK(spate_store_user_write(s, big, SPATE_STORE_USER_BYTES, &err));
    CHECK_INT(spate_store_user_write(s, big, SPATE_STORE_USER_BYTES + 1, &err), SPATE_E_USAGE);
    finish(s);
    s = reopened();
    OK(spate_store_user_read(s, &got, &len, &err));
    CHECK(len == SPATE_STORE_USER_BYTES && memcmp(got, big, len) == 0);
    spate_store_free(got);
    CHECK_INT(spate_store_user_write(s, big, 1, &err), SPATE_E_USAGE);
    spate_store_close(s);
    free(big);
}

static void refusals(void)
{
    spate_store *s = NULL;
    CHECK_INT(spate_store_open("/tmp/there-is-no-such-file.spate", false, &s, &err), SPATE_E_IO);
    CHECK_INT(spate_store_create("/no/such/directory/x.spate", 0, &s, &err), SPATE_E_IO);
    FILE *f = fopen(path, "w");
    fputs("id,name\n1,Ada\n", f);
    fclose(f);
    CHECK_INT(spate_store_open(path, false, &s, &err), SPATE_E_DATA);
    CHECK_INT(spate_store_create(path, 0, &s, &err), SPATE_E_IO);
    f = fopen(path, "w");
    fclose(f);
    CHECK_INT(spate_store_open(path, false, &s, &err), SPATE_E_DATA);
    s = fresh();
    uint32_t table;
    spate_value v[2] = {{.kind = SPATE_I64}, {.kind = SPATE_I64}};
    spate_appender *a = NULL;
    OK(spate_store_add_table(s, "t", NULL, 0, &table, &err));
    CHECK_INT(spate_store_add_table(s, "t", NULL, 0, &table, &err), SPATE_E_USAGE);
    OK(spate_appender_open(s, 0, &a, &err));
    v[0].name = 9;
    CHECK_INT(spate_append_row(a, v, 1, &err), SPATE_E_USAGE);
    OK(spate_store_name(s, "x", &v[0].name, &err));
    v[1].name = v[0].name;
    CHECK_INT(spate_append_row(a, v, 2, &err), SPATE_E_USAGE);
    CHECK_STR(err.message, "a row has the field \"x\" twice");
    v[0] = (spate_value){.name = v[0].name, .kind = SPATE_BYTES, .len = (16 << 20) + 1, .as.p = text};
    CHECK_INT(spate_append_row(a, v, 1, &err), SPATE_E_DATA);
    spate_appender_close(a);
    finish(s);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/t.spate", dir);
    RUN(fixed_widths);
    RUN(bools);
    RUN(texts);
    RUN(lists);
    RUN(few_shapes);
    RUN(many_shapes);
    RUN(threads_append_records);
    RUN(scans_share);
    RUN(rounded_when_asked_for);
    RUN(reopened_to_append);
    RUN(finished_again_and_again);
    RUN(users_bytes);
    RUN(refusals);
    unlink(path);
    rmdir(dir);
    return check_done();
}
