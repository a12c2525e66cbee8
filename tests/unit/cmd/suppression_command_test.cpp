// `postrider suppression` against a management side as the daemon makes it, on a memory store.
#include "cmd/suppression_command.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include <boost/json/parse.hpp>

#include "tests/unit/cmd/management_fixture.h"

namespace postrider::cmd {
namespace {

namespace json = boost::json;
using test::Said;

class SuppressionLine : public test::ManagementFixture {};

TEST_F(SuppressionLine, AddsListsAndRemoves) {
  const Said added = run({"suppression", "add", "b@example.net", "a@example.net", "--reason", "asked us to stop"});
  EXPECT_EQ(added.exit_code, EX_OK) << added.err;
  const Said listed = run({"suppression", "list"});
  EXPECT_EQ(listed.exit_code, EX_OK) << listed.err;
  EXPECT_LT(listed.out.find("a@example.net"), listed.out.find("b@example.net")) << listed.out;
  EXPECT_NE(listed.out.find("asked us to stop"), std::string::npos) << listed.out;
  EXPECT_EQ(run({"suppression", "remove", "a@example.net"}).exit_code, EX_OK);
  const json::value left = json::parse(run({"suppression", "list", "--json"}).out);
  ASSERT_EQ(left.at("suppressions").as_array().size(), 1u);
  EXPECT_EQ(left.at("suppressions").at(0).at("address"), "b@example.net");
  EXPECT_EQ(left.at("suppressions").at(0).at("actor"), "operator");
}

TEST_F(SuppressionLine, NamesTheAddressThatIsWrong) {
  const Said said = run({"suppression", "add", "a@example.net", "nobody"});
  EXPECT_NE(said.exit_code, EX_OK);
  EXPECT_NE(said.err.find("nobody: "), std::string::npos) << said.err;
  EXPECT_NE(run({"suppression", "list"}).out.find("a@example.net"), std::string::npos);
  EXPECT_EQ(run({"suppression", "remove", "other@example.net"}).exit_code, EX_NOINPUT);
  EXPECT_EQ(run({"suppression", "add"}).exit_code, EX_USAGE);
}

TEST_F(SuppressionLine, AnUpstreamWithoutAProviderHasNoHooks) {
  const Said said = run({"upstream", "hooks", "primary"});
  EXPECT_EQ(said.exit_code, EX_DATAERR);
  EXPECT_NE(said.err.find("reports no events"), std::string::npos) << said.err;
}

TEST_F(SuppressionLine, SaysThatAProviderCannotBeReached) {
  const Said said =
      run({"upstream", "hooks", "backup", "--register", "--report-to", "https://hooks.example.com/hooks/backup"});
  EXPECT_EQ(said.exit_code, EX_UNAVAILABLE) << said.err;
  EXPECT_NE(said.out.find("backup does not report all events to https://hooks.example.com/hooks/backup"),
            std::string::npos)
      << said.out;
  EXPECT_NE(said.out.find("connection refused"), std::string::npos) << said.out;
}

}  // namespace
}  // namespace postrider::cmd
