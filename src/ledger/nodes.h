/* nodes.h - private to the ledger: all nodes of both sides in memory, and what a record does to them.
 *
 * A node is one cache line, a status word, a place in its level, a slot in the hash and its name: 100 bytes at most. Nodes are
 * numbered from 1 as they come and never move, so records name them by number; a deleted one keeps its place, and is the same
 * node again when it is found again. What few nodes have (a service id of their own, a note, a checksum) lies in the text. Nothing here locks: ledger.c does. */
#ifndef SP_LEDGER_NODES_H
#define SP_LEDGER_NODES_H

#include "os/os.h"
#include "spate/ledger.h"

typedef struct sp_node {
    uint64_t hi, lo;                 /* the id, as two numbers that sort as its bytes do */
    uint32_t parent, child, sibling; /* numbers; child: the newest, sibling: the next older one */
    uint32_t name;                   /* place in the text, in units of four bytes */
    int64_t size, mtime_ns;
    uint64_t attributes;
    /* place of service id, note and checksum in the text; 0: none, the service id follows from the parent's */
    uint32_t extra;
    uint16_t name_len, level;
} sp_node;
_Static_assert(sizeof(sp_node) == 64, "a node is a cache line");

/* Statuses in one word, so that a scan of a level reads two bytes a node. */
enum {
    SP_STATE_TYPE = 0x7,
    SP_STATE_TRAVERSAL_SHIFT = 3,
    SP_STATE_COPY_SHIFT = 6,
    SP_STATE_EXCLUDED = 1 << 9,
    SP_STATE_DELETED = 1 << 10,
    SP_STATE_DIRTY = 1 << 11, /* changed since DuckDB got it */
};
static inline unsigned sp_state_type(uint16_t s)
{
    return s & SP_STATE_TYPE;
}
static inline unsigned sp_state_traversal(uint16_t s)
{
    return s >> SP_STATE_TRAVERSAL_SHIFT & 7;
}
static inline unsigned sp_state_copy(uint16_t s)
{
    return s >> SP_STATE_COPY_SHIFT & 7;
}

static inline uint16_t sp_state_with_traversal(uint16_t s, unsigned status)
{
    return (uint16_t)((s & ~(7u << SP_STATE_TRAVERSAL_SHIFT)) | status << SP_STATE_TRAVERSAL_SHIFT);
}
static inline uint16_t sp_state_with_copy(uint16_t s, unsigned status)
{
    return (uint16_t)((s & ~(7u << SP_STATE_COPY_SHIFT)) | status << SP_STATE_COPY_SHIFT);
}

enum { SP_NODE_BLOCK_BITS = 16, SP_TEXT_BLOCK_BITS = 21, SP_LEVELS_MAX = 65535, SP_RUNS_MAX = 40 };

/* One depth: its nodes, in sorted runs and an unsorted tail, and how many there are of what. */
typedef struct sp_level {
    uint32_t *members, n, cap;
    uint32_t run_end[SP_RUNS_MAX];
    unsigned runs; /* behind the last one's end: the tail */
    uint32_t alive, excluded;
    uint32_t by_traversal[5][8], by_copy[5][8]; /* by type, then status */
    uint64_t generation;                        /* grows when a node joins or is pending again */
    uint64_t version;                           /* grows with every change that the journal has */
    int64_t stat[SPATE_STATS];
    uint32_t stat_there; /* bits */
    bool sealed;
    bool mirrored; /* DuckDB has it, but for what is dirty */
    bool queued, stats_dirty;
    uint32_t *dirty, n_dirty, cap_dirty;
} sp_level;

enum { SP_BUCKET_NODES = 12 };
typedef struct sp_bucket {
    uint8_t tag[SP_BUCKET_NODES];
    uint32_t n;
    uint32_t node[SP_BUCKET_NODES];
} sp_bucket;
_Static_assert(sizeof(sp_bucket) == 64, "a bucket is a cache line");

typedef struct sp_ahead sp_ahead; /* what a second thread does while a long journal is read (ahead.c) */

typedef struct sp_side {
    sp_ahead *ahead; /* while a long journal is read */
    /* Lists of blocks, as long as they can get: they never move, so the second thread reads them while they are filled. */
    sp_node **blocks;
    uint16_t **states;
    char **text;
    uint32_t n_blocks, n_text;
    uint32_t n; /* nodes, the unused number 0 included */
    uint32_t full, named; /* blocks, while a journal is read: told to the second thread; whose nodes have their ids */
    sp_bucket *buckets;
    uint64_t n_buckets;
    /* bytes, the unused tails of blocks included; those that nothing points at any more */
    uint64_t text_used, text_dead;
    sp_level **levels;
    uint32_t n_levels;
    uint32_t alive;
} sp_side;

typedef struct sp_memory {
    sp_side side[2];
    sp_buf path, service; /* of the folder whose children are added */
    bool replaying;       /* nothing can be found by its id yet */
    char **words;         /* remembered: key, value, key, value, ... */
    size_t n_words;
    uint64_t rows, row_bytes; /* row records seen */
    bool unfinished;          /* a snapshot has begun and not ended */
} sp_memory;

/* Makes blocks before they are needed and gives ids to nodes whose block is full. NULL for one: there is none, and nothing is ever
 * ready. */
typedef enum sp_block_kind { SP_BLOCK_NODES, SP_BLOCK_TEXT, SP_BLOCK_KINDS } sp_block_kind;
sp_ahead *sp_ahead_start(sp_memory *m); /* NULL: it could not be */
void sp_ahead_stop(sp_ahead *a);
void *sp_ahead_take(sp_ahead *a, sp_block_kind kind); /* a whole block, the caller's; NULL: none is ready */
void sp_ahead_full(sp_ahead *a, sp_side *s);          /* there may be full blocks that it was not told of */

int sp_memory_init(sp_memory *m) SP_MUST_CHECK;
void sp_memory_done(sp_memory *m);
uint64_t sp_memory_bytes(const sp_memory *m);

static inline sp_node *sp_node_at(const sp_side *s, uint32_t i)
{
    return &s->blocks[i >> SP_NODE_BLOCK_BITS][i & ((1u << SP_NODE_BLOCK_BITS) - 1)];
}
static inline uint16_t *sp_state_at(const sp_side *s, uint32_t i)
{
    return &s->states[i >> SP_NODE_BLOCK_BITS][i & ((1u << SP_NODE_BLOCK_BITS) - 1)];
}
static inline const char *sp_text_at(const sp_side *s, uint32_t at)
{
    return s->text[at >> (SP_TEXT_BLOCK_BITS - 2)] + ((size_t)(at & ((1u << (SP_TEXT_BLOCK_BITS - 2)) - 1)) << 2);
}
static inline sp_level *sp_level_at(const sp_side *s, int32_t depth)
{
    return depth >= 0 && (uint32_t)depth < s->n_levels ? s->levels[depth] : NULL;
}
static inline bool sp_node_alive(const sp_side *s, uint32_t i)
{
    return i && !(*sp_state_at(s, i) & SP_STATE_DELETED);
}

void sp_id_split(spate_node_id id, uint64_t *hi, uint64_t *lo);
spate_node_id sp_id_join(uint64_t hi, uint64_t lo);

/* The hash (hash.c). Finds a node's number, deleted ones included; 0: none. */
uint32_t sp_hash_find(const sp_side *s, uint64_t hi, uint64_t lo);
/* The one that is there, or i, which is put there. Room was made. */
uint32_t sp_hash_place(sp_side *s, uint64_t hi, uint64_t lo, uint32_t i);
/* The same, but only in buckets from one on and before another: 0 when they are full. */
uint32_t sp_hash_place_before(sp_side *s, uint64_t from, uint64_t end, uint64_t hi, uint64_t lo, uint32_t i);
uint64_t sp_hash_bucket(const sp_side *s, uint64_t hi); /* where the search for an id begins */
void sp_hash_soon(const sp_side *s, uint64_t hi);       /* asks the memory for where it will be looked for */
enum { SP_HASH_AHEAD = 24 };                            /* nodes before it is needed */
int sp_hash_reserve(sp_side *s, uint64_t n) SP_MUST_CHECK;
int sp_hash_make(sp_side *s, uint64_t n) SP_MUST_CHECK; /* a table for so many, whose bytes are not set yet */

/* Ids of the nodes of a block, which have their type in their place while a journal is replayed (index.c). path: for its own use. */
int sp_memory_name_block(const sp_side *s, unsigned side, uint32_t block, uint32_t n, sp_buf *path) SP_MUST_CHECK;
/* Ids of all nodes that have none, and the table of them, after a journal was replayed. SPATE_E_CORRUPT: one is there twice. */
int sp_memory_index(sp_side *s, unsigned side, spate_error *err) SP_MUST_CHECK;

uint32_t sp_memory_find_id(const sp_side *s, spate_node_id id); /* living ones only */
uint32_t sp_memory_find_path(const sp_memory *m, unsigned side, spate_bytes path, unsigned type);

/* The parts of a node that are not in its line. Paths are appended to buf. */
int sp_memory_path(const sp_side *s, uint32_t i, sp_buf *buf) SP_MUST_CHECK;
int sp_memory_service(const sp_side *s, uint32_t i, sp_buf *buf) SP_MUST_CHECK;
spate_bytes sp_memory_own_service(const sp_side *s, uint32_t i); /* len 0: it follows from the parent's */
spate_bytes sp_memory_note(const sp_side *s, uint32_t i);
uint64_t sp_memory_checksum(const sp_side *s, uint32_t i);

/* Walks the nodes below top, parents first: the next one after i, or 0. */
uint32_t sp_memory_below(const sp_side *s, uint32_t top, uint32_t i);

/* What records do (nodes.c). Each can fail for want of memory only. */
int sp_memory_root(sp_memory *m, unsigned side, const spate_node *given, spate_error *err) SP_MUST_CHECK;
/* Children of parent; their type, name and what else they have is checked. known[i]: the number of one that was there already, or 0;
 * NULL while replaying, when all are new and get no ids yet: of those what a record says is looked at, and nothing else.
 * SPATE_E_BUG: two paths with one id. */
int sp_memory_add(sp_memory *m, unsigned side, uint32_t parent, const spate_node *children, size_t n, uint32_t *known,
                  spate_error *err) SP_MUST_CHECK;
/* A node that was found again. */
int sp_memory_again(sp_memory *m, unsigned side, uint32_t i, const spate_node *n, spate_error *err) SP_MUST_CHECK;
int sp_memory_change(sp_memory *m, unsigned side, uint32_t i, unsigned kind, int64_t value, spate_bytes note,
                     spate_error *err) SP_MUST_CHECK;
int sp_memory_level(sp_memory *m, unsigned side, int32_t depth, sp_level **level, spate_error *err) SP_MUST_CHECK;
void sp_memory_recount(sp_level *level, unsigned side);
int sp_memory_remember(sp_memory *m, spate_bytes key, spate_bytes value, bool away, spate_error *err) SP_MUST_CHECK;
const char *sp_memory_recall(const sp_memory *m, const char *key);

/* Sorts nodes by id (order.c). */
int sp_order_nodes(const sp_side *s, uint32_t *nodes, uint32_t n) SP_MUST_CHECK;
/* Sorts what is not sorted yet. */
int sp_level_sort(const sp_side *s, sp_level *level, spate_error *err) SP_MUST_CHECK;
/* The level's nodes in the order of ids, from behind an id. */
typedef struct sp_walk {
    const sp_side *side;
    const sp_level *level;
    uint32_t at[SP_RUNS_MAX];
} sp_walk;
void sp_walk_start(sp_walk *w, const sp_side *s, const sp_level *level, bool after, uint64_t hi, uint64_t lo);
uint32_t sp_walk_next(sp_walk *w); /* 0: no more. Deleted nodes come too */

#endif
