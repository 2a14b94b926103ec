/* schema.c - facts about kinds and schemas. */
#include "batch/batch.h"

/* "3 days " or, behind a negative part, "+3 days ". */
static char *put_quantity(char *p, int64_t n, const char *unit, bool *minus)
{
    *p = '+';
    p += *minus && n > 0;
    *minus = n < 0;
    p = sp_put_i64(p, n);
    *p++ = ' ';
    size_t len = strlen(unit);
    memcpy(p, unit, len);
    p += len;
    *p = 's';
    p += n != 1;
    *p++ = ' ';
    return p;
}

/* Hours may have any number of digits, and minutes and seconds are those of a time of day. */
static char *put_span(char *p, uint64_t us)
{
    const uint64_t hour = 3600 * (uint64_t)SP_US_PER_SECOND;
    if (us < 24 * hour)
        return sp_put_time(p, (int64_t)us);
    char *end = sp_put_u64(p, us / hour);
    char last_two[2] = {end[-2], end[-1]};
    p = sp_put_time(end - 2, (int64_t)(us % hour)); /* its "00" falls on the hours' last two digits */
    memcpy(end - 2, last_two, 2);
    return p;
}

/* "1 year 2 mons -3 days +04:05:06.5": PostgreSQL's own style. The plus behind a minus is not for beauty: to a session
 * in the style sql_standard a lone leading minus means every part. */
char *sp_put_interval(char *p, sp_interval v)
{
    bool minus = false;
    if (v.months / 12)
        p = put_quantity(p, v.months / 12, "year", &minus);
    if (v.months % 12)
        p = put_quantity(p, v.months % 12, "mon", &minus);
    if (v.days)
        p = put_quantity(p, v.days, "day", &minus);
    if (v.us == 0 && (v.months || v.days))
        return p - 1;
    *p = v.us < 0 ? '-' : '+';
    p += v.us < 0 || minus;
    return put_span(p, v.us < 0 ? -(uint64_t)v.us : (uint64_t)v.us);
}

static const struct kind_facts {
    const char *name;
    uint8_t width;
    uint8_t text_max;
} facts[SP_KINDS] = {
    [SP_BOOL] = {"boolean", 0, 5},
    [SP_I16] = {"int16", 2, 6},
    [SP_I32] = {"int32", 4, 11},
    [SP_I64] = {"int64", 8, SP_I64_TEXT_MAX},
    [SP_U64] = {"uint64", 8, SP_I64_TEXT_MAX},
    [SP_F32] = {"float32", 4, SP_F64_TEXT_MAX},
    [SP_F64] = {"float64", 8, SP_F64_TEXT_MAX},
    [SP_DECIMAL] = {"decimal", 8, SP_DECIMAL_TEXT_MAX},
    [SP_DATE] = {"date", 4, SP_DATE_TEXT_MAX},
    [SP_TIME] = {"time", 8, SP_TIMESTAMP_TEXT_MAX},
    [SP_TIMESTAMP] = {"timestamp", 8, SP_TIMESTAMP_TEXT_MAX},
    [SP_TIMESTAMPTZ] = {"timestamptz", 8, SP_TIMESTAMP_TEXT_MAX},
    [SP_INTERVAL] = {"interval", sizeof(sp_interval), SP_INTERVAL_TEXT_MAX},
    [SP_UUID] = {"uuid", 16, SP_UUID_TEXT},
    [SP_TEXT] = {"text", 0, 0},
    [SP_JSON] = {"json", 0, 0},
    [SP_BYTES] = {"bytes", 0, 0},
    [SP_LIST] = {"list", 0, 0},
};

uint32_t sp_kind_width(sp_kind kind)
{
    return facts[kind].width;
}

bool sp_kind_is_signed(sp_kind kind)
{
    return kind == SP_I16 || kind == SP_I32 || kind == SP_I64;
}

bool sp_kind_is_integer(sp_kind kind)
{
    return kind == SP_U64 || sp_kind_is_signed(kind);
}

bool sp_kind_is_text(sp_kind kind)
{
    return kind == SP_TEXT || kind == SP_JSON;
}

const char *sp_kind_name(sp_kind kind)
{
    return facts[kind].name;
}

uint32_t sp_kind_text_max(sp_kind kind)
{
    return facts[kind].text_max;
}

/* Text is guessed at half its maximum, which is near the truth for names and e-mails and far off only for what is huge. */
static uint32_t field_bytes(const sp_field *f)
{
    if (f->type.kind == SP_BOOL)
        return 1;
    uint32_t width = sp_kind_width(f->type.kind);
    if (width)
        return width;
    return f->bounds.text_max ? f->bounds.text_max / 2 + 4 : 36;
}

uint32_t sp_schema_row_bytes(const sp_schema *schema)
{
    uint64_t bytes = 2;
    for (uint32_t i = 0; i < schema->n_fields; i++)
        bytes += 4 + (uint64_t)field_bytes(&schema->fields[i]);
    return (uint32_t)SP_MIN(bytes, (uint64_t)UINT32_MAX);
}

uint64_t sp_whole_batches(uint64_t rows)
{
    return rows < SP_BATCH_ROWS_MAX ? SP_MAX(rows, (uint64_t)1) : rows - rows % SP_BATCH_ROWS_MAX;
}

const char *sp_table_bare(const char *table)
{
    const char *dot = strrchr(table, '.');
    return dot ? dot + 1 : table;
}

int sp_schema_find(const sp_schema *schema, const char *name)
{
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return (int)i;
    return -1;
}

int sp_field_copy_type(sp_arena *arena, const sp_field *from, sp_field *to)
{
    sp_str *labels = sp_arena_alloc(arena, from->n_labels + 1, sizeof(*labels));
    sp_type *item = sp_arena_alloc(arena, 1, sizeof(*item));
    const char *spelled = from->sql_type ? sp_arena_strndup(arena, from->sql_type, strlen(from->sql_type)) : NULL;
    if (!labels || !item || (from->sql_type && !spelled))
        return SPATE_E_NOMEM;
    for (uint32_t i = 0; i < from->n_labels; i++) {
        labels[i] = (sp_str){sp_arena_strndup(arena, from->labels[i].p, from->labels[i].len), from->labels[i].len};
        if (!labels[i].p)
            return SPATE_E_NOMEM;
    }
    to->type = from->type;
    to->sql_type = spelled;
    to->labels = from->n_labels ? labels : NULL;
    to->n_labels = from->n_labels;
    if (from->type.item) { /* there are no lists of lists */
        *item = *from->type.item;
        to->type.item = item;
    }
    return SPATE_OK;
}
