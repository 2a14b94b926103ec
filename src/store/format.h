/* format.h - what lies on disk: docs/formats/spate.md as C. Everything is little-endian; structs have no holes.
 *
 *   superblock A | superblock B | user section, two copies | block | block | ...       all of it in whole pages of 4 KiB
 *
 * A block is a header, a directory (data blocks only), and what the directory points at. */
#ifndef SP_STORE_FORMAT_H
#define SP_STORE_FORMAT_H

#include "base/base.h"

#include <assert.h>

#define SP_STORE_MAGIC "\x89SPATE\r\n"
#define SP_BLOCK_MAGIC "SPATEBLK"

enum {
    SP_STORE_VERSION = 1,
    SP_STORE_PAGE = 4096,
    SP_SUPERBLOCKS = 2,
    SP_USER_AT = SP_SUPERBLOCKS * SP_STORE_PAGE,
    SP_SEGMENT_ALIGN = 64,
    SP_VECTOR = 1024, /* values packed together */
    SP_NAMES_MAX = 65536,
    SP_ROW_BYTES_MAX = 16 << 20,
    SP_BLOCK_ROWS_MAX = 1 << 20,
    SP_BLOCK_GROUPS_MAX = 4096,
    SP_LIST_DEPTH_MAX = 8,
    SP_LAG_MAX = 4096, /* rows that a lag reaches back */
};
#define SP_BLOCK_BYTES_MAX (UINT64_C(1) << 31)

/* Features that a reader (incompat) or a writer (ro_compat) must know. */
enum {
    SP_INCOMPAT_PACKED = 1, /* some segments are behind a general compressor */
    SP_INCOMPAT_LAGGED = 2, /* some are differences from rows before */
};
enum { SP_FEATURES_INCOMPAT = SP_INCOMPAT_PACKED | SP_INCOMPAT_LAGGED, SP_FEATURES_RO_COMPAT = 0 };
/* And those that are good to know. */
enum { SP_COMPAT_ROUNDED = 1 }; /* some floats were rounded off before they were written */

typedef struct sp_superblock {
    char magic[8];
    uint16_t version, minor;
    uint32_t incompat, ro_compat, compat;
    uint64_t generation;    /* the higher one of two whole superblocks counts */
    uint64_t file_id;       /* drawn at creation; every block repeats it */
    uint64_t blocks_at;     /* where blocks begin */
    uint64_t user_capacity; /* of each of the two copies */
    uint64_t user_len, user_hash;
    uint32_t user_copy; /* 0 or 1: the one that counts */
    uint32_t unused;
    uint64_t committed;            /* blocks that end at or before this offset are whole */
    uint64_t catalog_at, index_at; /* the last of their kind, 0: none yet */
    uint64_t sequence;             /* number of the next block */
    uint8_t zero[3976];
    uint64_t hash; /* XXH3 of everything above */
} sp_superblock;
static_assert(sizeof(sp_superblock) == SP_STORE_PAGE, "a page");

typedef enum sp_block_type {
    SP_BLOCK_DATA = 1,
    SP_BLOCK_CATALOG = 2, /* names and tables */
    SP_BLOCK_INDEX = 3,   /* where the chapters are */
    SP_BLOCK_FIELD = 4,   /* a field's values and the rows that have them */
    SP_BLOCK_PATCH = 5,   /* bytes that are being changed in place */
    SP_BLOCK_CHAPTER = 6, /* the directories of many blocks, turned: what they say of one field lies together */
} sp_block_type;

typedef struct sp_block_header {
    char magic[8];
    uint8_t type, zero0[3];
    uint32_t directory_bytes; /* behind this header: groups and segments; of a chapter its blocks and runs */
    uint64_t size;            /* of the block, a multiple of 4 KiB */
    uint64_t at;              /* its own offset in the file */
    uint64_t file_id, sequence;
    uint32_t table, rows;
    uint64_t first_row; /* number of the first row in its table */
    uint32_t groups, segments;
    uint64_t payload_at, payload_bytes, payload_hash; /* of blocks that have no directory: all there is */
    uint64_t extra; /* data: a number drawn for the block, its salt; field block: the field's name; else 0 */
    uint64_t hash;  /* XXH3 of the directory, seeded with XXH3 of everything above */
} sp_block_header;
static_assert(sizeof(sp_block_header) == 112, "no holes");

/* Rows of one shape. Its segments follow one another, in the order of the row's fields. Where there are several groups, one more
 * segment behind those of all of them says which group each row is in. */
typedef struct sp_group_entry {
    uint32_t rows, first_segment, segments, zero;
} sp_group_entry;
static_assert(sizeof(sp_group_entry) == 16, "no holes");

enum { SP_SEGMENT_HAS_RANGE = 1 }; /* flags of a segment entry: min and max mean something */

typedef struct sp_segment_entry {
    uint16_t name;
    uint8_t kind, precision, scale, encoding, flags, zero0;
    uint32_t at64; /* offset from the block's start, in units of 64 bytes */
    uint32_t bytes;
    uint32_t nulls, zero1;
    /* integers as int64 (uint64 for that kind), floats as float64, bits; text: its first 8 bytes, big-endian */
    uint64_t min, max;
} sp_segment_entry;
static_assert(sizeof(sp_segment_entry) == 40, "no holes");

/* Every segment begins so; a list's items are a segment within a segment. */
typedef enum sp_encoding {
    SP_ENC_NONE = 0, /* no cell is present */
    SP_ENC_CONST = 1,
    SP_ENC_RAW = 2,
    SP_ENC_INT = 3,     /* numbers of an integer stream */
    SP_ENC_DECIMAL = 4, /* floats: integer / 10^param */
    SP_ENC_BITS = 5,    /* floats: their bits are integer << param */
    SP_ENC_DICT = 6,
    SP_ENC_TEXT = 7, /* ends, then bytes */
    SP_ENC_FSST = 8, /* the same, compressed by a table of symbols */
    SP_ENC_INTERVAL = 9,
    SP_ENC_LIST = 10,
    SP_ENCODINGS
} sp_encoding;

enum { SP_SEGMENT_NULLS = 1, SP_SEGMENT_DENSE = 2, SP_SEGMENT_PACKED = 4, SP_SEGMENT_LAGGED = 8 };

typedef struct sp_segment_header {
    uint64_t hash; /* XXH3 of what follows, seeded with the block's salt + the entry's at64; 0 within another segment */
    uint8_t encoding, kind, param, flags; /* flags: NULLS: a validity bitmap follows; DENSE: absent cells have no value;
                                             * PACKED: what would follow is packed, behind a sp_pack_head; LAGGED: the
                                             * body is a sp_lagged_head, its runs, and two streams of integers */
    uint32_t rows, values;
    uint32_t bytes; /* of the segment, header included */
} sp_segment_header;
static_assert(sizeof(sp_segment_header) == 24, "no holes");

typedef struct sp_pack_head {
    uint8_t with, zero[3]; /* spate_packing */
    uint32_t bytes;        /* when unpacked */
} sp_pack_head;
static_assert(sizeof(sp_pack_head) == 8, "no holes");

/* A stream of integers: vectors of 1024, each base + i * step + unsigned numbers of width bits (line), or each number the one
 * before it + step + such a number (delta). */
enum { SP_INTS_LINE = 0, SP_INTS_DELTA = 1 };
typedef struct sp_ints_header {
    uint8_t mode, uniform, width, zero0; /* uniform: one width and base for all vectors, and no table of them */
    uint32_t count, bytes, zero1;
    int64_t step, base;
} sp_ints_header;
static_assert(sizeof(sp_ints_header) == 32, "no holes");

typedef struct sp_ints_vector {
    int64_t base;
    uint32_t at; /* offset of its bits from the stream's start */
    uint8_t width, zero;
    uint16_t patches; /* behind the bits: positions (uint16, padded to 8 bytes), then values (uint64) */
} sp_ints_vector;
static_assert(sizeof(sp_ints_vector) == 16, "no holes");

/* Runs are pairs of bytes: how many rows, and 0 for rows whose number is in the first stream, or by how much their lag differs
 * from that of the run before, + 128: their number is that of so many rows before + one of the second stream. */
typedef struct sp_lagged_head {
    uint32_t runs, lag; /* lag: before the first run */
    uint8_t narrow;     /* numbers are of 32 bits, their signs kept */
    uint8_t zero[7];
} sp_lagged_head;
static_assert(sizeof(sp_lagged_head) == 16, "no holes");

/* A chapter's directory is its head, its blocks, the rows of all their groups (padded to 8 bytes), its runs. Behind the directory lie
 * the runs' entries: what the blocks' directories say of one field, in the order of blocks and groups. */
typedef struct sp_chapter_head {
    uint32_t blocks, runs, groups, zero;
} sp_chapter_head;
static_assert(sizeof(sp_chapter_head) == 16, "no holes");

typedef struct sp_block_entry {
    uint64_t at, size, first_row, extra;
    uint32_t table, rows, directory_bytes, type;
    uint32_t first_group, groups; /* among those of the chapter */
} sp_block_entry;
static_assert(sizeof(sp_block_entry) == 56, "no holes");

enum { SP_RUN_ORDER = SP_NAMES_MAX }; /* for a name: the segments that say which group a row is in */

typedef struct sp_run {
    uint32_t table, name; /* runs are sorted by both */
    uint32_t count, zero;
    uint64_t at, hash; /* of its entries: from the block's start; XXH3 */
} sp_run;
static_assert(sizeof(sp_run) == 32, "no holes");

typedef struct sp_run_entry {
    uint32_t block, group; /* number in the chapter; in the block */
    sp_segment_entry segment;
} sp_run_entry;
static_assert(sizeof(sp_run_entry) == 48, "no holes");

/* The payload of an index: this, the number of rows of each table, where each chapter is. */
typedef struct sp_index_head {
    uint32_t chapters, tables;
} sp_index_head;
typedef struct sp_index_chapter {
    uint64_t at, size;
} sp_index_chapter;

static inline uint64_t sp_round_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) / to * to;
}

#endif
