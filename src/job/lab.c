/* lab.c - spate_lab_*: a lab made, opened, started, stopped, looked at and removed, one call at a time. */
#include "spate/lab.h"

#include "job/lab.h"
#include "lab/budget.h"
#include "lab/daemon.h"
#include "lab/link.h"
#include "os/at.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Static_assert((int)SPATE_LAB_SHARDS_MAX == (int)SP_SHARDS_MAX, "what the header promises");

/* ---- one call at a time ---- */

int sp_lab_lock(const char *directory, int *lock, spate_error *err)
{
    char path[4200];
    bool got = false;
    snprintf(path, sizeof(path), "%s/.lock", directory);
    int fd = sp_at_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    if (fd < 0)
        return sp_fail_errno(err, -fd, "could not lock the lab in \"%s\"", directory);
    int rc = sp_os_lock_byte(fd, 0, SP_OS_LOCK_ALONE, false, &got, path, err);
    if (rc == SPATE_OK && !got)
        rc = sp_fail(err, SPATE_E_UNREACHABLE, "the lab in \"%s\" is in use: another command is at work on it",
                     directory);
    if (rc == SPATE_OK)
        *lock = fd;
    else
        close(fd);
    return rc;
}

void sp_lab_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}

int sp_lab_refuse_moving(const sp_lab *lab, spate_error *err)
{
    if (!lab->other)
        return SPATE_OK;
    sp_fail(err, SPATE_E_USAGE, "rows of this lab are moving to other shards");
    sp_error_hint(err, "'spate lab reshard' shows how far that is; --commit or --rollback ends it");
    return SPATE_E_USAGE;
}

/* ---- making ---- */

int sp_lab_check_path(const sp_lab *lab, spate_error *err)
{
    if (!lab->directory[strcspn(lab->directory, " \t'\"\\#;=%\n")])
        return SPATE_OK;
    return sp_fail(
        err, SPATE_E_USAGE,
        "the lab's directory has a space, a quote or the like in its name: it cannot be told to other programs");
}

static bool has_port(const sp_lab *lab, unsigned port)
{
    for (uint32_t i = 0; i < lab->n_servers; i++)
        if (lab->servers[i].port == port)
            return true;
    for (uint32_t i = 0; i < lab->n_replicas; i++)
        if (lab->replicas[i].port == port)
            return true;
    return lab->pool_port == port;
}

/* Ports that nobody listens on, of those that the system does not hand out by itself. Where the search begins depends on the
 * directory, so that labs made at the same moment do not choose the same. */
int sp_lab_find_ports(const sp_lab *lab, unsigned n, unsigned *ports, spate_error *err)
{
    enum { FIRST = 20000, LAST = 32000 };
    uint64_t hash = sp_hash64(lab->directory, strlen(lab->directory), 0);
    unsigned found = 0, span = LAST - FIRST, start = (unsigned)(hash % (span / 16)) * 16;
    for (unsigned i = 0; i < span && found < n; i++) {
        unsigned port = FIRST + (start + i) % span;
        if (!has_port(lab, port) && sp_os_port_is_free(port))
            ports[found++] = port;
    }
    return found == n ? SPATE_OK : sp_fail(err, SPATE_E_UNREACHABLE, "no %u free ports from %d to %d", n, FIRST, LAST);
}

static int add_own_servers(sp_lab *lab, const spate_lab_init_options *o, spate_error *err)
{
    unsigned ports[1 + SP_SHARDS_MAX], n = 1 + o->shards;
    if (o->shards == 0 || o->shards > SP_SHARDS_MAX)
        return sp_fail(err, SPATE_E_USAGE, "a lab has 1 to %d shards, not %u", SP_SHARDS_MAX, o->shards);
    if (o->port && (o->port < SP_LAB_PORT_MIN || o->port + n - 1 > 65535))
        return sp_fail(err, SPATE_E_USAGE, "ports go from %d to 65535: %u servers cannot begin at %u", SP_LAB_PORT_MIN,
                       n, o->port);
    int rc = o->port ? SPATE_OK : sp_lab_find_ports(lab, n, ports, err);
    for (unsigned i = 0; i < n && rc == SPATE_OK; i++) {
        ports[i] = o->port ? o->port + i : ports[i];
        if (!sp_os_port_is_free(ports[i]))
            return sp_fail(err, SPATE_E_UNREACHABLE, "port %u is taken by another program", ports[i]);
        rc = sp_lab_add_server(lab, ports[i], NULL, err);
    }
    return rc;
}

static int attach_servers(sp_lab *lab, const spate_lab_init_options *o, spate_error *err)
{
    if (o->n_shard_uris == 0 || o->n_shard_uris > SP_SHARDS_MAX)
        return sp_fail(err, SPATE_E_USAGE, "a lab has 1 to %d shards: so many addresses are needed", SP_SHARDS_MAX);
    int rc = sp_lab_add_server(lab, 0, o->main_uri, err);
    for (size_t i = 0; i < o->n_shard_uris && rc == SPATE_OK; i++)
        rc = sp_lab_add_server(lab, 0, o->shard_uris[i], err);
    return rc;
}

static int take_bounds(sp_lab *lab, const spate_lab_placement *wish, sp_placement *out, spate_error *err)
{
    unsigned shards = out->map.shards;
    if (out->placing != SP_PLACE_RANGE)
        return wish->n_bounds ? sp_fail(err, SPATE_E_USAGE, "bounds are for range placement") : SPATE_OK;
    if (wish->n_bounds + 1 != shards)
        return sp_fail(err, SPATE_E_USAGE, "range placement on %u shards needs %u bounds, not %zu", shards, shards - 1,
                       wish->n_bounds);
    for (size_t i = 1; i < wish->n_bounds; i++)
        if (wish->bounds[i] <= wish->bounds[i - 1])
            return sp_fail(err, SPATE_E_USAGE, "bounds must rise: %lld is not above %lld", (long long)wish->bounds[i],
                           (long long)wish->bounds[i - 1]);
    int64_t *bounds = sp_arena_alloc(&lab->arena, wish->n_bounds + 1, sizeof(*bounds));
    if (!bounds)
        return sp_fail_nomem(err);
    if (wish->n_bounds)
        memcpy(bounds, wish->bounds, wish->n_bounds * sizeof(*bounds));
    out->bounds = bounds;
    return SPATE_OK;
}

static size_t count_values(const spate_lab_placement *wish)
{
    size_t n = wish->n_values;
    for (size_t s = 0; s < wish->n_values; s++)
        for (const char *at = wish->values[s]; (at = strchr(at, ',')); at++)
            n++;
    return n;
}

static int take_values(sp_lab *lab, const spate_lab_placement *wish, sp_placement *out, spate_error *err)
{
    if (out->placing != SP_PLACE_LIST)
        return wish->n_values ? sp_fail(err, SPATE_E_USAGE, "values are for list placement") : SPATE_OK;
    if (wish->n_values > out->map.shards)
        return sp_fail(err, SPATE_E_USAGE, "values are given for %zu shards, and there are %u", wish->n_values,
                       out->map.shards);
    sp_list_item *items = sp_arena_alloc(&lab->arena, count_values(wish) + 1, sizeof(*items));
    for (size_t s = 0; items && s < wish->n_values; s++)
        for (const char *at = wish->values[s], *end; at; at = *end ? end + 1 : NULL) {
            end = at + strcspn(at, ",");
            const char *text = sp_arena_strndup(&lab->arena, at, (size_t)(end - at));
            if (!text)
                return sp_fail_nomem(err);
            if (end > at)
                items[out->n_items++] = (sp_list_item){{text, (size_t)(end - at)}, (uint32_t)s};
        }
    if (!items)
        return sp_fail_nomem(err);
    sp_list_sort(items, out->n_items);
    out->items = items;
    for (uint32_t i = 1; i < out->n_items; i++)
        if (items[i].value.len == items[i - 1].value.len &&
            memcmp(items[i].value.p, items[i - 1].value.p, items[i].value.len) == 0)
            return sp_fail(err, SPATE_E_USAGE, "\"%s\" is listed twice", items[i].value.p);
    return SPATE_OK;
}

int sp_lab_make_places(sp_lab *lab, const spate_lab_placement *wish, sp_placement *out, spate_error *err)
{
    const char *word = wish->how ? wish->how : "hash";
    *out = (sp_placement){0};
    sp_slot_map_init(&out->map, lab->n_servers - 1);
    if (!sp_placing_find(sp_str_of(word), &out->placing))
        return sp_fail(err, SPATE_E_USAGE, "\"%s\" is no placement: hash, modulo, range or list", word);
    int rc = take_bounds(lab, wish, out, err);
    return rc == SPATE_OK ? take_values(lab, wish, out, err) : rc;
}

static int set_placement(sp_lab *lab, const spate_lab_init_options *o, spate_error *err)
{
    sp_placement places;
    int rc = sp_lab_make_places(lab, &o->placement, &places, err);
    if (rc == SPATE_OK)
        sp_lab_set_places(lab, &places);
    return rc;
}

static int check_cpu(const sp_lab *lab, double cpu, spate_error *err)
{
    if (cpu == 0)
        return SPATE_OK;
    if (!sp_lab_cpu_fits(cpu))
        return sp_fail(err, SPATE_E_USAGE, "%g is no share of the processors for a server: 0.01 or more, such as 0.3",
                       cpu);
    return sp_budget_check(lab, err);
}

/* lab.yaml comes first: whatever happens to us then, 'destroy' knows what there is to remove. */
static int make_own(sp_lab *lab, const spate_lab_init_options *o, spate_error *err)
{
    sp_os_user user;
    lab->cpu = o->cpu;
    lab->user = o->user ? sp_arena_strndup(&lab->arena, o->user, strlen(o->user)) : NULL;
    int rc = sp_lab_find_user(lab, &user, err);
    if (rc == SPATE_OK)
        rc = sp_lab_find_programs(lab, o->programs, err);
    if (rc == SPATE_OK)
        rc = add_own_servers(lab, o, err);
    if (rc == SPATE_OK)
        rc = set_placement(lab, o, err);
    if (rc == SPATE_OK)
        rc = check_cpu(lab, o->cpu, err);
    if (rc == SPATE_OK)
        rc = sp_lab_save(lab, err);
    if (rc == SPATE_OK)
        rc = sp_lab_make_clusters(lab, o->cache, err);
    return rc;
}

static int make_attached(sp_lab *lab, const spate_lab_init_options *o, spate_error *err)
{
    int rc = attach_servers(lab, o, err);
    if (rc == SPATE_OK)
        rc = set_placement(lab, o, err);
    return rc == SPATE_OK ? sp_lab_save(lab, err) : rc;
}

static int remove_file(sp_lab *lab, const char *name, spate_error *err)
{
    const char *path = sp_lab_path(lab, name);
    return path ? sp_os_unlink(path, err) : sp_fail_nomem(err);
}

/* An init that fails takes away what is there: so all of that has to be its own. */
static int refuse_folders(sp_lab *lab, unsigned shards, spate_error *err)
{
    for (unsigned i = 0; i <= SP_MIN(shards, (unsigned)SP_SHARDS_MAX); i++) {
        char name[16] = "main";
        if (i > 0)
            snprintf(name, sizeof(name), "shard%u", i - 1);
        const char *path = sp_lab_path(lab, name);
        if (!path)
            return sp_fail_nomem(err);
        if (!sp_os_exists(path))
            continue;
        sp_fail(err, SPATE_E_USAGE, "\"%s\" is there already, and no lab.yaml that says whose it is", path);
        sp_error_hint(err, "put lab.yaml back; what is left of a lab without one is removed by 'spate lab destroy'");
        return SPATE_E_USAGE;
    }
    return SPATE_OK;
}

static int make_lab(sp_lab *lab, const spate_lab_init_options *o, spate_error *err)
{
    char *real = realpath(o->directory, NULL);
    lab->directory = real ? sp_arena_strndup(&lab->arena, real, strlen(real)) : NULL;
    free(real);
    const char *file = lab->directory ? sp_lab_path(lab, "lab.yaml") : NULL;
    if (!file)
        return sp_fail(err, SPATE_E_IO, "could not find \"%s\"", o->directory);
    if (sp_os_exists(file))
        return sp_fail(err, SPATE_E_USAGE, "there is a lab in \"%s\" already", o->directory);
    int rc = o->main_uri ? SPATE_OK : refuse_folders(lab, o->shards, err);
    if (rc != SPATE_OK)
        return rc;
    rc = o->main_uri ? make_attached(lab, o, err) : make_own(lab, o, err);
    if (rc != SPATE_OK)
        (void)!sp_lab_remove_clusters(lab, NULL);
    if (rc != SPATE_OK)
        (void)!remove_file(lab, "lab.yaml", NULL);
    return rc;
}

int spate_lab_init(const spate_lab_init_options *o, spate_error *err)
{
    sp_lab lab;
    int lock = -1;
    bool was_there = sp_os_is_dir(o->directory);
    int rc = sp_os_make_dirs(o->directory, err);
    if (rc == SPATE_OK)
        rc = sp_lab_lock(o->directory, &lock, err);
    if (rc != SPATE_OK)
        return rc;
    sp_lab_init(&lab);
    rc = make_lab(&lab, o, err);
    if (rc != SPATE_OK && !was_there && lab.directory) {
        (void)!remove_file(&lab, ".lock", NULL);
        (void)!rmdir(lab.directory);
    }
    sp_lab_unlock(lock);
    sp_lab_done(&lab);
    return rc;
}

/* ---- opening ---- */

static int open_by(int (*fn)(const char *directory, sp_lab *lab, spate_error *err), const char *directory,
                   spate_lab **out, spate_error *err)
{
    spate_lab *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    int rc = fn(directory, &l->lab, err);
    if (rc == SPATE_OK)
        *out = l;
    else
        sp_free(l);
    return rc;
}

int spate_lab_open(const char *directory, spate_lab **out, spate_error *err)
{
    return open_by(sp_lab_open, directory, out, err);
}

int spate_lab_open_remains(const char *directory, spate_lab **out, spate_error *err)
{
    return open_by(sp_lab_open_remains, directory, out, err);
}

void spate_lab_close(spate_lab *l)
{
    if (!l)
        return;
    sp_lab_done(&l->lab);
    sp_free(l);
}

/* ---- up, down, away ---- */

/* What a call is about: servers, replicas among them, and what runs beside them. */
typedef struct chosen {
    sp_lab_server *servers[1 + SP_SHARDS_MAX + SP_LAB_REPLICAS_MAX];
    uint32_t n;
    bool daemons[SP_DAEMONS];
} chosen;

static sp_lab_server *server_at(spate_lab *l, size_t i)
{
    return i < l->lab.n_servers ? &l->lab.servers[i] : &l->lab.replicas[i - l->lab.n_servers];
}

static bool choose_daemon(const spate_lab *l, const char *name, chosen *c)
{
    for (unsigned d = 0; d < SP_DAEMONS; d++)
        if (strcmp(name, sp_daemon_name(d)) == 0 && sp_daemon_wanted(&l->lab, d))
            return c->daemons[d] = true;
    return false;
}

static int choose(spate_lab *l, const char *const *names, size_t n, chosen *c, spate_error *err)
{
    *c = (chosen){.n = 0};
    for (size_t i = 0; n == 0 && i < l->lab.n_servers + l->lab.n_replicas; i++)
        c->servers[c->n++] = server_at(l, i);
    for (unsigned d = 0; n == 0 && d < SP_DAEMONS; d++)
        c->daemons[d] = sp_daemon_wanted(&l->lab, d);
    for (size_t i = 0; i < n; i++) {
        size_t found;
        if (choose_daemon(l, names[i], c))
            continue;
        int rc = spate_lab_find(l, names[i], &found, err);
        if (rc == SPATE_OK && c->n == SP_COUNT(c->servers))
            rc = sp_fail(err, SPATE_E_USAGE, "the lab has not so many servers");
        if (rc != SPATE_OK)
            return rc;
        c->servers[c->n++] = server_at(l, found);
    }
    return SPATE_OK;
}

typedef int on_chosen(sp_lab *lab, const chosen *c, spate_error *err);

static int with_lock(spate_lab *l, const char *const *names, size_t n, on_chosen *fn, spate_error *err)
{
    chosen c;
    int lock = -1, rc = choose(l, names, n, &c, err);
    if (rc == SPATE_OK)
        rc = sp_lab_lock(l->lab.directory, &lock, err);
    if (rc == SPATE_OK)
        rc = fn(&l->lab, &c, err);
    sp_lab_unlock(lock);
    return rc;
}

static int start(sp_lab *lab, const chosen *c, spate_error *err)
{
    int rc = sp_lab_start(lab, c->servers, c->n, err);
    for (unsigned d = 0; d < SP_DAEMONS && rc == SPATE_OK; d++)
        rc = c->daemons[d] ? sp_daemon_start(lab, d, err) : SPATE_OK;
    return rc;
}

static int stop(sp_lab *lab, const chosen *c, spate_error *err)
{
    int rc = SPATE_OK;
    for (unsigned d = 0; d < SP_DAEMONS && rc == SPATE_OK; d++)
        rc = c->daemons[d] ? sp_daemon_stop(lab, d, err) : SPATE_OK;
    return rc == SPATE_OK ? sp_lab_stop(lab, c->servers, c->n, err) : rc;
}

int spate_lab_up(spate_lab *l, const char *const *names, size_t n, spate_error *err)
{
    return with_lock(l, names, n, start, err);
}

int spate_lab_down(spate_lab *l, const char *const *names, size_t n, spate_error *err)
{
    return with_lock(l, names, n, stop, err);
}

int spate_lab_set_cpu(spate_lab *l, double cpu, spate_error *err)
{
    double before = l->lab.cpu;
    int lock = -1, rc = check_cpu(&l->lab, cpu, err);
    if (rc == SPATE_OK)
        rc = sp_lab_lock(l->lab.directory, &lock, err);
    if (rc == SPATE_OK)
        rc = sp_budget_set(&l->lab, cpu, err);
    l->lab.cpu = rc == SPATE_OK ? cpu : before;
    if (rc == SPATE_OK && cpu != before)
        rc = sp_lab_save(&l->lab, err);
    sp_lab_unlock(lock);
    return rc;
}

static int remove_all(sp_lab *lab, const chosen *c, spate_error *err)
{
    int rc =
        lab->servers[0].attached ? sp_lab_refuse_moving(lab, err) : SPATE_OK; /* what that has put there would stay */
    if (rc == SPATE_OK)
        rc = stop(lab, c, err);
    if (rc == SPATE_OK)
        rc = sp_lab_remove_clusters(lab, err);
    if (rc == SPATE_OK)
        rc = remove_file(lab, "reshard.journal", err);
    if (rc == SPATE_OK)
        rc = remove_file(lab, "lab.yaml", err);
    if (rc == SPATE_OK)
        rc = remove_file(lab, ".lock", err);
    if (rc == SPATE_OK)
        (void)!rmdir(lab->directory); /* unless there is something of the user's in it */
    return rc;
}

int spate_lab_destroy(spate_lab *l, spate_error *err)
{
    return with_lock(l, NULL, 0, remove_all, err);
}

/* ---- looking ---- */

const char *spate_lab_state_name(spate_lab_state state)
{
    static const char *const names[] = {"down", "up", "damaged", "unreachable"};
    return (unsigned)state < SP_COUNT(names) ? names[state] : "unknown";
}

size_t spate_lab_servers(const spate_lab *l)
{
    return l->lab.n_servers;
}

size_t spate_lab_members(const spate_lab *l)
{
    size_t n = l->lab.n_servers + l->lab.n_replicas;
    for (unsigned d = 0; d < SP_DAEMONS; d++)
        n += sp_daemon_wanted(&l->lab, d);
    return n;
}

const char *spate_lab_uri(const spate_lab *l, size_t i)
{
    return server_at((spate_lab *)l, i)->uri;
}

const char *spate_lab_programs(const spate_lab *l)
{
    return l->lab.programs;
}

int spate_lab_find(const spate_lab *l, const char *name, size_t *i, spate_error *err)
{
    const sp_lab_server *found;
    int rc = sp_lab_find_server(&l->lab, name, &found, err);
    if (rc == SPATE_OK)
        *i = found->of ? l->lab.n_servers + (size_t)(found - l->lab.replicas) : (size_t)(found - l->lab.servers);
    return rc;
}

static bool ask(const sp_lab_server *s, spate_lab_server *out)
{
    static const char sql[] =
        "SELECT current_setting('server_version'), pg_catalog.pg_database_size(current_database()),"
        " (SELECT COALESCE(sum(CASE WHEN c.reltuples > 0 THEN c.reltuples ELSE pg_catalog.pg_stat_get_live_tuples(c.oid) END), 0)::bigint"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema'))";
    PGconn *conn = NULL;
    PGresult *res = NULL;
    if (sp_lab_connect(s, &conn, NULL) != SPATE_OK)
        return false;
    int rc = sp_pg_run(conn, sql, &res, NULL, "looking");
    if (rc == SPATE_OK) {
        snprintf(out->version, sizeof(out->version), "%.31s", sp_pq.getvalue(res, 0, 0));
        out->version[strcspn(out->version, " ")] = '\0';
        out->bytes = strtoull(sp_pq.getvalue(res, 0, 1), NULL, 10);
        out->rows = strtoull(sp_pq.getvalue(res, 0, 2), NULL, 10);
        sp_pq.clear(res);
    }
    sp_pq.finish(conn);
    return rc == SPATE_OK;
}

/* The i-th of those that the lab has. */
static void look_daemon(spate_lab *l, size_t i, spate_lab_server *out)
{
    char room[4300];
    sp_daemon d = 0;
    for (; !sp_daemon_wanted(&l->lab, d) || i-- > 0; d++)
        ;
    const char *socket = sp_arena_printf(&l->lab.arena, "%s", sp_daemon_socket(&l->lab, d, room, sizeof(room)));
    const char *pooled = d == SP_DAEMON_POOL ? sp_lab_public_pool_uri(&l->lab) : socket;
    *out = (spate_lab_server){.name = sp_daemon_name(d),
                              .uri = pooled ? pooled : "",
                              .port = d == SP_DAEMON_POOL ? l->lab.pool_port : 0,
                              .pid = sp_daemon_pid(&l->lab, d),
                              .daemon = true};
    out->log = sp_arena_printf(&l->lab.arena, "%s", sp_daemon_log(&l->lab, d, room, sizeof(room)));
    out->state = !out->pid                                ? SPATE_LAB_DOWN
                 : socket && sp_os_socket_answers(socket) ? SPATE_LAB_UP
                                                          : SPATE_LAB_UNREACHABLE;
}

void spate_lab_look(spate_lab *l, size_t i, spate_lab_server *out)
{
    if (i >= l->lab.n_servers + l->lab.n_replicas) {
        look_daemon(l, i - l->lab.n_servers - l->lab.n_replicas, out);
        return;
    }
    const sp_lab_server *s = server_at(l, i);
    *out = (spate_lab_server){.name = s->name,
                              .of = s->of,
                              .uri = s->public_uri,
                              .log = s->log,
                              .attached = s->attached,
                              .port = s->port,
                              .pid = sp_lab_server_pid(s),
                              .cpu = sp_budget_of(s)};
    bool runs = s->attached || out->pid;
    if (runs && ask(s, out))
        out->state = SPATE_LAB_UP;
    else if (runs)
        out->state = SPATE_LAB_UNREACHABLE;
    else
        out->state = sp_os_is_dir(s->data) ? SPATE_LAB_DOWN : SPATE_LAB_DAMAGED;
}
