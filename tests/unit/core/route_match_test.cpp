#include "core/route_match.h"

#include <gmock/gmock.h>

namespace postrider {
namespace {

Envelope envelope() {
  Envelope envelope;
  envelope.sender = {"app", "Shop.Example"};
  envelope.lane = Lane::high;
  envelope.tenant = "shop";
  envelope.tags = {"invoice", "eu"};
  return envelope;
}

Recipient recipient(std::string domain) {
  Recipient recipient;
  recipient.address = {"user", std::move(domain)};
  return recipient;
}

bool takes(const UpstreamMatch& match, std::string domain = "a.example") {
  return matches(match, envelope(), recipient(std::move(domain)));
}

TEST(RouteMatch, EmptyTakesAllMail) {
  EXPECT_TRUE(takes({}));
  EXPECT_TRUE(matches({}, Envelope(), Recipient()));
}

TEST(RouteMatch, EachKeyLooksAtItsPart) {
  struct Case {
    const char* what;
    std::vector<std::string> UpstreamMatch::*key;
    std::vector<std::string> fits, other;
  };
  const Case cases[] = {{"sender_domain", &UpstreamMatch::sender_domain, {"x.example", "shop.example"}, {"a.example"}},
                        {"recipient_domain", &UpstreamMatch::recipient_domain, {"a.example"}, {"shop.example"}},
                        {"lane", &UpstreamMatch::lane, {"low", "high"}, {"normal"}},
                        {"tag", &UpstreamMatch::tag, {"eu"}, {"E", "us"}},
                        {"credential", &UpstreamMatch::credential, {"", "shop"}, {"", "Shop"}}};
  for (const Case& each : cases) {
    UpstreamMatch match;
    match.*each.key = each.fits;
    EXPECT_TRUE(takes(match)) << each.what;
    match.*each.key = each.other;
    EXPECT_FALSE(takes(match)) << each.what;
  }
}

TEST(RouteMatch, AllKeysMustFit) {
  UpstreamMatch match;
  match.sender_domain = {"shop.example"};
  match.recipient_domain = {"a.example", "b.example"};
  EXPECT_TRUE(takes(match, "b.example"));
  EXPECT_FALSE(takes(match, "c.example"));
  match.lane = {"low"};
  EXPECT_FALSE(takes(match, "b.example"));
}

TEST(RouteMatch, EmptyCredentialStandsForTrustedNetworks) {
  UpstreamMatch match;
  match.credential = {""};
  Envelope trusted = envelope();
  trusted.tenant.clear();
  EXPECT_TRUE(matches(match, trusted, recipient("a.example")));
  EXPECT_FALSE(matches(match, envelope(), recipient("a.example")));
}

TEST(RouteMatch, NullSenderHasNoDomain) {
  UpstreamMatch match;
  match.sender_domain = {"shop.example"};
  Envelope bounce = envelope();
  bounce.sender = {};
  EXPECT_FALSE(matches(match, bounce, recipient("a.example")));
}

TEST(RouteMatch, DomainsFoldCaseAndTakeSubdomainsAfterADot) {
  EXPECT_TRUE(domain_matches("a.example", "A.Example"));
  EXPECT_FALSE(domain_matches("a.example", "x.a.example"));
  EXPECT_TRUE(domain_matches(".a.example", "X.y.A.example"));
  EXPECT_TRUE(domain_matches(".a.example", "a.example"));
  EXPECT_FALSE(domain_matches(".a.example", "xa.example"));
  EXPECT_FALSE(domain_matches(".a.example", ".a.example"));
  EXPECT_FALSE(domain_matches(".a.example", ""));
  EXPECT_TRUE(domain_matches("xn--bcher-kva.example",
                             "B\xc3\xbc"
                             "cher.example"));
}

TEST(RecipientGuard, AllowsWhatItNames) {
  RecipientGuard guard;
  EXPECT_FALSE(guard.allows({"user", "a.example"}));
  guard.allow_recipients = {"me@a.example", "@b.example", "*@c.example"};
  EXPECT_TRUE(guard.allows({"me", "A.EXAMPLE"}));
  EXPECT_FALSE(guard.allows({"Me", "a.example"}));  // RFC 5321 2.4: only the host that has it knows whether case counts
  EXPECT_FALSE(guard.allows({"you", "a.example"}));
  EXPECT_TRUE(guard.allows({"any", "b.example"}));
  EXPECT_TRUE(guard.allows({"any", "c.example"}));
  EXPECT_FALSE(guard.allows({"any", "x.c.example"}));
  EXPECT_FALSE(guard.allows({"me", ""}));
}

TEST(RecipientGuard, ComparesDomainsAsDnsWritesThem) {
  RecipientGuard guard;
  guard.allow_recipients = {"@xn--bcher-kva.example"};
  EXPECT_TRUE(guard.allows({"user",
                            "b\xc3\xbc"
                            "cher.example"}));
}

TEST(RecipientGuard, NoPatternIsWiderThanItLooks) {
  RecipientGuard guard;
  guard.allow_recipients = {"a.example", "*", "u*@a.example", ""};
  EXPECT_FALSE(guard.allows({"user", "a.example"}));
  EXPECT_FALSE(guard.allows({"user", ""}));
}

}  // namespace
}  // namespace postrider
