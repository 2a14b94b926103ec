/* test_store_pack.c - segments behind LZ4 and zstd: smaller, the same cells, refused where they are changed in place or not sound. */
#include "spate/store.h"
#include "check.h"
#include "ok.h"
#include "store/pack.h"
#include "store/segment.h"

#include <stdlib.h>
#include <unistd.h>

enum { ROWS = 30000, COLUMNS = 3 };

static char dir[] = "/dev/shm/spate-pack-XXXXXX";
static char path[64];
static spate_error err;
static int64_t numbers[ROWS];
static double doubles[ROWS];
static uint8_t present[ROWS / 8 + 1];
static int32_t offsets[ROWS + 1];
static char text[ROWS * 64];

/* Numbers that come again, too many for a dictionary and too wide for bits; lines of a log; every third absent. */
static void make_cells(void)
{
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t r = sp_mix64(i % 5000);
        numbers[i] = (int64_t)r;
        doubles[i] = (double)(r % 100000) / 100;
        present[i / 8] |= (uint8_t)((i % 3 != 0) << i % 8);
        offsets[i + 1] = offsets[i] + sprintf(text + offsets[i], "worker %u took connection %llu of the pool", i % 7,
                                              (unsigned long long)r % 1000);
    }
}

static uint64_t write_store(spate_packing with)
{
    const spate_type types[COLUMNS] = {{SPATE_I64, 0, 0, NULL}, {SPATE_F64, 0, 0, NULL}, {SPATE_TEXT, 0, 0, NULL}};
    const spate_column_def defs[COLUMNS] = {{"n", types[0], false}, {"d", types[1], true}, {"line", types[2], true}};
    const spate_column columns[COLUMNS] = {{.type = types[0], .data = numbers},
                                           {.type = types[1], .data = doubles, .validity = present},
                                           {.type = types[2], .offsets = offsets, .bytes = text, .validity = present}};
    spate_store *s = NULL;
    spate_appender *a = NULL;
    uint32_t table = 0;
    unlink(path);
    OK(spate_store_create(path, 0, &s, &err));
    OK(spate_store_add_table(s, "t", defs, COLUMNS, &table, &err));
    OK(spate_appender_open(s, table, &a, &err));
    OK(spate_appender_pack(a, with, &err));
    OK(spate_append_columns(a, columns, ROWS, &err));
    OK(spate_appender_flush(a, &err));
    spate_appender_close(a);
    OK(spate_store_finish(s, &err));
    spate_store_close(s);
    OK(spate_store_open(path, false, &s, &err));
    CHECK_INT(spate_store_packed(s), with != SPATE_PACKED_NOT);
    spate_field_stats *stats = NULL;
    size_t fields;
    uint64_t blocks, bytes = 0;
    OK(spate_store_stats(s, table, &stats, &fields, &blocks, &bytes, &err));
    spate_store_free(stats);
    spate_store_close(s);
    return bytes;
}

static bool is_row(uint32_t i, const spate_value *v, size_t n)
{
    bool there = i % 3 != 0;
    if (n != (there ? 3u : 1u) || v[0].as.i != numbers[i])
        return false;
    return !there || (v[1].as.f == doubles[i] && v[2].len == (uint32_t)(offsets[i + 1] - offsets[i]) &&
                      memcmp(v[2].as.p, text + offsets[i], v[2].len) == 0);
}

static void rows_are_the_same(void)
{
    uint64_t plain = write_store(SPATE_PACKED_NOT);
    for (spate_packing with = SPATE_PACKED_LZ4; with <= SPATE_PACKED_ZSTD; with++) {
        CHECK(write_store(with) < plain / 2);
        spate_store *s = NULL;
        spate_cursor *c = NULL;
        const spate_value *v = NULL;
        size_t n = 0;
        uint64_t row = 0;
        uint32_t wrong = 0, rows = 0;
        OK(spate_store_open(path, false, &s, &err));
        OK(spate_cursor_open(s, &(spate_scan_options){0}, &c, &err));
        for (;; rows++) {
            OK(spate_cursor_next(c, &v, &n, &row, &err));
            if (!v)
                break;
            wrong += row != rows || !is_row(rows, v, n);
        }
        CHECK_INT(rows, ROWS);
        CHECK_INT(wrong, 0);
        OK(spate_cursor_seek(c, 20011, &err));
        OK(spate_cursor_next(c, &v, &n, &row, &err));
        CHECK(v && row == 20011 && is_row(20011, v, n));
        spate_cursor_close(c);
        spate_store_close(s);
    }
}

static void is_not_changed_in_place(void)
{
    spate_store *s = NULL;
    spate_updater *u = NULL;
    spate_value v = {.kind = SPATE_I64};
    write_store(SPATE_PACKED_ZSTD);
    OK(spate_store_open(path, true, &s, &err));
    OK(spate_store_name(s, "n", &v.name, &err));
    OK(spate_updater_open(s, 0, &u, &err));
    v.as.i = numbers[5];
    CHECK_INT(spate_updater_set(u, 5, &v, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "packed"));
    spate_updater_close(u);
    spate_store_close(s);
}

/* Any change of a packed segment's bytes, hashes aside: refused, or cells all the same; and never more memory than the bytes allow. */
static void is_checked_before_it_is_used(void)
{
    sp_encoder *e = sp_encoder_new();
    sp_segment_plan plan = {0};
    sp_segment_entry entry = {0};
    sp_buf packed = {0}, out = {0};
    sp_column cells = {.type = {.kind = SP_I64}, .data = numbers};
    OK(sp_encoder_pack(e, SPATE_PACKED_LZ4, &err));
    OK(sp_segment_encode(e, &cells, ROWS, &plan, &packed, &entry, &err));
    CHECK(sp_segment_is_packed(packed.data, packed.len));
    uint32_t refused = 0;
    for (uint32_t i = 0; i < 4000; i++) {
        size_t at = i < 400 ? i / 8 : sp_mix64(i) % packed.len;
        packed.data[at] ^= (char)(1 << i % 8);
        sp_segment s;
        sp_segment_init(&s);
        sp_column column;
        OK(sp_column_init(&column, cells.type, 1, &err));
        int rc = sp_segment_open(&s, cells.type, packed.data, packed.len, NULL);
        if (rc == SPATE_OK && s.rows == ROWS)
            rc = sp_segment_read(&s, 0, ROWS, &column, NULL);
        refused += rc != SPATE_OK;
        CHECK(s.unpacked.cap <= packed.len * SP_UNPACKED_MAX * 2);
        sp_column_done(&column);
        sp_segment_done(&s);
        packed.data[at] ^= (char)(1 << i % 8);
    }
    CHECK(refused > 100);
    for (size_t len = sizeof(sp_segment_header); len < 64; len++)
        CHECK_INT(sp_segment_unpack(packed.data, len, &out, NULL), SPATE_E_CORRUPT);
    sp_buf_done(&packed);
    sp_buf_done(&out);
    sp_segment_plan_done(&plan);
    sp_encoder_free(e);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/a.spate", dir);
    make_cells();
    RUN(rows_are_the_same);
    RUN(is_not_changed_in_place);
    RUN(is_checked_before_it_is_used);
    unlink(path);
    rmdir(dir);
    return check_done();
}
