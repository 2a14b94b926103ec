/* test_filter.c - patterns as .gitignore means them. The table was checked against 'git check-ignore'. */
#include "check.h"
#include "tree/filter.h"

typedef struct verdict {
    const char *lines[5];
    const char *path; /* ends with '/': a folder */
    bool excluded;
} verdict;

static const verdict verdicts[] = {
    {{"*.o"}, "/a.o", true},
    {{"*.o"}, "/deep/down/a.o", true},
    {{"*.o"}, "/a.obj", false},
    {{"*.o", "!keep.o"}, "/keep.o", false},
    {{"!keep.o", "*.o"}, "/keep.o", true},
    {{"/top"}, "/top", true},
    {{"/top"}, "/sub/top", false},
    {{"a/b"}, "/a/b", true},
    {{"a/b"}, "/x/a/b", false},
    {{"build/"}, "/build/", true},
    {{"build/"}, "/x/build/", true},
    {{"build/"}, "/build", false},
    {{"**/foo"}, "/foo", true},
    {{"**/foo"}, "/a/b/foo", true},
    {{"**/foo/bar"}, "/a/foo/bar", true},
    {{"**/foo/bar"}, "/a/foo/x/bar", false},
    {{"a/**"}, "/a/x/y", true},
    {{"a/**"}, "/a/", false},
    {{"a/**/b"}, "/a/b", true},
    {{"a/**/b"}, "/a/x/y/b", true},
    {{"a/**/b"}, "/a/xb", false},
    {{"a/**/*.c"}, "/a/x/y/z.c", true},
    {{"a/*/b"}, "/a/x/b", true},
    {{"a/*/b"}, "/a/x/y/b", false},
    {{"a*b"}, "/a/b", false},
    {{"x**y"}, "/xay", true},
    {{"?at"}, "/cat", true},
    {{"?at"}, "/at", false},
    {{"[a-c]x"}, "/bx", true},
    {{"[!a-c]x"}, "/bx", false},
    {{"[]]x"}, "/]x", true},
    {{"[a"}, "/[a", false},
    {{"\\#x"}, "/#x", true},
    {{"#x"}, "/#x", false},
    {{"\\!x"}, "/!x", true},
    {{"\\*"}, "/a", false},
    {{"\\*"}, "/*", true},
    {{"trail  "}, "/trail", true},
    {{"trail\\ "}, "/trail ", true},
    {{"*", "!*/", "!*.txt"}, "/a.txt", false},
    {{"*", "!*/", "!*.txt"}, "/d/", false},
    {{"*", "!*/", "!*.txt"}, "/a.c", true},
    {{"\xff*"}, "/\xff\xfe", true},
    {{"a/**/b/**/c"}, "/a/b/x/b/c", true},
    {{"a/**/b/**/c/d"}, "/a/1/b/2/c/3/b/c/d", true},
    {{"*a*b*c"}, "/xaxbxbxc", true},
};

static sp_entry entry_of(sp_str *path)
{
    sp_entry e = {.type = SP_ENTRY_FILE};
    if (path->p[path->len - 1] == '/') {
        e.type = SP_ENTRY_FOLDER;
        path->len--;
    }
    size_t name = path->len;
    while (path->p[name - 1] != '/')
        name--;
    e.name = path->p + name;
    e.name_len = (uint32_t)(path->len - name);
    return e;
}

static void patterns_mean_what_git_means(void)
{
    for (size_t i = 0; i < SP_COUNT(verdicts); i++) {
        const verdict *v = &verdicts[i];
        sp_filter f;
        sp_filter_init(&f);
        for (size_t l = 0; l < SP_COUNT(v->lines) && v->lines[l]; l++)
            CHECK_INT(sp_filter_add(&f, v->lines[l], false, NULL), SPATE_OK);
        sp_str path = sp_str_of(v->path);
        sp_entry e = entry_of(&path);
        if (!CHECK((sp_filter_excludes(&f, path, &e) != NULL) == v->excluded))
            printf("# %s against %s\n", v->lines[0], v->path);
        sp_filter_done(&f);
    }
}

static void sizes_and_ages_count_for_files(void)
{
    sp_filter f;
    sp_filter_init(&f);
    f.size_min = 10;
    f.size_max = 20;
    f.modified_from_ns = 1000;
    f.modified_to_ns = 2000;
    sp_entry e = {.name = "a", .name_len = 1, .type = SP_ENTRY_FILE, .size = 10, .modified_ns = 1000};
    sp_str path = sp_str_of("/a");
    CHECK(!sp_filter_excludes(&f, path, &e));
    e.size = 9;
    CHECK_STR(sp_filter_excludes(&f, path, &e), "smaller than --min-size");
    e.size = 21;
    CHECK_STR(sp_filter_excludes(&f, path, &e), "larger than --max-size");
    e.size = 15;
    e.modified_ns = 999;
    CHECK_STR(sp_filter_excludes(&f, path, &e), "older than --max-age");
    e.modified_ns = 2001;
    CHECK_STR(sp_filter_excludes(&f, path, &e), "younger than --min-age");
    e.type = SP_ENTRY_FOLDER;
    CHECK(!sp_filter_excludes(&f, path, &e));
    sp_filter_done(&f);
}

static void reasons_name_the_pattern(void)
{
    sp_filter f;
    sp_filter_init(&f);
    CHECK_INT(sp_filter_add(&f, "/a/*.o", false, NULL), SPATE_OK);
    CHECK_INT(sp_filter_add(&f, "b.o", true, NULL), SPATE_OK);
    sp_entry e = {.name = "x.o", .name_len = 3, .type = SP_ENTRY_FILE};
    CHECK_STR(sp_filter_excludes(&f, sp_str_of("/a/x.o"), &e), "pattern: /a/*.o");
    CHECK_INT(sp_filter_add(&f, "/", false, NULL), SPATE_E_USAGE);
    sp_filter_done(&f);
}

/* 60 stars against 4,000 bytes would take the age of the universe if each of them were tried again. */
static void no_pattern_takes_forever(void)
{
    char pattern[512] = "", text[4001];
    for (int i = 0; i < 60; i++)
        strcat(pattern, "*a");
    strcat(pattern, "b");
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CHECK(!sp_filter_matches(pattern, sp_str_of(text)));
    pattern[0] = '\0';
    for (int i = 0; i < 40; i++)
        strcat(pattern, "**/a*/");
    strcat(pattern, "b");
    for (size_t i = 1; i < sizeof text - 1; i += 2)
        text[i] = '/';
    CHECK(!sp_filter_matches(pattern, sp_str_of(text)));
}

int main(void)
{
    RUN(patterns_mean_what_git_means);
    RUN(sizes_and_ages_count_for_files);
    RUN(reasons_name_the_pattern);
    RUN(no_pattern_takes_forever);
    return check_done();
}
