#include "mgmt/router.h"

#include <algorithm>

namespace postrider::mgmt {

namespace {

std::vector<std::string_view> split(std::string_view pattern) {
  std::vector<std::string_view> segments;
  pattern.remove_prefix(1);
  if (pattern.empty()) return segments;  // "/"
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

std::optional<Refusal> refuse_parameters(const Request& request, const Route& route) {
  for (std::size_t i = 0; i < request.query.size(); ++i) {
    const std::string& name = request.query[i].first;
    if (std::find(route.parameters.begin(), route.parameters.end(), name) == route.parameters.end())
      return refusal(ProblemType::unknown_parameter, "there is no parameter '" + name + "' here");
    const auto same = [&](const auto& other) { return other.first == name; };
    if (std::count_if(request.query.begin(), request.query.end(), same) > 1)
      return refusal(ProblemType::invalid_parameter, "parameter '" + name + "' is given more than once");
  }
  return std::nullopt;
}

// RFC 9112 6: a message has a body when one of these says so.
bool has_body(const Request& request) {
  const std::string_view length = request.header("content-length");
  return request.header_count("transfer-encoding") > 0 || length.find_first_not_of('0') != std::string_view::npos;
}

std::string joined(const std::vector<std::string_view>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i)
    out.append(i == 0 ? "" : i + 1 < words.size() ? ", " : " or ").append(words[i]);
  return out;
}

std::optional<Refusal> refuse_body_type(const Request& request, const Route& route) {
  if (!has_body(request)) return std::nullopt;
  const std::string_view type = request.header("content-type");
  for (const std::string_view known : route.consumes)
    if (known == "*/*" || is_media_type(type, known)) return std::nullopt;
  if (route.consumes.empty()) return refusal(ProblemType::unsupported_media_type, "this path takes no body");
  return refusal(ProblemType::unsupported_media_type, "a body must say its Content-Type: " + joined(route.consumes));
}

// All of the gate that needs no key, for those who have the right one.
std::optional<Refusal> refuse_form(const Request& request, const Route& route) {
  if (!route.produces.empty() && !accepts(request.header("accept"), route.produces))
    return refusal(ProblemType::not_acceptable, "this path gives " + std::string(route.produces));
  if (auto refused = refuse_parameters(request, route)) return refused;
  return refuse_body_type(request, route);
}

std::optional<Refusal> refuse_scope(const Principal& principal, Access access) {
  Scope needed = Scope::admin;
  switch (access) {
    case Access::open:
      return std::nullopt;
    case Access::read:
      needed = Scope::read;
      break;
    case Access::send:
      needed = Scope::send;
      break;
    case Access::steer:
      needed = Scope::steer;
      break;
    case Access::admin:
      break;
  }
  if (principal.scopes.has(needed)) return std::nullopt;
  return refusal(ProblemType::forbidden, "this needs a key with scope " + std::string(to_string(needed)));
}

}  // namespace

Router::Router(Authenticator& authenticator, const Cors& cors, Log& log)
    : authenticator_(authenticator), cors_(cors), log_(log) {}

void Router::add(Route route) {
  auto segments = split(route.pattern);
  entries_.push_back({std::move(route), std::move(segments)});
}

std::vector<const Route*> Router::routes() const {
  std::vector<const Route*> all;
  for (const Entry& entry : entries_) all.push_back(&entry.route);
  return all;
}

boost::asio::awaitable<std::variant<Admission, Response>> Router::admit(Request& request) const {
  const Match found = match(request);
  if (!found.route && found.allow.empty()) co_return problem(ProblemType::not_found, "there is nothing at this path");
  if (!found.route && request.method == http::verb::options) co_return cors_.options(request, found.allow);
  if (!found.route) {
    Refusal wrong_method = refusal(ProblemType::method_not_allowed, "this path answers " + found.allow);
    wrong_method.headers.emplace_back("Allow", found.allow);
    co_return found.beside->render(wrong_method);
  }
  Admission admission;
  admission.route = found.route;
  if (found.route->access != Access::open) {
    admission.key_checked = !Authenticator::needs_body(request);
    const RequestStage stage = admission.key_checked ? RequestStage::whole : RequestStage::head;
    const auto refused = co_await check_key(request, *found.route, stage);
    if (refused) co_return refuse(admission, *refused);
  }
  if (const auto refused = refuse_form(request, *found.route)) co_return refuse(admission, *refused);
  co_return admission;
}

boost::asio::awaitable<Response> Router::handle(Request& request, Admission admission) const {
  if (!admission.key_checked) {
    const auto refused = co_await check_key(request, *admission.route, RequestStage::whole);
    if (refused) co_return refuse(admission, *refused);
  }
  Response response = co_await answer(request, admission);
  if (admission.route->access == Access::send && meter_)
    for (auto& field : meter_(request.principal)) response.headers.push_back(std::move(field));
  co_return response;
}

boost::asio::awaitable<Response> Router::answer(Request& request, const Admission& admission) const {
  std::string trouble;
  try {
    co_return co_await admission.route->handler(request);
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  const Refusal refused = failed(request, trouble);
  co_return refuse(admission, refused);
}

Response Router::refuse(const Admission& admission, const Refusal& refusal) const {
  return admission.route ? admission.route->render(refusal) : problem(refusal);
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
    if (result.beside == nullptr) result.beside = &entry.route;
    add_method(result.allow, entry.route.method);
  }
  return result;
}

boost::asio::awaitable<std::optional<Refusal>> Router::check_key(Request& request, const Route& route,
                                                                 RequestStage stage) const {
  std::string trouble;
  try {
    auto checked = co_await authenticator_.check(request, stage);
    if (auto* refused = std::get_if<Refusal>(&checked)) co_return std::move(*refused);
    request.principal = std::get<Principal>(std::move(checked));
    co_return refuse_scope(request.principal, route.access);
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  co_return failed(request, trouble);
}

Refusal Router::failed(const Request& request, std::string_view trouble) const {
  log_.error("http.handler_failed",
             {{"request_id", request.id}, {"target", request.target}, {"error", std::string(trouble)}});
  return refusal(ProblemType::internal, "the request failed; the log has it under request id " + request.id);
}

}  // namespace postrider::mgmt
