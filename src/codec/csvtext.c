/* csvtext.c - CSV in any dialect: another delimiter, quote, escape or null word than RFC 4180's.
 *
 * A cell at a time, by its text: what the fast engine (rowtext.c) does for the usual dialect only. A field is quoted where it would be read as
 * something else; a dialect without quotes refuses such a cell. */
#include "codec/codec.h"

static bool needs_quotes(const sp_text_form *form, sp_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] == form->delimiter || s.p[i] == '\n' || s.p[i] == '\r' || (form->quote && s.p[i] == form->quote))
            return true;
    return s.len == 0 || sp_str_is(s, form->null_word);
}

static int add_quoted(const sp_text_form *form, sp_str s, sp_buf *out)
{
    if (sp_buf_reserve(out, 2 * s.len + 2))
        return SPATE_E_NOMEM;
    char *p = out->data + out->len, escape = form->escape ? form->escape : form->quote;
    *p++ = form->quote;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == form->quote || s.p[i] == escape)
            *p++ = escape;
        *p++ = s.p[i];
    }
    *p++ = form->quote;
    out->len = (size_t)(p - out->data);
    return SPATE_OK;
}

/* Without quotes an empty text can be said where another word is null. */
static int add_field(const sp_text_form *form, sp_str s, sp_buf *out)
{
    if (!needs_quotes(form, s))
        return sp_buf_add(out, s.p, s.len);
    if (form->quote)
        return add_quoted(form, s, out);
    return s.len == 0 && *form->null_word ? SPATE_OK : SPATE_E_DATA;
}

int sp_csvtext_header(const sp_schema *schema, const sp_text_form *form, sp_buf *out)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < schema->n_fields && rc == SPATE_OK; i++) {
        if (i && sp_buf_add(out, &form->delimiter, 1))
            return SPATE_E_NOMEM;
        rc = add_field(form, sp_str_of(schema->fields[i].name), out);
    }
    return rc == SPATE_OK ? sp_buf_adds(out, "\n") : rc;
}

static int add_cell(const sp_text_form *form, const sp_column *c, uint32_t row, sp_buf *scratch, sp_buf *out)
{
    if (sp_column_null(c, row))
        return sp_buf_adds(out, form->null_word);
    scratch->len = 0;
    if (sp_cell_text(c, row, scratch))
        return SPATE_E_NOMEM;
    return add_field(form, (sp_str){scratch->data ? scratch->data : "", scratch->len}, out);
}

int sp_csvtext_encode(const sp_text_form *form, const sp_batch *batch, sp_buf *out, spate_error *err)
{
    sp_buf scratch = {0};
    int rc = SPATE_OK;
    uint32_t row = 0, i = 0;
    for (; row < batch->rows && rc == SPATE_OK; row++) {
        for (i = 0; i < batch->schema->n_fields && rc == SPATE_OK; i++) {
            rc = i ? sp_buf_add(out, &form->delimiter, 1) : SPATE_OK;
            if (rc == SPATE_OK)
                rc = add_cell(form, &batch->columns[i], row, &scratch, out);
        }
        if (rc == SPATE_OK)
            rc = sp_buf_adds(out, "\n");
    }
    sp_buf_done(&scratch);
    if (rc == SPATE_E_DATA)
        return sp_fail(err, rc, "column \"%s\", row %llu: the text cannot be written in a dialect without quotes",
                       batch->schema->fields[i - 1].name, (unsigned long long)(batch->first_row + row));
    return rc == SPATE_OK ? rc : sp_fail_nomem(err);
}
