/* regex.h - private to gen: a regular expression as a tree, and the texts that it matches as a language of which
 * each can be counted. */
#ifndef SP_GEN_REGEX_H
#define SP_GEN_REGEX_H

#include "gen/cell.h"

typedef struct sp_regex_range {
    uint32_t low, high; /* characters, both ends included */
} sp_regex_range;

typedef enum sp_regex_kind { SP_REGEX_CLASS, SP_REGEX_REPEAT, SP_REGEX_SEQUENCE, SP_REGEX_CHOICE } sp_regex_kind;

typedef struct sp_regex {
    sp_regex_kind kind;
    struct sp_regex *first, *next; /* children, and the next one of the same parent */
    uint32_t n;                    /* children of a CHOICE */
    uint32_t least, most;          /* REPEAT */
    const sp_regex_range *ranges;  /* CLASS: no character is in two of them */
    uint32_t n_ranges, characters;
} sp_regex;

char *sp_regex_put_character(char *p, uint32_t c); /* as UTF-8 */

/* ---- language.c ---- */

typedef struct sp_language sp_language;
/* NULL: no memory, or *why says what cannot be done. */
sp_language *sp_language_new(sp_arena *arena, const sp_regex *root, const char **why);
/* How many different texts there are; UINT64_MAX: that many, or more. */
uint64_t sp_language_words(const sp_language *l);
/* Writes one of them: a different one for each number of the lot. All lots of a column have one key. */
char *sp_language_put(const sp_language *l, uint64_t key, sp_lot *lot, char *p);

#endif
