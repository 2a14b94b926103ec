/* layout.c - Go's time layouts: a date written the way the reference time Mon Jan 2 15:04:05 MST 2006 would be. Facts from the
 * documentation of Go's package time. What is written is in UTC; what is read may have an offset. */
#include "base/base.h"

typedef enum element {
    LITERAL,
    YEAR4,
    YEAR2,
    MONTH_LONG,
    MONTH_SHORT,
    MONTH2,
    MONTH1,
    DAY2,
    DAY_SPACE,
    DAY1,
    DAY_OF_YEAR3,
    DAY_OF_YEAR_SPACE,
    WEEKDAY_LONG,
    WEEKDAY_SHORT,
    HOUR24,
    HOUR12_2,
    HOUR12_1,
    MINUTE2,
    MINUTE1,
    SECOND2,
    SECOND1,
    PM_UPPER,
    PM_LOWER,
    FRACTION_ZEROS,
    FRACTION_TRIMMED,
    ZONE_Z,
    ZONE_OFFSET,
    ZONE_NAME
} element;

typedef struct part {
    element element;
    sp_str text;     /* LITERAL; zone offsets: what UTC is written as */
    uint32_t digits; /* fractions */
} part;

struct sp_layout {
    part *parts;
    uint32_t n;
    uint32_t text_max;
};

static const struct word {
    const char *text;
    element element;
    const char *utc; /* how an offset is written in UTC */
    /* clang-format off */
} words[] = { /* longer before shorter where one starts the other */
    {"January", MONTH_LONG, 0}, {"Jan", MONTH_SHORT, 0}, {"Monday", WEEKDAY_LONG, 0}, {"Mon", WEEKDAY_SHORT, 0},
    {"MST", ZONE_NAME, "UTC"}, {"2006", YEAR4, 0}, {"002", DAY_OF_YEAR3, 0}, {"__2", DAY_OF_YEAR_SPACE, 0}, {"_2", DAY_SPACE, 0},
    {"01", MONTH2, 0}, {"02", DAY2, 0}, {"03", HOUR12_2, 0}, {"04", MINUTE2, 0}, {"05", SECOND2, 0}, {"06", YEAR2, 0},
    {"15", HOUR24, 0}, {"PM", PM_UPPER, 0}, {"pm", PM_LOWER, 0},
    {"-07:00:00", ZONE_OFFSET, "+00:00:00"}, {"-070000", ZONE_OFFSET, "+000000"}, {"-07:00", ZONE_OFFSET, "+00:00"},
    {"-0700", ZONE_OFFSET, "+0000"}, {"-07", ZONE_OFFSET, "+00"}, {"Z07:00:00", ZONE_Z, "Z"}, {"Z070000", ZONE_Z, "Z"},
    {"Z07:00", ZONE_Z, "Z"}, {"Z0700", ZONE_Z, "Z"}, {"Z07", ZONE_Z, "Z"},
    {"1", MONTH1, 0}, {"2", DAY1, 0}, {"3", HOUR12_1, 0}, {"4", MINUTE1, 0}, {"5", SECOND1, 0},
};
/* clang-format on */

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const weekdays[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

static bool starts_with(sp_str s, const char *word)
{
    size_t len = strlen(word);
    return s.len >= len && memcmp(s.p, word, len) == 0;
}

/* .000 and .999 (or with a comma) not followed by another digit: the length, or 0. */
static size_t fraction_len(sp_str s)
{
    if (s.len < 2 || (s.p[0] != '.' && s.p[0] != ',') || (s.p[1] != '0' && s.p[1] != '9'))
        return 0;
    size_t i = 1;
    while (i < s.len && s.p[i] == s.p[1])
        i++;
    bool more_digits = i < s.len && s.p[i] >= '0' && s.p[i] <= '9';
    return more_digits ? 0 : i;
}

/* The element at the start of s and its length in the layout; LITERAL of length 1 when there is none. */
static size_t next_part(sp_str s, part *to)
{
    size_t fraction = fraction_len(s);
    if (fraction) {
        *to = (part){s.p[1] == '0' ? FRACTION_ZEROS : FRACTION_TRIMMED, {s.p, 1}, (uint32_t)fraction - 1};
        return fraction;
    }
    for (size_t i = 0; i < SP_COUNT(words); i++)
        if (starts_with(s, words[i].text)) {
            *to = (part){words[i].element, words[i].utc ? sp_str_of(words[i].utc) : (sp_str){0}, 0};
            return strlen(words[i].text);
        }
    *to = (part){LITERAL, {s.p, 1}, 0};
    return 1;
}

const sp_layout *sp_layout_new(sp_arena *arena, sp_str text)
{
    sp_layout *l = sp_arena_alloc(arena, 1, sizeof(*l));
    char *copy = sp_arena_strndup(arena, text.p, text.len);
    part *parts = sp_arena_alloc(arena, text.len + 1, sizeof(*parts));
    if (!l || !copy || !parts)
        return NULL;
    l->parts = parts;
    for (sp_str rest = {copy, text.len}; rest.len > 0;) {
        part next;
        size_t len = next_part(rest, &next);
        part *last = l->n ? &parts[l->n - 1] : NULL;
        if (next.element == LITERAL && last && last->element == LITERAL && last->text.p + last->text.len == rest.p)
            last->text.len++;
        else
            parts[l->n++] = next;
        l->text_max += next.element == LITERAL ? 1 : 12;
        rest.p += len;
        rest.len -= len;
    }
    return l;
}

uint32_t sp_layout_text_max(const sp_layout *l)
{
    return SP_MAX(l->text_max, 1u);
}

static char *put_padded(char *p, uint64_t v, unsigned width, char pad)
{
    for (unsigned i = width; i > 1; i--)
        if (v < sp_pow10[i - 1])
            *p++ = pad;
    return sp_put_u64(p, v);
}

static char *put_str(char *p, const char *s, size_t len)
{
    memcpy(p, s, len);
    return p + len;
}

static char *put_fraction(char *p, const part *part, int32_t us)
{
    char digits[9];
    for (int i = 8; i >= 0; i--)
        digits[i] = '0';
    for (int i = 5, v = us; i >= 0; i--, v /= 10)
        digits[i] = (char)('0' + v % 10);
    uint32_t n = SP_MIN(part->digits, 9u);
    if (part->element == FRACTION_TRIMMED)
        while (n > 0 && digits[n - 1] == '0')
            n--;
    if (n == 0)
        return p;
    *p++ = part->text.p[0];
    return put_str(p, digits, n);
}

static char *put_part(char *p, const part *part, const sp_civil *c, int32_t days)
{
    unsigned hour12 = c->hour % 12 ? c->hour % 12 : 12;
    const char *name;
    switch (part->element) {
    case LITERAL:
    case ZONE_NAME:
    case ZONE_Z:
    case ZONE_OFFSET: return put_str(p, part->text.p, part->text.len);
    case YEAR4: return put_padded(p, (uint64_t)SP_MAX(c->year, 0), 4, '0');
    case YEAR2: return put_padded(p, (uint64_t)(SP_MAX(c->year, 0) % 100), 2, '0');
    case MONTH_LONG: name = months[c->month - 1]; return put_str(p, name, strlen(name));
    case MONTH_SHORT: return put_str(p, months[c->month - 1], 3);
    case MONTH2: return put_padded(p, c->month, 2, '0');
    case MONTH1: return sp_put_u64(p, c->month);
    case DAY2: return put_padded(p, c->day, 2, '0');
    case DAY_SPACE: return put_padded(p, c->day, 2, ' ');
    case DAY1: return sp_put_u64(p, c->day);
    case DAY_OF_YEAR3: return put_padded(p, (uint64_t)(days - sp_days_from_civil(c->year, 1, 1) + 1), 3, '0');
    case DAY_OF_YEAR_SPACE: return put_padded(p, (uint64_t)(days - sp_days_from_civil(c->year, 1, 1) + 1), 3, ' ');
    case WEEKDAY_LONG: name = weekdays[((days % 7) + 11) % 7]; return put_str(p, name, strlen(name));
    case WEEKDAY_SHORT: return put_str(p, weekdays[((days % 7) + 11) % 7], 3);
    case HOUR24: return put_padded(p, c->hour, 2, '0');
    case HOUR12_2: return put_padded(p, hour12, 2, '0');
    case HOUR12_1: return sp_put_u64(p, hour12);
    case MINUTE2: return put_padded(p, c->minute, 2, '0');
    case MINUTE1: return sp_put_u64(p, c->minute);
    case SECOND2: return put_padded(p, c->second, 2, '0');
    case SECOND1: return sp_put_u64(p, c->second);
    case PM_UPPER: return put_str(p, c->hour < 12 ? "AM" : "PM", 2);
    case PM_LOWER: return put_str(p, c->hour < 12 ? "am" : "pm", 2);
    case FRACTION_ZEROS:
    case FRACTION_TRIMMED: return put_fraction(p, part, c->microsecond);
    }
    return p;
}

char *sp_layout_put(const sp_layout *l, int64_t us, char *p)
{
    sp_civil c;
    sp_civil_from_us(us, &c);
    int32_t days = sp_days_from_civil(c.year, c.month, c.day);
    for (uint32_t i = 0; i < l->n; i++)
        p = put_part(p, &l->parts[i], &c, days);
    return p;
}

/* ---- reading ---- */

/* A moment while its parts are read: they may come in any order. */
typedef struct moment {
    int32_t year;
    unsigned month, day, day_of_year; /* 0: not given */
    unsigned hour, minute, second;
    int32_t us, offset_s;
    bool afternoon, twelve_hours;
} moment;

/* Digits at the start of *s, at least and at most so many. */
static bool take_number(sp_str *s, size_t least, size_t most, unsigned *v)
{
    size_t n = 0;
    for (*v = 0; n < most && n < s->len && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        *v = *v * 10 + (unsigned)(s->p[n] - '0');
    s->p += n;
    s->len -= n;
    return n >= least;
}

static bool take_text(sp_str *s, sp_str text)
{
    if (s->len < text.len || memcmp(s->p, text.p, text.len) != 0)
        return false;
    s->p += text.len;
    s->len -= text.len;
    return true;
}

/* One of the names, whole or its first three letters: its number, or -1. */
static int take_name(sp_str *s, const char *const *names, int n, bool whole)
{
    for (int i = 0; i < n; i++)
        if (take_text(s, (sp_str){names[i], whole ? strlen(names[i]) : 3}))
            return i;
    return -1;
}

static bool take_fraction(sp_str *s, moment *m)
{
    if (s->len < 2 || (s->p[0] != '.' && s->p[0] != ','))
        return false;
    size_t i = 1;
    int32_t unit = 100000;
    for (m->us = 0; i < s->len && s->p[i] >= '0' && s->p[i] <= '9'; i++, unit /= 10)
        m->us += unit * (s->p[i] - '0');
    s->p += i;
    s->len -= i;
    return i > 1;
}

/* +02:00, +0200, +02, and Z where the layout has one. */
static bool take_offset(sp_str *s, moment *m, bool z)
{
    unsigned hours, minutes = 0;
    if (z && take_text(s, sp_str_of("Z")))
        return true;
    bool minus = s->len && s->p[0] == '-';
    if (!minus && !(s->len && s->p[0] == '+'))
        return false;
    s->p++;
    s->len--;
    if (!take_number(s, 2, 2, &hours) || hours > 23)
        return false;
    if (take_text(s, sp_str_of(":")) ? !take_number(s, 2, 2, &minutes) : s->len >= 2 && !take_number(s, 2, 2, &minutes))
        return false;
    m->offset_s = (int32_t)(hours * 3600 + minutes * 60) * (minus ? -1 : 1);
    return minutes < 60;
}

static bool take_zone_name(sp_str *s)
{
    size_t n = 0;
    while (n < s->len && s->p[n] >= 'A' && s->p[n] <= 'Z')
        n++;
    s->p += n;
    s->len -= n;
    return n >= 3;
}

static bool take_part(sp_str *s, const part *a, moment *m)
{
    unsigned v = 0;
    bool good = true;
    int name;
    switch (a->element) {
    case LITERAL: return take_text(s, a->text);
    case YEAR4:
        good = take_number(s, 4, 4, &v);
        m->year = (int32_t)v;
        return good;
    case YEAR2:
        good = take_number(s, 2, 2, &v);
        m->year = (int32_t)(v + (v < 69 ? 2000 : 1900));
        return good;
    case MONTH_LONG:
    case MONTH_SHORT:
        name = take_name(s, months, 12, a->element == MONTH_LONG);
        m->month = (unsigned)(name + 1);
        return name >= 0;
    case WEEKDAY_LONG:
    case WEEKDAY_SHORT: return take_name(s, weekdays, 7, a->element == WEEKDAY_LONG) >= 0;
    case MONTH2: return take_number(s, 2, 2, &m->month);
    case MONTH1: return take_number(s, 1, 2, &m->month);
    case DAY2: return take_number(s, 2, 2, &m->day);
    case DAY_SPACE: take_text(s, sp_str_of(" ")); return take_number(s, 1, 2, &m->day);
    case DAY1: return take_number(s, 1, 2, &m->day);
    case DAY_OF_YEAR3: return take_number(s, 3, 3, &m->day_of_year);
    case DAY_OF_YEAR_SPACE:
        while (take_text(s, sp_str_of(" ")))
            ;
        return take_number(s, 1, 3, &m->day_of_year);
    case HOUR24: return take_number(s, 2, 2, &m->hour);
    case HOUR12_2:
    case HOUR12_1:
        m->twelve_hours = true;
        return take_number(s, a->element == HOUR12_2 ? 2 : 1, 2, &m->hour) && m->hour <= 12;
    case MINUTE2:
    case MINUTE1: return take_number(s, a->element == MINUTE2 ? 2 : 1, 2, &m->minute);
    case SECOND2:
    case SECOND1: return take_number(s, a->element == SECOND2 ? 2 : 1, 2, &m->second);
    case PM_UPPER:
    case PM_LOWER:
        m->afternoon = take_text(s, sp_str_of(a->element == PM_UPPER ? "PM" : "pm"));
        return m->afternoon || take_text(s, sp_str_of(a->element == PM_UPPER ? "AM" : "am"));
    case FRACTION_ZEROS: return take_fraction(s, m);
    case FRACTION_TRIMMED: return !s->len || s->p[0] != a->text.p[0] || take_fraction(s, m);
    case ZONE_Z: return take_offset(s, m, true);
    case ZONE_OFFSET: return take_offset(s, m, false);
    case ZONE_NAME: return take_zone_name(s);
    }
    return false;
}

static bool moment_us(moment *m, int64_t *us)
{
    if (m->twelve_hours)
        m->hour = m->hour % 12 + (m->afternoon ? 12 : 0);
    if (m->hour > 23 || m->minute > 59 || m->second > 59 || m->month > 12 || m->day > 31)
        return false;
    int32_t days = sp_days_from_civil(m->year, m->month ? m->month : 1, m->day ? m->day : 1);
    int32_t year;
    unsigned month, day;
    sp_civil_from_days(days, &year, &month, &day);
    if (m->day && day != m->day) /* February 30 */
        return false;
    if (m->day_of_year)
        days = sp_days_from_civil(m->year, 1, 1) + (int32_t)m->day_of_year - 1;
    int64_t seconds = (int64_t)m->hour * 3600 + m->minute * 60 + m->second - m->offset_s;
    *us = days * SP_US_PER_DAY + seconds * SP_US_PER_SECOND + m->us;
    return true;
}

/* Seconds may have a fraction that the layout does not ask for, unless a point of its own follows. */
static bool may_have_fraction(const sp_layout *l, uint32_t i)
{
    bool second = l->parts[i].element == SECOND2 || l->parts[i].element == SECOND1;
    const part *next = i + 1 < l->n ? &l->parts[i + 1] : NULL;
    bool point = next && next->element == LITERAL && next->text.p[0] == '.';
    return second && !point && !(next && (next->element == FRACTION_ZEROS || next->element == FRACTION_TRIMMED));
}

bool sp_layout_parse(const sp_layout *l, sp_str s, int64_t *us)
{
    moment m = {0};
    for (uint32_t i = 0; i < l->n; i++) {
        if (!take_part(&s, &l->parts[i], &m))
            return false;
        if (may_have_fraction(l, i) && s.len && s.p[0] == '.' && !take_fraction(&s, &m))
            return false;
    }
    return s.len == 0 && moment_us(&m, us);
}
