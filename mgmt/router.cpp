#include "mgmt/router.h"

#include <algorithm>

#include "mgmt/media_type.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

namespace {

std::vector<std::string_view> split(std::string_view pattern) {
  std::vector<std::string_view> segments;
  pattern.remove_prefix(1);
  while (true) {
    const auto slash = pattern.find('/');
    segments.push_back(pattern.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    pattern.remove_prefix(slash + 1);
  }
}

bool is_capture(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{';
}

// Fills `captures` when the path fits.
bool fits(const std::vector<std::string_view>& pattern, const std::vector<std::string>& path,
          std::vector<std::string>& captures) {
  if (pattern.size() != path.size()) return false;
  captures.clear();
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_capture(pattern[i]) && !path[i].empty())
      captures.push_back(path[i]);
    else if (pattern[i] != path[i])
      return false;
  }
  return true;
}

void add_method(std::string& allow, http::verb method) {
  if (!allow.empty()) allow += ", ";
  allow += http::to_string(method);
  if (method == http::verb::get) allow += ", HEAD";
}

std::optional<Response> refuse_parameters(const Request& request, const Route& route) {
  for (std::size_t i = 0; i < request.query.size(); ++i) {
    const std::string& name = request.query[i].first;
    if (std::find(route.parameters.begin(), route.parameters.end(), name) == route.parameters.end())
      return problem(ProblemType::unknown_parameter, "there is no parameter '" + name + "' here");
    const auto same = [&](const auto& other) { return other.first == name; };
    if (std::count_if(request.query.begin(), request.query.end(), same) > 1)
      return problem(ProblemType::invalid_parameter, "parameter '" + name + "' is given more than once");
  }
  return std::nullopt;
}

}  // namespace

Router::Router(const Authenticator& authenticator, Log& log) : authenticator_(authenticator), log_(log) {}

void Router::add(Route route) {
  auto segments = split(route.pattern);
  entries_.push_back({std::move(route), std::move(segments)});
}

boost::asio::awaitable<Response> Router::handle(Request& request) const {
  const Match found = match(request);
  if (!found.route) {
    if (found.allow.empty()) co_return problem(ProblemType::not_found, "there is nothing at this path");
    Response refusal = problem(ProblemType::method_not_allowed, "this path answers " + found.allow);
    refusal.headers.emplace_back("Allow", found.allow);
    co_return refusal;
  }
  if (auto refusal = refuse(request, *found.route)) co_return std::move(*refusal);
  std::string trouble;
  try {
    co_return co_await found.route->handler(request);
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  log_.error("http.handler_failed", {{"request_id", request.id}, {"target", request.target}, {"error", trouble}});
  co_return problem(ProblemType::internal, "the request failed; the log has it under request id " + request.id);
}

Router::Match Router::match(Request& request) const {
  const http::verb wanted = request.method == http::verb::head ? http::verb::get : request.method;
  Match result;
  for (const Entry& entry : entries_) {
    if (!fits(entry.segments, request.segments, request.captures)) continue;
    if (entry.route.method == wanted) {
      result.route = &entry.route;
      return result;
    }
    add_method(result.allow, entry.route.method);
  }
  return result;
}

std::optional<Response> Router::refuse(Request& request, const Route& route) const {
  if (route.access != Access::open) {
    auto checked = authenticator_.check(request);
    if (auto* refusal = std::get_if<Response>(&checked)) return std::move(*refusal);
    request.principal = std::get<Principal>(std::move(checked));
    if (route.access == Access::operator_key && !request.principal.is_operator())
      return problem(ProblemType::forbidden, "this is for the operator of the relay");
  }
  if (!route.produces.empty() && !accepts(request.accept, route.produces))
    return problem(ProblemType::not_acceptable, "this path gives " + std::string(route.produces));
  if (auto refusal = refuse_parameters(request, route)) return refusal;
  if (!request.body.empty() && !is_json(request.content_type))
    return problem(ProblemType::unsupported_media_type, "a body must be JSON and say Content-Type: application/json");
  return std::nullopt;
}

}  // namespace postrider::mgmt
