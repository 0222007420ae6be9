#ifndef CLINUX_SHIM_H
#define CLINUX_SHIM_H

// What Swift's Glibc module lacks.
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// The argument vector that the kernel gave to the program, which main() gets too. Swift's runtime
/// looks for it by walking back from `environ`, and finds nothing once a preloaded library has
/// called setenv before (swiftlang/swift#76080).
int clinux_argument_count(void);
char **clinux_arguments(void);

/// The commit that the program was built from; begins with a dollar sign when it is not known.
const char *clinux_commit(void);

/// Writes what C's standard output buffers; 0 when that worked.
int clinux_flush_output(void);

/// _exit(2), after the figures of a coverage build, which are otherwise written by exit(3).
void clinux_exit(int status) __attribute__((noreturn));

// What is hidden without _GNU_SOURCE, or is a macro or an enumeration that Swift cannot use.

/// eventfd(2), closed on exec: one that counts (EFD_SEMAPHORE), or one that never waits.
int clinux_eventfd(int counts);

/// pipe2(2) with O_CLOEXEC: no process that another thread starts meanwhile gets an end.
int clinux_pipe(int ends[2]);

/// pidfd_open(2): readable once the process has ended; -1 where the kernel has no such call.
int clinux_process_descriptor(int pid);

/// tee(2) and splice(2) without waiting.
ptrdiff_t clinux_tee(int from, int to, size_t count);
ptrdiff_t clinux_splice(int from, int to, size_t count);

/// Bytes that a pipe can hold; -1 for what is not a pipe.
int clinux_pipe_size(int pipe);

/// Asks for another size of a pipe; the new one, or -1.
int clinux_set_pipe_size(int pipe, int bytes);

/// Bytes in a pipe, from either end; -1 for what is not a pipe.
int clinux_pipe_content(int pipe);

/// 1 for a FIFO that has a path, 0 for the pipe of a shell and for everything else.
int clinux_is_named_fifo(int file);

/// memfd_create(2) with MFD_CLOEXEC: a file in memory.
int clinux_memory_file(const char *name);

/// syncfs(2).
int clinux_sync_file_system(int file);

/// rename(2) that leaves a file of the new name alone: EEXIST then; EINVAL where the file system
/// cannot do that.
int clinux_rename_if_absent(const char *from, const char *to);

// Instructions that Swift has no words for. Each comes with a question whether this machine has it;
// whoever calls asks first.

#if defined(__x86_64__)

/// Intel SDM, volume 2, CPUID leaf 1: bit 20 of ECX is SSE4.2, which has CRC32.
static inline int clinux_has_crc32c(void) {
    uint32_t eax = 1, ebx = 0, ecx = 0, edx = 0;
    __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    return (ecx >> 20) & 1;
}

/// Adds bytes to the state of a Castagnoli CRC, eight at a time.
__attribute__((target("sse4.2"))) static inline uint32_t clinux_crc32c(
    uint32_t state, const void *bytes, size_t count) {
    const uint8_t *next = (const uint8_t *)bytes;
    uint64_t wide = state;
    for (; count >= 8; count -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    state = (uint32_t)wide;
    for (; count > 0; count--) state = __builtin_ia32_crc32qi(state, *next++);
    return state;
}

/// Whether the processor can do the next as well, which long runs of bytes are worth.
int clinux_has_crc32c_lanes(void);

/// As ``clinux_crc32c``, three parts of the bytes at a time. See crc32c.c.
uint32_t clinux_crc32c_lanes(uint32_t state, const void *bytes, size_t count);

/// Whether the processor has AVX2, and the system saves its registers.
int clinux_has_avx2(void);

/// Bytes in base64 with padding. See base64.c.
///
/// Returns how many characters these are; up to 28 bytes of the memory behind them are written, too.
size_t clinux_base64(const void *bytes, size_t count, void *text);

#else

static inline int clinux_has_crc32c(void) { return 0; }
static inline int clinux_has_crc32c_lanes(void) { return 0; }
static inline int clinux_has_avx2(void) { return 0; }

static inline size_t clinux_base64(const void *bytes, size_t count, void *text) {
    (void)bytes;
    (void)count;
    (void)text;
    return 0;
}

static inline uint32_t clinux_crc32c_lanes(uint32_t state, const void *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return state;
}

static inline uint32_t clinux_crc32c(uint32_t state, const void *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return state;
}

#endif

#endif
