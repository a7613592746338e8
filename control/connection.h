/* The SSH connection that whoever runs this sits on, so that pdttd can protect it. */
#pragma once

/*
 * What sshd says in SSH_CONNECTION, malloc'ed: of this process, or of the nearest one it descends from, since sudo and su take the
 * variable away. NULL: there is none, or it may not be looked at.
 */
char *connection_find(void);
