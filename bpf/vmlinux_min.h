/*
 * The few kernel types that the programs look into, cut down to the fields they read. CO-RE relocates each access against
 * the running kernel's BTF, so only names matter here, not offsets. Committed rather than dumped from the build machine: a
 * build host or container need not run a BTF kernel, the same source gives the same object everywhere, and what we depend
 * on in the kernel can be read in one screen. UAPI types come from <linux/bpf.h>.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stddef.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
    unsigned int val;
} kuid_t;

typedef struct {
    unsigned int val;
} kgid_t;

struct cred {
    kuid_t uid;
    kgid_t gid;
};

struct kernfs_node {
    __u64 id;
};

struct cgroup {
    struct kernfs_node *kn;
};

struct css_set {
    struct cgroup *dfl_cgrp;
};

struct task_struct {
    unsigned int flags;
    const struct cred *cred;
    struct css_set *cgroups;
    int tgid;
    char comm[16];
};

typedef struct {
    __s64 counter;
} atomic64_t;

struct sock_common {
    unsigned short skc_family;
    volatile unsigned char skc_state;
    atomic64_t skc_cookie;
};

typedef struct {
    int owned;
} socket_lock_t;

struct sock {
    struct sock_common __sk_common;
    socket_lock_t sk_lock;
    __u16 sk_protocol;
    __u16 sk_type;
    int sk_err;
    unsigned long sk_max_pacing_rate;
};

struct net_device {
    int ifindex;
    unsigned int mtu;
    unsigned short hard_header_len;
};

struct packet_type {
    struct net_device *dev;
};

struct packet_sock {
    struct packet_type prot_hook;
};

struct tcp_sock {
    __u32 srtt_us; /* times 8 */
    __u32 total_retrans;
};

struct socket {
    struct sock *sk;
};

struct mptcp_sock {
};

struct super_block {
    unsigned long s_magic;
};

struct inode {
    struct super_block *i_sb;
};

struct file {
    struct inode *f_inode;
    void *private_data;
};

struct page;
struct msghdr;

struct dst_entry {
    unsigned long _metrics;
};

struct dst_metrics {
    __u32 metrics[17];
};

struct sk_buff {
    struct net_device *dev;
    char cb[48];
    unsigned long _skb_refdst;
};

struct inet_skb_parm {
    __u16 frag_max_size;
};

struct inet6_skb_parm {
    __u16 frag_max_size;
};

struct seq_file;

struct bpf_iter_meta {
    struct seq_file *seq;
};

struct bpf_iter__task_file {
    struct bpf_iter_meta *meta;
    struct task_struct *task;
    __u32 fd;
    struct file *file;
};

struct bpf_iter__tcp {
    struct bpf_iter_meta *meta;
    struct sock_common *sk_common;
};

struct bpf_map;

struct bpf_iter__bpf_sk_storage_map {
    struct bpf_iter_meta *meta;
    struct bpf_map *map;
    struct sock *sk;
    void *value;
};

#pragma clang attribute pop
