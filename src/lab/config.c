/* config.c - lab.yaml read: which servers a lab has and where rows live.
 *
 *     main: {port: 24300}                   or {uri: "postgresql://..."}: a server that was there before
 *     shards:
 *       - {port: 24301}
 *     replicas: {replica0: {port: 24304, of: main}}
 *     pool: {port: 24305, size: 8}          connections to each server
 *     cache: {bytes: 67108864}
 *     programs: /usr/lib/postgresql/15/bin
 *     user: postgres                        whom the servers run as
 *     settings: {shared_buffers: 256MB}     of every server
 *     cpu: 0.3                              processors that each server may use
 *     placement: hash                       modulo, range with bounds, list with values
 *     slots: [0, 1, 0, ...]                 960 owners; left out while they are slot modulo shards
 *     next: {placement: hash, slots: [...]} while rows move: how they live afterwards; former: before
 *     unswept: true                         rows that were moved are still at their old places, too
 *     tables:
 *       users: {key: id}
 *       country: {copied: true}
 *
 * Every mistake is noted with its place before the file is refused. */
#include "endpoint/endpoint.h"
#include "lab/lab.h"
#include "plan/node.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILE_BYTES_MAX = 4 << 20 };

static const char *const placing_names[] = {"hash", "modulo", "range", "list"};

const char *sp_placing_name(sp_placing placing)
{
    return placing_names[placing];
}

bool sp_placing_find(sp_str word, sp_placing *placing)
{
    for (size_t i = 0; i < SP_COUNT(placing_names); i++)
        if (sp_str_is(word, placing_names[i])) {
            *placing = (sp_placing)i;
            return true;
        }
    return false;
}

void sp_lab_init(sp_lab *lab)
{
    *lab = (sp_lab){0};
    sp_arena_init(&lab->arena);
}

void sp_lab_done(sp_lab *lab)
{
    sp_arena_done(&lab->arena);
    *lab = (sp_lab){0};
}

const char *sp_lab_path(sp_lab *lab, const char *below)
{
    return sp_arena_printf(&lab->arena, "%s/%s", lab->directory, below);
}

const sp_lab_table *sp_lab_find_table(const sp_lab *lab, const char *name)
{
    for (uint32_t i = 0; i < lab->n_tables; i++)
        if (strcmp(lab->tables[i].name, name) == 0)
            return &lab->tables[i];
    return NULL;
}

int sp_lab_set_table(sp_lab *lab, const char *name, const char *key, spate_error *err)
{
    sp_lab_table *known = (sp_lab_table *)sp_lab_find_table(lab, name);
    const char *kept = key ? sp_arena_strndup(&lab->arena, key, strlen(key)) : NULL;
    if (key && !kept)
        return sp_fail_nomem(err);
    if (known) {
        known->key = kept;
        return SPATE_OK;
    }
    sp_lab_table *grown = sp_arena_alloc(&lab->arena, lab->n_tables + 1, sizeof(*grown));
    if (!grown)
        return sp_fail_nomem(err);
    if (lab->n_tables)
        memcpy(grown, lab->tables, lab->n_tables * sizeof(*grown));
    grown[lab->n_tables] = (sp_lab_table){sp_arena_strndup(&lab->arena, name, strlen(name)), kept};
    lab->tables = grown;
    return grown[lab->n_tables++].name ? SPATE_OK : sp_fail_nomem(err);
}

int sp_lab_find_server(const sp_lab *lab, const char *name, const sp_lab_server **server, spate_error *err)
{
    for (uint32_t i = 0; i < lab->n_servers; i++)
        if (strcmp(lab->servers[i].name, name) == 0) {
            *server = &lab->servers[i];
            return SPATE_OK;
        }
    for (uint32_t i = 0; i < lab->n_replicas; i++)
        if (strcmp(lab->replicas[i].name, name) == 0) {
            *server = &lab->replicas[i];
            return SPATE_OK;
        }
    return sp_fail(err, SPATE_E_USAGE, "the lab has no server \"%s\": it has main and shard0 to shard%u", name,
                   lab->n_servers - 2);
}

sp_placement sp_lab_places(const sp_lab *lab)
{
    return (sp_placement){
        .placing = lab->placing, .map = lab->map, .bounds = lab->bounds, .items = lab->items, .n_items = lab->n_items};
}

void sp_lab_set_places(sp_lab *lab, const sp_placement *places)
{
    lab->placing = places->placing;
    lab->map = places->map;
    lab->bounds = (int64_t *)places->bounds;
    lab->items = (sp_list_item *)places->items;
    lab->n_items = places->n_items;
}

/* ---- servers ---- */

/* For the value of a parameter in a URI. */
static const char *percent_encoded(sp_arena *arena, const char *text)
{
    char *out = sp_arena_alloc(arena, 3 * strlen(text) + 1, 1), *p = out;
    for (; p && *text; text++) {
        bool plain = strchr("/-_.~", *text) ||
                     ((unsigned char)(*text | 32) >= 'a' && (unsigned char)(*text | 32) <= 'z') ||
                     (*text >= '0' && *text <= '9');
        if (plain)
            *p++ = *text;
        else
            p += sprintf(p, "%%%02X", (unsigned char)*text);
    }
    return out;
}

/* We take the socket, for which the directory's owner is proof enough; over TCP a password is asked for, which is in a file. */
static bool name_own(sp_lab *lab, sp_lab_server *s)
{
    const char *at = percent_encoded(&lab->arena, lab->directory);
    if (!at)
        return false;
    s->uri = sp_arena_printf(&lab->arena, "postgresql://postgres@/postgres?host=%s/run&port=%u", at, s->port);
    s->public_uri =
        sp_arena_printf(&lab->arena, "postgresql://postgres@127.0.0.1:%u/postgres?passfile=%s/pgpass", s->port, at);
    s->data = sp_arena_printf(&lab->arena, "%s/%s/data", lab->directory, s->name);
    s->log = sp_arena_printf(&lab->arena, "%s/%s/log", lab->directory, s->name);
    return s->uri && s->public_uri && s->data && s->log;
}

int sp_lab_add_server(sp_lab *lab, unsigned port, const char *uri, spate_error *err)
{
    uint32_t n = lab->n_servers;
    if (n == 1 + SP_SHARDS_MAX)
        return sp_fail(err, SPATE_E_CONFIG, "a lab has at most %d shards", SP_SHARDS_MAX);
    sp_lab_server *grown = sp_arena_alloc(&lab->arena, n + 1, sizeof(*grown)), *s = grown + n;
    if (!grown)
        return sp_fail_nomem(err);
    if (n)
        memcpy(grown, lab->servers, n * sizeof(*grown));
    s->name = n ? sp_arena_printf(&lab->arena, "shard%u", n - 1) : "main";
    s->port = port;
    s->attached = uri != NULL;
    bool ok = s->name != NULL;
    if (ok && uri) {
        s->uri = sp_arena_strndup(&lab->arena, uri, strlen(uri));
        s->public_uri = sp_uri_shown(uri, &lab->arena);
        ok = s->uri && s->public_uri;
    } else if (ok) {
        ok = name_own(lab, s);
    }
    if (!ok)
        return sp_fail_nomem(err);
    lab->servers = grown;
    lab->n_servers = n + 1;
    return SPATE_OK;
}

const char *sp_lab_pool_uri(sp_lab *lab, const sp_lab_server *server)
{
    const char *at = percent_encoded(&lab->arena, lab->directory);
    return at ? sp_arena_printf(&lab->arena, "postgresql://postgres@/%s?host=%s/run&port=%u", server->name, at,
                                lab->pool_port)
              : NULL;
}

const char *sp_lab_public_pool_uri(sp_lab *lab)
{
    const char *at = percent_encoded(&lab->arena, lab->directory);
    return at ? sp_arena_printf(&lab->arena, "postgresql://postgres@127.0.0.1:%u/main?passfile=%s/pgpass",
                                lab->pool_port, at)
              : NULL;
}

/* ---- replicas ---- */

/* name: NULL, the first that is free. */
static int add_replica(sp_lab *lab, const char *name, const char *of, unsigned port, spate_error *err)
{
    const sp_lab_server *found;
    uint32_t n = lab->n_replicas;
    if (n == SP_LAB_REPLICAS_MAX)
        return sp_fail(err, SPATE_E_USAGE, "a lab has at most %d replicas", SP_LAB_REPLICAS_MAX);
    sp_lab_server *grown = sp_arena_alloc(&lab->arena, n + 1, sizeof(*grown)), *s = grown + n;
    for (unsigned i = 0; !name && i <= n; i++) {
        const char *next = sp_arena_printf(&lab->arena, "replica%u", i);
        name = next && sp_lab_find_server(lab, next, &found, NULL) == SPATE_OK ? NULL : next;
    }
    if (!grown || !name)
        return sp_fail_nomem(err);
    if (n)
        memcpy(grown, lab->replicas, n * sizeof(*grown));
    *s = (sp_lab_server){.name = name, .of = of, .port = port};
    if (!name_own(lab, s))
        return sp_fail_nomem(err);
    lab->replicas = grown;
    lab->n_replicas = n + 1;
    return SPATE_OK;
}

int sp_lab_add_replica(sp_lab *lab, const char *of, unsigned port, spate_error *err)
{
    return add_replica(lab, NULL, of, port, err);
}

/* ---- reading ---- */

typedef struct reader {
    sp_lab *lab;
    sp_mistakes *m;
    spate_error *err;
    int rc; /* what is no mistake of the file: no memory */
} reader;

/* Memory of the lab; NULL: there is none, and the reading ends. */
static void *make(reader *r, size_t n, size_t bytes)
{
    void *made = sp_arena_alloc(&r->lab->arena, n + 1, bytes);
    if (!made)
        r->rc = sp_fail_nomem(r->err);
    return made;
}

static const sp_node *value_of(const sp_node *map, const char *key)
{
    for (uint32_t i = 0; map->kind == SP_NODE_MAP && i < map->n; i++)
        if (sp_str_is(map->pairs[i].key->text, key))
            return sp_node_is_null(map->pairs[i].value) ? NULL : map->pairs[i].value;
    return NULL;
}

static sp_str text_of(const sp_node *node)
{
    return node->kind == SP_NODE_TEXT ? node->text : (sp_str){"", 0};
}

/* NULL, with a mistake noted, when the node is no text. */
static const char *word_at(reader *r, const sp_node *node, const char *expected)
{
    if (node->kind == SP_NODE_TEXT && node->text.len)
        return node->text.p;
    sp_mistake(r->m, node->mark, text_of(node), "expected %s", expected);
    return NULL;
}

static bool number_at(reader *r, const sp_node *node, int64_t min, int64_t max, const char *expected, int64_t *n)
{
    if (node->kind == SP_NODE_TEXT && sp_parse_i64(node->text, n) && *n >= min && *n <= max)
        return true;
    sp_mistake(r->m, node->mark, text_of(node), "is not %s", expected);
    return false;
}

static void refuse_other_keys(reader *r, const sp_node *map, const char *const *known, size_t n)
{
    for (uint32_t i = 0; i < map->n; i++) {
        sp_str key = map->pairs[i].key->text;
        bool found = false;
        for (size_t k = 0; k < n; k++)
            found |= sp_str_is(key, known[k]);
        const char *near = found ? NULL : sp_nearest(key, known, n);
        if (!found)
            sp_mistake(r->m, map->pairs[i].key->mark, key,
                       near ? "is no key here; did you mean \"%s\"?" : "is no key here%s", near ? near : "");
    }
}

static void read_server(reader *r, const sp_node *node)
{
    static const char *const keys[] = {"port", "uri"};
    int64_t port = 0;
    if (node->kind != SP_NODE_MAP) {
        sp_mistake(r->m, node->mark, text_of(node),
                   "expected a server such as {port: 24300} or {uri: \"postgresql://...\"}");
        return;
    }
    refuse_other_keys(r, node, keys, SP_COUNT(keys));
    const sp_node *port_node = value_of(node, "port"), *uri_node = value_of(node, "uri");
    const char *uri = uri_node ? word_at(r, uri_node, "an address such as postgresql://...") : NULL;
    if (!port_node == !uri_node)
        sp_mistake(r->m, node->mark, (sp_str){"", 0}, "expected a server with either a port or a uri");
    else if (port_node)
        number_at(r, port_node, SP_LAB_PORT_MIN, 65535, "a port from 1024 to 65535", &port);
    if (r->rc == SPATE_OK)
        r->rc = sp_lab_add_server(r->lab, (unsigned)port, uri, r->err);
}

static void read_servers(reader *r, const sp_node *root)
{
    const sp_node *main = value_of(root, "main"), *shards = value_of(root, "shards");
    if (!main)
        sp_mistake(r->m, root->mark, (sp_str){"", 0}, "expected the key \"main\": the server that has all rows");
    else
        read_server(r, main);
    if (!shards || shards->kind != SP_NODE_LIST || shards->n == 0 || shards->n > SP_SHARDS_MAX) {
        sp_mistake(r->m, shards ? shards->mark : root->mark, (sp_str){"", 0},
                   "expected \"shards\", a list of 1 to %d servers", SP_SHARDS_MAX);
        return;
    }
    for (uint32_t i = 0; i < shards->n; i++)
        read_server(r, shards->items[i]);
    for (uint32_t i = 1; i < r->lab->n_servers; i++)
        if (r->lab->servers[i].attached != r->lab->servers[0].attached) {
            sp_mistake(r->m, shards->mark, (sp_str){"", 0}, "a lab's servers have either all a port or all a uri");
            break;
        }
    sp_slot_map_init(&r->lab->map, shards->n);
}

/* Names are folders in the lab's directory. */
static bool is_replica_name(const char *name)
{
    return strncmp(name, "replica", 7) == 0 && name[7] && strspn(name + 7, "0123456789") == strlen(name + 7) &&
           strlen(name) < 16;
}

static void read_replica(reader *r, const sp_pair *pair)
{
    static const char *const keys[] = {"port", "of"};
    const sp_node *node = pair->value, *port_node = value_of(node, "port"), *of = value_of(node, "of");
    const sp_lab_server *found = NULL;
    int64_t port;
    if (!port_node || !of || !is_replica_name(pair->key->text.p)) {
        sp_mistake(r->m, pair->key->mark, pair->key->text,
                   "expected a replica such as replica0: {port: 24304, of: main}");
        return;
    }
    refuse_other_keys(r, node, keys, SP_COUNT(keys));
    const char *whom = word_at(r, of, "the name of a server");
    bool fits = number_at(r, port_node, SP_LAB_PORT_MIN, 65535, "a port from 1024 to 65535", &port);
    if (whom && (sp_lab_find_server(r->lab, whom, &found, NULL) != SPATE_OK || found->of || found->attached))
        sp_mistake(r->m, of->mark, of->text, "is no server of the lab's own to follow");
    else if (whom && fits && r->rc == SPATE_OK)
        r->rc = add_replica(r->lab, pair->key->text.p, whom, (unsigned)port, r->err);
}

static void read_replicas(reader *r, const sp_node *node)
{
    if (node && node->kind != SP_NODE_MAP)
        sp_mistake(r->m, node->mark, text_of(node), "expected replicas such as replica0: {port: 24304, of: main}");
    for (uint32_t i = 0; node && node->kind == SP_NODE_MAP && i < node->n; i++)
        read_replica(r, &node->pairs[i]);
}

static void read_pool(reader *r, const sp_node *node)
{
    static const char *const keys[] = {"port", "size"};
    int64_t port = 0, size = 0;
    if (!node)
        return;
    const sp_node *port_node = value_of(node, "port"), *size_node = value_of(node, "size");
    if (!port_node || !size_node) {
        sp_mistake(r->m, node->mark, text_of(node), "expected a pool such as {port: 24305, size: 8}");
        return;
    }
    refuse_other_keys(r, node, keys, SP_COUNT(keys));
    number_at(r, port_node, SP_LAB_PORT_MIN, 65535, "a port from 1024 to 65535", &port);
    number_at(r, size_node, 1, SP_LAB_POOL_SIZE_MAX, "a number of connections from 1 to 180", &size);
    r->lab->pool_port = (unsigned)port;
    r->lab->pool_size = (unsigned)size;
}

static void read_cache(reader *r, const sp_node *node)
{
    static const char *const keys[] = {"bytes"};
    int64_t bytes = 0;
    const sp_node *bytes_node = node ? value_of(node, "bytes") : NULL;
    if (node && !bytes_node)
        sp_mistake(r->m, node->mark, text_of(node), "expected a cache such as {bytes: 67108864}");
    if (!bytes_node)
        return;
    refuse_other_keys(r, node, keys, SP_COUNT(keys));
    number_at(r, bytes_node, 1 << 20, INT64_MAX, "a number of bytes from 1048576", &bytes);
    r->lab->cache_bytes = (uint64_t)bytes;
}

static void read_slots(reader *r, const sp_node *node, sp_slot_map *map)
{
    int64_t owner;
    if (node->kind != SP_NODE_LIST || node->n != SP_SLOTS) {
        sp_mistake(r->m, node->mark, text_of(node), "expected a list of %d shards, one for each slot", SP_SLOTS);
        return;
    }
    for (uint32_t i = 0; i < SP_SLOTS; i++)
        if (number_at(r, node->items[i], 0, (int64_t)map->shards - 1, "the number of a shard of this lab", &owner))
            map->owner[i] = (uint8_t)owner;
}

static void read_bounds(reader *r, const sp_node *node, const sp_node *root, sp_placement *p)
{
    uint32_t n = p->map.shards - 1;
    if (!node || node->kind != SP_NODE_LIST || node->n != n) {
        sp_mistake(r->m, node ? node->mark : root->mark, (sp_str){"", 0},
                   "expected \"bounds\", a list of %u numbers: keys below the"
                   " first are on shard 0, and so on",
                   n);
        return;
    }
    int64_t *bounds = make(r, n, sizeof(int64_t));
    p->bounds = bounds;
    for (uint32_t i = 0; bounds && i < n; i++) {
        int64_t *b = &bounds[i];
        if (number_at(r, node->items[i], INT64_MIN, INT64_MAX, "a whole number", b) && i && b[0] <= b[-1])
            sp_mistake(r->m, node->items[i]->mark, node->items[i]->text, "is not above the bound before it");
    }
}

static void read_values(reader *r, const sp_node *node, const sp_node *root, sp_placement *p)
{
    uint32_t shards = p->map.shards, n = 0;
    if (!node || node->kind != SP_NODE_LIST || node->n == 0 || node->n > shards) {
        sp_mistake(r->m, node ? node->mark : root->mark, (sp_str){"", 0},
                   "expected \"values\", a list of at most %u lists: the values"
                   " on shard 0, and so on; all others are on the last",
                   shards);
        return;
    }
    for (uint32_t s = 0; s < node->n; s++)
        n += node->items[s]->kind == SP_NODE_LIST ? node->items[s]->n : 0;
    sp_list_item *items = make(r, n, sizeof(*items));
    p->items = items;
    for (uint32_t s = 0; items && s < node->n; s++) {
        const sp_node *list = node->items[s];
        if (list->kind != SP_NODE_LIST)
            sp_mistake(r->m, list->mark, text_of(list), "expected a list of values");
        for (uint32_t i = 0; list->kind == SP_NODE_LIST && i < list->n; i++)
            if (word_at(r, list->items[i], "a value"))
                items[p->n_items++] = (sp_list_item){list->items[i]->text, s};
    }
    if (items)
        sp_list_sort(items, p->n_items);
}

/* The keys of a placement, in the file itself or below next or former; p->map.shards is known. */
static void read_places(reader *r, const sp_node *node, sp_placement *p)
{
    const sp_node *placement = value_of(node, "placement"), *slots = value_of(node, "slots");
    if (placement && !sp_placing_find(text_of(placement), &p->placing))
        sp_mistake(r->m, placement->mark, text_of(placement), "is no placement; expected hash, modulo, range or list");
    if (slots)
        read_slots(r, slots, &p->map);
    if (p->placing == SP_PLACE_RANGE)
        read_bounds(r, value_of(node, "bounds"), node, p);
    if (p->placing == SP_PLACE_LIST)
        read_values(r, value_of(node, "values"), node, p);
}

static void read_placement(reader *r, const sp_node *root)
{
    static const char *const keys[] = {"placement", "bounds", "values", "slots"};
    const sp_node *next = value_of(root, "next"), *former = value_of(root, "former"), *other = next ? next : former;
    unsigned shards = r->lab->map.shards;
    if (!shards) /* which has been told */
        return;
    sp_placement now = sp_lab_places(r->lab);
    read_places(r, root, &now);
    sp_lab_set_places(r->lab, &now);
    if (other && other->kind != SP_NODE_MAP)
        sp_mistake(r->m, other->mark, text_of(other), "expected a placement such as {placement: hash}");
    else if (other && (r->lab->other = make(r, 1, sizeof(*r->lab->other)))) {
        refuse_other_keys(r, other, keys, SP_COUNT(keys));
        sp_slot_map_init(&r->lab->other->map, shards);
        read_places(r, other, r->lab->other);
        r->lab->turned = !next;
    }
}

static void read_settings(reader *r, const sp_node *node)
{
    if (!node)
        return;
    if (node->kind != SP_NODE_MAP) {
        sp_mistake(r->m, node->mark, text_of(node), "expected settings of PostgreSQL such as {shared_buffers: 256MB}");
        return;
    }
    r->lab->settings = make(r, node->n, sizeof(sp_lab_setting));
    for (uint32_t i = 0; r->lab->settings && i < node->n; i++) {
        const char *value = word_at(r, node->pairs[i].value, "a value");
        if (value)
            r->lab->settings[r->lab->n_settings++] = (sp_lab_setting){node->pairs[i].key->text.p, value};
    }
}

static void read_table(reader *r, const sp_pair *pair)
{
    static const char *const keys[] = {"key", "copied"};
    const sp_node *node = pair->value, *key = value_of(node, "key"), *copied = value_of(node, "copied");
    bool all = false;
    if (node->kind != SP_NODE_MAP || !key == !copied || (copied && !(sp_parse_bool(text_of(copied), &all) && all))) {
        sp_mistake(r->m, node->mark, text_of(node), "expected {key: COLUMN} or {copied: true}");
        return;
    }
    refuse_other_keys(r, node, keys, SP_COUNT(keys));
    r->lab->tables[r->lab->n_tables++] =
        (sp_lab_table){pair->key->text.p, key ? word_at(r, key, "the name of a column") : NULL};
}

static void read_tables(reader *r, const sp_node *node)
{
    if (!node)
        return;
    if (node->kind != SP_NODE_MAP) {
        sp_mistake(r->m, node->mark, text_of(node), "expected tables such as users: {key: id}");
        return;
    }
    r->lab->tables = make(r, node->n, sizeof(sp_lab_table));
    for (uint32_t i = 0; r->lab->tables && i < node->n; i++)
        read_table(r, &node->pairs[i]);
}

bool sp_lab_cpu_fits(double cpu)
{
    return cpu * 100 >= SP_LAB_CPU_PERCENT_MIN && cpu <= 1024;
}

static void read_cpu(reader *r, const sp_node *node)
{
    if (node &&
        (node->kind != SP_NODE_TEXT || !sp_parse_f64(node->text, &r->lab->cpu) || !sp_lab_cpu_fits(r->lab->cpu)))
        sp_mistake(r->m, node->mark, text_of(node), "is no number of processors from 0.01, such as 0.3");
}

static void read_unswept(reader *r, const sp_node *node)
{
    if (node && !sp_parse_bool(text_of(node), &r->lab->unswept))
        sp_mistake(r->m, node->mark, text_of(node), "is neither true nor false");
}

static void read_root(reader *r, const sp_node *root)
{
    static const char *const keys[] = {"main",  "shards",   "replicas", "pool",      "cache",  "programs",
                                       "user",  "settings", "cpu",      "placement", "bounds", "values",
                                       "slots", "next",     "former",   "unswept",   "tables"};
    if (root->kind != SP_NODE_MAP) {
        sp_mistake(r->m, root->mark, text_of(root), "expected the keys main and shards");
        return;
    }
    const sp_node *programs = value_of(root, "programs"), *user = value_of(root, "user");
    refuse_other_keys(r, root, keys, SP_COUNT(keys));
    read_servers(r, root);
    read_replicas(r, value_of(root, "replicas"));
    read_pool(r, value_of(root, "pool"));
    read_cache(r, value_of(root, "cache"));
    r->lab->programs = programs ? word_at(r, programs, "a directory") : NULL;
    r->lab->user = user ? word_at(r, user, "the name of a user") : NULL;
    read_cpu(r, value_of(root, "cpu"));
    read_placement(r, root);
    read_unswept(r, value_of(root, "unswept"));
    read_settings(r, value_of(root, "settings"));
    read_tables(r, value_of(root, "tables"));
}

/* The first mistake as the message, the others below it. */
static int tell_mistakes(const sp_mistakes *m, spate_error *err)
{
    sp_buf rest = {0};
    for (uint32_t i = 0; i < m->n; i++) {
        const spate_mistake *s = &m->items[i].shown;
        const char *quote = s->found[0] ? "\"" : "", *space = s->found[0] ? "\" " : "";
        if (i == 0)
            sp_fail(err, SPATE_E_CONFIG, "%s:%u:%u: %s%s%s%s", s->file, s->line, s->column, quote, s->found, space,
                    s->message);
        else if (sp_buf_printf(&rest, "%s%s:%u:%u: %s%s%s%s", i > 1 ? "\n" : "", s->file, s->line, s->column, quote,
                               s->found, space, s->message))
            break;
    }
    if (rest.len)
        sp_error_detail(err, "%.*s", (int)rest.len, rest.data);
    sp_buf_done(&rest);
    return SPATE_E_CONFIG;
}

static int read_text(sp_lab *lab, const char *file, sp_str text, spate_error *err)
{
    sp_mistakes m;
    sp_arena nodes;
    const sp_node *root = NULL;
    sp_arena_init(&nodes);
    sp_mistakes_init(&m, file);
    reader r = {.lab = lab, .m = &m, .err = err};
    int rc = sp_document_load(text.p, text.len, &nodes, &lab->arena, &m, &root, err);
    if (rc == SPATE_OK && root)
        read_root(&r, root);
    else if (rc == SPATE_OK && m.n == 0)
        sp_mistake(&m, (sp_mark){1, 1}, (sp_str){"", 0}, "expected the keys main and shards, found nothing");
    if (rc == SPATE_OK)
        rc = r.rc;
    if (rc == SPATE_OK && m.n_errors)
        rc = tell_mistakes(&m, err);
    sp_mistakes_done(&m);
    sp_arena_done(&nodes);
    return rc;
}

static int read_file(sp_lab *lab, const char *file, spate_error *err)
{
    sp_buf text = {0};
    int rc = sp_os_read_file(file, FILE_BYTES_MAX, &text, err);
    if (rc == SPATE_OK)
        rc = read_text(lab, file, (sp_str){text.data, text.len}, err);
    sp_buf_done(&text);
    if (rc != SPATE_OK)
        sp_lab_done(lab);
    return rc;
}

int sp_lab_open_copy(const char *directory, const char *place, sp_lab *lab, spate_error *err)
{
    sp_lab_init(lab);
    lab->directory = sp_arena_strndup(&lab->arena, directory, strlen(directory));
    const char *file = sp_arena_printf(&lab->arena, "%s/lab.yaml", place);
    if (lab->directory && file)
        return read_file(lab, file, err);
    sp_lab_done(lab);
    return sp_fail_nomem(err);
}

const char *sp_lab_locate(const char *directory, sp_lab *lab)
{
    sp_lab_init(lab);
    char *real = realpath(directory, NULL);
    lab->directory = real ? sp_arena_strndup(&lab->arena, real, strlen(real)) : NULL;
    free(real);
    return lab->directory ? sp_lab_path(lab, "lab.yaml") : NULL;
}

int sp_lab_open(const char *directory, sp_lab *lab, spate_error *err)
{
    const char *file = sp_lab_locate(directory, lab);
    if (!file || !sp_os_exists(file)) {
        sp_fail(err, SPATE_E_USAGE, "there is no lab in \"%s\": it has no lab.yaml", directory);
        sp_error_hint(err, "'spate lab init' makes one; --lab says where it is");
        sp_lab_done(lab);
        return SPATE_E_USAGE;
    }
    return read_file(lab, file, err);
}
