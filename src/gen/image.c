/* image.c - pictures of noise, 256 x 256 points, as bytes of a PNG or JPEG file.
 *
 * Noise cannot be packed, so the PNG's points are stored as they are drawn: stored blocks of deflate, without a library. Of the JPEG not
 * the points are drawn but what they would become: every block of 8 x 8 gets an average and 63 coefficients that are not 0, small
 * enough that two short Huffman tables spell them. Both are what their standards say (RFC 2083, RFC 1950; ITU T.81, baseline), and
 * the same bytes everywhere. */
#include "gen/image.h"

enum {
    SIDE = 256,
    ROW_BYTES = 1 + 3 * SIDE, /* a filter, which is none, and three colours a point */
    RAW_BYTES = SIDE * ROW_BYTES,
    STORED_MAX = 65535, /* of a deflate block */
    STORED_BLOCKS = (RAW_BYTES + STORED_MAX - 1) / STORED_MAX,
    ZLIB_BYTES = 2 + 5 * STORED_BLOCKS + RAW_BYTES + 4,
    PNG_BYTES = 8 + (12 + 13) + (12 + ZLIB_BYTES) + 12,
    ADLER = 65521,
};

/* ---- PNG ---- */

static void put32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}

/* CRC-32 of RFC 2083, half a byte at a time. */
static uint32_t crc_of(const uint8_t *p, size_t n)
{
    static const uint32_t table[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc = table[(crc ^ p[i]) & 15] ^ (crc >> 4);
        crc = table[(crc ^ (uint32_t)(p[i] >> 4)) & 15] ^ (crc >> 4);
    }
    return ~crc;
}

/* A chunk around the len bytes that lie at p + 8. */
static uint8_t *close_chunk(uint8_t *p, const char *name, uint32_t len)
{
    put32(p, len);
    memcpy(p + 4, name, 4);
    put32(p + 8 + len, crc_of(p + 4, len + 4));
    return p + 12 + len;
}

/* The points row by row, and their Adler-32. */
static uint32_t draw_points(uint8_t *raw, uint64_t z)
{
    uint32_t a = 1, b = 0;
    for (uint32_t y = 0; y < SIDE; y++) {
        uint8_t *row = raw + (size_t)y * ROW_BYTES;
        row[0] = 0;
        for (uint32_t x = 0; x < 3 * SIDE; x += 8) {
            z = sp_draw_next(z);
            memcpy(row + 1 + x, &z, 8);
        }
        for (uint32_t i = 0; i < ROW_BYTES; i++) { /* stays below 2^32 for 5552 bytes */
            a += row[i];
            b += a;
        }
        a %= ADLER;
        b %= ADLER;
    }
    return b << 16 | a;
}

/* Stored blocks around raw bytes that lie at the end of the stream's room, which they are moved out of. */
static void store_blocks(uint8_t *p, const uint8_t *raw)
{
    for (uint32_t at = 0; at < RAW_BYTES; at += STORED_MAX) {
        uint32_t len = SP_MIN((uint32_t)(RAW_BYTES - at), (uint32_t)STORED_MAX);
        *p++ = at + len == RAW_BYTES;
        *p++ = (uint8_t)len;
        *p++ = (uint8_t)(len >> 8);
        *p++ = (uint8_t)~len;
        *p++ = (uint8_t)(~len >> 8);
        memmove(p, raw + at, len);
        p += len;
    }
}

static uint8_t *put_png(uint64_t z, uint8_t *p)
{
    static const uint8_t head[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const uint8_t shape[] = {0, 0, 1, 0, 0, 0, 1, 0, 8, 2, 0, 0, 0}; /* 256 x 256, 8 bits, colours */
    memcpy(p, head, sizeof(head));
    p += sizeof(head);
    memcpy(p + 8, shape, sizeof(shape));
    p = close_chunk(p, "IHDR", sizeof(shape));
    uint8_t *zlib = p + 8, *raw = zlib + ZLIB_BYTES - 4 - RAW_BYTES;
    uint32_t adler = draw_points(raw, z);
    zlib[0] = 0x78;
    zlib[1] = 0x01;
    store_blocks(zlib + 2, raw);
    put32(zlib + ZLIB_BYTES - 4, adler);
    p = close_chunk(p, "IDAT", ZLIB_BYTES);
    return close_chunk(p, "IEND", 0);
}

/* ---- JPEG ---- */

enum {
    BLOCKS_Y = (SIDE / 8) * (SIDE / 8),
    BLOCKS = BLOCKS_Y + BLOCKS_Y / 2, /* the two colours have half as many points each way */
    AVERAGE_MAX = 63,                 /* of a block, in steps of QUANTUM / 8 */
    QUANTUM = 12,
    BLOCK_BITS_MAX = (4 + 7) + 63 * (1 + 1 + 2), /* see put_block */
    JPEG_HEAD_MAX = 256,
    JPEG_BYTES_MAX = JPEG_HEAD_MAX + 2 * (BLOCKS * BLOCK_BITS_MAX / 8 +
                                          8), /* every byte may be 0xff, which is written with a 0 behind it */
};

typedef struct bits {
    uint8_t *p;
    uint64_t held; /* n bits, the newest lowest */
    unsigned n;
    uint64_t z, rest; /* what is drawn, and how much of it is left */
    unsigned left;
} bits;

static inline void put_bits(bits *b, uint32_t value, unsigned n)
{
    b->held = b->held << n | value;
    for (b->n += n; b->n >= 8; b->n -= 8) {
        uint8_t byte = (uint8_t)(b->held >> (b->n - 8));
        *b->p++ = byte;
        if (byte == 0xff)
            *b->p++ = 0;
    }
}

static inline uint32_t draw_bits(bits *b, unsigned n)
{
    if (b->left < n) {
        b->z = b->rest = sp_draw_next(b->z);
        b->left = 64;
    }
    uint32_t v = (uint32_t)b->rest & ((1u << n) - 1);
    b->rest >>= n;
    b->left -= n;
    return v;
}

/* A difference has a code of four bits for how many bits it has, and these; a coefficient one bit for whether it has one bit or two. */
static void put_block(bits *b, int *average)
{
    int next = (int)draw_bits(b, 6) * 2 - AVERAGE_MAX, difference = next - *average;
    unsigned size =
        difference ? 32u - (unsigned)__builtin_clz((unsigned)(difference < 0 ? -difference : difference)) : 0;
    put_bits(b, size, 4);
    put_bits(b, (uint32_t)(difference < 0 ? difference - 1 : difference) & ((1u << size) - 1), size);
    *average = next;
    for (int i = 0; i < 63; i++) {
        unsigned wide = draw_bits(b, 1);
        put_bits(b, wide << 1, 2); /* 00: one bit, 10: two */
        put_bits(b, draw_bits(b, 1 + wide), 1 + wide);
    }
}

static uint8_t *put_jpeg(uint64_t z, uint8_t *p)
{
    static const uint8_t head[] = {
        0xff, 0xd8, /* start */
        0xff, 0xe0, 0, 16, 'J',  'F',  'I',  'F',  0,    1,    1,    0, 0,    1, 0, 1, 0, 0, 0xff, 0xc0, 0, 17, 8,
        1,    0,    1, 0,  3,    1,    0x22, 0,    2,    0x11, 0,    3, 0x11, 0, /* 256 x 256, three colours */
        0xff, 0xc4, 0, 27, 0x00, 0,    0,    0,    8,    0,    0,    0, 0,    0, 0, 0, 0, 0, 0,    0,    0, 0,  1,
        2,    3,    4, 5,  6,    7,    0xff, 0xc4, 0,    22,   0x10, 0, 3,    0, 0, 0, 0, 0, 0,    0,    0, 0,  0,
        0,    0,    0, 0,  0x01, 0x00, 0x02, 0xff, 0xda, 0,    12,   3, 1,    0, 2, 0, 3, 0, 0,    63,   0, /* the blocks */
    };
    static const uint8_t quanta[] = {0xff, 0xdb, 0, 67, 0};
    memcpy(p, head, 2);
    memcpy(p + 2, quanta, sizeof(quanta));
    memset(p + 2 + sizeof(quanta), QUANTUM, 64);
    p += 2 + sizeof(quanta) + 64;
    memcpy(p, head + 2, sizeof(head) - 2);
    bits b = {.p = p + sizeof(head) - 2, .z = z};
    int average[3] = {0, 0, 0};
    for (uint32_t i = 0; i < BLOCKS; i++) { /* four of brightness, one of each colour, and again */
        uint32_t of = i % 6 < 4 ? 0 : i % 6 - 3;
        put_block(&b, &average[of]);
    }
    if (b.n)
        put_bits(&b, (1u << (8 - b.n)) - 1, 8 - b.n);
    *b.p++ = 0xff;
    *b.p++ = 0xd9;
    return b.p;
}

/* ---- cells ---- */

typedef struct image_cell {
    sp_cell cell;
    uint8_t *(*put)(uint64_t z, uint8_t *p);
} image_cell;

static int image_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const image_cell *c = (const image_cell *)cell;
    if (sp_column_reserve_bytes(out, (size_t)n * cell->bounds.text_max) != SPATE_OK)
        return SPATE_E_NOMEM;
    uint8_t *p = (uint8_t *)out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        p = c->put(sp_draw(cell->key, rows[i]), p);
        out->offsets[i + 1] = (int32_t)(p - (uint8_t *)out->bytes);
    }
    return SPATE_OK;
}

/* Made at the far end of the cell's room, then spelt out from the front. */
static char *image_text(const sp_cell *cell, uint64_t row, char *p)
{
    const image_cell *c = (const image_cell *)cell;
    uint8_t *raw = (uint8_t *)p + cell->text_max - cell->bounds.text_max;
    uint8_t *end = c->put(sp_draw(cell->key, row), raw);
    memcpy(p, "\\x", 2);
    return sp_put_hex(p + 2, raw, (size_t)(end - raw));
}

static const sp_cell_ops image_ops = {image_fill, image_text};

sp_cell *sp_image_cell(sp_arena *arena, uint64_t key, sp_image image)
{
    image_cell *c = sp_arena_alloc(arena, 1, sizeof(*c));
    if (!c)
        return NULL;
    uint32_t most = image == SP_IMAGE_PNG ? PNG_BYTES : JPEG_BYTES_MAX;
    c->put = image == SP_IMAGE_PNG ? put_png : put_jpeg;
    c->cell = (sp_cell){.ops = &image_ops,
                        .key = key,
                        .type = {.kind = SP_BYTES},
                        .text_max = 2 * most + 2 + 8,
                        .bounds.text_max = most};
    return &c->cell;
}
