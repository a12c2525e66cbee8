#include "relay/inbound/policy.h"

#include <gtest/gtest.h>

#include "relay/inbound/address_rules.h"
#include "relay/inbound/connection_counts.h"

namespace postrider::relay {
namespace {

TEST(Policy, OnlyTrustedOrAuthenticatedClientsRelay) {
  ListenerPolicy open, strict;
  strict.require_auth = true;
  const Standing stranger{}, trusted{.trusted = true}, user{.authenticated = true};
  EXPECT_FALSE(may_relay(open, stranger));
  EXPECT_TRUE(may_relay(open, trusted));
  EXPECT_TRUE(may_relay(open, user));
  EXPECT_FALSE(may_relay(strict, stranger));
  EXPECT_FALSE(may_relay(strict, trusted));
  EXPECT_TRUE(may_relay(strict, user));
  const Standing everything_but{.loopback = true, .tls = true};
  EXPECT_FALSE(may_relay(open, everything_but)) << "neither TLS nor loopback is a right to relay";
}

TEST(Policy, OnlyTrustedOrAuthenticatedClientsSteer) {
  EXPECT_FALSE(may_steer({}));
  EXPECT_FALSE(may_steer({.loopback = true, .tls = true}));
  EXPECT_TRUE(may_steer({.trusted = true}));
  EXPECT_TRUE(may_steer({.authenticated = true}));
}

TEST(Policy, LoginsNeedTlsOrConfiguredLoopback) {
  AccessPolicy strict, lenient;
  lenient.auth_without_tls_on_loopback = true;
  const Standing plain{}, loopback{.loopback = true}, tls{.tls = true};
  EXPECT_FALSE(may_authenticate(strict, plain));
  EXPECT_FALSE(may_authenticate(strict, loopback));
  EXPECT_TRUE(may_authenticate(strict, tls));
  EXPECT_FALSE(may_authenticate(lenient, plain));
  EXPECT_TRUE(may_authenticate(lenient, loopback));
}

TEST(ConnectionCounts, TicketsGiveTheirPlaceBack) {
  ConnectionCounts counts;
  {
    auto one = counts.enter(2), two = counts.enter(2);
    EXPECT_TRUE(one && two);
    EXPECT_FALSE(counts.enter(2));
    EXPECT_EQ(counts.total(), 2u);
    one.reset();
    EXPECT_TRUE(counts.enter(2));
  }
  EXPECT_EQ(counts.total(), 0u);
}

TEST(ConnectionCounts, AnAddressHasALimitOfItsOwn) {
  ConnectionCounts counts;
  const IpAddress one = *parse_ip_address("192.0.2.1");
  auto first = counts.enter(one, 1);
  EXPECT_TRUE(first);
  EXPECT_FALSE(counts.enter(one, 1));
  EXPECT_TRUE(counts.enter(one, 0)) << "no limit";
  const IpAddress here = *parse_ip_address("2001:db8::1"), there = *parse_ip_address("2001:db8::2");
  auto sixth = counts.enter(here, 1);
  EXPECT_TRUE(sixth);
  EXPECT_FALSE(counts.enter(there, 1)) << "one network, one client";
}

TEST(AddressBook, AnAliasIsFollowedToItsEnd) {
  AddressRules rules;
  rules.aliases = {{"postmaster", "root"}, {"root", "Ops@host.example"}, {"ops", "desk@example.com"}, {"me", "me"}};
  const AddressBook book(rules, "host.example");
  const auto end_of = [&book](Address address) {
    book.apply_to_recipient(address);
    return address.str();
  };
  EXPECT_EQ(end_of({"postmaster", ""}), "desk@example.com");
  EXPECT_EQ(end_of({"Postmaster", "localhost"}), "desk@example.com");
  EXPECT_EQ(end_of({"me", ""}), "me@host.example");
  EXPECT_EQ(end_of({"postmaster", "example.net"}), "postmaster@example.net");
}

TEST(AddressBook, AnAliasHoldsAtOriginHostnameAndLocalhost) {
  AddressRules rules;
  rules.origin = "example.org";
  rules.aliases = {{"root", "ops@example.com"}};
  const AddressBook book(rules, "host.example");
  for (const char* domain : {"", "example.org", "host.example", "LocalHost"}) {
    Address address{"root", domain};
    book.apply_to_recipient(address);
    EXPECT_EQ(address.str(), "ops@example.com") << domain;
  }
  Address foreign{"root", "example.com"};
  book.apply_to_recipient(foreign);
  EXPECT_EQ(foreign.str(), "root@example.com");
}

TEST(AddressBook, LocalPartsKeepTheirCaseWithoutAnAlias) {
  AddressBook book(AddressRules{}, "host.example");
  Address address{"MixedCase", "Example.COM"};
  book.apply_to_recipient(address);
  EXPECT_EQ(address.str(), "MixedCase@Example.COM");
}

TEST(AddressBook, EntriesThatAreNoAddressesAreLeftOut) {
  AddressRules rules;
  rules.origin = "example.org";
  rules.aliases = {{"root", "@@"}, {"ops", ""}};
  rules.rewrite_sender = {{"*", "@@"}};
  AddressBook book(rules, "host.example");
  Address recipient{"root", ""}, sender{"root", ""};
  book.apply_to_recipient(recipient);
  book.apply_to_sender(sender);
  EXPECT_EQ(recipient.str(), "root@example.org");
  EXPECT_EQ(sender.str(), "root@example.org");
}

}  // namespace
}  // namespace postrider::relay
