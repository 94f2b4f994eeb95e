/* Wall clock times as people and programs read them: RFC 3339 in UTC with microseconds. */
#pragma once

#include <stdint.h>

#define WALL_TEXT_SIZE 40

void wall_text_format(char text[WALL_TEXT_SIZE], int64_t wall_us);
int64_t wall_text_now_us(void);
