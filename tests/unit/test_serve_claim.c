/* For whom a request is answered: what tokens, proxies and the kernel's word make of it, and how an answer is sent. */
#include "serve/claim.h"
#include "serve/encode.h"
#include "serve/metrics.h"
#include "tests/support/unit.h"

#include "common/cleanup.h"

#include <string.h>
#include <zlib.h>

static struct claim_rules rules;
static char *tokens[TOKEN_ROLES]; /* one for each role */

static void add_token(FILE *out, const char *what, enum token_role role)
{
    cleanup_free char *line = NULL;
    cleanup_free char *why = NULL;

    ck_assert_int_eq(tokens_make(what, &tokens[role], &line, &why), 0);
    fprintf(out, "# for %s\n\n%s\n", what, line);
}

static void set_up(void)
{
    cleanup_free char *why = NULL;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    add_token(f, "user:bob", TOKEN_USER);
    add_token(f, "admin:grafana", TOKEN_ADMIN);
    add_token(f, "metrics:prometheus", TOKEN_METRICS);
    add_token(f, "proxy:nginx", TOKEN_PROXY);
    fclose(f);
    f = fmemopen(text, size, "r");
    ck_assert_int_eq(tokens_read(f, "tokens", &rules.tokens, &why), 0);
    fclose(f);
    free(text);
    rules.proxy_uid = 33;
}

static void tear_down(void)
{
    tokens_done(&rules.tokens);
    for (int i = 0; i < TOKEN_ROLES; i++)
        free(take_ptr(tokens[i]));
}

static int decide(struct evidence e, const char *token, struct claim *ret)
{
    cleanup_free char *authorization = NULL;
    const char *why = NULL;
    int r;

    if (token) {
        ck_assert_int_ge(asprintf(&authorization, "Bearer %s", token), 0);
        e.authorization = authorization;
    }
    r = claim_decide(&rules, &e, ret, &why);
    ck_assert(r == 0 || (why && !strchr(why, '\n')));
    return r;
}

START_TEST(a_token_says_who_it_is)
{
    static const enum claim_kind kinds[] = {CLAIM_NAME, CLAIM_ADMIN, CLAIM_METRICS};
    static const char *const names[] = {"bob", "grafana", "prometheus"};
    struct claim claim;

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(decide((struct evidence){.network = true}, tokens[i], &claim), 0);
        ck_assert_int_eq(claim.kind, kinds[i]);
        ck_assert_str_eq(claim.name, names[i]);
        ck_assert_int_gt(claim_who(&claim), CLAIM_NETWORK);
    }
}
END_TEST

START_TEST(without_a_token_nobody_is_answered_on_the_network)
{
    struct evidence e = {.network = true, .loopback = true, .uid = -1, .user = "root"};
    cleanup_free char *longer = NULL, *shorter = strndup(tokens[TOKEN_ADMIN], strlen(tokens[TOKEN_ADMIN]) - 1);
    struct claim claim;

    ck_assert_int_ge(asprintf(&longer, "%s0", tokens[TOKEN_ADMIN]), 0);
    ck_assert_int_eq(decide(e, NULL, &claim), -EPERM);
    ck_assert_int_eq(decide(e, "", &claim), -EPERM);
    ck_assert_int_eq(decide(e, longer, &claim), -EPERM);
    ck_assert_int_eq(decide(e, shorter, &claim), -EPERM);
    e.authorization = "Basic cm9vdDpyb290";
    ck_assert_int_eq(decide(e, NULL, &claim), -EPERM);
}
END_TEST

START_TEST(a_user_header_is_believed_of_a_proxy_on_this_host_alone)
{
    struct evidence e = {.network = true, .loopback = true, .user = "alice"};
    struct claim claim;

    ck_assert_int_eq(decide(e, tokens[TOKEN_PROXY], &claim), 0);
    ck_assert_str_eq(claim.name, "alice");
    ck_assert_int_eq(decide(e, tokens[TOKEN_USER], &claim), 0);
    ck_assert_str_eq(claim.name, "bob");
    e.loopback = false;
    ck_assert_int_eq(decide(e, tokens[TOKEN_PROXY], &claim), -EACCES);
    e = (struct evidence){.network = true, .loopback = true};
    ck_assert_int_eq(decide(e, tokens[TOKEN_PROXY], &claim), -EACCES);
    for (const char *const *name = (const char *const[]){"", "a b", "a,b", "a\nb", "a:b", NULL}; *name; name++) {
        e.user = *name;
        ck_assert_int_eq(decide(e, tokens[TOKEN_PROXY], &claim), -EACCES);
    }
}
END_TEST

START_TEST(on_the_unix_socket_the_kernels_word_counts)
{
    struct evidence e = {.uid = 1001, .user = "alice"};
    struct claim claim;

    ck_assert_int_eq(decide(e, tokens[TOKEN_ADMIN], &claim), 0);
    ck_assert(claim.kind == CLAIM_UID && claim.uid == 1001 && claim_who(&claim) == 1001);
    e.uid = 33;
    ck_assert_int_eq(decide(e, NULL, &claim), 0);
    ck_assert(claim.kind == CLAIM_NAME && strcmp(claim.name, "alice") == 0);
    e.user = NULL;
    ck_assert_int_eq(decide(e, NULL, &claim), 0);
    ck_assert(claim.kind == CLAIM_UID && claim.uid == 33);
    rules.proxy_uid = -1;
    e = (struct evidence){.uid = -1, .user = "alice"};
    ck_assert_int_eq(decide(e, NULL, &claim), 0);
    ck_assert(claim.kind == CLAIM_UID);
}
END_TEST

static const char *const bad_lines[] = {
    "user bob",
    "user bob sha256:12",
    "owner bob sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "user bob sha256:000000000000000000000000000000000000000000000000000000000000000g",
    "user bob sha256:00000000000000000000000000000000000000000000000000000000000000000",
    "user bob sha256:0000000000000000000000000000000000000000000000000000000000000000 more",
};

START_TEST(a_wrong_line_of_tokens_is_named)
{
    cleanup_free char *text = NULL;
    cleanup_free char *why = NULL;
    struct tokens read = {0};
    FILE *f;

    ck_assert_int_ge(asprintf(&text, "# one\n%s\n", bad_lines[_i]), 0);
    f = fmemopen(text, strlen(text), "r");
    ck_assert_int_eq(tokens_read(f, "/etc/tokens", &read, &why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "/etc/tokens:2: "));
    ck_assert_uint_eq(read.n, 0);
    fclose(f);
}
END_TEST

/* ---- how an answer is sent ---- */

static struct answer answer_of(const char *body)
{
    return (struct answer){.status = 200, .media_type = "application/json", .body = strdup(body), .size = strlen(body)};
}

START_TEST(what_the_asker_has_is_not_sent_again)
{
    struct answer a = answer_of("{}"), b = answer_of("{}"), c = answer_of("[]");
    struct accepts accepts = {.known = NULL};

    encode_answer(&accepts, &a);
    ck_assert_uint_eq(a.status, 200);
    ck_assert(a.tag[0] == '"' && a.tag[strlen(a.tag) - 1] == '"');
    accepts.known = a.tag;
    encode_answer(&accepts, &b);
    ck_assert(b.status == 304 && b.size == 0 && !b.body);
    encode_answer(&accepts, &c);
    ck_assert_uint_eq(c.status, 200);
    ck_assert_str_ne(c.tag, a.tag);
    answer_done(&a);
    answer_done(&b);
    answer_done(&c);
}
END_TEST

START_TEST(what_is_compressed_is_the_same)
{
    cleanup_free char *text = calloc(5001, 1);
    unsigned char back[6000];
    struct accepts accepts = {.gzip = true};
    struct answer a;
    z_stream z = {0};

    memset(text, 'a', 5000);
    a = answer_of(text);
    encode_answer(&accepts, &a);
    ck_assert(a.gzip && a.size < 500);
    ck_assert_int_eq(inflateInit2(&z, 15 + 16), Z_OK);
    z.next_in = (Bytef *)a.body;
    z.avail_in = (uInt)a.size;
    z.next_out = back;
    z.avail_out = sizeof(back);
    ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
    ck_assert_uint_eq(z.total_out, 5000);
    ck_assert_int_eq(memcmp(back, text, 5000), 0);
    inflateEnd(&z);
    answer_done(&a);
}
END_TEST

START_TEST(gzip_is_sent_to_who_takes_it)
{
    ck_assert(encode_takes_gzip("gzip") && encode_takes_gzip("br, gzip;q=0.5") && encode_takes_gzip("*"));
    ck_assert(!encode_takes_gzip(NULL) && !encode_takes_gzip("br") && !encode_takes_gzip("gzip;q=0, br;q=1"));
    ck_assert(!encode_takes_gzip("xgzip") && !encode_takes_gzip(""));
}
END_TEST

START_TEST(no_text_ends_a_label_or_a_line)
{
    static const char *const labels[] = {"user", "a\"} 1\n#\\\xff", NULL};
    cleanup_free char *text = NULL;
    size_t size;
    struct metrics m = {.out = open_memstream(&text, &size), .openmetrics = true};

    ck_assert_int_eq(metrics_count(&m, "x", 7, labels), 0);
    ck_assert_int_eq(metrics_count(&m, "y", -7, NULL), 0);
    metrics_end(&m);
    fclose(m.out);
    ck_assert_ptr_nonnull(strstr(text, "x_total{user=\"a\\\"} 1\\n#\\\\"));
    ck_assert_ptr_nonnull(strstr(text, "\"} 7\ny_total 0\n# EOF\n"));
    ck_assert_ptr_null(strchr(text, '\xff'));
}
END_TEST

/* ---- pages ---- */

START_TEST(a_cursor_leads_to_the_next_page_and_nothing_else_is_one)
{
    struct report_page page = {.skip = 100, .limit = 50};
    int64_t since, until;
    size_t skip;

    page_note_next(&page, 1700000000, 1700003600, 151);
    ck_assert(page_parse_cursor(page.next, &since, &until, &skip));
    ck_assert(since == 1700000000 && until == 1700003600 && skip == 150);
    page_note_next(&page, 1700000000, 1700003600, 150);
    ck_assert_str_eq(page.next, "");
    for (const char *const *bad = (const char *const[]){"", "1", "1-2", "1-2-", "2-1-0", "1-2-3-4", "1-2-x", "-1-2-3",
                                                        "1-2-fffffffffffffffff", NULL};
         *bad; bad++)
        ck_assert_msg(!page_parse_cursor(*bad, &since, &until, &skip), "%s", *bad);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("serve_claim");
    TCase *c = tcase_create("claims");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_token_says_who_it_is);
    tcase_add_test(c, without_a_token_nobody_is_answered_on_the_network);
    tcase_add_test(c, a_user_header_is_believed_of_a_proxy_on_this_host_alone);
    tcase_add_test(c, on_the_unix_socket_the_kernels_word_counts);
    tcase_add_loop_test(c, a_wrong_line_of_tokens_is_named, 0, array_length(bad_lines));
    suite_add_tcase(suite, c);
    c = tcase_create("answers");
    tcase_add_test(c, what_the_asker_has_is_not_sent_again);
    tcase_add_test(c, what_is_compressed_is_the_same);
    tcase_add_test(c, gzip_is_sent_to_who_takes_it);
    tcase_add_test(c, no_text_ends_a_label_or_a_line);
    tcase_add_test(c, a_cursor_leads_to_the_next_page_and_nothing_else_is_one);
    suite_add_tcase(suite, c);
    return unit_main(suite);
}
