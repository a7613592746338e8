/* How an answer is sent: with a tag, not at all where the asker has it already, and compressed for who takes that. */
#pragma once

#include "serve/answer.h"

/* What the request says of it. */
struct accepts {
    bool gzip;
    char *known; /* If-None-Match, or NULL; owned */
};

/* Whether Accept-Encoding (NULL: none) takes gzip. */
bool encode_takes_gzip(const char *accept_encoding);

/*
 * Gives an answer of status 200 its tag; makes it 304 without a body where accepts->known holds that; compresses it where
 * it is worth it. What there is no memory for is left out.
 */
void encode_answer(const struct accepts *accepts, struct answer *answer);
