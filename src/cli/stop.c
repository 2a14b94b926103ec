/* stop.c - the first ^C asks the run to stop, the second kills it. */
#include "cli/cli.h"

#include <signal.h>

static int stop_asked; /* read by the library's threads; only touched with atomic operations */
static volatile sig_atomic_t stop_signal;

static void on_signal(int number)
{
    __atomic_store_n(&stop_asked, 1, __ATOMIC_RELAXED);
    stop_signal = number;
    signal(number, SIG_DFL);
}

const int *stop_flag(void)
{
    return &stop_asked;
}

void stop_catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        struct sigaction old;
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* nohup stays nohup */
            signal(numbers[i], on_signal);
    }
}

int stop_exit_code(spate_status status)
{
    if (stop_signal && status == SPATE_E_INTERRUPTED) {
        fflush(NULL);
        signal(stop_signal, SIG_DFL);
        raise(stop_signal);
    }
    return exit_code_of(status);
}

/* Nothing about the plan, the command or the rows is in the way of the rest. */
static bool can_go_on(spate_status status)
{
    return status == SPATE_E_UNREACHABLE || status == SPATE_E_RETRY || status == SPATE_E_IO ||
           status == SPATE_E_NOMEM || status == SPATE_E_INTERRUPTED;
}

int job_exit_code(const char *job, spate_status status)
{
    bool resumable = job && can_go_on(status);
    if (resumable)
        fprintf(stderr, "job %s is incomplete: the same command goes on with it\n", job);
    int code = stop_exit_code(status);
    return resumable ? EXIT_INCOMPLETE : code;
}
