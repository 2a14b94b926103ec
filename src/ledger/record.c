/* record.c - records written and read. The reader trusts the group's hash for what bytes are, and checks all the same that no
 * length leads out of the payload and no number to a node that is not there: a hash says nothing about who wrote it. */
#include "ledger/record.h"

enum {
    VARINT_MAX = 10,
    NODE_FIXED_MAX = 2 + 8 + 8 + 8 + 5 * VARINT_MAX,
    HEADER_MAX = 2 + 2 * VARINT_MAX,
    REPLAY_NODES = 64
};
enum {
    HAS_SERVICE = 1 << 6,
    IS_EXCLUDED = 1 << 7,
    HAS_NOTE = 1 << 3,
    HAS_CHECKSUM = 1 << 4,
    HAS_DEPTH = 1 << 5,
    HAS_ATTRIBUTES = 1 << 6
};

/* ---- writing --------------------------------------------------------------------------------------------------------------- */

static char *put(char *p, uint64_t v)
{
    while (v >= 128) {
        *p++ = (char)(v | 128);
        v >>= 7;
    }
    *p++ = (char)v;
    return p;
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static char *put_text(char *p, spate_bytes text)
{
    p = put(p, text.len);
    if (text.len)
        memcpy(p, text.p, text.len);
    return p + text.len;
}

static char *put_node(char *p, const spate_node *n)
{
    *p++ =
        (char)(n->type | n->traversal << 3 | (n->service_id.len ? HAS_SERVICE : 0) | (n->excluded ? IS_EXCLUDED : 0));
    *p++ = (char)(n->copy | (n->note.len ? HAS_NOTE : 0) | (n->checksum ? HAS_CHECKSUM : 0) |
                  (n->depth ? HAS_DEPTH : 0) | (n->attributes ? HAS_ATTRIBUTES : 0));
    p = put_text(p, n->name);
    p = put(p, zigzag(n->size));
    memcpy(p, &n->mtime_ns, 8);
    p += 8;
    if (n->attributes) {
        memcpy(p, &n->attributes, 8);
        p += 8;
    }
    if (n->service_id.len)
        p = put_text(p, n->service_id);
    if (n->note.len)
        p = put_text(p, n->note);
    if (n->checksum) {
        memcpy(p, &n->checksum, 8);
        p += 8;
    }
    return n->depth ? put(p, (uint32_t)n->depth) : p;
}

static char *put_header(char *p, sp_record_kind kind, unsigned side)
{
    *p++ = (char)kind;
    *p++ = (char)side;
    return p;
}

int sp_record_root(sp_buf *b, unsigned side, const spate_node *node)
{
    if (sp_buf_reserve(b, HEADER_MAX + NODE_FIXED_MAX + node->service_id.len) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = put_node(put(put(put_header(b->data + b->len, SP_RECORD_ROOT, side), 0), 1), node);
    b->len = (size_t)(p - b->data);
    return SPATE_OK;
}

int sp_record_reserve(sp_buf *b, const spate_node *nodes, size_t n)
{
    size_t most = HEADER_MAX;
    for (size_t i = 0; i < n; i++)
        most += HEADER_MAX + NODE_FIXED_MAX + nodes[i].name.len + nodes[i].service_id.len + nodes[i].note.len;
    return sp_buf_reserve(b, most);
}

void sp_record_children(sp_buf *b, unsigned side, uint32_t parent, const spate_node *nodes, size_t n,
                        const uint32_t *known)
{
    char *p = b->data + b->len;
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 0; i + run < n && !known[i + run]; run++)
            ;
        if (run) {
            p = put(put(put_header(p, SP_RECORD_ADD, side), parent), run);
            for (size_t k = i; k < i + run; k++)
                p = put_node(p, &nodes[k]);
        } else {
            p = put_node(put(put_header(p, SP_RECORD_AGAIN, side), known[i]), &nodes[i]);
            run = 1;
        }
    }
    b->len = (size_t)(p - b->data);
    SP_ASSERT(b->len <= b->cap);
}

int sp_record_change(sp_buf *b, unsigned side, unsigned kind, uint32_t node, int64_t value, spate_bytes note)
{
    if (sp_buf_reserve(b, 3 + 3 * VARINT_MAX + note.len) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = b->data + b->len;
    *p++ = SP_RECORD_CHANGE;
    *p++ = (char)side;
    *p++ = (char)kind;
    p = put_text(put(put(p, node), zigzag(value)), note);
    b->len = (size_t)(p - b->data);
    return SPATE_OK;
}

int sp_record_numbers(sp_buf *b, sp_record_kind kind, unsigned side, int32_t depth, int64_t which, int64_t count)
{
    char bytes[2 + 3 * VARINT_MAX], *p = bytes;
    *p++ = (char)kind;
    *p++ = (char)side;
    p = put(put(put(p, (uint32_t)depth), zigzag(which)), zigzag(count));
    return sp_buf_add(b, bytes, (size_t)(p - bytes));
}

int sp_record_snapshot(sp_buf *b, bool ends, const sp_memory *m)
{
    char bytes[2 + 2 * VARINT_MAX], *p = bytes;
    *p++ = SP_RECORD_SNAPSHOT;
    *p++ = (char)ends;
    p = put(put(p, m->side[0].n - 1), m->side[1].n - 1);
    return sp_buf_add(b, bytes, (size_t)(p - bytes));
}

int sp_record_level(sp_buf *b, unsigned side, int32_t depth, const sp_level *level)
{
    char bytes[3 + (3 + SPATE_STATS) * VARINT_MAX], *p = put_header(bytes, SP_RECORD_LEVEL, side);
    p = put(put(p, (uint32_t)depth), level->version);
    *p++ = (char)level->sealed;
    p = put(p, level->stat_there);
    for (unsigned k = 0; k < SPATE_STATS; k++)
        if (level->stat_there >> k & 1)
            p = put(p, zigzag(level->stat[k]));
    return sp_buf_add(b, bytes, (size_t)(p - bytes));
}

int sp_record_texts(sp_buf *b, sp_record_kind kind, unsigned first, const spate_bytes *texts, size_t n)
{
    size_t most = 3;
    for (size_t i = 0; i < n; i++)
        most += VARINT_MAX + texts[i].len;
    if (sp_buf_reserve(b, most) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = b->data + b->len;
    *p++ = (char)kind;
    *p++ = (char)first;
    *p++ = (char)n;
    for (size_t i = 0; i < n; i++)
        p = put_text(p, texts[i]);
    b->len = (size_t)(p - b->data);
    return SPATE_OK;
}

/* ---- reading --------------------------------------------------------------------------------------------------------------- */

typedef struct reader {
    const char *p, *end;
    bool bad;
} reader;

static uint64_t get_long(reader *r)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && r->p < r->end; shift += 7) {
        uint8_t byte = (uint8_t)*r->p++;
        v |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return v;
    }
    r->bad = true;
    return 0;
}

/* Most numbers are small. */
static inline uint64_t get(reader *r)
{
    return r->p < r->end && (uint8_t)*r->p < 128 ? (uint8_t)*r->p++ : get_long(r);
}

static int64_t get_signed(reader *r)
{
    uint64_t v = get(r);
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static const char *get_bytes(reader *r, size_t len)
{
    if ((size_t)(r->end - r->p) < len) {
        r->bad = true;
        return NULL;
    }
    r->p += len;
    return r->p - len;
}

static uint8_t get_byte(reader *r)
{
    const char *p = get_bytes(r, 1);
    return p ? (uint8_t)*p : 0;
}

static uint64_t get_word(reader *r)
{
    uint64_t v = 0;
    const char *p = get_bytes(r, 8);
    if (p)
        memcpy(&v, p, 8);
    return v;
}

static spate_bytes get_text(reader *r)
{
    uint64_t len = get(r);
    const char *p = get_bytes(r, len);
    return p ? (spate_bytes){p, len} : (spate_bytes){NULL, 0};
}

/* What a record says and nothing else: to clear the whole node first would take longer than reading it. */
static void get_node(reader *r, spate_node *n)
{
    const spate_bytes none = {NULL, 0};
    uint8_t a = get_byte(r), b = get_byte(r);
    n->type = a & 7;
    n->traversal = a >> 3 & 7;
    n->copy = b & 7;
    n->excluded = a & IS_EXCLUDED;
    n->name = get_text(r);
    n->size = get_signed(r);
    n->mtime_ns = (int64_t)get_word(r);
    n->attributes = b & HAS_ATTRIBUTES ? get_word(r) : 0;
    n->service_id = a & HAS_SERVICE ? get_text(r) : none;
    n->note = b & HAS_NOTE ? get_text(r) : none;
    n->checksum = b & HAS_CHECKSUM ? get_word(r) : 0;
    n->depth = b & HAS_DEPTH ? (int32_t)get(r) : 0;
    r->bad |= n->type < SPATE_FOLDER || n->type > SPATE_OTHER || n->name.len > UINT16_MAX || n->depth < 0 ||
              n->depth > SP_LEVELS_MAX;
}

static unsigned get_side(reader *r)
{
    uint8_t side = get_byte(r);
    r->bad |= side > 1;
    return side & 1;
}

static uint32_t get_number(reader *r, const sp_side *s)
{
    uint64_t i = get(r);
    r->bad |= i == 0 || i >= s->n;
    return r->bad ? 0 : (uint32_t)i;
}

static int replay_add(sp_memory *m, reader *r, spate_error *err)
{
    unsigned side = get_side(r);
    uint32_t parent = get_number(r, &m->side[side]);
    uint64_t n = get(r);
    int rc = SPATE_OK;
    while (n && !r->bad && rc == SPATE_OK) {
        spate_node nodes[REPLAY_NODES];
        size_t count = SP_MIN(n, (uint64_t)REPLAY_NODES);
        for (size_t i = 0; i < count; i++)
            get_node(r, &nodes[i]);
        if (!r->bad)
            rc = sp_memory_add(m, side, parent, nodes, count, NULL, err);
        n -= count;
    }
    return rc;
}

static int replay_again(sp_memory *m, reader *r, spate_error *err)
{
    spate_node node;
    unsigned side = get_side(r);
    uint32_t i = get_number(r, &m->side[side]);
    get_node(r, &node);
    return r->bad ? SPATE_OK : sp_memory_again(m, side, i, &node, err);
}

static int replay_root(sp_memory *m, reader *r, spate_error *err)
{
    spate_node node;
    unsigned side = get_side(r);
    get(r);
    get(r);
    get_node(r, &node);
    r->bad |= m->side[side].n != 1;
    return r->bad ? SPATE_OK : sp_memory_root(m, side, &node, err);
}

static int replay_change(sp_memory *m, reader *r, spate_error *err)
{
    unsigned side = get_side(r), kind = get_byte(r);
    uint32_t node = get_number(r, &m->side[side]);
    int64_t value = get_signed(r);
    spate_bytes note = get_text(r);
    r->bad |= kind > SPATE_SET_ATTRIBUTES ||
              ((kind == SPATE_SET_TRAVERSAL || kind == SPATE_SET_COPY) && (value < 0 || value > 7));
    return r->bad ? SPATE_OK : sp_memory_change(m, side, node, kind, value, note, err);
}

static int replay_numbers(sp_memory *m, reader *r, unsigned kind, spate_error *err)
{
    unsigned side = get_side(r);
    uint64_t depth = get(r);
    int64_t which = get_signed(r), count = get_signed(r);
    sp_level *level = NULL;
    r->bad |= depth > SP_LEVELS_MAX || (kind == SP_RECORD_STAT && (which < 0 || which >= SPATE_STATS));
    if (r->bad)
        return SPATE_OK;
    int rc = sp_memory_level(m, side, (int32_t)depth, &level, err);
    if (rc != SPATE_OK)
        return rc;
    if (kind == SP_RECORD_STAT || (kind == SP_RECORD_SEAL && count >= 0)) {
        unsigned stat = kind == SP_RECORD_STAT ? (unsigned)which : SPATE_STAT_COMPLETED;
        level->stat[stat] = count;
        level->stat_there |= 1u << stat;
    }
    if (kind != SP_RECORD_STAT)
        sp_memory_recount(level, side);
    level->sealed |= kind == SP_RECORD_SEAL;
    level->stats_dirty = true;
    return SPATE_OK;
}

static void replay_snapshot(sp_memory *m, reader *r)
{
    bool ends = get_side(r);
    uint64_t n[2] = {get(r), get(r)};
    if (ends)
        r->bad |= !m->unfinished || n[0] != m->side[0].n - 1 || n[1] != m->side[1].n - 1;
    else
        r->bad |= m->unfinished || m->side[0].n != 1 || m->side[1].n != 1 || n[0] >= UINT32_MAX || n[1] >= UINT32_MAX;
    m->unfinished = !ends;
}

typedef struct level_facts {
    unsigned side;
    uint64_t depth, version, there;
    bool sealed;
    int64_t stat[SPATE_STATS];
} level_facts;

static level_facts get_level(reader *r)
{
    level_facts f = {.side = get_side(r)};
    f.depth = get(r);
    f.version = get(r);
    f.sealed = get_byte(r);
    f.there = get(r);
    r->bad |= f.depth > SP_LEVELS_MAX || f.there >> SPATE_STATS;
    for (unsigned k = 0; k < SPATE_STATS && !r->bad; k++)
        f.stat[k] = f.there >> k & 1 ? get_signed(r) : 0;
    return f;
}

static int replay_level(sp_memory *m, reader *r, spate_error *err)
{
    level_facts f = get_level(r);
    sp_level *level = NULL;
    int rc = r->bad ? SPATE_OK : sp_memory_level(m, f.side, (int32_t)f.depth, &level, err);
    if (!level)
        return rc;
    memcpy(level->stat, f.stat, sizeof(f.stat));
    level->stat_there = (uint32_t)f.there;
    level->version = f.version;
    level->sealed = f.sealed;
    level->stats_dirty = true;
    return SPATE_OK;
}

static size_t get_texts(reader *r, uint8_t *first, spate_bytes *texts)
{
    *first = get_byte(r);
    size_t n = get_byte(r);
    r->bad |= n > SP_ROW_TEXTS_MAX;
    for (size_t i = 0; i < n && !r->bad; i++)
        texts[i] = get_text(r);
    return r->bad ? 0 : n;
}

static int replay_one(sp_memory *m, reader *r, spate_error *err)
{
    const char *start = r->p;
    uint8_t kind = get_byte(r), first;
    spate_bytes texts[SP_ROW_TEXTS_MAX] = {{0}};
    switch (kind) {
    case SP_RECORD_ROOT: return replay_root(m, r, err);
    case SP_RECORD_ADD: return replay_add(m, r, err);
    case SP_RECORD_AGAIN: return replay_again(m, r, err);
    case SP_RECORD_CHANGE: return replay_change(m, r, err);
    case SP_RECORD_SEAL:
    case SP_RECORD_STAT:
    case SP_RECORD_RECOUNT: return replay_numbers(m, r, kind, err);
    case SP_RECORD_ROW:
        get_texts(r, &first, texts);
        m->rows++;
        m->row_bytes += (uint64_t)(r->p - start);
        return SPATE_OK;
    case SP_RECORD_REMEMBER:
        r->bad |= get_texts(r, &first, texts) != 2;
        return r->bad ? SPATE_OK : sp_memory_remember(m, texts[0], texts[1], first, err);
    case SP_RECORD_SNAPSHOT: replay_snapshot(m, r); return SPATE_OK;
    case SP_RECORD_LEVEL: return replay_level(m, r, err);
    default: r->bad = true; return SPATE_OK;
    }
}

static int bad_record(spate_error *err)
{
    return sp_fail(err, SPATE_E_CORRUPT, "a record of the journal makes no sense: was it written by a newer spate");
}

int sp_record_replay(sp_memory *m, const char *payload, size_t len, spate_error *err)
{
    reader r = {payload, payload + len, false};
    int rc = SPATE_OK;
    while (r.p < r.end && rc == SPATE_OK) {
        rc = replay_one(m, &r, err);
        if (r.bad)
            rc = bad_record(err);
    }
    return rc;
}

/* ---- rows for DuckDB ----------------------------------------------------------------------------------------------------- */

static void skip_nodes(reader *r)
{
    spate_node node;
    get(r);
    for (uint64_t n = get(r); n && !r->bad; n--)
        get_node(r, &node);
}

/* Over a record that is none; its kind is read. */
static void skip(reader *r, uint8_t kind)
{
    uint8_t first;
    spate_bytes texts[SP_ROW_TEXTS_MAX];
    if (kind == SP_RECORD_REMEMBER) {
        get_texts(r, &first, texts);
        return;
    }
    if (kind == SP_RECORD_LEVEL) {
        (void)get_level(r);
        return;
    }
    get_side(r);
    if (kind == SP_RECORD_ROOT || kind == SP_RECORD_ADD) {
        skip_nodes(r);
    } else if (kind == SP_RECORD_AGAIN) {
        spate_node node;
        get(r);
        get_node(r, &node);
    } else if (kind == SP_RECORD_CHANGE) {
        get_byte(r);
        get(r);
        get(r);
        get_text(r);
    } else {
        get(r);
        get(r);
        if (kind != SP_RECORD_SNAPSHOT)
            get(r);
    }
}

int sp_record_rows(const char *payload, size_t len, uint64_t *number, sp_row_fn fn, void *arg, spate_error *err)
{
    reader r = {payload, payload + len, false};
    int rc = SPATE_OK;
    while (r.p < r.end && rc == SPATE_OK) {
        uint8_t kind = get_byte(&r), statement;
        spate_bytes texts[SP_ROW_TEXTS_MAX];
        if (kind != SP_RECORD_ROW) {
            skip(&r, kind);
        } else {
            size_t n = get_texts(&r, &statement, texts);
            rc = r.bad ? SPATE_OK : fn(arg, (*number)++, statement, texts, n, err);
        }
        if (r.bad)
            rc = bad_record(err);
    }
    return rc;
}
