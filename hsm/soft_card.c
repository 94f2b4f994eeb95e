/* Card numbers and tracks of the soft module (hsm.h). */
#include "hsm/pan_vault.h"
#include "hsm/soft.h"
#include "hsm/track_block.h"

enum hsm_answer hsm_pan_seal(struct hsm *hsm, struct hsm_key_handle handle, const struct pan *pan,
                             const uint8_t nonce[12], struct pan_sealed *sealed)
{
    struct clear_key key;
    if (pan->digit_count < PAN_DIGITS_MIN || pan->digit_count > PAN_DIGITS_MAX) {
        return HSM_BAD_PAN;
    }
    enum hsm_answer answer = soft_open_key(hsm, handle, SOFT_KINDS(HSM_KEY_DATA), &key);
    if (answer == HSM_DONE) {
        pan_vault_seal(hsm->cipher, &key, pan, nonce, sealed);
        clear_key_wipe(&key);
    }
    return answer;
}

enum hsm_answer hsm_pan_open(struct hsm *hsm, struct hsm_key_handle handle,
                             const struct pan_sealed *sealed, struct pan *pan)
{
    struct clear_key key;
    enum hsm_answer answer = soft_open_key(hsm, handle, SOFT_KINDS(HSM_KEY_DATA), &key);
    if (answer == HSM_DONE) {
        answer = pan_vault_open(hsm->cipher, &key, sealed, pan) ? HSM_DONE : HSM_VERIFY_FAILED;
        clear_key_wipe(&key);
    }
    return answer;
}

enum hsm_answer hsm_pan_hash(struct hsm *hsm, struct hsm_key_handle handle, const struct pan *pan,
                             struct pan_hash *hash)
{
    struct clear_key key;
    if (pan->digit_count == 0) {
        return HSM_BAD_PAN;
    }
    enum hsm_answer answer = soft_open_key(hsm, handle, SOFT_KINDS(HSM_KEY_HASH), &key);
    if (answer == HSM_DONE) {
        answer = pan_vault_hash(hsm->cipher, &key, pan, hash) ? HSM_DONE : HSM_UNAVAILABLE;
        clear_key_wipe(&key);
    }
    return answer;
}

enum hsm_answer hsm_track2_open(struct hsm *hsm, struct hsm_key_handle handle, struct track2 *track)
{
    struct clear_key key;
    enum hsm_answer answer = soft_open_key(hsm, handle, SOFT_KINDS(HSM_KEY_TRACK), &key);
    if (answer == HSM_DONE) {
        answer = track_block_decipher(hsm->cipher, &key, track) ? HSM_DONE : HSM_BAD_PAN;
        clear_key_wipe(&key);
    }
    return answer;
}
