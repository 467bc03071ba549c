/* A disk that forgets what was never synced: preloaded under a writer of a store.
 *
 * Whenever a file below $POWERCUT_FROM is synced, its bytes are copied to a file of
 * the same name in $POWERCUT_TO; a file that was removed stays there until its
 * directory is synced. After a kill $POWERCUT_TO is what a power cut would have
 * left: nothing that waited in a cache.
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
#include <unistd.h>

static void forget_removed(const char *from, const char *to)
{
    char there[PATH_MAX], kept[PATH_MAX];
    DIR *directory = opendir(to);
    for (struct dirent *one; directory && (one = readdir(directory));) {
        snprintf(there, sizeof there, "%s/%s", from, one->d_name);
        snprintf(kept, sizeof kept, "%s/%s", to, one->d_name);
        if (one->d_name[0] != '.' && access(there, F_OK) != 0)
            unlink(kept);
    }
    if (directory)
        closedir(directory);
}

static void keep(int fd)
{
    char link[64], path[PATH_MAX], kept[PATH_MAX], fresh[PATH_MAX], bytes[65536];
    const char *from = getenv("POWERCUT_FROM"), *to = getenv("POWERCUT_TO");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (!from || !to || length < 0)
        return;
    path[length] = 0;
    if (strncmp(path, from, strlen(from)) != 0)
        return;
    if (strcmp(path, from) == 0) {
        forget_removed(from, to);
        return;
    }
    const char *name = strrchr(path, '/') + 1;
    if ((size_t)snprintf(kept, sizeof kept, "%s/%s", to, name) >= sizeof kept)
        return;
    if ((size_t)snprintf(fresh, sizeof fresh, "%s/.fresh", to) >= sizeof fresh)
        return;
    int in = open(path, O_RDONLY), out = open(fresh, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    if (in >= 0 && out >= 0) {
        while ((length = read(in, bytes, sizeof bytes)) > 0)
            if (write(out, bytes, length) != length)
                abort();
        rename(fresh, kept);
    }
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
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
