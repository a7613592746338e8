/*
 * A time zone read from its TZif file (RFC 9636) into a value that is asked directly. The C library keeps one zone for
 * the whole process, in TZ, and its mktime() guesses where a local time occurs twice; what is booked for good can rest
 * on neither.
 */
#pragma once

#include "common/tzrule.h"

#include <stddef.h>

struct tz_zone;

/*
 * Loads a zone by name:
 *   "local"            the host's zone, /etc/localtime; UTC where that is missing. TZ is not read: a site has one zone,
 * whoever asks. "UTC"              needs no file "Australia/Perth"  below TZDIR (unless privileged through set-uid) or
 * /usr/share/zoneinfo
 *   "/path/to/file"    that file
 *   "AWST-8"           a POSIX TZ string, where no file has this name
 * -ENOENT no such zone (or the package tzdata is missing), -EINVAL not a name, -EBADMSG the file is damaged or not
 * TZif, -ENOTSUP it counts leap seconds ("right/..."), which the kernel's clock does not; or the errno of reading it.
 */
int tz_zone_load(const char *name, struct tz_zone **ret_zone);

/* The same from the contents of a TZif file. name is copied. */
int tz_zone_parse(const char *name, const void *data, size_t size, struct tz_zone **ret_zone);

struct tz_zone *tz_zone_free(struct tz_zone *zone); /* NULL is a no-op; returns NULL */

/* As it was loaded; for "local" the name that /etc/localtime links to, if it is a link. Owned by the zone. */
const char *tz_zone_name(const struct tz_zone *zone);

/*
 * The period that holds at utc_sec, which must be an instant that struct calendar accepts. Never fails: before the
 * table the first type holds, after it the TZ string or, without one, the last type.
 */
void tz_zone_period(const struct tz_zone *zone, int64_t utc_sec, struct tz_period *ret_period);
