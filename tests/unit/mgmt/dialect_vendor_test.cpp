// What the dialects of the vendors share: placeholders, pointers, the end of a call.
#include "mgmt/dialects/vendor.h"

#include <gtest/gtest.h>

#include "mgmt/dialects/replacements.h"

namespace postrider::mgmt {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string replaced(Pairs pairs, std::string_view text) {
  std::uint64_t steps = 1000;
  return Replacements(std::move(pairs)).in(text, 1000, steps).value_or("too long");
}

TEST(Replacements, PutsValuesWherePlaceholdersStand) {
  EXPECT_EQ(replaced({{"{{a}}", "1"}, {"{{b}}", "2"}}, "{{a}} and {{b}}, {{c}} {{a}"), "1 and 2, {{c}} {{a}");
  EXPECT_EQ(replaced({{"-a-", "x"}}, "-a--a-"), "xx");
  EXPECT_EQ(replaced({}, "as it is"), "as it is");
  EXPECT_EQ(replaced({{"a", ""}}, "banana"), "bnn");
}

TEST(Replacements, MeansTheLongestAndNeverLooksAtWhatItPutIn) {
  EXPECT_EQ(replaced({{"n", "short"}, {"name", "long"}}, "name n"), "long short");
  EXPECT_EQ(replaced({{"a", "b"}, {"b", "a"}}, "ab"), "ba");
  EXPECT_EQ(replaced({{"\xff", "x"}, {"ü", "u"}}, "\xffü"), "xu");
}

TEST(Replacements, AreBounded) {
  const Replacements replacements({{"a", std::string(100, 'x')}});
  std::uint64_t steps = 1000;
  EXPECT_FALSE(replacements.in("aaaaaaaaaaa", 1000, steps));
  EXPECT_TRUE(replacements.in("aaaaaaaaaa", 1000, steps));
  const Replacements alike({{"aaab", "x"}, {"aaac", "y"}});
  steps = 1000;
  EXPECT_TRUE(alike.in(std::string(100, 'a'), 1000, steps));
  EXPECT_LT(steps, 1000u - 97 * 6 + 1);
  EXPECT_FALSE(alike.in(std::string(100, 'a'), 1000, steps)) << "the work is bounded as well";
}

TEST(Vendor, WritesPointersWithDots) {
  EXPECT_EQ(dotted("/personalizations/0/to/1/email"), "personalizations.0.to.1.email");
  EXPECT_EQ(dotted("/headers/X~1Y~0Z"), "headers.X/Y~Z");
  EXPECT_EQ(dotted(""), "");
  EXPECT_EQ(dotted("/odd~"), "odd~");
}

TEST(Vendor, SaysEachFaultOnce) {
  const auto faults = distinct({{"/a", "x"}, {"/a", "x"}, {"/a", "y"}, {"/b", "x"}, {"/a", "x"}});
  ASSERT_EQ(faults.size(), 3u);
  EXPECT_EQ(faults[1].detail, "y");
  EXPECT_EQ(faults[2].pointer, "/b");
}

TEST(Vendor, TheSizeOfALetterIsAllOfIt) {
  const std::string large(100'000, 'x');
  const Party party{"a@example.net", large, "/to/0"};
  const std::uint64_t empty = size_of(Letter());
  std::vector<Letter> all(14);
  all[0].from = all[1].to.emplace_back() = all[2].cc.emplace_back() = all[3].bcc.emplace_back() = party;
  all[4].reply_to = all[5].envelope_recipients = {party};
  all[6].sender = party;
  all[7].headers = all[8].metadata = {{"name", large}};
  all[9].tags = {large};
  all[10].alternatives = {{"text/calendar", large, ""}};
  all[11].attachments.emplace_back().octets = large;
  all[12].raw = large;
  all[13].html = large;
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_GE(size_of(all[i]), empty + large.size()) << i;
  Letter to_many;
  to_many.to.resize(1000);
  EXPECT_GE(size_of(to_many), empty + 1000 * sizeof(Party)) << "short addresses take room as well";
}

TEST(Vendor, ACallThatMadeEverythingHasNoRefusal) {
  SendOutcome outcome;
  outcome.letters.resize(2);
  EXPECT_FALSE(first_refusal(outcome)) << "a dry run";
  outcome.letters[1].refusal.detail = "the spool is full";
  ASSERT_TRUE(first_refusal(outcome));
  EXPECT_EQ(first_refusal(outcome)->detail, "the spool is full");
  outcome.refusal = Refusal{ProblemType::too_many_requests, "slower", {}, {}, {}};
  EXPECT_EQ(first_refusal(outcome)->type, ProblemType::too_many_requests);
}

}  // namespace
}  // namespace postrider::mgmt
