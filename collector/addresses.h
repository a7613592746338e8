/* The addresses that this host has, in this network namespace, from rtnetlink. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct address {
    uint8_t family;    /* AF_INET, AF_INET6 */
    uint8_t bytes[16]; /* network order; IPv4 in the first 4, the rest 0 */
};

/* Sorted, each once, also those that no interface is up for; *ret is malloc'ed. A negative errno. */
int addresses_list(struct address **ret, size_t *ret_n);
