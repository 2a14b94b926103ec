/* input.h - private to the room: a file, or standard input, being read from front to back; what is packed comes unpacked, whatever
 * it is called. */
#ifndef SP_ENDPOINT_INPUT_H
#define SP_ENDPOINT_INPUT_H

#include "endpoint/pack.h"

typedef struct sp_input sp_input;
/* offset: in unpacked bytes; in a packed file all before it is unpacked to come there. */
int sp_input_open(const char *path, uint64_t offset, sp_input **out, spate_error *err) SP_MUST_CHECK;
/* Up to room bytes; *got is 0 at the end. SPATE_E_DATA: packed bytes are damaged, or end in the middle. */
int sp_input_read(sp_input *in, void *to, size_t room, size_t *got, spate_error *err) SP_MUST_CHECK;
/* Whether what is to be read begins with these few bytes; of packed input never. */
int sp_input_peek_magic(sp_input *in, const char *magic, size_t len, bool *is, spate_error *err) SP_MUST_CHECK;
bool sp_input_is_packed(const sp_input *in);
void sp_input_close(sp_input *in);

#endif
