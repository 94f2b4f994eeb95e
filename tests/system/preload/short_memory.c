/* Preloaded into a program: memory that is not there (F28).
 *
 *   MEMORY_FAILS_AT=N       the Nth call for memory fails, once
 *   MEMORY_FAILS_EVERY=N    each Nth fails, from SIGUSR2 on and until the next SIGUSR2
 *   MEMORY_SPARES=WORD      no call fails that comes from a library whose path holds WORD; the next
 * one does MEMORY_COUNT=FILE       the number of calls is left there at an orderly end
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* glibc's own: what dlsym would find, without the memory that dlsym asks for. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static atomic_ulong call_count;
static atomic_ulong fails_at;
static unsigned long fails_every;
static const char *spared;
static volatile sig_atomic_t is_failing;

static int is_spared(void *caller)
{
    Dl_info found;
    return spared != NULL && dladdr(caller, &found) != 0 && found.dli_fname != NULL &&
           strstr(found.dli_fname, spared) != NULL;
}

static int is_refused(void *caller)
{
    unsigned long call = atomic_fetch_add(&call_count, 1) + 1;
    int is_hit = call == atomic_load(&fails_at) ||
                 (is_failing && fails_every > 0 && call % fails_every == 0);
    if (is_hit && is_spared(caller)) {
        atomic_store(&fails_at, call + 1);
        return 0;
    }
    if (is_hit) {
        errno = ENOMEM;
    }
    return is_hit;
}

void *malloc(size_t size)
{
    return is_refused(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return is_refused(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    int is_no = size > 0 && is_refused(__builtin_return_address(0));
    return is_no ? NULL : __libc_realloc(old, size);
}

static void on_signal(int number)
{
    (void)number;
    is_failing = !is_failing;
}

static unsigned long number_of(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? 0 : strtoul(text, NULL, 10);
}

__attribute__((constructor)) static void start(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    fails_every = number_of("MEMORY_FAILS_EVERY");
    if (fails_every > 0) {
        sigaction(SIGUSR2, &action, NULL);
    }
    atomic_store(&call_count, 0); /* what the loader asked for is not counted */
    spared = getenv("MEMORY_SPARES");
    atomic_store(&fails_at, number_of("MEMORY_FAILS_AT"));
}

__attribute__((destructor)) static void finish(void)
{
    const char *path = getenv("MEMORY_COUNT");
    unsigned long count = atomic_load(&call_count);
    FILE *file = path == NULL ? NULL : fopen(path, "w");
    if (file != NULL) {
        fprintf(file, "%lu\n", count);
        fclose(file);
    }
}
