/* PIN translation of the soft module: a clear PIN exists for the length of one call, in the lab.
 *
 * A translation always decodes and checks, also where format in and out are equal; outside, all
 * its refusals look alike (I35).
 */
#include <string.h>

#include "hsm/pin_block.h"
#include "hsm/soft.h"
#include "protocols/base/secret.h"

static enum hsm_answer read_pin(struct hsm *hsm, const struct hsm_pin_translate *intent,
                                const struct clear_key *key, struct clear_pin *pin)
{
    enum pin_block_format format = (enum pin_block_format)intent->in.format;
    uint8_t block[PIN_BLOCK_BYTES_MAX];
    bool is_read;
    if (intent->in.length != pin_block_bytes(format)) {
        return HSM_BAD_PIN_BLOCK;
    }
    if ((key->algorithm == KEY_AES) != (format == PIN_FORMAT_4)) {
        return HSM_KEY_USAGE;
    }
    memcpy(block, intent->in.bytes, sizeof(block));
    if (format == PIN_FORMAT_4) {
        is_read = pin_block_4_decipher(hsm->cipher, key, intent->pan, block, pin);
    } else {
        block_cipher_ecb(hsm->cipher, key, BLOCK_CIPHER_DECRYPT, block, 8);
        is_read = pin_block_decode(format, block, intent->pan, pin);
    }
    secret_wipe(block, sizeof(block));
    return is_read ? HSM_DONE : HSM_BAD_PIN_BLOCK;
}

static enum hsm_answer write_pin(struct hsm *hsm, const struct hsm_pin_translate *intent,
                                 const struct clear_key *key, const struct clear_pin *pin,
                                 struct pin_block *out)
{
    enum pin_block_format format = intent->out_format;
    if ((key->algorithm == KEY_AES) != (format == PIN_FORMAT_4)) {
        return HSM_KEY_USAGE;
    }
    *out =
        (struct pin_block){.length = (uint8_t)pin_block_bytes(format), .format = (uint8_t)format};
    if (format == PIN_FORMAT_4) {
        pin_block_4_pin_field(pin, intent->random, out->bytes);
        pin_block_4_encipher(hsm->cipher, key, intent->pan, out->bytes);
    } else {
        pin_block_encode(format, pin, intent->pan, intent->random, out->bytes);
        block_cipher_ecb(hsm->cipher, key, BLOCK_CIPHER_ENCRYPT, out->bytes, 8);
    }
    return HSM_DONE;
}

enum hsm_answer hsm_pin_translate(struct hsm *hsm, const struct hsm_pin_translate *intent,
                                  struct pin_block *out)
{
    struct clear_key from = {.length = 0};
    struct clear_key to = {.length = 0};
    struct clear_pin pin = {.digit_count = 0};
    *out = (struct pin_block){.length = 0};
    if (!soft_serves_pins(hsm)) {
        return HSM_NOT_PERMITTED;
    }
    if (!pin_block_may_translate(intent->in.format, intent->out_format)) {
        return HSM_FORMAT_DENIED;
    }
    if (intent->pan->digit_count < PAN_DIGITS_MIN || intent->pan->digit_count > PAN_DIGITS_MAX) {
        return HSM_BAD_PAN;
    }
    enum hsm_answer answer = soft_open_key(hsm, intent->from, SOFT_KINDS(HSM_KEY_PIN_IN), &from);
    if (answer == HSM_DONE) {
        answer = soft_open_key(hsm, intent->to, SOFT_KINDS(HSM_KEY_PIN_OUT), &to);
    }
    if (answer == HSM_DONE) {
        answer = read_pin(hsm, intent, &from, &pin);
    }
    if (answer == HSM_DONE) {
        answer = write_pin(hsm, intent, &to, &pin, out);
    }
    clear_key_wipe(&from);
    clear_key_wipe(&to);
    secret_wipe(&pin, sizeof(pin));
    return answer;
}
