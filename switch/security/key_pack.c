/* See key_pack.h. */
#include "switch/security/key_pack.h"

#include <string.h>

#include "protocols/base/require.h"

#define VERSION 1
_Static_assert(1 + KEY_TABLE_ID_BYTES + KEY_PACK_KEY_COUNT * sizeof(struct hsm_key_sealed) ==
                   SECURITY_KEYS_BYTES,
               "the header names the length");

void key_pack_write(const struct key_pack *pack, uint8_t bytes[SECURITY_KEYS_BYTES])
{
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, SECURITY_KEYS_BYTES);
    byte_writer_u8(&writer, VERSION);
    byte_writer_put(&writer, pack->terminal_id, KEY_TABLE_ID_BYTES);
    byte_writer_put(&writer, pack->keys, sizeof(pack->keys));
    REQUIRE(writer.status == STATUS_OK && writer.position == SECURITY_KEYS_BYTES);
}

enum status key_pack_read(struct key_pack *pack, struct byte_view bytes)
{
    struct byte_reader reader;
    byte_reader_init(&reader, bytes.bytes, bytes.length);
    uint8_t version = byte_reader_u8(&reader);
    const uint8_t *id = byte_reader_take(&reader, KEY_TABLE_ID_BYTES);
    const uint8_t *keys = byte_reader_take(&reader, sizeof(pack->keys));
    if (keys == NULL || version != VERSION || byte_reader_left(&reader) != 0 || id[0] == 0) {
        return STATUS_MALFORMED;
    }
    *pack = (struct key_pack){.terminal_id = ""};
    memcpy(pack->terminal_id, id, KEY_TABLE_ID_BYTES);
    memcpy(pack->keys, keys, sizeof(pack->keys));
    return STATUS_OK;
}
