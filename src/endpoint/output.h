/* output.h - private to endpoint: one file being written, whole or not there.
 *
 * It is written under NAME.partial and gets its name when everything in it is there and synced. Devices, pipes and standard output
 * are written as they are: nothing to rename, sync or cut. With a job, NAME.job beside it says from time to time how much of the
 * partial file is surely on disk, in the words of whoever writes the rows; what is behind that is cut off by the next run. */
#ifndef SP_ENDPOINT_OUTPUT_H
#define SP_ENDPOINT_OUTPUT_H

#include "endpoint/endpoint.h"
#include "os/os.h"

typedef struct sp_output {
    const char *path, *written_as; /* the second one ends in .partial, or is the path itself when direct */
    const char *memory;            /* NAME.job; NULL: no job */
    int fd;
    bool direct, standard; /* no regular file; descriptor 1 */
    uint64_t length;       /* up to the last whole piece */
    uint64_t remembered;   /* of that, what the memory speaks of */
} sp_output;

typedef enum sp_output_found {
    SP_OUTPUT_NEW,     /* no run of the job has come to write it */
    SP_OUTPUT_PARTIAL, /* some of it is there */
    SP_OUTPUT_WHOLE,   /* it has its name */
} sp_output_found;

/* What the file of this part is called: "dir/stem.ext" of part 0 of 3 is "dir/stem.0-of-3.ext". NULL: there is no path, or no memory. */
const char *sp_output_name(sp_arena *arena, const char *path, const sp_sink_options *options);
/* Names it and sees what is there; refuses a directory. Nothing is opened yet. The path is kept. */
int sp_output_init(sp_output *o, sp_arena *arena, const char *path, bool job, spate_error *err) SP_MUST_CHECK;
bool sp_output_is_standard(const char *path);
int sp_output_create(sp_output *o, spate_error *err) SP_MUST_CHECK;
/* Opens the partial file of a run before, cut to length. */
int sp_output_reopen(sp_output *o, uint64_t length, spate_error *err) SP_MUST_CHECK;
/* Appends a whole piece; on failure the file is as it was. */
int sp_output_append(sp_output *o, const sp_buf *bytes, spate_error *err) SP_MUST_CHECK;
/* Syncs, closes, and gives it its name. */
int sp_output_publish(sp_output *o, spate_error *err) SP_MUST_CHECK;
int sp_output_close(sp_output *o, spate_error *err) SP_MUST_CHECK; /* nothing to do when it is closed */

/* Syncs what has been written and then replaces the memory by text. */
int sp_output_remember(sp_output *o, const sp_buf *text, spate_error *err) SP_MUST_CHECK;
/* What a run before has left; text is filled unless it is new. */
int sp_output_recall(const sp_output *o, sp_output_found *found, sp_buf *text, spate_error *err) SP_MUST_CHECK;
/* Whether a line of it is the word and then the value. */
bool sp_output_is_line(const char *line, const char *word, const char *value);
int sp_output_forget(const sp_output *o, spate_error *err) SP_MUST_CHECK;

#endif
