/* See secret.h. */
#define _DEFAULT_SOURCE /* explicit_bzero */
#include "protocols/base/secret.h"

#include <string.h>

void secret_wipe(void *bytes, uint32_t length)
{
    explicit_bzero(bytes, length);
}

int secret_compare(const void *left, const void *right, uint32_t length)
{
    const volatile uint8_t *a = left;
    const volatile uint8_t *b = right;
    unsigned difference = 0;
    for (uint32_t i = 0; i < length; i++) {
        difference |= (unsigned)(a[i] ^ b[i]);
    }
    return difference != 0;
}
