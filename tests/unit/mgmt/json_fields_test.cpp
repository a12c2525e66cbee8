#include "mgmt/json_fields.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "mgmt/json_duplicates.h"

namespace postrider::mgmt {
namespace {

struct Read {
  explicit Read(const std::string& text) : document(boost::json::parse(text)), fields(document, "/at", faults) {}
  boost::json::value document;
  Faults faults;
  JsonFields fields;

  std::string only_fault() const {
    if (faults.size() != 1) return std::to_string(faults.size()) + " faults";
    return faults[0].pointer + ": " + faults[0].detail;
  }
};

TEST(JsonFields, AMemberThatIsAbsentOrNullIsNothing) {
  Read r(R"({"a": null})");
  EXPECT_FALSE(r.fields.text("a"));
  EXPECT_FALSE(r.fields.number("b", 0, 1));
  EXPECT_FALSE(r.fields.time("a"));
  EXPECT_TRUE(r.fields.array("a", 5).empty());
  EXPECT_FALSE(r.fields.has("a"));
  r.fields.finish();
  EXPECT_TRUE(r.faults.empty());
}

TEST(JsonFields, EveryTypeIsRead) {
  Read r(R"({"t":"x","n":7,"f":true,"at":"2026-01-31T08:15:00Z","d":"90s","s":30,"o":{"k":1,"l":"m","n":false,"q":1.5},
             "one":"a","many":["a","b"]})");
  EXPECT_EQ(r.fields.text("t"), "x");
  EXPECT_EQ(r.fields.number("n", 0, 10), 7);
  EXPECT_EQ(r.fields.flag("f"), true);
  EXPECT_EQ(format_rfc3339(*r.fields.time("at")), "2026-01-31T08:15:00.000Z");
  EXPECT_EQ(r.fields.duration("d"), std::chrono::seconds(90));
  EXPECT_EQ(r.fields.duration("s"), std::chrono::seconds(30));
  EXPECT_EQ(r.fields.text_or_number("n"), "7");
  const std::vector<std::pair<std::string, std::string>> texts{{"k", "1"}, {"l", "m"}, {"n", "false"}, {"q", "1.5"}};
  EXPECT_EQ(r.fields.texts_by_name("o", 10, 10), texts);
  ASSERT_EQ(r.fields.one_or_many("one", 3).size(), 1u);
  EXPECT_EQ(r.fields.one_or_many("one", 3)[0].at, "/at/one");
  ASSERT_EQ(r.fields.one_or_many("many", 3).size(), 2u);
  EXPECT_EQ(r.fields.one_or_many("many", 3)[1].at, "/at/many/1");
  r.fields.finish();
  EXPECT_TRUE(r.faults.empty());
}

TEST(JsonFields, AWrongTypeIsAFaultAtItsPlace) {
  for (const auto& [text, fault] :
       std::vector<std::pair<std::string, std::string>>{{R"({"x":1})", "/at/x: must be a string"},
                                                        {R"({"x":[]})", "/at/x: must be a string"},
                                                        {R"({"x":"12345"})", "/at/x: may have at most 4 octets"}}) {
    Read r(text);
    EXPECT_FALSE(r.fields.text("x", 4)) << text;
    EXPECT_EQ(r.only_fault(), fault);
  }
  for (const std::string value : {"\"1\"", "11", "-1", "1.5", "1e30", "true", "99999999999999999999"}) {
    Read r("{\"x\":" + value + "}");
    EXPECT_FALSE(r.fields.number("x", 0, 10)) << value;
    EXPECT_EQ(r.only_fault(), "/at/x: must be a whole number from 0 to 10");
  }
  for (const std::string value : {"\"10\"", "\"soon\"", "-1", "1.5", "9999999999999", "\"999999d\"", "[]"}) {
    Read r("{\"x\":" + value + "}");
    EXPECT_FALSE(r.fields.duration("x")) << value;
    EXPECT_EQ(r.faults.size(), 1u) << value;
  }
}

TEST(JsonFields, AMemberNobodyAskedForIsAFaultThatNamesTheNearest) {
  Read r(R"({"subjcet":"x","zzzzzz":1})");
  r.fields.text("subject");
  r.fields.ignore("html");
  r.fields.finish();
  ASSERT_EQ(r.faults.size(), 2u);
  EXPECT_EQ(r.faults[0].pointer, "/at/subjcet");
  EXPECT_EQ(r.faults[0].detail, "there is no such field; did you mean 'subject'?");
  EXPECT_EQ(r.faults[1].detail, "there is no such field");
}

TEST(JsonFields, PointersAreEscaped) {
  EXPECT_EQ(member_of("", "a/b~c"), "/a~1b~0c");
  EXPECT_EQ(element_of("/to", 3), "/to/3");
  Read r(R"({"a/b":1})");
  r.fields.finish();
  EXPECT_EQ(r.faults.at(0).pointer, "/at/a~1b");
}

TEST(JsonFields, WhatIsNoObjectHasNoMembers) {
  Read r("[1]");
  EXPECT_EQ(r.only_fault(), "/at: must be an object");
  EXPECT_FALSE(r.fields.text("x"));
  r.fields.finish();
  EXPECT_EQ(r.faults.size(), 1u);
}

TEST(JsonFields, ALongNameIsToldInPartWithWholeCharacters) {
  std::string name;
  for (int i = 0; i < 100; ++i) name += "€";
  Read r("{\"x" + name + "\":1}");
  r.fields.finish();
  ASSERT_EQ(r.faults.size(), 1u);
  EXPECT_LE(r.faults[0].pointer.size(), 4 + 128u);
  EXPECT_TRUE(r.faults[0].pointer.ends_with("€"));
}

TEST(JsonFields, FaultsAreBounded) {
  std::string text = "{";
  for (int i = 0; i < 500; ++i) text += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":1";
  Read r(text + "}");
  r.fields.finish();
  EXPECT_EQ(r.faults.size(), kMaxFaults);
}

TEST(ParseDocument, WhatIsNoJsonIsOneFault) {
  for (const std::string text : {"", "{", "{\"a\":\"\xff\"}", "{'a':1}", "{\"a\":1} x", "nul"}) {
    Faults faults;
    EXPECT_FALSE(parse_document(text, faults)) << text;
    ASSERT_EQ(faults.size(), 1u);
    EXPECT_EQ(faults[0].pointer, "");
  }
  Faults faults;
  EXPECT_FALSE(parse_document(std::string(100'000, '['), faults));
  EXPECT_EQ(faults.size(), 1u);
}

TEST(ParseDocument, AMemberThatIsGivenTwiceIsAFault) {
  for (const auto& [text, pointer] :
       std::vector<std::pair<std::string, std::string>>{{R"({"to":"a","to":"b"})", "/to"},
                                                        {R"({"a":[1,{"x":1},{"b/c":{},"b\/c":[]}]})", "/a/2/b~1c"},
                                                        {R"({"\u0074o":1,"x":[[],"s",{}],"to":2})", "/to"}}) {
    Faults faults;
    EXPECT_FALSE(parse_document(text, faults)) << "one of the two would be lost for who looks at the value only";
    ASSERT_EQ(faults.size(), 1u) << text;
    EXPECT_EQ(faults[0].pointer, pointer);
  }
  Faults none;
  EXPECT_TRUE(parse_document(R"([{"a":1},{"a":{"a":1}},{"A":1,"a":1}])", none));
  EXPECT_TRUE(none.empty());
}

// An object of `count` members "0", "1" and so on.
std::string object_of(std::size_t count) {
  std::string text = "{";
  for (std::size_t i = 0; i < count; ++i) text += (i ? ",\"" : "\"") + std::to_string(i) + "\":0";
  return text + "}";
}

TEST(ParseDocument, MembersAndValuesAreBounded) {
  Faults faults;
  EXPECT_TRUE(parse_document(object_of(kMaxMembers), faults));
  EXPECT_TRUE(faults.empty());
  EXPECT_FALSE(parse_document("[1,{\"a\":" + object_of(kMaxMembers + 1) + "}]", faults));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0].pointer, "/1/a");

  std::string values = "[0";
  for (std::size_t i = 2; i < kMaxValues; ++i) values += ",0";
  Faults none, one;
  EXPECT_TRUE(parse_document(values + "]", none)) << "with the array itself as many as there may be";
  EXPECT_TRUE(none.empty());
  EXPECT_FALSE(parse_document(values + ",0]", one));
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].pointer, "");
}

}  // namespace
}  // namespace postrider::mgmt
