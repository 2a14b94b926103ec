/* lab_serve.c - spate_lab_serve: the dashboard over HTTP, to this machine alone and to whoever has the token.
 *
 * The token is the first part of every path, so the page's own links have it. A request without it is told nothing, not even whether
 * what it asks for is there. Every answer is a text that lies ready, or a small file: one thread answers all, whoever is slow. */
#include "spate/lab.h"

#include "client/libmicrohttpd.h"
#include "job/lab_act.h"
#include "job/lab_page.h"
#include "job/lab_state.h"
#include "os/host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TOKEN_BYTES = 16,
    TOKEN_LEN = 2 * TOKEN_BYTES,
    LOOK_US = 500000,
    WATCH_US = 50000,
    CONNECTIONS_MAX = 200,
    SILENCE_S = 15, /* a connection that says nothing for so long is closed */
};

typedef struct server {
    char *directory;
    char token[TOKEN_LEN + 1];
    pthread_mutex_t lock; /* of state */
    sp_buf state;
    sp_act *act; /* NULL: it is only looked */
} server;

/* ---- answers ---- */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned code, const char *type, struct MHD_Response *r)
{
    const char *const headers[][2] = {
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy", sp_lab_page_policy},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
    };
    if (!r)
        return MHD_NO;
    enum MHD_Result ok = sp_mhd.add_header(r, "Content-Type", type);
    for (size_t i = 0; i < SP_COUNT(headers) && ok == MHD_YES; i++)
        ok = sp_mhd.add_header(r, headers[i][0], headers[i][1]);
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED && ok == MHD_YES)
        ok =
            sp_mhd.add_header(r, "Allow", "GET, HEAD"); /* what may be done has paths of its own, where POST is right */
    if (ok == MHD_YES)
        ok = sp_mhd.queue(c, code, r);
    sp_mhd.destroy(r);
    return ok;
}

static enum MHD_Result answer_words(struct MHD_Connection *c, unsigned code, const char *words)
{
    return answer(c, code, "text/plain; charset=utf-8",
                  sp_mhd.response_of_text(strlen(words), (void *)(uintptr_t)words, MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result answer_page(struct MHD_Connection *c)
{
    return answer(c, MHD_HTTP_OK, "text/html; charset=utf-8",
                  sp_mhd.response_of_text(sp_lab_page_len, (void *)(uintptr_t)sp_lab_page, MHD_RESPMEM_PERSISTENT));
}

static enum MHD_Result answer_state(server *s, struct MHD_Connection *c)
{
    pthread_mutex_lock(&s->lock);
    struct MHD_Response *r = sp_mhd.response_of_text(s->state.len, s->state.data, MHD_RESPMEM_MUST_COPY);
    pthread_mutex_unlock(&s->lock);
    return answer(c, MHD_HTTP_OK, "application/json", r);
}

/* Names that trials have, and no other: so nothing outside their folder can be meant. */
static bool is_trial_name(const char *name)
{
    size_t len = strspn(name, "0123456789TZ.-");
    return name[0] != '.' && len > 0 && strcmp(name + len, "json") == 0 && name[len - 1] == '.';
}

static enum MHD_Result answer_trial(const server *s, struct MHD_Connection *c, const char *name)
{
    char path[4300];
    int fd = -1;
    uint64_t size = 0;
    snprintf(path, sizeof(path), "%s/trials/%s", s->directory, name);
    if (!is_trial_name(name) || strlen(name) > 100 || sp_os_open(path, SP_OS_OPEN_READ, &fd, NULL) != SPATE_OK)
        return answer_words(c, MHD_HTTP_NOT_FOUND, "there is no such thing here\n");
    bool sized = sp_os_size(fd, path, &size, NULL) == SPATE_OK;
    struct MHD_Response *r = sized ? sp_mhd.response_of_fd(size, fd) : NULL; /* closes the file at its end */
    if (!r && sp_os_close(&fd, path, NULL))
        return MHD_NO;
    return answer(c, MHD_HTTP_OK, "application/json", r);
}

/* Nothing is done before the request has been answered for: what came of it is in the state. */
static enum MHD_Result answer_act(server *s, struct MHD_Connection *c, const char *what)
{
    spate_error err = {0};
    int rc = sp_act_begin(s->act, what, &err);
    const char *words = rc == SPATE_OK        ? "begun\n"
                        : rc == SPATE_E_USAGE ? "there is no such thing to do\n"
                                              : "not now: something is being done, or nothing is\n";
    return answer_words(c,
                        rc == SPATE_OK        ? MHD_HTTP_ACCEPTED
                        : rc == SPATE_E_USAGE ? MHD_HTTP_NOT_FOUND
                                              : MHD_HTTP_CONFLICT,
                        words);
}

/* ---- requests ---- */

/* In the same time whatever is wrong with it. */
static bool has_token(const server *s, const char *url)
{
    unsigned char wrong = url[0] != '/';
    if (strlen(url) < TOKEN_LEN + 2)
        return false;
    for (size_t i = 0; i < TOKEN_LEN; i++)
        wrong |= (unsigned char)(url[1 + i] ^ s->token[i]);
    return wrong == 0 && url[1 + TOKEN_LEN] == '/';
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *data, size_t *len, void **begun)
{
    static const char trials[] = "trials/", acts[] = "act/";
    server *s = arg;
    const char *path = url + 1 + TOKEN_LEN + 1;
    (void)version, (void)data;
    if (!*begun) { /* the answer comes behind the whole request: one that is cut short gets none */
        *begun = s;
        return MHD_YES;
    }
    if (*len) {
        *len = 0;
        return MHD_YES;
    }
    if (!has_token(s, url))
        return answer_words(c, MHD_HTTP_FORBIDDEN, "the address needs the token that 'spate lab serve' has printed\n");
    if (s->act && strcmp(method, "POST") == 0 && strncmp(path, acts, strlen(acts)) == 0)
        return answer_act(s, c, path + strlen(acts));
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return answer_words(c, MHD_HTTP_METHOD_NOT_ALLOWED,
                            "only GET and HEAD: this is to be seen, not to be changed\n");
    if (*path == '\0')
        return answer_page(c);
    if (strcmp(path, "state.json") == 0)
        return answer_state(s, c);
    if (strncmp(path, trials, strlen(trials)) == 0)
        return answer_trial(s, c, path + strlen(trials));
    return answer_words(c, MHD_HTTP_NOT_FOUND, "there is no such thing here\n");
}

/* ---- the server ---- */

static int listen_on(server *s, unsigned port, struct MHD_Daemon **daemon, spate_error *err)
{
    const struct sockaddr_in here = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int status = port > 65535 ? sp_fail(err, SPATE_E_USAGE, "there is no port %u", port) : sp_mhd_load(err);
    if (status != SPATE_OK)
        return status;
    *daemon = sp_mhd.start(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, on_request, s, MHD_OPTION_SOCK_ADDR, &here,
                           MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                           (unsigned)SILENCE_S, MHD_OPTION_END);
    if (*daemon)
        return SPATE_OK;
    int why = errno;
    status = sp_fail(err, SPATE_E_UNREACHABLE, "cannot listen on port %u of 127.0.0.1: %s", port, strerror(why));
    return status;
}

static int draw_token(server *s, spate_error *err)
{
    uint8_t bytes[TOKEN_BYTES] = {0};
    char text[TOKEN_LEN + SP_SLACK];
    int rc = sp_os_random(bytes, sizeof(bytes), err);
    *sp_put_hex(text, bytes, sizeof(bytes)) = '\0';
    memcpy(s->token, text, sizeof(s->token));
    return rc;
}

static int take_look(server *s, sp_lab_state *state, sp_buf *room, spate_error *err)
{
    int rc = sp_lab_state_look(state, s->act, room);
    if (rc != SPATE_OK)
        return sp_fail_nomem(err);
    pthread_mutex_lock(&s->lock);
    sp_buf old = s->state;
    s->state = *room;
    *room = old;
    pthread_mutex_unlock(&s->lock);
    return SPATE_OK;
}

static bool wait_a_moment(const int *cancel, int64_t us)
{
    int64_t until = sp_os_monotonic_us() + us;
    bool stop = false;
    while (!(stop = cancel && __atomic_load_n(cancel, __ATOMIC_RELAXED)) && sp_os_monotonic_us() < until)
        sp_os_sleep_us(WATCH_US);
    return !stop;
}

static int serve(server *s, sp_lab_state *state, const spate_lab_serve_options *o, spate_error *err)
{
    struct MHD_Daemon *daemon = NULL;
    char address[128];
    sp_buf room = {0};
    int rc = draw_token(s, err);
    if (rc == SPATE_OK)
        rc = take_look(s, state, &room, err);
    if (rc == SPATE_OK)
        rc = listen_on(s, o->port, &daemon, err);
    if (rc == SPATE_OK) {
        snprintf(address, sizeof(address), "http://127.0.0.1:%u/%s/",
                 sp_mhd.info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port, s->token);
        o->ready(o->arg, address);
    }
    while (rc == SPATE_OK && wait_a_moment(o->cancel, LOOK_US))
        rc = take_look(s, state, &room, err);
    if (daemon)
        sp_mhd.stop(daemon);
    sp_buf_done(&room);
    return rc;
}

int spate_lab_serve(const char *directory, const spate_lab_serve_options *options, spate_error *err)
{
    server s = {.lock = PTHREAD_MUTEX_INITIALIZER};
    sp_lab_state *state = NULL;
    int rc = sp_lab_state_open(directory, options->jobs, &state, err);
    if (rc == SPATE_OK && !(s.directory = realpath(directory, NULL)))
        rc = sp_fail_errno(err, errno, "could not find \"%s\"", directory);
    if (rc == SPATE_OK && options->allow_actions)
        rc = sp_act_new(directory, &s.act, err);
    if (rc == SPATE_OK)
        rc = serve(&s, state, options, err);
    sp_act_free(s.act);
    sp_lab_state_close(state);
    sp_buf_done(&s.state);
    free(s.directory);
    return rc;
}
