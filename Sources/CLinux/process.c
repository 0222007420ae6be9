#define _GNU_SOURCE
#include "shim.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static int argument_count = 0;
static char **arguments = NULL;

// glibc gives constructors what main() gets.
__attribute__((constructor)) static void keep_arguments(int count, char **values) {
    argument_count = count;
    arguments = values;
}

int clinux_argument_count(void) { return argument_count; }

char **clinux_arguments(void) { return arguments; }

int clinux_flush_output(void) { return fflush(stdout); }

// In coverage builds only.
extern int __llvm_profile_write_file(void) __attribute__((weak));

void clinux_exit(int status) {
    if (__llvm_profile_write_file) __llvm_profile_write_file();
    _exit(status);
}

// glibc has no such function before 2.36.
int clinux_process_descriptor(int pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }
