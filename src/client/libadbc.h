/* libadbc.h - ADBC drivers, loaded by name: the interface of Arrow Database Connectivity 1.0, which a driver's one entry point fills.
 * https://arrow.apache.org/adbc/ Private to the ADBC endpoint. */
#ifndef SP_LIBADBC_H
#define SP_LIBADBC_H

#include "base/base.h"

struct ArrowArray;
struct ArrowSchema;
struct ArrowArrayStream;
struct AdbcPartitions;
typedef uint8_t AdbcStatusCode;
enum { ADBC_STATUS_OK = 0, ADBC_VERSION_1_0_0 = 1000000 };

struct AdbcError {
    char *message;
    int32_t vendor_code;
    char sqlstate[5];
    void (*release)(struct AdbcError *);
    void *private_data; /* these two: since 1.1 */
    void *private_driver;
};
struct AdbcDriver;
struct AdbcDatabase {
    void *private_data;
    struct AdbcDriver *private_driver;
};
struct AdbcConnection {
    void *private_data;
    struct AdbcDriver *private_driver;
};
struct AdbcStatement {
    void *private_data;
    struct AdbcDriver *private_driver;
};

#define ADBC(name, ...) AdbcStatusCode (*name)(__VA_ARGS__, struct AdbcError *)
struct AdbcDriver {
    void *private_data, *private_manager;
    ADBC(release, struct AdbcDriver *);
    ADBC(DatabaseInit, struct AdbcDatabase *);
    ADBC(DatabaseNew, struct AdbcDatabase *);
    ADBC(DatabaseSetOption, struct AdbcDatabase *, const char *, const char *);
    ADBC(DatabaseRelease, struct AdbcDatabase *);
    ADBC(ConnectionCommit, struct AdbcConnection *);
    ADBC(ConnectionGetInfo, struct AdbcConnection *, uint32_t *, size_t, struct ArrowArrayStream *);
    ADBC(ConnectionGetObjects, struct AdbcConnection *, int, const char *, const char *, const char *, const char **,
         const char *, struct ArrowArrayStream *);
    ADBC(ConnectionGetTableSchema, struct AdbcConnection *, const char *, const char *, const char *,
         struct ArrowSchema *);
    ADBC(ConnectionGetTableTypes, struct AdbcConnection *, struct ArrowArrayStream *);
    ADBC(ConnectionInit, struct AdbcConnection *, struct AdbcDatabase *);
    ADBC(ConnectionNew, struct AdbcConnection *);
    ADBC(ConnectionSetOption, struct AdbcConnection *, const char *, const char *);
    ADBC(ConnectionReadPartition, struct AdbcConnection *, const uint8_t *, size_t, struct ArrowArrayStream *);
    ADBC(ConnectionRelease, struct AdbcConnection *);
    ADBC(ConnectionRollback, struct AdbcConnection *);
    ADBC(StatementBind, struct AdbcStatement *, struct ArrowArray *, struct ArrowSchema *);
    ADBC(StatementBindStream, struct AdbcStatement *, struct ArrowArrayStream *);
    ADBC(StatementExecuteQuery, struct AdbcStatement *, struct ArrowArrayStream *, int64_t *);
    ADBC(StatementExecutePartitions, struct AdbcStatement *, struct ArrowSchema *, struct AdbcPartitions *, int64_t *);
    ADBC(StatementGetParameterSchema, struct AdbcStatement *, struct ArrowSchema *);
    ADBC(StatementNew, struct AdbcConnection *, struct AdbcStatement *);
    ADBC(StatementPrepare, struct AdbcStatement *);
    ADBC(StatementRelease, struct AdbcStatement *);
    ADBC(StatementSetOption, struct AdbcStatement *, const char *, const char *);
    ADBC(StatementSetSqlQuery, struct AdbcStatement *, const char *);
    ADBC(StatementSetSubstraitPlan, struct AdbcStatement *, const uint8_t *, size_t);
};
#undef ADBC

/* Loads library (a path, or a name such as "adbc_driver_sqlite"; "duckdb" also finds the one that came with the build) and has its entry
 * point, or NULL for the usual one, fill driver. */
int sp_adbc_load(const char *library, const char *entry, struct AdbcDriver *driver, spate_error *err) SP_MUST_CHECK;

#endif
