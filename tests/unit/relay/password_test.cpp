#include "relay/inbound/password.h"

#include <gtest/gtest.h>

namespace postrider::relay {
namespace {

TEST(Password, MatchesItsHashAndNoOther) {
  std::string hash = make_password_hash("correct horse").value();
  EXPECT_TRUE(hash.starts_with("scrypt$ln=14,r=8,p=1$"));
  EXPECT_TRUE(verify_password(hash, "correct horse"));
  EXPECT_FALSE(verify_password(hash, "correct horsf"));
  EXPECT_FALSE(verify_password(hash, "correct hors"));
  EXPECT_FALSE(verify_password(hash, ""));
}

TEST(Password, TwoHashesOfOnePasswordDiffer) {
  EXPECT_NE(make_password_hash("x").value(), make_password_hash("x").value());
}

// RFC 7914 12., third vector: N = 16384, r = 8, p = 1.
TEST(Password, AgreesWithTheStandard) {
  const std::string hash =
      "scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$"
      "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw==";
  EXPECT_TRUE(verify_password(hash, "pleaseletmein"));
}

TEST(Password, AnEmptyOneIsRefusedAndOneCharacterIsEnough) {
  EXPECT_FALSE(make_password_hash(""));
  EXPECT_FALSE(make_scram_text(""));
  EXPECT_FALSE(make_password_hash(std::string(kMaxPassword + 1, 'x')));
  EXPECT_TRUE(verify_password(make_password_hash("x").value(), "x"));
}

TEST(Password, AHashNobodyCanReadFitsNothing) {
  std::string good = make_password_hash("x").value();
  std::vector<std::string> bad{"",
                               "x",
                               "scrypt",
                               "scrypt$$$",
                               "bcrypt" + good.substr(6),
                               good.substr(0, good.size() - 5),
                               "scrypt$ln=40,r=8,p=1" + good.substr(good.find('$', 8)),
                               "scrypt$ln=14,r=8" + good.substr(good.find('$', 8)),
                               good + "$"};
  for (const std::string& hash : bad) EXPECT_FALSE(verify_password(hash, "x")) << hash;
}

TEST(Password, TheDecoyFitsNothing) {
  EXPECT_FALSE(verify_password(decoy_password_hash(), ""));
  EXPECT_FALSE(verify_password(decoy_password_hash(), "x"));
}

TEST(Password, AUserWithOnlyAVerifierCanLogInWithThePassword) {
  storage::UserRecord user;
  EXPECT_FALSE(password_matches(user, ""));
  user.scram = make_scram_text("secret").value();
  EXPECT_TRUE(password_matches(user, "secret"));
  EXPECT_FALSE(password_matches(user, "Secret"));
}

}  // namespace
}  // namespace postrider::relay
