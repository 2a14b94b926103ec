/* lab.h - what the commands about labs share. */
#ifndef SP_CLI_LAB_H
#define SP_CLI_LAB_H

#include "cli/cli.h"

/* Where the lab is: --lab, or here when there is a lab.yaml, or ./lab. */
const char *lab_directory(const invocation *in);
/* Opens it and says what went wrong. EXIT_OK, or the exit code. */
int open_lab(const invocation *in, spate_lab **lab);
/* Says what failed, if anything did, and closes the lab. */
int leave_lab(spate_lab *lab, int status, const spate_error *err);

/* The same, but where there is no lab yet, one is made: of the servers that MAINDB_URL and SHARD_URLS name, or its own. */
int open_or_make_lab(const invocation *in, spate_lab **lab);
/* A setting of the environment, or of the file .env; NULL: there is none. The caller frees. */
char *from_outside(const char *key);
/* $XDG_CACHE_HOME/spate or ~/.cache/spate, in the room given; NULL: neither is known. */
const char *cache_directory(char *room, size_t size);

/* What --placement, --bounds and --values say; false, with a word about it, when a bound is no number. */
typedef struct placement_room {
    int64_t bounds[SPATE_LAB_SHARDS_MAX];
    const char *values[OPTION_USES_MAX];
} placement_room;
bool read_placement(const invocation *in, placement_room *room, spate_lab_placement *p);

int run_lab_distribute(const invocation *in);
/* How tables lie on the shards, for a person, or as JSON with more members in it; checked: what was found out about them, too. */
void print_lab_tables(FILE *out, const spate_lab_report *r, size_t shards, bool checked);
void print_lab_json(FILE *out, const spate_lab_report *r, size_t shards, bool checked, const char *more, int status,
                    const spate_error *err);
/* Whether all rows are where they belong, printed. An exit code. */
int check_lab(const invocation *in, spate_lab *lab);
/* Runs a benchmark and prints it. An exit code. */
int bench_lab(const invocation *in, spate_lab *lab, const spate_lab_bench_options *options);

/* What --seconds says, or otherwise; false, with a word about it, when it is no time. */
bool read_seconds(const invocation *in, double otherwise, double *seconds);
/* What --cpu says, processors or none, or otherwise; false, with a word about it, when it is neither. */
bool read_cpu(const invocation *in, double otherwise, double none, double *cpu);

int run_lab_bench(const invocation *in);
int run_lab_replica(const invocation *in);
int run_lab_pool(const invocation *in);
int run_lab_cache(const invocation *in);
extern const char *const target_words[]; /* what --on of 'lab bench' takes */
extern const char *const engine_words[]; /* what --to of 'lab export' takes */

int run_lab_export(const invocation *in);
int run_lab_reshard(const invocation *in);
int run_lab_add_shard(const invocation *in);
int run_lab_drop_shard(const invocation *in);
int run_lab_compose(const invocation *in);
int run_lab_serve(const invocation *in);
int run_lab_snapshot(const invocation *in);
int run_lab_check(const invocation *in);
int run_lab_run(const invocation *in);
int run_lab_init(const invocation *in);
int run_lab_up(const invocation *in);
int run_lab_down(const invocation *in);
int run_lab_status(const invocation *in);
int run_lab_psql(const invocation *in);
int run_lab_logs(const invocation *in);
int run_lab_destroy(const invocation *in);

#endif
