/* state.c - where what outlives a run is remembered on this machine. */
#include "cli/cli.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void make_folders(char *path)
{
    for (char *p = path + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        (void)mkdir(path, 0700); /* what is wrong with it, whoever opens the file will say */
        *p = '/';
    }
}

bool state_path(char *out, const char *name)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    bool set = state && state[0] == '/';
    int len = snprintf(out, PATH_MAX, "%s%s/spate/%s",
                       set    ? state
                       : home ? home
                              : "/var/tmp",
                       set ? "" : "/.local/state", name);
    if (len >= PATH_MAX) {
        fputs("spate: the path of the state directory is too long\n", stderr);
        return false;
    }
    make_folders(out);
    return true;
}

bool jobs_folder(const invocation *in, char *out)
{
    const char *given = option_text(in, "ledger");
    if (!given)
        return state_path(out, "jobs");
    if (snprintf(out, PATH_MAX, "%s", given) < PATH_MAX)
        return true;
    fputs("spate: the path of --ledger is too long\n", stderr);
    return false;
}
