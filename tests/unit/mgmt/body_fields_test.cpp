// JSON request bodies under bounds.
#include "mgmt/body_fields.h"

#include <gtest/gtest.h>

namespace postrider::mgmt {
namespace {

TEST(BodyFields, ReadsWhatItKnows) {
  const auto fields = BodyFields::parse(R"({"a":"x","b":true,"d":null})", {"a", "b", "d"});
  ASSERT_TRUE(fields);
  EXPECT_EQ(fields->text("a").value(), "x");
  EXPECT_TRUE(fields->flag("b", false).value());
  EXPECT_EQ(fields->text("d").value(), std::nullopt);
  EXPECT_EQ(fields->text("absent").value(), std::nullopt);
}

TEST(BodyFields, AnEmptyBodyHasNoMembers) {
  EXPECT_TRUE(BodyFields::parse("", {}));
}

TEST(BodyFields, RefusesWhatIsNoObjectOrHasOtherMembers) {
  for (const char* text : {"{", "[]", "1", "null", R"({"other":1})", R"({"a":1} x)"})
    EXPECT_FALSE(BodyFields::parse(text, {"a"})) << text;
  EXPECT_NE(BodyFields::parse(R"({"other":1})", {"a"}).error().text.find("'other'"), std::string::npos);
}

TEST(BodyFields, RefusesDeepNesting) {
  const std::string deep = R"({"a":)" + std::string(1000, '[') + std::string(1000, ']') + "}";
  EXPECT_FALSE(BodyFields::parse(deep, {"a"}));
}

TEST(BodyFields, RefusesOtherTypesAndLengths) {
  const auto fields = BodyFields::parse(R"({"a":"12345","b":1})", {"a", "b"});
  ASSERT_TRUE(fields);
  EXPECT_TRUE(fields->text("a", 5));
  EXPECT_FALSE(fields->text("a", 4));
  EXPECT_FALSE(fields->text("b"));
  EXPECT_FALSE(fields->flag("b", true));
}

}  // namespace
}  // namespace postrider::mgmt
