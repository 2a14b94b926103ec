/* uri.c - where rows go, as the user writes it: the scheme, the path, the query, and how to print it without its
 * password.
 *
 * PostgreSQL's URIs and keyword strings are not taken apart: libpq is their only judge. */
#include "endpoint/endpoint.h"
#include "endpoint/pack.h"
#include "os/os.h"

static const char known_schemes[] =
    "known are postgresql://..., mysql://... or mariadb://..., adbc:driver?..., duckdb:path, sqlite:path, files ending in .duckdb, "
    ".ddb, .sqlite, .sqlite3, .db, .spate, .csv, .tsv, "
    ".ndjson, .jsonl, .arrows, .arrow, .parquet, .sql, .rejects and plans .yaml, .yml, .json (to read), a directory (path/), and - for standard output";

static const char *const postgres_schemes[] = {"postgresql:", "postgres:"};

/* ---- scheme --------------------------------------------------------------------------------- */

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "host=db dbname=shop": a keyword string of libpq's. */
static bool is_conninfo(const char *text)
{
    static const char *const keywords[] = {"host",           "hostaddr", "port",    "dbname",           "user",
                                           "password",       "service",  "sslmode", "application_name", "options",
                                           "connect_timeout"};
    sp_str word = {text, strcspn(text, "= ./:?")};
    const char *rest = text + word.len + strspn(text + word.len, " ");
    for (size_t i = 0; *rest == '=' && i < SP_COUNT(keywords); i++) {
        if (sp_str_is(word, keywords[i]))
            return true;
    }
    return false;
}

/* The scheme that "scheme:" in front of the path names. Sets *rest behind it, or says none. */
static const char *scheme_in_front(const char *text, const char **rest)
{
    static const char *const schemes[] = {"duckdb", "sqlite", "spate",  "parquet", "plan", "arrow",
                                          "adbc",   "csv",    "ndjson", "rejects", "sql",  "dir"};
    size_t len = strcspn(text, ":/?.");
    for (size_t i = 0; text[len] == ':' && i < SP_COUNT(schemes); i++) {
        if (sp_str_ieq((sp_str){text, len}, schemes[i])) {
            *rest = text + len + 1;
            return schemes[i];
        }
    }
    return NULL;
}

static const char *scheme_of_ending(const char *path)
{
    static const struct {
        const char *ending, *scheme;
    } endings[] = {
        {".duckdb", "duckdb"}, {".ddb", "duckdb"},    {".sqlite", "sqlite"},   {".sqlite3", "sqlite"},
        {".db", "sqlite"},     {".spate", "spate"},   {".parquet", "parquet"}, {".arrows", "arrow"},
        {".arrow", "arrow"},   {".yaml", "plan"},     {".yml", "plan"},        {".json", "plan"},
        {".csv", "csv"},       {".tsv", "csv"},       {".ndjson", "ndjson"},    {".jsonl", "ndjson"},
        {".rejects", "rejects"},
        {".sql", "sql"},
    };
    size_t len;
    bool packed = sp_pack_of_name(path, &len) != SP_PACK_NONE;
    const char *slash = memrchr(path, '/', len), *begin = slash ? slash : path,
               *dot = memrchr(begin, '.', (size_t)(path + len - begin));
    for (size_t i = 0; dot && i < SP_COUNT(endings); i++) {
        bool text = strcmp(endings[i].scheme, "csv") == 0 || strcmp(endings[i].scheme, "ndjson") == 0 ||
                    strcmp(endings[i].scheme, "sql") == 0 || strcmp(endings[i].scheme, "arrow") == 0;
        if ((text || !packed) && sp_str_ieq((sp_str){dot, (size_t)(path + len - dot)}, endings[i].ending))
            return endings[i].scheme;
    }
    return NULL;
}

/* A file whose name says nothing may be described by its query. */
static const char *scheme_of_format(const sp_uri *uri)
{
    for (uint32_t i = 0; i < uri->n_params; i++) {
        if (strcmp(uri->params[i].key, "format") != 0)
            continue;
        const char *format = uri->params[i].value;
        if (strcmp(format, "csv") == 0 || strcmp(format, "ndjson") == 0 || strcmp(format, "arrow") == 0)
            return format;
        if (strcmp(format, "insert") == 0 || strcmp(format, "copy") == 0)
            return "sql";
    }
    return NULL;
}

static const char *scheme_of_path(const sp_uri *uri)
{
    const char *path = uri->path;
    size_t len = strlen(path);
    if (strcmp(path, "-") == 0)
        return "-";
    if (len > 0 && (path[len - 1] == '/' || sp_os_is_dir(path)))
        return "dir";
    const char *scheme = scheme_of_ending(path);
    if (!scheme)
        scheme = scheme_of_format(uri);
    return scheme || !starts_with(path, "/dev/") ? scheme : "-";
}

/* ---- query ---------------------------------------------------------------------------------- */

static char *decoded(sp_str s, sp_arena *arena, spate_error *err)
{
    char *text = sp_arena_alloc(arena, s.len + 1, 1), *p = text;
    if (!text) {
        sp_fail_nomem(err);
        return NULL;
    }
    for (size_t i = 0; i < s.len; i++) {
        uint8_t byte;
        size_t n;
        if (s.p[i] != '%') {
            *p++ = s.p[i];
        } else if (s.len - i >= 3 && sp_parse_hex((sp_str){s.p + i + 1, 2}, &byte, &n) && byte) {
            *p++ = (char)byte;
            i += 2;
        } else {
            sp_fail(err, SPATE_E_USAGE, "\"%.*s\" is no percent-encoded text: a %% is written as %%25", (int)s.len,
                    s.p);
            return NULL;
        }
    }
    return text;
}

/* key=value; a key alone has the value "". */
static int parse_param(sp_str pair, sp_arena *arena, sp_uri_param *param, spate_error *err)
{
    const char *equals = memchr(pair.p, '=', pair.len);
    size_t key_len = equals ? (size_t)(equals - pair.p) : pair.len;
    sp_str value = equals ? (sp_str){equals + 1, pair.len - key_len - 1} : (sp_str){"", 0};
    char *key = decoded((sp_str){pair.p, key_len}, arena, err);
    char *text = key ? decoded(value, arena, err) : NULL;
    if (!text)
        return err ? (int)err->status : SPATE_E_USAGE;
    *param = (sp_uri_param){.key = key, .value = text};
    return SPATE_OK;
}

static int parse_query(const char *query, sp_arena *arena, sp_uri *uri, spate_error *err)
{
    uint32_t most = 1;
    for (const char *p = query; *p; p++)
        most += *p == '&';
    uri->params = sp_arena_alloc(arena, most, sizeof(*uri->params));
    if (!uri->params)
        return sp_fail_nomem(err);
    while (*query) {
        size_t len = strcspn(query, "&");
        if (len > 0) {
            int rc = parse_param((sp_str){query, len}, arena, &uri->params[uri->n_params], err);
            if (rc != SPATE_OK)
                return rc;
            uri->n_params++;
        }
        query += len + (query[len] == '&');
    }
    return SPATE_OK;
}

int sp_uri_parse(const char *text, sp_arena *arena, sp_uri *uri, spate_error *err)
{
    sp_uri u = {.text = text};
    if (starts_with(text, "postgresql://") || starts_with(text, "postgres://") || is_conninfo(text)) {
        u.scheme = "postgresql";
        u.path = text;
        *uri = u;
        return SPATE_OK;
    }
    const char *rest = text, *question;
    bool mariadb = starts_with(text, "mysql://") || starts_with(text, "mariadb://");
    u.scheme = mariadb ? "mysql" : scheme_in_front(text, &rest);
    question = strrchr(rest, '?');
    u.path = sp_arena_strndup(arena, rest, question ? (size_t)(question - rest) : strlen(rest));
    if (!u.path)
        return sp_fail_nomem(err);
    int rc = question ? parse_query(question + 1, arena, &u, err) : SPATE_OK;
    if (rc != SPATE_OK)
        return rc;
    if (!u.scheme && !strstr(text, "://"))
        u.scheme = scheme_of_path(&u);
    if (!u.scheme || u.path[0] == '\0') {
        const char *shown = sp_uri_shown(text, arena);
        sp_fail(err, SPATE_E_USAGE, u.scheme ? "\"%s\" names no path" : "cannot tell what \"%s\" is",
                shown ? shown : "");
        sp_error_hint(err, "%s", known_schemes);
        return SPATE_E_USAGE;
    }
    *uri = u;
    return SPATE_OK;
}

const char *sp_uri_param_value(sp_uri *uri, const char *key)
{
    const char *value = NULL;
    for (uint32_t i = 0; i < uri->n_params; i++) {
        if (strcmp(uri->params[i].key, key) == 0) {
            uri->params[i].used = true;
            value = uri->params[i].value;
        }
    }
    return value;
}

int sp_uri_check_params(const sp_uri *uri, const char *known, spate_error *err)
{
    for (uint32_t i = 0; i < uri->n_params; i++) {
        if (uri->params[i].used)
            continue;
        sp_fail(err, SPATE_E_USAGE, "unknown key \"%s\" in the query of a \"%s\" URI", uri->params[i].key, uri->scheme);
        if (known && *known)
            sp_error_hint(err, "known keys: %s", known);
        else
            sp_error_hint(err, "it takes none");
        return SPATE_E_USAGE;
    }
    return SPATE_OK;
}

const char *sp_uri_beside(const char *text, const char *file, sp_arena *arena)
{
    const char *rest = text, *slash = strrchr(file, '/');
    bool path = strstr(text, "://") == NULL && !is_conninfo(text) && strcmp(text, "-") != 0;
    if (path)
        scheme_in_front(text, &rest);
    if (!path || !slash || *rest == '/')
        return text;
    return sp_arena_printf(arena, "%.*s%.*s/%s", (int)(rest - text), text, (int)(slash - file), file, rest);
}

/* ---- passwords ------------------------------------------------------------------------------ */

/* Appends text up to secret, then what stands for it; returns where the secret ends. */
static const char *mask(char **to, const char *from, const char *secret, const char *secret_end, const char *stars)
{
    size_t len = (size_t)(secret - from), n = strlen(stars);
    memcpy(*to, from, len);
    memcpy(*to + len, stars, n);
    *to += len + n;
    return secret_end;
}

/* Where user:secret@host may begin: behind "://", or behind a scheme whose slashes were forgotten. A keyword string has none. */
static const char *authority_of(const char *text)
{
    const char *authority = strstr(text, "://"), *rest;
    if (authority)
        return authority + 3;
    if (is_conninfo(text))
        return text + strlen(text);
    if (scheme_in_front(text, &rest))
        return rest;
    for (size_t i = 0; i < SP_COUNT(postgres_schemes); i++) {
        if (starts_with(text, postgres_schemes[i]))
            return text + strlen(postgres_schemes[i]);
    }
    return text;
}

/* When in doubt more is hidden rather than less: a password may hold an unescaped : / ? or @. Behind ? an @ is the
 * query's only where an = comes before it. */
static bool find_userinfo_secret(const char *text, const char **secret, const char **end)
{
    const char *authority = authority_of(text), *query = strchr(authority, '?');
    const char *at = strrchr(authority, '@');
    if (at && query && query < at && memchr(query, '=', (size_t)(at - query))) {
        const char *before = memrchr(authority, '@', (size_t)(query - authority));
        at = before ? before : at;
    }
    const char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
    *secret = colon ? colon + 1 : NULL;
    *end = at;
    return colon != NULL;
}

/* Whether "key =" comes next: what stands between a value and it belongs to the value, for a password may hold an
 * unescaped space or &. */
static bool key_follows(const char *p)
{
    p += strspn(p, " \t\n&");
    size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_%0123456789");
    return *p == '\0' || (len > 0 && p[len + strspn(p + len, " ")] == '=');
}

/* The end of a keyword string's value: 'quoted', or up to a space; backslash escapes in both. In URIs: up to &. */
static const char *value_end(const char *p, bool uri)
{
    char quote = !uri && *p == '\'' ? '\'' : 0;
    for (p += quote != 0; *p; p++) {
        if (!uri && *p == '\\' && p[1])
            p++;
        else if (quote && *p == quote)
            return p + 1;
        else if (!quote && strchr(uri ? "&" : " \t\n", *p) && key_follows(p))
            return p;
    }
    return p;
}

/* Behind "password" as it may stand in a key, percent-encoded or not; NULL: it does not stand here. */
static const char *behind_key(const char *p)
{
    for (const char *key = "password"; *key; key++) {
        uint8_t c = (uint8_t)*p;
        size_t n;
        bool encoded = c == '%' && p[1] && p[2] && sp_parse_hex((sp_str){p + 1, 2}, &c, &n);
        if ((c | 0x20) != *key)
            return NULL;
        p += encoded ? 3 : 1;
    }
    return p;
}

/* The next password=, sslpassword= or the like (any key that ends in it). */
static bool find_keyed_secret(const char *text, bool uri, const char **secret, const char **end)
{
    for (const char *p = text; *p; p++) {
        const char *value = behind_key(p);
        if (!value)
            continue;
        value += strspn(value, " ");
        if (*value != '=')
            continue;
        value++;
        value += uri ? 0 : strspn(value, " ");
        *secret = value;
        *end = value_end(value, uri);
        return true;
    }
    return false;
}

/* Each secret replaced by stars; behind "" nothing is left of it, nor of the colon in front of it or the value's quotes. */
static const char *without_secrets(const char *text, const char *stars, sp_arena *arena)
{
    /* The shortest secret, none, still leaves three stars, each behind nine characters of key or two of a URI. */
    char *shown = sp_arena_alloc(arena, 2 * strlen(text) + 8, 1), *to = shown;
    if (!shown)
        return NULL;
    const char *secret, *end;
    bool uri = strstr(text, "://") != NULL || !is_conninfo(text);
    if (find_userinfo_secret(text, &secret, &end))
        text = mask(&to, text, *stars ? secret : secret - 1, end, stars);
    while (find_keyed_secret(text, uri, &secret, &end))
        text = mask(&to, text, secret, end, stars);
    memcpy(to, text, strlen(text) + 1);
    return shown;
}

const char *sp_uri_shown(const char *text, sp_arena *arena)
{
    return without_secrets(text, "***", arena);
}

const char *sp_uri_bare(const char *text, sp_arena *arena)
{
    return without_secrets(text, "", arena);
}

const char *sp_uri_place(const char *text, sp_arena *arena)
{
    static const char *const servers[] = {"postgresql", "mysql", "-"};
    sp_uri uri;
    if (sp_uri_parse(text, arena, &uri, NULL) != SPATE_OK)
        return sp_uri_bare(text, arena);
    for (size_t i = 0; i < SP_COUNT(servers); i++)
        if (strcmp(uri.scheme, servers[i]) == 0)
            return sp_uri_bare(text, arena);
    const char *here = uri.path[0] == '/' ? "" : sp_os_directory(arena),
               *query = uri.n_params ? strrchr(text, '?') : "";
    return here ? sp_arena_printf(arena, "%s:%s%s%s%s", uri.scheme, here, *here ? "/" : "", uri.path, query) : NULL;
}
