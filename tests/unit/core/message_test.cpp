#include "core/message.h"

#include <gtest/gtest.h>

#include <set>

namespace postrider {
namespace {

TEST(EventTypes, EachHasAWordOfItsOwn) {
  std::set<std::string_view> words;
  const int last = static_cast<int>(EventType::upstream_rolled_back);
  for (int type = 0; type <= last; ++type) words.insert(to_string(static_cast<EventType>(type)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(last) + 1);
  EXPECT_EQ(words.count("unknown"), 0u);
  EXPECT_EQ(to_string(EventType::rescheduled), "rescheduled");
}

TEST(EventTypes, ThoseOfUpstreamsAreTheLast) {
  const int last = static_cast<int>(EventType::upstream_rolled_back);
  for (int type = 0; type <= last; ++type) {
    const auto event = static_cast<EventType>(type);
    EXPECT_EQ(is_upstream_event(event), to_string(event).starts_with("upstream_")) << to_string(event);
  }
}

}  // namespace
}  // namespace postrider
