/* input.c - see input.h. The first bytes of a file are looked at wherever it is to be read from. */
#include "endpoint/input.h"

#include "os/os.h"

enum { RAW_BYTES = 128 << 10, MAGIC_BYTES = 4 };

struct sp_input {
    int fd;
    const char *path; /* its owner's */
    sp_unpacker *unpacker;
    char *raw; /* read and not given away: [at, len) */
    size_t at, len;
    bool end;
};

void sp_input_close(sp_input *in)
{
    if (!in)
        return;
    (void)!sp_os_close(&in->fd, "", NULL);
    sp_unpacker_free(in->unpacker);
    sp_free(in->raw);
    sp_free(in);
}

bool sp_input_is_packed(const sp_input *in)
{
    return in->unpacker != NULL;
}

/* More raw bytes behind those that are there. */
static int read_raw(sp_input *in, spate_error *err)
{
    size_t got = 0;
    int rc = sp_os_read(in->fd, in->raw + in->len, RAW_BYTES - in->len, in->path, &got, err);
    in->len += got;
    in->end = rc == SPATE_OK && got == 0;
    return rc;
}

static int look_at_magic(sp_input *in, spate_error *err)
{
    int rc = SPATE_OK;
    while (rc == SPATE_OK && !in->end && in->len < MAGIC_BYTES)
        rc = read_raw(in, err);
    sp_pack pack = sp_pack_of_bytes(in->raw, in->len);
    return rc == SPATE_OK && pack != SP_PACK_NONE ? sp_unpacker_new(pack, &in->unpacker, err) : rc;
}

int sp_input_peek_magic(sp_input *in, const char *magic, size_t len, bool *is, spate_error *err)
{
    int rc = SPATE_OK;
    while (rc == SPATE_OK && !in->unpacker && !in->end && in->len - in->at < len)
        rc = read_raw(in, err);
    *is = rc == SPATE_OK && !in->unpacker && in->len - in->at >= len && memcmp(in->raw + in->at, magic, len) == 0;
    return rc;
}

static int read_packed(sp_input *in, void *to, size_t room, size_t *got, spate_error *err)
{
    for (*got = 0;;) {
        sp_str raw = {in->raw + in->at, in->len - in->at};
        int rc = sp_unpacker_take(in->unpacker, &raw, to, room, got, err);
        in->at = in->len - raw.len;
        if (rc != SPATE_OK || *got)
            return rc;
        if (in->end && raw.len == 0)
            return sp_unpacker_is_between(in->unpacker)
                       ? SPATE_OK
                       : sp_fail(err, SPATE_E_DATA, "its packed bytes end in the middle");
        if (raw.len)
            continue;
        in->at = in->len = 0;
        rc = read_raw(in, err);
        if (rc != SPATE_OK || (in->end && sp_unpacker_is_between(in->unpacker)))
            return rc;
    }
}

int sp_input_read(sp_input *in, void *to, size_t room, size_t *got, spate_error *err)
{
    if (in->unpacker)
        return read_packed(in, to, room, got, err);
    if (in->at == in->len)
        return sp_os_read(in->fd, to, room, in->path, got, err);
    *got = SP_MIN(room, in->len - in->at);
    memcpy(to, in->raw + in->at, *got);
    in->at += *got;
    return SPATE_OK;
}

/* Unpacks and forgets. */
static int skip(sp_input *in, uint64_t bytes, spate_error *err)
{
    enum { SKIP_BYTES = 64 << 10 };
    char *scratch = bytes ? sp_alloc(SKIP_BYTES) : NULL;
    int rc = bytes && !scratch ? sp_fail_nomem(err) : SPATE_OK;
    for (size_t got = 1; rc == SPATE_OK && bytes && got; bytes -= got)
        rc = sp_input_read(in, scratch, (size_t)SP_MIN(bytes, (uint64_t)SKIP_BYTES), &got, err);
    sp_free(scratch);
    return rc;
}

static int open_at(sp_input *in, uint64_t offset, spate_error *err)
{
    int rc = sp_os_open_input(in->path, &in->fd, err);
    if (rc == SPATE_OK && strcmp(in->path, "-") == 0)
        (void)!sp_os_seek(in->fd, 0, in->path, NULL); /* a file may have been read before; a pipe cannot be */
    if (rc == SPATE_OK)
        rc = look_at_magic(in, err);
    if (rc != SPATE_OK || in->unpacker || offset == 0)
        return rc == SPATE_OK ? skip(in, offset, err) : rc;
    in->at = in->len = 0;
    return sp_os_seek(in->fd, offset, in->path, err);
}

int sp_input_open(const char *path, uint64_t offset, sp_input **out, spate_error *err)
{
    sp_input *in = sp_alloc_zero(1, sizeof(*in));
    if (!in)
        return sp_fail_nomem(err);
    in->fd = -1;
    in->path = path;
    in->raw = sp_alloc(RAW_BYTES);
    int rc = in->raw ? open_at(in, offset, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        *out = in;
    else
        sp_input_close(in);
    return rc;
}
