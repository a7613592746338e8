/*
 * Which rules of a set match, and of them the first in order of precedence. The same C for the programs and for user space, which
 * tests it against going through the list one by one. Whoever includes it says how to get at a vector, a word of the pool and a
 * row: policy_vector_at(id), policy_word_at(index), policy_row_at(index); NULL: there is none, and nothing matches.
 *
 * For the verifier nothing here may be a known number that differs from one turn to the next: it would follow each by itself.
 * So what has been compared with 0 is mixed with head->zero before the next turn.
 */
#pragma once

#include "pdtt_policy.h"
#include <stdbool.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#define POLICY_TURNS(policies) ((policies) / PDTT_POLICY_WORD + PDTT_POLICY_SUMMARY + PDTT_POLICY_OBSERVERS)

#ifdef __bpf__
#define POLICY_FUNCTION __noinline
#define POLICY_LOOP                                                                                                    \
    _Pragma("clang loop unroll(disable)") /* unrolled, what is kept for each turn is more than a stack */
#else
#define POLICY_FUNCTION static
#define POLICY_LOOP
#endif

/* Numbers of vectors, several in one: a function takes five numbers at most. */
#define POLICY_ID_BITS     21
#define POLICY_ID_MASK     ((1ULL << POLICY_ID_BITS) - 1)
#define POLICY_IDS_IN_ONE  3
#define POLICY_ON_LOOPBACK 0x80000000u

struct policy_search {
    const struct pdtt_policy_head *head;
    const __u32 *ids;                /* of the vectors for the packet's values, by part */
    __u64 left[PDTT_POLICY_SUMMARY]; /* words of the set that may match, shifted down as they are looked at */
    __u64 bits;                      /* rules of the current word that match and were not given yet */
    __u32 row, block;                /* the current word, and the first one that left[0] stands for */
    __u32 loopback;                  /* POLICY_ON_LOOPBACK or 0 */
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

static __always_inline __u64 policy_three(const __u32 *ids)
{
    return ids[0] | (__u64)ids[1] << POLICY_ID_BITS | (__u64)ids[2] << 2 * POLICY_ID_BITS;
}

/* ids are those of the vectors for the packet's values; head and loopback are set. */
static __always_inline bool policy_search_begin(struct policy_search *s, const __u32 *ids)
{
    __u64 zero = s->head->zero;

    s->bits = zero;
    s->row = s->block = s->head->first_row;
    for (int k = 0; k < PDTT_POLICY_SUMMARY; k++)
        s->left[k] = ~zero;
    s->ids = ids;
    POLICY_LOOP
    for (int part = 0; part < PDTT_POLICY_PARTS; part++) {
        const struct pdtt_policy_vector *v = policy_vector_at(ids[part]);

        if (!v)
            return false;
        for (int k = 0; k < PDTT_POLICY_SUMMARY; k++) {
            __u64 wild = s->head->wild[part][k];

            if (part == PDTT_POLICY_CLASS && s->loopback)
                wild = zero;
            s->left[k] &= wild | v->summary[k];
        }
    }
    return true;
}

/* The rules of a word that name this part's value. Without a branch: of each the verifier would follow both ways. */
static __always_inline __u64 policy_named(__u32 id, __u32 word)
{
    const struct pdtt_policy_vector *v = policy_vector_at(id);
    __u32 block = (word >> 6) & (PDTT_POLICY_SUMMARY - 1), index;
    __u64 summary, bit = word & 63, mask;
    const __u64 *found;

    if (!v)
        return 0;
    summary = v->summary[block];
    mask = -(summary >> bit & 1);
    index = v->first + v->before[block] + (__u32)policy_count_bits(summary & ((1ULL << bit) - 1));
    found = policy_word_at(index & (__u32)mask);
    return found ? *found & mask : 0;
}

/*
 * The rules of a row that match. A function of numbers alone, which the verifier goes through once, not once for each turn of
 * whoever calls it.
 */
POLICY_FUNCTION __u64 policy_row_matches(__u32 row_and_loopback, __u64 ids_0, __u64 ids_1, __u64 ids_2, __u64 ids_3)
{
    const struct pdtt_policy_row *row = policy_row_at(row_and_loopback & ~POLICY_ON_LOOPBACK);
    __u64 ids = ids_0, bits;

    if (!row)
        return 0;
    bits = row->on;
    POLICY_LOOP
    for (int part = 0; part < PDTT_POLICY_PARTS; part++) {
        __u64 wild = row->wild[part];

        if (part == POLICY_IDS_IN_ONE)
            ids = ids_1;
        else if (part == 2 * POLICY_IDS_IN_ONE)
            ids = ids_2;
        else if (part == 3 * POLICY_IDS_IN_ONE)
            ids = ids_3;
        if (part == PDTT_POLICY_CLASS && row_and_loopback & POLICY_ON_LOOPBACK)
            wild = 0;
        bits &= wild | policy_named(ids & POLICY_ID_MASK, row->word);
        ids >>= POLICY_ID_BITS;
    }
    return bits;
}

#define POLICY_BEST_NONE (~0ULL)

/* A rule that matches and decides: the best of it and those before. The lower half is its number. */
static __always_inline __u64 policy_better(const struct policy_search *s, __u64 best, __u32 rank, __u32 rule)
{
    __u64 found = (__u64)rank << 32 | rule;

    return (found < best ? found : best) | s->head->zero;
}

/* Whether an observer is to be counted: those that decide come before all that observe, so the best is known by now. */
static __always_inline bool policy_sees(__u64 best, __u32 rank)
{
    return (__u64)rank << 32 < best;
}

/* What else there is in the word of the latest rule comes after it. */
static __always_inline void policy_search_leave_word(struct policy_search *s)
{
    s->bits = s->head->zero;
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
        __u64 bits;

        if (!s->left[0]) {
            if (!((s->left[1] | s->left[2] | s->left[3]) ^ zero)) /* one test, not three */
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
        bits = policy_row_matches(s->row | s->loopback, policy_three(s->ids), policy_three(s->ids + 3),
                                  policy_three(s->ids + 6), s->ids[9] | (__u64)s->ids[10] << POLICY_ID_BITS);
        s->bits = bits | zero; /* forgets what the next line is about to tell the verifier */
        if (!bits)
            return POLICY_GO_ON;
    }
    *ret_rule = s->row * PDTT_POLICY_WORD + policy_first_bit(s->bits);
    s->bits = (s->bits & (s->bits - 1)) | zero;
    return POLICY_FOUND;
}
