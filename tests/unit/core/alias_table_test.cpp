// Aliases that lead to aliases.
#include "core/alias_table.h"

#include <gtest/gtest.h>

namespace postrider {
namespace {

std::string end_of(const AliasTable& table, const Address& address) {
  const Address* end = table.find(address);
  return end == nullptr ? "no alias" : end->str();
}

std::vector<std::string> texts(const AliasTable& table) {
  std::vector<std::string> all;
  for (const AliasTable::Trouble& trouble : table.troubles()) all.push_back(trouble.name + trouble.text);
  return all;
}

TEST(AliasTable, ATargetIsLookedUpAsTheAddressBeforeItWas) {
  const AliasTable table(
      {{"postmaster", "Root@Example.ORG"}, {"root", "ops@example.com"}, {"root@example.com", "x@y.z"}},
      {"example.org"});
  EXPECT_EQ(end_of(table, {"PostMaster", ""}), "ops@example.com");
  EXPECT_EQ(end_of(table, {"postmaster", "example.org"}), "ops@example.com");
  EXPECT_EQ(end_of(table, {"postmaster", "example.com"}), "no alias");
  EXPECT_EQ(end_of(table, {"root", "example.com"}), "x@y.z");
  EXPECT_TRUE(table.troubles().empty());
}

TEST(AliasTable, TheWholeAddressComesBeforeTheName) {
  const AliasTable table(
      {{"a", "root@example.org"}, {"root", "name@x.example"}, {"root@example.org", "whole@x.example"}},
      {"example.org"});
  EXPECT_EQ(end_of(table, {"a", ""}), "whole@x.example");
  EXPECT_EQ(end_of(table, {"root", ""}), "name@x.example");
}

TEST(AliasTable, OneThatNamesItselfEndsThere) {
  const AliasTable table({{"postmaster", "root"}, {"root", "ROOT@example.org"}}, {"example.org"});
  EXPECT_EQ(end_of(table, {"postmaster", ""}), "ROOT@example.org");
  EXPECT_TRUE(table.troubles().empty());
}

TEST(AliasTable, ACircleIsToldOnceAndLeftWhereItBeginsAnew) {
  const AliasTable table({{"in", "a"}, {"a", "b"}, {"b", "c"}, {"c", "a"}}, {});
  EXPECT_EQ(texts(table), std::vector<std::string>{"a goes round in a circle: a -> b -> c -> a"});
  EXPECT_EQ(end_of(table, {"in", ""}), "a");
  EXPECT_EQ(end_of(table, {"b", ""}), "b");
}

TEST(AliasTable, AChainHasABound) {
  AliasTable::Pairs pairs;
  for (int i = 0; i < 101; ++i) pairs.emplace_back("n" + std::to_string(i), "n" + std::to_string(i + 1));
  pairs.emplace_back("n101", "end@example.com");
  const AliasTable table(pairs, {});
  EXPECT_EQ(texts(table), (std::vector<std::string>{"n0 leads \"n0\" through more than 100 names",
                                                    "n1 leads \"n1\" through more than 100 names"}));
  EXPECT_EQ(end_of(table, {"n2", ""}), "end@example.com");
  EXPECT_EQ(end_of(table, {"n0", ""}), "n100") << "where it breaks off";
}

TEST(AliasTable, WhatIsNoAddressIsLeftOutAndTheFirstOfTwoHolds) {
  const AliasTable table({{"root", "@@"}, {"", "x@y.z"}, {"a", "first@x.example"}, {"A", "second@x.example"}}, {""});
  EXPECT_EQ(end_of(table, {"root", ""}), "no alias");
  EXPECT_EQ(end_of(table, {"a", ""}), "first@x.example");
}

}  // namespace
}  // namespace postrider
