/* heat.c - see heat.h. */
#include "lab/heat.h"

#include "codec/codec.h"
#include "lab/layout.h"

#include <stdlib.h>

struct sp_heat {
    sp_buf question;
    uint64_t rows[SP_SLOTS], got[SP_SLOTS];
    int64_t counted_us; /* 0: not yet */
    double got_s;       /* between the last two counts; 0: there was one */
};

/* Types that keys mostly have, by their names in the catalog. */
static sp_kind kind_of(const char *type)
{
    static const struct {
        const char *name;
        sp_kind kind;
    } known[] = {{"int2", SP_I16},
                 {"int4", SP_I32},
                 {"int8", SP_I64},
                 {"uuid", SP_UUID},
                 {"text", SP_TEXT},
                 {"varchar", SP_TEXT},
                 {"date", SP_DATE},
                 {"numeric", SP_DECIMAL},
                 {"timestamp", SP_TIMESTAMP},
                 {"timestamptz", SP_TIMESTAMPTZ}};
    for (size_t i = 0; i < SP_COUNT(known); i++)
        if (strcmp(known[i].name, type) == 0)
            return known[i].kind;
    return SP_BYTES; /* which have no slot */
}

static int ask_kind(const sp_lab_server *server, PGconn *conn, const char *key, const char *quoted, sp_patience p,
                    sp_kind *kind, spate_error *err)
{
    sp_buf sql = {0};
    PGresult *res = NULL;
    int built =
        sp_buf_adds(&sql,
                    "SELECT t.typname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
                    " WHERE attrelid = ") ||
        sp_sql_literal(&sql, sp_str_of(quoted)) || sp_buf_adds(&sql, "::regclass AND attname = ") ||
        sp_sql_literal(&sql, sp_str_of(key));
    int rc = built ? sp_fail_nomem(err) : sp_lab_ask_within(server, conn, sp_pg_string(&sql), p, &res, err);
    *kind = rc == SPATE_OK && sp_pq.ntuples(res) ? kind_of(sp_pq.getvalue(res, 0, 0)) : SP_BYTES;
    sp_pq.clear(res);
    sp_buf_done(&sql);
    return rc;
}

static int add_question(sp_heat *h, const char *key, sp_kind kind, const char *quoted, spate_error *err)
{
    const sp_field field = {.name = key, .type = {.kind = kind}};
    sp_buf column = {0};
    int rc = sp_sql_name(&column, key) || sp_buf_adds(&h->question, "SELECT ") ? sp_fail_nomem(err) : SPATE_OK;
    if (rc == SPATE_OK)
        rc = sp_placement_slot_sql(&field, sp_pg_string(&column), &h->question, err);
    if (rc == SPATE_OK && sp_buf_printf(&h->question, ", count(*) FROM ONLY %s GROUP BY 1", quoted))
        rc = sp_fail_nomem(err);
    sp_buf_done(&column);
    return rc;
}

int sp_heat_new(const sp_lab *lab, const sp_lab_server *server, PGconn *conn, const char *table, const char *quoted,
                sp_patience p, sp_heat **out, spate_error *err)
{
    const sp_lab_table *t = sp_lab_find_table(lab, table);
    sp_kind kind;
    *out = NULL;
    if (server == &lab->servers[0] || lab->placing != SP_PLACE_HASH || !t || !t->key)
        return SPATE_OK;
    int rc = ask_kind(server, conn, t->key, quoted, p, &kind, err);
    if (rc != SPATE_OK || kind == SP_BYTES)
        return rc;
    sp_heat *h = sp_alloc_zero(1, sizeof(*h));
    rc = h ? add_question(h, t->key, kind, quoted, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        *out = h;
    else
        sp_heat_free(h);
    return rc;
}

void sp_heat_free(sp_heat *h)
{
    if (h)
        sp_buf_done(&h->question);
    sp_free(h);
}

const char *sp_heat_question(const sp_heat *h)
{
    return h->question.data;
}

uint64_t sp_heat_take(sp_heat *h, const PGresult *answer)
{
    uint64_t rows[SP_SLOTS] = {0}, all = 0;
    int64_t now = sp_os_monotonic_us();
    for (int i = 0; i < sp_pq.ntuples(answer); i++) {
        unsigned long slot = strtoul(sp_pq.getvalue(answer, i, 0), NULL, 10);
        uint64_t n = strtoull(sp_pq.getvalue(answer, i, 1), NULL, 10);
        if (slot < SP_SLOTS)
            rows[slot] = n;
        all += n;
    }
    for (unsigned s = 0; s < SP_SLOTS; s++)
        h->got[s] = rows[s] > h->rows[s] ? rows[s] - h->rows[s] : 0;
    memcpy(h->rows, rows, sizeof(rows));
    h->got_s = h->counted_us ? (double)(now - h->counted_us) / 1e6 : 0;
    h->counted_us = now;
    return all;
}

int sp_heat_put(const sp_heat *h, sp_buf *out)
{
    const char *between = "";
    if (!h->counted_us)
        return 0;
    int built = sp_buf_adds(out, ",\"slots\":[");
    for (unsigned s = 0; s < SP_SLOTS && !built; s++)
        built = sp_buf_printf(out, "%s%llu", s ? "," : "", (unsigned long long)h->rows[s]);
    built = built || sp_buf_adds(out, "]");
    if (built || h->got_s <= 0)
        return built;
    built = sp_buf_printf(out, ",\"got_s\":%.3f,\"got\":[", h->got_s);
    for (unsigned s = 0; s < SP_SLOTS && !built; s++)
        if (h->got[s]) {
            built = sp_buf_printf(out, "%s[%u,%llu]", between, s, (unsigned long long)h->got[s]);
            between = ",";
        }
    return built || sp_buf_adds(out, "]");
}
