/* ddl_expr.c - expressions of one server's catalogue in the words of another.
 *
 * An expression is a row of words. Only those go through that mean the same everywhere: columns, constants, comparisons, sums,
 * AND and its like, a few functions. A cast of a constant is dropped, for PostgreSQL writes one behind each, and so is one of anything
 * else to a type that holds it as it is; = ANY (ARRAY[...]), which it makes of IN, becomes IN again. One word that is not known, and the
 * whole is refused. */
#include "endpoint/ddl.h"

enum { DEPTH_MAX = 64 };

typedef enum word_kind { W_END, W_NAME, W_TEXT, W_NUMBER, W_MARK } word_kind;

typedef struct words {
    const char *p;
    word_kind kind;
    sp_str raw;  /* as it stands there */
    bool quoted; /* a name in quotes: never a word of the language */
} words;

typedef struct translation {
    words w;
    sp_buf *out;
    const sp_cat_table *t; /* NULL: there are no columns */
    int from;
    sp_sql_dialect to;
    const char *value;
    bool named[DEPTH_MAX]; /* of each open parenthesis: there is a column or function in it */
    unsigned depth;
    bool called;   /* the word before is a function */
    bool constant; /* what a cast would be of now is one */
} translation;

/* ---- words ----------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *behind_quotes(const char *p, char close)
{
    for (p++; *p; p++) {
        if (*p != close)
            continue;
        if (p[1] != close)
            return p + 1;
        p++;
    }
    return p;
}

/* Two or one of an operator's characters; a minus in front of a number is a mark of its own. */
static const char *behind_mark(const char *p)
{
    static const char *const pairs[] = {"::", "<>", "<=", ">=", "!=", "||", "->", "~~", "!~"};
    for (size_t i = 0; i < SP_COUNT(pairs); i++)
        if (strncmp(p, pairs[i], 2) == 0)
            return p + 2;
    return p + 1;
}

static void advance(words *w)
{
    const char *p = w->p + strspn(w->p, " \t\r\n"), *end = p;
    w->quoted = *p == '"' || *p == '`';
    if (!*p) {
        w->kind = W_END;
    } else if (w->quoted) {
        w->kind = W_NAME;
        end = behind_quotes(p, *p);
    } else if (*p == '\'') {
        w->kind = W_TEXT;
        end = behind_quotes(p, '\'');
    } else if (is_letter(*p)) {
        w->kind = W_NAME;
        while (is_letter(*end) || is_digit(*end) || *end == '$')
            end++;
    } else if (is_digit(*p)) {
        w->kind = W_NUMBER;
        while (is_digit(*end) || *end == '.' ||
               ((*end | 0x20) == 'e' && (is_digit(end[1]) || (end[1] == '-' && is_digit(end[2])))))
            end += (*end | 0x20) == 'e' ? 2 : 1;
    } else {
        w->kind = W_MARK;
        end = behind_mark(p);
    }
    w->raw = (sp_str){p, (size_t)(end - p)};
    w->p = end;
}

static words start(const char *sql)
{
    words w = {.p = sql};
    advance(&w);
    return w;
}

static bool is_mark(const words *w, const char *mark)
{
    return w->kind == W_MARK && sp_str_is(w->raw, mark);
}

static bool is_word(const words *w, const char *word)
{
    return w->kind == W_NAME && !w->quoted && sp_str_ieq(w->raw, word);
}

static bool among(const words *w, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_word(w, list[i]))
            return true;
    return false;
}

/* The name without its quotes is that of the column; bare names in any case. */
static bool names(const words *w, const char *column)
{
    if (w->kind != W_NAME)
        return false;
    if (!w->quoted)
        return sp_str_ieq(w->raw, column);
    sp_str inside = {w->raw.p + 1, w->raw.len - 2};
    char quote = *w->raw.p;
    for (; inside.len && *column; inside.p++, inside.len--, column++) {
        if (*inside.p != *column)
            return false;
        bool doubled = *inside.p == quote && inside.len > 1;
        inside.p += doubled;
        inside.len -= doubled;
    }
    return inside.len == 0 && !*column;
}

bool sp_ddl_mentions(const char *sql, const char *column)
{
    for (words w = start(sql); w.kind != W_END; advance(&w))
        if (names(&w, column))
            return true;
    return false;
}

/* Takes ::numeric(10,2), ::character varying, ::text[], "s"."t". */
static void skip_type(words *w)
{
    static const char *const more[] = {"varying", "precision", "without", "with", "time", "zone"};
    do
        advance(w); /* the dots, and what stands behind each */
    while (is_mark(w, ".") ? (advance(w), true) : among(w, more, SP_COUNT(more)));
    if (is_mark(w, "(")) {
        while (w->kind != W_END && !is_mark(w, ")"))
            advance(w);
        advance(w);
    }
    while (among(w, more, SP_COUNT(more)))
        advance(w);
    while (is_mark(w, "[")) { /* a ] alone closes what is around the cast */
        advance(w);
        advance(w);
    }
}

/* A cast behind what is no constant must not change it. */
static bool take_casts(translation *x)
{
    static const char *const harmless[] = {"text", "character", "varchar", "numeric"};
    while (is_mark(&x->w, "::")) {
        advance(&x->w);
        const char *from = x->w.raw.p;
        bool same = among(&x->w, harmless, SP_COUNT(harmless));
        skip_type(&x->w);
        if (!x->constant && (!same || memchr(from, '(', (size_t)(x->w.raw.p - from))))
            return false;
    }
    return true;
}

/* ---- what goes through ----------------------------------------------------------------------- */

static bool put(translation *x, const char *text)
{
    bool call = *text == '(' && x->called, first = !x->out->len || x->out->data[x->out->len - 1] == '(';
    x->called = false;
    return !sp_buf_adds(x->out, first || call || strchr(",)", *text) ? "" : " ") && !sp_buf_adds(x->out, text);
}

static bool put_raw(translation *x, sp_str text)
{
    bool space = x->out->len && x->out->data[x->out->len - 1] != '(';
    return !(space && sp_buf_adds(x->out, " ")) && !sp_buf_add(x->out, text.p, text.len);
}

static bool put_column(translation *x, const char *name)
{
    bool space = x->out->len && x->out->data[x->out->len - 1] != '(';
    return !(space && sp_buf_adds(x->out, " ")) && !sp_sql_name(x->out, name);
}

/* Texts of files and old ones of SQLite's may have backslashes that mean something; to PostgreSQL some words mean a moment. */
static bool text_is_plain(const translation *x)
{
    static const char *const moments[] = {"'now'", "'today'", "'tomorrow'", "'yesterday'"};
    for (size_t i = 0; i < SP_COUNT(moments); i++)
        if (sp_str_ieq(x->w.raw, moments[i]))
            return false;
    return (x->from >= 0 && x->from != (int)SP_SQL_SQLITE) || !memchr(x->w.raw.p, '\\', x->w.raw.len);
}

static bool is_mariadb(int dialect)
{
    return dialect >= 0 && sp_sql_is_mariadb((sp_sql_dialect)dialect);
}

static bool take_name(translation *x)
{
    static const char *const language[] = {"and", "or", "not", "is", "null", "true", "false", "in", "between"};
    static const char *const functions[] = {"coalesce", "abs", "length", "char_length", "nullif"};
    if (among(&x->w, language, SP_COUNT(language)))
        return put_raw(x, x->w.raw);
    x->constant = false;
    x->named[x->depth] = true;
    for (uint32_t i = 0; x->t && i < x->t->n_columns; i++)
        if (names(&x->w, x->t->columns[i].name))
            return put_column(x, x->t->columns[i].name);
    if (x->value && is_word(&x->w, "value"))
        return put_column(x, x->value);
    words ahead = x->w;
    advance(&ahead);
    if (!among(&x->w, functions, SP_COUNT(functions)) || !is_mark(&ahead, "("))
        return false;
    bool characters = is_word(&x->w, "char_length"), length = characters || is_word(&x->w, "length");
    if (length && !characters && is_mariadb(x->from))
        return false; /* its length() is one in bytes */
    bool said = length ? put(x, is_mariadb((int)x->to) ? "char_length" : "length") : put_raw(x, x->w.raw);
    x->called = true;
    return said;
}

static bool take_expr(translation *x, const char *end);

/* = ANY (ARRAY['a'::text, 'b'::text]) and <> ALL: x stands on ANY or ALL. */
static bool take_list(translation *x, const char *in)
{
    unsigned depth = 0;
    x->constant = true; /* all that is cast here is */
    for (advance(&x->w); is_mark(&x->w, "("); advance(&x->w))
        depth++;
    if (!is_word(&x->w, "array"))
        return false;
    advance(&x->w);
    if (!is_mark(&x->w, "["))
        return false;
    advance(&x->w);
    if (!put(x, in) || !put(x, "(") || !take_expr(x, "]"))
        return false;
    advance(&x->w);
    bool ok = x->constant && take_casts(x);
    for (; ok && depth && is_mark(&x->w, ")"); depth--) {
        advance(&x->w);
        ok = take_casts(x);
    }
    return ok && depth == 0 && put(x, ")");
}

/* Goes into a parenthesis, or out of one. */
static bool nest(translation *x, char mark)
{
    if (mark == '(' && ++x->depth < DEPTH_MAX)
        x->named[x->depth] = false;
    if (mark == ')' && x->depth) {
        x->constant = !x->named[x->depth--];
        x->named[x->depth] = x->named[x->depth] || !x->constant;
    }
    return x->depth < DEPTH_MAX;
}

static bool take_mark(translation *x)
{
    static const char *const marks[] = {"=", "<>", "!=", "<", "<=", ">", ">=", "+", "-", "*", "(", ")", ","};
    words ahead = x->w;
    advance(&ahead);
    if ((is_mark(&x->w, "=") && is_word(&ahead, "any")) || (is_mark(&x->w, "<>") && is_word(&ahead, "all"))) {
        const char *in = is_mark(&x->w, "=") ? "IN" : "NOT IN";
        x->w = ahead;
        return take_list(x, in);
    }
    for (size_t i = 0; i < SP_COUNT(marks); i++)
        if (is_mark(&x->w, marks[i]))
            return nest(x, marks[i][0]) && (advance(&x->w), put(x, marks[i]));
    return false;
}

/* Up to the mark end, or the end of the text. */
static bool take_expr(translation *x, const char *end)
{
    for (;;) {
        if (!take_casts(x))
            return false;
        if (end ? is_mark(&x->w, end) : x->w.kind == W_END)
            return true;
        bool ok = false, mark = x->w.kind == W_MARK;
        switch (x->w.kind) {
        case W_MARK: ok = take_mark(x); break;
        case W_NUMBER: ok = (x->constant = true) && put_raw(x, x->w.raw); break;
        case W_TEXT: ok = (x->constant = true) && text_is_plain(x) && put_raw(x, x->w.raw); break;
        case W_NAME: ok = take_name(x); break;
        case W_END: break;
        }
        if (!ok)
            return false;
        if (!mark)
            advance(&x->w);
    }
}

/* With nothing in the search path such a function comes with its schema. */
bool sp_ddl_calls_own(const char *sql)
{
    for (words w = start(sql); w.kind != W_END; advance(&w)) {
        words ahead = w;
        advance(&ahead);
        if (is_word(&w, "operator") && is_mark(&ahead, "("))
            return true;
        if (w.kind != W_NAME || !is_mark(&ahead, "."))
            continue;
        advance(&ahead);
        advance(&ahead);
        if (is_mark(&ahead, "("))
            return true;
    }
    return false;
}

bool sp_ddl_expr(sp_buf *out, const sp_cat_table *t, const char *sql, int from, sp_sql_dialect to, const char *value)
{
    size_t len = out->len;
    if (from == (int)to && !value)
        return !sp_ddl_calls_own(sql) && !sp_buf_adds(out, sql);
    sp_buf made = {0};
    translation x = {.w = start(sql), .out = &made, .t = t, .from = from, .to = to, .value = value};
    bool ok = take_expr(&x, NULL) && !sp_buf_add(out, made.data ? made.data : "", made.len);
    sp_buf_done(&made);
    if (!ok)
        out->len = len;
    return ok;
}

/* ---- defaults -------------------------------------------------------------------------------- */

typedef struct moment {
    const char *words[6]; /* how it may be written */
    const char *says[6];  /* PostgreSQL, CockroachDB, DuckDB, SQLite, MariaDB, MySQL; NULL: not there */
} moment;

#define BOTH(text) text, text
static const moment moments[] = {
    {{"now()", "current_timestamp", "current_timestamp()", "get_current_timestamp()", "transaction_timestamp()",
      "localtimestamp"},
     {BOTH("CURRENT_TIMESTAMP"), BOTH("CURRENT_TIMESTAMP"), BOTH("CURRENT_TIMESTAMP")}},
    {{"utc_timestamp()", "now() at time zone 'utc'::text", "current_timestamp at time zone 'utc'::text",
      "current_timestamp at time zone 'utc'"},
     {BOTH("(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')"), "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')", "CURRENT_TIMESTAMP",
      BOTH("utc_timestamp(6)")}},
    {{"current_date", "current_date()", "curdate()", "today()"},
     {BOTH("CURRENT_DATE"), BOTH("CURRENT_DATE"), BOTH("CURRENT_DATE")}},
    {{"current_time", "localtime", "curtime()"}, {BOTH("LOCALTIME"), NULL, "CURRENT_TIME", BOTH("curtime(6)")}},
    {{"gen_random_uuid()", "uuid()", "uuid_generate_v4()", "gen_random_uuid"},
     {BOTH("gen_random_uuid()"), "uuid()", NULL, "uuid()", NULL}},
};

/* Whether the parenthesis that s begins with is closed by its last one. */
static bool is_wrapped(sp_str s)
{
    unsigned depth = 0;
    for (size_t i = 0; i < s.len; i++) {
        depth += s.p[i] == '(';
        depth -= s.p[i] == ')';
        if (depth == 0)
            return i > 0 && i + 1 == s.len;
    }
    return false;
}

/* Without blanks and the parentheses around it. */
static sp_str bare(const char *sql)
{
    sp_str s = sp_str_of(sql);
    for (;;) {
        while (s.len && strchr(" \t\r\n", *s.p))
            s.p++, s.len--;
        while (s.len && strchr(" \t\r\n", s.p[s.len - 1]))
            s.len--;
        if (!is_wrapped(s))
            return s;
        s = (sp_str){s.p + 1, s.len - 2};
    }
}

static const moment *find_moment(sp_str s)
{
    char plain[64]; /* current_timestamp(6) without its digit */
    if (s.len > 3 && s.len < sizeof(plain) && s.p[s.len - 1] == ')' && is_digit(s.p[s.len - 2]) &&
        s.p[s.len - 3] == '(') {
        memcpy(plain, s.p, s.len - 2);
        plain[s.len - 2] = ')';
        s = (sp_str){plain, s.len - 1};
    }
    for (size_t i = 0; i < SP_COUNT(moments); i++)
        for (size_t k = 0; k < SP_COUNT(moments[i].words) && moments[i].words[k]; k++)
            if (sp_str_ieq(s, moments[i].words[k]))
                return &moments[i];
    return NULL;
}

bool sp_ddl_default(sp_buf *out, const char *sql, int from, sp_sql_dialect to)
{
    static const sp_sql_dialect order[] = {SP_SQL_POSTGRES, SP_SQL_COCKROACH, SP_SQL_DUCKDB,
                                           SP_SQL_SQLITE,   SP_SQL_MARIADB,   SP_SQL_MYSQL};
    const moment *m = from == (int)to ? NULL : find_moment(bare(sql));
    for (size_t i = 0; m && i < SP_COUNT(order); i++)
        if (order[i] == to)
            return m->says[i] && !sp_buf_adds(out, m->says[i]);
    return !m && sp_ddl_expr(out, NULL, sql, from, to, NULL);
}
