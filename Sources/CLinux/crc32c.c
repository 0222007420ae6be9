#include "shim.h"

#if defined(__x86_64__)
#include <immintrin.h>

int clinux_has_crc32c_lanes(void) {
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

// The instruction gives its result three cycles after it began, and one can begin in each: three lanes
// side by side take as long as one. Source of the method: V. Gopal and others, "Fast CRC Computation for
// iSCSI Polynomial Using CRC32 Instruction", Intel 2011.
//
// A lane's state goes past the lanes behind it by a multiplication with x^(8n - 33) modulo the polynomial,
// for n bytes: the product of two reflected numbers has one more x, and the instruction, which reduces it,
// 32 more.
enum { LANE = 1360 };
static const uint32_t past_one = 0x3f70cc6f, past_two = 0x5aa1f3cf;

__attribute__((target("sse4.2,pclmul"))) static inline uint32_t past(uint32_t state, uint32_t factor) {
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)state), _mm_cvtsi32_si128((int)factor), 0);
    return (uint32_t)_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) uint32_t clinux_crc32c_lanes(
    uint32_t state, const void *bytes, size_t count) {
    const uint8_t *next = bytes;
    for (; count >= 3 * LANE; count -= 3 * LANE, next += 3 * LANE) {
        uint64_t first = state, second = 0, third = 0;
        for (size_t place = 0; place < LANE; place += 8) {
            uint64_t words[3];
            memcpy(words, next + place, 8);
            memcpy(words + 1, next + LANE + place, 8);
            memcpy(words + 2, next + 2 * LANE + place, 8);
            first = _mm_crc32_u64(first, words[0]);
            second = _mm_crc32_u64(second, words[1]);
            third = _mm_crc32_u64(third, words[2]);
        }
        state = past((uint32_t)first, past_two) ^ past((uint32_t)second, past_one) ^ (uint32_t)third;
    }
    return clinux_crc32c(state, next, count);
}
#endif
