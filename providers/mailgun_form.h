// What Mailgun's requests share: its address, the login, and multipart/form-data (RFC 7578), in which it takes messages and hooks
// alike. Plain values; any thread.
#pragma once

#include <string>
#include <string_view>

#include "providers/provider.h"

namespace postrider::providers {

class MailgunForm {
 public:
  // `boundary` must occur in nothing that is put in (RFC 2046 5.1.1).
  MailgunForm(std::string boundary, std::size_t room);

  void field(std::string_view name, std::string_view value);
  void file(std::string_view name, std::string_view filename, std::string_view type, std::string_view octets);
  // As mailgun_request(), with this form as its body.
  result<Request> request(const UpstreamConfig& upstream, std::string_view method, std::string_view before_domain,
                          std::string_view after_domain) &&;

 private:
  void open(std::string_view name);

  std::string boundary_;
  std::string text_;
};

// `before_domain`: "/v3/". Fault: the upstream's domain would make another path of it; with a slash in it Mailgun answers 200 and does
// nothing.
result<Request> mailgun_request(const UpstreamConfig& upstream, std::string_view method, std::string_view before_domain,
                                std::string_view after_domain);

}  // namespace postrider::providers
