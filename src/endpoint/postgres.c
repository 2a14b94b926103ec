/* postgres.c - rows into PostgreSQL and servers that speak its protocol.
 *
 * A lane is one connection. A chunk is one transaction: a COPY (binary wherever every column has a binary form), or a pipeline
 * of multi-row statements between BEGIN and COMMIT. Commits do not wait for the disk while the load runs; finish makes one that
 * does, and with it all before: success is told only after that. A server that crashes in between has lost the last moments'
 * chunks as wholes, and the run has failed.
 *
 *           begin            write...           commit
 *     IDLE -------> COPYING -------> COPYING ---------> IDLE        rollback leads to IDLE from anywhere;
 *     IDLE -------> PIPED   -------> PIPED   ---------> IDLE        a lost connection is made anew by the next begin */
#include "endpoint/postgres.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CHUNK_BYTES = 8 << 20,    /* a transaction in copy mode, when the user does not say */
    PIECE_BYTES = 64 << 10,   /* a message of COPY: 8 to 256 KiB measured equal, single rows three times dearer */
    STATEMENT_ROWS = 1000,    /* a statement, when the user does not say */
    STATEMENTS = 10,          /* a transaction in the other modes */
    PARAMETERS_MAX = 65535,   /* a statement, by the protocol */
};

typedef enum state { IDLE, COPYING, PIPED } state;

typedef struct pg_lane {
    sp_lane base;
    PGconn *conn;
    state state;
    sp_chunk chunk;
    sp_pg_table *table;
    sp_buf rows; /* encoded: of the batch at hand (COPYING), of the statement at hand (PIPED) */

    /* PIPED */
    uint32_t have;       /* rows in rows */
    uint32_t statements; /* sent since BEGIN */
    bool *prepared;      /* a table: its full statement is known to the server */
    size_t *at;          /* text parameters: where in rows each begins; SIZE_MAX: NULL */
    const char **values;
    int *lengths, *formats;
    Oid *types;
} pg_lane;

static pg_lane *lane_of(sp_lane *l)
{
    return (pg_lane *)l;
}

static sp_pg_sink *sink_of(sp_sink *s)
{
    return (sp_pg_sink *)s;
}

static sp_pg_sink *sink_of_lane(const pg_lane *l)
{
    return sink_of(l->base.sink);
}

/* ---- statements of a table ---------------------------------------------------------------------------------------------- */

static int add_columns(const sp_pg_table *t, sp_buf *sql)
{
    int built = sp_buf_adds(sql, " (");
    for (uint32_t i = 0; i < t->schema->n_fields && !built; i++)
        built = sp_buf_adds(sql, i ? ", " : "") || sp_pg_ident(sql, t->columns[t->live[i]].name);
    return built || sp_buf_adds(sql, ")");
}

/* Keeps what was built and frees the buffer. */
static int keep_sql(sp_pg_sink *s, sp_buf *sql, int built, const char **kept, spate_error *err)
{
    *kept = built ? NULL : sp_arena_strndup(&s->arena, sql->data, sql->len);
    sp_buf_done(sql);
    return *kept ? SPATE_OK : sp_fail_nomem(err);
}

static int build_copy(sp_pg_sink *s, sp_pg_table *t, spate_error *err)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int built = sp_buf_printf(&sql, "COPY %s", t->quoted) || add_columns(t, &sql) ||
                sp_buf_printf(&sql, " FROM STDIN%s", t->binary ? " WITH (FORMAT binary)" : s->dialect->copy_options);
    return keep_sql(s, &sql, built, &t->copy_sql, err);
}

static bool always_identity(const sp_pg_table *t)
{
    for (uint32_t i = 0; i < t->schema->n_fields; i++)
        if (t->columns[t->live[i]].identity_always)
            return true;
    return false;
}

static int build_insert_head(sp_pg_sink *s, sp_pg_table *t, spate_error *err)
{
    bool word = s->base.options.mode == SP_INSERT_UPSERT && s->dialect->upsert_word;
    sp_buf sql;
    sp_buf_init(&sql);
    int built = sp_buf_printf(&sql, "%s INTO %s", word ? "UPSERT" : "INSERT", t->quoted) || add_columns(t, &sql) ||
                sp_buf_printf(&sql, "%s VALUES ", always_identity(t) ? " OVERRIDING SYSTEM VALUE" : "");
    return keep_sql(s, &sql, built, &t->insert_head, err);
}

static bool in_key(const sp_pg_table *t, uint32_t field)
{
    for (uint32_t i = 0; i < t->n_key; i++)
        if (t->key[i] == field)
            return true;
    return false;
}

static int add_updates(const sp_pg_table *t, sp_buf *sql)
{
    uint32_t n = 0;
    int built = SPATE_OK;
    for (uint32_t i = 0; i < t->schema->n_fields && !built; i++) {
        const sp_pg_column *c = &t->columns[t->live[i]];
        if (in_key(t, i) || c->identity_always)
            continue;
        built = sp_buf_adds(sql, n++ ? ", " : " DO UPDATE SET ") || sp_pg_ident(sql, c->name) ||
                sp_buf_adds(sql, " = EXCLUDED.") || sp_pg_ident(sql, c->name);
    }
    return built || n ? built : sp_buf_adds(sql, " DO NOTHING");
}

static int build_insert_tail(sp_pg_sink *s, sp_pg_table *t, spate_error *err)
{
    t->insert_tail = "";
    if (s->base.options.mode != SP_INSERT_UPSERT || s->dialect->upsert_word)
        return SPATE_OK;
    sp_buf sql;
    sp_buf_init(&sql);
    int built = sp_buf_adds(&sql, " ON CONFLICT (");
    for (uint32_t i = 0; i < t->n_key && !built; i++)
        built = sp_buf_adds(&sql, i ? ", " : "") || sp_pg_ident(&sql, t->columns[t->live[t->key[i]]].name);
    built = built || sp_buf_adds(&sql, ")") || add_updates(t, &sql);
    return keep_sql(s, &sql, built, &t->insert_tail, err);
}

/* head ($1, $2), ($3, $4), ... tail */
static int build_statement(const sp_pg_table *t, uint32_t rows, sp_buf *sql)
{
    uint32_t n = t->schema->n_fields, parameter = 1;
    int built = sp_buf_adds(sql, t->insert_head);
    for (uint32_t row = 0; row < rows && !built; row++) {
        for (uint32_t i = 0; i < n && !built; i++)
            built = sp_buf_printf(sql, "%s$%u", i ? ", " : row ? ", (" : "(", parameter++);
        built = built || sp_buf_adds(sql, ")");
    }
    return built || sp_buf_adds(sql, t->insert_tail);
}

/* ---- prepare ---------------------------------------------------------------------------------------------------------------- */

static bool copies(const sp_pg_sink *s)
{
    return s->base.options.mode == SP_INSERT_DEFAULT || s->base.options.mode == SP_INSERT_COPY;
}

static int build_encoder(sp_pg_sink *s, sp_pg_table *t, spate_error *err)
{
    bool binary = !t->as_text && (!copies(s) || s->dialect->copy_binary);
    if (binary)
        return sp_pgbinary_new(t->schema, t->types, &t->binary, err);
    return copies(s) ? sp_rowtext_new(t->schema, s->dialect->copy_text, &t->text, err) : SPATE_OK;
}

static uint64_t copy_rows(const sp_pg_sink *s, const sp_pg_table *t)
{
    if (t->self_reference)
        return UINT64_MAX; /* a row may refer to any other: only the whole table at once satisfies the foreign key */
    if (s->base.options.batch_rows)
        return s->base.options.batch_rows;
    uint64_t rows = CHUNK_BYTES / SP_MAX(sp_schema_row_bytes(t->schema), 1u);
    return SP_MAX(rows - rows % SP_BATCH_ROWS_MAX, (uint64_t)1);
}

static uint32_t statement_rows(const sp_pg_sink *s, const sp_pg_table *t)
{
    uint64_t rows = s->base.options.batch_rows ? s->base.options.batch_rows : STATEMENT_ROWS;
    return (uint32_t)SP_MIN(rows, (uint64_t)SP_MAX(PARAMETERS_MAX / t->schema->n_fields, 1u));
}

static int plan_table(sp_pg_sink *s, uint32_t table, spate_error *err)
{
    sp_pg_table *t = &s->tables[table];
    int status = build_encoder(s, t, err);
    if (status == SPATE_OK && copies(s)) {
        s->base.chunk_rows[table] = copy_rows(s, t);
        return build_copy(s, t, err);
    }
    t->statement_rows = statement_rows(s, t);
    s->base.chunk_rows[table] = (uint64_t)t->statement_rows * STATEMENTS;
    if (status == SPATE_OK)
        status = build_insert_head(s, t, err);
    return status ? status : build_insert_tail(s, t, err);
}

static int start_tables(sp_pg_sink *s, const sp_schema *const *schemas, uint32_t n, spate_error *err)
{
    s->n_tables = n;
    s->tables = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->tables));
    s->base.chunk_rows = sp_arena_alloc(&s->arena, n + 1, sizeof(uint64_t));
    s->base.bytes_written = sp_arena_alloc(&s->arena, n + 1, sizeof(uint64_t));
    s->base.deps = sp_arena_alloc(&s->arena, n + 1, sizeof(sp_sink_deps));
    if (!s->tables || !s->base.chunk_rows || !s->base.bytes_written || !s->base.deps)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < n; i++)
        s->tables[i].schema = schemas[i];
    return SPATE_OK;
}

static int refuse_parts(const sp_pg_sink *s, spate_error *err)
{
    const sp_sink_options *o = &s->base.options;
    if (o->parts <= 1 || (!o->truncate && !o->create))
        return SPATE_OK;
    int status = sp_fail(err, SPATE_E_USAGE, "--%s does not go with --part: the other parts' rows may be there already",
                         o->truncate ? "truncate" : "create");
    sp_error_hint(err, "make the empty tables first, then load the parts");
    return status;
}

/* Finds and checks the tables, creating them first if that is asked for; what was created goes again when the check fails. */
static int look(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    bool create = s->base.options.create, undo = create && s->dialect->transactional_ddl;
    int status = undo ? sp_pg_run(conn, "BEGIN", NULL, err, "beginning") : SPATE_OK;
    if (status == SPATE_OK)
        status = sp_pg_find_tables(s, conn, err);
    if (status == SPATE_OK && create && (undo || !s->base.options.dry_run)) {
        status = sp_pg_create_tables(s, conn, err);
        if (status == SPATE_OK)
            status = sp_pg_find_tables(s, conn, err);
    }
    if (status == SPATE_OK && (!create || undo || !s->base.options.dry_run))
        status = sp_pg_check_tables(s, conn, err);
    if (!undo)
        return status;
    if (status == SPATE_OK && !s->base.options.dry_run)
        return sp_pg_run(conn, "COMMIT", NULL, err, "creating the tables");
    sp_pq.clear(sp_pq.exec(conn, "ROLLBACK"));
    return status;
}

/* Everything that changes tables which were there before. */
static int change(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    int status = sp_pg_find_record(s, conn, err);
    if (status == SPATE_OK && s->base.options.truncate)
        status = sp_pg_truncate_tables(s, conn, err);
    if (status)
        return status;
    if (s->base.options.defer_constraints)
        return sp_pg_take_foreign_keys(s, conn, err);
    if (!s->record)
        return SPATE_OK;
    status = sp_pg_give_foreign_keys(s, conn, err);
    return status ? status : sp_pg_read_foreign_keys(s, conn, err);
}

static int prepare_on(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    bool ordered = !s->base.options.defer_constraints;
    int status = look(s, conn, err);
    if (status == SPATE_OK && ordered)
        status = sp_pg_order_tables(s, err); /* a circle is refused before anything is changed */
    if (status || s->base.options.dry_run)
        return status;
    s->changed = true;
    status = change(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_order_tables(s, err);
    for (uint32_t i = 0; i < s->n_tables && status == SPATE_OK; i++)
        status = plan_table(s, i, err);
    return status;
}

/* The connection is closed afterwards: the load may take hours, and servers and proxies close what is idle. */
static int prepare(sp_sink *sink, const sp_schema *const *schemas, uint32_t n, spate_error *err)
{
    sp_pg_sink *s = sink_of(sink);
    PGconn *conn = NULL;
    int status = refuse_parts(s, err);
    if (status == SPATE_OK)
        status = start_tables(s, schemas, n, err);
    if (status == SPATE_OK)
        status = sp_pg_connect(s, false, &conn, err);
    if (status)
        return status;
    status = prepare_on(s, conn, err);
    sp_pq.finish(conn);
    return status;
}

/* ---- lanes ----------------------------------------------------------------------------------------------------------------------- */

static void lane_close(sp_lane *lane)
{
    pg_lane *l = lane_of(lane);
    if (l->conn)
        sp_pq.finish(l->conn);
    sp_buf_done(&l->rows);
    sp_free(l->prepared);
    sp_free(l->at);
    sp_free(l->values);
    sp_free(l->lengths);
    sp_free(l->formats);
    sp_free(l->types);
    sp_free(l);
}

static bool lane_parameters(pg_lane *l)
{
    size_t n = 0;
    for (uint32_t i = 0; i < sink_of_lane(l)->n_tables; i++) {
        const sp_pg_table *t = &sink_of_lane(l)->tables[i];
        n = SP_MAX(n, (size_t)t->statement_rows * t->schema->n_fields);
    }
    l->prepared = sp_alloc_zero(sink_of_lane(l)->n_tables, sizeof(*l->prepared));
    l->at = sp_alloc_zero(n, sizeof(*l->at));
    l->values = sp_alloc_zero(n, sizeof(*l->values));
    l->lengths = sp_alloc_zero(n, sizeof(*l->lengths));
    l->formats = sp_alloc_zero(n, sizeof(*l->formats));
    l->types = sp_alloc_zero(n, sizeof(*l->types));
    return l->prepared && l->at && l->values && l->lengths && l->formats && l->types;
}

static int lane_open(sp_sink *sink, sp_lane **lane, spate_error *err)
{
    pg_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = sink;
    sp_buf_init(&l->rows);
    int status = copies(sink_of(sink)) || lane_parameters(l) ? SPATE_OK : sp_fail_nomem(err);
    if (status == SPATE_OK)
        status = sp_pg_connect(sink_of(sink), true, &l->conn, err);
    if (status)
        lane_close(&l->base);
    else
        *lane = &l->base;
    return status;
}

/* ---- failures of a chunk ------------------------------------------------------------------------------------------------------------ */

static bool lost(const pg_lane *l)
{
    return sp_pq.status(l->conn) != CONNECTION_OK;
}

/* The server's last words arrive before libpq notices that nobody is there any more. */
static bool last_words(const PGresult *res)
{
    const char *severity = res ? sp_pq.result_field(res, PG_DIAG_SEVERITY_NONLOCALIZED) : NULL;
    return severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

/* "COPY users, line 12, column age": the digits behind the table's name, whatever the language. 0: it says no line. */
static uint64_t line_of(const pg_lane *l, const PGresult *res)
{
    const char *context = res ? sp_pq.result_field(res, PG_DIAG_CONTEXT) : NULL;
    const char *at = context ? strstr(context, "COPY ") : NULL;
    size_t name = strlen(l->table->name);
    if (!at || strncmp(at + 5, l->table->name, name) != 0)
        return 0;
    at += 5 + name;
    at += strcspn(at, "0123456789\n");
    return strtoull(at, NULL, 10);
}

/* Says which row it was, when the server does, or which rows if those are fewer than the chunk's: the caller names the chunk. */
static int fail_rows(const pg_lane *l, const PGresult *res, uint64_t first, uint64_t last, spate_error *err)
{
    uint64_t line = line_of(l, res);
    char where[64] = "";
    if (line && line <= last - first)
        snprintf(where, sizeof(where), "row %llu", (unsigned long long)(first + line));
    else if (last - first < l->chunk.last_row - l->chunk.first_row)
        snprintf(where, sizeof(where), "rows %llu to %llu", (unsigned long long)(first + 1), (unsigned long long)last);
    return sp_pg_fail(err, l->conn, res, "%s", where);
}

/* The connection is gone. committing: the server may have committed before it fell silent; if it said why it hung up, it has
 * not. */
static int fail_lost(const pg_lane *l, const PGresult *res, bool committing, spate_error *err)
{
    int status = sp_pg_fail(err, l->conn, res, "connection lost");
    if (!err)
        return status;
    char said[SPATE_DETAIL_MAX];
    memcpy(said, err->detail, sizeof(said));
    bool unknown = committing && !*err->sqlstate;
    sp_error_detail(err, "%s%s%s", unknown ? "whether these rows were committed is not known" : "these rows were not committed",
                    *said ? "\n" : "", said);
    return status;
}

static int fail_chunk(const pg_lane *l, const PGresult *res, bool committing, spate_error *err)
{
    if (lost(l) || last_words(res))
        return fail_lost(l, res, committing, err);
    return fail_rows(l, res, l->chunk.first_row, l->chunk.last_row, err);
}

/* ---- COPY ------------------------------------------------------------------------------------------------------------------------------ */

/* Takes results until there are none. The first failure is told. */
static int drain(pg_lane *l, bool committing, spate_error *err)
{
    int status = SPATE_OK;
    bool answered = false;
    for (PGresult *res; (res = sp_pq.get_result(l->conn)); sp_pq.clear(res)) {
        ExecStatusType got = sp_pq.result_status(res);
        answered |= got == PGRES_COMMAND_OK;
        if (got != PGRES_COMMAND_OK && status == SPATE_OK)
            status = fail_chunk(l, res, committing, err);
        if (got == PGRES_COPY_IN)
            break;
    }
    if (status == SPATE_OK && !answered)
        status = fail_lost(l, NULL, committing, err);
    return status;
}

static int send_rows(pg_lane *l, spate_error *err)
{
    for (size_t at = 0; at < l->rows.len; at += PIECE_BYTES) {
        size_t len = SP_MIN(l->rows.len - at, (size_t)PIECE_BYTES);
        if (sp_pq.put_copy_data(l->conn, l->rows.data + at, (int)len) == 1)
            continue;
        int status = drain(l, false, err); /* it may have said why before it hung up */
        return status ? status : fail_lost(l, NULL, false, err);
    }
    atomic_fetch_add((_Atomic uint64_t *)&l->base.sink->bytes_written[l->chunk.table], l->rows.len);
    l->rows.len = 0;
    return SPATE_OK;
}

static int copy_begin(pg_lane *l, spate_error *err)
{
    PGresult *res = sp_pq.exec(l->conn, l->table->copy_sql);
    int status = SPATE_OK;
    if (sp_pq.result_status(res) != PGRES_COPY_IN)
        status = fail_chunk(l, res, false, err);
    sp_pq.clear(res);
    if (status)
        return status;
    l->state = COPYING;
    l->rows.len = 0;
    return l->table->binary && sp_pgbinary_header(&l->rows) ? sp_fail_nomem(err) : SPATE_OK;
}

static int copy_write(pg_lane *l, const sp_batch *batch, spate_error *err)
{
    int status;
    if (l->table->binary)
        status = sp_pgbinary_encode(l->table->binary, batch, 0, batch->rows, &l->rows, err);
    else if ((status = sp_rowtext_encode(l->table->text, batch, 0, batch->rows, &l->rows)))
        sp_fail_nomem(err);
    return status ? status : send_rows(l, err);
}

static int copy_commit(pg_lane *l, spate_error *err)
{
    if (l->table->binary && sp_pgbinary_trailer(&l->rows))
        return sp_fail_nomem(err);
    int status = send_rows(l, err);
    if (status)
        return status;
    if (sp_pq.put_copy_end(l->conn, NULL) != 1)
        return drain(l, false, err) ? err ? (int)err->status : SPATE_E_UNREACHABLE : fail_lost(l, NULL, false, err);
    status = drain(l, true, err);
    if (status == SPATE_OK)
        l->state = IDLE;
    return status;
}

static void copy_rollback(pg_lane *l)
{
    if (!lost(l))
        sp_pq.put_copy_end(l->conn, "the chunk was given up");
    for (PGresult *res; (res = sp_pq.get_result(l->conn));) {
        bool still = sp_pq.result_status(res) == PGRES_COPY_IN;
        sp_pq.clear(res);
        if (still && sp_pq.put_copy_end(l->conn, "the chunk was given up") != 1)
            break;
    }
}

/* ---- statements --------------------------------------------------------------------------------------------------------------------------- */

static uint32_t parameters(const pg_lane *l)
{
    return l->have * l->table->schema->n_fields;
}

/* The tuples that the encoder wrote are read back as what they are: a count, then (length, bytes) for each parameter. */
static void point_at_binary(pg_lane *l)
{
    const char *p = l->rows.data;
    uint32_t n = l->table->schema->n_fields, k = 0;
    for (uint32_t row = 0; row < l->have; row++) {
        p += 2;
        for (uint32_t i = 0; i < n; i++, k++) {
            uint32_t len;
            memcpy(&len, p, 4);
            len = __builtin_bswap32(len);
            p += 4;
            l->values[k] = len == UINT32_MAX ? NULL : p;
            l->lengths[k] = len == UINT32_MAX ? 0 : (int)len;
            p += l->lengths[k];
        }
    }
}

static void point_at_text(pg_lane *l)
{
    for (uint32_t k = 0; k < parameters(l); k++) {
        l->values[k] = l->at[k] == SIZE_MAX ? NULL : l->rows.data + l->at[k];
        l->lengths[k] = 0;
    }
}

/* Types are told to the server for binary values, which mean nothing without; text it reads as the column's type. */
static void set_types(pg_lane *l, uint32_t rows)
{
    const sp_pg_table *t = l->table;
    uint32_t n = t->schema->n_fields;
    for (uint32_t k = 0; k < rows * n; k++) {
        l->types[k] = t->binary ? t->types[k % n].oid : 0;
        l->formats[k] = t->binary != NULL;
    }
}

static void statement_name(const pg_lane *l, char name[32])
{
    snprintf(name, 32, "spate_%u", l->chunk.table);
}

static int prepare_statement(pg_lane *l, spate_error *err)
{
    const sp_pg_table *t = l->table;
    set_types(l, t->statement_rows);
    if (l->prepared[l->chunk.table])
        return SPATE_OK;
    char name[32];
    statement_name(l, name);
    sp_buf sql;
    sp_buf_init(&sql);
    int status = SPATE_OK;
    if (build_statement(t, t->statement_rows, &sql)) {
        status = sp_fail_nomem(err);
    } else {
        PGresult *res = sp_pq.prepare(l->conn, name, sp_pg_string(&sql), (int)(t->statement_rows * t->schema->n_fields), l->types);
        if (sp_pq.result_status(res) != PGRES_COMMAND_OK)
            status = fail_chunk(l, res, false, err);
        sp_pq.clear(res);
    }
    sp_buf_done(&sql);
    l->prepared[l->chunk.table] = status == SPATE_OK;
    return status;
}

static int send_word(pg_lane *l, const char *sql, spate_error *err)
{
    if (sp_pq.send_query_params(l->conn, sql, 0, NULL, NULL, NULL, NULL, 0) == 1)
        return SPATE_OK;
    return fail_chunk(l, NULL, false, err);
}

/* The last statement of a table is shorter than the prepared one and goes as it is. */
static int send_short(pg_lane *l)
{
    sp_buf sql;
    sp_buf_init(&sql);
    int sent = build_statement(l->table, l->have, &sql)
                   ? 0
                   : sp_pq.send_query_params(l->conn, sp_pg_string(&sql), (int)parameters(l), l->types, l->values, l->lengths,
                                             l->formats, 0);
    sp_buf_done(&sql);
    return sent;
}

static int send_statement(pg_lane *l, spate_error *err)
{
    if (l->have == 0)
        return SPATE_OK;
    if (l->table->binary)
        point_at_binary(l);
    else
        point_at_text(l);
    char name[32];
    statement_name(l, name);
    int sent = l->have < l->table->statement_rows
                   ? send_short(l)
                   : sp_pq.send_query_prepared(l->conn, name, (int)parameters(l), l->values, l->lengths, l->formats, 0);
    if (sent != 1)
        return fail_chunk(l, NULL, false, err);
    atomic_fetch_add((_Atomic uint64_t *)&l->base.sink->bytes_written[l->chunk.table], l->rows.len);
    l->statements++;
    l->have = 0;
    l->rows.len = 0;
    return SPATE_OK;
}

static int piped_begin(pg_lane *l, spate_error *err)
{
    int status = prepare_statement(l, err);
    if (status)
        return status;
    if (sp_pq.enter_pipeline(l->conn) != 1)
        return fail_chunk(l, NULL, false, err);
    l->state = PIPED;
    l->have = 0;
    l->statements = 0;
    l->rows.len = 0;
    return send_word(l, "BEGIN", err);
}

static int add_text_rows(pg_lane *l, const sp_batch *batch, uint32_t from, uint32_t to)
{
    uint32_t n = l->table->schema->n_fields, k = parameters(l);
    for (uint32_t row = from; row < to; row++)
        for (uint32_t i = 0; i < n; i++, k++) {
            const sp_column *c = &batch->columns[i];
            bool null = sp_column_null(c, row);
            l->at[k] = null ? SIZE_MAX : l->rows.len;
            if (!null && (sp_cell_text(c, row, &l->rows) || sp_buf_add(&l->rows, "", 1)))
                return SPATE_E_NOMEM;
        }
    return SPATE_OK;
}

static int add_rows(pg_lane *l, const sp_batch *batch, uint32_t from, uint32_t to, spate_error *err)
{
    int status;
    if (l->table->binary)
        status = sp_pgbinary_encode(l->table->binary, batch, from, to, &l->rows, err);
    else if ((status = add_text_rows(l, batch, from, to)))
        sp_fail_nomem(err);
    l->have += to - from;
    return status;
}

static int piped_write(pg_lane *l, const sp_batch *batch, spate_error *err)
{
    int status = SPATE_OK;
    for (uint32_t from = 0, to; from < batch->rows && status == SPATE_OK; from = to) {
        to = from + SP_MIN(batch->rows - from, l->table->statement_rows - l->have);
        status = add_rows(l, batch, from, to, err);
        if (status == SPATE_OK && l->have == l->table->statement_rows)
            status = send_statement(l, err);
    }
    return status;
}

/* The result of the k-th statement since BEGIN, which is number 0, failed. */
static int fail_statement(pg_lane *l, const PGresult *res, uint32_t k, spate_error *err)
{
    if (lost(l) || last_words(res) || k == 0 || k > l->statements)
        return fail_chunk(l, res, k > l->statements, err);
    uint64_t first = l->chunk.first_row + (uint64_t)(k - 1) * l->table->statement_rows;
    return fail_rows(l, res, first, SP_MIN(first + l->table->statement_rows, l->chunk.last_row), err);
}

/* Reads what came of n statements and the sync behind them. */
static int piped_results(pg_lane *l, uint32_t n, spate_error *err)
{
    int status = SPATE_OK;
    for (uint32_t k = 0; k < n && !lost(l);) {
        PGresult *res = sp_pq.get_result(l->conn);
        ExecStatusType got = res ? sp_pq.result_status(res) : PGRES_COMMAND_OK;
        if (status == SPATE_OK && got != PGRES_COMMAND_OK && got != PGRES_TUPLES_OK && got != PGRES_PIPELINE_ABORTED)
            status = fail_statement(l, res, k, err);
        k += res == NULL;
        sp_pq.clear(res);
    }
    if (lost(l))
        return status ? status : fail_lost(l, NULL, true, err);
    sp_pq.clear(sp_pq.get_result(l->conn)); /* the sync */
    return status;
}

static int piped_commit(pg_lane *l, spate_error *err)
{
    int status = send_statement(l, err);
    if (status == SPATE_OK)
        status = send_word(l, "COMMIT", err);
    if (status)
        return status;
    if (sp_pq.pipeline_sync(l->conn) != 1)
        return fail_chunk(l, NULL, true, err);
    status = piped_results(l, l->statements + 2, err);
    if (lost(l))
        return status ? status : SPATE_E_UNREACHABLE;
    sp_pq.exit_pipeline(l->conn);
    if (status == SPATE_OK)
        l->state = IDLE;
    return status;
}

static void piped_rollback(pg_lane *l)
{
    if (sp_pq.pipeline_status(l->conn) != PQ_PIPELINE_OFF && !lost(l)) {
        if (send_word(l, "ROLLBACK", NULL) == SPATE_OK && sp_pq.pipeline_sync(l->conn) == 1)
            (void)!piped_results(l, l->statements + 2, NULL);
        sp_pq.exit_pipeline(l->conn);
    }
    if (!lost(l) && sp_pq.transaction_status(l->conn) != PQTRANS_IDLE)
        sp_pq.clear(sp_pq.exec(l->conn, "ROLLBACK"));
}

/* ---- chunks -------------------------------------------------------------------------------------------------------------------------------- */

static int begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    pg_lane *l = lane_of(lane);
    sp_pg_sink *s = sink_of_lane(l);
    l->chunk = *chunk;
    l->table = &s->tables[chunk->table];
    if (lost(l)) {
        int status = sp_pg_reconnect(s, l->conn, err);
        if (status)
            return status;
        if (l->prepared)
            memset(l->prepared, 0, s->n_tables * sizeof(*l->prepared));
    }
    return copies(s) ? copy_begin(l, err) : piped_begin(l, err);
}

static int write_batch(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    pg_lane *l = lane_of(lane);
    return l->state == COPYING ? copy_write(l, batch, err) : piped_write(l, batch, err);
}

static void rollback(sp_lane *lane)
{
    pg_lane *l = lane_of(lane);
    if (l->state == COPYING)
        copy_rollback(l);
    else if (l->state == PIPED)
        piped_rollback(l);
    l->state = IDLE;
}

static int commit(sp_lane *lane, spate_error *err)
{
    pg_lane *l = lane_of(lane);
    int status = l->state == COPYING ? copy_commit(l, err) : piped_commit(l, err);
    if (status)
        rollback(lane);
    return status;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------------------ */

static int finish_complete(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    int status = SPATE_OK;
    if (s->base.options.create)
        status = sp_pg_add_keys(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_give_foreign_keys(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_validate_given(s, conn, err);
    if (status == SPATE_OK && s->dialect->flush)
        status = sp_pg_run(conn, s->dialect->flush, NULL, err, "making the load durable");
    return status;
}

/* Rows that did arrive stay; foreign keys come back at least for new rows. */
static int finish_incomplete(sp_pg_sink *s, PGconn *conn, spate_error *err)
{
    int status = sp_pg_give_foreign_keys(s, conn, err);
    if (status == SPATE_OK)
        status = sp_pg_validate_given(s, conn, err);
    return status;
}

static int finish(sp_sink *sink, bool complete, spate_error *err)
{
    sp_pg_sink *s = sink_of(sink);
    if (!s->changed || (!complete && !s->record))
        return SPATE_OK;
    PGconn *conn = NULL;
    int status = sp_pg_connect(s, false, &conn, err);
    if (status)
        return status;
    status = complete ? finish_complete(s, conn, err) : finish_incomplete(s, conn, err);
    sp_pq.finish(conn);
    return status;
}

static void close_sink(sp_sink *sink)
{
    sp_pg_sink *s = sink_of(sink);
    for (uint32_t i = 0; i < s->n_tables; i++) {
        sp_pgbinary_free(s->tables[i].binary);
        sp_rowtext_free(s->tables[i].text);
    }
    sp_arena_done(&s->arena);
    sp_free(s);
}

static const sp_sink_ops ops = {
    .prepare = prepare,
    .lane_open = lane_open,
    .begin = begin,
    .write = write_batch,
    .commit = commit,
    .rollback = rollback,
    .lane_close = lane_close,
    .finish = finish,
    .close = close_sink,
};

static int sink_open(sp_uri *uri, const sp_sink_options *options, sp_sink **sink, spate_error *err)
{
    int status = sp_libpq_load(err);
    if (status)
        return status;
    sp_pg_sink *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    s->base.ops = &ops;
    s->base.options = *options;
    s->base.order = SP_ORDER_NONE;
    sp_arena_init(&s->arena);
    s->uri = sp_arena_strndup(&s->arena, uri->text, strlen(uri->text));
    s->base.shown = sp_uri_shown(uri->text, &s->arena);
    s->base.how_to_query = sp_arena_printf(&s->arena, "psql '%s'", s->base.shown ? s->base.shown : "");
    if (!s->uri || !s->base.shown || !s->base.how_to_query) {
        close_sink(&s->base);
        return sp_fail_nomem(err);
    }
    *sink = &s->base;
    return SPATE_OK;
}

extern const sp_endpoint sp_endpoint_postgres;
const sp_endpoint sp_endpoint_postgres = {
    .schemes = {"postgresql", "postgres", NULL},
    .params = "whatever libpq knows",
    .sink_open = sink_open,
};
