/* Preloaded into a program: every transfer on a TCP socket is cut short, interrupted or put off as
 * POSIX allows it, and as kernels seldom do (F7). Blocking sockets are spared: whoever asked to
 * wait is not told EAGAIN. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define LENGTH_MAX 61 /* shorter than any message, and no divisor of anything */

static _Thread_local uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(0x2545f4914f6cdd1d) >> 33;
}

static int is_tcp(int fd)
{
    int saved = errno, type = 0;
    struct sockaddr_storage address;
    socklen_t length = sizeof type, size = sizeof address;
    int answer = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM &&
                 getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
                 (address.ss_family == AF_INET || address.ss_family == AF_INET6) &&
                 (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
    errno = saved;
    return answer;
}

/* How much of `length` may be transferred now; 0: not now, errno says why. */
static size_t allowed(int fd, size_t length)
{
    if (length == 0 || !is_tcp(fd)) {
        return length;
    }
    uint64_t draw = next();
    if (draw % 8 < 2) {
        errno = draw % 8 == 0 ? EINTR : EAGAIN;
        return 0;
    }
    size_t most = 1 + (size_t)(draw / 8 % LENGTH_MAX);
    return length < most ? length : most;
}

#define REAL(name, result, ...)                                                                    \
    static result (*real)(__VA_ARGS__);                                                            \
    if (real == NULL) {                                                                            \
        *(void **)&real = dlsym(RTLD_NEXT, #name);                                                 \
    }

ssize_t read(int fd, void *bytes, size_t length)
{
    REAL(read, ssize_t, int, void *, size_t)
    size_t most = allowed(fd, length);
    return most == 0 && length > 0 ? -1 : real(fd, bytes, most);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    REAL(write, ssize_t, int, const void *, size_t)
    size_t most = allowed(fd, length);
    return most == 0 && length > 0 ? -1 : real(fd, bytes, most);
}

ssize_t recv(int fd, void *bytes, size_t length, int flags)
{
    REAL(recv, ssize_t, int, void *, size_t, int)
    size_t most = allowed(fd, length);
    return most == 0 && length > 0 ? -1 : real(fd, bytes, most, flags);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    REAL(send, ssize_t, int, const void *, size_t, int)
    size_t most = allowed(fd, length);
    return most == 0 && length > 0 ? -1 : real(fd, bytes, most, flags);
}

/* Of several parts the first one with bytes in it. */
ssize_t writev(int fd, const struct iovec *parts, int count)
{
    REAL(writev, ssize_t, int, const struct iovec *, int)
    for (int i = 0; i < count && is_tcp(fd); i++) {
        if (parts[i].iov_len > 0) {
            return write(fd, parts[i].iov_base, parts[i].iov_len);
        }
    }
    return real(fd, parts, count);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    REAL(sendmsg, ssize_t, int, const struct msghdr *, int)
    for (size_t i = 0; i < message->msg_iovlen && message->msg_controllen == 0 && is_tcp(fd); i++) {
        if (message->msg_iov[i].iov_len > 0) {
            return send(fd, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len, flags);
        }
    }
    return real(fd, message, flags);
}
