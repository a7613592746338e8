# A real sshd on the server's side, with keys and a configuration of its own; nothing of the host's is read. Sourced after lib.sh.
# shellcheck shell=bash disable=SC2034 # the tests use what is set here

# make_keys PORT CLIENT: the key of the client's user lets it in as anybody; SSH_OPTIONS are for ssh, scp and rsync
make_keys()
{
    SSHD_PORT=$1
    mkdir "$TMP/ssh" "$TMP/client"
    ssh-keygen -q -t ed25519 -N '' -f "$TMP/ssh/host_key"
    ssh-keygen -q -t ed25519 -N '' -f "$TMP/client/key"
    cp "$TMP/client/key.pub" "$TMP/ssh/authorized_keys"
    chmod 644 "$TMP/ssh/authorized_keys"
    chown -R "${USER_ID[$2]}" "$TMP/client"
    SSH_OPTIONS=(-F none -i "$TMP/client/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes)
}

start_sshd()
{
    cat >"$TMP/ssh/sshd_config" <<CONF
Port $SSHD_PORT
ListenAddress $SERVER4
ListenAddress $SERVER6
HostKey $TMP/ssh/host_key
AuthorizedKeysFile $TMP/ssh/authorized_keys
PidFile $TMP/ssh/pid
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
Subsystem sftp internal-sftp
CONF
    if [ ! -d /run/sshd ]; then
        mkdir /run/sshd
        at_exit rmdir /run/sshd
    fi
    in_background in_server "$(command -v sshd)" -D -e -f "$TMP/ssh/sshd_config"
    wait_until 10 in_client bash -c "exec 3<>/dev/tcp/$SERVER4/$SSHD_PORT" || die "sshd listens"
}

# home_of NAME [FILE]: a home directory for the one who logs in, with a copy of the file
home_of()
{
    mkdir "$TMP/home-$1"
    [ $# = 1 ] || install -o "${USER_NAME[$1]}" "$2" "$TMP/home-$1/bulk"
    chown "${USER_NAME[$1]}:" "$TMP/home-$1"
}
