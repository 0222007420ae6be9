// What C reaches with the venue's stream: the anchor of the rows of sbe-tap in `make bench`.
//
//   stream-peer recv PORT TARGET [CA]             frames parsed where they are, ids added up
//   stream-peer records PORT TARGET COUNT [CA]    bestBidAsk messages as records to stdout, so many
//   stream-peer delays                            how old the records on stdin are when they come
//
// `records` does what sbe-tap does: it checks and decodes each message, passes on those with a newer
// id, and writes what one read brought at once, stamped with the time of the read. What it lacks: other
// kinds and connections, fragments, pings, cuts, snapshots, gap records, figures.
//
//   gcc -O2 -o stream-peer stream.c -lssl -lcrypto
//
// `delays` prints two lines of "COUNT P50 P99 P99.9" in microseconds: since the venue sent the
// message (event time), and since its bytes were read from the socket (ingest time).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "delays.h"

enum { ROOM = 256 << 10 };

static void fail(const char *words) {
    perror(words);
    exit(74);
}

// ---------------------------------------------------------------- recv

static int connected(int port) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (connect(descriptor, (void *)&address, sizeof address)) fail("connect");
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return descriptor;
}

static SSL *secured(int descriptor, const char *authorities) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (SSL_CTX_load_verify_locations(context, authorities, 0) <= 0) exit(78);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, 0);
    SSL_CTX_set_default_read_buffer_len(context, 128 << 10);
    SSL_CTX_set_read_ahead(context, 1);
    SSL *session = SSL_new(context);
    SSL_set_fd(session, descriptor);
    if (SSL_connect(session) <= 0) exit(76);
    return session;
}

// ---------------------------------------------------------------- records

enum { RECORD = 118, OUT = 512 << 10 };
static uint8_t *out;
static size_t filled;
static int64_t newest = -1;

static void write_out(void) {
    for (size_t done = 0; done < filled;) {
        ssize_t count = write(1, out + done, filled - done);
        if (count < 0) fail("write");
        done += count;
    }
    filled = 0;
}

// Appends the record of a bestBidAsk message; 0 for any other.
static int add_record(const uint8_t *message, size_t length, int64_t ingest) {
    uint16_t header[4];
    if (length < 8) return 0;
    memcpy(header, message, 8);
    if (header[1] != 10001 || header[2] != 1 || header[0] < 50) return 0;
    size_t symbol = 8 + header[0];
    if (length <= symbol || length - symbol - 1 < message[symbol]) exit(65);
    size_t letters = message[symbol];
    if (!letters || letters > 32 || memchr(message + symbol + 1, 0, letters)) exit(65);
    int64_t id;
    memcpy(&id, message + 16, 8);
    if (id <= newest) return 0;
    newest = id;
    static const uint8_t start[14] = {0, 0, 0, RECORD, 0xEB, 0x50, RECORD - 14, 0, 4, 0, 0x62, 0x22, 1, 0};
    uint8_t *to = out + filled;
    memcpy(to, start, 14);
    memcpy(to + 14, message + 8, 8);  // Event time.
    memcpy(to + 22, &ingest, 8);
    memcpy(to + 30, &id, 8);
    memcpy(to + 38, &id, 8);
    memset(to + 46, 0, 40);
    memcpy(to + 46, message + symbol + 1, letters);
    to[80] = 1, to[81] = 1;                      // Binance Spot, SBE.
    memcpy(to + 82, message + 24, 2);            // Exponents.
    memcpy(to + 86, message + 26, 32);           // Prices and quantities.
    filled += RECORD;
    return 1;
}

// ---------------------------------------------------------------- both

// With `limit` records are written, so many; without one ids are added up until the close.
static void receive(int port, const char *target, const char *authorities, uint64_t limit) {
    if (limit) out = malloc(OUT);
    int descriptor = connected(port);
    SSL *session = authorities ? secured(descriptor, authorities) : 0;
    static uint8_t bytes[ROOM];
    int length = snprintf((char *)bytes, ROOM,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Version: 13\r\nX-MBX-APIKEY: any\r\n\r\n", target);
    if ((session ? SSL_write(session, bytes, length) : write(descriptor, bytes, length)) != length)
        fail("send");
    size_t used = 0, start = 0;
    uint64_t messages = 0, sum = 0;
    int isOpen = 0;
    for (;;) {
        memmove(bytes, bytes + start, used -= start);
        start = 0;
        ssize_t got = session ? SSL_read(session, bytes + used, ROOM - used)
                              : read(descriptor, bytes + used, ROOM - used);
        if (got <= 0) break;
        used += got;
        int64_t ingest = limit ? nanoseconds_now() : 0;
        if (!isOpen) {
            uint8_t *end = memmem(bytes, used, "\r\n\r\n", 4);
            if (!end) continue;
            if (memcmp(bytes, "HTTP/1.1 101", 12)) exit(76);
            start = end + 4 - bytes;
            isOpen = 1;
        }
        while (used - start >= 2) {
            size_t header = 2, payload = bytes[start + 1];
            if (payload == 126) {
                if (used - start < 4) break;
                header = 4, payload = bytes[start + 2] << 8 | bytes[start + 3];
            } else if (payload == 127) {
                return;
            }
            if (used - start < header + payload) break;
            const uint8_t *message = bytes + start + header;
            int opcode = bytes[start] & 15;
            start += header + payload;
            if (limit && opcode == 2) {
                messages += add_record(message, payload, ingest);
                if (messages == limit) return write_out();
                if (filled > OUT - RECORD) write_out();
                continue;
            }
            if (opcode == 8) {
                if (limit) return write_out();
                printf("%llu messages, %llu\n", (unsigned long long)messages, (unsigned long long)sum);
                return;
            }
            if (opcode != 2 || payload < 24) continue;
            int64_t id;
            memcpy(&id, message + 16, 8);  // bookUpdateId of a bestBidAsk
            sum += (uint64_t)id;
            messages++;
        }
        // What is decrypted already is taken along.
        if (filled && !(session && SSL_pending(session) && filled < OUT / 2)) write_out();
    }
    if (limit) exit(76);
    printf("%llu messages, cut\n", (unsigned long long)messages);
}

// ---------------------------------------------------------------- delays

static void delays(void) {
    static uint8_t bytes[1 << 20];
    static Delays sinceSent, sinceRead;
    size_t used = 0;
    ssize_t got;
    while ((got = read(0, bytes + used, sizeof bytes - used)) > 0) {
        int64_t now = nanoseconds_now();
        used += got;
        size_t start = 0;
        while (used - start >= 30) {
            uint32_t length;
            memcpy(&length, bytes + start, 4);
            length = __builtin_bswap32(length);
            if (length < 78 || length > sizeof bytes) exit(65);
            if (used - start < length) break;
            int64_t eventTime, ingestTime;
            memcpy(&eventTime, bytes + start + 14, 8);
            memcpy(&ingestTime, bytes + start + 22, 8);
            note_delay(&sinceSent, now - eventTime * 1000);
            note_delay(&sinceRead, now - ingestTime);
            start += length;
        }
        memmove(bytes, bytes + start, used -= start);
    }
    char text[128];
    print_delays(&sinceSent, text, sizeof text);
    puts(text);
    print_delays(&sinceRead, text, sizeof text);
    puts(text);
}

int main(int count, char **words) {
    if (count >= 4 && !strcmp(words[1], "recv"))
        receive(atoi(words[2]), words[3], count > 4 ? words[4] : 0, 0);
    else if (count >= 5 && !strcmp(words[1], "records"))
        receive(atoi(words[2]), words[3], count > 5 ? words[5] : 0, strtoull(words[4], 0, 10));
    else if (count == 2 && !strcmp(words[1], "delays"))
        delays();
    else
        return fprintf(stderr, "usage: stream-peer recv | records | delays\n"), 64;
    return 0;
}
