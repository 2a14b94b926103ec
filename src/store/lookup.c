/* lookup.c - a few fields of a block, by way of the chapter that tells of it: the block's own directory is not touched. Runs are checked
 * once, when a reader comes to their chapter. */
#include "store/scan.h"

/* A field that is asked for: its entries in the open chapter. */
typedef struct wanted {
    uint32_t name, n;
    const sp_run_entry *entries;
    sp_buf aside;
} wanted;

struct sp_lookup {
    sp_chapter chapter;
    uint32_t number; /* of the chapter that is open; SP_NO_CHAPTER: none, */
    wanted *fields;  /* those asked for, those of conditions, and the order of rows */
    uint32_t n;
    sp_buf groups, segments;
};

void sp_lookup_free(sp_lookup *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; i < l->n; i++)
        sp_buf_done(&l->fields[i].aside);
    sp_chapter_done(&l->chapter);
    sp_buf_done(&l->groups);
    sp_buf_done(&l->segments);
    sp_free(l->fields);
    sp_free(l);
}

static void add_field(sp_lookup *l, uint32_t name)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->fields[i].name == name)
            return;
    l->fields[l->n++] = (wanted){.name = name};
}

static sp_lookup *lookup_new(const sp_block_reader *r)
{
    sp_lookup *l = sp_alloc_zero(1, sizeof *l);
    if (!l || !(l->fields = sp_alloc_zero(r->n_fields + r->n_wheres + 1, sizeof *l->fields))) {
        sp_free(l);
        return NULL;
    }
    l->number = SP_NO_CHAPTER;
    for (uint32_t i = 0; i < r->n_fields; i++)
        add_field(l, r->fields[i]);
    for (uint32_t i = 0; i < r->n_wheres; i++)
        add_field(l, r->wheres[i].name);
    add_field(l, SP_RUN_ORDER);
    return l;
}

static int open_chapter(sp_block_reader *r, sp_lookup *l, spate_error *err)
{
    sp_store *s = r->store;
    if (l->number == r->block.chapter)
        return SPATE_OK;
    l->number = SP_NO_CHAPTER;
    pthread_mutex_lock(&s->lock); /* a writer may finish, and with it make chapters */
    bool there = r->block.chapter < s->n_chapters;
    int rc = there ? sp_chapter_open(s, r->block.chapter, &l->chapter, err) : SPATE_E_CORRUPT;
    pthread_mutex_unlock(&s->lock);
    for (uint32_t i = 0; rc == SPATE_OK && i < l->n; i++) {
        wanted *w = &l->fields[i];
        const sp_run *run = sp_chapter_run(&l->chapter, r->table, w->name);
        w->n = run ? run->count : 0;
        rc = run ? sp_chapter_entries(s, &l->chapter, run, &w->aside, &w->entries, err) : SPATE_OK;
    }
    l->number = rc == SPATE_OK ? r->block.chapter : SP_NO_CHAPTER;
    return rc;
}

/* The first entry of the block, which is number block of the chapter. */
static uint32_t first_of(const wanted *w, uint32_t block)
{
    uint32_t low = 0, high = w->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (w->entries[middle].block < block)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Segments of group g (g behind the last one: the order of rows) behind those that are there. */
static int add_group(sp_lookup *l, const sp_block_ref *b, uint32_t g, uint32_t *n, uint64_t size)
{
    *n = 0;
    for (uint32_t f = 0; f < l->n; f++)
        for (uint32_t i = first_of(&l->fields[f], b->number);
             i < l->fields[f].n && l->fields[f].entries[i].block == b->number; i++) {
            const sp_run_entry *e = &l->fields[f].entries[i];
            if (e->group != g)
                continue;
            if (!sp_segment_within(&e->segment, size))
                return SPATE_E_CORRUPT;
            if (sp_buf_add(&l->segments, &e->segment, sizeof e->segment) != SPATE_OK)
                return SPATE_E_NOMEM;
            ++*n;
        }
    return SPATE_OK;
}

static int gather(sp_lookup *l, const sp_block_ref *b)
{
    const sp_block_entry *e = &l->chapter.blocks[b->number];
    uint32_t first = 0, n, groups = e->groups;
    int rc = SPATE_OK;
    l->groups.len = l->segments.len = 0;
    for (uint32_t g = 0; rc == SPATE_OK && g < groups; g++, first += n) {
        rc = add_group(l, b, g, &n, e->size);
        sp_group_entry group = {
            .rows = l->chapter.group_rows[e->first_group + g], .first_segment = first, .segments = n};
        if (rc == SPATE_OK)
            rc = sp_buf_add(&l->groups, &group, sizeof group);
    }
    if (rc != SPATE_OK || groups <= 1)
        return rc;
    rc = add_group(l, b, groups, &n, e->size);
    return rc == SPATE_OK && n != 1 ? SPATE_E_CORRUPT : rc;
}

int sp_lookup_view(sp_block_reader *r, spate_error *err)
{
    if (!r->lookup && !(r->lookup = lookup_new(r)))
        return sp_fail_nomem(err);
    sp_lookup *l = r->lookup;
    int rc = open_chapter(r, l, err);
    if (rc != SPATE_OK)
        return rc;
    if (r->block.number >= l->chapter.head->blocks || l->chapter.blocks[r->block.number].at != r->block.at)
        return SPATE_E_CORRUPT; /* written anew meanwhile */
    rc = gather(l, &r->block);
    r->view = (sp_block_view){(const sp_group_entry *)l->groups.data, (const sp_segment_entry *)l->segments.data,
                              (uint32_t)(l->groups.len / sizeof(sp_group_entry)),
                              (uint32_t)(l->segments.len / sizeof(sp_segment_entry))};
    return rc == SPATE_E_NOMEM ? sp_fail_nomem(err) : rc;
}
