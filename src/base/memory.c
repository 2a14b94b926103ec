/* memory.c - allocation, arenas and growing buffers. Nothing here aborts: a NULL or SPATE_E_NOMEM reaches the caller. */
#include "base/base.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static _Atomic uint64_t fail_countdown;

void sp_alloc_fail_at(uint64_t nth)
{
    atomic_store(&fail_countdown, nth);
}

static bool fails_now(void)
{
    if (SP_LIKELY(atomic_load_explicit(&fail_countdown, memory_order_relaxed) == 0))
        return false;
    return atomic_fetch_sub(&fail_countdown, 1) == 1;
}

void *sp_alloc(size_t bytes)
{
    return fails_now() ? NULL : malloc(bytes ? bytes : 1);
}

void *sp_alloc_zero(size_t count, size_t bytes)
{
    return fails_now() ? NULL : calloc(count ? count : 1, bytes ? bytes : 1);
}

void *sp_alloc_large(size_t bytes)
{
    const size_t huge = (size_t)2 << 20, page = bytes < huge ? 4096 : huge;
    size_t whole = (bytes + page - 1) & ~(page - 1);
    void *p = fails_now() ? NULL : aligned_alloc(page, whole);
    if (p && page == huge)
        madvise(p, whole, MADV_HUGEPAGE);
    return p;
}

void *sp_realloc(void *old, size_t bytes)
{
    return fails_now() ? NULL : realloc(old, bytes ? bytes : 1);
}

void sp_free(void *p)
{
    free(p);
}

/* ---- arena ---- */

enum { ARENA_BLOCK = 16 << 10 };

typedef struct sp_arena_block {
    struct sp_arena_block *next;
    size_t cap;
    alignas(16) char bytes[];
} sp_arena_block;

void sp_arena_init(sp_arena *a)
{
    *a = (sp_arena){0};
}

void sp_arena_done(sp_arena *a)
{
    for (sp_arena_block *b = a->head, *next; b; b = next) {
        next = b->next;
        sp_free(b);
    }
    *a = (sp_arena){0};
}

void *sp_arena_alloc(sp_arena *a, size_t count, size_t bytes)
{
    if (bytes && count > SIZE_MAX / 4 / bytes)
        return NULL;
    size_t want = (count * bytes + 15) & ~(size_t)15;
    if (!want)
        want = 16;
    if (!a->head || a->head->cap - a->used < want) {
        size_t cap = SP_MAX(want, (size_t)ARENA_BLOCK);
        sp_arena_block *b = sp_alloc_zero(1, sizeof(*b) + cap);
        if (!b)
            return NULL;
        b->cap = cap;
        b->next = a->head;
        a->head = b;
        a->used = 0;
    }
    void *p = a->head->bytes + a->used;
    a->used += want;
    return p;
}

char *sp_arena_strndup(sp_arena *a, const char *s, size_t len)
{
    char *copy = sp_arena_alloc(a, len + 1, 1);
    if (copy && len)
        memcpy(copy, s, len);
    return copy;
}

char *sp_arena_printf(sp_arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = len < 0 ? NULL : sp_arena_alloc(a, (size_t)len + 1, 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return text;
}

/* ---- buffer ---- */

void sp_buf_init(sp_buf *b)
{
    *b = (sp_buf){0};
}

void sp_buf_done(sp_buf *b)
{
    sp_free(b->data);
    *b = (sp_buf){0};
}

int sp_buf_reserve(sp_buf *b, size_t more)
{
    if (SP_LIKELY(b->cap - b->len >= more && b->data))
        return SPATE_OK;
    if (more > SIZE_MAX / 4 - b->len)
        return SPATE_E_NOMEM;
    size_t cap = SP_MAX(b->len + more, b->cap + b->cap / 2);
    cap = SP_MAX(cap, (size_t)256);
    char *data = sp_realloc(b->data, cap + SP_SLACK);
    if (!data)
        return SPATE_E_NOMEM;
    b->data = data;
    b->cap = cap;
    return SPATE_OK;
}

int sp_buf_add(sp_buf *b, const void *bytes, size_t len)
{
    int rc = sp_buf_reserve(b, len);
    if (rc == SPATE_OK && len) {
        memcpy(b->data + b->len, bytes, len);
        b->len += len;
    }
    return rc;
}

int sp_buf_adds(sp_buf *b, const char *s)
{
    return sp_buf_add(b, s, strlen(s));
}

int sp_buf_add_json(sp_buf *b, const char *s, size_t len)
{
    int rc = sp_buf_adds(b, "\"");
    for (size_t i = 0; i < len && !rc; i++) {
        unsigned char c = (unsigned char)s[i];
        rc = c == '"' || c == '\\' ? sp_buf_printf(b, "\\%c", c)
             : c < 32              ? sp_buf_printf(b, "\\u%04x", c)
                                   : sp_buf_add(b, &s[i], 1);
    }
    return rc || sp_buf_adds(b, "\"") ? SPATE_E_NOMEM : SPATE_OK;
}

int sp_buf_printf(sp_buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    int rc = len < 0 ? SPATE_E_NOMEM : sp_buf_reserve(b, (size_t)len + 1);
    if (rc == SPATE_OK) {
        vsnprintf(b->data + b->len, (size_t)len + 1, fmt, again);
        b->len += (size_t)len;
    }
    va_end(again);
    return rc;
}
