/* words.c - finds word lists by name. The lists themselves are data, made by tools/words.mjs at
 * build time; every word is drawn by its number, so the order within a list is part of what a seed
 * means. Says too what care text needs. */
#include "gen/locale.h"

sp_care sp_care_of(sp_str text)
{
    static const uint8_t of[256] = {
        [' '] = SP_CARE_NOTHING,
        ['!'] = SP_CARE_SQL,
        ['#'] = SP_CARE_NOTHING,
        ['$' ... '*'] = SP_CARE_SQL,
        ['+'] = SP_CARE_NOTHING,
        [','] = SP_CARE_QUOTES,
        ['-' ... ':'] = SP_CARE_NOTHING,
        [';' ... '?'] = SP_CARE_SQL,
        ['@' ... 'Z'] = SP_CARE_NOTHING,
        ['['] = SP_CARE_SQL,
        [']' ... '^'] = SP_CARE_SQL,
        ['_'] = SP_CARE_NOTHING,
        ['`'] = SP_CARE_SQL,
        ['a' ... 'z'] = SP_CARE_NOTHING,
        ['{' ... 255] = SP_CARE_SQL, /* a quote, a backslash, control: 0 */
    };
    unsigned care = text.len ? SP_CARE_NOTHING : SP_CARE_ESCAPES;
    for (size_t i = 0; i < text.len; i++)
        care = SP_MIN(care, (unsigned)of[(unsigned char)text.p[i]]);
    return (sp_care)care;
}

const sp_words *sp_words_find(sp_str name)
{
    uint32_t low = 0, high = sp_words_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const sp_words *words = &sp_words_all[mid];
        size_t len = strlen(words->name);
        int order = memcmp(name.p, words->name, SP_MIN(len, name.len));
        if (order == 0 && len == name.len)
            return words;
        if (order < 0 || (order == 0 && name.len < len))
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const sp_words *sp_words_of(const sp_func_env *env, const char *name)
{
    const sp_words *own = env->locale ? sp_locale_words(env->locale, sp_str_of(name)) : NULL;
    const sp_words *words = own ? own : sp_words_find(sp_str_of(name));
    SP_ASSERT(words);
    if (own && env->local)
        *env->local = true;
    return words;
}
