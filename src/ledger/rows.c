/* rows.c - nodes as rows of src_nodes and dst_nodes: seventeen vectors, filled without a call into DuckDB.
 *
 * Text is gathered first, because its buffer may move while it grows; then the string headers are made to point into it. */
#include "ledger/ledger.h"

typedef struct sp_slice {
    uint32_t at, len;
} sp_slice;

enum {
    COLUMN_ID,
    COLUMN_SERVICE,
    COLUMN_PARENT,
    COLUMN_PARENT_SERVICE,
    COLUMN_PATH,
    COLUMN_PARENT_PATH,
    COLUMN_TYPE,
    COLUMN_SIZE,
    COLUMN_MTIME,
    COLUMN_DEPTH,
    COLUMN_TRAVERSAL,
    COLUMN_COPY,
    COLUMN_EXCLUDED,
    COLUMN_ERRORS,
    COLUMN_CHECKSUM,
    COLUMN_ATTRIBUTES,
    COLUMN_RAW_PATH,
    COLUMNS
};
static const duckdb_type column_types[COLUMNS] = {
    [COLUMN_ID] = DUCKDB_TYPE_VARCHAR,        [COLUMN_SERVICE] = DUCKDB_TYPE_VARCHAR,
    [COLUMN_PARENT] = DUCKDB_TYPE_VARCHAR,    [COLUMN_PARENT_SERVICE] = DUCKDB_TYPE_VARCHAR,
    [COLUMN_PATH] = DUCKDB_TYPE_VARCHAR,      [COLUMN_PARENT_PATH] = DUCKDB_TYPE_VARCHAR,
    [COLUMN_TYPE] = DUCKDB_TYPE_VARCHAR,      [COLUMN_SIZE] = DUCKDB_TYPE_BIGINT,
    [COLUMN_MTIME] = DUCKDB_TYPE_VARCHAR,     [COLUMN_DEPTH] = DUCKDB_TYPE_INTEGER,
    [COLUMN_TRAVERSAL] = DUCKDB_TYPE_VARCHAR, [COLUMN_COPY] = DUCKDB_TYPE_VARCHAR,
    [COLUMN_EXCLUDED] = DUCKDB_TYPE_BOOLEAN,  [COLUMN_ERRORS] = DUCKDB_TYPE_VARCHAR,
    [COLUMN_CHECKSUM] = DUCKDB_TYPE_UBIGINT,  [COLUMN_ATTRIBUTES] = DUCKDB_TYPE_UBIGINT,
    [COLUMN_RAW_PATH] = DUCKDB_TYPE_BLOB,
};
_Static_assert(COLUMNS == sizeof(((sp_chunk_rows *)0)->types) / sizeof(duckdb_logical_type), "one a column");

int sp_rows_init(sp_chunk_rows *r, spate_error *err)
{
    *r = (sp_chunk_rows){0};
    if (!(r->slices = sp_alloc((size_t)COLUMNS * SP_BATCH_ROWS_MAX * sizeof(*r->slices))))
        return sp_fail_nomem(err);
    for (unsigned c = 0; c < COLUMNS; c++)
        r->types[c] = sp_duckdb.create_logical_type(column_types[c]);
    r->chunk = sp_duckdb.create_data_chunk(r->types, COLUMNS);
    if (!r->chunk)
        return sp_fail_nomem(err);
    sp_duckdb.vector_ensure_validity_writable(sp_duckdb.data_chunk_get_vector(r->chunk, COLUMN_RAW_PATH));
    return SPATE_OK;
}

void sp_rows_done(sp_chunk_rows *r)
{
    if (r->chunk)
        sp_duckdb.destroy_data_chunk(&r->chunk);
    for (unsigned c = 0; c < COLUMNS; c++)
        if (r->types[c])
            sp_duckdb.destroy_logical_type(&r->types[c]);
    sp_buf_done(&r->text);
    sp_buf_done(&r->scratch);
    sp_free(r->slices);
    *r = (sp_chunk_rows){0};
}

static void *data_of(sp_chunk_rows *r, unsigned column)
{
    return sp_duckdb.vector_get_data(sp_duckdb.data_chunk_get_vector(r->chunk, column));
}

static void note_slice(sp_chunk_rows *r, unsigned column, size_t row, size_t at, size_t len)
{
    r->slices[column * SP_BATCH_ROWS_MAX + row] = (sp_slice){(uint32_t)at, (uint32_t)len};
}

/* The text from at on as DuckDB may have it: bytes that are not UTF-8 as \xNN. */
static int make_utf8(sp_chunk_rows *r, size_t at)
{
    if (sp_utf8_valid(r->text.data + at, r->text.len - at))
        return SPATE_OK;
    size_t len = r->text.len - at;
    r->scratch.len = 0;
    if (sp_buf_add(&r->scratch, r->text.data + at, len) || sp_buf_reserve(&r->text, len * 4))
        return SPATE_E_NOMEM;
    const char *p = r->scratch.data;
    char *to = r->text.data + at;
    for (size_t i = 0; i < len;) {
        size_t n = 1;
        while (n <= 4 && i + n <= len && !sp_utf8_valid(p + i, n))
            n++;
        if (n <= 4 && i + n <= len) {
            memcpy(to, p + i, n);
            to += n;
            i += n;
        } else {
            *to++ = '\\';
            *to++ = 'x';
            to = sp_put_hex(to, (const uint8_t *)p + i++, 1);
        }
    }
    r->text.len = (size_t)(to - r->text.data);
    return SPATE_OK;
}

static int put_hex_id(sp_chunk_rows *r, unsigned column, size_t row, const sp_node *node)
{
    spate_node_id id = sp_id_join(node->hi, node->lo);
    if (sp_buf_reserve(&r->text, 32) != SPATE_OK)
        return SPATE_E_NOMEM;
    sp_put_hex(r->text.data + r->text.len, id.b, sizeof(id.b));
    note_slice(r, column, row, r->text.len, 32);
    r->text.len += 32;
    return SPATE_OK;
}

/* 2024-02-29T10:11:12.123456789Z */
static int put_mtime(sp_chunk_rows *r, size_t row, int64_t ns)
{
    int64_t second = ns / 1000000000 - (ns % 1000000000 < 0), rest = ns - second * 1000000000;
    if (sp_buf_reserve(&r->text, SP_TIMESTAMP_TEXT_MAX + 12) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *start = r->text.data + r->text.len, *p = sp_put_timestamp_iso(start, second * SP_US_PER_SECOND);
    if (rest) {
        *p++ = '.';
        for (int64_t unit = 100000000; unit; unit /= 10)
            *p++ = (char)('0' + rest / unit % 10);
    }
    *p++ = 'Z';
    note_slice(r, COLUMN_MTIME, row, r->text.len, (size_t)(p - start));
    r->text.len += (size_t)(p - start);
    return SPATE_OK;
}

/* The path and, in front of the last slash, the parent's; and the path as it is when that is no text. */
static int put_paths(sp_chunk_rows *r, const sp_side *s, uint32_t i, size_t row)
{
    size_t at = r->text.len;
    const sp_node *node = sp_node_at(s, i);
    if (sp_memory_path(s, i, &r->text) != SPATE_OK)
        return SPATE_E_NOMEM;
    size_t len = r->text.len - at;
    note_slice(r, COLUMN_RAW_PATH, row, at, 0);
    if (!sp_utf8_valid(r->text.data + at, len)) {
        note_slice(r, COLUMN_RAW_PATH, row, at, len);
        if (sp_buf_reserve(&r->text, len) || sp_buf_add(&r->text, r->text.data + at, len))
            return SPATE_E_NOMEM;
        at += len;
        if (make_utf8(r, at) != SPATE_OK)
            return SPATE_E_NOMEM;
    }
    len = r->text.len - at;
    note_slice(r, COLUMN_PATH, row, at, len);
    size_t parent = len;
    while (r->text.data[at + --parent] != '/')
        ;
    note_slice(r, COLUMN_PARENT_PATH, row, at, node->parent ? SP_MAX(parent, (size_t)1) : 0);
    return SPATE_OK;
}

static int put_service(sp_chunk_rows *r, unsigned column, const sp_side *s, uint32_t i, size_t row)
{
    size_t at = r->text.len;
    if (i && (sp_memory_service(s, i, &r->text) || make_utf8(r, at)))
        return SPATE_E_NOMEM;
    note_slice(r, column, row, at, r->text.len - at);
    return SPATE_OK;
}

static int put_note(sp_chunk_rows *r, const sp_side *s, uint32_t i, size_t row)
{
    size_t at = r->text.len;
    spate_bytes note = sp_memory_note(s, i);
    if (note.len && (sp_buf_add(&r->text, note.p, note.len) || make_utf8(r, at)))
        return SPATE_E_NOMEM;
    note_slice(r, COLUMN_ERRORS, row, at, r->text.len - at);
    return SPATE_OK;
}

static int put_texts(sp_chunk_rows *r, const sp_side *s, uint32_t i, size_t row)
{
    const sp_node *node = sp_node_at(s, i);
    note_slice(r, COLUMN_PARENT, row, 0, 0);
    int rc = put_hex_id(r, COLUMN_ID, row, node);
    if (rc == SPATE_OK && node->parent)
        rc = put_hex_id(r, COLUMN_PARENT, row, sp_node_at(s, node->parent));
    rc = rc ? rc : put_paths(r, s, i, row);
    rc = rc ? rc : put_service(r, COLUMN_SERVICE, s, i, row);
    rc = rc ? rc : put_service(r, COLUMN_PARENT_SERVICE, s, node->parent, row);
    rc = rc ? rc : put_mtime(r, row, node->mtime_ns);
    return rc ? rc : put_note(r, s, i, row);
}

static void set_string(duckdb_string_t *to, const char *p, uint32_t len)
{
    to->value.inlined.length = len;
    if (len <= 12) {
        memset(to->value.inlined.inlined, 0, 12);
        memcpy(to->value.inlined.inlined, p, len);
    } else {
        memcpy(to->value.pointer.prefix, p, 4);
        to->value.pointer.ptr = (char *)p;
    }
}

static void point_at_text(sp_chunk_rows *r, unsigned column, size_t n)
{
    duckdb_string_t *data = data_of(r, column);
    const sp_slice *slices = r->slices + column * SP_BATCH_ROWS_MAX;
    for (size_t i = 0; i < n; i++)
        set_string(&data[i], r->text.data ? r->text.data + slices[i].at : "", slices[i].len);
}

static void put_words(sp_chunk_rows *r, const sp_side *s, const uint32_t *nodes, size_t n)
{
    duckdb_string_t *type = data_of(r, COLUMN_TYPE), *traversal = data_of(r, COLUMN_TRAVERSAL),
                    *copy = data_of(r, COLUMN_COPY);
    bool *excluded = data_of(r, COLUMN_EXCLUDED);
    duckdb_string_t types[8], traversals[8], copies[8];
    for (unsigned k = 0; k < 8; k++) {
        const char *words[3] = {spate_node_type_name(k), spate_traversal_name(k), spate_copy_state_name(k)};
        set_string(&types[k], words[0], (uint32_t)strlen(words[0]));
        set_string(&traversals[k], words[1], (uint32_t)strlen(words[1]));
        set_string(&copies[k], words[2], (uint32_t)strlen(words[2]));
    }
    for (size_t i = 0; i < n; i++) {
        uint16_t state = *sp_state_at(s, nodes[i]);
        type[i] = types[sp_state_type(state)];
        traversal[i] = traversals[sp_state_traversal(state)];
        copy[i] = copies[sp_state_copy(state)];
        excluded[i] = state & SP_STATE_EXCLUDED;
    }
}

static void put_numbers(sp_chunk_rows *r, const sp_side *s, const uint32_t *nodes, size_t n)
{
    int64_t *size = data_of(r, COLUMN_SIZE);
    int32_t *depth = data_of(r, COLUMN_DEPTH);
    uint64_t *checksum = data_of(r, COLUMN_CHECKSUM), *attributes = data_of(r, COLUMN_ATTRIBUTES);
    uint64_t *valid = sp_duckdb.vector_get_validity(sp_duckdb.data_chunk_get_vector(r->chunk, COLUMN_RAW_PATH));
    for (size_t i = 0; i < n; i++) {
        const sp_node *node = sp_node_at(s, nodes[i]);
        size[i] = node->size;
        depth[i] = node->level;
        checksum[i] = sp_memory_checksum(s, nodes[i]);
        attributes[i] = node->attributes;
        bool raw = r->slices[COLUMN_RAW_PATH * SP_BATCH_ROWS_MAX + i].len > 0;
        valid[i / 64] = (valid[i / 64] & ~(UINT64_C(1) << i % 64)) | (uint64_t)raw << i % 64;
    }
}

int sp_rows_fill(sp_chunk_rows *r, const sp_side *s, const uint32_t *nodes, size_t n, spate_error *err)
{
    SP_ASSERT(n <= SP_BATCH_ROWS_MAX);
    r->text.len = 0;
    for (size_t i = 0; i < n; i++)
        if (put_texts(r, s, nodes[i], i) != SPATE_OK)
            return sp_fail_nomem(err);
    for (unsigned c = 0; c < COLUMNS; c++)
        if ((column_types[c] == DUCKDB_TYPE_VARCHAR && c != COLUMN_TYPE && c != COLUMN_TRAVERSAL && c != COLUMN_COPY) ||
            c == COLUMN_RAW_PATH)
            point_at_text(r, c, n);
    put_words(r, s, nodes, n);
    put_numbers(r, s, nodes, n);
    sp_duckdb.data_chunk_set_size(r->chunk, n);
    return SPATE_OK;
}
