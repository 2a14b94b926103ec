/* progress.c - a bar a table on a terminal, plain lines now and then elsewhere. Always on stderr. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    BAR_WIDTH = 24,
    NAME_WIDTH = 20,
};
static const double delay_s = 0.3;      /* short runs show no bars at all */
static const double plain_every_s = 5;  /* a line off a terminal */
static const double json_every_s = 1;

progress_mode progress_mode_of(const char *word)
{
    if (!word || strcmp(word, "auto") == 0)
        return isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_PLAIN;
    return strcmp(word, "bar") == 0 ? PROGRESS_BAR
         : strcmp(word, "plain") == 0 ? PROGRESS_PLAIN
         : strcmp(word, "json") == 0 ? PROGRESS_JSON : PROGRESS_NONE;
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

static void print_bar(const spate_table_progress *t, double seconds)
{
    double share = t->rows ? (double)t->rows_done / (double)t->rows : 1;
    char bar[BAR_WIDTH + 1], rows[32], rate[32], left[32];
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < (int)(share * BAR_WIDTH) ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r\033[K%-*.*s [%s] %3.0f%% %13s rows %8s/s  %s\n", NAME_WIDTH, NAME_WIDTH, t->name, bar, share * 100,
            with_commas(t->rows_done, rows), with_unit(rate_of(t, seconds), rate), time_left(t, seconds, left));
}

static unsigned screen_lines(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 4 ? size.ws_row - 2u : 22;
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
    unsigned room = screen_lines();
    for (int pass = 0; pass < 3 && p->lines < room; pass++)
        for (size_t t = 0; t < n && p->lines < room; t++) {
            bool waits = tables[t].started == 0, done = tables[t].finished > 0;
            int rank = n <= room ? 0 : waits ? 2 : done ? 1 : 0;
            if (rank == pass) {
                print_bar(&tables[t], seconds);
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
