/* watch.h - private to lab and those who bind it: what a lab's servers are doing, each asked about once a second by a thread of its own.
 *
 * A server that hangs keeps only its own thread waiting, and is told of as one that does not answer. Rows are counted, not estimated:
 * a table again only after something has changed in it, and so seldom that counting takes at most a twentieth of the time. A count that
 * takes too long is given up for the server's own estimate. */
#ifndef SP_LAB_WATCH_H
#define SP_LAB_WATCH_H

#include "lab/lab.h"

typedef struct sp_watch sp_watch;
/* The lab must outlive it. */
int sp_watch_start(const sp_lab *lab, sp_watch **watch, spate_error *err) SP_MUST_CHECK;
void sp_watch_stop(sp_watch *w); /* at once, whatever the servers do; NULL is fine */
/* Appends the servers and replicas as an array of JSON, as of their last answers. */
int sp_watch_tell(sp_watch *w, sp_buf *out) SP_MUST_CHECK;

#endif
