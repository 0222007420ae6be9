// What C reaches when it does what dedup does for many sequences at once: the anchor of the rows
// "dedup" of `make bench`. Frames come from standard input; each id of a sequence goes out once.
//
//   gcc -O2 -o dedup-peer dedup.c
//
// A sequence is found by its symbol, kind, series and venue in a hash table. Of kinds whose ids
// follow each other a bitmap of the last 128 Ki ids is kept, of the others the last 64 Ki ids in a
// ring and a hash table. What it lacks: holes that are counted, gap records, klines, ids that cannot
// be right, figures.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 256 << 10, BITS = 1 << 17, WINDOW = 1 << 16, SLOTS = 1 << 17, SEQUENCES = 1 << 16 };

typedef struct {
    uint64_t name[5];
    uint64_t newest;
    uint64_t *bits;  // Of ids that follow each other.
    uint64_t *ring, *slots;  // Of ids that only grow.
    uint64_t count;
} Sequence;

static Sequence *table[SEQUENCES];

static uint64_t u64(const uint8_t *at) {
    uint64_t value;
    memcpy(&value, at, 8);
    return value;
}

static uint64_t mixed(uint64_t a, uint64_t b) {
    __uint128_t product = (__uint128_t)(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xa0761d6478bd642f);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static Sequence *find(const uint8_t *frame) {
    uint64_t name[5];
    memcpy(name, frame + 46, 32);
    name[4] = (u64(frame + 78) & 0xffffff) << 16 | frame[8] | frame[9] << 8;
    uint64_t place = mixed(mixed(name[0], name[1] ^ name[4]), name[2] ^ name[3]);
    for (;; place++) {
        Sequence *found = table[place % SEQUENCES];
        if (found && !memcmp(found->name, name, sizeof name)) return found;
        if (found) continue;
        found = calloc(1, sizeof *found);
        memcpy(found->name, name, sizeof name);
        if (frame[8] == 4 || frame[8] == 6) {
            found->ring = calloc(WINDOW, 8);
            found->slots = calloc(SLOTS, 8);
        } else {
            found->bits = calloc(BITS / 64, 8);
        }
        return table[place % SEQUENCES] = found;
    }
}

static int is_new_bit(Sequence *sequence, uint64_t id) {
    uint64_t *bits = sequence->bits, words = BITS / 64;
    if (id > sequence->newest) {
        uint64_t first = sequence->newest / 64 + 1;
        if (id / 64 > first + words) first = id / 64 - words;
        for (uint64_t word = first; word <= id / 64; word++) bits[word % words] = 0;
        sequence->newest = id;
    } else if (sequence->newest - id >= BITS - 64) {
        return 0;
    }
    uint64_t bit = 1ull << (id & 63), *word = &bits[id / 64 % words];
    if (*word & bit) return 0;
    *word |= bit;
    return 1;
}

static uint64_t home(uint64_t id) { return id * 0x9e3779b97f4a7c15 >> 47; }

static void forget(uint64_t *slots, uint64_t id) {
    uint64_t hole = home(id);
    while (slots[hole] != id) hole = (hole + 1) % SLOTS;
    for (uint64_t next = (hole + 1) % SLOTS; slots[next]; next = (next + 1) % SLOTS) {
        if ((next - home(slots[next])) % SLOTS < (next - hole) % SLOTS) continue;
        slots[hole] = slots[next];
        hole = next;
    }
    slots[hole] = 0;
}

static int is_new_value(Sequence *sequence, uint64_t id) {
    uint64_t *slots = sequence->slots, place = home(id);
    for (; slots[place]; place = (place + 1) % SLOTS)
        if (slots[place] == id) return 0;
    slots[place] = id;
    uint64_t *oldest = &sequence->ring[sequence->count++ % WINDOW];
    if (*oldest) forget(slots, *oldest);
    *oldest = id;
    return 1;
}

static void write_all(const uint8_t *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t written = write(1, bytes + done, count - done);
        if (written < 0 && errno != EINTR) exit(74);
        if (written > 0) done += written;
    }
}

int main(void) {
    fcntl(0, F_SETPIPE_SZ, 1 << 20);
    fcntl(1, F_SETPIPE_SZ, 1 << 20);
    uint8_t *in = malloc(BATCH), *out = malloc(BATCH);
    size_t have = 0;
    for (ssize_t count; (count = read(0, in + have, BATCH - have)) > 0;) {
        have += count;
        size_t at = 0, fill = 0;
        while (have - at >= 6) {
            const uint8_t *frame = in + at;
            uint32_t length;
            memcpy(&length, frame, 4);
            length = __builtin_bswap32(length);
            if (frame[4] != 0xeb || frame[5] != 0x50 || length < 86 || length > BATCH) exit(65);
            if (have - at < length) break;
            Sequence *sequence = find(frame);
            uint64_t id = u64(frame + 30);
            if (sequence->bits ? is_new_bit(sequence, id) : is_new_value(sequence, id)) {
                memcpy(out + fill, frame, length);
                fill += length;
            }
            at += length;
        }
        memmove(in, in + at, have - at);
        have -= at;
        write_all(out, fill);
    }
    return 0;
}
