/* error.c - filling a spate_error. Works on the caller's fixed-size struct, so that reporting "no memory" needs none. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void sp_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "spate: bug: %s:%d: does not hold: %s\n", file, line, cond);
    abort();
}

const char *spate_status_name(spate_status status)
{
    switch (status) {
    case SPATE_OK: return "ok";
    case SPATE_E_USAGE: return "usage";
    case SPATE_E_CONFIG: return "config";
    case SPATE_E_UNREACHABLE: return "unreachable";
    case SPATE_E_DATA: return "data";
    case SPATE_E_RETRY: return "retry";
    case SPATE_E_IO: return "io";
    case SPATE_E_NOMEM: return "no-memory";
    case SPATE_E_INTERRUPTED: return "interrupted";
    case SPATE_E_CORRUPT: return "corrupt";
    case SPATE_E_BUG: return "bug";
    }
    return "unknown";
}

/* Cuts text that did not fit in front of a UTF-8 sequence that lost its tail. */
static void cut_at_character(char *text, size_t size, int wanted)
{
    if (wanted < 0 || (size_t)wanted < size)
        return;
    size_t end = size - 1;
    size_t start = end;
    while (start > 0 && end - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start > 0 && (unsigned char)text[start - 1] >= 0xc0)
        text[start - 1] = '\0';
}

static void print_text(char *text, size_t size, const char *fmt, va_list args)
{
    int wanted = vsnprintf(text, size, fmt, args);
    cut_at_character(text, size, wanted);
}

int sp_fail(spate_error *err, int status, const char *fmt, ...)
{
    if (!err)
        return status;
    memset(err, 0, sizeof(*err));
    err->status = status;
    va_list args;
    va_start(args, fmt);
    print_text(err->message, sizeof(err->message), fmt, args);
    va_end(args);
    return status;
}

int sp_fail_errno(spate_error *err, int os_errno, const char *fmt, ...)
{
    if (!err)
        return SPATE_E_IO;
    memset(err, 0, sizeof(*err));
    err->status = SPATE_E_IO;
    err->os_errno = os_errno;
    va_list args;
    va_start(args, fmt);
    print_text(err->message, sizeof(err->message), fmt, args);
    va_end(args);
    char why[128];
    size_t len = strlen(err->message);
    const char *text = strerror_r(os_errno, why, sizeof(why));
    int wanted = snprintf(err->message + len, sizeof(err->message) - len, ": %s", text);
    cut_at_character(err->message + len, sizeof(err->message) - len, wanted);
    if (err->message[len] == ':' && err->message[len + 2] >= 'A' && err->message[len + 2] <= 'Z')
        err->message[len + 2] += 'a' - 'A';
    return SPATE_E_IO;
}

int sp_fail_nomem(spate_error *err)
{
    return sp_fail(err, SPATE_E_NOMEM, "no memory left");
}

int sp_fail_context(spate_error *err, int status, const char *fmt, ...)
{
    if (!err)
        return status;
    char phrase[SPATE_MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    print_text(phrase, sizeof(phrase), fmt, args);
    va_end(args);
    char old[SPATE_MESSAGE_MAX];
    memcpy(old, err->message, sizeof(old));
    int wanted = snprintf(err->message, sizeof(err->message), "%s: %s", phrase, old);
    cut_at_character(err->message, sizeof(err->message), wanted);
    err->status = status;
    return status;
}

void sp_error_hint(spate_error *err, const char *fmt, ...)
{
    if (!err)
        return;
    va_list args;
    va_start(args, fmt);
    print_text(err->hint, sizeof(err->hint), fmt, args);
    va_end(args);
}

void sp_error_detail(spate_error *err, const char *fmt, ...)
{
    if (!err)
        return;
    va_list args;
    va_start(args, fmt);
    print_text(err->detail, sizeof(err->detail), fmt, args);
    va_end(args);
}
