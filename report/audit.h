/* pdtt-report --audit: what interfaces carried, what was booked, and why the two are not the same. */
#pragma once

#include "report/report.h"

/* As report_write(), of which it is a part. */
int audit_write(struct store *s, const struct calendar *cal, int64_t now_sec, const struct report_options *o, FILE *out,
                char **ret_why);

/* What stands below a table: the meaning and the limits of each of its rows, once. 0 or -ENOMEM. */
int audit_put_notes(FILE *out, const struct rows *rows);
