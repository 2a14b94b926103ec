/* test_jobs.c - a job that is killed or stopped again and again, at random commits, ends with what a run without trouble makes: in every
 * target that remembers jobs. With SPATE_TEST_URI, also in that database, which must be empty.
 *
 * The victim is a child that kills itself with SIGKILL in the middle of its work. */
#include "check.h"
#include "endpoint/endpoint.h"
#include "endpoint/generated.h"
#include "flow/flow.h"
#include "os/os.h"
#include "spate/query.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/spate-test-jobs-XXXXXX";
static uint64_t seed;

static const char plan_text[] = "seed: 11\n"
                                "tables:\n"
                                "  - name: parent\n"
                                "    rows: 20000\n"
                                "    columns:\n"
                                "      - {name: id, value: '${uuid}', primary_key: true}\n"
                                "      - {name: code, range: int, unique: true, props: {min: 0, max: 1000000}}\n"
                                "  - name: none\n"
                                "    rows: 0\n"
                                "    columns:\n"
                                "      - {name: id, inc: 1, primary_key: true}\n"
                                "  - name: child\n"
                                "    rows: 300000\n"
                                "    columns:\n"
                                "      - {name: id, inc: 1, primary_key: true}\n"
                                "      - {name: parent_id, ref: parent.id, distribution: zipf}\n"
                                "      - {name: state, set: [sent, paid], weights: [1, 3]}\n";

typedef struct victim {
    _Atomic int left; /* commits until it dies; negative: it lives */
    bool gently;      /* it does not die, it fails: what finish does for a run that was stopped is done */
    bool in_finish;   /* it dies when all is committed, before anybody hears of it */
} victim;

static int die_now_and_then(void *arg, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    victim *v = arg;
    if (v->left < 0 || v->left-- != 0)
        return SPATE_OK;
    if (!v->gently)
        raise(SIGKILL);
    return sp_fail(err, SPATE_E_IO, "stopped by the test");
}

/* One run, in this process. job: NULL, or its name. */
static int run(const char *to, const char *job, bool files, victim *v, sp_flow_table *out, spate_error *err)
{
    spate_plan *plan = NULL;
    sp_gen *gen = NULL;
    sp_source *source = NULL;
    sp_sink *sink = NULL;
    sp_sink_options options = {
        .create = !files, .batch_rows = files ? 0 : 7000, .lanes = 3, .job = job, .job_of = "test"};
    sp_flow_options flow = {.workers = 3, .committed = die_now_and_then, .arg = v};
    int rc = sp_plan_parse("jobs.yaml", plan_text, sizeof(plan_text) - 1, &plan, err);
    if (rc == SPATE_OK)
        rc = sp_gen_new(plan, 11, &gen, err);
    if (rc == SPATE_OK)
        rc = sp_generated_open(gen, NULL, 0, &source, err);
    if (rc == SPATE_OK)
        rc = sp_sink_open(to, &options, &sink, err);
    if (rc == SPATE_OK)
        rc = sp_flow_run(source, sink, &flow, out, err);
    if (rc == SPATE_OK && v->in_finish)
        raise(SIGKILL);
    if (rc == SPATE_OK && job)
        rc = sink->ops->forget(sink, err);
    sp_sink_close(sink);
    if (source)
        source->ops->close(source);
    sp_gen_free(gen);
    spate_plan_free(plan);
    return rc;
}

static bool killed(const char *to, bool files, victim v)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        sp_flow_table out[3];
        spate_error err = {0};
        int rc = run(to, "night-1", files, &v, out, &err);
        if (rc != SPATE_OK && !v.gently)
            printf("# %s: %s %s\n", to, err.message, err.detail);
        fflush(stdout);
        _exit(rc == SPATE_OK ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(!WIFEXITED(status) || WEXITSTATUS(status) == 0 || v.gently);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

/* Kills the job again and again, at last when all is done but nobody knows; then runs it to its end here. Returns how many runs
 * died: a job that is done early is not started again. */
static int kill_until_done(const char *to, bool files)
{
    int deaths = 0;
    for (int i = 0; i < 5; i++) {
        if (!killed(to, files, (victim){.left = (int)sp_bounded(sp_mix64(seed++), 5), .gently = i % 2 == 0}))
            return deaths;
        deaths++;
    }
    CHECK(killed(to, files, (victim){.left = -1, .in_finish = true}));
    sp_flow_table out[3];
    spate_error err = {0};
    victim nobody = {.left = -1};
    CHECK_INT(run(to, "night-1", files, &nobody, out, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_INT(out[0].rows_done + out[1].rows_done + out[2].rows_done, 320000);
    return deaths + 1;
}

static const char *in_dir(const char *scheme, const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s%s/%s", scheme, dir, name);
    return path;
}

/* ---- files: the same bytes ---- */

static bool same_bytes(const char *a, const char *b)
{
    sp_buf x = {0}, y = {0};
    bool same = sp_os_read_file(a, 64 << 20, &x, NULL) == SPATE_OK &&
                sp_os_read_file(b, 64 << 20, &y, NULL) == SPATE_OK && x.len == y.len &&
                memcmp(x.data, y.data, x.len) == 0;
    sp_buf_done(&x);
    sp_buf_done(&y);
    return same;
}

static void files_of_a_killed_job(void)
{
    static const char *const names[][3] = {{"csv", "csv:%s/", "child.csv"},
                                           {"insert", "sql:%s.sql?format=insert", NULL},
                                           {"copy", "sql:%s.sql?format=copy", NULL}};
    for (size_t i = 0; i < SP_COUNT(names); i++) {
        char whole[300], to[300], a[300], b[300];
        snprintf(whole, sizeof(whole), strchr(names[i][1], ':') + 1, in_dir("", "whole"));
        snprintf(to, sizeof(to), strchr(names[i][1], ':') + 1, in_dir("", "job"));
        sp_flow_table out[3];
        spate_error err = {0};
        victim nobody = {.left = -1};
        CHECK_INT(run(whole, NULL, true, &nobody, out, &err), SPATE_OK);
        CHECK_STR(err.message, "");
        CHECK(kill_until_done(to, true) >= 2);
        snprintf(a, sizeof(a), "%s%s", in_dir("", "whole"), names[i][2] ? "/child.csv" : ".sql");
        snprintf(b, sizeof(b), "%s%s", in_dir("", "job"), names[i][2] ? "/child.csv" : ".sql");
        CHECK(same_bytes(a, b));
        if (!names[i][2]) {
            unlink(a);
            unlink(b);
        }
    }
    CHECK(!sp_os_exists(in_dir("", "job/child.csv.job")));
    CHECK(same_bytes(in_dir("", "job/parent.csv"), in_dir("", "whole/parent.csv")));
}

/* ---- databases: the same rows, and nothing of the job left ---- */

static int keep_cells(void *arg, const spate_cell *cells, size_t n)
{
    sp_buf *kept = arg;
    for (size_t i = 0; i < n; i++)
        if (sp_buf_add(kept, cells[i].text, cells[i].len) || sp_buf_adds(kept, "|"))
            return SPATE_E_NOMEM;
    return 0;
}

static const char *text_of(sp_buf *b)
{
    return sp_buf_add(b, "", 1) ? "" : b->data;
}

static void check_rows(const char *path, const char *tables_sql)
{
    sp_buf got = {0};
    spate_error err = {0};
    CHECK_INT(spate_query(path,
                          "SELECT count(*) AS n, count(DISTINCT c.id) AS i, sum(c.id) AS s, count(p.id) AS p"
                          " FROM child c LEFT JOIN parent p ON p.id = c.parent_id",
                          keep_cells, &got, &err),
              SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK_STR(text_of(&got), "n|i|s|p|300000|300000|45000150000|300000|");
    got.len = 0;
    CHECK_INT(spate_query(path, tables_sql, keep_cells, &got, &err), SPATE_OK);
    CHECK_STR(text_of(&got), "n|0|");
    sp_buf_done(&got);
}

static void duckdb_file_of_a_killed_job(void)
{
    CHECK(kill_until_done(in_dir("duckdb:", "job.duckdb"), false) >= 2);
    check_rows(in_dir("", "job.duckdb"), "SELECT count(*) AS n FROM duckdb_tables() WHERE table_name LIKE 'spate%'");
}

static void sqlite_file_of_a_killed_job(void)
{
    CHECK(kill_until_done(in_dir("sqlite:", "job.sqlite"), false) >= 2);
    check_rows(in_dir("", "job.sqlite"), "SELECT count(*) AS n FROM sqlite_master WHERE name LIKE 'spate%'");
}

static void database_of_a_killed_job(void)
{
    const char *uri = getenv("SPATE_TEST_URI");
    if (uri)
        CHECK(kill_until_done(uri, false) >= 2);
}

/* A run that was taken for dead wakes up: its chunk must not land behind the back of the one that has taken over. */
static void a_sleeper_is_fenced_out(void)
{
    static const sp_field field = {.name = "n", .type = {.kind = SP_I64}};
    static const sp_schema table = {.table = "fenced", .fields = &field, .n_fields = 1, .rows = 10};
    static const sp_insert_mode modes[] = {SP_INSERT_COPY, SP_INSERT_INSERT};
    const char *uri = getenv("SPATE_TEST_URI");
    for (size_t m = 0; uri && m < SP_COUNT(modes); m++) {
        const sp_schema *tables[] = {&table};
        sp_sink_options options = {
            .create = true, .truncate = true, .lanes = 1, .job = "shift", .job_of = "test", .mode = modes[m]};
        sp_sink *sleeper = NULL, *successor = NULL;
        sp_lane *lane = NULL;
        sp_chunk chunk = {0, 0, 1};
        sp_batch batch;
        spate_error err = {0};
        CHECK_INT(sp_sink_open(uri, &options, &sleeper, &err), SPATE_OK);
        CHECK_INT(sleeper->ops->prepare(sleeper, tables, 1, &err), SPATE_OK);
        CHECK_INT(sp_sink_open(uri, &options, &successor, &err), SPATE_OK);
        CHECK_INT(successor->ops->prepare(successor, tables, 1, &err), SPATE_OK);
        CHECK_INT(sp_batch_init(&batch, &table, &err), SPATE_OK);
        batch.rows = 1;
        CHECK_INT(sleeper->ops->lane_open(sleeper, &lane, &err), SPATE_OK);
        CHECK_INT(sleeper->ops->begin(lane, &chunk, &err), SPATE_OK);
        CHECK_INT(sleeper->ops->write(lane, &batch, &err), SPATE_OK);
        CHECK_INT(sleeper->ops->commit(lane, &chunk, 1, &err), SPATE_E_DATA);
        CHECK_STR(err.message, "another run has taken over job \"shift\"");
        sleeper->ops->lane_close(lane);
        CHECK_INT(successor->ops->lane_open(successor, &lane, &err), SPATE_OK);
        CHECK_INT(successor->ops->begin(lane, &chunk, &err), SPATE_OK);
        CHECK_INT(successor->ops->write(lane, &batch, &err), SPATE_OK);
        CHECK_INT(successor->ops->commit(lane, &chunk, 1, &err), SPATE_OK);
        successor->ops->lane_close(lane);
        CHECK_INT(successor->ops->finish(successor, true, &err), SPATE_OK);
        CHECK_INT(successor->ops->forget(successor, &err), SPATE_OK);
        sp_sink_close(sleeper);
        sp_sink_close(successor);
        sp_batch_done(&batch);
    }
}

int main(void)
{
    const char *given = getenv("SPATE_TEST_SEED");
    seed = given ? strtoull(given, NULL, 10) : (uint64_t)sp_os_monotonic_us();
    printf("# seed %llu\n", (unsigned long long)seed);
    if (!mkdtemp(dir))
        return 1;
    RUN(files_of_a_killed_job);
    RUN(sqlite_file_of_a_killed_job);
    RUN(database_of_a_killed_job);
    RUN(a_sleeper_is_fenced_out);
    RUN(duckdb_file_of_a_killed_job); /* last: with its library, a fork takes more locks than ThreadSanitizer can count */
    char command[300];
    snprintf(command, sizeof(command), "rm -r %s", dir);
    CHECK_INT(system(command), 0);
    return check_done();
}
