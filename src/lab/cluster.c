/* cluster.c - the clusters of a lab: one made by initdb, the others cloned from it.
 *
 * initdb takes half a second, and what it makes depends on nothing but the programs: so its result is kept as a template, in the
 * cache directory that the caller names, and the next lab only clones. The template's name holds what it depends on. Each clone
 * gets a system identifier of its own, without which a replica would follow any of them. */
#include "lab/each.h"
#include "lab/lab.h"
#include "os/at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char TEMPLATE_FORM[] = "1"; /* of what is below; another one, another template */

/* What every server of a lab is set to; a lab's own settings come behind. Durable, so that what is measured is true of servers
 * that keep what they have acknowledged. */
static const char common_settings[] = "wal_level = logical\n"
                                      "max_connections = 200\n"
                                      "max_wal_senders = 20\n"
                                      "max_replication_slots = 20\n"
                                      "max_logical_replication_workers = 16\n"
                                      "max_worker_processes = 24\n"
                                      "max_prepared_transactions = 100\n"
                                      "max_wal_size = '4GB'\n"
                                      "shared_buffers = '256MB'\n"
                                      "wal_compression = off\n"
                                      "hot_standby = on\n"
                                      SP_LAB_CONF_INCLUDED "\n";

/* ---- programs and users ---- */

static bool has_programs(const char *directory)
{
    char path[4200];
    static const char *const names[] = {"initdb", "postgres"};
    for (size_t i = 0; i < SP_COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        if (access(path, X_OK) != 0)
            return false;
    }
    return true;
}

/* Debian keeps versions side by side: /usr/lib/postgresql/15/bin. */
static int newest_version(sp_lab *lab, const char **found, spate_error *err)
{
    char **names;
    uint32_t n = 0;
    long best = -1;
    if (!sp_os_is_dir("/usr/lib/postgresql"))
        return SPATE_OK;
    int rc = sp_os_list("/usr/lib/postgresql", &lab->arena, &names, &n, err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        long version = strtol(names[i], NULL, 10);
        const char *path = sp_arena_printf(&lab->arena, "/usr/lib/postgresql/%s/bin", names[i]);
        if (!path)
            return sp_fail_nomem(err);
        if (version > best && has_programs(path)) {
            best = version;
            *found = path;
        }
    }
    return rc;
}

int sp_lab_find_programs(sp_lab *lab, const char *asked, spate_error *err)
{
    static const char *const others[] = {"/usr/local/pgsql/bin", "/usr/pgsql/bin", "/usr/local/bin", "/usr/bin"};
    const char *found = NULL;
    if (asked)
        found = has_programs(asked) ? sp_arena_strndup(&lab->arena, asked, strlen(asked)) : NULL;
    int rc = asked ? SPATE_OK : newest_version(lab, &found, err);
    for (size_t i = 0; !asked && !found && i < SP_COUNT(others); i++)
        found = has_programs(others[i]) ? others[i] : NULL;
    if (rc != SPATE_OK)
        return rc;
    lab->programs = found;
    if (found)
        return SPATE_OK;
    rc = sp_fail(err, SPATE_E_UNREACHABLE, "no initdb and postgres %s%s", asked ? "in " : "on this machine",
                 asked ? asked : "");
    sp_error_hint(
        err, "install a PostgreSQL server (Debian: apt install postgresql), or name its bin directory with --programs");
    return rc;
}

int sp_lab_find_user(const sp_lab *lab, sp_os_user *user, spate_error *err)
{
    sp_os_user self = sp_os_self();
    *user = self;
    if (!lab->user && self.user != 0)
        return SPATE_OK;
    if (!lab->user) {
        int rc = sp_fail(err, SPATE_E_USAGE, "PostgreSQL does not run as root: name a user for the servers");
        sp_error_hint(err, "'spate lab init --user NAME', or \"user: NAME\" in lab.yaml");
        return rc;
    }
    int rc = sp_os_find_user(lab->user, user, err);
    if (rc == SPATE_OK && user->user == 0)
        return sp_fail(err, SPATE_E_USAGE, "PostgreSQL does not run as root: name another user for the servers");
    if (rc == SPATE_OK && self.user != 0 && self.user != user->user)
        return sp_fail(err, SPATE_E_USAGE,
                       "the servers of this lab run as \"%s\": only that user or root can handle them", lab->user);
    return rc;
}

/* ---- the template ---- */

typedef struct maker {
    sp_lab *lab;
    sp_os_user user;
    const char *cache;    /* NULL: none */
    const char *template; /* what is cloned */
    const char *scratch;  /* in the lab's directory: removed at the end */
} maker;

int sp_lab_make_folder(const char *path, sp_os_user user, spate_error *err)
{
    int rc = sp_os_is_dir(path) ? 0 : sp_at_make_folder(AT_FDCWD, path, 0700);
    if (rc == 0 && user.user != sp_os_self().user)
        rc = sp_at_set_owner(AT_FDCWD, path, user.user, user.group);
    return rc < 0 ? sp_fail_errno(err, -rc, "could not create directory \"%s\"", path) : SPATE_OK;
}

int sp_lab_write_file(const char *path, sp_str text, int more_flags, sp_os_user owner, spate_error *err)
{
    int fd = sp_at_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_NOFOLLOW | more_flags, 0600);
    int rc = fd < 0 ? fd : sp_at_set_owner(fd, NULL, owner.user, owner.group);
    if (rc == 0)
        rc = sp_at_write(fd, text.p, text.len, more_flags & O_APPEND ? (uint64_t)lseek(fd, 0, SEEK_END) : 0);
    if (fd >= 0)
        close(fd);
    return rc < 0 ? sp_fail_errno(err, -rc, "could not write \"%s\"", path) : SPATE_OK;
}

static int make_password(char text[33], spate_error *err)
{
    uint8_t bytes[16] = {0};
    int rc = sp_os_random(bytes, sizeof(bytes), err);
    *sp_put_hex(text, bytes, sizeof(bytes)) = '\0';
    return rc;
}

/* The last line that says what went wrong, out of a program's output. */
static void add_reason(spate_error *err, const char *file)
{
    static const char *const words[] = {"FATAL:", "PANIC:", "ERROR:", "error:", "fatal:"};
    sp_buf text = {0};
    if (!err || sp_os_read_file(file, 16 << 20, &text, NULL) != SPATE_OK || text.len == 0) {
        sp_buf_done(&text);
        return;
    }
    const char *said = NULL, *last = NULL;
    for (char *line = text.data, *end; *line; line = end + (*end == '\n')) {
        end = strchrnul(line, '\n');
        last = end > line ? line : last;
        for (size_t i = 0; i < SP_COUNT(words); i++) {
            char *at = memmem(line, (size_t)(end - line), words[i], strlen(words[i]));
            said = at ? at : said;
        }
    }
    said = said ? said : last;
    size_t len = said ? strcspn(said, "\n") : 0, have = strlen(err->message);
    snprintf(err->message + have, sizeof(err->message) - have, "%s%.*s", said ? ": " : "", (int)len, said ? said : "");
    sp_buf_done(&text);
}

int sp_lab_fail_program(spate_error *err, const char *log, const char *fmt, ...)
{
    char what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    int rc = sp_fail(err, SPATE_E_UNREACHABLE, "%s", what);
    add_reason(err, log);
    sp_error_hint(err, "see %s", log);
    return rc;
}

static int run_initdb(const maker *m, const char *data, const char *password_file, spate_error *err)
{
    sp_arena *a = &m->lab->arena;
    const char *program = sp_arena_printf(a, "%s/initdb", m->lab->programs),
               *log = sp_arena_printf(a, "%s/initdb.log", m->scratch);
    const char *pwfile = sp_arena_printf(a, "--pwfile=%s", password_file);
    if (!program || !log || !pwfile)
        return sp_fail_nomem(err);
    const char *const words[] = {
        program, "-D", data,   "-U",          "postgres",  "--auth-local=trust", "--auth-host=scram-sha-256",
        pwfile,  "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions",  NULL};
    sp_os_child child = {.words = words, .directory = m->scratch, .output = log, .user = &m->user};
    pid_t pid;
    int code = 0, rc = sp_os_child_start(&child, &pid, err);
    if (rc == SPATE_OK)
        rc = sp_os_child_wait(pid, &code, err);
    return rc == SPATE_OK && code ? sp_lab_fail_program(err, log, "initdb failed") : rc;
}

/* template/data and template/pgpass, in the scratch folder. */
static int make_template(maker *m, spate_error *err)
{
    sp_arena *a = &m->lab->arena;
    char password[33 + SP_SLACK], line[128];
    const char *made = sp_arena_printf(a, "%s/template", m->scratch), *data = sp_arena_printf(a, "%s/data", made);
    const char *pgpass = sp_arena_printf(a, "%s/pgpass", made), *secret = sp_arena_printf(a, "%s/password", m->scratch);
    const char *conf = sp_arena_printf(a, "%s/postgresql.conf", data);
    if (!made || !data || !pgpass || !secret || !conf)
        return sp_fail_nomem(err);
    int rc = sp_lab_make_folder(made, m->user, err);
    if (rc == SPATE_OK)
        rc = make_password(password, err);
    if (rc == SPATE_OK)
        rc = sp_lab_write_file(secret, sp_str_of(password), O_EXCL, m->user, err);
    if (rc == SPATE_OK)
        rc = run_initdb(m, data, secret, err);
    snprintf(line, sizeof(line), "127.0.0.1:*:*:postgres:%s\n", password);
    if (rc == SPATE_OK)
        rc = sp_lab_write_file(pgpass, sp_str_of(line), O_EXCL, m->user, err);
    if (rc == SPATE_OK)
        rc = sp_lab_write_file(conf, sp_str_of(common_settings), O_APPEND, m->user, err);
    m->template = made;
    return rc;
}

/* The template's place in the cache: by the program's identity, and by whom it is for. */
static const char *cached_name(const maker *m)
{
    struct statx st = {0};
    char *program = sp_arena_printf(&m->lab->arena, "%s/postgres", m->lab->programs);
    if (!program || sp_at_stat(AT_FDCWD, program, &st) < 0)
        return NULL;
    uint64_t about[] = {st.stx_ino, st.stx_size, (uint64_t)st.stx_mtime.tv_sec, m->user.user,
                        sp_hash64(common_settings, sizeof(common_settings), 0)};
    return sp_arena_printf(&m->lab->arena, "%s/lab-template-%s-%016llx", m->cache, TEMPLATE_FORM,
                           (unsigned long long)sp_hash64(about, sizeof(about), 0));
}

/* A cache that cannot be written is no reason to fail: the next lab makes its template again. */
static void keep_template(const maker *m, const char *name)
{
    char *parked = sp_arena_printf(&m->lab->arena, "%s.%d", name, (int)getpid());
    if (!parked || sp_os_make_dirs(m->cache, NULL) != SPATE_OK)
        return;
    if (sp_lab_clone_tree(m->template, parked, sp_os_self(), NULL) != SPATE_OK ||
        sp_at_rename(AT_FDCWD, parked, AT_FDCWD, name, false) < 0)
        (void)!sp_lab_remove_tree(parked, NULL);
}

static int find_template(maker *m, spate_error *err)
{
    const char *name = m->cache ? cached_name(m) : NULL;
    if (name && sp_os_is_dir(name)) {
        m->template = name;
        return SPATE_OK;
    }
    int rc = make_template(m, err);
    if (rc == SPATE_OK && name)
        keep_template(m, name);
    return rc;
}

/* ---- identity ---- */

static uint32_t crc32c(const uint8_t *p, size_t len)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

/* Versions differ in how long the control data are, but all begin with the identifier and end with a CRC-32C of what is before. */
static size_t find_crc(const uint8_t *control, size_t len)
{
    for (size_t at = 64; at + 4 <= len; at += 4) {
        uint32_t crc;
        memcpy(&crc, control + at, 4);
        if (crc == crc32c(control, at))
            return at;
    }
    return 0;
}

/* The first page of each segment of the log begins with flags that say it has a long header, whose fourth word is the identifier. */
static int identify_log(const char *data, uint64_t old, uint64_t identifier, sp_arena *arena, spate_error *err)
{
    enum { LONG_HEADER = 2, FLAGS_AT = 2, IDENTIFIER_AT = 24 };
    char *folder = sp_arena_printf(arena, "%s/pg_wal", data), **names;
    uint32_t n = 0;
    int rc = folder ? sp_os_list(folder, arena, &names, &n, err) : sp_fail_nomem(err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        uint8_t head[IDENTIFIER_AT + 8];
        char *path = sp_arena_printf(arena, "%s/%s", folder, names[i]);
        if (!path)
            return sp_fail_nomem(err);
        int fd = strlen(names[i]) == 24 ? sp_at_open(AT_FDCWD, path, O_RDWR, 0) : -1;
        if (fd < 0)
            continue;
        bool fits = sp_at_read(fd, head, sizeof(head), 0) == sizeof(head) && head[FLAGS_AT] & LONG_HEADER &&
                    memcmp(head + IDENTIFIER_AT, &old, 8) == 0;
        int put = fits ? sp_at_write(fd, &identifier, 8, IDENTIFIER_AT) : 0;
        close(fd);
        if (put < 0)
            return sp_fail_errno(err, -put, "could not write \"%s\"", path);
    }
    return rc;
}

/* As initdb makes one: the time above, what is one's own below. */
static int identify(const char *data, uint64_t identifier, sp_arena *arena, spate_error *err)
{
    uint8_t control[1024];
    uint64_t old;
    char *path = sp_arena_printf(arena, "%s/global/pg_control", data);
    int fd = path ? sp_at_open(AT_FDCWD, path, O_RDWR, 0) : -ENOMEM;
    if (fd < 0)
        return sp_fail_errno(err, -fd, "could not open the control file of \"%s\"", data);
    ssize_t got = sp_at_read(fd, control, sizeof(control), 0);
    size_t at = got == sizeof(control) ? find_crc(control, sizeof(control)) : 0;
    memcpy(&old, control, 8);
    int rc = at ? SPATE_OK : sp_fail(err, SPATE_E_CORRUPT, "\"%s\" is no control file of PostgreSQL", path);
    if (rc == SPATE_OK)
        rc = identify_log(data, old, identifier, arena, err);
    memcpy(control, &identifier, 8);
    uint32_t crc = crc32c(control, at);
    memcpy(control + at, &crc, 4);
    int put = rc == SPATE_OK ? sp_at_write(fd, control, at + 4, 0) : 0;
    close(fd);
    return put < 0 ? sp_fail_errno(err, -put, "could not write \"%s\"", path) : rc;
}

/* ---- the clusters ---- */

typedef struct cloning {
    const maker *maker;
    const sp_lab_server *server;
    const char *folder;
    uint64_t identifier;
} cloning;

static int clone_one(void *item, spate_error *err)
{
    const cloning *c = item;
    char from[4200], made[4200];
    sp_arena arena;
    sp_arena_init(&arena);
    snprintf(from, sizeof(from), "%s/data", c->maker->template);
    snprintf(made, sizeof(made), "%s.new", c->server->data);
    int rc = sp_lab_make_folder(c->folder, c->maker->user, err);
    if (rc == SPATE_OK)
        rc = sp_lab_remove_tree(made, err);
    if (rc == SPATE_OK)
        rc = sp_lab_clone_tree(from, made, c->maker->user, err);
    if (rc == SPATE_OK)
        rc = identify(made, c->identifier, &arena, err);
    int renamed = rc == SPATE_OK ? sp_at_rename(AT_FDCWD, made, AT_FDCWD, c->server->data, true)
                                 : 0; /* only now there is a cluster */
    if (renamed < 0)
        rc = sp_fail_errno(err, -renamed, "could not rename \"%s\"", made);
    sp_arena_done(&arena);
    return rc;
}

static uint64_t draw_identifier(void)
{
    uint64_t low = 0;
    (void)!sp_os_random(&low, sizeof(low), NULL);
    return (uint64_t)time(NULL) << 32 | (low & 0xffffffff);
}

static int clone_all(const maker *m, spate_error *err)
{
    sp_lab *lab = m->lab;
    cloning *all = sp_arena_alloc(&lab->arena, lab->n_servers, sizeof(*all));
    uint32_t n = 0;
    if (!all)
        return sp_fail_nomem(err);
    for (uint32_t i = 0; i < lab->n_servers; i++) {
        const sp_lab_server *s = &lab->servers[i];
        if (s->attached || sp_os_exists(s->data))
            continue;
        all[n++] =
            (cloning){.maker = m, .server = s, .folder = sp_lab_path(lab, s->name), .identifier = draw_identifier()};
        if (!all[n - 1].folder)
            return sp_fail_nomem(err);
    }
    int rc = sp_lab_each(all, sizeof(*all), n, clone_one, err);
    for (uint32_t i = 0; i < n && rc != SPATE_OK; i++)
        (void)!sp_lab_remove_cluster(lab, all[i].server, NULL);
    return rc;
}

/* The password stays where libpq looks for it, the sockets in a folder that only their owner enters. A lab that gets more servers has
 * both. */
static int make_access(const maker *m, spate_error *err)
{
    sp_buf text = {0};
    const char *from = sp_arena_printf(&m->lab->arena, "%s/pgpass", m->template), *to = sp_lab_path(m->lab, "pgpass");
    const char *run = sp_lab_path(m->lab, "run");
    if (!from || !to || !run)
        return sp_fail_nomem(err);
    if (sp_os_exists(to))
        return SPATE_OK;
    int rc = sp_os_read_file(from, 1 << 16, &text, err);
    if (rc == SPATE_OK)
        rc = sp_lab_write_file(to, (sp_str){text.data, text.len}, O_TRUNC, sp_os_self(), err);
    sp_buf_done(&text);
    return rc == SPATE_OK ? sp_lab_make_folder(run, m->user, err) : rc;
}

static bool has_all(const sp_lab *lab)
{
    for (uint32_t i = 0; i < lab->n_servers; i++)
        if (!lab->servers[i].attached && !sp_os_exists(lab->servers[i].data))
            return false;
    return true;
}

int sp_lab_make_clusters(sp_lab *lab, const char *cache, spate_error *err)
{
    maker m = {.lab = lab, .cache = cache, .scratch = sp_lab_path(lab, ".making")};
    if (has_all(lab))
        return SPATE_OK;
    int rc = m.scratch ? sp_lab_find_user(lab, &m.user, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_lab_remove_tree(m.scratch, err);
    if (rc == SPATE_OK)
        rc = sp_lab_make_folder(m.scratch, m.user, err);
    if (rc == SPATE_OK)
        rc = find_template(&m, err);
    if (rc == SPATE_OK)
        rc = make_access(&m, err);
    if (rc == SPATE_OK)
        rc = clone_all(&m, err);
    int removed = m.scratch ? sp_lab_remove_tree(m.scratch, rc == SPATE_OK ? err : NULL) : SPATE_OK;
    return rc == SPATE_OK ? removed : rc;
}

int sp_lab_remove_cluster(sp_lab *lab, const sp_lab_server *server, spate_error *err)
{
    if (server->attached)
        return SPATE_OK;
    const char *folder = sp_lab_path(lab, server->name);
    return folder ? sp_lab_remove_tree(folder, err) : sp_fail_nomem(err);
}

int sp_lab_remove_clusters(sp_lab *lab, spate_error *err)
{
    static const char *const others[] = {"run",   "pgpass",    "snapshots",  "trials", "pool",
                                         "cache", "work.json", ".work.json", ".making"};
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < lab->n_servers && rc == SPATE_OK; i++)
        rc = sp_lab_remove_cluster(lab, &lab->servers[i], err);
    for (uint32_t i = 0; i < lab->n_replicas && rc == SPATE_OK; i++)
        rc = sp_lab_remove_cluster(lab, &lab->replicas[i], err);
    for (size_t i = 0; i < SP_COUNT(others) && rc == SPATE_OK; i++) {
        const char *path = sp_lab_path(lab, others[i]);
        rc = path ? sp_lab_remove_tree(path, err) : sp_fail_nomem(err);
    }
    return rc;
}
