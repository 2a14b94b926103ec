/* locale.c - reads the files of words. They come with the program, but may be damaged or of another version: whatever is wrong
 * is SPATE_E_CORRUPT, and what has been read can be relied on. Words are packed into slots as those inside the program are. */
#include "gen/locale.h"
#include "os/os.h"
#include "locales/paths.h"

#include <stdio.h>

enum { FILE_MAX = 16 << 20, WORD_MAX = 255 };

typedef struct sp_locale_entry {
    sp_str name;
    sp_words words; /* count 0: a recipe */
    sp_str recipe;
} entry;

const sp_locale_name *sp_locale_find(sp_str code)
{
    for (uint32_t i = 0; i < sp_locale_count; i++)
        if (sp_str_is(code, sp_locale_names[i].code))
            return &sp_locale_names[i];
    return NULL;
}

size_t sp_gen_locales(void)
{
    return sp_locale_count;
}

spate_locale sp_gen_locale(size_t i)
{
    return (spate_locale){sp_locale_names[i].code, sp_locale_names[i].title};
}

static const entry *find(const sp_locale *l, sp_str name)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (sp_str_eq(l->entries[i].name, name))
            return &l->entries[i];
    return NULL;
}

const sp_words *sp_locale_words(const sp_locale *l, sp_str name)
{
    const entry *e = find(l, name);
    return e && e->words.count ? &e->words : NULL;
}

sp_str sp_locale_recipe(const sp_locale *l, sp_str name)
{
    const entry *e = find(l, name);
    return e ? e->recipe : (sp_str){"", 0};
}

/* ---- reading --------------------------------------------------------------------------------------------------------- */

typedef struct reader {
    sp_arena *arena;
    sp_locale *locale;
    entry *entries; /* the locale's, as they come */
    const char *path;
    const char *p, *end;
    uint32_t line; /* from 1: the one that was read last */
    spate_error *err;
} reader;

static int corrupt(const reader *r, const char *what)
{
    return sp_fail(r->err, SPATE_E_CORRUPT, "\"%s\", line %u: %s", r->path, r->line, what);
}

static sp_str peek_line(const reader *r)
{
    const char *stop = memchr(r->p, '\n', (size_t)(r->end - r->p));
    return (sp_str){r->p, (size_t)((stop ? stop : r->end) - r->p)};
}

static sp_str next_line(reader *r)
{
    sp_str line = peek_line(r);
    r->p = line.p + line.len + (line.p + line.len < r->end);
    r->line++;
    return line;
}

static bool is_head(sp_str line)
{
    return line.len > 2 && (line.p[0] == '=' || line.p[0] == '~') && line.p[1] == ' ';
}

/* Puts the lines up to the next head into slots. */
static int read_words(reader *r, sp_words *w)
{
    reader ahead = *r;
    for (; ahead.p < ahead.end && !is_head(peek_line(&ahead)); w->count++) {
        sp_str word = next_line(&ahead);
        if (word.len == 0 || word.len > WORD_MAX)
            return corrupt(&ahead, "expected a word of 1 to 255 bytes");
        w->len_max = SP_MAX(w->len_max, (uint32_t)word.len);
    }
    if (!w->count)
        return corrupt(r, "expected words below");
    for (w->stride = 16; w->stride <= w->len_max;)
        w->stride *= 2;
    char *slot = sp_arena_alloc(r->arena, 1, (size_t)w->count * w->stride + SP_SLACK);
    if (!slot)
        return sp_fail_nomem(r->err);
    w->slots = slot;
    w->care = SP_CARE_NOTHING;
    for (uint32_t i = 0; i < w->count; i++, slot += w->stride) {
        sp_str word = next_line(r);
        memcpy(slot, word.p, word.len);
        slot[w->stride - 1] = (char)word.len;
        w->care = SP_MIN(w->care, sp_care_of(word));
    }
    return SPATE_OK;
}

/* Are the braces of a recipe closed, and do they name what is known so far? What a recipe may name stands above it, or is a list
 * inside the program, so none can be made of itself. */
static bool is_recipe(const reader *r, sp_str line)
{
    for (const char *p = line.p, *end = line.p + line.len, *close; p < end; p = close + 1) {
        const char *open = memchr(p, '{', (size_t)(end - p));
        close = memchr(p, '}', (size_t)(end - p));
        if (!open || !close)
            return !open && !close;
        if (open > close)
            return false;
        sp_str name = {open + 1, (size_t)(close - open - 1)};
        const char *number = memchr(name.p, '#', name.len);
        name.len = number ? (size_t)(number - name.p) : name.len;
        if (!sp_recipe_draws(name) && !find(r->locale, name) && !sp_words_find(name))
            return false;
    }
    return true;
}

static int read_recipe(reader *r, sp_str *recipe)
{
    *recipe = (sp_str){r->p, 0};
    while (r->p < r->end && !is_head(peek_line(r))) {
        sp_str line = next_line(r);
        if (line.len == 0 || !is_recipe(r, line))
            return corrupt(r, "is no recipe of what stands above it");
        recipe->len = (size_t)(line.p + line.len - recipe->p);
    }
    return recipe->len ? SPATE_OK : corrupt(r, "expected a recipe below");
}

static int read_entry(reader *r)
{
    sp_str head = next_line(r);
    if (!is_head(head))
        return corrupt(r, "expected = or ~, and a name");
    entry *e = &r->entries[r->locale->n];
    *e = (entry){.name = {head.p + 2, head.len - 2}, .recipe = {"", 0}};
    int status = find(r->locale, e->name) ? corrupt(r, "this name has come before")
                 : head.p[0] == '='       ? read_words(r, &e->words)
                                          : read_recipe(r, &e->recipe);
    r->locale->n += status == SPATE_OK;
    return status;
}

static bool is_text(sp_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.p[i] < ' ' && text.p[i] != '\n')
            return false;
    return sp_utf8_valid(text.p, text.len);
}

static uint32_t count_heads(reader r)
{
    uint32_t n = 0;
    while (r.p < r.end)
        n += is_head(next_line(&r));
    return n;
}

int sp_locale_parse(sp_arena *arena, const sp_locale_name *name, sp_str text, const char *path, sp_locale **out,
                    spate_error *err)
{
    sp_locale *l = sp_arena_alloc(arena, 1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    reader r = {.arena = arena, .locale = l, .path = path, .p = text.p, .end = text.p + text.len, .err = err};
    if (!is_text(text) || !sp_str_is(next_line(&r), "spate words 1"))
        return corrupt(&r, "is no file of words that this version of spate can read");
    next_line(&r); /* where the words are from */
    l->name = name;
    l->entries = r.entries = sp_arena_alloc(arena, count_heads(r) + 1, sizeof(*r.entries));
    if (!r.entries)
        return sp_fail_nomem(err);
    while (r.p < r.end) {
        int status = read_entry(&r);
        if (status != SPATE_OK)
            return status;
    }
    *out = l;
    return SPATE_OK;
}

int sp_locale_load(sp_arena *arena, const sp_locale_name *name, sp_locale **out, spate_error *err)
{
    static const char *const dirs[] = {SP_LOCALES_BUILT, SP_LOCALES_INSTALLED};
    char path[4096];
    sp_buf text;
    sp_buf_init(&text);
    for (size_t i = 0; i < SP_COUNT(dirs); i++) {
        snprintf(path, sizeof(path), "%s/%s.words", dirs[i], name->code);
        if (sp_os_exists(path))
            break;
    }
    int status = sp_os_read_file(path, FILE_MAX, &text, err);
    const char *kept =
        status == SPATE_OK ? sp_arena_strndup(arena, text.data, text.len) : NULL; /* names and recipes stay there */
    if (status == SPATE_OK)
        status = kept ? sp_locale_parse(arena, name, (sp_str){kept, text.len}, path, out, err) : sp_fail_nomem(err);
    sp_buf_done(&text);
    return status;
}
