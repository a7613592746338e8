/* What the values of pdtt-report's options are written with: lists of names, and words of which each is one choice. */
#pragma once

#include "report/options.h"

/* The choices, as --help, complaints and the manual call them. */
#define WORDS_DIMS    "user, project, class, proto, family, unit, process, remote, source, host, policy"
#define WORDS_PERIODS "5min, hour, day, week, month, quarter, year, interval"
#define WORDS_STYLES  "auto, si, bytes"
#define WORDS_FORMATS "table, json, csv, tsv, log, pcap"

/* Each returns 0, or a negative errno after options_complain(). */

/* "a,b": an option that is given twice adds to the list. */
int list_parse(struct name_list *list, const char *text);
void list_done(struct name_list *list);

/* A list of dimensions, "user,class". */
int words_parse_dims(const char *text, unsigned *ret_by);

int words_parse_period(const char *text, int *ret_period);
int words_parse_style(const char *text, enum units_style *ret_style);
