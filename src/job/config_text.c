/* config_text.c - texts: what names, lengths, patterns and the case of letters say of them. */
#include "job/config.h"

#include "codec/codec.h"

#include <math.h>
#include <string.h>

static uint64_t power_of_letters(int64_t length)
{
    return length > 9 ? UINT64_MAX : (uint64_t)pow(62, (double)length);
}

/* Capitals and small letters are the same to MariaDB, but for collations that say otherwise, and to some of SQLite's. */
static bool is_blind(const sp_making *m)
{
    const char *collation = m->c->collation ? m->c->collation : m->d->t->collation;
    size_t len = collation ? strlen(collation) : 0;
    if (!sp_sql_is_mariadb((sp_sql_dialect)m->k->c->dialect))
        return len && sp_str_ieq((sp_str){collation, len}, "nocase");
    return !(len > 4 && (strcmp(collation + len - 4, "_bin") == 0 || strcmp(collation + len - 3, "_cs") == 0));
}

static void choose_letters(sp_making *m, int64_t min, int64_t max)
{
    if (m->unique) /* of one length: what differs in length alone is not worth the trouble */
        min = max = SP_MIN(max, SP_MAX(min, INT64_C(12)));
    if (m->unique && is_blind(m)) {
        sp_making_mode(m, "pattern", sp_config_printf(m->k, "[a-z0-9]{%lld}", (long long)max));
        m->out->most = max > 11 ? UINT64_MAX : (uint64_t)pow(36, (double)max);
        return;
    }
    sp_making_mode(m, "range", "string");
    m->out->props = sp_config_printf(m->k, "{min: %lld, max: %lld}", (long long)min, (long long)max + 1);
    m->out->most = power_of_letters(max);
}

/* Alternatives with "|" between are a set. */
void sp_making_alternatives(sp_making *m, const char *text)
{
    sp_str *items = sp_arena_alloc(m->k->arena, strlen(text) + 1, sizeof(*items));
    if (!items) {
        m->k->nomem = true;
        return;
    }
    m->out->mode = "set";
    m->out->items = items;
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, "|");
        items[m->out->n_items++] = (sp_str){p, len};
        p += len + (p[len] == '|');
    }
    m->out->most = m->out->n_items;
}

/* What must differ in its first letters is no longer than these; most texts are not anyway. */
static bool is_cut_short(const sp_making *m)
{
    return m->unique && m->prefix && m->prefix < 64;
}

/* Longest and shortest text that the type and the conditions allow. */
static void text_lengths(const sp_making *m, int64_t *min, int64_t *max)
{
    *max = m->type->length ? m->type->length : 255;
    *max = is_cut_short(m) ? SP_MIN(*max, m->prefix) : *max;
    *min = SP_MAX(m->demand->length_min, INT64_C(0));
    if (m->demand->length_max >= 0)
        *max = SP_MIN(*max, m->demand->length_max);
    *max = SP_MAX(*max, *min);
}

typedef struct shape { /* LIKE's or GLOB's */
    sp_str text;
    bool glob;
} shape;

/* The sign at *at, which is moved on: '*': any text, '?': any letter, '[': a class, 0: itself, which is *what. */
static char next_sign(const shape *s, size_t *at, sp_str *what)
{
    char c = s->text.p[*at];
    const char *close = s->glob && c == '[' ? memchr(s->text.p + *at + 1, ']', s->text.len - *at - 1) : NULL;
    size_t len = close ? (size_t)(close - s->text.p) - *at + 1 : 1;
    bool escaped = !s->glob && c == '\\' && *at + 1 < s->text.len;
    *what = (sp_str){s->text.p + *at + escaped, len};
    *at += len + escaped;
    if (escaped)
        return 0;
    return close ? '[' : c == (s->glob ? '*' : '%') ? '*' : c == (s->glob ? '?' : '_') ? '?' : 0;
}

static int add_sign(sp_buf *out, char sign, sp_str what, int64_t min, int64_t max)
{
    if (sign == '*')
        return sp_buf_printf(out, "[a-z0-9]{%lld,%lld}", (long long)min, (long long)max);
    if (sign == '?')
        return sp_buf_adds(out, "[a-z0-9]");
    if (!sign && strchr(".*+?(){}[]|^$\\", *what.p) && sp_buf_adds(out, "\\"))
        return SPATE_E_NOMEM;
    return sp_buf_add(out, what.p, what.len);
}

/* What stands for any text is as long as the column allows, but not much longer than it must be. */
static void choose_shape(sp_making *m, const shape *s, int64_t min, int64_t max)
{
    int64_t fixed = 0, any = 0, most = m->unique ? 12 : 8;
    sp_str what;
    for (size_t at = 0; at < s->text.len;) {
        bool is_any = next_sign(s, &at, &what) == '*';
        fixed += !is_any;
        any += is_any;
    }
    int64_t least = any ? (SP_MAX(min - fixed, INT64_C(0)) + any - 1) / any : 0,
            room = any ? SP_MAX(max - fixed, INT64_C(0)) / any : 0;
    sp_buf text = {0};
    int rc = sp_buf_adds(&text, "^");
    most = SP_MIN(room, SP_MAX(most, least));
    for (size_t at = 0; at < s->text.len && !rc;) {
        char sign = next_sign(s, &at, &what);
        rc = add_sign(&text, sign, what, m->unique ? most : SP_MIN(SP_MAX(least, INT64_C(1)), most), most);
    }
    rc = rc || sp_buf_adds(&text, "$");
    const char *kept = rc ? NULL : sp_arena_strndup(m->k->arena, text.data, text.len);
    m->k->nomem = m->k->nomem || !kept;
    sp_making_mode(m, "pattern", kept ? kept : "");
    sp_buf_done(&text);
}

/* LIKE '____-__-__', of a text in which there is a day. */
static bool is_day(sp_str like)
{
    return sp_str_is(like, "____-__-__") || sp_str_is(like, "____-%-%") || sp_str_is(like, "%-%-%");
}

static bool choose_like(sp_making *m, int64_t min, int64_t max)
{
    const sp_demand *d = m->demand;
    if (m->out->tries > 1 || (!d->like.p && !d->glob.p))
        return false;
    if (d->like.p && memchr(d->like.p, '@', d->like.len) && m->out->tries == 0 && !d->length_min && d->length_max < 0) {
        sp_making_mode(m, "value", "${email}");
        return true;
    }
    choose_shape(m, d->glob.p ? &(shape){d->glob, true} : &(shape){d->like, false}, min, max);
    return true;
}

static void choose_pattern(sp_making *m, const char *regex, const char *props)
{
    sp_making_mode(m, "pattern", regex);
    m->out->props = props;
}

/* What a check demands by a regular expression is made by it; an address of mail, or of a page, may be what the name says. */
static bool choose_regex(sp_making *m, const char *said)
{
    static const char *const repeats[] = {NULL, "{repeat: 4}"};
    sp_str regex = m->demand->regex;
    const char *text = regex.p ? sp_arena_strndup(m->k->arena, regex.p, regex.len) : NULL;
    m->k->nomem = m->k->nomem || (regex.p && !text);
    if (!text)
        return false;
    bool as_named =
        said && ((strstr(said, "${email}") && strchr(text, '@')) || (strstr(said, "${url}") && strstr(text, "://")));
    if (as_named || m->out->tries >= SP_COUNT(repeats)) {
        m->out->note = sp_config_printf(m->k, "a check demands ~ '%.60s'", text);
        return false;
    }
    choose_pattern(m, text, repeats[m->out->tries]);
    return true;
}

/* Letters that are all capitals, or all small, as far as the name's values are not so anyway. */
static bool choose_case(sp_making *m, const char *said, int64_t min, int64_t max)
{
    static const char *const capitals[] = {"${country_abr}", "${currency_short}", "${state_abr}"}, *const smalls[] = {
                                                                                                       "${email}",
                                                                                                       "${url}",
                                                                                                       "${domain_name}",
                                                                                                       "${uuid}"};
    const char *const *names = m->demand->upper ? capitals : smalls;
    size_t n = m->demand->upper ? SP_COUNT(capitals) : SP_COUNT(smalls);
    bool fits = false;
    for (size_t i = 0; said && i < n; i++)
        fits = fits || strcmp(said, names[i]) == 0;
    if ((!m->demand->upper && !m->demand->lower) || (fits && (m->demand->lower || !m->unique)) || m->out->tries > 1)
        return false;
    int64_t from = m->type->fixed ? max : SP_MAX(min, SP_MIN(max, INT64_C(6))), to = SP_MAX(from, SP_MIN(max, 12));
    if (m->unique) /* all of one length */
        from = to;
    choose_pattern(
        m, sp_config_printf(m->k, "[%s]{%lld,%lld}", m->demand->upper ? "A-Z" : "a-z", (long long)from, (long long)to),
        NULL);
    m->out->most = m->unique && to <= 13 ? (uint64_t)pow(26, (double)to) : UINT64_MAX;
    return true;
}

/* What the name says has no blanks. */
static bool is_one_word(const char *said)
{
    static const char *const words[] = {"${email}",    "${url}",  "${domain_name}", "${uuid}",
                                        "${username}", "${noun}", "${word}"};
    for (size_t i = 0; said && i < SP_COUNT(words); i++)
        if (strcmp(said, words[i]) == 0)
            return true;
    return false;
}

/* Small letters: no condition that words must be without something is about them. */
static bool choose_one_word(sp_making *m, const char *said, int64_t min, int64_t max)
{
    if (is_one_word(said) || m->out->tries > 1)
        return false;
    int64_t from = SP_MAX(min, SP_MIN(max, INT64_C(4))), to = SP_MAX(from, SP_MIN(max, INT64_C(12)));
    if (m->unique)
        from = to;
    choose_pattern(m, sp_config_printf(m->k, "[a-z]{%lld,%lld}", (long long)from, (long long)to), NULL);
    return true;
}

/* No name says what it is, or that is too long, but the statistics how many values there are, and which come most. */
static bool choose_numbered(sp_making *m, const char *said, int64_t max)
{
    if (!m->c->stats || m->unique || m->out->tries > 1)
        return false;
    sp_config_common(m->k, m->c->stats, m->out);
    bool each = false;
    uint64_t others = said ? 0 : sp_config_few(m, &each);
    char digits[24];
    int64_t width = sp_put_u64(digits, others) - digits;
    if (!others || each || width > max)
        return false;
    sp_buf text = {0};
    int rc = sp_buf_adds(&text, "'");
    for (const char *p = m->c->name; *p && !rc; p++)
        rc = sp_buf_add(&text, p, 1) || (*p == '\'' && sp_buf_add(&text, p, 1));
    bool named = (int64_t)strlen(m->c->name) + 1 + width <= max;
    const char *drawn = sp_config_printf(m->k, "text(random(1, %llu))", (unsigned long long)others);
    sp_making_mode(m, "expr",
                   named && !rc ? sp_config_printf(m->k, "%.*s ' || %s", (int)text.len, text.data, drawn) : drawn);
    m->out->type = m->type->length ? NULL : "text";
    m->out->note = "as many as there are";
    m->k->nomem = m->k->nomem || rc;
    sp_buf_done(&text);
    return true;
}

void sp_making_text(sp_making *m)
{
    int64_t min, max;
    text_lengths(m, &min, &max);
    const char *said = m->out->tries == 0 ? sp_words_text(m->d->t->name, m->c->name) : NULL;
    bool measured = m->demand->length_min > 0 || m->demand->length_max >= 0 || is_cut_short(m);
    bool day = m->demand->date || (m->demand->like.p && is_day(m->demand->like));
    if ((day || m->demand->moment) && m->out->tries == 0 && !m->unique) {
        sp_making_mode(m, "range", "timestamp");
        m->out->props = sp_config_printf(m->k, "{min: 2020-01-01, max: 2026-01-01, format: %s}",
                                         m->demand->moment ? "\"2006-01-02 15:04:05\"" : "2006-01-02");
        return;
    }
    if (choose_like(m, min, max) || choose_regex(m, said) || choose_case(m, said, min, max))
        return;
    if (!measured && !m->demand->one_word && choose_numbered(m, said, max))
        return;
    if (said && !measured && !(m->demand->one_word && !is_one_word(said))) {
        int64_t letters;
        if (*said == '#' && sp_parse_i64(sp_str_of(said + 1), &letters))
            choose_letters(m, SP_MIN(letters, max), SP_MIN(letters, max));
        else if (strchr(said, '|'))
            sp_making_alternatives(m, said);
        else
            sp_making_mode(m, "value", said);
        return;
    }
    if (m->demand->one_word && choose_one_word(m, said, min, max))
        return;
    bool prose = max >= 24 && !measured && !sp_words_is_code(m->c->name) && !m->type->fixed;
    if (prose && m->out->tries < 2) {
        sp_making_mode(m, "value", m->out->tries ? "${word}" : "${adjective} ${noun}");
        m->out->note = m->out->note ? m->out->note : "a guess";
        return;
    }
    choose_letters(m, m->type->fixed ? max : SP_MAX(min, SP_MIN(max, INT64_C(8))),
                   m->type->fixed ? max : SP_MIN(max, SP_MAX(min, INT64_C(12))));
}
