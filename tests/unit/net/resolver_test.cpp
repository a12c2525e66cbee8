#include "net/resolver.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "net/await.h"
#include "net/name_cache.h"
#include "tests/unit/net/fake_name_server.h"
#include "tests/unit/net/net_test.h"

namespace postrider::net {
namespace {

using namespace std::chrono_literals;

class Resolving : public NetTest {
 protected:
  ResolverOptions options() const {
    ResolverOptions o;
    o.servers = server_.address();
    return o;
  }
  // Spawns a look-up whose answer goes to `into`.
  void ask(Resolver& resolver, std::string host, result<Addresses>& into) {
    group_.spawn("ask", await_answer(loop_, resolver, std::move(host), into));
  }
  result<Addresses> resolve(Resolver& resolver, std::string host) {
    result<Addresses> answer = invalid("not asked");
    ask(resolver, std::move(host), answer);
    run_all();
    return answer;
  }
  static awaitable<void> await_answer(Loop& loop, Resolver& resolver, std::string host, result<Addresses>& into) {
    const auto start = [&](Done<Addresses> done) { resolver.resolve(host, std::move(done)); };
    into = co_await await_done<Addresses>(loop, start);
  }
  static awaitable<void> ask_then_release(Loop& loop, Resolver& resolver, FakeNameServer& server,
                                          const result<Addresses>& held, bool& came_first) {
    result<Addresses> good = invalid("unanswered");
    co_await await_answer(loop, resolver, "good.test", good);
    came_first = good.has_value() && held.has_error();
    server.release();
  }
  FakeNameServer server_{300};
};

std::vector<std::string> texts(const Addresses& addresses) {
  std::vector<std::string> out;
  for (const auto& a : addresses) out.push_back(a.to_string());
  return out;
}

TEST_F(Resolving, GivesAddressesOfBothFamiliesInTurn) {
  Resolver resolver(options());
  const auto answer = resolve(resolver, "good.test");
  ASSERT_TRUE(answer.has_value()) << answer.error().text;
  const std::vector<std::string> got = texts(*answer);
  EXPECT_THAT(got, ::testing::UnorderedElementsAre("192.0.2.1", "192.0.2.2", "2001:db8::1"));
  EXPECT_NE((*answer)[0].is_v6(), (*answer)[1].is_v6());
}

TEST_F(Resolving, ANameWithOneFamilyIsWhole) {
  Resolver resolver(options());
  EXPECT_THAT(texts(resolve(resolver, "v4only.test").value()),
              ::testing::UnorderedElementsAre("192.0.2.1", "192.0.2.2"));
}

TEST_F(Resolving, KeepsAnswersAndIgnoresCase) {
  Resolver resolver(options());
  ASSERT_TRUE(resolve(resolver, "good.test").has_value());
  const int asked = server_.asked("good.test");
  EXPECT_TRUE(resolve(resolver, "GOOD.test").has_value());
  EXPECT_EQ(server_.asked("good.test"), asked);
}

TEST_F(Resolving, KeepsNoAnswerLongerThanItsBound) {
  ResolverOptions o = options();
  o.min_ttl = o.max_ttl = 0ms;
  Resolver resolver(o);
  ASSERT_TRUE(resolve(resolver, "good.test").has_value());
  const int asked = server_.asked("good.test");
  ASSERT_TRUE(resolve(resolver, "good.test").has_value());
  EXPECT_GT(server_.asked("good.test"), asked);
}

TEST_F(Resolving, ANameThatIsNotThereIsNotFoundAndRemembered) {
  Resolver resolver(options());
  for (int i = 0; i < 2; ++i) {
    const auto answer = resolve(resolver, "nothing.test");
    ASSERT_TRUE(answer.has_error());
    EXPECT_EQ(answer.error().kind, FaultKind::not_found);
    EXPECT_NE(answer.error().text.find("nothing.test"), std::string::npos);
  }
  EXPECT_LE(server_.asked("nothing.test"), 2);  // A and AAAA, once
}

TEST_F(Resolving, TroubleOfTheServerIsUnavailable) {
  ResolverOptions o = options();
  o.timeout = 400ms;
  Resolver resolver(o);
  for (const char* name : {"broken.test", "garbage.test", "silent.test"}) {
    const auto answer = resolve(resolver, name);
    ASSERT_TRUE(answer.has_error()) << name;
    EXPECT_EQ(answer.error().kind, FaultKind::unavailable) << name;
  }
}

TEST_F(Resolving, OurDeadlineHoldsWhileTheServerIsStillWaitedFor) {
  ResolverOptions o = options();
  o.timeout = 1ms;  // c-ares itself waits longer
  Resolver resolver(o);
  const auto answer = resolve(resolver, "silent.test");
  ASSERT_TRUE(answer.has_error());
  EXPECT_EQ(answer.error().text, "no answer about silent.test from the name servers in 1ms");
}

TEST_F(Resolving, ASilentNameStallsNoOther) {
  Resolver resolver(options());
  result<Addresses> held = invalid("unanswered");
  ask(resolver, "held.test", held);
  bool other_came_first = false;
  group_.spawn("other", ask_then_release(loop_, resolver, server_, held, other_came_first));
  run_all();
  EXPECT_TRUE(other_came_first);
  EXPECT_TRUE(held.has_value());
}

TEST_F(Resolving, AsksOnceForManyThatWaitForOneName) {
  Resolver resolver(options());
  std::vector<result<Addresses>> answers(50, result<Addresses>(invalid("unanswered")));
  for (auto& answer : answers) ask(resolver, "held.test", answer);
  loop_.post(Task([this] { server_.release(); }));
  run_all();
  for (const auto& answer : answers) EXPECT_TRUE(answer.has_value());
  EXPECT_LE(server_.asked("held.test"), 2);
}

TEST_F(Resolving, RefusesMoreThanItsBound) {
  ResolverOptions o = options();
  o.max_pending = 0;
  Resolver resolver(o);
  const auto answer = resolve(resolver, "good.test");
  ASSERT_TRUE(answer.has_error());
  EXPECT_EQ(answer.error().text, "too many name look-ups are waiting");
}

TEST_F(Resolving, ItsEndAnswersAllThatWait) {
  auto resolver = std::make_unique<Resolver>(options());
  result<Addresses> first = invalid("unanswered"), second = invalid("unanswered");
  ask(*resolver, "silent.test", first);
  ask(*resolver, "held.test", second);
  loop_.post(Task([&] {
    server_.wait_until_asked("silent.test");
    resolver.reset();
  }));
  run_all();
  EXPECT_EQ(first.error().text, "the resolver is stopping");
  EXPECT_EQ(second.error().text, "the resolver is stopping");
}

TEST_F(Resolving, LiteralsAndNonsenseAskNobody) {
  ResolverOptions o = options();
  o.servers = "127.0.0.1:1";
  Resolver resolver(o);
  EXPECT_EQ(texts(resolve(resolver, "192.0.2.7").value()), std::vector<std::string>{"192.0.2.7"});
  EXPECT_EQ(texts(resolve(resolver, "2001:db8::7").value()), std::vector<std::string>{"2001:db8::7"});
  EXPECT_EQ(texts(resolve(resolver, "[2001:db8::7]").value()), std::vector<std::string>{"2001:db8::7"});
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a\nb"), std::string(300, 'a'),
                                 std::string(100, 'a') + ".test"}) {
    const auto answer = resolve(resolver, bad);
    ASSERT_TRUE(answer.has_error()) << bad;
    EXPECT_EQ(answer.error().kind, FaultKind::invalid) << bad << ": " << answer.error().text;
  }
}

TEST_F(Resolving, ReadsTheHostsFile) {
  ResolverOptions o = options();
  o.servers = "127.0.0.1:1";
  Resolver resolver(o);
  const auto answer = resolve(resolver, "localhost");
  ASSERT_TRUE(answer.has_value()) << answer.error().text;
  EXPECT_TRUE(std::all_of(answer->begin(), answer->end(), [](const auto& a) { return a.is_loopback(); }));
}

class ResolvingServices : public Resolving {
 protected:
  result<SrvRecords> resolve_service(Resolver& resolver, std::string name) {
    result<SrvRecords> answer = invalid("not asked");
    group_.spawn("ask", await_records(loop_, resolver, std::move(name), answer));
    run_all();
    return answer;
  }
  static awaitable<void> await_records(Loop& loop, Resolver& resolver, std::string name, result<SrvRecords>& into) {
    const auto start = [&](Done<SrvRecords> done) { resolver.resolve_service(name, std::move(done)); };
    into = co_await await_done<SrvRecords>(loop, start);
  }
};

TEST_F(ResolvingServices, GivesEachServer) {
  server_.add_service("_submission._tcp.a.test", 10, 60, 587, "mx1.a.test");
  server_.add_service("_submission._tcp.a.test", 20, 0, 2525, "mx2.b.test");
  Resolver resolver(options());
  const auto answer = resolve_service(resolver, "_Submission._TCP.a.test");
  ASSERT_TRUE(answer.has_value()) << answer.error().text;
  EXPECT_THAT(*answer, ::testing::UnorderedElementsAre(SrvRecord{"mx1.a.test", 587, 10, 60},
                                                       SrvRecord{"mx2.b.test", 2525, 20, 0}));
}

TEST_F(ResolvingServices, KeepsAnswersApartFromAddresses) {
  server_.add_service("both.test", 1, 1, 587, "mx.test");
  server_.add_address("both.test", "192.0.2.9");
  Resolver resolver(options());
  ASSERT_TRUE(resolve_service(resolver, "both.test").has_value());
  EXPECT_EQ(texts(resolve(resolver, "both.test").value()), std::vector<std::string>{"192.0.2.9"});
  const int asked = server_.asked("both.test");
  EXPECT_EQ(resolve_service(resolver, "both.test").value().at(0).target, "mx.test");
  EXPECT_EQ(server_.asked("both.test"), asked);
}

TEST_F(ResolvingServices, SaysWhenThereIsNone) {
  server_.add_service("_submission._tcp.off.test", 0, 0, 0, ".");
  server_.add_address("plain.test", "192.0.2.9");
  Resolver resolver(options());
  const auto off = resolve_service(resolver, "_submission._tcp.off.test");
  ASSERT_TRUE(off.has_error());
  EXPECT_EQ(off.error().kind, FaultKind::not_found);
  EXPECT_EQ(off.error().text, "_submission._tcp.off.test: the domain says that it does not offer this");
  for (const char* name : {"_submission._tcp.nothing.test", "plain.test"}) {
    const auto none = resolve_service(resolver, name);
    ASSERT_TRUE(none.has_error()) << name;
    EXPECT_EQ(none.error().kind, FaultKind::not_found) << none.error().text;
    EXPECT_THAT(none.error().text, ::testing::StartsWith("no SRV record for " + std::string(name)));
  }
  const auto broken = resolve_service(resolver, "broken.test");
  ASSERT_TRUE(broken.has_error());
  EXPECT_EQ(broken.error().kind, FaultKind::unavailable);
  EXPECT_EQ(resolve_service(resolver, "a b").error().kind, FaultKind::invalid);
}

TEST_F(ResolvingServices, HasADeadline) {
  ResolverOptions o = options();
  o.timeout = 1ms;
  Resolver resolver(o);
  EXPECT_EQ(resolve_service(resolver, "silent.test").error().text,
            "no answer about SRV silent.test from the name servers in 1ms");
}

TEST(ResolverStart, RefusesAListThatIsNone) {
  ResolverOptions o;
  o.servers = "not a server";
  EXPECT_THROW(Resolver{o}, std::runtime_error);
}

TEST(NameCache, HoldsNoMoreThanItsBound) {
  NameCache cache(2);
  const NameData one{{boost::asio::ip::make_address("192.0.2.1")}, {}};
  cache.put("a", one, 10ms, 0ms);
  cache.put("b", one, 100ms, 0ms);
  cache.put("c", one, 100ms, 20ms);  // `a` is over and goes first
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_TRUE(cache.find("b", 20ms).has_value());
  EXPECT_TRUE(cache.find("c", 20ms).has_value());
  EXPECT_FALSE(cache.find("c", 100ms).has_value());
  cache.put("d", one, 100ms, 20ms);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_TRUE(cache.find("d", 20ms).has_value());
}

}  // namespace
}  // namespace postrider::net
