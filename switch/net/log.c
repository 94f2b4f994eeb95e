/* See log.h. The ring is the bounded queue of Vyukov: each slot carries the turn in which it may be
 * written, so writers of several threads take slots with one compare-and-swap and wait for nobody.
 *
 * The thread naps between bursts instead of being woken for each line: a wake-up costs more than a
 * line. Only after a second without lines does it sleep until the next writer wakes it. */
#include "switch/net/log.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "switch/net/log_line.h"

#define SLOT_COUNT 4096u /* half a second of 8,000 lines/s */
#define BURST_BYTES 65536u
#define NAP_MS 10
#define NAP_COUNT_MAX 100 /* a second without a line */
#define DRAIN_NAP_COUNT_MAX 100
_Static_assert((SLOT_COUNT & (SLOT_COUNT - 1)) == 0, "positions wrap by masking");

struct log_slot {
    _Atomic uint32_t turn;
    uint32_t length;
    char line[LOG_LINE_SIZE];
};

static struct {
    struct log_slot *slots; /* NULL: not open */
    struct log_setup setup;
    _Atomic int level_min;
    _Atomic bool is_plain;
    _Atomic uint32_t tail; /* next slot to be written */
    _Atomic uint32_t head; /* next slot to go out; the thread's */
    _Atomic uint64_t dropped;
    _Atomic bool is_asleep, is_ending;
    sem_t wake;
    pthread_t thread;
} log_state = {.level_min = LOG_INFO};

static void write_all(int descriptor, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            atomic_fetch_add(&log_state.dropped, 1);
            return;
        }
        bytes += written;
        length -= (size_t)written;
    }
}

/* Moves whole lines from the ring into the burst; answers its length. */
static uint32_t burst_gather(char *burst)
{
    uint32_t length = 0;
    uint32_t head = atomic_load_explicit(&log_state.head, memory_order_relaxed);
    while (length + LOG_LINE_SIZE <= BURST_BYTES) {
        struct log_slot *slot = &log_state.slots[head & (SLOT_COUNT - 1)];
        if (atomic_load_explicit(&slot->turn, memory_order_acquire) != head + 1) {
            break;
        }
        memcpy(burst + length, slot->line, slot->length);
        length += slot->length;
        atomic_store_explicit(&slot->turn, head + SLOT_COUNT, memory_order_release);
        head++;
        atomic_store_explicit(&log_state.head, head, memory_order_release);
    }
    return length;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = NAP_MS * 1000000L}, NULL);
}

/* After a writer has read "asleep" it wakes us; one that read "awake" left its line before we look
 * again. */
static void sleep_until_line(void)
{
    atomic_store(&log_state.is_asleep, true);
    uint32_t head = atomic_load(&log_state.head);
    if (atomic_load(&log_state.tail) == head && !atomic_load(&log_state.is_ending)) {
        sem_wait(&log_state.wake);
    }
    atomic_store(&log_state.is_asleep, false);
}

static void *flusher_run(void *argument)
{
    static char burst[BURST_BYTES];
    uint32_t nap_count = 0;
    (void)argument;
    for (;;) {
        bool is_last = atomic_load(&log_state.is_ending);
        uint32_t length = burst_gather(burst);
        if (length > 0) {
            write_all(log_state.setup.descriptor, burst, length);
            nap_count = 0;
            continue;
        }
        if (is_last) {
            return NULL;
        }
        if (nap_count < NAP_COUNT_MAX) {
            nap_count++;
            nap();
        } else {
            sleep_until_line();
            nap_count = 0;
        }
    }
}

enum status log_open(const struct log_setup *setup)
{
    log_state.setup = *setup;
    log_set_level(setup->level_min);
    log_set_form(setup->is_plain);
    struct log_slot *slots = calloc(SLOT_COUNT, sizeof(slots[0]));
    if (slots == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < SLOT_COUNT; i++) {
        atomic_init(&slots[i].turn, i);
    }
    atomic_store(&log_state.head, 0);
    atomic_store(&log_state.tail, 0);
    atomic_store(&log_state.is_ending, false);
    log_state.slots = slots;
    if (sem_init(&log_state.wake, 0, 0) != 0 ||
        pthread_create(&log_state.thread, NULL, flusher_run, NULL) != 0) {
        log_state.slots = NULL;
        free(slots);
        return STATUS_BROKEN;
    }
    return STATUS_OK;
}

static void wake_flusher(void)
{
    if (atomic_exchange(&log_state.is_asleep, false)) {
        sem_post(&log_state.wake);
    }
}

void log_close(void)
{
    if (log_state.slots == NULL) {
        return;
    }
    atomic_store(&log_state.is_ending, true);
    wake_flusher();
    pthread_join(log_state.thread, NULL);
    sem_destroy(&log_state.wake);
    free(log_state.slots);
    log_state.slots = NULL;
}

void log_set_level(enum log_level level_min)
{
    atomic_store_explicit(&log_state.level_min, (int)level_min, memory_order_relaxed);
}

void log_set_form(bool is_plain)
{
    atomic_store_explicit(&log_state.is_plain, is_plain, memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log_state.level_min, memory_order_relaxed);
}

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* NULL: the ring is full. `position` gets the slot's turn. */
static struct log_slot *slot_take(uint32_t *position)
{
    uint32_t at = atomic_load_explicit(&log_state.tail, memory_order_relaxed);
    for (;;) {
        struct log_slot *slot = &log_state.slots[at & (SLOT_COUNT - 1)];
        uint32_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
        if ((int32_t)(turn - at) < 0) {
            return NULL;
        }
        if (turn != at) {
            at = atomic_load_explicit(&log_state.tail, memory_order_relaxed);
        } else if (atomic_compare_exchange_weak(&log_state.tail, &at, at + 1)) {
            *position = at;
            return slot;
        }
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               uint32_t field_count)
{
    struct log_line_source source = {
        .level = level,
        .event = event,
        .wall_us = wall_us(),
        .is_plain = atomic_load_explicit(&log_state.is_plain, memory_order_relaxed)};
    if (log_state.slots == NULL) {
        char line[LOG_LINE_SIZE];
        source.is_plain = true;
        write_all(STDERR_FILENO, line, log_line_format(line, &source, fields, field_count));
        return;
    }
    uint32_t position;
    struct log_slot *slot = slot_take(&position);
    if (slot == NULL) {
        atomic_fetch_add_explicit(&log_state.dropped, 1, memory_order_relaxed);
        return;
    }
    slot->length = log_line_format(slot->line, &source, fields, field_count);
    atomic_store_explicit(&slot->turn, position + 1, memory_order_release);
    if (atomic_load(&log_state.is_asleep)) {
        wake_flusher();
    }
}

void log_drain(void)
{
    if (log_state.slots == NULL) {
        return;
    }
    uint32_t tail = atomic_load(&log_state.tail);
    wake_flusher();
    for (int i = 0; i < DRAIN_NAP_COUNT_MAX; i++) {
        if ((int32_t)(atomic_load(&log_state.head) - tail) >= 0) {
            nap(); /* the last burst has left the ring, and now the process too */
            return;
        }
        nap();
    }
}

uint64_t log_dropped_count(void)
{
    return atomic_load(&log_state.dropped);
}
