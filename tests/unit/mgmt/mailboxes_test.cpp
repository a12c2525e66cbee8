#include "mgmt/mailboxes.h"

#include <gtest/gtest.h>

namespace postrider::mgmt {
namespace {

// "name|email" of each, or "refused".
std::vector<std::string> read(std::string_view text) {
  Faults faults;
  std::vector<std::string> out;
  for (const Party& party : read_mailboxes(text, "/to", faults)) out.push_back(party.name + "|" + party.email);
  EXPECT_EQ(faults.size(), out.empty() ? 1u : 0u) << text;
  return out;
}

using List = std::vector<std::string>;

TEST(Mailboxes, AddressWithAndWithoutName) {
  EXPECT_EQ(read("a@x.test"), List{"|a@x.test"});
  EXPECT_EQ(read(" <a@x.test> "), List{"|a@x.test"});
  EXPECT_EQ(read("App <a@x.test>"), List{"App|a@x.test"});
  EXPECT_EQ(read("Acme: Support [EU], <a@x.test>"), List{}) << "a comma ends a mailbox";
  EXPECT_EQ(read("Acme: Support [EU] <a@x.test>"), List{"Acme: Support [EU]|a@x.test"});
  EXPECT_EQ(read("\"a b\"@x.test"), List{"|\"a b\"@x.test"});
}

TEST(Mailboxes, NamesOfAnyLanguage) {
  EXPECT_EQ(read("Zoë Ä <z@x.test>"), List{"Zoë Ä|z@x.test"});
  EXPECT_EQ(read("=?utf-8?q?Zo=C3=AB?= <z@x.test>"), List{"Zoë|z@x.test"});
  EXPECT_EQ(read(R"("Doe, \"A\" \\" <a@x.test>)"), List{R"(Doe, "A" \|a@x.test)"});
}

TEST(Mailboxes, Lists) {
  EXPECT_EQ(read("a@x.test, \"B, b\" <b@x.test>,c@x.test ,"), (List{"|a@x.test", "B, b|b@x.test", "|c@x.test"}));
}

// Each of these would lose a recipient, or send to another, if it were taken for what it nearly is.
TEST(Mailboxes, NothingIsGuessed) {
  for (const char* text : {"", " , ", "nobody", "Doe, A <a@x.test>", "a@x.test; b@y.test", "a@x.test b <c@y.test>",
                           "<a@x.test> x", "<a@x.test", "a@x.test>", "\"open <a@x.test>", "\"A\" B <a@x.test>",
                           "A <b@x.test> <c@y.test>", "list: a@x.test;", "<>", "A\r\nBcc: b@y.test <a@x.test>",
                           "a@x.test\r\nBcc: b@y.test", "=?utf-8?q?A=0D=0ABcc:?= <a@x.test>"})
    EXPECT_EQ(read(text), List{}) << text;
}

TEST(Mailboxes, AsManyAsALetterMayHave) {
  std::string list;
  for (std::size_t i = 0; i < kMaxLetterRecipients; ++i) list += "u" + std::to_string(i) + "@x.test,";
  EXPECT_EQ(read(list).size(), kMaxLetterRecipients);
  Faults faults;
  EXPECT_TRUE(read_mailboxes(list + "one@x.test, and this is none", "/to", faults).empty());
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].detail, "may have at most 1000 addresses");
}

TEST(Mailboxes, One) {
  Faults faults;
  EXPECT_EQ(read_mailbox("App <a@x.test>", "/from", faults)->email, "a@x.test");
  EXPECT_FALSE(read_mailbox("a@x.test, b@x.test", "/from", faults));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].pointer, "/from");
}

TEST(Mailboxes, WordsOfASubject) {
  EXPECT_EQ(decoded_words("=?utf-8?b?R3LDvMOfZQ==?= again"), "Grüße again");
  EXPECT_EQ(decoded_words("2 =? 3"), "2 =? 3");
}

}  // namespace
}  // namespace postrider::mgmt
