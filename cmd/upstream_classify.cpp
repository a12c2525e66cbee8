#include "cmd/upstream_classify.h"

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>
#include <iterator>

#include "cmd/exit_codes.h"
#include "cmd/output.h"
#include "cmd/read_file.h"
#include "net/loop.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;
using providers::Provider;
using providers::Reading;

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

const Provider& provider_of(const std::string& type) {
  const Provider* provider = providers::provider_named(type);
  if (provider == nullptr)
    throw CommandError(EX_USAGE, "\"" + type +
                                     "\" is no provider with an HTTP API; there are mailgun, sendgrid, mailjet, ses, " +
                                     "postmark and resend");
  return *provider;
}

std::string body_of(const std::string& file) {
  if (file.empty()) return {};
  if (file == "-") return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  const result<std::string> body = read_small_file(file);
  if (!body) throw CommandError(EX_NOINPUT, file + " " + body.error().text);
  return *body;
}

std::pair<std::string, std::string> header_of(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0)
    throw CommandError(EX_USAGE, "--header takes \"Name: value\", not \"" + printable(text) + "\"");
  return {CLI::detail::to_lower(text.substr(0, colon)), CLI::detail::trim_copy(text.substr(colon + 1))};
}

void tell(std::string_view label, std::string_view value) {
  std::cout << labelled(label, 14, value);
}

json::value paused_until(const Reading& reading) {
  return reading.throttled_until == Time{} ? json::value(nullptr)
                                           : json::value(format_rfc3339(reading.throttled_until));
}

void print(const Reading& reading, Time now) {
  tell("outcome", std::string(to_string(reading.kind)));
  tell("cause", std::string(to_string(reading.reason.cause)));
  tell("said", printable(reading.reason.text));
  if (!reading.reason.enhanced.empty()) tell("code", reading.reason.enhanced);
  if (!reading.provider_id.empty()) tell("provider id", printable(reading.provider_id));
  for (const Reading::Single& single : reading.singles)
    tell("recipient " + std::to_string(single.place + 1), std::string(to_string(single.kind)) + " (" +
                                                              std::string(to_string(single.reason.cause)) +
                                                              "): " + printable(single.reason.text));
  tell("next", what_follows(reading, now));
}

}  // namespace

void add_classify_options(CLI::App& verb, ClassifyOptions& options) {
  verb.add_option("--type", options.type, "Of which provider: mailgun, sendgrid, mailjet, ses, postmark, resend")
      ->required();
  verb.add_option("--status", options.status, "HTTP status of the answer")->required()->check(CLI::Range(100, 599));
  verb.add_option("--body", options.body_file, "Its body (\"-\": stdin)")->type_name("FILE");
  verb.add_option("--header", options.headers, "A field of its header, as often as needed")
      ->type_name("\"NAME: VALUE\"")
      ->allow_extra_args(false);
  verb.add_option("--recipients", options.recipients, "How many recipients the call had (default 1)")
      ->check(CLI::Range(1, 1000));
  verb.add_flag("--sandbox", options.sandbox, "As an upstream with sandbox = true would read it");
}

providers::Answer read_answer(const ClassifyOptions& options) {
  providers::Answer answer;
  answer.status = options.status;
  for (const std::string& header : options.headers) answer.headers.push_back(header_of(header));
  answer.body = body_of(options.body_file);
  return answer;
}

int run_upstream_classify(const ClassifyOptions& options) {
  const Provider& provider = provider_of(options.type);
  const Time now = net::SystemClock().now();
  UpstreamConfig upstream;
  upstream.type = provider.type;
  upstream.sandbox = options.sandbox;
  const Reading reading = provider.read(upstream, read_answer(options), options.recipients, now);
  if (!options.json) {
    print(reading, now);
    return EX_OK;
  }
  json::object shown = classification(reading);
  shown["next"] = what_follows(reading, now);
  std::cout << json::serialize(shown) << '\n';
  return EX_OK;
}

json::object classification(const Reading& reading) {
  json::object shown{{"outcome", to_string(reading.kind)},
                     {"cause", to_string(reading.reason.cause)},
                     {"code", reading.reason.code},
                     {"enhanced_code", text_or_null(reading.reason.enhanced)},
                     {"text", text_or_null(reading.reason.text)},
                     {"provider_id", text_or_null(reading.provider_id)},
                     {"paused_until", paused_until(reading)},
                     {"split", reading.split}};
  json::array singles;
  for (const Reading::Single& single : reading.singles)
    singles.push_back(json::object{{"place", single.place},
                                   {"outcome", to_string(single.kind)},
                                   {"cause", to_string(single.reason.cause)},
                                   {"text", text_or_null(single.reason.text)},
                                   {"provider_id", text_or_null(single.provider_id)}});
  shown["recipients"] = std::move(singles);
  return shown;
}

std::string what_follows(const Reading& reading, Time now) {
  if (reading.split) return "the recipients are sent again in two halves, until the one at fault stands alone";
  switch (reading.kind) {
    case OutcomeKind::sent:
      return "the recipients are sent; events of the provider may add to it";
    case OutcomeKind::bounced:
      return "the recipients bounce at once; no other upstream is asked";
    case OutcomeKind::uncertain:
      return "the provider may have taken it: delivery.on_uncertain decides whether it is sent again or held";
    case OutcomeKind::deferred:
      break;
  }
  if (reading.reason.cause == Cause::throttle)
    return (reading.throttled_until == Time{}
                ? std::string("the upstream is paused")
                : "the upstream is paused until " + absolute_time(reading.throttled_until) + " (" +
                      relative_time(reading.throttled_until, now) + ")") +
           "; mail waits or goes to the next upstream, and no try is spent";
  if (reading.reason.cause == Cause::capability)
    return "the next upstream is asked; the recipients bounce when none can take the message";
  return "the next upstream is asked at once, and this one's health suffers; without another it is a failed try";
}

}  // namespace postrider::cmd
