/* snapshot.c - all that the memory has, as records: what a journal that is written anew begins with.
 *
 * Nodes keep their numbers, deleted ones too: what is recorded from then on names them by number. Rows for DuckDB alone are no part of
 * the memory, and are copied from the journal that was: DuckDB can still be removed at any time. Versions of levels are said as they
 * are, so DuckDB's copies stay good. */
#include "ledger/ledger.h"

enum { RUN = 256, NODE_BYTES = 14 /* of a record, without its texts */ };

static spate_node said_of(const sp_side *s, uint32_t i)
{
    const sp_node *node = sp_node_at(s, i);
    uint16_t state = *sp_state_at(s, i);
    unsigned copy = sp_state_copy(state);
    return (spate_node){.name = {sp_text_at(s, node->name), node->name_len},
                        .type = (uint8_t)sp_state_type(state),
                        .traversal = (uint8_t)sp_state_traversal(state),
                        .copy = (uint8_t)(copy == SPATE_COPY_IN_PROGRESS ? SPATE_COPY_PENDING : copy),
                        .excluded = state & SP_STATE_EXCLUDED,
                        .size = node->size,
                        .mtime_ns = node->mtime_ns,
                        .attributes = node->attributes,
                        .service_id = sp_memory_own_service(s, i),
                        .note = sp_memory_note(s, i),
                        .checksum = sp_memory_checksum(s, i),
                        .depth =
                            node->parent && node->level != sp_node_at(s, node->parent)->level + 1 ? node->level : 0};
}

/* A root is made pending and plain: the rest of it are changes. */
static int put_root(unsigned side, const sp_side *s, sp_journal *to)
{
    const spate_bytes none = {NULL, 0};
    spate_node root = said_of(s, 1);
    const spate_node made = {.type = SPATE_FOLDER,
                             .name = {"", 0},
                             .service_id = root.service_id,
                             .size = root.size,
                             .mtime_ns = root.mtime_ns};
    const spate_change changes[] = {{.kind = SPATE_SET_TRAVERSAL, .value = root.traversal},
                                    {.kind = SPATE_SET_COPY, .value = root.copy},
                                    {.kind = SPATE_SET_EXCLUDED, .value = root.excluded},
                                    {.kind = SPATE_SET_ATTRIBUTES, .value = (int64_t)root.attributes},
                                    {.kind = SPATE_SET_CHECKSUM, .value = (int64_t)root.checksum}};
    int rc = sp_record_root(&to->out, side, &made);
    for (size_t i = 0; i < SP_COUNT(changes) && rc == SPATE_OK; i++)
        rc = sp_record_change(&to->out, side, changes[i].kind, 1, changes[i].value, none);
    return rc || !root.note.len ? rc : sp_record_change(&to->out, side, SPATE_SET_NOTE, 1, 0, root.note);
}

/* The nodes from i on that have one parent, RUN at most: where they end. */
static uint32_t put_run(unsigned side, const sp_side *s, uint32_t i, sp_journal *to)
{
    static const uint32_t all_new[RUN];
    spate_node nodes[RUN];
    uint32_t n = 0, parent = sp_node_at(s, i)->parent;
    for (; n < RUN && i + n < s->n && sp_node_at(s, i + n)->parent == parent; n++)
        nodes[n] = said_of(s, i + n);
    if (sp_record_reserve(&to->out, nodes, n) != SPATE_OK)
        return 0;
    sp_record_children(&to->out, side, parent, nodes, n, all_new);
    return i + n;
}

/* All below a deleted node are deleted, so it is enough to say so of those that lie in one that is not. */
static int put_deleted(unsigned side, const sp_side *s, sp_journal *to, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 2; i < s->n && rc == SPATE_OK; i++) {
        if (sp_node_alive(s, i) || !sp_node_alive(s, sp_node_at(s, i)->parent))
            continue;
        rc = sp_record_change(&to->out, side, SPATE_DELETE, i, 0, (spate_bytes){NULL, 0}) ? sp_fail_nomem(err)
                                                                                          : sp_journal_put(to, err);
    }
    return rc;
}

static int put_side(unsigned side, const sp_side *s, sp_journal *to, spate_error *err)
{
    if (s->n == 1)
        return SPATE_OK;
    int rc = put_root(side, s, to) ? sp_fail_nomem(err) : SPATE_OK;
    for (uint32_t i = 2; i < s->n && rc == SPATE_OK;) {
        i = put_run(side, s, i, to);
        rc = i ? sp_journal_put(to, err) : sp_fail_nomem(err);
    }
    return rc ? rc : put_deleted(side, s, to, err);
}

static int put_words(const sp_memory *m, sp_journal *to, spate_error *err)
{
    int rc = SPATE_OK;
    for (size_t i = 0; i < m->n_words && rc == SPATE_OK; i += 2) {
        const spate_bytes texts[] = {{m->words[i], strlen(m->words[i])}, {m->words[i + 1], strlen(m->words[i + 1])}};
        rc = sp_record_texts(&to->out, SP_RECORD_REMEMBER, 0, texts, 2) ? sp_fail_nomem(err) : sp_journal_put(to, err);
    }
    return rc;
}

static int put_row(void *arg, uint64_t number, unsigned statement, const spate_bytes *texts, size_t n, spate_error *err)
{
    sp_journal *to = arg;
    (void)number;
    return sp_record_texts(&to->out, SP_RECORD_ROW, statement, texts, n) ? sp_fail_nomem(err) : sp_journal_put(to, err);
}

static int put_rows_of(void *arg, const char *payload, size_t len, spate_error *err)
{
    uint64_t number = 0;
    return sp_record_rows(payload, len, &number, put_row, arg, err);
}

static int put_levels(unsigned side, const sp_side *s, sp_journal *to, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t d = 0; d < s->n_levels && rc == SPATE_OK; d++)
        if (s->levels[d])
            rc = sp_record_level(&to->out, side, (int32_t)d, s->levels[d]) ? sp_fail_nomem(err)
                                                                           : sp_journal_put(to, err);
    return rc;
}

static int put_all(void *arg, sp_journal *to, spate_error *err)
{
    spate_ledger *l = arg;
    const sp_memory *m = &l->memory;
    int rc = sp_record_snapshot(&to->out, false, m) ? sp_fail_nomem(err) : SPATE_OK;
    for (unsigned side = 0; side < 2 && rc == SPATE_OK; side++)
        rc = put_side(side, &m->side[side], to, err);
    rc = rc ? rc : put_words(m, to, err);
    if (rc == SPATE_OK && m->rows)
        rc = sp_journal_read(&l->journal, put_rows_of, to, err);
    for (unsigned side = 0; side < 2 && rc == SPATE_OK; side++)
        rc = put_levels(side, &m->side[side], to, err);
    return rc == SPATE_OK && sp_record_snapshot(&to->out, true, m) ? sp_fail_nomem(err) : rc;
}

/* About what a snapshot would take now. */
static uint64_t least_bytes(const sp_memory *m)
{
    uint64_t bytes = m->row_bytes;
    for (unsigned side = 0; side < 2; side++)
        bytes += m->side[side].text_used - m->side[side].text_dead + (uint64_t)m->side[side].n * NODE_BYTES;
    return bytes;
}

int sp_snapshot_when_due(spate_ledger *l, spate_error *err)
{
    bool done = false;
    uint64_t least = SP_MAX(least_bytes(&l->memory), l->rewritten_bytes);
    l->rewrite_at = SP_MAX(2 * least, l->options.rewrite_bytes);
    if (!l->journal.path || l->journal.bytes < l->rewrite_at)
        return SPATE_OK;
    int rc = sp_journal_rewrite(&l->journal, put_all, l, &done, err);
    l->rewritten_bytes =
        l->journal.bytes; /* or what it is without, when it could not be done: not again before it has doubled */
    l->rewrite_at = SP_MAX(2 * l->rewritten_bytes, l->options.rewrite_bytes);
    return rc;
}
