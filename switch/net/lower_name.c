/* See lower_name.h. */
#include "switch/net/lower_name.h"

const char *lower_name(char lowered[LOWER_NAME_SIZE], const char *name)
{
    for (int i = 0; i < LOWER_NAME_SIZE - 1 && name[i] != 0; i++) {
        char c = name[i];
        lowered[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return lowered;
}
