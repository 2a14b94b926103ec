/* query.c - the command 'query': what SQL gives, as a table for a person or as CSV or NDJSON for a program. A table's column widths
 * come from the first rows, which are held back for that; everything after streams. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

enum {
    HELD_ROWS = 100,
    WIDTH_MAX = 60, /* longer cells are cut in a table */
};

typedef enum format { FORMAT_TABLE, FORMAT_CSV, FORMAT_NDJSON } format;

typedef struct printer {
    format format;
    char **names;
    size_t columns;
    size_t *widths;
    char **held; /* HELD_ROWS * columns; NULL for SQL's NULL */
    size_t n_held;
    bool flowing; /* the held rows are out */
    unsigned long long rows;
} printer;

static char *copy_cell(const spate_cell *c)
{
    return c->text ? strndup(c->text, c->len) : NULL;
}

/* Characters, not bytes: continuation bytes take no room on the screen. */
static size_t width_of(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void print_padded(const char *s, size_t width)
{
    size_t shown = 0;
    for (; *s && shown <= WIDTH_MAX; s++) {
        if (((unsigned char)*s & 0xc0) != 0x80 && ++shown > WIDTH_MAX)
            break;
        putchar(*s == '\n' || *s == '\t' ? ' ' : *s);
    }
    for (size_t i = width_of(s) ? WIDTH_MAX : shown; i < width; i++)
        putchar(' ');
}

static void print_table_row(const printer *p, char *const *cells)
{
    for (size_t i = 0; i < p->columns; i++) {
        if (i)
            fputs("  ", stdout);
        print_padded(cells[i] ? cells[i] : "NULL", i + 1 < p->columns ? p->widths[i] : 0);
    }
    putchar('\n');
}

static void widen(printer *p, char *const *cells)
{
    for (size_t i = 0; i < p->columns; i++) {
        size_t w = width_of(cells[i] ? cells[i] : "NULL");
        w = w > WIDTH_MAX ? WIDTH_MAX : w;
        p->widths[i] = p->widths[i] > w ? p->widths[i] : w;
    }
}

static void let_flow(printer *p)
{
    if (p->flowing || !p->names)
        return;
    p->flowing = true;
    widen(p, p->names);
    print_table_row(p, p->names);
    for (size_t i = 0; i < p->columns; i++) {
        if (i)
            fputs("  ", stdout);
        for (size_t j = 0; j < p->widths[i]; j++)
            putchar('-');
    }
    putchar('\n');
    for (size_t r = 0; r < p->n_held; r++)
        print_table_row(p, p->held + r * p->columns);
}

static void print_csv_cell(const char *s)
{
    if (s && *s && !strpbrk(s, "\",\n\r")) {
        fputs(s, stdout);
        return;
    }
    if (!s)
        return;
    putchar('"');
    for (; *s; s++) {
        if (*s == '"')
            putchar('"');
        putchar(*s);
    }
    putchar('"');
}

static void print_csv_row(const printer *p, char *const *cells)
{
    for (size_t i = 0; i < p->columns; i++) {
        if (i)
            putchar(',');
        print_csv_cell(cells[i]);
    }
    putchar('\n');
}

static void print_ndjson_row(const printer *p, char *const *cells)
{
    putchar('{');
    for (size_t i = 0; i < p->columns; i++) {
        if (i)
            fputs(", ", stdout);
        print_json_string(stdout, p->names[i]);
        fputs(": ", stdout);
        if (cells[i])
            print_json_string(stdout, cells[i]);
        else
            fputs("null", stdout);
    }
    fputs("}\n", stdout);
}

static bool take_names(printer *p, char **cells, size_t n)
{
    p->names = cells;
    p->columns = n;
    p->widths = calloc(n, sizeof(*p->widths));
    p->held = calloc(n * HELD_ROWS, sizeof(*p->held));
    if (p->format == FORMAT_CSV)
        print_csv_row(p, cells);
    return p->widths && p->held;
}

/* True when the cells are kept. */
static bool print_row(printer *p, char **cells)
{
    p->rows++;
    if (p->format == FORMAT_CSV) {
        print_csv_row(p, cells);
    } else if (p->format == FORMAT_NDJSON) {
        print_ndjson_row(p, cells);
    } else if (p->n_held < HELD_ROWS) {
        widen(p, cells);
        memcpy(p->held + p->n_held++ * p->columns, cells, p->columns * sizeof(*cells));
        return true;
    } else {
        let_flow(p);
        print_table_row(p, cells);
    }
    return false;
}

static int on_row(void *arg, const spate_cell *in, size_t n)
{
    printer *p = arg;
    char **cells = calloc(n ? n : 1, sizeof(*cells));
    if (!cells)
        return SPATE_E_NOMEM;
    for (size_t i = 0; i < n; i++)
        cells[i] = copy_cell(&in[i]);
    if (!p->names)
        return take_names(p, cells, n) ? SPATE_OK : SPATE_E_NOMEM;
    if (!print_row(p, cells))
        for (size_t i = 0; i < n; i++)
            free(cells[i]);
    free(cells);
    return ferror(stdout) ? SPATE_E_IO : SPATE_OK;
}

static void printer_done(printer *p)
{
    for (size_t i = 0; i < p->n_held * p->columns; i++)
        free(p->held[i]);
    for (size_t i = 0; p->names && i < p->columns; i++)
        free(p->names[i]);
    free(p->names);
    free(p->widths);
    free(p->held);
}

int run_query(const invocation *in)
{
    const char *word = option_text(in, "format");
    printer p = {.format = !word || strcmp(word, "table") == 0 ? FORMAT_TABLE
                           : strcmp(word, "csv") == 0          ? FORMAT_CSV
                                                               : FORMAT_NDJSON};
    spate_error err = {0};
    int status = spate_query(in->arguments[0], in->arguments[1], on_row, &p, &err);
    if (p.format == FORMAT_TABLE) {
        let_flow(&p);
        fflush(stdout); /* before the count, which goes to stderr */
        if (status == SPATE_OK && p.names)
            fprintf(stderr, "(%llu row%s)\n", p.rows, p.rows == 1 ? "" : "s");
    }
    if (status != SPATE_OK)
        report_error(&err);
    printer_done(&p);
    return exit_code_of((spate_status)status);
}
