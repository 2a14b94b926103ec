/* made.c - see made.h. */
#include "lab/made.h"

#include "lab/layout.h"

static const sp_field id_field = {.name = "id", .type = {.kind = SP_I64}};

int sp_made_condition(const sp_placement *places, unsigned shard, sp_buf *sql, spate_error *err)
{
    static const uint32_t key = 0;
    sp_placement p = *places;
    p.key = &key;
    p.n_key = 1;
    return sp_placement_sql(&p, &id_field, "id", shard, sql, err);
}

static int make_on(const sp_lab *lab, const sp_made_table *t, unsigned shard, spate_error *err)
{
    const sp_lab_server *server = sp_lab_shard(lab, shard);
    const sp_placement places = sp_lab_places(lab);
    sp_buf sql = {0};
    int rc =
        sp_buf_printf(
            &sql,
            "SET client_min_messages = warning; CREATE TABLE IF NOT EXISTS %s (id bigint PRIMARY KEY, %s bigint NOT NULL);"
            " INSERT INTO %s SELECT id, %lld FROM generate_series(0, %u) id WHERE ",
            t->name, t->column, t->name, (long long)t->value, t->rows - 1)
            ? sp_fail_nomem(err)
            : sp_made_condition(&places, shard, &sql, err);
    if (rc == SPATE_OK && sp_buf_adds(&sql, " ON CONFLICT DO NOTHING"))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_lab_run_alone(server, sp_pg_string(&sql), NULL, err, "making accounts");
    sp_buf_done(&sql);
    return rc;
}

int sp_made_table_make(sp_lab *lab, const sp_made_table *table, spate_error *err)
{
    int rc = SPATE_OK;
    if (lab->placing == SP_PLACE_LIST)
        return sp_fail(err, SPATE_E_USAGE, "accounts live by numbers, and this lab places by a list of texts");
    for (unsigned s = 0; s < lab->map.shards && rc == SPATE_OK; s++)
        rc = make_on(lab, table, s, err);
    if (rc == SPATE_OK)
        rc = sp_lab_set_table(lab, table->name, "id", err);
    return rc == SPATE_OK ? sp_lab_save(lab, err) : rc;
}
