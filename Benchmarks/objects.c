// What the file system takes for many small objects in a directory: the limit of the rows of `make bench` in
// which s3-put stores one object of each of many partitions.
//
//   objects DIRECTORY PARTITIONS OBJECTS BYTES
//
//   gcc -O2 -o objects objects.c
//
// Does the calls that cannot be left out and nothing else, without reading or encoding a record: a staged file
// with BYTES bytes, synced in batches of 256 (syncfs), then the directories that a partition's path
// needs, the file's move to its name, and one syncfs for 64 of them. OBJECTS go to the partitions in turns.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH = 256, GROUP = 64 };

static void fail(const char *words) {
    perror(words);
    exit(74);
}

static void make(const char *path) {
    if (mkdir(path, 0755) && errno != EEXIST) fail(path);
}

static void sync_all(int directory) {
    if (syncfs(directory)) fail("syncfs");
}

int main(int count, char **words) {
    if (count != 5) return fprintf(stderr, "usage: objects DIRECTORY PARTITIONS OBJECTS BYTES\n"), 64;
    const char *root = words[1];
    int partitions = atoi(words[2]), objects = atoi(words[3]);
    size_t length = strtoull(words[4], 0, 10);
    char *bytes = malloc(length), from[512], to[1024];
    if (partitions < 1 || objects < 1 || !bytes) return 64;
    memset(bytes, 'x', length);
    make(root);
    snprintf(to, sizeof to, "%s/staging", root);
    make(to);
    snprintf(to, sizeof to, "%s/exchange=binance", root);
    make(to);
    for (int kind = 0; kind < 3; kind++) {
        snprintf(to, sizeof to, "%s/exchange=binance/kind=%d", root, kind);
        make(to);
    }
    int directory = open(root, O_RDONLY | O_DIRECTORY);
    for (int first = 0; first < objects; first += BATCH) {
        int end = first + BATCH < objects ? first + BATCH : objects;
        for (int number = first; number < end; number++) {
            snprintf(from, sizeof from, "%s/staging/%d", root, number);
            int file = open(from, O_RDWR | O_CREAT | O_TRUNC, 0644);
            if (file < 0 || write(file, bytes, length) != (ssize_t)length || close(file)) fail(from);
        }
        sync_all(directory);
        for (int number = first; number < end; number++) {
            int partition = number % partitions;
            int at = snprintf(to, sizeof to, "%s/exchange=binance/kind=%d/instrument=S%04dUSDT", root,
                              partition % 3, partition / 3);
            if (number < partitions) {
                make(to);
                strcpy(to + at, "/date=2024-01-01");
                make(to);
            }
            strcpy(to + at, "/date=2024-01-01/hour=00");
            if (number < partitions) make(to);
            at = strlen(to);
            snprintf(to + at, sizeof to - at, "/%012d-%012d.parquet", number, number);
            snprintf(from, sizeof from, "%s/staging/%d", root, number);
            if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE)) fail(to);
            if (number % GROUP == GROUP - 1 || number == end - 1) sync_all(directory);
        }
    }
    printf("%d objects\n", objects);
}
