/* The functions of libnghttp2 that HTTP/2 is made with, found at run time: loaded when the first connection may speak it (decision
 * 0012). */
#ifndef CZ_HTTP_NGHTTP2_H
#define CZ_HTTP_NGHTTP2_H

#include <calzone/status.h>
#include <nghttp2/nghttp2.h>

#define CZ__NGHTTP2_MAP(X)                                                                         \
    X(nghttp2_option_del)                                                                          \
    X(nghttp2_option_new)                                                                          \
    X(nghttp2_option_set_max_outbound_ack)                                                         \
    X(nghttp2_option_set_max_settings)                                                             \
    X(nghttp2_option_set_no_auto_window_update)                                                    \
    X(nghttp2_session_callbacks_del)                                                               \
    X(nghttp2_session_callbacks_new)                                                               \
    X(nghttp2_session_callbacks_set_on_begin_headers_callback)                                     \
    X(nghttp2_session_callbacks_set_on_data_chunk_recv_callback)                                   \
    X(nghttp2_session_callbacks_set_on_frame_recv_callback)                                        \
    X(nghttp2_session_callbacks_set_on_frame_send_callback)                                        \
    X(nghttp2_session_callbacks_set_on_header_callback)                                            \
    X(nghttp2_session_callbacks_set_on_stream_close_callback)                                      \
    X(nghttp2_session_consume_connection)                                                          \
    X(nghttp2_session_consume_stream)                                                              \
    X(nghttp2_session_del)                                                                         \
    X(nghttp2_session_get_last_proc_stream_id)                                                     \
    X(nghttp2_session_get_stream_user_data)                                                        \
    X(nghttp2_session_mem_recv)                                                                    \
    X(nghttp2_session_mem_send)                                                                    \
    X(nghttp2_session_resume_data)                                                                 \
    X(nghttp2_session_server_new2)                                                                 \
    X(nghttp2_session_set_local_window_size)                                                       \
    X(nghttp2_session_set_stream_user_data)                                                        \
    X(nghttp2_session_want_read)                                                                   \
    X(nghttp2_session_want_write)                                                                  \
    X(nghttp2_submit_goaway)                                                                       \
    X(nghttp2_submit_headers)                                                                      \
    X(nghttp2_submit_response)                                                                     \
    X(nghttp2_submit_rst_stream)                                                                   \
    X(nghttp2_submit_settings)                                                                     \
    X(nghttp2_submit_shutdown_notice)

struct cz__nghttp2 {
#define X(name) __typeof__(&name) name;
    CZ__NGHTTP2_MAP(X)
#undef X
};

extern struct cz__nghttp2 cz__nghttp2;

/* Errors: CZ_EUNSUPPORTED: it is not there. */
CZ_NODISCARD cz_status cz__nghttp2_load(cz_error *err);

#endif
