/* SPDX-License-Identifier: MIT */
#include "bridge/intake/http.h"

#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bridge/json.h"

#define RETRY_AFTER_S 5

HttpMethod http_method_parse(const char *text)
{
    static const struct {
        const char *text;
        HttpMethod method;
    } table[] = {{"GET", HTTP_GET},
                 {"HEAD", HTTP_HEAD},
                 {"POST", HTTP_POST},
                 {"PUT", HTTP_PUT},
                 {"DELETE", HTTP_DELETE}};
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        if (strcmp(text, table[i].text) == 0) {
            return table[i].method;
        }
    }
    return HTTP_OTHER;
}

HttpAnswer http_json(unsigned code)
{
    return (HttpAnswer){
        .code = code, .content_type = "application/json", .body = g_string_new(NULL)};
}

HttpAnswer http_error(unsigned code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    HttpAnswer answer = http_json(code);
    g_string_append(answer.body, "{\"error\":");
    json_append_string(answer.body, text);
    g_string_append(answer.body, "}\n");
    return answer;
}

HttpAnswer http_busy(const char *reason)
{
    HttpAnswer answer = http_error(503, "%s", reason);
    answer.retry_after_s = RETRY_AFTER_S;
    return answer;
}

HttpAnswer http_overflow(HttpOverflow overflow, size_t body_max)
{
    return overflow == HTTP_BODY_TOO_LONG
               ? http_error(413, "the body is longer than %zu bytes", body_max)
               : http_busy("too many bytes are being received");
}

HttpAnswer http_text(unsigned code, const char *line)
{
    HttpAnswer answer = {.code = code, .content_type = "text/plain; charset=utf-8"};
    answer.body = g_string_new(line);
    g_string_append_c(answer.body, '\n');
    return answer;
}

void http_turn_away(int take_fd, HttpFarewell farewell)
{
    static const char answer[] =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n"
        "Connection: close\r\nContent-Type: application/json\r\n"
        "Content-Length: 33\r\n\r\n{\"error\":\"too many connections\"}\n";
    if (farewell == HTTP_SAYING_SO &&
        send(take_fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
        char unread[4096]; /* what stays unread would reset the connection, answer and
                              all */
        shutdown(take_fd, SHUT_WR);
        while (recv(take_fd, unread, sizeof unread, MSG_DONTWAIT) > 0) {
        }
    }
    close(take_fd);
}
