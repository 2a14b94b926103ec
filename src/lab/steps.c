/* steps.c - see steps.h. */
#include "lab/steps.h"

#include "os/os.h"
#include "spate/ledger.h"

#include <stdio.h>
#include <stdlib.h>

enum { PATH_MAX_BYTES = 4200, DYING_US = 2000000, DYING_LOOK_US = 20000 };

struct sp_steps {
    spate_ledger *ledger;
};

static const char *const phase_names[] = {"nothing is open", "copying",   "following",    "switching",  "switched",
                                          "committing",      "committed", "rolling back", "rolled back"};

const char *sp_phase_name(sp_phase phase)
{
    return phase_names[phase];
}

bool sp_phase_is_open(sp_phase phase)
{
    return phase != SP_PHASE_NONE && phase != SP_PHASE_COMMITTED && phase != SP_PHASE_ROLLED_BACK;
}

/* ---- opening ---- */

static int seed(sp_steps *s, spate_error *err)
{
    spate_node root = {.type = SPATE_FOLDER};
    return spate_ledger_seed(s->ledger, &root, NULL, err);
}

int sp_steps_open(const char *directory, bool look, sp_steps **steps, spate_error *err)
{
    char path[PATH_MAX_BYTES];
    snprintf(path, sizeof(path), "%s/reshard", directory);
    spate_ledger_options options = {.path = path, .journal_only = true, .look = look};
    sp_steps *s = sp_alloc_zero(1, sizeof(*s));
    int64_t until = sp_os_monotonic_us() + DYING_US;
    if (!s)
        return sp_fail_nomem(err);
    int rc = spate_ledger_open(&options, &s->ledger, err);
    while (rc == SPATE_E_UNREACHABLE &&
           sp_os_monotonic_us() < until) { /* who was killed a moment ago may still hold it */
        sp_os_sleep_us(DYING_LOOK_US);
        rc = spate_ledger_open(&options, &s->ledger, err);
    }
    if (rc == SPATE_OK)
        rc = seed(s, err);
    if (rc == SPATE_OK)
        *steps = s;
    else
        (void)sp_steps_close(s, NULL);
    return rc;
}

int sp_steps_close(sp_steps *s, spate_error *err)
{
    if (!s)
        return SPATE_OK;
    int rc = spate_ledger_close(s->ledger, err);
    sp_free(s);
    return rc;
}

int sp_steps_begin(sp_steps **s, const char *directory, spate_error *err)
{
    char path[PATH_MAX_BYTES];
    snprintf(path, sizeof(path), "%s/reshard.journal", directory);
    int rc = sp_steps_close(*s, err);
    *s = NULL;
    if (rc == SPATE_OK)
        rc = sp_os_unlink(path, err);
    return rc == SPATE_OK ? sp_steps_open(directory, false, s, err) : rc;
}

/* ---- phases and steps ---- */

sp_phase sp_steps_phase(sp_steps *s)
{
    char text[32] = "";
    (void)spate_ledger_recall(s->ledger, "phase", text, sizeof(text));
    for (size_t i = 0; i < SP_COUNT(phase_names); i++)
        if (strcmp(text, phase_names[i]) == 0)
            return (sp_phase)i;
    return SP_PHASE_NONE;
}

int sp_steps_enter(sp_steps *s, sp_phase phase, spate_error *err)
{
    int rc = spate_ledger_remember(s->ledger, "phase", phase_names[phase], err);
    return rc == SPATE_OK ? spate_ledger_sync(s->ledger, err) : rc;
}

static bool has(sp_steps *s, const char *path, spate_node_type type, uint64_t *rows)
{
    spate_nodes found = {0};
    bool there = spate_ledger_get_path(s->ledger, SPATE_SRC, (spate_bytes){path, strlen(path)}, type, &found, NULL) ==
                     SPATE_OK &&
                 found.n;
    if (there && rows)
        *rows = (uint64_t)found.nodes->size;
    spate_nodes_done(&found);
    return there;
}

bool sp_steps_is_done(sp_steps *s, const char *what, const char *step, uint64_t *rows)
{
    char path[256];
    snprintf(path, sizeof(path), "/%s/%s", what, step);
    return has(s, path, SPATE_FILE, rows);
}

/* A step that is done again says what it found now. */
int sp_steps_done(sp_steps *s, const char *what, const char *step, uint64_t rows, spate_error *err)
{
    char folder[128], path[256];
    int folder_len = snprintf(folder, sizeof(folder), "/%s", what),
        len = snprintf(path, sizeof(path), "/%s/%s", what, step);
    int64_t now_ns = sp_os_wall_us() * 1000;
    spate_node nodes[] = {
        {.path = {folder, (size_t)folder_len},
         .type = SPATE_FOLDER,
         .mtime_ns = now_ns,
         .traversal = SPATE_TRAVERSAL_SUCCESSFUL},
        {.path = {path, (size_t)len}, .type = SPATE_FILE, .size = (int64_t)rows, .mtime_ns = now_ns},
    };
    bool known = has(s, folder, SPATE_FOLDER, NULL);
    spate_change again = {.kind = SPATE_DELETE, .id = spate_node_id_of(SPATE_SRC, SPATE_FILE, nodes[1].path)};
    int rc = has(s, path, SPATE_FILE, NULL) ? spate_ledger_apply(s->ledger, &again, 1, err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = spate_ledger_insert(s->ledger, SPATE_SRC, nodes + known, 2 - known, err);
    return rc == SPATE_OK ? spate_ledger_sync(s->ledger, err) : rc;
}

/* ---- telling ---- */

static int by_time(const void *a, const void *b)
{
    const spate_node *x = a, *y = b;
    if (x->mtime_ns != y->mtime_ns)
        return x->mtime_ns < y->mtime_ns ? -1 : 1;
    return memcmp(&x->id, &y->id, sizeof(x->id));
}

int sp_steps_each(sp_steps *s, void (*fn)(void *arg, const char *what, const char *step, uint64_t rows, int64_t at_us),
                  void *arg, spate_error *err)
{
    static const spate_filter files = {.side = SPATE_SRC, .depth = 2, .type = SPATE_FILE};
    enum { MOST = 100000 };
    spate_cursor cursor = {0};
    spate_nodes found = {0};
    int rc = spate_ledger_page(s->ledger, &files, &cursor, MOST, &found, err);
    if (rc == SPATE_OK && found.n)
        qsort(found.nodes, found.n, sizeof(*found.nodes), by_time);
    for (size_t i = 0; i < found.n && rc == SPATE_OK; i++) {
        const spate_node *n = &found.nodes[i];
        char what[128], step[128];
        snprintf(what, sizeof(what), "%.*s", (int)n->parent_path.len - 1, n->parent_path.p + 1);
        snprintf(step, sizeof(step), "%.*s", (int)n->name.len, n->name.p);
        fn(arg, what, step, (uint64_t)n->size, n->mtime_ns / 1000);
    }
    spate_nodes_done(&found);
    return rc;
}
