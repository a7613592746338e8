/* What a session does when something was broken under it, so that counting and booking go on without a restart. */
#pragma once

#include "collector/session.h"

#define GAP_DETACHED "programs detached"

/*
 * Looks whether all programs are attached and pinned as they were, and makes it so again. What the ledger missed becomes a gap:
 * at most from one look to the next. Each trouble is logged once.
 */
void mend_kernel(struct session *s);
