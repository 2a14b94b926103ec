/* test_plan.c - good plans give the right structs, and bad ones exactly their mistakes, each in its
 * place. */
#include "plan/plan.h"

#include "check.h"
#include <stdlib.h>

#define TABLE "tables:\n- name: t\n  rows: 10\n  columns:\n" /* four lines */

static spate_plan *parse_bytes(const char *text, size_t len)
{
    spate_plan *plan = NULL;
    spate_error err = {0};
    CHECK_INT(sp_plan_parse("test.yaml", text, len, &plan, &err), SPATE_OK);
    return plan;
}

static spate_plan *parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

/* A plan that has no mistakes, not even warnings. */
static spate_plan *parse_good(const char *text)
{
    spate_plan *plan = parse(text);
    for (size_t i = 0; i < spate_plan_mistakes(plan); i++) {
        const spate_mistake *m = spate_plan_mistake(plan, i);
        printf("# %u:%u: %s [%s]\n", m->line, m->column, m->message, m->found);
    }
    CHECK_INT(spate_plan_mistakes(plan), 0);
    return plan;
}

static const sp_plan_column *column(const spate_plan *plan, const char *table, const char *name)
{
    int t = sp_plan_find_table(plan, table);
    int c = t < 0 ? -1 : sp_plan_find_column(&plan->tables[t], sp_str_of(name));
    if (c < 0) {
        printf("Bail out! no column %s.%s\n", table, name);
        exit(1);
    }
    return &plan->tables[t].columns[c];
}

/* ---- good plans ---- */

static void reads_all_modes(void)
{
    spate_plan *plan = parse_good("tables:\n"
                                  "- name: parent\n"
                                  "  rows: 1_000\n"
                                  "  columns:\n"
                                  "  - {name: id, value: \"${uuid}\"}\n"
                                  "- name: child\n"
                                  "  rows: 1.5k\n"
                                  "  columns:\n"
                                  "  - {name: parent_id, ref: parent.id}\n"
                                  "  - {name: n, range: INT, props: {min: 10, max: -5}}\n"
                                  "  - {name: size, set: [small, 5, true, \"\"]}\n"
                                  "  - {name: seq, inc: 0}\n"
                                  "  - {name: tags, array: \"${noun}\", props: {min: 1, max: 3}}\n"
                                  "  - {name: five, value: 5}\n");
    CHECK_INT(plan->n_tables, 2);
    CHECK_INT(plan->seed, 0);
    CHECK(plan->now_us == SP_PLAN_NOW_US);
    CHECK_INT(spate_plan_tables(plan), 2);
    CHECK_STR(spate_plan_table_name(plan, 1), "child");
    CHECK_INT(spate_plan_table_rows(plan, 0), 1000);
    CHECK_INT(spate_plan_table_rows(plan, 1), 1500);
    const sp_plan_column *c = column(plan, "parent", "id");
    CHECK_INT(c->mode, SP_MODE_VALUE);
    CHECK_STRN(c->text.p, c->text.len, "${uuid}");
    CHECK_INT(c->mark.line, 5);
    CHECK_INT(c->mark.column, 12);
    CHECK_INT(c->mode_mark.column, 23);
    c = column(plan, "child", "parent_id");
    CHECK_INT(c->mode, SP_MODE_REF);
    CHECK_INT(c->ref_table, 0);
    CHECK_INT(c->ref_column, 0);
    c = column(plan, "child", "n");
    CHECK_INT(c->mode, SP_MODE_RANGE);
    CHECK_INT(c->range, SP_RANGE_INT);
    CHECK_INT(c->min_i, -5);
    CHECK_INT(c->max_i, 10);
    c = column(plan, "child", "size");
    CHECK_INT(c->n_items, 4);
    CHECK_STRN(c->items[1].text.p, c->items[1].text.len, "5");
    CHECK_STRN(c->items[2].text.p, c->items[2].text.len, "true");
    CHECK_STRN(c->items[3].text.p, c->items[3].text.len, "");
    CHECK(c->items[3].weight == 1);
    c = column(plan, "child", "seq");
    CHECK_INT(c->mode, SP_MODE_INC);
    CHECK_INT(c->inc_start, 0);
    c = column(plan, "child", "tags");
    CHECK_INT(c->mode, SP_MODE_ARRAY);
    CHECK_STRN(c->text.p, c->text.len, "${noun}");
    CHECK_INT(c->min_i, 1);
    CHECK_INT(c->max_i, 3);
    c = column(plan, "child", "five");
    CHECK_STRN(c->text.p, c->text.len, "5");
    spate_plan_free(plan);
}

static void reads_all_ranges(void)
{
    spate_plan *plan =
        parse_good(TABLE "  - {name: f, range: float, props: {min: 2.5, max: -1e3}}\n"
                         "  - {name: d, range: decimal, props: {min: 0.99, max: 249.99}}\n"
                         "  - {name: d3, range: decimal, props: {min: 1, max: 2_000, scale: 3}}\n"
                         "  - {name: s, range: string, props: {min: 3, max: 8}}\n"
                         "  - {name: b, range: bytes, props: {min: 3, max: 3}}\n"
                         "  - {name: ts, range: timestamp, props: {min: 1970-01-02, max: 1970-01-01T00:00:01Z, "
                         "format: '2006-01-02'}}\n"
                         "  - {name: i, range: interval, props: {min: 1h30m, max: 10}}\n"
                         "  - {name: p, range: point, props: {lat: 51.5, lon: -0.25, distance_km: 20}}\n");
    const sp_plan_column *c = column(plan, "t", "f");
    CHECK(c->min_f == -1000 && c->max_f == 2.5);
    c = column(plan, "t", "d");
    CHECK_INT(c->scale, 2);
    CHECK_INT(c->min_i, 99);
    CHECK_INT(c->max_i, 24999);
    c = column(plan, "t", "d3");
    CHECK_INT(c->scale, 3);
    CHECK_INT(c->max_i, 2000000);
    c = column(plan, "t", "s");
    CHECK_INT(c->min_i, 3);
    CHECK_INT(c->max_i, 8);
    CHECK_INT(column(plan, "t", "b")->range, SP_RANGE_BYTES);
    c = column(plan, "t", "ts");
    CHECK_INT(c->min_i, SP_US_PER_SECOND);
    CHECK_INT(c->max_i, SP_US_PER_DAY);
    CHECK_STRN(c->format.p, c->format.len, "2006-01-02");
    c = column(plan, "t", "i");
    CHECK_INT(c->min_i, 10);
    CHECK_INT(c->max_i, INT64_C(5400000000000));
    c = column(plan, "t", "p");
    CHECK(c->lat == 51.5 && c->lon == -0.25 && c->distance_km == 20);
    spate_plan_free(plan);
}

static void reads_native_keys(void)
{
    spate_plan *plan =
        parse_good("seed: 18446744073709551615\n"
                   "now: 2025-06-01T00:00:00Z\n"
                   "x-defaults: &d {null: 5%}\n"
                   "tables:\n"
                   "- name: t\n"
                   "  rows: 3\n"
                   "  columns:\n"
                   "  - {name: id, value: \"${uuid}\", sorted: true}\n"
                   "  - {name: k, inc: 7, primary_key: yes}\n"
                   "  - {<<: *d, name: s, set: [a, b], weights: [1, 0.5], type: enum}\n"
                   "  - {name: u, set: [x, y, z], unique: true, null: 0.25}\n"
                   "  - {name: z, range: int, props: {min: 0, max: 9}, distribution: zipf, type: smallint}\n"
                   "  - {name: z2, ref: t.k, distribution: {type: zipf, exponent: 2}, type: 'numeric(10,2)'}\n"
                   "  - {name: z3, value: a, distribution: uniform}\n");
    CHECK(plan->seed == UINT64_MAX);
    CHECK_INT(plan->now_us, INT64_C(1748736000000000));
    const sp_plan_column *c = column(plan, "t", "id");
    CHECK(c->sorted && c->unique && !c->primary_key);
    c = column(plan, "t", "k");
    CHECK(c->primary_key && c->unique);
    CHECK_INT(c->inc_start, 7);
    c = column(plan, "t", "s");
    CHECK(c->is_enum && !c->type && !c->sql_type && c->null_rate == 0.05);
    CHECK(c->items[0].weight == 1 && c->items[1].weight == 0.5);
    c = column(plan, "t", "u");
    CHECK(c->unique && c->null_rate == 0.25);
    c = column(plan, "t", "z");
    CHECK(c->distribution.spread == SP_SPREAD_ZIPF && c->distribution.a == 1.1);
    CHECK_INT(c->type->kind, SP_I16);
    CHECK_STR(c->sql_type, "smallint");
    c = column(plan, "t", "z2");
    CHECK(c->distribution.spread == SP_SPREAD_ZIPF && c->distribution.a == 2);
    CHECK_INT(c->type->kind, SP_DECIMAL);
    CHECK_INT(c->type->precision, 10);
    CHECK_INT(c->type->scale, 2);
    CHECK_INT(column(plan, "t", "z3")->distribution.spread, SP_SPREAD_UNIFORM);
    spate_plan_free(plan);
}

static void reads_json(void)
{
    spate_plan *plan = parse_good("{\n\t\"seed\": 7,\n\t\"tables\": [\n\t\t{\"name\": \"t\", \"rows\": 2, "
                                  "\"columns\": [\n\t\t\t{\"name\": \"a\", \"set\": [\"x\", null_, 1.5]}\n"
                                  "\t\t]}\n\t]\n}\n");
    CHECK_INT(plan->seed, 7);
    CHECK_INT(column(plan, "t", "a")->n_items, 3);
    CHECK_INT(column(plan, "t", "a")->mark.line, 6 - 1);
    spate_plan_free(plan);
}

static void merges_and_shares(void)
{
    spate_plan *plan = parse_good("x-a: &a {name: a, inc: 1}\n"
                                  "x-b: &b {<<: *a, name: b}\n"
                                  "tables:\n"
                                  "- &t\n"
                                  "  name: one\n"
                                  "  rows: 1k\n"
                                  "  columns: [*a, *b, {<<: [*b, {inc: 5, null: 0.5}], name: c}]\n"
                                  "- {<<: *t, name: two}\n");
    CHECK_INT(plan->n_tables, 2);
    CHECK_INT(plan->tables[1].rows, 1000);
    CHECK_INT(plan->tables[1].n_columns, 3);
    const sp_plan_column *c = column(plan, "two", "c");
    CHECK_INT(c->inc_start, 1);
    CHECK(c->null_rate == 0.5);
    spate_plan_free(plan);
}

static void resolves_qualified_names(void)
{
    spate_plan *plan = parse_good("tables:\n"
                                  "- {name: s, rows: 1, columns: [{name: t.id, inc: 1}]}\n"
                                  "- {name: s.t, rows: 1, columns: [{name: id, inc: 1}]}\n"
                                  "- {name: s.u, rows: 1, columns: [{name: x, ref: s.t.id}, {name: y, ref: s.u.x}]}\n");
    CHECK_INT(column(plan, "s.u", "x")->ref_table, 1);
    CHECK_INT(column(plan, "s.u", "y")->ref_table, 2);
    spate_plan_free(plan);
}

static void reads_texts_in_all_styles(void)
{
    static const char *const texts[][2] = {
        {"'a''''b'", "a''b"},
        {"''''", "'"},
        {"''''''", "''"},
        {"'''a''''''b'' '''", "'a'''b' '"},
        {"'a''''\n\n      ''''b''c'", "a''\n''b'c"},
        {"\"a\\\"\\\\\\u00e9\\n'' \\\n      x\"", "a\"\\\xc3\xa9\n'' x"},
        {"a ''''b  #c", "a ''''b"},
        {"a#b: ''''", NULL},
        {"|-\n      ''''\n       x", "''''\n x"},
        {">\n      a\n      b\n\n      c\n", "a b\nc\n"},
        {"!!str '5'", "5"},
        {"0x1F", "0x1F"},
        {"2024-01-31T00:00:00Z", "2024-01-31T00:00:00Z"},
        {"http://x/?a=b&c#d", "http://x/?a=b&c#d"},
    };
    for (size_t i = 0; i < SP_COUNT(texts); i++) {
        char plan_text[400];
        snprintf(plan_text, sizeof(plan_text), TABLE "  - name: a\n    value: %s\n", texts[i][0]);
        spate_plan *plan = parse(plan_text);
        CHECK_INT(spate_plan_mistakes(plan), texts[i][1] ? 0 : 1);
        if (texts[i][1]) {
            sp_str text = column(plan, "t", "a")->text;
            CHECK_STRN(text.p, text.len, texts[i][1]);
        }
        spate_plan_free(plan);
    }
}

static void takes_only_the_first_document(void)
{
    spate_plan_free(parse_good("--- # a comment\n" TABLE "  - {name: a, inc: 1}\n---\n[[[ not read"));
    spate_plan_free(parse_good("\xef\xbb\xbf" TABLE "  - {name: a, inc: 1}\n..."));
}

/* ---- bad plans ---- */

static const struct bad {
    const char *text;
    const char *want[8]; /* "line:column: part of the message", "w" in front: a warning; in this
                            order, and no more */
} bads[] = {
    /* not YAML */
    {"", {"1:1: the plan is empty"}},
    {"# nothing\n", {"1:1: the plan is empty"}},
    {"tables:\n\t- a\n", {"2:1: use spaces"}},
    {"tables:\n- {name: ${uuid}}\n", {"2:11: needs quotes, such as \"${uuid}\""}},
    {"a: b: c\n", {"1:5: a text with \": \" in it needs quotes"}},
    {"value: %x\n", {"1:8: put the text in quotes"}},
    {"tables: [a, b\n", {"2:1: it was opened in line 1, column 9"}},
    {"tables: \"x\n", {"1:10: quote"}},
    {"a: \xff\n", {"1:4: found the byte 0xff"}},
    {"\xc3\xa9: 1\n\xc3\xa9: \xc3\n", {"2:4: found the byte 0xc3"}},
    {"tables: *nope\n", {"1:9: is an alias without an anchor"}},
    {"tables: &t [*t]\n", {"1:13: inside of what it stands for"}},
    {"tables: &t {<<: *t}\n", {"1:17: inside of what it stands for"}},
    {"tables: 1\ntables: 2\n", {"1:9: is not a list of tables", "2:1: is a key twice: first in line 1, column 1"}},
    {TABLE "  - {name: \"a\\0b\", inc: 1}\n", {"5:12: has a NUL"}},
    {TABLE "  - {name: a, inc: 1, <<: 5}\n", {"5:27: expected a mapping to merge"}},
    {TABLE "  - {name: a, inc: 1, [b]: 5}\n", {"5:23: expected a word as key"}},
    /* the plan */
    {"- a\n", {"1:1: expected a mapping with the key \"tables\", found a list"}},
    {"seed: 1\n", {"1:1: a plan needs \"tables\""}},
    {"tables:\n", {"1:1: a plan needs \"tables\""}},
    {"tables: {}\n", {"1:9: expected a list of tables, found a mapping"}},
    {"tables: []\n", {"1:9: expected a list of tables, found an empty list"}},
    {TABLE "  - {name: a, ref: ''}\n", {"5:20: expected a ref, which is written table.column"}},
    {"sed: 1\n" TABLE "  - {name: a, inc: 1}\n", {"w1:1: did you mean \"seed\"?"}},
    {"seed: -1\nnow: soon\n" TABLE "  - {name: a, inc: 1}\n",
     {"1:7: a seed: a whole number from 0 to", "2:6: is not a timestamp"}},
    /* tables */
    {"tables:\n- x\n- {}\n",
     {"2:3: is not a table: a mapping", "3:3: a table needs a \"name\"", "3:3: needs \"columns\"",
      "3:3: needs \"rows\""}},
    {"tables:\n- {name: '', rows: -1, columns: []}\n",
     {"2:10: a name that is not empty", "2:20: is not a number of rows", "2:33: needs \"columns\""}},
    {"tables:\n- {name: a, rows: ten, columns: x}\n",
     {"2:19: is not a number of rows", "2:33: is not a list of columns"}},
    {"tables:\n- {name: a, row: 5, columns: [{name: a, inc: 1}]}\n",
     {"2:10: needs \"rows\"", "w2:13: did you mean \"rows\"?"}},
    {"tables:\n- {name: a, rows: 1.5, columns: [{name: a, inc: 1}]}\n", {"2:19: is not a number of rows"}},
    {"tables:\n- {name: a, rows: 1, columns: [{name: a, inc: 1}]}\n"
     "- {name: a, rows: 1, columns: [{name: b, inc: 1}, {name: b, inc: 1}]}\n",
     {"3:10: names a table already, in line 2", "3:58: names a column already, in line 3"}},
    /* columns and modes */
    {TABLE "  - x\n  - {inc: 1}\n  - {name: a}\n  - {name: [b], inc: 1}\n",
     {"5:5: is not a column", "6:5: a column needs a \"name\"", "7:12: needs one of value, range, ref",
      "8:12: expected a name, found a list"}},
    {TABLE "  - {name: a, value: x, set: [y], inc: 0}\n",
     {"w5:30: is not used, because \"value\"", "w5:40: is not used, because \"value\""}},
    {TABLE "  - {name: a, value: '', set: [y]}\n", {"w5:22: is not used, because \"set\""}},
    {TABLE "  - {name: a, vlaue: x, inc: 1}\n", {"w5:15: did you mean \"value\"?"}},
    {TABLE "  - {name: a, inc: x}\n  - {name: b, inc: 9223372036854775808}\n",
     {"5:20: a whole number to count from", "6:20: a whole number to count from"}},
    {TABLE "  - {name: a, value: [x]}\n  - {name: b, set: x}\n  - {name: c, set: [[x], ~]}\n",
     {"5:22: expected a text, such as ${uuid}, found a list", "6:20: is not a list of values",
      "7:21: expected a text as value of a set", "w7:26: is an empty text"}},
    {TABLE "  - {name: a, set: []}\n", {"w5:20: every cell is an empty text"}},
    {TABLE "  - {name: a, value: x, props: {min: 1}}\n", {"w5:32: is not used"}},
    /* ranges */
    {TABLE "  - {name: a, range: integer, props: {min: 1, max: 2}}\n  - {name: b, range: flaot}\n",
     {"5:22: is none of the ranges int, float", "6:22: did you mean \"float\"?"}},
    {TABLE "  - {name: a, range: int}\n  - {name: b, range: int, props: {max: 3}}\n"
           "  - {name: c, range: int, props: 3}\n  - {name: d, range: point, props: {lat: 1}}\n",
     {"5:22: range int needs props with min and max (a whole number)", "6:34: needs props with min (",
      "7:34: is not a mapping as props", "8:36: needs props with lon and distance_km"}},
    {TABLE "  - {name: a, range: int, props: {min: 1.5, max: x, format: y}}\n",
     {"5:40: is not a whole number as \"min\"", "5:50: as \"max\"", "w5:61: a prop that means nothing to range int"}},
    {TABLE "  - {name: a, range: string, props: {min: -1, max: 5000000}}\n",
     {"5:43: is not a length of 0 to", "5:52: is not a length"}},
    {TABLE "  - {name: a, range: decimal, props: {min: 0.001, max: 1e30}}\n"
           "  - {name: b, range: decimal, props: {min: 0, max: 1, scale: 19}}\n",
     {"5:44: behind the point as \"min\"", "5:56: as \"max\"", "6:62: is not 0 to 18 digits"}},
    {TABLE "  - {name: a, range: timestamp, props: {min: 2024-02-30, max: now}}\n",
     {"5:46: is not a timestamp", "5:63: is not a timestamp"}},
    {TABLE "  - {name: a, range: interval, props: {min: 5 minutes, max: 1h}}\n", {"5:45: is not a duration"}},
    {TABLE "  - {name: a, range: float, props: {min: -1.7e308, max: 1.7e308}}\n"
           "  - {name: b, range: float, props: {min: .nan, max: .inf}}\n",
     {"5:57: too far from the min", "6:42: is not a number as \"min\"", "6:53: is not a number as \"max\""}},
    {TABLE "  - {name: a, range: point, props: {lat: 91, lon: -181, distance_km: -1}}\n",
     {"5:42: from -90 to 90", "5:51: from -180 to 180", "5:70: as \"distance_km\""}},
    {TABLE "  - {name: a, array: \"${noun}\"}\n  - {name: b, array: \"${noun}\", props: {min: 1, "
           "max: 2049}}\n",
     {"5:22: array needs props with min and max", "6:54: is not a length of 0 to 2048 items"}},
    /* refs */
    {TABLE "  - {name: a, ref: t}\n  - {name: b, ref: u.x}\n  - {name: c, ref: tt.a}\n  - {name: "
           "d, ref: t.ee}\n"
           "  - {name: e, inc: 1}\n  - {name: f, ref: t.}\n",
     {"5:20: is no ref, which is written table.column", "6:20: refers to no table of this plan",
      "7:20: did you mean \"t\"?", "8:20: refers to no column of the table \"t\"; did you mean \"e\"?",
      "10:20: is no ref, which is written table.column"}},
    {TABLE "  - {name: a, ref: t.a}\n", {"5:20: cannot be made from itself"}},
    {TABLE "  - {name: a, ref: t.b}\n  - {name: b, ref: t.c}\n  - {name: c, ref: t.b}\n",
     {"6:20: closes a circle: t.b -> t.c -> t.b"}},
    {"tables:\n- {name: a, rows: 1, columns: [{name: x, ref: b.y}]}\n"
     "- {name: b, rows: 1, columns: [{name: y, ref: a.x}]}\n",
     {"2:47: closes a circle: a.x -> b.y -> a.x"}},
    {"tables:\n- {name: a, rows: 0, columns: [{name: x, inc: 1}]}\n"
     "- {name: b, rows: 1, columns: [{name: y, ref: a.x}]}\n"
     "- {name: c, rows: 0, columns: [{name: y, ref: a.x}]}\n",
     {"3:47: refers to a table with 0 rows"}},
    /* unique */
    {TABLE "  - {name: a, set: [x, y], unique: true}\n  - {name: b, set: [x, x], unique: true}\n",
     {"5:20: has 10 unique rows; they need as many values in the set, and there are only 2",
      "6:24: is in the set already"}},
    {TABLE "  - {name: a, range: int, props: {min: 1, max: 10}, unique: true}\n"
           "  - {name: b, range: int, props: {min: 1, max: 11}, unique: true}\n"
           "  - {name: c, range: decimal, props: {min: 1, max: 1.09}, unique: true}\n"
           "  - {name: d, range: timestamp, props: {min: 2024-01-01T00:00:00Z, max: "
           "2024-01-01T00:00:09Z}, unique: true}\n",
     {"5:22: there are only 9", "7:22: there are only 9", "8:22: there are only 9"}},
    {"tables:\n- {name: a, rows: 1, columns: [{name: x, inc: 1}, {name: s, set: [a, b]}]}\n"
     "- {name: b, rows: 2, columns: [{name: y, ref: a.x, unique: true}]}\n"
     "- {name: c, rows: 1, columns: [{name: y, ref: a.s, unique: true}]}\n",
     {"3:47: has 2 unique rows; they need as many rows to refer to, and there are only 1", "4:47: is not unique"}},
    {TABLE "  - {name: a, set: [x], primary_key: true, null: 1}\n",
     {"5:50: is a share of nulls, and a primary key has none"}},
    {TABLE "  - {name: a, set: [x], primary_key: true}\n  - {name: b, set: [x], primary_key: true}\n",
     {"5:12: of the primary key of \"t\" have 1 combinations, and there are 10 rows"}},
    /* weights, distribution, null, sorted, flags */
    {TABLE "  - {name: a, set: [x, y], weights: [1]}\n  - {name: b, inc: 1, weights: [1]}\n"
           "  - {name: c, set: [x, y], weights: [-1, z]}\n  - {name: d, set: [x, y], weights: [0, 0]}\n"
           "  - {name: e, set: [x], weights: 1}\n",
     {"5:37: as many weights as the set has values: 2, found 1", "6:32: only beside a set", "7:38: a weight",
      "7:42: a weight", "8:37: sum above 0", "9:34: is not a list of weights"}},
    {TABLE "  - {name: a, set: [x], weights: [1], unique: true, distribution: zipf}\n",
     {"5:34: does not go with a distribution: say", "5:34: weighted values repeat",
      "5:47: a distribution, which repeats values"}},
    {TABLE "  - {name: a, value: x, distribution: zipf}\n  - {name: b, inc: 1, distribution: normal}\n"
           "  - {name: c, set: [x], distribution: {exponent: 1}}\n"
           "  - {name: d, set: [x], distribution: {type: zipf, exponent: 0}}\n"
           "  - {name: e, set: [x], distribution: {type: uniform, exponent: 2, s: 1}}\n",
     {"5:39: only with ref, set, distinct, range int and lengths", "6:37: does not go with this column",
      "7:39: needs a \"type\"", "8:62: above 0", "w9:65: is not used by uniform",
      "w9:68: is no key of a distribution"}},
    {TABLE "  - {name: a, inc: 1, distinct: 5}\n  - {name: b, value: \"${city}\", distinct: 0}\n"
           "  - {name: c, value: \"${city}\", distinct: 20M}\n  - {name: d, place: city, distinct: 5, unique: true}\n"
           "  - {name: e, pattern: \"[a-z]\", distinct: 5, distribution: {type: lognormal, median: 2, sigma: 1}}\n",
     {"5:33: goes only with value, person, place and pattern", "6:43: is not how many different values there are",
      "7:43: 1 to 16777216", "8:38: does not go with unique"}},
    {TABLE "  - {name: a, ref: t.b, unique: true, distribution: {type: cycle, step: 2}}\n  - {name: b, inc: 1}\n",
     {"5:33: does not go with a distribution"}},
    {TABLE "  - {name: a, range: int, distribution: norml}\n  - {name: b, range: int, distribution: normal}\n"
           "  - {name: c, range: int, props: {min: 0}, distribution: {type: normal, mean: x, deviation: 0}}\n"
           "  - {name: d, range: timestamp, distribution: {type: normal, mean: 5, deviation: 1h}}\n"
           "  - {name: e, range: timestamp, distribution: {type: pareto, scale: 1, shape: 1}}\n"
           "  - {name: f, range: float, distribution: {type: poisson, mean: 1}}\n",
     {"5:41: is none of the distributions uniform, zipf", "6:41: needs \"mean\": a number",
      "6:41: needs \"deviation\": a number above 0", "7:79: is not a number as \"mean\"",
      "7:93: is not a number above 0 as \"deviation\"", "8:68: is not a timestamp",
      "9:54: does not go with this column", "10:50: goes only with ref, set, distinct, range int and lengths"}},
    {TABLE "  - {name: g, range: int, distribution: {type: binomial, trials: 1.5, chance: 2}}\n"
           "  - {name: h, range: int, distribution: {type: histogram, bounds: [1], weights: [1]}}\n"
           "  - {name: i, range: int, distribution: {type: histogram, bounds: [1, 5, 3], weights: [1]}}\n"
           "  - {name: j, range: int, distribution: {type: histogram, bounds: [1, 5, 9], weights: [1]}}\n"
           "  - {name: k, range: int, distribution: {type: percentiles, values: {0: 1, 50: 3}}}\n"
           "  - {name: l, range: int, distribution: {type: percentiles, values: {0: 4, 100: 3}}}\n"
           "  - {name: m, range: int, distribution: {type: triangular, peak: 3}}\n",
     {"5:66: is not a whole number above 0 as \"trials\"", "5:79: is not a share",
      "6:67: histogram needs \"bounds\": a list of two values or more", "7:74: is less than the one before",
      "8:87: expected a list of 2 weights", "9:76: is not the percentage expected",
      "10:81: is less than the one before", "11:22: range int needs props with min and max"}},
    {TABLE
     "  - {name: a, range: int, props: {min: 1, max: 9}, distribution: rhythm}\n"
     "  - {name: b, range: timestamp, props: {min: 2024-01-01, max: 2025-01-01}, distribution: {type: rhythm, growth: -2, weekdays: [1], hours: x}}\n",
     {"5:66: does not go with this column", "6:113: is not the growth of a year",
      "6:127: expected a list of 7 weights, from Monday to Sunday",
      "6:139: expected a list of 24 weights, from midnight on"}},
    {TABLE "  - {name: a, inc: 1, null: 5}\n  - {name: b, inc: 1, null: 101%}\n  - {name: c, inc: "
           "1, unique: 7}\n",
     {"5:29: the share of cells", "6:29: the share of cells", "7:31: true or false"}},
    {TABLE "  - {name: a, set: [x], sorted: true}\n  - {name: b, value: \"x${uuid}\", sorted: true}\n"
           "  - {name: c, range: int, props: {min: 1, max: 9}, sorted: true, distribution: zipf}\n",
     {"5:33: goes only with value", "6:42: goes only with value", "7:60: does not go with zipf"}},
    /* types */
    {TABLE "  - {name: a, inc: 1, type: intger}\n  - {name: b, inc: 1, type: numeric(2000)}\n"
           "  - {name: c, inc: 1, type: enum}\n  - {name: d, set: [x, x], type: enum}\n"
           "  - {name: e, inc: 1, type: qqqqqqqq}\n",
     {"5:29: did you mean \"integer\"?", "6:29: a precision of 1 to 1000", "7:29: needs a set in the same column",
      "8:24: labels of an enum differ", "9:29: is no SQL type, such as"}},
};

/* Whether m is what want says. */
static bool is_as_wanted(const spate_mistake *m, const char *want)
{
    unsigned line, col;
    int len = 0;
    bool fatal = want[0] != 'w';
    sscanf(want + !fatal, "%u:%u: %n", &line, &col, &len);
    return m->fatal == fatal && m->line == line && m->column == col && strstr(m->message, want + !fatal + len);
}

static void check_bad(const struct bad *b)
{
    spate_plan *plan = parse(b->text);
    size_t n = 0;
    bool same = true;
    while (n < SP_COUNT(b->want) && b->want[n])
        n++;
    same = spate_plan_mistakes(plan) == n;
    for (size_t i = 0; same && i < n; i++)
        same = is_as_wanted(spate_plan_mistake(plan, i), b->want[i]);
    if (!check_that(same, "the mistakes are those expected", __FILE__, __LINE__)) {
        printf("# plan: %s\n", b->text);
        for (size_t i = 0; i < n; i++)
            printf("#   want %s\n", b->want[i]);
        for (size_t i = 0; i < spate_plan_mistakes(plan); i++) {
            const spate_mistake *m = spate_plan_mistake(plan, i);
            printf("#   got  %s%u:%u: %s [%s]\n", m->fatal ? "" : "w", m->line, m->column, m->message, m->found);
        }
    }
    spate_plan_free(plan);
}

static void tells_all_mistakes(void)
{
    for (size_t i = 0; i < SP_COUNT(bads); i++)
        check_bad(&bads[i]);
}

static void shows_what_it_found(void)
{
    spate_plan *plan = parse(TABLE "  - {name: a, inc: \"a\\tb\\u00e9\"}\n  - {name: b, inc: "
                                   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx}\n");
    CHECK_STR(spate_plan_mistake(plan, 0)->found, "a b\xc3\xa9");
    CHECK_STR(spate_plan_mistake(plan, 0)->file, "test.yaml");
    CHECK_INT(strlen(spate_plan_mistake(plan, 1)->found), 63);
    spate_plan_free(plan);
}

/* ---- rows, later ---- */

static void rows_can_change(void)
{
    spate_plan *plan =
        parse("tables:\n- {name: a, rows: 0, columns: [{name: x, inc: 1}]}\n"
              "- {name: b, rows: 5, columns: [{name: y, ref: a.x, unique: true}, {name: z, incc: 1}]}\n");
    spate_error err = {0};
    CHECK_INT(spate_plan_mistakes(plan), 3);
    CHECK_INT(spate_plan_set_rows(plan, "a", 4, &err), SPATE_OK);
    CHECK_INT(spate_plan_mistakes(plan), 3);
    CHECK_INT(plan->mistakes.n_errors, 2);
    CHECK(strstr(spate_plan_mistake(plan, 0)->message, "there are only 4"));
    CHECK_INT(spate_plan_set_rows(plan, "b", 4, &err), SPATE_OK);
    CHECK_INT(plan->mistakes.n_errors, 1);
    CHECK_INT(spate_plan_table_rows(plan, 1), 4);
    CHECK_INT(spate_plan_set_rows(plan, "bb", 4, &err), SPATE_E_USAGE);
    CHECK_STR(err.hint, "did you mean \"b\"?");
    spate_plan_free(plan);
}

/* ---- hostile plans ---- */

static void survives_depth(void)
{
    char text[4000];
    memset(text, '[', sizeof(text));
    spate_plan *plan = parse_bytes(text, sizeof(text));
    CHECK_INT(spate_plan_mistakes(plan), 1);
    CHECK(strstr(spate_plan_mistake(plan, 0)->message, "nested more than 64 deep"));
    spate_plan_free(plan);
}

/* What libfyaml would take gigabytes, minutes or the whole stack for. */
static void survives_repetition(void)
{
    static const struct {
        char what;
        const char *before, *message;
    } repeats[] = {
        {'[', "", "fewer brackets"}, {'\n', "a: |\n", "fewer blank lines"}, {' ', "a: ", "fewer blank lines"}};
    enum { LEN = 1 << 20 };
    char *text = malloc(LEN);
    for (size_t i = 0; i < SP_COUNT(repeats); i++) {
        memset(text, repeats[i].what, LEN);
        memcpy(text, repeats[i].before, strlen(repeats[i].before));
        spate_plan *plan = parse_bytes(text, LEN);
        CHECK_INT(spate_plan_mistakes(plan), 1);
        CHECK(strstr(spate_plan_mistake(plan, 0)->message, repeats[i].message));
        spate_plan_free(plan);
    }
    free(text);
}

/* Each level merges and lists the one before many times over. */
static void survives_alias_bombs(void)
{
    sp_buf text;
    sp_buf_init(&text);
    CHECK_INT(sp_buf_adds(&text, "x-0: &a0 {name: a, inc: 1}\nx-l0: &l0 [x, x]\n"), 0);
    for (int i = 1; i < 60; i++)
        CHECK_INT(sp_buf_printf(&text, "x-%d: &a%d {<<: [*a%d, *a%d, *a%d]}\nx-l%d: &l%d [*l%d, *l%d]\n", i, i, i - 1,
                                i - 1, i - 1, i, i, i - 1, i - 1),
                  0);
    CHECK_INT(sp_buf_adds(&text, "tables:\n- {name: t, rows: 1, columns: [*a59, {name: b, set: *l59}]}\n"), 0);
    spate_plan *plan = parse_bytes(text.data, text.len);
    CHECK_INT(spate_plan_mistakes(plan), 1);
    CHECK(strstr(spate_plan_mistake(plan, 0)->message, "expected a text as value of a set"));
    spate_plan_free(plan);
    sp_buf_done(&text);
}

static void survives_repeated_tables(void)
{
    sp_buf text;
    sp_buf_init(&text);
    CHECK_INT(sp_buf_adds(&text, "x-s: &s [0"), 0);
    for (int i = 1; i < 5000; i++)
        CHECK_INT(sp_buf_printf(&text, ", %d", i), 0);
    CHECK_INT(sp_buf_adds(&text, "]\ntables:\n- &t\n  name: t\n  rows: 1\n  columns:\n"), 0);
    for (int i = 0; i < 500; i++)
        CHECK_INT(sp_buf_printf(&text, "  - {name: c%d, set: *s}\n", i), 0);
    for (int i = 0; i < 500; i++)
        CHECK_INT(sp_buf_printf(&text, "- {<<: *t, name: t%d}\n", i), 0);
    spate_plan *plan = parse_bytes(text.data, text.len);
    CHECK_INT(spate_plan_mistakes(plan), 1);
    CHECK(strstr(spate_plan_mistake(plan, 0)->message, "aliases repeat too much"));
    spate_plan_free(plan);
    sp_buf_done(&text);
}

static void refuses_long_chains(void)
{
    sp_buf text;
    sp_buf_init(&text);
    CHECK_INT(sp_buf_adds(&text, TABLE "  - {name: c0, inc: 1}\n"), 0);
    for (int i = 1; i < 100; i++)
        CHECK_INT(sp_buf_printf(&text, "  - {name: c%d, ref: t.c%d}\n", i, i - 1), 0);
    spate_plan *plan = parse_bytes(text.data, text.len);
    CHECK_INT(spate_plan_mistakes(plan), 1);
    CHECK_INT(spate_plan_mistake(plan, 0)->line, 5 + SP_PLAN_HOPS_MAX + 1);
    spate_plan_free(plan);
    sp_buf_done(&text);
}

static void counts_mistakes_beyond_the_limit(void)
{
    sp_buf text;
    sp_buf_init(&text);
    CHECK_INT(sp_buf_adds(&text, TABLE), 0);
    for (int i = 0; i < 1500; i++)
        CHECK_INT(sp_buf_printf(&text, "  - {name: c%d, inc: x}\n", i), 0);
    spate_plan *plan = parse_bytes(text.data, text.len);
    CHECK_INT(spate_plan_mistakes(plan), SP_MISTAKES_MAX);
    CHECK_INT(plan->mistakes.n_errors, 1500);
    spate_plan_free(plan);
    sp_buf_done(&text);
}

/* Whichever allocation of ours fails: no leak, no crash, and never a good plan made of half the
 * text. */
static void survives_no_memory(void)
{
    static const char text[] = "tables:\n- {name: a, rows: 3, columns: [{name: x, inc: 1}, {name: "
                               "s, set: [a, b, c], unique: true, type: enum}]}\n"
                               "- {name: b, rows: 1, columns: [{name: y, ref: a.x, type: 'int[]'}, "
                               "{name: z, ref: a.q}, {name: w, expr: \"y.s || if(y = 'it''s', 1, 2)\"}]}\n";
    for (uint64_t nth = 1; nth < 1000; nth++) {
        spate_plan *plan = NULL;
        spate_error err = {0};
        sp_alloc_fail_at(nth);
        int status = sp_plan_parse("test.yaml", text, sizeof(text) - 1, &plan, &err);
        sp_alloc_fail_at(0);
        CHECK(status == SPATE_OK || status == SPATE_E_NOMEM);
        CHECK((status == SPATE_OK) == (plan != NULL));
        if (plan)
            CHECK_INT(plan->mistakes.n_errors, 1);
        spate_plan_free(plan);
    }
}

/* ---- types ---- */

static void knows_sql_types(void)
{
    static const struct {
        const char *sql;
        sp_kind kind;
        int precision, scale;
    } types[] = {
        {"smallint", SP_I16, 0, 0},
        {"INT2", SP_I16, 0, 0},
        {"Integer", SP_I32, 0, 0},
        {"int8", SP_I64, 0, 0},
        {"real", SP_F32, 0, 0},
        {"float(24)", SP_F32, 0, 0},
        {"float(25)", SP_F64, 0, 0},
        {"double  precision", SP_F64, 0, 0},
        {"numeric", SP_DECIMAL, 18, 2},
        {"decimal(10)", SP_DECIMAL, 10, 0},
        {" numeric ( 10 , 2 ) ", SP_DECIMAL, 10, 2},
        {"bool", SP_BOOL, 0, 0},
        {"date", SP_DATE, 0, 0},
        {"time", SP_TIME, 0, 0},
        {"timestamp(3)", SP_TIMESTAMP, 0, 0},
        {"timestamp without time zone", SP_TIMESTAMP, 0, 0},
        {"timestamp(6) with time zone", SP_TIMESTAMPTZ, 0, 0},
        {"timestamptz", SP_TIMESTAMPTZ, 0, 0},
        {"interval", SP_INTERVAL, 0, 0},
        {"uuid", SP_UUID, 0, 0},
        {"character varying(20)", SP_TEXT, 0, 0},
        {"char(3)", SP_TEXT, 0, 0},
        {"STRING", SP_TEXT, 0, 0},
        {"jsonb", SP_JSON, 0, 0},
        {"bytea", SP_BYTES, 0, 0},
        {"blob", SP_BYTES, 0, 0},
    };
    char why[SP_TYPE_WHY_MAX];
    sp_arena arena;
    sp_arena_init(&arena);
    for (size_t i = 0; i < SP_COUNT(types); i++) {
        const sp_type *t = sp_type_parse(sp_str_of(types[i].sql), &arena, why);
        if (!t) {
            CHECK_STR(types[i].sql, "a known type");
            continue;
        }
        CHECK_INT(t->kind, types[i].kind);
        CHECK_INT(t->precision, types[i].precision);
        CHECK_INT(t->scale, types[i].scale);
    }
    const sp_type *list = sp_type_parse(sp_str_of("varchar(10) []"), &arena, why);
    CHECK(list && list->kind == SP_LIST && list->item->kind == SP_TEXT);
    list = sp_type_parse(sp_str_of("numeric(5,1)[3]"), &arena, why);
    CHECK(list && list->kind == SP_LIST && list->item->precision == 5);
    sp_arena_done(&arena);
}

static void refuses_other_types(void)
{
    static const char *const types[][2] = {
        {"", "is no SQL type, such as"},   {"timestmap", "did you mean \"timestamp\""},
        {"int(", "is no SQL type"},        {"numeric(1001)", "1 to 1000"},
        {"numeric(5,6)", "a scale"},       {"numeric(1,2,3)", "is no SQL type"},
        {"uuid(3)", "no numbers"},         {"varchar(0)", "at least 1"},
        {"varchar(1,2)", "fewer numbers"}, {"int[][]", "is no SQL type"},
        {"timestamp(7)", "0 to 6"},        {"varchar(x)", "did you mean \"varchar\""},
        {"[]", "is no SQL type, such as"}};
    char why[SP_TYPE_WHY_MAX];
    sp_arena arena;
    sp_arena_init(&arena);
    for (size_t i = 0; i < SP_COUNT(types); i++) {
        CHECK(!sp_type_parse(sp_str_of(types[i][0]), &arena, why));
        if (!strstr(why, types[i][1]))
            CHECK_STR(why, types[i][1]);
    }
    sp_arena_done(&arena);
}

/* ---- files ---- */

static void opens_files(void)
{
    spate_error err = {0};
    spate_plan *plan = (spate_plan *)&err;
    CHECK_INT(spate_plan_open("/nonexistent/plan.yaml", &plan, &err), SPATE_E_IO);
    CHECK(!plan);
    const char *dir = getenv("SPATE_EXAMPLES");
    static const char *const names[] = {"shop.yaml", "stress.yaml"};
    for (size_t i = 0; i < SP_COUNT(names); i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", dir ? dir : "examples", names[i]);
        CHECK_INT(spate_plan_open(path, &plan, &err), SPATE_OK);
        CHECK_INT(plan ? spate_plan_mistakes(plan) : 99, 0);
        CHECK_INT(plan ? spate_plan_tables(plan) : 0, i == 0 ? 6 : 2);
        spate_plan_free(plan);
    }
}

int main(void)
{
    RUN(reads_all_modes);
    RUN(reads_all_ranges);
    RUN(reads_native_keys);
    RUN(reads_json);
    RUN(merges_and_shares);
    RUN(resolves_qualified_names);
    RUN(reads_texts_in_all_styles);
    RUN(takes_only_the_first_document);
    RUN(tells_all_mistakes);
    RUN(shows_what_it_found);
    RUN(rows_can_change);
    RUN(survives_depth);
    RUN(survives_repetition);
    RUN(survives_alias_bombs);
    RUN(survives_repeated_tables);
    RUN(refuses_long_chains);
    RUN(counts_mistakes_beyond_the_limit);
    RUN(survives_no_memory);
    RUN(knows_sql_types);
    RUN(refuses_other_types);
    RUN(opens_files);
    return check_done();
}
