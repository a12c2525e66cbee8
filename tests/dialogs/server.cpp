#include "tests/dialogs/server.h"

#include <stdexcept>

#include "net/tls.h"
#include "relay/inbound/password.h"
#include "tests/temp_directory.h"

namespace postrider::dialogs {
namespace {

// Runs what the memory store answers at once, on the caller's thread.
class Inline final : public Mailbox {
 public:
  void post(std::vector<Task> tasks) override {
    for (Task& task : tasks) task();
  }
};

template <typename T, typename Start>
result<T> ask(Start start) {
  Inline here;
  std::promise<result<T>> promise;
  auto future = promise.get_future();
  start(Done<T>(here, [&promise](result<T> value) { promise.set_value(std::move(value)); }));
  return future.get();
}

net::TlsContext tls_context() {
  static const net::TlsContext context = [] {
    TempDirectory directory;
    auto pair = net::ensure_self_signed(directory.path(), "relay.example").value();
    return net::make_server_tls(pair.certificate_file, pair.key_file).value();
  }();
  return context;
}

Duration duration_of(const std::string& text) {
  auto parsed = parse_duration(text);
  if (!parsed) throw std::runtime_error("no duration: " + text);
  return *parsed;
}

std::vector<Network> networks_of(const std::string& text) {
  if (text == "none") return {};
  return {parse_network(text).value()};
}

std::uint32_t number_of(const std::string& text) {
  return static_cast<std::uint32_t>(std::stoul(text));
}

}  // namespace

void RecordingLog::write(LogLevel, std::string_view event, const MessageId*, std::initializer_list<LogField> fields) {
  std::string line(event);
  for (const LogField& field : fields) line += " " + std::string(field.name) + "=" + field.value;
  std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
}

std::vector<std::string> RecordingLog::lines() const {
  std::lock_guard lock(mutex_);
  return lines_;
}

Server::Server(const Script& script) {
  options_.hostname = submission_options_.hostname = "relay.example";
  options_.access.trusted_networks = networks_of("127.0.0.0/8");
  for (const auto& [name, value] : script.settings) apply(name, value);
  if (with_tls_) options_.tls = tls_context();
  submission_options_.max_message_size = options_.limits.max_message_size;

  store_ = storage::make_memory_store(store_options_);
  for (storage::UserRecord& user : users_)
    ask<Nothing>([&](Done<Nothing> done) { store_->put_user(std::move(user), true, std::move(done)); }).value();
  body_memory_ = std::make_unique<Budget>(body_memory_limit_);
  relay::SubmissionParts parts{loop_, loop_.clock(), *store_, nullptr, *body_memory_, log_};
  submission_ = relay::make_submission(parts, std::make_shared<relay::SubmissionOptions>(submission_options_));
  authenticator_ = std::make_unique<relay::Authenticator>(loop_, loop_.clock(), *store_, worker_);
  relay::SessionParts session{loop_, loop_.clock(), *submission_, *authenticator_, counts_, metrics_, log_};
  server_ = std::make_unique<relay::SmtpServer>(session, std::make_shared<relay::SmtpOptions>(options_));
  drains_ = std::make_unique<net::TaskGroup>(loop_, [](std::string_view, const std::exception&) {});

  auto policy = std::make_shared<const relay::ListenerPolicy>(policy_);
  auto taken = [this, policy](std::size_t, boost::asio::ip::tcp::socket socket) {
    server_->take(std::move(socket), policy);
  };
  listener_ = net::Listener::bind({&loop_}, net::parse_endpoint("127.0.0.1:0").value(), taken, log_).value();
  listener_->start();
  thread_ = std::thread([this] { loop_.run(); });
}

Server::~Server() {
  listener_->close();
  std::promise<void> gone;
  drain(Duration(0));
  loop_.post(Task([this, &gone] { drains_->when_empty(Task([&gone] { gone.set_value(); })); }));
  gone.get_future().wait();
  loop_.stop();
  thread_.join();
}

void Server::drain(Duration grace) {
  std::promise<void> begun;
  loop_.post(Task([this, grace, &begun] {
    drains_->spawn("drain", server_->drain(grace));
    begun.set_value();
  }));
  begun.get_future().wait();
}

std::size_t Server::stored() {
  storage::ListQuery all;
  all.limit = 1000;
  return ask<storage::ListPage>([&](auto done) { store_->list(all, std::move(done)); }).value().messages.size();
}

StoredMessage Server::last_stored() {
  StoredMessage out;
  storage::ListQuery newest;
  newest.limit = 1;
  auto page = ask<storage::ListPage>([&](auto done) { store_->list(newest, std::move(done)); }).value();
  if (page.messages.empty()) throw std::runtime_error("nothing is stored");
  out.record = page.messages[0];
  using Chunks = std::vector<std::shared_ptr<const std::string>>;
  storage::BodyQuery query{out.record.id, 0, out.record.body_chunks};
  for (const auto& chunk : ask<Chunks>([&](auto done) { store_->read_body(query, std::move(done)); }).value())
    out.body += *chunk;
  return out;
}

void Server::apply(const std::string& name, const std::string& value) {
  relay::SessionLimits& limits = options_.limits;
  if (name == "max_message_size")
    limits.max_message_size = std::stoull(value);
  else if (name == "max_recipients")
    limits.max_recipients = number_of(value);
  else if (name == "max_transactions")
    limits.max_transactions = number_of(value);
  else if (name == "max_command_line")
    limits.max_command_line = number_of(value);
  else if (name == "max_auth_line")
    limits.max_auth_line = number_of(value);
  else if (name == "max_text_line")
    limits.max_text_line = number_of(value);
  else if (name == "max_errors")
    limits.max_errors = number_of(value);
  else if (name == "max_unimportant")
    limits.max_unimportant = number_of(value);
  else if (name == "max_auth_failures")
    limits.max_auth_failures = number_of(value);
  else if (name == "max_connections")
    limits.max_connections = number_of(value);
  else if (name == "max_connections_per_address")
    limits.max_connections_per_address = number_of(value);
  else if (name == "idle_timeout")
    limits.idle_timeout = duration_of(value);
  else if (name == "data_timeout")
    limits.data_timeout = duration_of(value);
  else if (name == "transaction_timeout")
    limits.transaction_timeout = duration_of(value);
  else if (name == "handshake_timeout")
    limits.handshake_timeout = duration_of(value);
  else if (name == "bare_lf")
    limits.bare_newline = value == "normalise" ? relay::BareNewline::normalise : relay::BareNewline::reject;
  else if (name == "trusted")
    options_.access.trusted_networks = networks_of(value);
  else if (name == "auth_on_loopback")
    options_.access.auth_without_tls_on_loopback = true;
  else if (name == "tls") {
    with_tls_ = value != "none";
    policy_.tls = value == "implicit" ? relay::ListenerTls::implicit
                                      : (with_tls_ ? relay::ListenerTls::starttls : relay::ListenerTls::none);
  } else if (name == "require_tls")
    policy_.require_tls = true;
  else if (name == "require_auth")
    policy_.require_auth = true;
  else if (name == "proxy_from")
    policy_.proxy_protocol_from = networks_of(value);
  else if (name == "user")
    add_user(value);
  else if (name == "spool_bytes")
    store_options_.max_bytes = std::stoull(value);
  else if (name == "body_memory")
    body_memory_limit_ = std::stoull(value);
  else if (name == "max_received")
    submission_options_.max_received = std::stoul(value);
  else if (name == "max_header_size")
    submission_options_.max_header_size = std::stoul(value);
  else if (name == "hide_client")
    submission_options_.hide_client = true;
  else if (name == "origin")
    submission_options_.addresses.origin = value;
  else if (name == "alias" || name == "rewrite_sender") {
    std::string target = value;
    std::string source = first_word(target);
    auto& rules = submission_options_.addresses;
    (name == "alias" ? rules.aliases : rules.rewrite_sender).emplace_back(source, target);
  } else {
    throw std::runtime_error("no such setting: " + name);
  }
}

// NAME PASSWORD [scram] [SENDER...]
void Server::add_user(std::string text) {
  storage::UserRecord user;
  user.name = first_word(text);
  std::string password = first_word(text);
  user.password_hash = relay::make_password_hash(password).value();
  while (!text.empty()) {
    std::string word = first_word(text);
    if (word == "scram")
      user.scram = relay::make_scram_text(password).value();
    else
      user.senders.push_back(word);
  }
  users_.push_back(std::move(user));
}

}  // namespace postrider::dialogs
