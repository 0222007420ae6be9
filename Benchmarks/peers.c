// What C reaches on the same work, on the same bytes: the anchors of `make bench`.
//
//   peers gen N REPEATS [SYMBOLS [ORDER]]  N trade frames, REPEATS percent of them twice; ORDER is
//                                  ascending, shuffled (within 4096) or holes (odd ids, then even)
//   peers messages trade|quote|depth   4096 venue messages, each after its uint32 length
//   peers copy | dedup             frames from stdin to stdout, all of them or each id once
//   peers quotes COUNT [SYMBOLS]   best prices whose ids skip two of three
//   peers json                     frames as lines, byte for byte as recq json writes them
//   peers avro FILE PASSES         frames as Avro under docs/schemas/trade.avsc, in memory
//   peers decode FILE PASSES       venue messages, every field touched
//   peers page FILE PASSES         one aggTrades reply in JSON, fields in the documented order
//   peers stream N                 N WebSocket frames of a server's, 100 bytes of payload each
//   peers frames FILE PASSES       these frames, from a buffer that is filled 64 KiB at a time
//
// Speed comes from the process's times; what they print is a check that both did the same.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAME = 110, BATCH = 256 << 10, OUT = 64 << 10 };

#define LOADER(name, type)                     \
    static inline type name(const uint8_t *p) { \
        type value;                            \
        memcpy(&value, p, sizeof value);       \
        return value;                          \
    }
LOADER(u16, uint16_t)
LOADER(u32, uint32_t)
LOADER(i64, int64_t)
LOADER(u64, uint64_t)

static uint64_t seed = 88172645463325252ull;
static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static void fail(const char *what) {
    perror(what);
    exit(74);
}

static void write_all(const uint8_t *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t written = write(1, bytes + done, count - done);
        if (written < 0 && errno != EINTR) fail("write");
        if (written > 0) done += written;
    }
}

static uint8_t *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    fseek(file, 0, SEEK_END);
    *length = ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*length + 16);
    if (fread(bytes, 1, *length, file) != *length) fail(path);
    return bytes;
}

// Making input

static void make_trade(uint8_t *frame, int64_t id) {
    static const uint8_t start[14] = {0, 0, 0, FRAME, 0xeb, 0x50, 96, 0, 1, 0, 0x62, 0x22, 1, 0};
    static int64_t price = 6500000000000;
    memset(frame, 0, FRAME);
    memcpy(frame, start, sizeof start);
    int64_t event = 1704067200000000 + id * 37 + (int64_t)(next_random() % 30);
    int64_t ingest = event * 1000 + 3000000 + (int64_t)(next_random() % 500000);
    if (next_random() % 3) price += ((int64_t)(next_random() % 101) - 50) * 1000000;
    int64_t quantity = (int64_t)(1 + next_random() % 100000) * 1000;
    memcpy(frame + 14, &event, 8);
    memcpy(frame + 22, &ingest, 8);
    memcpy(frame + 30, &id, 8);
    memcpy(frame + 38, &id, 8);
    memcpy(frame + 46, "BTCUSDT", 7);
    frame[80] = 1;
    frame[81] = 2;
    frame[82] = frame[83] = 0xf8;
    memcpy(frame + 86, &price, 8);
    memcpy(frame + 94, &quantity, 8);
    frame[102] = next_random() & 1;
    frame[103] = 1;
}

// Several symbols take turns, each with ids of its own: AATCUSDT, ABTCUSDT, …
static void generate(long count, int repeats, int symbols, char order) {
    uint8_t *out = malloc(OUT + 2 * FRAME);
    size_t fill = 0;
    for (int64_t step = 1; step <= count; step++) {
        int64_t id = step;
        // An odd factor visits every place of a block once.
        if (order == 's') id = (step - 1) / 4096 * 4096 + (step - 1) % 4096 * 2731 % 4096 + 1;
        if (order == 'h') id = step <= count / 2 ? 2 * step - 1 : 2 * (step - count / 2);
        make_trade(out + fill, (id + symbols - 1) / symbols);
        if (symbols > 1) {
            out[fill + 46] = 'A' + id % symbols / 26;
            out[fill + 47] = 'A' + id % symbols % 26;
        }
        fill += FRAME;
        if (repeats && next_random() % 100 < (uint64_t)repeats) {
            memcpy(out + fill, out + fill - FRAME, FRAME);
            fill += FRAME;
        }
        if (fill >= OUT) {
            write_all(out, fill);
            fill = 0;
        }
    }
    write_all(out, fill);
}

// Best prices whose ids skip two of three, as those of a book do.
static void quotes(long count, int symbols) {
    enum { LENGTH = 118 };
    uint8_t *out = malloc(OUT + LENGTH);
    size_t fill = 0;
    for (int64_t index = 0; index < count; index++) {
        uint8_t *at = out + fill;
        make_trade(at, 1000 + index / symbols * 3);
        if (symbols > 1) {
            at[46] = 'A' + index % symbols / 26;
            at[47] = 'A' + index % symbols % 26;
        }
        memset(at + 86, 0, 32);
        at[3] = LENGTH, at[6] = LENGTH - 14, at[8] = 4;
        fill += LENGTH;
        if (fill >= OUT) {
            write_all(out, fill);
            fill = 0;
        }
    }
    write_all(out, fill);
}

static uint8_t *put(uint8_t *at, const void *value, size_t length) {
    memcpy(at, value, length);
    return at + length;
}

static uint8_t *put_number(uint8_t *at, int64_t value) { return put(at, &value, 8); }

static void messages(const char *kind) {
    for (int i = 0; i < 4096; i++) {
        uint8_t bytes[4096], *at = bytes + 4;
        int64_t time = 1785888000000000 + i, price = 6543210000000 + i * 1000000ll;
        if (*kind == 't') {
            at = put(at, "\x12\0\x10\x27\1\0\0\0", 8);
            at = put_number(put_number(at, time + 700), time);
            at = put(at, "\xf8\xf8\x19\0\1\0\0\0", 8);
            at = put_number(put_number(put_number(at, 5000000000 + i), price), 12345000 + i);
            *at++ = i & 1;
        } else if (*kind == 'q') {
            at = put(at, "\x32\0\x11\x27\1\0\0\0", 8);
            at = put(put_number(put_number(at, time), 70000000000 + i), "\xf8\xf8", 2);
            at = put_number(put_number(at, price), 150000000);
            at = put_number(put_number(at, price + 1000000), 2000);
        } else {
            at = put(at, "\x1a\0\x13\x27\1\0\0\0", 8);
            at = put_number(put_number(put_number(at, time), 70000000000 + i * 5), 70000000004 + i * 5);
            at = put(at, "\xf8\xf8", 2);
            for (int side = 0; side < 2; side++) {
                at = put(at, "\x10\0\x14\0", 4);
                for (int level = 0; level < 20; level++)
                    at = put_number(put_number(at, price + level * 1000000), level * 50000);
            }
        }
        at = put(at, "\7" "BTCUSDT", 8);
        uint32_t length = at - bytes - 4;
        memcpy(bytes, &length, 4);
        write_all(bytes, at - bytes);
    }
}

// Filters

// Ids that came, up to 2^21 behind the newest; one sequence is enough for what is measured.
static uint64_t *seen;
static uint64_t newest;
static int is_new(uint64_t id) {
    const uint64_t words = (1 << 21) / 64;
    if (!seen) seen = calloc(words, 8);
    if (id > newest) {
        for (uint64_t word = newest / 64 + 1; word <= id / 64; word++) seen[word % words] = 0;
        newest = id;
    } else if (newest - id >= (1 << 21) - 64) {
        return 0;
    }
    uint64_t bit = 1ull << (id & 63), *word = &seen[id / 64 % words];
    if (*word & bit) return 0;
    *word |= bit;
    return 1;
}

static void filter(int is_dedup) {
    fcntl(0, F_SETPIPE_SZ, 1 << 20);
    fcntl(1, F_SETPIPE_SZ, 1 << 20);
    uint8_t *in = malloc(BATCH), *out = malloc(BATCH);
    size_t have = 0;
    for (;;) {
        ssize_t count = read(0, in + have, BATCH - have);
        if (count < 0) fail("read");
        if (count == 0) break;
        have += count;
        size_t at = 0, fill = 0;
        while (have - at >= 6) {
            uint32_t length = __builtin_bswap32(u32(in + at));
            if (u16(in + at + 4) != 0x50eb || length < 86 || length > BATCH) exit(65);
            if (have - at < length) break;
            if (!is_dedup || is_new(u64(in + at + 30))) {
                memcpy(out + fill, in + at, length);
                fill += length;
            }
            at += length;
        }
        memmove(in, in + at, have - at);
        have -= at;
        write_all(out, fill);
    }
}

// Two digits at a time, by table: half the divisions of the plain way.
static char pairs[200];

static void fill_pairs(void) {
    for (int i = 0; i < 100; i++) pairs[2 * i] = '0' + i / 10, pairs[2 * i + 1] = '0' + i % 10;
}

static char *eight(char *at, uint32_t value) {
    uint32_t high = value / 10000, low = value % 10000;
    memcpy(at, pairs + 2 * (high / 100), 2);
    memcpy(at + 2, pairs + 2 * (high % 100), 2);
    memcpy(at + 4, pairs + 2 * (low / 100), 2);
    memcpy(at + 6, pairs + 2 * (low % 100), 2);
    return at + 8;
}

static char *number(char *at, int64_t value) {
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    if (value < 0) *at++ = '-';
    if (rest >= 100000000) {
        at = number(at, rest / 100000000);
        return eight(at, rest % 100000000);
    }
    char digits[8];
    eight(digits, rest);
    int zeros = 0;
    while (zeros < 7 && digits[zeros] == '0') zeros++;
    memcpy(at, digits + zeros, 8);
    return at + 8 - zeros;
}

static char *decimal(char *at, int64_t mantissa) {
    at = number(at, mantissa / 100000000);
    *at++ = '.';
    return eight(at, mantissa % 100000000);
}

#define TEXT(at, text) (memcpy(at, text, sizeof text - 1), (at) + sizeof text - 1)

static void json(void) {
    fill_pairs();
    uint8_t *in = malloc(BATCH);
    char *out = malloc(BATCH * 8);
    size_t have = 0;
    for (ssize_t count; (count = read(0, in + have, BATCH - have)) > 0;) {
        have += count;
        size_t used = 0;
        char *at = out;
        for (; have - used >= FRAME; used += FRAME) {
            const uint8_t *record = in + used + 14;
            at = TEXT(at, "{\"kind\":\"trade\",\"symbol\":\"");
            size_t length = strnlen((const char *)record + 32, 32);
            memcpy(at, record + 32, length);
            at = number(TEXT(at + length, "\",\"event_ts\":"), i64(record) / 1000);
            at = number(TEXT(at, ",\"ingest_ts\":"), i64(record + 8) / 1000000);
            at = number(TEXT(at, ",\"trade_id\":"), i64(record + 16));
            at = decimal(TEXT(at, ",\"price\":"), i64(record + 72));
            at = decimal(TEXT(at, ",\"qty\":"), i64(record + 80));
            at = TEXT(at, ",\"is_buyer_maker\":");
            at = record[88] ? TEXT(at, "true") : TEXT(at, "false");
            at = TEXT(at, ",\"source\":\"rest\",\"is_best_match\":");
            at = record[89] ? TEXT(at, "true") : TEXT(at, "false");
            at = number(TEXT(at, ",\"price_exponent\":"), (int8_t)record[68]);
            at = number(TEXT(at, ",\"qty_exponent\":"), (int8_t)record[69]);
            at = number(TEXT(at, ",\"event_time_us\":"), i64(record));
            at = number(TEXT(at, ",\"ingest_time_ns\":\""), i64(record + 8));
            at = number(TEXT(at, "\",\"venue\":"), record[66]);
            at = number(TEXT(at, ",\"flags\":"), u16(record + 70));
            at = TEXT(at, "}\n");
        }
        memmove(in, in + used, have - used);
        have -= used;
        write_all((uint8_t *)out, at - out);
    }
}

// In memory

static uint8_t *varint(uint8_t *at, int64_t value) {
    uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    for (; rest > 127; rest >>= 7) *at++ = rest | 128;
    *at++ = rest;
    return at;
}

// A decimal of 16 bytes, the highest first.
static uint8_t *exact(uint8_t *at, int64_t mantissa) {
    uint64_t low = __builtin_bswap64(mantissa), high = mantissa < 0 ? ~0ull : 0;
    return put(put(at, &high, 8), &low, 8);
}

static void avro(const char *path, long passes) {
    size_t length;
    uint8_t *in = read_file(path, &length), *out = malloc(length * 2 + 4096);
    uint64_t total = 0;
    for (long pass = 0; pass < passes; pass++) {
        uint8_t *at = out;
        for (size_t used = 0; used + FRAME <= length; used += FRAME) {
            const uint8_t *record = in + used + 14;
            size_t symbol = strnlen((const char *)record + 32, 32);
            double price = i64(record + 72) / 1e8, quantity = i64(record + 80) / 1e8;
            at = put(varint(at, symbol), record + 32, symbol);
            at = varint(varint(at, i64(record) / 1000), i64(record + 8) / 1000000);
            at = put(put(varint(at, i64(record + 16)), &price, 8), &quantity, 8);
            *at++ = record[88];
            at = put(varint(at, 4), "rest", 4);
            at = varint(at, 1);
            *at++ = record[89];
            at = varint(varint(at, i64(record + 72)), i64(record + 80));
            at = exact(exact(at, i64(record + 72)), i64(record + 80));
            at = varint(varint(at, (int8_t)record[68]), (int8_t)record[69]);
            at = varint(varint(at, i64(record)), i64(record + 8));
            at = varint(varint(at, record[66]), u16(record + 70));
        }
        total += at - out;
    }
    printf("%llu bytes\n", (unsigned long long)total);
}

static void decode(const char *path, long passes) {
    size_t length;
    uint8_t *in = read_file(path, &length);
    // Two sums: of one the additions wait for each other, and a compiler may make one chain of all.
    uint64_t sum = 0, quantities = 0;
    for (long pass = 0; pass < passes; pass++)
        for (size_t at = 0; at < length;) {
            const uint8_t *message = in + at + 4, *end = message + u32(in + at);
            at += 4 + u32(in + at);
            if (end - message < 8 || u16(message + 4) != 1) exit(65);
            const uint8_t *block = message + 8, *rest = block + u16(message);
            if (rest > end) exit(65);
            int template = u16(message + 2);
            if (template == 10000) {
                sum += i64(block) + i64(block + 8) + block[16] + block[17];
                if (end - rest < 6) exit(65);
                uint16_t size = u16(rest);
                uint32_t count = u32(rest + 2);
                const uint8_t *entry = rest + 6;
                if ((uint64_t)(end - entry) < (uint64_t)size * count) exit(65);
                for (; count; count--, entry += size)
                    sum += i64(entry) + i64(entry + 8) + i64(entry + 16) + entry[24];
                rest = entry;
            } else if (template == 10001) {
                sum += i64(block) + i64(block + 8) + block[16] + block[17];
                sum += i64(block + 18) + i64(block + 26) + i64(block + 34) + i64(block + 42);
            } else if (template == 10003) {
                sum += i64(block) + i64(block + 8) + i64(block + 16) + block[24] + block[25];
                for (int side = 0; side < 2; side++) {
                    if (end - rest < 4) exit(65);
                    uint16_t size = u16(rest), count = u16(rest + 2);
                    const uint8_t *entry = rest + 4;
                    if (end - entry < (int64_t)size * count) exit(65);
                    for (; count; count--, entry += size) sum += i64(entry), quantities += i64(entry + 8);
                    rest = entry;
                }
            } else exit(65);
            if (rest >= end || end - rest - 1 < rest[0]) exit(65);
            uint8_t symbol[24] = {0};
            memcpy(symbol, rest + 1, rest[0] < 24 ? rest[0] : 24);
            sum += u64(symbol) + u64(symbol + 8) + u64(symbol + 16);
        }
    printf("sum %llu\n", (unsigned long long)(sum + quantities));
}

static const char *expect(const char *at, const char *text) {
    for (; *text; at++, text++) if (*at != *text) exit(65);
    return at;
}

static const char *scan(const char *at, int64_t *value) {
    int64_t number = 0;
    while (*at >= '0' && *at <= '9') number = number * 10 + *at++ - '0';
    *value = number;
    return at;
}

static const char *scan_decimal(const char *at, int64_t *mantissa) {
    int64_t whole, part;
    const char *point = expect(scan(at, &whole), "."), *end = scan(point, &part);
    if (end - point != 8) exit(65);
    *mantissa = whole * 100000000 + part;
    return end;
}

static const char *scan_bool(const char *at, int64_t *value) {
    *value = *at == 't';
    return expect(at, *value ? "true" : "false");
}

static void page(const char *path, long passes) {
    size_t length;
    char *in = (char *)read_file(path, &length);
    in[length] = 0;
    uint64_t sum = 0, count = 0;
    int64_t *rows = malloc(length * 8);
    for (long pass = 0; pass < passes; pass++) {
        const char *at = expect(in, "[");
        for (int64_t *row = rows;; row += 8) {
            at = expect(scan(expect(at, "{\"a\":"), row), ",\"p\":\"");
            at = expect(scan_decimal(at, row + 1), "\",\"q\":\"");
            at = expect(scan_decimal(at, row + 2), "\",\"f\":");
            at = expect(scan(at, row + 3), ",\"l\":");
            at = expect(scan(at, row + 4), ",\"T\":");
            at = expect(scan(at, row + 5), ",\"m\":");
            at = expect(scan_bool(at, row + 6), ",\"M\":");
            at = expect(scan_bool(at, row + 7), "}");
            sum += row[0] + row[1] + row[2] + row[5];
            count++;
            if (*at != ',') break;
            at++;
        }
        expect(at, "]");
    }
    printf("rows %llu, sum %llu\n", (unsigned long long)count, (unsigned long long)sum);
}

static void stream(long count) {
    uint8_t frame[102] = {0x82, 100};
    for (uint64_t i = 0; i < (uint64_t)count; i++) {
        memcpy(frame + 2, &i, 8);
        write_all(frame, sizeof frame);
    }
}

static void frames(const char *path, long passes) {
    size_t length, step = 64 << 10;
    uint8_t *in = read_file(path, &length), *buffer = malloc(2 * step);
    uint64_t sum = 0, count = 0;
    for (long pass = 0; pass < passes; pass++) {
        size_t have = 0, at = 0;
        for (size_t from = 0; from < length; from += step) {
            memmove(buffer, buffer + at, have - at);
            have -= at;
            at = 0;
            size_t more = length - from < step ? length - from : step;
            memcpy(buffer + have, in + from, more);
            have += more;
            while (have - at >= 2) {
                const uint8_t *frame = buffer + at;
                size_t size = frame[1], head = 2;
                if (frame[0] != 0x82 || size > 126) exit(65);
                if (size == 126) {
                    if (have - at < 4) break;
                    size = frame[2] << 8 | frame[3];
                    head = 4;
                }
                if (size > step / 2) exit(65);
                if (have - at < head + size) break;
                sum += u64(frame + head);
                count++;
                at += head + size;
            }
        }
    }
    printf("messages %llu, sum %llu\n", (unsigned long long)count, (unsigned long long)sum);
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "";
    const char *first = count > 2 ? words[2] : "";
    long second = count > 3 ? atol(words[3]) : 1;
    if (!strcmp(what, "gen")) generate(atol(first), (int)second, count > 4 ? atoi(words[4]) : 1, count > 5 ? *words[5] : 'a');
    else if (!strcmp(what, "quotes")) quotes(atol(first), count > 3 ? (int)second : 1);
    else if (!strcmp(what, "messages")) messages(first);
    else if (!strcmp(what, "copy")) filter(0);
    else if (!strcmp(what, "dedup")) filter(1);
    else if (!strcmp(what, "json")) json();
    else if (!strcmp(what, "avro")) avro(first, second);
    else if (!strcmp(what, "decode")) decode(first, second);
    else if (!strcmp(what, "page")) page(first, second);
    else if (!strcmp(what, "stream")) stream(atol(first));
    else if (!strcmp(what, "frames")) frames(first, second);
    else return fprintf(stderr, "usage: peers gen|quotes|messages|copy|dedup|json|avro|decode|page|stream|frames …\n"), 64;
    return 0;
}
