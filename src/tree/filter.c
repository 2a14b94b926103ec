/* filter.c - see filter.h. The matcher never looks back further than to the last star of each of the two kinds: a later "**" can
 * take whatever an earlier one could, and a later "*" of the same name too. So its cost is at most the product of the lengths. */
#include "tree/filter.h"

#include "os/os.h"

void sp_filter_init(sp_filter *f)
{
    *f = (sp_filter){.size_max = UINT64_MAX, .modified_from_ns = INT64_MIN, .modified_to_ns = INT64_MAX};
    sp_arena_init(&f->arena);
}

void sp_filter_done(sp_filter *f)
{
    sp_arena_done(&f->arena);
    sp_free(f->patterns);
    sp_filter_init(f);
}

/* ---- patterns ---- */

/* Without blanks at the end, unless a backslash keeps them. */
static size_t trimmed(const char *line)
{
    size_t len = strcspn(line, "\r\n");
    while (len > 0 && line[len - 1] == ' ' && !(len > 1 && line[len - 2] == '\\'))
        len--;
    return len;
}

static int add_pattern(sp_filter *f, sp_str text, sp_pattern pattern, spate_error *err)
{
    if (f->n_patterns == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 16;
        sp_pattern *more = sp_realloc(f->patterns, cap * sizeof *more);
        if (!more)
            return sp_fail_nomem(err);
        f->patterns = more;
        f->cap = cap;
    }
    pattern.text = sp_arena_strndup(&f->arena, text.p, text.len);
    if (!pattern.text || !pattern.reason)
        return sp_fail_nomem(err);
    f->patterns[f->n_patterns++] = pattern;
    return SPATE_OK;
}

int sp_filter_add(sp_filter *f, const char *line, bool takes_back, spate_error *err)
{
    sp_str s = {line, trimmed(line)};
    sp_pattern pattern = {.takes_back = takes_back,
                          .reason = sp_arena_printf(&f->arena, "pattern: %.*s", (int)s.len, line)};
    if (s.len == 0 || s.p[0] == '#')
        return SPATE_OK;
    if (!takes_back && s.p[0] == '!') {
        pattern.takes_back = true;
        s = (sp_str){s.p + 1, s.len - 1};
    }
    if (s.len && s.p[s.len - 1] == '/') {
        pattern.folders_only = true;
        s.len--;
    }
    pattern.tied = memchr(s.p, '/', s.len) != NULL;
    if (s.len && s.p[0] == '/')
        s = (sp_str){s.p + 1, s.len - 1};
    if (s.len == 0)
        return sp_fail(err, SPATE_E_USAGE, "the pattern \"%s\" names nothing", line);
    return add_pattern(f, s, pattern, err);
}

int sp_filter_add_file(sp_filter *f, const char *path, spate_error *err)
{
    sp_buf text;
    sp_buf_init(&text);
    int rc = sp_os_read_file(path, SP_PLAN_BYTES_MAX, &text, err);
    for (char *line = text.data; rc == SPATE_OK && line && *line;) {
        char *end = line + strcspn(line, "\n");
        bool last = *end == '\0';
        *end = '\0';
        rc = sp_filter_add(f, line, false, err);
        line = last ? end : end + 1;
    }
    sp_buf_done(&text);
    return rc;
}

/* ---- matching ---- */

/* After the '[': does c belong to the class? *pattern moves behind the ']'. A class that does not end matches nothing. */
static bool in_class(const char **pattern, unsigned char c)
{
    const unsigned char *p = (const unsigned char *)*pattern;
    bool negated = *p == '!' || *p == '^', found = false;
    p += negated;
    for (const unsigned char *first = p; *p && (*p != ']' || p == first); p++) {
        p += *p == '\\' && p[1];
        unsigned char from = *p, to = from;
        if (p[1] == '-' && p[2] && p[2] != ']') {
            p += 2;
            p += *p == '\\' && p[1];
            to = *p;
        }
        found |= from <= c && c <= to;
    }
    if (!*p)
        return false;
    *pattern = (const char *)p + 1;
    return found != negated && c != '/';
}

/* One unit of the pattern that is no star, against one byte. */
static bool unit_matches(const char **pattern, char c)
{
    const char *p = *pattern;
    if (*p == '[') {
        p++;
        if (!in_class(&p, (unsigned char)c))
            return false;
    } else if (*p == '?') {
        if (c == '/')
            return false;
        p++;
    } else {
        p += *p == '\\' && p[1];
        if (*p++ != c)
            return false;
    }
    *pattern = p;
    return true;
}

/* "**" with nothing but slashes and ends around it. */
static bool is_deep_star(const char *p, const char *pattern)
{
    return p[0] == '*' && p[1] == '*' && (p == pattern || p[-1] == '/') && (p[2] == '/' || p[2] == '\0');
}

bool sp_filter_matches(const char *pattern, sp_str path)
{
    const char *p = pattern, *s = path.p, *end = path.p + path.len;
    const char *star = NULL, *star_at = NULL; /* behind the last '*', and what it took so far */
    const char *deep = NULL, *deep_at = NULL; /* the same for the last "**" followed by a slash */
    for (;;) {
        if (is_deep_star(p, pattern)) {
            if (p[2] == '\0')
                return s < end;
            deep = p += 3;
            deep_at = s;
            star = NULL;
            continue;
        }
        if (*p == '*') {
            p += strspn(p, "*");
            star = p;
            star_at = s;
            continue;
        }
        if (s == end && *p == '\0')
            return true;
        if (s < end && *p && unit_matches(&p, *s)) {
            s++;
            continue;
        }
        if (star && star_at < end && *star_at != '/') {
            s = ++star_at;
            p = star;
            continue;
        }
        const char *slash = deep ? memchr(deep_at, '/', (size_t)(end - deep_at)) : NULL;
        if (!slash)
            return false;
        s = deep_at = slash + 1;
        p = deep;
        star = NULL;
    }
}

static bool pattern_applies(const sp_pattern *pattern, sp_str path, const sp_entry *entry)
{
    if (pattern->folders_only && entry->type != SP_ENTRY_FOLDER)
        return false;
    sp_str name = {path.p + path.len - entry->name_len, entry->name_len};
    sp_str whole = {path.p + 1, path.len - 1};
    return sp_filter_matches(pattern->text, pattern->tied ? whole : name);
}

const char *sp_filter_excludes(const sp_filter *f, sp_str path, const sp_entry *entry)
{
    for (size_t i = f->n_patterns; i-- > 0;)
        if (pattern_applies(&f->patterns[i], path, entry)) {
            if (!f->patterns[i].takes_back)
                return f->patterns[i].reason;
            break;
        }
    if (entry->type != SP_ENTRY_FILE)
        return NULL;
    if (entry->size < f->size_min)
        return "smaller than --min-size";
    if (entry->size > f->size_max)
        return "larger than --max-size";
    if (entry->modified_ns < f->modified_from_ns)
        return "older than --max-age";
    if (entry->modified_ns > f->modified_to_ns)
        return "younger than --min-age";
    return NULL;
}
