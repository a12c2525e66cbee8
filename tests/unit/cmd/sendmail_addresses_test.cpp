#include "cmd/sendmail_addresses.h"

namespace postrider::cmd {
namespace {

std::string read(const std::string& list) {
  std::vector<Address> addresses;
  const auto done = parse_address_list(list, addresses);
  if (!done) return "fault: " + done.error().text;
  std::string all;
  for (const Address& address : addresses) all += (all.empty() ? "" : " ") + address.str();
  return all;
}

TEST(SendmailAddresses, AreFoundHoweverTheyAreWritten) {
  const std::pair<const char*, const char*> lists[] = {
      {"", ""},
      {"  \r\n\t", ""},
      {"user@example.com", "user@example.com"},
      {"root, postmaster", "root postmaster"},
      {"a@b.example,c@d.example", "a@b.example c@d.example"},
      {"a@b.example,\r\n c@d.example,\r\n\td@e.example", "a@b.example c@d.example d@e.example"},
      {",a@b.example,,c@d.example,", "a@b.example c@d.example"},
      {"Ann Example <ann@example.com>", "ann@example.com"},
      {"\"Example, Ann\" <ann@example.com>, \"a \\\" < b\" <b@example.com>", "ann@example.com b@example.com"},
      {"=?UTF-8?Q?Gr=C3=BC=2C=3C?= <g@example.com>", "g@example.com"},
      {"Jürgen <j@example.com>", "j@example.com"},
      {"ann@example.com (Ann (the first), \\) \"x\")", "ann@example.com"},
      {"(why) ann (not) @ (here) example.com", "ann@example.com"},
      {"John Q. Public <jqp@example.com>", "jqp@example.com"},
      {"ann @ example . com", "ann@example.com"},
      {"< ann@example.com >", "ann@example.com"},
      {"\"odd name\"@example.com", "\"odd name\"@example.com"},
      {"x <\"a,b\"@example.com>", "\"a,b\"@example.com"},
      {"user@[192.0.2.1], u2@[IPv6:2001:db8::1]", "user@[192.0.2.1] u2@[IPv6:2001:db8::1]"},
      {"<@relay.example,@other.example:user@example.com>", "user@example.com"},
      {"undisclosed-recipients:;", ""},
      {"Friends: a@b.example, C <c@d.example>; , e@f.example", "a@b.example c@d.example e@f.example"},
      {"One: a@b.example; Two: c@d.example;", "a@b.example c@d.example"},
      {"grüße@example.com, a@bücher.example", "grüße@example.com a@bücher.example"},
      {"Cron Daemon <root>", "root"},
  };
  for (const auto& [list, addresses] : lists) EXPECT_EQ(read(list), addresses) << list;
}

TEST(SendmailAddresses, WhatIsNoListIsAFaultThatSaysWhy) {
  const std::pair<const char*, const char*> lists[] = {
      {"a@b.example, (never ends", "a comment does not end"},
      {"\"never ends", "a quoted string does not end"},
      {"\"ends in a backslash\\", "a quoted string does not end"},
      {"<a@b.example", "an angle bracket does not end"},
      {"a@[192.0.2.1", "an address literal does not end"},
      {"Ann Example", "a name stands without an address"},
      {"<a b@example.com>", "blanks stand within an address"},
      {"<a@b.example> <c@d.example>", "there are two angle brackets"},
      {"One: Two: a@b.example;", "a colon stands where none may"},
      {"<a:b@example.com>", "a colon stands where none may"},
      {"Ann <>", "the address is empty"},
      {"a@b@example.com", "the domain is not a valid name"},
      {"a@", "the domain is empty"},
      {"a@-b", "the domain is not a valid name"},
  };
  for (const auto& [list, why] : lists)
    EXPECT_NE(read(list).find(why), std::string::npos) << list << ": " << read(list);
}

TEST(SendmailAddresses, AFaultShowsOnlyPrintableTextAndNotTooMuch) {
  const std::string fault = read(std::string(10'000, 'x') + "\x1b[31m@@");
  EXPECT_EQ(fault.find('\x1b'), std::string::npos);
  EXPECT_LT(fault.size(), 200u);
}

}  // namespace
}  // namespace postrider::cmd
