/* mariadb_lane.c - one connection, and the chunk that goes through it.
 *
 * A chunk is one transaction of INSERT statements whose parameters are arrays, half a mebibyte each: while the server works on one,
 * the next is put together. On MySQL, which has no such arrays, or when copying is asked for, rows go by LOAD DATA LOCAL from
 * memory instead; there the server makes warnings of errors, so a warning is an error here, of either kind.
 *
 *           begin           write...          commit
 *     IDLE -------> OPEN   -------> OPEN    ---------> IDLE       rollback: to IDLE from anywhere; begin mends a lost connection */
#include "endpoint/mariadb.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PIECE_BYTES = 512 << 10, /* of a statement of arrays; more is no faster */
    FILE_BYTES = 2 << 20,    /* of a LOAD DATA statement, of which each costs a transaction's savepoint */
    SLICE_ROWS = 64,         /* encoded at once: what a piece may be too long by */
    PACKET_SPARE = 64,       /* bytes of a packet that are not ours */
};

typedef struct my_lane {
    sp_lane base;
    MYSQL *m;           /* NULL: lost */
    MYSQL_STMT *insert; /* of table */
    const sp_my_table *table;
    sp_mywrite *encoder; /* of table */
    sp_chunk chunk;
    bool open;
    sp_buf rows;       /* of the piece at hand */
    size_t read;       /* of it, by LOAD DATA */
    uint64_t first, n; /* rows of the piece at hand: the first's number, and how many */
    bool in_flight;    /* a piece has been sent whose answer was not read */
    uint64_t sent_first, sent_n;
} my_lane;

static my_lane *lane_of(sp_lane *l)
{
    return (my_lane *)l;
}

static sp_my_sink *sink_of(const my_lane *l)
{
    return (sp_my_sink *)l->base.sink;
}

/* ---- a file that is none --------------------------------------------------------------------- */

static int file_begin(void **mine, const char *name, void *lane)
{
    *mine = lane;
    return 0;
}

static int file_read(void *mine, char *to, unsigned size)
{
    my_lane *l = mine;
    size_t n = SP_MIN(l->rows.len - l->read, (size_t)size);
    if (n)
        memcpy(to, l->rows.data + l->read, n);
    l->read += n;
    return (int)n;
}

static void file_end(void *mine) {}

static int file_error(void *mine, char *to, unsigned size)
{
    return 0;
}

/* ---- connections ----------------------------------------------------------------------------- */

static void leave_table(my_lane *l)
{
    if (l->insert)
        sp_maria.stmt_close(l->insert);
    sp_mywrite_free(l->encoder);
    l->insert = NULL;
    l->encoder = NULL;
    l->table = NULL;
}

static void disconnect(my_lane *l)
{
    if (l->m)
        sp_maria.close(l->m); /* before the statement, which would else be closed over the network */
    l->m = NULL;
    leave_table(l);
    l->in_flight = l->open = false;
}

static int connect_lane(my_lane *l, spate_error *err)
{
    sp_my_sink *s = sink_of(l);
    int status = sp_my_connect(&s->server, &l->m, err);
    if (status == SPATE_OK && s->base.options.defer_constraints)
        status = sp_my_run(l->m, "SET SESSION foreign_key_checks = 0", err, "setting up the session");
    if (status == SPATE_OK && s->by_file)
        sp_maria.set_local_infile_handler(l->m, file_begin, file_read, file_end, file_error, l);
    return status;
}

int sp_my_lane_open(sp_sink *sink, sp_lane **lane, spate_error *err)
{
    my_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = sink;
    sp_buf_init(&l->rows);
    int status = connect_lane(l, err);
    if (status)
        sp_my_lane_close(&l->base);
    else
        *lane = &l->base;
    return status;
}

void sp_my_lane_close(sp_lane *lane)
{
    my_lane *l = lane_of(lane);
    disconnect(l);
    sp_buf_done(&l->rows);
    sp_free(l);
}

static bool is_lost(const my_lane *l)
{
    unsigned number = l->m ? sp_maria.errno(l->m) : 0;
    return !l->m || (number >= 2000 && number < 3000) || number == 1927 /* killed */ || number == 1053 /* shut down */;
}

/* ---- failures -------------------------------------------------------------------------------- */

/* Which rows the server means: "... at row 3" counts those of the statement, whatever the language. Of a careful lane they are known
 * to whoever writes so few of them. */
static void name_rows(const my_lane *l, const char *said, char where[64])
{
    *where = '\0';
    if (l->base.careful)
        return;
    size_t end = strlen(said), at = end;
    while (at > 0 && said[at - 1] >= '0' && said[at - 1] <= '9')
        at--;
    uint64_t row = at < end && at > 0 && said[at - 1] == ' ' ? strtoull(said + at, NULL, 10) : 0;
    if (row && row <= l->sent_n)
        snprintf(where, 64, "row %llu", (unsigned long long)(l->sent_first + row));
    else
        snprintf(where, 64, "rows %llu to %llu", (unsigned long long)l->sent_first + 1,
                 (unsigned long long)(l->sent_first + l->sent_n));
}

static int fail_rows(my_lane *l, bool committing, spate_error *err)
{
    char where[64];
    bool lost = is_lost(l);
    name_rows(l, sp_maria.error(l->m), where);
    int status = sp_my_fail(err, l->m, NULL, "%s", lost ? "connection lost" : where);
    if (lost)
        sp_error_detail(
            err, "%s", committing ? "whether these rows were committed is not known" : "these rows were not committed");
    return status;
}

/* What the server would rather have mentioned than refused. */
static int fail_warned(my_lane *l, spate_error *err)
{
    MYSQL_RES *rows;
    char where[64];
    int status = sp_my_ask(l->m, "SHOW WARNINGS LIMIT 1", &rows, err, "asking for warnings");
    if (status)
        return status;
    MYSQL_ROW row = sp_maria.fetch_row(rows);
    name_rows(l, row ? row[2] : "", where);
    status = sp_fail(err, SPATE_E_DATA, "%s%swarning %s: %s", where, *where ? ": " : "", row ? row[1] : "?",
                     row ? row[2] : "?");
    sp_maria.free_result(rows);
    return status;
}

/* The last statement has been answered: were all its rows taken as they were? */
static int check_taken(my_lane *l, spate_error *err)
{
    uint64_t taken = sp_maria.affected_rows(l->m);
    if (sp_maria.warning_count(l->m))
        return fail_warned(l, err);
    if (taken == l->sent_n || sp_my_meets_keys(sink_of(l)))
        return SPATE_OK;
    return sp_fail(err, SPATE_E_DATA, "rows %llu to %llu: the server took %llu of %llu",
                   (unsigned long long)l->sent_first + 1, (unsigned long long)(l->sent_first + l->sent_n),
                   (unsigned long long)taken, (unsigned long long)l->sent_n);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static int await(my_lane *l, spate_error *err)
{
    if (!l->in_flight)
        return SPATE_OK;
    l->in_flight = false;
    return sp_maria.read_query_result(l->m) == 0 ? check_taken(l, err) : fail_rows(l, false, err);
}

/* The statement's number, the flag that types come along, the types. */
static int start_arrays(my_lane *l)
{
    uint32_t number = (uint32_t)l->insert->stmt_id;
    uint16_t flags = STMT_BULK_FLAG_CLIENT_SEND_TYPES;
    l->rows.len = 0;
    return sp_buf_add(&l->rows, &number, 4) || sp_buf_add(&l->rows, &flags, 2) ||
           sp_mywrite_types(l->encoder, &l->rows);
}

static int send_arrays(my_lane *l, spate_error *err)
{
    int status = await(l, err);
    if (status)
        return status;
    l->sent_first = l->first;
    l->sent_n = l->n;
    if (l->m->methods->db_command(l->m, COM_STMT_BULK_EXECUTE, l->rows.data, l->rows.len, 1, l->insert) != 0)
        return fail_rows(l, false, err);
    l->in_flight = true;
    return SPATE_OK;
}

static int send_file(my_lane *l, spate_error *err)
{
    l->sent_first = l->first;
    l->sent_n = l->n;
    l->read = 0;
    return sp_maria.real_query(l->m, l->table->load, strlen(l->table->load)) == 0 ? check_taken(l, err)
                                                                                  : fail_rows(l, false, err);
}

static int flush(my_lane *l, spate_error *err)
{
    if (l->n == 0)
        return SPATE_OK;
    sp_sink_wrote(l->base.sink, l->chunk.table, l->rows.len);
    int status = sink_of(l)->by_file ? send_file(l, err) : send_arrays(l, err);
    l->n = 0;
    l->rows.len = 0;
    return status;
}

static int encode(my_lane *l, const sp_batch *b, uint32_t from, uint32_t to)
{
    if (sink_of(l)->by_file)
        return sp_mywrite_lines(l->encoder, b, from, to, &l->rows);
    if (l->n == 0 && start_arrays(l))
        return SPATE_E_NOMEM;
    return sp_mywrite_rows(l->encoder, b, from, to, &l->rows);
}

/* Rows that do not go into the piece any more begin another; *taken: how many have gone. */
static int add_rows(my_lane *l, const sp_batch *b, uint32_t from, uint32_t to, uint32_t *taken, spate_error *err)
{
    size_t before = l->rows.len, most = sink_of(l)->server.packet_max - PACKET_SPARE;
    *taken = 0;
    if (l->n == 0)
        l->first = b->first_row + from;
    if (encode(l, b, from, to))
        return sp_fail_nomem(err);
    if (sink_of(l)->by_file || l->rows.len <= most) {
        l->n += to - from;
        *taken = to - from;
        return SPATE_OK;
    }
    l->rows.len = before;
    if (l->n)
        return flush(l, err);
    if (to - from > 1)
        return add_rows(l, b, from, from + (to - from) / 2, taken, err);
    sp_fail(err, SPATE_E_DATA, "row %llu has more bytes than the server takes at once, which are %zu",
            (unsigned long long)b->first_row + from + 1, sink_of(l)->server.packet_max);
    sp_error_hint(err, "raise the server's max_allowed_packet");
    return SPATE_E_DATA;
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static int prepare_insert(my_lane *l, spate_error *err)
{
    const sp_my_table *t = l->table;
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, t->head) || sp_buf_adds(&sql, " VALUES (?");
    for (uint32_t i = 1; i < t->schema->n_fields && !built; i++)
        built = sp_buf_adds(&sql, ", ?");
    built = built || sp_buf_adds(&sql, ")") || sp_buf_adds(&sql, t->tail);
    int status = built ? sp_fail_nomem(err) : SPATE_OK;
    if (status == SPATE_OK && !(l->insert = sp_maria.stmt_init(l->m)))
        status = sp_fail_nomem(err);
    if (status == SPATE_OK && sp_maria.stmt_prepare(l->insert, sql.data, sql.len) != 0)
        status = sp_my_fail(err, l->m, l->insert, "preparing");
    sp_buf_done(&sql);
    return status;
}

static int go_to_table(my_lane *l, const sp_my_table *t, spate_error *err)
{
    if (l->table == t)
        return SPATE_OK;
    leave_table(l);
    int status = sp_mywrite_new(t->schema, t->types, &l->encoder, err);
    l->table = t;
    if (status == SPATE_OK && !sink_of(l)->by_file)
        status = prepare_insert(l, err);
    if (status)
        leave_table(l);
    return status;
}

static const char SAVE[] = "SAVEPOINT spate"; /* in the place of an older one */

int sp_my_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    my_lane *l = lane_of(lane);
    int status = l->m ? SPATE_OK : connect_lane(l, err);
    l->chunk = *chunk;
    l->n = 0;
    l->rows.len = 0;
    if (status == SPATE_OK)
        status = go_to_table(l, &sink_of(l)->tables[chunk->table], err);
    if (status == SPATE_OK)
        status = sp_my_run(l->m, "START TRANSACTION", err, "beginning");
    l->open = status == SPATE_OK;
    return status == SPATE_OK && lane->careful ? sp_my_run(l->m, SAVE, err, "beginning") : status;
}

int sp_my_write(sp_lane *lane, const sp_batch *b, spate_error *err)
{
    my_lane *l = lane_of(lane);
    const sp_my_sink *s = sink_of(l);
    uint64_t rows_max = s->base.options.batch_rows && !s->by_file ? s->base.options.batch_rows : UINT64_MAX;
    size_t bytes_max = s->by_file ? FILE_BYTES : PIECE_BYTES;
    int status = sp_mywrite_check(l->encoder, b, 0, b->rows, err);
    for (uint32_t from = 0, taken; from < b->rows && status == SPATE_OK; from += taken) {
        uint64_t room = SP_MIN(rows_max - l->n, (uint64_t)SLICE_ROWS);
        status = add_rows(l, b, from, from + SP_MIN(b->rows - from, (uint32_t)room), &taken, err);
        if (status == SPATE_OK && (l->rows.len >= bytes_max || l->n >= rows_max))
            status = flush(l, err);
    }
    return status;
}

int sp_my_check(sp_lane *lane, spate_error *err)
{
    my_lane *l = lane_of(lane);
    int status = flush(l, err);
    if (status == SPATE_OK)
        status = await(l, err);
    return status == SPATE_OK ? sp_my_run(l->m, SAVE, err, "setting a savepoint") : status;
}

int sp_my_undo(sp_lane *lane, spate_error *err)
{
    my_lane *l = lane_of(lane);
    if (l->in_flight)
        (void)!sp_maria.read_query_result(l->m);
    l->in_flight = false;
    l->n = 0;
    l->rows.len = 0;
    return sp_my_run(l->m, "ROLLBACK TO SAVEPOINT spate", err, "going back to a savepoint");
}

/* What is on its way is waited for: then the connection can be used again. */
void sp_my_rollback(sp_lane *lane)
{
    my_lane *l = lane_of(lane);
    if (l->in_flight && l->m)
        (void)!sp_maria.read_query_result(l->m);
    l->in_flight = false;
    if (l->open && (is_lost(l) || sp_my_run(l->m, "ROLLBACK", NULL, "") != SPATE_OK))
        disconnect(l);
    l->open = false;
    l->n = 0;
}

int sp_my_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    my_lane *l = lane_of(lane);
    sp_my_sink *s = sink_of(l);
    int status = flush(l, err);
    if (status == SPATE_OK)
        status = await(l, err);
    if (status == SPATE_OK && s->memory.job)
        status = sp_my_remember_chunk(s, l->m, chunk, rows, err);
    if (status == SPATE_OK && sp_maria.real_query(l->m, "COMMIT", 6) != 0)
        status = fail_rows(l, true, err);
    if (status)
        sp_my_rollback(lane);
    l->open = false;
    return status;
}
