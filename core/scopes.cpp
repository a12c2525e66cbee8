#include "core/scopes.h"

#include <array>

namespace postrider {

namespace {

constexpr std::array<Scope, 4> kScopes{Scope::send, Scope::read, Scope::steer, Scope::admin};

}  // namespace

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::send:
      return "send";
    case Scope::read:
      return "read";
    case Scope::steer:
      return "steer";
    case Scope::admin:
      return "admin";
  }
  return "";
}

std::optional<Scope> parse_scope(std::string_view name) {
  for (const Scope scope : kScopes)
    if (to_string(scope) == name) return scope;
  return std::nullopt;
}

std::vector<std::string_view> Scopes::names() const {
  std::vector<std::string_view> out;
  for (const Scope scope : kScopes)
    if ((bits_ & static_cast<std::uint8_t>(scope)) != 0) out.push_back(to_string(scope));
  return out;
}

}  // namespace postrider
