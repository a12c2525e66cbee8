#include "relay/outbound/routes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/relay/routes_fixture.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

using Names = std::vector<std::string>;

UpstreamConfig named(const std::string& name, std::uint32_t priority = 1) {
  return upstream_config(name, priority);
}
UpstreamConfig weighty(const std::string& name, std::uint32_t weight, std::uint32_t priority = 1) {
  return upstream_config(name, priority, weight);
}
UpstreamConfig for_domain(const std::string& name, const std::string& domain, std::uint32_t priority = 1) {
  UpstreamConfig config = upstream_config(name, priority);
  config.match.recipient_domain = {domain};
  return config;
}

Recipient at_domain(const std::string& domain) {
  Recipient recipient;
  recipient.address = {"user", domain};
  return recipient;
}

Names names(const Routes& routes, const std::vector<Candidate>& candidates) {
  Names names;
  for (const Candidate& c : candidates) names.push_back(routes.at(c.upstream).name());
  return names;
}

Names order(const Routes& routes, const Recipient& recipient = {}, Time now = kNow,
            std::optional<std::size_t> first = std::nullopt) {
  return names(routes, routes.order(Envelope{}, recipient, first, now));
}

void take_out(Upstream& upstream) {
  for (std::uint32_t i = 0; i < upstream.policy().open_after; ++i) upstream.note_route_failure(kRefused, kNow);
}

void prefer(Routes& routes, const std::string& name, std::uint32_t percent = 0, std::uint32_t messages = 0) {
  Preferred preferred;
  preferred.upstream = name;
  preferred.percent = percent;
  preferred.messages = messages;
  preferred.by = "ops";
  routes.preference().set(std::move(preferred));
}

TEST(Routes, NeedAnUpstreamAndNotMoreThanASetHolds) {
  EXPECT_THROW(Routes({}, {}), std::invalid_argument);
  std::vector<UpstreamConfig> many;
  for (std::size_t i = 0; i < kMaxUpstreams; ++i) many.push_back(named("u" + std::to_string(i)));
  const Routes all(many, {});
  EXPECT_EQ(all.all(), ~UpstreamSet{0});
  many.push_back(named("one too many"));
  EXPECT_THROW(Routes(many, {}), std::invalid_argument);
}

// ---- the order within one try ---------------------------------------------------------------------------------------

TEST(Routes, GoByPriorityNotByPlace) {
  const Routes routes({named("third", 3), named("first", 1), named("second", 2)}, {});
  EXPECT_EQ(order(routes), (Names{"first", "second", "third"}));
}

TEST(Routes, WhoWasChosenForTheMessageIsAskedFirst) {
  const Routes routes({named("a", 1), named("b", 2), named("c", 3)}, {});
  EXPECT_EQ(order(routes, {}, kNow, 2), (Names{"c", "a", "b"}));
}

TEST(Routes, LeaveOutWhatIsPausedOrOpen) {
  Routes routes({named("a", 1), named("b", 2), named("c", 3)}, {.open_after = 1});
  routes.at(0).pause_until(kNow + minutes(5), kNow);
  take_out(routes.at(1));
  EXPECT_EQ(order(routes), (Names{"c"}));
  EXPECT_EQ(order(routes, {}, kNow + minutes(5)), (Names{"a", "c"}));
}

TEST(Routes, LeaveOutWhoseQuotaIsUsedUp) {
  UpstreamConfig config = named("a", 1);
  config.daily_quota = 1;
  Routes routes({config, named("b", 2)}, {});
  begin_day(routes.at(0).day());
  EXPECT_EQ(order(routes), (Names{"a", "b"}));
  ASSERT_EQ(routes.at(0).take_quota(1, kNow), Quota::Leave::yes);
  EXPECT_EQ(order(routes), (Names{"b"}));
}

TEST(Routes, AskTheSameUpstreamFirstAfterAnUncertainHandOver) {
  const Routes routes({named("a", 1), named("b", 2)}, {});
  Recipient recipient;
  recipient.upstream = "b";
  EXPECT_EQ(order(routes, recipient), (Names{"a", "b"}));
  for (const Cause cause : {Cause::uncertain, Cause::interrupted}) {
    recipient.reason.cause = cause;
    EXPECT_EQ(order(routes, recipient), (Names{"b", "a"}));
    EXPECT_EQ(order(routes, recipient, kNow, 0), (Names{"b", "a"})) << "whoever was chosen";
  }
  recipient.upstream = "gone from the configuration";
  EXPECT_EQ(order(routes, recipient), (Names{"a", "b"}));
}

TEST(Routes, ThePreferredUpstreamGoesBeforeAllPriorities) {
  Routes routes({named("a", 1), named("b", 2), named("c", 3)}, {});
  prefer(routes, "c");
  EXPECT_EQ(order(routes), (Names{"c", "a", "b"}));
  prefer(routes, "c", 5);
  EXPECT_EQ(order(routes), (Names{"a", "b", "c"}))
      << "a canary is no preference for a message that it was not chosen for";
}

// ---- who may take it at all -----------------------------------------------------------------------------------------

TEST(Routes, AMatchKeepsOthersMailAway) {
  const Routes routes({for_domain("a", "example.com"), named("b", 2)}, {});
  EXPECT_FALSE(routes.uniform());
  EXPECT_EQ(routes.eligible(Envelope{}, at_domain("example.com")), only(0) | only(1));
  EXPECT_EQ(routes.eligible(Envelope{}, at_domain("example.net")), only(1));
  EXPECT_EQ(order(routes, at_domain("example.net")), (Names{"b"}));
}

TEST(Routes, AMessageWaitsForWhoeverMayTakeOneOfItsLiveRecipients) {
  const Routes routes({for_domain("a", "example.com"), for_domain("b", "example.net"), for_domain("c", "example.org")},
                      {});
  MessageRecord record;
  record.recipients = {at_domain("example.com"), at_domain("example.net"), at_domain("example.org")};
  record.recipients[2].state = RecipientState::sent;
  EXPECT_EQ(routes.eligible(record), only(0) | only(1));
}

TEST(Routes, CapturedMailGoesNowhereElse) {
  UpstreamConfig smtp = named("a"), capture = named("b", 2);
  smtp.type = UpstreamType::smtp;
  capture.type = UpstreamType::capture;
  const Routes routes({smtp, capture}, {});
  Envelope envelope;
  envelope.capture_only = true;
  EXPECT_EQ(routes.eligible(envelope, {}), only(1));
  MessageRecord record;
  record.envelope = envelope;
  EXPECT_EQ(routes.eligible(record), only(1));
}

// ---- wait buckets ---------------------------------------------------------------------------------------------------

// On disk: these numbers must never change.
TEST(Routes, BucketsAreTheSameInEveryProcess) {
  const Routes routes({named("primary"), named("backup"), named("ses"), named("mailgun-eu")}, {});
  EXPECT_EQ(routes.bucket(0), 32u);
  EXPECT_EQ(routes.bucket(only(0)), 1942287072u);
  EXPECT_EQ(routes.bucket(only(3)), 3195375328u);
  EXPECT_EQ(routes.bucket(only(0) | only(1)), 3231509120u);
  EXPECT_EQ(routes.bucket(only(0) | only(1) | only(2)), 2270553600u);
}

TEST(Routes, BucketsDependOnNamesNotOnPlacesOrPriorities) {
  const Routes routes({named("ses"), named("backup", 3), named("primary", 2)}, {});
  EXPECT_EQ(routes.bucket(only(2)), 1942287072u);
  EXPECT_EQ(routes.bucket(only(1) | only(2)), 3231509120u);
}

TEST(Routes, OtherRulesMakeOtherBuckets) {
  const Routes before({for_domain("a", "example.com", 1), for_domain("b", "example.org", 2)}, {});
  const Routes same({for_domain("b", "example.org", 2), for_domain("a", "example.com", 1)}, {});
  const Routes after({for_domain("a", "example.com", 1), named("b", 2)}, {});
  EXPECT_EQ(same.bucket(only(1)), before.bucket(only(0)));
  EXPECT_NE(after.bucket(only(0)), before.bucket(only(0))) << "some of what waits there may go to b now";
}

TEST(Routes, ABucketHasAShareForEachSender) {
  const Routes routes({named("primary"), named("backup")}, {});
  Envelope one, same, other, tenant;
  one.sender = {"app", "Example.COM"};
  same.sender = {"app", "example.com"};
  other.sender = {"news", "example.com"};
  tenant.sender = one.sender;
  tenant.tenant = "shop";
  const std::uint32_t bucket = routes.bucket_of(only(0), one);
  EXPECT_EQ(Routes::bucket_class(bucket), routes.bucket(only(0)));
  EXPECT_EQ(routes.bucket_of(only(0), same), bucket);
  EXPECT_NE(routes.bucket_of(only(0), other), bucket);
  EXPECT_NE(routes.bucket_of(only(0), tenant), bucket);
  EXPECT_NE(Routes::bucket_class(routes.bucket_of(only(1), one)), Routes::bucket_class(bucket));
}

// ---- choosing -------------------------------------------------------------------------------------------------------

TEST(Routes, EqualPrioritiesShareByWeight) {
  Routes routes({weighty("big", 3), weighty("small", 1), weighty("backup", 1, 2)}, {});
  std::map<std::size_t, int> chosen;
  for (int i = 0; i < 400; ++i) ++chosen[*routes.choose(routes.all(), 0, Duration{0}, kNow).upstream];
  EXPECT_EQ(chosen, (std::map<std::size_t, int>{{0, 300}, {1, 100}}));
}

TEST(Routes, AWeightOfOneBesideAHundredIsNotStarved) {
  Routes routes({weighty("big", 100), weighty("small", 1)}, {});
  int small = 0;
  for (int i = 0; i < 1010; ++i) small += routes.choose(routes.all(), 0, Duration{0}, kNow).upstream == 1u ? 1 : 0;
  EXPECT_EQ(small, 10);
}

TEST(Routes, WhoHasNoRoomLeavesItsShareToItsEquals) {
  Routes routes({weighty("big", 3), weighty("small", 1)}, {});
  for (int i = 0; i < 8; ++i) EXPECT_EQ(routes.choose(routes.all(), only(0), Duration{0}, kNow).upstream, 1u);
}

TEST(Routes, SayWhyTheyChose) {
  Routes routes({named("a", 1), named("b", 2)}, {.open_after = 1});
  EXPECT_EQ(routes.choose(routes.all(), 0, Duration{0}, kNow).why, "first in order");
  prefer(routes, "b");
  EXPECT_EQ(routes.choose(routes.all(), 0, Duration{0}, kNow).why, "preferred by an operator");
  routes.preference().clear();
  take_out(routes.at(0));
  EXPECT_EQ(routes.choose(routes.all(), 0, Duration{0}, kNow).why, "those before it are out of service");
}

TEST(Routes, MailWaitsForTheRateOfTheFirst) {
  UpstreamConfig slow = named("a", 1);
  slow.rate = {1, seconds(10)};
  Routes routes({slow, named("b", 2)}, {});
  EXPECT_EQ(routes.choose(routes.all(), 0, Duration{0}, kNow).upstream, 0u);
  const Choice none = routes.choose(routes.all(), 0, hours(1), kNow);
  EXPECT_FALSE(none.upstream);
  EXPECT_FALSE(none.out_of_service);
  EXPECT_EQ(none.look_again, routes.at(0).rate().at(kNow));
  EXPECT_EQ(routes.choose(routes.all(), 0, hours(1), none.look_again).upstream, 0u);
}

TEST(Routes, MailSpillsToTheNextOnlyAfterSpillAfter) {
  UpstreamConfig slow = named("a", 1);
  slow.rate = {1, minutes(10)};
  slow.spill_after = seconds(30);
  Routes routes({slow, named("b", 2)}, {});
  ASSERT_EQ(routes.choose(routes.all(), 0, Duration{0}, kNow).upstream, 0u);
  const Choice early = routes.choose(routes.all(), 0, seconds(10), kNow);
  EXPECT_FALSE(early.upstream);
  EXPECT_EQ(early.look_again, kNow + seconds(20)) << "when it will have waited for spill_after";
  EXPECT_FALSE(routes.choose(routes.all(), 0, seconds(30) - milliseconds(1), kNow).upstream);
  const Choice spilled = routes.choose(routes.all(), 0, seconds(30), kNow);
  EXPECT_EQ(spilled.upstream, 1u);
  EXPECT_EQ(spilled.why, "those before it had no room for spill_after");
}

TEST(Routes, AMessageMayHaveWaitedForAYear) {
  UpstreamConfig slow = named("a", 1);
  slow.spill_after = hours(24 * 365);
  Routes routes({slow}, {});
  EXPECT_FALSE(routes.choose(routes.all(), only(0), hours(24 * 364), kNow).upstream);
  EXPECT_EQ(routes.choose(routes.all(), only(0), hours(24 * 366), kNow).look_again, kNever)
      << "a slot that comes is told";
}

TEST(Routes, OneOfEqualsThatWaitsOnKeepsMailFromSpilling) {
  UpstreamConfig patient = named("a", 1), hasty = named("b", 1);
  hasty.spill_after = seconds(1);
  Routes routes({patient, hasty, named("c", 2)}, {});
  EXPECT_FALSE(routes.choose(routes.all(), only(0) | only(1), minutes(1), kNow).upstream);
  take_out(routes.at(0));
  EXPECT_EQ(routes.choose(routes.all(), only(0) | only(1), minutes(1), kNow).upstream, 2u);
}

TEST(Routes, AShortPauseIsWaitedForAndALongOneIsNot) {
  UpstreamConfig config = named("a", 1);
  config.spill_after = minutes(1);
  Routes routes({config, named("b", 2)}, {});
  routes.at(0).pause_until(kNow + minutes(3), kNow);
  EXPECT_EQ(routes.choose(routes.all(), 0, Duration{0}, kNow).upstream, 1u);
  const Time later = kNow + minutes(2);
  const Choice waits = routes.choose(routes.all(), 0, Duration{0}, later);
  EXPECT_FALSE(waits.upstream);
  EXPECT_EQ(waits.look_again, kNow + minutes(3));
}

TEST(Routes, AMarkThatIsOnItsWayIsWaitedFor) {
  UpstreamConfig config = named("a", 1);
  config.daily_quota = 10;
  Routes routes({config, named("b", 2)}, {});
  EXPECT_FALSE(routes.choose(routes.all(), 0, Duration{0}, kNow).upstream) << "the keeper has not begun the day";
  begin_day(routes.at(0).day());
  EXPECT_EQ(routes.choose(routes.all(), 0, Duration{0}, kNow).upstream, 0u);
}

TEST(Routes, LookTakesNothing) {
  UpstreamConfig slow = named("a");
  slow.rate = {1, seconds(10)};
  Routes routes({slow}, {});
  prefer(routes, "a", 0, 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(routes.look(routes.all(), 0, Duration{0}, kNow).upstream, 0u);
  EXPECT_EQ(routes.choose(routes.all(), 0, Duration{0}, kNow).why, "preferred by an operator");
}

TEST(Routes, WithNobodyInServiceTheySaySo) {
  Routes routes({named("a", 1), named("b", 2)}, {.open_after = 1});
  take_out(routes.at(0));
  routes.at(1).stop();
  EXPECT_TRUE(routes.choose(routes.all(), 0, Duration{0}, kNow).out_of_service);
  EXPECT_FALSE(routes.any_in_service(routes.all(), kNow));
  EXPECT_TRUE(routes.choose(0, 0, Duration{0}, kNow).out_of_service) << "nobody may take it";
}

// ---- the preferred one ----------------------------------------------------------------------------------------------

TEST(Routes, APreferredUpstreamThatMayNotTakeItIsPassedOver) {
  Routes routes({named("a", 1), for_domain("b", "example.com", 2)}, {});
  prefer(routes, "b");
  EXPECT_EQ(routes.choose(only(0), 0, Duration{0}, kNow).upstream, 0u);
}

TEST(Routes, ACanaryTakesItsNumberAndTheRestGoesOn) {
  Routes routes({named("a", 1), named("b", 2)}, {});
  prefer(routes, "b", 0, 3);
  std::map<std::size_t, int> chosen;
  std::vector<Choice> held;  // messages under way
  for (int i = 0; i < 10; ++i) {
    held.push_back(routes.choose(routes.all(), 0, Duration{0}, kNow));
    ++chosen[*held.back().upstream];
  }
  EXPECT_EQ(chosen, (std::map<std::size_t, int>{{0, 7}, {1, 3}}));
}

TEST(Routes, ACanaryThatIsOutOfServiceLosesNoneOfItsNumber) {
  Routes routes({named("a", 1), named("b", 2)}, {.open_after = 1});
  prefer(routes, "b", 0, 3);
  routes.at(1).stop();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(routes.choose(routes.all(), 0, Duration{0}, kNow).upstream, 0u);
  routes.at(1).resume();
  int canary = 0;
  std::vector<Choice> held;  // messages under way
  for (int i = 0; i < 10; ++i) {
    held.push_back(routes.choose(routes.all(), 0, Duration{0}, kNow));
    canary += held.back().upstream == 1u ? 1 : 0;
  }
  EXPECT_EQ(canary, 3);
}

TEST(Routes, ACanaryWithoutRoomHoldsUpNobody) {
  Routes routes({named("a", 1), named("b", 2)}, {});
  prefer(routes, "b", 0, 1);
  EXPECT_EQ(routes.choose(routes.all(), only(1), Duration{0}, kNow).upstream, 0u);
  EXPECT_EQ(routes.choose(routes.all(), 0, Duration{0}, kNow).upstream, 1u) << "its turn is not lost";
}

// ---- probes ---------------------------------------------------------------------------------------------------------

TEST(Routes, PreferToProbeWhoIsNotPaused) {
  Routes routes({named("a", 1), named("b", 2)}, {.open_after = 1});
  take_out(routes.at(0));
  take_out(routes.at(1));
  EXPECT_EQ(routes.preferred(routes.all(), kNow), 0u);
  EXPECT_EQ(names(routes, routes.probe_order(Envelope{}, {}, kNow)), (Names{"a", "b"}));
  routes.at(0).pause_until(kNow + minutes(5), kNow);
  EXPECT_EQ(routes.preferred(routes.all(), kNow), 1u);
  EXPECT_EQ(names(routes, routes.probe_order(Envelope{}, {}, kNow)), (Names{"b"}));
  routes.at(1).pause_until(kNow + minutes(2), kNow);
  EXPECT_FALSE(routes.preferred(routes.all(), kNow)) << "a peer that asked to slow down is left alone";
  EXPECT_TRUE(routes.probe_order(Envelope{}, {}, kNow).empty());
}

TEST(Routes, ProbeOnlyWhoMayTakeTheMessage) {
  Routes routes({for_domain("a", "example.com", 1), named("b", 2)}, {.open_after = 1});
  take_out(routes.at(0));
  take_out(routes.at(1));
  EXPECT_EQ(routes.preferred(only(1), kNow), 1u);
  EXPECT_EQ(names(routes, routes.probe_order(Envelope{}, at_domain("example.net"), kNow)), (Names{"b"}));
}

TEST(Routes, NowAndThenABetterOneThatIsOpenIsAskedBesideTheOneThatWorks) {
  Routes routes({named("a", 1), named("b", 2), named("c", 3)}, {.open_after = 1});
  EXPECT_FALSE(routes.open_beside(routes.all(), 1, kNow)) << "all are in service";
  take_out(routes.at(0));
  take_out(routes.at(2));
  const Time later = kNow + routes.at(0).policy().probe_interval;
  EXPECT_FALSE(routes.open_beside(routes.all(), 1, kNow)) << "it has only just failed";
  EXPECT_EQ(routes.open_beside(routes.all(), 1, later), 0u);
  EXPECT_FALSE(routes.open_beside(only(1) | only(2), 1, later)) << "the only open one is worse";
}

TEST(Routes, OneThatStaysOutLeavesTheNextItsProbes) {
  Routes routes({named("a", 1), named("b", 2), named("c", 3)}, {.open_after = 1});
  take_out(routes.at(0));
  take_out(routes.at(1));
  const Time later = kNow + routes.at(0).policy().probe_interval;
  ASSERT_EQ(routes.open_beside(routes.all(), 2, later), 0u);
  const auto hangs = routes.at(0).begin_probe(1, later);
  ASSERT_TRUE(hangs);
  EXPECT_EQ(routes.open_beside(routes.all(), 2, later), 1u);
  EXPECT_EQ(routes.open_beside(routes.all(), 2, later + hours(1)), 1u) << "a probe that hangs holds up nobody";
}

TEST(Routes, APreferredUpstreamThatIsOpenIsAskedBesideToo) {
  Routes routes({named("a", 1), named("b", 2)}, {.open_after = 1});
  prefer(routes, "b");
  take_out(routes.at(1));
  const Time later = kNow + routes.at(1).policy().probe_interval;
  EXPECT_EQ(routes.open_beside(routes.all(), 0, later), 1u);
  prefer(routes, "a");
  EXPECT_FALSE(routes.open_beside(routes.all(), 0, later));
}

TEST(Routes, SayWhenSomebodyMayBeInServiceAgain) {
  UpstreamConfig with_quota = named("c", 3);
  with_quota.daily_quota = 1;
  Routes routes({named("a", 1), named("b", 2), with_quota, named("d", 4)},
                {.open_after = 1, .probe_interval = seconds(30)});
  begin_day(routes.at(2).day());
  ASSERT_EQ(routes.at(2).take_quota(1, kNow), Quota::Leave::yes);
  routes.at(3).stop();
  EXPECT_EQ(routes.service_again(only(2), kNow), kNow + hours(12));
  EXPECT_EQ(routes.service_again(only(3), kNow), kNever) << "an operator's pause ends by itself never";
  take_out(routes.at(0));
  routes.at(1).pause_until(kNow + seconds(20), kNow);
  EXPECT_EQ(routes.service_again(only(0), kNow), kNow + seconds(30));
  EXPECT_EQ(routes.service_again(routes.all(), kNow), kNow + seconds(20));
}

TEST(Routes, APauseIsWaitedForFromSpillAfterBeforeItsEnd) {
  UpstreamConfig config = named("a");
  config.spill_after = minutes(1);
  Routes routes({config}, {});
  routes.at(0).pause_until(kNow + minutes(3), kNow);
  const Time again = routes.service_again(routes.all(), kNow);
  EXPECT_EQ(again, kNow + minutes(2));
  EXPECT_TRUE(routes.any_in_service(routes.all(), again));
  EXPECT_EQ(routes.service_again(routes.all(), again), kNow + minutes(3)) << "nothing changes before its end";
}

// ---- reload ---------------------------------------------------------------------------------------------------------

TEST(Routes, AReloadKeepsWhatIsKnownOfThoseThatStay) {
  Routes before({named("a", 1), named("gone", 2), named("b", 3)}, {.open_after = 1});
  take_out(before.at(0));
  before.at(2).stop();
  prefer(before, "b");
  UpstreamConfig changed = named("b", 1);
  changed.rate = {5, seconds(1)};
  Routes after({changed, named("a", 2), named("new", 3)}, {.open_after = 1}, &before);
  EXPECT_EQ(after.generation(), before.generation() + 1);
  EXPECT_EQ(&after.at(0), &before.at(2));
  EXPECT_TRUE(after.at(0).stopped());
  EXPECT_TRUE(after.at(0).rate().limited());
  EXPECT_EQ(after.at(1).health(), Health::open);
  EXPECT_EQ(after.at(2).health(), Health::closed);
  EXPECT_EQ(after.preference().get()->upstream, "b");
  EXPECT_FALSE(after.find("gone"));
  EXPECT_EQ(before.at(1).name(), "gone") << "who still holds the old routes may go on with them";
}

TEST(Routes, APreferenceForOneThatIsGonePutsNobodyFirst) {
  Routes before({named("a", 1), named("gone", 2)}, {});
  prefer(before, "gone");
  Routes after({named("a", 1), named("b", 2)}, {}, &before);
  EXPECT_EQ(after.choose(after.all(), 0, Duration{0}, kNow).upstream, 0u);
  EXPECT_EQ(order(after), (Names{"a", "b"}));
  EXPECT_EQ(after.explain(Envelope{}, {}, kNow).front().why, "priority 1");
}

// ---- for people -----------------------------------------------------------------------------------------------------

TEST(Routes, ExplainSaysWhyAndWhyNot) {
  UpstreamConfig with_quota = named("used-up", 5), slow = named("slow", 6);
  with_quota.daily_quota = 1;
  slow.rate = {1, minutes(1)};
  Routes routes({named("first", 1), named("stopped", 2), named("open", 3), named("paused", 4), with_quota, slow,
                 for_domain("others", "example.com", 7)},
                {.open_after = 1, .probe_interval = seconds(30)});
  begin_day(routes.at(4).day());
  routes.at(4).take_quota(1, kNow);
  routes.at(1).stop();
  take_out(routes.at(2));
  routes.at(3).pause_until(kNow + minutes(5), kNow, {Cause::throttle, Stage::mail, 421, "4.7.0", "too many"});
  routes.at(5).rate().take(kNow);
  const auto all = routes.explain(Envelope{}, at_domain("example.net"), kNow);
  const std::vector<std::pair<std::string, Time>> wanted{
      {"priority 1", kNever},
      {"paused by an operator", kNever},
      {"out of service: connection refused", kNow + seconds(30)},
      {"paused: it asked to slow down (too many)", kNow + minutes(5)},
      {"its quota is used up", kNow + hours(12)},
      {"priority 6; at its rate", routes.at(5).rate().at(kNow)},
      {"its match does not fit: recipient_domain", kNever},
  };
  ASSERT_EQ(all.size(), wanted.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].upstream, i);
    EXPECT_EQ(all[i].why, wanted[i].first);
    EXPECT_EQ(all[i].until, wanted[i].second) << all[i].why;
    EXPECT_EQ(all[i].in_service, i == 0 || i == 5) << all[i].why;
    EXPECT_EQ(all[i].eligible, i != 6);
  }
}

TEST(Routes, ExplainNamesWhoPrefers) {
  Routes routes({named("a", 1), named("b", 2)}, {});
  prefer(routes, "b");
  const auto all = routes.explain(Envelope{}, {}, kNow);
  EXPECT_EQ(all.front().upstream, 1u);
  EXPECT_EQ(all.front().why, "preferred by ops");
}

// ---- threads --------------------------------------------------------------------------------------------------------

TEST(Routes, ThreadsThatChooseShareByWeightWhileAnOperatorChangesHisMind) {
  Routes routes({weighty("big", 3), weighty("small", 1)}, {});
  std::vector<std::map<std::size_t, int>> chosen(3);
  std::vector<std::thread> threads;
  for (auto& mine : chosen) {
    threads.emplace_back([&] {
      for (int i = 0; i < 4000; ++i) ++mine[*routes.choose(routes.all(), 0, Duration{0}, kNow).upstream];
    });
  }
  for (int i = 0; i < 100; ++i) {
    prefer(routes, "small", 50);
    routes.preference().clear();
    routes.explain(Envelope{}, {}, kNow);
  }
  for (std::thread& thread : threads) thread.join();
  int big = 0, all = 0;
  for (const auto& mine : chosen) {
    for (const auto& [upstream, count] : mine) {
      all += count;
      if (upstream == 0) big += count;
    }
  }
  EXPECT_EQ(all, 12'000);
  EXPECT_GT(big, 0);
}

}  // namespace
}  // namespace postrider::relay
