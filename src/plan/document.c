/* document.c - a YAML (or JSON) text becomes a tree of texts, lists and mappings. The only file
 * that knows libfyaml.
 *
 * libfyaml gives events; the tree is put together here, bottom up and without recursion, because
 * its own document builder expands aliases and gives up at the first duplicate key. Open lists and
 * mappings are frames on a stack of fixed height, their children wait on one growing stack until
 * the end event. An anchor means something only after its node has ended, so no node can contain
 * itself. Merge keys are merged when a mapping ends, each key once, so a mapping is never longer
 * than the keys of the text; and all nodes and merged pairs together are bounded, so no text can
 * make a tree much larger than itself. */
#include "plan/document.h"

#include <libfyaml.h>

typedef struct frame {
    sp_node *node;
    sp_str anchor;
    size_t base; /* its first child on the stack */
} frame;

typedef struct builder {
    struct fy_parser *parser;
    struct fy_diag *diag;
    sp_mistakes *m;
    sp_arena *nodes, *texts;
    sp_names anchors;
    frame frames[SP_DOCUMENT_DEPTH_MAX];
    unsigned depth;
    const sp_node **stack;
    size_t n, cap;
    sp_str input; /* all of it */
    sp_buf text;  /* of the token being read */
    const sp_node *root;
    uint32_t left; /* nodes that may still be made */
    bool broken;   /* a mistake was noted that makes the tree useless */
    bool nomem;
} builder;

bool sp_node_is_null(const sp_node *node)
{
    return node->kind == SP_NODE_TEXT && node->plain &&
           (node->text.len == 0 || sp_str_is(node->text, "~") || sp_str_ieq(node->text, "null"));
}

/* ---- nodes ---- */

static bool spend(builder *b, uint32_t n, sp_mark at)
{
    if (b->left < n) {
        sp_mistake(b->m, at, (sp_str){0}, "the plan has more than %d keys and values, merged ones counted again",
                   SP_DOCUMENT_NODES_MAX);
        b->broken = true;
        return false;
    }
    b->left -= n;
    return true;
}

static sp_node *new_node(builder *b, sp_node_kind kind, sp_mark at)
{
    if (!spend(b, 1, at))
        return NULL;
    sp_node *node = sp_arena_alloc(b->nodes, 1, sizeof(*node));
    if (!node) {
        b->nomem = true;
        return NULL;
    }
    node->kind = kind;
    node->mark = at;
    node->mark.file = b->m->reading;
    return node;
}

static void set_anchor(builder *b, sp_str anchor, const sp_node *node)
{
    if (!anchor.len)
        return;
    const void **slot = sp_names_slot(&b->anchors, 0, anchor);
    if (slot)
        *slot = node;
    else
        b->nomem = true;
}

/* A finished node becomes a child of the open frame, or the root. */
static void push(builder *b, const sp_node *node)
{
    if (b->depth == 0) {
        b->root = node;
        return;
    }
    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 256;
        const sp_node **stack = sp_realloc(b->stack, cap * sizeof(*stack));
        if (!stack) {
            b->nomem = true;
            return;
        }
        b->stack = stack;
        b->cap = cap;
    }
    b->stack[b->n++] = node;
}

/* The text of a token, until the next call. Read by chunks: fy_token_get_text trusts a length that
 * it guessed while scanning, and where the guess is wrong it gives nothing and leaks. */
static sp_str token_text(builder *b, struct fy_token *token)
{
    int failed = 0;
    b->text.len = 0;
    struct fy_token_iter *iter = token ? fy_token_iter_create(token) : NULL;
    if (!iter) {
        b->nomem |= token != NULL;
        return (sp_str){"", 0};
    }
    const struct fy_iter_chunk *chunk = NULL;
    while (!b->nomem && (chunk = fy_token_iter_chunk_next(iter, chunk, &failed)))
        b->nomem = sp_buf_add(&b->text, chunk->str, chunk->len) != SPATE_OK;
    fy_token_iter_destroy(iter);
    if (failed && !b->nomem) {
        const struct fy_mark *mark = fy_token_start_mark(token);
        sp_mark at = {mark ? (uint32_t)mark->line + 1 : 1, mark ? (uint32_t)mark->column + 1 : 1};
        sp_mistake(b->m, at, (sp_str){0}, "not YAML: a text that cannot be read");
        b->broken = true;
    }
    return b->text.len ? (sp_str){b->text.data, b->text.len} : (sp_str){"", 0};
}

/* A copy that outlives the parser. */
static sp_str keep(builder *b, sp_str s)
{
    char *copy = sp_arena_strndup(b->texts, s.p, s.len);
    if (!copy) {
        b->nomem = true;
        return (sp_str){"", 0};
    }
    return (sp_str){copy, s.len};
}

/* Where an event is. An empty value has no place of its own: it is where its key is, or where its
 * list starts. */
static sp_mark mark_of(const builder *b, struct fy_event *e, bool behind)
{
    const struct fy_mark *mark = fy_event_start_mark(e);
    if (mark)
        return (sp_mark){(uint32_t)mark->line + 1, (uint32_t)mark->column + (behind ? 0 : 1)};
    if (b->depth == 0)
        return (sp_mark){1, 1};
    const frame *f = &b->frames[b->depth - 1];
    return b->n > f->base ? b->stack[b->n - 1]->mark : f->node->mark;
}

static size_t count_quotes(const char *p, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += p[i] == '\'';
    return n;
}

/* In a single-quoted text two quotes mean one. libfyaml 0.7.12 gets that wrong where such pairs
 * touch: k of them come out as 2k - 1 quotes. Whether it did is seen by counting the quotes in the
 * file. */
static void repair_quotes(builder *b, struct fy_token *token, sp_node *node)
{
    const struct fy_mark *start = fy_token_start_mark(token), *end = fy_token_end_mark(token);
    char *p = (char *)(uintptr_t)node->text.p; /* our own copy */
    size_t to = 0, run = 0, meant = 0;
    if (start && end && start->input_pos <= end->input_pos && end->input_pos <= b->input.len)
        meant = count_quotes(b->input.p + start->input_pos, end->input_pos - start->input_pos) / 2;
    if (count_quotes(p, node->text.len) == meant)
        return;
    for (size_t i = 0; i < node->text.len; i++) {
        run = p[i] == '\'' ? run + 1 : 0;
        if (run % 2 == 0 && run > 0)
            continue;
        p[to++] = p[i];
    }
    p[to] = '\0';
    node->text.len = to;
}

static void check_text(builder *b, sp_node *node)
{
    if (memchr(node->text.p, '\0', node->text.len)) {
        sp_mistake(b->m, node->mark, node->text, "has a NUL (\\0) in it, which no text may");
        node->text.len = strlen(node->text.p);
    }
    if (!sp_utf8_valid(node->text.p, node->text.len)) {
        sp_mistake(b->m, node->mark, node->text, "is not UTF-8: an escape makes something else of it");
        node->text.len = 0;
    }
}

static void on_scalar(builder *b, struct fy_event *e)
{
    enum fy_scalar_style style = fy_token_scalar_style(e->scalar.value);
    bool quoted = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
    sp_node *node = new_node(b, SP_NODE_TEXT, mark_of(b, e, quoted));
    if (!node)
        return;
    node->plain = style == FYSS_PLAIN;
    node->text = keep(b, token_text(b, e->scalar.value));
    if (style == FYSS_SINGLE_QUOTED && !b->nomem)
        repair_quotes(b, e->scalar.value, node);
    check_text(b, node);
    if (e->scalar.anchor)
        set_anchor(b, keep(b, token_text(b, e->scalar.anchor)), node);
    push(b, node);
}

static void on_alias(builder *b, struct fy_event *e)
{
    sp_str name = token_text(b, e->alias.anchor);
    sp_mark at = mark_of(b, e, true);
    bool inside = false;
    for (unsigned i = 0; i < b->depth; i++)
        inside |= sp_str_eq(b->frames[i].anchor, name);
    const sp_node *node = sp_names_get(&b->anchors, 0, name);
    if (node && !inside) {
        push(b, node);
        return;
    }
    sp_mistake(b->m, at, name,
               inside ? "is an alias inside of what it stands for" : "is an alias without an anchor before it");
    b->broken = true;
}

static void on_start(builder *b, struct fy_event *e, sp_node_kind kind, struct fy_token *anchor)
{
    sp_mark at = mark_of(b, e, false);
    if (b->depth == SP_DOCUMENT_DEPTH_MAX) {
        sp_mistake(b->m, at, (sp_str){0}, "lists and mappings are nested more than %d deep", SP_DOCUMENT_DEPTH_MAX);
        b->broken = true;
        return;
    }
    sp_node *node = new_node(b, kind, at);
    if (!node)
        return;
    b->frames[b->depth++] = (frame){
        .node = node,
        .anchor = anchor ? keep(b, token_text(b, anchor)) : (sp_str){0},
        .base = b->n,
    };
}

/* ---- the end of a list or mapping ---- */

static void finish_list(builder *b, sp_node *node, const sp_node **items, size_t n)
{
    const sp_node **kept = sp_arena_alloc(b->nodes, n, sizeof(*kept));
    if (!kept) {
        b->nomem = true;
        return;
    }
    if (n)
        memcpy(kept, items, n * sizeof(*kept));
    node->items = kept;
    node->n = (uint32_t)n;
}

/* The pairs of a mapping while it is put together, and which keys are there. */
typedef struct gathering {
    sp_pair *pairs;
    uint32_t n, cap;
    sp_names seen; /* only of mappings too large to be looked through */
} gathering;

enum { LOOK_THROUGH_MAX = 16 };

static const sp_node *find_key(const gathering *g, sp_str key)
{
    if (g->cap > LOOK_THROUGH_MAX)
        return sp_names_get(&g->seen, 0, key);
    for (uint32_t i = 0; i < g->n; i++)
        if (sp_str_eq(g->pairs[i].key->text, key))
            return g->pairs[i].key;
    return NULL;
}

static void add_pair(builder *b, gathering *g, const sp_node *key, const sp_node *value)
{
    SP_ASSERT(g->n < g->cap);
    if (g->cap > LOOK_THROUGH_MAX) {
        const void **slot = sp_names_slot(&g->seen, 0, key->text);
        if (!slot) {
            b->nomem = true;
            return;
        }
        *slot = key;
    }
    g->pairs[g->n++] = (sp_pair){key, value};
}

static bool is_merge(const sp_node *key)
{
    return key->kind == SP_NODE_TEXT && key->plain && sp_str_is(key->text, "<<");
}

static void gather_own(builder *b, gathering *g, const sp_node **children, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        const sp_node *key = children[i], *first;
        if (is_merge(key))
            continue;
        if (key->kind != SP_NODE_TEXT)
            sp_mistake(b->m, key->mark, (sp_str){0}, "expected a word as key, not a list or mapping");
        else if ((first = find_key(g, key->text)))
            sp_mistake(b->m, key->mark, key->text, "is a key twice: first in line %u, column %u", first->mark.line,
                       first->mark.column);
        else
            add_pair(b, g, key, children[i + 1]);
    }
}

static void merge_map(builder *b, gathering *g, const sp_node *from, sp_mark at)
{
    if (!spend(b, from->n, at))
        return;
    for (uint32_t i = 0; i < from->n && !b->nomem; i++)
        if (!find_key(g, from->pairs[i].key->text))
            add_pair(b, g, from->pairs[i].key, from->pairs[i].value);
}

/* The mappings that the value of "<<" stands for: one, or a list of them. Returns how many pairs
 * they have. */
static size_t merge_size(builder *b, const sp_node *value)
{
    size_t size = value->kind == SP_NODE_MAP ? value->n : 0;
    bool fits = value->kind != SP_NODE_TEXT || sp_node_is_null(value);
    for (uint32_t i = 0; value->kind == SP_NODE_LIST && i < value->n; i++) {
        fits = fits && value->items[i]->kind == SP_NODE_MAP;
        size += value->items[i]->kind == SP_NODE_MAP ? value->items[i]->n : 0;
    }
    if (!fits)
        sp_mistake(b->m, value->mark, (sp_str){0},
                   "expected a mapping to merge, or a list of mappings, such as <<: *defaults");
    return size;
}

static void merge_value(builder *b, gathering *g, const sp_node *value)
{
    if (value->kind == SP_NODE_MAP)
        merge_map(b, g, value, value->mark);
    for (uint32_t i = 0; value->kind == SP_NODE_LIST && i < value->n; i++)
        if (value->items[i]->kind == SP_NODE_MAP && !b->broken && !b->nomem)
            merge_map(b, g, value->items[i], value->mark);
}

static void finish_map(builder *b, sp_node *node, const sp_node **children, size_t n)
{
    size_t cap = n / 2;
    for (size_t i = 0; i + 1 < n; i += 2)
        if (is_merge(children[i]))
            cap += merge_size(b, children[i + 1]);
    if (cap > (size_t)b->left + n) { /* refused before room is made for it */
        spend(b, UINT32_MAX, node->mark);
        return;
    }
    gathering g = {.pairs = sp_arena_alloc(b->nodes, cap, sizeof(sp_pair)), .cap = (uint32_t)cap};
    if (!g.pairs) {
        b->nomem = true;
        return;
    }
    gather_own(b, &g, children, n);
    for (size_t i = 0; i + 1 < n; i += 2)
        if (is_merge(children[i]))
            merge_value(b, &g, children[i + 1]);
    sp_names_done(&g.seen);
    node->pairs = g.pairs;
    node->n = g.n;
}

static void on_end(builder *b)
{
    const frame *f = &b->frames[--b->depth];
    size_t n = b->n - f->base;
    const sp_node **children = n ? b->stack + f->base : NULL;
    if (f->node->kind == SP_NODE_LIST)
        finish_list(b, f->node, children, n);
    else
        finish_map(b, f->node, children, n);
    b->n = f->base;
    set_anchor(b, f->anchor, f->node);
    push(b, f->node);
}

/* ---- mistakes of syntax ---- */

/* What libfyaml says about the mistakes people make most, and what is meant by it. */
static const struct advice {
    const char *says, *advice;
} advices[] = {
    {"tab character", "use spaces: YAML does not take tabs in front of a key"},
    {"cannot start with", "put the text in quotes"},
    {"missing comma in flow",
     "a comma is missing, or a text with { } [ ] or , in it needs quotes, such as \"${uuid}\""},
    {"invalid nested block mapping", "a text with \": \" in it needs quotes"},
    {"multiline", "is a key here without its \":\"?"},
    {"simple key", "is a key here without its \":\"?"},
    {"without closing quote", "the quote that ends the text is missing"},
    {"without a closing", "it is open to the end of the file"},
    {"wrong indentation", "keys of one mapping start in one column"},
    {"did not find expected", "keys of one mapping start in one column"},
};

static const char *advice_for(const char *message)
{
    for (size_t i = 0; i < SP_COUNT(advices); i++)
        if (strstr(message, advices[i].says))
            return advices[i].advice;
    return NULL;
}

static void note_syntax(builder *b, sp_mark at, const char *message)
{
    const char *advice = advice_for(message);
    const sp_node *open = b->depth ? b->frames[b->depth - 1].node : NULL;
    if (open && strstr(message, "without a closing"))
        sp_mistake(b->m, at, (sp_str){0}, "not YAML: %s; it was opened in line %u, column %u", message, open->mark.line,
                   open->mark.column);
    else
        sp_mistake(b->m, at, (sp_str){0}, "not YAML: %s%s%s", message, advice ? "; " : "", advice ? advice : "");
}

static void collect_diagnostics(builder *b)
{
    struct fy_diag_error *error;
    void *at = NULL;
    bool any = false;
    while ((error = fy_diag_errors_iterate(b->diag, &at))) {
        if (error->type != FYET_ERROR)
            continue;
        sp_mark mark = {(uint32_t)SP_MAX(error->line, 0), (uint32_t)SP_MAX(error->column, 0)};
        note_syntax(b, mark, error->msg ? error->msg : "unreadable");
        any = true;
    }
    if (!any)
        note_syntax(b, (sp_mark){1, 1}, "unreadable");
    b->broken = true;
}

/* What libfyaml need not see: bytes that are no UTF-8 text. */
static void find_bad_byte(builder *b, const char *text, size_t len)
{
    sp_mark at = {1, 1};
    const char *p = text, *end = text + len;
    for (const char *eol; (eol = memchr(p, '\n', (size_t)(end - p))); p = eol + 1, at.line++)
        if (!sp_utf8_valid(p, (size_t)(eol - p)) || memchr(p, '\0', (size_t)(eol - p)))
            break;
    for (size_t n; p < end && *p; p += n, at.column++) {
        for (n = 1; n <= 4 && n <= (size_t)(end - p) && !sp_utf8_valid(p, n); n++)
            ;
        if (n > 4 || n > (size_t)(end - p))
            break;
    }
    if (p < end && !*p)
        sp_mistake(b->m, at, (sp_str){0}, "expected UTF-8 text, found a NUL byte");
    else
        sp_mistake(b->m, at, (sp_str){0}, "expected UTF-8 text, found the byte 0x%02x",
                   p < end ? (unsigned char)*p : 0);
    b->broken = true;
}

/* What would make libfyaml take endless memory or time, counted byte by byte, quotes or not: no
 * plan comes near.
 * - It counts the blank lines at the end of a block text on the stack, and looks through those left
 * at each of them. Any byte that may be part of a blank line is counted as one, be it of YAML 1.1.
 * - It reads a line to its end before it gives the first event, and keeps hundreds of bytes for
 * each bracket and comma. */
static void check_shape(builder *b, const char *text, size_t len)
{
    enum { BLANKS_MAX = 100000, BREAKS_MAX = 500, OPEN_MAX = 100000, MARKS_MAX = 2 * SP_DOCUMENT_NODES_MAX };
    enum { OTHER, BLANK, BREAK, OPEN, CLOSE, COMMA };
    static const char kinds[256] = {
        [' '] = BLANK,  ['\t'] = BLANK, ['\r'] = BREAK, ['\n'] = BREAK, [0xc2] = BLANK,
        [0x85] = BREAK, [0xe2] = BLANK, [0x80] = BLANK, [0xa8] = BREAK, [0xa9] = BREAK,
        ['['] = OPEN,   ['{'] = OPEN,   [']'] = CLOSE,  ['}'] = CLOSE,  [','] = COMMA,
    };
    uint32_t line = 1, blanks = 0, breaks = 0, open = 0, marks = 0;
    const char *excess = NULL;
    for (size_t i = 0; i < len && !excess; i++) {
        char kind = kinds[(unsigned char)text[i]];
        bool blank = kind == BLANK || kind == BREAK;
        line += text[i] == '\n';
        blanks = blank ? blanks + 1 : 0;
        breaks = blank ? breaks + (kind == BREAK) : 0;
        marks += kind >= OPEN;
        open += kind == OPEN;
        open -= kind == CLOSE && open > 0;
        if (blanks > BLANKS_MAX || breaks > BREAKS_MAX)
            excess = "fewer blank lines in a row";
        else if (open > OPEN_MAX || marks > MARKS_MAX)
            excess = "fewer brackets and commas";
    }
    if (excess) {
        sp_mistake(b->m, (sp_mark){line, 1}, (sp_str){0}, "expected %s: this is no plan", excess);
        b->broken = true;
    }
}

/* ---- reading ---- */

static bool open_parser(builder *b, const char *text, size_t len)
{
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    diag_cfg.level = FYET_ERROR;
    b->diag = fy_diag_create(&diag_cfg);
    if (!b->diag)
        return false;
    fy_diag_set_collect_errors(b->diag, true);
    struct fy_parse_cfg cfg = {.flags = FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE, .diag = b->diag};
    b->parser = fy_parser_create(&cfg);
    return b->parser && fy_parser_set_string(b->parser, text, len) == 0;
}

/* True at the end of the first document. */
static bool on_event(builder *b, struct fy_event *e)
{
    switch (e->type) {
    case FYET_SCALAR: on_scalar(b, e); break;
    case FYET_ALIAS: on_alias(b, e); break;
    case FYET_SEQUENCE_START: on_start(b, e, SP_NODE_LIST, e->sequence_start.anchor); break;
    case FYET_MAPPING_START: on_start(b, e, SP_NODE_MAP, e->mapping_start.anchor); break;
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END: on_end(b); break;
    case FYET_DOCUMENT_END:
    case FYET_STREAM_END: return true;
    default: break;
    }
    return b->broken || b->nomem;
}

static void read_events(builder *b)
{
    for (bool done = false; !done;) {
        struct fy_event *e = fy_parser_parse(b->parser);
        if (!e) {
            collect_diagnostics(b);
            return;
        }
        done = on_event(b, e);
        fy_parser_event_free(b->parser, e);
    }
}

int sp_document_load(const char *text, size_t len, sp_arena *nodes, sp_arena *texts, sp_mistakes *m,
                     const sp_node **root, spate_error *err)
{
    builder b = {.m = m, .nodes = nodes, .texts = texts, .left = SP_DOCUMENT_NODES_MAX};
    sp_buf_init(&b.text);
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    b.input = (sp_str){text, len};
    if (!sp_utf8_valid(text, len) || memchr(text, '\0', len))
        find_bad_byte(&b, text, len);
    else
        check_shape(&b, text, len);
    if (!b.broken && !open_parser(&b, text, len))
        b.nomem = true;
    if (!b.broken && !b.nomem)
        read_events(&b);
    if (b.parser)
        fy_parser_destroy(b.parser);
    if (b.diag)
        fy_diag_destroy(b.diag);
    sp_names_done(&b.anchors);
    sp_free(b.stack);
    sp_buf_done(&b.text);
    if (b.nomem)
        return sp_fail_nomem(err);
    *root = b.broken ? NULL : b.root;
    return SPATE_OK;
}
