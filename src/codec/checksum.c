/* checksum.c - rows summed up: the sum, over all rows, of a hash of the row's cells.
 *
 * A cell's hash is of what it means, not of how it is kept, so that two endpoints which keep the same value in different types
 * agree: 5, 5.00 and 5e0 are one number, a date is its midnight, JSON is its tokens whatever their order and the space between
 * them. A sum does not depend on the order of rows, and unlike an exclusive or it does not lose rows that are there twice. */
#include "codec/codec.h"

#include <math.h>

enum { NULL_HASH = 1, NUMBER = 2, REAL = 3, MOMENT = 4, TEXT = 5, LIST = 6, JSON = 7 };

static uint64_t hash_two(uint64_t kind, uint64_t a, uint64_t b)
{
    return sp_mix64(sp_mix64(a + kind * SP_PHI) ^ b);
}

/* magnitude / 10^scale, in lowest terms. */
static uint64_t hash_number(bool minus, uint64_t magnitude, unsigned scale)
{
    for (; scale && magnitude % 10 == 0; scale--)
        magnitude /= 10;
    return hash_two(NUMBER, magnitude, (uint64_t)scale << 1 | (minus && magnitude));
}

static uint64_t hash_integer(int64_t v, unsigned scale)
{
    return hash_number(v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, scale);
}

/* Reals that are whole, or decimals of few digits, are numbers like any other. */
static uint64_t hash_real(double v)
{
    uint64_t bits;
    char text[SP_F64_TEXT_MAX + SP_SLACK];
    int64_t n;
    if (isnan(v))
        return hash_two(REAL, 0, 0);
    if (fabs(v) < 0x1p53 && v == (double)(int64_t)v)
        return hash_integer((int64_t)v, 0);
    char *end = sp_put_f64(text, v);
    if (fabs(v) < 1e12 && sp_parse_decimal((sp_str){text, (size_t)(end - text)}, 6, &n))
        return hash_integer(n, 6);
    memcpy(&bits, &v, sizeof(bits));
    return hash_two(REAL, bits, 1);
}

static uint64_t hash_text(uint64_t kind, sp_str s)
{
    return sp_hash64(s.p ? s.p : "", s.len, kind);
}

/* The sum of the hashes of its strings and words; brackets and commas do not matter once it is known to be JSON. */
static uint64_t hash_json(sp_str s)
{
    uint64_t sum = JSON;
    for (size_t i = 0; i < s.len;) {
        size_t from = i++;
        if (s.p[from] == '"') {
            while (i < s.len && s.p[i] != '"')
                i += 1 + (s.p[i] == '\\');
            i = SP_MIN(i + 1, s.len);
        } else if (strchr(" \t\r\n,:[]{}", s.p[from])) {
            continue;
        } else {
            while (i < s.len && !strchr(" \t\r\n,:[]{}\"", s.p[i]))
                i++;
        }
        sum += hash_text(JSON, (sp_str){s.p + from, i - from});
    }
    return sp_mix64(sum);
}

static uint64_t hash_cell(const sp_column *c, uint32_t row)
{
    const void *data = c->data;
    if (sp_column_null(c, row))
        return NULL_HASH;
    switch (c->type.kind) {
    case SP_BOOL: return hash_integer(sp_bit(data, row), 0);
    case SP_I16: return hash_integer(((const int16_t *)data)[row], 0);
    case SP_I32: return hash_integer(((const int32_t *)data)[row], 0);
    case SP_I64: return hash_integer(((const int64_t *)data)[row], 0);
    case SP_U64: return hash_number(false, ((const uint64_t *)data)[row], 0);
    case SP_DECIMAL: return hash_integer(((const int64_t *)data)[row], c->type.scale);
    case SP_F32: return hash_real((double)((const float *)data)[row]);
    case SP_F64: return hash_real(((const double *)data)[row]);
    case SP_DATE: return hash_two(MOMENT, (uint64_t)((const int32_t *)data)[row] * (uint64_t)SP_US_PER_DAY, 0);
    case SP_TIME:
    case SP_TIMESTAMP:
    case SP_TIMESTAMPTZ: return hash_two(MOMENT, ((const uint64_t *)data)[row], 0);
    case SP_INTERVAL: return sp_hash64((const sp_interval *)data + row, sizeof(sp_interval), MOMENT);
    case SP_UUID: return sp_hash64((const uint8_t *)data + (size_t)row * 16, 16, TEXT);
    case SP_TEXT:
    case SP_BYTES: return hash_text(TEXT, sp_column_str(c, row));
    case SP_JSON: return hash_json(sp_column_str(c, row));
    case SP_LIST: {
        uint64_t h = LIST;
        for (int32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++)
            h = sp_mix64(h + hash_cell(c->child, (uint32_t)i));
        return h;
    }
    }
    return 0;
}

/* Where a target has no integer as wide, as PostgreSQL has none, an unsigned one comes back as its digits. */
static uint64_t hash_cell_as(sp_kind as, const sp_column *c, uint32_t row)
{
    uint64_t v;
    if (as == SP_U64 && c->type.kind == SP_TEXT && !sp_column_null(c, row) && sp_parse_u64(sp_column_str(c, row), &v))
        return hash_number(false, v, 0);
    return hash_cell(c, row);
}

void sp_sum_add(sp_sum *sum, const sp_batch *batch, const sp_schema *as, const uint32_t *columns)
{
    uint64_t hashes[SP_BATCH_ROWS_MAX];
    SP_ASSERT(batch->rows <= SP_BATCH_ROWS_MAX);
    memset(hashes, 0, batch->rows * sizeof(*hashes));
    for (uint32_t i = 0; i < as->n_fields; i++) {
        const sp_column *c = &batch->columns[columns ? columns[i] : i];
        sp_kind kind = as->fields[i].type.kind;
        for (uint32_t row = 0; row < batch->rows; row++)
            hashes[row] = sp_mix64(hashes[row] + hash_cell_as(kind, c, row) + i);
    }
    for (uint32_t row = 0; row < batch->rows; row++)
        sum->checksum += hashes[row];
    sum->rows += batch->rows;
}
