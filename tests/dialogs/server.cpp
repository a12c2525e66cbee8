#include "tests/dialogs/server.h"

#include <map>
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
  using Limits = relay::SessionLimits;
  static const std::map<std::string, std::uint32_t Limits::*> kNumbers{
      {"max_recipients", &Limits::max_recipients},
      {"max_transactions", &Limits::max_transactions},
      {"max_command_line", &Limits::max_command_line},
      {"max_auth_line", &Limits::max_auth_line},
      {"max_text_line", &Limits::max_text_line},
      {"max_errors", &Limits::max_errors},
      {"max_auth_failures", &Limits::max_auth_failures},
      {"max_unimportant", &Limits::max_unimportant},
      {"max_connections", &Limits::max_connections},
      {"max_connections_per_address", &Limits::max_connections_per_address},
  };
  static const std::map<std::string, Duration Limits::*> kDurations{
      {"idle_timeout", &Limits::idle_timeout},
      {"data_timeout", &Limits::data_timeout},
      {"transaction_timeout", &Limits::transaction_timeout},
      {"handshake_timeout", &Limits::handshake_timeout},
  };
  const std::map<std::string, Duration*> bounds{
      {"max_hold", &submission_options_.steering.max_hold},
      {"min_retry_interval", &submission_options_.steering.min_retry_interval},
  };
  static const std::map<std::string, void (Server::*)(const std::string&)> kOthers{
      {"max_message_size", &Server::set_max_message_size},
      {"bare_lf", &Server::set_bare_lf},
      {"tls", &Server::set_tls},
      {"user", &Server::add_user},
      {"alias", &Server::add_alias},
      {"rewrite_sender", &Server::add_rewrite},
  };
  const std::map<std::string, bool*> switches{
      {"auth_on_loopback", &options_.access.auth_without_tls_on_loopback},
      {"require_tls", &policy_.require_tls},
      {"require_auth", &policy_.require_auth},
      {"hide_client", &submission_options_.hide_client},
  };
  const std::map<std::string, std::uint64_t*> sizes{
      {"spool_bytes", &store_options_.max_bytes},
      {"body_memory", &body_memory_limit_},
      {"max_received", &submission_options_.max_received},
      {"max_header_size", &submission_options_.max_header_size},
  };
  const std::map<std::string, std::vector<Network>*> networks{
      {"trusted", &options_.access.trusted_networks},
      {"proxy_from", &policy_.proxy_protocol_from},
  };
  if (auto it = kNumbers.find(name); it != kNumbers.end()) {
    options_.limits.*it->second = number_of(value);
  } else if (auto span = kDurations.find(name); span != kDurations.end()) {
    options_.limits.*span->second = duration_of(value);
  } else if (bounds.contains(name)) {
    *bounds.at(name) = duration_of(value);
  } else if (name == "max_retries") {
    submission_options_.steering.max_retries = number_of(value);
  } else if (auto other = kOthers.find(name); other != kOthers.end()) {
    (this->*other->second)(value);
  } else if (switches.contains(name)) {
    *switches.at(name) = true;
  } else if (sizes.contains(name)) {
    *sizes.at(name) = std::stoull(value);
  } else if (networks.contains(name)) {
    *networks.at(name) = networks_of(value);
  } else if (name == "origin") {
    submission_options_.addresses.origin = value;
  } else {
    throw std::runtime_error("no such setting: " + name);
  }
}

void Server::set_max_message_size(const std::string& value) {
  options_.limits.max_message_size = std::stoull(value);
}

void Server::set_bare_lf(const std::string& value) {
  options_.limits.bare_newline = value == "normalise" ? relay::BareNewline::normalise : relay::BareNewline::reject;
}

void Server::set_tls(const std::string& value) {
  with_tls_ = value != "none";
  policy_.tls = value == "none"       ? ListenerTls::none
                : value == "implicit" ? ListenerTls::implicit
                                      : ListenerTls::starttls;
}

void Server::add_alias(const std::string& value) {
  std::string target = value;
  std::string source = first_word(target);
  submission_options_.addresses.aliases.emplace_back(source, target);
}

void Server::add_rewrite(const std::string& value) {
  std::string target = value;
  std::string pattern = first_word(target);
  submission_options_.addresses.rewrite_sender.emplace_back(pattern, target);
}

// NAME PASSWORD [scram] [allow=RECIPIENT] [redirect=ADDRESS] [capture] [SENDER...]
void Server::add_user(const std::string& value) {
  std::string text = value;
  storage::UserRecord user;
  user.name = first_word(text);
  std::string password = first_word(text);
  user.password_hash = relay::make_password_hash(password).value();
  while (!text.empty()) {
    std::string word = first_word(text);
    if (word == "scram")
      user.scram = relay::make_scram_text(password).value();
    else if (word.starts_with("allow="))
      user.guard.allow_recipients.push_back(word.substr(6));
    else if (word.starts_with("redirect="))
      user.guard.redirect_to = word.substr(9);
    else if (word == "capture")
      user.guard.capture = "yes";
    else
      user.senders.push_back(word);
  }
  users_.push_back(std::move(user));
}

}  // namespace postrider::dialogs
