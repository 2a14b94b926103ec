/* keys.h - private to lab and those who bind it: keys and indexes of a shard's tables, made as another server has them. */
#ifndef SP_LAB_KEYS_H
#define SP_LAB_KEYS_H

#include "lab/layout.h"
#include "lab/link.h"

/* Takes keys and indexes off the placed tables. */
int sp_keys_strip(const sp_layout *l, const sp_lab_server *server, PGconn *conn, spate_error *err) SP_MUST_CHECK;
/* Statements that make what sp_keys_strip would take off this server, in an order in which they can run. */
int sp_keys_list(const sp_layout *l, const sp_lab_server *like, PGconn *conn, PGresult **list,
                 spate_error *err) SP_MUST_CHECK;
/* Runs them on another one. SPATE_E_INTERRUPTED: between two of them *cancel (NULL: never) was set. */
int sp_keys_make(const PGresult *list, const sp_lab_server *server, PGconn *conn, const int *cancel,
                 spate_error *err) SP_MUST_CHECK;
/* Makes those indexes of all tables that no constraint has, where the server has none of their names. */
int sp_keys_copy_indexes(const sp_layout *l, const sp_lab_server *like, const sp_lab_server *server, const int *cancel,
                         spate_error *err) SP_MUST_CHECK;

#endif
