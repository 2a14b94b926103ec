/* locale.h - private to gen: the words of locales other than English.
 *
 * A locale is a file of words (tools/locales.mjs) that is read when a plan first names it, and lives as long as the generator does.
 * It says what some functions are made of there; the other functions are as in English. */
#ifndef SP_GEN_LOCALE_H
#define SP_GEN_LOCALE_H

#include "gen/cell.h"

typedef struct sp_locale_name {
    const char *code, *title;
    const char *country; /* ISO 3166, of the locale's places; "": none in particular */
} sp_locale_name;
extern const sp_locale_name sp_locale_names[]; /* sorted by code, sp_locale_count of them */
extern const uint32_t sp_locale_count;

struct sp_locale {
    const sp_locale_name *name;
    const struct sp_locale_entry *entries;
    uint32_t n;
    struct sp_locale *next; /* of those that a generator has read */
};

/* NULL: no such locale. English is one, and has no file. */
const sp_locale_name *sp_locale_find(sp_str code);
/* Reads the locale's file, from beside the program's other data or from where it was built. */
int sp_locale_load(sp_arena *arena, const sp_locale_name *name, sp_locale **out, spate_error *err) SP_MUST_CHECK;
/* The same from the text of a file, which path names in what is said of it. */
int sp_locale_parse(sp_arena *arena, const sp_locale_name *name, sp_str text, const char *path, sp_locale **out,
                    spate_error *err) SP_MUST_CHECK;

/* The list of that name; NULL: the locale has none. */
const sp_words *sp_locale_words(const sp_locale *l, sp_str name);
/* Its recipe of that name; an empty text: none. */
sp_str sp_locale_recipe(const sp_locale *l, sp_str name);

#endif
