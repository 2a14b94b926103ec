/* ahead.c - what a second thread does while a long journal is read. It makes memory for nodes and their text before it is needed, for
 * much of what reading costs is the system clearing new pages; and as long as there is enough of that it gives ids to nodes whose block
 * is full, which need nothing that is still to come. The reader never waits for it: where no block is ready it makes one itself, and
 * what has no ids at the end gets them then. */
#include "ledger/nodes.h"

enum { READY_MAX = 2, PAGE_BYTES = 4096 };
static const size_t block_bytes[SP_BLOCK_KINDS] = {
    [SP_BLOCK_NODES] = sizeof(sp_node) << SP_NODE_BLOCK_BITS, [SP_BLOCK_TEXT] = (size_t)1 << SP_TEXT_BLOCK_BITS};

struct sp_ahead {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked;
    bool stop;
    sp_memory *memory;
    uint32_t full[2], named[2]; /* blocks of each side */
    sp_buf path;
    void *ready[SP_BLOCK_KINDS][READY_MAX];
    unsigned n_ready[SP_BLOCK_KINDS];
};

static void *make_block(sp_block_kind kind)
{
    char *block = sp_alloc_large(block_bytes[kind]);
    for (size_t at = 0; block && at < block_bytes[kind]; at += PAGE_BYTES)
        *(volatile char *)(block + at) = 0;
    return block;
}

/* The kind of which least is ready; SP_BLOCK_KINDS: there is enough. */
static sp_block_kind wanted(const sp_ahead *a)
{
    sp_block_kind kind = a->n_ready[SP_BLOCK_TEXT] < a->n_ready[SP_BLOCK_NODES] ? SP_BLOCK_TEXT : SP_BLOCK_NODES;
    return a->n_ready[kind] < READY_MAX ? kind : SP_BLOCK_KINDS;
}

/* Both under the lock, which they let go of while they work. Where there is no memory they end the thread: whoever needs it will say so. */
static void prepare_block(sp_ahead *a, sp_block_kind kind)
{
    pthread_mutex_unlock(&a->lock);
    void *block = make_block(kind);
    pthread_mutex_lock(&a->lock);
    if (block)
        a->ready[kind][a->n_ready[kind]++] = block;
    a->stop |= !block;
}

static void name_block(sp_ahead *a, unsigned side)
{
    uint32_t block = a->named[side];
    pthread_mutex_unlock(&a->lock);
    int rc = sp_memory_name_block(&a->memory->side[side], side, block, UINT32_MAX, &a->path);
    pthread_mutex_lock(&a->lock);
    a->named[side] += rc == SPATE_OK;
    a->stop |= rc != SPATE_OK;
}

static void *work_ahead(void *arg)
{
    sp_ahead *a = arg;
    pthread_mutex_lock(&a->lock);
    while (!a->stop) {
        sp_block_kind kind = wanted(a);
        unsigned side = a->named[0] == a->full[0];
        if (kind != SP_BLOCK_KINDS)
            prepare_block(a, kind);
        else if (a->named[side] < a->full[side])
            name_block(a, side);
        else
            pthread_cond_wait(&a->asked, &a->lock);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

sp_ahead *sp_ahead_start(sp_memory *m)
{
    sp_ahead *a = sp_alloc_zero(1, sizeof(*a));
    if (!a)
        return NULL;
    a->memory = m;
    sp_buf_init(&a->path);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->asked, NULL);
    if (sp_os_thread_start(&a->thread, work_ahead, a, NULL) == SPATE_OK)
        return a;
    sp_free(a);
    return NULL;
}

void *sp_ahead_take(sp_ahead *a, sp_block_kind kind)
{
    void *block = NULL;
    if (!a)
        return NULL;
    pthread_mutex_lock(&a->lock);
    if (a->n_ready[kind])
        block = a->ready[kind][--a->n_ready[kind]];
    pthread_cond_signal(&a->asked);
    pthread_mutex_unlock(&a->lock);
    return block;
}

void sp_ahead_full(sp_ahead *a, sp_side *s)
{
    uint32_t full = s->n >> SP_NODE_BLOCK_BITS;
    if (!a || full == s->full)
        return;
    pthread_mutex_lock(&a->lock);
    a->full[s - a->memory->side] = s->full = full;
    pthread_cond_signal(&a->asked);
    pthread_mutex_unlock(&a->lock);
}

void sp_ahead_stop(sp_ahead *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->asked);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    for (unsigned side = 0; side < 2; side++)
        a->memory->side[side].named = a->named[side];
    sp_buf_done(&a->path);
    for (unsigned kind = 0; kind < SP_BLOCK_KINDS; kind++)
        for (unsigned i = 0; i < a->n_ready[kind]; i++)
            sp_free(a->ready[kind][i]);
    pthread_cond_destroy(&a->asked);
    pthread_mutex_destroy(&a->lock);
    sp_free(a);
}
