/* MACs of the soft module: which key serves which rule, and the compare inside (hsm.h). */
#include <string.h>

#include "hsm/mac.h"
#include "hsm/soft.h"
#include "protocols/base/secret.h"

/* Lengths and kinds of key that an algorithm has; 0 kinds: the intent is malformed. */
static uint32_t mac_kinds(const struct hsm_mac_intent *intent)
{
    uint8_t length = intent->mac_length;
    switch (intent->algorithm) {
    case HSM_MAC_UNIONPAY_ECB:
    case HSM_MAC_XOR_TDES:
        return length == 8 ? SOFT_KINDS(HSM_KEY_MAC) : 0;
    case HSM_MAC_X9_9:
        return length == 4 || length == 8 ? SOFT_KINDS(HSM_KEY_MAC) : 0;
    case HSM_MAC_X9_19:
        return length == 4 || length == 8 ? SOFT_KINDS(HSM_KEY_MAC_3) : 0;
    case HSM_MAC_CMAC:
        return length == 4 || length == 8 || length == 16 ? SOFT_KINDS(HSM_KEY_CMAC) : 0;
    }
    return 0;
}

static void compute_mac(struct hsm *hsm, const struct clear_key *key,
                        const struct hsm_mac_intent *intent, uint8_t mac[HSM_MAC_BYTES_MAX])
{
    switch (intent->algorithm) {
    case HSM_MAC_UNIONPAY_ECB:
        mac_unionpay_ecb(hsm->cipher, key, intent->bytes, mac);
        break;
    case HSM_MAC_XOR_TDES:
        mac_xor_tdes(hsm->cipher, key, intent->bytes, mac);
        break;
    case HSM_MAC_X9_9:
        mac_algorithm_1(hsm->cipher, key, MAC_PADDING_1, intent->bytes, mac);
        break;
    case HSM_MAC_X9_19:
        mac_algorithm_3(hsm->cipher, key, MAC_PADDING_1, intent->bytes, mac);
        break;
    case HSM_MAC_CMAC:
        cmac_compute(hsm->cipher, key, intent->bytes, mac);
        break;
    }
}

static enum hsm_answer mac_of(struct hsm *hsm, const struct hsm_mac_intent *intent,
                              uint8_t mac[HSM_MAC_BYTES_MAX])
{
    struct clear_key key;
    uint32_t kinds = mac_kinds(intent);
    if (kinds == 0) {
        return HSM_BAD_INTENT;
    }
    enum hsm_answer answer = soft_open_key(hsm, intent->key, kinds, &key);
    if (answer != HSM_DONE) {
        return answer;
    }
    if (intent->mac_length == 16 && key.algorithm == KEY_TDES) {
        answer = HSM_BAD_INTENT;
    } else {
        compute_mac(hsm, &key, intent, mac);
    }
    clear_key_wipe(&key);
    return answer;
}

enum hsm_answer hsm_mac_generate(struct hsm *hsm, struct hsm_mac_intent *intent)
{
    uint8_t mac[HSM_MAC_BYTES_MAX];
    enum hsm_answer answer = mac_of(hsm, intent, mac);
    if (answer == HSM_DONE) {
        memcpy(intent->mac, mac, intent->mac_length);
    }
    return answer;
}

enum hsm_answer hsm_mac_verify(struct hsm *hsm, const struct hsm_mac_intent *intent)
{
    uint8_t mac[HSM_MAC_BYTES_MAX];
    enum hsm_answer answer = mac_of(hsm, intent, mac);
    if (answer == HSM_DONE && secret_compare(mac, intent->mac, intent->mac_length) != 0) {
        answer = HSM_VERIFY_FAILED;
    }
    secret_wipe(mac, sizeof(mac)); /* the right MAC of a forged message is worth having */
    return answer;
}
