/* spate/spate.h - the whole library. docs/reference/library.md says what its calls have in common, and shows programs.
 *
 *   error.h                      how a call fails
 *   plan.h                       a plan: which tables, how many rows, how each cell is made
 *   generate.h make.h measure.h  its rows into a target; handed to a function; counted beforehand
 *   copy.h query.h serve.h       tables from one place to another; looking at files of rows; lending files by HTTP
 *   store.h arrow.h              rows kept in files, read by column, by row or by value; the same as an Arrow stream
 *   config.h template.h          plans written for tables that exist; plans to begin with
 *   job.h                        long runs: listed, cancelled
 *   migrate.h ledger.h           trees of files moved; the memory of such a job, for jobs of one's own
 *   lab.h                        servers to try sharding on
 *
 * arrow.h is not included here: it declares the structs of Arrow's C interface. */
#ifndef SPATE_SPATE_H
#define SPATE_SPATE_H

#include "spate/error.h"
#include "spate/copy.h"
#include "spate/plan.h"
#include "spate/generate.h"
#include "spate/job.h"
#include "spate/lab.h"
#include "spate/ledger.h"
#include "spate/make.h"
#include "spate/measure.h"
#include "spate/query.h"
#include "spate/serve.h"
#include "spate/config.h"
#include "spate/store.h"
#include "spate/migrate.h"
#include "spate/template.h"

#endif
