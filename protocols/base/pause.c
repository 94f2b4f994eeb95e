/* See pause.h. */
#include "protocols/base/pause.h"

_Thread_local struct pause thread_pause = {0};

void pause_set(void (*take)(void))
{
    thread_pause = (struct pause){.take = take, .left = PAUSE_POINTS};
}
