#define _GNU_SOURCE
#include "shim.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

// linux/magic.h: the file system that the pipes of shells are on.
static const long pipe_file_system = 0x50495045;

int clinux_eventfd(int counts) {
    return eventfd(0, EFD_CLOEXEC | (counts ? EFD_SEMAPHORE : EFD_NONBLOCK));
}

int clinux_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

ptrdiff_t clinux_tee(int from, int to, size_t count) {
    return tee(from, to, count, SPLICE_F_NONBLOCK);
}

ptrdiff_t clinux_splice(int from, int to, size_t count) {
    return splice(from, NULL, to, NULL, count, SPLICE_F_NONBLOCK);
}

int clinux_pipe_size(int pipe) { return fcntl(pipe, F_GETPIPE_SZ); }

int clinux_set_pipe_size(int pipe, int bytes) { return fcntl(pipe, F_SETPIPE_SZ, bytes); }

int clinux_pipe_content(int pipe) {
    int count = -1;
    return ioctl(pipe, FIONREAD, &count) < 0 ? -1 : count;
}

int clinux_is_named_fifo(int file) {
    struct stat status;
    struct statfs system;
    if (fstat(file, &status) != 0 || !S_ISFIFO(status.st_mode)) return 0;
    return fstatfs(file, &system) == 0 && system.f_type != pipe_file_system;
}
