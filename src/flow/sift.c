/* sift.c - see sift.h.
 *
 *      read a batch -> try all of it -> taken: on to the next one
 *                          |
 *                          +-> refused: take it back, then each half of it, or what is before, at and behind the row that the target
 *                              names; a single row: reject it
 *
 * The batch stays in memory meanwhile, so a refusal costs a few short messages, not the chunk again. A row may be refused because of
 * one before it; so rows are tried in their order, behind those that were taken.
 *
 * Where a target gives the whole chunk up when it refuses a row (no undo), there are two rounds. The first finds the rows that are
 * refused whatever was before them, and begins a new chunk after each refusal. The second writes what is left; what is refused now is
 * so because of rows of the chunk, which are read and written once more after each refusal. */
#include "flow/sift.h"

typedef struct sift {
    const sp_sift *s;
    const sp_source_ops *source;
    const sp_sink_ops *sink;
    sp_batch trial;   /* some rows of the batch */
    uint64_t read;    /* rows of the chunk in front of the batch */
    uint64_t unread;  /* rows that were passed over, up to the end of the batch */
    uint64_t told;    /* of those, how many have been told of */
    uint64_t taken;   /* rows of the chunk */
    uint32_t decided; /* rows of the batch that were taken or rejected */
    bool first_round; /* of two */
    sp_buf out;       /* uint64_t: numbers of the rejected rows in the chunk, in order */
} sift;

static size_t n_out(const sift *f)
{
    return f->out.len / sizeof(uint64_t);
}

static uint64_t out_at(const sift *f, size_t i)
{
    return ((const uint64_t *)(const void *)f->out.data)[i];
}

/* How many of them come before a row of the chunk. */
static size_t outs_before(const sift *f, uint64_t row)
{
    size_t low = 0, high = n_out(f);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (out_at(f, middle) < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int put_out(sift *f, uint64_t row)
{
    size_t at = outs_before(f, row) * sizeof(row), behind = f->out.len - at;
    if (sp_buf_add(&f->out, &row, sizeof(row)))
        return SPATE_E_NOMEM;
    memmove(f->out.data + at + sizeof(row), f->out.data + at, behind);
    memcpy(f->out.data + at, &row, sizeof(row));
    return SPATE_OK;
}

/* ---- reading ------------------------------------------------------------------------------------- */

/* next said why of a row that it cannot read. */
static int pass_over(sift *f, const spate_error *why, spate_error *err)
{
    sp_unread row = {0};
    int rc = f->source->pass_over ? f->source->pass_over(f->s->reader, &row, err) : SPATE_E_DATA;
    if (rc != SPATE_OK) {
        if (rc == SPATE_E_DATA && err)
            *err = *why;
        return rc;
    }
    if (f->unread++ < f->told)
        return SPATE_OK;
    f->told++;
    sp_reject place = {.table = f->s->batch->schema->table,
                       .position = f->s->chunk.first,
                       .nth = f->read + f->unread,
                       .file = row.file,
                       .line = row.line};
    return sp_rejects_add_line(f->s->rejects, f->s->rejected, &place, why, &row, err);
}

static int read_batch(sift *f, spate_error *err)
{
    spate_error why = {0};
    if (f->s->stopping(f->s->arg))
        return sp_fail(err, SPATE_E_INTERRUPTED, "interrupted");
    f->decided = 0;
    for (;;) {
        sp_batch_reset(f->s->batch);
        int rc = f->source->next(f->s->reader, f->s->batch, &why);
        if (rc == SPATE_E_DATA)
            rc = pass_over(f, &why, err);
        else if (rc != SPATE_OK && err)
            *err = why;
        else
            return rc;
        if (rc != SPATE_OK)
            return rc;
    }
}

static int begin(sift *f, spate_error *err)
{
    const sp_sift *s = f->s;
    int rc = f->source->seek(s->reader, s->chunk.table, s->chunk.first, s->chunk.last, err);
    f->read = f->unread = 0;
    s->lane->careful = true;
    return rc == SPATE_OK ? f->sink->begin(s->lane, &s->chunk, err) : rc;
}

/* ---- trying -------------------------------------------------------------------------------------- */

static int check(sift *f, spate_error *err)
{
    return f->sink->check ? f->sink->check(f->s->lane, err) : SPATE_OK;
}

/* Rows of the batch that are not rejected, of [first, last). */
static int gather(sift *f, uint32_t first, uint32_t last, spate_error *err)
{
    const sp_batch *b = f->s->batch;
    size_t i = outs_before(f, f->read + first);
    sp_batch_reset(&f->trial);
    int rc = f->sink->lend ? f->sink->lend(f->s->lane, &f->trial, err) : SPATE_OK;
    f->trial.first_row = b->first_row + first;
    for (uint32_t from = first, to; rc == SPATE_OK && from < last; from = to + 1, i++) {
        to = i < n_out(f) ? (uint32_t)SP_MIN(out_at(f, i) - f->read, (uint64_t)last) : last;
        if (to > from && sp_batch_append(&f->trial, b, from, to - from))
            rc = sp_fail_nomem(err);
    }
    return rc;
}

static int try_rows(sift *f, uint32_t first, uint32_t last, spate_error *err)
{
    int rc = gather(f, first, last, err);
    if (rc == SPATE_OK && f->trial.rows)
        rc = f->sink->write(f->s->lane, &f->trial, err);
    return rc == SPATE_OK ? check(f, err) : rc;
}

/* The chunk up to the rows of the batch that have been decided, all of which the target has taken before. */
static int write_again(sift *f, spate_error *err)
{
    uint64_t read = f->read;
    uint32_t rows = f->s->batch->rows, decided = f->decided;
    f->sink->rollback(f->s->lane);
    int rc = begin(f, err);
    while (rc == SPATE_OK) {
        rc = read_batch(f, err);
        if (rc != SPATE_OK)
            break;
        bool here = f->read == read;
        if (f->read > read || f->s->batch->rows == 0 || (here && f->s->batch->rows != rows))
            return sp_fail(err, SPATE_E_BUG, "the source gave other rows when it was asked again");
        rc = try_rows(f, 0, here ? decided : f->s->batch->rows, err);
        if (here)
            break;
        f->read += f->s->batch->rows;
    }
    f->decided = decided;
    return rc == SPATE_E_DATA ? sp_fail_context(err, SPATE_E_RETRY, "rows that were taken before are refused now") : rc;
}

static int take_back(sift *f, spate_error *err)
{
    if (f->sink->undo)
        return f->sink->undo(f->s->lane, err);
    if (!f->sink->check)
        return SPATE_OK;
    if (!f->first_round)
        return write_again(f, err);
    f->sink->rollback(f->s->lane);
    return f->sink->begin(f->s->lane, &f->s->chunk, err);
}

static int reject(sift *f, uint32_t row, const spate_error *why, spate_error *err)
{
    uint64_t number = f->read + row;
    sp_reject place = {
        .table = f->s->batch->schema->table, .position = f->s->chunk.first, .nth = number + f->unread + 1};
    if (put_out(f, number))
        return sp_fail_nomem(err);
    return sp_rejects_add_row(f->s->rejects, f->s->rejected, &place, why, f->s->batch, row, err);
}

/* The next row to try alone, or behind which to: the one that the target named, or the middle. */
static uint32_t cut(const sift *f, uint32_t first, uint32_t last)
{
    uint64_t named = f->s->lane->refused;
    return named >= 1 && named <= last - first && f->trial.rows == last - first ? first + (uint32_t)named - 1
                                                                                : first + (last - first) / 2;
}

/* Rows [first, last) of the batch; those before are decided. The named row is tried like any other. */
static int sift_rows(sift *f, uint32_t first, uint32_t last, spate_error *err)
{
    while (first < last) {
        spate_error why = {0};
        f->s->lane->refused = 0;
        int rc = try_rows(f, first, last, &why);
        if (rc == SPATE_OK) {
            f->taken += f->trial.rows;
            break;
        }
        if (rc != SPATE_E_DATA) {
            if (err)
                *err = why;
            return rc;
        }
        bool alone = last - first == 1, named = f->s->lane->refused != 0;
        uint32_t at = cut(f, first, last);
        rc = take_back(f, err);
        if (rc == SPATE_OK && alone)
            rc = reject(f, first, &why, err);
        if (rc == SPATE_OK && !alone)
            rc = sift_rows(f, first, at, err);
        if (rc == SPATE_OK && !alone && named)
            rc = sift_rows(f, at, at + 1, err);
        if (rc != SPATE_OK)
            return rc;
        first = alone ? last : at + named;
    }
    f->decided = last;
    return SPATE_OK;
}

static int sift_batches(sift *f, spate_error *err)
{
    int rc = begin(f, err);
    f->taken = 0;
    while (rc == SPATE_OK) {
        rc = read_batch(f, err);
        if (rc != SPATE_OK || f->s->batch->rows == 0)
            break;
        uint64_t before = f->taken;
        rc = sift_rows(f, 0, f->s->batch->rows, err);
        f->read += f->s->batch->rows;
        if (!f->first_round)
            f->s->keep_pace(f->s->arg, f->taken - before);
    }
    return rc;
}

static int sift_rounds(sift *f, spate_error *err)
{
    f->first_round = f->sink->check && !f->sink->undo;
    if (f->first_round) {
        int rc = sift_batches(f, err);
        f->sink->rollback(f->s->lane);
        f->first_round = false;
        if (rc != SPATE_OK)
            return rc;
    }
    return sift_batches(f, err);
}

int sp_sift_chunk(const sp_sift *s, uint64_t *rows, spate_error *err)
{
    sift f = {.s = s, .source = s->reader->source->ops, .sink = s->lane->sink->ops};
    sp_rejected_reset(s->rejected);
    int rc = sp_batch_init(&f.trial, s->batch->schema, err);
    if (rc == SPATE_OK)
        rc = sift_rounds(&f, err);
    *rows = f.taken;
    sp_batch_done(&f.trial);
    sp_buf_done(&f.out);
    return rc;
}
