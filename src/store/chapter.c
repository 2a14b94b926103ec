/* chapter.c - what the directories of many blocks say, field by field: so that a few fields of wide rows are found without reading a
 * directory of every block. Chapters only speed things up. They are written when a store is finished, from the blocks
 * themselves, and each run of entries has its own hash: who reads one field checks that field's entries. */
#include "store/file.h"

enum { CHAPTER_BYTES = 4 << 20 }; /* of entries, roughly: what writing one takes in memory */

/* ---- reading ----------------------------------------------------------------------------------- */

static size_t directory_size(const sp_chapter_head *h)
{
    return sizeof *h + (size_t)h->blocks * sizeof(sp_block_entry) +
           sp_round_up((size_t)h->groups * sizeof(uint32_t), 8) + (size_t)h->runs * sizeof(sp_run);
}

static bool run_within(const sp_run *r, uint64_t size)
{
    return r->at <= size && r->at % 8 == 0 && r->count <= (size - r->at) / sizeof(sp_run_entry);
}

/* Finds the parts of a directory and looks at all that decides where is read. */
static bool take_directory(sp_chapter *c, const char *p)
{
    const sp_block_header *h = sp_block_header_of(p);
    c->head = (const sp_chapter_head *)(p + sizeof *h);
    if (h->type != SP_BLOCK_CHAPTER || h->directory_bytes < sizeof *c->head ||
        directory_size(c->head) != h->directory_bytes)
        return false;
    c->blocks = (const sp_block_entry *)(c->head + 1);
    c->group_rows = (const uint32_t *)(c->blocks + c->head->blocks);
    c->runs =
        (const sp_run *)((const char *)c->group_rows + sp_round_up((size_t)c->head->groups * sizeof(uint32_t), 8));
    for (uint32_t i = 0; i < c->head->blocks; i++)
        if (c->blocks[i].first_group > c->head->groups ||
            c->blocks[i].groups > c->head->groups - c->blocks[i].first_group)
            return false;
    for (uint32_t i = 0; i < c->head->runs; i++)
        if (!run_within(&c->runs[i], h->size))
            return false;
    return true;
}

bool sp_chapter_take(const sp_kernels *k, const char *p, sp_chapter *c)
{
    return sp_block_directory_sound(k, p) && take_directory(c, p);
}

int sp_chapter_open(sp_store *s, uint32_t i, sp_chapter *c, spate_error *err)
{
    const char *p;
    c->at = s->chapters[i].at;
    c->size = s->chapters[i].size;
    int rc = sp_store_pick(s, c->at, sizeof(sp_block_header), &c->aside, &p, err);
    if (rc != SPATE_OK)
        return rc;
    const sp_block_header *h = sp_block_header_of(p);
    bool sound = sp_block_header_plausible(h, s->super.file_id, c->at, c->at + c->size) && h->size == c->size;
    if (sound)
        rc = sp_store_pick(s, c->at, sp_block_head_bytes(h), &c->aside, &p, err);
    if (rc != SPATE_OK)
        return rc;
    sound = sound && sp_chapter_take(s->k, p, c);
    return sound ? SPATE_OK
                 : sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the chapter at byte %llu is damaged", s->path,
                           (unsigned long long)c->at);
}

void sp_chapter_done(sp_chapter *c)
{
    sp_buf_done(&c->aside);
}

static uint64_t run_key(uint32_t table, uint32_t name)
{
    return (uint64_t)table << 32 | name;
}

const sp_run *sp_chapter_run(const sp_chapter *c, uint32_t table, uint32_t name)
{
    uint32_t low = 0, high = c->head->runs;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (run_key(c->runs[middle].table, c->runs[middle].name) < run_key(table, name))
            low = middle + 1;
        else
            high = middle;
    }
    return low < c->head->runs && run_key(c->runs[low].table, c->runs[low].name) == run_key(table, name) ? &c->runs[low]
                                                                                                         : NULL;
}

int sp_chapter_entries(sp_store *s, const sp_chapter *c, const sp_run *run, sp_buf *aside, const sp_run_entry **entries,
                       spate_error *err)
{
    const char *p;
    size_t len = run->count * sizeof(sp_run_entry);
    int rc = sp_store_pick(s, c->at + run->at, len, aside, &p, err);
    if (rc != SPATE_OK)
        return rc;
    if (s->k->hash(p, len, 0) != run->hash)
        return sp_fail(err, SPATE_E_CORRUPT, "\"%s\": the chapter at byte %llu is damaged", s->path,
                       (unsigned long long)c->at);
    *entries = (const sp_run_entry *)p;
    return SPATE_OK;
}

void sp_chapter_rehash(const sp_kernels *k, char *p, const sp_chapter *c)
{
    sp_run *runs = (sp_run *)(uintptr_t)c->runs;
    for (uint32_t i = 0; i < c->head->runs; i++)
        runs[i].hash = k->hash(p + runs[i].at, runs[i].count * sizeof(sp_run_entry), 0);
    sp_block_rehash(k, p);
}

bool sp_chapter_sound(const sp_kernels *k, const char *p)
{
    sp_chapter c = {0};
    if (!sp_chapter_take(k, p, &c))
        return false;
    for (uint32_t i = 0; i < c.head->runs; i++)
        if (k->hash(p + c.runs[i].at, c.runs[i].count * sizeof(sp_run_entry), 0) != c.runs[i].hash)
            return false;
    return true;
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* A block's segment on its way to its run. */
typedef struct item {
    uint32_t table, name;
    sp_run_entry entry;
} item;

typedef struct writer {
    sp_store *store;
    sp_buf blocks, group_rows, runs, items, entries, aside, out;
    uint32_t n_blocks, n_groups, n_runs;
    uint32_t *places; /* by name: how many items, then where the next one goes */
} writer;

static void writer_done(writer *w)
{
    sp_buf *const bufs[] = {&w->blocks, &w->group_rows, &w->runs, &w->items, &w->entries, &w->aside, &w->out};
    for (size_t i = 0; i < SP_COUNT(bufs); i++)
        sp_buf_done(bufs[i]);
    sp_free(w->places);
}

static void writer_clear(writer *w)
{
    sp_buf *const bufs[] = {&w->blocks, &w->group_rows, &w->runs, &w->items, &w->entries, &w->out};
    for (size_t i = 0; i < SP_COUNT(bufs); i++)
        bufs[i]->len = 0;
    w->n_blocks = w->n_groups = w->n_runs = 0;
}

static int add_segments(writer *w, uint32_t table, uint32_t group, uint32_t name, const sp_segment_entry *e, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        item it = {table, name == SP_RUN_ORDER ? name : e[i].name, {w->n_blocks, group, e[i]}};
        if (sp_buf_add(&w->items, &it, sizeof it) != SPATE_OK)
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

static int add_directory(writer *w, const sp_block_ref *b, const char *p)
{
    const sp_group_entry *g = sp_block_groups(p);
    const sp_segment_entry *e = sp_block_segments(p);
    int rc = SPATE_OK;
    for (uint32_t i = 0; rc == SPATE_OK && i < b->groups; i++) {
        rc = sp_buf_add(&w->group_rows, &g[i].rows, sizeof g[i].rows);
        if (rc == SPATE_OK)
            rc = add_segments(w, b->table, i, 0, e + g[i].first_segment, g[i].segments);
    }
    if (rc == SPATE_OK && b->groups > 1)
        rc = add_segments(w, b->table, b->groups, SP_RUN_ORDER, e + sp_block_header_of(p)->segments - 1, 1);
    w->n_groups += b->groups;
    return rc;
}

static int add_block(writer *w, const sp_block_ref *b, spate_error *err)
{
    sp_block_entry e = {b->at,   b->size,     b->first_row, b->extra, b->table, b->rows, b->directory_bytes,
                        b->type, w->n_groups, b->groups};
    const char *p;
    int rc = sp_buf_add(&w->blocks, &e, sizeof e) == SPATE_OK ? SPATE_OK : sp_fail_nomem(err);
    if (rc == SPATE_OK && b->type == SP_BLOCK_DATA) {
        rc = sp_store_directory(w->store, b, &w->aside, &p, err);
        if (rc == SPATE_OK && add_directory(w, b, p) != SPATE_OK)
            rc = sp_fail_nomem(err);
    }
    w->n_blocks++;
    return rc;
}

/* Items of one table, sorted by name; those of a name keep their order. */
static int turn(writer *w, const item *items, uint32_t n)
{
    uint32_t first = (uint32_t)(w->entries.len / sizeof(sp_run_entry)), at = first;
    if (n == 0 || sp_buf_reserve(&w->entries, n * sizeof(sp_run_entry)) != SPATE_OK)
        return n ? SPATE_E_NOMEM : SPATE_OK;
    memset(w->places, 0, (SP_RUN_ORDER + 1) * sizeof *w->places);
    for (uint32_t i = 0; i < n; i++)
        w->places[items[i].name]++;
    for (uint32_t name = 0; name <= SP_RUN_ORDER; name++) {
        sp_run run = {.table = items[0].table, .name = name, .count = w->places[name], .at = at};
        w->places[name] = at;
        at += run.count;
        if (run.count && sp_buf_add(&w->runs, &run, sizeof run) != SPATE_OK)
            return SPATE_E_NOMEM;
        w->n_runs += run.count > 0;
    }
    sp_run_entry *to = (sp_run_entry *)w->entries.data;
    for (uint32_t i = 0; i < n; i++)
        to[w->places[items[i].name]++] = items[i].entry;
    w->entries.len += n * sizeof *to;
    return SPATE_OK;
}

static int turn_all(writer *w)
{
    const item *items = (const item *)w->items.data;
    uint32_t n = (uint32_t)(w->items.len / sizeof *items), from = 0;
    int rc = SPATE_OK;
    while (rc == SPATE_OK && from < n) {
        uint32_t to = from;
        while (to < n && items[to].table == items[from].table)
            to++;
        rc = turn(w, items + from, to - from);
        from = to;
    }
    return rc;
}

static int put_together(writer *w)
{
    sp_chapter_head head = {.blocks = w->n_blocks, .runs = w->n_runs, .groups = w->n_groups};
    sp_block_header h = {.type = SP_BLOCK_CHAPTER, .directory_bytes = (uint32_t)directory_size(&head)};
    memcpy(h.magic, SP_BLOCK_MAGIC, sizeof h.magic);
    sp_run *runs = (sp_run *)w->runs.data;
    for (uint32_t i = 0; i < w->n_runs; i++) {
        uint64_t at = runs[i].at * sizeof(sp_run_entry);
        runs[i].hash = w->store->k->hash(w->entries.data + at, runs[i].count * sizeof(sp_run_entry), 0);
        runs[i].at = sp_block_head_bytes(&h) + at;
    }
    const sp_buf *const parts[] = {&w->blocks, &w->group_rows, &w->runs, &w->entries};
    int rc = sp_buf_add(&w->out, &h, sizeof h);
    if (rc == SPATE_OK)
        rc = sp_buf_add(&w->out, &head, sizeof head);
    for (size_t i = 0; rc == SPATE_OK && i < SP_COUNT(parts); i++) {
        rc = parts[i]->len ? sp_buf_add(&w->out, parts[i]->data, parts[i]->len) : SPATE_OK;
        if (rc == SPATE_OK)
            rc = sp_block_pad(&w->out, 8);
    }
    if (rc == SPATE_OK)
        rc = sp_block_pad(&w->out, SP_STORE_PAGE);
    if (rc == SPATE_OK)
        ((sp_block_header *)w->out.data)->size = w->out.len;
    return rc;
}

static int add_chapter(sp_store *s, uint64_t at, uint64_t size)
{
    if (s->n_chapters == s->chapters_cap) {
        uint32_t cap = s->chapters_cap ? s->chapters_cap * 2 : 8;
        sp_index_chapter *chapters = sp_realloc(s->chapters, cap * sizeof *chapters);
        if (!chapters)
            return SPATE_E_NOMEM;
        s->chapters = chapters;
        s->chapters_cap = cap;
    }
    s->chapters[s->n_chapters++] = (sp_index_chapter){at, size};
    return SPATE_OK;
}

/* The next blocks that are in no chapter, from *i on, as one. */
static int write_one(writer *w, uint32_t *i, spate_error *err)
{
    sp_store *s = w->store;
    uint64_t bytes = 0, at;
    int rc = SPATE_OK;
    writer_clear(w);
    for (; rc == SPATE_OK && *i < s->n_blocks && bytes < CHAPTER_BYTES; ++*i) {
        sp_block_ref *b = &s->blocks[*i];
        if (b->chapter != SP_NO_CHAPTER)
            continue;
        b->chapter = s->n_chapters;
        b->number = w->n_blocks;
        bytes += sizeof(sp_block_entry) + b->directory_bytes;
        rc = add_block(w, b, err);
    }
    if (rc != SPATE_OK || w->n_blocks == 0)
        return rc;
    if (turn_all(w) != SPATE_OK || put_together(w) != SPATE_OK)
        return sp_fail_nomem(err);
    rc = sp_store_put(s, &w->out, &at, err);
    return rc == SPATE_OK && add_chapter(s, at, w->out.len) != SPATE_OK ? sp_fail_nomem(err) : rc;
}

void sp_chapters_forget(sp_store *s)
{
    s->n_chapters = 0;
    for (uint32_t i = 0; i < s->n_blocks; i++)
        s->blocks[i].chapter = SP_NO_CHAPTER;
}

/* Chapters at the end that are no larger than what is new are written anew with it: so there are few, and each block is written into
 * few, however often a store is finished. */
static int take_back_small_ones(sp_store *s, spate_error *err)
{
    uint64_t fresh = 0;
    for (uint32_t i = 0; i < s->n_blocks; i++)
        if (s->blocks[i].chapter == SP_NO_CHAPTER)
            fresh += sizeof(sp_block_entry) + s->blocks[i].directory_bytes;
    fresh = sp_round_up(fresh, SP_STORE_PAGE);
    uint32_t kept = s->n_chapters;
    while (fresh && kept && s->chapters[kept - 1].size <= fresh && fresh + s->chapters[kept - 1].size <= CHAPTER_BYTES)
        fresh += s->chapters[--kept].size;
    if (kept == s->n_chapters)
        return SPATE_OK;
    int rc = sp_store_list(s, err);
    for (uint32_t i = 0; rc == SPATE_OK && i < s->n_blocks; i++)
        if (s->blocks[i].chapter >= kept)
            s->blocks[i].chapter = SP_NO_CHAPTER;
    if (rc == SPATE_OK)
        s->n_chapters = SP_MIN(s->n_chapters, kept); /* fewer: one was damaged, and all will be new */
    return rc;
}

int sp_chapters_write(sp_store *s, spate_error *err)
{
    writer w = {.store = s};
    int rc = take_back_small_ones(s, err);
    w.places = rc == SPATE_OK ? sp_alloc_zero(SP_RUN_ORDER + 1, sizeof *w.places) : NULL;
    if (rc == SPATE_OK && !w.places)
        rc = sp_fail_nomem(err);
    sp_store_sort(s);
    for (uint32_t i = 0; rc == SPATE_OK && i < s->n_blocks;)
        rc = write_one(&w, &i, err);
    writer_done(&w);
    return rc;
}
