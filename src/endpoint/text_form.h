/* text_form.h - private to the room: the dialect of CSV that a URI's query says, for readers and writers alike. */
#ifndef SP_ENDPOINT_TEXT_FORM_H
#define SP_ENDPOINT_TEXT_FORM_H

#include "codec/codec.h"
#include "endpoint/endpoint.h"

/* What stands between the fields of a file of that name, where nobody says. */
char sp_text_delimiter_of(const char *name);
/* delimiter, quote, escape and null; what is not said stays, or is as the file's name has it. *plain: it is the usual dialect. The
 * null word is the query's own. */
int sp_text_form_params(sp_uri *uri, sp_text_form *form, bool *plain, spate_error *err) SP_MUST_CHECK;

#endif
