/* frame.c - see frame.h. */
#include "lab/frame.h"

#include "endpoint/ddl.h"
#include "lab/home.h"
#include "lab/numbers.h"

/* ---- what another server has, less what a shard cannot keep ---- */

typedef struct cutter {
    const sp_layout *l;
    sp_catalog *c;
    uint32_t table;  /* of the layout */
    sp_cat_table *t; /* the same in the catalog */
} cutter;

static bool is_same_key(const cutter *k, const sp_cat_foreign_key *f, const sp_foreign_key *kept)
{
    const sp_schema *s = k->l->schemas[k->table];
    bool same = f->n == kept->n && strcmp(k->c->tables[f->parent_table].shown, kept->parent) == 0;
    for (uint32_t i = 0; i < f->n && same; i++)
        same = strcmp(k->t->columns[f->columns[i]].name, s->fields[kept->columns[i]].name) == 0;
    return same;
}

/* Those that the layout has left in the schema. */
static void cut_foreign_keys(const cutter *k)
{
    const sp_schema *s = k->l->schemas[k->table];
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->t->n_foreign_keys; i++) {
        const sp_cat_foreign_key *f = &k->t->foreign_keys[i];
        bool keep = false;
        for (uint32_t j = 0; f->parent_table >= 0 && j < s->n_foreign_keys; j++)
            keep |= is_same_key(k, f, &s->foreign_keys[j]);
        if (keep)
            k->t->foreign_keys[n++] = *f;
    }
    k->t->n_foreign_keys = n;
}

static bool leave(const cutter *k, const char *what)
{
    sp_cat_other *other = sp_catalog_add_other(k->c);
    if (other)
        *other = (sp_cat_other){(int32_t)(k->t - k->c->tables), what};
    return other && what;
}

/* A move has its own word on what identifies a row, and takes indexes away for a while. */
static bool cut_settings(const cutter *k)
{
    uint32_t n = 0;
    bool ok = true;
    for (uint32_t i = 0; i < k->t->n_settings; i++) {
        const sp_cat_setting *s = &k->t->settings[i];
        bool ours = s->index || (s->sql && strncmp(s->sql, "REPLICA IDENTITY", 16) == 0);
        if (ours)
            ok = ok && leave(k, s->what);
        else
            k->t->settings[n++] = *s;
    }
    k->t->n_settings = n;
    return ok;
}

/* A shard would refuse rows that break one, which main has and another shard may have to give to it. */
static bool cut_checks(const cutter *k)
{
    uint32_t n = 0;
    bool ok = true;
    for (uint32_t i = 0; i < k->t->n_checks; i++) {
        const sp_cat_check *check = &k->t->checks[i];
        if (check->unchecked && check->column < 0)
            ok = ok && leave(k, sp_arena_printf(k->c->arena, "the check %s, which its rows may break", check->name));
        else
            k->t->checks[n++] = *check;
    }
    k->t->n_checks = n;
    return ok;
}

static bool cut_numbering(const cutter *k, sp_cat_column *c)
{
    c->sequence = NULL;
    c->identity = SP_CAT_NO_IDENTITY;
    c->auto_number = false;
    c->default_sql = NULL;
    return leave(k,
                 sp_arena_printf(k->c->arena,
                                 "the numbering of column \"%s\": its sequence has not enough numbers for every shard",
                                 c->name));
}

/* The column that rows live by: its default is going to be asked for one that lives on the shard, which an identity cannot be. */
static bool free_key(const cutter *k, sp_cat_column *c)
{
    if (c->default_sql && !(c->default_sql = sp_home_default(c->default_sql, k->c->arena)))
        return false;
    c->auto_number = c->auto_number || (c->default_sql && strncmp(c->default_sql, "nextval(", 8) == 0);
    if (c->identity == SP_CAT_NO_IDENTITY || !c->sequence)
        return true;
    sp_cat_sequence *own = sp_arena_alloc(k->c->arena, 1, sizeof(*own));
    if (!own)
        return false;
    *own = *c->sequence;
    own->owned = true;
    c->sequence = own;
    c->identity = SP_CAT_NO_IDENTITY;
    c->auto_number = true;
    return true;
}

static bool cut_table(const cutter *k)
{
    const sp_placement *p = k->l->placements[k->table];
    bool ok = cut_settings(k) && cut_checks(k);
    cut_foreign_keys(k);
    for (uint32_t i = 0; i < k->t->n_columns && p && ok; i++) {
        sp_cat_column *c = &k->t->columns[i];
        if (c->sequence && !sp_numbers_suffice(c->sequence))
            ok = cut_numbering(k, c);
        else if (strcmp(c->name, k->l->schemas[k->table]->fields[p->key[0]].name) == 0)
            ok = free_key(k, c);
    }
    return ok;
}

int sp_frame_read(const sp_layout *l, const sp_lab_server *like, sp_arena *arena, sp_catalog *frame, spate_error *err)
{
    int rc = sp_describe(like->uri, &(sp_describe_options){0}, arena, frame, err);
    if (rc != SPATE_OK)
        return sp_fail_context(err, rc, "%s", like->name);
    cutter k = {.l = l, .c = frame};
    bool ok = true;
    for (k.table = 0; k.table < l->n && ok; k.table++) {
        k.t = sp_catalog_shown(frame, l->schemas[k.table]->table);
        ok = !k.t || cut_table(&k);
    }
    return ok ? SPATE_OK : sp_fail_nomem(err);
}

int sp_frame_note(const sp_catalog *frame, sp_arena *arena, sp_layout *l, spate_error *err)
{
    sp_ddl ddl = {0};
    int rc = sp_ddl_build(&ddl, arena, SP_SQL_POSTGRES, SP_DDL_KEYS_AFTER, l->schemas, l->n, frame, err);
    const char **notes =
        rc == SPATE_OK ? sp_arena_alloc(arena, (size_t)l->n_notes + ddl.n_notes + 1, sizeof(*notes)) : NULL;
    if (rc == SPATE_OK && !notes)
        rc = sp_fail_nomem(err);
    if (rc != SPATE_OK)
        return rc;
    for (uint32_t i = 0; i < l->n_notes; i++)
        notes[i] = l->notes[i];
    for (uint32_t i = 0; i < ddl.n_notes; i++)
        if (!(notes[l->n_notes + i] = sp_arena_printf(arena, "stays on main: %s", ddl.notes[i])))
            return sp_fail_nomem(err);
    l->notes = notes;
    l->n_notes += ddl.n_notes;
    return SPATE_OK;
}

/* ---- keys and indexes ---- */

/* ('users'::regclass, ...) */
static int add_placed(const sp_layout *l, sp_buf *sql)
{
    const char *between = "(";
    int built = SPATE_OK;
    for (uint32_t t = 0; t < l->n && !built; t++) {
        sp_buf name = {0};
        if (!l->placements[t])
            continue;
        built = sp_sql_ident(&name, l->schemas[t]->table) || sp_buf_adds(sql, between) ||
                sp_sql_literal(sql, (sp_str){name.data, name.len}) || sp_buf_adds(sql, "::regclass");
        between = ", ";
        sp_buf_done(&name);
    }
    return built || sp_buf_adds(sql, *between == ',' ? ")" : "(NULL)");
}

int sp_frame_strip(const sp_layout *l, const sp_lab_server *server, PGconn *conn, spate_error *err)
{
    sp_buf sql = {0};
    int built =
        sp_buf_adds(
            &sql,
            "DO $strip$ DECLARE it text; BEGIN FOR it IN SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass,"
            " conname) FROM pg_constraint WHERE contype IN ('p', 'u', 'x', 'f') AND conrelid IN ") ||
        add_placed(l, &sql) ||
        sp_buf_adds(
            &sql, " ORDER BY contype <> 'f' LOOP EXECUTE it; END LOOP;"
                  " FOR it IN SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid IN ") ||
        add_placed(l, &sql) || sp_buf_adds(&sql, " LOOP EXECUTE it; END LOOP; END $strip$");
    int rc =
        built ? sp_fail_nomem(err) : sp_lab_run(server, conn, sp_pg_string(&sql), NULL, err, "taking indexes away");
    sp_buf_done(&sql);
    return rc;
}

int sp_frame_make(const sp_layout *l, const sp_lab_server *like, const sp_lab_server *server, PGconn *conn,
                  const int *cancel, spate_error *err)
{
    sp_arena arena;
    sp_catalog frame;
    sp_ddl ddl = {0};
    sp_arena_init(&arena);
    int rc = sp_frame_read(l, like, &arena, &frame, err);
    if (rc == SPATE_OK)
        rc = sp_ddl_build(&ddl, &arena, SP_SQL_POSTGRES, SP_DDL_KEYS_AFTER, l->schemas, l->n, &frame, err);
    for (uint32_t i = 0; i < ddl.n && rc == SPATE_OK; i++) {
        const sp_ddl_statement *s = &ddl.statements[i];
        if (s->step < SP_DDL_INDEXES || s->step > SP_DDL_FOREIGN_KEYS || !l->placements[s->table])
            continue;
        rc = cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED) ? sp_fail(err, SPATE_E_INTERRUPTED, "interrupted")
                                                                 : sp_lab_run(server, conn, s->sql, NULL, err, s->what);
    }
    sp_arena_done(&arena);
    return rc;
}
