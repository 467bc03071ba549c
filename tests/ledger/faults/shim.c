/* A disk that fails when it is told to: preloaded under a writer of a ledger.
 *
 * Counts writes, truncations and syncs on files whose path holds a pattern, and
 * lets the n-th of them fail. Python arms it through ctypes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum manner { ONCE = 0, FROM_NOW_ON = 1, SHORT = 2 };

static char wanted[256];
static long calls, fails_at;
static int armed, error_number, how;

void faults_arm(const char *pattern, long nth, int error, int manner)
{
    strncpy(wanted, pattern, sizeof wanted - 1);
    calls = 0;
    fails_at = nth;
    error_number = error;
    how = manner;
    armed = 1;
}

long faults_disarm(void)
{
    armed = 0;
    return calls;
}

static int matches(int fd)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, wanted) != NULL;
}

/* 0: go on. 1: fail, errno is set. 2: write a part only. */
static int verdict(int fd, int is_write)
{
    if (!armed)
        return 0;
    int kept = errno;
    int ours = matches(fd);
    errno = kept;
    if (!ours)
        return 0;
    calls++;
    int hit = calls == fails_at || (how == FROM_NOW_ON && fails_at && calls > fails_at);
    if (how == SHORT && is_write && hit)
        return 2;
    /* A disk that took only a part is full for the rest. */
    if (how == SHORT && is_write && fails_at && calls == fails_at + 1)
        hit = 1;
    if (!hit)
        return 0;
    errno = error_number;
    return 1;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) \
        real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *bytes, size_t length)
{
    REAL(write);
    int answer = verdict(fd, 1);
    if (answer == 1)
        return -1;
    return real(fd, bytes, answer == 2 ? length / 2 : length);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at)
{
    REAL(pwrite);
    int answer = verdict(fd, 1);
    if (answer == 1)
        return -1;
    return real(fd, bytes, answer == 2 ? length / 2 : length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at)
{
    REAL(pwrite64);
    int answer = verdict(fd, 1);
    if (answer == 1)
        return -1;
    return real(fd, bytes, answer == 2 ? length / 2 : length, at);
}

int fsync(int fd)
{
    REAL(fsync);
    return verdict(fd, 0) ? -1 : real(fd);
}

int fdatasync(int fd)
{
    REAL(fdatasync);
    return verdict(fd, 0) ? -1 : real(fd);
}

int ftruncate(int fd, off_t length)
{
    REAL(ftruncate);
    return verdict(fd, 0) ? -1 : real(fd, length);
}

int ftruncate64(int fd, off64_t length)
{
    REAL(ftruncate64);
    return verdict(fd, 0) ? -1 : real(fd, length);
}
