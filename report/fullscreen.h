/* pdtt-report --live on a terminal is pdtt-live, a program of its own, so that reports load no screen library. */
#pragma once

#include "report/options.h"

/*
 * Becomes pdtt-live if a full screen can show what is asked for: a terminal at both ends that can move its cursor, one
 * dimension that pdtt-live knows, no question of a report's (filters, times, formats, a number of looks), and a pdttd or
 * database that may be asked. Returns, having done nothing, where that is not so.
 */
void fullscreen_try(const struct report_options *o);
