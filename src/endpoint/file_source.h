/* file_source.h - private to the source of CSV and NDJSON files: what its files share.
 *
 * file_source.c opens files and finds out what their columns are; file_reader.c reads rows, of a stream (file_stream.c); file_unread.c looks
 * at what is no row. */
#ifndef SP_FILE_SOURCE_H
#define SP_FILE_SOURCE_H

#include "codec/codec.h"
#include "endpoint/endpoints.h"
#include "endpoint/input.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    SP_FILE_BUFFER_BYTES = 256 << 10,
    SP_FILE_ROW_BYTES_MAX = 256 << 20, /* of one row: what is longer is an open quote rather than a row */
    SP_FILE_MARK_BYTES = 16 << 20,     /* between lines whose numbers are remembered */
};

/* A place in a file. */
typedef struct sp_file_place {
    uint64_t offset;
    uint64_t row; /* rows in front of it, and lines, if it was read from the beginning */
    uint64_t lines;
} sp_file_place;

/* An open file: bytes [at, buf.len) of buf are not decoded yet, the first of them is at here. What cannot be read twice keeps in buf what
 * it has given of the range at hand, unless that becomes too much. */
typedef struct sp_file_stream {
    sp_input *input;
    sp_buf buf;
    size_t at, kept_at;
    sp_file_place here, kept; /* kept: where the range began, at kept_at of buf */
    bool keeps;
    bool counts; /* lines, where they could not be counted later */
    bool end;    /* the file has no more */
} sp_file_stream;

typedef struct sp_file_table {
    const char *path;
    sp_schema schema;
    sp_text_form form;
    int32_t *fields; /* of each field of a line, its column or -1 */
    uint32_t n_fields;
    uint64_t start;                 /* of the first row */
    bool once;                      /* a pipe: what it has given it does not give again */
    bool plain;                     /* a file whose bytes can be looked at where they are */
    sp_file_stream *_Atomic parked; /* of the range that ended last; NULL: somebody reads */
    pthread_mutex_t lock;           /* on what follows */
    sp_file_place *marks;           /* with offset and lines, ascending */
    size_t n_marks, cap_marks;
} sp_file_table;

typedef struct sp_file_source {
    sp_source base;
    sp_arena arena;
    sp_file_table *tables;
    const sp_schema **schemas;
    sp_extent *extents;
    uint32_t cap;
} sp_file_source;

typedef struct sp_file_reader {
    sp_reader base;
    sp_file_table *table;
    sp_rowread *decoder; /* of table */
    sp_file_stream *stream;
    uint64_t last;
    bool bad;      /* the row that the stream stands at is none */
    sp_arena line; /* what it looks like */
} sp_file_reader;

/* ---- streams ---- */

int sp_file_stream_open(const char *path, uint64_t offset, sp_file_stream **out, spate_error *err) SP_MUST_CHECK;
void sp_file_stream_close(sp_file_stream *s); /* NULL is fine */
sp_str sp_file_stream_bytes(const sp_file_stream *s);
void sp_file_stream_skip(sp_file_stream *s, size_t bytes);
int sp_file_stream_go_to(sp_file_stream *s, uint64_t offset, spate_error *err) SP_MUST_CHECK; /* ahead */
/* Makes more bytes follow those that are there, up to room of them. */
int sp_file_stream_fill(sp_file_stream *s, size_t room, spate_error *err) SP_MUST_CHECK;
/* Skips to the first line that begins at offset or behind it; the stream stands on the byte before. */
int sp_file_stream_skip_to_line(sp_file_stream *s, spate_error *err) SP_MUST_CHECK;
/* From here on it can be read again; and back to there, or true if it is there anyway. */
void sp_file_stream_keep(sp_file_stream *s);
bool sp_file_stream_back(sp_file_stream *s, uint64_t offset);
/* Up to and with the first line break. */
sp_str sp_file_first_line(sp_str bytes);
uint64_t sp_file_newlines(const char *p, size_t len);

/* ---- readers ---- */

extern const sp_source_ops sp_file_source_ops;
void sp_file_source_close(sp_source *base);
int sp_file_pass_over(sp_reader *base, sp_unread *row, spate_error *err) SP_MUST_CHECK;

#endif
