/* What a request asks for, in the words of pdtt-report's options. Pure. */
#pragma once

#include "report/options.h"
#include "serve/request.h"

/* More than a page or a script asks for at once, and no more memory than a service should take. */
enum { QUESTION_MOST_ROWS = 100000 };

struct question {
    struct report_options options; /* borrows texts from the request */
    struct output_target target;
};

/*
 * Each parameter is an option of pdtt-report by its long name, with its value; options without one are given as 1 or
 * left out as 0. Beside these: what a table or graph is for, width, terminal, colours and utf8. The format is JSON
 * unless another is asked for. -EINVAL and *ret_why, malloc'ed, say what is wrong, as pdtt-report does; -ENOMEM.
 * question_done() is due in either case.
 */
int question_parse(const struct request *request, struct question *ret, char **ret_why);
void question_done(struct question *question);

/* The media type of the answer. Static text. */
const char *question_media_type(const struct question *question);
