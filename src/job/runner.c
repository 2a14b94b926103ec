/* runner.c - see runner.h. */
#include "job/runner.h"

#include <stdio.h>
#include <stdlib.h>

int sp_runner_put(sp_buf *out)
{
    sp_os_process self = sp_os_process_self();
    return sp_buf_printf(out, "\"pid\":%ld,\"started\":\"%llu\",", (long)self.pid, (unsigned long long)self.started);
}

bool sp_runner_take(sp_os_process *runner, sp_str key, sp_str value)
{
    uint64_t number = 0;
    bool pid = sp_str_is(key, "pid");
    if (!pid && !sp_str_is(key, "started"))
        return false;
    (void)sp_parse_u64(value, &number);
    if (pid)
        runner->pid = (pid_t)number;
    else
        runner->started = number;
    return true;
}

int sp_runner_remember(spate_ledger *l, spate_error *err)
{
    sp_os_process self = sp_os_process_self();
    char pid[32], started[32];
    snprintf(pid, sizeof(pid), "%ld", (long)self.pid);
    snprintf(started, sizeof(started), "%llu", (unsigned long long)self.started);
    int rc = spate_ledger_remember(l, "pid", pid, err);
    return rc == SPATE_OK ? spate_ledger_remember(l, "started", started, err) : rc;
}

sp_os_process sp_runner_recall(spate_ledger *l)
{
    static const char *const keys[] = {"pid", "started"};
    sp_os_process runner = {0};
    for (size_t i = 0; i < SP_COUNT(keys); i++) {
        char text[32];
        if (spate_ledger_recall(l, keys[i], text, sizeof(text)) > 0)
            (void)sp_runner_take(&runner, sp_str_of(keys[i]), sp_str_of(text));
    }
    return runner;
}
