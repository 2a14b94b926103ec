/* test_ledger_index.c - ids and the hash, which are made while and after a journal is read, on two threads when it is long: the same
 * answers as before, and a node that the journal has twice is refused wherever it lies. */
#include "check.h"

#include "base/base.h"
#include "ledger/journal.h"
#include "ledger/record.h"
#include "spate/ledger.h"

#include <stdlib.h>
#include <unistd.h>

enum { FOLDERS = 80, FILES = 1000 }; /* on either side: more than a block of nodes, and a journal of more than 4 MiB */

static char dir[] = "/tmp/spate-index-XXXXXX", file[128];
static spate_error err;
static spate_nodes out;

#define OK(call) CHECK_INT(ok(call), SPATE_OK)
static int ok(int rc)
{
    if (rc != SPATE_OK)
        printf("# %s\n", err.message);
    return rc;
}

#define NAME "the-one-that-has-number-%u"

static void remove_journal(void)
{
    char name[160];
    snprintf(name, sizeof(name), "%s.journal", file);
    unlink(name);
}

static spate_bytes text(const char *s)
{
    return (spate_bytes){s, strlen(s)};
}

static spate_ledger *opened(void)
{
    spate_ledger *l = NULL;
    OK(spate_ledger_open(&(spate_ledger_options){.path = file, .journal_only = true}, &l, &err));
    return l;
}

/* So many children named after their number; every type but folders, unless all are. */
static void list(spate_ledger *l, spate_side side, const char *path, unsigned n, bool folders)
{
    static char names[FILES][32];
    static spate_node nodes[FILES];
    for (unsigned i = 0; i < n; i++) {
        snprintf(names[i], sizeof(names[0]), NAME, i);
        nodes[i] = (spate_node){.name = text(names[i]), .size = i};
        nodes[i].type = (uint8_t)(folders ? SPATE_FOLDER : SPATE_FILE + i % 3);
    }
    spate_task t = {.side = side,
                    .id = spate_node_id_of(side, SPATE_FOLDER, text(path)),
                    .traversal = SPATE_TRAVERSAL_SUCCESSFUL,
                    .children = nodes,
                    .n_children = n};
    OK(spate_ledger_done(l, &t, &err));
}

static void name_file(char path[96], unsigned folder, unsigned k)
{
    snprintf(path, 96, "/" NAME "/" NAME, folder, k);
}

static unsigned found(spate_ledger *l, spate_side side)
{
    unsigned n = 0;
    char path[96];
    for (unsigned folder = 0; folder < FOLDERS; folder++)
        for (unsigned k = 0; k < FILES; k++) {
            name_file(path, folder, k);
            OK(spate_ledger_get_path(l, side, text(path), SPATE_FILE + k % 3, &out, &err));
            n += out.n == 1 && out.nodes[0].size == k;
        }
    return n;
}

static void check_sides(spate_ledger *l)
{
    CHECK_INT(found(l, SPATE_SRC), FOLDERS * FILES - 1);
    CHECK_INT(found(l, SPATE_DST), FOLDERS * FILES);
}

static void a_long_journal_gives_every_node_its_id(void)
{
    char path[96];
    remove_journal();
    spate_ledger *l = opened();
    spate_node root = {.service_id = text("/home")};
    OK(spate_ledger_seed(l, &root, &root, &err));
    for (unsigned side = 0; side < 2; side++) {
        list(l, side, "/", FOLDERS, true);
        for (unsigned folder = 0; folder < FOLDERS; folder++) {
            snprintf(path, sizeof(path), "/" NAME, folder);
            list(l, side, path, FILES, false);
        }
    }
    name_file(path, 7, 3);
    spate_change gone = {.kind = SPATE_DELETE, .id = spate_node_id_of(SPATE_SRC, SPATE_FILE, text(path))};
    OK(spate_ledger_apply(l, &gone, 1, &err));
    check_sides(l);
    snprintf(path, sizeof(path), "/" NAME, 1);
    for (unsigned again = 0; again < 2; again++) {
        OK(spate_ledger_close(l, &err));
        CHECK(sp_journal_bytes(file) > 4 << 20);
        l = opened();
        check_sides(l);
        OK(spate_ledger_get_path(l, SPATE_SRC, text("/"), SPATE_FOLDER, &out, &err));
        CHECK_INT(out.n, 1);
        list(l, SPATE_SRC, path, FILES, false); /* found again, not made again */
        CHECK_INT(spate_ledger_count(l, &(spate_filter){.depth = -1}), FOLDERS * (FILES + 1));
    }
    OK(spate_ledger_close(l, &err));
}

static int nothing(void *arg, const char *payload, size_t len, spate_error *e)
{
    return SPATE_OK;
}

/* A journal with one folder of so many files, of which one has the name of another. */
static void write_twice(unsigned files, unsigned one, unsigned other)
{
    sp_journal j = {.fd = -1};
    bool fresh;
    uint64_t cut;
    char(*names)[16] = sp_alloc_zero(files, sizeof(*names));
    spate_node *nodes = sp_alloc_zero(files, sizeof(*nodes)), root = {.type = SPATE_FOLDER};
    uint32_t *none = sp_alloc_zero(files, sizeof(*none));
    sp_buf records;
    sp_buf_init(&records);
    for (unsigned i = 0; i < files; i++) {
        snprintf(names[i], sizeof(names[0]), "n%u", i == one ? other : i);
        nodes[i] = (spate_node){.name = text(names[i]), .type = SPATE_FILE};
    }
    OK(sp_record_root(&records, SPATE_SRC, &root));
    OK(sp_record_reserve(&records, nodes, files));
    sp_record_children(&records, SPATE_SRC, 1, nodes, files, none);
    OK(sp_journal_open(&j, file, 1, nothing, NULL, &fresh, &cut, &err));
    OK(sp_journal_append(&j, &records, &err));
    OK(sp_journal_close(&j, &err));
    sp_buf_done(&records);
    sp_free(none);
    sp_free(nodes);
    sp_free(names);
}

static void a_node_twice_is_refused(void)
{
    static const unsigned files[] = {2, 1000, 50000};
    for (unsigned k = 0; k < SP_COUNT(files); k++)
        for (unsigned other = 0; other < files[k] - 1; other += files[k] / 2) {
            remove_journal();
            write_twice(files[k], files[k] - 1, other);
            spate_ledger *l = NULL;
            CHECK_INT(spate_ledger_open(&(spate_ledger_options){.path = file, .journal_only = true}, &l, &err),
                      SPATE_E_CORRUPT);
            CHECK_STR(err.message, "the journal has a node twice");
        }
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(file, sizeof(file), "%s/job", dir);
    RUN(a_long_journal_gives_every_node_its_id);
    RUN(a_node_twice_is_refused);
    remove_journal();
    rmdir(dir);
    spate_nodes_done(&out);
    return check_done();
}
