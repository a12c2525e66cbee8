// A message for the tests of requests: recipients, tags and body are given, the rest is fixed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "providers/provider.h"

namespace postrider::providers {

struct MailSample {
  MessageRecord message;
  std::vector<std::uint32_t> recipients;  // all, until a test says otherwise
  std::string body = "From: a@example.com\r\nTo: b@example.net\r\nSubject: hello\r\n\r\nText\r\n";

  explicit MailSample(std::initializer_list<const char*> addresses) {
    message.id = *MessageId::parse("01arz3ndektsv4rrffq69g5fav");
    message.envelope.sender = *parse_address("app@example.com");
    for (const char* address : addresses) {
      recipients.push_back(static_cast<std::uint32_t>(message.recipients.size()));
      Recipient recipient;
      recipient.address = *parse_address(address);
      message.recipients.push_back(recipient);
    }
  }
  Mail mail() const { return {message, recipients, body}; }
};

inline std::string header_of(const Request& request, std::string_view name) {
  for (const auto& [n, value] : request.headers)
    if (n == name) return value;
  return {};
}

}  // namespace postrider::providers
