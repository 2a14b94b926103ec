/* ledger.c - opening, and everything that is recorded: checked first, then done in memory and appended to the journal under one
 * lock, so that the journal's order is memory's. What is checked cannot fail later but for want of memory; after that the ledger
 * takes nothing more, because memory and journal may differ. */
#include "ledger/ledger.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <xxhash.h>

enum { NAME_MAX_BYTES = UINT16_MAX - 1, TEXT_MAX_BYTES = 500 << 10, LONG_JOURNAL = 4 << 20 };

/* ---- words ------------------------------------------------------------------------------------------------------------------ */

static const char *const type_names[] = {"", "folder", "file", "symlink", "other"};
static const char *const traversal_names[] = {"", "pending", "successful", "failed", "not_on_src", "excluded"};
static const char *const copy_names[] = {"", "pending", "in_progress", "successful", "failed", "skipped", "conflict"};
static const char *const stat_names[] = {
    "traversal/pending",  "traversal/successful", "traversal/failed", "traversal/not_on_src",
    "traversal/excluded", "copy/pending",         "copy/successful",  "copy/failed",
    "copy/skipped",       "copy/conflict",        "completed",        "expected"};
_Static_assert(SP_COUNT(stat_names) == SPATE_STATS, "a word for each");

#define WORD(words, k) ((size_t)(k) < SP_COUNT(words) ? (words)[k] : "")
const char *spate_node_type_name(spate_node_type type)
{
    return WORD(type_names, type);
}
const char *spate_traversal_name(spate_traversal status)
{
    return WORD(traversal_names, status);
}
const char *spate_copy_state_name(spate_copy_state status)
{
    return WORD(copy_names, status);
}
const char *spate_stat_name(spate_stat stat)
{
    return WORD(stat_names, stat);
}

/* One hash of the path; side and type are mixed in afterwards, so all kinds of a path cost one hash. */
spate_node_id spate_node_id_of(spate_side side, spate_node_type type, spate_bytes path)
{
    XXH128_hash_t h = XXH3_128bits(path.p, path.len);
    uint64_t kind = sp_mix64(((uint64_t)side << 8 | (uint64_t)type) + 1);
    return sp_id_join(h.high64 ^ kind, h.low64 ^ sp_mix64(kind));
}

void spate_node_id_hex(spate_node_id id, char hex[33])
{
    char text[32 + SP_SLACK];
    sp_put_hex(text, id.b, sizeof(id.b));
    memcpy(hex, text, 32);
    hex[32] = '\0';
}

/* ---- open and close ---------------------------------------------------------------------------------------------------------- */

static int replay(void *arg, const char *payload, size_t len, spate_error *err)
{
    return sp_record_replay(arg, payload, len, err);
}

static spate_ledger_options with_defaults(const spate_ledger_options *given)
{
    spate_ledger_options o = *given;
    o.sync_ms = o.sync_ms ? o.sync_ms : 100;
    o.flush_ms = o.flush_ms ? o.flush_ms : 60000;
    o.flush_rows = o.flush_rows ? o.flush_rows : 100000;
    o.rows_max = o.rows_max ? o.rows_max : 100000;
    o.log_batch = o.log_batch ? o.log_batch : 500;
    o.log_ms = o.log_ms ? o.log_ms : 2000;
    o.rewrite_bytes = o.rewrite_bytes ? o.rewrite_bytes : 4 << 20;
    o.memory_mib = o.memory_mib ? o.memory_mib : 256;
    return o;
}

static void set_ahead(sp_memory *m, sp_ahead *ahead)
{
    m->side[0].ahead = m->side[1].ahead = ahead;
}

/* Into memory. */
static int read_journal(spate_ledger *l, const char *path, bool *fresh, uint64_t *cut, spate_error *err)
{
    sp_ahead *ahead = sp_journal_bytes(path) >= LONG_JOURNAL ? sp_ahead_start(&l->memory) : NULL;
    l->memory.replaying = true;
    set_ahead(&l->memory, ahead);
    int rc = l->options.look
                 ? sp_journal_look(path, replay, &l->memory, err)
                 : sp_journal_open(&l->journal, l->path, l->options.sync_ms, replay, &l->memory, fresh, cut, err);
    set_ahead(&l->memory, NULL);
    sp_ahead_stop(ahead);
    if (rc == SPATE_OK && l->memory.unfinished)
        rc = sp_fail(err, SPATE_E_CORRUPT, "the journal of \"%s\" ends within what it begins with: a snapshot", path);
    for (unsigned side = 0; side < 2 && rc == SPATE_OK; side++)
        rc = sp_memory_index(&l->memory.side[side], side, err);
    l->memory.replaying = rc != SPATE_OK;
    return rc;
}

static int open_files(spate_ledger *l, const char *path, spate_error *err)
{
    bool fresh = false;
    uint64_t cut = 0;
    if (!l->options.look && path && strcmp(path, ":memory:") != 0) {
        size_t len = strlen(path) + 1;
        if (!(l->path = sp_alloc(len)))
            return sp_fail_nomem(err);
        memcpy(l->path, path, len);
    }
    int rc = read_journal(l, path, &fresh, &cut, err);
    if (rc != SPATE_OK)
        return rc;
    l->rows_at_open = l->memory.rows;
    spate_ledger_state(l, &l->resume);
    l->resume.fresh = fresh;
    l->resume.bytes_cut = cut;
    return sp_snapshot_when_due(l, err);
}

int spate_ledger_open(const spate_ledger_options *options, spate_ledger **ledger, spate_error *err)
{
    spate_error local = {0};
    err = err ? err : &local;
    spate_ledger *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->options = with_defaults(options);
    l->options.path = NULL; /* the caller's memory */
    pthread_rwlock_init(&l->lock, NULL);
    l->journal.fd = -1;
    int rc = sp_memory_init(&l->memory);
    rc = rc ? rc : sp_mirror_start(l, err);
    rc = rc ? rc : open_files(l, options->path, err);
    if (rc != SPATE_OK) {
        (void)!spate_ledger_close(l, NULL);
        return rc;
    }
    *ledger = l;
    return SPATE_OK;
}

int spate_ledger_close(spate_ledger *l, spate_error *err)
{
    if (!l)
        return SPATE_OK;
    int rc = sp_mirror_stop(l, err);
    sp_journal_stop(&l->journal);
    sp_memory_done(&l->memory); /* while the disk takes the last group */
    int closed = sp_journal_close(&l->journal, rc == SPATE_OK ? err : NULL);
    sp_buf_done(&l->record);
    sp_buf_done(&l->known);
    pthread_rwlock_destroy(&l->lock);
    sp_free(l->path);
    sp_free(l);
    return rc ? rc : closed;
}

const char *spate_ledger_path(const spate_ledger *l)
{
    return l->path ? l->path : ":memory:";
}

static void side_state(const sp_side *s, unsigned side, spate_ledger_resume *out)
{
    out->nodes[side] = s->alive;
    out->pending_depth[side] = -1;
    for (uint32_t d = 0; d < s->n_levels; d++) {
        const sp_level *level = s->levels[d];
        uint64_t pending = 0;
        for (unsigned t = 0; level && t < 5; t++) {
            pending += level->by_traversal[t][SPATE_TRAVERSAL_PENDING];
            out->failed_traversal[side] += level->by_traversal[t][SPATE_TRAVERSAL_FAILED];
            uint64_t copy = level->by_copy[t][SPATE_COPY_PENDING] + level->by_copy[t][SPATE_COPY_IN_PROGRESS];
            out->pending_copy += copy;
            out->failed_copy += level->by_copy[t][SPATE_COPY_FAILED];
            out->copy_depth = copy && out->copy_depth < 0 ? (int32_t)d : out->copy_depth;
        }
        out->pending_traversal[side] += pending;
        if (pending && out->pending_depth[side] < 0)
            out->pending_depth[side] = (int32_t)d;
    }
}

void spate_ledger_state(spate_ledger *l, spate_ledger_resume *state)
{
    pthread_rwlock_rdlock(&l->lock);
    *state = (spate_ledger_resume){.fresh = l->resume.fresh, .bytes_cut = l->resume.bytes_cut, .copy_depth = -1};
    for (unsigned side = 0; side < 2; side++)
        side_state(&l->memory.side[side], side, state);
    pthread_rwlock_unlock(&l->lock);
}

int spate_ledger_sync(spate_ledger *l, spate_error *err)
{
    return sp_journal_sync(&l->journal, err);
}

/* ---- one record ---------------------------------------------------------------------------------------------------------------- */

static void begin(spate_ledger *l)
{
    pthread_rwlock_wrlock(&l->lock);
    l->record.len = 0;
    l->touched = false;
}

/* Appends what was recorded, and lets the others in. Out of memory in the middle of a record: memory and journal may differ, and
 * nothing may follow. */
static int end(spate_ledger *l, int rc, spate_error *err)
{
    if (rc == SPATE_OK && l->record.len) {
        rc = sp_journal_append(&l->journal, &l->record, err);
        if (rc == SPATE_OK && l->journal.bytes >= l->rewrite_at)
            rc = sp_snapshot_when_due(l, err);
    } else if ((rc == SPATE_E_NOMEM || rc == SPATE_E_BUG) && (l->touched || l->record.len))
        sp_journal_poison(&l->journal, rc, err);
    pthread_rwlock_unlock(&l->lock);
    return rc;
}

static int nomem_if(int rc, spate_error *err)
{
    return rc ? sp_fail_nomem(err) : SPATE_OK;
}

/* ---- nodes --------------------------------------------------------------------------------------------------------------------- */

static int check_node(unsigned side, const spate_node *n, int32_t parent_depth, spate_error *err)
{
    spate_bytes name = n->name;
    if (!name.len || name.len > NAME_MAX_BYTES || memchr(name.p, '/', name.len) || memchr(name.p, '\0', name.len))
        return sp_fail(err, SPATE_E_USAGE, "a node cannot have the name \"%.*s\"", (int)SP_MIN(name.len, (size_t)80),
                       name.len ? name.p : "");
    if (n->type < SPATE_FOLDER || n->type > SPATE_OTHER || n->traversal > SPATE_TRAVERSAL_EXCLUDED ||
        n->copy > SPATE_COPY_CONFLICT || n->copy == SPATE_COPY_IN_PROGRESS ||
        (side == SPATE_SRC && n->traversal == SPATE_TRAVERSAL_NOT_ON_SRC))
        return sp_fail(err, SPATE_E_USAGE, "node \"%.*s\" has a type or status that it cannot begin with",
                       (int)name.len, name.p);
    if (n->depth < 0 || n->depth > SP_LEVELS_MAX || (n->depth && n->depth <= parent_depth) ||
        (!n->depth && parent_depth == SP_LEVELS_MAX))
        return sp_fail(err, SPATE_E_USAGE, "node \"%.*s\" cannot be at depth %d: its parent's is %d", (int)name.len,
                       name.p, n->depth, parent_depth);
    if (n->service_id.len > TEXT_MAX_BYTES || n->note.len > TEXT_MAX_BYTES)
        return sp_fail(err, SPATE_E_USAGE, "node \"%.*s\" has a service id or note of more than %d bytes",
                       (int)name.len, name.p, TEXT_MAX_BYTES);
    return SPATE_OK;
}

static int seed_one(spate_ledger *l, unsigned side, const spate_node *given, spate_error *err)
{
    if (!given || l->memory.side[side].n > 1)
        return SPATE_OK;
    spate_node root = {.type = SPATE_FOLDER,
                       .name = {"", 0},
                       .service_id = given->service_id,
                       .size = given->size,
                       .mtime_ns = given->mtime_ns};
    if (root.service_id.len > TEXT_MAX_BYTES)
        return sp_fail(err, SPATE_E_USAGE, "the root's service id has more than %d bytes", TEXT_MAX_BYTES);
    int rc = nomem_if(sp_record_root(&l->record, side, &root), err);
    return rc ? rc : sp_memory_root(&l->memory, side, &root, err);
}

/* Children that were checked: into memory, which knows which of them are new, then into the record. */
static int add_children(spate_ledger *l, unsigned side, uint32_t parent, const spate_node *nodes, size_t n,
                        spate_error *err)
{
    l->known.len = 0;
    if (sp_record_reserve(&l->record, nodes, n) || sp_buf_reserve(&l->known, n * sizeof(uint32_t)))
        return sp_fail_nomem(err);
    uint32_t *known = (uint32_t *)(void *)l->known.data;
    l->touched = true;
    int rc = sp_memory_add(&l->memory, side, parent, nodes, n, known, err);
    if (rc == SPATE_OK)
        sp_record_children(&l->record, side, parent, nodes, n, known);
    return rc;
}

int spate_ledger_seed(spate_ledger *l, const spate_node *src, const spate_node *dst, spate_error *err)
{
    begin(l);
    int rc = seed_one(l, SPATE_SRC, src, err);
    rc = rc ? rc : seed_one(l, SPATE_DST, dst, err);
    return end(l, rc, err);
}

/* The folder that a path is in, and its last part. */
static bool split_path(spate_bytes path, spate_bytes *parent, spate_bytes *name)
{
    if (path.len < 2 || path.p[0] != '/')
        return false;
    const char *slash = memrchr(path.p, '/', path.len);
    *parent = (spate_bytes){path.p, SP_MAX((size_t)(slash - path.p), (size_t)1)};
    *name = (spate_bytes){slash + 1, path.len - (size_t)(slash + 1 - path.p)};
    return name->len > 0;
}

/* Takes back the first n of nodes: only memory has them. They keep their numbers, so the journal gets them too, deleted. */
static int take_back(spate_ledger *l, unsigned side, const spate_node *nodes, size_t n)
{
    int rc = SPATE_OK;
    while (n-- && rc == SPATE_OK) {
        uint32_t i = sp_memory_find_path(&l->memory, side, nodes[n].path, nodes[n].type);
        rc = sp_memory_change(&l->memory, side, i, SPATE_DELETE, 0, (spate_bytes){NULL, 0}, NULL);
        rc = rc ? rc : sp_record_change(&l->record, side, SPATE_DELETE, i, 0, (spate_bytes){NULL, 0});
    }
    return rc ? rc : sp_journal_append(&l->journal, &l->record, NULL);
}

static int insert_one(spate_ledger *l, unsigned side, const spate_node *given, spate_error *err)
{
    spate_node n = *given;
    spate_bytes parent;
    const sp_side *s = &l->memory.side[side];
    if (!split_path(n.path, &parent, &n.name))
        return sp_fail(err, SPATE_E_USAGE, "\"%.*s\" is no path of a node", (int)n.path.len,
                       n.path.len ? n.path.p : "");
    uint32_t in = sp_memory_find_path(&l->memory, side, parent, SPATE_FOLDER);
    if (!in)
        return sp_fail(err, SPATE_E_DATA, "\"%.*s\" is in a folder that the ledger does not have", (int)n.path.len,
                       n.path.p);
    int rc = check_node(side, &n, sp_node_at(s, in)->level, err);
    if (rc == SPATE_OK && sp_memory_find_path(&l->memory, side, n.path, n.type))
        rc = sp_fail(err, SPATE_E_DATA, "the ledger has %s \"%.*s\" already", spate_node_type_name(n.type),
                     (int)n.path.len, n.path.p);
    return rc ? rc : add_children(l, side, in, &n, 1, err);
}

int spate_ledger_insert(spate_ledger *l, spate_side side, const spate_node *nodes, size_t n, spate_error *err)
{
    begin(l);
    int rc = SPATE_OK;
    for (size_t i = 0; i < n && rc == SPATE_OK; i++) {
        rc = insert_one(l, side, &nodes[i], err);
        if (rc == SPATE_OK || i == 0)
            continue;
        (void)!take_back(l, side, nodes, i);
    }
    return end(l, rc, err);
}

/* ---- changes ------------------------------------------------------------------------------------------------------------------- */

/* Every step leads to pending or away from it. */
static bool legal_step(unsigned from, unsigned to, unsigned pending)
{
    return from == to || to == pending || from == pending;
}

static int check_traversal(unsigned side, unsigned from, int64_t to, spate_error *err)
{
    bool known = to >= SPATE_TRAVERSAL_PENDING && to <= SPATE_TRAVERSAL_EXCLUDED &&
                 (side == SPATE_DST || to != SPATE_TRAVERSAL_NOT_ON_SRC);
    if (known && legal_step(from, (unsigned)to, SPATE_TRAVERSAL_PENDING))
        return SPATE_OK;
    return sp_fail(err, SPATE_E_USAGE, "a traversal that is %s cannot become %s", spate_traversal_name(from),
                   known ? spate_traversal_name((spate_traversal)to) : "that");
}

static int check_copy(unsigned from, int64_t to, spate_error *err)
{
    bool known = to >= SPATE_COPY_PENDING && to <= SPATE_COPY_CONFLICT;
    bool refuted = from == SPATE_COPY_SUCCESSFUL && to == SPATE_COPY_FAILED;
    if (known && (legal_step(from, (unsigned)to, SPATE_COPY_PENDING) || from == SPATE_COPY_IN_PROGRESS || refuted))
        return SPATE_OK;
    return sp_fail(err, SPATE_E_USAGE, "a copy that is %s cannot become %s", spate_copy_state_name(from),
                   known ? spate_copy_state_name((spate_copy_state)to) : "that");
}

static int find_changed(spate_ledger *l, const spate_change *c, uint32_t *i, spate_error *err)
{
    char hex[33];
    *i = c->side <= SPATE_DST ? sp_memory_find_id(&l->memory.side[c->side], c->id) : 0;
    if (*i)
        return SPATE_OK;
    spate_node_id_hex(c->id, hex);
    return sp_fail(err, SPATE_E_DATA, "the ledger has no node %s", hex);
}

static int check_change(spate_ledger *l, const spate_change *c, uint32_t *found, spate_error *err)
{
    int rc = find_changed(l, c, found, err);
    if (rc != SPATE_OK)
        return rc;
    uint32_t i = *found;
    uint16_t state = *sp_state_at(&l->memory.side[c->side], i);
    bool root = !sp_node_at(&l->memory.side[c->side], i)->parent;
    switch (c->kind) {
    case SPATE_SET_TRAVERSAL: return check_traversal(c->side, sp_state_traversal(state), c->value, err);
    case SPATE_SET_COPY: return c->side == SPATE_DST ? SPATE_OK : check_copy(sp_state_copy(state), c->value, err);
    case SPATE_SET_NOTE:
        return c->note.len <= TEXT_MAX_BYTES
                   ? SPATE_OK
                   : sp_fail(err, SPATE_E_USAGE, "a note has more than %d bytes", TEXT_MAX_BYTES);
    case SPATE_DELETE: return root ? sp_fail(err, SPATE_E_USAGE, "the root cannot be deleted") : SPATE_OK;
    default:
        return c->kind <= SPATE_SET_ATTRIBUTES ? SPATE_OK
                                               : sp_fail(err, SPATE_E_USAGE, "there is no change %d", (int)c->kind);
    }
}

static void look_soon(const spate_ledger *l, const spate_change *c)
{
    uint64_t hi, lo;
    sp_id_split(c->id, &hi, &lo);
    if (c->side <= SPATE_DST)
        sp_hash_soon(&l->memory.side[c->side], hi);
}

enum { CHANGES_AHEAD = 16 };

/* A change that was checked: whose, and what its state was. */
typedef struct checked {
    uint32_t node;
    uint16_t was;
} checked;

/* Puts the status that a change will make in its place, so that the next change of the node is checked against it. */
static uint16_t foresee(spate_ledger *l, const spate_change *c, uint32_t i)
{
    uint16_t *state = sp_state_at(&l->memory.side[c->side], i), was = *state;
    if (c->kind == SPATE_SET_TRAVERSAL)
        *state = sp_state_with_traversal(was, (unsigned)c->value);
    else if (c->kind == SPATE_SET_COPY && c->side == SPATE_SRC)
        *state = sp_state_with_copy(was, (unsigned)c->value);
    return was;
}

/* Checks all of them, each as the ones before it leave its node, and notes whose they are in l->known. */
static int check_changes(spate_ledger *l, const spate_change *changes, size_t n, spate_error *err)
{
    l->known.len = 0;
    int rc = sp_buf_reserve(&l->known, n * sizeof(checked)) ? sp_fail_nomem(err) : SPATE_OK;
    checked *list = (checked *)(void *)l->known.data;
    size_t seen = 0;
    for (; seen < n && rc == SPATE_OK; seen += rc == SPATE_OK) {
        if (seen + CHANGES_AHEAD < n)
            look_soon(l, &changes[seen + CHANGES_AHEAD]);
        rc = check_change(l, &changes[seen], &list[seen].node, err);
        if (rc == SPATE_OK)
            list[seen].was = foresee(l, &changes[seen], list[seen].node);
    }
    while (seen-- > 0)
        *sp_state_at(&l->memory.side[changes[seen].side], list[seen].node) = list[seen].was;
    return rc;
}

static int make_change(spate_ledger *l, const spate_change *c, uint32_t i, spate_error *err)
{
    bool leased = c->kind == SPATE_SET_COPY && c->value == SPATE_COPY_IN_PROGRESS;
    bool gone = !sp_node_alive(&l->memory.side[c->side], i); /* with a folder a moment ago */
    if (gone || (c->kind == SPATE_SET_COPY && c->side == SPATE_DST))
        return SPATE_OK;
    int rc = leased ? SPATE_OK : nomem_if(sp_record_change(&l->record, c->side, c->kind, i, c->value, c->note), err);
    return rc ? rc : sp_memory_change(&l->memory, c->side, i, c->kind, c->value, c->note, err);
}

/* Those that were checked last. */
static int make_changes(spate_ledger *l, const spate_change *changes, size_t n, spate_error *err)
{
    const checked *list = (const checked *)(const void *)l->known.data;
    int rc = SPATE_OK;
    for (size_t k = 0; k < n && rc == SPATE_OK; k++)
        rc = make_change(l, &changes[k], list[k].node, err);
    return rc;
}

int spate_ledger_apply(spate_ledger *l, const spate_change *changes, size_t n, spate_error *err)
{
    begin(l);
    int rc = check_changes(l, changes, n, err);
    return end(l, rc ? rc : make_changes(l, changes, n, err), err);
}

/* ---- tasks --------------------------------------------------------------------------------------------------------------------- */

static int check_task(spate_ledger *l, const spate_task *t, uint32_t *i, spate_error *err)
{
    spate_change own = {.side = t->side, .id = t->id};
    int rc = find_changed(l, &own, i, err);
    if (rc != SPATE_OK)
        return rc;
    const sp_side *s = &l->memory.side[t->side];
    uint16_t *state = sp_state_at(s, *i), was = *state;
    if (t->n_children && sp_state_type(was) != SPATE_FOLDER)
        return sp_fail(err, SPATE_E_USAGE, "only a folder has children");
    if (t->traversal)
        rc = check_traversal(t->side, sp_state_traversal(was), t->traversal, err);
    if (rc == SPATE_OK && t->copy && t->side == SPATE_SRC)
        rc = check_copy(sp_state_copy(was), t->copy, err);
    for (size_t k = 0; k < t->n_children && rc == SPATE_OK; k++)
        rc = check_node(t->side, &t->children[k], sp_node_at(s, *i)->level, err);
    if (t->traversal)
        *state = sp_state_with_traversal(*state, t->traversal);
    if (t->copy && t->side == SPATE_SRC)
        *state = sp_state_with_copy(*state, t->copy);
    rc = rc ? rc : check_changes(l, t->changes, t->n_changes, err);
    *state = was;
    return rc;
}

int spate_ledger_done(spate_ledger *l, const spate_task *t, spate_error *err)
{
    uint32_t i = 0;
    begin(l);
    int rc = check_task(l, t, &i, err);
    const spate_change traversal = {.kind = SPATE_SET_TRAVERSAL, .side = t->side, .id = t->id, .value = t->traversal};
    const spate_change copy = {.kind = SPATE_SET_COPY, .side = t->side, .id = t->id, .value = t->copy};
    if (rc == SPATE_OK && t->traversal)
        rc = make_change(l, &traversal, i, err);
    if (rc == SPATE_OK && t->copy)
        rc = make_change(l, &copy, i, err);
    rc = rc ? rc : make_changes(l, t->changes, t->n_changes, err);
    if (rc == SPATE_OK && t->n_children)
        rc = add_children(l, t->side, i, t->children, t->n_children, err);
    return end(l, rc, err);
}

/* ---- statistics and seals -------------------------------------------------------------------------------------------------------- */

static int check_level(int32_t depth, spate_error *err)
{
    return depth >= 0 && depth <= SP_LEVELS_MAX ? SPATE_OK : sp_fail(err, SPATE_E_USAGE, "there is no depth %d", depth);
}

int spate_ledger_stat_set(spate_ledger *l, spate_side side, int32_t depth, spate_stat stat, int64_t count,
                          spate_error *err)
{
    sp_level *level;
    if (check_level(depth, err) != SPATE_OK)
        return SPATE_E_USAGE;
    begin(l);
    int rc = sp_memory_level(&l->memory, side, depth, &level, err);
    rc = rc ? rc : nomem_if(sp_record_numbers(&l->record, SP_RECORD_STAT, side, depth, stat, count), err);
    if (rc == SPATE_OK) {
        level->stat[stat] = count;
        level->stat_there |= 1u << stat;
        level->stats_dirty = true;
    }
    return end(l, rc, err);
}

int spate_ledger_recount(spate_ledger *l, spate_side side, int32_t depth, spate_error *err)
{
    sp_level *level;
    if (check_level(depth, err) != SPATE_OK)
        return SPATE_E_USAGE;
    begin(l);
    int rc = sp_memory_level(&l->memory, side, depth, &level, err);
    rc = rc ? rc : nomem_if(sp_record_numbers(&l->record, SP_RECORD_RECOUNT, side, depth, 0, 0), err);
    if (rc == SPATE_OK)
        sp_memory_recount(level, side);
    return end(l, rc, err);
}

static int record_seal(spate_ledger *l, unsigned side, int32_t depth, int64_t completed, spate_error *err)
{
    sp_level *level;
    begin(l);
    int rc = sp_memory_level(&l->memory, side, depth, &level, err);
    rc = rc ? rc
            : nomem_if(sp_record_numbers(&l->record, SP_RECORD_SEAL, side, depth, 0, SP_MAX(completed, (int64_t)-1)),
                       err);
    if (rc == SPATE_OK) {
        if (completed >= 0) {
            level->stat[SPATE_STAT_COMPLETED] = completed;
            level->stat_there |= 1u << SPATE_STAT_COMPLETED;
        }
        sp_memory_recount(level, side);
        level->sealed = true;
        level->queued = !level->mirrored;
    }
    return end(l, rc, err);
}

static uint64_t rows_to_write(spate_ledger *l, unsigned side, int32_t depth)
{
    pthread_rwlock_rdlock(&l->lock);
    const sp_level *level = sp_level_at(&l->memory.side[side], depth);
    uint64_t rows = !level || level->queued ? 0 : level->mirrored ? level->n_dirty : level->alive;
    pthread_rwlock_unlock(&l->lock);
    return rows;
}

int spate_ledger_seal(spate_ledger *l, spate_side side, int32_t depth, int64_t completed, spate_error *err)
{
    int rc = check_level(depth, err);
    if (rc != SPATE_OK || sp_mirror_off(l))
        return rc ? rc : record_seal(l, side, depth, completed, err);
    uint64_t rows = rows_to_write(l, side, depth);
    rc = sp_mirror_reserve(l, rows, err);
    if (rc != SPATE_OK)
        return rc;
    rc = record_seal(l, side, depth, completed, err);
    if (rc != SPATE_OK) {
        sp_mirror_release(l, rows);
        return rc;
    }
    sp_mirror_queued(l);
    return depth == 0 ? spate_ledger_flush(l, err) : SPATE_OK;
}

/* ---- rows for DuckDB, and words --------------------------------------------------------------------------------------------------- */

static spate_bytes text_of(const char *s)
{
    return (spate_bytes){s ? s : "", s ? strlen(s) : 0};
}

static int add_row(spate_ledger *l, sp_row kind, const spate_bytes *texts, size_t n, spate_error *err)
{
    begin(l);
    int rc = nomem_if(sp_record_texts(&l->record, SP_RECORD_ROW, kind, texts, n), err);
    if (rc == SPATE_OK) {
        l->memory.rows += kind != SP_ROW_QUEUE_STATS;
        l->memory.row_bytes += kind != SP_ROW_QUEUE_STATS ? l->record.len : 0;
        rc = sp_mirror_row(l, l->record.data, l->record.len, kind, err);
    }
    if (kind == SP_ROW_QUEUE_STATS)
        l->record.len = 0;
    return end(l, rc, err);
}

int64_t spate_log_id(void)
{
    static _Atomic int64_t last;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t id = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, before = atomic_load(&last);
    do
        id = SP_MAX(id, before + 1);
    while (!atomic_compare_exchange_weak(&last, &before, id));
    return id;
}

int spate_ledger_log(spate_ledger *l, const spate_log_entry *e, spate_error *err)
{
    char id[SP_I64_TEXT_MAX + SP_SLACK];
    size_t len = (size_t)(sp_put_i64(id, e->id ? e->id : spate_log_id()) - id);
    spate_bytes texts[] = {{id, len},          text_of(e->level),     text_of(e->message),
                           text_of(e->entity), text_of(e->entity_id), text_of(e->queue)};
    int rc = sp_mirror_logs_wait(l, err);
    return rc ? rc : add_row(l, SP_ROW_LOG, texts, SP_COUNT(texts), err);
}

int spate_ledger_task_error(spate_ledger *l, const spate_task_error *e, spate_error *err)
{
    char hex[33], attempts[SP_I64_TEXT_MAX + SP_SLACK];
    spate_node_id_hex(e->id, hex);
    size_t len = (size_t)(sp_put_i64(attempts, e->attempts) - attempts);
    spate_bytes texts[] = {text_of(e->queue),   text_of(e->phase), {hex, 32},
                           text_of(e->message), {attempts, len},   text_of(e->path)};
    return add_row(l, SP_ROW_TASK_ERROR, texts, SP_COUNT(texts), err);
}

int spate_ledger_queue_stats(spate_ledger *l, const char *queue, const char *json, spate_error *err)
{
    spate_bytes texts[] = {text_of(queue), text_of(json)};
    return add_row(l, SP_ROW_QUEUE_STATS, texts, SP_COUNT(texts), err);
}

int spate_ledger_migration(spate_ledger *l, const spate_migration *m, spate_error *err)
{
    spate_bytes texts[] = {text_of(m->id), text_of(m->name), text_of(m->phase), text_of(m->services_json),
                           text_of(m->config_json)};
    return add_row(l, SP_ROW_MIGRATION, texts, SP_COUNT(texts), err);
}

int spate_ledger_remember(spate_ledger *l, const char *key, const char *value, spate_error *err)
{
    spate_bytes texts[] = {text_of(key), text_of(value)};
    begin(l);
    int rc = nomem_if(sp_record_texts(&l->record, SP_RECORD_REMEMBER, !value, texts, 2), err);
    rc = rc ? rc : sp_memory_remember(&l->memory, texts[0], texts[1], !value, err);
    return end(l, rc, err);
}

int64_t spate_ledger_recall(spate_ledger *l, const char *key, char *value, size_t cap)
{
    pthread_rwlock_rdlock(&l->lock);
    const char *word = sp_memory_recall(&l->memory, key);
    int64_t len = word ? (int64_t)strlen(word) : -1;
    if (word && cap)
        snprintf(value, cap, "%s", word);
    pthread_rwlock_unlock(&l->lock);
    return len;
}
