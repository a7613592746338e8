/* What both reports of samples begin with: how much was seen and drawn. */
#pragma once

#include "report/head.h"

/* Fills in head of head->period, with head->samples. 0, or a negative errno: store_why() says why. */
int samples_read_head(struct store *s, int64_t now_sec, struct report_head *head);
