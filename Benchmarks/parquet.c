// The anchor for `bench-core parquet`: the same columns of the same trades, without a file format around
// them. PLAIN values in pages of 20 000 rows, each compressed by zstd 3. Ids and times as differences of
// 64 bits, which zstd shrinks to what DELTA_BINARY_PACKED has; words are left out.
//
//   parquet-peer FILE PASSES
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { FRAME = 110, PAGE = 20000, COLUMNS = 10 };

static int64_t i64(const uint8_t *at) {
    int64_t value;
    memcpy(&value, at, 8);
    return value;
}

int main(int count, char **words) {
    if (count != 3) return fprintf(stderr, "usage: parquet-peer FILE PASSES\n"), 64;
    FILE *file = fopen(words[1], "rb");
    if (!file) return perror(words[1]), 66;
    fseek(file, 0, SEEK_END);
    size_t length = ftell(file);
    rewind(file);
    uint8_t *in = malloc(length);
    if (fread(in, 1, length, file) != length) return 74;
    uint8_t *columns[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) columns[i] = malloc(PAGE * 16);
    size_t room = ZSTD_compressBound(PAGE * 16);
    uint8_t *out = malloc(room);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 3);
    uint64_t total = 0;
    for (long pass = 0, passes = atol(words[2]); pass < passes; pass++) {
        for (size_t used = 0; used + FRAME <= length;) {
            int rows = 0;
            int64_t before[10] = {0};
            for (; rows < PAGE && used + FRAME <= length; rows++, used += FRAME) {
                const uint8_t *record = in + used + 14;
                int64_t numbers[] = {i64(record), i64(record + 16), i64(record + 8),
                                     (int8_t)record[68], (int8_t)record[69], record[66], record[70]};
                for (int i = 0; i < 7; i++) {
                    int64_t step = numbers[i] - before[i];
                    before[i] = numbers[i];
                    memcpy(columns[i] + rows * 8, &step, 8);
                }
                memcpy(columns[7] + rows * 8, record + 72, 8);
                int64_t quantity = __builtin_bswap64(i64(record + 80));
                memset(columns[8] + rows * 16, 0, 8);
                memcpy(columns[8] + rows * 16 + 8, &quantity, 8);
                if (rows % 8 == 0) columns[9][rows / 8] = 0;
                columns[9][rows / 8] |= (record[88] & 1) << rows % 8;
            }
            for (int i = 0; i < COLUMNS; i++) {
                size_t bytes = i == 8 ? rows * 16 : i == 9 ? (rows + 7) / 8 : rows * 8;
                total += ZSTD_compress2(context, out, room, columns[i], bytes);
            }
        }
    }
    printf("%llu bytes\n", (unsigned long long)total);
}
