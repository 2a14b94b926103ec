/* remains.c - a lab whose lab.yaml is gone: as its folders tell it, which is enough to stop its servers and to remove them.
 *
 * Folders called main or shard0 may be anybody's. They are a lab's when at least one has a server in it that was made from our
 * template; then all of those names are, for 'init' makes no lab where one of them is. Ports, settings and who follows whom are
 * not found again. */
#include "lab/lab.h"

#include <stdio.h>
#include <sys/stat.h>

static bool is_there(const sp_lab *lab, const char *name)
{
    char path[4300];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", lab->directory, name);
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has_our_server(const sp_lab *lab, const char *name)
{
    char path[4300];
    sp_buf text = {0};
    snprintf(path, sizeof(path), "%s/%s/data/postgresql.conf", lab->directory, name);
    bool ours = sp_os_read_file(path, 1 << 20, &text, NULL) == SPATE_OK && text.len &&
                strstr(text.data, SP_LAB_CONF_INCLUDED) != NULL;
    sp_buf_done(&text);
    return ours;
}

/* How many there are of the name and a number, gaps counted. */
static unsigned count_folders(const sp_lab *lab, const char *name, unsigned most, bool *ours)
{
    char folder[32];
    unsigned end = 0;
    for (unsigned i = 0; i < most; i++) {
        snprintf(folder, sizeof(folder), "%s%u", name, i);
        if (!is_there(lab, folder))
            continue;
        *ours |= has_our_server(lab, folder);
        end = i + 1;
    }
    return end;
}

static int find_servers(sp_lab *lab, spate_error *err)
{
    bool ours = has_our_server(lab, "main");
    unsigned shards = count_folders(lab, "shard", SP_SHARDS_MAX, &ours),
             replicas = count_folders(lab, "replica", SP_LAB_REPLICAS_MAX, &ours);
    if (!ours)
        return sp_fail(err, SPATE_E_USAGE, "there is nothing of a lab in \"%s\"", lab->directory);
    int rc = SPATE_OK;
    for (unsigned i = 0; i <= shards && rc == SPATE_OK; i++)
        rc = sp_lab_add_server(lab, 0, NULL, err);
    for (unsigned i = 0; i < replicas && rc == SPATE_OK; i++)
        rc = sp_lab_add_replica(lab, "main", 0, err);
    lab->pool_port = is_there(lab, "pool"); /* any number says that there is one */
    lab->cache_bytes = is_there(lab, "cache");
    return rc;
}

int sp_lab_open_remains(const char *directory, sp_lab *lab, spate_error *err)
{
    const char *file = sp_lab_locate(directory, lab);
    int rc = !file                ? sp_fail(err, SPATE_E_USAGE, "there is no directory \"%s\"", directory)
             : sp_os_exists(file) ? sp_fail(err, SPATE_E_USAGE, "the lab in \"%s\" has a lab.yaml", directory)
                                  : find_servers(lab, err);
    if (rc != SPATE_OK)
        sp_lab_done(lab);
    return rc;
}
