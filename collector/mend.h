/* What a session does when something was broken under it, so that counting and booking go on without a restart. */
#pragma once

#include "collector/session.h"

#define GAP_DETACHED "programs detached"

/*
 * Looks whether all programs are attached and pinned as they were, and makes it so again. What the ledger missed becomes a gap:
 * at most from one look to the next. Each trouble is logged once.
 */
void mend_kernel(struct session *s);

/*
 * Opens the database that the configuration names. A damaged one is moved aside, and what can be read of it goes into a new one:
 * said in the log and in layer_state. One line is logged on failure.
 */
int mend_open_store(struct session *s);

/*
 * After booking failed with error: where the database was moved, deleted, replaced or is damaged opens it again, or a new one. 0:
 * booking can be tried again; else error. Ends the process where no store can be had.
 */
int mend_store(struct session *s, int error);

/* Gives the store the numbers under which the kernel knows the classes, should it not have them. */
void mend_restore_classes(struct session *s);
