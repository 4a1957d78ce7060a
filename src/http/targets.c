#include "http/targets.h"

cz_str cz__target_on_host(cz_str target)
{
    size_t scheme = cz_str_find(target, CZ_STR("://"));
    if (scheme == SIZE_MAX || cz_str_find_char(cz_str_head(target, scheme), '/') != SIZE_MAX)
        return target;
    cz_str rest = cz_str_tail(target, scheme + 3);
    size_t slash = cz_str_find_char(rest, '/'), question = cz_str_find_char(rest, '?');
    if (slash == SIZE_MAX || slash > question)
        return CZ_STR("/");
    return cz_str_tail(rest, slash);
}

cz_str cz__target_path(cz_str target)
{
    target = cz__target_on_host(target);
    size_t question = cz_str_find_char(target, '?');
    return question == SIZE_MAX ? target : cz_str_head(target, question);
}

cz_str cz__host_name(cz_str host)
{
    if (host.len && host.ptr[0] == '[') {
        size_t close = cz_str_find_char(host, ']');
        return close == SIZE_MAX ? host : cz_str_head(host, close + 1);
    }
    size_t colon = cz_str_find_char(host, ':');
    return colon == SIZE_MAX ? host : cz_str_head(host, colon);
}
