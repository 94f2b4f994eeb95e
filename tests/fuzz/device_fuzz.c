/* What terminals tell of themselves: private fields -> note -> the log's text -> note. The first
 * byte chooses the field, or the text itself. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/device_note.h"

#define TEXT_BYTES_MAX 1024

static void must(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

/* What the log keeps must come back as it was. */
static void write_and_read(const struct device_note *note)
{
    char text[DEVICE_NOTE_TEXT_SIZE], again[DEVICE_NOTE_TEXT_SIZE];
    struct device_note back;
    uint32_t length = device_note_write(text, note);
    must(length < sizeof(text) && strlen(text) == length);
    must(device_note_from_text(&back, text));
    must(device_note_write(again, &back) == length && strcmp(text, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct device_note note = {.is_told = false};
    if (length < 1 || length > TEXT_BYTES_MAX) {
        return 0;
    }
    struct byte_view field = {bytes + 1, (uint32_t)length - 1};
    char text[TEXT_BYTES_MAX + 1] = "";
    switch (bytes[0] % 4) {
    case 0:
        device_note_read_59(&note, field);
        break;
    case 1:
        device_note_read_46(&note, field);
        break;
    case 2:
        device_note_read_62(&note, field);
        break;
    default:
        memcpy(text, field.bytes, field.length);
        if (!device_note_from_text(&note, text)) {
            return 0;
        }
        break;
    }
    write_and_read(&note);
    return 0;
}
