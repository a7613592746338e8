#include "collector/config_keys.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "common/options.h"
#include "common/places.h"
#include "common/policy.h"
#include "common/units.h"

int config_read_text(struct config_reader *reader, const config_setting_t *setting, const char **ret_text)
{
    const char *text = config_setting_get_string(setting);

    if (!text)
        return config_complain(reader, setting, "is not a text; write it in double quotes");
    if (!*text)
        return config_complain(reader, setting, "is empty; give it a value or leave the key out");
    for (const char *p = text; *p; p++)
        if (iscntrl((unsigned char)*p))
            return config_complain(reader, setting, "holds a control character; remove it");
    *ret_text = text;
    return 0;
}

int config_replace_text(char **target, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    free(*target);
    *target = copy;
    return 0;
}

/* Absolute, because the daemon's working directory is not the one of who wrote the file. */
static int read_path(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    const char *text;
    int r = config_read_text(reader, setting, &text);

    if (r < 0)
        return r;
    if (text[0] != '/' || !text[1])
        return config_complain(reader, setting, "is not an absolute path; begin it with / and a name");
    if (strlen(text) >= PATH_MAX)
        return config_complain(reader, setting, "is longer than %d bytes; choose a shorter path", PATH_MAX - 1);
    return config_replace_text(target, text);
}

static int read_database(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    const char *text = config_setting_get_string(setting);

    if (text && *text && text[strlen(text) - 1] == '/')
        return config_complain(reader, setting, "names a directory; add the name of the database file");
    return read_path(reader, setting, target);
}

static int read_control(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    const char *text = config_setting_get_string(setting);

    if (text && strlen(text) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return config_complain(reader, setting,
                               "is longer than %zu bytes, which no socket's path may be; choose a shorter path",
                               sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
    return read_path(reader, setting, target);
}

static int read_cgroup(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    const char *text = config_setting_get_string(setting);

    if (text && strcmp(text, CONFIG_CGROUP_AUTO) == 0)
        return config_replace_text(target, text);
    if (text && *text && *text != '/')
        return config_complain(reader, setting, "is neither \"auto\" nor an absolute path; write one of them");
    return read_path(reader, setting, target);
}

/* sec lies in 1..3600, so the search ends at 1 at the latest. */
static int64_t nearest_divisor_of_hour(int64_t sec)
{
    int64_t distance = 0;

    while (3600 % (sec - distance) != 0 && 3600 % (sec + distance) != 0)
        distance++;
    return 3600 % (sec - distance) == 0 ? sec - distance : sec + distance;
}

int config_read_duration(struct config_reader *reader, const config_setting_t *setting, const char *remedy,
                         int64_t *ret_sec)
{
    const char *text = config_setting_get_string(setting);
    int r;

    if (!text)
        return config_complain(reader, setting, "is not a duration in double quotes; %s", remedy);
    r = units_parse_duration(text, ret_sec);
    if (r == -EINVAL)
        return config_complain(reader, setting, "is not a duration with a unit; %s", remedy);
    return r < 0 ? config_complain(reader, setting, "is out of range; %s", remedy) : 0;
}

/* Intervals start at multiples of the wall clock, and hours must be made of whole ones. */
static int read_interval(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char remedy[] = "write 1s to 1h, such as \"10s\" or \"1min\"";
    int64_t sec;
    int r = config_read_duration(reader, setting, remedy, &sec);

    if (r < 0)
        return r;
    if (sec < 1 || sec > 3600)
        return config_complain(reader, setting, "is outside 1s to 1h; %s", remedy);
    if (3600 % sec != 0)
        return config_complain(reader, setting, "does not divide an hour evenly; \"%llds\" would",
                               (long long)nearest_divisor_of_hour(sec));
    *(unsigned *)target = (unsigned)sec;
    return 0;
}

int config_read_count(struct config_reader *reader, const config_setting_t *setting, unsigned least, unsigned most,
                      unsigned *target)
{
    int type = config_setting_type(setting);
    long long n = config_setting_get_int64(setting);

    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
        return config_complain(reader, setting, "is not a whole number; write %u to %u without quotes", least, most);
    if (n < least || n > most)
        return config_complain(reader, setting, "is out of range; write %u to %u", least, most);
    *target = (unsigned)n;
    return 0;
}

static int read_limit(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    return config_read_count(reader, setting, 16, 1048576, target);
}

static int read_policies(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    return config_read_count(reader, setting, 0, POLICIES_MAX, target);
}

static int read_layer(struct config_reader *reader, const config_setting_t *setting, void *target)
{
    static const char *const words[] = {
        [CONFIG_LAYER_AUTO] = "auto",
        [CONFIG_LAYER_ON] = "on",
        [CONFIG_LAYER_OFF] = "off",
    };
    const char *text = config_setting_get_string(setting);

    for (size_t i = 0; text && i < array_length(words); i++)
        if (strcmp(text, words[i]) == 0) {
            *(enum config_layer *)target = (enum config_layer)i;
            return 0;
        }
    return config_complain(reader, setting, "is not a state of a layer; write \"auto\", \"on\" or \"off\"");
}

#define AT(field)       offsetof(struct config, field)
#define LATER           .read = NULL

#define RETENTION_RANGE "a duration of at least 1h, or \"forever\"; not longer than of the next coarser level"

const struct config_key config_keys[] = {
    {"database", "\"" DEFAULT_DATABASE "\"", "an absolute path",
     "The SQLite file that intervals are booked into. Its directory must be on a local disk.", read_database,
     AT(database)},
    {"pin_path", "\"/sys/fs/bpf/pdtt\"", "an absolute path in a BPF file system",
     "Directory that keeps the kernel's programs and counters while pdttd is down.", read_path, AT(pin_path)},
    {"cgroup", "\"auto\"", "\"auto\" or an absolute path in a cgroup v2 file system",
     "Where packets are counted. With \"auto\" it is the root of the host's cgroup v2 hierarchy; in a directory below "
     "it only "
     "the sockets of that part are seen.",
     read_cgroup, AT(cgroup)},
    {"control", "\"" DEFAULT_CONTROL "\"", "an absolute path",
     "Socket on which pdttd tells how it is and is told what to do (pdttctl); for root and the group of the database's "
     "directory.",
     read_control, AT(control)},
    {"interval", "\"10s\"", "1s to 1h, must divide an hour evenly",
     "How often counters are booked. Intervals begin at multiples of the wall clock.", read_interval, AT(interval_sec)},
    {"timezone", "\"local\"", "\"local\", \"UTC\" or a name such as \"Australia/Perth\"",
     "Time zone in which hours, days and months begin. After a change new ones begin; what is booked stays where it "
     "is.",
     config_read_timezone, AT(timezone)},
    {"retention.raw", "\"2d\"", RETENTION_RANGE, "How long single intervals are kept.", config_read_retention,
     AT(retention_sec[CONFIG_LEVEL_RAW])},
    {"retention.five_minute", "\"14d\"", RETENTION_RANGE, "How long sums of five minutes are kept.",
     config_read_retention, AT(retention_sec[CONFIG_LEVEL_5MIN])},
    {"retention.hour", "\"90d\"", RETENTION_RANGE, "How long sums of an hour are kept.", config_read_retention,
     AT(retention_sec[CONFIG_LEVEL_HOUR])},
    {"retention.day", "\"3y\"", RETENTION_RANGE, "How long sums of a day are kept.", config_read_retention,
     AT(retention_sec[CONFIG_LEVEL_DAY])},
    {"retention.month", "\"forever\"", RETENTION_RANGE, "How long sums of a month are kept.", config_read_retention,
     AT(retention_sec[CONFIG_LEVEL_MONTH])},
    {"retention.connections", "\"7d\"", "a duration of at least 1h, or \"forever\"",
     "How long records of connections are kept, and what each moved by five minutes.", config_read_retention,
     AT(retention_connections_sec)},
    {"max_size", "\"2 GiB\"", "a size of at least 16 MiB, or \"0\" for no limit",
     "Quota of the database file; the oldest single intervals and connections go first, sums of a day or a month "
     "never.",
     config_read_max_size, AT(max_size_bytes)},
    {"limits.accounts", "16384", "16 to 1048576",
     "How many accounts (user, group, class, protocol, family) the kernel can tell apart in one interval. What comes "
     "when all are "
     "taken is still counted, in one account named (overflow). Kernel memory grows with it.",
     read_limit, AT(limit_accounts)},
    {"limits.connections", "65536", "16 to 1048576",
     "How many connections, and flows of datagrams, are recorded at a time: those under way and those that ended in "
     "this "
     "interval. What more there are is counted in one sum. Kernel memory grows with the connections that there are.",
     read_limit, AT(limit_connections)},
    {"limits.policies", "256", "0 to 16384",
     "How many policies can be in force at a time, in steps of 64: what is between them is rounded up. Kernel memory "
     "grows with it: 1 MB, and 2 kB for each. With 0 there are none, and a packet costs nothing for them.",
     read_policies, AT(limit_policies)},
    {"layers.syscall", "\"auto\"", "\"auto\", \"on\" or \"off\"",
     "Learns from send and receive calls which process uses a socket, and counts payload bytes. \"on\" refuses to "
     "start on a host "
     "that cannot do it; without it a socket's packets are charged to the process that created it.",
     read_layer, AT(layer_syscall)},
    {"layers.sockops", "\"auto\"", "\"auto\", \"on\" or \"off\"",
     "Records connections: their ends, user and process, what they moved, how they ended. \"on\" refuses to start on a "
     "host that cannot do it.",
     read_layer, AT(layer_sockops)},
    {"layers.xdp", "\"auto\"", "\"auto\", \"on\", \"generic\" or \"off\"",
     "Counts what the network interfaces receive. \"auto\" uses XDP, which sees each frame as the card received it, "
     "where "
     "the configuration names an interface and its driver takes it, and TC everywhere else. \"on\" refuses to start "
     "where the driver of a watched interface does not. \"generic\" uses XDP also there, and takes what the kernel put "
     "together for one frame. \"off\" leaves all to TC. Some cards reset their link when XDP begins and ends, and for "
     "bulk it costs more than TC. An XDP program of somebody else is left alone.",
     config_read_xdp, AT(layer_xdp)},
    {"layers.tc", "\"auto\"", "\"auto\", \"on\", \"clsact\" or \"off\"",
     "Counts what the network interfaces send, and receive where XDP does not. \"auto\" uses TCX links (Linux 6.6), "
     "else "
     "filters of clsact; \"on\" refuses to start where neither works; \"clsact\" uses filters; with \"off\" nothing is "
     "counted there.",
     config_read_tc, AT(layer_tc)},
    {"layers.door", "\"auto\"", "\"auto\", \"on\" or \"off\"",
     "Whether policies that block and name nothing but a remote network are done at the watched interfaces too, where "
     "what they receive is counted, before the stack sees it: of what is addressed to this host itself. \"auto\" does "
     "so where the cgroup is the whole host, \"on\" also where it is a part, and then for all of the host.",
     read_layer, AT(layer_door)},
    {"interfaces", "( \"auto\" )", "a list of names, globs such as \"en*\", or \"auto\"; () for none",
     "Interfaces that the layers xdp and tc watch, to compare what they carry with what was booked. \"auto\" is every "
     "one "
     "that is up and whose bytes no other one counts too: not loopback, bridges, bonds, VLANs, tunnels and veth.",
     config_read_interfaces, AT(interfaces)},
    {"samples.rate", "0", "0 to 1000000",
     "Keeps one in so many of the packets that pass the watched interfaces, with their addresses, ports and first "
     "bytes, "
     "for pdtt-report --samples and --by source; none with 0, which costs nothing.",
     config_read_samples_rate, AT(samples_rate)},
    {"samples.mode", "\"random\"", "\"random\" or \"every\"",
     "How they are drawn: \"random\" takes each packet by chance, \"every\" takes every so manieth on each CPU, which "
     "misses or overstates traffic that comes in a rhythm.",
     config_read_samples_mode, AT(samples_mode)},
    {"samples.buffer", "\"1 MiB\"", "4 KiB to 64 MiB",
     "Kernel memory in which samples wait for pdttd, about 200 bytes each. What finds no room is counted, also by "
     "source, "
     "and loses its details alone.",
     config_read_samples_buffer, AT(samples_buffer_bytes)},
    {"samples.retention", "\"1d\"", "a duration of at least 1h, or \"forever\"", "How long samples are kept.",
     config_read_retention, AT(samples_retention_sec)},
    {"samples.max", "1000000", "100 to 100000000",
     "How many of them are kept at most, about 300 bytes each; the oldest go first.", config_read_samples_max,
     AT(samples_max)},
    {"classes", "( { name = \"internal\"; networks = ( \"10.0.0.0/8\", \"fd00::/8\" ); } )",
     "up to 250 of { name = NAME; networks = ( CIDR, ... ); networks_file = FILE; }",
     "Named sets of networks. A packet belongs to the class whose network matches the remote address with the longest "
     "prefix, to \"external\" if none does, and to \"loopback\" if it never leaves the host. Names consist of a-z, "
     "0-9, - "
     "and _. A file of networks has one on each line, comments behind #; its path is relative to the directory of this "
     "file.",
     config_read_classes, 0},
    {"projects", "()",
     "rules { name = NAME; groups = ( GROUP, ... ); users = ( USER, ... ); units = ( GLOB, ... ); allocation = { ... "
     "}; }",
     "Which project a process belongs to. A rule by unit, the path of its cgroup, goes before one by user, that before "
     "one by group; without any it is the name of the process's group. A glob names whole directories below the cgroup "
     "root, such as \"*/slurm*/job_*\"; what lies below one that matches belongs to it. Users and groups may be "
     "numbers. "
     "A change of the rules applies from then on.",
     config_read_projects, 0},
    {"allocations", "()",
     "{ user = NAME; or project = NAME; period = \"month\", \"quarter\" or \"year\"; limit = SIZE; classes = ( CLASS, "
     "... ); direction = \"both\", \"rx\" or \"tx\"; billing_day = 1 to 28; }",
     "How much a user or a project may move in a period, for reports to compare with. Without classes all count, "
     "without "
     "a direction both, and periods begin on day 1. The allocation of a rule of 'projects' has the same keys but the "
     "name.",
     config_read_allocations, 0},
    {"policies", "()", "{ name = NAME; action = \"allow\", \"block\", \"limit\" or \"observe\"; ... }",
     "What is done with packets that match. A policy has name, action, direction, remote, remote_ports, local, "
     "local_ports, protocol, user, group, project, class, unit, priority, rate, burst, when and lapse, as pdttctl(8) "
     "describes them. pdttctl policy adds others while pdttd runs, and removes none of these.",
     config_read_policies, AT(policies)},
    {"policy_lapse.when", "\"5min\"", "5s to 30d, or \"never\"",
     "How long policies with a condition that block or limit stay in force after pdttd has ended or could book for the "
     "last time: then nobody knows any more what is used of the allocation. A policy's own 'lapse' goes before it.",
     config_read_policy_lapse, AT(policy_lapse.when_sec)},
    {"policy_lapse.others", "\"never\"", "5s to 30d, or \"never\"",
     "How long policies without a condition that block or limit stay in force after pdttd has ended. A policy's own "
     "'lapse' goes before it.",
     config_read_policy_lapse, AT(policy_lapse.others_sec)},
    {"policy_events.rate", "10", "0 to 1000",
     "How many of the packets that it dropped each policy tells of in a second, twice as many after a pause: in the "
     "log, "
     "in the database and to pdttctl policy events. What is more is counted alone. With 0 nothing is told.",
     config_read_policy_events_rate, AT(policy_events_rate)},
    {"policy_events.retention", "\"7d\"", "a duration of at least 1h, or \"forever\"",
     "How long what policies told is kept.", config_read_retention, AT(policy_events_retention_sec)},
    {"policy_events.max", "100000", "100 to 100000000",
     "How many of them are kept at most, about 200 bytes each; the oldest go first.", config_read_policy_events_max,
     AT(policy_events_max)},
    {"notify.command", "()", "a list: an absolute path, and the command's arguments; () for none",
     "What pdttd runs once in each period when an allocation reaches a threshold of notify.at, without a shell. In the "
     "arguments {kind} (user or project), {name}, {threshold}, {percent}, {used_bytes}, {limit_bytes}, {period}, "
     "{direction}, {classes}, {since_sec} and {until_sec} stand for what they say; each argument stays one. The "
     "environment has them as PDTT_KIND and so on. A change takes a restart.",
     config_read_notify_command, AT(notify_command)},
    {"notify.user", "\"nobody\"", "name or number of a user that is not root",
     "As whom the command is run, without any capability. A change takes a restart.", config_read_notify_user,
     AT(notify_user)},
    {"notify.timeout", "\"10s\"", "1s to 5min",
     "How long the command may take before it is ended, and what it began with it. A change takes a restart.",
     config_read_notify_timeout, AT(notify_timeout_sec)},
    {"notify.at", "( 80, 90, 100 )", "up to 16 whole numbers from 1 to 1000, the lowest first",
     "Thresholds in percent of an allocation. When several are reached at once the highest is told.",
     config_read_notify_at, 0},
    {"log.file", "\"\"", "an absolute path, or empty",
     "Text log of what each user moved in each interval; off when empty.", config_read_log_file, AT(log_file)},
    {"log.per_user_prefix", "\"\"", "an absolute path, or empty",
     "Beginning of the paths of one such log per user, such as \"/var/log/pdtt/pdtt-\" for "
     "/var/log/pdtt/pdtt-USER.log; off when "
     "empty.",
     config_read_log_prefix, AT(log_per_user_prefix)},
    {"log.connections", "\"\"", "an absolute path, or empty",
     "Text log with a line for each connection that ended: user, process, ends, what it moved; off when empty.",
     config_read_log_file, AT(log_connections)},
    {"serve.admin_group", "\"pdtt\"", "name or number of a group, or empty for root alone",
     "Whose members see the rows of all users when they ask pdtt-serve. Everybody else sees their own, and the "
     "projects "
     "that they belong to.",
     config_read_admin_group, AT(serve_admin_group)},
    {"serve.listen", "\"\"", "an address and a port, or empty",
     "Where pdtt-serve listens for HTTP beside its Unix socket, such as \"127.0.0.1:8080\" or \"[::1]:8080\"; not at "
     "all when empty. "
     "Everybody needs a token there. There is no TLS: let a reverse proxy on this host speak it.",
     config_read_listen, AT(serve_listen)},
    {"serve.tokens", "\"\"", "an absolute path, or empty",
     "The file of tokens, as pdtt-serve --new-token writes its lines; its owner and group alone should read it.",
     config_read_log_file, AT(serve_tokens)},
    {"serve.proxy_user", "\"\"", "name or number of a user, or empty for none",
     "The user whose process, on the Unix socket, may say for whom it asks: that of a reverse proxy which has made "
     "sure "
     "who that is.",
     config_read_proxy_user, AT(serve_proxy_user)},
    {"serve.user_header", "\"X-Remote-User\"", "the name of a header of HTTP",
     "In which a trusted proxy says for whom it asks.", config_read_user_header, AT(serve_user_header)},
    {"serve.metrics_users", "0", "0 to 1000",
     "How many users, those who moved most, have series of their own in /metrics. Each takes memory of who scrapes.",
     config_read_metrics_users, AT(serve_metrics_users)},
};
const size_t config_n_keys = array_length(config_keys);

const struct config_key *config_key_find(const char *path)
{
    for (size_t i = 0; i < config_n_keys; i++)
        if (strcmp(config_keys[i].path, path) == 0)
            return &config_keys[i];
    return NULL;
}

bool config_key_is_group(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < config_n_keys; i++)
        if (strncmp(config_keys[i].path, path, n) == 0 && config_keys[i].path[n] == '.')
            return true;
    return false;
}

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

/* A key in the wrong group is a commoner slip than its distance in letters suggests: so the last parts count too. */
const char *config_key_nearest(const char *path)
{
    const char *paths[array_length(config_keys)], *parts[array_length(config_keys)];

    for (size_t i = 0; i < config_n_keys; i++) {
        paths[i] = config_keys[i].path;
        parts[i] = last_part(paths[i]);
    }
    const char *nearest = options_nearest(path, paths, config_n_keys);
    const char *part = nearest ? NULL : options_nearest(last_part(path), parts, config_n_keys);
    for (size_t i = 0; part && i < config_n_keys; i++)
        if (parts[i] == part)
            nearest = paths[i];
    return nearest;
}

/* Equal in kind and value; a list and an array of the same texts are the same to whoever wrote them. */
static bool settings_equal(const config_setting_t *a, const config_setting_t *b)
{
    if (config_setting_is_scalar(a) != config_setting_is_scalar(b))
        return false;
    if (!config_setting_is_scalar(a)) {
        int n = config_setting_length(a);
        bool equal = n == config_setting_length(b) && config_setting_is_group(a) == config_setting_is_group(b);
        for (int i = 0; equal && i < n; i++)
            equal = settings_equal(config_setting_get_elem(a, (unsigned)i), config_setting_get_elem(b, (unsigned)i));
        return equal;
    }
    const char *text_a = config_setting_get_string(a), *text_b = config_setting_get_string(b);
    if (text_a || text_b)
        return text_a && text_b && strcmp(text_a, text_b) == 0;
    return config_setting_is_number(a) && config_setting_is_number(b) &&
           config_setting_get_int64(a) == config_setting_get_int64(b);
}

/* Gives the default to read as a setting named "value". */
static int parse_default(const struct config_key *key, config_t *parsed, const config_setting_t **ret_setting)
{
    cleanup_free char *text = NULL;

    if (asprintf(&text, "value = %s;", key->default_text) < 0) {
        text = NULL;
        return -ENOMEM;
    }
    if (config_read_string(parsed, text) != CONFIG_TRUE)
        return -EINVAL;
    *ret_setting = config_lookup(parsed, "value");
    return 0;
}

/* Refusing is honest: a setting that is read and then ignored would be believed. */
static int accept_default_only(struct config_reader *reader, const struct config_key *key,
                               const config_setting_t *setting)
{
    cleanup(config_destroy) config_t parsed;
    const config_setting_t *expected;

    config_init(&parsed);
    int r = parse_default(key, &parsed, &expected);
    if (r < 0 || settings_equal(setting, expected))
        return r;
    return config_complain(reader, setting, "is not yet supported; leave the key out or set it to %s",
                           key->default_text);
}

int config_key_read(struct config_reader *reader, const struct config_key *key, const config_setting_t *setting,
                    struct config *config)
{
    int r = key->read ? key->read(reader, setting, (char *)config + key->offset)
                      : accept_default_only(reader, key, setting);

    return r < 0 ? r : config_keep_value(reader, key, setting, config);
}

int config_keys_set_defaults(struct config *config)
{
    struct config_reader reader = {0};
    int r = 0;

    for (size_t i = 0; i < config_n_keys && r == 0; i++) {
        cleanup(config_destroy) config_t parsed;
        const config_setting_t *setting;
        config_init(&parsed);
        r = parse_default(&config_keys[i], &parsed, &setting);
        if (r == 0)
            r = config_key_read(&reader, &config_keys[i], setting, config);
    }
    free(reader.why);
    return r;
}
