/* SPDX-License-Identifier: MIT */
#ifndef BRIDGE_INTAKE_TEKTON_H
#define BRIDGE_INTAKE_TEKTON_H

#include "bridge/intake/format.h"

/* Tekton's CloudEvents, in the binary and the structured mode, of pipelineRuns, taskRuns
 * and customRuns: the condition Succeeded says what became of them.  A run inside a
 * pipelineRun is ignored, the pipelineRun tells; so is a cancelled one.  The key is
 * namespace, pipeline (or task), and what Pipelines as Code noted of repository and branch.
 * Events come in any order: the time the run started and ended grow. */
bool tekton_parse(const FormatInput *input, Event *event, GError **error);

#endif
