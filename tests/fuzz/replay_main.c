/* Runs a fuzz target once over each file of the folders it is given, without libFuzzer: so that
 * every build, with any compiler, keeps what fuzzing has found. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_BYTES_MAX 65536

static int replay_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    static uint8_t bytes[INPUT_BYTES_MAX];
    size_t length = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, length);
    return 0;
}

int main(int argument_count, char **arguments)
{
    int faults = 0;
    unsigned count = 0;
    for (int i = 1; i < argument_count; i++) {
        DIR *folder = opendir(arguments[i]);
        if (folder == NULL) {
            perror(arguments[i]);
            return 1;
        }
        for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
            if (entry->d_name[0] != '.') {
                faults += replay_file(arguments[i], entry->d_name);
                count++;
            }
        }
        closedir(folder);
    }
    printf("%u inputs replayed\n", count);
    return faults != 0 || count == 0;
}
