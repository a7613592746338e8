/*
 * traffic: moves a known number of bytes in one particular way, prints what it moved and exits. The live tests compare that
 * with what pdttd booked. It shares no logic with the product, so that a mistake there cannot hide here. Every failure ends
 * the program with one line: a test must not go on with half of its traffic.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define EXIT_UNSUPPORTED 77 /* this kernel does not have what was asked for: the test is skipped */

struct endpoint {
    struct sockaddr_storage address;
    socklen_t length;
};

struct endpoint endpoint_of(const char *address, const char *port);
uint64_t number_of(const char *text); /* decimal, all of it, or the program ends */
const char *argument_or(char **arguments, int index, const char *otherwise);

int socket_to(const struct endpoint *remote, int type, int protocol); /* made, not connected */
int tcp_connect(const struct endpoint *remote); /* by the protocol that "traffic via" has named, else TCP */
void stream_by(const char *protocol);
void tcp_listen_ready(const struct endpoint *local, int *ret_listener); /* prints "ready" once clients can come */
void send_bytes(int fd, uint64_t bytes);                                /* all of them, in writes of 64 KiB */
uint64_t receive_to_end(int fd);
uint64_t splice_to_end(int fd); /* the same without recv() */
void end_politely(int fd);
int bind_ready(const struct endpoint *local); /* a datagram socket; prints "ready" */
int readable_within(int fd, uint64_t ms);
void wait_ms(uint64_t ms);
pid_t fork_or_end(void);
void wait_for_success(pid_t child);
void become(uid_t uid, gid_t gid); /* gives root up for good */
void report_moved(uint64_t bytes); /* the line that the tests read */

/* Subcommands; arguments[0] is the first after the name. */
void run_tcp_sink(char **arguments);
void run_tcp_source(char **arguments);
void run_tcp_serve(char **arguments);
void run_tcp_fetch(char **arguments);
void run_tcp_churn(char **arguments);
void run_close_early(char **arguments);
void run_long_lived(char **arguments);
void run_udp_sink(char **arguments);
void run_udp_source(char **arguments);
void run_udp_echo(char **arguments);
void run_udp_ask(char **arguments);
void run_ping(char **arguments);
void run_raw_ping(char **arguments);
void run_raw_source(char **arguments);
void run_setuid_after_socket(char **arguments);
void run_udp_setuid(char **arguments);
void run_queued(char **arguments);
void run_fd_pass(char **arguments);
void run_userns(char **arguments);
void run_many_uids(char **arguments);
void run_uid_swarm(char **arguments); /* a datagram of each uid from one process, so that many are in one interval */
void run_frame(char **arguments);
void run_tcp_duplex(char **arguments);
void run_tcp_drip(char **arguments);
void run_brood(char **arguments);
void run_sendfile_source(char **arguments);
void run_splice_source(char **arguments);
void run_splice_fetch(char **arguments);
void run_mmsg_source(char **arguments);
void run_mmsg_sink(char **arguments);
void run_uring_source(char **arguments);
void run_uring_fetch(char **arguments);
void run_packet_source(char **arguments);
void run_packet_sniff(char **arguments);
