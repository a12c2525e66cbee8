// The paths under /emails that several services have: POST /emails is Babygun's or Resend's, as the shape of its body says; GET
// /emails/{id} answers Babygun, WoowUp and Resend in one object (email_json.h). All refuse in Resend's shape: nothing is known of how
// the other two did.
#include <memory>

#include "mgmt/answers.h"
#include "mgmt/dialects/babygun.h"
#include "mgmt/dialects/email_json.h"
#include "mgmt/dialects/origin.h"
#include "mgmt/dialects/resend.h"
#include "mgmt/message_access.h"
#include "mgmt/reason_text.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

constexpr std::uint64_t kReadMemory = 64ull << 20;  // of all messages that are read to be shown

asio::awaitable<Response> send(const DialectParts& parts, const Request& request) {
  auto email = read_babygun_email(request.body);
  if (email) co_return co_await babygun_send(parts, request, std::move(*email));
  co_return co_await resend_send(parts, request);
}

asio::awaitable<Response> show(const DialectParts& parts, Budget& memory, const Request& request) {
  const auto message = co_await find_message(parts.loop, parts.store, request.captures[0], request.principal);
  if (!message) co_return resend_refusal(refusal_of(message.error()));
  auto start = [&](Done<std::vector<Event>> done) { parts.store.history(message->id, std::move(done)); };
  const auto history = co_await net::await_done<std::vector<Event>>(parts.loop, start);
  if (!history) co_return resend_refusal(refusal_of(history.error()));
  const std::string_view why_removed = removed_body_sentence(*history);
  const auto mail = co_await read_stored_mail(parts.loop, parts.store, memory, *message, why_removed);
  if (!mail) co_return resend_refusal(refusal_of(mail.error()));
  const boost::json::object answer = email_json(*message, *history, *mail, {request.captures[0], parts.clock.now()});
  co_return json_response(answer);
}

}  // namespace

void add_babygun(Router& router, const DialectParts& parts) {
  router.add(
      sending_route("/emails", &resend_refusal, [&parts](const Request& request) { return send(parts, request); }));
  Route get{http::verb::get, "/emails/{id}", Access::read, kJson, {}, nullptr};
  get.handler = [&parts, memory = std::make_shared<Budget>(kReadMemory)](const Request& request) {
    return show(parts, *memory, request);
  };
  get.render = resend_refusal;
  router.add(std::move(get));
}

}  // namespace postrider::mgmt
