/* pack.c - LZ4 and zstd over segments. */
#include "store/pack.h"

#include "client/libpack.h"

enum { ZSTD_LEVEL = 3 };

struct sp_presser {
    spate_packing with;
    ZSTD_CCtx *zstd;
    sp_buf packed;
};

static int load(spate_packing with, spate_error *err)
{
    return with == SPATE_PACKED_ZSTD ? sp_zstd_load(err) : sp_lz4_load(err);
}

int sp_presser_open(spate_packing with, sp_presser **presser, spate_error *err)
{
    int rc = load(with, err);
    if (rc != SPATE_OK)
        return rc;
    sp_presser *p = sp_alloc_zero(1, sizeof *p);
    if (!p)
        return sp_fail_nomem(err);
    p->with = with;
    if (with == SPATE_PACKED_ZSTD && !(p->zstd = sp_zstd.createCCtx())) {
        sp_presser_close(p);
        return sp_fail_nomem(err);
    }
    *presser = p;
    return SPATE_OK;
}

void sp_presser_close(sp_presser *p)
{
    if (!p)
        return;
    if (p->zstd)
        sp_zstd.freeCCtx(p->zstd);
    sp_buf_done(&p->packed);
    sp_free(p);
}

/* What is packed of n bytes, in p->packed; 0: more than room. */
static size_t press(sp_presser *p, const char *from, size_t n, size_t room)
{
    if (p->with == SPATE_PACKED_LZ4) {
        int made = sp_lz4.compress_default(from, p->packed.data, (int)n, (int)room);
        return made > 0 ? (size_t)made : 0;
    }
    size_t made = sp_zstd.compressCCtx(p->zstd, p->packed.data, room, from, n, ZSTD_LEVEL);
    return sp_zstd.isError(made) ? 0 : made;
}

int sp_segment_pack(sp_presser *p, sp_buf *out, size_t start, bool *pays)
{
    sp_segment_header h;
    memcpy(&h, out->data + start, sizeof h);
    char *body = out->data + start + sizeof h;
    size_t n = h.bytes - sizeof h, room = n - n / 16;
    *pays = false;
    if (n < 64 || room <= sizeof(sp_pack_head) || n > INT32_MAX / 2)
        return SPATE_OK;
    room -= sizeof(sp_pack_head);
    p->packed.len = 0;
    if (sp_buf_reserve(&p->packed, room) != SPATE_OK)
        return SPATE_E_NOMEM;
    size_t made = press(p, body, n, room);
    if (made == 0 || n > made * SP_UNPACKED_MAX)
        return SPATE_OK;
    sp_pack_head head = {.with = (uint8_t)p->with, .bytes = (uint32_t)n};
    memcpy(body, &head, sizeof head);
    memcpy(body + sizeof head, p->packed.data, made);
    h.flags |= SP_SEGMENT_PACKED;
    h.bytes = (uint32_t)(sizeof h + sizeof head + made);
    memcpy(out->data + start, &h, sizeof h);
    out->len = start + h.bytes;
    while ((out->len - start) % 8)
        out->data[out->len++] = 0; /* there was more before */
    *pays = true;
    return SPATE_OK;
}

static bool unpress(const sp_pack_head *head, const char *from, size_t n, char *to)
{
    if (head->with == SPATE_PACKED_LZ4)
        return sp_lz4.decompress_safe(from, to, (int)n, (int)head->bytes) == (int)head->bytes;
    return sp_zstd.decompress(to, head->bytes, from, n) == head->bytes; /* an error is a very large number */
}

int sp_segment_unpack(const void *bytes, size_t len, sp_buf *out, spate_error *err)
{
    sp_segment_header h;
    sp_pack_head head;
    memcpy(&h, bytes, sizeof h);
    if (h.bytes > len || h.bytes < sizeof h + sizeof head)
        return sp_fail(err, SPATE_E_CORRUPT, "a segment is not sound");
    memcpy(&head, (const char *)bytes + sizeof h, sizeof head);
    size_t n = h.bytes - sizeof h - sizeof head;
    if ((head.with != SPATE_PACKED_LZ4 && head.with != SPATE_PACKED_ZSTD) || head.bytes > n * SP_UNPACKED_MAX ||
        n > INT32_MAX / 2 || head.bytes > INT32_MAX / 2)
        return sp_fail(err, SPATE_E_CORRUPT, "a segment is not sound");
    int rc = load((spate_packing)head.with, err);
    if (rc != SPATE_OK)
        return rc;
    out->len = 0;
    if (sp_buf_reserve(out, sizeof h + head.bytes + SP_SLACK) != SPATE_OK)
        return sp_fail_nomem(err);
    h.flags &= (uint8_t)~SP_SEGMENT_PACKED;
    h.bytes = (uint32_t)sizeof h + head.bytes;
    memcpy(out->data, &h, sizeof h);
    if (!unpress(&head, (const char *)bytes + sizeof h + sizeof head, n, out->data + sizeof h))
        return sp_fail(err, SPATE_E_CORRUPT, "a segment cannot be unpacked");
    out->len = h.bytes;
    return SPATE_OK;
}
