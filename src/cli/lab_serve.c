/* lab_serve.c - the command 'lab serve': the dashboard, until ^C. */
#include "cli/lab.h"

#include <limits.h>

static void print_address(void *arg, const char *address)
{
    printf("%s\n", address);
    fflush(stdout);
    fprintf(stderr, "spate: this address shows the lab in %s to browsers of this machine; ^C ends it\n",
            (const char *)arg);
}

int run_lab_serve(const invocation *in)
{
    char jobs[PATH_MAX];
    const char *directory = lab_directory(in);
    spate_error err = {0};
    uint64_t port = option_count(in, "port", 0);
    if (!jobs_folder(in, jobs))
        return EXIT_USAGE;
    spate_lab_serve_options options = {.port = port > 65535 ? 65536 : (unsigned)port,
                                       .jobs = jobs,
                                       .allow_actions = option_flag(in, "allow-actions"),
                                       .cancel = stop_flag(),
                                       .ready = print_address,
                                       .arg = (void *)(uintptr_t)directory};
    stop_catch_signals();
    int status = spate_lab_serve(directory, &options, &err);
    if (status != SPATE_OK)
        report_error(&err);
    return exit_code_of((spate_status)status);
}
