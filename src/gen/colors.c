/* colors.c - colours as lists: of channels, and of colours that go together. */
#include "gen/function.h"

enum { RGB_ITEMS = 3, PALETTE_ITEMS = 5, PALETTE_ITEM_LEN = 7 };
static const sp_type int_item = {.kind = SP_I32}, text_item = {.kind = SP_TEXT};

static int rgb_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    if (sp_column_reserve_rows(out->child, n * RGB_ITEMS) != 0)
        return SPATE_E_NOMEM;
    int32_t *v = out->child->data;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t z = sp_draw(cell->key, rows[i]);
        for (int j = 0; j < RGB_ITEMS; j++)
            *v++ = (int32_t)(z >> (56 - 8 * j) & 255);
        out->offsets[i + 1] = (int32_t)((i + 1) * RGB_ITEMS);
    }
    return 0;
}

static char *rgb_text(const sp_cell *cell, uint64_t row, char *p)
{
    uint64_t z = sp_draw(cell->key, row);
    *p++ = '{';
    for (int j = 0; j < RGB_ITEMS; j++) {
        p = sp_put_u64(p, z >> (56 - 8 * j) & 255);
        *p++ = ',';
    }
    p[-1] = '}';
    return p;
}

static const sp_cell_ops rgb_ops = {rgb_fill, rgb_text};

sp_cell *sp_make_rgb(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    sp_cell *cell = sp_func_new_cell(env, key, &rgb_ops, SP_LIST, 13);
    if (cell)
        cell->type.item = &int_item;
    return cell;
}

/* A channel of the colour at hue (of 1536, 256 a sixth of the circle), between low and high. */
static uint32_t hue_channel(uint32_t hue, uint32_t low, uint32_t high)
{
    hue %= 1536;
    uint32_t part = hue < 256 ? hue : hue < 768 ? 255 : hue < 1024 ? 1023 - hue : 0;
    return low + (high - low) * part / 255;
}

/* Five neighbours on the circle of hues, from dark to light. */
static void palette_at(uint64_t key, uint64_t row, char (*colors)[PALETTE_ITEM_LEN])
{
    uint64_t z = sp_draw(key, row);
    uint32_t hue = (uint32_t)sp_take(&z, 1536), step = 20 + (uint32_t)sp_take(&z, 200);
    uint32_t low = (uint32_t)sp_take(&z, 120), lift = 8 + (uint32_t)sp_take(&z, 16);
    for (uint32_t i = 0; i < PALETTE_ITEMS; i++, hue += step) {
        uint32_t dark = low + i * lift, light = 150 + i * 25;
        light = SP_MAX(light, dark);
        uint32_t rgb[3] = {hue_channel(hue + 512, dark, light), hue_channel(hue, dark, light),
                           hue_channel(hue + 1024, dark, light)};
        colors[i][0] = '#';
        for (int j = 0; j < 3; j++) {
            colors[i][1 + 2 * j] = SP_HEX_DIGITS[rgb[j] >> 4 & 15];
            colors[i][2 + 2 * j] = SP_HEX_DIGITS[rgb[j] & 15];
        }
    }
}

static int palette_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    (void)scratch;
    uint32_t items = n * PALETTE_ITEMS;
    if (sp_column_reserve_rows(out->child, items) != 0 ||
        sp_column_reserve_bytes(out->child, (size_t)items * PALETTE_ITEM_LEN) != 0)
        return SPATE_E_NOMEM;
    char(*colors)[PALETTE_ITEM_LEN] = (char(*)[PALETTE_ITEM_LEN])out->child->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        palette_at(cell->key, rows[i], colors + i * PALETTE_ITEMS);
        out->offsets[i + 1] = (int32_t)((i + 1) * PALETTE_ITEMS);
    }
    for (uint32_t i = 0; i <= items; i++)
        out->child->offsets[i] = (int32_t)(i * PALETTE_ITEM_LEN);
    return 0;
}

static char *palette_text(const sp_cell *cell, uint64_t row, char *p)
{
    char colors[PALETTE_ITEMS][PALETTE_ITEM_LEN];
    palette_at(cell->key, row, colors);
    *p++ = '{';
    for (int i = 0; i < PALETTE_ITEMS; i++) {
        memcpy(p, colors[i], PALETTE_ITEM_LEN);
        p[PALETTE_ITEM_LEN] = ',';
        p += PALETTE_ITEM_LEN + 1;
    }
    p[-1] = '}';
    return p;
}

static const sp_cell_ops palette_ops = {palette_fill, palette_text};

sp_cell *sp_make_palette(const sp_func *f, const sp_func_env *env, uint64_t key)
{
    (void)f;
    sp_cell *cell = sp_func_new_cell(env, key, &palette_ops, SP_LIST, 1 + PALETTE_ITEMS * (PALETTE_ITEM_LEN + 1));
    if (cell)
        cell->type.item = &text_item;
    return cell;
}
