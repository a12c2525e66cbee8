#include "net/curl_common.h"

#include <cerrno>

#include "core/ascii.h"

namespace postrider::net {

namespace {

constexpr std::size_t kMaxHeaders = 1000;

using Url = std::unique_ptr<CURLU, CurlFreer<curl_url_cleanup>>;

std::size_t on_body(char* data, std::size_t /*one*/, std::size_t size, void* to) {
  auto& answer = *static_cast<CurlAnswer*>(to);
  answer.too_large = answer.response.body.size() + size > answer.max_octets;
  if (answer.too_large) return 0;
  answer.response.body.append(data, size);
  return size;
}

std::size_t on_header(char* data, std::size_t /*one*/, std::size_t size, void* to) {
  return take_header_line({data, size}, *static_cast<CurlAnswer*>(to)) ? size : 0;
}

}  // namespace

bool curl_ready() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  return ready == CURLE_OK;
}

void set_common_options(CURL* curl, const std::string& url, const std::string& ca_file, curl_slist* lines,
                        CurlAnswer& answer) {
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // nor one of the environment
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "postrider/" POSTRIDER_VERSION);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, lines);
  if (!ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer);
}

bool take_header_line(std::string_view line, CurlAnswer& answer) {
  HttpHeaders& headers = answer.response.headers;
  if (line.starts_with("HTTP/")) headers.clear();  // what came before was an interim answer
  answer.header_octets += line.size();
  answer.too_large = headers.size() >= kMaxHeaders || answer.header_octets > answer.max_octets;
  if (answer.too_large) return false;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  std::string name(line.substr(0, colon));
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  headers.emplace_back(std::move(name), trimmed(line.substr(colon + 1), " \t\r\n"));
  return true;
}

bool has_line_break(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos;
}

result<CurlLines> header_lines(const HttpHeaders& headers, CurlLines lines) {
  for (const auto& [name, value] : headers) {
    if (has_line_break(name) || has_line_break(value)) return invalid("a line break in the header " + name);
    const std::string line = value.empty() ? name + ";" : name + ": " + value;  // curl's spelling of an empty value
    curl_slist* longer = curl_slist_append(lines.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    if (!lines) lines.reset(longer);
  }
  return lines;
}

HostAndPort host_and_port(const std::string& url) {
  const Url parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  const auto part = [&parsed](CURLUPart which) {
    char* text = nullptr;
    std::string out;
    if (curl_url_get(parsed.get(), which, &text, CURLU_DEFAULT_PORT) == CURLUE_OK) out = text;
    curl_free(text);
    return out;
  };
  return {part(CURLUPART_HOST), part(CURLUPART_PORT)};
}

std::string no_connection(CURL* curl, const std::string& where, const std::string& why) {
  long reason = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &reason);
  if (reason == ECONNREFUSED) return "nothing listens on " + where;
  return "cannot connect to " + where + ": " + why;
}

}  // namespace postrider::net
