/* mariadb_reader.c - rows out of MariaDB and MySQL: prepared SELECTs whose answers are read as they arrive.
 *
 * A range of keys is a statement of its own. A table that is read from front to back has one statement, which whoever reads next takes
 * over along with its connection. Rows are decoded from the packets themselves: the client library would copy every cell to where it
 * was bound first. */
#include "endpoint/mariadb_source.h"

typedef struct my_reader {
    sp_reader base;
    sp_buf held; /* rows of a strip, which are decoded together */
    size_t held_ends[SP_MYREAD_ROWS];
    uint32_t n_held;
    sp_my_link *link;
    sp_my_relation *table;
    uint64_t left; /* rows of a range that is read from front to back */
    uint64_t row;
    bool done;
} my_reader;

static sp_my_source *source_of(const sp_reader *r)
{
    return (sp_my_source *)r->source;
}

/* ---- links ----------------------------------------------------------------------------------- */

void sp_my_give(sp_my_source *s, sp_my_link *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&s->lock);
    l->next = s->free;
    s->free = l;
    pthread_mutex_unlock(&s->lock);
}

static void park(sp_my_source *s, sp_my_link *l)
{
    pthread_mutex_lock(&s->lock);
    l->table->parked = l;
    pthread_mutex_unlock(&s->lock);
}

/* The one that t has parked; or a free one; or, when all are parked, another table's, which will have to begin again. */
static sp_my_link *take(sp_my_source *s, sp_my_relation *t)
{
    pthread_mutex_lock(&s->lock);
    sp_my_link *l = t->parked;
    t->parked = NULL;
    if (!l && s->free) {
        l = s->free;
        s->free = l->next;
    }
    for (uint32_t i = 0; i < s->base.n_tables && !l; i++) {
        l = s->tables[i].parked;
        s->tables[i].parked = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    return l;
}

/* The next packet of an answer. end: there was none left. */
static int read_packet(sp_my_link *l, sp_str *packet, bool *end, spate_error *err)
{
    unsigned long len = sp_maria.net_read_packet(l->m);
    if (len == packet_error || len == 0) {
        l->answering = false;
        return sp_my_fail(err, l->m, NULL, "reading table \"%s\"", l->table->schema.table);
    }
    *packet = (sp_str){(const char *)l->m->net.read_pos, len};
    *end = (uint8_t)*packet->p == 0xfe && len < 9;
    if (*end) { /* so says the library when it has read an answer itself */
        l->answering = false;
        l->m->status = MYSQL_STATUS_READY;
        l->stmt->state = MYSQL_STMT_FETCH_DONE;
    }
    return SPATE_OK;
}

/* An answer given up in the middle: the rest is read and forgotten. */
static int drain(sp_my_link *l, spate_error *err)
{
    sp_str packet;
    bool end = false;
    int status = SPATE_OK;
    while (l->answering && !end && status == SPATE_OK)
        status = read_packet(l, &packet, &end, err);
    return status;
}

static int prepare(sp_my_link *l, sp_my_relation *t, spate_error *err)
{
    if (l->stmt)
        sp_maria.stmt_close(l->stmt);
    l->table = t;
    if (!(l->stmt = sp_maria.stmt_init(l->m)))
        return sp_fail_nomem(err);
    if (sp_maria.stmt_prepare(l->stmt, t->select, strlen(t->select)) != 0) {
        int status = sp_my_fail(err, l->m, l->stmt, "reading table \"%s\"", t->schema.table);
        sp_maria.stmt_close(l->stmt);
        l->stmt = NULL;
        return status;
    }
    return SPATE_OK;
}

static int execute(sp_my_link *l, sp_my_relation *t, MYSQL_BIND *parameters, spate_error *err)
{
    int status = drain(l, err);
    if (status == SPATE_OK && (!l->stmt || l->table != t))
        status = prepare(l, t, err);
    if (status)
        return status;
    if ((parameters && sp_maria.stmt_bind_param(l->stmt, parameters) != 0) || sp_maria.stmt_execute(l->stmt) != 0)
        return sp_my_fail(err, l->m, l->stmt, "reading table \"%s\"", t->schema.table);
    l->answering = true;
    l->position = 0;
    return SPATE_OK;
}

/* ---- readers --------------------------------------------------------------------------------- */

int sp_my_reader_open(sp_source *base, sp_reader **out, spate_error *err)
{
    my_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->base.source = base;
    *out = &r->base;
    return SPATE_OK;
}

void sp_my_reader_close(sp_reader *base)
{
    sp_my_give(source_of(base), ((my_reader *)base)->link);
    sp_buf_done(&((my_reader *)base)->held);
    sp_free(base);
}

static int ask_range(my_reader *r, uint64_t first, uint64_t last, spate_error *err)
{
    sp_my_relation *t = r->table;
    int64_t keys[2] = {(int64_t)((uint64_t)t->first_key + first), (int64_t)((uint64_t)t->first_key + last - 1)};
    char texts[2][SP_TIMESTAMP_TEXT_MAX + SP_SLACK];
    unsigned long lengths[2];
    MYSQL_BIND parameters[2] = {0};
    for (int i = 0; i < 2; i++) {
        parameters[i] =
            (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &keys[i], .is_unsigned = t->key_unsigned};
        if (!t->key_moment)
            continue;
        lengths[i] = (unsigned long)(sp_put_timestamp(texts[i], keys[i]) - texts[i]);
        parameters[i] = (MYSQL_BIND){
            .buffer_type = MYSQL_TYPE_STRING, .buffer = texts[i], .buffer_length = lengths[i], .length = &lengths[i]};
    }
    return execute(r->link, t, parameters, err);
}

/* The statement that stands at first, or one that is begun and read up to there. */
static int go_to_row(my_reader *r, uint64_t first, spate_error *err)
{
    sp_my_link *l = r->link;
    sp_str packet;
    bool end = false;
    if (l->table == r->table && l->answering && l->position == first)
        return SPATE_OK;
    int status = execute(l, r->table, NULL, err);
    while (status == SPATE_OK && !end && l->position < first) {
        status = read_packet(l, &packet, &end, err);
        l->position++;
    }
    return status;
}

int sp_my_seek(sp_reader *base, uint32_t table, uint64_t first, uint64_t last, spate_error *err)
{
    my_reader *r = (my_reader *)base;
    sp_my_source *s = source_of(base);
    sp_my_relation *t = &s->tables[table];
    r->table = t;
    r->row = t->ranges ? 0 : first;
    r->left = t->ranges ? UINT64_MAX : last - first;
    r->done = false;
    r->n_held = 0;
    r->held.len = 0;
    if (!t->ranges && r->link && !(r->link->table == t && r->link->answering)) {
        sp_my_give(s, r->link);
        r->link = NULL;
    }
    if (!r->link && !(r->link = take(s, t)))
        return sp_fail(err, SPATE_E_USAGE, "there are more workers than connections to MariaDB, which are %u",
                       s->n_links);
    return t->ranges ? ask_range(r, first, last, err) : go_to_row(r, first, err);
}

/* The range is read. */
static void end_range(my_reader *r)
{
    sp_my_source *s = source_of(&r->base);
    if (r->table->ranges || !r->link)
        return;
    r->base.position = r->row;
    r->base.at_end = r->done;
    if (r->done)
        sp_my_give(s, r->link);
    else
        park(s, r->link);
    r->link = NULL;
}

static int decode_held(my_reader *r, sp_batch *batch, spate_error *err)
{
    sp_str rows[SP_MYREAD_ROWS];
    size_t from = 0;
    for (uint32_t i = 0; i < r->n_held; from = r->held_ends[i++])
        rows[i] = (sp_str){r->held.data + from, r->held_ends[i] - from};
    int status = r->n_held ? sp_myread_rows(r->table->decoder, rows, r->n_held, batch, err) : SPATE_OK;
    r->n_held = 0;
    r->held.len = 0;
    return status;
}

/* A packet is the library's until the next one is read. */
static int hold(my_reader *r, sp_str packet, spate_error *err)
{
    if (sp_buf_add(&r->held, packet.p, packet.len))
        return sp_fail_nomem(err);
    r->held_ends[r->n_held++] = r->held.len;
    r->link->position++;
    r->left--;
    return SPATE_OK;
}

static bool is_open(const my_reader *r, const sp_batch *b)
{
    return b->rows < r->table->batch_rows && !sp_rowread_full(b);
}

/* Strips end where batches may: these have a multiple of a strip's rows. */
int sp_my_next(sp_reader *base, sp_batch *batch, spate_error *err)
{
    my_reader *r = (my_reader *)base;
    int status = SPATE_OK;
    batch->first_row = r->row;
    while (status == SPATE_OK && !r->done && r->left && (r->n_held || is_open(r, batch))) {
        sp_str packet = {0};
        status = read_packet(r->link, &packet, &r->done, err);
        if (status == SPATE_OK && !r->done)
            status = hold(r, packet, err);
        if (status == SPATE_OK && (r->done || !r->left || r->n_held == SP_MYREAD_ROWS))
            status = decode_held(r, batch, err);
    }
    if (status)
        return status;
    r->row += batch->rows;
    if (batch->rows == 0)
        end_range(r);
    return sp_batch_check_text(batch, err);
}
