/* flat.c - columns of which cells are absent, as they are encoded: without those, or with a value in their place. */
#include "store/segment.h"

/* Present cells, one behind the other. */
static uint32_t gather(const char *from, const uint8_t *validity, uint32_t rows, uint32_t width, char *to)
{
    uint32_t n = 0;
    for (uint32_t base = 0; base < rows; base += 64) {
        uint32_t some = SP_MIN(rows - base, 64u);
        uint64_t word = 0, all = some == 64 ? UINT64_MAX : (UINT64_C(1) << some) - 1;
        memcpy(&word, validity + base / 8, (some + 7) / 8);
        for (word &= all; word; word &= word - 1, n++) {
            size_t i = base + (uint32_t)__builtin_ctzll(word);
            if (width == 8)
                memcpy(to + (size_t)n * 8, from + i * 8, 8);
            else
                memcpy(to + (size_t)n * width, from + i * width, width);
        }
    }
    return n;
}

/* All cells, absent ones with the value of the one before. */
static uint32_t fill(const char *from, const uint8_t *validity, uint32_t rows, uint32_t width, char *to)
{
    uint32_t first = 0;
    while (!sp_bit(validity, first))
        first++;
    memcpy(to, from, (size_t)rows * width);
    for (uint32_t i = 0; i < rows; i++)
        if (!sp_bit(validity, i))
            memcpy(to + (size_t)i * width, i < first ? from + (size_t)first * width : to + (size_t)(i - 1) * width,
                   width);
    return rows;
}

int sp_flatten_numbers(sp_encoder *e, const sp_column *c, uint32_t rows, uint32_t width, bool dense, sp_flat *f)
{
    e->data.len = 0;
    if (sp_buf_reserve(&e->data, (size_t)rows * width) != SPATE_OK)
        return SPATE_E_NOMEM;
    f->data = e->data.data;
    f->filled = dense ? NULL : c->validity;
    f->n = (dense ? gather : fill)(c->data, c->validity, rows, width, e->data.data);
    return SPATE_OK;
}

int sp_flatten_offsets(sp_encoder *e, const sp_column *c, uint32_t rows, sp_flat *f, bool *nulls_hold)
{
    e->flat_offsets.len = 0;
    if (sp_buf_reserve(&e->flat_offsets, ((size_t)rows + 1) * 4) != SPATE_OK)
        return SPATE_E_NOMEM;
    int32_t *to = (int32_t *)e->flat_offsets.data;
    uint32_t n = 0;
    to[0] = c->offsets[0];
    *nulls_hold = false;
    for (uint32_t i = 0; i < rows; i++) {
        if (sp_bit(c->validity, i))
            to[++n] = c->offsets[i + 1];
        else
            *nulls_hold |= c->offsets[i + 1] != c->offsets[i];
    }
    f->offsets = to;
    f->n = n;
    return SPATE_OK;
}

int sp_flatten_texts(sp_encoder *e, const sp_column *c, uint32_t rows, sp_flat *f)
{
    int32_t *to = (int32_t *)e->flat_offsets.data;
    uint32_t n = 0;
    e->flat_bytes.len = 0;
    to[0] = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (!sp_bit(c->validity, i))
            continue;
        if (sp_buf_add(&e->flat_bytes, c->bytes + c->offsets[i], (size_t)(c->offsets[i + 1] - c->offsets[i])) !=
            SPATE_OK)
            return SPATE_E_NOMEM;
        to[++n] = (int32_t)e->flat_bytes.len;
    }
    if (sp_buf_reserve(&e->flat_bytes, 1) != SPATE_OK)
        return SPATE_E_NOMEM;
    f->bytes = e->flat_bytes.data;
    return SPATE_OK;
}
