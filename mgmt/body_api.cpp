#include "mgmt/body_api.h"

#include <deque>

#include "mgmt/message_access.h"
#include "mgmt/parameters.h"
#include "mgmt/problem.h"
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

Response removed() {
  return problem(ProblemType::gone,
                 "the body of this message was removed by retention; its header is still there: ?headers=true");
}

// Retention may be faster than the look at the record: then the chunks are what is missing, not the message.
Response trouble(const Fault& fault) {
  return fault.kind == FaultKind::not_found ? removed() : problem(fault);
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
  if (message.body == BodyState::removed) co_return removed();
  if (message.body_size == 0) co_return octets({});
  storage::BodyQuery query{message.id, 0, kWindow};
  auto first = co_await read_window(home_, store_, query);
  if (!first) co_return trouble(first.error());
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
    if (!window) co_return trouble(window.error());
    const std::size_t before = text.size();
    for (const auto& octets_of : *window) text += *octets_of;
    const auto end = text.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end == std::string::npos) continue;
    text.resize(end + 4);
    break;
  }
  co_return octets(std::move(text));
}

}  // namespace postrider::mgmt
