/* reject.c - rows that were refused, as lines: where each comes from, why it was refused, and its cells.
 *
 * A line is a JSON object. Cells stand in "values" as text that reads back into the very same cell (sp_cell_text, sp_cell_read), null
 * for a null; text that is no UTF-8, or has a zero byte, as {"bytes": "hexadecimal"}, so that a line is UTF-8 whatever it tells
 * of. What could not even be told apart into cells is in "text", as it was. Rejected lines are read again by jsonread.c. */
#include "codec/codec.h"

static bool is_text(sp_str s)
{
    return sp_utf8_valid(s.p, s.len) && !memchr(s.p, '\0', s.len);
}

static int add_text(sp_buf *out, sp_str s)
{
    s.p = s.p ? s.p : "";
    if (is_text(s))
        return sp_json_string(out, s);
    if (sp_buf_adds(out, "{\"bytes\":\"") || sp_buf_reserve(out, 2 * s.len))
        return SPATE_E_NOMEM;
    out->len = (size_t)(sp_put_hex(out->data + out->len, (const uint8_t *)s.p, s.len) - out->data);
    return sp_buf_adds(out, "\"}");
}

static int add_member(sp_buf *out, const char *key, const char *text)
{
    if (!text || !*text)
        return SPATE_OK;
    return sp_buf_printf(out, ",\"%s\":", key) || add_text(out, sp_str_of(text)) ? SPATE_E_NOMEM : SPATE_OK;
}

static int add_place(sp_buf *out, const sp_reject *place, const spate_error *why)
{
    int built = sp_buf_adds(out, "{\"table\":") || add_text(out, sp_str_of(place->table)) ||
                sp_buf_printf(out, ",\"position\":%llu,\"nth\":%llu", (unsigned long long)place->position,
                              (unsigned long long)place->nth) ||
                add_member(out, "job", place->job) || add_member(out, "file", place->file);
    if (!built && place->line)
        built = sp_buf_printf(out, ",\"line\":%llu", (unsigned long long)place->line);
    return built || add_member(out, "reason", why->message) || add_member(out, "sqlstate", why->sqlstate) ||
                   add_member(out, "detail", why->detail)
               ? SPATE_E_NOMEM
               : SPATE_OK;
}

static int add_name(sp_buf *out, uint32_t i, sp_str name)
{
    return sp_buf_adds(out, i ? "," : ",\"values\":{") || add_text(out, name) || sp_buf_adds(out, ":") ? SPATE_E_NOMEM
                                                                                                       : SPATE_OK;
}

static int add_cell(sp_buf *out, const sp_column *c, uint32_t row, sp_buf *word)
{
    if (sp_column_null(c, row))
        return sp_buf_adds(out, "null");
    word->len = 0;
    return sp_cell_text(c, row, word) || add_text(out, (sp_str){word->data, word->len}) ? SPATE_E_NOMEM : SPATE_OK;
}

int sp_reject_row(sp_buf *out, const sp_reject *place, const spate_error *why, const sp_batch *b, uint32_t row)
{
    sp_buf word = {0};
    int built = add_place(out, place, why);
    for (uint32_t i = 0; i < b->schema->n_fields && !built; i++)
        built = add_name(out, i, sp_str_of(b->schema->fields[i].name)) || add_cell(out, &b->columns[i], row, &word);
    sp_buf_done(&word);
    return built || sp_buf_adds(out, "}}\n") ? SPATE_E_NOMEM : SPATE_OK;
}

int sp_reject_line(sp_buf *out, const sp_reject *place, const spate_error *why, const sp_unread *line)
{
    int built = add_place(out, place, why);
    for (uint32_t i = 0; i < line->n && !built; i++)
        built = add_name(out, i, line->names[i]) ||
                (line->values[i].p ? add_text(out, line->values[i]) : sp_buf_adds(out, "null"));
    if (line->n == 0)
        built = built || sp_buf_adds(out, ",\"text\":") || add_text(out, line->text);
    return built || sp_buf_adds(out, line->n ? "}}\n" : "}\n") ? SPATE_E_NOMEM : SPATE_OK;
}
