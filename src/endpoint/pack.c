/* pack.c - see pack.h. Levels are the libraries' own: 6 of 9, 3 of 19. */
#include "endpoint/pack.h"

#include "client/libpack.h"

enum { GZIP_LEVEL = 6, ZSTD_LEVEL = 3, GZIP_WINDOW = 15 + 16, ROOM = 64 << 10 };

struct sp_packer {
    sp_pack pack;
    z_stream z;
    ZSTD_CCtx *zstd;
};

struct sp_unpacker {
    sp_pack pack;
    bool between;
    z_stream z;
    ZSTD_DStream *zstd;
};

/* ---- names ------------------------------------------------------------------------------------- */

static const char *const endings[] = {[SP_PACK_NONE] = "", [SP_PACK_GZIP] = ".gz", [SP_PACK_ZSTD] = ".zst"};

const char *sp_pack_ending(sp_pack pack)
{
    return endings[pack];
}

sp_pack sp_pack_of_name(const char *path, size_t *stem)
{
    size_t len = strlen(path);
    *stem = len;
    for (sp_pack pack = SP_PACK_GZIP; pack <= SP_PACK_ZSTD; pack++) {
        size_t n = strlen(endings[pack]);
        if (len > n && sp_str_ieq((sp_str){path + len - n, n}, endings[pack])) {
            *stem = len - n;
            return pack;
        }
    }
    return SP_PACK_NONE;
}

sp_pack sp_pack_of_bytes(const void *bytes, size_t len)
{
    if (len >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0)
        return SP_PACK_GZIP;
    return len >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0 ? SP_PACK_ZSTD : SP_PACK_NONE;
}

/* ---- packing ------------------------------------------------------------------------------------- */

int sp_packer_new(sp_pack pack, sp_packer **out, spate_error *err)
{
    int rc = pack == SP_PACK_GZIP ? sp_zlib_load(err) : sp_zstd_load(err);
    sp_packer *p = rc == SPATE_OK ? sp_alloc_zero(1, sizeof(*p)) : NULL;
    if (!p)
        return rc == SPATE_OK ? sp_fail_nomem(err) : rc;
    p->pack = pack;
    bool ok = pack == SP_PACK_GZIP ? sp_zlib.deflateInit2_(&p->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
                                                           Z_DEFAULT_STRATEGY, ZLIB_VERSION, (int)sizeof(p->z)) == Z_OK
                                   : (p->zstd = sp_zstd.createCCtx()) != NULL;
    if (ok && p->zstd) {
        sp_zstd.CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        sp_zstd.CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1); /* gzip always has one */
    }
    if (!ok) {
        sp_free(p);
        return sp_fail_nomem(err);
    }
    *out = p;
    return SPATE_OK;
}

void sp_packer_free(sp_packer *p)
{
    if (!p)
        return;
    if (p->pack == SP_PACK_GZIP)
        sp_zlib.deflateEnd(&p->z);
    else
        sp_zstd.freeCCtx(p->zstd);
    sp_free(p);
}

void sp_packer_reset(sp_packer *p)
{
    if (p->pack == SP_PACK_GZIP)
        sp_zlib.deflateReset(&p->z);
    else
        sp_zstd.CCtx_reset(p->zstd, ZSTD_reset_session_only);
}

static int deflate_some(sp_packer *p, bool last, sp_buf *out, bool *done)
{
    p->z.next_out = (Bytef *)out->data + out->len;
    p->z.avail_out = ROOM;
    int code = sp_zlib.deflate(&p->z, last ? Z_FINISH : Z_NO_FLUSH);
    out->len += ROOM - p->z.avail_out;
    *done = last ? code == Z_STREAM_END : p->z.avail_in == 0 && p->z.avail_out > 0;
    return code == Z_STREAM_ERROR ? SPATE_E_NOMEM : SPATE_OK;
}

static int compress_some(sp_packer *p, ZSTD_inBuffer *in, bool last, sp_buf *out, bool *done)
{
    ZSTD_outBuffer to = {out->data + out->len, ROOM, 0};
    size_t left = sp_zstd.compressStream2(p->zstd, &to, in, last ? ZSTD_e_end : ZSTD_e_continue);
    out->len += to.pos;
    *done = last ? left == 0 : in->pos == in->size;
    return sp_zstd.isError(left) ? SPATE_E_NOMEM : SPATE_OK;
}

int sp_packer_add(sp_packer *p, const void *bytes, size_t len, bool last, sp_buf *out)
{
    ZSTD_inBuffer in = {bytes, len, 0};
    p->z.next_in = (Bytef *)bytes;
    p->z.avail_in = (uInt)len; /* pieces are a batch's text: far below 4 GiB */
    int rc = SPATE_OK;
    for (bool done = false; !done && rc == SPATE_OK;)
        rc = sp_buf_reserve(out, ROOM) ? SPATE_E_NOMEM
             : p->pack == SP_PACK_GZIP ? deflate_some(p, last, out, &done)
                                       : compress_some(p, &in, last, out, &done);
    if (last)
        sp_packer_reset(p);
    return rc;
}

/* ---- unpacking ------------------------------------------------------------------------------------- */

int sp_unpacker_new(sp_pack pack, sp_unpacker **out, spate_error *err)
{
    int rc = pack == SP_PACK_GZIP ? sp_zlib_load(err) : sp_zstd_load(err);
    sp_unpacker *u = rc == SPATE_OK ? sp_alloc_zero(1, sizeof(*u)) : NULL;
    if (!u)
        return rc == SPATE_OK ? sp_fail_nomem(err) : rc;
    u->pack = pack;
    u->between = true;
    bool ok = pack == SP_PACK_GZIP ? sp_zlib.inflateInit2_(&u->z, GZIP_WINDOW, ZLIB_VERSION, (int)sizeof(u->z)) == Z_OK
                                   : (u->zstd = sp_zstd.createDStream()) != NULL;
    if (!ok) {
        sp_free(u);
        return sp_fail_nomem(err);
    }
    *out = u;
    return SPATE_OK;
}

void sp_unpacker_free(sp_unpacker *u)
{
    if (!u)
        return;
    if (u->pack == SP_PACK_GZIP)
        sp_zlib.inflateEnd(&u->z);
    else
        sp_zstd.freeDStream(u->zstd);
    sp_free(u);
}

bool sp_unpacker_is_between(const sp_unpacker *u)
{
    return u->between;
}

static int inflate_some(sp_unpacker *u, sp_str *in, void *to, size_t room, size_t *made, spate_error *err)
{
    size_t give = SP_MIN(in->len, (size_t)1 << 30), take = SP_MIN(room, (size_t)1 << 30);
    u->z.next_in = (Bytef *)in->p;
    u->z.avail_in = (uInt)give;
    u->z.next_out = to;
    u->z.avail_out = (uInt)take;
    int code = sp_zlib.inflate(&u->z, Z_NO_FLUSH);
    *in = (sp_str){in->p + (give - u->z.avail_in), in->len - (give - u->z.avail_in)};
    *made = take - u->z.avail_out;
    if (*made || u->z.avail_in < give || code == Z_STREAM_END)
        u->between = code == Z_STREAM_END;
    if (code == Z_STREAM_END)
        sp_zlib.inflateReset(&u->z); /* another member may follow */
    if (code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR)
        return SPATE_OK;
    return code == Z_MEM_ERROR
               ? sp_fail_nomem(err)
               : sp_fail(err, SPATE_E_DATA, "it is not packed by gzip: %s", u->z.msg ? u->z.msg : "damaged");
}

static int decompress_some(sp_unpacker *u, sp_str *in, void *to, size_t room, size_t *made, spate_error *err)
{
    ZSTD_inBuffer from = {in->p, in->len, 0};
    ZSTD_outBuffer out = {to, room, 0};
    size_t left = sp_zstd.decompressStream(u->zstd, &out, &from);
    *in = (sp_str){in->p + from.pos, in->len - from.pos};
    *made = out.pos;
    if (from.pos || out.pos)
        u->between = left == 0;
    return sp_zstd.isError(left)
               ? sp_fail(err, SPATE_E_DATA, "it is not packed by zstd: %s", sp_zstd.getErrorName(left))
               : SPATE_OK;
}

int sp_unpacker_take(sp_unpacker *u, sp_str *in, void *to, size_t room, size_t *made, spate_error *err)
{
    return u->pack == SP_PACK_GZIP ? inflate_some(u, in, to, room, made, err)
                                   : decompress_some(u, in, to, room, made, err);
}
