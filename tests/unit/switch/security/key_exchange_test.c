/* Working keys that a bank sends: what is refused, what is in force, what a restart finds. */
#include "tests/unit/switch/security/security_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "switch/security/key_exchange.h"

#define NEW_ZAK "76A8FB1C2A4C5ED9E0F4A1B3CD0E2F38"

struct offered {
    uint8_t enciphered[16], check[4];
    struct key_offer offer;
};

static void offer(struct offered *offered, enum channel_key which, const char *hex)
{
    zone_encipher(hex, offered->enciphered, offered->check);
    offered->offer = (struct key_offer){which, {offered->enciphered, 16}, {offered->check, 4}};
}

static struct security *with_zone_key(void)
{
    struct security *security = lab_security(1);
    give_key(security, "chan:bank_a:zmk", HSM_KEY_ZONE_MASTER, TEST_ZMK);
    return security;
}

static struct key_exchange exchange_of(struct security *security)
{
    return (struct key_exchange){.channel = (uint16_t)security_channel(security, "bank_a")};
}

static void test_a_wrong_check_value_a_second_one_and_no_zone_key_are_refused(void **state)
{
    (void)state;
    struct security *security = with_zone_key();
    struct security_unit *unit = security_unit(security, 0);
    struct key_exchange exchange = exchange_of(security);
    struct offered offered;
    offer(&offered, CHANNEL_ZAK, NEW_ZAK);
    offered.check[3] ^= 1;
    assert_int_equal(key_exchange_open(unit, &exchange, &offered.offer), HSM_VERIFY_FAILED);
    assert_int_equal(exchange.count, 0);
    offered.check[3] ^= 1;
    assert_int_equal(key_exchange_open(unit, &exchange, &offered.offer), HSM_DONE);
    assert_int_equal(key_exchange_open(unit, &exchange, &offered.offer), HSM_BAD_INTENT);
    assert_int_equal(exchange.count, 1);
    security_destroy(security);

    security = lab_security(1); /* without one */
    exchange = exchange_of(security);
    assert_int_equal(key_exchange_open(security_unit(security, 0), &exchange, &offered.offer),
                     HSM_KEY_UNAUTHENTIC);
    security_destroy(security);
}

/* The MAC of some bytes under the key in force. */
static void mac_now(struct security *security, uint8_t mac[SECURITY_MAC_BYTES])
{
    const struct security_link link = {(uint16_t)security_channel(security, "bank_a"),
                                       HSM_MAC_UNIONPAY_ECB};
    const struct byte_view scope = {(const uint8_t *)"a message", 9};
    assert_int_equal(security_link_mac(security_unit(security, 0), link, scope, mac), HSM_DONE);
}

static enum hsm_answer verify(struct security *security, const uint8_t mac[SECURITY_MAC_BYTES])
{
    const struct security_link link = {(uint16_t)security_channel(security, "bank_a"),
                                       HSM_MAC_UNIONPAY_ECB};
    const struct byte_view scope = {(const uint8_t *)"a message", 9};
    return security_link_verify(security_unit(security, 0), link, scope,
                                (struct byte_view){mac, SECURITY_MAC_BYTES});
}

static void install(struct security *security, const char *hex, struct key_exchange *exchange)
{
    struct offered offered;
    *exchange = exchange_of(security);
    offer(&offered, CHANNEL_ZAK, hex);
    assert_int_equal(key_exchange_open(security_unit(security, 0), exchange, &offered.offer),
                     HSM_DONE);
    key_exchange_install(security, exchange);
}

static void test_the_key_before_holds_until_it_is_forgotten(void **state)
{
    (void)state;
    struct security *security = with_zone_key();
    struct key_exchange exchange;
    uint8_t before[SECURITY_MAC_BYTES], after[SECURITY_MAC_BYTES];
    mac_now(security, before);
    install(security, NEW_ZAK, &exchange);
    mac_now(security, after);
    assert_memory_not_equal(before, after, SECURITY_MAC_BYTES);
    assert_int_equal(verify(security, after), HSM_DONE);
    assert_int_equal(verify(security, before), HSM_DONE);
    install(security, NEW_ZAK, &exchange); /* the same again takes nothing away */
    assert_int_equal(verify(security, before), HSM_DONE);
    key_exchange_forget(security, exchange.channel);
    assert_int_equal(verify(security, before), HSM_VERIFY_FAILED);
    assert_int_equal(verify(security, after), HSM_DONE);
    security_destroy(security);
}

/* Splits the one row that the text has behind its head. */
static struct key_exchange_row row_of(char *text)
{
    char *at = strchr(text, '\n') + 1;
    char *parts[4];
    for (int i = 0; i < 4; i++) {
        parts[i] = at;
        at = strpbrk(at, ",\n");
        assert_non_null(at);
        *at++ = '\0';
    }
    return (struct key_exchange_row){parts[0], parts[1], parts[2], parts[3]};
}

static void test_a_restart_finds_the_key_unless_the_file_has_another(void **state)
{
    (void)state;
    char text[KEY_EXCHANGE_TEXT_SIZE] = "", reason[SECURITY_REASON_SIZE];
    uint8_t mac[SECURITY_MAC_BYTES], again[SECURITY_MAC_BYTES];
    struct byte_writer writer;
    struct key_exchange exchange;
    struct security *security = with_zone_key();
    install(security, NEW_ZAK, &exchange);
    mac_now(security, mac);
    byte_writer_init(&writer, text, sizeof(text) - 1);
    key_exchange_text(security, &exchange, &writer);
    assert_int_equal(writer.status, STATUS_OK);
    assert_null(strstr(text, NEW_ZAK));
    struct key_exchange_row row = row_of(text);
    assert_string_equal(row.name, "chan:bank_a:zak");
    assert_int_equal(key_exchange_restore(security, &row, reason), STATUS_OK);
    mac_now(security, again);
    assert_memory_equal(mac, again, SECURITY_MAC_BYTES);

    give_key(security, "chan:bank_a:zak", HSM_KEY_MAC, TEST_ZPK); /* an operator begins anew */
    assert_int_equal(key_exchange_restore(security, &row, reason), STATUS_DUPLICATE);
    assert_non_null(strstr(reason, "the key file holds another key"));
    security_destroy(security);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wrong_check_value_a_second_one_and_no_zone_key_are_refused),
        cmocka_unit_test(test_the_key_before_holds_until_it_is_forgotten),
        cmocka_unit_test(test_a_restart_finds_the_key_unless_the_file_has_another),
    };
    return cmocka_run_group_tests_name("switch/security/key_exchange", tests, NULL, NULL);
}
