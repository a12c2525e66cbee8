// What the tests of the lossy vendors share: mail written with LF, a record with recipients, and requests and answers as JSON.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "providers/mime_view.h"
#include "providers/provider.h"

namespace postrider::providers {

inline constexpr Time kNow{Duration(1'769'847'300'000)};  // Sat, 31 Jan 2026 08:15:00 +0000

inline std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text) out.append(c == '\n' ? "\r\n" : std::string(1, c));
  return out;
}

inline MessageRecord record_to(const std::vector<std::string>& recipients) {
  MessageRecord message;
  message.id = *MessageId::parse("01kg9jz5a8v3m2n4p6q8r0s1t3");
  for (const std::string& address : recipients)
    message.recipients.emplace_back().address = parse_address(address).value();
  return message;
}

inline boost::json::value json(std::string_view text) {
  return boost::json::parse(text);
}

class LossyTest : public testing::Test {
 protected:
  LossyTest(const Provider& provider, UpstreamType type) : provider_(provider) { upstream_.type = type; }

  // Of all recipients in one call. `text` has LF.
  result<Request> build(std::string_view text, const std::vector<std::string>& recipients) {
    message_ = record_to(recipients);
    message_.envelope.tags = tags_;
    all_.resize(recipients.size());
    std::iota(all_.begin(), all_.end(), 0u);
    body_ = crlf(text);
    return provider_.build(upstream_, mail(), kNow);
  }
  Mail mail() const { return {message_, all_, body_}; }
  boost::json::object built(std::string_view text, const std::vector<std::string>& recipients) {
    result<Request> request = build(text, recipients);
    if (!request) {
      ADD_FAILURE() << request.error().text;
      return {};
    }
    request_ = *request;
    return json(request->body).as_object();
  }
  std::string refusal(std::string_view text, const std::vector<std::string>& recipients) {
    const result<Request> request = build(text, recipients);
    return request ? "(built: " + request->body + ")" : request.error().text;
  }
  Reading read(int status, std::string body, Headers headers = {}, std::size_t recipients = 1) const {
    return provider_.read(upstream_, {status, std::move(headers), std::move(body)}, recipients, kNow);
  }
  Reading read_probe(int status, std::string body) const {
    return provider_.read_probe({status, {}, std::move(body)}, kNow);
  }
  std::string field(std::string_view name) const {
    for (const auto& [n, value] : request_.headers)
      if (n == name) return value;
    return "(none)";
  }

  const Provider& provider_;
  UpstreamConfig upstream_;
  std::vector<std::string> tags_;
  MessageRecord message_;
  std::vector<std::uint32_t> all_;
  std::string body_;
  Request request_;
};

// One line of an outcome table: what an answer means.
struct Outcome {
  const char* name;
  int status;
  const char* body;
  OutcomeKind kind;
  Cause cause;
  bool splits = false;  // asked for two recipients
};
inline void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << outcome.name;
}

inline void expect_outcome(const Provider& provider, const Outcome& outcome) {
  const Reading alone = provider.read({}, {outcome.status, {}, outcome.body}, 1, kNow);
  EXPECT_EQ(alone.kind, outcome.kind) << to_string(alone.kind);
  EXPECT_EQ(alone.reason.cause, outcome.cause) << to_string(alone.reason.cause);
  EXPECT_EQ(alone.reason.code, outcome.status);
  EXPECT_FALSE(alone.reason.text.empty());
  EXPECT_FALSE(alone.split) << "there is nobody to tell it from";
  EXPECT_EQ(provider.read({}, {outcome.status, {}, outcome.body}, 2, kNow).split, outcome.splits);
}

}  // namespace postrider::providers
