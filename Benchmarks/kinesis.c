// What C reaches when it sends trade frames to Kinesis: the anchor of the Kinesis rows of
// `make bench`, and the sink that all of them send to.
//
//   kinesis-peer sink SECONDS [CERT KEY]   answers on a free port of 127.0.0.1, which it prints
//   kinesis-peer ages SECONDS              the same, and looks how old records are
//   kinesis-peer slow SECONDS MS           the same, but each answer takes MS milliseconds
//   kinesis-peer build FILE PASSES         bodies of 500 records built and signed, not sent
//   kinesis-peer send URL FILE CALLS       the same sent by libcurl, CALLS of them at once
//
//   gcc -O2 -o kinesis-peer kinesis.c -lcurl -lcrypto -lssl -lpthread
//
// The sink notes how old records are when their request has come, by the ingest time of frames that
// are not in containers; GET /delays says so, as COUNT P50 P99 P99.9 in microseconds.
//
// Records are whole frames in base64 under one partition key, 500 a call, as kinesis-put sends
// them with --format sbe --no-aggregate. `build` prints the number of bytes and a hash of the
// bodies, which has to be what bench-core prints.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <curl/curl.h>
#include <immintrin.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "delays.h"

enum { FRAME = 110, CALL = 500, ROOM = 256 << 10 };
static const char TYPE[] = "application/x-amz-json-1.1";
static const char TARGET[] = "Kinesis_20131202.PutRecords";
static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void fail(const char *words) {
    perror(words);
    exit(74);
}

// ---------------------------------------------------------------- bodies

// 24 bytes to 32 characters: each group of three bytes is doubled into a 32-bit lane, two
// multiplications shift its four sextets into bytes, a table of offsets makes them characters.
__attribute__((target("avx2"))) static char *base64(char *to, const uint8_t *from, size_t count) {
    const __m256i spread = _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, 1, 0,
                                            2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    const __m256i offsets = _mm256_setr_epi8(71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65,
                                             0, 0, 71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19,
                                             -16, 65, 0, 0);
    for (; count >= 28; count -= 24, from += 24, to += 32) {
        __m256i in = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)from)),
            _mm_loadu_si128((const __m128i *)(from + 12)), 1);
        in = _mm256_shuffle_epi8(in, spread);
        __m256i high = _mm256_mulhi_epu16(_mm256_and_si256(in, _mm256_set1_epi32(0x0fc0fc00)),
                                          _mm256_set1_epi32(0x04000040));
        __m256i low = _mm256_mullo_epi16(_mm256_and_si256(in, _mm256_set1_epi32(0x003f03f0)),
                                         _mm256_set1_epi32(0x01000010));
        __m256i sextets = _mm256_or_si256(high, low);
        __m256i kind = _mm256_subs_epu8(sextets, _mm256_set1_epi8(51));
        __m256i letter = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), sextets);
        kind = _mm256_or_si256(kind, _mm256_and_si256(letter, _mm256_set1_epi8(13)));
        _mm256_storeu_si256((__m256i *)to,
                            _mm256_add_epi8(_mm256_shuffle_epi8(offsets, kind), sextets));
    }
    for (; count >= 3; count -= 3, from += 3) {
        uint32_t group = from[0] << 16 | from[1] << 8 | from[2];
        for (int shift = 18; shift >= 0; shift -= 6) *to++ = DIGITS[group >> shift & 63];
    }
    if (count) {
        uint32_t group = from[0] << 16 | (count > 1 ? from[1] << 8 : 0);
        *to++ = DIGITS[group >> 18];
        *to++ = DIGITS[group >> 12 & 63];
        *to++ = count > 1 ? DIGITS[group >> 6 & 63] : '=';
        *to++ = '=';
    }
    return to;
}

static char *put(char *to, const char *text) { return stpcpy(to, text); }

static size_t build(char *body, const uint8_t *frames, size_t count) {
    char *to = put(body, "{\"StreamName\":\"market-sbe-trade\",\"Records\":[");
    for (size_t i = 0; i < count; i++) {
        to = put(to, "{\"Data\":\"");
        to = base64(to, frames + i * FRAME, FRAME);
        to = put(to, "\",\"PartitionKey\":\"BTCUSDT\"},");
    }
    return put(to - 1, "]}") - body;
}

// ---------------------------------------------------------------- signatures

static uint8_t key[32];
static char stamp[20], day[9];

static void hmac(const void *secret, int length, const char *text, size_t count, uint8_t *out) {
    unsigned got;
    HMAC(EVP_sha256(), secret, length, (const uint8_t *)text, count, out, &got);
}

static void make_key(void) {
    time_t now = time(0);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime(&now));
    memcpy(day, stamp, 8);
    hmac("AWS4secret", 10, day, 8, key);
    hmac(key, 32, "us-east-1", 9, key);
    hmac(key, 32, "kinesis", 7, key);
    hmac(key, 32, "aws4_request", 12, key);
}

static void hash(const char *bytes, size_t count, char *hex) {
    uint8_t digest[32];
    EVP_Digest(bytes, count, digest, 0, EVP_sha256(), 0);
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    hex[64] = 0;
}

static void sign(const char *host, const char *body, size_t count, char *header) {
    static const char names[] = "content-type;host;x-amz-date;x-amz-target";
    char hex[65], text[1024];
    hash(body, count, hex);
    int length = sprintf(text, "POST\n/\n\ncontent-type:%s\nhost:%s\nx-amz-date:%s\nx-amz-target:%s\n\n%s\n%s",
                         TYPE, host, stamp, TARGET, names, hex);
    hash(text, length, hex);
    length = sprintf(text, "AWS4-HMAC-SHA256\n%s\n%s/us-east-1/kinesis/aws4_request\n%s", stamp, day, hex);
    uint8_t signature[32];
    hmac(key, 32, text, length, signature);
    char *to = header + sprintf(header, "Authorization: AWS4-HMAC-SHA256 Credential=AKID/%s/us-east-1/kinesis/"
                                "aws4_request, SignedHeaders=%s, Signature=", day, names);
    for (int i = 0; i < 32; i++) to += sprintf(to, "%02x", signature[i]);
}

// ---------------------------------------------------------------- sending

static uint8_t *frames;
static size_t frame_count;

static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    fseek(file, 0, SEEK_END);
    size_t size = ftell(file);
    rewind(file);
    frames = malloc(size + 64);
    if (fread(frames, 1, size, file) != size) fail(path);
    fclose(file);
    frame_count = size / FRAME;
}

static size_t calls(void) { return (frame_count + CALL - 1) / CALL; }
static size_t body_of(size_t call, char *body) {
    size_t first = call * CALL, left = frame_count - first;
    return build(body, frames + first * FRAME, left < CALL ? left : CALL);
}

static void only_build(int passes) {
    char *body = malloc(ROOM), header[512];
    uint64_t bytes = 0, sum = 0;
    for (int pass = 0; pass < passes; pass++)
        for (size_t call = 0; call < calls(); call++) {
            size_t length = body_of(call, body);
            sign("127.0.0.1:80", body, length, header);
            bytes += length;
            uint64_t word;
            memcpy(&word, body + length - 1000, 8);
            sum += word;
        }
    printf("%lu bytes, sum %lu\n", bytes, sum);
}

static size_t ignore(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes, (void)context;
    return size * count;
}

static void send_all(const char *url, int at_once) {
    char host[64], line[512];
    sscanf(strstr(url, "//") + 2, "%63[^/]", host);
    curl_global_init(CURL_GLOBAL_ALL);
    CURLM *multi = curl_multi_init();
    struct { CURL *easy; char *body; struct curl_slist *headers; } slots[64] = {0};
    size_t next = 0;
    int active = 0;
    for (int i = 0; i < at_once; i++) {
        CURL *easy = slots[i].easy = curl_easy_init();
        slots[i].body = malloc(ROOM);
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
        curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)(intptr_t)i);
        if (getenv("AWS_CA_BUNDLE")) curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("AWS_CA_BUNDLE"));
    }
    for (int slot = 0; active || next < calls();) {
        for (slot = 0; slot < at_once && next < calls(); slot++) {
            if (slots[slot].headers) continue;
            size_t length = body_of(next++, slots[slot].body);
            struct curl_slist *headers = curl_slist_append(0, "Content-Type: application/x-amz-json-1.1");
            sprintf(line, "X-Amz-Date: %s", stamp);
            headers = curl_slist_append(headers, line);
            sprintf(line, "X-Amz-Target: %s", TARGET);
            headers = curl_slist_append(headers, line);
            sign(host, slots[slot].body, length, line);
            headers = curl_slist_append(headers, line);
            slots[slot].headers = curl_slist_append(headers, "Expect:");
            curl_easy_setopt(slots[slot].easy, CURLOPT_HTTPHEADER, slots[slot].headers);
            curl_easy_setopt(slots[slot].easy, CURLOPT_POSTFIELDS, slots[slot].body);
            curl_easy_setopt(slots[slot].easy, CURLOPT_POSTFIELDSIZE, (long)length);
            curl_multi_add_handle(multi, slots[slot].easy);
            active++;
        }
        int running, left;
        curl_multi_perform(multi, &running);
        for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
            long status = 0;
            char *place;
            curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &place);
            if (message->data.result || status != 200) exit(69);
            curl_multi_remove_handle(multi, message->easy_handle);
            curl_slist_free_all(slots[(intptr_t)place].headers);
            slots[(intptr_t)place].headers = 0;
            active--;
        }
        if (active) curl_multi_poll(multi, 0, 0, 100, 0);
    }
    printf("%zu records\n", frame_count);
}

// ---------------------------------------------------------------- the sink

static SSL_CTX *tls;

typedef struct {
    int descriptor;
    SSL *session;
} Peer;

static ssize_t peer_read(Peer *peer, char *to, size_t count) {
    return peer->session ? SSL_read(peer->session, to, count) : read(peer->descriptor, to, count);
}

static int peer_write(Peer *peer, const char *from, size_t count) {
    while (count) {
        ssize_t sent = peer->session ? SSL_write(peer->session, from, count)
                                     : write(peer->descriptor, from, count);
        if (sent <= 0) return -1;
        from += sent, count -= sent;
    }
    return 0;
}

static const char ENTRY[] =
    "{\"SequenceNumber\":\"49543463076548007577105092703039560359975228518395019266\","
    "\"ShardId\":\"shardId-000000000000\"},";
static const char SHARDS[] =
    "{\"Shards\":[{\"ShardId\":\"shardId-000000000000\",\"HashKeyRange\":{\"StartingHashKey\":\"0\","
    "\"EndingHashKey\":\"340282366920938463463374607431768211455\"},"
    "\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"1\"}}]}";

static int ages;
static int pause_us;
static Delays delays;
static pthread_mutex_t delays_lock = PTHREAD_MUTEX_INITIALIZER;

// The ingest time of a frame is in its bytes 22 to 29, and so in characters 28 to 39 of its base64.
static void note_age(const char *text, const char *end, int64_t now) {
    static const uint8_t start[] = {0xEB, 0x50};
    uint8_t bytes[31];
    if (end - text < 40) return;
    for (int group = 0; group < 10; group++, text += 4) {
        uint32_t value = 0;
        for (int place = 0; place < 4; place++) {
            const char *digit = strchr(DIGITS, text[place]);
            if (!digit || !*digit) return;
            value = value << 6 | (uint32_t)(digit - DIGITS);
        }
        uint8_t *to = bytes + group * 3;
        to[0] = value >> 16, to[1] = value >> 8, to[2] = value;
    }
    if (memcmp(bytes + 4, start, 2)) return;
    int64_t ingest;
    memcpy(&ingest, bytes + 22, 8);
    note_delay(&delays, now - ingest);
}

static size_t answer(const char *head, const char *body, size_t length, char *out) {
    char *to = out + 256;
    size_t start = 256;
    if (!strncmp(head, "GET /delays", 11)) {
        pthread_mutex_lock(&delays_lock);
        to += print_delays(&delays, to, 128);
        pthread_mutex_unlock(&delays_lock);
    } else if (!strcasestr(head, "PutRecords")) {
        to = put(to, SHARDS);
    } else {
        to = put(to, "{\"FailedRecordCount\":0,\"Records\":[");
        const char *from = body;
        if (ages) {
            int64_t now = nanoseconds_now();
            pthread_mutex_lock(&delays_lock);
            while ((from = memmem(from, body + length - from, "\"Data\":\"", 8)))
                note_age(from += 8, body + length, now);
            pthread_mutex_unlock(&delays_lock);
            from = body;
        }
        while ((from = memmem(from, body + length - from, "\"PartitionKey\"", 14))) {
            memcpy(to, ENTRY, sizeof ENTRY - 1);
            to += sizeof ENTRY - 1;
            from += 14;
        }
        to = put(to - (to[-1] == ','), "]}");
    }
    char text[256];
    int count = sprintf(text, "HTTP/1.1 200 OK\r\nx-amzn-RequestId: 1\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                        TYPE, (size_t)(to - out) - start);
    memcpy(out + start - count, text, count);
    memmove(out, out + start - count, to - out - start + count);
    return to - out - start + count;
}

static void *serve(void *context) {
    Peer *peer = context;
    size_t room = 16 << 20, used = 0;
    char *bytes = malloc(room + 1), *out = malloc(1 << 20);
    if (tls) {
        peer->session = SSL_new(tls);
        SSL_set_fd(peer->session, peer->descriptor);
        if (SSL_accept(peer->session) <= 0) return 0;
    }
    for (;;) {
        char *end;
        ssize_t got;
        while (!(end = memmem(bytes, used, "\r\n\r\n", 4))) {
            if (used == room || (got = peer_read(peer, bytes + used, room - used)) <= 0) goto done;
            used += got;
        }
        end += 4;
        *(end - 1) = 0;
        const char *field = strcasestr(bytes, "content-length:");
        size_t length = field ? strtoull(field + 15, 0, 10) : 0, whole = end - bytes + length;
        while (used < whole) {
            if (whole > room || (got = peer_read(peer, bytes + used, room - used)) <= 0) goto done;
            used += got;
        }
        size_t answered = answer(bytes, end, length, out);
        if (pause_us) usleep(pause_us);
        if (peer_write(peer, out, answered)) goto done;
        memmove(bytes, bytes + whole, used -= whole);
    }
done:
    close(peer->descriptor);
    free(bytes);
    free(out);
    return 0;
}

static void sink(int seconds, const char *certificate, const char *secret) {
    signal(SIGPIPE, SIG_IGN);
    alarm(seconds);
    if (certificate) {
        tls = SSL_CTX_new(TLS_server_method());
        if (SSL_CTX_use_certificate_chain_file(tls, certificate) <= 0
            || SSL_CTX_use_PrivateKey_file(tls, secret, SSL_FILETYPE_PEM) <= 0) exit(78);
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    if (bind(listener, (void *)&address, size) || listen(listener, 64)) fail("listen");
    getsockname(listener, (void *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        Peer *peer = calloc(1, sizeof *peer);
        peer->descriptor = accept(listener, 0, 0);
        if (peer->descriptor < 0) continue;
        setsockopt(peer->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        pthread_t thread;
        pthread_create(&thread, 0, serve, peer);
        pthread_detach(thread);
    }
}

int main(int count, char **words) {
    ages = count >= 3 && !strcmp(words[1], "ages");
    if (count == 4 && !strcmp(words[1], "slow")) {
        pause_us = atoi(words[3]) * 1000;
        sink(atoi(words[2]), 0, 0);
    }
    if (ages || (count >= 3 && !strcmp(words[1], "sink")))
        sink(atoi(words[2]), count > 4 ? words[3] : 0, count > 4 ? words[4] : 0);
    make_key();
    if (count == 4 && !strcmp(words[1], "build")) {
        load(words[2]);
        only_build(atoi(words[3]));
    } else if (count == 5 && !strcmp(words[1], "send")) {
        load(words[3]);
        send_all(words[2], atoi(words[4]));
    } else {
        return fprintf(stderr, "usage: kinesis-peer sink | ages | slow | build | send\n"), 64;
    }
}
