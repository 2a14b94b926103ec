/* mybinary.h - private to the room: where a cell of each kind goes in a MariaDB column, and what has to be looked at first. */
#ifndef SP_CODEC_MYBINARY_H
#define SP_CODEC_MYBINARY_H

#include "codec/codec.h"

/* The types of the protocol's binary values: https://mariadb.com/kb/en/result-set-packets/#field-types */
enum {
    SP_MY_WIRE_TINY = 1,
    SP_MY_WIRE_SHORT = 2,
    SP_MY_WIRE_LONG = 3,
    SP_MY_WIRE_FLOAT = 4,
    SP_MY_WIRE_DOUBLE = 5,
    SP_MY_WIRE_LONGLONG = 8,
    SP_MY_WIRE_DATE = 10,
    SP_MY_WIRE_TIME = 11,
    SP_MY_WIRE_DATETIME = 12,
    SP_MY_WIRE_DECIMAL = 246,
    SP_MY_WIRE_BLOB = 252,
    SP_MY_WIRE_STRING = 253,
};

/* How a cell is handed over. */
typedef enum sp_my_road {
    SP_MY_ROAD_NONE,
    SP_MY_ROAD_BIT,   /* a boolean as TINY */
    SP_MY_ROAD_FIXED, /* its bytes as they are */
    SP_MY_ROAD_DATE,
    SP_MY_ROAD_TIME,
    SP_MY_ROAD_INTERVAL, /* without months and days, as a time */
    SP_MY_ROAD_DATETIME,
    SP_MY_ROAD_DECIMAL, /* as digits */
    SP_MY_ROAD_UUID,    /* its 16 bytes */
    SP_MY_ROAD_BYTES,   /* text and bytes */
    SP_MY_ROAD_SHOWN,   /* the cell's text, whatever it is */
    SP_MY_ROAD_JSON,    /* lists */
} sp_my_road;

/* What the server would change without a word, or what has to be refused before it is written. A bit each. */
enum {
    SP_MY_CHECK_FINITE = 1,    /* NaN and infinities */
    SP_MY_CHECK_SINGLE = 2,    /* a double that is no float */
    SP_MY_CHECK_WHOLE = 4,     /* an integer that is no double */
    SP_MY_CHECK_DAY = 8,       /* years that are not 1 to 9999 */
    SP_MY_CHECK_FRACTION = 16, /* places of a second that the column has not */
    SP_MY_CHECK_SPAN = 32,     /* an interval that is no time */
    SP_MY_CHECK_LABEL = 64,    /* text that is no label: '2' would be the second */
    SP_MY_CHECK_SPACE = 128,   /* spaces at the end of a CHAR */
    SP_MY_CHECK_LENGTH = 256,  /* a BINARY that would be filled up */
    SP_MY_CHECK_YEAR = 512,    /* 70 would be 1970 */
    SP_MY_CHECK_NULL = 1024,   /* NOT NULL */
};

typedef struct sp_my_route {
    sp_my_road road;
    uint8_t wire;
    bool is_unsigned;
    unsigned checks;
} sp_my_route;

/* SP_MY_ROAD_NONE: there is none. why: as sp_my_fits says it. */
sp_my_route sp_my_route_of(const sp_field *field, const sp_my_type *type, char why[160]);

#endif
