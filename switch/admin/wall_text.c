/* See wall_text.h. */
#include "switch/admin/wall_text.h"

#include <stdio.h>
#include <time.h>

void wall_text_format(char text[WALL_TEXT_SIZE], int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm parts;
    char front[24];
    if (wall_us < 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(front, sizeof(front), "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
        snprintf(text, WALL_TEXT_SIZE, "-");
        return;
    }
    snprintf(text, WALL_TEXT_SIZE, "%s.%06dZ", front, (int)(wall_us % 1000000));
}

int64_t wall_text_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
