/* What a request asks for, in the words of pdtt-report's options. Pure. */
#pragma once

#include "report/options.h"
#include "serve/request.h"

/* More than a page or a script asks for at once, and no more memory than a service should take. */
enum { QUESTION_MOST_ROWS = 100000 };

/* What the path of a question says already, and what may be asked there. */
struct question_kind {
    const char *fixed, *value; /* name and value of a parameter; NULL: none */
    bool paged;                /* the answer is a page of rows: limit, cursor */
    bool searched;             /* by parts of names: search */
    bool by_period;            /* a period is chosen where none is given: question_choose_period() is due */
};

struct question {
    struct report_options options; /* borrows texts from the request */
    struct output_target target;
    struct report_page page;
    char since[24], until[24]; /* of a cursor */
};

enum { QUESTION_PAGE = 100, QUESTION_LARGEST_PAGE = 1000 };

/*
 * Each parameter is an option of pdtt-report by its long name, with its value; options without one are given as 1 or
 * left out as 0. Beside these: what a table or graph is for, width, terminal, colours and utf8, and those of the kind
 * (NULL: a whole report). The format is JSON
 * unless another is asked for. -EINVAL and *ret_why, malloc'ed, say what is wrong, as pdtt-report does; -ENOMEM.
 * question_done() is due in either case.
 */
int question_parse(const struct request *request, const struct question_kind *kind, struct question *ret,
                   char **ret_why);
void question_done(struct question *question);

/*
 * For a kind that is by_period: gives a question of so many seconds a period that makes a readable number of rows, if it has
 * none. As question_parse().
 */
int question_choose_period(struct question *question, int64_t sec, char **ret_why);

/* The option of pdtt-report that a parameter of this name is; NULL: none that may be asked from afar. */
const struct option_row *question_option(const char *name);

/* The media type of the answer. Static text. */
const char *question_media_type(const struct question *question);
