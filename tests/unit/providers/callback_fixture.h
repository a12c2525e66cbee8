// What the tests of callbacks share: a time, a callback with its fields, and hooks that were planned, as text.
#pragma once

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "providers/callbacks.h"

namespace postrider::providers {

inline constexpr std::string_view kOurId = "01kg9jz5a8v3m2n4p6q8r0s1t3";
inline constexpr std::string_view kHookUrl = "https://hooks.example.com/hooks/main";

class CallbackTest : public testing::Test {
 protected:
  CallbackTest(const Callbacks& callbacks, UpstreamType type) : callbacks_(callbacks) { upstream_.type = type; }

  Verdict verify(std::string_view body, const Headers& headers = {}) const {
    return callbacks_.verify(upstream_, {headers, body}, "", now_);
  }
  Authenticity authenticity(std::string_view body, const Headers& headers = {}) const {
    return verify(body, headers).authenticity;
  }
  result<CallbackReading> try_read(std::string_view body) const { return callbacks_.read(upstream_, {{}, body}, now_); }
  CallbackReading read(std::string_view body) const {
    result<CallbackReading> reading = try_read(body);
    if (reading) return std::move(*reading);
    ADD_FAILURE() << reading.error().text;
    return {};
  }
  // The only event of a callback.
  ReportedEvent read_one(std::string_view body) const {
    CallbackReading reading = read(body);
    EXPECT_EQ(reading.events.size(), 1u) << body;
    EXPECT_EQ(reading.ignored, 0u) << body;
    return reading.events.empty() ? ReportedEvent() : std::move(reading.events.front());
  }
  bool ignores(std::string_view body) const {
    const CallbackReading reading = read(body);
    return reading.events.empty() && reading.ignored == 1;
  }
  result<std::vector<HookChange>> try_plan(std::string list, std::string_view url = kHookUrl) const {
    return callbacks_.plan_hooks(upstream_, {200, {}, std::move(list)}, url, now_);
  }
  std::vector<HookChange> plan(std::string list) const {
    result<std::vector<HookChange>> changes = try_plan(std::move(list));
    if (changes) return std::move(*changes);
    ADD_FAILURE() << changes.error().text;
    return {};
  }
  std::string refusal(std::string list, std::string_view url = kHookUrl) const {
    const result<std::vector<HookChange>> changes = try_plan(std::move(list), url);
    return changes ? "(planned)" : changes.error().text;
  }

  const Callbacks& callbacks_;
  UpstreamConfig upstream_;
  Time now_ = *parse_rfc3339("2026-01-31T08:15:00Z");
};

inline std::string call_of(const HookChange& change) {
  return change.request.method + " " + change.request.url;
}

inline std::string field_of(const Request& request, std::string_view name) {
  for (const auto& [n, value] : request.headers)
    if (n == name) return value;
  return "(none)";
}

}  // namespace postrider::providers
