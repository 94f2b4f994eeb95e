/* The enciphered block inside track 2 (unionpay-pos section 14): the digits are packed, the last
 * byte is left off, and the eight bytes before it went through the terminal's TDK. */
#pragma once

#include "hsm/block_cipher.h"
#include "protocols/base/secret.h"

/* Both work in place. The separator is '=' (nibble D); other nibbles above 9, which ciphertext has,
 * stand as A to F. False: fewer than nine bytes, or another character; deciphering also when what
 * comes out is no track. */
MUST_CHECK bool track_block_decipher(struct block_cipher *cipher, const struct clear_key *key,
                                     struct track2 *track);
MUST_CHECK bool track_block_encipher(struct block_cipher *cipher, const struct clear_key *key,
                                     struct track2 *track);
