/* entity.c - persons and places: things of which several columns tell, so that they agree. A row's person is drawn by a key that its
 * columns share, and every field is a function of that one draw. */
#include "gen/build.h"
#include "gen/locale.h"

enum { FIELD_MAX = 96 }; /* bytes of a field's text, where it is not known any better */

typedef struct entity_cell entity_cell;

/* What a field is made of. draw is the row's, the same for all fields. */
typedef char *field_fn(const entity_cell *c, uint64_t draw, char *p);
typedef double number_fn(const entity_cell *c, uint64_t draw);

typedef struct field {
    const char *name;
    field_fn *put;     /* a text, or */
    number_fn *number; /* a number */
} field;

/* What persons are made of, by gender. */
typedef struct names {
    const sp_words *first, *last;
    const sp_words *first_letters, *last_letters; /* the same names in Latin letters, of the same numbers */
    const sp_words *title;                        /* NULL: the usual English ones */
    sp_str gender;
} names;

enum { MALE, FEMALE, GENDERS };
struct entity_cell {
    sp_cell cell;
    const field *field;
    names names[GENDERS]; /* of a person */
    bool last_first;      /* the order of names, and what stands between them */
    sp_str gap;
    sp_guide cities; /* of a place: the larger, the oftener */
};

static int entity_fill(const sp_cell *cell, const uint64_t *rows, uint32_t n, sp_column *out, sp_gen_scratch *scratch)
{
    const entity_cell *c = (const entity_cell *)cell;
    for (uint32_t i = 0; i < n && c->field->number; i++)
        ((double *)out->data)[i] = c->field->number(c, sp_draw(cell->key, rows[i]));
    if (c->field->number)
        return SPATE_OK;
    if (sp_column_reserve_bytes(out, (size_t)n * cell->bounds.text_max) != SPATE_OK)
        return SPATE_E_NOMEM;
    char *p = out->bytes;
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        p = c->field->put(c, sp_draw(cell->key, rows[i]), p);
        out->offsets[i + 1] = (int32_t)(p - out->bytes);
    }
    return SPATE_OK;
}

static const sp_cell_ops entity_ops = {entity_fill, NULL};

static entity_cell *new_entity(const sp_build *b, const field *fields, uint32_t n, const char *what)
{
    const char *names[32];
    sp_str wanted = b->column->text;
    for (uint32_t i = 0; i < n; i++) {
        names[i] = fields[i].name;
        if (!sp_str_ieq(wanted, names[i]))
            continue;
        entity_cell *c = sp_arena_alloc(b->arena, 1, sizeof(*c));
        if (!c)
            return NULL;
        bool number = fields[i].number != NULL;
        /* Without a draw of their own, all columns of a table that tell of a person tell of the same one. */
        const char *table = b->table->from ? "" : b->table->name; /* where values are masked, every table agrees */
        uint64_t own = sp_hash64(table, strlen(table), sp_build_seed(b));
        uint64_t key = sp_hash64(what, strlen(what), b->column->draw.len ? b->key : own);
        c->field = &fields[i];
        c->cell = (sp_cell){.ops = &entity_ops, .key = key, .type = {.kind = number ? SP_F64 : SP_TEXT}};
        c->cell.text_max = number ? SP_F64_TEXT_MAX : FIELD_MAX;
        c->cell.bounds.text_max = number ? 0 : FIELD_MAX;
        c->cell.has_float_range = number;
        c->cell.min_f = -180;
        c->cell.max_f = 180;
        return c;
    }
    const char *near = sp_nearest(wanted, names, n);
    sp_mistake(b->mistakes, b->column->mode_mark, wanted, "is nothing that a %s has%s%s%s", what,
               near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    return NULL;
}

static char *put(char *p, const char *text)
{
    while (*text)
        *p++ = *text++;
    return p;
}

/* So that a type with a length can be held against it. */
static void set_longest(entity_cell *c, size_t longest)
{
    if (!c->field->number)
        c->cell.text_max = c->cell.bounds.text_max = (uint32_t)longest;
}

/* ---- persons --------------------------------------------------------------------------------------------------------- */

typedef struct person {
    bool female;
    sp_str first, last;
    sp_str account_first, account_last; /* as an address has them */
    uint64_t style;                     /* how the name becomes an address */
} person;

static void choose_name(const sp_words *words, const sp_words *letters, uint64_t *z, sp_str *name, sp_str *account)
{
    uint64_t i = sp_take(z, words->count);
    *name = sp_word(words, i);
    *account = sp_word(letters, i);
}

static person person_of(const entity_cell *c, uint64_t draw)
{
    person p = {.female = sp_take(&draw, 2)};
    const names *from = &c->names[p.female];
    choose_name(from->first, from->first_letters, &draw, &p.first, &p.account_first);
    choose_name(from->last, from->last_letters, &draw, &p.last, &p.account_last);
    p.style = draw;
    return p;
}

/* A word, behind which there is room to read. */
static char *put_str(char *p, sp_str s)
{
    return sp_copy_short(p, s.p, s.len);
}

/* Any text, of which nothing else may be read. */
static char *put_exact(char *p, sp_str s)
{
    memcpy(p, s.p, s.len);
    return p + s.len;
}

/* The letters of a name, small. */
static char *put_letters(char *p, sp_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = (char)(s.p[i] | 0x20);
        *p = c;
        p += c >= 'a' && c <= 'z';
    }
    return p;
}

static char *put_gender(const entity_cell *c, uint64_t draw, char *p)
{
    return put_exact(p, c->names[person_of(c, draw).female].gender);
}

static char *put_title(const entity_cell *c, uint64_t draw, char *p)
{
    person who = person_of(c, draw);
    const sp_words *titles = c->names[who.female].title;
    uint64_t z = sp_draw_next(who.style);
    if (titles)
        return put_str(p, sp_word(titles, sp_take(&z, titles->count)));
    if (sp_take(&z, 16) == 0)
        return put(p, "Dr.");
    return put(p, !who.female ? "Mr." : sp_take(&z, 2) ? "Mrs." : "Ms.");
}

static char *put_first(const entity_cell *c, uint64_t draw, char *p)
{
    return put_str(p, person_of(c, draw).first);
}

static char *put_last(const entity_cell *c, uint64_t draw, char *p)
{
    return put_str(p, person_of(c, draw).last);
}

static char *put_name(const entity_cell *c, uint64_t draw, char *p)
{
    person who = person_of(c, draw);
    p = put_str(p, c->last_first ? who.last : who.first);
    p = put_exact(p, c->gap);
    return put_str(p, c->last_first ? who.first : who.last);
}

static char *put_initial(char *p, sp_str name)
{
    size_t len = 1;
    while (len < name.len && ((unsigned char)name.p[len] & 0xc0) == 0x80)
        len++;
    return put_str(p, (sp_str){name.p, len});
}

static char *put_initials(const entity_cell *c, uint64_t draw, char *p)
{
    person who = person_of(c, draw);
    p = put_initial(p, c->last_first ? who.last : who.first);
    return put_initial(p, c->last_first ? who.first : who.last);
}

/* ann.smith, asmith, ann_smith or annsmith, often with a number behind it. */
static char *put_account(const person *who, char *p)
{
    uint64_t z = who->style;
    uint64_t form = sp_take(&z, 4), number = sp_take(&z, 200);
    char *begin = p;
    p = put_letters(p, who->account_first);
    if (form == 1)
        p = begin + 1;
    if (form == 0 || form == 2)
        *p++ = form ? '_' : '.';
    p = put_letters(p, who->account_last);
    return number < 100 ? sp_put_u64(p, number) : p;
}

static char *put_username(const entity_cell *c, uint64_t draw, char *p)
{
    person who = person_of(c, draw);
    return put_account(&who, p);
}

static char *put_email(const entity_cell *c, uint64_t draw, char *p)
{
    static const char *const domains[] = {"example.com", "example.org", "example.net", "mail.example.com"};
    person who = person_of(c, draw);
    uint64_t z = sp_draw_next(~who.style);
    p = put_account(&who, p);
    *p++ = '@';
    return put(p, domains[sp_take(&z, SP_COUNT(domains))]);
}

static const field person_fields[] = {
    {"gender", put_gender, NULL},     {"title", put_title, NULL}, {"first_name", put_first, NULL},
    {"last_name", put_last, NULL},    {"name", put_name, NULL},   {"initials", put_initials, NULL},
    {"username", put_username, NULL}, {"email", put_email, NULL},
};

static size_t longest_of(const entity_cell *c, const names *of)
{
    size_t first = of->first->len_max, last = of->last->len_max;
    size_t account = of->first_letters->len_max + 1 + of->last_letters->len_max + 2;
    field_fn *put_field = c->field->put;
    return put_field == put_gender     ? of->gender.len
           : put_field == put_title    ? of->title ? of->title->len_max : strlen("Mrs.")
              : put_field == put_first ? first
           : put_field == put_last     ? last
           : put_field == put_initials ? of->first_letters == of->first ? 2 : 8
           : put_field == put_name     ? first + c->gap.len + last
           : put_field == put_username ? account
                                       : account + strlen("@mail.example.com");
}

static sp_str whole_gender(const sp_words *genders, bool female)
{
    return genders && genders->count == 2 ? sp_word(genders, !female) : sp_str_of(female ? "female" : "male");
}

/* Without a locale's own, English. A locale that has first names has all that goes with them. */
static void find_names(entity_cell *c, const sp_func_env *env)
{
    static const char *const first[] = {"first_name_male", "first_name_female"};
    static const char *const first_letters[] = {"first_name_male_letters", "first_name_female_letters"};
    static const char *const last[] = {"last_name_male", "last_name_female"};
    static const char *const last_letters[] = {"last_name_male_letters", "last_name_female_letters"};
    static const char *const titles[] = {"name_prefix_male", "name_prefix_female"};
    const sp_locale *l = env->locale && sp_locale_words(env->locale, sp_str_of(first[MALE])) ? env->locale : NULL;
    const sp_words *genders = env->locale ? sp_locale_words(env->locale, sp_str_of("gender")) : NULL;
    for (int g = 0; g < GENDERS; g++)
        c->names[g] = (names){
            .first = sp_words_of(env, first[g]),
            .last = sp_words_of(env, l ? last[g] : "last_name"),
            .first_letters = sp_words_of(env, l ? first_letters[g] : first[g]),
            .last_letters = sp_words_of(env, l ? last_letters[g] : "last_name"),
            .title = l ? sp_locale_words(l, sp_str_of(titles[g])) : NULL,
            .gender = whole_gender(genders, g == FEMALE),
        };
}

/* A locale's recipe of a whole name: "{last_name} {first_name}". */
static void find_order(entity_cell *c, const sp_func_env *env)
{
    sp_str recipe = env->locale ? sp_locale_recipe(env->locale, sp_str_of("full_name")) : (sp_str){"", 0};
    const char *close = memchr(recipe.p, '}', recipe.len),
               *open = close ? memchr(close, '{', (size_t)(recipe.p + recipe.len - close)) : NULL;
    c->gap = open ? (sp_str){close + 1, (size_t)(open - close - 1)} : sp_str_of(" ");
    c->last_first = recipe.len > 1 && recipe.p[1] == 'l';
}

sp_cell *sp_person_cell(const sp_build *b)
{
    entity_cell *c = new_entity(b, person_fields, SP_COUNT(person_fields), "person");
    if (!c)
        return NULL;
    find_names(c, &b->env);
    find_order(c, &b->env);
    set_longest(c, SP_MAX(longest_of(c, &c->names[MALE]), longest_of(c, &c->names[FEMALE])));
    return &c->cell;
}

/* ---- places ---------------------------------------------------------------------------------------------------------- */

typedef struct country {
    const char *code, *name, *currency, *number;
} country;

typedef struct place {
    const char *city, *state, *state_code, *country, *postcode, *prefix;
    double latitude, longitude;
    const char *timezone;
    uint32_t thousands;
} place;

#define COUNTRY(...) {__VA_ARGS__},
#define PLACE(...)
static const country countries[] = {
#include "gen/places.inc"
};
#undef COUNTRY
#undef PLACE
#define COUNTRY(...)
#define PLACE(...) {__VA_ARGS__},
static const place places[] = {
#include "gen/places.inc"
};
#undef COUNTRY
#undef PLACE

static const place *city_of(const entity_cell *c, uint64_t draw)
{
    return &places[sp_guide_find(&c->cities, draw)];
}

static const country *country_of(const place *at)
{
    size_t i = 0;
    while (i + 1 < SP_COUNT(countries) && strcmp(countries[i].code, at->country) != 0)
        i++;
    return &countries[i];
}

static char *put_pattern(char *p, const char *pattern, uint64_t *z)
{
    for (; *pattern; pattern++)
        *p++ = *pattern == '#'   ? (char)('0' + sp_take(z, 10))
               : *pattern == '%' ? (char)('2' + sp_take(z, 8))
               : *pattern == '?' ? (char)('A' + sp_take(z, 26))
                                 : *pattern;
    return p;
}

static char *put_city(const entity_cell *c, uint64_t draw, char *p)
{
    return put(p, city_of(c, draw)->city);
}

static char *put_state(const entity_cell *c, uint64_t draw, char *p)
{
    return put(p, city_of(c, draw)->state);
}

static char *put_state_code(const entity_cell *c, uint64_t draw, char *p)
{
    return put(p, city_of(c, draw)->state_code);
}

static char *put_country(const entity_cell *c, uint64_t draw, char *p)
{
    return put(p, country_of(city_of(c, draw))->name);
}

static char *put_country_code(const entity_cell *c, uint64_t draw, char *p)
{
    return put(p, city_of(c, draw)->country);
}

static char *put_currency(const entity_cell *c, uint64_t draw, char *p)
{
    return put(p, country_of(city_of(c, draw))->currency);
}

static char *put_timezone(const entity_cell *c, uint64_t draw, char *p)
{
    return put(p, city_of(c, draw)->timezone);
}

static char *put_postcode(const entity_cell *c, uint64_t draw, char *p)
{
    uint64_t z = sp_draw_next(draw);
    return put_pattern(p, city_of(c, draw)->postcode, &z);
}

static char *put_phone(const entity_cell *c, uint64_t draw, char *p)
{
    const place *at = city_of(c, draw);
    uint64_t z = sp_draw_next(~draw);
    return put_pattern(put(p, at->prefix), country_of(at)->number, &z);
}

/* Within some kilometres of the city's middle. */
static double near_by(double middle, uint64_t draw, uint64_t which)
{
    double off = sp_unit(sp_draw_next(draw ^ which)) - 0.5;
    double micros = (middle + off * 0.1) * 1e6;
    return (double)(int64_t)micros / 1e6;
}

static double latitude(const entity_cell *c, uint64_t draw)
{
    return near_by(city_of(c, draw)->latitude, draw, 1);
}

static double longitude(const entity_cell *c, uint64_t draw)
{
    return near_by(city_of(c, draw)->longitude, draw, 2);
}

static char *put_point(const entity_cell *c, uint64_t draw, char *p)
{
    p = put(p, "POINT(");
    p = sp_put_f64(p, longitude(c, draw));
    *p++ = ' ';
    p = sp_put_f64(p, latitude(c, draw));
    *p++ = ')';
    return p;
}

static const field place_fields[] = {
    {"city", put_city, NULL},
    {"state", put_state, NULL},
    {"state_code", put_state_code, NULL},
    {"country", put_country, NULL},
    {"country_code", put_country_code, NULL},
    {"postcode", put_postcode, NULL},
    {"phone", put_phone, NULL},
    {"latitude", NULL, latitude},
    {"longitude", NULL, longitude},
    {"point", put_point, NULL},
    {"timezone", put_timezone, NULL},
    {"currency", put_currency, NULL},
};

static size_t longest_at(field_fn *put_field, const place *at)
{
    const country *in = country_of(at);
    return put_field == put_city           ? strlen(at->city)
           : put_field == put_state        ? strlen(at->state)
           : put_field == put_state_code   ? strlen(at->state_code)
           : put_field == put_country      ? strlen(in->name)
           : put_field == put_country_code ? strlen(at->country)
           : put_field == put_postcode     ? strlen(at->postcode)
           : put_field == put_phone        ? strlen(at->prefix) + strlen(in->number)
           : put_field == put_timezone     ? strlen(at->timezone)
           : put_field == put_currency     ? strlen(in->currency)
                                           : FIELD_MAX;
}

static size_t longest_of_place(const entity_cell *c)
{
    size_t longest = 0;
    for (size_t i = 0; i < SP_COUNT(places); i++)
        longest = SP_MAX(longest, longest_at(c->field->put, &places[i]));
    return longest;
}

/* Is a place where the locale is at home? All are, if the locale has no country, or none that we know. */
static bool is_at_home(const sp_func_env *env, const place *at)
{
    const char *home = env->locale ? env->locale->name->country : "";
    bool known = false;
    for (size_t i = 0; i < SP_COUNT(countries); i++)
        known = known || strcmp(countries[i].code, home) == 0;
    return !known || strcmp(at->country, home) == 0;
}

/* The larger a city, the oftener it comes: by the square root of its people, or the largest would be nearly all. */
sp_cell *sp_place_cell(const sp_build *b)
{
    double weights[SP_COUNT(places)];
    entity_cell *c = new_entity(b, place_fields, SP_COUNT(place_fields), "place");
    for (size_t i = 0; i < SP_COUNT(places); i++)
        weights[i] = is_at_home(&b->env, &places[i]) ? __builtin_sqrt(places[i].thousands) : 0;
    if (b->env.local)
        *b->env.local = true;
    if (c)
        set_longest(c, longest_of_place(c));
    return c && sp_guide_build(&c->cities, b->arena, weights, SP_COUNT(places)) ? &c->cell : NULL;
}
