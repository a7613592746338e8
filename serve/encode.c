#include "serve/encode.h"

#include "common/cleanup.h"

#include <nettle/sha2.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum { LEAST_SIZE = 1024, LEVEL = 5, GZIP_WINDOW = 15 + 16, MEMORY = 8 };

/* "gzip", "*", each with a weight that may be 0. */
bool encode_takes_gzip(const char *list)
{
    while (list && *list) {
        size_t n = strcspn(list, ",;");
        const char *end = list + strcspn(list, ","), *weight = list + n;
        size_t name = n;

        while (name > 0 && list[name - 1] == ' ')
            name--;
        if ((name == 4 && strncasecmp(list, "gzip", 4) == 0) || (name == 1 && *list == '*')) {
            weight = weight < end ? strstr(weight, "q=") : NULL;
            return !weight || weight > end || strtod(weight + 2, NULL) > 0;
        }
        list = *end ? end + 1 + strspn(end + 1, " ") : end;
    }
    return false;
}

static void put_tag(struct answer *a)
{
    struct sha256_ctx context;
    uint8_t digest[12];

    sha256_init(&context);
    sha256_update(&context, strlen(a->media_type), (const uint8_t *)a->media_type);
    sha256_update(&context, a->size, (const uint8_t *)a->body);
    sha256_digest(&context, sizeof(digest), digest);
    a->tag[0] = '"';
    for (size_t i = 0; i < sizeof(digest); i++)
        sprintf(a->tag + 1 + 2 * i, "%02x", digest[i]);
    strcat(a->tag, "\"");
}

/* If-None-Match compares weakly, so that what was compressed is the same. */
static bool is_known(const char *list, const char *tag)
{
    return list && (strcmp(list, "*") == 0 || strstr(list, tag));
}

static void compress_body(struct answer *a)
{
    z_stream z = {.next_in = (Bytef *)a->body, .avail_in = (uInt)a->size};
    size_t room;
    char *body;

    if (a->size > UINT32_MAX / 2 ||
        deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return;
    room = deflateBound(&z, z.avail_in);
    body = malloc(room);
    z.next_out = (Bytef *)body;
    z.avail_out = (uInt)room;
    if (!body || deflate(&z, Z_FINISH) != Z_STREAM_END) {
        free(body);
    } else {
        free(a->body);
        a->body = body;
        a->size = room - z.avail_out;
        a->gzip = true;
    }
    deflateEnd(&z);
}

void encode_answer(const struct accepts *accepts, struct answer *a)
{
    if (a->status != 200 || !a->body)
        return;
    put_tag(a);
    if (is_known(accepts->known, a->tag)) {
        free(take_ptr(a->body));
        a->size = 0;
        a->status = 304;
    } else if (accepts->gzip && a->size >= LEAST_SIZE) {
        compress_body(a);
    }
}
