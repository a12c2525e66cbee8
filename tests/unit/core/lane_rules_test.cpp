#include "core/lane_rules.h"

#include <gtest/gtest.h>

namespace postrider {
namespace {

Envelope envelope() {
  Envelope envelope;
  envelope.sender = {"news", "shop.example"};
  envelope.tenant = "shop";
  envelope.tags = {"campaign"};
  return envelope;
}

std::vector<Recipient> recipients(std::vector<std::string> domains) {
  std::vector<Recipient> all(domains.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i].address = {"user", domains[i]};
  return all;
}

LaneRule rule(Lane lane, std::vector<std::string> UpstreamMatch::*key, std::string value) {
  LaneRule made;
  made.lane = lane;
  (made.match.*key).push_back(std::move(value));
  return made;
}

TEST(LaneRules, WithoutAnyMailIsNormal) {
  EXPECT_EQ(lane_by_rule({}, envelope(), recipients({"a.example"})), Lane::normal);
}

TEST(LaneRules, EachKeyDecides) {
  const LaneRule rules[] = {rule(Lane::low, &UpstreamMatch::sender_domain, "shop.example"),
                            rule(Lane::low, &UpstreamMatch::recipient_domain, ".a.example"),
                            rule(Lane::low, &UpstreamMatch::tag, "campaign"),
                            rule(Lane::low, &UpstreamMatch::credential, "shop")};
  Envelope other;
  other.sender = {"app", "pay.example"};
  for (const LaneRule& each : rules) {
    EXPECT_EQ(lane_by_rule({&each, 1}, envelope(), recipients({"x.a.example"})), Lane::low);
    EXPECT_EQ(lane_by_rule({&each, 1}, other, recipients({"b.example"})), Lane::normal);
  }
}

TEST(LaneRules, TheFirstThatFitsHolds) {
  const LaneRule rules[] = {rule(Lane::high, &UpstreamMatch::tag, "password-reset"),
                            rule(Lane::low, &UpstreamMatch::credential, "shop"), LaneRule{Lane::high, {}}};
  Envelope reset = envelope(), stranger = envelope();
  reset.tags.emplace_back("password-reset");
  stranger.tenant.clear();
  const auto to = recipients({"a.example"});
  EXPECT_EQ(lane_by_rule(rules, reset, to), Lane::high);
  EXPECT_EQ(lane_by_rule(rules, envelope(), to), Lane::low);
  EXPECT_EQ(lane_by_rule(rules, stranger, to), Lane::high) << "a rule without match is for all mail";
}

TEST(LaneRules, OneRecipientThatFitsIsEnoughAndTheRulesGoBeforeTheRecipients) {
  const LaneRule rules[] = {rule(Lane::high, &UpstreamMatch::recipient_domain, "b.example"),
                            rule(Lane::low, &UpstreamMatch::recipient_domain, "a.example")};
  EXPECT_EQ(lane_by_rule(rules, envelope(), recipients({"a.example", "b.example"})), Lane::high);
  EXPECT_EQ(lane_by_rule(rules, envelope(), recipients({"a.example", "c.example"})), Lane::low);
  EXPECT_EQ(lane_by_rule(rules, envelope(), recipients({"c.example"})), Lane::normal);
}

TEST(LaneRules, AllKeysOfARuleMustFit) {
  LaneRule both = rule(Lane::low, &UpstreamMatch::recipient_domain, "a.example");
  both.match.tag = {"invoice"};
  EXPECT_EQ(lane_by_rule({&both, 1}, envelope(), recipients({"a.example"})), Lane::normal);
  both.match.tag.emplace_back("campaign");
  EXPECT_EQ(lane_by_rule({&both, 1}, envelope(), recipients({"a.example"})), Lane::low);
}

}  // namespace
}  // namespace postrider
