#include "net/http_client.h"

#include <algorithm>

#include "net/curl_common.h"

namespace postrider::net {

namespace {

Fault to_fault(CURL* curl, CURLcode code, const HttpRequest& request, const CurlAnswer& answer, const char* detail) {
  const std::string where = host_and_port(request.url).text();
  const std::string why = *detail ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return invalid("not an http or https URL: " + request.url);
    case CURLE_COULDNT_CONNECT:
      return {FaultKind::unavailable, no_connection(curl, where, why)};
    case CURLE_OPERATION_TIMEDOUT:
      return {FaultKind::unavailable, "no answer from " + where + " within " + format_duration(request.timeout)};
    case CURLE_WRITE_ERROR:
      if (answer.too_large) return {FaultKind::unavailable, "the answer from " + where + " is larger than 64 MiB"};
      [[fallthrough]];
    default:
      return {FaultKind::unavailable, "request to " + where + " failed: " + why};
  }
}

void set_request(CURL* curl, const HttpRequest& request) {
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
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
  const CurlHandle curl(curl_ready() ? curl_easy_init() : nullptr);
  if (!curl) return Fault{FaultKind::unavailable, "the HTTP library could not be started"};
  if (has_line_break(request.method) || has_line_break(request.url)) return invalid("a line break in the request");
  // No round trip before the body.
  const auto lines = header_lines(request.headers, CurlLines(curl_slist_append(nullptr, "Expect:")));
  if (!lines) return lines.error();

  CurlAnswer answer;
  answer.max_octets = kMaxHttpAnswer;
  char detail[CURL_ERROR_SIZE] = "";
  set_common_options(curl.get(), request.url, request.ca_file, lines->get(), answer);
  set_request(curl.get(), request);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, detail);
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return to_fault(curl.get(), code, request, answer, detail);
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.response.status = static_cast<int>(status);
  return std::move(answer.response);
}

}  // namespace postrider::net
