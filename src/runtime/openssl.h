/* runtime/openssl.h: what is called of OpenSSL 3's libssl and libcrypto for TLS.
 *
 * Declared here, as OpenSSL's manual has it: its headers use names that the library's own code may not. Loaded when it is first
 * needed, so a program without TLS starts without it. */
#ifndef CZ_RUNTIME_OPENSSL_H
#define CZ_RUNTIME_OPENSSL_H

#include <calzone/status.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_method_st SSL_METHOD;
typedef struct bio_st BIO;
typedef struct bio_method_st BIO_METHOD;
typedef struct x509_st X509;
typedef struct X509_VERIFY_PARAM_st X509_VERIFY_PARAM;
typedef struct evp_cipher_st EVP_CIPHER;
typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
typedef struct evp_mac_ctx_st EVP_MAC_CTX;
typedef struct engine_st ENGINE;
typedef struct X509_name_st X509_NAME;
typedef struct asn1_string_st ASN1_TIME;
typedef struct stack_st_X509_NAME STACK_OF_X509_NAME;

typedef struct stack_st_X509 STACK_OF_X509;
typedef struct stack_st OPENSSL_STACK;
typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;
typedef struct evp_md_ctx_st EVP_MD_CTX;
typedef struct ossl_lib_ctx_st OSSL_LIB_CTX;
typedef struct ossl_provider_st OSSL_PROVIDER;
typedef struct ossl_core_handle_st OSSL_CORE_HANDLE;

typedef struct ossl_dispatch_st {
    int function_id;
    void (*function)(void);
} OSSL_DISPATCH;

typedef struct ossl_algorithm_st {
    const char *algorithm_names, *property_definition;
    const OSSL_DISPATCH *implementation;
    const char *algorithm_description;
} OSSL_ALGORITHM;

typedef struct ossl_param_st {
    const char *key;
    unsigned data_type;
    void *data;
    size_t data_size, return_size;
} OSSL_PARAM;

enum {
    SSL_FILETYPE_PEM = 1,
    SSL_VERIFY_PEER = 1,
    SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2,
    SSL_ERROR_WANT_READ = 2,
    SSL_ERROR_WANT_WRITE = 3,
    SSL_ERROR_ZERO_RETURN = 6,
    SSL_CTRL_MODE = 33,
    SSL_CTRL_SET_READ_AHEAD = 41,
    SSL_CTRL_SET_SESS_CACHE_MODE = 44,
    SSL_CTRL_SET_TLSEXT_SERVERNAME_CB = 53,
    SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG = 54,
    SSL_CTRL_SET_TLSEXT_HOSTNAME = 55,
    SSL_CTRL_CHAIN_CERT = 89,
    SSL_CTRL_SET_GROUPS_LIST = 92,
    SSL_CTRL_SET_SIGALGS_LIST = 98,
    SSL_CTRL_GET_CHAIN_CERTS = 115,
    SSL_CTRL_SET_MIN_PROTO_VERSION = 123,
    SSL_MODE_ENABLE_PARTIAL_WRITE = 1,
    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 2,
    SSL_MODE_RELEASE_BUFFERS = 16,
    SSL_SESS_CACHE_OFF = 0,
    SSL_TLSEXT_ERR_OK = 0,
    SSL_TLSEXT_ERR_ALERT_FATAL = 2,
    SSL_TLSEXT_ERR_NOACK = 3,
    TLSEXT_NAMETYPE_host_name = 0,
    TLS1_2_VERSION = 0x0303,
    SSL_R_HTTP_REQUEST = 156,
    ERR_REASON_MASK = 0x7fffff,
    XN_FLAG_RFC2253 = 0x1110317,
    RSA_PKCS1_PSS_PADDING = 6,
    RSA_PSS_SALTLEN_DIGEST = -1,
    EVP_PKEY_PUBLIC_KEY = 0x86,
    OSSL_PARAM_INTEGER = 1,
    OSSL_PARAM_UNSIGNED_INTEGER = 2,
    OSSL_PARAM_UTF8_STRING = 4,
    OSSL_PARAM_OCTET_STRING = 5
};
/* What a provider has, and what its parts can (provider(7), provider-keymgmt(7), provider-signature(7)). */
enum {
    OSSL_OP_KEYMGMT = 10,
    OSSL_OP_SIGNATURE = 12,
    OSSL_FUNC_PROVIDER_QUERY_OPERATION = 1027,
    OSSL_FUNC_KEYMGMT_NEW = 1,
    OSSL_FUNC_KEYMGMT_FREE = 10,
    OSSL_FUNC_KEYMGMT_GET_PARAMS = 11,
    OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS = 12,
    OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME = 20,
    OSSL_FUNC_KEYMGMT_HAS = 21,
    OSSL_FUNC_KEYMGMT_MATCH = 23,
    OSSL_FUNC_KEYMGMT_IMPORT = 40,
    OSSL_FUNC_KEYMGMT_IMPORT_TYPES = 41,
    OSSL_FUNC_SIGNATURE_NEWCTX = 1,
    OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT = 8,
    OSSL_FUNC_SIGNATURE_DIGEST_SIGN = 11,
    OSSL_FUNC_SIGNATURE_FREECTX = 16,
    OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS = 20,
    OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS = 21
};
#define ERR_SYSTEM_FLAG 0x80000000ul /* the rest is an errno */
#define SSL_OP_ENABLE_KTLS (UINT64_C(1) << 3)
#define SSL_OP_IGNORE_UNEXPECTED_EOF (UINT64_C(1) << 7)
#define SSL_OP_NO_COMPRESSION (UINT64_C(1) << 17)
#define SSL_OP_PRIORITIZE_CHACHA (UINT64_C(1) << 21)
#define SSL_OP_CIPHER_SERVER_PREFERENCE (UINT64_C(1) << 22)
#define SSL_OP_NO_RENEGOTIATION (UINT64_C(1) << 30)

typedef int (*cz__ssl_alpn_select)(SSL *, const unsigned char **out, unsigned char *out_len,
                                   const unsigned char *in, unsigned in_len, void *arg);
typedef int (*cz__ssl_passphrase)(char *out, int bytes, int writing, void *arg);
typedef int (*cz__ssl_ticket_key)(SSL *, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *,
                                  EVP_MAC_CTX *, int encrypt);

#define CZ__SSL_FUNCTIONS(X)                                                                       \
    X(const SSL_METHOD *, TLS_client_method, (void))                                               \
    X(const SSL_METHOD *, TLS_server_method, (void))                                               \
    X(SSL_CTX *, SSL_CTX_new, (const SSL_METHOD *))                                                \
    X(SSL_CTX *, SSL_CTX_new_ex, (OSSL_LIB_CTX *, const char *properties, const SSL_METHOD *))     \
    X(void, SSL_CTX_free, (SSL_CTX *))                                                             \
    X(long, SSL_CTX_ctrl, (SSL_CTX *, int command, long number, void *pointer))                    \
    X(long, SSL_CTX_callback_ctrl, (SSL_CTX *, int command, void (*callback)(void)))               \
    X(int, SSL_CTX_set_num_tickets, (SSL_CTX *, size_t count))                                     \
    X(uint64_t, SSL_CTX_set_options, (SSL_CTX *, uint64_t options))                                \
    X(int, SSL_CTX_set_cipher_list, (SSL_CTX *, const char *list))                                 \
    X(void, SSL_CTX_set_verify, (SSL_CTX *, int mode, void *callback))                             \
    X(int, SSL_CTX_set_default_verify_paths, (SSL_CTX *))                                          \
    X(int, SSL_CTX_load_verify_file, (SSL_CTX *, const char *file))                                \
    X(int, SSL_CTX_use_certificate_chain_file, (SSL_CTX *, const char *file))                      \
    X(void, SSL_CTX_set_default_passwd_cb, (SSL_CTX *, cz__ssl_passphrase))                        \
    X(void, SSL_CTX_set_default_passwd_cb_userdata, (SSL_CTX *, void *arg))                        \
    X(int, SSL_CTX_use_PrivateKey_file, (SSL_CTX *, const char *file, int type))                   \
    X(int, SSL_CTX_check_private_key, (const SSL_CTX *))                                           \
    X(int, SSL_CTX_use_certificate, (SSL_CTX *, X509 *))                                           \
    X(int, SSL_CTX_use_PrivateKey, (SSL_CTX *, EVP_PKEY *))                                        \
    X(EVP_PKEY *, SSL_CTX_get0_privatekey, (const SSL_CTX *))                                      \
    X(int, SSL_CTX_set_session_id_context, (SSL_CTX *, const unsigned char *, unsigned len))       \
    X(X509 *, SSL_CTX_get0_certificate, (const SSL_CTX *))                                         \
    X(STACK_OF_X509_NAME *, SSL_load_client_CA_file, (const char *file))                           \
    X(void, SSL_CTX_set_client_CA_list, (SSL_CTX *, STACK_OF_X509_NAME *))                         \
    X(void, SSL_CTX_set_alpn_select_cb, (SSL_CTX *, cz__ssl_alpn_select, void *arg))               \
    X(int, SSL_CTX_set_tlsext_ticket_key_evp_cb, (SSL_CTX *, cz__ssl_ticket_key))                  \
    X(SSL *, SSL_new, (SSL_CTX *))                                                                 \
    X(void, SSL_free, (SSL *))                                                                     \
    X(int, SSL_set_fd, (SSL *, int fd))                                                            \
    X(void, SSL_set_bio, (SSL *, BIO * in, BIO * out))                                             \
    X(void, SSL_set_connect_state, (SSL *))                                                        \
    X(void, SSL_set_accept_state, (SSL *))                                                         \
    X(long, SSL_ctrl, (SSL *, int command, long number, void *pointer))                            \
    X(int, SSL_set1_host, (SSL *, const char *name))                                               \
    X(SSL_CTX *, SSL_set_SSL_CTX, (SSL *, SSL_CTX *))                                              \
    X(const char *, SSL_get_servername, (const SSL *, int type))                                   \
    X(void, SSL_get0_alpn_selected, (const SSL *, const unsigned char **, unsigned *len))          \
    X(X509_VERIFY_PARAM *, SSL_get0_param, (SSL *))                                                \
    X(X509 *, SSL_get0_peer_certificate, (const SSL *))                                            \
    X(int, SSL_do_handshake, (SSL *))                                                              \
    X(int, SSL_read, (SSL *, void *out, int len))                                                  \
    X(int, SSL_write, (SSL *, const void *bytes, int len))                                         \
    X(int, SSL_has_pending, (const SSL *))                                                         \
    X(int, SSL_shutdown, (SSL *))                                                                  \
    X(int, SSL_get_error, (const SSL *, int result))                                               \
    X(long, SSL_get_verify_result, (const SSL *))

#define CZ__CRYPTO_FUNCTIONS(X)                                                                    \
    X(BIO *, BIO_new, (const BIO_METHOD *))                                                        \
    X(const BIO_METHOD *, BIO_s_mem, (void))                                                       \
    X(int, BIO_free, (BIO *))                                                                      \
    X(int, BIO_read, (BIO *, void *out, int len))                                                  \
    X(int, BIO_write, (BIO *, const void *bytes, int len))                                         \
    X(size_t, BIO_ctrl_pending, (BIO *))                                                           \
    X(int, X509_VERIFY_PARAM_set1_ip_asc, (X509_VERIFY_PARAM *, const char *address))              \
    X(const char *, X509_verify_cert_error_string, (long))                                         \
    X(int, X509_check_host,                                                                        \
      (X509 *, const char *name, size_t len, unsigned flags, char **peer_name))                    \
    X(X509_NAME *, X509_get_subject_name, (const X509 *))                                          \
    X(int, X509_NAME_print_ex, (BIO *, const X509_NAME *, int indent, unsigned long flags))        \
    X(const ASN1_TIME *, X509_get0_notAfter, (const X509 *))                                       \
    X(int, X509_cmp_current_time, (const ASN1_TIME *))                                             \
    X(X509 *, X509_new_ex, (OSSL_LIB_CTX *, const char *properties))                               \
    X(void, X509_free, (X509 *))                                                                   \
    X(X509 *, d2i_X509, (X509 * *out, const unsigned char **bytes, long len))                      \
    X(int, i2d_X509, (const X509 *, unsigned char **out))                                          \
    X(EVP_PKEY *, X509_get0_pubkey, (const X509 *))                                                \
    X(int, OPENSSL_sk_num, (const OPENSSL_STACK *))                                                \
    X(void *, OPENSSL_sk_value, (const OPENSSL_STACK *, int index))                                \
    X(OSSL_LIB_CTX *, OSSL_LIB_CTX_new, (void))                                                    \
    X(void, OSSL_LIB_CTX_free, (OSSL_LIB_CTX *))                                                   \
    X(int, OSSL_PROVIDER_add_builtin,                                                              \
      (OSSL_LIB_CTX *, const char *name,                                                           \
       int (*begin)(const OSSL_CORE_HANDLE *, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out,  \
                    void **context)))                                                              \
    X(OSSL_PROVIDER *, OSSL_PROVIDER_load, (OSSL_LIB_CTX *, const char *name))                     \
    X(void, OSSL_PARAM_free, (OSSL_PARAM *))                                                       \
    X(int, EVP_set_default_properties, (OSSL_LIB_CTX *, const char *properties))                   \
    X(void, EVP_PKEY_free, (EVP_PKEY *))                                                           \
    X(int, EVP_PKEY_up_ref, (EVP_PKEY *))                                                          \
    X(int, EVP_PKEY_is_a, (const EVP_PKEY *, const char *name))                                    \
    X(int, EVP_PKEY_get_bits, (const EVP_PKEY *))                                                  \
    X(int, EVP_PKEY_get_size, (const EVP_PKEY *))                                                  \
    X(int, EVP_PKEY_get_security_bits, (const EVP_PKEY *))                                         \
    X(int, EVP_PKEY_get_group_name, (const EVP_PKEY *, char *out, size_t bytes, size_t *len))      \
    X(int, EVP_PKEY_todata, (const EVP_PKEY *, int selection, OSSL_PARAM **out))                   \
    X(int, EVP_PKEY_fromdata_init, (EVP_PKEY_CTX *))                                               \
    X(int, EVP_PKEY_fromdata, (EVP_PKEY_CTX *, EVP_PKEY * *out, int selection, OSSL_PARAM *))      \
    X(EVP_PKEY_CTX *, EVP_PKEY_CTX_new_from_name,                                                  \
      (OSSL_LIB_CTX *, const char *name, const char *properties))                                  \
    X(void, EVP_PKEY_CTX_free, (EVP_PKEY_CTX *))                                                   \
    X(int, EVP_PKEY_CTX_set_rsa_padding, (EVP_PKEY_CTX *, int padding))                            \
    X(int, EVP_PKEY_CTX_set_rsa_pss_saltlen, (EVP_PKEY_CTX *, int bytes))                          \
    X(EVP_MD_CTX *, EVP_MD_CTX_new, (void))                                                        \
    X(void, EVP_MD_CTX_free, (EVP_MD_CTX *))                                                       \
    X(int, EVP_DigestSignInit_ex,                                                                  \
      (EVP_MD_CTX *, EVP_PKEY_CTX * *out, const char *digest, OSSL_LIB_CTX *,                      \
       const char *properties, EVP_PKEY *, const OSSL_PARAM *))                                    \
    X(int, EVP_DigestSign,                                                                         \
      (EVP_MD_CTX *, unsigned char *out, size_t *len, const unsigned char *bytes,                  \
       size_t bytes_len))                                                                          \
    X(int, EVP_EncryptInit_ex,                                                                     \
      (EVP_CIPHER_CTX *, const EVP_CIPHER *, ENGINE *, const unsigned char *key,                   \
       const unsigned char *iv))                                                                   \
    X(int, EVP_DecryptInit_ex,                                                                     \
      (EVP_CIPHER_CTX *, const EVP_CIPHER *, ENGINE *, const unsigned char *key,                   \
       const unsigned char *iv))                                                                   \
    X(const EVP_CIPHER *, EVP_aes_256_cbc, (void))                                                 \
    X(int, EVP_MAC_CTX_set_params, (EVP_MAC_CTX *, const OSSL_PARAM *))                            \
    X(unsigned long, ERR_get_error, (void))                                                        \
    X(unsigned long, ERR_peek_error, (void))                                                       \
    X(void, ERR_clear_error, (void))                                                               \
    X(const char *, ERR_reason_error_string, (unsigned long))

extern struct cz__ssl {
#define X(type, name, arguments) type(*name) arguments; /* NOLINT(bugprone-macro-parentheses) */
    CZ__SSL_FUNCTIONS(X)
    CZ__CRYPTO_FUNCTIONS(X)
#undef X
} cz__ssl;

/* Errors: CZ_EUNSUPPORTED: it is not there. */
CZ_NODISCARD cz_status cz__openssl_load(cz_error *err);

#endif
