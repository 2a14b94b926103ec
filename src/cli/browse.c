/* browse.c - a plan as a tree to walk in on a terminal: arrows, Enter, x to leave out or take in, q. */
#include "cli/cli.h"
#include "cli/migrate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

typedef struct row {
    char *path;
    size_t len, name; /* where the last part begins */
    bool folder;
    spate_migrate_outcome outcome;
    uint64_t size;
    char note[80];
} row;

typedef struct browser {
    spate_migrate *m;
    char *path; /* of the folder shown */
    size_t len;
    row *rows;
    size_t n, cap, at, top;
} browser;

size_t utf8_length(const char *p, size_t len)
{
    unsigned char c = (unsigned char)p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    if (n == 0 || n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return 0;
    unsigned char d = n > 1 ? (unsigned char)p[1] : 0x80;
    bool bad = (c == 0xe0 && d < 0xa0) || (c == 0xed && d > 0x9f) || (c == 0xf0 && d < 0x90) || (c == 0xf4 && d > 0x8f);
    return bad ? 0 : n;
}

static void forget_rows(browser *b)
{
    for (size_t i = 0; i < b->n; i++)
        free(b->rows[i].path);
    b->n = 0;
}

static int take_row(void *arg, const spate_migrate_item *item)
{
    browser *b = arg;
    if (b->n == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : 64;
        row *more = realloc(b->rows, cap * sizeof *more);
        if (!more)
            return SPATE_E_NOMEM;
        b->rows = more;
        b->cap = cap;
    }
    row *r = &b->rows[b->n];
    *r = (row){.path = malloc(item->path_len + 1),
               .len = item->path_len,
               .folder = strcmp(item->type, "folder") == 0,
               .outcome = item->outcome,
               .size = item->size};
    if (!r->path)
        return SPATE_E_NOMEM;
    memcpy(r->path, item->path, item->path_len);
    r->path[r->len] = '\0';
    for (r->name = r->len; r->name > 0 && r->path[r->name - 1] != '/'; r->name--)
        ;
    snprintf(r->note, sizeof r->note, "%.*s", (int)(item->note_len < 70 ? item->note_len : 70), item->note);
    b->n++;
    return SPATE_OK;
}

static int load(browser *b, spate_error *err)
{
    forget_rows(b);
    return spate_migrate_list(b->m, b->path, b->len, take_row, b, err);
}

static unsigned screen_rows(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 6 ? size.ws_row : 24;
}

static void draw(browser *b)
{
    size_t room = screen_rows() - 4;
    b->top = b->at < b->top ? b->at : b->at >= b->top + room ? b->at - room + 1 : b->top;
    fputs("\033[H\033[J", stdout);
    print_path(stdout, b->path, b->len);
    fputs("\n\n", stdout);
    for (size_t i = b->top; i < b->n && i < b->top + room; i++) {
        const row *r = &b->rows[i];
        char size[32];
        fprintf(stdout, "%s %-9s %8sB  ", i == b->at ? "\033[7m>" : " ", spate_migrate_outcome_name(r->outcome),
                with_unit((double)r->size, size));
        print_path(stdout, r->path + r->name, r->len - r->name);
        fputs(r->folder ? "/" : "", stdout);
        if (r->note[0]) {
            fputs("  (", stdout);
            print_path(stdout, r->note, strlen(r->note));
            fputc(')', stdout);
        }
        fputs(i == b->at ? "\033[0m\n" : "\n", stdout);
    }
    fputs(b->n ? "\narrows: move   Enter: open   x: leave out or take in   q: done" : "(empty)\n\nleft: back   q: done",
          stdout);
    fflush(stdout);
}

static int go_to(browser *b, const char *path, size_t len, spate_error *err)
{
    char *copy = malloc(len + 1);
    if (!copy)
        return SPATE_E_NOMEM;
    memcpy(copy, path, len);
    copy[len] = '\0';
    free(b->path);
    b->path = copy;
    b->len = len;
    b->at = b->top = 0;
    return load(b, err);
}

static int go_up(browser *b, spate_error *err)
{
    size_t len = b->len;
    while (len > 1 && b->path[len - 1] != '/')
        len--;
    return go_to(b, b->path, len > 1 ? len - 1 : 1, err);
}

static int toggle(browser *b, spate_error *err)
{
    const row *r = b->n ? &b->rows[b->at] : NULL;
    if (!r || r->outcome == SPATE_EXTRA)
        return SPATE_OK;
    int rc = spate_migrate_exclude(b->m, r->path, r->len, r->outcome != SPATE_EXCLUDED, err);
    return rc == SPATE_OK ? load(b, err) : rc;
}

/* Arrow keys come as ESC [ A..D. */
static int read_key(void)
{
    unsigned char c[3];
    if (read(STDIN_FILENO, c, 1) != 1)
        return 'q';
    if (c[0] != 27)
        return c[0];
    if (read(STDIN_FILENO, c + 1, 2) != 2)
        return 'q';
    return c[2] == 'A' ? 'k' : c[2] == 'B' ? 'j' : c[2] == 'C' ? '\r' : c[2] == 'D' ? 'h' : 0;
}

static int obey(browser *b, int key, spate_error *err)
{
    if (key == 'k' && b->at > 0)
        b->at--;
    else if (key == 'j' && b->at + 1 < b->n)
        b->at++;
    else if ((key == '\r' || key == '\n' || key == 'l') && b->n && b->rows[b->at].folder)
        return go_to(b, b->rows[b->at].path, b->rows[b->at].len, err);
    else if (key == 'h' || key == 127)
        return go_up(b, err);
    else if (key == 'x')
        return toggle(b, err);
    return SPATE_OK;
}

int browse_plan(spate_migrate *m, spate_error *err)
{
    browser b = {.m = m};
    struct termios before, raw;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0) {
        err->status = SPATE_E_USAGE;
        snprintf(err->message, sizeof err->message, "--browse needs a terminal");
        return SPATE_E_USAGE;
    }
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    int rc = go_to(&b, "/", 1, err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    for (int key = 0; rc == SPATE_OK && key != 'q';) {
        draw(&b);
        key = read_key();
        rc = obey(&b, key, err);
    }
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputs("\033[H\033[J", stdout);
    forget_rows(&b);
    free(b.rows);
    free(b.path);
    return rc;
}
