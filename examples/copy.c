/* copy.c - copies all tables from one place to another and compares both: ./copy weather.spate weather.sqlite */
#include <spate/spate.h>

#include <inttypes.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    spate_error err = {0};
    spate_copy_report report;
    if (argc != 3)
        return 2;
    spate_copy_options options = {.from = argv[1], .to = argv[2], .create = true, .verify = SPATE_VERIFY_CHECKSUM};
    int rc = spate_copy(&options, &report, &err);
    for (size_t i = 0; rc == 0 && i < report.n_verified; i++)
        printf("%s: %" PRIu64 " rows, %s\n", report.verified[i].name, report.verified[i].rows_to,
               report.verified[i].same ? "the same on both sides" : "not the same");
    spate_copy_report_done(&report); /* after a failure too */
    if (rc != 0)
        fprintf(stderr, "copy: %s%s%s\n", err.message, *err.hint ? "; " : "", err.hint);
    return rc != 0;
}
