/* Tokens: made, checked, taken back; and the gate that counts wrong ones. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "switch/admin/gate.h"
#include "switch/admin/token_file.h"
#include "tests/unit/unit_test.h"

/* Of this process alone: another run of this test may be at work beside it. */
static char tokens_path[64], audit_path[64];

/* How often the costly hash was asked for: this function stands before OpenSSL's own. */
static int scrypt_count;

int EVP_PBE_scrypt(const char *pass, size_t passlen, const unsigned char *salt, size_t saltlen,
                   uint64_t N, uint64_t r, uint64_t p, uint64_t maxmem, unsigned char *key,
                   size_t keylen)
{
    static int (*own)(const char *, size_t, const unsigned char *, size_t, uint64_t, uint64_t,
                      uint64_t, uint64_t, unsigned char *, size_t);
    scrypt_count++;
    if (own == NULL) {
        *(void **)&own = dlsym(RTLD_NEXT, "EVP_PBE_scrypt");
    }
    assert_non_null(own);
    return own(pass, passlen, salt, saltlen, N, r, p, maxmem, key, keylen);
}

static int file_clear(void **state)
{
    (void)state;
    unlink(tokens_path);
    return 0;
}

static void add(const char *name, enum role role, char token[TOKEN_TEXT_SIZE])
{
    char reason[TOKEN_REASON_SIZE] = "";
    struct token_holder holder = {.role = role};
    snprintf(holder.name, sizeof(holder.name), "%s", name);
    assert_int_equal(token_add(tokens_path, &holder, token, reason), STATUS_OK);
}

static void test_a_token_is_known_by_name_and_role_and_its_secret_is_not_kept(void **state)
{
    (void)state;
    char ann[TOKEN_TEXT_SIZE], bob[TOKEN_TEXT_SIZE], reason[TOKEN_REASON_SIZE] = "";
    char bytes[2048] = "";
    struct stat info;
    struct token_holder holder;
    add("ann", ROLE_OPERATOR, ann);
    add("bob", ROLE_VIEWER, bob);
    struct token_file *file = token_file_open(tokens_path, reason);
    assert_non_null(file);
    for (int i = 0; i < 2; i++) { /* the second time it is remembered */
        assert_int_equal(token_check(file, ann, i == 0, &holder), TOKEN_RIGHT);
        assert_string_equal(holder.name, "ann");
        assert_int_equal(holder.role, ROLE_OPERATOR);
    }
    assert_int_equal(token_check(file, bob, false, &holder), TOKEN_UNTRIED);
    assert_int_equal(token_check(file, bob, true, &holder), TOKEN_RIGHT);
    assert_int_equal(holder.role, ROLE_VIEWER);
    token_file_close(file);

    assert_int_equal(stat(tokens_path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    FILE *stream = fopen(tokens_path, "r");
    assert_true(fread(bytes, 1, sizeof(bytes) - 1, stream) > 0);
    fclose(stream);
    assert_null(strstr(bytes, strrchr(ann, '_') + 1));
}

static void test_wrong_tokens_are_nobodys(void **state)
{
    (void)state;
    char ann[TOKEN_TEXT_SIZE], reason[TOKEN_REASON_SIZE] = "";
    struct token_holder holder;
    add("ann", ROLE_OPERATOR, ann);
    struct token_file *file = token_file_open(tokens_path, reason);
    assert_int_equal(token_check(file, ann, true, &holder), TOKEN_RIGHT);
    ann[strlen(ann) - 1] = ann[strlen(ann) - 1] == '0' ? '1' : '0';
    static const char *const wrong[] = {"",          "twy_",        "twy_ann", "twy_ann_",
                                        "twy_an_00", "twy_annn_00", "ann"};
    assert_int_equal(token_check(file, ann, true, &holder), TOKEN_WRONG);
    assert_int_equal(holder.role, ROLE_NOBODY);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_int_equal(token_check(file, wrong[i], true, &holder), TOKEN_WRONG);
    }
    token_file_close(file);
}

static void test_a_token_added_or_removed_counts_at_once(void **state)
{
    (void)state;
    char ann[TOKEN_TEXT_SIZE], bob[TOKEN_TEXT_SIZE], reason[TOKEN_REASON_SIZE] = "";
    struct token_holder holder;
    struct token_file *file = token_file_open(tokens_path, reason); /* absent: no token */
    assert_non_null(file);
    add("ann", ROLE_OPERATOR, ann);
    assert_int_equal(token_check(file, ann, true, &holder), TOKEN_RIGHT);
    add("bob", ROLE_VIEWER, bob);
    assert_int_equal(token_check(file, bob, true, &holder), TOKEN_RIGHT);
    assert_int_equal(token_remove(tokens_path, "ann", reason), STATUS_OK);
    assert_int_equal(token_check(file, ann, true, &holder), TOKEN_WRONG);
    assert_int_equal(token_check(file, bob, true, &holder), TOKEN_RIGHT);
    assert_int_equal(token_remove(tokens_path, "ann", reason), STATUS_NOT_FOUND);
    token_file_close(file);
}

static void test_a_name_has_one_token_and_plain_letters(void **state)
{
    (void)state;
    char token[TOKEN_TEXT_SIZE], reason[TOKEN_REASON_SIZE] = "";
    struct token_holder twice = {.name = "ann", .role = ROLE_VIEWER};
    struct token_holder colon = {.name = "a:b", .role = ROLE_VIEWER};
    add("ann", ROLE_VIEWER, token);
    assert_int_equal(token_add(tokens_path, &twice, token, reason), STATUS_DUPLICATE);
    assert_int_equal(token_add(tokens_path, &colon, token, reason), STATUS_BAD_VALUE);
}

static void append(const char *text)
{
    FILE *stream = fopen(tokens_path, "a");
    assert_non_null(stream);
    fputs(text, stream);
    fclose(stream);
}

static void test_a_scope_is_kept_and_lines_without_one_are_read(void **state)
{
    (void)state;
    char ann[TOKEN_TEXT_SIZE], carl[TOKEN_TEXT_SIZE], none[TOKEN_TEXT_SIZE];
    char reason[TOKEN_REASON_SIZE] = "";
    struct token_holder holder = {.name = "carl",
                                  .role = ROLE_AFTER_SALES,
                                  .scope = {.agent_id = "A17", .position = SCOPE_POSITION_AGENT}};
    struct token_holder bob = {.name = "bob", .role = ROLE_VIEWER, .scope = {.agent_id = "A17"}};
    add("ann", ROLE_AFTER_SALES, ann);
    assert_int_equal(token_add(tokens_path, &holder, carl, reason), STATUS_OK);
    assert_int_equal(token_add(tokens_path, &bob, none, reason), STATUS_BAD_VALUE);
    assert_non_null(strstr(reason, "only after-sales and risk"));
    struct token_holder shop = {
        .name = "shop", .role = ROLE_AFTER_SALES, .scope = {.position = SCOPE_POSITION_MERCHANT}};
    assert_int_equal(token_add(tokens_path, &shop, none, reason), STATUS_BAD_VALUE);
    assert_non_null(strstr(reason, "--merchant"));
    struct token_file *file = token_file_open(tokens_path, reason);
    assert_non_null(file);
    assert_int_equal(token_check(file, carl, true, &holder), TOKEN_RIGHT);
    assert_string_equal(holder.scope.agent_id, "A17");
    assert_int_equal(holder.scope.position, SCOPE_POSITION_AGENT);
    assert_int_equal(token_check(file, ann, true, &holder), TOKEN_RIGHT);
    assert_false(scope_is_narrow(&holder.scope));
    token_file_close(file);
}

/* It would read what is investigated about it. */
static void test_a_merchants_own_token_is_not_risks(void **state)
{
    (void)state;
    char token[TOKEN_TEXT_SIZE], reason[TOKEN_REASON_SIZE] = "";
    struct token_holder shop = {
        .name = "shop",
        .role = ROLE_RISK,
        .scope = {.merchant_id = "M1", .position = SCOPE_POSITION_MERCHANT}};
    assert_int_equal(token_add(tokens_path, &shop, token, reason), STATUS_BAD_VALUE);
    assert_non_null(strstr(reason, "is after-sales"));
    shop.role = ROLE_AFTER_SALES;
    assert_int_equal(token_add(tokens_path, &shop, token, reason), STATUS_OK);
}

static void test_a_faulty_scope_is_refused(void **state)
{
    (void)state;
#define HASHED ":16384:8:1:" SALT_HEX ":" SALT_HEX SALT_HEX
#define SALT_HEX "00112233445566778899aabbccddeeff"
    static const char *const LINES[] = {
        "bob:after-sales" HASHED ":agent=\n",
        "bob:after-sales" HASHED ":agent=A1:x\n",
        "bob:after-sales" HASHED ":as=king\n",
        "bob:after-sales" HASHED ":as=agent,agent=A1\n", /* another order than it is written in */
        "bob:viewer" HASHED ":agent=A1\n",
        "bob:after-sales" HASHED ":agent=A1,agent=A2\n",
        "bob:after-sales" HASHED ":as=merchant\n",
    };
    for (size_t i = 0; i < COUNT_OF(LINES); i++) {
        char token[TOKEN_TEXT_SIZE], reason[TOKEN_REASON_SIZE] = "";
        unlink(tokens_path);
        add("ann", ROLE_VIEWER, token);
        append("cat:after-sales" HASHED ":agent=A1,as=agent\n");
        struct token_file *file = token_file_open(tokens_path, reason);
        assert_non_null(file);
        token_file_close(file);
        append(LINES[i]);
        assert_null(token_file_open(tokens_path, reason));
        assert_non_null(strstr(reason, ":3:"));
    }
}

static void test_an_open_or_faulty_file_is_refused(void **state)
{
    (void)state;
    char token[TOKEN_TEXT_SIZE], reason[TOKEN_REASON_SIZE] = "";
    add("ann", ROLE_VIEWER, token);
    assert_int_equal(chmod(tokens_path, 0644), 0);
    assert_null(token_file_open(tokens_path, reason));
    assert_non_null(strstr(reason, "chmod 600"));
    assert_int_equal(chmod(tokens_path, 0600), 0);
    append("bob:king:16384:8:1:00:00\n");
    assert_null(token_file_open(tokens_path, reason));
    assert_non_null(strstr(reason, ":2:"));
}

static unsigned pass(struct gate *gate, enum endpoint endpoint, const char *token)
{
    char header[TOKEN_TEXT_SIZE + 16];
    struct token_holder holder;
    struct answer answer = {.code = 200};
    snprintf(header, sizeof(header), "Bearer %s", token == NULL ? "" : token);
    struct gate_request request = {.endpoint = endpoint,
                                   .method = "GET",
                                   .path = "/x",
                                   .address = "127.0.0.1",
                                   .authorization = token == NULL ? NULL : header};
    bool may = gate_pass(gate, &request, &holder, &answer);
    assert_int_equal(may, answer.code == 200);
    free(answer.body);
    return answer.code;
}

/* As a call with a long body is answered: looked at before the body, and refused at once. */
static void test_a_wrong_token_is_hashed_once_where_a_body_follows(void **state)
{
    (void)state;
    char ann[TOKEN_TEXT_SIZE], header[TOKEN_TEXT_SIZE + 8], reason[TOKEN_REASON_SIZE] = "";
    struct gate gate;
    struct answer answer = {0};
    struct gate_finding finding;
    struct token_holder holder;
    add("ann", ROLE_OPERATOR, ann);
    ann[strlen(ann) - 1] = ann[strlen(ann) - 1] == '0' ? '1' : '0';
    struct token_file *file = token_file_open(tokens_path, reason);
    assert_non_null(file);
    gate_open(&gate, file, NULL);
    snprintf(header, sizeof(header), "Bearer %s", ann);
    struct gate_request request = {.endpoint = ENDPOINT_VERSION_PROPOSE,
                                   .method = "POST",
                                   .path = "/api/v1/versions",
                                   .address = "127.0.0.1",
                                   .authorization = header};
    scrypt_count = 0;
    assert_false(gate_may(&gate, &request, &finding));
    request.finding = &finding;
    assert_false(gate_pass(&gate, &request, &holder, &answer));
    assert_int_equal(answer.code, 401);
    assert_int_equal(scrypt_count, 1);
    free(answer.body);
    gate_close(&gate);
    token_file_close(file);
}

static void test_the_gate_lets_each_role_do_its_own(void **state)
{
    (void)state;
    char ann[TOKEN_TEXT_SIZE], bob[TOKEN_TEXT_SIZE], reason[AUDIT_REASON_SIZE] = "";
    struct gate gate;
    add("ann", ROLE_OPERATOR, ann);
    add("bob", ROLE_VIEWER, bob);
    unlink(audit_path);
    struct token_file *tokens = token_file_open(tokens_path, reason);
    struct audit *audit = audit_open(audit_path, reason);
    assert_non_null(audit);
    gate_open(&gate, tokens, audit);
    assert_int_equal(pass(&gate, ENDPOINT_HEALTHZ, NULL), 200);
    assert_int_equal(pass(&gate, ENDPOINT_STATUS, NULL), 401);
    assert_int_equal(pass(&gate, ENDPOINT_STATUS, bob), 200);
    assert_int_equal(pass(&gate, ENDPOINT_RELOAD, bob), 403);
    assert_int_equal(pass(&gate, ENDPOINT_RELOAD, ann), 200);
    gate.audit = NULL; /* no audit, no effect */
    assert_int_equal(pass(&gate, ENDPOINT_RELOAD, ann), 503);
    assert_int_equal(pass(&gate, ENDPOINT_STATUS, ann), 200);
    unsigned last = 0;
    for (int i = 0; i < 12; i++) {
        last = pass(&gate, ENDPOINT_STATUS, "twy_ann_00");
    }
    assert_int_equal(last, 429);
    assert_int_equal(pass(&gate, ENDPOINT_STATUS, ann), 200); /* a remembered one still passes */
    gate_close(&gate);
    audit_close(audit);
    token_file_close(tokens);
    unlink(audit_path);
}

static void test_the_second_person_is_another_who_may_do_it_too(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum role role;
        unsigned code; /* 0: passes */
    } SECONDS[] = {{"ann", ROLE_AFTER_SALES, 403},
                   {"bob", ROLE_AFTER_SALES, 0},
                   {"carl", ROLE_OPERATOR, 403},
                   {"nobody", ROLE_NOBODY, 401}};
    char reason[AUDIT_REASON_SIZE] = "";
    struct gate gate;
    const struct token_holder first = {.name = "ann", .role = ROLE_AFTER_SALES};
    char tokens[COUNT_OF(SECONDS)][TOKEN_TEXT_SIZE] = {{0}};
    for (size_t i = 0; i + 1 < COUNT_OF(SECONDS); i++) {
        add(SECONDS[i].name, SECONDS[i].role, tokens[i]);
    }
    snprintf(tokens[3], sizeof(tokens[3]), "twy_bob_00");
    struct token_file *file = token_file_open(tokens_path, reason);
    assert_non_null(file);
    gate_open(&gate, file, NULL);
    const struct gate_request request = {
        .endpoint = ENDPOINT_CASE_STEP, .method = "POST", .path = "/x", .address = "127.0.0.1"};
    for (size_t i = 0; i < COUNT_OF(SECONDS); i++) {
        char header[TOKEN_TEXT_SIZE + 16];
        struct token_holder second;
        struct answer answer = {0};
        snprintf(header, sizeof(header), "Bearer %.*s", TOKEN_TEXT_SIZE - 1, tokens[i]);
        bool may = gate_pass_second(&gate, &request, &first, header, &second, &answer);
        assert_int_equal(may, SECONDS[i].code == 0);
        assert_int_equal(answer.code, SECONDS[i].code);
        free(answer.body);
    }
    gate_close(&gate);
    token_file_close(file);
}

int main(void)
{
    snprintf(tokens_path, sizeof(tokens_path), "/tmp/tillway-tokens-test-%d", (int)getpid());
    snprintf(audit_path, sizeof(audit_path), "/tmp/tillway-tokens-test-%d.audit", (int)getpid());
#define FRESH(test) cmocka_unit_test_setup_teardown(test, file_clear, file_clear)
    const struct CMUnitTest tests[] = {
        FRESH(test_a_token_is_known_by_name_and_role_and_its_secret_is_not_kept),
        FRESH(test_wrong_tokens_are_nobodys),
        FRESH(test_a_token_added_or_removed_counts_at_once),
        FRESH(test_a_name_has_one_token_and_plain_letters),
        FRESH(test_a_scope_is_kept_and_lines_without_one_are_read),
        FRESH(test_a_merchants_own_token_is_not_risks),
        FRESH(test_a_faulty_scope_is_refused),
        FRESH(test_an_open_or_faulty_file_is_refused),
        FRESH(test_a_wrong_token_is_hashed_once_where_a_body_follows),
        FRESH(test_the_gate_lets_each_role_do_its_own),
        FRESH(test_the_second_person_is_another_who_may_do_it_too),
    };
    return cmocka_run_group_tests_name("switch/admin/token_file", tests, NULL, NULL);
}
