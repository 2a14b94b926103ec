/* spate/ledger.h - the memory of a long job: what is done, what that found, and what is left.
 *
 * Caveats first. One process at a time has a ledger open. All nodes are in memory (at most 100 bytes each, names included): that is
 * what makes pages, joins and points quick. A call that changes something returns when memory has it; the disk has it at most
 * sync_ms later, or when spate_ledger_sync returns. So after kill -9 at most that much work is repeated, and nothing that was
 * synced is lost: sync before you act on the outside world in a way that must not be repeated.
 *
 * A ledger at PATH is two files. PATH.journal is the truth: groups of records, each group hashed and synced as a whole. A record is
 * atomic: "this task is done, these are its children, and this changed elsewhere" is one. PATH is a DuckDB file for SQL, review and
 * reports: whole sealed levels, written in bulk by a thread of the ledger's own. It can be removed at any time: the journal gives
 * it back at the next flush. PATH NULL or ":memory:" keeps neither file.
 *
 * Nodes form two trees, source and destination, joined by path. A node that has children is a folder, one that has none a file;
 * a job on tables calls its tables folders and its row ranges files, and depth its dependency level. The root has depth 0 and path
 * "/"; below it a node's path is its parent's, a slash and a name, and its depth is larger than its parent's. Names are any bytes
 * but '/' and NUL. In SQL, where text must be UTF-8, bytes that are not appear as \xNN, and raw_path has the path as it is.
 *
 * Life of a level:  insert or done (of the level above) -> page, done ... -> seal -> flush -> its rows are in DuckDB
 * Life of a status:
 *     traversal  pending -> successful | failed | excluded -> pending (again);   not_on_src: destination only, from its discovery
 *     copy       pending -> in_progress -> successful | failed | skipped | conflict -> pending (again);   source only
 *                successful -> failed: what was there turns out not to be
 * in_progress is this process's own: it is never written to the journal, so whoever opens the ledger next reads pending.
 *
 * Threads: all calls on one ledger from any thread. A batch and a cursor belong to one thread at a time. A failure of a file is
 * final: every later call that changes something returns it, and so does spate_ledger_close. */
#ifndef SPATE_LEDGER_H
#define SPATE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "spate/error.h"
#include "spate/query.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spate_ledger spate_ledger;

/* ---- words ------------------------------------------------------------------------------------------------------------- */

typedef enum spate_side { SPATE_SRC, SPATE_DST } spate_side;
/* 0 in a filter: any; in something known already: as it was. Each has a word in SQL: "folder", "pending", ... */
typedef enum spate_node_type { SPATE_TYPE_ANY, SPATE_FOLDER, SPATE_FILE, SPATE_SYMLINK, SPATE_OTHER } spate_node_type;
typedef enum spate_traversal {
    SPATE_TRAVERSAL_ANY,
    SPATE_TRAVERSAL_PENDING,
    SPATE_TRAVERSAL_SUCCESSFUL,
    SPATE_TRAVERSAL_FAILED,
    SPATE_TRAVERSAL_NOT_ON_SRC,
    SPATE_TRAVERSAL_EXCLUDED
} spate_traversal;
typedef enum spate_copy_state {
    SPATE_COPY_ANY,
    SPATE_COPY_PENDING,
    SPATE_COPY_IN_PROGRESS,
    SPATE_COPY_SUCCESSFUL,
    SPATE_COPY_FAILED,
    SPATE_COPY_SKIPPED,
    SPATE_COPY_CONFLICT
} spate_copy_state;
const char *spate_node_type_name(spate_node_type type);
const char *spate_traversal_name(spate_traversal status);
const char *spate_copy_state_name(spate_copy_state status); /* "" for none */

typedef struct spate_bytes {
    const char *p; /* not necessarily NUL-terminated */
    size_t len;
} spate_bytes;

/* A function of side, type and path alone (XXH3, 128 bits): whoever finds a node again gives it the same id. */
typedef struct spate_node_id {
    uint8_t b[16]; /* ordered as bytes */
} spate_node_id;
spate_node_id spate_node_id_of(spate_side side, spate_node_type type, spate_bytes path);
void spate_node_id_hex(spate_node_id id, char hex[33]);

/* What a caller gives and gets. Given: name (or path, see insert), type and whatever else is known; ids, parent_path and
 * parent_service_id are the ledger's to fill. */
typedef struct spate_node {
    spate_node_id id, parent_id;   /* the root's parent_id is zeroes */
    spate_bytes path, parent_path; /* "/" and "" for the root */
    spate_bytes name;              /* the last part of path */
    spate_bytes service_id;        /* what the adapter calls it; given empty: its parent's, a slash and its name */
    spate_bytes parent_service_id;
    spate_bytes note;       /* the column errors: why it failed or was left out */
    int64_t size, mtime_ns; /* mtime_ns: since 1970 */
    /* what the caller knows of it besides (mode and owner, say), as one number of its own making */
    uint64_t attributes;
    uint64_t checksum; /* of its content, when somebody computed it; 0: nobody did */
    int32_t depth;     /* given 0: its parent's and one */
    /* given 0: folders pending, others successful; copy pending on the source, none on the other */
    uint8_t type, traversal, copy;
    bool excluded;
} spate_node;

/* ---- opening ----------------------------------------------------------------------------------------------------------- */

typedef struct spate_ledger_options {
    const char *path;    /* NULL or ":memory:": in memory only */
    bool journal_only;   /* no DuckDB file: seals only note the level, SQL calls are refused */
    /* reads what the journal has now, even while another process has it open; what is changed then stays in memory */
    bool look;
    unsigned sync_ms;    /* 0: 100. A group is synced at most so much later than its first record */
    unsigned flush_ms;   /* seal buffer: flushed so often; 0: 60,000 */
    uint64_t flush_rows; /* flushed at so many rows; 0: 100,000 */
    uint64_t rows_max;   /* spate_ledger_seal waits while more would be queued; a larger level goes alone. 0: 100,000 */
    uint64_t rewrite_bytes; /* a journal of so many bytes that are twice what it has to say is written anew; 0: 4 MiB */
    unsigned log_batch;     /* log entries a transaction; at twice as many spate_ledger_log waits. 0: 500 */
    unsigned log_ms;        /* log entries are written at most so much later; 0: 2,000 */
    unsigned memory_mib;    /* DuckDB's own memory; 0: 256 */
} spate_ledger_options;

/* What opening found. */
typedef struct spate_ledger_resume {
    bool fresh;        /* nothing was there */
    uint64_t nodes[2]; /* a side */
    uint64_t pending_traversal[2], failed_traversal[2];
    uint64_t pending_copy, failed_copy;
    int32_t pending_depth[2]; /* the smallest depth with a traversal to do; -1: none */
    int32_t copy_depth;       /* the smallest with a copy to do; -1: none */
    uint64_t bytes_cut;       /* of a group that a crash left unfinished at the journal's end */
} spate_ledger_resume;

/* Opens or makes a ledger and reads its journal. SPATE_E_UNREACHABLE: another process has it open. SPATE_E_CORRUPT: a group in the
 * midst of the journal is damaged (the error says where); an unfinished last group is cut off, that is what a crash leaves. */
int spate_ledger_open(const spate_ledger_options *options, spate_ledger **ledger, spate_error *err);
/* Flushes and syncs everything, then frees the ledger in any case. Returns the first failure that is still unsaid. NULL is fine. */
int spate_ledger_close(spate_ledger *l, spate_error *err);
const char *spate_ledger_path(const spate_ledger *l);                 /* ":memory:" without one */
void spate_ledger_state(spate_ledger *l, spate_ledger_resume *state); /* the same numbers, now */
/* Returns when everything that was recorded before the call survives a crash. */
int spate_ledger_sync(spate_ledger *l, spate_error *err);

/* ---- recording --------------------------------------------------------------------------------------------------------- */

/* Makes both roots (NULL: that side has none) with their first statistics: one pending traversal at depth 0. Roots that are there
 * stay as they are. Of the nodes only service_id, size and mtime_ns count. */
int spate_ledger_seed(spate_ledger *l, const spate_node *src, const spate_node *dst, spate_error *err);

/* New nodes, parents before children, all or none. path says where each belongs. SPATE_E_DATA: one is there already, or its parent
 * is not. */
int spate_ledger_insert(spate_ledger *l, spate_side side, const spate_node *nodes, size_t n, spate_error *err);

typedef enum spate_change_kind {
    SPATE_SET_TRAVERSAL,      /* value: spate_traversal */
    SPATE_SET_COPY,           /* value: spate_copy_state; nothing happens on the destination */
    SPATE_SET_EXCLUDED,       /* value: 0 or 1 */
    SPATE_SET_EXCLUDED_BELOW, /* the same for the node and everything below it */
    SPATE_SET_SIZE,           /* value: bytes or rows */
    SPATE_SET_MTIME,
    SPATE_SET_CHECKSUM,
    SPATE_SET_NOTE,      /* note */
    SPATE_DELETE,        /* the node and everything below it: nothing is ever left without a parent */
    SPATE_DELETE_BELOW,  /* everything below it: before a folder of the destination is listed again */
    SPATE_SET_ATTRIBUTES /* value: any number */
} spate_change_kind;
typedef struct spate_change {
    spate_change_kind kind;
    spate_side side;
    spate_node_id id;
    int64_t value;
    spate_bytes note;
} spate_change;
/* All or none, one record. SPATE_E_DATA: an unknown id; SPATE_E_USAGE: a step that "life of a status" above does not have; of
 * several changes of one node each is a step from where the one before it leads. */
int spate_ledger_apply(spate_ledger *l, const spate_change *changes, size_t n, spate_error *err);

/* A task is done: its statuses (0: as they are), its children by name, and changes anywhere else, in one record. A child that is
 * known already takes size, mtime and service id from this discovery, and its statuses if they are given. */
typedef struct spate_task {
    spate_side side;
    spate_node_id id;
    uint8_t traversal, copy;
    const spate_node *children;
    size_t n_children;
    const spate_change *changes;
    size_t n_changes;
} spate_task;
int spate_ledger_done(spate_ledger *l, const spate_task *task, spate_error *err);

/* ---- reading nodes ------------------------------------------------------------------------------------------------------- */

/* Nodes and their text, reused by the next call that fills it. Zeroed to start with, freed once at the end. */
typedef struct spate_nodes {
    spate_node *nodes;
    size_t n;
    void *memory;
} spate_nodes;
void spate_nodes_done(spate_nodes *nodes);

/* By id or path: nodes->n is 0 or 1, absence is no failure. A file and a folder may share a path: type 0 takes the folder first. */
int spate_ledger_get(spate_ledger *l, spate_side side, spate_node_id id, spate_nodes *out, spate_error *err);
int spate_ledger_get_path(spate_ledger *l, spate_side side, spate_bytes path, spate_node_type type, spate_nodes *out,
                          spate_error *err);
int spate_ledger_root(spate_ledger *l, spate_side side, spate_nodes *out, spate_error *err);
/* Those of n ids that are there, in the order given; rows[i] (may be NULL): the place of ids[i] in out, or -1. */
int spate_ledger_get_many(spate_ledger *l, spate_side side, const spate_node_id *ids, size_t n, spate_nodes *out,
                          int64_t *rows, spate_error *err);
/* The same for whoever knows paths and names: of texts they have the service ids that do not follow from a parent's, and nothing else. */
int spate_ledger_facts_many(spate_ledger *l, spate_side side, const spate_node_id *ids, size_t n, spate_nodes *out,
                            int64_t *rows, spate_error *err);
/* The first limit children in the order of ids (0: all). */
int spate_ledger_children(spate_ledger *l, spate_side side, spate_node_id parent, size_t limit, spate_nodes *out,
                          spate_error *err);
int spate_ledger_children_path(spate_ledger *l, spate_side side, spate_bytes parent, size_t limit, spate_nodes *out,
                               spate_error *err);
/* At most limit children more, in no order, each once: for folders of any size. Children that come after the first call are not
 * among them. cursor: zeroes to start with; its next is 0 when there are no more. */
typedef struct spate_child_cursor {
    uint32_t next;
    bool started;
} spate_child_cursor;
int spate_ledger_children_some(spate_ledger *l, spate_side side, spate_node_id parent, spate_child_cursor *cursor,
                               size_t limit, spate_nodes *out, spate_error *err);
/* The children of n folders (unknown ones have none): those of parents[i] are out->nodes[first[i]] to first[i + 1]; first has
 * n + 1 places. */
int spate_ledger_children_many(spate_ledger *l, spate_side side, const spate_node_id *parents, size_t n,
                               spate_nodes *out, size_t *first, spate_error *err);
int spate_ledger_children_paths(spate_ledger *l, spate_side side, const spate_bytes *parents, size_t n,
                                spate_nodes *out, size_t *first, spate_error *err);
/* The node of the other side with the same type and path: found[i] says whether there is one. */
int spate_ledger_counterparts(spate_ledger *l, spate_side side, const spate_node_id *ids, size_t n, spate_node_id *out,
                              bool *found, spate_error *err);

/* Pages: the nodes of a level in the order of ids, behind a cursor. Zeroes: from the start. */
typedef struct spate_cursor {
    spate_node_id after;
    bool started;
    bool missed; /* since the start something became fit for this page that may lie behind: start again to be sure */
    uint64_t generation;
} spate_cursor;
typedef enum spate_excluded { SPATE_EXCLUDED_ANY, SPATE_EXCLUDED_NO, SPATE_EXCLUDED_YES } spate_excluded;
typedef struct spate_filter {
    spate_side side;
    int32_t depth;
    spate_traversal traversal; /* each 0: any */
    spate_copy_state copy;
    spate_node_type type;
    spate_excluded excluded;
} spate_filter;
/* At most limit nodes; fewer: there were no more at that moment. Moves the cursor. No gap and no repeat whatever is written
 * meanwhile, save nodes that join behind the cursor. */
int spate_ledger_page(spate_ledger *l, const spate_filter *filter, spate_cursor *cursor, size_t limit, spate_nodes *out,
                      spate_error *err);
/* A page of destination nodes (filter->side is not looked at) and the source's children of the same paths: those of node i are
 * children->nodes[first[i]] to first[i + 1]; first has limit + 1 places. limit counts destination nodes. */
int spate_ledger_page_joined(spate_ledger *l, const spate_filter *filter, spate_cursor *cursor, size_t limit,
                             spate_nodes *out, spate_nodes *children, size_t *first, spate_error *err);

/* ---- counting ------------------------------------------------------------------------------------------------------------ */

typedef struct spate_subtree {
    uint64_t nodes, folders, files, excluded; /* files: all that are not folders */
    int32_t depth_max;
} spate_subtree;
int spate_ledger_subtree(spate_ledger *l, spate_side side, spate_bytes root, spate_subtree *out, spate_error *err);
uint64_t spate_ledger_count(spate_ledger *l, const spate_filter *filter); /* now, at one depth; depth -1: all */
/* How many nodes of a side, but for its root, are alike in type, statuses and exclusion, and the sum of their sizes; fn is called
 * for all such kinds that there are. What it returns, if not 0, ends it and is returned. */
typedef struct spate_sum {
    uint8_t type, traversal, copy; /* as in spate_node */
    bool excluded;
    bool found; /* of pending copies: the other side has a node of their type and path */
    uint64_t nodes, bytes;
} spate_sum;
int spate_ledger_sums(spate_ledger *l, spate_side side, int (*fn)(void *arg, const spate_sum *sum), void *arg,
                      spate_error *err);
uint64_t spate_ledger_bytes(spate_ledger *l); /* memory that the nodes take */
/* Depths that have nodes, in order: how many, and the first cap of them. */
size_t spate_ledger_levels(spate_ledger *l, spate_side side, int32_t *depths, size_t cap);

/* Statistics are what a level was when it was last sealed (or seeded, or recounted), not what it is now. */
typedef enum spate_stat {
    SPATE_STAT_PENDING, /* "traversal/pending" and so on */
    SPATE_STAT_SUCCESSFUL,
    SPATE_STAT_FAILED,
    SPATE_STAT_NOT_ON_SRC,
    SPATE_STAT_EXCLUDED,
    SPATE_STAT_COPY_PENDING, /* "copy/pending" and so on: source only */
    SPATE_STAT_COPY_SUCCESSFUL,
    SPATE_STAT_COPY_FAILED,
    SPATE_STAT_COPY_SKIPPED,
    SPATE_STAT_COPY_CONFLICT,
    SPATE_STAT_COMPLETED, /* tasks that came to an end at that depth: the caller's number */
    SPATE_STAT_EXPECTED,  /* tasks that the round began with: the caller's number */
    SPATE_STATS
} spate_stat;
const char *spate_stat_name(spate_stat stat);
int64_t spate_ledger_stat(spate_ledger *l, spate_side side, int32_t depth,
                          spate_stat stat);                        /* depth -1: the sum; absent: 0 */
int32_t spate_ledger_stat_depth(spate_ledger *l, spate_side side); /* the largest with any; 0: none */
/* Every one that is there, by depth and name. Not 0 from fn ends it and is returned. */
int spate_ledger_stats_each(spate_ledger *l, spate_side side,
                            int (*fn)(void *arg, int32_t depth, spate_stat stat, int64_t count), void *arg);
int spate_ledger_stat_set(spate_ledger *l, spate_side side, int32_t depth, spate_stat stat, int64_t count,
                          spate_error *err);
int spate_ledger_recount(spate_ledger *l, spate_side side, int32_t depth,
                         spate_error *err); /* completed and expected stay */

/* ---- sealing: levels into DuckDB ------------------------------------------------------------------------------------------- */

/* The round is over: takes the level's statistics and hands it to the seal buffer. Waits while the buffer is full. Depth 0 is
 * written before it returns. What changes in a sealed level later is folded in by the next flush. completed < 0: as it was. */
int spate_ledger_seal(spate_ledger *l, spate_side side, int32_t depth, int64_t completed, spate_error *err);
int spate_ledger_flush(spate_ledger *l, spate_error *err); /* writes what is queued, in one transaction */
/* Waits until that side is in DuckDB down to depth. It flushes nothing itself. timeout_ms 0: as long as it takes, else
 * SPATE_E_RETRY when it was too short. */
int spate_ledger_wait_flushed(spate_ledger *l, spate_side side, int32_t depth, unsigned timeout_ms, spate_error *err);
int32_t spate_ledger_flushed_depth(spate_ledger *l, spate_side side); /* -1: nothing yet */
/* Flushes, and has DuckDB put its write-ahead log into the file. */
int spate_ledger_checkpoint(spate_ledger *l, spate_error *err);
/* Indexes on path and parent_path of src_nodes or dst_nodes: never needed here, useful for much SQL of one's own. */
int spate_ledger_index(spate_ledger *l, spate_side side, spate_error *err);
/* One statement on the sealed levels, with parameters ($1, ...) bound as text; rows as in spate_query. Flush first. */
int spate_ledger_sql(spate_ledger *l, const char *sql, const spate_bytes *params, size_t n_params, spate_query_fn fn,
                     void *arg, spate_error *err);

/* ---- logs, errors, reports --------------------------------------------------------------------------------------------------- */

typedef struct spate_log_entry {
    int64_t id;                                               /* 0: the next, never twice */
    const char *level, *message, *entity, *entity_id, *queue; /* each NULL: "" */
} spate_log_entry;
int64_t spate_log_id(void); /* nanoseconds since 1970, but always larger than the one before */
/* Waits while twice log_batch entries are not written yet. */
int spate_ledger_log(spate_ledger *l, const spate_log_entry *entry, spate_error *err);

typedef struct spate_task_error {
    const char *queue, *phase, *message, *path;
    spate_node_id id;
    int32_t attempts;
} spate_task_error;
int spate_ledger_task_error(spate_ledger *l, const spate_task_error *error, spate_error *err);
/* The newest JSON of a queue's numbers; not in the journal, for it is only ever the present. */
int spate_ledger_queue_stats(spate_ledger *l, const char *queue, const char *json, spate_error *err);

/* The table migrations: what this ledger is the memory of, and how far it is. Made by the first call; the created time stays. */
typedef struct spate_migration {
    const char *id, *name, *phase, *services_json, *config_json;
} spate_migration;
int spate_ledger_migration(spate_ledger *l, const spate_migration *migration, spate_error *err);
/* A word or a line to find again after a restart: the phase, the options a job began with. In the journal. value NULL: take it away. */
int spate_ledger_remember(spate_ledger *l, const char *key, const char *value, spate_error *err);
/* Copies at most cap - 1 bytes and a NUL; returns the whole length, or -1 when there is none. */
int64_t spate_ledger_recall(spate_ledger *l, const char *key, char *value, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
