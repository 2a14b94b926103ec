/* text_form.c - see text_form.h. */
#include "endpoint/text_form.h"

#include "endpoint/pack.h"

char sp_text_delimiter_of(const char *name)
{
    size_t len;
    sp_pack_of_name(name, &len);
    return len > 4 && sp_str_ieq((sp_str){name + len - 4, 4}, ".tsv") ? '\t' : ',';
}

/* One character, or "none"; \t is a tab. */
static int read_character(sp_uri *uri, const char *key, char *c, bool *said, spate_error *err)
{
    const char *value = sp_uri_param_value(uri, key);
    *said = value != NULL;
    if (!value)
        return SPATE_OK;
    if (strcmp(value, "none") == 0 && strcmp(key, "delimiter") != 0)
        *c = '\0';
    else if (strcmp(value, "\\t") == 0 || strcmp(value, "tab") == 0)
        *c = '\t';
    else if (strlen(value) == 1 && *value != '\n' && *value != '\r')
        *c = *value;
    else
        return sp_fail(err, SPATE_E_USAGE, "%s cannot be \"%s\": it is one character", key, value);
    return SPATE_OK;
}

int sp_text_form_params(sp_uri *uri, sp_text_form *form, bool *plain, spate_error *err)
{
    const char *null_word = sp_uri_param_value(uri, "null");
    bool delimiter, quote, escape;
    form->delimiter = sp_text_delimiter_of(uri->path);
    int rc = read_character(uri, "delimiter", &form->delimiter, &delimiter, err);
    if (rc == SPATE_OK)
        rc = read_character(uri, "quote", &form->quote, &quote, err);
    if (rc == SPATE_OK && quote)
        form->escape = form->quote;
    if (rc == SPATE_OK)
        rc = read_character(uri, "escape", &form->escape, &escape, err);
    if (rc != SPATE_OK)
        return rc;
    if (null_word)
        form->null_word = null_word;
    *plain = !delimiter && form->delimiter == ',' && !quote && !escape && !null_word;
    return form->delimiter == form->quote ? sp_fail(err, SPATE_E_USAGE, "delimiter and quote are the same character")
                                          : SPATE_OK;
}
