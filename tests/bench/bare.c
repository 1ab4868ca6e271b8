/* SPDX-License-Identifier: MIT */
/* An HTTP server that parses each body as JSON and says so: what libmicrohttpd and cJSON
 * take by themselves.  Two threads, as alertpost has for HTTP.
 *
 *   bare PORT        ends when standard input is closed */
#include <cjson/cJSON.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *bytes;
    size_t length;
} Body;

static enum MHD_Result answer(struct MHD_Connection *connection, const Body *body)
{
    static char yes[] = "{\"results\":[{\"receiver\":\"mail\",\"result\":\"suppressed\"}]}\n";
    cJSON *json = cJSON_ParseWithLength(body->bytes, body->length);
    unsigned code = json != NULL ? 200 : 400;
    cJSON_Delete(json);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(yes), yes, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result queued = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result on_request(void *who, struct MHD_Connection *connection,
                                  const char *path, const char *method,
                                  const char *version, const char *data, size_t *length,
                                  void **request)
{
    (void)who, (void)path, (void)method, (void)version;
    Body *body = *request;
    if (body == NULL) {
        *request = calloc(1, sizeof *body);
        return MHD_YES;
    }
    if (*length == 0) {
        return answer(connection, body);
    }
    body->bytes = realloc(body->bytes, body->length + *length);
    memcpy(body->bytes + body->length, data, *length);
    body->length += *length;
    *length = 0;
    return MHD_YES;
}

static void on_completed(void *who, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode code)
{
    (void)who, (void)connection, (void)code;
    Body *body = *request;
    if (body != NULL) {
        free(body->bytes);
        free(body);
    }
}

int main(int argc, char **argv)
{
    struct MHD_Daemon *daemon =
        argc != 2 ? NULL
                  : MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD,
                                     (uint16_t)atoi(argv[1]), NULL, NULL, on_request, NULL,
                                     MHD_OPTION_THREAD_POOL_SIZE, 2U,
                                     MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
                                     MHD_OPTION_END);
    if (daemon == NULL) {
        fputs("usage: bare PORT\n", stderr);
        return 2;
    }
    while (getchar() != EOF) {
    }
    MHD_stop_daemon(daemon);
    return 0;
}
