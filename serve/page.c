#include "serve/page.h"

#include "common/cleanup.h"

#include <string.h>
#include <zlib.h>

enum { GZIP_WINDOW = 15 + 16 };

/* Nothing from elsewhere, nothing inline, in no frame; names from outside could not run if they became markup. */
#define POLICY                                                                                                         \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; "    \
    "form-action 'none'; frame-ancestors 'none'"

const struct page_file *page_find(const char *target)
{
    size_t n = strcspn(target, "?");

    for (size_t i = 0; i < page_n_files; i++)
        if (strlen(page_files[i].path) == n && memcmp(page_files[i].path, target, n) == 0)
            return &page_files[i];
    return NULL;
}

static int unpack(const struct page_file *file, char *ret)
{
    z_stream z = {.next_in = (Bytef *)file->data, .avail_in = (uInt)file->size};
    int r;

    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return -ENOMEM;
    z.next_out = (Bytef *)ret;
    z.avail_out = (uInt)file->plain_size;
    r = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return r == Z_STREAM_END ? 0 : -EBADMSG;
}

void page_answer(const struct page_file *file, bool gzip, const char *known, struct answer *ret)
{
    size_t size = gzip ? file->size : file->plain_size;
    cleanup_free char *body = malloc(size);

    if (body && gzip)
        memcpy(body, file->data, size);
    if (!body || (!gzip && unpack(file, body) < 0)) {
        answer_problem(500, "the page cannot be unpacked", ret);
        return;
    }
    *ret = (struct answer){.status = 200, .media_type = file->media_type, .gzip = gzip, .policy = POLICY};
    ret->cache = file->kept ? "public, max-age=31536000, immutable" : "no-cache";
    snprintf(ret->tag, sizeof(ret->tag), "%s", file->tag);
    if (known && strstr(known, file->tag)) {
        ret->status = 304;
        ret->gzip = false;
        return;
    }
    ret->body = take_ptr(body);
    ret->size = size;
}
