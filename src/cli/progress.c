/* progress.c - a bar a table on a terminal, plain lines now and then elsewhere. Always on stderr. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* In columns of the screen. A line is never wider than that: one that wraps would not be taken off as one. */
enum {
    BAR_MAX = 24,
    BAR_MIN = 4,
    NAME_MAX_WIDTH = 20,
    ROWS_MAX = 13,
    SHARE_WIDTH = 5, /* " 100%" */
    RATE_WIDTH = 11, /* "  9.99 M/s" and a blank */
    LEFT_WIDTH = 18, /* "  12 h 34 min left" */
    LINE_BYTES = 256,
};
static const double delay_s = 0.3;     /* short runs show no bars at all */
static const double plain_every_s = 5; /* a line off a terminal */
static const double json_every_s = 1;

progress_mode progress_mode_of(const char *word)
{
    if (!word || strcmp(word, "auto") == 0)
        return isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_PLAIN;
    return strcmp(word, "bar") == 0     ? PROGRESS_BAR
           : strcmp(word, "plain") == 0 ? PROGRESS_PLAIN
           : strcmp(word, "json") == 0  ? PROGRESS_JSON
                                        : PROGRESS_NONE;
}

static double rate_of(const spate_table_progress *t, double seconds)
{
    double end = t->finished > 0 ? t->finished : seconds;
    return t->started > 0 && end > t->started ? (double)t->rows_done / (end - t->started) : 0;
}

static const char *time_left(const spate_table_progress *t, double seconds, char text[32])
{
    double rate = rate_of(t, seconds);
    if (t->finished > 0)
        snprintf(text, 32, "done in %.1f s", t->finished - t->started);
    else if (t->started == 0)
        snprintf(text, 32, "waiting");
    else if (rate <= 0)
        snprintf(text, 32, "...");
    else {
        double left = (double)(t->rows - t->rows_done) / rate;
        if (left >= 3600)
            snprintf(text, 32, "%.0f h %02.0f min left", left / 3600, (left - 3600 * (double)(int)(left / 3600)) / 60);
        else if (left >= 60)
            snprintf(text, 32, "%d min %02d s left", (int)left / 60, (int)left % 60);
        else
            snprintf(text, 32, "%.0f s left", left);
    }
    return text;
}

/* What of a line there is room for; 0: not. */
typedef struct layout {
    int screen, name, bar, rows;
} layout;

static layout layout_of(const spate_table_progress *tables, size_t n, int screen)
{
    layout l = {.screen = screen};
    char text[32];
    for (size_t t = 0; t < n; t++) {
        int name = (int)strnlen(tables[t].name, NAME_MAX_WIDTH), rows = (int)strlen(with_commas(tables[t].rows, text));
        l.name = name > l.name ? name : l.name;
        rows = rows < ROWS_MAX ? rows : ROWS_MAX;
        l.rows = rows > l.rows ? rows : l.rows;
    }
    int beside = (int)strlen("  rows") + RATE_WIDTH, room = screen - 1 - l.name - SHARE_WIDTH - LEFT_WIDTH;
    if (room < l.rows + beside)
        l.rows = 0;
    room -= l.rows ? l.rows + beside : 0;
    if (room < 0)
        l.name = l.name + room > 0 ? l.name + room : 0;
    int bar = room - (int)strlen(" []");
    l.bar = bar < BAR_MIN ? 0 : bar > BAR_MAX ? BAR_MAX : bar;
    return l;
}

/* The bytes of text that fill so many columns at most: no character is cut in two. */
static int fitting(const char *text, int columns)
{
    int bytes = (int)strnlen(text, (size_t)columns);
    while (bytes && ((unsigned char)text[bytes] & 0xc0) == 0x80)
        bytes--;
    return bytes;
}

static void print_bar(const layout *l, const spate_table_progress *t, double seconds)
{
    double share = t->rows ? (double)t->rows_done / (double)t->rows : 1;
    char line[LINE_BYTES], bar[BAR_MAX + 1], rows[32], rate[32], left[32];
    for (int i = 0; i < l->bar; i++)
        bar[i] = i < (int)(share * l->bar) ? '#' : '.';
    bar[l->bar] = '\0';
    int name = fitting(t->name, l->name);
    int n = snprintf(line, sizeof(line), "%.*s%*s", name, t->name, l->name - name, "");
    if (l->bar)
        n += snprintf(line + n, sizeof(line) - (size_t)n, " [%s]", bar);
    n += snprintf(line + n, sizeof(line) - (size_t)n, " %3.0f%%", share * 100);
    if (l->rows)
        n += snprintf(line + n, sizeof(line) - (size_t)n, " %*s rows %8s/s", l->rows, with_commas(t->rows_done, rows),
                      with_unit(rate_of(t, seconds), rate));
    snprintf(line + n, sizeof(line) - (size_t)n, "  %s", time_left(t, seconds, left));
    fprintf(stderr, "\r\033[K%.*s\n", fitting(line, l->screen - 1), line);
}

static void screen_size(unsigned *lines, int *columns)
{
    struct winsize size = {0};
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
    *lines = known && size.ws_row > 4 ? size.ws_row - 2u : 22;
    *columns = known && size.ws_col > 1 ? size.ws_col : 80;
}

static void take_bars_off(progress *p)
{
    if (p->lines)
        fprintf(stderr, "\033[%uA\033[J", p->lines);
    p->lines = 0;
}

/* Tables that are being made come first when the screen is too small for all. */
static void show_bars(progress *p, const spate_table_progress *tables, size_t n, double seconds)
{
    if (seconds < delay_s)
        return;
    take_bars_off(p);
    unsigned room;
    int columns;
    screen_size(&room, &columns);
    layout l = layout_of(tables, n, columns);
    for (int pass = 0; pass < 3 && p->lines < room; pass++)
        for (size_t t = 0; t < n && p->lines < room; t++) {
            bool waits = tables[t].started == 0, done = tables[t].finished > 0;
            int rank = n <= room ? 0 : waits ? 2 : done ? 1 : 0;
            if (rank == pass) {
                print_bar(&l, &tables[t], seconds);
                p->lines++;
            }
        }
    fflush(stderr);
}

static void sum(const spate_table_progress *tables, size_t n, uint64_t *rows, uint64_t *done)
{
    *rows = *done = 0;
    for (size_t t = 0; t < n; t++) {
        *rows += tables[t].rows;
        *done += tables[t].rows_done;
    }
}

static void show_line(progress *p, const spate_table_progress *tables, size_t n, double seconds)
{
    uint64_t rows, done;
    sum(tables, n, &rows, &done);
    double rate = (double)(done - p->told) / (seconds - p->last);
    char a[32], b[32], c[32];
    fprintf(stderr, "spate: %s of %s rows (%.0f %%), %s/s\n", with_commas(done, a), with_commas(rows, b),
            rows ? 100.0 * (double)done / (double)rows : 100.0, with_unit(rate, c));
    p->last = seconds;
    p->told = done;
}

static void show_json(progress *p, const spate_table_progress *tables, size_t n, double seconds)
{
    fprintf(stderr, "{\"seconds\": %.3f, \"tables\": [", seconds);
    for (size_t t = 0; t < n; t++) {
        fprintf(stderr, "%s{\"name\": ", t ? ", " : "");
        print_json_string(stderr, tables[t].name);
        fprintf(stderr, ", \"rows\": %llu, \"rows_done\": %llu, \"bytes\": %llu, \"done\": %s}",
                (unsigned long long)tables[t].rows, (unsigned long long)tables[t].rows_done,
                (unsigned long long)tables[t].bytes, tables[t].finished > 0 ? "true" : "false");
    }
    fputs("]}\n", stderr);
    p->last = seconds;
}

void progress_show(void *arg, const spate_table_progress *tables, size_t n, double seconds)
{
    progress *p = arg;
    if (p->mode == PROGRESS_BAR)
        show_bars(p, tables, n, seconds);
    else if (p->mode == PROGRESS_PLAIN && seconds - p->last >= plain_every_s)
        show_line(p, tables, n, seconds);
    else if (p->mode == PROGRESS_JSON && seconds - p->last >= json_every_s)
        show_json(p, tables, n, seconds);
}

void progress_end(progress *p)
{
    take_bars_off(p);
    fflush(stderr);
}
