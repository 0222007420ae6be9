#ifndef COpenSSL_SHIM_H
#define COpenSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Macros over SSL_CTX_ctrl and BIO_int_ctrl, which Swift does not see.

static inline void copenssl_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

static inline void copenssl_set_minimum_version(SSL_CTX *context, int version) {
    SSL_CTX_set_min_proto_version(context, version);
}

static inline void copenssl_set_server_name(SSL *session, const char *name) {
    SSL_set_tlsext_host_name(session, name);
}

static inline void copenssl_forbid_renegotiation(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
}

static inline void copenssl_set_read_buffer_size(BIO *buffer, int size) {
    BIO_int_ctrl(buffer, BIO_C_SET_BUFF_SIZE, size, 0);
}

#endif
