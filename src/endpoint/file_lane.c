/* file_lane.c - a worker's way into files: a chunk is encoded (and packed) in memory, commit appends it in one piece.
 *
 * INSERT statements begin at row numbers divisible by their size, wherever chunks begin, so that the bytes do not depend on how
 * many workers there are. */
#include "endpoint/file_sink.h"

enum { REMEMBER_BYTES = 64 << 20 }; /* of a file, that a job makes again at most */

typedef struct file_lane {
    sp_lane base;
    sp_chunk chunk;
    sp_buf buf;
    sp_packer *packer; /* NULL: buf goes as it is */
    sp_buf packed;     /* what is in it no more */
    bool in_statement;
} file_lane;

int sp_file_lane_open(sp_sink *s, sp_lane **lane, spate_error *err)
{
    file_lane *l = sp_alloc_zero(1, sizeof(*l));
    if (!l)
        return sp_fail_nomem(err);
    l->base.sink = s;
    int rc = sp_file_of(s)->pack == SP_PACK_NONE ? SPATE_OK : sp_packer_new(sp_file_of(s)->pack, &l->packer, err);
    if (rc == SPATE_OK)
        *lane = &l->base;
    else
        sp_free(l);
    return rc;
}

/* Packs what the buffer has, but for its last bytes where the next row decides over them. */
static int pack_some(file_lane *l, bool last)
{
    size_t keep = last || !l->in_statement ? 0 : 2, n = l->buf.len > keep ? l->buf.len - keep : 0;
    if (!l->packer || (!last && n == 0))
        return SPATE_OK;
    int rc = sp_packer_add(l->packer, l->buf.data, n, last, &l->packed);
    memmove(l->buf.data, l->buf.data + n, l->buf.len - n);
    l->buf.len -= n;
    return rc;
}

int sp_file_begin(sp_lane *lane, const sp_chunk *chunk, spate_error *err)
{
    file_lane *l = (file_lane *)lane;
    l->chunk = *chunk;
    l->buf.len = l->packed.len = 0;
    l->in_statement = false;
    return SPATE_OK;
}

/* Rows end in ",\n"; the last one of a statement in the statement's tail. */
static int end_statement(sp_file_sink *f, file_lane *l)
{
    if (!l->in_statement)
        return SPATE_OK;
    l->in_statement = false;
    l->buf.len -= 2;
    const sp_buf *tail = &f->tails[l->chunk.table];
    return sp_buf_add(&l->buf, tail->data, tail->len);
}

static int write_statements(sp_file_sink *f, file_lane *l, const sp_batch *batch)
{
    const sp_buf *head = &f->heads[l->chunk.table];
    uint64_t rows = f->statement_rows[l->chunk.table];
    for (uint32_t from = 0, to; from < batch->rows; from = to) {
        uint64_t left = rows - (batch->first_row + from) % rows;
        to = from + (uint32_t)SP_MIN(left, (uint64_t)(batch->rows - from));
        if (!l->in_statement && sp_buf_add(&l->buf, head->data, head->len))
            return SPATE_E_NOMEM;
        l->in_statement = true;
        if (sp_rowtext_encode(f->encoders[l->chunk.table], batch, from, to, &l->buf))
            return SPATE_E_NOMEM;
        if (to - from == left && end_statement(f, l))
            return SPATE_E_NOMEM;
    }
    return SPATE_OK;
}

int sp_file_write(sp_lane *lane, const sp_batch *batch, spate_error *err)
{
    file_lane *l = (file_lane *)lane;
    sp_file_sink *f = sp_file_of(lane->sink);
    if ((f->format == SP_FILE_CSV && !f->plain_csv) || f->format == SP_FILE_ARROW) {
        size_t before = l->buf.len;
        int rc = f->format == SP_FILE_ARROW ? sp_arrow_batch(batch, &l->buf, err)
                                            : sp_csvtext_encode(&f->form, batch, &l->buf, err);
        l->buf.len = rc == SPATE_OK ? l->buf.len : before;
        return rc == SPATE_OK && pack_some(l, false) ? sp_fail_nomem(err) : rc;
    }
    int rc = f->format == SP_FILE_INSERT
                 ? write_statements(f, l, batch)
                 : sp_rowtext_encode(f->encoders[l->chunk.table], batch, 0, batch->rows, &l->buf);
    return rc == SPATE_OK && !pack_some(l, false) ? rc : sp_fail_nomem(err);
}

static void count_written(sp_file_written *w, const sp_chunk *chunk, uint64_t rows)
{
    w->first = w->last ? w->first : chunk->first;
    w->last = chunk->last;
    w->rows += rows;
}

static int commit_locked(sp_file_sink *f, file_lane *l, sp_file_output *o, const sp_chunk *chunk, uint64_t rows,
                         spate_error *err)
{
    int rc = sp_file_output_open(f, o, err);
    if (rc == SPATE_OK)
        rc = sp_file_output_change_table(f, o, chunk->table, err);
    if (rc == SPATE_OK && sp_file_note_blocks(f, o, &l->buf))
        rc = sp_fail_nomem(err);
    if (rc == SPATE_OK)
        rc = sp_file_output_append(f, o, l->packer ? &l->packed : &l->buf, err);
    if (rc != SPATE_OK)
        return rc;
    count_written(&f->written[chunk->table], chunk, rows);
    bool due = f->memory.job && o->file.length - o->file.remembered >= REMEMBER_BYTES;
    return due ? sp_file_output_remember(f, o, err) : SPATE_OK;
}

int sp_file_commit(sp_lane *lane, const sp_chunk *chunk, uint64_t rows, spate_error *err)
{
    file_lane *l = (file_lane *)lane;
    sp_file_sink *f = sp_file_of(lane->sink);
    sp_file_output *o = sp_file_output_of(f, chunk->table);
    if (end_statement(f, l) != SPATE_OK || (rows && pack_some(l, true)))
        return sp_fail_nomem(err);
    pthread_mutex_lock(&o->lock);
    int rc = commit_locked(f, l, o, chunk, rows, err);
    pthread_mutex_unlock(&o->lock);
    l->buf.len = l->packed.len = 0;
    return rc;
}

void sp_file_rollback(sp_lane *lane)
{
    file_lane *l = (file_lane *)lane;
    l->buf.len = l->packed.len = 0;
    if (l->packer)
        sp_packer_reset(l->packer);
    l->in_statement = false;
}

void sp_file_lane_close(sp_lane *lane)
{
    file_lane *l = (file_lane *)lane;
    sp_buf_done(&l->buf);
    sp_buf_done(&l->packed);
    sp_packer_free(l->packer);
    sp_free(l);
}
