/* regex.h - private to gen: a regular expression as a tree, the texts that it matches as a language of which each can be counted, and
 * whether a text has one of them in it. */
#ifndef SP_GEN_REGEX_H
#define SP_GEN_REGEX_H

#include "gen/cell.h"

typedef struct sp_regex_range {
    uint32_t low, high; /* characters, both ends included */
} sp_regex_range;

typedef enum sp_regex_kind {
    SP_REGEX_CLASS,
    SP_REGEX_REPEAT,
    SP_REGEX_SEQUENCE,
    SP_REGEX_CHOICE,
    SP_REGEX_PLACE /* of trees to match by: one that has no characters */
} sp_regex_kind;

typedef enum sp_regex_place { SP_AT_START, SP_AT_END, SP_AT_WORD_EDGE, SP_AT_NO_WORD_EDGE } sp_regex_place;

typedef struct sp_regex {
    sp_regex_kind kind;
    struct sp_regex *first, *next; /* children, and the next one of the same parent */
    uint32_t n;                    /* children of a CHOICE */
    uint32_t least, most;          /* REPEAT */
    const sp_regex_range *ranges;  /* CLASS: no character is in two of them */
    uint32_t n_ranges, characters;
    sp_regex_place place;
} sp_regex;

/* The tree of an expression, of Go's and Perl's syntax. repeat_max: of * and +; SP_REGEX_NO_END: the tree is to match by, so that
 * there is no most, classes are of all characters, and places count. NULL: no memory, or *why says what is wrong. */
#define SP_REGEX_NO_END UINT32_MAX
sp_regex *sp_regex_read(sp_arena *arena, sp_str text, uint32_t repeat_max, const char **why);

char *sp_regex_put_character(char *p, uint32_t c); /* as UTF-8 */

/* ---- language.c ---- */

typedef struct sp_language sp_language;
/* NULL: no memory, or *why says what cannot be done. */
sp_language *sp_language_new(sp_arena *arena, const sp_regex *root, const char **why);
/* How many different texts there are; UINT64_MAX: that many, or more. */
uint64_t sp_language_words(const sp_language *l);
/* Writes one of them: a different one for each number of the lot. All lots of a column have one key. */
char *sp_language_put(const sp_language *l, uint64_t key, sp_lot *lot, char *p);

/* ---- match.c ---- */

typedef struct sp_matcher sp_matcher;
/* NULL: no memory, or *why says what is wrong. */
sp_matcher *sp_matcher_new(sp_arena *arena, sp_str regex, const char **why);
/* Has the text a part that the expression matches? */
bool sp_matcher_finds(const sp_matcher *m, sp_str text);

#endif
