/*
 * Text for Prometheus: its own format (0.0.4), or OpenMetrics 1.0, in which a counter's family is named without "_total".
 * Values of labels are made harmless here. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct metrics {
    FILE *out;
    bool openmetrics;
};

/* name without "_total"; type "counter" or "gauge"; unit is the end of the name or "". */
void metrics_family(const struct metrics *m, const char *name, const char *type, const char *unit, const char *help);

/* Of the family that was begun last: labels are names and values in turn, ended by NULL. -ENOMEM. */
int metrics_count(const struct metrics *m, const char *name, int64_t value, const char *const *labels);
int metrics_gauge(const struct metrics *m, const char *name, double value, const char *const *labels);

/* Everything that "status" of the control socket tells; NULL: nobody answers, which is told. -ENOMEM. */
int metrics_put_health(const struct metrics *m, const json_t *status);

/* The last line. */
void metrics_end(const struct metrics *m);

const char *metrics_media_type(bool openmetrics);
