/* test_sqlite_pages.c - pages and records made without SQLite are what SQLite would have made: it reads them back the same, and finds
 * nothing wrong, at every page size. Prints its seed; SPATE_SEED repeats it. */
#include "check.h"

#include "client/libsqlite.h"
#include "codec/codec.h"
#include "codec/sqlitefile.h"
#include "endpoint/sqlite_cells.h"
#include "os/os.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t seed;
static char file[96];

static uint64_t draw(void)
{
    static uint64_t n;
    return sp_hash64(&(uint64_t){n++}, 8, seed);
}

/* ---- a file of one table ---- */

static sqlite3 *open_db(void)
{
    sqlite3 *db = NULL;
    spate_error err = {0};
    CHECK_INT(sp_sqlite_open(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_INT(sp_sqlite_run(db, "PRAGMA synchronous = OFF", file, &err), SPATE_OK);
    return db;
}

static void run(sqlite3 *db, const char *sql)
{
    spate_error err = {0};
    CHECK_INT(sp_sqlite_run(db, sql, file, &err), SPATE_OK);
    CHECK_STR(err.message, "");
}

static const char *ask(sqlite3 *db, const char *sql)
{
    static char answer[512];
    sqlite3_stmt *row = NULL;
    snprintf(answer, sizeof(answer), "nothing");
    if (sp_sqlite.prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK && sp_sqlite.step(row) == SQLITE_ROW)
        snprintf(answer, sizeof(answer), "%s", (const char *)sp_sqlite.column_text(row, 0));
    sp_sqlite.finalize(row);
    return answer;
}

/* SQLite makes the tables, the second of which is t; *pages begins behind them. */
static uint32_t begin_file(uint32_t page_size, const char *create, sp_sqlite_pages *pages)
{
    char sql[64];
    (void)!sp_os_unlink(file, NULL);
    sqlite3 *db = open_db();
    snprintf(sql, sizeof(sql), "PRAGMA page_size = %u; PRAGMA journal_mode = OFF", page_size);
    run(db, sql);
    run(db, "CREATE TABLE other (a)");
    run(db, create);
    uint32_t root = (uint32_t)atoi(ask(db, "SELECT rootpage FROM sqlite_master WHERE name = 't'"));
    *pages = (sp_sqlite_pages){.size = page_size, .next = (uint32_t)atoi(ask(db, "PRAGMA page_count")) + 1};
    sp_sqlite.close_v2(db);
    return root;
}

/* out stands at page number first. */
static void end_file(sp_sqlite_pages *pages, uint32_t first, sp_sqlitetree *tree, uint32_t root)
{
    uint8_t header[SP_SQLITE_HEADER_BYTES];
    const uint8_t *page = NULL;
    int fd = -1;
    CHECK_INT(sp_sqlitetree_finish(tree, &page, NULL), SPATE_OK);
    CHECK_INT(sp_os_open(file, SP_OS_OPEN_UPDATE, &fd, NULL), SPATE_OK);
    CHECK_INT(sp_os_write_at(fd, page, pages->size, (uint64_t)(root - 1) * pages->size, file, NULL), SPATE_OK);
    CHECK_INT(sp_os_write_at(fd, pages->out.data, pages->out.len, (uint64_t)(first - 1) * pages->size, file, NULL),
              SPATE_OK);
    CHECK_INT(sp_os_read_at(fd, header, sizeof(header), 0, file, NULL), SPATE_OK);
    sp_sqlite_header_set_pages(header, pages->next - 1);
    CHECK_INT(sp_os_write_at(fd, header, sizeof(header), 0, file, NULL), SPATE_OK);
    CHECK_INT(sp_os_close(&fd, file, NULL), SPATE_OK);
    sp_buf_done(&pages->out);
    sp_sqlitetree_free(tree);
}

/* ---- trees ---- */

/* A record of one blob. */
static void make_record(sp_buf *record, size_t len, uint64_t key)
{
    uint32_t type = (uint32_t)(2 * len + 12);
    char head[8];
    int n = 0;
    for (int shift = 28; shift >= 0; shift -= 7)
        if (type >> shift || shift == 0)
            head[n++] = (char)((type >> shift & 0x7f) | (shift ? 0x80 : 0));
    record->len = 0;
    CHECK(!sp_buf_add(record, &(char){(char)(n + 1)}, 1) && !sp_buf_add(record, head, (size_t)n) &&
          !sp_buf_reserve(record, len));
    memset(record->data + record->len, (int)(key % 251), len);
    record->len += len;
}

static size_t some_length(uint32_t page_size, unsigned kind)
{
    switch (kind % 8) {
    case 0: return 0;
    case 1: /* about where overflow begins */ return page_size - 40 + draw() % 20;
    case 2: /* about where a chain gets another page */ return (page_size - 4) * (1 + draw() % 3) + draw() % 40;
    case 3: return draw() % (3 * page_size);
    default: return draw() % 100;
    }
}

static int64_t next_key(int64_t key, unsigned how)
{
    return how == 0 ? key + 1 : key + 1 + (int64_t)(draw() % (how == 1 ? 1000 : UINT64_C(1) << 45));
}

/* What is in the file: how many rows, and sums of keys, lengths and first bytes. */
typedef struct sums {
    uint64_t rows, keys, bytes, firsts;
} sums;

static void check_sums(sqlite3 *db, sums s)
{
    char want[128];
    snprintf(want, sizeof(want), "%llu %lld %llu %llu", (unsigned long long)s.rows, (long long)s.keys,
             (unsigned long long)s.bytes, (unsigned long long)s.firsts);
    sqlite3_stmt *row = NULL;
    sums got = {0};
    CHECK_INT(sp_sqlite.prepare_v2(db, "SELECT rowid, a FROM t", -1, &row, NULL), SQLITE_OK);
    bool whole = true;
    while (sp_sqlite.step(row) == SQLITE_ROW) {
        int len = sp_sqlite.column_bytes(row, 1);
        const uint8_t *p = sp_sqlite.column_blob(row, 1);
        for (int i = 1; i < len; i++)
            whole = whole && p[i] == p[0];
        got.rows++;
        got.keys += (uint64_t)sp_sqlite.column_int64(row, 0);
        got.bytes += (uint64_t)len;
        got.firsts += len ? p[0] : 0;
    }
    sp_sqlite.finalize(row);
    CHECK(whole);
    char said[128];
    snprintf(said, sizeof(said), "%llu %lld %llu %llu", (unsigned long long)got.rows, (long long)got.keys,
             (unsigned long long)got.bytes, (unsigned long long)got.firsts);
    CHECK_STR(said, want);
}

static void build_tree(uint32_t page_size, uint64_t rows, unsigned lengths, unsigned keys)
{
    sp_sqlite_pages pages;
    sp_sqlitetree *tree = NULL;
    sp_buf record = {0};
    sums s = {0};
    uint32_t root = begin_file(page_size, "CREATE TABLE t (a)", &pages), first = pages.next;
    int64_t key = keys == 2 ? INT64_MIN : (int64_t)(draw() % 200) - 100;
    CHECK_INT(sp_sqlitetree_new(&pages, &tree, NULL), SPATE_OK);
    for (; s.rows < rows; s.rows++, key = next_key(key, keys)) {
        size_t len = lengths == 9 ? 0 : some_length(page_size, lengths == 8 ? (unsigned)draw() : lengths);
        make_record(&record, len, (uint64_t)key);
        CHECK(sp_sqlitetree_takes(tree, key));
        CHECK_INT(sp_sqlitetree_add(tree, key, (sp_str){record.data, record.len}, NULL), SPATE_OK);
        s.keys += (uint64_t)key;
        s.bytes += len;
        s.firsts += len ? (uint64_t)key % 251 : 0;
        CHECK(!sp_sqlitetree_takes(tree, key));
    }
    end_file(&pages, first, tree, root);
    sp_buf_done(&record);
    sqlite3 *db = open_db();
    CHECK_STR(ask(db, "PRAGMA integrity_check"), "ok");
    check_sums(db, s);
    run(db, "DELETE FROM t WHERE rowid % 3 = 1; INSERT INTO t SELECT a FROM t; INSERT INTO other SELECT a FROM t");
    CHECK_STR(ask(db, "PRAGMA integrity_check"), "ok");
    sp_sqlite.close_v2(db);
}

/* Every size of a tree about where it gets another page or level, then trees of many levels. */
static void trees(void)
{
    for (uint32_t size = SP_SQLITE_PAGE_MIN; size <= SP_SQLITE_PAGE_MAX; size *= 2)
        for (unsigned round = 0; round < 12; round++)
            build_tree(size, round == 0 ? 0 : 1 + draw() % (round < 6 ? 20 : 800), round < 3 ? 9 : 8, round % 3);
    for (uint64_t rows = 60; rows < 140; rows++)
        build_tree(512, rows, 1, 0);
    build_tree(512, 60000, 4, 0);
    build_tree(512, 20000, 1, 2);
    build_tree(65536, 100000, 9, 0);
    build_tree(1024, 100000, 9, 1);
}

static void large_blobs(void)
{
    for (uint32_t size = SP_SQLITE_PAGE_MIN; size <= SP_SQLITE_PAGE_MAX; size *= 16) {
        sp_sqlite_pages pages;
        sp_sqlitetree *tree = NULL;
        sp_buf record = {0};
        sums s = {0};
        uint32_t root = begin_file(size, "CREATE TABLE t (a)", &pages), first = pages.next;
        CHECK_INT(sp_sqlitetree_new(&pages, &tree, NULL), SPATE_OK);
        for (s.rows = 0; s.rows < 3; s.rows++) {
            size_t len = (20 << 20) + s.rows;
            make_record(&record, len, s.rows + 1);
            CHECK_INT(sp_sqlitetree_add(tree, (int64_t)s.rows + 1, (sp_str){record.data, record.len}, NULL), SPATE_OK);
            s.keys += s.rows + 1;
            s.bytes += len;
            s.firsts += s.rows + 1;
        }
        end_file(&pages, first, tree, root);
        sp_buf_done(&record);
        sqlite3 *db = open_db();
        CHECK_STR(ask(db, "PRAGMA integrity_check"), "ok");
        check_sums(db, s);
        sp_sqlite.close_v2(db);
    }
}

/* The page of the locks at 1 GiB: in the middle of a chain, and between leaves, of a file with a hole up to there. SQLite's check
 * tells pages that nobody uses, so here only the rows are looked at. */
static void lock_page(void)
{
    static const uint64_t sizes[] = {4096, 65536};
    for (size_t i = 0; i < SP_COUNT(sizes); i++)
        for (uint32_t before = 0; before < 4; before++) {
            uint32_t size = (uint32_t)sizes[i], lock = sp_sqlite_lock_page(size);
            sp_sqlite_pages pages;
            sp_sqlitetree *tree = NULL;
            sp_buf record = {0};
            sums s = {0};
            uint32_t root = begin_file(size, "CREATE TABLE t (a)", &pages), first = pages.next = lock - before;
            CHECK_INT(sp_sqlitetree_new(&pages, &tree, NULL), SPATE_OK);
            for (; s.rows < 40; s.rows++) {
                size_t len = s.rows % 2 ? 3 * size : size / 2;
                make_record(&record, len, s.rows + 1);
                CHECK_INT(sp_sqlitetree_add(tree, (int64_t)s.rows + 1, (sp_str){record.data, record.len}, NULL),
                          SPATE_OK);
                s.keys += s.rows + 1;
                s.bytes += len;
                s.firsts += s.rows + 1;
            }
            bool clear = true;
            for (uint32_t b = 0; b < size; b++)
                clear = clear && pages.out.data[(size_t)before * size + b] == 0;
            CHECK(clear);
            end_file(&pages, first, tree, root);
            sp_buf_done(&record);
            sqlite3 *db = open_db();
            check_sums(db, s);
            sp_sqlite.close_v2(db);
        }
}

/* A leaf, byte for byte as the file format has it. */
static void golden_page(void)
{
    static const uint8_t head[] = {0x0d, 0, 0, 0, 2, 0x01, 0xee, 0, 0x01, 0xfb, 0x01, 0xee};
    static const uint8_t cells[] = {11,  0x81, 0x00, 2,   30,  'n', 'i',
                                    'n', 'e',  ' ',  'b', 'y', 't', /* 128: "nine byt" and a cell of 3 */
                                    3,   1,    2,    1,   7};
    sp_sqlite_pages pages = {.size = 512, .next = 3};
    sp_sqlitetree *tree = NULL;
    const uint8_t *page = NULL;
    CHECK_INT(sp_sqlitetree_new(&pages, &tree, NULL), SPATE_OK);
    CHECK_INT(sp_sqlitetree_add(tree, 1, (sp_str){"\2\1\7", 3}, NULL), SPATE_OK);
    CHECK_INT(sp_sqlitetree_add(tree, 128, (sp_str){"\2\36nine byte", 11}, NULL), SPATE_OK);
    CHECK_INT(sp_sqlitetree_finish(tree, &page, NULL), SPATE_OK);
    CHECK_INT(pages.out.len, 0);
    CHECK(memcmp(page, head, 5) == 0);
    CHECK_INT(page[3] << 8 | page[4], 2);
    uint32_t one = (uint32_t)(page[8] << 8 | page[9]), two = (uint32_t)(page[10] << 8 | page[11]);
    CHECK_INT(one, 512 - 5);
    CHECK_INT(two, 512 - 5 - 14);
    CHECK_INT(page[5] << 8 | page[6], two);
    CHECK(memcmp(page + one, cells + 13, 5) == 0);
    CHECK(memcmp(page + two, cells, 13) == 0);
    bool clear = true;
    for (uint32_t i = 12; i < two; i++)
        clear = clear && page[i] == 0;
    CHECK(clear);
    sp_sqlitetree_free(tree);
}

/* ---- records ---- */

typedef struct spelled { /* a column: what cells it takes, how it is declared */
    sp_type type;
    const char *declared;
} spelled;

static const sp_type i32_type = {.kind = SP_I32};
static const spelled columns[] = {
    {{SP_BOOL}, "integer"},
    {{SP_BOOL}, "boolean"},
    {{SP_BOOL}, "real"},
    {{SP_I16}, "integer"},
    {{SP_I32}, "int"},
    {{SP_I32}, "real"},
    {{SP_I32}, ""},
    {{SP_I64}, "integer"},
    {{SP_I64}, "real"},
    {{SP_I64}, "numeric"},
    {{SP_I64}, "blob"},
    {{SP_U64}, "integer"},
    {{SP_U64}, "text"},
    {{SP_F32}, "real"},
    {{SP_F32}, "integer"},
    {{SP_F64}, "real"},
    {{SP_F64}, "numeric"},
    {{SP_F64}, "integer"},
    {{SP_F64}, "blob"},
    {{SP_DECIMAL, 15, 3}, "numeric"},
    {{SP_DECIMAL, 15, 3}, "real"},
    {{SP_DECIMAL, 18, 5}, "text"},
    {{SP_DECIMAL, 18, 0}, "numeric"},
    {{SP_DATE}, "text"},
    {{SP_DATE}, "date"},
    {{SP_TIME}, "text"},
    {{SP_TIME}, "time"},
    {{SP_TIMESTAMP}, "text"},
    {{SP_TIMESTAMP}, "integer"},
    {{SP_TIMESTAMP}, "datetime"},
    {{SP_TIMESTAMPTZ}, "text"},
    {{SP_TIMESTAMPTZ}, "blob"},
    {{SP_INTERVAL}, "text"},
    {{SP_INTERVAL}, "interval"},
    {{SP_UUID}, "text"},
    {{SP_UUID}, "blob"},
    {{SP_UUID}, "uuid"},
    {{SP_TEXT}, "text"},
    {{SP_TEXT}, "varchar(20)"},
    {{SP_TEXT}, ""},
    {{SP_JSON}, "text"},
    {{SP_BYTES}, "blob"},
    {{SP_BYTES}, "text"},
    {{SP_BYTES}, "integer"},
    {{SP_LIST, .item = &i32_type}, "text"},
    {{SP_LIST, .item = &i32_type}, ""},
};
enum { COLUMNS = SP_COUNT(columns), ROWS = 700 };

static int64_t some_integer(void)
{
    int64_t v = (int64_t)(draw() >> draw() % 64);
    switch (draw() % 8) {
    case 0: return (int64_t)(draw() % 4) - 1;
    case 1: /* about where another width begins */ return (INT64_C(1) << (draw() % 63)) + (int64_t)(draw() % 3) - 1;
    case 2: return draw() % 2 ? INT64_MIN : INT64_MAX;
    default: return draw() % 2 ? v : -v;
    }
}

static double some_real(void)
{
    switch (draw() % 6) {
    case 0: return (double)some_integer();
    case 1: return draw() % 2 ? INFINITY : -INFINITY;
    case 2: return draw() % 2 ? -0.0 : 1e300;
    case 3: return (double)(INT64_C(1) << (44 + draw() % 6)) * (draw() % 2 ? 1 : -1);
    default: return (double)some_integer() / 1000;
    }
}

static void put_bytes(sp_column *c, uint32_t row, bool text)
{
    static const uint32_t lengths[] = {0, 1, 7, 56, 57, 58, 200, 8184, 8185};
    size_t at = (size_t)c->offsets[row], len = draw() % 3 ? draw() % 40 : lengths[draw() % SP_COUNT(lengths)];
    CHECK_INT(sp_column_reserve_bytes(c, at + len), SPATE_OK);
    for (size_t i = 0; i < len; i++)
        c->bytes[at + i] = text ? "0123456789.e- abcxyz"[draw() % 20] : (char)draw();
    c->offsets[row + 1] = (int32_t)(at + len);
}

static void put_cell(sp_column *c, uint32_t row)
{
    int64_t v = some_integer();
    switch (c->type.kind) {
    case SP_BOOL: ((uint8_t *)c->data)[row / 8] = (uint8_t)draw(); break;
    case SP_I16: ((int16_t *)c->data)[row] = (int16_t)v; break;
    case SP_I32: ((int32_t *)c->data)[row] = (int32_t)v; break;
    case SP_U64: ((uint64_t *)c->data)[row] = (uint64_t)v & INT64_MAX; break;
    case SP_F32: ((float *)c->data)[row] = (float)some_real(); break;
    case SP_F64: ((double *)c->data)[row] = some_real(); break;
    case SP_DECIMAL: ((int64_t *)c->data)[row] = v % (int64_t)sp_pow10[c->type.precision]; break;
    case SP_DATE: ((int32_t *)c->data)[row] = (int32_t)(draw() % 4000000) - 1000000; break;
    case SP_TIME: ((int64_t *)c->data)[row] = (int64_t)(draw() % UINT64_C(86400000000)); break;
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ: ((int64_t *)c->data)[row] = draw() % 2 ? v / 64 : v % 4000000000 * SP_US_PER_SECOND; break;
    case SP_INTERVAL:
        ((sp_interval *)c->data)[row] =
            (sp_interval){(int32_t)(draw() % 100), (int32_t)(draw() % 100), (int64_t)(draw() % 1000000000)};
        break;
    case SP_UUID:
        for (int i = 0; i < 16; i++)
            ((uint8_t *)c->data)[row * 16 + (uint32_t)i] = (uint8_t)draw();
        break;
    case SP_LIST: {
        uint32_t at = (uint32_t)c->offsets[row], n = (uint32_t)(draw() % 40);
        CHECK_INT(sp_column_reserve_rows(c->child, at + n), SPATE_OK);
        for (uint32_t i = 0; i < n; i++)
            ((int32_t *)c->child->data)[at + i] = (int32_t)draw();
        c->offsets[row + 1] = (int32_t)(at + n);
        break;
    }
    case SP_TEXT:
    case SP_JSON:
    case SP_BYTES: put_bytes(c, row, c->type.kind != SP_BYTES); break;
    default: ((int64_t *)c->data)[row] = v; break;
    }
}

static void fill(sp_batch *b)
{
    sp_batch_reset(b);
    for (uint32_t i = 0; i < b->schema->n_fields; i++) {
        sp_column *c = &b->columns[i];
        if (c->offsets)
            c->offsets[0] = 0;
        uint8_t *present = i % 3 == 1 ? sp_column_validity(c, ROWS) : NULL;
        for (uint32_t row = 0; row < ROWS; row++) {
            put_cell(c, row);
            if (present && draw() % 4 == 0)
                present[row / 8] &= (uint8_t) ~(1u << row % 8);
        }
    }
    b->rows = ROWS;
}

/* The rows that SQLite makes of the same cells, in table u. */
static void insert_all(sqlite3 *db, const sp_batch *b, const sp_sqlite_column *c)
{
    sp_buf sql = {0}, made = {0}, list = {0};
    sqlite3_stmt *insert = NULL;
    CHECK(!sp_buf_adds(&sql, "INSERT INTO u VALUES (?"));
    for (uint32_t i = 1; i < COLUMNS; i++)
        CHECK(!sp_buf_adds(&sql, ", ?"));
    CHECK(!sp_buf_add(&sql, ")", 2));
    CHECK_INT(sp_sqlite.prepare_v2(db, sql.data, -1, &insert, NULL), SQLITE_OK);
    CHECK(!sp_buf_reserve(&made, COLUMNS * SP_SQLITE_SCRATCH));
    run(db, "BEGIN");
    for (uint32_t row = 0; row < b->rows; row++) {
        char *at = made.data;
        for (uint32_t i = 0; i < COLUMNS; i++) {
            sp_sqlite_cells cells = {insert, &b->columns[i], c[i].target, row, 1, i + 1, 1};
            CHECK_INT(sp_sqlite_bind(&cells, &at, &list, NULL), SPATE_OK);
        }
        CHECK_INT(sp_sqlite.step(insert), SQLITE_DONE);
        sp_sqlite.reset(insert);
    }
    run(db, "COMMIT");
    sp_sqlite.finalize(insert);
    sp_buf_done(&sql);
    sp_buf_done(&made);
    sp_buf_done(&list);
}

/* Values, their classes, and how many bytes the records of both tables have. */
static void compare_tables(sqlite3 *db)
{
    char differ[128], sql[400];
    for (uint32_t i = 0; i < COLUMNS; i++) {
        snprintf(
            differ, sizeof(differ),
            "FROM t JOIN u ON t.rowid = u.rowid WHERE typeof(t.c%u) <> typeof(u.c%u) OR quote(t.c%u) <> quote(u.c%u)",
            i, i, i, i);
        snprintf(sql, sizeof(sql), "SELECT t.rowid || ': ' || quote(t.c%u) || ', not ' || quote(u.c%u) %s", i, i,
                 differ);
        if (!CHECK_STR(ask(db, sql), "nothing"))
            printf("# column %u, kind %s as \"%s\"\n", i, sp_kind_name(columns[i].type.kind), columns[i].declared);
    }
    CHECK_STR(ask(db, "SELECT count(*) FROM t JOIN u ON t.rowid = u.rowid"), "700");
    CHECK_STR(
        ask(db,
            "SELECT sum(payload) - (SELECT sum(payload) FROM dbstat WHERE name = 'u') FROM dbstat WHERE name = 't'"),
        "0");
}

static void records_at(uint32_t page_size)
{
    sp_field fields[COLUMNS];
    sp_sqlite_column c[COLUMNS];
    sp_buf sql = {0};
    sp_batch b;
    sp_sqliterows *encoder = NULL;
    sp_sqlitetree *tree = NULL;
    sp_sqlite_rows rows = {0};
    sp_sqlite_pages pages;
    const sp_schema schema = {.table = "t", .fields = fields, .n_fields = COLUMNS};
    spate_error err = {0};
    for (uint32_t i = 0; i < COLUMNS; i++) {
        fields[i] = (sp_field){.name = "c", .type = columns[i].type, .nullable = true};
        c[i] = (sp_sqlite_column){
            .field = i,
            .target = {true, sp_sqlite_affinity(columns[i].declared), strcmp(columns[i].declared, "blob") == 0}};
        CHECK(sp_sqlite_can_keep(&columns[i].type, &c[i].target, false));
        CHECK(!sp_buf_printf(&sql, "%sc%u %s", i ? ", " : "CREATE TABLE t (", i, columns[i].declared));
    }
    CHECK(!sp_buf_add(&sql, ")", 2));
    uint32_t root = begin_file(page_size, sql.data, &pages), first = pages.next;
    CHECK_INT(sp_batch_init(&b, &schema, &err), SPATE_OK);
    fill(&b);
    CHECK_INT(sp_sqliterows_new(&schema, c, COLUMNS, &encoder, &err), SPATE_OK);
    CHECK_INT(sp_sqlitetree_new(&pages, &tree, &err), SPATE_OK);
    CHECK_INT(sp_sqliterows_encode(encoder, &b, &rows, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_INT(rows.n, ROWS);
    const char *record = rows.records.data;
    for (uint32_t i = 0; i < rows.n; i++) {
        uint32_t len = ((uint32_t *)(void *)rows.lengths.data)[i];
        CHECK_INT(sp_sqlitetree_add(tree, i + 1, (sp_str){record, len}, &err), SPATE_OK);
        record += len;
    }
    end_file(&pages, first, tree, root);
    sqlite3 *db = open_db();
    CHECK_STR(ask(db, "PRAGMA integrity_check"), "ok");
    sql.data[13] = 'u';
    run(db, sql.data);
    insert_all(db, &b, c);
    compare_tables(db);
    sp_sqlite.close_v2(db);
    sp_sqliterows_free(encoder);
    sp_sqlite_rows_done(&rows);
    sp_batch_done(&b);
    sp_buf_done(&sql);
}

static void records(void)
{
    for (uint32_t size = SP_SQLITE_PAGE_MIN; size <= SP_SQLITE_PAGE_MAX; size *= 2)
        records_at(size);
}

/* ---- what is refused ---- */

static void conversions_are_left_to_sqlite(void)
{
    static const struct {
        sp_kind kind;
        const char *declared;
        bool strict, can;
    } cases[] = {
        {SP_TEXT, "integer", false, false}, {SP_TEXT, "numeric", false, false}, {SP_JSON, "json", false, false},
        {SP_F64, "text", false, false},     {SP_BOOL, "text", false, false},    {SP_I16, "text", false, false},
        {SP_I64, "integer", true, true},    {SP_TEXT, "text", true, true},      {SP_TEXT, "integer", true, false},
        {SP_F64, "integer", true, false},   {SP_F64, "real", true, true},       {SP_BYTES, "text", true, false},
        {SP_BYTES, "blob", true, true},     {SP_I64, "any", true, false},       {SP_DATE, "integer", true, false},
        {SP_UUID, "blob", true, true},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        sp_sqlite_target target = {true, sp_sqlite_affinity(cases[i].declared), strcmp(cases[i].declared, "blob") == 0};
        if (!CHECK_INT(sp_sqlite_can_keep(&(sp_type){.kind = cases[i].kind}, &target, cases[i].strict), cases[i].can))
            printf("# case %zu\n", i);
    }
}

static int encode_one(sp_type type, const void *value, bool null, const sp_sqlite_column *c, spate_error *err)
{
    sp_field field = {.name = "a", .type = type, .nullable = true};
    const sp_schema schema = {.table = "t", .fields = &field, .n_fields = 1};
    sp_batch b;
    sp_sqliterows *encoder = NULL;
    sp_sqlite_rows rows = {0};
    *err = (spate_error){0};
    CHECK_INT(sp_batch_init(&b, &schema, err), SPATE_OK);
    sp_batch_reset(&b);
    memcpy(b.columns[0].data, value, 8);
    if (null)
        sp_column_validity(&b.columns[0], 1)[0] = 0;
    b.rows = 1;
    CHECK_INT(sp_sqliterows_new(&schema, c, 1, &encoder, err), SPATE_OK);
    int rc = sp_sqliterows_encode(encoder, &b, &rows, err);
    sp_sqliterows_free(encoder);
    sp_sqlite_rows_done(&rows);
    sp_batch_done(&b);
    return rc;
}

static void bad_cells(void)
{
    spate_error err;
    sp_sqlite_column any = {.target = {true, SP_SQLITE_NONE, false}}, must = any,
                     key = {.target = {true, SP_SQLITE_INTEGER, false}, .is_rowid = true};
    must.not_null = true;
    CHECK_INT(encode_one((sp_type){SP_F64}, &(double){NAN}, false, &any, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "column \"a\": SQLite has no NaN") != NULL);
    CHECK_INT(encode_one((sp_type){SP_U64}, &(uint64_t){UINT64_MAX}, false, &any, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "no integer as large as 18446744073709551615") != NULL);
    CHECK_INT(encode_one((sp_type){SP_DECIMAL, 18, 4}, &(int64_t){900719925474099312}, false, &any, &err),
              SPATE_E_DATA);
    CHECK(strstr(err.message, "cannot hold 90071992547409.9312 exactly") != NULL);
    CHECK_INT(encode_one((sp_type){SP_I64}, &(int64_t){5}, true, &must, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "NOT NULL constraint failed: t.a") != NULL);
    CHECK_INT(encode_one((sp_type){SP_I64}, &(int64_t){5}, true, &key, &err), SPATE_E_DATA);
    CHECK_INT(encode_one((sp_type){SP_U64}, &(uint64_t){UINT64_MAX}, false, &key, &err), SPATE_E_DATA);
    CHECK_INT(encode_one((sp_type){SP_I64}, &(int64_t){5}, false, &must, &err), SPATE_OK);
}

static void too_many_pages(void)
{
    spate_error err = {0};
    sp_sqlite_pages pages = {.size = 512, .next = 1073741823};
    sp_sqlitetree *tree = NULL;
    char record[2000] = {4, (char)0x9f, 0x30};
    CHECK_INT(sp_sqlitetree_new(&pages, &tree, NULL), SPATE_OK);
    CHECK_INT(sp_sqlitetree_add(tree, 1, (sp_str){record, sizeof(record)}, &err), SPATE_E_DATA);
    CHECK(strstr(err.message, "more than 1073741823 pages of 512 bytes") != NULL);
    sp_sqlitetree_free(tree);
    sp_buf_done(&pages.out);
}

int main(void)
{
    const char *asked = getenv("SPATE_SEED");
    seed = asked ? strtoull(asked, NULL, 0) : (uint64_t)sp_os_wall_us();
    printf("# seed %llu\n", (unsigned long long)seed);
    snprintf(file, sizeof(file), "/tmp/spate-test-sqlite-pages-%d.db", (int)getpid());
    RUN(golden_page);
    RUN(trees);
    RUN(large_blobs);
    RUN(lock_page);
    RUN(records);
    RUN(conversions_are_left_to_sqlite);
    RUN(bad_cells);
    RUN(too_many_pages);
    (void)!sp_os_unlink(file, NULL);
    return check_done();
}
