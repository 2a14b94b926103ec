/* node.h - the tree that a YAML (or JSON) text becomes: of a plan, and of other rooms' own settings.
 *
 * A tree is made once and never changed. An alias is the very node it names, so the tree may share branches but has no cycle; `<<`
 * has been merged in. It lives in an arena, its texts in another, so that they can be kept. */
#ifndef SP_PLAN_NODE_H
#define SP_PLAN_NODE_H

#include "plan/plan.h"

enum {
    SP_DOCUMENT_DEPTH_MAX = 64,
    SP_DOCUMENT_NODES_MAX = 1 << 22, /* keys and values, merged ones counted again */
};

typedef enum sp_node_kind { SP_NODE_TEXT, SP_NODE_LIST, SP_NODE_MAP } sp_node_kind;

typedef struct sp_node sp_node;
typedef struct sp_pair {
    const sp_node *key, *value; /* the key is always a text */
} sp_pair;
struct sp_node {
    sp_node_kind kind;
    bool plain;   /* a text without quotes */
    bool made;    /* it was in no file: what is in it has the place of the whole */
    uint32_t n;   /* items or pairs */
    sp_mark mark; /* columns count characters; of a quoted text: its quote */
    union {
        sp_str text; /* UTF-8 without NUL, and a NUL behind it */
        const sp_node *const *items;
        const sp_pair *pairs; /* no key twice; a mapping's own before the merged ones */
    };
};

/* Reads the first document of text. *root is NULL when there is none, or when it is too broken to
 * look at; then there is a mistake that says why. SPATE_E_NOMEM is the only failure. */
int sp_document_load(const char *text, size_t len, sp_arena *nodes, sp_arena *texts, sp_mistakes *m,
                     const sp_node **root, spate_error *err) SP_MUST_CHECK;
bool sp_node_is_null(const sp_node *node); /* nothing, ~ or null, without quotes */

const sp_node *sp_node_value(const sp_node *map, const char *key); /* NULL: no mapping, or no such key */

#endif
