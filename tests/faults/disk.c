/* A disk that fails on demand: preloaded before libc, it counts the writes, syncs, renames and
 * truncations of files whose path contains a word, and spoils the k-th of them. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { REFUSE, LIE, SHORTEN, FILL };

static char word[64];
static long at, count;
static int mode, error;

/* Begin to count; the at-th call is spoilt (none if 0):
 * REFUSE it fails and nothing happened; LIE it happened and is said to have failed;
 * SHORTEN a write takes half; FILL a write takes half, and from then on nothing is taken. */
void disk_arm(const char *path_word, long spoilt, int how, int with_error)
{
    snprintf(word, sizeof word, "%s", path_word);
    at = spoilt, count = 0, mode = how, error = with_error;
}

/* End it; returns how many calls there were. */
long disk_disarm(void)
{
    word[0] = 0;
    return count;
}

static int spoilt_path(const char *path)
{
    if (!word[0] || !strstr(path, word))
        return 0;
    long n = __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST);
    return at && (n == at || (mode == FILL && n > at)) ? (n == at ? 1 : 2) : 0;
}

static int spoilt(int fd)
{
    char link[64], path[4096];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = word[0] ? readlink(link, path, sizeof path - 1) : -1;
    errno = before;
    if (n < 0)
        return 0;
    path[n] = 0;
    return spoilt_path(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL return errno = error, -1

/* What a write does: `half` and `whole` are the real calls. */
#define WRITE(half, whole)                                                                        \
    int now = spoilt(fd);                                                                         \
    if (!now)                                                                                     \
        return whole;                                                                             \
    if (now == 2 || mode == REFUSE)                                                               \
        FAIL;                                                                                     \
    if (mode == LIE) {                                                                            \
        (void)!whole;                                                                             \
        FAIL;                                                                                     \
    }                                                                                             \
    if (n < 2)                                                                                    \
        return whole;                                                                             \
    return half

/* What anything else does: it cannot be shortened. */
#define CALL(real)                                                                                \
    if (!now || mode == SHORTEN)                                                                  \
        return real;                                                                              \
    if (mode == LIE)                                                                              \
        (void)!real;                                                                              \
    FAIL

ssize_t write(int fd, const void *data, size_t n)
{
    WRITE(REAL(write)(fd, data, n / 2), REAL(write)(fd, data, n));
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t to)
{
    WRITE(REAL(pwrite)(fd, data, n / 2, to), REAL(pwrite)(fd, data, n, to));
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t to)
{
    WRITE(REAL(pwrite64)(fd, data, n / 2, to), REAL(pwrite64)(fd, data, n, to));
}

int fsync(int fd)
{
    int now = spoilt(fd);
    CALL(REAL(fsync)(fd));
}

int fdatasync(int fd)
{
    int now = spoilt(fd);
    CALL(REAL(fdatasync)(fd));
}

int ftruncate(int fd, off_t to)
{
    int now = spoilt(fd);
    CALL(REAL(ftruncate)(fd, to));
}

int ftruncate64(int fd, off64_t to)
{
    int now = spoilt(fd);
    CALL(REAL(ftruncate64)(fd, to));
}

int rename(const char *from, const char *to)
{
    int now = spoilt_path(to);
    CALL(REAL(rename)(from, to));
}
