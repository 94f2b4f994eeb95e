/* Each time is computed from the number, never from the time before: nothing adds up. */
#include "loadtest/pace.h"

#include "protocols/base/require.h"

static uint64_t due_ns(const struct pace *pace, uint64_t number)
{
    return pace->start_ns + (uint64_t)((double)number * (1e9 / pace->rate));
}

void pace_start(struct pace *pace, double rate, uint64_t start_ns, uint64_t end_ns)
{
    REQUIRE(rate > 0);
    REQUIRE(end_ns >= start_ns);
    *pace =
        (struct pace){.rate = rate, .start_ns = start_ns, .end_ns = end_ns, .next_ns = start_ns};
}

bool pace_is_due(const struct pace *pace, uint64_t now_ns)
{
    return pace->next_ns <= now_ns && pace->next_ns < pace->end_ns;
}

void pace_begun(struct pace *pace)
{
    pace->begun_count++;
    pace->next_ns = due_ns(pace, pace->begun_count);
    pace->is_next_late = false;
}

bool pace_stalled(struct pace *pace)
{
    bool is_news = !pace->is_next_late;
    pace->is_next_late = true;
    return is_news;
}

uint64_t pace_called_for(const struct pace *pace, uint64_t until_ns)
{
    uint64_t end_ns = until_ns < pace->end_ns ? until_ns : pace->end_ns;
    uint64_t count = pace->begun_count;
    while (due_ns(pace, count) < end_ns) {
        count++;
    }
    return count;
}
