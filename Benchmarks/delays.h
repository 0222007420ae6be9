// A histogram of nanoseconds with 64 steps to each power of two (1.6 %), and what it says.
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { STEPS = 64 };
typedef struct {
    uint64_t counts[64 * STEPS];
    uint64_t total;
} Delays;

static inline int64_t nanoseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void note_delay(Delays *delays, int64_t nanoseconds) {
    uint64_t value = nanoseconds < 0 ? 0 : (uint64_t)nanoseconds;
    int power = value < STEPS ? 0 : 63 - __builtin_clzll(value) - 5;
    delays->counts[power * STEPS + (value >> power)]++;
    delays->total++;
}

static inline double delay_at(const Delays *delays, double share) {
    uint64_t wanted = (uint64_t)(share * delays->total), seen = 0;
    for (int index = 0; index < 64 * STEPS; index++) {
        seen += delays->counts[index];
        if (seen > wanted) {
            int power = index / STEPS;
            return (double)((uint64_t)(index % STEPS) << power) / 1000;
        }
    }
    return 0;
}

// "COUNT P50 P99 P99.9", in microseconds.
static inline int print_delays(const Delays *delays, char *to, size_t room) {
    return snprintf(to, room, "%llu %.1f %.1f %.1f", (unsigned long long)delays->total,
                    delay_at(delays, 0.5), delay_at(delays, 0.99), delay_at(delays, 0.999));
}
