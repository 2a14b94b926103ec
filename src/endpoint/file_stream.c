/* file_stream.c - the bytes of a file from front to back, with what of them is not decoded yet. */
#include "endpoint/file_source.h"

enum { KEPT_BYTES_MAX = 64 << 20 }; /* of a range that cannot be read again */

void sp_file_stream_close(sp_file_stream *s)
{
    if (!s)
        return;
    sp_input_close(s->input);
    sp_buf_done(&s->buf);
    sp_free(s);
}

int sp_file_stream_open(const char *path, uint64_t offset, sp_file_stream **out, spate_error *err)
{
    sp_file_stream *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    s->here.offset = offset;
    int rc = sp_input_open(path, offset, &s->input, err);
    s->counts = rc == SPATE_OK && (sp_input_is_packed(s->input) || strcmp(path, "-") == 0);
    if (rc == SPATE_OK)
        *out = s;
    else
        sp_file_stream_close(s);
    return rc;
}

sp_str sp_file_stream_bytes(const sp_file_stream *s)
{
    return (sp_str){s->buf.data ? s->buf.data + s->at : "", s->buf.len - s->at};
}

sp_str sp_file_first_line(sp_str bytes)
{
    const char *newline = bytes.len ? memchr(bytes.p, '\n', bytes.len) : NULL;
    return (sp_str){bytes.p, newline ? (size_t)(newline + 1 - bytes.p) : bytes.len};
}

uint64_t sp_file_newlines(const char *p, size_t len)
{
    uint64_t n = 0;
    for (const char *at = p, *end = p + len; len && (at = memchr(at, '\n', (size_t)(end - at))); at++)
        n++;
    return n;
}

void sp_file_stream_skip(sp_file_stream *s, size_t bytes)
{
    if (s->counts)
        s->here.lines += sp_file_newlines(s->buf.data + s->at, bytes);
    s->at += bytes;
    s->here.offset += bytes;
}

int sp_file_stream_go_to(sp_file_stream *s, uint64_t offset, spate_error *err)
{
    int rc = SPATE_OK;
    while (rc == SPATE_OK && s->here.offset < offset) {
        size_t len = sp_file_stream_bytes(s).len;
        if (len == 0 && s->end)
            break;
        if (len == 0)
            rc = sp_file_stream_fill(s, SP_FILE_BUFFER_BYTES, err);
        else
            sp_file_stream_skip(s, (size_t)SP_MIN((uint64_t)len, offset - s->here.offset));
    }
    return rc;
}

void sp_file_stream_keep(sp_file_stream *s)
{
    s->keeps = true;
    s->kept_at = s->at;
    s->kept = s->here;
}

bool sp_file_stream_back(sp_file_stream *s, uint64_t offset)
{
    if (!s->keeps || s->kept.offset != offset)
        return s->here.offset == offset;
    s->at = s->kept_at;
    s->here = s->kept;
    return true;
}

/* Bytes of buf that nobody needs any more. */
static size_t stream_spent(sp_file_stream *s)
{
    if (s->keeps && s->at - s->kept_at > KEPT_BYTES_MAX)
        s->keeps = false;
    return s->keeps ? s->kept_at : s->at;
}

int sp_file_stream_fill(sp_file_stream *s, size_t room, spate_error *err)
{
    size_t spent = stream_spent(s);
    if (spent) {
        memmove(s->buf.data, s->buf.data + spent, s->buf.len - spent);
        s->buf.len -= spent;
        s->at -= spent;
        s->kept_at -= s->keeps ? spent : 0;
    }
    room += s->at;
    if (s->buf.len < room && sp_buf_reserve(&s->buf, room - s->buf.len))
        return sp_fail_nomem(err);
    while (!s->end && s->buf.len < room) {
        size_t got;
        int rc = sp_input_read(s->input, s->buf.data + s->buf.len, room - s->buf.len, &got, err);
        if (rc != SPATE_OK)
            return rc;
        s->buf.len += got;
        s->end = got == 0;
    }
    return SPATE_OK;
}

int sp_file_stream_skip_to_line(sp_file_stream *s, spate_error *err)
{
    for (;;) {
        sp_str bytes = sp_file_stream_bytes(s);
        const char *newline = memchr(bytes.p, '\n', bytes.len);
        sp_file_stream_skip(s, newline ? (size_t)(newline + 1 - bytes.p) : bytes.len);
        if (newline || s->end)
            return SPATE_OK;
        int rc = sp_file_stream_fill(s, SP_FILE_BUFFER_BYTES, err);
        if (rc != SPATE_OK)
            return rc;
    }
}
