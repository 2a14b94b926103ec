/* spate/lab.h - labs: PostgreSQL servers to try sharding on, one with all rows and some with a share each.
 *
 * Caveats first. A lab's servers are processes that outlive the call which started them; spate_lab_down stops them. They run as an
 * ordinary user, listen on 127.0.0.1 with a password and on sockets that only their user can reach, and keep what they have
 * committed; a lab just made is on disk only when the system gets to it. A server that is only attached, by its address, is used as
 * it is: nothing here starts, stops or removes it.
 *
 * A lab is a directory with lab.yaml in it. One call at a time on one lab, in all processes: a second one is refused with
 * SPATE_E_UNREACHABLE. Nothing is printed, no signal handler installed, no environment read. */
#ifndef SPATE_LAB_H
#define SPATE_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spate/generate.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SPATE_LAB_SHARDS_MAX = 96 };

/* How rows are placed: which shard a key lives on. */
typedef struct spate_lab_placement {
    const char *how;       /* "hash", "modulo", "range" or "list"; NULL: hash */
    const int64_t *bounds; /* of range: one less than there are shards */
    size_t n_bounds;
    /* of list: the texts on shard 0, on shard 1, ..., each with commas between; all others are on the last */
    const char *const *values;
    size_t n_values;
} spate_lab_placement;

typedef struct spate_lab_init_options {
    const char *directory; /* made unless it is there; must have no lab yet */
    unsigned shards;       /* servers to make beside main */
    unsigned port;         /* main's; the shards have those behind it. 0: free ones are found */
    const char *programs;  /* where initdb and postgres are; NULL: the newest in the usual places */
    const char *user;      /* whom the servers run as: needed by root; NULL: as the caller */
    spate_lab_placement placement;
    double cpu;           /* processors that each server may use, such as 0.3; 0: no limit. Not for attached ones */
    const char *cache;    /* directory where what initdb made is kept for the next lab; NULL: nowhere */
    const char *main_uri; /* attach these servers instead of making any; NULL: make them */
    const char *const *shard_uris;
    size_t n_shard_uris;
} spate_lab_init_options;

/* Makes a lab; its servers are down. On failure nothing is left of it. SPATE_E_USAGE (options; there is a lab already; root without
 * a user), SPATE_E_UNREACHABLE (no programs, they failed, no ports), SPATE_E_IO. */
int spate_lab_init(const spate_lab_init_options *options, spate_error *err);

typedef struct spate_lab spate_lab;
/* SPATE_E_USAGE: there is no lab; SPATE_E_CONFIG: lab.yaml has mistakes: the first is the message, the others are the detail. */
int spate_lab_open(const char *directory, spate_lab **lab, spate_error *err);
/* A lab whose lab.yaml is gone, as its folders tell it: for spate_lab_destroy, and nothing else. SPATE_E_USAGE: nothing of a lab is
 * there, or lab.yaml is. */
int spate_lab_open_remains(const char *directory, spate_lab **lab, spate_error *err);
void spate_lab_close(spate_lab *lab); /* NULL is fine */

/* Starts, and stops, what is named ("main", "shard0", "replica0", "pool", "cache"); n 0: all. Those that are so already stay so. Starting waits until
 * they answer. */
int spate_lab_up(spate_lab *lab, const char *const *names, size_t n, spate_error *err);
int spate_lab_down(spate_lab *lab, const char *const *names, size_t n, spate_error *err);
/* How much of the processors each server may use from now on, such as 0.3; 0: no limit. Kept by the kernel's control groups and
 * remembered in lab.yaml. SPATE_E_UNREACHABLE: they are not to be had here; SPATE_E_USAGE: no such share. */
int spate_lab_set_cpu(spate_lab *lab, double cpu, spate_error *err);
/* Stops the servers and removes all that the lab has made, lab.yaml last. Goes on where one before was interrupted. */
int spate_lab_destroy(spate_lab *lab, spate_error *err);

/* ---- looking ---- */

typedef enum spate_lab_state { SPATE_LAB_DOWN, SPATE_LAB_UP, SPATE_LAB_DAMAGED, SPATE_LAB_UNREACHABLE } spate_lab_state;
const char *spate_lab_state_name(spate_lab_state state);

typedef struct spate_lab_server {
    const char *name;
    const char *uri; /* for clients; without any password */
    const char *of;  /* a replica: whom it follows; else NULL */
    const char *log; /* NULL: attached */
    bool attached;
    bool daemon;           /* no server of PostgreSQL's: the pool or the cache */
    unsigned port;         /* 0: attached, or none */
    long pid;              /* 0: down or attached */
    spate_lab_state state; /* up: it answers */
    double cpu;            /* processors that the kernel keeps it to; 0: no limit */
    char version[32];      /* when it is up, as the next two */
    uint64_t bytes;        /* of its database */
    uint64_t rows;         /* in tables, about */
} spate_lab_server;

size_t spate_lab_servers(const spate_lab *lab);
/* All that a lab consists of: main, the shards, replicas, the pool, the cache. */
size_t spate_lab_members(const spate_lab *lab);
/* Asks one how it is. i: 0 is main, then the shards, and so on. Texts live as long as the lab. */
void spate_lab_look(spate_lab *lab, size_t i, spate_lab_server *server);
/* The number of the server called so. SPATE_E_USAGE: there is none. */
int spate_lab_find(const spate_lab *lab, const char *name, size_t *i, spate_error *err);
/* How this machine's own programs reach it; may hold a password: not to be shown. */
const char *spate_lab_uri(const spate_lab *lab, size_t i);
const char *spate_lab_programs(const spate_lab *lab); /* where the servers' programs are, or NULL */

/* ---- rows ---- */

typedef struct spate_lab_by {
    const char *table;
    const char *column; /* whose value decides on the shard; NULL: all rows on every shard */
} spate_lab_by;

typedef struct spate_lab_distribute_options {
    spate_plan *plan;          /* its rows are made, each at its shard; NULL: main's rows are copied to the shards */
    const uint64_t *seed;      /* of the plan; NULL: its own */
    const char *const *tables; /* of main only these; none: all */
    size_t n_tables;
    const spate_lab_by *by; /* how tables are to be placed otherwise than by themselves: remembered in lab.yaml */
    size_t n_by;
    bool replace;        /* tables that are on shards already are replaced */
    unsigned workers;    /* of each shard; 0: the processors, shared out */
    uint64_t batch_rows; /* a transaction; 0: chosen */
    const int *cancel;   /* as for spate_generate */
    void (*progress)(void *arg, const spate_table_progress *shards, size_t n_shards,
                     double seconds); /* a "table" a shard */
    void *arg;
} spate_lab_distribute_options;

/* A table on the shards. */
typedef struct spate_lab_table {
    const char *name;
    const char *key;    /* NULL: copied to every shard */
    uint64_t rows;      /* on all shards together; of a copied one: on each */
    uint64_t rows_most; /* on the shard that has most */
    uint64_t misplaced; /* spate_lab_check: rows on a shard that their key does not say */
    bool on_main;       /* spate_lab_check: main has the table, too */
    bool same;          /*   ... and exactly the same rows */
} spate_lab_table;

typedef struct spate_lab_report {
    spate_table_progress *shards; /* spate_lab_distribute */
    size_t n_shards;
    spate_lab_table *tables;
    size_t n_tables;
    const char *const *notes; /* what the shards cannot check by themselves, a line each */
    size_t n_notes;
    double seconds;
    void *memory;
} spate_lab_report;
void spate_lab_report_done(spate_lab_report *report);

/* Puts rows onto the shards, which must be up, and remembers in lab.yaml which table lives by which key. Tables are made, with keys
 * after the rows. The report is filled on success and on failure, and is to be handed to spate_lab_report_done. A shard that fails
 * does not stop the others; the same call again makes what is missing, and only that. While main's rows are copied, main should
 * rest. */
int spate_lab_distribute(spate_lab *lab, const spate_lab_distribute_options *options, spate_lab_report *report,
                         spate_error *err);

/* Asks the servers whether every row is on the shard that its key says, and whether the shards together have what main has. The answer
 * is in the report; SPATE_OK also when it is no. */
int spate_lab_check(spate_lab *lab, spate_lab_report *report, spate_error *err);

/* What goes wrong on purpose; added up. */
typedef enum spate_lab_nemesis {
    SPATE_LAB_KILL = 1, /* a shard's processes are killed, and it is started again */
    SPATE_LAB_STOP = 2, /* a shard's processes are halted for a moment */
    SPATE_LAB_MOVERS =
        4, /* rows move to one shard more and back; who moves them is killed, and begun again until it is through */
} spate_lab_nemesis;

typedef struct spate_lab_watch_options {
    unsigned clients; /* that write at the same time; 0: 8 */
    /* writes a second, answered or not, and a quarter as many transfers; 0: as fast as they are answered */
    double rate;
    double seconds;
    uint64_t seed; /* of the accounts that are written, and of what goes wrong */
    /* SPATE_LAB_KILL and so on, added up; 0: nothing goes wrong on purpose. Not for attached servers */
    unsigned nemesis;
    const char *program;                       /* SPATE_LAB_MOVERS: spate, whose 'lab reshard' moves the rows */
    void (*told)(void *arg, const char *what); /* called with what goes wrong, from any thread. May be NULL */
    void *arg;
    const int *cancel; /* ends it early: what was written is looked at all the same */
} spate_lab_watch_options;

typedef struct spate_lab_watch_report {
    uint64_t writes, reads;     /* that were answered */
    uint64_t refused;           /* asked of a shard on which the row does not live, and then of another */
    uint64_t unknown;           /* writes whose connection was lost: they may have happened or not */
    uint64_t lost;              /* acknowledged writes that are gone */
    uint64_t stale;             /* reads older than what the same client had written before */
    uint64_t within, across;    /* transfers of money that were committed, on one shard and between two */
    uint64_t given_up;          /*   ... and rolled back, since something was in the way */
    uint64_t totals, wrong;     /* readings of all money, and those that were not what it has to be */
    int64_t total, first_wrong; /* what it has to be; what was first read instead */
    uint64_t settled;           /* prepared transactions that nobody ended, and that were ended as is recorded */
    double gate_ms;             /* the longest that a reading kept transfers waiting */
    uint64_t kills, stops;      /* of shards */
    uint64_t movers, moves;     /* killed; moves of rows that came to their ends */
    double seconds;
    double p50_ms, p99_ms, p999_ms, max_ms; /* of writes, from when they were due to the end of all waiting */
} spate_lab_watch_report;

/* Clients write rows of their own by the lab's route, whatever moves or is killed meanwhile, and look whether all that was acknowledged is
 * there; others move money between rows, on two shards by two-phase commit, and all of it is added up again and again at one moment of
 * all shards. The tables, spate_accounts and spate_bank, are made on the shards. Other calls on the lab may be at work. Not for lists.
 * SPATE_E_UNREACHABLE: no shard has answered for an account for a minute. SPATE_E_DATA: a move of the nemesis has gone wrong. */
int spate_lab_watch(spate_lab *lab, const spate_lab_watch_options *options, spate_lab_watch_report *report,
                    spate_error *err);

/* A transaction that was prepared on a server, PREPARE TRANSACTION, and neither committed nor rolled back. */
typedef struct spate_lab_doubt {
    const char *server;
    const char *gid;
    double age; /* seconds since then */
    /* "commit", as main's spate_check.decision says, "rollback" where it says so or nothing; NULL: none of spate's */
    const char *record;
    bool resolved; /* it has been ended so */
} spate_lab_doubt;

typedef struct spate_lab_doubt_options {
    double older; /* only those of so many seconds: younger ones may be under way */
    bool resolve; /* end them as is recorded. Those of others are told of and left alone */
    void (*found)(void *arg, const spate_lab_doubt *doubt); /* called for each */
    void *arg;
} spate_lab_doubt_options;

/* Looks for transactions in doubt on all servers. Where nothing was decided on one of spate's, resolving it records a rollback first: whoever
 * comes late to commit it finds that. */
int spate_lab_doubts(spate_lab *lab, const spate_lab_doubt_options *options, spate_error *err);

/* ---- replicas ---- */

/* Makes a replica of a server that runs ("main", which NULL is too, or a shard) by streaming replication with a slot, and starts it.
 * *name lives as long as the lab. Nothing is left of one that fails. */
int spate_lab_replica_add(spate_lab *lab, const char *of, const char **name, spate_error *err);
/* Removes it and its slot; its primary has to run. */
int spate_lab_replica_drop(spate_lab *lab, const char *name, spate_error *err);
/* Stops the primary, which first sends all it has, and puts the replica in its place: name, address and all. A primary that has died keeps
 * what it had not sent to itself: that is gone. Interrupted, the same call goes on. */
int spate_lab_replica_promote(spate_lab *lab, const char *name, spate_error *err);

typedef struct spate_lab_lag {
    const char *name, *of;
    bool streams;
    uint64_t unsent, unreplayed, kept; /* bytes of the primary's log: not sent, not replayed, kept because of it */
    /* until it shows what has just been committed: the median and the longest of some tries */
    double seen_ms, seen_most_ms;
} spate_lab_lag;
/* Calls fn for each replica. */
int spate_lab_replica_lag(spate_lab *lab, void (*fn)(void *arg, const spate_lab_lag *lag), void *arg, spate_error *err);

/* ---- beside the servers ---- */

/* A pool (pgbouncer) before all servers, with at most so many connections to each; 0: as it has, or 8. It hands out a server's
 * connection a transaction at a time, so several hundred clients come through; prepared statements do not, before pgbouncer 1.21.
 * It is remembered in lab.yaml and started; one that runs is made anew when the size is another. SPATE_E_UNREACHABLE: it is not
 * installed, or does not start. */
int spate_lab_pool_up(spate_lab *lab, unsigned size, spate_error *err);
int spate_lab_pool_down(spate_lab *lab, spate_error *err); /* stops it, and the lab has none any more */
/* A cache (Redis) of at most so many bytes, 1 MiB or more; 0: as it has, or 64 MiB. What it has not been asked for longest goes first. */
int spate_lab_cache_up(spate_lab *lab, uint64_t bytes, spate_error *err);
int spate_lab_cache_down(spate_lab *lab, spate_error *err);

/* ---- questions ---- */

/* Who is asked; added up. */
typedef enum spate_lab_target {
    SPATE_LAB_ON_MAIN = 1,
    SPATE_LAB_ON_SHARDS = 2,      /* by a router that goes by the key, or asks all and merges */
    SPATE_LAB_ON_COORDINATOR = 4, /* main, through what spate_lab_export has loaded for postgres_fdw */
    SPATE_LAB_ON_POOLED = 8,      /* the shards, each through the pool; nothing is prepared there */
    SPATE_LAB_ON_CACHED = 16,     /* the shards, behind the cache, which begins empty; only what one key gives */
    SPATE_LAB_ON_REPLICAS = 32,   /* main's replicas in turn; what is written goes to main */
} spate_lab_target;

enum { SPATE_LAB_CURVE = 12 };
extern const double spate_lab_curve[SPATE_LAB_CURVE]; /* 0.01, 0.1, ... 0.9999, 1 */

/* One query on one target. Times are from when a question was due, errors in none of them. */
typedef struct spate_lab_measure {
    const char *query;
    const char *target; /* "main", "shards", "coordinator", "pooled", "cached", "replicas", or "engine" */
    double cpu;         /* processors that each server could use; 0: no limit */
    bool indexed;       /* with the indexes that were tried */
    const char *label;  /* the target, with the budget where there was one: "main, 0.30 cpu" */
    unsigned users;
    double rate_asked; /* questions a second that were due; 0: each user asked again once answered */
    double seconds;
    uint64_t answers, errors;
    uint64_t cache_hits, cache_misses; /* cached */
    uint64_t writes;                   /* of the answers; those that wrote */
    uint64_t own_unseen; /* replicas: after so many of them a replica that was asked at once did not show it yet */
    uint64_t unserved;   /* due, but not even asked within ten seconds after the end */
    double rate;         /* answers a second */
    double p50_ms, p90_ms, p99_ms, p999_ms, max_ms; /* at most 1/64 too high */
    double curve_ms[SPATE_LAB_CURVE]; /* what spate_lab_curve's shares of the answers did not take longer than */
    double service_p99_ms;            /* from when it was asked: what a test would show that leaves waiting out */
    char error[256];                  /* the first one's words; "" */
} spate_lab_measure;

typedef struct spate_lab_bench_options {
    const char *file; /* queries; NULL: the built-in ones that the tables allow: point, range, join, total, top */
    const char *const *queries; /* only these, by name; none: all */
    size_t n_queries;
    unsigned targets;   /* SPATE_LAB_ON_..., added up; 0: main and the shards */
    const char *engine; /* besides, a server that has the same tables: its address; NULL: none */
    /* indexes to try: each query is measured again with all of them, which then go. What comes behind ON in CREATE INDEX:
     * "orders (user_id)" */
    const char *const *indexes;
    size_t n_indexes;
    double writes; /* the share of questions by key that write the row they are about, as it is */
    /* besides without limits, measure with so much of a processor for each server; 0: what the lab has, or what suits; less: only
     * without */
    double cpu;
    unsigned users; /* 0: 8 for each shard, 64 at most; 2 where a question is not one shard's alone */
    double rate;    /* questions a second; 0: as fast as they are answered */
    double seconds; /* of each query and target; 0: 5 */
    uint64_t seed;  /* of the keys that are asked for */
    const int *cancel;
    void (*measured)(void *arg,
                     const spate_lab_measure *measure); /* called after each, on the calling thread. May be NULL */
    void *arg;
} spate_lab_bench_options;

typedef struct spate_lab_index {
    const char *definition;
    uint64_t main_bytes, shard_bytes; /* 0: it was not made there; shard_bytes: of all shards together */
} spate_lab_index;

typedef struct spate_lab_plan {
    const char *query, *server; /* the server that explained */
    const char *before, *after; /* its EXPLAIN without and with the indexes, lines apart */
} spate_lab_plan;

typedef struct spate_lab_bench_report {
    spate_lab_measure *measures;
    size_t n_measures;
    spate_lab_index *indexes; /* tried: as in the options */
    size_t n_indexes;
    double index_seconds;  /* that making them took, on all servers at once */
    spate_lab_plan *plans; /* of each query, where indexes were tried */
    size_t n_plans;
    /* why there are no measures with CPU budgets, though they were not declined; NULL: there are */
    const char *no_budgets;
    void *memory;
} spate_lab_bench_report;

/* Asks main and the shards the same questions, by a router that goes by the key, or asks all shards and merges. With both targets each
 * query's answers are compared first: SPATE_E_DATA when they differ. The report is filled in any case and is to be handed to
 * spate_lab_bench_report_done. The last hundred results are kept in the lab's directory, each as a file in its folder "trials", with a line of what
 * happened every so often; it is there, and grows, while the bench runs. */
int spate_lab_bench(spate_lab *lab, const spate_lab_bench_options *options, spate_lab_bench_report *report,
                    spate_error *err);
void spate_lab_bench_report_done(spate_lab_bench_report *report);

typedef enum spate_lab_chart_form { SPATE_LAB_SVG, SPATE_LAB_HTML } spate_lab_chart_form;
/* The report as a picture: answers a second, and latencies as curves; as a page also the numbers. It needs nothing from elsewhere.
 * *text is the caller's to free(). */
int spate_lab_chart(const spate_lab_bench_report *report, spate_lab_chart_form form, char **text, spate_error *err);

/* ---- moving rows ---- */

typedef struct spate_lab_move {
    unsigned from, to; /* shards */
    unsigned slots;    /* 0: not by hash */
    uint64_t rows;
    uint64_t bytes, disk; /* about: of the rows; with their indexes, which is also what the taker writes to its log */
} spate_lab_move;

typedef enum spate_reshard_how {
    SPATE_RESHARD_ONLINE,   /* while others write */
    SPATE_RESHARD_OFFLINE,  /* while nobody writes */
    SPATE_RESHARD_PLAN,     /* count, look for what forbids it, and change nothing */
    SPATE_RESHARD_COMMIT,   /* end the one that is open: the rows' old places are cleared */
    SPATE_RESHARD_ROLLBACK, /* end it: everything as before, with what has been written since */
} spate_reshard_how;

typedef struct spate_lab_reshard_options {
    unsigned shards; /* how many there are to be; COMMIT and ROLLBACK: not looked at */
    /* place by this instead, on as many shards as there are; NULL: as before, on another number */
    const spate_lab_placement *placement;
    spate_reshard_how how;
    bool commit;             /* ONLINE: and commit it */
    const char *const *uris; /* of a lab with attached servers: those that come in addition */
    size_t n_uris;
    const char *cache; /* as for spate_lab_init */
    const int *cancel;
    void (*told)(void *arg, const char *step); /* called with each step of an online move that is done. May be NULL */
    void *arg;
} spate_lab_reshard_options;

typedef struct spate_lab_reshard_report {
    spate_lab_move *moves;
    size_t n_moves;
    unsigned slots; /* that move, of 960 */
    uint64_t rows_moved;
    const char *const *notes; /* PLAN: what forbids to do it online, or makes it slow; a line each */
    size_t n_notes;
    uint64_t rows_checked; /* ONLINE: on both sides together, */
    double check_seconds;  /* in so much time */
    double pause_ms;       /* the longest for which the lab's gates were closed to writers */
    double seconds;
    void *memory;
} spate_lab_reshard_report;

/* Makes it another number of shards: servers come or go, and as few slots move as an even share needs; for hash placement. Or places rows
 * otherwise on the shards that there are. Interrupted, however that was, the same call finishes it.
 *
 * Offline nobody may write meanwhile: what is written to a shard whose slot has gone is lost. What was copied is checked, rows and
 * cells, before lab.yaml has the new map. SPATE_E_DATA: a check failed, and nothing has changed.
 *
 * Online everybody may, but to tables that are copied to every shard, and while nobody alters tables. The call returns when the rows are
 * on their new shards and compared, and changes go back to the old ones, so that it can be rolled back; it stays open until COMMIT or
 * ROLLBACK. A row is refused with SQLSTATE SP001 by the shard on which it does not live: a client then asks the other one, which lab.yaml
 * names. SPATE_E_DATA: a check failed: the report says where, and ROLLBACK puts everything back. */
int spate_lab_reshard(spate_lab *lab, const spate_lab_reshard_options *options, spate_lab_reshard_report *report,
                      spate_error *err);
/* How many shards rows live on: servers behind them have been made for a move that was not finished, or are to go. Hash placement. */
unsigned spate_lab_shards_in_use(const spate_lab *lab);
/* How many shards the move leads to that is open, or was interrupted; 0: there is none. */
unsigned spate_lab_shards_aimed(const spate_lab *lab);
/* What the last online move has done, step by step, and the word for where it is: "switched". */
typedef void spate_lab_step_fn(void *arg, const char *what, const char *step, uint64_t rows, int64_t at_us);
int spate_lab_reshard_steps(spate_lab *lab, spate_lab_step_fn *fn, void *arg, char phase[32], spate_error *err);
void spate_lab_reshard_report_done(spate_lab_reshard_report *report);

/* ---- snapshots ---- */

/* All servers as they are now, under a name. Those that run are stopped for the moment and started again. SPATE_E_USAGE: there is one of
 * that name, or servers are attached. */
int spate_lab_snapshot_save(spate_lab *lab, const char *name, spate_error *err);
/* The lab as it was then, shards and all. What has come since is gone. */
int spate_lab_snapshot_restore(spate_lab *lab, const char *name, spate_error *err);
int spate_lab_snapshot_drop(spate_lab *lab, const char *name, spate_error *err);
/* Calls fn for each name, in order. */
int spate_lab_snapshots(spate_lab *lab, void (*fn)(void *arg, const char *name), void *arg, spate_error *err);

/* ---- other engines ---- */

typedef enum spate_lab_engine {
    SPATE_LAB_FDW,
    SPATE_LAB_PLPROXY,
    SPATE_LAB_CITUS,
    SPATE_LAB_PGDOG,
    SPATE_LAB_COMPOSE
} spate_lab_engine;

/* Writes the lab's layout as that engine's configuration or SQL; *text is the caller's to free(). It may hold passwords of attached
 * servers. into_main: loads it there (postgres_fdw, PL/Proxy) in place of what was loaded before, and compares the rows that main
 * then sees with those that the shards have. SPATE_E_USAGE: the engine cannot have such a layout; SPATE_E_CONFIG, SPATE_E_UNREACHABLE:
 * main cannot load it; SPATE_E_DATA: it sees other rows. */
int spate_lab_export(spate_lab *lab, spate_lab_engine to, bool into_main, char **text, spate_error *err);

/* ---- the dashboard ---- */

typedef struct spate_lab_serve_options {
    unsigned port;      /* of 127.0.0.1; 0: a free one */
    const char *jobs;   /* a folder of jobs' ledgers, which are shown too; NULL: none */
    bool allow_actions; /* the page may start and stop servers, and benches; otherwise it only looks */
    const int *cancel;  /* as for spate_generate */
    void (*ready)(void *arg, const char *address); /* called once, with the address to open */
    void *arg;
} spate_lab_serve_options;

/* Shows the lab in that directory to browsers of this machine: its servers, rows, trials, what is at work on it. Looking takes no
 * lock: commands work on the lab meanwhile. The address holds a secret, without which nobody is told anything. Blocks until
 * *cancel, which may be set in a signal handler, is not 0; then it returns SPATE_OK. SPATE_E_USAGE, SPATE_E_CONFIG: as for
 * spate_lab_open; SPATE_E_UNREACHABLE: the port cannot be had, or a library is missing. */
int spate_lab_serve(const char *directory, const spate_lab_serve_options *options, spate_error *err);

/* A plan to begin with: users, products and orders. rows: of users. */
int spate_lab_sample_plan(uint64_t users, spate_plan **plan, spate_error *err);

#ifdef __cplusplus
}
#endif
#endif
