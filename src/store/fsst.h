/* fsst.h - short strings by a table of 255 symbols of up to 8 bytes (Boncz, Neumann, Leis: "FSST: fast random access string
 * compression", 2020). Every string is compressed by itself, so any of them can be read alone. Written from the paper. */
#ifndef SP_STORE_FSST_H
#define SP_STORE_FSST_H

#include "base/base.h"

enum {
    SP_FSST_SYMBOLS = 255,
    SP_FSST_ESCAPE = 255, /* the next byte stands for itself */
    SP_FSST_TABLE_MAX = 1 + SP_FSST_SYMBOLS * 9,
    SP_FSST_GROWS = 2, /* compressed bytes are at most so many times the original's */
    SP_FSST_SHRINKS = 8,
};

#define SP_FSST_INSIDE UINT32_MAX

/* For reading: symbols as 8 bytes, the first in the lowest byte. */
typedef struct sp_fsst {
    uint64_t symbol[256];
    uint8_t len[256]; /* 0: no such symbol */
    unsigned n;
} sp_fsst;

/* For writing: finds the longest symbol that the text goes on with. */
typedef struct sp_fsst_maker sp_fsst_maker;
sp_fsst_maker *sp_fsst_maker_new(void); /* NULL: no memory */
void sp_fsst_maker_free(sp_fsst_maker *m);
/* Learns symbols from up to some 16 KiB of the strings. bytes has SP_SLACK readable bytes behind offsets[n]. */
void sp_fsst_learn(sp_fsst_maker *m, const char *bytes, const int32_t *offsets, uint32_t n);
/* Compresses one string; out has room for SP_FSST_GROWS times its length. Returns the end. */
char *sp_fsst_put(const sp_fsst_maker *m, const char *s, size_t len, char *out);
size_t sp_fsst_put_table(const sp_fsst_maker *m, char *out); /* at most SP_FSST_TABLE_MAX bytes */

bool sp_fsst_parse(const char *p, size_t len, sp_fsst *t, size_t *used);
/* Reads n codes of strings that lie one behind the other. at has n + 1 places: [k] becomes how many bytes the first k codes have given,
 * SP_FSST_INSIDE where the k-th only says that the next byte stands for itself. Writes up to 8 * n bytes and 8 more. Returns how many
 * codes were read: n, or one less where the last of them says that. */
uint32_t sp_fsst_get(const sp_fsst *t, const char *codes, uint32_t n, char *out, uint32_t *at);

#endif
