/* store_scan.c - the command 'store scan': rows of a store as NDJSON or CSV. */
#include "cli/store.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 4096, CONDITIONS_MAX = 64, FLUSH_BYTES = 256 << 10 };

typedef struct scanning {
    spate_store *store;
    uint32_t table;
    char *words; /* --fields, cut */
    const char *fields[FIELDS_MAX];
    size_t n_fields;
    spate_condition conditions[CONDITIONS_MAX];
    char *rooms[CONDITIONS_MAX]; /* a condition's field, then room for its value */
    size_t n_conditions;
    uint64_t limit, first, last;
    bool csv, skip;
    uint16_t *columns; /* of CSV */
    size_t n_columns;
    spate_line *line;
} scanning;

static int misuse(spate_error *err, const char *what, const char *word)
{
    snprintf(err->message, sizeof err->message, what, word);
    return err->status = SPATE_E_USAGE;
}

static int take_fields(scanning *s, const char *list, spate_error *err)
{
    s->words = list ? strdup(list) : NULL;
    for (char *p = s->words; p && *p;) {
        if (s->n_fields == FIELDS_MAX)
            return misuse(err, "too many fields: \"%s\"", list);
        s->fields[s->n_fields++] = p;
        p += strcspn(p, ",");
        if (*p)
            *p++ = '\0';
    }
    return SPATE_OK;
}

/* "wind > 12.5": a field, what is compared, a value of the field's type. */
static int take_condition(scanning *s, const char *text, spate_error *err)
{
    static const struct {
        const char *word;
        spate_compare op;
    } ops[] = {{"<=", SPATE_LE}, {">=", SPATE_GE}, {"!=", SPATE_NE}, {"=", SPATE_EQ}, {"<", SPATE_LT}, {">", SPATE_GT}};
    const char *at = text + strcspn(text, "<>=!");
    if (s->n_conditions == CONDITIONS_MAX)
        return misuse(err, "too many conditions: \"%s\"", text);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        size_t len = strlen(ops[i].word), name = (size_t)(at - text);
        if (strncmp(at, ops[i].word, len) != 0)
            continue;
        while (name > 0 && text[name - 1] == ' ')
            name--;
        const char *value = at + len + strspn(at + len, " ");
        char *room = malloc(name + 1 + strlen(value) + 16);
        if (!room)
            return err->status = SPATE_E_NOMEM;
        memcpy(room, text, name);
        room[name] = '\0';
        spate_condition *c = &s->conditions[s->n_conditions];
        s->rooms[s->n_conditions++] = room;
        c->field = room;
        c->op = ops[i].op;
        spate_type type;
        int rc = spate_store_field_type(s->store, s->table, room, &type, err);
        return rc == SPATE_OK ? spate_value_parse(value, type, room + name + 1, &c->value, err) : rc;
    }
    return misuse(err, "\"%s\" is no condition such as \"wind > 12.5\"; there are = != < <= > >=", text);
}

static int take_rows(scanning *s, const char *range, spate_error *err)
{
    const char *dash = range ? strchr(range, '-') : NULL;
    if (!range)
        return SPATE_OK;
    char *first = strndup(range, dash ? (size_t)(dash - range) : strlen(range));
    bool ok = first && spate_parse_count(first, &s->first) && (!dash || spate_parse_count(dash + 1, &s->last));
    free(first);
    s->last = dash ? s->last + 1 : s->first + 1;
    return ok && s->last > s->first ? SPATE_OK
                                    : misuse(err, "--rows takes a row or a range such as 1000-1999, not \"%s\"", range);
}

/* The columns of CSV: those asked for, or all that there are. */
static int choose_columns(scanning *s, spate_error *err)
{
    spate_table t;
    spate_field_stats *stats = NULL;
    size_t n = 0;
    uint64_t blocks, bytes;
    int rc = spate_store_table(s->store, s->table, &t, err);
    if (rc == SPATE_OK && s->n_fields == 0 && t.n_columns == 0)
        rc = spate_store_stats(s->store, s->table, &stats, &n, &blocks, &bytes, err);
    size_t most = s->n_fields ? s->n_fields : t.n_columns ? t.n_columns : n;
    s->columns = rc == SPATE_OK ? calloc(most + 1, sizeof *s->columns) : NULL;
    for (size_t i = 0; rc == SPATE_OK && s->columns && i < most; i++) {
        if (n)
            s->columns[s->n_columns] = stats[i].name;
        else
            rc = spate_store_name(s->store, s->n_fields ? s->fields[i] : t.columns[i].name, &s->columns[s->n_columns],
                                  err);
        size_t same = 0; /* a field of two types is one column */
        while (same < s->n_columns && s->columns[same] != s->columns[s->n_columns])
            same++;
        s->n_columns += rc == SPATE_OK && same == s->n_columns;
    }
    spate_store_free(stats);
    spate_table_done(&t);
    return rc == SPATE_OK && !s->columns ? (err->status = SPATE_E_NOMEM) : rc;
}

static int put_header(scanning *s)
{
    int rc = SPATE_OK;
    for (size_t i = 0; rc == SPATE_OK && i < s->n_columns; i++) {
        const char *name = spate_store_name_text(s->store, s->columns[i]);
        spate_value v = {.kind = SPATE_TEXT, .len = (uint32_t)strlen(name), .as.p = name};
        rc = i ? spate_line_add(s->line, ",") : SPATE_OK;
        rc = rc == SPATE_OK ? spate_line_add_value(s->line, &v, SPATE_FORM_CSV) : rc;
    }
    return rc == SPATE_OK ? spate_line_add(s->line, "\n") : rc;
}

static int put_csv(scanning *s, const spate_value *v, size_t n)
{
    int rc = SPATE_OK;
    for (size_t c = 0; rc == SPATE_OK && c < s->n_columns; c++) {
        size_t i = c < n && v[c].name == s->columns[c] ? c : 0; /* where rows have them all, it is at its own place */
        while (i < n && v[i].name != s->columns[c])
            i++;
        rc = c ? spate_line_add(s->line, ",") : SPATE_OK;
        if (rc == SPATE_OK && i < n)
            rc = spate_line_add_value(s->line, &v[i], SPATE_FORM_CSV);
    }
    return rc == SPATE_OK ? spate_line_add(s->line, "\n") : rc;
}

static int put_json(scanning *s, const spate_value *v, size_t n)
{
    int rc = SPATE_OK;
    for (size_t i = 0; rc == SPATE_OK && i < n; i++) {
        rc = spate_line_add(s->line, i ? "," : "{");
        rc = rc == SPATE_OK ? spate_line_add_string(s->line, spate_store_name_text(s->store, v[i].name)) : rc;
        rc = rc == SPATE_OK ? spate_line_add(s->line, ":") : rc;
        rc = rc == SPATE_OK ? spate_line_add_value(s->line, &v[i], SPATE_FORM_JSON) : rc;
    }
    return rc == SPATE_OK ? spate_line_add(s->line, n ? "}\n" : "{}\n") : rc;
}

static bool flush_line(scanning *s, size_t from)
{
    size_t len;
    const char *text = spate_line_text(s->line, &len);
    if (len < from)
        return true;
    bool ok = fwrite(text, 1, len, stdout) == len;
    spate_line_clear(s->line);
    return ok;
}

static int put_row(scanning *s, const spate_value *v, size_t n, spate_error *err)
{
    int rc = s->csv ? put_csv(s, v, n) : put_json(s, v, n);
    if (rc != SPATE_OK)
        return misuse(err, "%s", "out of memory"), err->status = SPATE_E_NOMEM;
    if (flush_line(s, FLUSH_BYTES))
        return SPATE_OK;
    misuse(err, "could not write to %s", "standard output");
    return err->status = SPATE_E_IO;
}

static int put_found(scanning *s, spate_cursor *c, const uint64_t *rows, size_t n, spate_error *err)
{
    const spate_value *v;
    size_t fields;
    uint64_t at = 0;
    int rc = SPATE_OK;
    for (size_t i = 0; rc == SPATE_OK && i < n && s->limit; i++) {
        if (rows[i] < s->first || (s->last && rows[i] >= s->last))
            continue;
        rc = spate_cursor_seek(c, rows[i], err);
        if (rc == SPATE_OK)
            rc = spate_cursor_next(c, &v, &fields, &at, err);
        if (rc != SPATE_OK || !v || at != rows[i]) /* other conditions may not hold */
            continue;
        rc = put_row(s, v, fields, err);
        s->limit--;
    }
    return rc;
}

static int put_all(scanning *s, spate_cursor *c, spate_error *err)
{
    const spate_value *v;
    size_t n;
    int rc = SPATE_OK;
    while (rc == SPATE_OK && s->limit--) {
        rc = spate_cursor_next(c, &v, &n, NULL, err);
        if (rc != SPATE_OK || !v)
            return rc;
        rc = put_row(s, v, n, err);
    }
    return rc;
}

/* By an index where one equality has it; else through all rows that statistics do not rule out. */
static int put_rows(scanning *s, spate_cursor *c, spate_error *err)
{
    for (size_t i = 0; i < s->n_conditions; i++) {
        uint64_t *rows = NULL;
        size_t n = 0;
        bool indexed = false;
        if (s->conditions[i].op != SPATE_EQ || !spate_store_has_index(s->store, s->table, s->conditions[i].field))
            continue;
        int rc = spate_store_find(s->store, s->table, s->conditions[i].field, &s->conditions[i].value, &rows, &n,
                                  &indexed, err);
        if (rc == SPATE_OK)
            rc = put_found(s, c, rows, n, err);
        spate_store_free(rows);
        return rc;
    }
    return put_all(s, c, err);
}

static int prepare(scanning *s, const invocation *in, spate_error *err)
{
    s->csv = option_flag(in, "csv");
    s->skip = option_flag(in, "skip-damaged");
    s->limit = option_count(in, "limit", UINT64_MAX);
    s->line = spate_line_new();
    int rc = s->line ? take_fields(s, option_text(in, "fields"), err) : (err->status = SPATE_E_NOMEM);
    if (rc == SPATE_OK && s->csv && option_flag(in, "json"))
        rc = misuse(err, "%s", "--csv and --json do not go together");
    if (rc == SPATE_OK)
        rc = take_rows(s, option_text(in, "rows"), err);
    for (size_t i = 0; rc == SPATE_OK && i < in->n_uses; i++)
        if (strcmp(in->uses[i].option->name, "where") == 0)
            rc = take_condition(s, in->uses[i].value, err);
    if (rc == SPATE_OK && s->csv)
        rc = choose_columns(s, err);
    return rc == SPATE_OK && s->csv ? put_header(s) : rc;
}

static void done(scanning *s)
{
    for (size_t i = 0; i < s->n_conditions; i++)
        free(s->rooms[i]);
    free(s->words);
    free(s->columns);
    spate_line_free(s->line);
    spate_store_close(s->store);
}

int run_store_scan(const invocation *in)
{
    static scanning s;
    spate_error err = {0};
    spate_cursor *c = NULL;
    int rc = open_store(in, false, &s.store, &s.table);
    if (rc != SPATE_OK)
        return exit_code_of((spate_status)rc);
    rc = prepare(&s, in, &err);
    spate_scan_options o = {.table = s.table,
                            .fields = s.fields,
                            .n_fields = s.n_fields,
                            .conditions = s.conditions,
                            .n_conditions = s.n_conditions,
                            .first_row = s.first,
                            .last_row = s.last,
                            .skip_damaged = s.skip};
    if (rc == SPATE_OK)
        rc = spate_cursor_open(s.store, &o, &c, &err);
    if (rc == SPATE_OK)
        rc = put_rows(&s, c, &err);
    if (s.line)
        flush_line(&s, 1);
    spate_skipped skipped = c ? spate_cursor_skipped(c) : (spate_skipped){0};
    if (skipped.blocks)
        fprintf(stderr, "spate: left out %llu damaged rows in %llu blocks\n", (unsigned long long)skipped.rows,
                (unsigned long long)skipped.blocks);
    spate_cursor_close(c);
    done(&s);
    if (rc != SPATE_OK)
        report_error(&err);
    return exit_code_of((spate_status)rc);
}
