/* test_forms.c - what the plans of others need: dg's form, inputs, patterns, formats, lookups, columns that end, rows that differ. */
#include "os/os.h"
#include "unit/made.h"

#include <regex.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- dg ---- */

#define DG(columns) "tables: [{name: t, count: 6, columns: [" columns "]}]"

static void dg_orders_and_pads_columns(void)
{
    made m;
    if (make(&m, "tables:\n"
                 "- name: a\n  columns: [{name: x, type: const, processor: {values: [p, q]}}]\n"
                 "- name: b\n  count: 5\n"
                 "  columns:\n"
                 "  - {name: n, type: inc, processor: {start: 3}}\n"
                 "  - {name: s, type: set, processor: {values: [only]}}\n"
                 "  - {name: k1, type: const, processor: {values: [i]}}\n"
                 "  - {name: e1, type: each, processor: {table: a, column: x}}\n"
                 "  - {name: k3, type: const, processor: {values: [1, 2, 3]}}\n"
                 "  - {name: e2, type: each, processor: {table: a, column: x}}\n")) {
        const sp_schema *s = sp_gen_schema(m.gen, 1);
        const char *order[] = {"e1", "e2", "k3", "k1", "n", "s"};
        for (uint32_t i = 0; i < 6; i++)
            CHECK_STR(s->fields[i].name, order[i]);
        CHECK_INT(s->rows, 5);
        CHECK_STR(shown(&m, 1, "e1"), "p|q|p|q|-");
        CHECK_STR(shown(&m, 1, "e2"), "p|p|q|q|-");
        CHECK_STR(shown(&m, 1, "k3"), "1|2|3|1|-");
        CHECK_STR(shown(&m, 1, "n"), "3|4|5|6|7");
        CHECK_STR(shown(&m, 1, "s"), "only|only|only|only|only");
    }
    drop(&m);
}

static void dg_ranges_have_as_many_values_as_rows(void)
{
    made m;
    if (make(
            &m,
            DG("{name: i, type: range, processor: {type: int, from: 10, to: 20}}, {name: up, type: range, processor: {type: int, from: 5}},"
               "{name: d, type: range, processor: {type: date, from: 2023-01-01, to: 2023-01-07, format: 2006-01-02}}"))) {
        CHECK_STR(shown(&m, 0, "i"), "10|12|14|16|18|20");
        CHECK_STR(shown(&m, 0, "up"), "5|6|7|8|9|10");
        CHECK_STR(shown(&m, 0, "d"), "2023-01-01|2023-01-02|2023-01-03|2023-01-04|2023-01-05|2023-01-06");
    }
    drop(&m);
    if (make(
            &m,
            "tables: [{name: t, columns: [{name: i, type: range, processor: {type: int, from: 1, to: 10, step: 3}},"
            "{name: d, type: range, processor: {type: date, from: 02/01/2023, to: 06/01/2023, step: 24h, format: 02/01/2006}}]}]")) {
        CHECK_STR(shown(&m, 0, "i"), "1|4|7|10");
        CHECK_STR(shown(&m, 0, "d"), "02/01/2023|03/01/2023|04/01/2023|05/01/2023");
    }
    drop(&m);
    if (make(
            &m,
            "tables: [{name: t, count: 1, columns: [{name: i, type: range, processor: {type: int, from: 1, to: 10}}]}]"))
        CHECK_STR(shown(&m, 0, "i"), "1");
    drop(&m);
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");
    if (CHECK(f != NULL)) {
        fputs(text, f);
        fclose(f);
    }
}

static void inputs_are_parents_and_matched(void)
{
    made m;
    char dir[] = "/tmp/spate-forms-XXXXXX", csv[64], plan[64];
    CHECK(mkdtemp(dir) != NULL);
    snprintf(csv, sizeof(csv), "%s/m.csv", dir);
    snprintf(plan, sizeof(plan), "%s/plan.yaml", dir);
    write_file(csv, "code,region\r\nus,\"North, \"\"America\"\"\"\r\n\r\nde,Europe\nus,Last\n");
    path = plan;
    if (make(
            &m,
            "inputs: [{name: m, type: csv, source: {file_name: m.csv}}]\n"
            "tables: [{name: t, count: 4, columns: ["
            "{name: c, type: const, processor: {values: [us, de, fr]}},"
            "{name: r, type: match, processor: {source_table: m, source_column: code, source_value: region, match_column: c}},"
            "{name: any, type: ref, processor: {table: m, column: region}}]}]")) {
        CHECK(sp_gen_hidden(m.gen, 0));
        CHECK_STR(shown(&m, 0, "region"), "North, \"America\"|Europe|Last");
        CHECK_STR(shown(&m, 1, "r"), "Last|Europe|-|Last");
    }
    drop(&m);
    path = "test.yaml";
    unlink(csv);
    rmdir(dir);
}

static void unique_columns_keep_the_first(void)
{
    made m;
    if (make(&m,
             "tables:\n"
             "- {name: a, count: 100, unique_columns: [x, y], columns: [{name: id, type: inc, processor: {start: 0}},"
             "{name: x, type: set, processor: {values: [p, q]}}, {name: y, type: set, processor: {values: [r, s]}}]}\n"
             "- {name: b, columns: [{name: a, type: each, processor: {table: a, column: id}}]}\n")) {
        const sp_batch *b = rows_of(&m, 0);
        CHECK_INT(b->rows, 4);
        CHECK_INT(((int64_t *)b->columns[0].data)[0], 0);
        CHECK(((int64_t *)b->columns[0].data)[3] > 3);
        char first[200];
        snprintf(first, sizeof(first), "%s", shown(&m, 0, "id"));
        CHECK_STR(shown(&m, 1, "a"), first);
    }
    drop(&m);
}

static void dg_mistakes_have_their_place(void)
{
    check_mistake(DG("{name: a, type: gen, processor: {}}"), "gen needs");
    check_mistake(DG("{name: a, type: set, processor: {values: [a], weights: [1, 2]}}"), "as many weights");
    check_mistake(DG("{name: a, type: ref, processor: {table: x, column: y}}"), "refers to no table");
    check_mistake(DG("{name: a, type: each, processor: {table: x, column: y}}"), "no table or input before");
    check_mistake(DG("{name: a, type: range, processor: {type: date, from: x, to: 2023-01-01, format: 2006-01-02}}"),
                  "is no date");
    check_mistake("tables: [{name: t, columns: [{name: a, type: range, processor: {type: int}}]}]",
                  "a count or a step");
    check_mistake(
        "inputs: [{name: i, type: csv, source: {file_name: none.csv}}]\n" DG("{name: a, type: inc, processor: {}}"),
        "is no file");
    check_mistake(DG("{name: a, type: gen, processor: {value: '${int32}', format: '%s'}}"), "for whole numbers");
    check_mistake(DG("{name: a, type: gen, processor: {pattern: '[a'}}"), "is not closed");
    check_mistake("tables: [{name: t, rows: 1, hidden: true, columns: [{name: a, inc: 1}]}]", "every table is hidden");
}

/* ---- patterns: what is made is matched ---- */

static void patterns_match_what_they_make(void)
{
    static const struct {
        const char *go, *posix;
    } cases[] = {
        {"[A-Z]{3}-\\\\d{2,4}", "^[A-Z]{3}-[0-9]{2,4}$"},
        {"(ab|c)*x?", "^(ab|c){0,16}x?$"},
        {"a.b", "^a[[:print:]\t]b$"},
        {"[^a-zA-Z]+", "^[^a-zA-Z]{1,16}$"},
        {"(?i)go", "^[gG][oO]$"},
        {"^\\\\w\\\\S\\\\x41$", "^[A-Za-z0-9_][^ \t\n\r]A$"},
        {"[[:digit:]a-c]{5}", "^[0-9a-c]{5}$"},
        {"(?P<n>x|y)z{2}", "^[xy]zz$"},
        {"\\\\+\\\\(1\\\\)", "^\\+\\(1\\)$"},
        {"{a}", "^\\{a\\}$"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        made m;
        regex_t re;
        char yaml[400], text[4096];
        snprintf(yaml, sizeof(yaml), "tables: [{name: t, rows: 500, columns: [{name: p, pattern: \"%s\"}]}]",
                 cases[i].go);
        CHECK_INT(regcomp(&re, cases[i].posix, REG_EXTENDED | REG_NOSUB), 0);
        if (make(&m, yaml)) {
            const sp_batch *b = rows_of(&m, 0);
            for (uint32_t row = 0; row < b->rows; row++) {
                sp_str s = sp_column_str(&b->columns[0], row);
                snprintf(text, sizeof(text), "%.*s", (int)s.len, s.p);
                if (!CHECK(regexec(&re, text, 0, NULL, 0) == 0))
                    printf("# %s made \"%s\"\n", cases[i].go, text);
            }
        }
        regfree(&re);
        drop(&m);
    }
}

/* ---- formats ---- */

static void formats_are_go_s(void)
{
    static const struct {
        const char *column, *format, *want;
    } cases[] = {
        /* as fmt.Sprintf gives them */
        {"inc: 42", "%d", "42"},
        {"inc: 42", "P%05d!", "P00042!"},
        {"inc: -42", "%06d", "-00042"},
        {"inc: 42", "%-6d|", "42    |"},
        {"inc: 42", "%+d", "+42"},
        {"inc: 255", "%x", "ff"},
        {"inc: 255", "%04X", "00FF"},
        {"inc: 5", "%b", "101"},
        {"inc: 8", "%o", "10"},
        {"inc: 7", "100%%%v", "100%7"},
        {"inc: 42", "%.4d", "0042"},
        {"inc: 42", "%6d", "    42"},
        {"range: decimal, props: {min: 2.5, max: 2.5}", "%.0f", "3"},
        {"range: decimal, props: {min: 9.99, max: 9.99}", "%.1f", "10.0"},
        {"range: decimal, props: {min: -1.25, max: -1.25}", "%08.3f", "-001.250"},
        {"range: float, props: {min: 1e22, max: 1e22}", "%.1f", "10000000000000000000000.0"},
        {"range: float, props: {min: 2e-7, max: 2e-7}", "%f", "0.000000"},
        {"range: float, props: {min: 0.5, max: 0.5}", "%v", "0.5"},
    };
    for (size_t i = 0; i < SP_COUNT(cases); i++) {
        made m;
        char yaml[400];
        snprintf(yaml, sizeof(yaml), "tables: [{name: t, rows: 1, columns: [{name: x, %s, format: '%s'}]}]",
                 cases[i].column, cases[i].format);
        if (make(&m, yaml))
            CHECK_STR(shown(&m, 0, "x"), cases[i].want);
        drop(&m);
    }
}

static void a_format_is_for_each_function(void)
{
    made m;
    if (make(&m,
             "tables: [{name: t, rows: 50, columns: [{name: x, value: 'SKU${uint16}-${uint8}', format: '%05d'}]}]")) {
        const sp_batch *b = rows_of(&m, 0);
        for (uint32_t i = 0; i < b->rows; i++)
            CHECK_INT(sp_column_str(&b->columns[0], i).len, 14);
    }
    drop(&m);
}

/* ---- layouts, read back ---- */

static void layouts_read_what_they_write(void)
{
    static const char *const layouts[] = {"2006-01-02T15:04:05Z07:00",
                                          "Mon Jan _2 15:04:05.000000 2006",
                                          "02/01/2006 03:04:05 PM",
                                          "January 2, 2006 at 3:04:05pm (MST)",
                                          "20060102150405",
                                          "2006-002 15:04:05 -0700"};
    for (size_t i = 0; i < SP_COUNT(layouts); i++) {
        sp_arena arena;
        sp_arena_init(&arena);
        const sp_layout *l = sp_layout_new(&arena, sp_str_of(layouts[i]));
        for (int64_t us = INT64_C(1704470828) * SP_US_PER_SECOND, k = 0; k < 50;
             k++, us += INT64_C(86399) * SP_US_PER_SECOND * 7) {
            char text[200];
            int64_t back = 0;
            char *end = sp_layout_put(l, us, text);
            if (!CHECK(sp_layout_parse(l, (sp_str){text, (size_t)(end - text)}, &back)) || !CHECK(back == us))
                printf("# %s: %.*s\n", layouts[i], (int)(end - text), text);
        }
        sp_arena_done(&arena);
    }
    sp_arena arena;
    int64_t us;
    sp_arena_init(&arena);
    const sp_layout *l = sp_layout_new(&arena, sp_str_of("2006-01-02"));
    CHECK(!sp_layout_parse(l, sp_str_of("2023-02-30"), &us));
    CHECK(!sp_layout_parse(l, sp_str_of("2023-13-01"), &us));
    CHECK(!sp_layout_parse(l, sp_str_of("2023-01-01x"), &us));
    sp_arena_done(&arena);
}

int main(void)
{
    RUN(dg_orders_and_pads_columns);
    RUN(dg_ranges_have_as_many_values_as_rows);
    RUN(inputs_are_parents_and_matched);
    RUN(unique_columns_keep_the_first);
    RUN(dg_mistakes_have_their_place);
    RUN(patterns_match_what_they_make);
    RUN(formats_are_go_s);
    RUN(a_format_is_for_each_function);
    RUN(layouts_read_what_they_write);
    return check_done();
}
