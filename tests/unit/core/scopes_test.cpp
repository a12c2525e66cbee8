#include "core/scopes.h"

#include <gtest/gtest.h>

namespace postrider {
namespace {

TEST(Scopes, HoldWhatWasAdded) {
  Scopes scopes;
  EXPECT_TRUE(scopes.empty());
  scopes.add(Scope::read);
  EXPECT_FALSE(scopes.empty());
  EXPECT_TRUE(scopes.has(Scope::read));
  for (const Scope other : {Scope::send, Scope::steer, Scope::admin}) EXPECT_FALSE(scopes.has(other));
  EXPECT_EQ(scopes, Scopes{Scope::read});
  EXPECT_NE(scopes, (Scopes{Scope::read, Scope::send}));
}

TEST(Scopes, AdminHoldsTheOthers) {
  const Scopes admin{Scope::admin};
  for (const Scope scope : {Scope::send, Scope::read, Scope::steer, Scope::admin}) EXPECT_TRUE(admin.has(scope));
  EXPECT_EQ(admin.names(), std::vector<std::string_view>{"admin"}) << "what was given, not what it holds";
  EXPECT_NE(admin, Scopes::all());
}

TEST(Scopes, AreNamedInOneOrder) {
  EXPECT_EQ((Scopes{Scope::steer, Scope::send}).names(), (std::vector<std::string_view>{"send", "steer"}));
  EXPECT_EQ(Scopes::all().names(), (std::vector<std::string_view>{"send", "read", "steer", "admin"}));
  EXPECT_TRUE(Scopes().names().empty());
}

TEST(Scopes, BitsComeBackAndOthersAreDropped) {
  for (std::uint8_t bits = 0; bits < 16; ++bits) EXPECT_EQ(Scopes::from_bits(bits).bits(), bits);
  EXPECT_EQ(Scopes::from_bits(0xf1), Scopes{Scope::send});
}

TEST(Scopes, NamesAreParsedExactly) {
  for (const Scope scope : {Scope::send, Scope::read, Scope::steer, Scope::admin})
    EXPECT_EQ(parse_scope(to_string(scope)), scope);
  for (const char* name : {"", "Send", "sen", "send ", "all", "*"}) EXPECT_EQ(parse_scope(name), std::nullopt) << name;
}

}  // namespace
}  // namespace postrider
