#include "tests/unit/mgmt/api_server.h"

#include <algorithm>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <stdexcept>

#include "mgmt/console.h"
#include "mgmt/spool_metrics.h"
#include "net/await.h"

namespace postrider::mgmt::test {

namespace asio = boost::asio;

namespace {

result<void> plain_password(storage::UserRecord& user, std::string_view password, bool scram) {
  if (password.empty()) return invalid("the password must not be empty");
  user.password_hash = "hash-of-" + std::string(password);
  user.scram = scram ? "scram-of-" + std::string(password) : "";
  return {};
}

class InlineMailbox final : public Mailbox {
 public:
  void post(std::vector<Task> tasks) override {
    for (Task& task : tasks) task();
  }
};

asio::awaitable<void> close_and_tell(HttpServer& server, std::shared_ptr<std::promise<void>> closed) {
  co_await server.close();
  closed->set_value();
}

asio::awaitable<void> load_and_tell(KeyRing& keys, std::promise<void>& loaded) {
  const result<Nothing> done = co_await keys.load();
  if (!done) throw std::runtime_error(done.error().text);
  loaded.set_value();
}

// Of users whose password was set through plain_password.
CheckPassword plain_check(Mailbox& home, storage::Store& store) {
  struct Check {
    Mailbox& home;
    storage::Store& store;
    asio::awaitable<result<std::optional<storage::UserRecord>>> run(std::string name, std::string password) const {
      auto start = [&](Done<storage::UserRecord> done) { store.find_user(name, std::move(done)); };
      auto user = co_await net::await_done<storage::UserRecord>(home, start);
      std::optional<storage::UserRecord> right;
      if (user && user->password_hash == "hash-of-" + password) right = std::move(*user);
      co_return right;
    }
  };
  auto check = std::make_shared<Check>(Check{home, store});
  return [check](std::string name, std::string password) { return check->run(std::move(name), std::move(password)); };
}

std::string headers_for(const std::string& token, const std::string& body) {
  std::string headers = "Authorization: Bearer " + token + "\r\n";
  if (!body.empty()) headers += "Content-Type: application/json\r\n";
  return headers;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

storage::ApiKeyRecord shop_key(const std::string& name) {
  storage::ApiKeyRecord key;
  key.name = name;
  key.id = "aaaaaaaaaaaa" + name.substr(0, 4);
  key.tenant = "shop";
  key.scopes = {Scope::send, Scope::read, Scope::steer};
  return key;
}

std::string Answer::header(const std::string& lower_case_name) const {
  for (const auto& [name, value] : headers)
    if (name == lower_case_name) return value;
  return {};
}

const boost::json::object& Answer::json() const& {
  if (!parsed_) parsed_ = std::make_shared<const boost::json::object>(boost::json::parse(body).as_object());
  return *parsed_;
}

boost::json::object Answer::json() && {
  return boost::json::parse(body).as_object();
}

RawClient::RawClient(asio::ip::tcp::endpoint server) : socket_(io_) {
  socket_.connect(server);
}

void RawClient::send(const std::string& octets) {
  boost::system::error_code closed_by_server;
  asio::write(socket_, asio::buffer(octets), closed_by_server);
}

std::string RawClient::read_to_end() {
  boost::system::error_code end;
  asio::read(socket_, asio::dynamic_buffer(buffer_), end);
  return std::exchange(buffer_, {});
}

Answer RawClient::read_answer(bool head) {
  const std::size_t size = asio::read_until(socket_, asio::dynamic_buffer(buffer_), "\r\n\r\n");
  std::string fields = buffer_.substr(0, size);
  buffer_.erase(0, size);
  Answer answer;
  answer.status = std::stoi(fields.substr(9, 3));
  std::size_t at = fields.find("\r\n") + 2;
  for (std::size_t end; (end = fields.find("\r\n", at)) != at; at = end + 2) {
    const std::string line = fields.substr(at, end - at);
    const auto colon = line.find(": ");
    answer.headers.emplace_back(lower(line.substr(0, colon)), line.substr(colon + 2));
  }
  const std::string length = answer.header("content-length");
  const std::size_t wanted = head || length.empty() ? 0 : std::stoul(length);
  if (buffer_.size() < wanted)
    asio::read(socket_, asio::dynamic_buffer(buffer_), asio::transfer_exactly(wanted - buffer_.size()));
  answer.body = buffer_.substr(0, wanted);
  buffer_.erase(0, wanted);
  return answer;
}

ApiServer::ApiServer(ServerSetup setup)
    : loop_("mgmt"),
      tasks_(loop_, [](std::string_view, const std::exception&) {}),
      store_(storage::make_memory_store(setup.store)),
      upstreams_(std::move(setup.upstreams)),
      keys_(loop_, *store_, log_),
      sessions_(
          {loop_, loop_.clock(), *store_, std::string(32, 'k'), [](const std::string&) { return result<void>(); }}),
      guard_(loop_.clock(), log_),
      authenticator_({kToken,
                      keys_,
                      sessions_,
                      guard_,
                      plain_check(loop_, *store_),
                      std::string(32, 'a'),
                      std::move(setup.trusted),
                      loop_.clock(),
                      {"test"}}),
      cors_(setup.cors_origins),
      limits_(setup.limits),
      router_(authenticator_, cors_, log_),
      health_(readiness_, *store_, metrics_),
      messages_(loop_, loop_.clock(), *store_),
      bodies_(loop_, *store_),
      bulk_(loop_, loop_.clock(), *store_, setup.bulk),
      events_(loop_, loop_.clock(), *store_),
      retention_(loop_, loop_.clock(), *store_, rules_, book_),
      stats_(loop_.clock(), loop_.make_alarm(), *store_, metrics_, {"9.9", "relay.test", 2, [] { return 3u; }}),
      users_(loop_, loop_.clock(), *store_, plain_password),
      keys_api_(loop_.clock(), keys_, std::string(32, 'a'), log_),
      tokens_(loop_.clock(), authenticator_, sessions_, keys_, log_),
      upstreams_api_(
          loop_, loop_.clock(), *store_, upstreams_.control(),
          [lanes = std::move(setup.lanes)](const Envelope& envelope, const Recipient& recipient) {
            return lane_by_rule(lanes, envelope, {&recipient, 1});
          },
          setup.upstream_limits),
      body_room_(loop_, loop_.clock(), loop_.make_alarm(),
                 {setup.body_directory, setup.limits.body_memory, setup.limits.body_disk, setup.limits.body_wait}),
      server_(std::make_unique<HttpServer>(loop_, router_, limits_, body_room_, log_)),
      tls_(std::move(setup.tls)) {
  add_spool_metrics(metrics_, *store_);
  stats_.start();
  add_console(router_);
  health_.add_public_routes(router_);
  health_.add_metrics_route(router_);
  messages_.add_routes(router_);
  bodies_.add_routes(router_);
  bulk_.add_routes(router_);
  events_.add_routes(router_);
  retention_.add_routes(router_);
  stats_.add_routes(router_);
  users_.add_routes(router_);
  keys_api_.add_routes(router_);
  tokens_.add_routes(router_);
  upstreams_api_.add_routes(router_);
  readiness_.set(Phase::serving);
  setup.keys.emplace_back(shop_key(), kTenantToken);
  for (auto& [key, token] : setup.keys) {
    key.digest = digest_of(token);
    InlineMailbox here;
    store_->put_api_key(std::move(key), true, Done<Nothing>(here, [](const result<Nothing>& done) { done.value(); }));
  }
  const asio::ip::tcp::endpoint any_port(asio::ip::address_v4::loopback(), 0);
  auto take = [this](std::size_t, asio::ip::tcp::socket socket) { server_->accept(std::move(socket), tls_); };
  listener_ = std::move(net::Listener::bind({&loop_}, any_port, std::move(take), log_)).value();
  thread_ = std::thread([this] { loop_.run(); });
  load_keys();
  listener_->start();
}

ApiServer::~ApiServer() {
  listener_->close();
  close();
  loop_.stop();
  thread_.join();
  store_->close();
}

void ApiServer::load_keys() {
  std::promise<void> loaded;
  loop_.post(Task([&] { tasks_.spawn("keys", load_and_tell(keys_, loaded)); }));
  loaded.get_future().wait();
}

std::future<void> ApiServer::begin_close() {
  auto closed = std::make_shared<std::promise<void>>();
  loop_.post(Task([this, closed] { tasks_.spawn("close", close_and_tell(*server_, closed)); }));
  return closed->get_future();
}

Answer ApiServer::call(const std::string& method, const std::string& target, const std::string& body) {
  return call_raw(method, target, headers_for(kToken, body), body);
}

Answer ApiServer::call_as_tenant(const std::string& method, const std::string& target, const std::string& body) {
  return call_raw(method, target, headers_for(kTenantToken, body), body);
}

Answer ApiServer::call_with(const std::string& token, const std::string& method, const std::string& target,
                            const std::string& body) {
  return call_raw(method, target, headers_for(token, body), body);
}

Answer ApiServer::call_raw(const std::string& method, const std::string& target, const std::string& headers,
                           const std::string& body) {
  RawClient client(endpoint());
  std::string request = method + " " + target + " HTTP/1.1\r\nHost: test\r\n" + headers;
  if (!body.empty() || method == "POST" || method == "PUT")
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  client.send(request + "\r\n" + body);
  return client.read_answer(method == "HEAD");
}

MessageId ApiServer::accept_for(const std::string& tenant, const std::string& sender,
                                const std::vector<std::string>& recipients, const std::string& body) {
  storage::NewMessage message = make(sender, recipients, body);
  message.record.envelope.tenant = tenant;
  return accept(std::move(message));
}

storage::NewMessage ApiServer::make(const std::string& sender, const std::vector<std::string>& recipients,
                                    const std::string& body) {
  storage::NewMessage message;
  message.now = loop_.clock().now();
  message.record.id = ids_.next(message.now);
  message.record.envelope.sender = parse_address(sender).value();
  message.record.envelope.created_at = message.now;
  message.record.envelope.subject = "hi";
  for (const std::string& address : recipients) {
    Recipient recipient;
    recipient.address = parse_address(address).value();
    recipient.due = recipient.age_from = message.now;
    message.record.recipients.push_back(std::move(recipient));
  }
  for (std::size_t at = 0; at < body.size(); at += storage::kChunkPayload)
    message.body.chunks.push_back(std::make_shared<const std::string>(body.substr(at, storage::kChunkPayload)));
  message.body.size = message.record.body_size = body.size();
  message.record.body_chunks = static_cast<std::uint32_t>(message.body.chunks.size());
  return message;
}

MessageId ApiServer::accept(storage::NewMessage message) {
  const MessageId id = message.record.id;
  InlineMailbox here;
  store_->accept(std::move(message), Done<storage::Accepted>(here, [](result<storage::Accepted> accepted) {
                   if (!accepted) throw std::runtime_error(accepted.error().text);
                 }));
  return id;
}

void ApiServer::retire_everything() {
  storage::RetireRequest request;
  request.policy.failed_bodies = request.policy.sent_bodies = Duration(0);
  request.now = loop_.clock().now() + std::chrono::hours(1);
  InlineMailbox here;
  store_->retire(request, Done<storage::Retired>(here, [](const result<storage::Retired>&) {}));
}

storage::UserRecord ApiServer::user(const std::string& name) {
  storage::UserRecord found;
  InlineMailbox here;
  store_->find_user(name,
                    Done<storage::UserRecord>(here, [&](result<storage::UserRecord> user) { found = user.value(); }));
  return found;
}

void ApiServer::add_user(storage::UserRecord user) {
  InlineMailbox here;
  store_->put_user(std::move(user), true, Done<Nothing>(here, [](const result<Nothing>& done) { done.value(); }));
}

void ApiServer::tell_of_upstream(Event event) {
  storage::UpstreamState state;
  state.name = event.upstream;
  event.at = loop_.clock().now();
  InlineMailbox here;
  store_->put_upstream_state(std::move(state), {std::move(event)},
                             Done<Nothing>(here, [](const result<Nothing>& done) { done.value(); }));
}

}  // namespace postrider::mgmt::test
