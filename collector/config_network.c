#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "collector/config_keys.h"

#define SAY(...) (snprintf(buf, 256, __VA_ARGS__), buf)

/* Digits only, no sign, no leading zero; -1 if it is no prefix length of the family. */
static int parse_prefix_len(const char *text, int max)
{
    size_t n = strspn(text, "0123456789");

    if (n == 0 || n > 3 || text[n] || (n > 1 && text[0] == '0'))
        return -1;
    int len = atoi(text);
    return len <= max ? len : -1;
}

/* The network that the address lies in: what its writer may have meant. */
static struct config_network clear_host_bits(struct config_network network)
{
    for (unsigned bit = network.prefix_len; bit < sizeof(network.address) * 8; bit++)
        network.address[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
    return network;
}

/* Kernel programs see the packets of such a socket as IPv4, so a network of this kind would never match. */
static bool is_mapped(const struct config_network *network)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return network->family == AF_INET6 && network->prefix_len >= 96 &&
           memcmp(network->address, prefix, sizeof(prefix)) == 0;
}

static const char *check_network(const struct config_network *network, char buf[static 256])
{
    struct config_network clear = clear_host_bits(*network);
    char text[INET6_ADDRSTRLEN] = "";

    if (is_mapped(network)) {
        inet_ntop(AF_INET, clear.address + 12, text, sizeof(text));
        return SAY("is IPv4 written as IPv6; write \"%s/%u\"", text, network->prefix_len - 96);
    }
    if (memcmp(&clear, network, sizeof(clear)) != 0) {
        inet_ntop(network->family, clear.address, text, sizeof(text));
        return SAY("has bits set behind the prefix; write \"%s/%u\"", text, network->prefix_len);
    }
    return NULL;
}

const char *config_parse_network(const char *text, struct config_network *ret_network, char buf[static 256])
{
    struct config_network network = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
    int max = network.family == AF_INET ? 32 : 128;
    char address[INET6_ADDRSTRLEN] = "";
    const char *slash = strchrnul(text, '/');

    if ((size_t)(slash - text) < sizeof(address))
        memcpy(address, text, (size_t)(slash - text));
    if (inet_pton(network.family, address, network.address) != 1)
        return SAY("is not a network; write it like \"10.0.0.0/8\" or \"fd00::/8\"");
    if (!*slash)
        return SAY("has no prefix length; for this one address write \"%s/%d\"", text, max);
    int prefix_len = parse_prefix_len(slash + 1, max);
    if (prefix_len < 0)
        return SAY("has a bad prefix length; write a number from 0 to %d behind the /", max);
    network.prefix_len = (unsigned)prefix_len;
    const char *wrong = check_network(&network, buf);
    if (!wrong)
        *ret_network = network;
    return wrong;
}
