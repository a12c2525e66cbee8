#include "tests/dialogs/runner.h"

#include <algorithm>
#include <regex>
#include <stdexcept>

#include "tests/dialogs/scram_client.h"

namespace postrider::dialogs {
namespace {

void require(bool holds, const std::string& otherwise) {
  if (!holds) throw std::runtime_error(otherwise);
}

std::string printable(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\r')
      out += "\\r";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string escape_regex(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string replace_all(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

std::string notify_text(const Notify& notify) {
  std::string out;
  if (notify.never) out += "never ";
  if (notify.success) out += "success ";
  if (notify.failure) out += "failure ";
  if (notify.delay) out += "delay ";
  if (!out.empty()) out.pop_back();
  return out;
}

std::string tags_text(const std::vector<std::string>& tags) {
  std::string out;
  for (const std::string& tag : tags) out += (out.empty() ? "" : ",") + tag;
  return out;
}

// What FIELD can ask of what a message steers. `hold` counts from the accept, `lives` from the release; `-`: nothing was asked.
std::optional<std::string> steering_of(const MessageRecord& record, const std::string& name) {
  const Envelope& envelope = record.envelope;
  const Recipient& first = record.recipients.at(0);
  if (name == "lane") return std::string(to_string(envelope.lane));
  if (name == "tags") return tags_text(envelope.tags);
  if (name == "retries") return envelope.retry.retries ? std::to_string(*envelope.retry.retries) : "-";
  if (name == "retry_interval") return envelope.retry.interval ? format_duration(*envelope.retry.interval) : "-";
  if (name == "due") return format_rfc3339(first.due);
  if (name == "hold") return format_duration(first.due - first.changed_at);
  if (name == "age") return first.age_from == first.due ? "from due" : "from elsewhere";
  if (name == "lives") return envelope.expires_at == kNever ? "-" : format_duration(envelope.expires_at - first.due);
  return std::nullopt;
}

// What FIELD can ask of a record; `recipients`, `notify`, `orcpt` and `redirected_from` join all of them.
std::string field_of(const StoredMessage& message, const std::string& name) {
  const Envelope& envelope = message.record.envelope;
  auto join = [&](auto text_of) {
    std::string out;
    for (const Recipient& recipient : message.record.recipients) out += (out.empty() ? "" : ",") + text_of(recipient);
    return out;
  };
  auto yes_no = [](bool value) { return std::string(value ? "yes" : "no"); };
  if (name == "sender") return envelope.sender.str();
  if (name == "recipients") return join([](const Recipient& r) { return r.address.str(); });
  if (name == "notify") return join([](const Recipient& r) { return notify_text(r.notify); });
  if (name == "redirected_from") return join([](const Recipient& r) { return r.redirected_from; });
  if (name == "capture_only") return yes_no(envelope.capture_only);
  if (name == "orcpt") return join([](const Recipient& r) { return r.orcpt; });
  if (name == "envid") return envelope.envid;
  if (name == "ret") return envelope.ret == DsnReturn::full ? "full" : envelope.ret == DsnReturn::headers ? "hdrs" : "";
  if (name == "tenant") return envelope.tenant;
  if (name == "client") return envelope.client;
  if (name == "helo") return envelope.helo;
  if (name == "subject") return envelope.subject;
  if (name == "message_id") return envelope.message_id_header;
  if (name == "eight_bit") return yes_no(envelope.eight_bit);
  if (name == "smtputf8") return yes_no(envelope.smtputf8);
  if (name == "body_size") return std::to_string(message.record.body_size);
  if (name == "chunks") return std::to_string(message.record.body_chunks);
  if (auto steered = steering_of(message.record, name)) return *steered;
  throw std::runtime_error("no such field: " + name);
}

}  // namespace

void Runner::run() {
  for (const Step& step : script_.steps) {
    try {
      perform(step);
    } catch (const std::exception& e) {
      throw std::runtime_error(script_.path + ":" + std::to_string(step.line) + ": " + step.verb + " " + step.argument +
                               "\n  " + e.what());
    }
  }
}

void Runner::perform(const Step& step) {
  const std::string& verb = step.verb;
  if (verb == "C:" || verb == "C>" || verb == "C*" || verb == "C+")
    send(step);
  else if (verb == "S:")
    expect_line(step.argument);
  else if (verb == "S~")
    expect_regex(step.argument);
  else if (verb == "S*")
    expect_reply(step.argument);
  else if (verb == "TLS")
    require(client_->start_tls(), "the handshake failed");
  else if (verb == "CONNECT")
    client_ = connect();
  else if (verb == "ALSO")
    first_ = std::exchange(client_, connect());
  else if (verb == "BACK")
    client_ = std::move(first_);
  else if (verb == "CLOSE")
    client_.reset();
  else if (verb == "CLOSED") {
    auto line = client_->read_line();
    require(!line, "still talking: " + line.value_or(""));
  } else if (verb == "STORED")
    require(server_.stored() == std::stoul(step.argument), std::to_string(server_.stored()) + " messages are stored");
  else if (verb == "BODY")
    expect_body(unescape(step.argument), true);
  else if (verb == "NOBODY")
    expect_body(unescape(step.argument), false);
  else if (verb == "BYTES") {
    std::string body = server_.last_stored().body;
    require(body.ends_with(unescape(step.argument)), "the body is\n" + printable(body));
  } else if (verb == "FIELD")
    expect_field(step.argument);
  else if (verb == "STORE")
    server_.fail_writes(step.argument == "fail");
  else if (verb == "DRAIN")
    server_.drain(Duration(std::stol(step.argument)));
  else if (verb == "SCRAM")
    scram(step.argument);
  else if (verb == "QUIET")
    expect_quiet();
  else {
    bool has =
        std::any_of(reply_.begin(), reply_.end(), [&](const auto& line) { return matches(step.argument, line); });
    require(has == (verb == "HAS"), "the last reply says otherwise");
  }
}

void Runner::expect_quiet() {
  for (const std::string& line : server_.log_lines()) throw std::runtime_error("logged: " + line);
}

void Runner::send(const Step& step) {
  std::string argument = step.argument;
  if (step.verb == "C>") return client_->send(unescape(argument));
  const int times = step.verb == "C:" ? 1 : std::stoi(first_word(argument));
  const std::string once = unescape(argument) + (step.verb == "C+" ? "" : "\r\n");
  std::string octets;
  for (int i = 0; i < times; ++i) octets += once;
  client_->send(octets);
}

void Runner::expect_line(const std::string& pattern) {
  std::string line = next_line();
  require(matches(pattern, line), "got: " + line);
}

void Runner::expect_regex(const std::string& pattern) {
  std::string line = next_line();
  require(std::regex_match(line, std::regex(pattern)), "got: " + line);
}

void Runner::expect_reply(std::string argument) {
  std::string code = first_word(argument);
  int replies = argument.empty() ? 1 : std::stoi(argument);
  for (int i = 0; i < replies; ++i) {
    reply_.clear();
    std::string line;
    do {
      line = next_line();
      require(line.size() >= 4 && line.substr(0, 3) == code && (line[3] == ' ' || line[3] == '-'), "got: " + line);
      reply_.push_back(line.substr(4));
    } while (line[3] == '-');
  }
}

void Runner::expect_body(const std::string& pattern, bool present) {
  std::string body = server_.last_stored().body;
  bool found = false;
  for (std::size_t at = 0; at < body.size();) {
    std::size_t end = std::min(body.find("\r\n", at), body.size());
    found = found || matches(pattern, body.substr(at, end - at));
    at = end + 2;
  }
  require(found == present, "the body is\n" + printable(body.substr(0, 4000)));
}

void Runner::expect_field(std::string argument) {
  std::string name = first_word(argument);
  std::string value = field_of(server_.last_stored(), name);
  require(matches(argument, value), name + " is \"" + value + "\"");
}

void Runner::scram(std::string argument) {
  std::string user = first_word(argument);
  client_->send("AUTH SCRAM-SHA-256 " + scram_first(user) + "\r\n");
  std::string challenge = next_line();
  require(challenge.starts_with("334 "), "got: " + challenge);
  client_->send(scram_final(user, argument, challenge.substr(4)) + "\r\n");
}

std::string Runner::next_line() {
  require(client_ != nullptr, "the client has closed");
  auto line = client_->read_line();
  require(line.has_value(), "the server has closed the connection");
  return *line;
}

bool Runner::matches(const std::string& pattern, const std::string& line) {
  std::string expression = replace_all(escape_regex(pattern), "<any>", ".*");
  expression = replace_all(expression, "<same-id>", id_);
  expression = replace_all(expression, "<id>", "([0-9a-hjkmnp-tv-z]{26})");
  std::smatch groups;
  if (!std::regex_match(line, groups, std::regex(expression))) return false;
  if (groups.size() > 1) id_ = groups[1];
  return true;
}

}  // namespace postrider::dialogs
