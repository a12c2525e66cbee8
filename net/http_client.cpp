#include "net/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace postrider::net {

namespace {

constexpr std::size_t kMaxHeaders = 1000;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Handle = std::unique_ptr<CURL, Freer<curl_easy_cleanup>>;
using Lines = std::unique_ptr<curl_slist, Freer<curl_slist_free_all>>;
using Url = std::unique_ptr<CURLU, Freer<curl_url_cleanup>>;

struct Receiver {
  HttpResponse response;
  bool too_large = false;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::size_t on_body(char* data, std::size_t /*one*/, std::size_t size, void* to) {
  auto& receiver = *static_cast<Receiver*>(to);
  receiver.too_large = receiver.response.body.size() + size > kMaxHttpAnswer;
  if (receiver.too_large) return 0;
  receiver.response.body.append(data, size);
  return size;
}

std::size_t on_header(char* data, std::size_t /*one*/, std::size_t size, void* to) {
  HttpHeaders& headers = static_cast<Receiver*>(to)->response.headers;
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) headers.clear();  // what came before was an interim answer
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || headers.size() >= kMaxHeaders) return size;
  std::string name(line.substr(0, colon));
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  headers.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
  return size;
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos;
}

// "127.0.0.1:8025", as far as the URL can be read.
std::string host_and_port(const std::string& url) {
  const Url parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return url;
  const auto part = [&parsed](CURLUPart which) {
    char* text = nullptr;
    std::string out;
    if (curl_url_get(parsed.get(), which, &text, CURLU_DEFAULT_PORT) == CURLUE_OK) out = text;
    curl_free(text);
    return out;
  };
  return part(CURLUPART_HOST) + ":" + part(CURLUPART_PORT);
}

Fault to_fault(CURL* curl, CURLcode code, const HttpRequest& request, const Receiver& receiver, const char* detail) {
  const std::string where = host_and_port(request.url);
  const std::string why = *detail ? detail : curl_easy_strerror(code);
  long reason = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &reason);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return invalid("not an http or https URL: " + request.url);
    case CURLE_COULDNT_CONNECT:
      if (reason == ECONNREFUSED) return {FaultKind::unavailable, "nothing listens on " + where};
      return {FaultKind::unavailable, "cannot connect to " + where + ": " + why};
    case CURLE_OPERATION_TIMEDOUT:
      return {FaultKind::unavailable, "no answer from " + where + " within " + format_duration(request.timeout)};
    case CURLE_WRITE_ERROR:
      if (receiver.too_large) return {FaultKind::unavailable, "the answer from " + where + " is larger than 64 MiB"};
      [[fallthrough]];
    default:
      return {FaultKind::unavailable, "request to " + where + " failed: " + why};
  }
}

result<Lines> header_lines(const HttpHeaders& headers) {
  Lines lines(curl_slist_append(nullptr, "Expect:"));  // no round trip before the body
  for (const auto& [name, value] : headers) {
    if (has_line_break(name) || has_line_break(value)) return invalid("a line break in the header " + name);
    const std::string line = value.empty() ? name + ";" : name + ": " + value;  // curl's spelling of an empty value
    curl_slist_append(lines.get(), line.c_str());
  }
  return lines;
}

void set_request(CURL* curl, const HttpRequest& request, curl_slist* lines) {
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "postrider/" POSTRIDER_VERSION);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
  if (!request.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, request.ca_file.c_str());
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET" || !request.body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
}

}  // namespace

std::string_view HttpResponse::header(std::string_view lower_case_name) const {
  const auto found =
      std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == lower_case_name; });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

result<HttpResponse> http_call(const HttpRequest& request) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);  // once a process
  const Handle curl(ready == CURLE_OK ? curl_easy_init() : nullptr);
  if (!curl) return Fault{FaultKind::unavailable, "the HTTP library could not be started"};
  if (has_line_break(request.method) || has_line_break(request.url)) return invalid("a line break in the request");
  const auto lines = header_lines(request.headers);
  if (!lines) return lines.error();

  Receiver receiver;
  char detail[CURL_ERROR_SIZE] = "";
  set_request(curl.get(), request, lines->get());
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &receiver);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &receiver);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return to_fault(curl.get(), code, request, receiver, detail);
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  receiver.response.status = static_cast<int>(status);
  return std::move(receiver.response);
}

}  // namespace postrider::net
