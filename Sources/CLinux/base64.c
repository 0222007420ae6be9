#include "shim.h"

#if defined(__x86_64__)
#include <immintrin.h>

int clinux_has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }

// Source of the method: W. Muła and D. Lemire, "Faster Base64 Encoding and Decoding using AVX2
// Instructions", ACM Transactions on the Web 12 (2018).
//
// Each lane of 32 bits gets three bytes a, b, c as b a c b. Of a lane the four sextets are at bits 10, 4
// (in the next half) and 22, 16: one multiplication moves the first and third down into a byte of their
// own, another one the second and fourth up. A sextet then becomes a character by an offset that depends
// on whether it stands for a capital, a small letter, a digit, + or /.
__attribute__((target("avx2"))) static inline void group(const uint8_t *from, uint8_t *to) {
    const __m256i spread = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
    // By kind of sextet: 0 small letters, 1 to 10 digits, 11 plus, 12 slash, 13 capitals.
    const __m256i offsets = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
        '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0));
    __m128i low = _mm_loadu_si128((const __m128i *)from);
    __m128i high = _mm_loadu_si128((const __m128i *)(from + 12));
    __m256i lanes = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), spread);
    __m256i odd = _mm256_mulhi_epu16(
        _mm256_and_si256(lanes, _mm256_set1_epi32(0x0FC0FC00)), _mm256_set1_epi32(0x04000040));
    __m256i even = _mm256_mullo_epi16(
        _mm256_and_si256(lanes, _mm256_set1_epi32(0x003F03F0)), _mm256_set1_epi32(0x01000010));
    __m256i sextets = _mm256_or_si256(odd, even);
    __m256i kinds = _mm256_subs_epu8(sextets, _mm256_set1_epi8(51));
    __m256i capitals = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), sextets);
    kinds = _mm256_or_si256(kinds, _mm256_and_si256(capitals, _mm256_set1_epi8(13)));
    _mm256_storeu_si256(
        (__m256i *)to, _mm256_add_epi8(sextets, _mm256_shuffle_epi8(offsets, kinds)));
}

// 24 bytes at a time; the last ones by way of a copy, with zeros behind them, whose characters give way
// to the padding.
__attribute__((target("avx2"))) size_t clinux_base64(const void *bytes, size_t count, void *text) {
    const uint8_t *from = bytes;
    uint8_t *to = text;
    size_t left = count;
    // The second half's load reaches four bytes beyond the group.
    for (; left >= 28; left -= 24, from += 24, to += 32) group(from, to);
    while (left > 0) {
        uint8_t last[32] = {0};
        size_t some = left < 24 ? left : 24;
        memcpy(last, from, some);
        group(last, to);
        left -= some;
        from += some;
        to += (some + 2) / 3 * 4;
    }
    for (size_t missing = (3 - count % 3) % 3; missing > 0; missing--) to[-(ptrdiff_t)missing] = '=';
    return (size_t)(to - (uint8_t *)text);
}
#endif
