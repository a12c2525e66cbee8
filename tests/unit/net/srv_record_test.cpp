#include "net/srv_record.h"

#include <gmock/gmock.h>

#include <random>

namespace postrider::net {
namespace {

std::vector<std::string> targets(const SrvRecords& records) {
  std::vector<std::string> out;
  for (const SrvRecord& record : records) out.push_back(record.target);
  return out;
}

TEST(SrvOrder, IsByPriorityFirst) {
  const auto lowest = [](std::uint32_t) { return 0u; };
  EXPECT_THAT(targets(in_order({{"c", 1, 30, 9}, {"a", 1, 10, 0}, {"b", 1, 20, 5}}, lowest)),
              testing::ElementsAre("a", "b", "c"));
  EXPECT_TRUE(in_order({}, lowest).empty());
}

TEST(SrvOrder, DrawsByRunningSumOfWeights) {
  const SrvRecords records = {{"heavy", 1, 1, 3}, {"zero", 1, 1, 0}, {"light", 1, 1, 1}};
  std::vector<std::uint32_t> asked;
  const auto drawing = [&](std::vector<std::uint32_t> draws) {
    return [&asked, draws, next = 0u](std::uint32_t most) mutable {
      asked.push_back(most);
      return draws.at(next++);
    };
  };
  EXPECT_THAT(targets(in_order(records, drawing({0, 0, 0}))), testing::ElementsAre("zero", "heavy", "light"));
  EXPECT_THAT(asked, testing::ElementsAre(4, 4, 1));
  EXPECT_THAT(targets(in_order(records, drawing({4, 1, 0}))), testing::ElementsAre("light", "heavy", "zero"));
  EXPECT_THAT(targets(in_order(records, drawing({1, 0, 1}))), testing::ElementsAre("heavy", "zero", "light"));
}

TEST(SrvOrder, SharesByWeight) {
  std::mt19937 random(7);
  const Dice dice = [&](std::uint32_t most) { return std::uniform_int_distribution<std::uint32_t>(0, most)(random); };
  int heavy_first = 0;
  for (int i = 0; i < 2000; ++i)
    heavy_first += in_order({{"light", 1, 1, 100}, {"heavy", 1, 1, 300}}, dice).front().target == "heavy";
  EXPECT_NEAR(heavy_first, 1500, 100);
}

}  // namespace
}  // namespace postrider::net
