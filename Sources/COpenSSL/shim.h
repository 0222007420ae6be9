#ifndef COpenSSL_SHIM_H
#define COpenSSL_SHIM_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

// Macros over SSL_CTX_ctrl, which Swift does not see.

static inline void copenssl_set_read_ahead(SSL_CTX *context, int value) {
    SSL_CTX_set_read_ahead(context, value);
}

static inline void copenssl_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

static inline void copenssl_clear_mode(SSL_CTX *context, long mode) {
    SSL_CTX_clear_mode(context, mode);
}

#endif
