/* sqlitetree.c - records as the leaves, overflow pages and inner pages of a table's B-tree, from the left to the right.
 *
 * Level 0 is the leaf under way, level n the inner page above level n - 1. A page that is full goes to the end of the file, and its
 * number with its last key to the level above. SQLite takes no inner page without a key, so the youngest child of a level waits
 * outside its page, and a page that is full gives its last cell up to be its right-most child: whatever comes next, even if that is
 * the end, what follows has a key and a right-most child of its own. */
#include "codec/sqlitefile.h"

enum {
    LEAF = 0x0d,
    INNER = 0x05,
    LEAF_HEAD = 8,
    INNER_HEAD = 12,
    POINTER = 2, /* bytes of a cell's place in the page */
    CHILD = 4,   /* bytes of a page number */
    VARINT_MAX = 9,
    LEVELS_MAX = 20,        /* SQLite's own limit */
    PAGES_MAX = 1073741823, /* SQLITE_MAX_PAGE_COUNT, as it comes */
    LOCK_BYTE = 0x40000000,
    PAGES_AT = 28, /* in the header of the file */
    CHANGES_AT = 24,
    VALID_FOR_AT = 92,
};

typedef struct level {
    uint8_t *page;
    uint32_t cells, top; /* the lowest cell begins at top */
    /* Inner pages: the child that waits, and what the last cell holds. */
    uint32_t child, cell_child;
    int64_t key, cell_key;
    bool waiting;
} level;

struct sp_sqlitetree {
    sp_sqlite_pages *pages;
    level levels[LEVELS_MAX];
    uint32_t n_levels;
    int64_t last;
    bool any;
};

static void put_u16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put_u32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof(v));
}

static uint32_t get_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return __builtin_bswap32(v);
}

static uint32_t varint_bytes(uint64_t v)
{
    uint32_t n = 1;
    while (n < VARINT_MAX && v >> 7 * n)
        n++;
    return n;
}

/* Seven bits a byte, the highest first; of a ninth byte all eight. */
static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    uint32_t n = varint_bytes(v);
    if (n == VARINT_MAX) {
        p[8] = (uint8_t)v;
        v >>= 8;
        for (int i = 7; i >= 0; i--, v >>= 7)
            p[i] = (uint8_t)(v | 0x80);
        return p + VARINT_MAX;
    }
    for (uint32_t i = n; i-- > 0; v >>= 7)
        p[i] = (uint8_t)((v & 0x7f) | (i + 1 < n ? 0x80 : 0));
    return p + n;
}

/* ---- pages --------------------------------------------------------------------------------- */

uint32_t sp_sqlite_lock_page(uint32_t page_size)
{
    return LOCK_BYTE / page_size + 1;
}

void sp_sqlite_header_set_pages(uint8_t header[SP_SQLITE_HEADER_BYTES], uint32_t pages)
{
    uint32_t changes = get_u32(header + CHANGES_AT) + 1;
    put_u32(header + PAGES_AT, pages);
    put_u32(header + CHANGES_AT, changes);
    put_u32(header + VALID_FOR_AT, changes);
}

/* The number that the next page will have. */
static uint32_t next_number(const sp_sqlite_pages *p)
{
    return p->next + (p->next == sp_sqlite_lock_page(p->size));
}

/* A page at the end of the file, and its number; the page of the locks is passed over. NULL: *rc says why. */
static uint8_t *append_page(sp_sqlite_pages *p, uint32_t *number, int *rc, spate_error *err)
{
    *number = next_number(p);
    *rc = *number > PAGES_MAX ? sp_fail(err, SPATE_E_DATA, "an SQLite file cannot have more than %d pages of %u bytes",
                                        PAGES_MAX, p->size)
          : sp_buf_reserve(&p->out, (size_t)2 * p->size) ? sp_fail_nomem(err)
                                                         : SPATE_OK;
    if (*rc != SPATE_OK)
        return NULL;
    if (*number != p->next) {
        memset(p->out.data + p->out.len, 0, p->size);
        p->out.len += p->size;
    }
    uint8_t *page = (uint8_t *)p->out.data + p->out.len;
    p->out.len += p->size;
    p->next = *number + 1;
    return page;
}

/* ---- levels ------------------------------------------------------------------------------- */

static uint32_t head_bytes(uint32_t at)
{
    return at == 0 ? LEAF_HEAD : INNER_HEAD;
}

static int level_need(sp_sqlitetree *t, uint32_t at, spate_error *err)
{
    if (at < t->n_levels)
        return SPATE_OK;
    SP_ASSERT(at < LEVELS_MAX);
    level *l = &t->levels[at];
    *l = (level){.page = sp_alloc(t->pages->size), .top = t->pages->size};
    if (!l->page)
        return sp_fail_nomem(err);
    t->n_levels = at + 1;
    return SPATE_OK;
}

static bool has_room(const sp_sqlitetree *t, uint32_t at, uint32_t bytes)
{
    const level *l = &t->levels[at];
    return head_bytes(at) + POINTER * (l->cells + 1) + bytes <= l->top;
}

/* Room for a cell, with its pointer set. */
static uint8_t *add_cell(level *l, uint32_t head, uint32_t bytes)
{
    l->top -= bytes;
    put_u16(l->page + head + POINTER * l->cells++, l->top);
    return l->page + l->top;
}

/* Writes the head of the page and clears what is free in it. right: of inner pages. A content area at 65536 is written as 0. */
static void close_page(level *l, uint32_t at, uint32_t right)
{
    uint32_t head = head_bytes(at), used = head + POINTER * l->cells;
    l->page[0] = at == 0 ? LEAF : INNER;
    put_u16(l->page + 1, 0);
    put_u16(l->page + 3, l->cells);
    put_u16(l->page + 5, l->top);
    l->page[7] = 0;
    if (at > 0)
        put_u32(l->page + LEAF_HEAD, right);
    memset(l->page + used, 0, l->top - used);
}

static int emit_page(sp_sqlitetree *t, uint32_t at, uint32_t right, uint32_t *number, spate_error *err)
{
    level *l = &t->levels[at];
    int rc;
    uint8_t *page = append_page(t->pages, number, &rc, err);
    if (!page)
        return rc;
    close_page(l, at, right);
    memcpy(page, l->page, t->pages->size);
    l->cells = 0;
    l->top = t->pages->size;
    return SPATE_OK;
}

static void add_inner_cell(level *l)
{
    uint8_t *cell = add_cell(l, INNER_HEAD, CHILD + varint_bytes((uint64_t)l->key));
    put_u32(cell, l->child);
    put_varint(cell + CHILD, (uint64_t)l->key);
    l->cell_child = l->child;
    l->cell_key = l->key;
}

static void take_inner_cell(level *l)
{
    l->cells--;
    l->top += CHILD + varint_bytes((uint64_t)l->cell_key);
}

/* A page of the level below is in the file; key is the greatest in it. */
static int add_child(sp_sqlitetree *t, uint32_t at, uint32_t child, int64_t key, spate_error *err)
{
    int rc = level_need(t, at, err);
    level *l = &t->levels[at];
    if (rc == SPATE_OK && l->waiting && !has_room(t, at, CHILD + varint_bytes((uint64_t)l->key))) {
        uint32_t number;
        int64_t last = l->cell_key;
        take_inner_cell(l);
        rc = emit_page(t, at, l->cell_child, &number, err);
        if (rc == SPATE_OK)
            rc = add_child(t, at + 1, number, last, err);
    }
    if (rc != SPATE_OK)
        return rc;
    if (l->waiting)
        add_inner_cell(l);
    l->waiting = true;
    l->child = child;
    l->key = key;
    return SPATE_OK;
}

/* ---- rows ---------------------------------------------------------------------------------- */

/* How much of a payload stands in the leaf: all of it, or so much that the rest fills overflow pages where that can be. */
static uint32_t local_bytes(uint32_t page_size, size_t payload)
{
    uint32_t most = page_size - 35, least = (page_size - 12) * 32 / 255 - 23;
    if (payload <= most)
        return (uint32_t)payload;
    uint32_t fit = least + (uint32_t)((payload - least) % (page_size - CHILD));
    return fit <= most ? fit : least;
}

/* The rest of a record, as a chain of pages. */
static int add_overflow(sp_sqlite_pages *p, sp_str rest, uint32_t *first, spate_error *err)
{
    *first = next_number(p);
    while (rest.len > 0) {
        uint32_t number, n = (uint32_t)SP_MIN(rest.len, (size_t)(p->size - CHILD));
        int rc;
        uint8_t *page = append_page(p, &number, &rc, err);
        if (!page)
            return rc;
        memcpy(page + CHILD, rest.p, n);
        memset(page + CHILD + n, 0, p->size - CHILD - n);
        rest = (sp_str){rest.p + n, rest.len - n};
        put_u32(page, rest.len ? next_number(p) : 0);
    }
    return SPATE_OK;
}

static int end_leaf(sp_sqlitetree *t, spate_error *err)
{
    uint32_t number;
    int rc = emit_page(t, 0, 0, &number, err);
    return rc == SPATE_OK ? add_child(t, 1, number, t->last, err) : rc;
}

bool sp_sqlitetree_takes(const sp_sqlitetree *t, int64_t key)
{
    return !t->any || key > t->last;
}

int sp_sqlitetree_add(sp_sqlitetree *t, int64_t key, sp_str record, spate_error *err)
{
    SP_ASSERT(sp_sqlitetree_takes(t, key));
    uint32_t local = local_bytes(t->pages->size, record.len), overflow = 0;
    uint32_t bytes = varint_bytes(record.len) + varint_bytes((uint64_t)key) + local + (local < record.len ? CHILD : 0);
    int rc = has_room(t, 0, bytes) ? SPATE_OK : end_leaf(t, err);
    if (rc == SPATE_OK && local < record.len)
        rc = add_overflow(t->pages, (sp_str){record.p + local, record.len - local}, &overflow, err);
    if (rc != SPATE_OK)
        return rc;
    uint8_t *p = put_varint(put_varint(add_cell(&t->levels[0], LEAF_HEAD, bytes), record.len), (uint64_t)key);
    memcpy(p, record.p, local);
    if (overflow)
        put_u32(p + local, overflow);
    t->last = key;
    t->any = true;
    return SPATE_OK;
}

/* ---- the whole ------------------------------------------------------------------------------ */

int sp_sqlitetree_new(sp_sqlite_pages *pages, sp_sqlitetree **out, spate_error *err)
{
    sp_sqlitetree *t = sp_alloc_zero(1, sizeof(*t));
    if (!t)
        return sp_fail_nomem(err);
    t->pages = pages;
    int rc = level_need(t, 0, err);
    if (rc != SPATE_OK)
        sp_sqlitetree_free(t);
    else
        *out = t;
    return rc;
}

void sp_sqlitetree_free(sp_sqlitetree *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i < t->n_levels; i++)
        sp_free(t->levels[i].page);
    sp_free(t);
}

int sp_sqlitetree_finish(sp_sqlitetree *t, const uint8_t **root, spate_error *err)
{
    uint32_t at = 0;
    for (; at + 1 < t->n_levels; at++) { /* a level may come to be above, while the ones below are ended */
        uint32_t number;
        int rc = emit_page(t, at, t->levels[at].child, &number, err);
        if (rc == SPATE_OK)
            rc = add_child(t, at + 1, number, t->last, err);
        if (rc != SPATE_OK)
            return rc;
    }
    close_page(&t->levels[at], at, t->levels[at].child);
    *root = t->levels[at].page;
    return SPATE_OK;
}
