/*
 * The control socket: one request per connection, one line ("status\n"), answered by one JSON object and a newline. Root and
 * the group that owns the database's directory may connect; an answer to what is unknown is {"error": "..."}. What changes
 * something is for these two alone, whatever the mode of the socket: {"error": "...", "group": GID} says so.
 * A client that says nothing, or does not read, costs a connection for a few seconds and holds up nothing.
 * Some that ask for it with "follow": true are told on, a line each, until they close; {"missed": N} says that they did not read so
 * many lines in time.
 * Some requests go on behind a blank with a JSON object, "policy apply {...}\n"; only they may be long, and only of those two.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#define CONTROL_REQUEST_MAX  256
#define CONTROL_ARGUMENT_MAX (8 << 20) /* with the request before it */

/* Who asks, as the kernel says. */
struct control_peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

/* Returns the answer, which the caller takes possession of; NULL: out of memory. */
typedef json_t *(*control_fn)(const struct control_peer *peer, void *userdata);

/* The same with what stands behind the request, an object. */
typedef json_t *(*control_take_fn)(const struct control_peer *peer, const json_t *argument, void *userdata);

struct control_verb {
    const char *name;
    control_fn answer;
    control_take_fn take; /* instead of answer, or beside it where the argument may be left out */
    bool admin_only;      /* for root and the members of the socket's group */
    bool may_follow;      /* an argument with "follow": true keeps the connection open for control_tell() */
};

struct control;

/*
 * Listens at path. verbs must outlive it. -EADDRINUSE: another process answers there, -ENOTSOCK: something else has the
 * name and is left alone, -ENAMETOOLONG. ret_why is malloc'ed.
 */
int control_open(const char *path, gid_t group, const struct control_verb *verbs, size_t n_verbs, void *userdata,
                 struct control **ret_control, char **ret_why);
struct control *control_close(struct control *c); /* removes the socket */

/* Whether who connected fd is root or a member of the group, by the credentials of the moment at which it connected. */
bool control_peer_is_admin(int fd, const struct control_peer *peer, gid_t group);

/* Whether anybody follows, so that control_tell() has a use; c may be NULL. */
bool control_is_followed(const struct control *c);

/* A line for all who follow and, by the argument of their request, want it. */
typedef bool (*control_wants_fn)(const json_t *argument, const json_t *what);
void control_tell(struct control *c, const json_t *what, control_wants_fn wants);

/* Readable when control_serve() has something to do. */
int control_fd(const struct control *c);
void control_serve(struct control *c);
