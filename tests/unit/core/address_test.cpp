#include "core/address.h"

namespace postrider {
namespace {

Address address(std::string_view text) {
  return parse_address(text).value();
}

TEST(Address, ParsesPlainOnes) {
  const Address parsed = address("Ann.Lee+tag@Example.COM");
  EXPECT_EQ(parsed.local, "Ann.Lee+tag");
  EXPECT_EQ(parsed.domain, "Example.COM");
  EXPECT_EQ(parsed.str(), "Ann.Lee+tag@Example.COM");
}

TEST(Address, ParsesNullPathAndBareNames) {
  EXPECT_TRUE(address("").is_null());
  EXPECT_EQ(address("").str(), "");
  EXPECT_EQ(address("postmaster").local, "postmaster");
  EXPECT_EQ(address("postmaster").str(), "postmaster");
  EXPECT_FALSE(address("postmaster").is_null());
}

TEST(Address, KeepsQuotesOnlyWhereTheyAreNeeded) {
  EXPECT_EQ(address("\"ann\"@example.com").local, "ann");
  EXPECT_EQ(address("\"ann lee\"@example.com").local, "\"ann lee\"");
  EXPECT_EQ(address("\"a@b\"@example.com").str(), "\"a@b\"@example.com");
  EXPECT_EQ(address("\"a\\\"b\"@example.com").local, "\"a\\\"b\"");
  EXPECT_EQ(address("\"\"@example.com").local, "\"\"");
  EXPECT_EQ(address("\"a..b\"@example.com").local, "\"a..b\"");
}

TEST(Address, AcceptsDotsThatCarriersHaveHandedOut) {
  EXPECT_EQ(address("a..b.@example.jp").local, "a..b.");
}

TEST(Address, ParsesLiterals) {
  EXPECT_EQ(address("a@[192.0.2.1]").domain, "[192.0.2.1]");
  EXPECT_EQ(address("a@[IPv6:2001:db8::1]").domain, "[IPv6:2001:db8::1]");
  EXPECT_EQ(address("a@[ipv6:::1]").domain, "[ipv6:::1]");
}

TEST(Address, ParsesUtf8) {
  EXPECT_EQ(address("j\xc3\xb6rg@b\xc3\xbc"
                    "cher.example")
                .local,
            "j\xc3\xb6rg");
  EXPECT_TRUE(address("j\xc3\xb6rg@example.com").needs_smtputf8());
  EXPECT_FALSE(address("joerg@b\xc3\xbc"
                       "cher.example")
                   .needs_smtputf8());
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text : {"@example.com",
                           "a@",
                           "a b@example.com",
                           "a@b@example.com",
                           "a@-example.com",
                           "a@example-.com",
                           "a@example..com",
                           "a@.example.com",
                           "a@example.com.",
                           "a@exa mple.com",
                           "<a@example.com>",
                           "a@[192.0.2.256]",
                           "a@[IPv6:zz]",
                           "a@[192.0.2.1",
                           "a@[]",
                           "a@[x:y]",
                           "\"ann@example.com",
                           "\"ann\"x@example.com",
                           "\"a\nb\"@example.com",
                           "\"a\\",
                           "a\r\n@example.com",
                           "a@example.com\r\nRCPT",
                           "a@\xff.com",
                           "\xc0\x80@example.com",
                           "a(b)@example.com",
                           "@a,@b:c@d",
                           "a@exam_ple!.com",
                           "a,b@example.com"})
    EXPECT_TRUE(parse_address(text).has_error()) << text;
  EXPECT_TRUE(parse_address(std::string_view("a@[192.0.2.1\0]", 14)).has_error());
  EXPECT_TRUE(parse_address(std::string_view("a\0b@example.com", 15)).has_error());
}

TEST(Address, RefusesWhatIsTooLong) {
  const std::string local64(64, 'a');
  EXPECT_TRUE(parse_address(local64 + "@example.com").has_value());
  EXPECT_EQ(parse_address(local64 + "a@example.com").error().text, "the local part is longer than 64 octets");

  std::string domain;
  while (domain.size() < 250) domain += "abcdefghi.";
  domain.resize(249);  // ends within a label
  domain += "zzzzzz";
  ASSERT_EQ(domain.size(), 255u);
  EXPECT_TRUE(parse_address("a@" + domain).has_value());
  EXPECT_EQ(parse_address("a@" + domain + "z").error().text, "the domain is longer than 255 octets");
  EXPECT_TRUE(parse_address("a@" + std::string(63, 'x') + ".com").has_value());
  EXPECT_TRUE(parse_address("a@" + std::string(64, 'x') + ".com").has_error());
}

TEST(Address, ParsedTextParsesAgainToTheSame) {
  for (const char* text : {"a@b.c", "\"x y\"@b.c", "root", "a..b@b.c", "a@[192.0.2.1]", "\"\"@b.c", "\"q\"@b.c"})
    EXPECT_EQ(address(address(text).str()).str(), address(text).str()) << text;
}

TEST(Address, EqualityFoldsTheDomainOnly) {
  EXPECT_EQ(address("Ann@EXAMPLE.com"), address("Ann@example.COM"));
  EXPECT_FALSE(address("ann@example.com") == address("Ann@example.com"));
  EXPECT_FALSE(address("ann@example.com") == address("ann@example.org"));
}

TEST(Address, SearchKeyIsLowerCase) {
  EXPECT_EQ(address_search_key(address("Ann@EXAMPLE.com")), "ann@example.com");
}

TEST(Address, DomainToAscii) {
  EXPECT_EQ(domain_to_ascii("EXAMPLE.com").value(), "example.com");
  EXPECT_EQ(domain_to_ascii("b\xc3\xbc"
                            "cher.example")
                .value(),
            "xn--bcher-kva.example");
  EXPECT_EQ(domain_to_ascii("B\xc3\x9c"
                            "CHER.example")
                .value(),
            "xn--bcher-kva.example");
  EXPECT_EQ(domain_to_ascii("fa\xc3\x9f.example").value(), "xn--fa-hia.example");  // IDNA 2008, not "fass"
  EXPECT_EQ(domain_to_ascii("_dmarc.example.com").value(), "_dmarc.example.com");
  for (const char* text : {"", "a..b", "-a.com", "a b", "\xff", "a\xe2\x80\xae.com"})
    EXPECT_TRUE(domain_to_ascii(text).has_error()) << text;
}

TEST(Address, Matches) {
  EXPECT_TRUE(address_matches("root@*", address("root@host.example.com")));
  EXPECT_FALSE(address_matches("root@*", address("roots@example.com")));
  EXPECT_FALSE(address_matches("root@*", address("root")));
  EXPECT_TRUE(address_matches("*@example.com", address("Ann@Example.COM")));
  EXPECT_FALSE(address_matches("*@example.com", address("ann@sub.example.com")));
  EXPECT_TRUE(address_matches("example.com", address("ann@EXAMPLE.com")));
  EXPECT_FALSE(address_matches("example.com", address("ann@example.com.evil.org")));
  EXPECT_TRUE(address_matches("*.example.com", address("ann@mx.example.com")));
  EXPECT_TRUE(address_matches("ANN@example.com", address("ann@example.com")));
  EXPECT_TRUE(address_matches("*", address("root")));
  EXPECT_FALSE(address_matches("*", address("")));
  EXPECT_FALSE(address_matches("", address("a@b.c")));
  EXPECT_TRUE(address_matches("a*b*c@x.y", address("aabbcc@x.y")));
  EXPECT_FALSE(address_matches("a*b*d@x.y", address("aabbcc@x.y")));
  EXPECT_TRUE(address_matches("@example.com", address("ann@example.com")));
  EXPECT_FALSE(address_matches("@example.com", address("ann@mx.example.com")));
}

TEST(Address, MatchesADomainInEitherOfItsForms) {
  const std::string unicode = "m\xc3\xbcnchen.example", ascii = "xn--mnchen-3ya.example";
  for (const std::string& pattern : {unicode, ascii}) {
    for (const std::string& domain : {unicode, ascii}) {
      EXPECT_TRUE(address_matches(pattern, {"a", domain})) << pattern << " " << domain;
      EXPECT_TRUE(address_matches("*@" + pattern, {"a", domain})) << pattern << " " << domain;
      EXPECT_TRUE(address_matches("a@*." + pattern, {"a", "mx." + domain})) << pattern << " " << domain;
      EXPECT_FALSE(address_matches("b@" + pattern, {"a", domain})) << pattern << " " << domain;
    }
    EXPECT_FALSE(address_matches(pattern, {"a", "munchen.example"}));
  }
}

}  // namespace
}  // namespace postrider
