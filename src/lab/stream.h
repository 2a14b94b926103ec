/* stream.h - private to lab: PostgreSQL's own logical replication from one shard to another, of the rows that move with a pair.
 *
 * A stream is a publication with the pair's condition as its row filter, a slot, and a subscription on the other side, all called the
 * same. Rows of spate_lab.marker that name it go with it: where one has come, all that was committed before it has come, too. */
#ifndef SP_LAB_STREAM_H
#define SP_LAB_STREAM_H

#include "lab/fence.h"

enum { SP_STREAM_NAME_MAX = 48 };

typedef struct sp_stream {
    const sp_reshard *r;
    const sp_reshard_pair *pair;
    bool back; /* from the pair's taker to its giver */
    char name[SP_STREAM_NAME_MAX];
} sp_stream;

void sp_stream_name(sp_stream *s, const sp_reshard *r, const sp_reshard_pair *pair, bool back);
const sp_lab_server *sp_stream_source(const sp_stream *s);
const sp_lab_server *sp_stream_target(const sp_stream *s);

/* On the source; in place of one that is there. */
int sp_stream_publish(const sp_stream *s, PGconn *source, spate_error *err) SP_MUST_CHECK;
/* A slot, and the snapshot that it begins behind; it can be taken over as long as holder lives. holder: caller's to finish. */
int sp_stream_slot(const sp_stream *s, PGconn **holder, char snapshot[64], spate_error *err) SP_MUST_CHECK;
/* A slot of what comes from now on, unless there is one. */
int sp_stream_keep(const sp_stream *s, PGconn *source, spate_error *err) SP_MUST_CHECK;
int sp_stream_drop_slot(const sp_stream *s, PGconn *source, spate_error *err) SP_MUST_CHECK;
int sp_stream_unpublish(const sp_stream *s, PGconn *source, spate_error *err) SP_MUST_CHECK;
/* On the target. One that is there stays. It flows once it is let flow: all of a server's in one transaction, since a server starts what
 * it finds at once, and looks again only after seconds. */
int sp_stream_subscribe(const sp_stream *s, PGconn *target, spate_error *err) SP_MUST_CHECK;
/* A new subscription's first transaction will be the first one behind the source's turn. */
int sp_stream_begin_at_turn(const sp_stream *s, PGconn *source, PGconn *target, spate_error *err) SP_MUST_CHECK;
int sp_stream_let_flow(const sp_stream *s, PGconn *target, spate_error *err) SP_MUST_CHECK;
int sp_stream_unsubscribe(const sp_stream *s, PGconn *target, spate_error *err) SP_MUST_CHECK;

#endif
