/* lab.h - a lab: a directory with lab.yaml in it, one main server and some shards.
 *
 *   config.c    lab.yaml, read; save.c: written; remains.c: a lab that has none any more
 *   cluster.c   the template of all servers, made once by initdb and kept; clones of it
 *   clone.c     trees of files copied (sharing blocks where the file system can), and removed
 *   server.c    postmasters started, stopped, told apart from others
 *   budget.c    how much of the processors a server may use
 *   link.c      connections to them; each.c: the same call for all of them at once
 *   layout.c    which table lives by which key; predicate.c: the same as SQL
 *   slice.c     a shard's rows of a plan
 *   distribute.c, check.c   rows put onto shards, and found there
 *   query.c, load.c, hist.c   questions, users who ask them, and how long that took
 *   index.c     indexes that are there while somebody measures what they bring
 *   frame.c     what stands around a shard's rows, as another server has it; numbers.c: sequences; home.c: defaults of keys
 *   way.c, asker.c, cache.c   whom they ask: main, shards, a pool, a cache, replicas
 *   daemon.c    a pool and a cache beside the servers; replica.c: servers that follow another
 *   reshard.c   rows moved between shards; move.c, compare.c, turn.c: while others write; fence.c, stream.c, steps.c: what that takes
 *   route.c, caller.c   a client's way to a row's shard, whatever moves
 *   accounts.c, bank.c  clients that write, and notice what is lost; made.c: the tables that they do it in
 *   doubt.c, tally.c    transactions prepared on two shards; the sum over all at one moment
 *   nemesis.c   what goes wrong on purpose meanwhile
 *   snapshot.c  all servers as they were
 *   watch.c, ask.c   what they are doing now, asked with an end to patience
 *   export.c    the same layout for other engines
 *
 * What a server has said lies in its own log, whether it runs in its own postmaster.pid: the lab remembers nothing a second time, so
 * nothing can disagree after a crash. A server that was only attached, by its URI, is never started, stopped or removed. */
#ifndef SP_LAB_H
#define SP_LAB_H

#include "lab/placement.h"
#include "os/host.h"

enum {
    SP_LAB_CPU_PERCENT_MIN = 1, /* of a processor: the least budget */
    SP_LAB_REPLICAS_MAX = 32,
    SP_LAB_POOL_SIZE_MAX = 180, /* connections of the pool to a server; it has some of its own besides */
    SP_LAB_PORT_MIN = 1024,
    SP_LAB_SOCKET_PATH_MAX = 80, /* of the directory with the servers' sockets: the kernel takes 107 with their names */
};

typedef struct sp_lab_server {
    const char *name;       /* main, shard0, shard1, ...; replica0, ... */
    const char *of;         /* of a replica: whom it follows; else NULL */
    const char *uri;        /* how we reach it; may hold a password: never printed */
    const char *public_uri; /* how others do; without a password */
    bool attached;          /* by its URI alone: nothing below */
    unsigned port;
    const char *data; /* the cluster */
    const char *log;
} sp_lab_server;

/* Where the rows of a table live: by a column, or all of them on every shard. */
typedef struct sp_lab_table {
    const char *name;
    const char *key; /* NULL: copied to every shard */
} sp_lab_table;

typedef struct sp_lab_setting {
    const char *name, *value;
} sp_lab_setting;

typedef struct sp_lab {
    sp_arena arena;
    const char *directory;  /* absolute, without links */
    const char *programs;   /* where postgres and initdb are */
    const char *user;       /* whom the servers run as; NULL: whoever starts them */
    sp_lab_server *servers; /* main, then the shards */
    uint32_t n_servers;
    sp_lab_server *replicas;
    uint32_t n_replicas;
    unsigned pool_port, pool_size; /* 0: no pool */
    uint64_t cache_bytes;          /* 0: no cache */
    sp_lab_setting *settings;      /* of every server's postgresql.conf */
    uint32_t n_settings;
    double cpu; /* processors that each server may use; 0: as there are */
    sp_placing placing;
    sp_slot_map map; /* map.shards: n_servers - 1 */
    /* while rows move and others write: the next placement or, when turned, the former one; NULL: no move is open */
    sp_placement *other;
    bool turned;
    bool unswept; /* rows of a move while nobody wrote are still where they were before, too */
    int64_t *bounds;
    sp_list_item *items;
    uint32_t n_items;
    sp_lab_table *tables; /* what has been distributed, or is to be otherwise than by itself */
    uint32_t n_tables;
} sp_lab;

static inline const sp_lab_server *sp_lab_shard(const sp_lab *lab, uint32_t shard)
{
    return &lab->servers[1 + shard];
}

/* ---- config.c, save.c ---- */

void sp_lab_init(sp_lab *lab); /* empty */
void sp_lab_done(sp_lab *lab);
/* An empty lab of an existing directory: where its lab.yaml is to be. NULL: there is no such directory. */
const char *sp_lab_locate(const char *directory, sp_lab *lab);
/* Finds the lab and reads its lab.yaml. SPATE_E_USAGE: there is none; SPATE_E_CONFIG: it has mistakes, all of them in err. */
int sp_lab_open(const char *directory, sp_lab *lab, spate_error *err) SP_MUST_CHECK;
/* Writes lab.yaml anew: as a whole or not at all. */
int sp_lab_save(const sp_lab *lab, spate_error *err) SP_MUST_CHECK;
/* The lab's lab.yaml kept in another place, and the same lab as that one tells it. */
int sp_lab_save_as(const sp_lab *lab, const char *directory, spate_error *err) SP_MUST_CHECK;
int sp_lab_open_copy(const char *directory, const char *place, sp_lab *lab, spate_error *err) SP_MUST_CHECK;
/* Finds a lab whose lab.yaml is gone by its folders, to remove it. SPATE_E_USAGE: nothing of one is there, or lab.yaml is. */
int sp_lab_open_remains(const char *directory, sp_lab *lab, spate_error *err) SP_MUST_CHECK;
/* Adds a server of our own, or an attached one; the first is main. The lab's directory is known. */
int sp_lab_add_server(sp_lab *lab, unsigned port, const char *uri, spate_error *err) SP_MUST_CHECK;
/* Adds a replica of the server called so, under the first name that is free; it has no data yet. */
int sp_lab_add_replica(sp_lab *lab, const char *of, unsigned port, spate_error *err) SP_MUST_CHECK;
/* How a server is reached through the pool, by a socket; NULL: no memory. */
const char *sp_lab_pool_uri(sp_lab *lab, const sp_lab_server *server);
const char *sp_lab_public_pool_uri(sp_lab *lab);         /* as others reach main through it */
const char *sp_lab_path(sp_lab *lab, const char *below); /* in the lab's directory; NULL: no memory */
bool sp_lab_cpu_fits(double cpu);                        /* as a budget of a server */
const char *sp_placing_name(sp_placing placing);
bool sp_placing_find(sp_str word, sp_placing *placing);
const sp_lab_table *sp_lab_find_table(const sp_lab *lab, const char *name);
/* Says how a table's rows live; key NULL: copied to every shard. */
int sp_lab_set_table(sp_lab *lab, const char *name, const char *key, spate_error *err) SP_MUST_CHECK;
/* The server or replica called so. SPATE_E_USAGE: there is none. */
int sp_lab_find_server(const sp_lab *lab, const char *name, const sp_lab_server **server,
                       spate_error *err) SP_MUST_CHECK;

/* How the lab places: a placement without a key; and to place otherwise from now on. */
sp_placement sp_lab_places(const sp_lab *lab);
void sp_lab_set_places(sp_lab *lab, const sp_placement *places);

/* ---- cluster.c ---- */

#define SP_LAB_CONF_INCLUDED "include_if_exists = 'lab.conf'" /* in the postgresql.conf of every server that was made here */

/* Where the programs of a PostgreSQL server are: asked, or the newest there is. SPATE_E_UNREACHABLE: none. */
int sp_lab_find_programs(sp_lab *lab, const char *asked, spate_error *err) SP_MUST_CHECK;
/* Whom servers run as. SPATE_E_USAGE: we are root and may not be, and there is no other. */
int sp_lab_find_user(const sp_lab *lab, sp_os_user *user, spate_error *err) SP_MUST_CHECK;
/* Makes the clusters of the lab's own servers that have none; cache: where the template is kept, NULL: nowhere. What was made goes
 * again when one of them fails. */
int sp_lab_make_clusters(sp_lab *lab, const char *cache, spate_error *err) SP_MUST_CHECK;
int sp_lab_remove_clusters(sp_lab *lab, spate_error *err) SP_MUST_CHECK; /* and all else that the lab has made */
int sp_lab_remove_cluster(sp_lab *lab, const sp_lab_server *server, spate_error *err) SP_MUST_CHECK;
/* A folder that only that user enters; one that is there stays as it is. */
int sp_lab_make_folder(const char *path, sp_os_user user, spate_error *err) SP_MUST_CHECK;
/* Writes a file that only its owner reads; more_flags: O_TRUNC, O_APPEND. */
int sp_lab_write_file(const char *path, sp_str text, int more_flags, sp_os_user owner, spate_error *err) SP_MUST_CHECK;
/* What a program that we started could not do, and what it said of that last in its log. SPATE_E_UNREACHABLE. */
int sp_lab_fail_program(spate_error *err, const char *log, const char *fmt, ...) SP_PRINTF(3, 4);

/* ---- clone.c ---- */

/* Copies a tree of folders, files and links to a path where nothing is yet; all of it becomes user's. Nothing is synced. */
int sp_lab_clone_tree(const char *from, const char *to, sp_os_user user, spate_error *err) SP_MUST_CHECK;
int sp_lab_remove_tree(const char *path, spate_error *err) SP_MUST_CHECK; /* none there is no error */

/* ---- server.c ---- */

pid_t sp_lab_server_pid(const sp_lab_server *server); /* 0: it does not run */
/* Starts those of the n servers that do not run, and waits until all answer. When one does not start, those that were started go
 * again. */
int sp_lab_start(sp_lab *lab, sp_lab_server *const *servers, uint32_t n, spate_error *err) SP_MUST_CHECK;
/* How long a server's log is; 0: it has none of ours. */
uint64_t sp_lab_log_size(const sp_lab_server *server);
/* Adds to the failure why the server went down, if it did so behind that place of its log: its sessions are told only that it does. */
void sp_lab_add_last_words(const sp_lab_server *server, uint64_t log_from, spate_error *err);

/* Stops those that run: at once, without waiting for their clients. */
int sp_lab_stop(sp_lab *lab, sp_lab_server *const *servers, uint32_t n, spate_error *err) SP_MUST_CHECK;

#endif
