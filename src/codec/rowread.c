/* rowread.c - rows out of text: CSV of any usual dialect and PostgreSQL's COPY text; NDJSON has its own file.
 *
 * Two passes over a slice that the cache holds. The first looks at 64 bytes at a time and notes where fields end: delimiters and
 * line breaks that no quote encloses, for which a running xor over the bits of the quotes tells inside from outside. The second
 * walks those places, takes quotes and escapes off, and hands each field to its column's reader. A quote inside a field is two of
 * them, which open and close the inside again, so the first pass need not know. */
#include "codec/rowread.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    SLICE_BYTES = 64 << 10, /* looked at in one go; doubled while no row ends in it */
    BATCH_BYTES = 4 << 20,  /* of text, after which a batch is full, whatever its rows */
};

/* ---- where fields end --------------------------------------------------------------------------- */

typedef struct masks {
    uint64_t quote, end;
} masks;

#define INLINE __attribute__((always_inline)) static inline

typedef struct marks { /* what the first pass looks for */
    char quote, delimiter;
    bool quotes;
} marks;

INLINE masks look_portable(const char *p, const marks *m)
{
    masks found = {0};
    for (unsigned i = 0; i < 64; i++) {
        found.quote |= (uint64_t)(m->quotes && p[i] == m->quote) << i;
        found.end |= (uint64_t)(p[i] == m->delimiter || p[i] == '\n') << i;
    }
    return found;
}

#if defined(__x86_64__)
INLINE masks look_sse2(const char *p, const marks *m)
{
    __m128i quote = _mm_set1_epi8(m->quote), delimiter = _mm_set1_epi8(m->delimiter), newline = _mm_set1_epi8('\n');
    masks found = {0};
    for (unsigned i = 0; i < 4; i++) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
        __m128i end = _mm_or_si128(_mm_cmpeq_epi8(x, delimiter), _mm_cmpeq_epi8(x, newline));
        found.end |= (uint64_t)(uint32_t)_mm_movemask_epi8(end) << 16 * i;
        found.quote |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, quote)) << 16 * i;
    }
    found.quote &= m->quotes ? ~UINT64_C(0) : 0;
    return found;
}

__attribute__((target("avx2"))) INLINE masks look_avx2(const char *p, const marks *m)
{
    __m256i quote = _mm256_set1_epi8(m->quote), delimiter = _mm256_set1_epi8(m->delimiter);
    __m256i newline = _mm256_set1_epi8('\n');
    masks found = {0};
    for (unsigned i = 0; i < 2; i++) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32 * i));
        __m256i end = _mm256_or_si256(_mm256_cmpeq_epi8(x, delimiter), _mm256_cmpeq_epi8(x, newline));
        found.end |= (uint64_t)(uint32_t)_mm256_movemask_epi8(end) << 32 * i;
        found.quote |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, quote)) << 32 * i;
    }
    found.quote &= m->quotes ? ~UINT64_C(0) : 0;
    return found;
}
#endif

/* Bit i of the result: the number of bits set in [0, i] of x is odd. */
INLINE uint64_t running_xor(uint64_t x)
{
    for (unsigned shift = 1; shift < 64; shift *= 2)
        x ^= x << shift;
    return x;
}

typedef struct found {
    uint32_t n;  /* ends */
    bool inside; /* the last quote opened */
    bool quotes; /* there was one at all */
} found;

#define LOOK_OVER(look) \
    found f = {0}; \
    uint64_t inside = 0; \
    for (size_t at = 0; at < len; at += 64) { \
        char last[64] = {0}; \
        bool whole = len - at >= 64; \
        if (!whole) \
            memcpy(last, p + at, len - at); \
        masks m = look(whole ? p + at : last, marks); \
        uint64_t enclosed = running_xor(m.quote) ^ inside, end = m.end & ~enclosed; \
        inside = 0 - (enclosed >> 63); \
        f.quotes |= m.quote != 0; \
        end &= whole ? ~UINT64_C(0) : (UINT64_C(1) << (len - at)) - 1; \
        for (; end; end &= end - 1) \
            ends[f.n++] = (uint32_t)at + (uint32_t)__builtin_ctzll(end); \
    } \
    f.inside = inside != 0; \
    return f

static found find_ends_portable(const char *p, size_t len, const marks *marks, uint32_t *ends)
{
    LOOK_OVER(look_portable);
}

#if defined(__x86_64__)
static found find_ends_sse2(const char *p, size_t len, const marks *marks, uint32_t *ends)
{
    LOOK_OVER(look_sse2);
}

__attribute__((target("avx2,bmi"))) static found find_ends_avx2(const char *p, size_t len, const marks *marks,
                                                                uint32_t *ends)
{
    LOOK_OVER(look_avx2);
}
#endif

/* Where quotes are escaped by another character the xor does not tell: a character at a time. */
static found find_ends_escaped(const char *p, size_t len, const marks *marks, char escape, uint32_t *ends)
{
    found f = {0};
    for (size_t i = 0; i < len; i++) {
        if (p[i] == escape && f.inside) {
            i++;
        } else if (p[i] == marks->quote) {
            f.inside = !f.inside;
            f.quotes = true;
        } else if (!f.inside && (p[i] == marks->delimiter || p[i] == '\n')) {
            ends[f.n++] = (uint32_t)i;
        }
    }
    return f;
}

typedef found find_fn(const char *p, size_t len, const marks *marks, uint32_t *ends);

static find_fn *best_find(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") ? find_ends_avx2 : find_ends_sse2;
#else
    return find_ends_portable;
#endif
}

/* ---- a reader ----------------------------------------------------------------------------------- */

typedef struct column {
    int32_t field; /* of the schema, or -1: passed over */
    sp_cell_read_fn *read;
} column;

typedef struct text_reader {
    sp_rowread base;
    marks marks;
    char escape;
    find_fn *find;
    column *columns;
    uint32_t n_columns;
    uint32_t *ends; /* slice of them, and one more */
    size_t slice;
    sp_buf word; /* a field without its escapes */
    sp_str null_word;
} text_reader;

static int fail_row(const text_reader *r, const sp_batch *b, spate_error *err, const char *what)
{
    return sp_fail(err, SPATE_E_DATA, "table \"%s\", row %llu: %s", r->base.schema->table,
                   (unsigned long long)(b->first_row + b->rows + 1), what);
}

int sp_rowread_fail_cell(const sp_rowread *r, const sp_batch *b, uint32_t field, int rc, sp_str text, spate_error *err)
{
    const sp_field *f = &r->schema->fields[field];
    if (rc != SPATE_E_DATA)
        return sp_fail_nomem(err);
    return sp_fail(err, SPATE_E_DATA, "table \"%s\", column \"%s\", row %llu: \"%.*s%s\" is no %s", r->schema->table,
                   f->name, (unsigned long long)(b->first_row + b->rows + 1), (int)SP_MIN(text.len, (size_t)80),
                   text.p ? text.p : "", text.len > 80 ? "..." : "", sp_kind_name(f->type.kind));
}

/* A field between quotes, its ends known: without them, and escapes taken off. False: the quotes are not where they belong. */
static bool unquote(text_reader *r, sp_str *s, int *rc)
{
    char quote = r->marks.quote, escape = r->escape;
    if (s->len < 2 || s->p[s->len - 1] != quote)
        return false;
    *s = (sp_str){s->p + 1, s->len - 2};
    if (!memchr(s->p, quote, s->len) && (escape == quote || !memchr(s->p, escape, s->len)))
        return true;
    r->word.len = 0;
    *rc = sp_buf_reserve(&r->word, s->len);
    char *to = r->word.data;
    for (size_t i = 0; i < s->len && *rc == SPATE_OK; i++) {
        bool escaped = s->p[i] == escape && i + 1 < s->len && (s->p[i + 1] == quote || s->p[i + 1] == escape);
        if (!escaped && s->p[i] == quote)
            return false;
        i += escaped;
        *to++ = s->p[i];
    }
    if (*rc == SPATE_OK)
        *s = (sp_str){r->word.data, (size_t)(to - r->word.data)};
    return true;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* What a backslash of COPY text stands for; *i is moved to its last character. */
static char copy_escape(sp_str s, size_t *i)
{
    static const char letters[] = "bfnrtv", values[] = "\b\f\n\r\t\v";
    char c = s.p[*i];
    const char *letter = c ? strchr(letters, c) : NULL;
    if (letter)
        return values[letter - letters];
    if (c == 'x' && *i + 1 < s.len) {
        uint8_t byte;
        size_t n, digits = *i + 2 < s.len && strchr("0123456789abcdefABCDEF", s.p[*i + 2]) && s.p[*i + 2] ? 2 : 1;
        char hex[2] = {'0', s.p[*i + 1]};
        if (digits == 2)
            memcpy(hex, s.p + *i + 1, 2);
        if (!sp_parse_hex((sp_str){hex, 2}, &byte, &n))
            return c;
        *i += digits;
        return (char)byte;
    }
    if (!is_octal(c))
        return c;
    unsigned v = (unsigned)(c - '0');
    for (unsigned n = 1; n < 3 && *i + 1 < s.len && is_octal(s.p[*i + 1]); n++)
        v = v * 8 + (unsigned)(s.p[++*i] - '0');
    return (char)v;
}

static int unescape_copy(text_reader *r, sp_str *s)
{
    r->word.len = 0;
    if (sp_buf_reserve(&r->word, s->len))
        return SPATE_E_NOMEM;
    char *to = r->word.data;
    for (size_t i = 0; i < s->len; i++) {
        if (s->p[i] == '\\' && i + 1 < s->len) {
            i++;
            *to++ = copy_escape(*s, &i);
        } else {
            *to++ = s->p[i];
        }
    }
    *s = (sp_str){r->word.data, (size_t)(to - r->word.data)};
    return SPATE_OK;
}

/* Sets *null, or leaves in *s the cell's text. A line of words about what is wrong with it in *what, or NULL. */
static int plain_text(text_reader *r, sp_str *s, bool quotes, bool *null, const char **what)
{
    int rc = SPATE_OK;
    *what = NULL;
    *null = sp_str_eq(*s, r->null_word);
    if (*null)
        return rc;
    if (r->base.form.dialect == SP_TEXT_COPY)
        return memchr(s->p, '\\', s->len) ? unescape_copy(r, s) : rc;
    if (!quotes || s->len == 0)
        return rc;
    if (*s->p == r->marks.quote) {
        if (!unquote(r, s, &rc))
            *what = "a quote inside a quoted field is not doubled";
    } else if (memchr(s->p, r->marks.quote, s->len)) {
        *what = "a quote inside a field that is not quoted";
    }
    return rc;
}

static int read_field(text_reader *r, sp_batch *b, const column *c, sp_str s, bool quotes, spate_error *err)
{
    bool null;
    const char *what;
    if (c->field < 0)
        return SPATE_OK;
    int rc = plain_text(r, &s, quotes, &null, &what);
    if (what)
        return fail_row(r, b, err, what);
    sp_column *to = &b->columns[c->field];
    if (rc == SPATE_OK && null) {
        if (!r->base.schema->fields[c->field].nullable)
            return sp_fail(err, SPATE_E_DATA,
                           "table \"%s\", column \"%s\", row %llu: null in a column that cannot be null",
                           r->base.schema->table, r->base.schema->fields[c->field].name,
                           (unsigned long long)(b->first_row + b->rows + 1));
        sp_cell_read_null(to, b->rows);
        return SPATE_OK;
    }
    if (rc == SPATE_OK)
        rc = c->read(to, b->rows, s);
    return rc == SPATE_OK ? rc : sp_rowread_fail_cell(&r->base, b, (uint32_t)c->field, rc, s, err);
}

static int fail_count(const text_reader *r, const sp_batch *b, uint32_t n, spate_error *err)
{
    sp_fail(err, SPATE_E_DATA, "table \"%s\", row %llu has %u field%s, expected %u", r->base.schema->table,
            (unsigned long long)(b->first_row + b->rows + 1), n, n == 1 ? "" : "s", r->n_columns);
    return SPATE_E_DATA;
}

/* A delimiter or line break behind an odd number of backslashes belongs to the field. */
static bool is_escaped(const text_reader *r, const char *from, const char *end)
{
    size_t n = 0;
    if (r->base.form.dialect != SP_TEXT_COPY)
        return false;
    while (end - n > from && end[-1 - (ptrdiff_t)n] == '\\')
        n++;
    return n % 2;
}

typedef struct slice {
    const char *p;
    const uint32_t *ends;
    uint32_t n;
    bool quotes;
} slice;

/* One row whose fields end at s->ends[*k]...; its end goes to *used. SPATE_OK without moving *k: the row does not end here. */
static int read_row(text_reader *r, sp_batch *b, const slice *s, uint32_t *k, size_t *used, spate_error *err)
{
    size_t from = *used;
    uint32_t at = *k, n = 0;
    bool line_end = false;
    for (; !line_end; n++, at++) {
        while (at < s->n && is_escaped(r, s->p + from, s->p + s->ends[at]))
            at++;
        if (at >= s->n)
            return SPATE_OK;
        size_t end = s->ends[at];
        line_end = s->p[end] == '\n';
        sp_str text = {s->p + from, end - from};
        text.len -= line_end && text.len && text.p[text.len - 1] == '\r';
        from = end + 1;
        if (line_end && n == 0 && text.len == 0 && r->n_columns > 1) /* a blank line */
            break;
        if (n == 0 && line_end && r->base.form.dialect == SP_TEXT_COPY && sp_str_is(text, "\\."))
            break;
        if (n >= r->n_columns)
            continue; /* counted, for the message */
        int rc = read_field(r, b, &r->columns[n], text, s->quotes, err);
        if (rc != SPATE_OK)
            return rc;
    }
    if (n && n != r->n_columns)
        return fail_count(r, b, n, err);
    *k = at + (n == 0);
    *used = from;
    b->rows += n != 0;
    return SPATE_OK;
}

static found find_ends(const text_reader *r, const char *p, size_t len)
{
    if (r->marks.quotes && r->escape != r->marks.quote)
        return find_ends_escaped(p, len, &r->marks, r->escape, r->ends);
    return r->find(p, len, &r->marks, r->ends);
}

bool sp_rowread_full(const sp_batch *b)
{
    if (b->rows == SP_BATCH_ROWS_MAX)
        return true;
    if (b->rows % 64)
        return false;
    size_t bytes = 0;
    for (uint32_t i = 0; i < b->schema->n_fields; i++)
        bytes += b->columns[i].bytes ? (size_t)b->columns[i].offsets[b->rows] : 0;
    return bytes > BATCH_BYTES;
}

static bool is_full(const sp_rowread *r, const sp_batch *b)
{
    return b->rows >= r->rows_max || sp_rowread_full(b);
}

static int grow_slice(text_reader *r, size_t bytes, spate_error *err)
{
    uint32_t *ends = bytes < UINT32_MAX ? sp_realloc(r->ends, (bytes + 1) * sizeof(*ends)) : NULL;
    if (!ends)
        return sp_fail_nomem(err);
    r->ends = ends;
    r->slice = bytes;
    return SPATE_OK;
}

/* The rows of one slice; *used grows by those that are whole. last: nothing comes behind it. */
static int read_slice(text_reader *r, sp_str bytes, bool last, uint64_t limit, sp_batch *b, size_t *used,
                      spate_error *err)
{
    found f = find_ends(r, bytes.p, bytes.len);
    if (last && f.inside)
        return fail_row(r, b, err, "a quoted field is not closed");
    slice s = {bytes.p, r->ends, f.n, f.quotes};
    size_t done = 0;
    int rc = SPATE_OK;
    for (uint32_t k = 0; rc == SPATE_OK && k < f.n && done < limit && !is_full(&r->base, b);) {
        uint32_t before = k;
        rc = read_row(r, b, &s, &k, &done, err);
        if (k == before)
            break;
    }
    *used += done;
    return rc;
}

/* What no line break ends gets one, in memory of our own. */
static int read_tail(text_reader *r, sp_str tail, sp_batch *b, size_t *used, spate_error *err)
{
    sp_buf line = {0};
    size_t done = 0;
    int rc = sp_buf_add(&line, tail.p, tail.len) || sp_buf_add(&line, "\n", 1) ? sp_fail_nomem(err) : SPATE_OK;
    if (rc == SPATE_OK && line.len > r->slice)
        rc = grow_slice(r, line.len, err);
    if (rc == SPATE_OK)
        rc = read_slice(r, (sp_str){line.data, line.len}, true, UINT64_MAX, b, &done, err);
    *used += SP_MIN(done, tail.len);
    sp_buf_done(&line);
    return rc;
}

static int decode(sp_rowread *base, sp_str bytes, bool last, uint64_t limit, sp_batch *b, size_t *used,
                  spate_error *err)
{
    text_reader *r = (text_reader *)base;
    int rc = SPATE_OK;
    while (rc == SPATE_OK && *used < bytes.len && *used < limit && !is_full(base, b)) {
        sp_str left = {bytes.p + *used, bytes.len - *used};
        bool whole = left.len <= r->slice;
        left.len = SP_MIN(left.len, r->slice);
        size_t before = *used;
        rc = read_slice(r, left, false, limit - *used, b, used, err);
        if (rc != SPATE_OK || *used > before)
            continue;
        if (!whole)
            rc = grow_slice(r, 2 * r->slice, err);
        else if (last)
            return read_tail(r, left, b, used, err);
        else
            break;
    }
    return rc;
}

static void text_free(sp_rowread *base)
{
    text_reader *r = (text_reader *)base;
    sp_buf_done(&r->word);
    sp_free(r->ends);
    sp_free(r->columns);
    sp_free(r);
}

static int text_new(const sp_schema *schema, const sp_text_form *form, const int32_t *fields, uint32_t n_fields,
                    sp_rowread **out, spate_error *err)
{
    text_reader *r = sp_alloc_zero(1, sizeof(*r));
    if (!r)
        return sp_fail_nomem(err);
    r->base = (sp_rowread){.schema = schema, .form = *form, .decode = decode, .free = text_free};
    r->columns = sp_alloc_zero(n_fields + 1, sizeof(*r->columns));
    r->n_columns = n_fields;
    r->find = form->portable ? find_ends_portable : best_find();
    bool csv = form->dialect == SP_TEXT_CSV;
    r->marks = (marks){.quote = form->quote, .delimiter = form->delimiter, .quotes = csv && form->quote};
    r->escape = form->escape ? form->escape : form->quote;
    r->null_word = sp_str_of(form->null_word);
    if (!r->columns || grow_slice(r, SLICE_BYTES, NULL) != SPATE_OK) {
        text_free(&r->base);
        return sp_fail_nomem(err);
    }
    for (uint32_t i = 0; i < n_fields; i++)
        r->columns[i] = (column){fields[i], fields[i] < 0 ? NULL : sp_cell_reader(schema->fields[fields[i]].type.kind)};
    *out = &r->base;
    return SPATE_OK;
}

/* ---- any dialect -------------------------------------------------------------------------------- */

sp_text_form sp_text_form_of(sp_text_dialect dialect)
{
    if (dialect == SP_TEXT_COPY)
        return (sp_text_form){.dialect = dialect, .delimiter = '\t', .null_word = "\\N"};
    return (sp_text_form){.dialect = dialect, .delimiter = ',', .quote = '"', .escape = '"', .null_word = ""};
}

int sp_rowread_new(const sp_schema *schema, const sp_text_form *form, const int32_t *fields, uint32_t n_fields,
                   sp_rowread **out, spate_error *err)
{
    return form->dialect == SP_TEXT_NDJSON ? sp_rowread_json_new(schema, form, out, err)
                                           : text_new(schema, form, fields, n_fields, out, err);
}

void sp_rowread_free(sp_rowread *r)
{
    if (r)
        r->free(r);
}

/* Text is looked at when all rows are there. If one is no text, those before it are read once more, to know where they end. */
int sp_rowread_decode(sp_rowread *r, sp_str bytes, bool last, uint64_t limit, sp_batch *batch, size_t *used,
                      spate_error *err)
{
    uint32_t before = batch->rows;
    *used = 0;
    r->rows_max = SP_BATCH_ROWS_MAX;
    int rc = r->decode(r, bytes, last, limit, batch, used, err);
    if (rc != SPATE_OK && rc != SPATE_E_DATA)
        return rc;
    uint32_t clean = sp_batch_clean_rows(batch, err);
    if (clean == batch->rows)
        return rc;
    batch->rows = before;
    *used = 0;
    r->rows_max = clean;
    rc = r->decode(r, bytes, last, limit, batch, used, NULL);
    return rc == SPATE_OK ? SPATE_E_DATA : rc;
}

/* ---- the fields of a line, as text: headers and samples ------------------------------------------- */

int sp_csv_line(const sp_text_form *form, sp_str bytes, bool last, sp_arena *arena, sp_str **fields, bool **nulls,
                uint32_t *n, size_t *used, spate_error *err)
{
    static const sp_schema nothing = {.table = ""};
    sp_rowread *base = NULL;
    int rc = text_new(&nothing, form, NULL, 0, &base, err);
    if (rc != SPATE_OK)
        return rc;
    text_reader *r = (text_reader *)base;
    *n = 0;
    *used = 0;
    uint32_t count = 0;
    bool line = false;
    for (size_t len = SP_MIN(bytes.len, (size_t)4096); rc == SPATE_OK && !line; len = SP_MIN(2 * len, bytes.len)) {
        if (len > r->slice)
            rc = grow_slice(r, len, err);
        found f = {0};
        if (rc == SPATE_OK)
            f = find_ends(r, bytes.p, len);
        for (count = 0; count < f.n && bytes.p[r->ends[count]] != '\n';)
            count++;
        line = count < f.n;
        if (line || len < bytes.len)
            continue;
        if (!last || f.inside || len == 0)
            goto done; /* no whole line here */
        r->ends[count] = (uint32_t)bytes.len;
        line = true;
    }
    if (rc != SPATE_OK)
        goto done;
    *fields = sp_arena_alloc(arena, count + 1, sizeof(**fields));
    *nulls = sp_arena_alloc(arena, count + 1, sizeof(**nulls));
    if (!*fields || !*nulls)
        rc = sp_fail_nomem(err);
    size_t from = 0;
    for (uint32_t i = 0; i <= count && rc == SPATE_OK; i++) {
        const char *what;
        sp_str s = {bytes.p + from, r->ends[i] - from};
        s.len -= i == count && s.len && s.p[s.len - 1] == '\r';
        from = (size_t)r->ends[i] + 1;
        rc = plain_text(r, &s, true, &(*nulls)[i], &what);
        if (what)
            rc = sp_fail(err, SPATE_E_DATA, "%s", what);
        char *copy = rc == SPATE_OK ? sp_arena_strndup(arena, s.p ? s.p : "", s.len) : NULL;
        if (rc == SPATE_OK && !copy)
            rc = sp_fail_nomem(err);
        (*fields)[i] = (sp_str){copy, s.len};
    }
    *n = rc == SPATE_OK ? count + 1 : 0;
    *used = SP_MIN(from, bytes.len);
done:
    text_free(base);
    return rc;
}
