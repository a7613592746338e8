/* The values of a policy's keys, as people write them: both ways. Inside common/policy_*.c only. */
#pragma once

#include "common/policy.h"

#include <stdio.h>

#define POLICY_WHY_MAX 256

/* Each returns NULL, or what is wrong with the text and what to do, written to buf. */
const char *policy_read_network(const char *text, struct policy_network *ret, char buf[static POLICY_WHY_MAX]);
const char *policy_read_ports(const char *text, struct policy_ports *ret, char buf[static POLICY_WHY_MAX]);
const char *policy_read_protocol(const char *text, int *ret, char buf[static POLICY_WHY_MAX]);
const char *policy_read_rate(const char *text, uint64_t *ret_bytes, char buf[static POLICY_WHY_MAX]);

/* "allocation exceeded", "allocation of project over 80 %"; whose is "user", "project" or NULL where it is not said. */
const char *policy_read_when(const char *text, unsigned *ret_percent, const char **ret_whose,
                             char buf[static POLICY_WHY_MAX]);

void policy_write_network(FILE *out, const struct policy_network *network);
void policy_write_ports(FILE *out, const struct policy_ports *ports);
void policy_write_protocol(FILE *out, int protocol);
void policy_write_rate(FILE *out, uint64_t bytes);

/* A decimal number without sign, at most most; false: it is none. */
bool policy_read_number(const char *text, uint64_t most, uint64_t *ret);

/* target is the row's member of the policy. NULL, or what is wrong, as above. */
typedef const char *(*policy_read_fn)(void *target, const char *value, char buf[static POLICY_WHY_MAX]);

/* Writes nothing where the policy says what it says by default. */
typedef void (*policy_write_fn)(FILE *out, const void *member, const struct policy *policy);

struct policy_key {
    const char *name, *values;
    size_t offset; /* of the member */
    policy_read_fn read;
    policy_write_fn write; /* NULL: the name, which is no key=value */
};

#define POLICY_KEYS_MAX 32
extern const struct policy_key policy_keys[];
extern const size_t policy_n_keys;

uint64_t policy_default_burst(const struct policy *policy); /* by its rate and direction */
bool policy_any_port(const struct policy_ports *ports);
