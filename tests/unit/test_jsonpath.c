/* test_jsonpath.c - paths into documents: how they are written, and which values they lead to. */
#include "codec/codec.h"
#include "unit/check.h"

static sp_arena arena;

static void paths_are_read(void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"$.a.b[0][*].*", NULL},
        {"a", NULL},
        {"..mail", NULL},
        {"$..mail", NULL},
        {"$..[*]", NULL},
        {"$['it''s']", "expected a ]"},
        {"$['it\\'s'][\"x y\"].\"z\"", NULL},
        {"straße.nr", NULL},
        {"", "whole document"},
        {"$", "whole document"},
        {"a b", "expected a dot"},
        {"*", NULL},
        {"a.", "expected a name"},
        {"$[-1]", "expected [*]"},
        {"$[1", "expected a ]"},
        {"$['x", "not closed"},
        {"$[99999999999999999999]", "expected [*]"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        sp_json_path path;
        const char *why;
        bool good = sp_json_path_parse(&arena, sp_str_of(cases[i].text), &path, &why);
        if (!CHECK(good == !cases[i].why && (good || (why && strstr(why, cases[i].why)))))
            printf("# %s: %s\n", cases[i].text, why ? why : "read");
    }
}

typedef struct told {
    char text[400];
    size_t len;
} told;

static int tell(void *arg, uint32_t path, sp_str raw, sp_str text)
{
    told *t = arg;
    t->len += (size_t)snprintf(t->text + t->len, sizeof(t->text) - t->len, "%u:%.*s", path, (int)text.len, text.p);
    t->len += (size_t)snprintf(t->text + t->len, sizeof(t->text) - t->len, raw.p == text.p ? " " : "' ");
    return SPATE_OK;
}

/* paths: with | between them. */
static int find(const char *paths, const char *document, told *t)
{
    sp_json_path read[80];
    const sp_json_path *all[80];
    uint32_t n = 0;
    sp_json_finder *finder = NULL;
    const char *why;
    *t = (told){"", 0};
    for (const char *p = paths, *end; p; p = *end ? end + 1 : NULL, n++) {
        end = strchr(p, '|');
        end = end ? end : p + strlen(p);
        all[n] = &read[n];
        if (!CHECK(sp_json_path_parse(&arena, (sp_str){p, (size_t)(end - p)}, &read[n], &why)))
            return SPATE_E_BUG;
    }
    int rc = sp_json_finder_new(all, n, &finder, NULL);
    for (int twice = 0; twice < 2 && rc == SPATE_OK; twice++) {
        *t = (told){"", 0};
        rc = sp_json_find(finder, sp_str_of(document), tell, t);
    }
    sp_json_finder_free(finder);
    return rc;
}

static void values_are_found(void)
{
    static const struct {
        const char *paths, *document, *want;
    } cases[] = {
        {"a", "{\"a\": 1.50, \"b\": {\"a\": 2}}", "0:1.50 "},
        {"$.b.a|$.a", "{\"a\": \"x\\u0041\\n\", \"b\": {\"a\": true}}", "1:xA\n' 0:true "},
        {"$.a", "{\"\\u0061\": 1, \"a\": null, \"a\": 2}", "0:1 0:2 "},
        {"$.a[1]|$.a[*].x", "{\"a\": [{\"x\": 1}, {\"x\": 2}, [{\"x\": 3}]]}", "1:1 0:{\"x\": 2} "},
        {"$..x", "[{\"x\": {\"x\": 1}}, [[{\"x\": 2}]], {\"y\": {\"x\": []}}]", "0:{\"x\": 1} 0:2 0:[] "},
        {"$.*.z", "{\"a\": {\"z\": 1}, \"b\": [{\"z\": 2}], \"c\": 3}", "0:1 "},
        {"$..a[0]|$..b", "{\"a\": [[\"p\"]], \"c\": {\"a\": [5], \"b\": 6}}", "0:[\"p\"] 0:5 1:6 "},
        {"a.b.c", "{\"a\": {\"b\": 1}, \"x\": []}", ""},
        {"a", " [ ] ", ""},
        {"a", "\"a\"", ""},
        {"a", "{\"a\": \"\\u0000\"}", "0:\\u0000' "},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        told t;
        CHECK_INT(find(cases[i].paths, cases[i].document, &t), SPATE_OK);
        if (!CHECK(strcmp(t.text, cases[i].want) == 0))
            printf("# %s in %s: %s\n", cases[i].paths, cases[i].document, t.text);
    }
    told t;
    char paths[2000] = "", more[40]; /* more places than a word has bits */
    for (int i = 0; i < 70; i++) {
        snprintf(more, sizeof(more), "%sk%d.b.c", i ? "|" : "", i);
        strcat(paths, more);
    }
    CHECK_INT(
        find(paths, "{\"k0\": {\"b\": {\"c\": 1}}, \"k69\": {\"b\": {\"c\": 2}}, \"k70\": {\"b\": {\"c\": 3}}}", &t),
        SPATE_OK);
    CHECK(strcmp(t.text, "0:1 69:2 ") == 0);
}

static void what_is_no_json_is_told(void)
{
    static const char *const documents[] = {
        "", "{\"a\"", "{\"a\": 1} x", "{\"a\": tru}", "{\"b\": 01, \"a\": 1}", "[1, 2", "{a: 1}", "{\"a\": \"\\x\"}"};
    told t;
    for (size_t i = 0; i < SP_COUNT(documents); i++)
        if (!CHECK_INT(find("a", documents[i], &t), SPATE_E_DATA))
            printf("# %s\n", documents[i]);
    char deep[600];
    for (int depth = 256; depth <= 257; depth++) {
        memset(deep, '[', (size_t)depth);
        memset(deep + depth, ']', (size_t)depth);
        deep[2 * depth] = '\0';
        CHECK_INT(find("$..a", deep, &t), depth == 256 ? SPATE_OK : SPATE_E_DATA);
        CHECK_INT(find("a", deep, &t), depth == 256 ? SPATE_OK : SPATE_E_DATA);
    }
}

int main(void)
{
    sp_arena_init(&arena);
    RUN(paths_are_read);
    RUN(values_are_found);
    RUN(what_is_no_json_is_told);
    sp_arena_done(&arena);
    return check_done();
}
