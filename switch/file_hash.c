/* See file_hash.h. */
#include "switch/file_hash.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "protocols/base/pause.h"

#define BLOCK_BYTES 65536

enum status file_hash(const char *path, uint8_t hash[FILE_HASH_BYTES])
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return STATUS_NOT_FOUND;
    }
    uint8_t *block = malloc(BLOCK_BYTES);
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_good =
        block != NULL && digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
    for (size_t count = 1; is_good && count > 0;) {
        pause_point();
        count = fread(block, 1, BLOCK_BYTES, file);
        is_good = EVP_DigestUpdate(digest, block, count) == 1 && ferror(file) == 0;
    }
    is_good = is_good && EVP_DigestFinal_ex(digest, hash, NULL) == 1;
    EVP_MD_CTX_free(digest);
    free(block);
    (void)fclose(file);
    return is_good ? STATUS_OK : STATUS_BROKEN;
}

void file_hash_text(char text[FILE_HASH_TEXT_SIZE], const uint8_t hash[FILE_HASH_BYTES])
{
    for (unsigned i = 0; i < FILE_HASH_BYTES; i++) {
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    }
}
