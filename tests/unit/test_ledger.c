/* test_ledger.c - what a ledger records, answers, seals into DuckDB, and finds again. */
#include "check.h"

#include "base/base.h"
#include "os/os.h"
#include "spate/ledger.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/spate-ledger-XXXXXX", file[128];
static spate_error err;
static spate_nodes out, kids;

#define OK(call) CHECK_INT(ok(call), SPATE_OK)
static int ok(int rc)
{
    if (rc != SPATE_OK)
        printf("# %s\n", err.message);
    return rc;
}

static spate_bytes text(const char *s)
{
    return (spate_bytes){s, strlen(s)};
}

static void remove_files(void)
{
    char name[160];
    const char *ends[] = {"", ".wal", ".journal"};
    for (unsigned i = 0; i < 3; i++) {
        snprintf(name, sizeof(name), "%s%s", file, ends[i]);
        unlink(name);
    }
}

static spate_ledger *opened(spate_ledger_options options)
{
    spate_ledger *l = NULL;
    memset(&err, 0, sizeof(err));
    OK(spate_ledger_open(&options, &l, &err));
    return l;
}

static spate_ledger *seeded(spate_ledger_options options)
{
    spate_ledger *l = opened(options);
    spate_node src = {.service_id = text("/home/a")}, dst = {.service_id = text("/mnt/b")};
    OK(spate_ledger_seed(l, &src, &dst, &err));
    return l;
}

static spate_node_id id_of(spate_side side, spate_node_type type, const char *path)
{
    return spate_node_id_of(side, type, text(path));
}

static spate_node child(const char *name, spate_node_type type, int64_t size)
{
    return (spate_node){.name = text(name), .type = (uint8_t)type, .size = size, .mtime_ns = size * 1000000001};
}

static int list(spate_ledger *l, spate_side side, const char *path, const spate_node *children, size_t n)
{
    spate_task t = {.side = side,
                    .id = id_of(side, SPATE_FOLDER, path),
                    .traversal = SPATE_TRAVERSAL_SUCCESSFUL,
                    .children = children,
                    .n_children = n};
    return spate_ledger_done(l, &t, &err);
}

static int change(spate_ledger *l, spate_change_kind kind, spate_side side, spate_node_type type, const char *path,
                  int64_t value)
{
    spate_change c = {.kind = kind, .side = side, .id = id_of(side, type, path), .value = value};
    return spate_ledger_apply(l, &c, 1, &err);
}

static char answer[8192];
static size_t answer_rows;

static int collect(void *arg, const spate_cell *cells, size_t n)
{
    bool *names = arg;
    size_t used = strlen(answer);
    for (size_t i = 0; !*names && i < n; i++)
        used += (size_t)snprintf(answer + used, sizeof(answer) - used, "%.*s%s", (int)cells[i].len,
                                 cells[i].text ? cells[i].text : "NULL", i + 1 < n ? "|" : "\n");
    answer_rows += !*names;
    *names = false;
    return 0;
}

static const char *sql(spate_ledger *l, const char *statement)
{
    bool names = true;
    answer[0] = '\0';
    answer_rows = 0;
    OK(spate_ledger_sql(l, statement, NULL, 0, collect, &names, &err));
    return answer;
}

/* ---- words and ids ---- */

static void ids_are_a_function_of_side_type_and_path(void)
{
    spate_node_id a = id_of(SPATE_SRC, SPATE_FOLDER, "/a"), b = id_of(SPATE_SRC, SPATE_FOLDER, "/a");
    CHECK(memcmp(&a, &b, sizeof(a)) == 0);
    spate_node_id others[] = {id_of(SPATE_DST, SPATE_FOLDER, "/a"), id_of(SPATE_SRC, SPATE_FILE, "/a"),
                              id_of(SPATE_SRC, SPATE_FOLDER, "/b")};
    for (unsigned i = 0; i < 3; i++)
        CHECK(memcmp(&a, &others[i], sizeof(a)) != 0);
    char hex[33];
    spate_node_id_hex(a, hex);
    CHECK_INT(strlen(hex), 32);
    CHECK_STR(spate_stat_name(SPATE_STAT_NOT_ON_SRC), "traversal/not_on_src");
    CHECK_STR(spate_copy_state_name(SPATE_COPY_IN_PROGRESS), "in_progress");
    CHECK(spate_log_id() < spate_log_id());
}

/* ---- roots ---- */

static void roots_and_their_statistics(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    CHECK_STR(spate_ledger_path(l), ":memory:");
    for (spate_side side = SPATE_SRC; side <= SPATE_DST; side++) {
        OK(spate_ledger_root(l, side, &out, &err));
        CHECK_INT(out.n, 1);
        CHECK_STRN(out.nodes[0].path.p, out.nodes[0].path.len, "/");
        CHECK_INT(out.nodes[0].parent_path.len, 0);
        CHECK_INT(out.nodes[0].name.len, 0);
        CHECK_STRN(out.nodes[0].service_id.p, out.nodes[0].service_id.len, side ? "/mnt/b" : "/home/a");
        CHECK_INT(spate_ledger_stat(l, side, 0, SPATE_STAT_PENDING), 1);
        CHECK_INT(spate_ledger_stat(l, side, -1, SPATE_STAT_SUCCESSFUL), 0);
        CHECK_INT(out.nodes[0].copy, side ? SPATE_COPY_ANY : SPATE_COPY_PENDING);
    }
    spate_node again = {.service_id = text("/elsewhere")};
    OK(spate_ledger_seed(l, &again, NULL, &err));
    OK(spate_ledger_root(l, SPATE_SRC, &out, &err));
    CHECK_STRN(out.nodes[0].service_id.p, out.nodes[0].service_id.len, "/home/a");
    OK(spate_ledger_seal(l, SPATE_SRC, 0, 0, &err));
    CHECK_STR(sql(l, "SELECT path, parent_path, depth, traversal_status, parent_id FROM src_nodes"), "/||0|pending|\n");
    OK(change(l, SPATE_SET_TRAVERSAL, SPATE_SRC, SPATE_FOLDER, "/", SPATE_TRAVERSAL_SUCCESSFUL));
    OK(spate_ledger_seal(l, SPATE_SRC, 0, 1, &err));
    CHECK_STR(sql(l, "SELECT path, traversal_status FROM src_nodes"), "/|successful\n");
    CHECK_STR(sql(l, "SELECT depth, key, count FROM src_stats WHERE count > 0 ORDER BY key"),
              "0|completed|1\n0|copy/pending|1\n0|traversal/successful|1\n");
    OK(spate_ledger_close(l, &err));
}

/* ---- tasks ---- */

static void a_task_its_children_and_changes_elsewhere_are_one(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    spate_node found[] = {child("dir", SPATE_FOLDER, 0), child("f%_'\"", SPATE_FILE, 7)};
    OK(list(l, SPATE_SRC, "/", found, 2));
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/f%_'\""), 0, &out, &err));
    CHECK_INT(out.n, 1);
    const spate_node *n = &out.nodes[0];
    CHECK_INT(n->size, 7);
    CHECK_INT(n->depth, 1);
    CHECK_INT(n->traversal, SPATE_TRAVERSAL_SUCCESSFUL);
    CHECK_INT(n->copy, SPATE_COPY_PENDING);
    CHECK_STRN(n->parent_path.p, n->parent_path.len, "/");
    CHECK_STRN(n->name.p, n->name.len, "f%_'\"");
    CHECK_STRN(n->service_id.p, n->service_id.len, "/home/a/f%_'\"");
    CHECK_STRN(n->parent_service_id.p, n->parent_service_id.len, "/home/a");
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/dir"), SPATE_FOLDER, &out, &err));
    CHECK_INT(out.nodes[0].traversal, SPATE_TRAVERSAL_PENDING);

    /* the other side, with the source's statuses in the same record */
    spate_node there[] = {child("dir", SPATE_FOLDER, 0), child("extra", SPATE_FILE, 1)};
    there[1].traversal = SPATE_TRAVERSAL_NOT_ON_SRC;
    spate_change same = {.kind = SPATE_SET_COPY,
                         .side = SPATE_SRC,
                         .id = id_of(SPATE_SRC, SPATE_FOLDER, "/dir"),
                         .value = SPATE_COPY_SUCCESSFUL};
    spate_task t = {.side = SPATE_DST,
                    .id = id_of(SPATE_DST, SPATE_FOLDER, "/"),
                    .traversal = SPATE_TRAVERSAL_SUCCESSFUL,
                    .children = there,
                    .n_children = 2,
                    .changes = &same,
                    .n_changes = 1};
    OK(spate_ledger_done(l, &t, &err));
    OK(spate_ledger_get(l, SPATE_SRC, same.id, &out, &err));
    CHECK_INT(out.nodes[0].copy, SPATE_COPY_SUCCESSFUL);

    /* a change that cannot be: nothing of the task happens */
    spate_node more[] = {child("later", SPATE_FILE, 1)};
    same.id = id_of(SPATE_SRC, SPATE_FILE, "/none");
    t = (spate_task){.side = SPATE_DST,
                     .id = id_of(SPATE_DST, SPATE_FOLDER, "/dir"),
                     .traversal = SPATE_TRAVERSAL_FAILED,
                     .children = more,
                     .n_children = 1,
                     .changes = &same,
                     .n_changes = 1};
    CHECK_INT(spate_ledger_done(l, &t, &err), SPATE_E_DATA);
    OK(spate_ledger_get_path(l, SPATE_DST, text("/dir/later"), 0, &out, &err));
    CHECK_INT(out.n, 0);
    OK(spate_ledger_get_path(l, SPATE_DST, text("/dir"), 0, &out, &err));
    CHECK_INT(out.nodes[0].traversal, SPATE_TRAVERSAL_PENDING);

    /* found again: what is known stays, what is new is taken */
    found[1].size = 9;
    found[1].traversal = 0;
    OK(change(l, SPATE_SET_COPY, SPATE_SRC, SPATE_FILE, "/f%_'\"", SPATE_COPY_SUCCESSFUL));
    OK(list(l, SPATE_SRC, "/", found, 2));
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/f%_'\""), 0, &out, &err));
    CHECK_INT(out.nodes[0].size, 9);
    CHECK_INT(out.nodes[0].copy, SPATE_COPY_SUCCESSFUL);
    CHECK_INT(spate_ledger_count(l, &(spate_filter){.side = SPATE_SRC, .depth = -1}), 3);
    OK(spate_ledger_close(l, &err));
}

static void names_and_steps_that_cannot_be(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    const char *bad[] = {"", "a/b"};
    for (unsigned i = 0; i < 2; i++) {
        spate_node n = child(bad[i], SPATE_FILE, 0);
        CHECK_INT(list(l, SPATE_SRC, "/", &n, 1), SPATE_E_USAGE);
    }
    spate_node nul = {.name = {"a\0b", 3}, .type = SPATE_FILE};
    CHECK_INT(list(l, SPATE_SRC, "/", &nul, 1), SPATE_E_USAGE);
    spate_node file_node = child("f", SPATE_FILE, 0);
    OK(list(l, SPATE_SRC, "/", &file_node, 1));
    CHECK_INT(
        spate_ledger_done(
            l, &(spate_task){.id = id_of(SPATE_SRC, SPATE_FILE, "/f"), .children = &file_node, .n_children = 1}, &err),
        SPATE_E_USAGE);
    CHECK_INT(change(l, SPATE_SET_TRAVERSAL, SPATE_SRC, SPATE_FILE, "/f", SPATE_TRAVERSAL_FAILED), SPATE_E_USAGE);
    CHECK_INT(change(l, SPATE_SET_TRAVERSAL, SPATE_SRC, SPATE_FILE, "/f", SPATE_TRAVERSAL_NOT_ON_SRC), SPATE_E_USAGE);
    OK(change(l, SPATE_SET_TRAVERSAL, SPATE_SRC, SPATE_FILE, "/f", SPATE_TRAVERSAL_PENDING));
    OK(change(l, SPATE_SET_TRAVERSAL, SPATE_SRC, SPATE_FILE, "/f", SPATE_TRAVERSAL_FAILED));
    OK(change(l, SPATE_SET_COPY, SPATE_SRC, SPATE_FILE, "/f", SPATE_COPY_IN_PROGRESS));
    OK(change(l, SPATE_SET_COPY, SPATE_SRC, SPATE_FILE, "/f", SPATE_COPY_CONFLICT));
    CHECK_INT(change(l, SPATE_SET_COPY, SPATE_SRC, SPATE_FILE, "/f", SPATE_COPY_SUCCESSFUL), SPATE_E_USAGE);
    OK(change(l, SPATE_SET_COPY, SPATE_SRC, SPATE_FILE, "/f", SPATE_COPY_PENDING));
    OK(change(l, SPATE_SET_COPY, SPATE_SRC, SPATE_FILE, "/f", SPATE_COPY_SUCCESSFUL));
    OK(change(l, SPATE_SET_COPY, SPATE_SRC, SPATE_FILE, "/f", SPATE_COPY_FAILED));
    CHECK_INT(change(l, SPATE_SET_COPY, SPATE_SRC, SPATE_FILE, "/f", SPATE_COPY_SUCCESSFUL), SPATE_E_USAGE);
    OK(change(l, SPATE_SET_COPY, SPATE_DST, SPATE_FOLDER, "/", SPATE_COPY_SUCCESSFUL));
    OK(spate_ledger_root(l, SPATE_DST, &out, &err));
    CHECK_INT(out.nodes[0].copy, SPATE_COPY_ANY);
    CHECK_INT(change(l, SPATE_DELETE, SPATE_SRC, SPATE_FOLDER, "/", 0), SPATE_E_USAGE);
    CHECK_INT(change(l, SPATE_SET_NOTE, SPATE_SRC, SPATE_FILE, "/nobody", 0), SPATE_E_DATA);
    OK(spate_ledger_close(l, &err));
}

static void steps_of_one_record_follow_each_other(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    spate_node file_node = child("f", SPATE_FILE, 0);
    OK(list(l, SPATE_SRC, "/", &file_node, 1));
    spate_change steps[3] = {{.value = SPATE_COPY_SUCCESSFUL}, {.value = SPATE_COPY_IN_PROGRESS}};
    for (unsigned i = 0; i < 3; i++) {
        steps[i].kind = SPATE_SET_COPY;
        steps[i].id = id_of(SPATE_SRC, SPATE_FILE, "/f");
    }
    CHECK_INT(spate_ledger_apply(l, steps, 2, &err), SPATE_E_USAGE); /* each for itself would be a step */
    OK(spate_ledger_get(l, SPATE_SRC, steps[0].id, &out, &err));
    CHECK_INT(out.nodes[0].copy, SPATE_COPY_PENDING);
    CHECK_INT(spate_ledger_count(l, &(spate_filter){.depth = 1, .copy = SPATE_COPY_PENDING}), 1);
    steps[1].value = SPATE_COPY_PENDING;
    steps[2].value = SPATE_COPY_SKIPPED;
    OK(spate_ledger_apply(l, steps, 3, &err)); /* the last alone would be none from successful on */
    OK(spate_ledger_get(l, SPATE_SRC, steps[0].id, &out, &err));
    CHECK_INT(out.nodes[0].copy, SPATE_COPY_SKIPPED);
    CHECK_INT(spate_ledger_count(l, &(spate_filter){.depth = 1, .copy = SPATE_COPY_SKIPPED}), 1);
    OK(spate_ledger_close(l, &err));
}

static void insert_is_all_or_none(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    spate_node nodes[] = {{.path = text("/a"), .type = SPATE_FOLDER, .traversal = SPATE_TRAVERSAL_FAILED},
                          {.path = text("/a/b"), .type = SPATE_FILE, .size = 3},
                          {.path = text("/x/y"), .type = SPATE_FILE}};
    CHECK_INT(spate_ledger_insert(l, SPATE_SRC, nodes, 3, &err), SPATE_E_DATA);
    CHECK_INT(spate_ledger_count(l, &(spate_filter){.side = SPATE_SRC, .depth = -1}), 1);
    OK(spate_ledger_insert(l, SPATE_SRC, nodes, 2, &err));
    CHECK_INT(spate_ledger_insert(l, SPATE_SRC, nodes, 1, &err), SPATE_E_DATA);
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/a/b"), 0, &out, &err));
    CHECK_INT(out.nodes[0].depth, 2);
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/a"), 0, &out, &err));
    CHECK_INT(out.nodes[0].traversal, SPATE_TRAVERSAL_FAILED);
    OK(spate_ledger_close(l, &err));
}

/* ---- pages ---- */

static void fill(spate_ledger *l, spate_side side, const char *path, unsigned from, unsigned to)
{
    static char names[4096][16];
    static spate_node nodes[4096];
    for (unsigned i = from; i < to; i++) {
        snprintf(names[i - from], sizeof(names[0]), "n%u", i);
        nodes[i - from] = child(names[i - from], i % 3 ? SPATE_FILE : SPATE_FOLDER, i);
    }
    OK(list(l, side, path, nodes, to - from));
    OK(change(l, SPATE_SET_TRAVERSAL, side, SPATE_FOLDER, path, SPATE_TRAVERSAL_PENDING));
}

/* Counts the pages' nodes and checks that ids rise. */
static size_t walk_pages(spate_ledger *l, const spate_filter *f, size_t limit, bool *missed)
{
    spate_cursor c = {0};
    spate_node_id last = {{0}};
    size_t n = 0;
    do {
        OK(spate_ledger_page(l, f, &c, limit, &out, &err));
        for (size_t i = 0; i < out.n; i++) {
            CHECK(memcmp(&last, &out.nodes[i].id, sizeof(last)) < 0);
            last = out.nodes[i].id;
        }
        n += out.n;
    } while (out.n == limit);
    *missed = c.missed;
    return n;
}

static void pages_have_no_gap_and_no_repeat(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    bool missed;
    fill(l, SPATE_SRC, "/", 0, 4000);
    spate_filter all = {.side = SPATE_SRC, .depth = 1},
                 pending = {.side = SPATE_SRC, .depth = 1, .traversal = SPATE_TRAVERSAL_PENDING},
                 files = {.side = SPATE_SRC, .depth = 1, .copy = SPATE_COPY_PENDING, .type = SPATE_FILE};
    CHECK_INT(walk_pages(l, &all, 7, &missed), 4000);
    CHECK(!missed);
    CHECK_INT(walk_pages(l, &pending, 100, &missed), 1334);
    CHECK_INT(walk_pages(l, &files, 4000, &missed), 2666);
    CHECK_INT(walk_pages(l, &(spate_filter){.side = SPATE_SRC, .depth = 9}, 10, &missed), 0);

    /* written to between the pages: every node that stays is seen once, and taking some away disturbs nobody */
    spate_cursor c = {0};
    size_t seen = 0, round = 0;
    do {
        OK(spate_ledger_page(l, &pending, &c, 50, &out, &err));
        seen += out.n;
        for (size_t i = 0; i < out.n; i++) {
            spate_change done = {.kind = SPATE_SET_TRAVERSAL,
                                 .side = SPATE_SRC,
                                 .id = out.nodes[i].id,
                                 .value = SPATE_TRAVERSAL_SUCCESSFUL};
            OK(spate_ledger_apply(l, &done, 1, &err));
        }
        if (++round == 3)
            CHECK(!c.missed);
        if (round % 5 == 0)
            fill(l, SPATE_DST, "/", (unsigned)round * 10, (unsigned)round * 10 + 10);
    } while (out.n == 50);
    CHECK_INT(seen, 1334);
    CHECK(!c.missed);

    /* joins in many small runs, then all of them in order */
    for (unsigned from = 4000; from < 6000; from += 37) {
        fill(l, SPATE_SRC, "/", from, from + 37);
        OK(spate_ledger_page(l, &all, &(spate_cursor){0}, 1, &out, &err));
    }
    CHECK_INT(walk_pages(l, &all, 64, &missed), 6035);
    c = (spate_cursor){0};
    OK(spate_ledger_page(l, &all, &c, 10, &out, &err));
    fill(l, SPATE_SRC, "/", 7000, 7001);
    OK(spate_ledger_page(l, &all, &c, 10, &out, &err));
    CHECK(c.missed);
    OK(spate_ledger_close(l, &err));
}

static void destination_pages_bring_the_sources_children(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    spate_node dirs[] = {child("d1", SPATE_FOLDER, 0), child("d2", SPATE_FOLDER, 0), child("d3", SPATE_FOLDER, 0)};
    OK(list(l, SPATE_SRC, "/", dirs, 2));
    OK(list(l, SPATE_DST, "/", dirs, 3));
    fill(l, SPATE_SRC, "/d1", 0, 20);
    fill(l, SPATE_SRC, "/d2", 20, 25);
    size_t first[11], total = 0;
    spate_cursor c = {0};
    spate_filter f = {.depth = 1, .traversal = SPATE_TRAVERSAL_PENDING};
    for (size_t page = 0; page < 3; page++) {
        OK(spate_ledger_page_joined(l, &f, &c, 1, &out, &kids, first, &err));
        CHECK_INT(out.n, 1);
        size_t want = out.nodes[0].path.p[2] == '1' ? 20 : out.nodes[0].path.p[2] == '2' ? 5 : 0;
        CHECK_INT(first[1] - first[0], want);
        for (size_t i = 1; i < kids.n; i++)
            CHECK(memcmp(&kids.nodes[i - 1].id, &kids.nodes[i].id, 16) < 0);
        if (kids.n)
            CHECK(kids.nodes[0].name.p[0] == 'n');
        total += kids.n;
    }
    CHECK_INT(total, 25);
    OK(spate_ledger_page_joined(l, &f, &c, 10, &out, &kids, first, &err));
    CHECK_INT(out.n, 0);
    OK(spate_ledger_close(l, &err));
}

/* ---- lookups ---- */

/* "n17": 17. No NUL follows a name. */
static unsigned number_of(spate_bytes name)
{
    unsigned n = 0;
    for (size_t i = 1; i < name.len; i++)
        n = 10 * n + (unsigned)(name.p[i] - '0');
    return n;
}

static void lookups_single_and_many(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    spate_node dirs[] = {child("d", SPATE_FOLDER, 0), child("d", SPATE_FILE, 5)};
    OK(list(l, SPATE_SRC, "/", dirs, 2));
    OK(list(l, SPATE_DST, "/", dirs, 1));
    fill(l, SPATE_SRC, "/d", 0, 30);
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/d"), 0, &out, &err));
    CHECK_INT(out.nodes[0].type, SPATE_FOLDER);
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/d"), SPATE_FILE, &out, &err));
    CHECK_INT(out.nodes[0].size, 5);
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/nothing"), 0, &out, &err));
    CHECK_INT(out.n, 0);
    spate_node_id ids[] = {id_of(SPATE_SRC, SPATE_FOLDER, "/d"), id_of(SPATE_SRC, SPATE_FILE, "/zz"),
                           id_of(SPATE_SRC, SPATE_FILE, "/d/n1")};
    int64_t rows[3];
    OK(spate_ledger_get_many(l, SPATE_SRC, ids, 3, &out, rows, &err));
    CHECK_INT(out.n, 2);
    CHECK_INT(rows[1], -1);
    CHECK_INT(rows[2], 1);
    CHECK_STRN(out.nodes[1].path.p, out.nodes[1].path.len, "/d/n1");
    OK(spate_ledger_facts_many(l, SPATE_SRC, ids, 3, &kids, rows, &err));
    CHECK(kids.n == 2 && rows[0] == 0 && rows[1] == -1 && rows[2] == 1);
    CHECK(kids.nodes[1].size == out.nodes[1].size && memcmp(&kids.nodes[1].id, &ids[2], 16) == 0);
    CHECK(kids.nodes[1].path.len + kids.nodes[1].name.len + kids.nodes[1].service_id.len == 0);
    spate_node_id other[3];
    bool found[3];
    OK(spate_ledger_counterparts(l, SPATE_SRC, ids, 3, other, found, &err));
    CHECK(found[0] && !found[1] && !found[2]);
    OK(spate_ledger_get(l, SPATE_DST, other[0], &out, &err));
    CHECK_INT(out.n, 1);
    OK(spate_ledger_children(l, SPATE_SRC, ids[0], 7, &out, &err));
    CHECK_INT(out.n, 7);
    OK(spate_ledger_children_path(l, SPATE_SRC, text("/d"), 0, &kids, &err));
    CHECK_INT(kids.n, 30);
    for (size_t i = 0; i < 7; i++)
        CHECK(memcmp(&out.nodes[i].id, &kids.nodes[i].id, 16) == 0);
    size_t first[4];
    OK(spate_ledger_children_many(l, SPATE_SRC, ids, 3, &out, first, &err));
    CHECK(first[0] == 0 && first[1] == 30 && first[2] == 30 && first[3] == 30);
    spate_bytes paths[] = {text("/"), text("/d")};
    OK(spate_ledger_children_paths(l, SPATE_SRC, paths, 2, &out, first, &err));
    CHECK(first[1] == 2 && first[2] == 32);
    spate_child_cursor cursor = {0};
    unsigned seen = 0, calls = 0;
    do {
        OK(spate_ledger_children_some(l, SPATE_SRC, ids[0], &cursor, 7, &out, &err));
        if (calls++ == 1)
            OK(change(l, SPATE_DELETE, SPATE_SRC, SPATE_FILE, "/d/n1", 0)); /* numbers do not move */
        for (size_t i = 0; i < out.n; i++)
            seen |= 1u << number_of(out.nodes[i].name);
    } while (cursor.next);
    CHECK_INT(seen | 2, (1u << 30) - 1);
    int32_t depths[4];
    CHECK_INT(spate_ledger_levels(l, SPATE_SRC, depths, 4), 3);
    CHECK_INT(depths[2], 2);
    OK(spate_ledger_close(l, &err));
}

/* ---- subtrees, exclusion, deletion: % and _ are bytes ---- */

static void subtrees_are_exact(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    spate_node dirs[] = {child("a_b", SPATE_FOLDER, 0), child("axb", SPATE_FOLDER, 0), child("a%", SPATE_FOLDER, 0)};
    spate_node leaf = child("y", SPATE_FILE, 1);
    spate_subtree t;
    OK(list(l, SPATE_SRC, "/", dirs, 3));
    for (unsigned i = 0; i < 2; i++)
        OK(list(l, SPATE_SRC, i ? "/axb" : "/a_b", &leaf, 1));
    OK(spate_ledger_subtree(l, SPATE_SRC, text("/a_b"), &t, &err));
    CHECK(t.nodes == 2 && t.folders == 1 && t.files == 1 && t.depth_max == 2 && t.excluded == 0);
    OK(spate_ledger_subtree(l, SPATE_SRC, text("/a%"), &t, &err));
    CHECK_INT(t.nodes, 1);
    OK(spate_ledger_subtree(l, SPATE_SRC, text("/"), &t, &err));
    CHECK_INT(t.nodes, 6);
    OK(spate_ledger_subtree(l, SPATE_SRC, text("/gone"), &t, &err));
    CHECK_INT(t.nodes, 0);
    OK(change(l, SPATE_SET_EXCLUDED_BELOW, SPATE_SRC, SPATE_FOLDER, "/a_b", 1));
    OK(change(l, SPATE_SET_EXCLUDED, SPATE_SRC, SPATE_FOLDER, "/a%", 1));
    CHECK_INT(spate_ledger_count(l, &(spate_filter){.depth = -1, .excluded = SPATE_EXCLUDED_YES}), 3);
    OK(spate_ledger_subtree(l, SPATE_SRC, text("/a_b"), &t, &err));
    CHECK_INT(t.excluded, 2);
    bool missed;
    CHECK_INT(walk_pages(l, &(spate_filter){.depth = 1, .excluded = SPATE_EXCLUDED_NO}, 10, &missed), 1);
    OK(change(l, SPATE_DELETE, SPATE_SRC, SPATE_FOLDER, "/a_b", 0));
    OK(spate_ledger_subtree(l, SPATE_SRC, text("/"), &t, &err));
    CHECK_INT(t.nodes, 4);
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/axb/y"), 0, &out, &err));
    CHECK_INT(out.n, 1);
    OK(change(l, SPATE_DELETE_BELOW, SPATE_SRC, SPATE_FOLDER, "/axb", 0));
    OK(spate_ledger_children_path(l, SPATE_SRC, text("/axb"), 0, &out, &err));
    CHECK_INT(out.n, 0);
    /* found again, it is as new */
    OK(list(l, SPATE_SRC, "/", dirs, 1));
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/a_b"), 0, &out, &err));
    CHECK(out.n == 1 && !out.nodes[0].excluded && out.nodes[0].traversal == SPATE_TRAVERSAL_PENDING);
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/a_b/y"), 0, &out, &err));
    CHECK_INT(out.n, 0);
    OK(spate_ledger_close(l, &err));
}

/* ---- sealing ---- */

static int tell_sum(void *arg, const spate_sum *sum)
{
    sp_buf *told = arg;
    return sp_buf_printf(told, "%s %s%s%s%s: %llu of %llu bytes\n", spate_node_type_name(sum->type),
                         spate_traversal_name(sum->traversal), sum->copy ? " " : "", spate_copy_state_name(sum->copy),
                         sum->excluded ? " excluded"
                         : sum->found  ? " on both sides"
                                       : "",
                         (unsigned long long)sum->nodes, (unsigned long long)sum->bytes);
}

static const char *sums_of(spate_ledger *l, spate_side side, sp_buf *told)
{
    told->len = 0;
    OK(spate_ledger_sums(l, side, tell_sum, told, &err));
    CHECK(sp_buf_add(told, "", 1) == 0);
    return told->data;
}

static int stop_at_once(void *arg, const spate_sum *sum)
{
    return 7;
}

static void sums_of_what_is_alike(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    sp_buf told = {0};
    spate_node dirs[] = {child("d", SPATE_FOLDER, 0), child("e", SPATE_FOLDER, 0)};
    spate_node files[] = {child("a", SPATE_FILE, 1), child("b", SPATE_FILE, 20), child("c", SPATE_FILE, 300)};
    CHECK_STR(sums_of(l, SPATE_SRC, &told), ""); /* a root is not counted */
    OK(list(l, SPATE_SRC, "/", dirs, 2));
    OK(list(l, SPATE_SRC, "/d", files, 3));
    CHECK_STR(sums_of(l, SPATE_SRC, &told), "folder pending pending: 1 of 0 bytes\n"
                                            "folder successful pending: 1 of 0 bytes\n"
                                            "file successful pending: 3 of 321 bytes\n");
    files[2].type = SPATE_FOLDER;
    OK(list(l, SPATE_DST, "/", dirs, 1));
    OK(list(l, SPATE_DST, "/d", files + 1, 2));
    OK(change(l, SPATE_SET_COPY, SPATE_SRC, SPATE_FILE, "/d/a", SPATE_COPY_SUCCESSFUL));
    OK(change(l, SPATE_SET_EXCLUDED, SPATE_SRC, SPATE_FOLDER, "/e", 1));
    CHECK_STR(sums_of(l, SPATE_SRC, &told), "file successful pending: 1 of 300 bytes\n"
                                            "file successful successful: 1 of 1 bytes\n"
                                            "folder pending pending excluded: 1 of 0 bytes\n"
                                            "folder successful pending on both sides: 1 of 0 bytes\n"
                                            "file successful pending on both sides: 1 of 20 bytes\n");
    OK(change(l, SPATE_DELETE, SPATE_DST, SPATE_FILE, "/d/b", 0));
    CHECK_STR(sums_of(l, SPATE_DST, &told), "folder pending: 1 of 300 bytes\nfolder successful: 1 of 0 bytes\n");
    CHECK_INT(spate_ledger_sums(l, SPATE_SRC, stop_at_once, NULL, &err), 7);
    sp_buf_done(&told);
    OK(spate_ledger_close(l, &err));
}

static void sealed_levels_are_in_duckdb(void)
{
    remove_files();
    spate_ledger *l = seeded((spate_ledger_options){.path = file});
    char raw[] = "n\xff\xfe";
    spate_node odd[] = {{.name = {raw, 3},
                         .type = SPATE_FILE,
                         .note = text("it's {\"odd\"}"),
                         .checksum = UINT64_MAX,
                         .attributes = 5,
                         .service_id = text("key-7")},
                        child("it's", SPATE_FOLDER, 0)};
    odd[1].mtime_ns = INT64_C(1709201472123456789);
    OK(list(l, SPATE_SRC, "/", odd, 2));
    CHECK_INT(spate_ledger_flushed_depth(l, SPATE_SRC), -1);
    OK(spate_ledger_stat_set(l, SPATE_SRC, 1, SPATE_STAT_EXPECTED, 2, &err));
    OK(spate_ledger_seal(l, SPATE_SRC, 1, 2, &err));
    CHECK_INT(spate_ledger_wait_flushed(l, SPATE_SRC, 1, 20, &err), SPATE_E_RETRY);
    OK(spate_ledger_flush(l, &err));
    OK(spate_ledger_wait_flushed(l, SPATE_SRC, 1, 0, &err));
    CHECK_INT(spate_ledger_flushed_depth(l, SPATE_SRC), 1);
    CHECK_INT(spate_ledger_flushed_depth(l, SPATE_DST), -1);
    CHECK_STR(
        sql(l,
            "SELECT path, hex(raw_path), service_id, parent_service_id, errors, checksum, attributes, copy_status FROM src_nodes WHERE type = 'file'"),
        "/n\\xff\\xfe|2F6EFFFE|key-7|/home/a|it's {\"odd\"}|18446744073709551615|5|pending\n");
    CHECK_STR(
        sql(l,
            "SELECT path, raw_path IS NULL, mtime, service_id, parent_path, traversal_status FROM src_nodes WHERE type = 'folder'"),
        "/it's|true|2024-02-29T10:11:12.123456789Z|/home/a/it's|/|pending\n");
    CHECK_STR(sql(l, "SELECT key, count FROM src_stats WHERE depth = 1 AND count > 0 ORDER BY key"),
              "completed|2\ncopy/pending|2\nexpected|2\ntraversal/pending|1\ntraversal/successful|1\n");
    CHECK_INT(spate_ledger_stat_depth(l, SPATE_SRC), 1);
    spate_bytes param = text("/it's");
    bool names = true;
    answer[0] = '\0';
    OK(spate_ledger_sql(l, "SELECT count(*) FROM src_nodes WHERE path = $1", &param, 1, collect, &names, &err));
    CHECK_STR(answer, "1\n");
    CHECK_INT(spate_ledger_sql(l, "SELEKT", NULL, 0, collect, &names, &err), SPATE_E_USAGE);

    /* later changes are folded in by the next flush: a status, a deletion, a newcomer */
    OK(list(l, SPATE_SRC, "/it's", NULL, 0));
    spate_node late = child("late", SPATE_FILE, 4);
    OK(list(l, SPATE_SRC, "/", &late, 1));
    spate_change del = {.kind = SPATE_DELETE,
                        .side = SPATE_SRC,
                        .id = spate_node_id_of(SPATE_SRC, SPATE_FILE, (spate_bytes){"/n\xff\xfe", 4})};
    OK(spate_ledger_apply(l, &del, 1, &err));
    OK(spate_ledger_flush(l, &err));
    CHECK_STR(sql(l, "SELECT path, traversal_status FROM src_nodes ORDER BY path"),
              "/it's|successful\n/late|successful\n");
    CHECK_INT(spate_ledger_stat(l, SPATE_SRC, 1, SPATE_STAT_SUCCESSFUL), 2);
    OK(spate_ledger_index(l, SPATE_SRC, &err));
    OK(spate_ledger_index(l, SPATE_SRC, &err));
    OK(spate_ledger_checkpoint(l, &err));
    OK(change(l, SPATE_SET_EXCLUDED, SPATE_SRC, SPATE_FILE, "/late", 1)); /* closing flushes it */
    OK(spate_ledger_close(l, &err));
    l = opened((spate_ledger_options){.path = file});
    CHECK_STR(sql(l, "SELECT path FROM src_nodes WHERE excluded"), "/late\n");
    OK(change(l, SPATE_SET_EXCLUDED, SPATE_SRC, SPATE_FILE, "/late", 0));
    OK(spate_ledger_close(l, &err));

    /* the file goes, the journal gives it back */
    unlink(file);
    l = opened((spate_ledger_options){.path = file});
    OK(spate_ledger_flush(l, &err));
    CHECK_STR(sql(l, "SELECT path, traversal_status FROM src_nodes ORDER BY path"),
              "/it's|successful\n/late|successful\n");
    CHECK_STR(sql(l, "SELECT key, count FROM src_stats WHERE depth = 1 AND count > 0 ORDER BY key"),
              "completed|2\ncopy/pending|2\nexpected|2\ntraversal/successful|2\n");
    OK(spate_ledger_close(l, &err));
}

static void whole_levels_in_the_order_of_ids(void)
{
    remove_files();
    spate_ledger *l = seeded((spate_ledger_options){.path = file, .flush_rows = 5000, .rows_max = 5000});
    for (unsigned i = 0; i < 12; i++)
        fill(l, SPATE_SRC, "/", i * 1000, i * 1000 + 1000);
    OK(spate_ledger_seal(l, SPATE_SRC, 1, 0, &err)); /* larger than rows_max: it goes alone */
    fill(l, SPATE_SRC, "/n0", 0, 3000);
    fill(l, SPATE_SRC, "/n0/n0", 0, 3000);
    OK(spate_ledger_seal(l, SPATE_SRC, 2, 0, &err)); /* waits for room, and makes the flush happen itself */
    OK(spate_ledger_seal(l, SPATE_SRC, 3, 0, &err));
    OK(spate_ledger_close(l, &err));
    l = opened((spate_ledger_options){.path = file});
    CHECK_STR(sql(l, "SELECT depth, count(*), count(DISTINCT id) FROM src_nodes GROUP BY depth ORDER BY depth"),
              "1|12000|12000\n2|3000|3000\n3|3000|3000\n");
    CHECK_STR(
        sql(l,
            "SELECT count(*) FROM (SELECT id, lag(id) OVER (ORDER BY rowid) AS before FROM src_nodes WHERE depth = 1) WHERE before >= id"),
        "0\n");
    CHECK_STR(sql(l, "SELECT count(*) FROM src_nodes WHERE parent_id NOT IN (SELECT id FROM src_nodes) AND depth > 1"),
              "0\n");
    OK(spate_ledger_close(l, &err));
}

/* ---- logs and the other tables ---- */

static void logs_errors_reports_and_words(void)
{
    remove_files();
    spate_ledger *l = seeded((spate_ledger_options){.path = file, .log_batch = 10, .log_ms = 50});
    for (unsigned i = 0; i < 103; i++)
        OK(spate_ledger_log(
            l,
            &(spate_log_entry){
                .level = "info", .message = "it's 100%", .entity = "worker", .entity_id = "7", .queue = "src"},
            &err));
    OK(spate_ledger_task_error(l,
                               &(spate_task_error){.queue = "SRC",
                                                   .phase = "traversal",
                                                   .message = "no",
                                                   .path = "/a'b",
                                                   .attempts = 3,
                                                   .id = id_of(SPATE_SRC, SPATE_FILE, "/a'b")},
                               &err));
    OK(spate_ledger_queue_stats(l, "src-traversal", "{\"round\":1}", &err));
    OK(spate_ledger_queue_stats(l, "src-traversal", "{\"round\":2}", &err));
    OK(spate_ledger_migration(l, &(spate_migration){.id = "m", .name = "home", .phase = "Roots-Set"}, &err));
    OK(spate_ledger_migration(l, &(spate_migration){.id = "m", .name = "home", .phase = "Complete"}, &err));
    OK(spate_ledger_remember(l, "phase", "copy", &err));
    OK(spate_ledger_remember(l, "phase", "verify", &err));
    OK(spate_ledger_remember(l, "gone", "1", &err));
    OK(spate_ledger_remember(l, "gone", NULL, &err));
    OK(spate_ledger_flush(l, &err));
    CHECK_STR(sql(l, "SELECT count(*), count(DISTINCT id), min(component), min(message) FROM logs"),
              "103|103|worker|it's 100%\n");
    CHECK_STR(sql(l, "SELECT queue_key, metrics_json FROM queue_stats"), "src-traversal|{\"round\":2}\n");
    CHECK_STR(sql(l, "SELECT queue_type, phase, length(node_id), attempts, path FROM task_errors"),
              "SRC|traversal|32|3|/a'b\n");
    CHECK_STR(sql(l, "SELECT migration_id, phase, updated_at >= created_at FROM migrations"), "m|Complete|true\n");
    OK(spate_ledger_close(l, &err));
    unlink(file);
    l = opened((spate_ledger_options){.path = file});
    char word[16];
    CHECK_INT(spate_ledger_recall(l, "phase", word, sizeof(word)), 6);
    CHECK_STR(word, "verify");
    CHECK_INT(spate_ledger_recall(l, "gone", word, sizeof(word)), -1);
    OK(spate_ledger_log(l, &(spate_log_entry){.message = "later"}, &err));
    OK(spate_ledger_flush(l, &err));
    CHECK_STR(
        sql(l,
            "SELECT (SELECT count(*) FROM logs), (SELECT count(*) FROM task_errors), (SELECT phase FROM migrations)"),
        "104|1|Complete\n");
    OK(spate_ledger_close(l, &err));
    l = opened((spate_ledger_options){.path = file});
    OK(spate_ledger_flush(l, &err));
    CHECK_STR(sql(l, "SELECT count(*) FROM logs"), "104\n");
    OK(spate_ledger_close(l, &err));
}

/* ---- opening again ---- */

static void what_is_found_again(void)
{
    remove_files();
    spate_ledger *l = seeded((spate_ledger_options){.path = file, .journal_only = true});
    fill(l, SPATE_SRC, "/", 0, 100);
    OK(change(l, SPATE_SET_COPY, SPATE_SRC, SPATE_FILE, "/n1", SPATE_COPY_IN_PROGRESS));
    OK(change(l, SPATE_SET_COPY, SPATE_SRC, SPATE_FILE, "/n2", SPATE_COPY_SUCCESSFUL));
    OK(change(l, SPATE_SET_CHECKSUM, SPATE_SRC, SPATE_FILE, "/n2", 77));
    OK(spate_ledger_seal(l, SPATE_SRC, 1, 0, &err));
    CHECK_INT(spate_ledger_sql(l, "SELECT 1", NULL, 0, collect, NULL, &err), SPATE_E_USAGE);
    OK(list(l, SPATE_SRC, "/", NULL, 0));
    spate_ledger *second = NULL;
    CHECK_INT(spate_ledger_open(&(spate_ledger_options){.path = file}, &second, &err), SPATE_E_UNREACHABLE);
    OK(spate_ledger_close(l, &err));
    CHECK(!sp_os_exists(file));
    l = opened((spate_ledger_options){.path = file});
    spate_ledger_resume r;
    spate_ledger_state(l, &r);
    CHECK(!r.fresh && r.nodes[0] == 101 && r.nodes[1] == 1 && r.bytes_cut == 0);
    CHECK_INT(r.pending_traversal[0], 34);
    CHECK_INT(r.pending_depth[0], 1);
    CHECK_INT(r.pending_depth[1], 0);
    CHECK_INT(r.pending_copy, 100);
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/n1"), 0, &out, &err));
    CHECK_INT(out.nodes[0].copy, SPATE_COPY_PENDING);
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/n2"), 0, &out, &err));
    CHECK_INT(out.nodes[0].copy, SPATE_COPY_SUCCESSFUL);
    CHECK_INT(out.nodes[0].checksum, 77);
    OK(spate_ledger_flush(l, &err));
    CHECK_STR(sql(l, "SELECT count(*) FROM src_nodes"), "100\n");
    OK(spate_ledger_close(l, &err));
}

static void check_texts(spate_ledger *l, const char *path, const char *service, const char *parent_service)
{
    OK(spate_ledger_get_path(l, SPATE_SRC, text(path), 0, &out, &err));
    if (!CHECK_INT(out.n, 1))
        return;
    const spate_node *n = out.nodes;
    const char *slash = strrchr(path, '/');
    CHECK_STRN(n->path.p, n->path.len, path);
    CHECK_STRN(n->name.p, n->name.len, slash + 1);
    CHECK_INT(n->parent_path.len, slash == path ? path[1] != '\0' : slash - path);
    CHECK_STRN(n->service_id.p, n->service_id.len, service);
    CHECK_STRN(n->parent_service_id.p, n->parent_service_id.len, parent_service);
}

/* Ids of the service's own at any depth, and a root whose id ends with a slash; the same after the journal was replayed. */
static void what_services_call_nodes(void)
{
    static const char *const roots[][2] = {{"/srv", "/srv"}, {"s3://b/", "s3://b"}, {"", ""}};
    for (unsigned k = 0; k < 3; k++) {
        remove_files();
        spate_ledger *l = opened((spate_ledger_options){.path = file, .journal_only = true});
        spate_node root = {.service_id = text(roots[k][0])};
        OK(spate_ledger_seed(l, &root, NULL, &err));
        spate_node top[] = {child("a", SPATE_FOLDER, 0), child("b", SPATE_FOLDER, 0), child("b", SPATE_FOLDER, 9)};
        top[1].service_id = top[2].service_id = text("id-7");
        spate_node below[] = {child("x", SPATE_FILE, 1), child("y", SPATE_FILE, 2)};
        below[1].service_id = text("id-8");
        OK(list(l, SPATE_SRC, "/", top, 3)); /* one of them twice: found again while it is found */
        OK(list(l, SPATE_SRC, "/a", below, 2));
        OK(list(l, SPATE_SRC, "/b", below, 2));
        OK(list(l, SPATE_SRC, "/", top, 2));
        for (unsigned again = 0; again < 2; again++) {
            char a[32], ax[32];
            snprintf(a, sizeof(a), "%s/a", roots[k][1]);
            snprintf(ax, sizeof(ax), "%s/a/x", roots[k][1]);
            check_texts(l, "/", roots[k][0], "");
            check_texts(l, "/a", a, roots[k][0]);
            check_texts(l, "/b", "id-7", roots[k][0]);
            CHECK_INT(out.nodes[0].size, 0);
            check_texts(l, "/a/x", ax, a);
            check_texts(l, "/a/y", "id-8", a);
            check_texts(l, "/b/x", "id-7/x", "id-7");
            check_texts(l, "/b/y", "id-8", "id-7");
            OK(spate_ledger_children_path(l, SPATE_SRC, text("/b"), 0, &kids, &err));
            CHECK_INT(kids.n, 2);
            CHECK_INT(spate_ledger_count(l, &(spate_filter){.depth = -1}), 7);
            if (again)
                break;
            OK(spate_ledger_close(l, &err));
            l = opened((spate_ledger_options){.path = file, .journal_only = true});
        }
        OK(spate_ledger_close(l, &err));
    }
}

static void jobs_that_are_no_trees(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    spate_node tables[] = {child("users", SPATE_FOLDER, 1000), child("orders", SPATE_FOLDER, 5000)};
    tables[0].depth = 1;
    tables[1].depth = 3;
    OK(list(l, SPATE_SRC, "/", tables, 2));
    spate_node range = child("0-2500", SPATE_FILE, 2500);
    OK(list(l, SPATE_SRC, "/orders", &range, 1));
    OK(spate_ledger_get_path(l, SPATE_SRC, text("/orders/0-2500"), 0, &out, &err));
    CHECK_INT(out.nodes[0].depth, 4);
    range.depth = 3;
    range.name = text("2500-5000");
    CHECK_INT(list(l, SPATE_SRC, "/orders", &range, 1), SPATE_E_USAGE);
    bool missed;
    CHECK_INT(walk_pages(l, &(spate_filter){.depth = 1, .traversal = SPATE_TRAVERSAL_PENDING}, 5, &missed), 1);
    OK(spate_ledger_close(l, &err));
}

/* ---- threads: walkers that list, pages that are read, levels that are sealed, all at once ---- */

enum { WALKERS = 3, FOLDERS = 60 };
static spate_ledger *shared;

static void *walker(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg;
    spate_error mine;
    for (unsigned i = me; i < FOLDERS; i += WALKERS) {
        char path[32], names[50][16];
        spate_node nodes[50];
        snprintf(path, sizeof(path), "/n%u", i * 3);
        for (unsigned k = 0; k < 50; k++) {
            snprintf(names[k], sizeof(names[k]), "k%u", k);
            nodes[k] = child(names[k], SPATE_FILE, k);
        }
        spate_task t = {.id = id_of(SPATE_SRC, SPATE_FOLDER, path),
                        .traversal = SPATE_TRAVERSAL_SUCCESSFUL,
                        .children = nodes,
                        .n_children = 50};
        if (spate_ledger_done(shared, &t, &mine) != SPATE_OK)
            return "done";
        if (i % 7 == 0 && spate_ledger_seal(shared, SPATE_SRC, 2, 0, &mine) != SPATE_OK)
            return "seal";
    }
    return NULL;
}

static void *pager(void *arg)
{
    spate_nodes page = {0};
    spate_error mine;
    const char *failed = NULL;
    for (unsigned i = 0; i < 200 && !failed; i++) {
        spate_cursor c = {0};
        spate_filter f = {.depth = 2, .copy = SPATE_COPY_PENDING};
        if (spate_ledger_page(shared, &f, &c, 100, &page, &mine) != SPATE_OK)
            failed = "page";
    }
    spate_nodes_done(&page);
    return (void *)failed;
}

static void many_threads(void)
{
    remove_files();
    bool in_memory =
        strstr(program_invocation_name, "tsan") != NULL; /* DuckDB's own locks are invisible to the sanitizer */
    shared = seeded((spate_ledger_options){.path = file, .sync_ms = 1, .flush_rows = 500, .journal_only = in_memory});
    fill(shared, SPATE_SRC, "/", 0, FOLDERS * 3);
    pthread_t threads[WALKERS + 1];
    void *said;
    for (unsigned i = 0; i <= WALKERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, i < WALKERS ? walker : pager, (void *)(uintptr_t)i), 0);
    for (unsigned i = 0; i <= WALKERS; i++) {
        pthread_join(threads[i], &said);
        CHECK_STR(said ? (char *)said : "", "");
    }
    OK(spate_ledger_seal(shared, SPATE_SRC, 2, 0, &err));
    OK(spate_ledger_flush(shared, &err));
    CHECK_INT(spate_ledger_count(shared, &(spate_filter){.depth = 2}), FOLDERS * 50);
    if (!in_memory)
        CHECK_STR(sql(shared, "SELECT count(*), count(DISTINCT id) FROM src_nodes WHERE depth = 2"), "3000|3000\n");
    OK(spate_ledger_close(shared, &err));
}

/* ---- memory ---- */

static void at_most_a_hundred_bytes_a_node(void)
{
    spate_ledger *l = seeded((spate_ledger_options){0});
    char path[32];
    fill(l, SPATE_SRC, "/", 0, 600);
    for (unsigned i = 0; i < 600; i += 3) {
        snprintf(path, sizeof(path), "/n%u", i);
        fill(l, SPATE_SRC, path, 0, 4000);
    }
    uint64_t nodes = spate_ledger_count(l, &(spate_filter){.depth = -1});
    CHECK(nodes > 800000);
    CHECK(spate_ledger_bytes(l) < nodes * 100 + (64 << 20));
    printf("# %.1f bytes a node\n", (double)spate_ledger_bytes(l) / (double)nodes);
    CHECK((double)spate_ledger_bytes(l) / (double)nodes < 105);
    OK(spate_ledger_close(l, &err));
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(file, sizeof(file), "%s/job.duckdb", dir);
    RUN(ids_are_a_function_of_side_type_and_path);
    RUN(roots_and_their_statistics);
    RUN(a_task_its_children_and_changes_elsewhere_are_one);
    RUN(names_and_steps_that_cannot_be);
    RUN(steps_of_one_record_follow_each_other);
    RUN(insert_is_all_or_none);
    RUN(pages_have_no_gap_and_no_repeat);
    RUN(destination_pages_bring_the_sources_children);
    RUN(lookups_single_and_many);
    RUN(subtrees_are_exact);
    RUN(sums_of_what_is_alike);
    RUN(sealed_levels_are_in_duckdb);
    RUN(whole_levels_in_the_order_of_ids);
    RUN(logs_errors_reports_and_words);
    RUN(what_is_found_again);
    RUN(what_services_call_nodes);
    RUN(jobs_that_are_no_trees);
    RUN(many_threads);
    RUN(at_most_a_hundred_bytes_a_node);
    remove_files();
    rmdir(dir);
    spate_nodes_done(&out);
    spate_nodes_done(&kids);
    return check_done();
}
