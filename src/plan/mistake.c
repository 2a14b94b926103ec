/* mistake.c - what is wrong with a plan, kept in file order. A mistake said twice about one place
 * (an alias read again) is kept once. Beyond SP_MISTAKES_MAX they are only counted: nobody reads
 * the thousandth, but the plan stays refused. */
#include "plan/plan.h"

#include <stdio.h>

enum { FOUND_MAX = 60, MESSAGE_MAX = 512 };

void sp_mistakes_init(sp_mistakes *m, const char *file)
{
    *m = (sp_mistakes){.file = file};
    sp_arena_init(&m->arena);
}

void sp_mistakes_done(sp_mistakes *m)
{
    sp_free(m->items);
    sp_free(m->files);
    sp_arena_done(&m->arena);
    *m = (sp_mistakes){0};
}

bool sp_mistakes_begin_file(sp_mistakes *m, const char *file)
{
    const char **files = sp_realloc(m->files, (m->n_files + 1) * sizeof(*files));
    if (!files)
        return false;
    m->files = files;
    m->files[m->n_files++] = file;
    m->reading = m->n_files;
    return true;
}

const char *sp_mistakes_file(const sp_mistakes *m, sp_mark at)
{
    uint32_t file = at.file ? at.file : m->reading;
    return file ? m->files[file - 1] : m->file;
}

/* Bytes of the character at p, 0 when it is not UTF-8. */
static size_t char_len(const char *p, size_t left)
{
    for (size_t n = 1; n <= 4 && n <= left; n++)
        if (sp_utf8_valid(p, n))
            return n;
    return 0;
}

/* A copy fit for one line of a terminal: control characters become spaces, what is not UTF-8
 * becomes "?". */
static char *clean_copy(sp_arena *arena, const char *p, size_t len, size_t max)
{
    size_t cut = 0;
    while (cut < len) {
        size_t n = SP_MAX(char_len(p + cut, len - cut), (size_t)1);
        if (cut + n > max)
            break;
        cut += n;
    }
    char *copy = sp_arena_alloc(arena, cut + sizeof("..."), 1);
    if (!copy)
        return NULL;
    if (cut)
        memcpy(copy, p, cut);
    for (size_t i = 0, n; i < cut; i += n) {
        n = char_len(copy + i, cut - i);
        if (!n)
            copy[i] = '?';
        else if ((unsigned char)copy[i] < ' ' || copy[i] == 0x7f)
            copy[i] = ' ';
        n = SP_MAX(n, (size_t)1);
    }
    memcpy(copy + cut, cut < len ? "..." : "", cut < len ? 4 : 1);
    return copy;
}

/* Whether a comes before b in the file; what has no place comes last. */
static bool before(const spate_mistake *a, const spate_mistake *b)
{
    unsigned a_line = a->line - 1, b_line = b->line - 1; /* 0 becomes the largest */
    return a_line != b_line ? a_line < b_line : a->column < b->column;
}

static bool known(const sp_mistakes *m, const spate_mistake *it)
{
    for (uint32_t i = 0; i < m->n; i++) {
        const spate_mistake *k = &m->items[i].shown;
        if (k->file == it->file && k->line == it->line && k->column == it->column && k->fatal == it->fatal &&
            strcmp(k->message, it->message) == 0 && strcmp(k->found, it->found) == 0)
            return true;
    }
    return false;
}

static bool grow(sp_mistakes *m)
{
    if (m->n < m->cap)
        return true;
    uint32_t cap = m->cap ? m->cap * 2 : 16;
    sp_mistake_item *items = sp_realloc(m->items, cap * sizeof(*items));
    if (!items)
        return false;
    m->items = items;
    m->cap = cap;
    return true;
}

static void insert(sp_mistakes *m, const spate_mistake *it)
{
    uint32_t i = m->n++;
    for (; i > 0 && before(it, &m->items[i - 1].shown); i--)
        m->items[i] = m->items[i - 1];
    m->items[i] = (sp_mistake_item){.shown = *it, .about_rows = m->about_rows};
}

static void count(sp_mistakes *m, bool fatal)
{
    m->n_errors += fatal;
    m->n_row_errors += fatal && m->about_rows;
}

SP_PRINTF(5, 0)
static void note(sp_mistakes *m, bool fatal, sp_mark at, sp_str found, const char *fmt, va_list args)
{
    m->n_said += fatal;
    if (m->n >= SP_MISTAKES_MAX) {
        count(m, fatal);
        return;
    }
    char message[MESSAGE_MAX];
    vsnprintf(message, sizeof(message), fmt, args);
    spate_mistake it = {.fatal = fatal, .file = sp_mistakes_file(m, at), .line = at.line, .column = at.column};
    it.found = clean_copy(&m->arena, found.p, found.len, FOUND_MAX);
    it.message = clean_copy(&m->arena, message, strlen(message), MESSAGE_MAX);
    if (!it.found || !it.message || !grow(m)) {
        m->nomem = true;
        count(m, fatal);
    } else if (!known(m, &it)) {
        insert(m, &it);
        count(m, fatal);
    }
}

void sp_mistake(sp_mistakes *m, sp_mark at, sp_str found, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    note(m, true, at, found, fmt, args);
    va_end(args);
}

void sp_warning(sp_mistakes *m, sp_mark at, sp_str found, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    note(m, false, at, found, fmt, args);
    va_end(args);
}

void sp_mistakes_forget_rows(sp_mistakes *m)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < m->n; i++)
        if (!m->items[i].about_rows)
            m->items[kept++] = m->items[i];
    m->n = kept;
    m->n_errors -= m->n_row_errors;
    m->n_row_errors = 0;
}

size_t spate_plan_mistakes(const spate_plan *plan)
{
    return plan->mistakes.n;
}

const spate_mistake *spate_plan_mistake(const spate_plan *plan, size_t i)
{
    return i < plan->mistakes.n ? &plan->mistakes.items[i].shown : NULL;
}
