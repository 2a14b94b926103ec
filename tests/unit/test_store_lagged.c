/* test_store_lagged.c - rows of devices that tell of themselves in turn: kept as differences from the device's row before, the same
 * cells, refused where they are changed in place or not sound; other rows are kept as they are. */
#include "spate/store.h"
#include "check.h"
#include "ok.h"
#include "store/segment.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROWS = 9000, DEVICES = 60 };

static char dir[] = "/dev/shm/spate-lagged-XXXXXX";
static char path[64];
static spate_error err;

static int32_t device[ROWS];
static int16_t small[ROWS];
static int32_t narrow[ROWS];
static int64_t wide[ROWS], moment[ROWS];
static float tenths[ROWS];
static double cents[ROWS], exact[ROWS], unlike[ROWS];
static uint8_t present[ROWS / 8 + 1];

static const struct {
    const char *name;
    spate_kind kind;
    const void *data;
    uint32_t width;
    bool nulls;
} columns[] = {
    {"device", SPATE_I32, device, 4, false}, {"small", SPATE_I16, small, 2, false},
    {"narrow", SPATE_I32, narrow, 4, false}, {"wide", SPATE_I64, wide, 8, true},
    {"tenths", SPATE_F32, tenths, 4, false}, {"cents", SPATE_F64, cents, 8, true},
    {"exact", SPATE_F64, exact, 8, false},   {"moment", SPATE_TIMESTAMP, moment, 8, false},
    {"unlike", SPATE_F64, unlike, 8, false},
};
enum { COLUMNS = SP_COUNT(columns), NARROW = 2, CENTS = 5, LAGGED = 7, UNLIKE = 8 }; /* the first so many are lagged */

/* Turns of all devices, but for one message in fifty; what each says is near what it said before. */
static void make_cells(void)
{
    uint64_t slot = 0;
    for (uint32_t i = 0; i < ROWS; i++, slot++) {
        slot += sp_mix64(slot) % 50 == 0;
        uint64_t d = slot % DEVICES, r = sp_mix64(d), noise = sp_mix64(slot);
        double tick = (double)(slot / DEVICES);
        device[i] = (int32_t)d * 7 - 100;
        small[i] = (int16_t)((int64_t)(r % 60000) - 30000 + (int64_t)(noise % 5));
        narrow[i] = (int32_t)(r % 2000000) - 1000000 + (int32_t)(tick * 3);
        wide[i] = (int64_t)(r << 20) + (int64_t)(noise % 1000);
        moment[i] = 1700000000000000 + (int64_t)slot * 1000000;
        tenths[i] = (float)((double)(r % 4000 + noise % 6) / 10);
        cents[i] = (double)((int64_t)(r % 300000) - 150000 + (int64_t)(noise % 9)) / 100;
        exact[i] = 1e6 + (double)(r % 900000) + sin(tick + (double)d) * 0.01;
        unlike[i] = (double)noise / 3;
        present[i / 8] |= (uint8_t)((noise % 40 != 0) << i % 8);
    }
    small[777] = INT16_MIN;
    narrow[4000] = INT32_MAX;
    narrow[4001] = INT32_MIN;
    exact[5000] = -0.0;
}

static sp_column column_of(unsigned c)
{
    return (sp_column){.type = {.kind = (sp_kind)columns[c].kind},
                       .data = (void *)(uintptr_t)columns[c].data,
                       .validity = columns[c].nulls ? present : NULL};
}

static bool is_there(unsigned c, uint32_t row)
{
    return !columns[c].nulls || (present[row >> 3] >> (row & 7) & 1);
}

static bool same_cells(unsigned c, uint32_t from, uint32_t n, const void *data, const uint8_t *validity)
{
    uint32_t width = columns[c].width;
    for (uint32_t i = 0; i < n; i++) {
        bool there = !validity || (validity[i >> 3] >> (i & 7) & 1);
        if (there != is_there(c, from + i) ||
            (there && memcmp((const char *)data + (size_t)i * width,
                             (const char *)columns[c].data + (size_t)(from + i) * width, width) != 0))
            return printf("# %s differs in row %u\n", columns[c].name, from + i), false;
    }
    return true;
}

/* Segments of the rows, made with the device's column beside them. */
typedef struct made {
    sp_encoder *e;
    sp_segment_plan plan;
    sp_buf bytes;
} made;

static void make(made *m, unsigned c)
{
    sp_column key = column_of(0), cells = column_of(c);
    const sp_group_column of = {.cells = &key};
    const sp_group group = {&of, 1, ROWS};
    sp_segment_entry entry = {0};
    *m = (made){.e = sp_encoder_new()};
    sp_encoder_take_rows(m->e, &group);
    OK(sp_segment_encode(m->e, &cells, ROWS, &m->plan, &m->bytes, &entry, &err));
}

static void unmake(made *m)
{
    sp_buf_done(&m->bytes);
    sp_segment_plan_done(&m->plan);
    sp_encoder_free(m->e);
}

static uint8_t flags_of(const made *m)
{
    sp_segment_header h;
    memcpy(&h, m->bytes.data, sizeof h);
    return h.flags;
}

/* Any rows of it, in any order, by either kind of loops. */
static void read_anywhere(const made *m, unsigned c, const sp_kernels *k)
{
    sp_segment s;
    sp_column out;
    sp_segment_init(&s);
    s.k = k;
    sp_type type = column_of(c).type;
    OK(sp_column_init(&out, type, 1, &err));
    OK(sp_segment_open(&s, type, m->bytes.data, m->bytes.len, &err));
    for (uint32_t i = 0; i < 200; i++) {
        uint32_t from = (uint32_t)(sp_mix64(i) % ROWS), n = (uint32_t)(sp_mix64(i + 1) % (i < 150 ? 300 : ROWS));
        n = i == 199 ? ROWS : SP_MIN(n, ROWS - from);
        from = i == 199 ? 0 : from;
        OK(sp_segment_read(&s, from, n, &out, &err));
        CHECK(same_cells(c, from, n, out.data, out.validity));
    }
    sp_column_done(&out);
    sp_segment_done(&s);
}

static void differences_are_kept(void)
{
    for (unsigned c = 0; c < COLUMNS; c++) {
        made m;
        make(&m, c);
        if (c < LAGGED && !(flags_of(&m) & SP_SEGMENT_LAGGED))
            printf("# %s\n", columns[c].name);
        CHECK(c >= LAGGED || flags_of(&m) & SP_SEGMENT_LAGGED);
        CHECK(c != UNLIKE || !(flags_of(&m) & SP_SEGMENT_LAGGED));
        CHECK_INT(sp_encoder_has_lagged(m.e), (flags_of(&m) & SP_SEGMENT_LAGGED) != 0);
        for (unsigned i = 0; sp_kernels_set(i); i++)
            read_anywhere(&m, c, sp_kernels_set(i));
        unmake(&m);
    }
}

/* In no order, each its own key, or all of the same: there is nothing that comes round. */
static void other_rows_are_not(void)
{
    static int64_t keys[3][ROWS];
    for (uint32_t i = 0; i < ROWS; i++) {
        keys[0][i] = (int64_t)(sp_mix64(i) % DEVICES);
        keys[1][i] = i;
        keys[2][i] = i / 1000;
    }
    for (unsigned k = 0; k < 3; k++) {
        sp_column key = {.type = {.kind = SP_I64}, .data = keys[k]}, cells = column_of(NARROW);
        const sp_group_column of = {.cells = &key};
        sp_encoder *e = sp_encoder_new();
        sp_segment_plan plan = {0};
        sp_segment_entry entry = {0};
        sp_buf out = {0};
        sp_encoder_take_rows(e, &(sp_group){&of, 1, ROWS});
        OK(sp_segment_encode(e, &cells, ROWS, &plan, &out, &entry, &err));
        CHECK(!sp_encoder_has_lagged(e));
        sp_buf_done(&out);
        sp_segment_plan_done(&plan);
        sp_encoder_free(e);
    }
}

/* Any change of a segment's bytes: refused, or cells all the same; nothing outside is read or written. */
static void is_checked_before_it_is_used(void)
{
    made m;
    make(&m, CENTS);
    CHECK(flags_of(&m) & SP_SEGMENT_LAGGED);
    sp_type type = column_of(CENTS).type;
    size_t bitmap = (ROWS + 63) / 64 * 8, runs = sizeof(sp_segment_header) + bitmap;
    uint32_t refused = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        size_t at = i < 2000 ? runs + sp_mix64(i) % 600 : sp_mix64(i) % m.bytes.len;
        char *bytes = malloc(m.bytes.len), bit = (char)(1 << i % 8);
        memcpy(bytes, m.bytes.data, m.bytes.len);
        bytes[at] ^= bit;
        sp_segment s;
        sp_column out;
        sp_segment_init(&s);
        OK(sp_column_init(&out, type, 1, &err));
        int rc = sp_segment_open(&s, type, bytes, m.bytes.len, NULL);
        if (rc == SPATE_OK && s.rows == ROWS)
            rc = sp_segment_read(&s, 0, ROWS, &out, NULL);
        refused += rc != SPATE_OK;
        sp_column_done(&out);
        sp_segment_done(&s);
        free(bytes);
    }
    CHECK(refused > 100);
    unmake(&m);
}

static void write_store(void)
{
    spate_store *s = NULL;
    spate_appender *a = NULL;
    uint32_t table = 0;
    spate_column_def defs[COLUMNS];
    spate_column cells[COLUMNS];
    for (unsigned c = 0; c < COLUMNS; c++) {
        defs[c] = (spate_column_def){columns[c].name, {.kind = columns[c].kind}, columns[c].nulls};
        cells[c] = (spate_column){
            .type = defs[c].type, .data = columns[c].data, .validity = columns[c].nulls ? present : NULL};
    }
    unlink(path);
    OK(spate_store_create(path, 0, &s, &err));
    OK(spate_store_add_table(s, "t", defs, COLUMNS, &table, &err));
    OK(spate_appender_open(s, table, &a, &err));
    OK(spate_append_columns(a, cells, ROWS, &err));
    OK(spate_appender_flush(a, &err));
    spate_appender_close(a);
    OK(spate_store_finish(s, &err));
    spate_store_close(s);
}

static void rows_are_the_same(void)
{
    spate_store *s = NULL;
    spate_cursor *c = NULL;
    const spate_value *v = NULL;
    size_t n = 0;
    uint64_t row = 0;
    uint32_t wrong = 0;
    write_store();
    OK(spate_store_open(path, false, &s, &err));
    OK(spate_cursor_open(s, &(spate_scan_options){0}, &c, &err));
    for (uint32_t i = 0; i < ROWS; i++) {
        OK(spate_cursor_next(c, &v, &n, &row, &err));
        size_t next = 0;
        for (unsigned f = 0; v && f < COLUMNS; f++)
            if (is_there(f, i)) {
                wrong += next >= n || (columns[f].width == 8 &&
                                       memcmp(&v[next].as, (const char *)columns[f].data + (size_t)i * 8, 8) != 0);
                next++;
            }
        wrong += !v || row != i || next != n;
    }
    CHECK_INT(wrong, 0);
    spate_cursor_close(c);
    spate_store_close(s);
}

static void is_not_changed_in_place(void)
{
    spate_store *s = NULL;
    spate_updater *u = NULL;
    spate_value v = {.kind = SPATE_I32};
    write_store();
    OK(spate_store_open(path, true, &s, &err));
    OK(spate_updater_open(s, 0, &u, &err));
    OK(spate_store_name(s, "narrow", &v.name, &err));
    v.as.i = narrow[5];
    CHECK_INT(spate_updater_set(u, 5, &v, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "differences"));
    OK(spate_store_name(s, "unlike", &v.name, &err));
    v.kind = SPATE_F64;
    v.as.f = unlike[6];
    OK(spate_updater_set(u, 5, &v, &err));
    OK(spate_updater_flush(u, &err));
    spate_updater_close(u);
    spate_store_close(s);
    OK(spate_store_open(path, false, &s, &err));
    spate_scan *scan = NULL;
    spate_column out;
    const char *field = "narrow";
    uint32_t piece = 0;
    OK(spate_scan_open(s, &(spate_scan_options){.fields = &field, .n_fields = 1}, &scan, &err));
    OK(spate_scan_next(scan, &piece, &err));
    OK(spate_scan_read(scan, 0, 0, piece, &out, &err));
    CHECK(same_cells(NARROW, 0, piece, out.data, out.validity));
    spate_scan_close(scan);
    spate_store_close(s);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/a.spate", dir);
    make_cells();
    RUN(differences_are_kept);
    RUN(other_rows_are_not);
    RUN(is_checked_before_it_is_used);
    RUN(rows_are_the_same);
    RUN(is_not_changed_in_place);
    unlink(path);
    rmdir(dir);
    return check_done();
}
