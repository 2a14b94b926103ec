/* config_text.c - texts: what names, lengths, patterns and the case of letters say of them. */
#include "job/config.h"

#include <math.h>

static uint64_t power_of_letters(int64_t length)
{
    return length > 9 ? UINT64_MAX : (uint64_t)pow(62, (double)length);
}

static void choose_letters(sp_making *m, int64_t min, int64_t max)
{
    if (m->unique) /* of one length: what differs in length alone is not worth the trouble */
        min = max = SP_MIN(max, SP_MAX(min, INT64_C(12)));
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

/* LIKE: what stands for any text becomes a draw, what stands for any letter an x. */
static void choose_like(sp_making *m, sp_str like)
{
    if (memchr(like.p, '@', like.len) && m->out->tries == 0) {
        sp_making_mode(m, "value", "${email}");
        return;
    }
    static const char *const any[] = {"${ach_routing}", "${credit_card_cvv}"};
    sp_buf text = {0};
    int rc = SPATE_OK;
    for (size_t i = 0; i < like.len && !rc; i++)
        rc = like.p[i] == '%'   ? sp_buf_adds(&text, any[SP_MIN(m->out->tries, 1u)])
             : like.p[i] == '_' ? sp_buf_adds(&text, "x")
                                : sp_buf_add(&text, &like.p[i], 1);
    sp_making_mode(m, "value", rc ? "" : sp_config_printf(m->k, "%.*s", (int)text.len, text.data ? text.data : ""));
    m->k->nomem = m->k->nomem || rc;
    sp_buf_done(&text);
}

/* Longest and shortest text that the type and the conditions allow. */
static void text_lengths(const sp_making *m, int64_t *min, int64_t *max)
{
    *max = m->type->length ? m->type->length : 255;
    *min = SP_MAX(m->demand->length_min, INT64_C(0));
    if (m->demand->length_max >= 0)
        *max = SP_MIN(*max, m->demand->length_max);
    *max = SP_MAX(*max, *min);
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
    bool as_named = said && ((strstr(said, "${email}") && strchr(text, '@')) ||
                             (strstr(said, "${url}") && strstr(text, "://")));
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
    static const char *const capitals[] = {"${country_abr}", "${currency_short}", "${state_abr}"},
                            *const smalls[] = {"${email}", "${url}", "${domain_name}", "${uuid}"};
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
    choose_pattern(m,
                   sp_config_printf(m->k, "[%s]{%lld,%lld}", m->demand->upper ? "A-Z" : "a-z", (long long)from,
                                    (long long)to),
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

void sp_making_text(sp_making *m)
{
    int64_t min, max;
    text_lengths(m, &min, &max);
    const char *said = m->out->tries == 0 ? sp_words_text(m->d->t->name, m->c->name) : NULL;
    bool measured = m->demand->length_min > 0 || m->demand->length_max >= 0;
    if (m->demand->like.p && m->out->tries < 2) {
        choose_like(m, m->demand->like);
        return;
    }
    if ((m->demand->date || m->demand->moment) && m->out->tries == 0) {
        sp_making_mode(m, "range", "timestamp");
        m->out->props = sp_config_printf(m->k, "{min: 2020-01-01, max: 2026-01-01, format: %s}",
                                         m->demand->moment ? "\"2006-01-02 15:04:05\"" : "2006-01-02");
        return;
    }
    if (choose_regex(m, said) || choose_case(m, said, min, max))
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

