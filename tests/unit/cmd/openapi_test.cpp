// docs/openapi.json against the routes that the daemon answers, as it puts them together, both ways: none is undocumented, and none
// is only on paper; neither are their parameters, scopes and media types. What they say is tests/e2e/test_api_examples.py's to check.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <map>
#include <set>

#include "tests/checkout.h"
#include "tests/unit/cmd/management_fixture.h"

namespace postrider::cmd::test {
namespace {

namespace json = boost::json;
using Names = std::set<std::string>;

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

class OpenApi : public ManagementFixture {
 protected:
  OpenApi() : document_(json::parse(committed("docs/openapi.json"))) {
    for (const auto& [path, item] : document_.at("paths").as_object())
      for (const auto& [method, operation] : item.as_object())
        operations_.emplace(std::string(method) + " " + std::string(path), &operation.as_object());
    for (const mgmt::Route* route : management_.router().routes())
      routes_.emplace(lower(mgmt::http::to_string(route->method)) + " " + std::string(route->pattern), route);
  }

  // What a reference names, or the value itself.
  const json::object& follow(const json::value& value) const {
    const json::value* reference = value.as_object().if_contains("$ref");
    if (reference == nullptr) return value.as_object();
    return document_.at_pointer(reference->as_string().subview(1)).as_object();
  }

  static Names media_types(const json::object& holder) {
    Names names;
    if (const json::value* content = holder.if_contains("content"))
      for (const auto& [media, unused] : content->as_object()) names.emplace(media);
    return names;
  }

  // Calls check(name, operation, route) for each that is on both sides.
  template <class Check>
  void for_each(Check check) {
    ASSERT_GT(routes_.size(), 50u);
    for (const auto& [name, route] : routes_) {
      const auto found = operations_.find(name);
      if (found == operations_.end()) continue;  // EveryRouteIsInTheDocument tells
      SCOPED_TRACE(name);
      check(*found->second, *route);
    }
  }

  const json::value document_;
  std::map<std::string, const json::object*> operations_;
  std::map<std::string, const mgmt::Route*> routes_;
};

TEST_F(OpenApi, EveryRouteIsInTheDocument) {
  for (const auto& [name, unused] : routes_) EXPECT_TRUE(operations_.contains(name)) << name;
}

TEST_F(OpenApi, EveryOperationOfTheDocumentIsARoute) {
  for (const auto& [name, unused] : operations_) EXPECT_TRUE(routes_.contains(name)) << name;
}

TEST_F(OpenApi, ParametersAreThoseThatTheRouteKnows) {
  for_each([&](const json::object& operation, const mgmt::Route& route) {
    Names described;
    if (const json::value* parameters = operation.if_contains("parameters")) {
      for (const json::value& each : parameters->as_array()) {
        const json::object& parameter = follow(each);
        const std::string name(parameter.at("name").as_string());
        if (parameter.at("in") == "query") described.insert(name);
        if (parameter.at("in") != "path") continue;
        EXPECT_NE(route.pattern.find("{" + name + "}"), std::string_view::npos);
      }
    }
    EXPECT_EQ(described, Names(route.parameters.begin(), route.parameters.end()));
  });
}

TEST_F(OpenApi, ScopesAreThoseThatTheRouteAsksFor) {
  const std::map<mgmt::Access, std::string> names{{mgmt::Access::open, ""},
                                                  {mgmt::Access::read, "read"},
                                                  {mgmt::Access::send, "send"},
                                                  {mgmt::Access::steer, "steer"},
                                                  {mgmt::Access::admin, "admin"}};
  for_each([&](const json::object& operation, const mgmt::Route& route) {
    const json::value* scope = operation.if_contains("x-scope");
    EXPECT_EQ(scope ? std::string(scope->as_string()) : "", names.at(route.access));
    const json::value* security = operation.if_contains("security");
    const auto needs_nothing = [](const json::value& way) { return way.as_object().empty(); };
    const bool is_open =
        security != nullptr && (security->as_array().empty() ||
                                std::any_of(security->as_array().begin(), security->as_array().end(), needs_nothing));
    EXPECT_EQ(is_open, route.access == mgmt::Access::open);
  });
}

TEST_F(OpenApi, MediaTypesAreThoseOfTheRoute) {
  for_each([&](const json::object& operation, const mgmt::Route& route) {
    if (const json::value* body = operation.if_contains("requestBody")) {
      EXPECT_EQ(media_types(body->as_object()), Names(route.consumes.begin(), route.consumes.end()));
    } else {
      EXPECT_EQ(route.body, mgmt::BodySize::small);
    }
    if (route.produces.empty()) return;
    Names produced;
    for (const auto& [status, answer] : operation.at("responses").as_object())
      produced.merge(media_types(follow(answer)));
    EXPECT_TRUE(produced.contains(std::string(route.produces))) << route.produces;
  });
}

TEST_F(OpenApi, EveryBodyMayBeTooLarge) {
  for_each([&](const json::object& operation, const mgmt::Route& route) {
    if (route.body != mgmt::BodySize::message) return;
    const json::object& answers = operation.at("responses").as_object();
    EXPECT_TRUE(answers.contains("413") || answers.contains("4XX"));
  });
}

TEST_F(OpenApi, SaysTheVersionOfTheProgram) {
  EXPECT_EQ(document_.at("info").at("version"), POSTRIDER_VERSION);
}

}  // namespace
}  // namespace postrider::cmd::test
