/* The interface layer's part in a session: opened after the kernel side, booked with each interval, its states recorded. */
#pragma once

#include "collector/session.h"

/* Logs one line on failure. */
int session_open_interfaces(struct session *s);

/* For struct drain. */
int session_read_meters(const struct store_meter **ret, size_t *ret_n, void *session);

/* Before an interval is sealed, and after it is booked: samples of packets, beside it. A failure is logged. */
void session_seal_samples(struct session *s);
void session_book_samples(struct session *s);

/* Records the states that are new. A failure is logged, and they are tried again. */
void session_note_interfaces(struct session *s);
