/* guess.h - private to the room: what kinds columns are that a file does not name. */
#ifndef SP_GUESS_H
#define SP_GUESS_H

#include "codec/codec.h"

/* What the cells of a column that were seen so far could all be. */
typedef struct sp_guess {
    uint32_t not ;            /* a bit a kind: some cell is none of these */
    unsigned whole, fraction; /* digits of numbers, at most */
    bool seen;
} sp_guess;

/* bare: not text between quotes, where the form tells (JSON). */
int sp_guess_see(sp_guess *g, sp_str cell, bool bare) SP_MUST_CHECK;
/* The narrowest kind that loses nothing: text when nothing else would do. */
sp_type sp_guess_type(const sp_guess *g);
/* Of a decimal: whether it has more digits than a double keeps. */
bool sp_guess_is_long(const sp_guess *g);

#endif
