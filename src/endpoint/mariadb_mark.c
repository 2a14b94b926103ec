/* mariadb_mark.c - whether a table is what it was when a run before read some of it.
 *
 * Rows do not say when they were written, but InnoDB keeps, in memory, the second of the last commit that changed a table. A stamp is that
 * second, when the table was made and when the server was started. It is taken before a run's snapshot, and taken to be good only if
 * that second is over, so that every later commit shows. The next run looks again behind its own snapshot: the same stamp means
 * that nobody has written in between, and both snapshots hold the same rows. A restart forgets the seconds, and is therefore a change. */
#include "endpoint/mariadb_source.h"
#include "os/os.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    STEP_US = 100 * 1000,
    STEPS_MAX = 25,   /* how long a second is waited for */
    STARTED_SLACK = 1 /* seconds: the start is the difference of two clocks that are read one after the other */
};

/* ---- stamps ---------------------------------------------------------------------------------- */

static int read_started(MYSQL *m, uint64_t now, uint64_t *started, spate_error *err)
{
    MYSQL_RES *rows;
    int status = sp_my_ask(m, "SHOW GLOBAL STATUS LIKE 'Uptime'", &rows, err, "asking since when the server runs");
    if (status)
        return status;
    MYSQL_ROW row = sp_maria.fetch_row(rows);
    *started = now - (row && row[1] ? strtoull(row[1], NULL, 10) : 0);
    sp_maria.free_result(rows);
    return SPATE_OK;
}

static int read_stamp(MYSQL *m, const char *space, const char *name, sp_my_stamp *stamp, uint64_t *now,
                      spate_error *err)
{
    MYSQL_RES *rows;
    sp_buf sql = {0};
    int built =
        sp_buf_adds(
            &sql,
            "SELECT unix_timestamp(create_time), coalesce(unix_timestamp(update_time), 0), unix_timestamp(sysdate())"
            " FROM information_schema.tables WHERE table_schema = ") ||
        sp_sql_literal(&sql, sp_str_of(space)) || sp_buf_adds(&sql, " AND table_name = ") ||
        sp_sql_literal(&sql, sp_str_of(name));
    int status = built ? sp_fail_nomem(err)
                       : sp_my_ask(m, sp_my_string(&sql), &rows, err, "asking when a table was written last");
    sp_buf_done(&sql);
    if (status)
        return status;
    MYSQL_ROW row = sp_maria.fetch_row(rows);
    *stamp = (sp_my_stamp){0};
    for (int i = 0; row && i < 3; i++)
        *(i == 0 ? &stamp->made : i == 1 ? &stamp->written : now) = row[i] ? strtoull(row[i], NULL, 10) : 0;
    stamp->known = row != NULL;
    sp_maria.free_result(rows);
    return read_started(m, *now, &stamp->started, err);
}

int sp_my_stamp_read(MYSQL *m, const char *space, const char *name, sp_my_stamp *stamp, spate_error *err)
{
    uint64_t now = 0;
    return read_stamp(m, space, name, stamp, &now, err);
}

int sp_my_stamp_settle(MYSQL *m, const char *space, const char *name, sp_my_stamp *stamp, spate_error *err)
{
    for (int step = 0;; step++) {
        uint64_t now = 0;
        int status = read_stamp(m, space, name, stamp, &now, err);
        bool over = stamp->written < now;
        stamp->known = stamp->known && over;
        if (status || over || step == STEPS_MAX)
            return status;
        sp_os_sleep_us(STEP_US);
    }
}

int sp_my_stamp_put(const sp_my_stamp *stamp, sp_buf *text)
{
    return sp_buf_printf(text, "%d %llu %llu %llu", stamp->known, (unsigned long long)stamp->started,
                         (unsigned long long)stamp->made, (unsigned long long)stamp->written);
}

const char *sp_my_stamp_differs(const char *then, const sp_my_stamp *now)
{
    int known;
    unsigned long long started, made, written;
    if (sscanf(then, "%d %llu %llu %llu", &known, &started, &made, &written) != 4 || !known || !now->known)
        return "it was being written when that run began";
    if (now->started > started + STARTED_SLACK || started > now->started + STARTED_SLACK)
        return "the server was restarted, and does not know any more";
    return made != now->made ? "it was made anew" : written != now->written ? "it was written" : NULL;
}

/* ---- what the source says of a table -------------------------------------------------------- */

/* The stamp, and how positions are counted. */
int sp_my_mark(sp_source *base, uint32_t table, sp_buf *text, spate_error *err)
{
    const sp_my_relation *t = &((sp_my_source *)base)->tables[table];
    int built = sp_my_stamp_put(&t->stamp, text) ||
                sp_buf_printf(text, " %d %lld", t->ranges, (long long)t->first_key) || sp_buf_add(text, "", 1);
    return built ? sp_fail_nomem(err) : SPATE_OK;
}

static int has_changed(const sp_my_relation *t, const char *how, spate_error *err)
{
    sp_fail(err, SPATE_E_DATA, "table \"%s\" may have changed since rows of it were copied: %s", t->schema.table, how);
    sp_error_hint(err, "what has landed and what is left are of two moments: cancel the job, and copy anew");
    return SPATE_E_DATA;
}

/* How many rows a range has. */
static int count_range(sp_my_source *s, const sp_my_relation *t, uint64_t first, uint64_t last, uint64_t *rows,
                       spate_error *err)
{
    int64_t keys[2] = {(int64_t)((uint64_t)t->first_key + first), (int64_t)((uint64_t)t->first_key + last - 1)};
    sp_buf sql = {0};
    int built = sp_buf_adds(&sql, t->count);
    for (int i = 0; i < 2 && !built; i++) {
        char text[SP_TIMESTAMP_TEXT_MAX + SP_SLACK];
        size_t len = t->key_moment ? (size_t)(sp_put_timestamp(text, keys[i]) - text) : 0;
        built = sp_buf_adds(&sql, i ? " AND " : " BETWEEN ") ||
                (t->key_moment     ? sp_sql_literal(&sql, (sp_str){text, len})
                 : t->key_unsigned ? sp_buf_printf(&sql, "%llu", (unsigned long long)keys[i])
                                   : sp_buf_printf(&sql, "%lld", (long long)keys[i]));
    }
    if (t->where)
        built = built || sp_buf_printf(&sql, " AND (%s\n)", t->where);
    int status =
        built ? sp_fail_nomem(err) : sp_my_ask_number(s->links[0].m, sp_my_string(&sql), rows, err, "counting rows");
    sp_buf_done(&sql);
    return status;
}

/* Of a table that nobody has written its rows are as many; if not, a stamp was wrong. */
static int check_count(sp_my_source *s, const sp_my_relation *t, const sp_landed *landed, spate_error *err)
{
    uint64_t rows = 0;
    int status = SPATE_OK;
    for (size_t i = 0; i < landed->n && status == SPATE_OK; i++) {
        uint64_t n = 0;
        status = count_range(s, t, landed->ranges[i].first, landed->ranges[i].last, &n, err);
        rows += n;
    }
    return status == SPATE_OK && rows != landed->rows ? has_changed(t, "it has another number of rows", err) : status;
}

/* Whether positions count as they did: what stands behind the stamp. */
static bool same_positions(const char *then, const sp_my_relation *t)
{
    int ranges = -1;
    long long first = 0;
    return sscanf(then, "%*s %*s %*s %*s %d %lld", &ranges, &first) == 2 && ranges == t->ranges &&
           first == (long long)t->first_key;
}

int sp_my_unchanged(sp_source *base, uint32_t table, const char *then, const sp_landed *landed, spate_error *err)
{
    sp_my_source *s = (sp_my_source *)base;
    const sp_my_relation *t = &s->tables[table];
    sp_my_stamp now;
    int status = sp_my_stamp_read(s->links[0].m, t->from->space, t->from->name, &now, err);
    if (status)
        return status;
    const char *how = sp_my_stamp_differs(then, &now);
    if (!how && !same_positions(then, t))
        how = "its rows are numbered otherwise";
    if (how)
        return has_changed(t, how, err);
    return t->ranges ? check_count(s, t, landed, err) : SPATE_OK;
}
