/* store.c - the commands 'store info', 'stats', 'index', 'set', 'verify' and 'repair': looking into a .spate file and after it. */
#include "cli/store.h"

#include <stdlib.h>
#include <string.h>

int open_store(const invocation *in, bool write, spate_store **store, uint32_t *table)
{
    spate_error err = {0};
    *store = NULL;
    int rc = spate_store_open(in->arguments[0], write, store, &err);
    if (rc == SPATE_OK && table)
        rc = spate_store_find_table(*store, option_text(in, "table"), table, &err);
    if (rc == SPATE_OK)
        return SPATE_OK;
    if (*store && !option_text(in, "table"))
        snprintf(err.hint, sizeof err.hint, "name it with --table; 'spate store info %s' lists the tables",
                 in->arguments[0]);
    report_error(&err);
    spate_store_close(*store);
    return rc;
}

static int failed(int rc, const spate_error *err)
{
    report_error(err);
    return exit_code_of((spate_status)rc);
}

/* ---- info -------------------------------------------------------------------------------------- */

static void print_type(spate_type t)
{
    fputs(spate_kind_name(t.kind), stdout);
    if (t.kind == SPATE_DECIMAL)
        printf("(%u,%u)", t.precision, t.scale);
    if (t.item) {
        fputs(" of ", stdout);
        print_type(*t.item);
    }
}

static void print_columns_json(const spate_table *t)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        fputs(i ? ", {\"name\": " : "{\"name\": ", stdout);
        print_json_string(stdout, t->columns[i].name);
        fputs(", \"type\": \"", stdout);
        print_type(t->columns[i].type);
        printf("\", \"nullable\": %s}", t->columns[i].nullable ? "true" : "false");
    }
}

static void print_columns(const spate_table *t)
{
    for (size_t i = 0; i < t->n_columns; i++) {
        printf("  %-24s ", t->columns[i].name);
        print_type(t->columns[i].type);
        puts(t->columns[i].nullable ? "" : ", never null");
    }
    if (t->n_columns == 0)
        puts("  rows have any fields");
}

static int print_table(spate_store *s, uint32_t i, bool json, spate_error *err)
{
    spate_table t;
    spate_field_stats *fields = NULL;
    size_t n;
    uint64_t blocks, bytes;
    char rows[32], size[32];
    int rc = spate_store_table(s, i, &t, err);
    if (rc != SPATE_OK)
        return rc;
    rc = spate_store_stats(s, i, &fields, &n, &blocks, &bytes, err);
    if (rc == SPATE_OK && json) {
        fputs(i ? ", {\"table\": " : "{\"table\": ", stdout);
        print_json_string(stdout, t.name);
        printf(", \"rows\": %llu, \"blocks\": %llu, \"bytes\": %llu, \"columns\": [", (unsigned long long)t.rows,
               (unsigned long long)blocks, (unsigned long long)bytes);
        print_columns_json(&t);
        fputs("]}", stdout);
    } else if (rc == SPATE_OK) {
        printf("table %s: %s rows in %llu blocks, %sB\n", t.name, with_commas(t.rows, rows), (unsigned long long)blocks,
               with_unit((double)bytes, size));
        print_columns(&t);
    }
    spate_store_free(fields);
    spate_table_done(&t);
    return rc;
}

int run_store_info(const invocation *in)
{
    spate_store *s;
    spate_error err = {0};
    bool json = option_flag(in, "json");
    int rc = open_store(in, false, &s, NULL);
    if (rc != SPATE_OK)
        return exit_code_of((spate_status)rc);
    fputs(json ? "{\"tables\": [" : "", stdout);
    for (uint32_t i = 0; rc == SPATE_OK && i < spate_store_tables(s); i++)
        rc = print_table(s, i, json, &err);
    if (json)
        printf("], \"rounded\": %s, \"packed\": %s}\n", spate_store_rounded(s) ? "true" : "false",
               spate_store_packed(s) ? "true" : "false");
    else if (spate_store_tables(s) == 0)
        puts("no tables");
    if (!json && spate_store_rounded(s))
        puts("floats were rounded off when they were written");
    if (!json && spate_store_packed(s))
        puts("columns may be packed, by LZ4 or zstd");
    spate_store_close(s);
    return rc == SPATE_OK ? EXIT_OK : failed(rc, &err);
}

/* ---- stats ------------------------------------------------------------------------------------- */

static void print_encodings(uint32_t set)
{
    const char *between = "";
    for (unsigned i = 0; spate_encoding_name(i); i++)
        if (set >> i & 1) {
            printf("%s%s", between, spate_encoding_name(i));
            between = "+";
        }
}

static void print_value(spate_line *line, const spate_value *v, spate_form form)
{
    size_t len;
    spate_line_clear(line);
    if (spate_line_add_value(line, v, form) != SPATE_OK)
        return;
    const char *text = spate_line_text(line, &len);
    fwrite(text, 1, len, stdout);
}

static void print_stats(const spate_store *s, const spate_field_stats *f, spate_line *line)
{
    printf("%-24s %-12s %14llu %12llu %14llu %8.3f  ", spate_store_name_text(s, f->name), spate_kind_name(f->type.kind),
           (unsigned long long)f->cells, (unsigned long long)f->nulls, (unsigned long long)f->bytes,
           f->cells ? 8 * (double)f->bytes / (double)f->cells : 0);
    print_encodings(f->encodings);
    if (f->has_range) {
        fputs("  ", stdout);
        print_value(line, &f->min, SPATE_FORM_PLAIN);
        fputs(" .. ", stdout);
        print_value(line, &f->max, SPATE_FORM_PLAIN);
    }
    putchar('\n');
}

static void print_stats_json(const spate_store *s, const spate_field_stats *f, spate_line *line)
{
    fputs("{\"field\": ", stdout);
    print_json_string(stdout, spate_store_name_text(s, f->name));
    printf(", \"type\": \"%s\", \"cells\": %llu, \"nulls\": %llu, \"bytes\": %llu, \"encodings\": \"",
           spate_kind_name(f->type.kind), (unsigned long long)f->cells, (unsigned long long)f->nulls,
           (unsigned long long)f->bytes);
    print_encodings(f->encodings);
    putchar('"');
    if (f->has_range) {
        fputs(", \"min\": ", stdout);
        print_value(line, &f->min, SPATE_FORM_JSON);
        fputs(", \"max\": ", stdout);
        print_value(line, &f->max, SPATE_FORM_JSON);
    }
    puts("}");
}

int run_store_stats(const invocation *in)
{
    spate_store *s;
    spate_error err = {0};
    uint32_t table = 0;
    spate_field_stats *fields = NULL;
    size_t n = 0;
    uint64_t blocks, bytes;
    bool json = option_flag(in, "json");
    int rc = open_store(in, false, &s, &table);
    if (rc != SPATE_OK)
        return exit_code_of((spate_status)rc);
    spate_line *line = spate_line_new();
    rc = spate_store_stats(s, table, &fields, &n, &blocks, &bytes, &err);
    if (rc == SPATE_OK && !json)
        printf("%-24s %-12s %14s %12s %14s %8s  %s\n", "field", "type", "cells", "nulls", "bytes", "bits",
               "encodings, range");
    for (size_t i = 0; line && i < n; i++)
        (json ? print_stats_json : print_stats)(s, &fields[i], line);
    spate_line_free(line);
    spate_store_free(fields);
    spate_store_close(s);
    return rc == SPATE_OK ? EXIT_OK : failed(rc, &err);
}

/* ---- index, set -------------------------------------------------------------------------------- */

int run_store_index(const invocation *in)
{
    spate_store *s;
    spate_error err = {0};
    uint32_t table = 0;
    int rc = open_store(in, true, &s, &table);
    if (rc != SPATE_OK)
        return exit_code_of((spate_status)rc);
    rc = spate_store_index(s, table, in->arguments[1], &err);
    if (rc == SPATE_OK)
        rc = spate_store_finish(s, &err);
    spate_store_close(s);
    return rc == SPATE_OK ? EXIT_OK : failed(rc, &err);
}

/* FIELD=VALUE into the updater. */
static int set_one(spate_store *s, uint32_t table, spate_updater *u, uint64_t row, const char *word, spate_error *err)
{
    const char *equals = strchr(word, '=');
    if (!equals || equals == word) {
        snprintf(err->message, sizeof err->message, "\"%s\" is no FIELD=VALUE", word);
        return err->status = SPATE_E_USAGE;
    }
    char *field = strndup(word, (size_t)(equals - word)), *room = malloc(strlen(equals) + 16);
    spate_type type;
    spate_value v;
    uint16_t name;
    int rc = field && room ? spate_store_field_type(s, table, field, &type, err) : SPATE_E_NOMEM;
    if (rc == SPATE_OK)
        rc = spate_value_parse(equals + 1, type, room, &v, err);
    if (rc == SPATE_OK)
        rc = spate_store_name(s, field, &name, err);
    if (rc == SPATE_OK) {
        v.name = name;
        rc = spate_updater_set(u, row, &v, err);
    }
    free(field);
    free(room);
    return rc;
}

int run_store_set(const invocation *in)
{
    spate_store *s;
    spate_error err = {0};
    spate_updater *u = NULL;
    uint32_t table = 0;
    uint64_t row;
    if (!spate_parse_count(in->arguments[1], &row)) {
        fprintf(stderr, "spate: \"%s\" is no row number\n", in->arguments[1]);
        return EXIT_USAGE;
    }
    int rc = open_store(in, true, &s, &table);
    if (rc != SPATE_OK)
        return exit_code_of((spate_status)rc);
    rc = spate_updater_open(s, table, &u, &err);
    for (size_t i = 2; rc == SPATE_OK && i < in->n_arguments; i++)
        rc = set_one(s, table, u, row, in->arguments[i], &err);
    if (rc == SPATE_OK)
        rc = spate_updater_flush(u, &err);
    spate_updater_close(u);
    spate_store_close(s);
    return rc == SPATE_OK ? EXIT_OK : failed(rc, &err);
}

/* ---- verify, repair ---------------------------------------------------------------------------- */

static void tell_damage(void *arg, const spate_damage *d)
{
    const char *what = arg;
    fprintf(stderr, "%s: bytes %llu to %llu", what, (unsigned long long)d->at, (unsigned long long)(d->at + d->bytes));
    if (d->last_row > d->first_row)
        fprintf(stderr, ", rows %llu to %llu of %s", (unsigned long long)d->first_row,
                (unsigned long long)(d->last_row - 1), d->table ? d->table : "a table that is not known");
    fputc('\n', stderr);
}

static void print_check(const spate_check *c, bool json)
{
    char rows[32], lost[32], size[32];
    if (json)
        printf("{\"blocks\": %llu, \"rows\": %llu, \"bytes\": %llu, \"damaged\": %llu, \"rows_lost\": %llu}\n",
               (unsigned long long)c->blocks, (unsigned long long)c->rows, (unsigned long long)c->bytes,
               (unsigned long long)c->damaged, (unsigned long long)c->rows_lost);
    else if (c->damaged)
        printf("%s rows are whole, %s are lost\n", with_commas(c->rows, rows), with_commas(c->rows_lost, lost));
    else
        printf("%s rows in %llu blocks, %sB: all whole\n", with_commas(c->rows, rows), (unsigned long long)c->blocks,
               with_unit((double)c->bytes, size));
}

int run_store_verify(const invocation *in)
{
    spate_store *s;
    spate_error err = {0};
    spate_check totals = {0};
    int rc = open_store(in, false, &s, NULL);
    if (rc != SPATE_OK)
        return exit_code_of((spate_status)rc);
    rc = spate_store_verify(s, tell_damage, "damaged", &totals, &err);
    spate_store_close(s);
    if (rc != SPATE_OK && rc != SPATE_E_CORRUPT)
        return failed(rc, &err);
    print_check(&totals, option_flag(in, "json"));
    return rc == SPATE_OK ? EXIT_OK : EXIT_NO;
}

int run_store_repair(const invocation *in)
{
    spate_store *s;
    spate_error err = {0};
    spate_check totals = {0};
    int rc = open_store(in, true, &s, NULL);
    if (rc != SPATE_OK)
        return exit_code_of((spate_status)rc);
    rc = spate_store_repair(s, tell_damage, "left out", &totals, &err);
    spate_store_close(s);
    if (rc != SPATE_OK)
        return failed(rc, &err);
    print_check(&totals, false);
    return EXIT_OK;
}
