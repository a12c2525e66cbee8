// What both HTTP clients share of libcurl: owned handles, header lines in and out, and words for what went wrong. Stateless, any
// thread. Included by net's HTTP files only. It sets no option that a caller could want otherwise.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <string_view>

#include "net/http_client.h"

namespace postrider::net {

template <auto Free>
struct CurlFreer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using CurlHandle = std::unique_ptr<CURL, CurlFreer<curl_easy_cleanup>>;
using CurlLines = std::unique_ptr<curl_slist, CurlFreer<curl_slist_free_all>>;

// An answer as it comes in, bounded.
struct CurlAnswer {
  HttpResponse response;
  std::size_t max_octets = 0;  // of the body, and once more of the header
  std::size_t header_octets = 0;
  bool too_large = false;
};

bool curl_ready();  // libcurl's own start, once a process

// Sets what every request of ours has in common: http and https only, no redirect, no proxy, no signal, certificates verified;
// `answer` takes what comes. `lines`, `answer` and the strings of the call must live as long as the handle.
void set_common_options(CURL* curl, const std::string& url, const std::string& ca_file, curl_slist* lines,
                        CurlAnswer& answer);

// Takes one line of the header; false: more than an answer may have.
bool take_header_line(std::string_view line, CurlAnswer& answer);

bool has_line_break(std::string_view text);
// Adds `headers` to `lines`. Faults: a line break in one of them.
result<CurlLines> header_lines(const HttpHeaders& headers, CurlLines lines);

// "127.0.0.1:8025", as far as the URL can be read; nothing else of it, so that it may be shown.
struct HostAndPort {
  std::string host, port;
  std::string text() const { return host + ":" + port; }
};
HostAndPort host_and_port(const std::string& url);

// "nothing listens on 127.0.0.1:8025", or why else the connection could not be made.
std::string no_connection(CURL* curl, const std::string& where, const std::string& why);

}  // namespace postrider::net
