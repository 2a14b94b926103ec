/* file_source.c - rows out of CSV and NDJSON files, a file a table, or a directory of them; and rejected rows of several tables out of
 * one file.
 *
 * Positions are bytes. A line break inside quotes looks like any other, so a CSV file is read from front to back, its chunks
 * ending where rows do; whoever reads the next chunk takes over the open file with what is in its buffer. NDJSON has no line
 * break inside a row, so ranges of a plain file that is not packed are read by many at once. Positions in a packed file are those
 * of its unpacked bytes. The columns of a file without types of its own are those
 * of the target where there is one, else what the first megabyte looks like. */
#include "endpoint/file_source.h"
#include "endpoint/guess.h"
#include "endpoint/text_form.h"
#include "os/os.h"

#include <stdio.h>

enum { SAMPLE_BYTES = 1 << 20 };

/* ---- columns ---------------------------------------------------------------------------------------- */

/* What is known of a table while it is opened. */
typedef struct opening {
    sp_file_source *s;
    const sp_source_options *options;
    sp_file_table *t;
    const sp_schema *like; /* NULL: the kinds are guessed */
    bool header, as_text;
    const char **names; /* of the fields of a line */
    sp_guess *guesses;
    uint32_t n, cap;
    uint64_t sample_rows, sample_bytes;
    uint64_t size; /* of a regular file */
    bool regular, packed;
    sp_buf word;
} opening;

static int field_named(const opening *o, sp_str name)
{
    for (uint32_t i = 0; i < o->n; i++)
        if (sp_str_is(name, o->names[i]))
            return (int)i;
    return -1;
}

static int add_name(opening *o, sp_str name, spate_error *err)
{
    if (o->n == SP_COLUMNS_MAX)
        return sp_fail(err, SPATE_E_DATA, "more than %d columns", SP_COLUMNS_MAX);
    if (!sp_utf8_valid(name.p, name.len) || memchr(name.p, '\0', name.len) || name.len == 0)
        return sp_fail(err, SPATE_E_DATA, "the name of column %u is %s", o->n + 1,
                       name.len ? "no UTF-8 text" : "empty");
    if (field_named(o, name) >= 0)
        return sp_fail(err, SPATE_E_DATA, "two columns are called \"%.*s\"", (int)SP_MIN(name.len, (size_t)80), name.p);
    o->names[o->n] = sp_arena_strndup(&o->s->arena, name.p, name.len);
    return o->names[o->n++] ? SPATE_OK : sp_fail_nomem(err);
}

/* Without a header, fields are called as the target's columns, or column1, column2. */
static int name_fields(opening *o, const sp_str *line, uint32_t n, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        char made[32];
        snprintf(made, sizeof(made), "column%u", i + 1);
        bool known = o->like && i < o->like->n_fields;
        rc = add_name(o, o->header ? line[i] : sp_str_of(known ? o->like->fields[i].name : made), err);
    }
    return rc;
}

/* An empty file names no columns, so they may be the target's. */
static int name_as_target(opening *o, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < o->like->n_fields && rc == SPATE_OK; i++)
        rc = add_name(o, sp_str_of(o->like->fields[i].name), err);
    return rc;
}

static int sample_csv(opening *o, sp_str bytes, bool last, spate_error *err)
{
    sp_arena scratch;
    sp_arena_init(&scratch);
    int rc = SPATE_OK;
    for (bool first = true; rc == SPATE_OK; first = false) {
        sp_str *line;
        bool *nulls;
        uint32_t n;
        size_t used;
        rc = sp_csv_line(&o->t->form, bytes, last, &scratch, &line, &nulls, &n, &used, err);
        bool open_end = rc == SPATE_OK && n == 0 && last && bytes.len > 0;
        if (!first && (rc == SPATE_E_DATA || open_end)) { /* whoever reads the rows will tell */
            size_t len = sp_file_first_line(bytes).len;
            bytes = (sp_str){bytes.p + len, bytes.len - len};
            rc = SPATE_OK;
            continue;
        }
        if (rc != SPATE_OK || n == 0)
            break;
        if (first)
            rc = name_fields(o, line, n, err);
        if (first && o->header) {
            o->t->start += used;
        } else {
            for (uint32_t i = 0; i < n && i < o->n && rc == SPATE_OK; i++)
                if (!nulls[i] && sp_guess_see(&o->guesses[i], line[i], true))
                    rc = sp_fail_nomem(err);
            o->sample_rows++;
            o->sample_bytes += used;
        }
        bytes = (sp_str){bytes.p + used, bytes.len - used};
    }
    sp_arena_done(&scratch);
    return rc;
}

typedef struct member_of {
    opening *o;
    spate_error *err;
} member_of;

static bool has_column(const sp_schema *schema, sp_str name)
{
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (sp_str_is(name, schema->fields[i].name))
            return true;
    return false;
}

static int see_member(void *arg, sp_str key, sp_str value, bool string)
{
    const member_of *m = arg;
    const opening *of = m->o;
    int at = field_named(of, key), rc = SPATE_OK;
    if (at < 0 && of->t->form.rejected && of->like && !has_column(of->like, key)) /* which may be why it was rejected */
        return SPATE_OK;
    if (at < 0) {
        at = (int)m->o->n;
        rc = add_name(m->o, key, m->err);
    }
    if (rc != SPATE_OK || (!string && sp_str_is(value, "null")))
        return rc;
    return sp_guess_see(&m->o->guesses[at], value, !string || m->o->t->form.rejected);
}

/* A line's keys and values; of rejected rows only those of the table. */
static int sample_line(opening *o, sp_str line, spate_error *err)
{
    member_of m = {o, err};
    sp_rejected_line told;
    if (!o->t->form.rejected)
        return sp_json_line(line, see_member, &m, err);
    int rc = sp_reject_read(line, &o->word, &told, err);
    if (rc != SPATE_OK || !sp_str_is(told.table, o->t->form.rejected))
        return rc;
    spate_error ignored;
    rc = sp_reject_cells(line, see_member, &m, &ignored);
    return rc == SPATE_E_DATA ? SPATE_OK : rc; /* it is told of when it is read */
}

static int sample_json(opening *o, sp_str bytes, bool last, spate_error *err)
{
    while (bytes.len) {
        const char *newline = memchr(bytes.p, '\n', bytes.len);
        size_t len = newline ? (size_t)(newline - bytes.p) : bytes.len;
        bool blank = strspn(bytes.p, " \t\r") >= len;
        if (!newline && !last)
            break;
        if (!blank) {
            int rc = sample_line(o, (sp_str){bytes.p, len}, err);
            if (rc != SPATE_OK &&
                (rc != SPATE_E_DATA || o->sample_rows == 0)) /* later ones are told of when they are read */
                return sp_fail_context(err, rc, "row %llu", (unsigned long long)o->sample_rows + 1);
            o->sample_rows++;
        }
        len += newline != NULL;
        o->sample_bytes += len;
        bytes = (sp_str){bytes.p + len, bytes.len - len};
    }
    return SPATE_OK;
}

/* A byte order mark, if the file begins with one. */
static void skip_mark(opening *o, sp_file_stream *s)
{
    if (s->buf.len < 3 || memcmp(s->buf.data, "\xef\xbb\xbf", 3) != 0)
        return;
    sp_file_stream_skip(s, 3);
    o->t->start = 3;
}

static int sample_stream(opening *o, sp_file_stream *s, spate_error *err)
{
    bool json = o->t->form.dialect == SP_TEXT_NDJSON;
    int rc = sp_file_stream_fill(s, SAMPLE_BYTES, err);
    skip_mark(o, s);
    for (size_t room = SAMPLE_BYTES; rc == SPATE_OK; room *= 2) {
        if (sp_buf_reserve(&s->buf, 1))
            return sp_fail_nomem(err);
        s->buf.data[s->buf.len] = '\0'; /* for searches */
        rc = json ? sample_json(o, sp_file_stream_bytes(s), s->end, err)
                  : sample_csv(o, sp_file_stream_bytes(s), s->end, err);
        if (rc != SPATE_OK || o->n || s->end || room > SP_FILE_ROW_BYTES_MAX) /* else the first line is longer */
            break;
        rc = sp_file_stream_fill(s, 2 * room, err);
    }
    return rc;
}

/* Names and kinds from the first bytes of the file; where the rows start. */
static int sample(opening *o, spate_error *err)
{
    sp_file_stream *s = NULL;
    int rc = sp_file_stream_open(o->t->path, 0, &s, err);
    if (rc != SPATE_OK)
        return rc;
    rc = sample_stream(o, s, err);
    o->packed = sp_input_is_packed(s->input);
    if (rc == SPATE_OK && !o->regular) { /* what a pipe has given is not given again */
        sp_file_stream_skip(s, o->t->start - s->here.offset);
        o->t->parked = s;
        return rc;
    }
    sp_file_stream_close(s);
    return rc;
}

/* A key of NDJSON may come first behind the sample: the target's column of its name is enough. */
static int check_wanted(opening *o, spate_error *err)
{
    int rc = SPATE_OK;
    for (uint32_t i = 0; i < o->options->n_columns && rc == SPATE_OK; i++) {
        sp_str name = sp_str_of(o->options->columns[i]);
        if (field_named(o, name) >= 0)
            continue;
        if (o->t->form.dialect != SP_TEXT_NDJSON || !o->like || !has_column(o->like, name))
            return sp_fail(err, SPATE_E_USAGE, "there is no column \"%s\" in it", o->options->columns[i]);
        rc = add_name(o, name, err);
    }
    return rc;
}

/* The target's column of that name (whether a null may go there the target says), or a guess. */
static int make_field(opening *o, uint32_t i, sp_field *field, spate_error *err)
{
    int at = o->like ? sp_schema_find(o->like, o->names[i]) : -1;
    if (o->like && at < 0 && sp_source_keeps_column(o->options, o->names[i])) {
        sp_fail(err, SPATE_E_CONFIG, "the target has no column \"%s\"", o->names[i]);
        sp_error_hint(err, "--column NAME takes only the columns that are named");
        return SPATE_E_CONFIG;
    }
    int rc = SPATE_OK;
    if (at >= 0) {
        *field = (sp_field){.nullable = true};
        rc = sp_field_copy_type(&o->s->arena, &o->like->fields[at], field) ? sp_fail_nomem(err) : SPATE_OK;
    } else {
        *field = (sp_field){.type = o->as_text ? (sp_type){.kind = SP_TEXT} : sp_guess_type(&o->guesses[i]),
                            .nullable = true};
        if (field->type.kind == SP_DECIMAL &&
            sp_guess_is_long(&o->guesses[i])) /* as if it had been declared: SQLite must not round it */
            field->sql_type = sp_arena_printf(&o->s->arena, "numeric(%u,%u)", field->type.precision, field->type.scale);
    }
    field->name = o->names[i];
    return rc;
}

static int make_schema(opening *o, spate_error *err)
{
    sp_file_table *t = o->t;
    sp_field *fields = sp_arena_alloc(&o->s->arena, o->n + 1, sizeof(*fields));
    t->fields = sp_arena_alloc(&o->s->arena, o->n + 1, sizeof(*t->fields));
    if (!fields || !t->fields)
        return sp_fail_nomem(err);
    int rc = check_wanted(o, err);
    t->n_fields = o->n;
    for (uint32_t i = 0; i < o->n && rc == SPATE_OK; i++) {
        t->fields[i] = -1;
        if (!sp_source_wants_column(o->options, o->names[i]))
            continue;
        t->fields[i] = (int32_t)t->schema.n_fields;
        rc = make_field(o, i, &fields[t->schema.n_fields++], err);
    }
    t->schema.fields = fields;
    t->schema.rows = UINT64_MAX;
    if (rc == SPATE_OK && t->schema.n_fields == 0)
        rc = sp_fail(err, SPATE_E_DATA, "there is no column in it");
    return rc;
}

/* ---- files ---------------------------------------------------------------------------------------------- */

/* Before any .gz or .zst. */
static bool ends_in(const char *name, const char *ending)
{
    size_t n, len = strlen(ending);
    sp_pack_of_name(name, &n);
    return n > len && memcmp(name + n - len, ending, len) == 0;
}

/* The dialect of a file by its name; SP_TEXT_INSERT: none that is read. */
static sp_text_dialect dialect_of(const char *name)
{
    if (ends_in(name, ".csv") || ends_in(name, ".tsv"))
        return SP_TEXT_CSV;
    return ends_in(name, ".ndjson") || ends_in(name, ".jsonl") ? SP_TEXT_NDJSON : SP_TEXT_INSERT;
}

static char *table_name(sp_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t len;
    sp_pack_of_name(name, &len);
    const char *dot = memrchr(name, '.', len);
    return sp_arena_strndup(arena, name, dot && dot > name ? (size_t)(dot - name) : len);
}

typedef struct manner { /* how the URI says that files are to be read */
    sp_text_form form;
    const char *format; /* NULL: by the ending */
    bool header, as_text, directory, rejected, delimited;
    const char *name;
} manner;

static sp_extent measure(const opening *o)
{
    double row = o->sample_rows ? (double)o->sample_bytes / (double)o->sample_rows : 64;
    bool ranges = o->t->form.dialect == SP_TEXT_NDJSON && o->regular && !o->packed;
    return (sp_extent){.end = ranges ? o->size : UINT64_MAX,
                       .units_a_row = row,
                       .file = o->regular ? o->t->path : NULL,
                       .sequential = !ranges};
}

static int refuse_twice(const sp_file_source *s, const char *name, spate_error *err)
{
    for (uint32_t i = 0; i < s->base.n_tables; i++)
        if (strcmp(s->schemas[i]->table, name) == 0)
            return sp_fail(err, SPATE_E_USAGE, "\"%s\" holds a table \"%s\" too", s->tables[i].path, name);
    return SPATE_OK;
}

/* rejected: the one of a file of rejected rows that is meant; NULL: it is no such file. */
static int open_table(sp_file_source *s, const sp_source_options *options, const manner *m, const char *path,
                      const char *rejected, spate_error *err)
{
    uint32_t i = s->base.n_tables;
    sp_file_table *t = &s->tables[i];
    *t = (sp_file_table){.path = path, .form = m->form};
    sp_text_dialect dialect = m->format ? m->form.dialect : dialect_of(path);
    if (dialect != m->form.dialect && dialect == SP_TEXT_NDJSON)
        t->form = sp_text_form_of(dialect);
    if (m->directory && !m->delimited && dialect == SP_TEXT_CSV)
        t->form.delimiter = sp_text_delimiter_of(path);
    t->form.rejected = rejected;
    t->form.some = options->n_columns > 0;
    const char *called = rejected ? rejected : m->name ? m->name : m->directory ? NULL : options->called;
    t->schema.table = called ? sp_arena_strndup(&s->arena, called, strlen(called)) : table_name(&s->arena, path);
    opening o = {.s = s, .options = options, .t = t, .header = m->header, .as_text = m->as_text};
    o.names = sp_arena_alloc(&s->arena, SP_COLUMNS_MAX, sizeof(*o.names));
    o.guesses = sp_arena_alloc(&s->arena, SP_COLUMNS_MAX, sizeof(*o.guesses));
    if (!t->schema.table || !o.names || !o.guesses)
        return sp_fail_nomem(err);
    if (!sp_source_wants_table(options, t->schema.table))
        return SPATE_OK;
    o.like = sp_source_like(options, t->schema.table);
    int rc = refuse_twice(s, t->schema.table, err);
    if (rc == SPATE_OK)
        rc = sp_os_input_size(path, &o.size, &o.regular, err);
    o.regular = o.regular && strcmp(path, "-") != 0; /* all that have standard input open stand at one place in it */
    if (rc == SPATE_OK)
        rc = sample(&o, err);
    sp_buf_done(&o.word);
    if (rc == SPATE_OK && o.n == 0 && o.like)
        rc = name_as_target(&o, err);
    if (rc == SPATE_OK && o.n == 0 && m->directory) {
        sp_file_stream_close(t->parked);
        return sp_source_note(&s->base, &s->arena, err, "\"%s\" is empty: nothing names its columns", path);
    }
    if (rc == SPATE_OK)
        rc = make_schema(&o, err);
    if (rc != SPATE_OK) {
        sp_file_stream_close(t->parked);
        return sp_fail_context(err, rc, "\"%s\"", path);
    }
    s->extents[i] = measure(&o);
    t->once = !o.regular;
    t->plain = o.regular && !o.packed;
    t->cap_marks = t->plain ? o.size / SP_FILE_MARK_BYTES : 0;
    t->marks = sp_arena_alloc(&s->arena, t->cap_marks + 1, sizeof(*t->marks));
    if (!t->marks) {
        sp_file_stream_close(t->parked);
        return sp_fail_nomem(err);
    }
    pthread_mutex_init(&t->lock, NULL);
    s->schemas[i] = &t->schema;
    s->base.n_tables++;
    return SPATE_OK;
}

static int make_room(sp_file_source *s, uint32_t n, spate_error *err)
{
    s->tables = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->tables));
    s->schemas = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->schemas));
    s->extents = sp_arena_alloc(&s->arena, n + 1, sizeof(*s->extents));
    s->base.tables = s->schemas;
    s->base.extents = s->extents;
    return s->tables && s->schemas && s->extents ? SPATE_OK : sp_fail_nomem(err);
}

static int open_directory(sp_file_source *s, const char *path, const sp_source_options *options, const manner *m,
                          spate_error *err)
{
    char **names;
    uint32_t n;
    int rc = sp_os_list(path, &s->arena, &names, &n, err);
    if (rc == SPATE_OK)
        rc = make_room(s, n, err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++) {
        sp_text_dialect dialect = dialect_of(names[i]);
        if (dialect == SP_TEXT_INSERT || (m->format && dialect != m->form.dialect))
            continue;
        size_t len = strlen(path);
        const char *file = sp_arena_printf(&s->arena, "%s%s%s", path, len && path[len - 1] == '/' ? "" : "/", names[i]);
        rc = file ? open_table(s, options, m, file, NULL, err) : sp_fail_nomem(err);
    }
    return rc;
}

/* The tables whose rejected rows are in the file. */
static int find_rejected(sp_file_source *s, const char *path, sp_file_stream *in, const char *names[], uint32_t *n,
                         spate_error *err)
{
    sp_buf word = {0};
    int rc = SPATE_OK;
    for (uint64_t line = 1; rc == SPATE_OK; line++) {
        sp_str bytes = sp_file_first_line(sp_file_stream_bytes(in));
        sp_rejected_line told;
        while (rc == SPATE_OK && !in->end && (bytes.len == 0 || bytes.p[bytes.len - 1] != '\n')) {
            rc = sp_file_stream_fill(in, SP_MAX((size_t)SP_FILE_BUFFER_BYTES, 2 * bytes.len), err);
            bytes = sp_file_first_line(sp_file_stream_bytes(in));
        }
        if (rc != SPATE_OK || bytes.len == 0)
            break;
        rc = sp_reject_read(bytes, &word, &told, err);
        if (rc != SPATE_OK) {
            sp_fail_context(err, rc, "\"%s\", line %llu", path, (unsigned long long)line);
            break;
        }
        uint32_t i = 0;
        while (i < *n && !sp_str_is(told.table, names[i]))
            i++;
        if (i == *n && *n == SP_COLUMNS_MAX)
            rc = sp_fail(err, SPATE_E_DATA, "\"%s\" tells of more than %d tables", path, SP_COLUMNS_MAX);
        else if (i == *n && !(names[(*n)++] = sp_arena_strndup(&s->arena, told.table.p, told.table.len)))
            rc = sp_fail_nomem(err);
        sp_file_stream_skip(in, bytes.len);
    }
    sp_buf_done(&word);
    return rc;
}

static int open_rejected(sp_file_source *s, const char *path, const sp_source_options *options, const manner *m,
                         spate_error *err)
{
    sp_file_stream *in = NULL;
    uint64_t size;
    bool regular;
    uint32_t n = 0;
    const char **names = sp_arena_alloc(&s->arena, SP_COLUMNS_MAX, sizeof(*names));
    int rc = names ? sp_os_input_size(path, &size, &regular, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK && !regular)
        return sp_fail(err, SPATE_E_USAGE, "rejected rows are read more than once: \"%s\" is no file", path);
    if (rc == SPATE_OK)
        rc = sp_file_stream_open(path, 0, &in, err);
    if (rc == SPATE_OK)
        rc = find_rejected(s, path, in, names, &n, err);
    sp_file_stream_close(in);
    if (rc == SPATE_OK)
        rc = make_room(s, n, err);
    for (uint32_t i = 0; i < n && rc == SPATE_OK; i++)
        rc = open_table(s, options, m, path, names[i], err);
    return rc;
}

/* ---- the URI ----------------------------------------------------------------------------------------------- */

static int read_manner(sp_file_source *s, sp_uri *uri, manner *m, spate_error *err)
{
    const char *format = sp_uri_param_value(uri, "format"), *header = sp_uri_param_value(uri, "header");
    const char *types = sp_uri_param_value(uri, "types"), *null_word;
    *m = (manner){.format = format, .header = true, .name = sp_uri_param_value(uri, "table")};
    m->directory = strcmp(uri->scheme, "dir") == 0;
    if (m->directory && m->name)
        return sp_fail(err, SPATE_E_USAGE, "the tables of a directory are called as its files");
    if (!format && !m->directory)
        m->format = uri->scheme;
    if (!m->name && strcmp(uri->path, "-") == 0)
        m->name = "stdin";
    m->rejected = m->format && strcmp(m->format, "rejects") == 0;
    if (m->format && strcmp(m->format, "csv") != 0 && strcmp(m->format, "ndjson") != 0 && !m->rejected)
        return sp_fail(err, SPATE_E_USAGE, "rows cannot be read as \"%s\"; format is csv, ndjson or arrow", m->format);
    m->form = sp_text_form_of(m->format && strcmp(m->format, "csv") != 0 ? SP_TEXT_NDJSON : SP_TEXT_CSV);
    if (m->rejected && m->name)
        return sp_fail(err, SPATE_E_USAGE, "rejected rows say whose they are");
    if (header && strcmp(header, "true") != 0 && strcmp(header, "false") != 0)
        return sp_fail(err, SPATE_E_USAGE, "header cannot be \"%s\"; it is true or false", header);
    m->header = !header || strcmp(header, "true") == 0;
    if (types && strcmp(types, "guess") != 0 && strcmp(types, "text") != 0)
        return sp_fail(err, SPATE_E_USAGE, "types cannot be \"%s\"; it is guess or text", types);
    m->as_text = types && strcmp(types, "text") == 0;
    m->delimited = sp_uri_param_value(uri, "delimiter") != NULL;
    bool plain;
    int rc = sp_text_form_params(uri, &m->form, &plain, err);
    null_word = sp_arena_strndup(&s->arena, m->form.null_word, strlen(m->form.null_word));
    m->form.null_word = null_word;
    return rc != SPATE_OK || null_word ? rc : sp_fail_nomem(err);
}

static bool holds_only_parquet(const char *path)
{
    char **names;
    uint32_t n = 0, parquet = 0, texts = 0;
    sp_arena arena;
    sp_arena_init(&arena);
    if (sp_os_list(path, &arena, &names, &n, NULL) != SPATE_OK)
        n = 0;
    for (uint32_t i = 0; i < n; i++) {
        parquet += ends_in(names[i], ".parquet");
        texts += dialect_of(names[i]) != SP_TEXT_INSERT;
    }
    sp_arena_done(&arena);
    return parquet && !texts;
}

int sp_file_source_open(sp_uri *uri, const sp_source_options *options, sp_source **out, spate_error *err)
{
    const char *format = sp_uri_param_value(uri, "format");
    if (strcmp(uri->scheme, "dir") == 0 && (format ? strcmp(format, "parquet") == 0 : holds_only_parquet(uri->path)))
        return sp_duckdb_source_open(uri, options, out, err);
    if (strcmp(uri->scheme, "arrow") == 0 ||
        (format && strcmp(format, "arrow") == 0 && strcmp(uri->scheme, "dir") != 0))
        return sp_arrow_source_open(uri, options, out, err);
    sp_file_source *s = sp_alloc_zero(1, sizeof(*s));
    if (!s)
        return sp_fail_nomem(err);
    sp_arena_init(&s->arena);
    s->base.ops = &sp_file_source_ops;
    s->base.unit = "bytes";
    manner m;
    const char *path = sp_arena_strndup(&s->arena, uri->path, strlen(uri->path));
    s->base.shown = sp_uri_shown(uri->text, &s->arena);
    int rc = path && s->base.shown ? read_manner(s, uri, &m, err) : sp_fail_nomem(err);
    if (rc == SPATE_OK && !m.directory && !m.rejected)
        rc = make_room(s, 1, err);
    if (rc == SPATE_OK)
        rc = m.directory  ? open_directory(s, path, options, &m, err)
             : m.rejected ? open_rejected(s, path, options, &m, err)
                          : open_table(s, options, &m, path, NULL, err);
    if (rc == SPATE_OK)
        *out = &s->base;
    else
        sp_file_source_close(&s->base);
    return rc;
}
