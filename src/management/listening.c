#include "management/listening.h"
#include <calzone/log.h>
#include "runtime/generation.h"
#include <stdio.h>

/* ---- addresses ---- */

/* As it is: "127.0.0.1:8000", "unix:/run/shop.sock", "fd:3". */
static cz_status add_one(const struct cz__site *site, cz_str text, bool tls,
                         struct cz__listening *out, cz_error *err)
{
    struct cz__address address;
    cz_str kept;
    if (out->count == CZ__LISTEN_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "BIND has more than %d addresses", CZ__LISTEN_MAX);
    if (cz_str_dup(site->arena, text, &kept))
        return cz_error_set(err, CZ_ENOMEM, "no memory for BIND");
    out->tls[out->count] = tls;
    out->addresses[out->count++] = kept.ptr;
    return cz_str_starts_with(kept, CZ_STR("fd:")) ? CZ_OK
                                                   : cz__address_parse(kept.ptr, &address, err);
}

/* "systemd": all sockets of a service manager; "systemd:NAME": those of that name, of which a .socket unit may have several. */
static cz_status add_activated(const struct cz__site *site, cz_str name, bool tls,
                               struct cz__listening *out, cz_error *err)
{
    char text[CZ__DESCRIPTOR_NAME];
    size_t cursor = 0, before = out->count;
    cz_status status = CZ_OK;
    while (!status && cz__generation_next_activated(&cursor, name, text))
        status = add_one(site, cz_str_from(text), tls, out, err);
    if (status || out->count > before)
        return status;
    return cz_error_set(err, CZ_EVALIDATION,
                        "BIND names systemd%s%.*s, and no service manager has passed such a socket "
                        "(LISTEN_FDS, LISTEN_FDNAMES); a .socket unit does",
                        name.len ? ":" : "", CZ_STR_ARG(name));
}

static cz_status add_address(const struct cz__site *site, cz_str text, struct cz__listening *out,
                             cz_error *err)
{
    bool tls = cz_str_starts_with(text, CZ_STR("https://"));
    if (tls || cz_str_starts_with(text, CZ_STR("http://")))
        text = cz_str_tail(text, cz_str_find(text, CZ_STR("//")) + 2);
    if (cz_str_eq(text, CZ_STR("systemd")))
        return add_activated(site, cz_str_of(NULL, 0), tls, out, err);
    if (cz_str_starts_with(text, CZ_STR("systemd:")) && text.len > strlen("systemd:"))
        return add_activated(site, cz_str_tail(text, strlen("systemd:")), tls, out, err);
    return add_one(site, text, tls, out, err);
}

/* Clients of a socket that nobody serves would wait for ever. */
static void warn_of_unserved(const struct cz__listening *listening)
{
    char text[CZ__DESCRIPTOR_NAME];
    for (size_t cursor = 0; cz__generation_next_activated(&cursor, cz_str_of(NULL, 0), text);) {
        bool served = false;
        for (size_t i = 0; i < listening->count; i++)
            served |= strcmp(listening->addresses[i], text) == 0;
        if (!served)
            cz_log_warning(NULL, "calzone.http",
                           "a socket of the service manager is not served: BIND does not name it",
                           CZ_FIELD_STR("socket", cz_str_from(text)));
    }
}

static cz_status read_addresses(const struct cz__site *site, cz_str bind, struct cz__listening *out,
                                cz_error *err)
{
    cz_status status = CZ_OK;
    while (bind.len && !status) {
        cz_str text = cz_str_trim(cz_str_cut(&bind, ','));
        if (text.len)
            status = add_address(site, text, out, err);
    }
    if (!status && !out->count)
        return cz_error_set(err, CZ_EVALIDATION, "BIND names no address");
    if (!status)
        warn_of_unserved(out);
    return status;
}

/* ---- certificates ---- */

/* The files of a setting, each with a NUL behind. */
static cz_status read_files(const struct cz__site *site, const char *setting,
                            const char *const **out, size_t *out_count, cz_error *err)
{
    cz_str_list names = cz_setting_list(site->settings, setting);
    const char **files = cz_arena_alloc(site->arena, (names.count + 1) * sizeof *files);
    if (!files)
        return cz_error_set(err, CZ_ENOMEM, "no memory for %s", setting);
    for (size_t i = 0; i < names.count; i++) {
        cz_str file;
        if (cz_str_dup(site->arena, names.items[i], &file))
            return cz_error_set(err, CZ_ENOMEM, "no memory for %s", setting);
        files[i] = file.ptr;
    }
    *out = files;
    *out_count = names.count;
    return CZ_OK;
}

/* The process that reads the keys; without it each worker does. */
static cz_status start_key_process(const struct cz__site *site,
                                   const struct cz__listening_options *options,
                                   struct cz__tls_options *certificates, cz_error *err)
{
    if (!cz_setting_bool(site->settings, "TLS_KEY_PROCESS"))
        return CZ_OK;
    const struct cz__tls_keys_options keys = {
        .certificates = certificates->certificates,
        .keys = certificates->keys,
        .count = certificates->count,
        .workers = options->workers,
        .shut_in = options->shut_in,
        .linger_ms = (uint64_t)cz_setting_int(site->settings, "DRAIN_TIMEOUT"),
    };
    return cz__tls_keys_start(&keys, &certificates->process, err);
}

/* That they can be used is known before the first worker starts. */
static cz_status try_certificates(const struct cz__tls_options *certificates, cz_error *err)
{
    cz__tls_server *tls;
    cz_status status = cz__tls_server_create(certificates, &tls, err);
    if (status)
        return status;
    size_t expired = cz__tls_server_expired(tls);
    if (expired)
        cz_log_warning(NULL, "calzone.http", "certificates of TLS_CERTIFICATES are over",
                       CZ_FIELD_INT("count", (int64_t)expired));
    cz__tls_server_release(tls);
    return CZ_OK;
}

static cz_status read_certificates(const struct cz__site *site, struct cz__listening *out,
                                   cz_error *err)
{
    struct cz__tls_options *options = &out->certificates;
    size_t keys = 0;
    cz_status status =
        read_files(site, "TLS_CERTIFICATES", &options->certificates, &options->count, err);
    if (!status)
        status = read_files(site, "TLS_KEYS", &options->keys, &keys, err);
    if (status || !options->count)
        return status;
    if (!keys) /* a file may have both */
        options->keys = options->certificates;
    else if (keys != options->count)
        return cz_error_set(err, CZ_EVALIDATION,
                            "TLS_CERTIFICATES names %zu files and TLS_KEYS %zu: want one key for "
                            "each certificate, in the same order, or none when the files have both",
                            options->count, keys);
    cz_str ca = cz_setting_str(site->settings, "TLS_CLIENT_CA");
    options->client_ca = ca.len ? ca.ptr : NULL;
    options->client_required = cz_setting_bool(site->settings, "TLS_CLIENT_REQUIRED");
    if (options->client_required && !ca.len)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "TLS_CLIENT_REQUIRED needs TLS_CLIENT_CA, which says whose certificates "
            "clients may show");
    options->http2 = cz_setting_bool(site->settings, "HTTP2") && cz__h2_is_there();
    return CZ_OK;
}

/* Of a socket that was passed it is not known. */
static bool by_tcp(const struct cz__listening *listening)
{
    for (size_t i = 0; i < listening->count; i++) {
        cz_str address = cz_str_from(listening->addresses[i]);
        if (!cz_str_starts_with(address, CZ_STR("unix:")) &&
            !cz_str_starts_with(address, CZ_STR("fd:")) &&
            !cz_str_starts_with(address, CZ_STR("systemd")))
            return true;
    }
    return false;
}

cz_status cz__listening_read(const struct cz__site *site,
                             const struct cz__listening_options *options, struct cz__listening *out,
                             cz_error *err)
{
    bool wants_tls = false;
    *out = (struct cz__listening){ 0 };
    cz_status status = read_addresses(site, options->bind, out, err);
    if (!status && by_tcp(out) && cz_setting_bool(site->settings, "PROXY_PROTOCOL") &&
        !cz_setting_list(site->settings, "TRUSTED_PROXIES").count)
        return cz_error_set(err, CZ_EVALIDATION,
                            "PROXY_PROTOCOL needs TRUSTED_PROXIES: nobody else may connect by TCP");
    if (!status)
        status = read_certificates(site, out, err);
    for (size_t i = 0; i < out->count; i++)
        wants_tls |= out->tls[i];
    if (status || !wants_tls)
        return status;
    if (!out->certificates.count)
        return cz_error_set(err, CZ_EVALIDATION,
                            "BIND has an https:// address and TLS_CERTIFICATES names no "
                            "certificate; `calzone cert` makes one for development");
    status = start_key_process(site, options, &out->certificates, err);
    if (!status)
        status = try_certificates(&out->certificates, err);
    if (status)
        cz__listening_done(out);
    return status;
}

void cz__listening_done(struct cz__listening *listening)
{
    cz__tls_keys_destroy(listening->certificates.process);
    listening->certificates.process = NULL;
}

void cz__listening_url(const struct cz__listening *listening, size_t index, const char *address,
                       char *out, size_t bytes)
{
    bool local = strncmp(address, "unix:", strlen("unix:")) == 0;
    const char *scheme = local ? "" : listening->tls[index] ? "https://" : "http://";
    cz_ignore(snprintf(out, bytes, "%s%s%s", scheme, address, local ? "" : "/")); /* may be cut */
}
