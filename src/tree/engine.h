/* engine.h - a tree moved in rounds: what the passes of a migration share.
 *
 * A pass goes over the levels of the ledger; a round is one level of it. Workers lease pages of nodes, do their work and record it;
 * a round is over when all of them came back with nothing. Nothing is done from the ledger's point of view before it is in the
 * destination, and, where asked for, on its disk. Passes may be interrupted at any place and begun again: each looks only for what
 * the ledger has as pending. */
#ifndef SP_TREE_ENGINE_H
#define SP_TREE_ENGINE_H

#include "os/os.h"
#include "spate/ledger.h"
#include "spate/migrate.h"
#include "tree/copy.h"
#include "tree/filter.h"

#include <stdatomic.h>

enum {
    SP_TREE_LAG = 2,            /* rounds that the destination is listed behind the source */
    SP_TREE_TRIES = 3,          /* of a folder that cannot be listed */
    SP_TREE_BACKOFF_US = 20000, /* before the second one; doubled for each further one */
    SP_TREE_LEASE = 4,          /* folders a worker takes at once: the last ones of a round keep one worker busy */
    SP_TREE_CHILDREN = 4096,    /* recorded at once; of a larger folder a worker takes so many at a time */
    SP_TREE_GROUP_US = 200000,  /* of finished files are brought to the disk together, then recorded */
    SP_TREE_GROUP = 16384,      /* changes, at most, that wait for that */
};

/* The note of a file that verifying found to differ though size, time, mode and owner are the same: copying does not leave it. */
#define SP_TREE_CONTENT_DIFFERS "verify: the content differs"

typedef struct sp_links sp_links; /* links.c */

/* Changes that wait to be recorded. */
typedef struct sp_batch {
    spate_change *changes;
    size_t n, cap;
    sp_buf notes; /* of those: by offset until they are recorded */
} sp_batch;

typedef struct sp_engine {
    const spate_migrate_options *options;
    sp_tree *src, *dst;
    spate_ledger *ledger;
    sp_filter filter;
    unsigned keep; /* sp_keep */
    unsigned n_workers;
    struct sp_worker *workers;
    sp_links *links;
    _Atomic uint64_t listed, copied, copied_bytes, mended, verified, differed, failed;
    _Atomic bool linked; /* there are files with several names */
    _Atomic bool unlike; /* folders that both sides have may differ in what is kept of them */
    /* the pool */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned started, idle, generation;
    bool stop;
    int (*work)(struct sp_engine *e, struct sp_worker *w, spate_error *err);
    bool finish; /* a round is over only when all changes are recorded */
    int status;  /* of the first worker that failed in this round */
    spate_error error;
    spate_filter lease[2]; /* what is leased in this round, and how far */
    spate_cursor cursor[2];
    bool leased_all[2];
    bool large; /* there is a folder whose children are taken in pieces, from large_at on */
    spate_node_id large_id;
    spate_child_cursor large_at;
    /* the group commit: one thread syncs the destination for all batches that wait, and records them */
    pthread_t syncer;
    pthread_mutex_t sync_lock;
    pthread_cond_t sync_changed;
    bool syncing, sync_stop;
} sp_engine;

typedef struct sp_worker {
    sp_engine *engine;
    pthread_t thread;
    sp_walker *from, *to;
    sp_copier copier;
    spate_nodes page, children, known; /* leased; of one folder; points */
    spate_node *found;                 /* SP_TREE_CHILDREN, of a listing */
    size_t n_found;
    sp_buf text;        /* names and notes of what was found */
    spate_node_id *ids; /* SP_TREE_CHILDREN */
    int64_t *rows;
    sp_batch batch;      /* being filled */
    int64_t unsynced_us; /* when its first change was made; 0: it has none */
    sp_batch group;      /* under sync_lock: on its way to the disk while grouped */
    bool grouped;
    int group_status;
    spate_error group_error;
} sp_worker;

int sp_engine_start(sp_engine *e, spate_error *err) SP_MUST_CHECK;
void sp_engine_stop(sp_engine *e);
bool sp_engine_cancelled(const sp_engine *e);
/* Runs work on all workers, again and again on each until it returns 0 there (1: there may be more; negative: a failure, which
 * ends the round). */
int sp_engine_round(sp_engine *e, int (*work)(sp_engine *, sp_worker *, spate_error *), spate_error *err) SP_MUST_CHECK;
/* The next nodes of what the round leases into w->page, from lease i. 1 or 0 or a failure. */
int sp_engine_lease(sp_engine *e, sp_worker *w, int i, size_t limit, spate_error *err) SP_MUST_CHECK;
void sp_engine_set_lease(sp_engine *e, int i, const spate_filter *filter); /* NULL: nothing */
/* A round of work for every level of filter's side, from the root down or back up. When it returns, all changes are recorded. */
int sp_engine_levels(sp_engine *e, spate_filter filter, bool up, int (*work)(sp_engine *, sp_worker *, spate_error *),
                     spate_error *err) SP_MUST_CHECK;

/* Says so of unlike, and remembers it: folders are finished last, maybe by a later run. */
int sp_engine_set_unlike(sp_engine *e, spate_error *err) SP_MUST_CHECK;

/* The children of the folders that lease 0 gives, at most SP_TREE_CHILDREN at a time, in w->children. A large folder is shared
 * among all workers. Returns as work of a round does. */
typedef int sp_children_fn(sp_worker *w, const spate_node *folder, spate_error *err);
int sp_engine_each_folder(sp_engine *e, sp_worker *w, sp_children_fn *fn, spate_error *err) SP_MUST_CHECK;

/* Changes a worker gathers, and how they come into the ledger. note may be NULL. */
int sp_worker_change(sp_worker *w, spate_change_kind kind, spate_side side, spate_node_id id, int64_t value,
                     const char *note, spate_error *err) SP_MUST_CHECK;
/* Sends them on their way when it is time; now: waits until all of them are recorded. */
int sp_worker_settle(sp_worker *w, bool now, spate_error *err) SP_MUST_CHECK;
void sp_batch_point(sp_batch *b); /* points the changes at their notes: nothing is added any more */
void sp_batch_empty(sp_batch *b);
/* Is this a failure of the thing worked on (recorded, and the pass goes on) or of everything? */
bool sp_worker_goes_on(int status, const spate_error *err);

/* The passes. */
int sp_plan_pass(sp_engine *e, spate_error *err) SP_MUST_CHECK;                      /* plan.c */
int sp_copy_pass(sp_engine *e, spate_error *err) SP_MUST_CHECK;                      /* carry.c */
int sp_verify_pass(sp_engine *e, spate_error *err) SP_MUST_CHECK;                    /* verify.c */
int sp_delete_pass(sp_engine *e, uint64_t *deleted, spate_error *err) SP_MUST_CHECK; /* remove.c */
int sp_retry_failed(sp_engine *e, uint64_t *again, spate_error *err) SP_MUST_CHECK;  /* failed becomes pending */

/* links.c: names of one file. The first to ask for a key copies; the others wait for it and link. */
sp_links *sp_links_new(void);
void sp_links_free(sp_links *l);
typedef enum sp_link_role { SP_LINK_COPY, SP_LINK_TO, SP_LINK_NOMEM } sp_link_role;
sp_link_role sp_links_ask(sp_links *l, spate_bytes key, sp_buf *path);
void sp_links_tell(sp_links *l, spate_bytes key, spate_bytes path, bool there);
/* The key of a node's service id; len 0: the file has one name only. */
spate_bytes sp_links_key(const spate_node *node);

#endif
