/* save.c - lab.yaml written: as a whole, in config.c's form, or not at all. */
#include "lab/lab.h"
#include "os/at.h"

#include <fcntl.h>
#include <stdio.h>

/* In double quotes, which YAML reads as JSON does. */
static int put_quoted(sp_buf *out, sp_str text)
{
    int built = sp_buf_adds(out, "\"");
    for (size_t i = 0; i < text.len && !built; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < 0x20 || c == 0x7f)
            built = sp_buf_printf(out, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            built = sp_buf_printf(out, "\\%c", c);
        else
            built = sp_buf_add(out, &text.p[i], 1);
    }
    return built || sp_buf_adds(out, "\"");
}

static int put_pair(sp_buf *out, const char *key, const char *value)
{
    return sp_buf_adds(out, key) || sp_buf_adds(out, ": ") || put_quoted(out, sp_str_of(value));
}

static int put_server(sp_buf *out, const sp_lab_server *s)
{
    if (!s->attached)
        return sp_buf_printf(out, "{port: %u}\n", s->port);
    return sp_buf_adds(out, "{") || put_pair(out, "uri", s->uri) || sp_buf_adds(out, "}\n");
}

static int put_slots(sp_buf *out, const sp_slot_map *map)
{
    enum { A_LINE = 40 };
    int built = sp_buf_adds(out, "slots: [");
    for (unsigned i = 0; i < SP_SLOTS && !built; i++)
        built = sp_buf_printf(out, "%s%s%u", i ? "," : "", i % A_LINE ? "" : "\n  ", map->owner[i]);
    return built || sp_buf_adds(out, "]");
}

static int put_bounds(sp_buf *out, const sp_placement *p)
{
    int built = sp_buf_adds(out, "bounds: [");
    for (unsigned i = 0; i + 1 < p->map.shards && !built; i++)
        built = sp_buf_printf(out, "%s%lld", i ? ", " : "", (long long)p->bounds[i]);
    return built || sp_buf_adds(out, "]");
}

static int put_values(sp_buf *out, const sp_placement *p)
{
    int built = sp_buf_adds(out, "values: [");
    for (unsigned s = 0; s < p->map.shards && !built; s++) {
        const char *between = s ? ",\n  [" : "\n  [";
        for (uint32_t i = 0; i < p->n_items && !built; i++)
            if (p->items[i].shard == s) {
                built = sp_buf_adds(out, between) || put_quoted(out, p->items[i].value);
                between = ", ";
            }
        built = built || (*between == ',' && between[1] == ' ' ? sp_buf_adds(out, "]")
                                                               : sp_buf_adds(out, between) || sp_buf_adds(out, "]"));
    }
    return built || sp_buf_adds(out, "]");
}

/* between: what stands between one key and the next. */
static int put_places(sp_buf *out, const sp_placement *p, const char *between)
{
    int built = sp_buf_printf(out, "placement: %s", sp_placing_name(p->placing));
    if (p->placing == SP_PLACE_RANGE)
        built = built || sp_buf_adds(out, between) || put_bounds(out, p);
    if (p->placing == SP_PLACE_LIST)
        built = built || sp_buf_adds(out, between) || put_values(out, p);
    if (p->placing == SP_PLACE_HASH && !sp_slot_map_is_fresh(&p->map))
        built = built || sp_buf_adds(out, between) || put_slots(out, &p->map);
    return built;
}

static int put_placement(sp_buf *out, const sp_lab *lab)
{
    const sp_placement now = sp_lab_places(lab);
    int built = put_places(out, &now, "\n") || sp_buf_adds(out, "\n");
    if (lab->unswept)
        built = built || sp_buf_adds(out, "unswept: true\n");
    if (lab->other)
        built = built || sp_buf_adds(out, lab->turned ? "former: {" : "next: {") || put_places(out, lab->other, ", ") ||
                sp_buf_adds(out, "}\n");
    return built;
}

/* What there is beside main and the shards. */
static int put_beside(sp_buf *out, const sp_lab *lab)
{
    int built = lab->n_replicas ? sp_buf_adds(out, "replicas:\n") : SPATE_OK;
    for (uint32_t i = 0; i < lab->n_replicas && !built; i++)
        built = sp_buf_printf(out, "  %s: {port: %u, of: %s}\n", lab->replicas[i].name, lab->replicas[i].port,
                              lab->replicas[i].of);
    if (lab->pool_port)
        built = built || sp_buf_printf(out, "pool: {port: %u, size: %u}\n", lab->pool_port, lab->pool_size);
    if (lab->cache_bytes)
        built = built || sp_buf_printf(out, "cache: {bytes: %llu}\n", (unsigned long long)lab->cache_bytes);
    return built;
}

static int put_lab(sp_buf *out, const sp_lab *lab)
{
    int built = sp_buf_adds(out, "# A lab of 'spate lab': its servers, and which shard each row lives on.\nmain: ") ||
                put_server(out, &lab->servers[0]) || sp_buf_adds(out, "shards:\n");
    for (uint32_t i = 1; i < lab->n_servers && !built; i++)
        built = sp_buf_adds(out, "  - ") || put_server(out, &lab->servers[i]);
    built = built || put_beside(out, lab);
    if (lab->programs)
        built = built || put_pair(out, "programs", lab->programs) || sp_buf_adds(out, "\n");
    if (lab->user)
        built = built || put_pair(out, "user", lab->user) || sp_buf_adds(out, "\n");
    if (lab->n_settings)
        built = built || sp_buf_adds(out, "settings:\n");
    for (uint32_t i = 0; i < lab->n_settings && !built; i++)
        built = sp_buf_adds(out, "  ") || put_pair(out, lab->settings[i].name, lab->settings[i].value) ||
                sp_buf_adds(out, "\n");
    if (lab->cpu > 0)
        built = built || sp_buf_printf(out, "cpu: %g\n", lab->cpu);
    built = built || put_placement(out, lab);
    if (lab->n_tables)
        built = built || sp_buf_adds(out, "tables:\n");
    for (uint32_t i = 0; i < lab->n_tables && !built; i++) {
        const sp_lab_table *t = &lab->tables[i];
        built = sp_buf_adds(out, "  ") || put_quoted(out, sp_str_of(t->name)) || sp_buf_adds(out, ": {") ||
                (t->key ? put_pair(out, "key", t->key) : sp_buf_adds(out, "copied: true")) || sp_buf_adds(out, "}\n");
    }
    return built;
}

/* Only its owner may read it: an attached server's address can hold a password. */
static int publish(const char *path, const char *parked, const sp_buf *text, spate_error *err)
{
    int fd = sp_at_open(AT_FDCWD, parked, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return sp_fail_errno(err, -fd, "could not write \"%s\"", parked);
    int rc = sp_os_write_all(fd, text->data, text->len, parked, err);
    if (rc == SPATE_OK)
        rc = sp_os_sync(fd, parked, err);
    int closed = sp_os_close(&fd, parked, rc == SPATE_OK ? err : NULL);
    rc = rc == SPATE_OK ? closed : rc;
    return rc == SPATE_OK ? sp_os_publish(parked, path, err) : rc;
}

int sp_lab_save(const sp_lab *lab, spate_error *err)
{
    return sp_lab_save_as(lab, lab->directory, err);
}

int sp_lab_save_as(const sp_lab *lab, const char *directory, spate_error *err)
{
    char path[4200], parked[4200];
    sp_buf text = {0};
    snprintf(path, sizeof(path), "%s/lab.yaml", directory);
    snprintf(parked, sizeof(parked), "%s/.lab.yaml", directory);
    int rc = put_lab(&text, lab) ? sp_fail_nomem(err) : publish(path, parked, &text, err);
    sp_buf_done(&text);
    return rc;
}
