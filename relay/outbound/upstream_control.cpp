#include "relay/outbound/upstream_control.h"

#include <utility>

namespace postrider::relay {

UpstreamControl::UpstreamControl(ControlParts parts, std::shared_ptr<Routes> routes)
    : parts_(std::move(parts)), routes_(std::move(routes)) {}

result<Nothing> UpstreamControl::pause(const std::string& name, const std::string& actor) {
  const std::shared_ptr<Routes> routes = this->routes();
  const auto index = routes->find(name);
  if (!index) return no_such(name);
  if (!routes->at(*index).stop()) return Fault{FaultKind::conflict, "upstream " + name + " is paused already"};
  tell(name, UpstreamNews::Kind::stopped, "paused by an operator until it is resumed", actor);
  return Nothing{};
}

result<Nothing> UpstreamControl::resume(const std::string& name, const std::string& actor) {
  const std::shared_ptr<Routes> routes = this->routes();
  const auto index = routes->find(name);
  if (!index) return no_such(name);
  Upstream& upstream = routes->at(*index);
  const bool waited = upstream.stopped() || upstream.paused(parts_.clock.now());  // a pause that is over is none
  upstream.resume();
  if (!waited) return Fault{FaultKind::conflict, "upstream " + name + " is not paused"};
  tell(name, UpstreamNews::Kind::resumed, "resumed by an operator", actor);
  return Nothing{};
}

result<Nothing> UpstreamControl::prefer(const std::string& name, std::uint32_t percent, std::uint32_t messages,
                                        const std::string& actor) {
  const std::shared_ptr<Routes> routes = this->routes();
  if (!routes->find(name)) return no_such(name);
  if (percent > 99) return Fault{FaultKind::invalid, "a canary's share is 1% to 99%"};
  if (percent != 0 && messages != 0) return Fault{FaultKind::invalid, "a canary is a share or a number, not both"};
  const std::optional<Preferred> before = routes->preference().get();
  // A canary goes back to the configured order: it would take the other preference with it.
  if ((percent != 0 || messages != 0) && before && !before->canary())
    return Fault{FaultKind::conflict,
                 "upstream " + before->upstream + " is preferred for all mail: take that back first"};
  Preferred preferred;
  preferred.upstream = name;
  preferred.percent = percent;
  preferred.messages = messages;
  preferred.by = actor;
  preferred.since = parts_.clock.now();
  routes->preference().set(std::move(preferred));
  std::string text = "preferred for all mail";
  if (percent != 0) text = "preferred for " + std::to_string(percent) + "% of mail";
  if (messages != 0) text = "preferred for the next " + std::to_string(messages) + " messages";
  tell(name, UpstreamNews::Kind::preferred, std::move(text), actor);
  return Nothing{};
}

result<Nothing> UpstreamControl::prefer_none(const std::string& actor) {
  const std::shared_ptr<Routes> routes = this->routes();
  const std::optional<Preferred> before = routes->preference().get();
  if (!before) return Fault{FaultKind::conflict, "no upstream is preferred: the configured order holds already"};
  routes->preference().clear();
  tell(before->upstream, UpstreamNews::Kind::rolled_back, "the configured order holds again", actor);
  return Nothing{};
}

Fault UpstreamControl::no_such(const std::string& name) {
  return {FaultKind::not_found, "no upstream is called " + name};
}

void UpstreamControl::tell(const std::string& upstream, UpstreamNews::Kind kind, std::string text,
                           const std::string& actor) {
  UpstreamNews news;
  news.upstream = upstream;
  news.kind = kind;
  news.reason.cause = Cause::operator_;
  news.reason.text = std::move(text);
  news.actor = actor;
  parts_.news(std::move(news));
  parts_.board.tell_all(parts_.clock.now());
}

}  // namespace postrider::relay
