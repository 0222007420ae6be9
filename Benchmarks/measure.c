// Runs a command and writes what it took to a descriptor: "CPU-SECONDS PEAK-KIB STATUS".
//
// Linux hands the peak memory of whoever forks down through exec, so that a command started from
// Python seems to need as much as Python. This program needs next to nothing.
//
//   gcc -O2 -o measure measure.c && ./measure 3 COMMAND [ARGUMENT...] 3> figures
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words) {
    if (count < 3) return fprintf(stderr, "usage: measure DESCRIPTOR COMMAND [ARGUMENT...]\n"), 64;
    int figures = atoi(words[1]);
    pid_t child = fork();
    if (child == 0) {
        close(figures);
        execvp(words[2], words + 2);
        perror(words[2]);
        _exit(127);
    }
    int status = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) < 0) return perror("measure"), 71;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    dprintf(figures, "%.6f %ld %d\n",
            usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
                + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
            usage.ru_maxrss, code);
    return code;
}
