#include "mgmt/body_api.h"

#include <deque>

#include "mgmt/message_access.h"
#include "mgmt/parameters.h"
#include "mgmt/problem.h"
#include "mgmt/reason_text.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
using Chunks = std::vector<std::shared_ptr<const std::string>>;

constexpr std::string_view kMediaType = "message/rfc822";
constexpr std::uint32_t kWindow = 8;          // chunks read ahead for a download
constexpr std::size_t kMaxHeader = 2u << 20;  // submission takes headers of up to 1 MiB and adds a few lines

asio::awaitable<result<Chunks>> read_window(Mailbox& home, storage::Store& store, storage::BodyQuery query) {
  auto start = [&](Done<Chunks> done) { store.read_body(query, std::move(done)); };
  co_return co_await net::await_done<Chunks>(home, start);
}

// A body from the spool; the first window was read by the handler, so that its faults are answers.
class SpoolBody final : public ResponseStream {
 public:
  SpoolBody(Mailbox& home, storage::Store& store, const MessageRecord& message, Chunks first)
      : home_(home),
        store_(store),
        id_(message.id),
        total_(message.body_chunks),
        read_(static_cast<std::uint32_t>(first.size())),
        ready_(first.begin(), first.end()) {}

  asio::awaitable<result<std::shared_ptr<const std::string>>> next() override {
    if (ready_.empty() && read_ < total_) {
      storage::BodyQuery query{id_, read_, kWindow};
      auto window = co_await read_window(home_, store_, query);
      if (!window) co_return window.error();
      read_ += static_cast<std::uint32_t>(window->size());
      ready_.assign(window->begin(), window->end());
    }
    std::shared_ptr<const std::string> chunk;
    if (!ready_.empty()) {
      chunk = std::move(ready_.front());
      ready_.pop_front();
    }
    co_return chunk;
  }

 private:
  Mailbox& home_;
  storage::Store& store_;
  MessageId id_;
  std::uint32_t total_, read_;
  std::deque<std::shared_ptr<const std::string>> ready_;
};

// A body may go between the look at the record and the read: then the chunks are what is missing, not the message.
bool is_gone(const Fault& fault) {
  return fault.kind == FaultKind::not_found;
}

Response octets(std::string text) {
  Response response;
  response.content_type = kMediaType;
  response.body = std::move(text);
  return response;
}

}  // namespace

void BodyApi::add_routes(Router& router) {
  router.add(
      {http::verb::get, "/v1/messages/{id}/body", Access::read, kMediaType, {"headers"}, [this](const Request& r) {
         return body(r);
       }});
}

asio::awaitable<Response> BodyApi::body(const Request& request) {
  const auto only_header = flag_parameter(request, "headers");
  if (!only_header) co_return problem(ProblemType::invalid_parameter, only_header.error().text);
  const auto message = co_await find_message(home_, store_, request.captures[0], request.principal);
  if (!message) co_return problem(message.error());
  if (*only_header) co_return co_await header(*message);
  co_return co_await whole(*message);
}

asio::awaitable<Response> BodyApi::whole(const MessageRecord& message) {
  if (message.body == BodyState::removed) co_return co_await removed(message.id);
  if (message.body_size == 0) co_return octets({});
  storage::BodyQuery query{message.id, 0, kWindow};
  auto first = co_await read_window(home_, store_, query);
  if (!first && is_gone(first.error())) co_return co_await removed(message.id);
  if (!first) co_return problem(first.error());
  Response response;
  response.content_type = kMediaType;
  response.stream = std::make_unique<SpoolBody>(home_, store_, message, std::move(*first));
  response.stream_size = message.body_size;
  co_return response;
}

// Up to and with the empty line; chunk by chunk, most headers are in the first.
asio::awaitable<Response> BodyApi::header(const MessageRecord& message) {
  if (message.body == BodyState::removed) co_return octets(message.headers + "\r\n");
  std::string text;
  for (std::uint32_t chunk = 0; chunk < message.body_chunks && text.size() < kMaxHeader; ++chunk) {
    storage::BodyQuery query{message.id, chunk, 1};
    const auto window = co_await read_window(home_, store_, query);
    if (!window && is_gone(window.error())) co_return co_await removed(message.id);
    if (!window) co_return problem(window.error());
    const std::size_t before = text.size();
    for (const auto& octets_of : *window) text += *octets_of;
    const auto end = text.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end == std::string::npos) continue;
    text.resize(end + 4);
    break;
  }
  co_return octets(std::move(text));
}

// A body goes with the last recipient that needs it, or by retention later, which is in the history.
asio::awaitable<Response> BodyApi::removed(MessageId id) {
  auto start = [&](Done<std::vector<Event>> done) { store_.history(id, std::move(done)); };
  const auto history = co_await net::await_done<std::vector<Event>>(home_, start);
  if (!history) co_return problem(history.error());
  const std::string why(removed_body_sentence(*history));
  co_return problem(ProblemType::gone, why + "; its header is still there: ?headers=true");
}

}  // namespace postrider::mgmt
