/* store.c - writes records into a store of rows, and reads them again, by column and by row: ./store weather.spate */
#include <spate/spate.h>

#include <inttypes.h>
#include <stdio.h>

typedef struct weather {
    int64_t at; /* microseconds since 1970-01-01 UTC */
    double celsius;
    spate_text place;
} weather;

enum { ROWS = 100000, BATCH = 1000, HOUR = 3600 };

static int append(spate_appender *a, spate_error *err)
{
    static const spate_record_field fields[] = {{"at", {.kind = SPATE_TIMESTAMPTZ}, offsetof(weather, at)},
                                                {"celsius", {.kind = SPATE_F64}, offsetof(weather, celsius)},
                                                {"place", {.kind = SPATE_TEXT}, offsetof(weather, place)}};
    static const spate_text places[] = {{"Graz", 4}, {"Linz", 4}, {"Wien", 4}};
    weather rows[BATCH];
    spate_record *record; /* lives as long as the appender */
    int rc = spate_record_define(a, fields, 3, SPATE_NO_NULLS, &record, err);
    for (int from = 0; rc == 0 && from < ROWS; from += BATCH) {
        for (int i = 0; i < BATCH; i++)
            rows[i] = (weather){(from + i) * INT64_C(1000000) * HOUR, (from + i) % 300 / 10.0, places[(from + i) % 3]};
        rc = spate_append_records(a, record, rows, sizeof(rows[0]), BATCH, err);
    }
    return rc == 0 ? spate_appender_flush(a, err) : rc;
}

static int write_rows(const char *path, spate_error *err)
{
    static const spate_column_def columns[] = {{"at", {.kind = SPATE_TIMESTAMPTZ}, false},
                                               {"celsius", {.kind = SPATE_F64}, false},
                                               {"place", {.kind = SPATE_TEXT}, false}};
    spate_store *store = NULL;
    spate_appender *a = NULL;
    uint32_t table;
    int rc = spate_store_create(path, 0, &store, err);
    if (rc == 0)
        rc = spate_store_add_table(store, "weather", columns, 3, &table, err);
    if (rc == 0)
        rc = spate_appender_open(store, table, &a, err);
    if (rc == 0)
        rc = append(a, err);
    spate_appender_close(a);
    if (rc == 0)
        rc = spate_store_finish(store, err); /* on the disk, whatever happens to the machine */
    spate_store_close(store);
    return rc;
}

/* By column: only the bytes of "celsius" are read. */
static int average(spate_store *store, spate_error *err)
{
    const char *fields[] = {"celsius"};
    spate_scan *scan = NULL;
    double sum = 0;
    uint64_t n = 0;
    uint32_t rows = 0;
    int rc = spate_scan_open(store, &(spate_scan_options){.fields = fields, .n_fields = 1}, &scan, err);
    while (rc == 0 && (rc = spate_scan_next(scan, &rows, err)) == 0 && rows) {
        spate_column cells;
        for (uint32_t from = 0, step; rc == 0 && from < rows; from += step) {
            step = rows - from < 4096 ? rows - from : 4096;
            rc = spate_scan_read(scan, 0, from, step, &cells, err);
            for (uint32_t i = 0; rc == 0 && i < step; i++)
                sum += ((const double *)cells.data)[i];
            n += step;
        }
    }
    spate_scan_close(scan);
    if (rc == 0)
        printf("%" PRIu64 " rows, %.2f degrees on the average\n", n, sum / (double)n);
    return rc;
}

/* By row, of those that match: the first three that are colder than half a degree. */
static int cold_places(spate_store *store, spate_error *err)
{
    const char *fields[] = {"celsius", "place"};
    spate_condition cold = {"celsius", SPATE_LT, {.kind = SPATE_F64, .as.f = 0.5}};
    spate_scan_options options = {.fields = fields, .n_fields = 2, .conditions = &cold, .n_conditions = 1};
    spate_cursor *cursor = NULL;
    const spate_value *values;
    size_t n;
    uint64_t row;
    int rc = spate_cursor_open(store, &options, &cursor, err);
    for (int i = 0; i < 3 && rc == 0 && (rc = spate_cursor_next(cursor, &values, &n, &row, err)) == 0 && values; i++)
        printf("row %" PRIu64 ": %.1f in %.*s\n", row, values[0].as.f, (int)values[1].len,
               (const char *)values[1].as.p);
    spate_cursor_close(cursor);
    return rc;
}

int main(int argc, char **argv)
{
    spate_error err = {0};
    spate_store *store = NULL;
    if (argc != 2)
        return 2;
    int rc = write_rows(argv[1], &err);
    if (rc == 0)
        rc = spate_store_open(argv[1], false, &store, &err);
    if (rc == 0)
        rc = average(store, &err);
    if (rc == 0)
        rc = cold_places(store, &err);
    spate_store_close(store);
    if (rc != 0)
        fprintf(stderr, "store: %s\n", err.message);
    return rc != 0;
}
