/* A disk that forgets what was never synced: preloaded under a writer of a store.
 *
 * Whenever a file below $POWERCUT_FROM is synced, its bytes are copied to the same
 * place below $POWERCUT_TO, whose directories exist already; when a directory is
 * synced, what was renamed in it gets its name and what was removed from it goes.
 * After a kill $POWERCUT_TO is what a power cut would have left: nothing that waited
 * in a cache.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FITS(into, ...) ((size_t)snprintf(into, sizeof into, __VA_ARGS__) < sizeof into)

/* What was synced of a file, whatever its name is by then; numbers are given again, births not. */
static int by_number(char into[PATH_MAX], const char *to, int fd, const char *path)
{
    struct statx found;
    int flags = path ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;
    if (statx(path ? AT_FDCWD : fd, path ? path : "", flags, STATX_INO | STATX_BTIME, &found))
        return 0;
    return snprintf(into, PATH_MAX, "%s/.%llx-%llx-%x", to, (unsigned long long)found.stx_ino,
                    (unsigned long long)found.stx_btime.tv_sec, found.stx_btime.tv_nsec)
           < PATH_MAX;
}

static void copy(const char *from, const char *to, const char *fresh)
{
    char bytes[65536];
    ssize_t length;
    int in = open(from, O_RDONLY), out = open(fresh, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (in >= 0 && out >= 0) {
        while ((length = read(in, bytes, sizeof bytes)) > 0)
            if (write(out, bytes, length) != length)
                abort();
        rename(fresh, to);
    }
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
}

static void keep_names(const char *from, const char *kept, const char *to, const char *fresh)
{
    char here[PATH_MAX], there[PATH_MAX], synced[PATH_MAX];
    struct stat about;
    struct dirent *one;
    DIR *directory = opendir(kept);
    while (directory && (one = readdir(directory)))
        if (one->d_name[0] != '.' && FITS(here, "%s/%s", from, one->d_name)
            && FITS(there, "%s/%s", kept, one->d_name) && access(here, F_OK) != 0)
            unlink(there);
    if (directory)
        closedir(directory);
    directory = opendir(from);
    while (directory && (one = readdir(directory)))
        if (FITS(here, "%s/%s", from, one->d_name) && FITS(there, "%s/%s", kept, one->d_name)
            && !stat(here, &about) && S_ISREG(about.st_mode) && by_number(synced, to, -1, here)
            && access(synced, F_OK) == 0)
            copy(synced, there, fresh);
    if (directory)
        closedir(directory);
}

static void keep(int fd)
{
    char link[64], path[PATH_MAX], kept[PATH_MAX], fresh[PATH_MAX], synced[PATH_MAX];
    struct stat about;
    const char *from = getenv("POWERCUT_FROM"), *to = getenv("POWERCUT_TO");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!from || !to || length < 0 || fstat(fd, &about))
        return;
    path[length] = 0;
    size_t begun = strlen(from);
    if (strncmp(path, from, begun) != 0 || (path[begun] && path[begun] != '/'))
        return;
    if (!FITS(kept, "%s%s", to, path + begun) || !FITS(fresh, "%s/.fresh", to))
        return;
    if (S_ISDIR(about.st_mode)) {
        keep_names(path, kept, to, fresh);
        return;
    }
    if (access(path, F_OK) != 0 || !by_number(synced, to, fd, NULL))
        return;
    copy(path, kept, fresh);
    copy(path, synced, fresh);
}

#define SYNC(name) \
    int name(int fd) \
    { \
        static int (*real)(int); \
        if (!real) \
            real = (int (*)(int))dlsym(RTLD_NEXT, #name); \
        int answer = real(fd); \
        int number = errno; \
        if (answer == 0) \
            keep(fd); \
        errno = number; \
        return answer; \
    }

SYNC(fsync)
SYNC(fdatasync)
