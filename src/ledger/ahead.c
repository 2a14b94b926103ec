/* ahead.c - memory for nodes and their text, made before it is needed by a thread of its own. Half of what reading a long journal costs
 * is the system clearing new pages, and that can be done by another processor. Nobody waits for it: where nothing is ready the reader
 * makes a block itself. */
#include "ledger/nodes.h"

enum { READY_MAX = 2, PAGE_BYTES = 4096 };
static const size_t block_bytes[SP_BLOCK_KINDS] = {
    [SP_BLOCK_NODES] = sizeof(sp_node) << SP_NODE_BLOCK_BITS, [SP_BLOCK_TEXT] = (size_t)1 << SP_TEXT_BLOCK_BITS};

struct sp_ahead {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t taken;
    bool stop;
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

static void *make_blocks(void *arg)
{
    sp_ahead *a = arg;
    pthread_mutex_lock(&a->lock);
    while (!a->stop) {
        sp_block_kind kind = wanted(a);
        if (kind == SP_BLOCK_KINDS) {
            pthread_cond_wait(&a->taken, &a->lock);
            continue;
        }
        pthread_mutex_unlock(&a->lock);
        void *block = make_block(kind);
        pthread_mutex_lock(&a->lock);
        if (block)
            a->ready[kind][a->n_ready[kind]++] = block;
        a->stop |= !block; /* whoever needs it will say that there is no memory */
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

sp_ahead *sp_ahead_start(void)
{
    sp_ahead *a = sp_alloc_zero(1, sizeof(*a));
    if (!a)
        return NULL;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->taken, NULL);
    if (sp_os_thread_start(&a->thread, make_blocks, a, NULL) == SPATE_OK)
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
    pthread_cond_signal(&a->taken);
    pthread_mutex_unlock(&a->lock);
    return block;
}

void sp_ahead_stop(sp_ahead *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->taken);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    for (unsigned kind = 0; kind < SP_BLOCK_KINDS; kind++)
        for (unsigned i = 0; i < a->n_ready[kind]; i++)
            sp_free(a->ready[kind][i]);
    pthread_cond_destroy(&a->taken);
    pthread_mutex_destroy(&a->lock);
    sp_free(a);
}
