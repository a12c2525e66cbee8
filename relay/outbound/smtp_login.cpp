// AUTH as a client: which mechanism, and its dialogue.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include "relay/outbound/smtp_connection.h"
#include "relay/smtp/base64.h"
#include "relay/smtp/sasl_client.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kMaxToken = 16 * 1024;

std::string_view mechanism_name(UpstreamAuth auth) {
  switch (auth) {
    case UpstreamAuth::plain:
      return "PLAIN";
    case UpstreamAuth::login:
      return "LOGIN";
    case UpstreamAuth::cram_md5:
      return "CRAM-MD5";
    case UpstreamAuth::xoauth2:
      return "XOAUTH2";
    case UpstreamAuth::automatic:
      break;
  }
  return "";
}

// A password or token goes over the line only where nobody can read it: under TLS, or, when the configuration gave up TLS
// (`none`), to this machine or by a mechanism it names itself.
bool may_send_secret(const SmtpConnection& connection, const UpstreamConfig& config) {
  if (!connection.tls.empty()) return true;
  return config.tls == UpstreamTls::none && (connection.loopback || config.auth != UpstreamAuth::automatic);
}

std::optional<UpstreamAuth> choose(const SmtpConnection& connection, const UpstreamConfig& config) {
  const bool secret = may_send_secret(connection, config);
  if (config.auth != UpstreamAuth::automatic) {
    const bool safe = config.auth == UpstreamAuth::cram_md5 || secret;
    const bool offered = connection.capabilities.offers_auth(mechanism_name(config.auth));
    return safe && offered ? std::optional(config.auth) : std::nullopt;
  }
  for (UpstreamAuth auth : {UpstreamAuth::plain, UpstreamAuth::login, UpstreamAuth::cram_md5}) {
    if (auth != UpstreamAuth::cram_md5 && !secret) continue;
    if (connection.capabilities.offers_auth(mechanism_name(auth))) return auth;
  }
  return std::nullopt;
}

std::string why_none(const SmtpConnection& connection, const UpstreamConfig& config) {
  std::string text = "no usable AUTH mechanism: the server offers";
  for (const std::string& name : connection.capabilities.auth) text += ' ' + name;
  if (connection.capabilities.auth.empty()) text += " none";
  if (!may_send_secret(connection, config)) text += ", and passwords are not sent in clear";
  return text;
}

// Read anew for each login: whatever renews the token writes the file. It is small and local, so read in place. The token is the first
// word of it: none has blanks in it (RFC 6750 2.1), and programs write lines before and after.
std::optional<std::string> read_token(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string token(kMaxToken, '\0');
  in.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  const auto is_blank = [](char c) { return c <= ' '; };
  token.erase(token.begin(), std::find_if_not(token.begin(), token.end(), is_blank));
  token.erase(std::find_if(token.begin(), token.end(), is_blank), token.end());
  return token.empty() ? std::nullopt : std::optional(std::move(token));
}

asio::awaitable<Answer> login_dialogue(SmtpConnection& connection, const UpstreamConfig& config) {
  SmtpWire& wire = connection.wire;
  Answer answer = co_await wire.command("AUTH LOGIN", config.stage_timeout);
  if (answer.reply.code != 334) co_return answer;
  const std::string user = smtp::login_response(config.username);
  answer = co_await wire.command(user, config.stage_timeout);
  if (answer.reply.code != 334) co_return answer;
  const std::string password = smtp::login_response(config.password);
  answer = co_await wire.command(password, config.stage_timeout);
  co_return answer;
}

asio::awaitable<Answer> cram_dialogue(SmtpConnection& connection, const UpstreamConfig& config) {
  SmtpWire& wire = connection.wire;
  Answer answer = co_await wire.command("AUTH CRAM-MD5", config.stage_timeout);
  if (answer.reply.code != 334) co_return answer;
  const auto response = smtp::cram_md5_response(answer.reply.lines.front(), config.username, config.password);
  const std::string line =
      response ? *response : std::string("*");  // cancels: the challenge is not base64 (RFC 4954 4.)
  answer = co_await wire.command(line, config.stage_timeout);
  co_return answer;
}

// A refusal comes as a 334 with the reason in JSON, to be answered by an empty line.
asio::awaitable<Answer> xoauth2_dialogue(SmtpConnection& connection, const UpstreamConfig& config, std::string token) {
  SmtpWire& wire = connection.wire;
  const std::string line = "AUTH XOAUTH2 " + smtp::xoauth2_response(config.username, token);
  Answer answer = co_await wire.command(line, config.stage_timeout);
  if (answer.reply.code != 334) co_return answer;
  const auto why = smtp::base64_decode(answer.reply.lines.front());
  answer = co_await wire.command("", config.stage_timeout);
  if (why && answer.answered()) answer.reply.lines.push_back(*why);
  co_return answer;
}

}  // namespace

asio::awaitable<bool> smtp_login(SmtpConnection& connection, const UpstreamConfig& config, Verdict& verdict) {
  if (config.username.empty()) co_return true;
  const auto mechanism = choose(connection, config);
  if (!mechanism) {
    verdict = judge_finding(Stage::auth, Cause::route, "", why_none(connection, config));
    co_return false;
  }
  Answer answer;
  if (*mechanism == UpstreamAuth::login) {
    answer = co_await login_dialogue(connection, config);
  } else if (*mechanism == UpstreamAuth::cram_md5) {
    answer = co_await cram_dialogue(connection, config);
  } else if (*mechanism == UpstreamAuth::xoauth2) {
    auto token = read_token(config.token_file);
    if (!token) {
      verdict = judge_finding(Stage::auth, Cause::route, "", "no token in the file " + config.token_file);
      co_return false;
    }
    answer = co_await xoauth2_dialogue(connection, config, std::move(*token));
  } else {
    const std::string line = "AUTH PLAIN " + smtp::plain_response(config.username, config.password);
    answer = co_await connection.wire.command(line, config.stage_timeout);
  }
  if (answer.positive()) co_return true;
  verdict = answer.judge(Stage::auth);
  co_return false;
}

}  // namespace postrider::relay
