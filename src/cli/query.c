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
    spate_cell *names; /* copies */
    size_t columns;
    size_t *widths;
    spate_cell *held; /* copies: HELD_ROWS * columns */
    size_t n_held;
    bool flowing; /* the held rows are out */
    unsigned long long rows;
} printer;

static const spate_cell null_word = {.text = "NULL", .len = 4};

static const spate_cell *shown(const spate_cell *c)
{
    return c->text ? c : &null_word;
}

/* Copies of n cells; false: no memory. */
static bool copy_cells(spate_cell *to, const spate_cell *from, size_t n)
{
    bool copied = true;
    for (size_t i = 0; i < n; i++) {
        char *text = from[i].text ? malloc(from[i].len + 1) : NULL;
        if (text)
            memcpy(text, from[i].text, from[i].len);
        copied = copied && !from[i].text == !text;
        to[i] = (spate_cell){.text = text, .len = from[i].len};
    }
    return copied;
}

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* Characters, not bytes: continuation bytes take no room on the screen. */
static size_t width_of(const spate_cell *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->len; i++)
        n += begins_character(c->text[i]);
    return n;
}

static void print_padded(const spate_cell *c, size_t width)
{
    size_t n = 0;
    for (size_t i = 0; i < c->len; i++) {
        if (begins_character(c->text[i]) && n++ == WIDTH_MAX)
            break;
        putchar(c->text[i] == '\n' || c->text[i] == '\t' ? ' ' : c->text[i]);
    }
    for (size_t i = n; i < width; i++)
        putchar(' ');
}

static void print_table_row(const printer *p, const spate_cell *cells)
{
    for (size_t i = 0; i < p->columns; i++) {
        if (i)
            fputs("  ", stdout);
        print_padded(shown(&cells[i]), i + 1 < p->columns ? p->widths[i] : 0);
    }
    putchar('\n');
}

static void widen(printer *p, const spate_cell *cells)
{
    for (size_t i = 0; i < p->columns; i++) {
        size_t w = width_of(shown(&cells[i]));
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

static void print_csv_cell(const spate_cell *c)
{
    bool bare = c->len > 0;
    for (size_t i = 0; i < c->len && bare; i++)
        bare = !strchr("\",\n\r", c->text[i]);
    if (bare)
        fwrite(c->text, 1, c->len, stdout);
    if (bare || !c->text)
        return;
    putchar('"');
    for (size_t i = 0; i < c->len; i++) {
        if (c->text[i] == '"')
            putchar('"');
        putchar(c->text[i]);
    }
    putchar('"');
}

static void print_csv_row(const printer *p, const spate_cell *cells)
{
    for (size_t i = 0; i < p->columns; i++) {
        if (i)
            putchar(',');
        print_csv_cell(&cells[i]);
    }
    putchar('\n');
}

static void print_ndjson_row(const printer *p, const spate_cell *cells)
{
    putchar('{');
    for (size_t i = 0; i < p->columns; i++) {
        if (i)
            fputs(", ", stdout);
        print_json_text(stdout, p->names[i].text, p->names[i].len);
        fputs(": ", stdout);
        if (!cells[i].text)
            fputs("null", stdout);
        else if (cells[i].bare)
            fwrite(cells[i].text, 1, cells[i].len, stdout);
        else
            print_json_text(stdout, cells[i].text, cells[i].len);
    }
    fputs("}\n", stdout);
}

static bool take_names(printer *p, const spate_cell *cells, size_t n)
{
    p->columns = n;
    p->names = calloc(n, sizeof(*p->names));
    p->widths = calloc(n, sizeof(*p->widths));
    p->held = calloc(n * HELD_ROWS, sizeof(*p->held));
    if (!p->names || !p->widths || !p->held || !copy_cells(p->names, cells, n))
        return false;
    if (p->format == FORMAT_CSV)
        print_csv_row(p, cells);
    return true;
}

static bool print_row(printer *p, const spate_cell *cells)
{
    p->rows++;
    if (p->format == FORMAT_CSV) {
        print_csv_row(p, cells);
    } else if (p->format == FORMAT_NDJSON) {
        print_ndjson_row(p, cells);
    } else if (p->n_held < HELD_ROWS) {
        widen(p, cells);
        return copy_cells(p->held + p->n_held++ * p->columns, cells, p->columns);
    } else {
        let_flow(p);
        print_table_row(p, cells);
    }
    return true;
}

static int on_row(void *arg, const spate_cell *cells, size_t n)
{
    printer *p = arg;
    if (!(p->names ? print_row(p, cells) : take_names(p, cells, n)))
        return SPATE_E_NOMEM;
    return ferror(stdout) ? SPATE_E_IO : SPATE_OK;
}

static void free_cells(spate_cell *cells, size_t n)
{
    for (size_t i = 0; cells && i < n; i++)
        free((void *)cells[i].text);
    free(cells);
}

static void printer_done(printer *p)
{
    free_cells(p->held, p->n_held * p->columns);
    free_cells(p->names, p->columns);
    free(p->widths);
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
