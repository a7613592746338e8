#include "common/policy_values.h"

#include "common/cleanup.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

__extension__ typedef unsigned __int128 uint128; /* the product of any two numbers fits */

#define SAY(...) (snprintf(buf, POLICY_WHY_MAX, __VA_ARGS__), buf)

bool policy_read_number(const char *text, uint64_t most, uint64_t *ret)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text))
            return false;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > most)
            return false;
    }
    *ret = value;
    return true;
}

/* ---- networks ---- */

static struct policy_network clear_host_bits(struct policy_network network)
{
    for (unsigned bit = network.prefix; bit < sizeof(network.address) * 8; bit++)
        network.address[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    return network;
}

/* Packets of such a socket are IPv4, so a network of this kind would never match. */
static bool is_mapped(const struct policy_network *network)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

    return network->family == AF_INET6 && network->prefix >= 96 &&
           memcmp(network->address, prefix, sizeof(prefix)) == 0;
}

static const char *check_network(const struct policy_network *network, char buf[static POLICY_WHY_MAX])
{
    struct policy_network clear = clear_host_bits(*network);
    char text[INET6_ADDRSTRLEN] = "";

    if (is_mapped(network)) {
        inet_ntop(AF_INET, clear.address + 12, text, sizeof(text));
        return SAY("is IPv4 written as IPv6; write %s/%d", text, network->prefix - 96);
    }
    if (memcmp(&clear, network, sizeof(clear)) != 0) {
        inet_ntop(network->family, clear.address, text, sizeof(text));
        return SAY("has bits set behind the prefix; write %s/%d", text, network->prefix);
    }
    return NULL;
}

const char *policy_read_network(const char *text, struct policy_network *ret, char buf[static POLICY_WHY_MAX])
{
    struct policy_network network = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    uint64_t most = network.family == AF_INET ? 32 : 128, prefix = most;
    const char *slash = strchrnul(text, '/'), *wrong;
    char address[INET6_ADDRSTRLEN] = "";

    if ((size_t)(slash - text) < sizeof(address))
        memcpy(address, text, (size_t)(slash - text));
    if (inet_pton(network.family, address, network.address) != 1)
        return SAY("is not a network; write it like 203.0.113.0/24, 2001:db8::/32 or 203.0.113.7");
    if (*slash && (!policy_read_number(slash + 1, most, &prefix) || (slash[1] == '0' && slash[2])))
        return SAY("has a bad prefix length; write a number from 0 to %u behind the /", (unsigned)most);
    network.prefix = (uint8_t)prefix;
    wrong = check_network(&network, buf);
    if (!wrong)
        *ret = network;
    return wrong;
}

void policy_write_network(FILE *out, const struct policy_network *network)
{
    char text[INET6_ADDRSTRLEN] = "";

    inet_ntop(network->family, network->address, text, sizeof(text));
    fputs(text, out);
    if (network->prefix != (network->family == AF_INET ? 32 : 128))
        fprintf(out, "/%d", network->prefix);
}

/* ---- ports and protocols ---- */

const char *policy_read_ports(const char *text, struct policy_ports *ret, char buf[static POLICY_WHY_MAX])
{
    const char *dash = strchrnul(text, '-');
    uint64_t first, last;
    char begin[8] = "";

    if ((size_t)(dash - text) < sizeof(begin))
        memcpy(begin, text, (size_t)(dash - text));
    if (!policy_read_number(begin, UINT16_MAX, &first) ||
        !policy_read_number(*dash ? dash + 1 : begin, UINT16_MAX, &last))
        return SAY("is no port and no range of ports; write 22 or 1024-65535");
    if (last < first)
        return SAY("ends before it begins; write %u-%u", (unsigned)last, (unsigned)first);
    *ret = (struct policy_ports){(uint16_t)first, (uint16_t)last};
    return NULL;
}

void policy_write_ports(FILE *out, const struct policy_ports *ports)
{
    if (ports->first == ports->last)
        fprintf(out, "%u", ports->first);
    else
        fprintf(out, "%u-%u", ports->first, ports->last);
}

static const struct {
    const char *name;
    int number;
} protocols[] = {
    {"tcp", IPPROTO_TCP},   {"udp", IPPROTO_UDP}, {"icmp", IPPROTO_ICMP}, {"icmp6", IPPROTO_ICMPV6},
    {"sctp", IPPROTO_SCTP}, {"gre", IPPROTO_GRE}, {"esp", IPPROTO_ESP},   {"igmp", IPPROTO_IGMP},
};

const char *policy_read_protocol(const char *text, int *ret, char buf[static POLICY_WHY_MAX])
{
    uint64_t number;

    for (size_t i = 0; i < array_length(protocols); i++)
        if (strcmp(text, protocols[i].name) == 0) {
            *ret = protocols[i].number;
            return NULL;
        }
    if (!policy_read_number(text, UINT8_MAX, &number))
        return SAY("is no protocol; write tcp, udp, icmp, icmp6, sctp, gre, esp, igmp or a number up to 255");
    *ret = (int)number;
    return NULL;
}

void policy_write_protocol(FILE *out, int protocol)
{
    for (size_t i = 0; i < array_length(protocols); i++)
        if (protocol == protocols[i].number) {
            fputs(protocols[i].name, out);
            return;
        }
    fprintf(out, "%d", protocol);
}

/* ---- rates ---- */

enum { MIN_RATE = 1000 };                /* bytes a second: 8 kbit/s, below which no TCP makes progress */
#define MAX_RATE UINT64_C(1250000000000) /* 10 Tbit/s */

/* What one unit is in bits. The letters of bits have one case: who writes Mb or MB means one of two things. */
static const struct rate_unit {
    const char *name;
    uint64_t bits;
} rate_units[] = {
    {"Gbit/s", UINT64_C(1000000000)},
    {"Mbit/s", UINT64_C(1000000)},
    {"kbit/s", UINT64_C(1000)},
    {"bit/s", UINT64_C(1)},
    {"Tbit/s", UINT64_C(1000000000000)},
    {"GiB/s", UINT64_C(8) << 30},
    {"MiB/s", UINT64_C(8) << 20},
    {"KiB/s", UINT64_C(8) << 10},
    {"GB/s", UINT64_C(8000000000)},
    {"MB/s", UINT64_C(8000000)},
    {"kB/s", UINT64_C(8000)},
    {"B/s", UINT64_C(8)},
};

static const struct rate_unit *find_unit(const char *text)
{
    for (size_t i = 0; i < array_length(rate_units); i++)
        if (strcmp(text, rate_units[i].name) == 0)
            return &rate_units[i];
    return NULL;
}

/* "1.5" as thousandths, up to a number that no rate has. */
static bool read_thousandths(const char *text, size_t n, uint64_t *ret)
{
    uint64_t value = 0;
    int decimals = -1;

    for (size_t i = 0; i < n; i++) {
        if (text[i] == '.' && decimals < 0 && i > 0 && i + 1 < n) {
            decimals = 0;
            continue;
        }
        if (!isdigit((unsigned char)text[i]) || decimals == 3 || value > UINT64_C(100000000000000))
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
        decimals += decimals >= 0;
    }
    for (int i = decimals < 0 ? 0 : decimals; i < 3; i++)
        value *= 10;
    *ret = value;
    return n > 0;
}

const char *policy_read_rate(const char *text, uint64_t *ret_bytes, char buf[static POLICY_WHY_MAX])
{
    size_t n = strspn(text, "0123456789.");
    const struct rate_unit *unit = find_unit(text + n + strspn(text + n, " "));
    uint64_t thousandths;
    uint128 bytes;

    if (!unit || !read_thousandths(text, n, &thousandths))
        return SAY("is no rate; write one like \"200 Mbit/s\" or \"25 MB/s\"; there are bit/s, kbit/s, Mbit/s, Gbit/s, "
                   "B/s, kB/s, MB/s, GB/s, KiB/s, MiB/s and GiB/s");
    bytes = (uint128)thousandths * unit->bits / 8000;
    if (bytes < MIN_RATE || bytes > MAX_RATE)
        return SAY("is outside 8 kbit/s to 10 Tbit/s; to let nothing through write action=block");
    *ret_bytes = (uint64_t)bytes;
    return NULL;
}

/* In the largest unit of which it is a whole number, decimal ones first. */
void policy_write_rate(FILE *out, uint64_t bytes)
{
    static const char *const order[] = {"Gbit/s", "Mbit/s", "MiB/s", "KiB/s", "kbit/s", "bit/s"};

    for (size_t i = 0; i < array_length(order); i++) {
        const struct rate_unit *unit = find_unit(order[i]);

        if (bytes * 8 % unit->bits == 0) {
            fprintf(out, "%llu%s", (unsigned long long)(bytes * 8 / unit->bits), unit->name);
            return;
        }
    }
}

/* ---- conditions ---- */

static bool skip_word(const char **text, const char *word)
{
    size_t n = strlen(word);

    if (strncmp(*text, word, n) != 0 || ((*text)[n] && (*text)[n] != ' '))
        return false;
    *text += n;
    *text += strspn(*text, " ");
    return true;
}

/* "over 80 %", "over 80%" */
static bool read_over(const char *text, unsigned *ret_percent)
{
    char number[5] = "";
    uint64_t percent;
    size_t n;

    if (!skip_word(&text, "over"))
        return false;
    n = strspn(text, "0123456789");
    if (n >= sizeof(number))
        return false;
    memcpy(number, text, n);
    text += n;
    text += strspn(text, " ");
    if (strcmp(text, "%") != 0 || !policy_read_number(number, 1000, &percent) || percent == 0)
        return false;
    *ret_percent = (unsigned)percent;
    return true;
}

const char *policy_read_when(const char *text, unsigned *ret_percent, const char **ret_whose,
                             char buf[static POLICY_WHY_MAX])
{
    const char *rest = text, *whose = NULL;
    bool good = skip_word(&rest, "allocation");

    if (good && skip_word(&rest, "of")) {
        whose = skip_word(&rest, "user") ? "user" : skip_word(&rest, "project") ? "project" : NULL;
        good = whose;
    }
    if (good && strcmp(rest, "exceeded") == 0)
        *ret_percent = 100;
    else if (!good || !read_over(rest, ret_percent))
        return SAY(
            "is no condition; write \"allocation exceeded\", \"allocation over 80 %%\" or \"allocation of project over "
            "80 %%\", with 1 to 1000");
    *ret_whose = whose;
    return NULL;
}
