/* cache.c - see cache.h.
 *
 * A value is all there is to the rows: their number and the columns', then for each cell its length (-1: null) and its text. A reader
 * that found less would be no measure of what a cache has to carry. */
#include "lab/cache.h"

#include "client/libhiredis.h"

#include <stdio.h>

struct sp_cache {
    const char *socket;
    redisContext *context; /* NULL: lost */
    sp_buf value;
};

/* ---- coming in ---- */

static int come_in(sp_cache *c, spate_error *err)
{
    c->context = sp_redis.connect_unix(c->socket);
    if (c->context && !c->context->err)
        return SPATE_OK;
    int rc = sp_fail(err, SPATE_E_UNREACHABLE, "cache: could not connect to \"%s\": %s", c->socket,
                     c->context ? c->context->errstr : "no memory");
    if (c->context)
        sp_redis.free_context(c->context);
    c->context = NULL;
    return rc;
}

int sp_cache_open(const char *socket, sp_cache **cache, spate_error *err)
{
    int rc = sp_redis_load(err);
    sp_cache *c = rc == SPATE_OK ? sp_alloc_zero(1, sizeof(*c)) : NULL;
    if (rc == SPATE_OK && !c)
        rc = sp_fail_nomem(err);
    if (rc != SPATE_OK)
        return rc;
    c->socket = socket;
    rc = come_in(c, err);
    if (rc == SPATE_OK)
        *cache = c;
    else
        sp_cache_close(c);
    return rc;
}

void sp_cache_close(sp_cache *c)
{
    if (!c)
        return;
    if (c->context)
        sp_redis.free_context(c->context);
    sp_buf_done(&c->value);
    sp_free(c);
}

/* ---- commands ---- */

/* Of up to three words, each with its length. The reply is the caller's to free. */
static int command(sp_cache *c, int n, const char *const *words, const size_t *lens, redisReply **reply,
                   spate_error *err)
{
    int rc = c->context ? SPATE_OK : come_in(c, err);
    if (rc != SPATE_OK)
        return rc;
    redisReply *r = sp_redis.command_argv(c->context, n, (const char **)words, lens);
    if (!r) {
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "cache: %s", c->context->errstr);
        sp_redis.free_context(c->context); /* it cannot be used any more */
        c->context = NULL;
        return rc;
    }
    if (r->type == REDIS_REPLY_ERROR) {
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "cache: %s", r->str);
        sp_redis.free_reply(r);
        return rc;
    }
    *reply = r;
    return SPATE_OK;
}

static int run(sp_cache *c, const char *word, const char *key, sp_str value, redisReply **reply, spate_error *err)
{
    const char *words[] = {word, key, value.p};
    size_t lens[] = {strlen(word), key ? strlen(key) : 0, value.len};
    redisReply *own = NULL;
    int rc = command(c, key ? value.p ? 3 : 2 : 1, words, lens, &own, err);
    if (rc == SPATE_OK && reply)
        *reply = own;
    else if (rc == SPATE_OK)
        sp_redis.free_reply(own);
    return rc;
}

enum { KEY_MAX = 512 };

/* Long keys are told apart by their hash. */
static void name_key(const sp_query *q, const char *key, char name[KEY_MAX])
{
    if (snprintf(name, KEY_MAX, "%s:%s", q->name, key) >= KEY_MAX)
        snprintf(name, KEY_MAX, "%.64s#%016llx", q->name, (unsigned long long)sp_hash64(key, strlen(key), 0));
}

int sp_cache_clear(sp_cache *c, spate_error *err)
{
    return run(c, "FLUSHALL", NULL, (sp_str){NULL, 0}, NULL, err);
}

int sp_cache_drop(sp_cache *c, const sp_query *q, const char *key, spate_error *err)
{
    char name[KEY_MAX];
    name_key(q, key, name);
    return run(c, "DEL", name, (sp_str){NULL, 0}, NULL, err);
}

/* ---- rows ---- */

static int put_i32(sp_buf *out, int32_t v)
{
    return sp_buf_add(out, (const char *)&v, sizeof(v));
}

int sp_cache_put(sp_cache *c, const sp_query *q, const char *key, const PGresult *rows, spate_error *err)
{
    char name[KEY_MAX];
    sp_buf *v = &c->value;
    int n = sp_pq.ntuples(rows), columns = sp_pq.nfields(rows);
    v->len = 0;
    int built = put_i32(v, n) || put_i32(v, columns);
    for (int i = 0; i < n && !built; i++)
        for (int k = 0; k < columns && !built; k++) {
            const char *text = sp_pq.getvalue(rows, i, k);
            bool null = sp_pq.getisnull(rows, i, k);
            built = put_i32(v, null ? -1 : (int32_t)strlen(text)) || (!null && sp_buf_adds(v, text));
        }
    name_key(q, key, name);
    return built ? sp_fail_nomem(err) : run(c, "SET", name, (sp_str){v->data, v->len}, NULL, err);
}

/* As sp_answer_merge tells of rows. False: that is no value of ours. */
static bool read_rows(sp_str value, bool whole, sp_answer *answer)
{
    int32_t head[2], len;
    const char *p = value.p, *end = value.p + value.len;
    if (value.len < sizeof(head))
        return false;
    memcpy(head, p, sizeof(head));
    p += sizeof(head);
    *answer = (sp_answer){.rows = (uint64_t)head[0]};
    for (int32_t i = 0; i < head[0]; i++) {
        uint64_t hash = 0;
        for (int32_t k = 0; k < head[1]; k++) {
            if (end - p < (ptrdiff_t)sizeof(len))
                return false;
            memcpy(&len, p, sizeof(len));
            p += sizeof(len);
            if (len > end - p)
                return false;
            if (whole)
                hash = sp_hash64(p, len < 0 ? 0 : (size_t)len, hash + (len < 0));
            p += len < 0 ? 0 : len;
        }
        answer->hash += hash;
    }
    return p == end;
}

int sp_cache_get(sp_cache *c, const sp_query *q, const char *key, bool whole, bool *found, sp_answer *answer,
                 spate_error *err)
{
    char name[KEY_MAX];
    redisReply *r = NULL;
    name_key(q, key, name);
    int rc = run(c, "GET", name, (sp_str){NULL, 0}, &r, err);
    if (rc != SPATE_OK)
        return rc;
    *found = r->type == REDIS_REPLY_STRING;
    if (*found && !read_rows((sp_str){r->str, r->len}, whole, answer))
        rc = sp_fail(err, SPATE_E_CORRUPT, "cache: what it has under \"%s\" is no answer", name);
    sp_redis.free_reply(r);
    return rc;
}
