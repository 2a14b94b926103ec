/* words.c - what the name of a column says of its values, and what is a value of a type that has no words of its own.
 *
 * Names are cut into words ("createdAt" and "created_at" are two words each), and a rule's words must stand at the name's end,
 * side by side; with "*" behind them, anywhere. The first rule that fits wins, so what is particular stands before what is
 * general. A rule is only tried on columns of the classes it is for: email_verified may well be a boolean. */
#include "plan/words.h"

enum { NAME_MAX = 128 };

/* ---- words of a name ------------------------------------------------------------------------- */

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
    return is_upper(c) || (c >= 'a' && c <= 'z') || (c & 0x80);
}

/* "_created_at_": lower case, an underscore around every word; digits at a word's end are not part of it. */
static void split_name(const char *name, char words[NAME_MAX])
{
    size_t n = 0;
    words[n++] = '_';
    for (const char *p = name; *p && n + 3 < NAME_MAX; p++) {
        bool starts = is_upper(*p) && p > name && !is_upper(p[-1]);
        if (starts && words[n - 1] != '_')
            words[n++] = '_';
        if (is_letter(*p))
            words[n++] = is_upper(*p) ? (char)(*p + 32) : *p;
        else if (words[n - 1] != '_')
            words[n++] = '_';
    }
    if (words[n - 1] != '_')
        words[n++] = '_';
    words[n] = '\0';
}

/* One of "a b|c d*": words at the end, or anywhere. */
static bool fits_one(const char *words, const char *pattern, size_t len)
{
    char want[NAME_MAX] = "_";
    bool anywhere = len && pattern[len - 1] == '*';
    len -= anywhere;
    for (size_t i = 0; i < len && i + 3 < NAME_MAX; i++)
        want[i + 1] = pattern[i] == ' ' ? '_' : pattern[i];
    want[len + 1] = '_';
    want[len + 2] = '\0';
    size_t have = strlen(words);
    return anywhere ? strstr(words, want) != NULL : have >= len + 2 && strcmp(words + have - len - 2, want) == 0;
}

static bool fits(const char *words, const char *patterns)
{
    for (const char *p = patterns; *p;) {
        size_t len = strcspn(p, "|");
        if (fits_one(words, p, len))
            return true;
        p += len + (p[len] == '|');
    }
    return false;
}

/* ---- the rules -------------------------------------------------------------------------------- */

#define PEOPLE \
    "user|users|customer|customers|person|people|persons|member|members|employee|employees|author|authors|actor|actors|staff|" \
    "patient|patients|doctor|doctors|student|students|teacher|teachers|contact|contacts|owner|owners|driver|drivers|player|" \
    "players|artist|artists|guest|guests|account|accounts|client|clients|lead|leads|passenger|passengers|agent|agents|profile|" \
    "profiles|instructor|instructors|manager|managers|director|directors"
#define PRODUCTS "product|products|item|items|article|articles|sku|skus|part|parts"
#define COMPANIES \
    "company|companies|organization|organizations|organisation|supplier|suppliers|vendor|vendors|brand|brands|manufacturer|" \
    "manufacturers|tenant|tenants|employer|employers|shipper|shippers|publisher|publishers|store|stores|shop|shops|merchant|" \
    "merchants|warehouse|warehouses|maker|makers"

/* table: words of the table's name that the rule is for; NULL: any. value: a template, a set with "|" between, or #n: letters. */
static const struct text_rule {
    const char *words, *table, *value;
} text_rules[] = {
    {"email*|e mail*|mail", NULL, "${email}"},
    {"first name|firstname|given name|fname|forename", NULL, "${first_name}"},
    {"middle name|middlename", NULL, "${first_name}"},
    {"last name|lastname|surname|family name|lname", NULL, "${last_name}"},
    {"user name|username|login|login name|nick|nickname|screen name|handle", NULL, "${username}"},
    {"full name|fullname|display name|contact name|customer name|user full name|recipient|recipient name|person name|"
     "author name|owner name|employee name|created by|updated by|modified by|author|owner",
     NULL, "${name}"},
    {"company|company name|organization|organization name|organisation|org name|supplier name|vendor name|manufacturer|"
     "employer|brand|brand name",
     NULL, "${company}"},
    {"product|product name|item name|article name", NULL, "${product_name}"},
    {"file name|filename|attachment", NULL, "${noun}.${file_extension}"},
    {"host|hostname|host name|domain|domain name|server name", NULL, "${domain_name}"},
    {"pet name", NULL, "${pet_name}"},
    {"city name", NULL, "${city}"},
    {"country name", NULL, "${country}"},
    {"category name", NULL, "${product_category}"},
    {"name", PEOPLE, "${name}"},
    {"name", PRODUCTS, "${product_name}"},
    {"name", COMPANIES, "${company}"},
    {"name", "city|cities|town|towns", "${city}"},
    {"name", "country|countries", "${country}"},
    {"name", "state|states|region|regions|province|provinces", "${state}"},
    {"name", "category|categories|genre|genres|department|departments", "${product_category}"},
    {"name", "language|languages", "${language}"},
    {"name", "color|colors|colour|colours", "${color}"},
    {"name", "pet|pets|animal|animals", "${pet_name}"},
    {"name", "currency|currencies", "${currency_long}"},
    {"name", "school|schools|university|universities", "${school}"},
    {"password|passwd|pwd", NULL, "${password}"},
    {"phone*|mobile|cell|telephone*|tel|fax|phone number", NULL, "${phone}"},
    {"ip|ip address|ipv4|ip addr|client ip|remote addr|remote ip", NULL, "${ipv4_address}"},
    {"ipv6", NULL, "${ipv6_address}"},
    {"mac|mac address", NULL, "${mac_address}"},
    {"address|street|street address|address line|addr|street name", NULL, "${street}"},
    {"city|town|municipality", NULL, "${city}"},
    {"state code|state abbr|province code", NULL, "${state_abr}"},
    {"state|province|region|district|county",
     "address|addresses|customer|customers|user|users|store|stores|location|locations", "${state}"},
    {"zip|zip code|postal code|postcode|post code|zipcode|postalcode", NULL, "${zip}"},
    {"country code|country iso|iso code|nationality code", NULL, "${country_abr}"},
    {"country|nation|nationality|country of origin", NULL, "${country}"},
    {"job title|occupation|profession|job", NULL, "${job_title}"},
    {"department|dept", NULL, "${product_category}"},
    {"title", PEOPLE, "${job_title}"},
    {"title", "book|books", "${book_title}"},
    {"title", "film|films|movie|movies|show|shows|video|videos", "${movie_name}"},
    {"isbn", NULL, "978${ach_account}"},
    {"url|website|homepage|link|href|uri|web site|site", NULL, "${url}"},
    {"user agent|useragent", NULL, "${user_agent}"},
    {"mime type|content type|media type|mimetype", NULL, "${file_mime_type}"},
    {"file extension|extension", NULL, "${file_extension}"},
    {"path|file path|filepath|directory", NULL, "/${noun}/${verb}/${noun}.${file_extension}"},
    {"slug|permalink", NULL, "${noun}-${verb_action}-${credit_card_cvv}"},
    {"sku|product code|item code|part number", NULL, "SKU-${ach_routing}"},
    {"currency|currency code|currency iso", NULL, "${currency_short}"},
    {"language|locale|lang|language code", NULL, "${language_abbreviation}"},
    {"gender|sex", NULL, "${gender}"},
    {"timezone|time zone|tz", NULL, "${time_zone_region}"},
    {"color|colour", NULL, "${color}"},
    {"ssn|social security number", NULL, "${ssn}"},
    {"iban|account number|bank account", NULL, "${ach_account}"},
    {"routing number", NULL, "${ach_routing}"},
    {"credit card|card number|credit card number|cc number", NULL, "${credit_card_number}"},
    {"cvv|cvc", NULL, "${credit_card_cvv}"},
    {"uuid|guid", NULL, "${uuid}"},
    {"hash|checksum|digest|password hash|sha|etag|fingerprint", NULL, "#40"},
    {"token|secret|api key|session id|access token|refresh token|session|key hash", NULL, "#32"},
    {"version|app version", NULL, "${app_version}"},
    {"http method|method", NULL, "${http_method}"},
    {"weekday|day of week", NULL, "${weekday}"},
    {"genre", NULL, "${movie_genre}"},
    {"category|product category", NULL, "${product_category}"},
    {"make|car make", "car|cars|vehicle|vehicles", "${car_maker}"},
    {"model|car model", "car|cars|vehicle|vehicles", "${car_model}"},
    {"description|desc|summary|notes|note|comment|comments|body|content|details|bio|about|remarks|message|text|review|abstract|"
     "excerpt|synopsis|instructions",
     NULL, "${product_description}"},
    {"title|subject|headline|caption|label|subtitle", NULL, "${phrase}"},
    {"reason|error|error message", NULL, "${error}"},
    {"status|state", NULL, "active|pending|inactive"},
    {"type|kind|class", NULL, "standard|special|other"},
    {"priority|severity|importance", NULL, "low|medium|high"},
    {"size", NULL, "S|M|L|XL"},
    {"unit|uom", NULL, "piece|kg|l|m"},
};

static const struct number_rule {
    const char *words;
    double min, max;
} number_rules[] = {
    {"latitude|lat", -90, 90},
    {"longitude|lon|lng|long", -180, 180},
    {"age", 18, 90},
    {"birth year", 1940, 2008},
    {"year|release year|fiscal year|model year", 1990, 2025},
    {"month", 1, 12},
    {"quarter", 1, 4},
    {"day|day of month", 1, 28},
    {"day of week|weekday|dow", 0, 6},
    {"week", 1, 52},
    {"hour", 0, 23},
    {"minute|second|minutes|seconds", 0, 59},
    {"percent|percentage|pct|discount percent", 0, 100},
    {"discount", 0, 50},
    {"tax rate|vat rate|vat|rate", 0, 25},
    {"probability|ratio|fraction|confidence", 0, 1},
    {"rating|stars|score", 1, 5},
    {"quantity|qty|amount ordered|ordered quantity|units", 1, 20},
    {"stock|stock quantity|inventory|in stock|on hand|available", 0, 500},
    {"salary|income|wage", 25000, 180000},
    {"price|unit price|list price|cost|fee|amount|rental rate|replacement cost", 1, 1000},
    {"total|subtotal|sum|grand total|revenue|total amount|balance|budget|value", 5, 5000},
    {"tax", 1, 200},
    {"count|number of*|views|likes|clicks|visits|hits|num|cnt|attempts", 0, 1000},
    {"weight|weight kg", 0.1, 100},
    {"height|width|length|depth|height cm", 1, 250},
    {"temperature|temp", -20, 45},
    {"duration|duration ms|elapsed|elapsed ms|latency|response time", 1, 10000},
    {"file size|size|bytes|size bytes", 100, 10000000},
    {"port", 1024, 65535},
    {"status code|http status", 200, 599},
    {"position|sort order|rank|ordinal|priority|level|sequence|display order|line number|line no", 1, 100},
    {"floor|floors|rooms|bedrooms|bathrooms", 1, 10},
    {"capacity|seats", 1, 300},
};

static const struct time_rule {
    const char *words, *min, *max;
    double null_rate; /* below 0: as other columns */
} time_rules[] = {
    {"birth*|born*|birthday|birthdate|dob|date of birth", "1940-01-01", "2008-01-01", -1},
    {"death*|died*", "2009-01-01", "2025-01-01", 0.9},
    {"deleted*|archived*|cancelled*|canceled*|revoked*|suspended*|banned*|terminated*", "2024-01-01", "2026-01-01",
     0.9},
    {"expires*|expiry*|expiration*|due*|valid to|valid until|valid through|renewal*|renews*|next*", "2026-01-01",
     "2028-01-01", -1},
    {"hire date|hired at|hired on|joined*|registered*|signup*", "2012-01-01", "2025-01-01", -1},
};

const char *sp_words_text(const char *table, const char *column)
{
    char words[NAME_MAX], of[NAME_MAX];
    split_name(column, words);
    split_name(table, of);
    for (size_t i = 0; i < SP_COUNT(text_rules); i++)
        if (fits(words, text_rules[i].words) && (!text_rules[i].table || fits(of, text_rules[i].table)))
            return text_rules[i].value;
    return NULL;
}

bool sp_words_number(const char *column, double *min, double *max)
{
    char words[NAME_MAX];
    split_name(column, words);
    for (size_t i = 0; i < SP_COUNT(number_rules); i++) {
        if (!fits(words, number_rules[i].words))
            continue;
        *min = number_rules[i].min;
        *max = number_rules[i].max;
        return true;
    }
    return false;
}

bool sp_words_time(const char *column, const char **min, const char **max, double *null_rate)
{
    char words[NAME_MAX];
    split_name(column, words);
    for (size_t i = 0; i < SP_COUNT(time_rules); i++) {
        if (!fits(words, time_rules[i].words))
            continue;
        *min = time_rules[i].min;
        *max = time_rules[i].max;
        *null_rate = time_rules[i].null_rate;
        return true;
    }
    return false;
}

/* ---- pairs ------------------------------------------------------------------------------------ */

/* Moments of which one comes first. */
static const char *const early_late[][2] = {
    {"created*|create*|inserted*", "updated*|modified*|last update|changed*|update*"},
    {"updated*|modified*|created*", "deleted*|archived*"},
    {"start*|begin*|starts*|from|valid from|effective from",
     "end*|ends*|finish*|to|until|valid to|valid until|effective to|expires*|expiry*"},
    {"check in*|checkin*", "check out*|checkout*"},
    {"ordered*|order date|placed*", "shipped*|ship date|delivered*|delivery date"},
    {"shipped*|ship date", "delivered*|delivery date|received*"},
    {"rental date|rented*", "return date|returned*"},
    {"opened*|open date", "closed*|close date"},
    {"hire date|hired*", "termination*|terminated*|left*"},
};

bool sp_words_before(const char *early, const char *late)
{
    char a[NAME_MAX], b[NAME_MAX];
    split_name(early, a);
    split_name(late, b);
    for (size_t i = 0; i < SP_COUNT(early_late); i++)
        if (fits(a, early_late[i][0]) && fits(b, early_late[i][1]))
            return true;
    return false;
}

/* ---- what belongs together ---------------------------------------------------------------------- */

/* Templates that are about a person or a place, and what of it they are. */
static const struct facet {
    const char *of, *value, *name;
} facets[] = {
    {"person", "${first_name}", "first_name"},
    {"person", "${last_name}", "last_name"},
    {"person", "${name}", "name"},
    {"person", "${email}", "email"},
    {"person", "${username}", "username"},
    {"person", "${gender}", "gender"},
    {"place", "${city}", "city"},
    {"place", "${state}", "state"},
    {"place", "${state_abr}", "state_code"},
    {"place", "${zip}", "postcode"},
    {"place", "${country}", "country"},
    {"place", "${country_abr}", "country_code"},
    {"place", "${phone}", "phone"},
    {"place", "${time_zone_region}", "timezone"},
};

const char *sp_words_facet(const char *value, const char **of)
{
    for (size_t i = 0; i < SP_COUNT(facets); i++)
        if (strcmp(facets[i].value, value) == 0) {
            *of = facets[i].of;
            return facets[i].name;
        }
    return NULL;
}

/* ---- codes, and types ------------------------------------------------------------------------------ */

bool sp_words_is_code(const char *column)
{
    char words[NAME_MAX];
    split_name(column, words);
    return fits(words, "code|key|ref|number|id|no|reference|serial|identifier");
}

static const struct type_rule {
    const char *type, *value;
} type_rules[] = {
    {"inet", "${ipv4_address}"},
    {"inet6", "${ipv6_address}"},
    {"cidr", "10.${uint8}.${hour}.0/24"},
    {"macaddr", "${mac_address}"},
    {"macaddr8", "08:00:2b:01:02:03:04:05|08:00:2b:ff:fe:0a:0b:0c"},
    {"xml", "<${noun}>${adjective}</${noun}>"},
    {"hstore", "${noun} => \"${adjective}\", count => ${uint8}"},
    {"tsvector", "${noun} ${animal_type}"},
    {"tsquery", "${noun_common} & ${noun_common}"},
    {"point", "(${longitude},${latitude})"},
    {"line", "{1,-1,0}|{2,1,-3}|{0,1,5}"},
    {"lseg", "[(0,0),(1,1)]|[(2,3),(5,1)]|[(-1,0),(4,4)]"},
    {"box", "(1,1),(0,0)|(5,4),(2,3)|(10,10),(-10,-10)"},
    {"path", "[(0,0),(1,1),(2,0)]|((0,0),(4,0),(4,3))"},
    {"polygon", "((0,0),(1,0),(1,1),(0,1))|((0,0),(4,0),(2,3))"},
    {"circle", "<(0,0),1>|<(2,3),0.5>|<(10,-5),20>"},
};

const char *sp_words_type(const char *type)
{
    for (size_t i = 0; i < SP_COUNT(type_rules); i++)
        if (strcmp(type, type_rules[i].type) == 0)
            return type_rules[i].value;
    return NULL;
}
