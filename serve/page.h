/* The page for browsers: a few files in the program itself, which hold no data and are for everybody. */
#pragma once

#include "serve/answer.h"

struct page_file {
    const char *path, *media_type, *tag;
    const unsigned char *data; /* compressed by gzip */
    size_t size, plain_size;
    bool kept; /* its name says what is in it: it never changes */
};

/* Made of web/ by npm, or of nothing where the page is left out. */
extern const struct page_file page_files[];
extern const size_t page_n_files;

/* The file that a request's target is for; NULL: none. */
const struct page_file *page_find(const char *target);

/* The file as an answer, compressed or not; known: If-None-Match, or NULL. */
void page_answer(const struct page_file *file, bool gzip, const char *known, struct answer *ret);
