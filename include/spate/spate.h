/* spate/spate.h - the whole library: plans and what can be done with them. */
#ifndef SPATE_SPATE_H
#define SPATE_SPATE_H

#include "spate/error.h"
#include "spate/copy.h"
#include "spate/plan.h"
#include "spate/generate.h"
#include "spate/job.h"
#include "spate/lab.h"
#include "spate/ledger.h"
#include "spate/measure.h"
#include "spate/query.h"
#include "spate/serve.h"
#include "spate/config.h"
#include "spate/store.h"
#include "spate/migrate.h"
#include "spate/template.h"

#endif
