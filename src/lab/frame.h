/* frame.h - private to lab and those who bind it: what stands around the rows of a shard's tables, their schemas, keys and indexes, made
 * as another server has it. */
#ifndef SP_LAB_FRAME_H
#define SP_LAB_FRAME_H

#include "lab/layout.h"
#include "lab/link.h"

/* Makes the schemas that tables name and the server has not. */
int sp_frame_make_spaces(const sp_layout *l, const sp_lab_server *server, spate_error *err) SP_MUST_CHECK;
/* Takes keys and indexes off the placed tables. */
int sp_frame_strip(const sp_layout *l, const sp_lab_server *server, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* Statements that make what sp_frame_strip would take off this server, in an order in which they can run. */
int sp_frame_list(const sp_layout *l, const sp_lab_server *like, PGconn *conn, PGresult **list,
                 spate_error *err) SP_MUST_CHECK;
/* Runs them on another one. SPATE_E_INTERRUPTED: between two of them *cancel (NULL: never) was set. */
int sp_frame_make(const PGresult *list, const sp_lab_server *server, PGconn *conn, const int *cancel,
                 spate_error *err) SP_MUST_CHECK;
/* Makes those indexes of all tables that no constraint has, where the server has none of their names. */
int sp_frame_copy_indexes(const sp_layout *l, const sp_lab_server *like, const sp_lab_server *server, const int *cancel,
                         spate_error *err) SP_MUST_CHECK;

#endif
