/* ints.h - streams of integers: what every number, code and length of a segment is packed as (format.h, sp_ints_header).
 *
 * Values are loaded from a column as 64-bit integers (floats by way of their decimals or bits), packed vector by vector, and read
 * back from anywhere into the column's own width. A value that does not follow the rule of its vector is a patch: its final bits,
 * laid over the others at the end. So the rule never decides what comes back. */
#ifndef SP_STORE_INTS_H
#define SP_STORE_INTS_H

#include "store/format.h"
#include "store/kernels.h"

typedef enum sp_as {
    SP_AS_16,
    SP_AS_32,
    SP_AS_64,   /* integers of that width, signs kept */
    SP_AS_TENS, /* of 64 bits: integer * 10^param */
    SP_AS_DECIMAL,
    SP_AS_DECIMAL_F32, /* doubles, floats: integer / 10^param */
    SP_AS_BITS_64,
    SP_AS_BITS_32, /* their bits: integer << param */
} sp_as;

static inline unsigned sp_as_width(sp_as as)
{
    return as == SP_AS_16 ? 2 : as == SP_AS_32 || as == SP_AS_DECIMAL_F32 || as == SP_AS_BITS_32 ? 4 : 8;
}

typedef struct sp_ints_source {
    sp_as as;
    unsigned param;
    const void *data;
    uint32_t count;
} sp_ints_source;

/* How a column was packed last time; asked anew every so many blocks. Zeroed: not known yet. */
typedef struct sp_ints_plan {
    bool known, slope, patch, from_above; /* from_above: what is small is patched, else what is large */
    uint8_t mode, age;
    uint8_t bits; /* a value, as planned */
} sp_ints_plan;

/* Adds the stream to out, 8-byte aligned relative to its own start. plan may be NULL. Not more than count / 4 forced patches: else
 * nothing is added and *given_up is set (NULL: never gives up). */
int sp_ints_encode(const sp_kernels *k, const sp_ints_source *source, sp_ints_plan *plan, sp_buf *out,
                   bool *given_up) SP_MUST_CHECK;

typedef struct sp_ints {
    const char *bytes; /* of the stream, header included */
    uint32_t count, size;
    uint8_t mode, width;
    bool uniform;
    uint64_t step, base;
} sp_ints;

/* Looks at every number that decides where is read: false when the stream is not sound. size <= len. */
bool sp_ints_parse(const void *p, size_t len, unsigned width_max, sp_ints *s) SP_MUST_CHECK;
/* Values from..from + n into out, which has room for whole places behind them: n + SP_LANES_32 values. */
void sp_ints_read(const sp_kernels *k, const sp_ints *s, uint32_t from, uint32_t n, sp_as as, unsigned param,
                  void *out);

/* All numbers of a source as they would be packed, and their range; false when one is not exact. */
bool sp_ints_load(const sp_kernels *k, const sp_ints_source *source, int64_t *out, int64_t *low,
                  int64_t *high) SP_MUST_CHECK;
/* Up to SP_VECTOR numbers as cells. Their low bits will do for cells of 32 bits and less, but for decimals. */
void sp_ints_finish32(const sp_kernels *k, const uint32_t *v, uint32_t n, sp_as as, unsigned param, void *out);
void sp_ints_finish64(const sp_kernels *k, const uint64_t *v, uint32_t n, sp_as as, unsigned param, void *out);

/* What is said of a vector, in the table or in the stream's header. */
sp_ints_vector sp_ints_vector_of(const sp_ints *s, uint32_t i);

/* Puts another value at i of bytes, which are a copy of the stream: false where its vector's width does not allow it. */
bool sp_ints_set(const sp_ints *s, char *bytes, uint32_t i, sp_as as, unsigned param, uint64_t final_bits);

#endif
