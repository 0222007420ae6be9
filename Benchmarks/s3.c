// What C reaches when it uploads standard input to S3 in parts: the anchor of the S3 rows of
// `make bench`, and the sink that all of them send to.
//
//   s3-peer sink SECONDS [CERTIFICATE KEY]    answers on a free port of 127.0.0.1, which it prints;
//                                             with a certificate over TLS
//   s3-peer slow SECONDS MS                   the same, but each answer takes MS milliseconds
//   s3-peer put URL PART-MIB AT-ONCE [FILE]   uploads standard input to URL/bucket/key by libcurl
//
//   gcc -O2 -o s3-peer s3.c -lcurl -lcrypto -lssl -lpthread
//
// Each part is signed with its SHA-256 (SigV4), as s3-put does over plain HTTP; over TLS it is not
// hashed there either. With FILE nothing is lost in a crash: each part is in that file, checksummed
// and synced, before it is sent, and the file goes when the service has all. The sink keeps nothing and
// checks nothing: it counts bodies and gives the answers that the clients wait for.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
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

static void fail(const char *words) {
    perror(words);
    exit(74);
}

// ---------------------------------------------------------------- signatures

static uint8_t key[32];
static char stamp[20], day[9], host[64];
static int is_secure; // Over TLS the content is not hashed.

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
    hmac(key, 32, "s3", 2, key);
    hmac(key, 32, "aws4_request", 12, key);
}

static void hex(const uint8_t *digest, char *text) {
    for (int i = 0; i < 32; i++) sprintf(text + 2 * i, "%02x", digest[i]);
}

static void hash(const void *bytes, size_t count, char *text) {
    uint8_t digest[32];
    EVP_Digest(bytes, count, digest, 0, EVP_sha256(), 0);
    hex(digest, text);
}

// The headers of a signed request.
static struct curl_slist *sign(const char *method, const char *query, const char *body, size_t count) {
    char content[65], text[1024], digest[65], line[512];
    uint8_t signature[32];
    if (is_secure) strcpy(content, "UNSIGNED-PAYLOAD");
    else hash(body, count, content);
    int length = sprintf(text, "%s\n/bucket/key\n%s\nhost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\n"
                         "host;x-amz-content-sha256;x-amz-date\n%s", method, query, host, content, stamp, content);
    hash(text, length, digest);
    length = sprintf(text, "AWS4-HMAC-SHA256\n%s\n%s/us-east-1/s3/aws4_request\n%s", stamp, day, digest);
    hmac(key, 32, text, length, signature);
    hex(signature, digest);
    sprintf(line, "x-amz-content-sha256: %s", content);
    struct curl_slist *headers = curl_slist_append(0, line);
    sprintf(line, "x-amz-date: %s", stamp);
    headers = curl_slist_append(headers, line);
    sprintf(line, "Authorization: AWS4-HMAC-SHA256 Credential=AKID/%s/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=%s", day, digest);
    headers = curl_slist_append(headers, line);
    return curl_slist_append(headers, "Expect:");
}

// ---------------------------------------------------------------- uploading

typedef struct {
    CURL *easy;
    char *bytes;
    size_t count, sent;
    struct curl_slist *headers; // Set while it is under way.
} Part;

static size_t give(char *to, size_t size, size_t count, void *context) {
    Part *part = context;
    size_t room = size * count, left = part->count - part->sent;
    if (left > room) left = room;
    memcpy(to, part->bytes + part->sent, left);
    part->sent += left;
    return left;
}

static size_t ignore(char *bytes, size_t size, size_t count, void *context) {
    (void)bytes, (void)context;
    return size * count;
}

static CURL *new_easy(void) {
    CURL *easy = curl_easy_init();
    if (getenv("AWS_CA_BUNDLE")) curl_easy_setopt(easy, CURLOPT_CAINFO, getenv("AWS_CA_BUNDLE"));
    return easy;
}

static void post(const char *url, const char *query, const char *body) {
    char place[256];
    CURL *easy = new_easy();
    sprintf(place, "%s/bucket/key?%s", url, query);
    curl_easy_setopt(easy, CURLOPT_URL, place);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, sign("POST", query, body, strlen(body)));
    long status = 0;
    if (curl_easy_perform(easy)) exit(69);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) exit(69);
    curl_easy_cleanup(easy);
}

static void begin(CURLM *multi, Part *part, const char *url, int number) {
    char query[64], place[256];
    sprintf(query, "partNumber=%d&uploadId=1", number);
    sprintf(place, "%s/bucket/key?%s", url, query);
    part->sent = 0;
    part->headers = sign("PUT", query, part->bytes, part->count);
    curl_easy_setopt(part->easy, CURLOPT_URL, place);
    curl_easy_setopt(part->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(part->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)part->count);
    curl_easy_setopt(part->easy, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(part->easy, CURLOPT_READDATA, part);
    curl_easy_setopt(part->easy, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(part->easy, CURLOPT_UPLOAD_BUFFERSIZE, 1L << 20);
    curl_easy_setopt(part->easy, CURLOPT_HTTPHEADER, part->headers);
    curl_easy_setopt(part->easy, CURLOPT_PRIVATE, (char *)part);
    curl_multi_add_handle(multi, part->easy);
}

static size_t fill(Part *part, size_t room) {
    part->count = 0;
    while (part->count < room) {
        ssize_t got = read(0, part->bytes + part->count, room - part->count);
        if (got < 0) fail("read");
        if (got == 0) break;
        part->count += got;
    }
    return part->count;
}

// Makes a part durable: its length and checksum, and its bytes.
static void keep(int file, const Part *part) {
    uint64_t head[2] = {part->count, 0}, sum = ~0ull;
    for (size_t at = 0; at + 8 <= part->count; at += 8)
        sum = __builtin_ia32_crc32di(sum, *(const uint64_t *)(part->bytes + at));
    head[1] = sum;
    if (write(file, head, sizeof head) != sizeof head) fail("write");
    for (size_t at = 0; at < part->count;) {
        ssize_t written = write(file, part->bytes + at, part->count - at);
        if (written < 0) fail("write");
        at += written;
    }
    if (fdatasync(file)) fail("sync");
}

static void upload(const char *url, size_t room, int at_once, const char *path) {
    is_secure = !strncmp(url, "https", 5);
    int file = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    if (path && file < 0) fail(path);
    sscanf(strstr(url, "//") + 2, "%63[^/]", host);
    curl_global_init(CURL_GLOBAL_ALL);
    CURLM *multi = curl_multi_init();
    Part parts[16] = {0};
    for (int i = 0; i < at_once; i++) {
        parts[i].easy = new_easy();
        parts[i].bytes = malloc(room);
    }
    post(url, "uploads=", "");
    int number = 0, active = 0, ended = 0;
    size_t total = 0;
    while (active || !ended) {
        for (int i = 0; i < at_once && !ended; i++) {
            if (parts[i].headers) continue;
            if (!fill(&parts[i], room)) { ended = 1; break; }
            total += parts[i].count;
            if (path) keep(file, &parts[i]);
            begin(multi, &parts[i], url, ++number);
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
            Part *part = (Part *)place;
            curl_multi_remove_handle(multi, part->easy);
            curl_slist_free_all(part->headers);
            part->headers = 0;
            active--;
        }
        if (active) curl_multi_poll(multi, 0, 0, 100, 0);
    }
    post(url, "uploadId=1", "<CompleteMultipartUpload/>");
    if (path) unlink(path);
    printf("%zu bytes\n", total);
}

// ---------------------------------------------------------------- the sink

static const char *body_of(const char *head) {
    if (strstr(head, "?uploads") || strstr(head, "&uploads"))
        return !strncmp(head, "GET", 3)
                   ? "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"
                   : "<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>key</Key><UploadId>1</UploadId>"
                     "</InitiateMultipartUploadResult>";
    if (!strncmp(head, "POST", 4))
        return "<CompleteMultipartUploadResult><Location>x</Location><Bucket>bucket</Bucket><Key>key</Key>"
               "<ETag>\"1-1\"</ETag></CompleteMultipartUploadResult>";
    return "";
}

static SSL_CTX *tls;
static int pause_ms;

typedef struct {
    int descriptor;
    SSL *session;
} Peer;

static ssize_t receive(Peer *peer, void *to, size_t count) {
    return peer->session ? SSL_read(peer->session, to, count) : read(peer->descriptor, to, count);
}

static ssize_t answer(Peer *peer, const void *from, size_t count) {
    return peer->session ? SSL_write(peer->session, from, count) : write(peer->descriptor, from, count);
}

static void *serve(void *context) {
    Peer peer = {(int)(intptr_t)context, 0};
    if (tls) {
        peer.session = SSL_new(tls);
        SSL_set_fd(peer.session, peer.descriptor);
        if (SSL_accept(peer.session) <= 0) return 0;
    }
    size_t room = 1 << 20, used = 0;
    char *bytes = malloc(room + 1), text[1024];
    for (;;) {
        char *end;
        ssize_t got;
        while (!(end = memmem(bytes, used, "\r\n\r\n", 4))) {
            if (used == room || (got = receive(&peer, bytes + used, room - used)) <= 0) goto done;
            used += got;
        }
        end += 4;
        *(end - 1) = 0;
        const char *field = strcasestr(bytes, "content-length:"), *body = body_of(bytes);
        size_t left = field ? strtoull(field + 15, 0, 10) : 0, here = used - (end - bytes);
        if (strcasestr(bytes, "100-continue")
            && answer(&peer, "HTTP/1.1 100 Continue\r\n\r\n", 25) != 25) goto done;
        if (here >= left) {
            used = here - left;
            memmove(bytes, end + left, used);
        } else {
            for (left -= here, used = 0; left; left -= got)
                if ((got = receive(&peer, bytes, left < room ? left : room)) <= 0) goto done;
        }
        // Nothing is there yet, whoever looks before an upload.
        const char *status = strncmp(bytes, "HEAD", 4) ? "200 OK" : "404 Not Found";
        int count = sprintf(text, "HTTP/1.1 %s\r\nx-amz-request-id: 1\r\nETag: \"00000000000000000000000000000001\"\r\n"
                            "Content-Type: application/xml\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body), body);
        if (pause_ms) usleep(pause_ms * 1000);
        if (answer(&peer, text, count) != count) goto done;
    }
done:
    if (peer.session) SSL_free(peer.session);
    close(peer.descriptor);
    free(bytes);
    return 0;
}

static void sink(int seconds, const char *certificate, const char *secret) {
    signal(SIGPIPE, SIG_IGN);
    if (certificate) {
        tls = SSL_CTX_new(TLS_server_method());
        if (SSL_CTX_use_certificate_chain_file(tls, certificate) <= 0
            || SSL_CTX_use_PrivateKey_file(tls, secret, SSL_FILETYPE_PEM) <= 0) exit(78);
    }
    alarm(seconds);
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    if (bind(listener, (void *)&address, size) || listen(listener, 64)) fail("listen");
    getsockname(listener, (void *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int peer = accept(listener, 0, 0);
        if (peer < 0) continue;
        setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        pthread_t thread;
        if (pthread_create(&thread, 0, serve, (void *)(intptr_t)peer)) fail("thread");
        pthread_detach(thread);
    }
}

int main(int count, char **words) {
    if (count == 3 && !strcmp(words[1], "sink")) sink(atoi(words[2]), 0, 0);
    if (count == 5 && !strcmp(words[1], "sink")) sink(atoi(words[2]), words[3], words[4]);
    if (count == 4 && !strcmp(words[1], "slow")) {
        pause_ms = atoi(words[3]);
        sink(atoi(words[2]), 0, 0);
    }
    int at_once = count >= 5 ? atoi(words[4]) : 0;
    if (count < 5 || count > 6 || strcmp(words[1], "put") || at_once < 1 || at_once > 16)
        return fprintf(stderr, "usage: s3-peer sink SECONDS [CERTIFICATE KEY] | slow SECONDS MS"
                               " | put URL PART-MIB AT-ONCE [FILE]\n"), 64;
    make_key();
    upload(words[2], (size_t)atoi(words[3]) << 20, at_once, count == 6 ? words[5] : 0);
}
