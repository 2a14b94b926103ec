/* make.c - nodes that were never in a file: what one form says is put as spate's own form would, and then read as that.
 *
 * Every node has the place of what it was made from, so mistakes are where they should be. Without memory the reader stops, and
 * a node that means nothing is handed out. */
#include "plan/document.h"

#include <stdio.h>

static const sp_node nothing = {.kind = SP_NODE_TEXT, .text = {"", 0}};

const sp_node *sp_make_text(sp_plan_reader *r, sp_mark at, sp_str text)
{
    sp_node *node = sp_read_make(r, 1, sizeof(*node));
    char *copy = sp_arena_strndup(&r->plan->arena, text.p, text.len);
    if (!node || !copy) {
        r->nomem = r->stop = true;
        return &nothing;
    }
    *node = (sp_node){.kind = SP_NODE_TEXT, .made = true, .mark = at, .text = {copy, text.len}};
    return node;
}

const sp_node *sp_make_words(sp_plan_reader *r, sp_mark at, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return sp_make_text(r, at, (sp_str){text, SP_MIN((size_t)SP_MAX(len, 0), sizeof(text) - 1)});
}

const sp_node *sp_make_list(sp_plan_reader *r, sp_mark at, const sp_node *const *items, uint32_t n)
{
    sp_node *node = sp_read_make(r, 1, sizeof(*node));
    const sp_node **kept = sp_read_make(r, n, sizeof(*kept));
    if (!node || !kept)
        return &nothing;
    if (n)
        memcpy(kept, items, n * sizeof(*kept));
    *node = (sp_node){.kind = SP_NODE_LIST, .mark = at, .n = n, .items = kept};
    return node;
}

void sp_make_pair(sp_node_making *m, const char *key, const sp_node *value)
{
    if (!value)
        return;
    SP_ASSERT(m->n < SP_NODE_PAIRS);
    m->pairs[m->n++] = (sp_pair){sp_make_text(m->r, value->mark, sp_str_of(key)), value};
}

const sp_node *sp_make_map(const sp_node_making *m)
{
    sp_node *node = sp_read_make(m->r, 1, sizeof(*node));
    sp_pair *kept = sp_read_make(m->r, m->n, sizeof(*kept));
    if (!node || !kept)
        return &nothing;
    if (m->n)
        memcpy(kept, m->pairs, m->n * sizeof(*kept));
    *node = (sp_node){.kind = SP_NODE_MAP, .mark = m->at, .n = m->n, .pairs = kept};
    return node;
}
