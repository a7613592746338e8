/*
 * Which rule of a set matches first. The same C for the programs and for user space, which tests it against going through
 * the list one by one. Whoever includes it says how to get at a vector, a word of the pool and a row:
 * policy_vector_at(id), policy_word_at(index), policy_row_at(index); NULL: there is none, and nothing matches.
 *
 * For the verifier nothing here may be a known number that differs from one turn to the next: it would follow each by itself.
 */
#pragma once

#include "pdtt_policy.h"
#include <stdbool.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define POLICY_TURNS(policies) ((policies) / PDTT_POLICY_WORD + PDTT_POLICY_SUMMARY + PDTT_POLICY_OBSERVERS)

#ifdef __bpf__
#define POLICY_LOOP                                                                                                    \
    _Pragma("clang loop unroll(disable)") /* unrolled, what is kept for each turn is more than a stack */
#else
#define POLICY_LOOP
#endif

struct policy_search {
    const struct pdtt_policy_head *head;
    const __u32 *ids;                /* of the vectors for the packet's values, by part */
    __u64 left[PDTT_POLICY_SUMMARY]; /* words of the set that may match, shifted down as they are looked at */
    __u64 bits;                      /* rules of the current word that match and were not given yet */
    __u32 row, block;                /* the current word, and the first one that left[0] stands for */
    __u64 not_loopback;              /* all bits, or none on loopback, where only rules that name its class match */
};

static __always_inline __u64 policy_count_bits(__u64 x)
{
    x -= (x >> 1) & 0x5555555555555555ULL;
    x = (x & 0x3333333333333333ULL) + ((x >> 2) & 0x3333333333333333ULL);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
    return (x * 0x0101010101010101ULL) >> 56;
}

/* Of a number that is not 0. */
static __always_inline __u32 policy_first_bit(__u64 x)
{
    return policy_count_bits((x & -x) - 1) & 63;
}

/* Head, ids and not_loopback are set. */
static __always_inline bool policy_search_begin(struct policy_search *s)
{
    __u64 zero = s->head->zero;

    s->bits = zero;
    s->row = s->block = s->head->first_row;
    for (int k = 0; k < PDTT_POLICY_SUMMARY; k++)
        s->left[k] = ~zero;
    POLICY_LOOP
    for (int part = 0; part < PDTT_POLICY_PARTS; part++) {
        const struct pdtt_policy_vector *v = policy_vector_at(s->ids[part]);

        if (!v)
            return false;
        for (int k = 0; k < PDTT_POLICY_SUMMARY; k++) {
            __u64 wild = s->head->wild[part][k];

            if (part == PDTT_POLICY_CLASS)
                wild &= s->not_loopback;
            s->left[k] &= wild | v->summary[k];
        }
    }
    return true;
}

/*
 * The rules of a word that name this part's value. Without a branch: of each the verifier would follow both ways. False: there
 * is no such vector or word, which cannot be.
 */
static __always_inline bool policy_named(__u32 id, __u32 word, __u64 *ret_bits)
{
    const struct pdtt_policy_vector *v = policy_vector_at(id);
    __u32 block = (word >> 6) & (PDTT_POLICY_SUMMARY - 1), index;
    __u64 summary, bit = word & 63, mask;
    const __u64 *found;

    if (!v)
        return false;
    summary = v->summary[block];
    mask = -(summary >> bit & 1);
    index = v->first + v->before[block] + (__u32)policy_count_bits(summary & ((1ULL << bit) - 1));
    found = policy_word_at(index & (__u32)mask);
    if (!found)
        return false;
    *ret_bits = *found & mask;
    return true;
}

enum policy_turn {
    POLICY_FOUND,  /* *ret_rule matches */
    POLICY_GO_ON,  /* nothing yet */
    POLICY_AT_END, /* nothing any more */
};

static __always_inline enum policy_turn policy_search_turn(struct policy_search *s, __u32 *ret_rule)
{
    __u64 zero = s->head->zero;

    if (!s->bits) {
        const struct pdtt_policy_row *row;
        __u64 bits;

        if (!s->left[0]) {
            if (!(s->left[1] | s->left[2] | s->left[3]))
                return POLICY_AT_END;
            s->left[0] = s->left[1] | zero;
            s->left[1] = s->left[2] | zero;
            s->left[2] = s->left[3] | zero;
            s->left[3] = zero;
            s->bits = zero;
            s->block += 64;
            return POLICY_GO_ON;
        }
        s->row = s->block + policy_first_bit(s->left[0]);
        s->left[0] = (s->left[0] & (s->left[0] - 1)) | zero;
        row = policy_row_at(s->row);
        if (!row)
            return POLICY_AT_END;
        bits = row->on;
        POLICY_LOOP
        for (int part = 0; part < PDTT_POLICY_PARTS; part++) {
            __u64 wild = row->wild[part], named;

            if (part == PDTT_POLICY_CLASS)
                wild &= s->not_loopback;
            if (!policy_named(s->ids[part], row->word, &named))
                return POLICY_AT_END;
            bits &= wild | named;
        }
        s->bits = bits | zero; /* forgets what the next line is about to tell the verifier */
        if (!bits)
            return POLICY_GO_ON;
    }
    *ret_rule = s->row * PDTT_POLICY_WORD + policy_first_bit(s->bits);
    s->bits = (s->bits & (s->bits - 1)) | zero;
    return POLICY_FOUND;
}
