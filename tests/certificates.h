/* Certificates of a test's own, by the openssl command. */
#ifndef TESTS_CERTIFICATES_H
#define TESTS_CERTIFICATES_H

/* Make in the test's directory NAME.pem and NAME.key, of elliptic curves:
 *
 *     ca        an authority            other-ca  another one
 *     good      of ca, for localhost and 127.0.0.1, as all but:
 *     elsewhere of ca, for example.com
 *     expired   of ca, over since yesterday
 *     foreign   of other-ca
 *
 * Skips the test where openssl is not installed. */
void certificates_make(void);
/* The path of a file there. In the test's arena. */
const char *certificate_file(const char *name);

#endif
