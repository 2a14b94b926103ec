/* adbc.c - databases behind an ADBC driver: the link to one, and rows into it.
 *
 * Whatever the driver's database is, tables are made by the driver's own ingestion of an Arrow schema (columns and NOT NULL, no keys), and
 * rows ingested batch by batch on one connection, a transaction a chunk. Its SQL is asked only for what every dialect says: SELECT,
 * DELETE FROM, DROP TABLE. */
#include "endpoint/adbc.h"

#include "codec/codec.h"
#include "endpoint/endpoints.h"

#include <stdio.h>

enum { CHUNK_BYTES = 16 << 20 };

typedef struct adbc_sink {
    sp_sink base;
    sp_arena arena;
    sp_adbc link;
    struct AdbcConnection conn;
    bool connected;
    const sp_schema *const *tables;
    uint32_t n_tables;
} adbc_sink;

typedef struct adbc_lane {
    sp_lane base;
    uint32_t table;       /* whose reader this is; UINT32_MAX: none */
    sp_arrowread *reader; /* shows the driver what bytes holds */
    sp_buf bytes;
} adbc_lane;

/* ---- the link ------------------------------------------------------------------------------------ */

int sp_adbc_fail(spate_error *err, int status, struct AdbcError *failed, const char *what)
{
    int rc = sp_fail(err, status, "%s: %.400s", what, failed->message ? failed->message : "the driver says not why");
    if (failed->release)
        failed->release(failed);
    return rc;
}

static int set_options(sp_adbc *a, sp_uri *uri, spate_error *err)
{
    struct AdbcError failed = {0};
    for (uint32_t i = 0; i < uri->n_params; i++) {
        sp_uri_param *p = &uri->params[i];
        p->used = true;
        if (strcmp(p->key, "entrypoint") != 0 &&
            a->driver.DatabaseSetOption(&a->db, p->key, p->value, &failed) != ADBC_STATUS_OK)
            return sp_adbc_fail(err, SPATE_E_USAGE, &failed, p->key);
    }
    return SPATE_OK;
}

int sp_adbc_open(sp_adbc *a, sp_uri *uri, spate_error *err)
{
    struct AdbcError failed = {0};
    int rc = sp_adbc_load(uri->path, sp_uri_param_value(uri, "entrypoint"), &a->driver, err);
    if (rc != SPATE_OK)
        return rc;
    a->loaded = true;
    a->db.private_driver = &a->driver;
    if (a->driver.DatabaseNew(&a->db, &failed) != ADBC_STATUS_OK)
        return sp_adbc_fail(err, SPATE_E_UNREACHABLE, &failed, "making the ADBC database");
    a->made = true;
    rc = set_options(a, uri, err);
    if (rc == SPATE_OK && a->driver.DatabaseInit(&a->db, &failed) != ADBC_STATUS_OK)
        rc = sp_adbc_fail(err, SPATE_E_UNREACHABLE, &failed, "opening the ADBC database");
    return rc;
}

void sp_adbc_close(sp_adbc *a)
{
    struct AdbcError failed = {0};
    if (a->made)
        a->driver.DatabaseRelease(&a->db, &failed);
    if (failed.release)
        failed.release(&failed);
    if (a->loaded && a->driver.release)
        a->driver.release(&a->driver, &failed);
    a->made = a->loaded = false;
}

int sp_adbc_connect(sp_adbc *a, struct AdbcConnection *conn, spate_error *err)
{
    struct AdbcError failed = {0};
    *conn = (struct AdbcConnection){.private_driver = &a->driver};
    if (a->driver.ConnectionNew(conn, &failed) != ADBC_STATUS_OK)
        return sp_adbc_fail(err, SPATE_E_UNREACHABLE, &failed, "connecting");
    if (a->driver.ConnectionInit(conn, &a->db, &failed) == ADBC_STATUS_OK)
        return SPATE_OK;
    sp_adbc_disconnect(a, conn);
    return sp_adbc_fail(err, SPATE_E_UNREACHABLE, &failed, "connecting");
}

void sp_adbc_disconnect(sp_adbc *a, struct AdbcConnection *conn)
{
    struct AdbcError failed = {0};
    a->driver.ConnectionRelease(conn, &failed);
    if (failed.release)
        failed.release(&failed);
}

int sp_adbc_ask(sp_adbc *a, struct AdbcConnection *conn, const char *sql, sp_adbc_answer *answer, spate_error *err)
{
    struct AdbcError failed = {0};
    struct ArrowSchema schema = {0};
    int64_t rows;
    *answer = (sp_adbc_answer){.statement = {.private_driver = &a->driver}};
    if (a->driver.StatementNew(conn, &answer->statement, &failed) != ADBC_STATUS_OK)
        return sp_adbc_fail(err, SPATE_E_UNREACHABLE, &failed, "asking");
    answer->made = true;
    if (a->driver.StatementSetSqlQuery(&answer->statement, sql, &failed) != ADBC_STATUS_OK ||
        a->driver.StatementExecuteQuery(&answer->statement, &answer->stream, &rows, &failed) != ADBC_STATUS_OK)
        return sp_adbc_fail(err, SPATE_E_USAGE, &failed, "asking");
    if (!answer->stream.get_schema || answer->stream.get_schema(&answer->stream, &schema) != 0)
        return sp_fail(err, SPATE_E_DATA, "the ADBC driver tells no schema of its answer");
    int rc = sp_arrowread_new(&answer->reader, err);
    if (rc == SPATE_OK)
        rc = sp_arrowread_c_schema(answer->reader, &schema, &answer->fields, &answer->n_fields, err);
    if (schema.release)
        schema.release(&schema);
    return rc;
}

int sp_adbc_fetch(sp_adbc_answer *answer, spate_error *err)
{
    while (answer->at == answer->rows && !answer->end) {
        if (answer->array.release)
            answer->array.release(&answer->array);
        answer->array = (struct ArrowArray){0};
        answer->at = answer->rows = 0;
        if (answer->stream.get_next(&answer->stream, &answer->array) != 0) {
            const char *why = answer->stream.get_last_error(&answer->stream);
            return sp_fail(err, SPATE_E_DATA, "reading by ADBC: %.400s", why ? why : "the driver says not why");
        }
        answer->end = !answer->array.release;
        int rc = answer->end ? SPATE_OK : sp_arrowread_c_batch(answer->reader, &answer->array, &answer->rows, err);
        if (rc != SPATE_OK)
            return rc;
    }
    return SPATE_OK;
}

void sp_adbc_answer_done(sp_adbc *a, sp_adbc_answer *answer)
{
    struct AdbcError failed = {0};
    if (answer->array.release)
        answer->array.release(&answer->array);
    if (answer->stream.release)
        answer->stream.release(&answer->stream);
    if (answer->made)
        a->driver.StatementRelease(&answer->statement, &failed);
    if (failed.release)
        failed.release(&failed);
    sp_arrowread_free(answer->reader);
    *answer = (sp_adbc_answer){0};
}

int sp_adbc_run(sp_adbc *a, struct AdbcConnection *conn, const char *sql, spate_error *err)
{
    sp_adbc_answer answer;
    int rc = sp_adbc_ask(a, conn, sql, &answer, err);
    sp_adbc_answer_done(a, &answer);
    return rc;
}

/* ---- ingestion -------------------------------------------------------------------------------------- */

static int fail_ingest(spate_error *err, struct AdbcError *failed, const sp_schema *schema)
{
    char what[200];
    snprintf(what, sizeof(what), "table \"%.150s\"", schema->table);
    return sp_adbc_fail(err, SPATE_E_DATA, failed, what);
}

/* The names of the table as ADBC has them: its schema is an option of its own. */
static AdbcStatusCode name_target(adbc_sink *s, struct AdbcStatement *statement, const char *table,
                                  struct AdbcError *failed)
{
    const char *dot = strchr(table, '.');
    char space[256];
    if (!dot)
        return s->link.driver.StatementSetOption(statement, "adbc.ingest.target_table", table, failed);
    snprintf(space, sizeof(space), "%.*s", (int)(dot - table), table);
    AdbcStatusCode code = s->link.driver.StatementSetOption(statement, "adbc.ingest.target_db_schema", space, failed);
    return code == ADBC_STATUS_OK
               ? s->link.driver.StatementSetOption(statement, "adbc.ingest.target_table", dot + 1, failed)
               : code;
}

/* Takes over the array and the schema. */
static int ingest(adbc_sink *s, const sp_schema *schema, const char *mode, struct ArrowArray *array,
                  struct ArrowSchema *arrow, spate_error *err)
{
    struct AdbcDriver *d = &s->link.driver;
    struct AdbcStatement statement = {.private_driver = d};
    struct AdbcError failed = {0};
    int64_t rows;
    AdbcStatusCode code = d->StatementNew(&s->conn, &statement, &failed);
    bool made = code == ADBC_STATUS_OK;
    if (code == ADBC_STATUS_OK)
        code = name_target(s, &statement, schema->table, &failed);
    if (code == ADBC_STATUS_OK)
        code = d->StatementSetOption(&statement, "adbc.ingest.mode", mode, &failed);
    if (code == ADBC_STATUS_OK)
        code = d->StatementBind(&statement, array, arrow, &failed);
    if (code == ADBC_STATUS_OK)
        code = d->StatementExecuteQuery(&statement, NULL, &rows, &failed);
    int rc = code == ADBC_STATUS_OK ? SPATE_OK : fail_ingest(err, &failed, schema);
    struct AdbcError ignored = {0};
    if (made)
        d->StatementRelease(&statement, &ignored);
    if (ignored.release)
        ignored.release(&ignored);
    if (array->release)
        array->release(array);
    if (arrow->release)
        arrow->release(arrow);
    return rc;
}

/* What bytes holds: a record batch's message. */
static int ingest_message(adbc_sink *s, const sp_schema *schema, const char *mode, sp_arrowread *reader,
                          const sp_buf *bytes, spate_error *err)
{
    struct ArrowArray array = {0};
    struct ArrowSchema arrow = {0};
    sp_arrow_block block;
    uint64_t rows;
    SP_ASSERT(sp_arrow_measure((sp_str){bytes->data, bytes->len}, &block));
    sp_str metadata = {bytes->data + SP_ARROW_HEAD_BYTES, block.metadata - SP_ARROW_HEAD_BYTES};
    int rc = sp_arrowread_batch(reader, metadata, (sp_str){bytes->data + block.metadata, block.body}, &rows, err);
    if (rc == SPATE_OK)
        rc = sp_arrow_c_array(reader, rows, &array, err);
    if (rc == SPATE_OK)
        rc = sp_arrow_c_schema(schema, &arrow, err);
    if (rc == SPATE_OK)
        return ingest(s, schema, mode, &array, &arrow, err);
    if (array.release)
        array.release(&array);
    return rc;
}

static int open_reader(const sp_schema *schema, sp_buf *bytes, sp_arrowread **reader, spate_error *err)
{
    const sp_field *fields;
    uint32_t n;
    bytes->len = 0;
    int rc = sp_arrow_schema(schema, bytes) ? sp_fail_nomem(err) : sp_arrowread_new(reader, err);
    sp_str metadata = {bytes->data + SP_ARROW_HEAD_BYTES, bytes->len - SP_ARROW_HEAD_BYTES};
    return rc == SPATE_OK ? sp_arrowread_schema(*reader, metadata, &fields, &n, err) : rc;
}

/* An ingestion of no row, which makes the table. */
static int create_table(adbc_sink *s, const sp_schema *schema, spate_error *err)
{
    sp_arrowread *reader = NULL;
    sp_buf bytes = {0};
    sp_batch batch;
    int rc = open_reader(schema, &bytes, &reader, err);
    if (rc == SPATE_OK)
        rc = sp_batch_init(&batch, schema, err);
    if (rc == SPATE_OK) {
        sp_batch_reset(&batch);
        bytes.len = 0;
        rc = sp_arrow_batch(&batch, &bytes, err);
        sp_batch_done(&batch);
    }
    if (rc == SPATE_OK)
        rc = ingest_message(s, schema, "adbc.ingest.mode.create", reader, &bytes, err);
    sp_arrowread_free(reader);
    sp_buf_done(&bytes);
    return rc == SPATE_OK ? rc : sp_fail_context(err, rc, "creating the table");
}

/* ---- prepare ------------------------------------------------------------------------------------------- */

static int run_for(adbc_sink *s, const char *head, const char *table, const char *tail, spate_error *err)
{
    sp_buf sql = {0};
    int rc = sp_buf_adds(&sql, head) || sp_sql_ident(&sql, table) || sp_buf_adds(&sql, tail) || sp_buf_add(&sql, "", 1)
                 ? sp_fail_nomem(err)
                 : sp_adbc_run(&s->link, &s->conn, sql.data, err);
    sp_buf_done(&sql);
    return rc;
}

/* Children are behind their parents in the list, so they go first. */
static int clear_tables(adbc_sink *s, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = s->n_tables; i-- > 0 && rc == SPATE_OK && s->base.options.truncate;)
        rc =
            run_for(s, s->base.options.create ? "DROP TABLE IF EXISTS " : "DELETE FROM ", s->tables[i]->table, "", err);
    return rc;
}

static int prepare_tables(adbc_sink *s, spate_error *err)
{
    bool create = s->base.options.create;
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < s->n_tables && rc == SPATE_OK && !create; i++)
        rc = run_for(s, "SELECT * FROM ", s->tables[i]->table, " WHERE 1 = 0", err);
    if (rc != SPATE_OK || s->base.options.dry_run)
        return rc;
    rc = clear_tables(s, err);
    for (uint32_t i = 0; i < s->n_tables && rc == SPATE_OK && create; i++)
        rc = create_table(s, s->tables[i], err);
    return rc;
}

static int prepare(sp_sink *sink, const sp_schema *const *tables, uint32_t n, spate_error *err)
{
    adbc_sink *s = (adbc_sink *)sink;
    struct AdbcError failed = {0};
    s->tables = tables;
    s->n_tables = n;
    if (!sp_sink_make_room(sink, &s->arena, n))
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        sink->chunk_rows[i] = sink->options.batch_rows
                                  ? sink->options.batch_rows
                                  : SP_MAX(CHUNK_BYTES / SP_MAX(sp_schema_row_bytes(tables[i]), 1u), 1u);
    int rc = sp_sink_refuse_parts(&sink->options, err);
    if (rc == SPATE_OK)
        rc = prepare_tables(s, err);
    if (rc == SPATE_OK && !sink->options.dry_run &&
        s->link.driver.ConnectionSetOption(&s->conn, "adbc.connection.autocommit", "false", &failed) != ADBC_STATUS_OK)
        rc = sp_adbc_fail(err, SPATE_E_CONFIG, &failed, "beginning a transaction");
    return rc;
}

/* ---- the lane --------------------------------------------------------------------------------------------- */

static int lane_open(sp_sink *sink, sp_lane **lane, spate_error *err)
{
    adbc_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = sink;
    l->table = UINT32_MAX;
    *lane = &l->base;
    return SPATE_OK;
}

static int begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    adbc_lane *l = (adbc_lane *)lane;
    if (l->table == chunk->table)
        return SPATE_OK;
    sp_arrowread_free(l->reader);
    l->reader = NULL;
    l->table = chunk->table;
    return open_reader(((adbc_sink *)lane->sink)->tables[chunk->table], &l->bytes, &l->reader, err);
}

static int write_batch(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    adbc_lane *l = (adbc_lane *)lane;
    l->bytes.len = 0;
    int rc = sp_arrow_batch(batch, &l->bytes, err);
    if (rc == SPATE_OK)
        rc = ingest_message((adbc_sink *)lane->sink, batch->schema, "adbc.ingest.mode.append", l->reader, &l->bytes,
                            err);
    if (rc == SPATE_OK)
        sp_sink_wrote(lane->sink, l->table, l->bytes.len);
    return rc;
}

/* A write is a statement, so the target has looked; but what a refusal leaves of the transaction is the driver's to say. */
static int check(sp_lane *lane, spate_error *err)
{
    return SPATE_OK;
}

static int commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    adbc_sink *s = (adbc_sink *)lane->sink;
    struct AdbcError failed = {0};
    return s->link.driver.ConnectionCommit(&s->conn, &failed) == ADBC_STATUS_OK
               ? SPATE_OK
               : sp_adbc_fail(err, SPATE_E_DATA, &failed, "committing");
}

static void rollback(sp_lane *lane)
{
    adbc_sink *s = (adbc_sink *)lane->sink;
    struct AdbcError failed = {0};
    s->link.driver.ConnectionRollback(&s->conn, &failed);
    if (failed.release)
        failed.release(&failed);
}

static void lane_close(sp_lane *lane)
{
    adbc_lane *l = (adbc_lane *)lane;
    sp_arrowread_free(l->reader);
    sp_buf_done(&l->bytes);
    sp_free(l);
}

static int finish(sp_sink *sink, bool complete, spate_error *err)
{
    return SPATE_OK;
}

static void sink_close(sp_sink *sink)
{
    adbc_sink *s = (adbc_sink *)sink;
    if (s->connected)
        sp_adbc_disconnect(&s->link, &s->conn);
    sp_adbc_close(&s->link);
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_sink_ops ops = {
    .prepare = prepare,
    .lane_open = lane_open,
    .begin = begin,
    .write = write_batch,
    .check = check,
    .commit = commit,
    .rollback = rollback,
    .lane_close = lane_close,
    .finish = finish,
    .close = sink_close,
};

static int sink_open(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    if (options->mode != SP_INSERT_DEFAULT && options->mode != SP_INSERT_COPY)
        return sp_fail(err, SPATE_E_USAGE, "rows are ingested by an ADBC driver: --insert-mode does not go with it");
    adbc_sink *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->base.ops = &ops;
    s->base.options = *options;
    s->base.lanes_max = 1;
    s->base.shown = sp_uri_shown(uri->text, &s->arena);
    int rc = s->base.shown ? sp_adbc_open(&s->link, uri, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_adbc_connect(&s->link, &s->conn, err);
    s->connected = rc == SPATE_OK;
    if (rc == SPATE_OK)
        *sink = &s->base;
    else
        sink_close(&s->base);
    return rc;
}

const sp_endpoint sp_endpoint_adbc = {
    .schemes = {"adbc"},
    .params = "entrypoint, and the options of the driver's database",
    .sink_open = sink_open,
    .source_open = sp_adbc_source_open,
    .conditions = true,
};
