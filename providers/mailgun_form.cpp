#include "providers/mailgun_form.h"

#include <algorithm>

namespace postrider::providers {

namespace {

constexpr std::string_view kVendor = "https://api.mailgun.net";

bool is_domain(std::string_view domain) {
  return !domain.empty() && std::all_of(domain.begin(), domain.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

}  // namespace

MailgunForm::MailgunForm(std::string boundary, std::size_t room) : boundary_(std::move(boundary)) {
  text_.reserve(room);
}

void MailgunForm::field(std::string_view name, std::string_view value) {
  open(name);
  text_.append("\r\n\r\n").append(value).append("\r\n");
}

void MailgunForm::file(std::string_view name, std::string_view filename, std::string_view type,
                       std::string_view octets) {
  open(name);
  text_.append("; filename=\"").append(filename).append("\"\r\nContent-Type: ").append(type);
  text_.append("\r\n\r\n").append(octets).append("\r\n");
}

result<Request> MailgunForm::request(const UpstreamConfig& upstream, std::string_view method,
                                     std::string_view before_domain, std::string_view after_domain) && {
  result<Request> request = mailgun_request(upstream, method, before_domain, after_domain);
  if (!request) return request;
  request->headers.emplace_back("Content-Type", "multipart/form-data; boundary=" + boundary_);
  text_.append("--").append(boundary_).append("--\r\n");
  request->body = std::move(text_);
  return request;
}

void MailgunForm::open(std::string_view name) {
  text_.append("--").append(boundary_).append("\r\nContent-Disposition: form-data; name=\"").append(name).append("\"");
}

result<Request> mailgun_request(const UpstreamConfig& upstream, std::string_view method, std::string_view before_domain,
                                std::string_view after_domain) {
  if (!is_domain(upstream.domain)) return invalid("\"" + upstream.domain + "\" is not a domain name");
  Request request;
  request.method = method;
  request.url = api_base(upstream, kVendor);
  request.url.append(before_domain).append(upstream.domain).append(after_domain);
  request.headers = {{"Authorization", basic_login("api", upstream.api_key)}};
  return request;
}

}  // namespace postrider::providers
