/* export.h - private to lab and those who bind it: the same layout for engines that exist, as text. */
#ifndef SP_LAB_EXPORT_H
#define SP_LAB_EXPORT_H

#include "lab/layout.h"

/* SQL for main: the shards' tables as partitions that postgres_fdw reaches, in the schema spate_fdw. With passwords of attached
 * servers where they have any. SPATE_E_USAGE: slots have been moved, so no PARTITION BY HASH is like them. */
int sp_export_fdw(const sp_lab *lab, const sp_layout *layout, sp_buf *out, spate_error *err) SP_MUST_CHECK;
/* SQL for main: a function a table that PL/Proxy sends to the key's shard, and one that counts on all, in the schema spate_plproxy. It
 * knows the slots, wherever they have been moved to. */
int sp_export_plproxy(const sp_lab *lab, const sp_layout *layout, sp_buf *out, spate_error *err) SP_MUST_CHECK;
/* SELECT how many rows of a table there are, asked on main through what has been loaded. */
int sp_export_count_sql(const sp_layout *layout, uint32_t table, bool plproxy, sp_buf *out) SP_MUST_CHECK;
/* SQL for a Citus coordinator: the tables, distributed and beside each other as here. Rows come by COPY: Citus hashes otherwise. */
int sp_export_citus(const sp_lab *lab, const sp_layout *layout, sp_buf *out, spate_error *err) SP_MUST_CHECK;
/* pgdog.toml for PgDog, which hashes as PostgreSQL does. SPATE_E_USAGE: slots have been moved, or placement is not by hash. */
int sp_export_pgdog(const sp_lab *lab, const sp_layout *layout, sp_buf *out, spate_error *err) SP_MUST_CHECK;
/* A compose file with as many servers, for containers. */
int sp_export_compose(const sp_lab *lab, sp_buf *out, spate_error *err) SP_MUST_CHECK;

#endif
