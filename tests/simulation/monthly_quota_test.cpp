// A month's quota at the production dispatcher: what waits for the next month, what goes elsewhere meanwhile, and when the month ends.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/simulation/world.h"

namespace postrider::sim {
namespace {

const Time kMonthEnds = parse_rfc3339("2027-01-31T23:00:00Z").value();  // in Berlin, in winter

class MonthlyQuota : public OnBothStores {
 protected:
  static WorldOptions of_ten(std::vector<std::string> upstreams) {
    WorldOptions options;
    options.store = GetParam();
    options.upstreams = std::move(upstreams);
    options.configure = [](UpstreamConfig& config) {
      if (config.name != "metered") return;
      config.monthly_quota = 10;
      config.quota_time_zone = "Europe/Berlin";
    };
    return options;
  }
  static std::vector<MessageId> submit(World& world, int count) {
    std::vector<MessageId> ids;
    for (int i = 0; i < count; ++i) {
      ids.push_back(world.submit({}));
      world.run_for(seconds(1));
    }
    return ids;
  }
  static std::size_t handed_over(const World& world, std::size_t upstream) {
    return static_cast<std::size_t>(std::count_if(world.script.calls.begin(), world.script.calls.end(),
                                                  [&](const auto& call) { return call.upstream == upstream; }));
  }
};
INSTANTIATE_TEST_SUITE_P(, MonthlyQuota, testing::Values(StoreKind::memory, StoreKind::lmdb), store_name);

TEST_P(MonthlyQuota, MailWaitsUncountedForTheFirstOfTheMonthAtTheMidnightOfItsZone) {
  World world(of_ten({"metered"}));
  world.run_until(kMonthEnds - hours(30));
  const std::vector<MessageId> ids = submit(world, 12);
  EXPECT_EQ(handed_over(world, 0), 10u);
  world.run_until(kMonthEnds - seconds(1));  // over a midnight, which is the end of a day only
  EXPECT_EQ(handed_over(world, 0), 10u);
  for (const MessageId& id : {ids[10], ids[11]}) EXPECT_EQ(world.find(id).recipients[0].tries, 0u);

  world.run_until(kMonthEnds + minutes(1));
  EXPECT_EQ(handed_over(world, 0), 12u);
  for (const MessageId& id : ids) {
    EXPECT_EQ(world.state(id), RecipientState::sent);
    EXPECT_EQ(world.find(id).recipients[0].tries, 1u);
    EXPECT_EQ(world.attempts(id).size(), 1u);
  }
  EXPECT_EQ(world.routes().at(0).month().used(), 2u);
}

TEST_P(MonthlyQuota, MailGoesToTheNextUpstreamAndComesBackWithTheMonthAlsoAfterACrash) {
  World world(of_ten({"metered", "spare"}));
  world.run_until(kMonthEnds - hours(30));
  submit(world, 12);
  EXPECT_EQ(handed_over(world, 0), 10u);
  EXPECT_EQ(handed_over(world, 1), 2u);
  world.crash();
  submit(world, 3);
  EXPECT_EQ(handed_over(world, 0), 10u) << "what was used up before the crash is still used up";
  EXPECT_EQ(handed_over(world, 1), 5u);
  world.run_until(kMonthEnds + minutes(1));
  submit(world, 4);
  EXPECT_EQ(handed_over(world, 0), 14u);
}

TEST_P(MonthlyQuota, AMonthThatEndedWhileTheDaemonWasDownIsOver) {
  World world(of_ten({"metered", "spare"}));
  world.run_until(kMonthEnds - hours(1));
  submit(world, 10);
  world.time.pass_to(kMonthEnds + hours(1));  // nothing runs meanwhile
  world.crash();
  submit(world, 3);
  EXPECT_EQ(handed_over(world, 0), 13u);
}

}  // namespace
}  // namespace postrider::sim
