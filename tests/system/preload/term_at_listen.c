/* Preloaded into a program: it is asked to end (SIGTERM) at the very moment its first TCP listener
 * is open, as by somebody who has waited for nothing else. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static int is_told;

static int is_tcp(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
           (address.ss_family == AF_INET || address.ss_family == AF_INET6);
}

int listen(int fd, int backlog)
{
    static int (*real)(int, int);
    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "listen");
    }
    int answer = real(fd, backlog);
    int saved = errno;
    if (answer == 0 && !is_told && is_tcp(fd)) {
        is_told = 1;
        kill(getpid(), SIGTERM); /* before this call returns, where nobody hears it yet */
    }
    errno = saved;
    return answer;
}
