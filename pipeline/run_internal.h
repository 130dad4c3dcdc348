/* What the pipeline's own files call of run.c. */
#ifndef LIMN_RUN_INTERNAL_H
#define LIMN_RUN_INTERNAL_H

#include "limn.h"

#include "config/experiment.h"

/* limn_run on an experiment that is already parsed; takes ownership of e. */
limn_status run_experiment(limn_experiment *e, const limn_run_options *o, const limn_voice *v,
                           limn_run_result *result) LIMN_CHECK;

#endif
