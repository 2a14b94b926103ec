/* measure.c - what a plan will take, found by making a few rows of each table: time, bytes and memory are counted, not guessed. */
#include "spate/measure.h"

#include "codec/codec.h"
#include "gen/gen.h"
#include "os/os.h"

/* A table is sampled for so long, or until it has so many rows; at least a batch. */
enum { SAMPLE_US = 20000, SAMPLE_ROWS = 100000 };

typedef struct sample {
    sp_gen *gen;
    sp_gen_scratch *scratch;
    sp_buf text;
    uint64_t lane_bytes; /* of a worker: the largest batch and its text; the scratch is counted apart */
} sample;

/* Rows of one table, made and written as CSV into a buffer that is thrown away. Only the making is timed. */
static int make_rows(sample *s, uint32_t table, sp_batch *batch, const sp_rowtext *csv, spate_table_measure *m,
                     spate_error *err)
{
    uint32_t step = sp_gen_batch_rows(s->gen, table);
    int64_t spent = 0;
    uint64_t bytes = 0;
    int status = SPATE_OK;
    while (status == SPATE_OK && m->sampled < m->rows && m->sampled < SAMPLE_ROWS && spent < SAMPLE_US) {
        uint32_t rows = (uint32_t)SP_MIN((uint64_t)step, m->rows - m->sampled);
        sp_batch_reset(batch);
        int64_t from = sp_os_monotonic_us();
        status = sp_gen_fill(s->gen, table, m->sampled, rows, s->scratch, batch, err);
        spent += sp_os_monotonic_us() - from;
        s->text.len = 0;
        if (status == SPATE_OK && sp_rowtext_encode(csv, batch, 0, rows, &s->text))
            status = sp_fail_nomem(err);
        bytes += s->text.len;
        m->sampled += rows;
    }
    double share = m->sampled ? (double)m->rows / (double)m->sampled : 0;
    m->seconds = (double)spent / 1e6 * share;
    m->csv_bytes = (double)bytes * share;
    return status;
}

static int measure_table(sample *s, uint32_t table, spate_table_measure *m, spate_error *err)
{
    const sp_schema *schema = sp_gen_schema(s->gen, table);
    uint64_t before = sp_os_resident_bytes();
    sp_batch batch;
    sp_rowtext *csv = NULL;
    m->columns = schema->n_fields;
    int status = sp_batch_init(&batch, schema, err);
    if (status)
        return status;
    status = sp_rowtext_new(schema, SP_TEXT_CSV, &csv, err);
    if (status == SPATE_OK)
        status = make_rows(s, table, &batch, csv, m, err);
    uint64_t after = sp_os_resident_bytes();
    s->lane_bytes = SP_MAX(s->lane_bytes, after > before ? after - before : 0);
    sp_rowtext_free(csv);
    sp_batch_done(&batch);
    return status;
}

static int measure_tables(sample *s, const spate_plan *plan, spate_measure_report *report, spate_error *err)
{
    double work = 0;
    int status = SPATE_OK;
    for (uint32_t t = 0; t < plan->n_tables && status == SPATE_OK; t++) {
        spate_table_measure *m;
        if (plan->tables[t].from) /* its rows are not made */
            continue;
        m = &report->tables[report->n_tables++];
        *m = (spate_table_measure){.name = plan->tables[t].name, .rows = plan->tables[t].rows};
        status = measure_table(s, t, m, err);
        work += m->seconds;
        report->csv_bytes += m->csv_bytes;
    }
    report->seconds = work / report->workers;
    return status;
}

int spate_measure(spate_plan *plan, unsigned workers, spate_measure_report *report, spate_error *err)
{
    workers = workers ? workers : sp_os_processors();
    *report = (spate_measure_report){.workers = SP_MIN(workers, (unsigned)SP_WORKERS_MAX)};
    report->memory = report->tables = sp_alloc_zero(plan->n_tables + 1, sizeof(*report->tables));
    if (!report->tables)
        return sp_fail_nomem(err);
    sample s = {0};
    int status = sp_gen_new(plan, plan->seed, &s.gen, err);
    uint64_t before = sp_os_resident_bytes();
    if (status == SPATE_OK)
        status = sp_gen_scratch_new(s.gen, &s.scratch, err);
    if (status == SPATE_OK)
        status = measure_tables(&s, plan, report, err);
    uint64_t now = sp_os_resident_bytes(), lane = SP_MAX(s.lane_bytes, now > before ? now - before : 0);
    report->memory_bytes = now + (report->workers - 1) * lane;
    sp_buf_done(&s.text);
    sp_gen_scratch_free(s.scratch);
    sp_gen_free(s.gen);
    return status;
}

void spate_measure_report_done(spate_measure_report *report)
{
    sp_free(report->memory);
    *report = (spate_measure_report){0};
}
