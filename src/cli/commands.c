/* commands.c - the table of commands. */
#include "cli/as.h"
#include "cli/lab.h"
#include "cli/migrate.h"
#include "cli/template.h"

#include <string.h>

static const char *const progress_words[] = {"auto", "bar", "plain", "json", "none", NULL};
static const char *const insert_words[] = {"copy", "insert", "upsert", "skip", NULL};
static const char *const format_words[] = {"table", "csv", "ndjson", NULL};

/* clang-format off */
static const option no_options[] = {
    {0},
};

#define JOBS_OPTION {"ledger", "DIR", OPTION_TEXT, false, NULL, "the folder that lists jobs (default: ~/.local/state/spate/jobs)"}

static const option generate_options[] = {
    {"template", "NAME", OPTION_TEXT, false, NULL, "a plan that is inside the program, instead of PLAN; 'spate template list' shows them"},
    {"param", "NAME=VALUE", OPTION_TEXT, true, NULL, "another value for a parameter of the template"},
    {"to", "URI", OPTION_TEXT, false, NULL, "where the rows go (see above); without it, a DuckDB file beside the plan (replaced)"},
    {"workers", "N", OPTION_SOME, false, NULL, "threads, 256 at most, each with its own connection (default: one a processor)"},
    {"batch", "ROWS", OPTION_SOME, false, NULL, "rows a statement, or a transaction where the target copies"},
    {"seed", "S", OPTION_COUNT, false, NULL, "another seed than the plan's: other rows, the same shape"},
    {"rows", "TABLE=N", OPTION_TEXT, true, NULL, "another number of rows for a table: 500, 10k, 1.5M"},
    {"table", "TABLE", OPTION_TEXT, true, NULL, "make only this table"},
    {"part", "I/N", OPTION_TEXT, false, NULL, "make part I (from 0) of N; all parts together are the whole"},
    {"insert-mode", "MODE", OPTION_WORD, false, insert_words, "copy (default for PostgreSQL, DuckDB, new SQLite files), insert (default for SQLite, .sql), upsert, or skip (rows whose key is there)"},
    {"create", NULL, OPTION_FLAG, false, NULL, "create the tables, with their keys; with --truncate, replace them"},
    {"truncate", NULL, OPTION_FLAG, false, NULL, "empty the tables first; for files: replace them"},
    {"defer-constraints", NULL, OPTION_FLAG, false, NULL, "load without the target's foreign keys, then put them back"},
    {"job", "NAME", OPTION_TEXT, false, NULL, "a name to go on by: the same command again makes what is missing; auto names it by itself"},
    JOBS_OPTION,
    {"dry-run", NULL, OPTION_FLAG, false, NULL, "check plan and target, change nothing"},
    {"progress", "HOW", OPTION_WORD, false, progress_words, "auto (default: bar on a terminal, else plain), bar, plain, json or none"},
    {"json", NULL, OPTION_FLAG, false, NULL, "print the report as JSON on standard output (on standard error if the rows go there)"},
    {0},
};

static const char *const verify_words[] = {"count", "checksum", NULL};

static const char *const index_words[] = {"after", "before", NULL};

static const option copy_options[] = {
    {"table", "TABLE", OPTION_TEXT, true, NULL, "copy only this table"},
    {"column", "COLUMN", OPTION_TEXT, true, NULL, "of the one table, copy only this column"},
    {"where", "SQL", OPTION_TEXT, false, NULL, "of the one table, copy only rows for which this condition holds"},
    {"workers", "N", OPTION_SOME, false, NULL, "threads, 256 at most, each with its own connections (default: one a processor)"},
    {"batch", "ROWS", OPTION_SOME, false, NULL, "rows a statement, or a transaction where the target copies"},
    {"rate", "RATE", OPTION_TEXT, false, NULL, "no faster than so many rows (50k) or bytes (8MiB, 500kB) a second"},
    {"insert-mode", "MODE", OPTION_WORD, false, insert_words, "copy (default for PostgreSQL, DuckDB, new SQLite files), insert (default for SQLite, .sql), upsert, or skip (rows whose key is there)"},
    {"create", NULL, OPTION_FLAG, false, NULL, "create the tables as the source has them: types, defaults, keys, indexes, sequences, comments; with --truncate, replace them"},
    {"truncate", NULL, OPTION_FLAG, false, NULL, "empty the tables first; for files: replace them"},
    {"append", NULL, OPTION_FLAG, false, NULL, "add to the rows of tables that are there (as without --create and --truncate)"},
    {"indexes", "WHEN", OPTION_WORD, false, index_words, "when --create builds keys and indexes: after the rows (default), or before"},
    {"cast", "TABLE.COLUMN=TYPE", OPTION_TEXT, true, NULL, "the type that --create gives a column, in the target's words"},
    {"defer-constraints", NULL, OPTION_FLAG, false, NULL, "load without the target's foreign keys, then put them back"},
    {"on-error", "WHAT", OPTION_TEXT, false, NULL, "what a row does that is refused or cannot be read: stop (default) the copy, or reject:FILE, which goes on and writes it there"},
    {"max-rejects", "N", OPTION_COUNT, false, NULL, "with reject: one more stops the copy (default: any number)"},
    {"verify", "HOW", OPTION_WORD, false, verify_words, "read the target back and compare it: count of rows, or checksum of all cells"},
    {"job", "NAME", OPTION_TEXT, false, NULL, "a name to go on by: the same command again copies what is missing; auto names it by itself"},
    JOBS_OPTION,
    {"dry-run", NULL, OPTION_FLAG, false, NULL, "check source and target, print what would be done, change nothing"},
    {"progress", "HOW", OPTION_WORD, false, progress_words, "auto (default: bar on a terminal, else plain), bar, plain, json or none"},
    {"json", NULL, OPTION_FLAG, false, NULL, "print the report as JSON on standard output (on standard error if the rows go there)"},
    {0},
};

static const option job_options[] = {
    JOBS_OPTION,
    {"json", NULL, OPTION_FLAG, false, NULL, "as JSON"},
    {0},
};

static const option job_resume_options[] = {
    JOBS_OPTION,
    {0},
};

static const option job_cancel_options[] = {
    JOBS_OPTION,
    {"remove", NULL, OPTION_FLAG, false, NULL, "remove unfinished files (NAME.partial) too"},
    {"to", "URI", OPTION_TEXT, false, NULL, "the target as it was given, where it needs a password"},
    {0},
};

static const option query_options[] = {
    {"format", "HOW", OPTION_WORD, false, format_words, "table (default), csv or ndjson"},
    {0},
};

static const option functions_options[] = {
    {"locale", "CODE", OPTION_TEXT, false, NULL, "samples as in that locale, such as de_AT (default: en)"},
    {"locales", NULL, OPTION_FLAG, false, NULL, "list the locales instead"},
    {"json", NULL, OPTION_FLAG, false, NULL, "print them as JSON"},
    {0},
};

static const option validate_options[] = {
    {"workers", "N", OPTION_SOME, false, NULL, "threads that the time is told for (default: one a processor)"},
    {"json", NULL, OPTION_FLAG, false, NULL, "print mistakes and figures as JSON"},
    {0},
};

static const option config_options[] = {
    {"rows", "TABLE=N", OPTION_TEXT, true, NULL, "the rows of a table: 500, 10k, 1.5M (default: 100k; with --stats, as many as there)"},
    {"table", "TABLE", OPTION_TEXT, true, NULL, "only this table, and those it refers to"},
    {"schema", "SCHEMA", OPTION_TEXT, true, NULL, "only this schema of the server"},
    {"defaults", NULL, OPTION_FLAG, false, NULL, "make columns with a default, too"},
    {"stats", NULL, OPTION_FLAG, false, NULL, "spread values as the server's statistics say (PostgreSQL)"},
    {0},
};

static const option template_list_options[] = {
    {"json", NULL, OPTION_FLAG, false, NULL, "as JSON"},
    {0},
};

static const option template_show_options[] = {
    {"param", "NAME=VALUE", OPTION_TEXT, true, NULL, "another value for a parameter"},
    {0},
};

static const option store_info_options[] = {
    {"json", NULL, OPTION_FLAG, false, NULL, "as JSON"},
    {0},
};

static const option store_table_options[] = {
    {"table", "TABLE", OPTION_TEXT, false, NULL, "which table, where there are several"},
    {0},
};

static const option store_stats_options[] = {
    {"table", "TABLE", OPTION_TEXT, false, NULL, "which table, where there are several"},
    {"json", NULL, OPTION_FLAG, false, NULL, "as JSON, a field a line"},
    {0},
};

static const option store_scan_options[] = {
    {"table", "TABLE", OPTION_TEXT, false, NULL, "which table, where there are several"},
    {"fields", "A,B,...", OPTION_TEXT, false, NULL, "only these fields; the others are not read"},
    {"where", "CONDITION", OPTION_TEXT, true, NULL, "only rows such as \"wind > 12.5\": = != < <= > >=; all must hold"},
    {"rows", "A-B", OPTION_TEXT, false, NULL, "only the rows of these numbers, from 0"},
    {"limit", "N", OPTION_COUNT, false, NULL, "at most so many rows"},
    {"json", NULL, OPTION_FLAG, false, NULL, "an object a line (default)"},
    {"csv", NULL, OPTION_FLAG, false, NULL, "CSV with a line of names; nothing is null, \"\" an empty text"},
    {"skip-damaged", NULL, OPTION_FLAG, false, NULL, "leave out what is damaged and say how much, instead of stopping"},
    {0},
};

static const char *const placement_words[] = {"hash", "modulo", "range", "list", NULL};

#define PLACEMENT_OPTIONS \
    {"bounds", "A,B,...", OPTION_TEXT, false, NULL, "of range: keys below A are on shard0, below B on shard1, ..., the rest on the last"}, \
    {"values", "A,B,...", OPTION_TEXT, true, NULL, "of list: the keys on shard0; given again, on shard1, ...; all others are on the last"}

#define LAB_OPTION {"lab", "DIR", OPTION_TEXT, false, NULL, "where the lab is (default: here if there is a lab.yaml, else ./lab)"}

static const option lab_init_options[] = {
    {"lab", "DIR", OPTION_TEXT, false, NULL, "the lab's directory, made unless it is there (default: ./lab)"},
    {"shards", "N", OPTION_COUNT, false, NULL, "servers beside main (default: 3)"},
    {"port", "PORT", OPTION_COUNT, false, NULL, "main's; the shards have the next ones (default: free ones are found)"},
    {"placement", "HOW", OPTION_WORD, false, placement_words, "hash (default), modulo, range or list: which shard a row lives on"},
    PLACEMENT_OPTIONS,
    {"cpu", "C", OPTION_TEXT, false, NULL, "processors that each server may use, such as 0.3 (default: no limit)"},
    {"user", "NAME", OPTION_TEXT, false, NULL, "whom the servers run as when root makes the lab (default: postgres)"},
    {"programs", "DIR", OPTION_TEXT, false, NULL, "where initdb and postgres are (default: the newest that is installed)"},
    {"attach", NULL, OPTION_FLAG, false, NULL, "use the servers that MAINDB_URL and SHARD_URLS name, in the environment or in .env"},
    {0},
};

static const option lab_options[] = {
    LAB_OPTION,
    {0},
};

static const option lab_up_options[] = {
    LAB_OPTION,
    {"cpu", "C", OPTION_TEXT, false, NULL, "processors that each server may use from now on, such as 0.3, or none: no limit"},
    {0},
};

static const option lab_status_options[] = {
    LAB_OPTION,
    {"json", NULL, OPTION_FLAG, false, NULL, "as JSON"},
    {0},
};

static const option lab_logs_options[] = {
    LAB_OPTION,
    {"lines", "N", OPTION_COUNT, false, NULL, "so many lines of each (default: 20)"},
    {0},
};

#define LAB_ROW_OPTIONS \
    {"rows", "TABLE=N", OPTION_TEXT, true, NULL, "another number of rows for a table of the plan: 500, 10k, 1.5M"}, \
    {"seed", "S", OPTION_COUNT, false, NULL, "another seed than the plan's"}, \
    {"by", "TABLE=COLUMN", OPTION_TEXT, true, NULL, "the column whose value says which shard a row of the table lives on"}, \
    {"copied", "TABLE", OPTION_TEXT, true, NULL, "put all rows of the table on every shard"}, \
    {"replace", NULL, OPTION_FLAG, false, NULL, "replace tables that are there already"}, \
    {"workers", "N", OPTION_SOME, false, NULL, "threads of each shard (default: the processors, shared out)"}, \
    {"batch", "ROWS", OPTION_SOME, false, NULL, "rows a transaction"}, \
    {"progress", "HOW", OPTION_WORD, false, progress_words, "auto (default: bar on a terminal, else plain), bar, plain, json or none"}

static const option lab_distribute_options[] = {
    LAB_OPTION,
    {"table", "TABLE", OPTION_TEXT, true, NULL, "without a plan: only this table of main"},
    LAB_ROW_OPTIONS,
    {"json", NULL, OPTION_FLAG, false, NULL, "print the report as JSON on standard output"},
    {0},
};

static const option lab_run_options[] = {
    LAB_OPTION,
    {"users", "N", OPTION_COUNT, false, NULL, "users of the sample plan (default: MAX_GEN_USERS of the environment or .env, else 10k)"},
    {"seconds", "S", OPTION_TEXT, false, NULL, "of each measurement (default: 2)"},
    {"cpu", "C", OPTION_TEXT, false, NULL, "as for 'lab bench'"},
    {"from-main", NULL, OPTION_FLAG, false, NULL, "copy the rows from main to the shards instead of making them there again"},
    LAB_ROW_OPTIONS,
    {0},
};

const char *const target_words[] = {"main", "shards", "coordinator", "pooled", "cached", "replicas", NULL}; /* in the order of their bits */

static const option lab_pool_options[] = {
    LAB_OPTION,
    {"size", "N", OPTION_COUNT, false, NULL, "connections to each server, 180 at most (default: as it has, or 8)"},
    {0},
};

static const option lab_cache_options[] = {
    LAB_OPTION,
    {"memory", "BYTES", OPTION_COUNT, false, NULL, "how much it may keep, such as 16M (default: as it has, or 64 MiB)"},
    {0},
};

static const option lab_bench_options[] = {
    LAB_OPTION,
    {"query", "NAME", OPTION_TEXT, true, NULL, "only this query"},
    {"file", "FILE", OPTION_TEXT, false, NULL, "queries of a file instead of the built-in ones"},
    {"on", "TARGET", OPTION_WORD, true, target_words, "main, shards, coordinator, pooled, cached, replicas (default: main and shards)"},
    {"engine", "URI", OPTION_TEXT, false, NULL, "and on a server that has the same tables"},
    {"try-index", "INDEX", OPTION_TEXT, true, NULL, "measure again with an index, such as 'orders (user_id)', which then goes"},
    {"writes", "PERCENT", OPTION_COUNT, false, NULL, "of the questions by key, so many write the row as it is (default: 0)"},
    {"users", "N", OPTION_COUNT, false, NULL, "users who ask at the same time, 1024 at most (default: 8 for each shard; 2 where all are asked)"},
    {"cpu", "C", OPTION_TEXT, false, NULL, "measure also with so much of a processor for each server (default: the lab's, or what suits); none: only without"},
    {"rate", "N", OPTION_COUNT, false, NULL, "questions a second, answered or not (default: each user asks again once answered)"},
    {"seconds", "S", OPTION_TEXT, false, NULL, "of each query and target (default: 5)"},
    {"seed", "S", OPTION_COUNT, false, NULL, "of the keys that are asked for"},
    {"chart", "FILE", OPTION_TEXT, false, NULL, "also as a picture: FILE.svg, or FILE.html with the numbers"},
    {"json", NULL, OPTION_FLAG, false, NULL, "as JSON"},
    {0},
};

static const option lab_reshard_options[] = {
    LAB_OPTION,
    {"shards", "N", OPTION_COUNT, false, NULL, "how many shards there are to be"},
    {"placement", "HOW", OPTION_WORD, false, placement_words, "place rows otherwise on the shards that there are: by hash, modulo, range or list"},
    PLACEMENT_OPTIONS,
    {"plan", NULL, OPTION_FLAG, false, NULL, "count what would move, and change nothing"},
    {"commit", NULL, OPTION_FLAG, false, NULL, "end the move that is open: the rows' old places are cleared; with --shards, move and commit"},
    {"rollback", NULL, OPTION_FLAG, false, NULL, "end it the other way: everything as before, with what has been written since"},
    {"offline", NULL, OPTION_FLAG, false, NULL, "the simple way: nobody writes meanwhile"},
    {"add", "URI", OPTION_TEXT, true, NULL, "a server that comes in addition, where the lab's are attached ones"},
    {"json", NULL, OPTION_FLAG, false, NULL, "as JSON"},
    {0},
};

static const option lab_add_shard_options[] = {
    LAB_OPTION,
    {"offline", NULL, OPTION_FLAG, false, NULL, "the simple way: nobody writes meanwhile"},
    {"add", "URI", OPTION_TEXT, true, NULL, "the server that comes in addition, where the lab's are attached ones"},
    {"json", NULL, OPTION_FLAG, false, NULL, "as JSON"},
    {0},
};

static const option lab_drop_shard_options[] = {
    LAB_OPTION,
    {"offline", NULL, OPTION_FLAG, false, NULL, "the simple way: nobody writes meanwhile"},
    {"json", NULL, OPTION_FLAG, false, NULL, "as JSON"},
    {0},
};

static const option lab_serve_options[] = {
    LAB_OPTION,
    {"port", "PORT", OPTION_COUNT, false, NULL, "of 127.0.0.1 (default: a free one)"},
    {"allow-actions", NULL, OPTION_FLAG, false, NULL, "let the page start and stop servers, and benches"},
    JOBS_OPTION,
    {0},
};

static const option lab_export_options[] = {
    LAB_OPTION,
    {"to", "ENGINE", OPTION_WORD, false, engine_words, "fdw, plproxy, citus, pgdog or compose"},
    {"load", NULL, OPTION_FLAG, false, NULL, "load it into main and look through it: fdw, plproxy"},
    {0},
};

static const char *const nemesis_words[] = {"kill", "stop", "mover", NULL}; /* in the order of their bits */

static const option lab_check_options[] = {
    LAB_OPTION,
    {"resolve", NULL, OPTION_FLAG, false, NULL, "end transactions in doubt as is recorded: commit where main says so, else roll back"},
    {"seconds", "S", OPTION_TEXT, false, NULL, "write and move money for so long instead, and look whether anything is lost"},
    {"nemesis", "WHAT", OPTION_WORD, true, nemesis_words, "meanwhile: kill shards, stop them for a moment, or kill who moves rows"},
    {"users", "N", OPTION_COUNT, false, NULL, "clients who write at the same time, 256 at most (default: 8)"},
    {"rate", "N", OPTION_COUNT, false, NULL, "writes a second, answered or not (default: each client goes on once answered)"},
    {"seed", "S", OPTION_COUNT, false, NULL, "of the accounts that are written, and of what goes wrong (default: 1; with --nemesis another each time)"},
    {"json", NULL, OPTION_FLAG, false, NULL, "as JSON"},
    {0},
};

static const option lab_destroy_options[] = {
    LAB_OPTION,
    {"yes", NULL, OPTION_FLAG, false, NULL, "do not ask"},
    {0},
};

static const char *const outcome_words[] = {"same", "missing", "differs", "skipped", "conflict", "excluded", "failed", "extra", NULL};

#define MIGRATE_OPTIONS \
    {"exclude", "PATTERN", OPTION_TEXT, true, NULL, "leave out what matches, as a line of a .gitignore would"}, \
    {"include", "PATTERN", OPTION_TEXT, true, NULL, "take it in again; the last one that matches decides"}, \
    {"exclude-from", "FILE", OPTION_TEXT, true, NULL, "a file of such lines, in the syntax of .gitignore"}, \
    {"min-size", "SIZE", OPTION_TEXT, false, NULL, "leave out smaller files: 500, 10k, 64MiB"}, \
    {"max-size", "SIZE", OPTION_TEXT, false, NULL, "leave out larger files"}, \
    {"min-age", "AGE", OPTION_TEXT, false, NULL, "leave out files modified since then: 30s, 10m, 2h, 7d, 4w"}, \
    {"max-age", "AGE", OPTION_TEXT, false, NULL, "leave out files not modified since then"}, \
    {"on-conflict", "POLICY", OPTION_WORD, false, policy_words, "for files that differ: newer (default), overwrite, skip or keep-both (the old one becomes NAME.~1~)"}, \
    {"no-owner", NULL, OPTION_FLAG, false, NULL, "do not keep owners (only root can)"}, \
    {"no-attributes", NULL, OPTION_FLAG, false, NULL, "do not keep extended attributes and access lists"}, \
    {"workers", "N", OPTION_SOME, false, NULL, "threads (default: one a processor)"}, \
    {"ledger", "FILE", OPTION_TEXT, false, NULL, "where to remember what is done (default: below ~/.local/state/spate)"}, \
    {"sql", NULL, OPTION_FLAG, false, NULL, "keep the ledger as a DuckDB file too, to ask with 'spate query'"}, \
    {"fresh", NULL, OPTION_FLAG, false, NULL, "forget what the ledger has, and begin anew"}, \
    {"progress", "HOW", OPTION_WORD, false, progress_words, "auto (default: bar on a terminal, else plain), bar, plain, json or none"}

static const option migrate_options[] = {
    MIGRATE_OPTIONS,
    {"verify", "HOW", OPTION_WORD, false, proof_words, "size (default: size, time, mode and owner of what was copied), hash (content too, of all) or none"},
    {"sync", "HOW", OPTION_WORD, false, sync_words, "group (default: on disk before it counts as done, many files at once), file or none"},
    {"delete-extra", NULL, OPTION_FLAG, false, NULL, "at the end, delete what only the destination has, after asking"},
    {"yes", NULL, OPTION_FLAG, false, NULL, "do not ask"},
    {"json", NULL, OPTION_FLAG, false, NULL, "print the report as JSON on standard output"},
    {0},
};

static const option migrate_plan_options[] = {
    MIGRATE_OPTIONS,
    {"leave-out", "PATH", OPTION_TEXT, true, NULL, "leave this path of the plan (/sub/file) and all below it out of the copy"},
    {"take-in", "PATH", OPTION_TEXT, true, NULL, "take it in again"},
    {"browse", NULL, OPTION_FLAG, false, NULL, "walk through the plan on the terminal"},
    {"list", "OUTCOME", OPTION_WORD, false, outcome_words, "print the paths of one outcome: same, missing, differs, skipped, conflict, excluded, failed or extra"},
    {"json", NULL, OPTION_FLAG, false, NULL, "print the plan's counts, and --list's paths, as JSON"},
    {0},
};

const command commands[] = {
    {"generate", "[PLAN]", 0, 1, "make the rows of a plan",
     "Makes every table of PLAN (YAML or JSON; - is standard input), or of a --template, and puts the rows where --to says:\n"
     "  postgresql://...  mysql://...  duckdb:FILE  sqlite:FILE  FILE.spate  FILE.csv  FILE.ndjson  FILE.sql?format=insert|copy\n"
     "  FILE.parquet\n"
     "  DIRECTORY/?format=csv|ndjson|insert|copy (a file a table)  -?format=... (standard output)\n"
     "Files take ?format= and ?header=true|false (CSV), DuckDB files ?keys=none|primary|all.\n"
     "Numbers may be written 500, 10_000, 10k, 1.5M or 2G.\n"
     "The same plan and seed give the same rows, whatever the target, the workers, the batch or the part.",
     generate_options, run_generate},
    {"copy", "FROM TO", 2, 2, "copy tables from one place to another",
     "Copies the tables of FROM into TO, which is named as for generate. FROM is one of\n"
     "  postgresql://...  mysql://...  sqlite:FILE  duckdb:FILE  FILE.spate  FILE.csv  FILE.ndjson  FILE.arrows  DIRECTORY/ (a table a file)\n"
     "  FILE.parquet  PLAN.yaml (made as it is copied)  adbc:DRIVER?...  FILE.rejects (of --on-error)\n"
     "  -?format=csv|ndjson|arrow (standard input)\n"
     "Files take ?format=, ?table=NAME, ?types=guess|text, and CSV ?header=, ?delimiter=, ?quote=, ?escape=, ?null=.\n"
     "A value that the target cannot hold exactly is an error that names table, column and row.",
     copy_options, run_copy},
    {"config", "URI", 1, 1, "write a plan from a live schema",
     "Prints a plan for the tables of URI, which generates and loads as it is:\n"
     "  postgresql://...  mysql://...  sqlite:FILE  duckdb:FILE\n"
     "  FILE.sql or - (standard input): CREATE statements, such as a dump of the schema\n"
     "Nothing is changed there, and no row is read. Comments in the plan say what had to be guessed.",
     config_options, run_config},
    {"functions", "[NAME]", 0, 1, "list what a plan can write as ${name}",
     "Prints every function with its type and a sample, or the one called NAME with several.",
     functions_options, run_functions},
    {"as", "PROGRAM [ITS ARGUMENTS]", 1, 1, "take another program's command line: dgs, dg, datagen",
     "Takes the command line of another program: its flags, files, messages and exit codes. A link to spate that has the program's name\n"
     "does the same. 'spate as PROGRAM --help' tells what it takes.", no_options, .run_words = run_as},
    {"job list", "", 0, 0, "list jobs: runs that have a name",
     "Prints the jobs of this machine's user (or of --ledger), which generate and copy enter with --job.", job_options, run_job_list},
    {"job show", "NAME", 1, 1, "show how far a job is",
     "Prints the tables of a job, the ranges of them that have landed, its rate, and what it stopped at.", job_options, run_job_show},
    {"job resume", "NAME", 1, 1, "go on with a job",
     "Runs the command that began the job again, where it was given. Passwords that stood in it are not kept: they come from\n"
     "PGPASSWORD or ~/.pgpass, or the command is repeated by hand.",
     job_resume_options, run_job_resume},
    {"job cancel", "NAME", 1, 1, "stop a job, and have its target forget it",
     "Stops the job if it runs, and takes its memory out of the target. Rows that have landed stay. The same command begins anew.\n"
     "A job that is done or cancelled is taken off the list.",
     job_cancel_options, run_job_cancel},
    {"migrate plan", "SRC DST", 2, 2, "compare two trees and show what a migration would do",
     "Lists SRC and DST, and prints what is the same, missing, different or extra. Nothing but the ledger is written. 'spate migrate'\n"
     "of the same trees then does what this plan says. A tree called \"plan\" is written ./plan.",
     migrate_plan_options, run_migrate_plan},
    {"migrate", "SRC DST", 2, 2, "move a tree of folders and files",
     "Copies the folder SRC into the folder DST: plans, copies, verifies, and tries once more what failed. Keeps mode, owner, times,\n"
     "attributes, access lists, links and holes. Nothing in DST is deleted unless --delete-extra. ^C or kill -9 at any moment: the\n"
     "same command goes on where it stopped.\n"
     "  migrate plan   shows first what it would do",
     migrate_options, run_migrate},
    {"validate", "PLAN", 1, 1, "check a plan, and tell what it will take",
     "Prints every mistake in PLAN (- is standard input) with its line and column. A plan without any is tried: a few rows of each\n"
     "table are made, and time, bytes and memory of all of them told by that. Nothing is written.",
     validate_options, run_validate},
    {"query", "FILE SQL", 2, 2, "run SQL on the rows of anything",
     "Prints what SQL gives. A DuckDB or SQLite file (duckdb:FILE, sqlite:FILE, or by its ending) is opened read-only; of anything else\n"
     "that can be copied (stores, CSV, NDJSON, Parquet, servers, plans, standard input) DuckDB reads the tables while it answers.",
     query_options, run_query},
    {"template list", "", 0, 0, "list the plans that are inside the program",
     "Prints the name of each template, what it is about, and its parameters with the values they have.", template_list_options,
     run_template_list},
    {"template show", "NAME", 1, 1, "print a plan that is inside the program",
     "Prints the plan, to keep and to change: 'spate template show NAME > plan.yaml', then 'spate generate plan.yaml'.",
     template_show_options, run_template_show},
    {"store info", "FILE", 1, 1, "tables and columns of a store",
     "Shows what is in a store of rows (FILE.spate): its tables, their columns, rows and sizes.", store_info_options, run_store_info},
    {"store scan", "FILE", 1, 1, "print rows of a store",
     "Prints rows as NDJSON or CSV, in order. Only the fields that are asked for are read, blocks whose statistics rule out a\n"
     "condition are passed over, and an index is used for an equality.",
     store_scan_options, run_store_scan},
    {"store index", "FILE FIELD", 2, 2, "index a field of a store",
     "Writes an index of FIELD into the store, or brings one up to date; --where \"FIELD = ...\" uses it.", store_table_options,
     run_store_index},
    {"store set", "FILE ROW FIELD=VALUE...", 3, 64, "change cells in place",
     "Changes cells of the row number ROW (from 0) where they lie: all of those given, or none, whatever happens meanwhile.\n"
     "A value that needs more room than the cells around it have is refused. It waits until nobody reads the file.",
     store_table_options, run_store_set},
    {"store verify", "FILE", 1, 1, "check every byte of a store",
     "Reads everything and says what is damaged, with its rows. Exit 1 when something is.", store_info_options, run_store_verify},
    {"store repair", "FILE", 1, 1, "leave out what is damaged",
     "Writes an index without the blocks that are damaged. The other rows keep their numbers.", no_options, run_store_repair},
    {"store stats", "FILE", 1, 1, "how the fields of a store are encoded",
     "Shows for each field and type how many cells and nulls there are, in how many bytes, how they are encoded, and their range.",
     store_stats_options, run_store_stats},
    {"lab init", "", 0, 0, "make a lab: a main server and shards",
     "Makes real PostgreSQL servers in a directory: main, which is to have all rows, and shards. They are down; lab.yaml says what\n"
     "there is. What initdb makes is kept in ~/.cache/spate, so that the next lab is only cloned.",
     lab_init_options, run_lab_init},
    {"lab up", "[SERVER...]", 0, 64, "start a lab's servers", "Starts main, shard0, ..., pool, cache, or only those named, and waits until they answer.",
     lab_up_options, run_lab_up},
    {"lab down", "[SERVER...]", 0, 64, "stop a lab's servers", "Stops all servers of the lab, or those named, without waiting for their clients.",
     lab_options, run_lab_down},
    {"lab status", "", 0, 0, "show a lab's servers",
     "Shows which servers a lab has, whether they answer, and what is in them. Exit 1 when one does not answer.", lab_status_options,
     run_lab_status},
    {"lab psql", "[SERVER [-- PSQL-OPTIONS]]", 0, 64, "open a server with psql",
     "Opens main, or the server named, with psql. What comes behind -- goes to psql: spate lab psql shard0 -- -c 'SELECT 1'.", lab_options,
     run_lab_psql},
    {"lab logs", "[SERVER]", 0, 1, "show what servers have logged", "Prints the last lines of the servers' logs.", lab_logs_options, run_lab_logs},
    {"lab run", "[PLAN]", 0, 1, "make rows, distribute, check and measure: all in one",
     "Makes a lab unless there is one, starts it, tests all connections, makes the rows of PLAN (without one, of a sample with users,\n"
     "products and orders) on main and on the shards, checks that every row is where it belongs,\n"
     "and asks both the same questions.", lab_run_options, run_lab_run},
    {"lab distribute", "[PLAN]", 0, 1, "put rows onto the shards",
     "Makes the rows of PLAN, each at the shard it belongs to; without a plan, copies main's tables to the shards. A table lives by what\n"
     "lab.yaml or --by says, else beside the rows it refers to, else by its primary key; small ones that others refer to are copied to\n"
     "every shard. Whatever stops it, the same command goes on.", lab_distribute_options, run_lab_distribute},
    {"lab bench", "", 0, 0, "ask main and the shards the same questions",
     "Compares the answers of main and of the shards, then how fast they come: with users who ask again once they are answered, or with\n"
     "--rate at fixed moments, where a time counts from when its question was due. Errors are in no time and no rate; exit 1 when there\n"
     "were any.", lab_bench_options, run_lab_bench},
    {"lab replica", "add [SERVER] | lag | promote REPLICA | drop REPLICA", 1, 2, "servers that follow another one",
     "'add' makes a replica of main, or of SERVER, by streaming replication. 'lag' shows how far each is behind; exit 1 when one does\n"
     "not stream. 'promote' stops the primary and puts the replica in its place. 'lab bench --on replicas' reads from main's.", lab_options,
     run_lab_replica},
    {"lab pool", "up|down", 1, 1, "put pgbouncer before the servers",
     "'up' starts pgbouncer before all servers, a database each by the server's name, in transaction mode; 'down' takes it away. Many\n"
     "clients share few connections; what they prepare is lost between transactions. 'lab bench --on pooled' asks through it.",
     lab_pool_options, run_lab_pool},
    {"lab cache", "up|down", 1, 1, "put Redis before the shards",
     "'up' starts a Redis server that keeps answers in memory and forgets what was not asked for longest; 'down' takes it away.\n"
     "'lab bench --on cached' asks it first.", lab_cache_options, run_lab_cache},
    {"lab check", "", 0, 0, "check that every row is where it belongs",
     "Asks the servers whether each row is on the shard that its key says, whether the shards together have what main has, and whether\n"
     "transactions were prepared and never ended. With --seconds clients write accounts of their own instead, and move money between\n"
     "shards, while other commands move rows or a nemesis kills servers; they notice when a write that was acknowledged is gone, a read\n"
     "is older than what was written before it, or the money does not add up. Exit 1 when anything is wrong.", lab_check_options, run_lab_check},
    {"lab reshard", "", 0, 0, "go to another number of shards, or another placement",
     "Makes or removes servers and moves rows so that N shards have even shares, while others write; going from 3 to 4 moves a quarter.\n"
     "Or, with --placement, moves rows between the shards that there are to where another placement has them, in the same way.\n"
     "--plan counts first. When the rows are on their new shards and compared, the old ones follow them until --commit or --rollback.\n"
     "Interrupted, the same command finishes it. With none of --shards, --placement, --commit and --rollback it shows what the last move\n"
     "has done.",
     lab_reshard_options, run_lab_reshard},
    {"lab add-shard", "", 0, 0, "one shard more",
     "'lab reshard --commit' with one shard more than there are: made, given its share of the rows while others write, and compared.",
     lab_add_shard_options, run_lab_add_shard},
    {"lab drop-shard", "", 0, 0, "one shard less", "'lab reshard --commit' with one shard less: the last one's rows go to the others, and it is removed.",
     lab_drop_shard_options, run_lab_drop_shard},
    {"lab serve", "", 0, 0, "show a lab in the browser",
     "Prints an address at which browsers of this machine see the lab: its servers, rows and skew, benches while they run and compared\n"
     "with each other, replication, jobs. It only looks, unless --allow-actions is given, and runs until ^C.", lab_serve_options, run_lab_serve},
    {"lab snapshot", "save|restore|drop NAME | list", 1, 2, "keep all servers as they are now, and go back",
     "Copies all servers as they are at one moment, for which they are stopped: 'save NAME'. 'restore NAME' makes the lab what it was then,\n"
     "shards and all; what has come since is gone. 'drop NAME' removes a snapshot, 'list' names them.", lab_options, run_lab_snapshot},
    {"lab export", "", 0, 0, "the same layout for an engine that exists",
     "Prints what makes the shards one database for postgres_fdw, PL/Proxy, Citus or PgDog, or a file that makes them as containers. What main\n"
     "can have, --load puts there, and compares its rows with those of the shards.", lab_export_options, run_lab_export},
    {"lab compose", "", 0, 0, "as many servers in containers",
     "Prints a compose file with a server in a container for each of the lab's, as 'lab export --to compose' does.", lab_options, run_lab_compose},
    {"lab destroy", "", 0, 0, "stop and remove a lab",
     "Stops the servers and removes them with all their rows. Servers that were only attached stay as they are.", lab_destroy_options,
     run_lab_destroy},
    {0},
};

const command_group command_groups[] = {
    {"job", "list, show, resume and cancel runs that have a name"},
    {"lab", "try what sharding brings: real servers, real rows"},
    {"store", "look into stores of rows (.spate), and after them"},
    {"template", "plans that are inside the program"},
    {0},
};

/* clang-format on */

spate_insert_mode insert_mode_of(const char *word)
{
    if (!word)
        return SPATE_INSERT_DEFAULT;
    static const spate_insert_mode modes[] = {SPATE_INSERT_COPY, SPATE_INSERT_INSERT, SPATE_INSERT_UPSERT,
                                              SPATE_INSERT_SKIP};
    size_t i = 0;
    while (strcmp(insert_words[i], word) != 0)
        i++;
    return modes[i];
}
