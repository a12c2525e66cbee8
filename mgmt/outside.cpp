#include "mgmt/outside.h"

#include "net/await.h"

namespace postrider::mgmt {

boost::asio::awaitable<result<net::HttpResponse>> ask_outside(Mailbox& home, net::HttpSender& http,
                                                              net::HttpExchange exchange) {
  auto start = [&](Done<net::HttpOutcome> done) { http.send(std::move(exchange), std::move(done)); };
  auto outcome = co_await net::await_done<net::HttpOutcome>(home, start);
  if (!outcome) co_return outcome.error();
  if (outcome->stage == net::HttpStage::done) co_return std::move(outcome->response);
  co_return Fault{FaultKind::unavailable, outcome->stopped ? "the relay is stopping" : outcome->error};
}

}  // namespace postrider::mgmt
