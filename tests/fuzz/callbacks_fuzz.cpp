// Event callbacks and lists of hooks of a stranger, for the vendor that the first octet names: whatever they say, an event is one that the
// store can take, and a change of hooks asks nobody but the vendor.
#include "core/utf8.h"
#include "providers/callbacks.h"
#include "tests/fuzz/pieces.h"

using namespace postrider;
using namespace postrider::providers;
using fuzz::require;

namespace {

constexpr std::string_view kApi = "http://127.0.0.1:9/";
constexpr Time kNow{Duration(1'769'847'300'000)};
constexpr UpstreamType kTypes[] = {UpstreamType::mailgun, UpstreamType::sendgrid, UpstreamType::mailjet,
                                   UpstreamType::ses,     UpstreamType::postmark, UpstreamType::resend};

bool is_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos && is_utf8(text);
}

UpstreamConfig configured(UpstreamType type) {
  UpstreamConfig upstream;
  upstream.type = type;
  upstream.api_base = kApi;
  upstream.domain = "mg.example.com";
  upstream.region = "us-east-1";
  upstream.api_key = upstream.api_secret = upstream.access_key = upstream.secret_key = upstream.server_token = "key";
  upstream.webhook_key = upstream.webhook_username = upstream.webhook_password = "secret";
  upstream.webhook_secret = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";
  upstream.configuration_set = "set";
  upstream.topic_arns = {"arn:aws:sns:us-east-1:123456789012:mail"};
  return upstream;
}

void check(const ReportedEvent& event) {
  require(event.type == EventType::processed || event.type == EventType::delivered ||
          event.type == EventType::deferred || event.type == EventType::bounced || event.type == EventType::opened ||
          event.type == EventType::clicked || event.type == EventType::complained ||
          event.type == EventType::unsubscribed);
  require(event.at <= kNow);
  require(!event.message.empty() || !event.provider_id.empty());
  require(is_line(event.message) && is_line(event.provider_id) && is_line(event.recipient));
  require(is_line(event.reason.text) && event.reason.text.size() <= kMaxReasonText);
  require(event.reason.code >= 0 && event.reason.code < 1000);
  require(!event.key.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body = fuzz::text(data + 1, size - 1);
  const UpstreamConfig upstream = configured(kTypes[data[0] % std::size(kTypes)]);
  const Callbacks& callbacks = *callbacks_for(upstream.type);
  const Headers headers = {{"authorization", "Basic " + std::string(body.substr(0, 64))},
                           {"x-amz-sns-message-type", "Notification"},
                           {"svix-id", "msg_1"}};
  const Callback callback{headers, body};
  require(callbacks.verify(upstream, callback, "", kNow).authenticity != Authenticity::genuine);
  if (callbacks.certificate_url != nullptr) (void)callbacks.certificate_url(upstream, callback);
  if (const result<CallbackReading> reading = callbacks.read(upstream, callback, kNow)) {
    require(reading->events.size() <= kMaxReports);
    for (const ReportedEvent& event : reading->events) check(event);
  }
  const Answer list{200, {}, std::string(body)};
  std::string note;
  (void)callbacks.read_hook(list, kNow, note);
  const auto changes = callbacks.plan_hooks(upstream, list, "https://hooks.example.com/hooks/main", kNow);
  for (std::size_t i = 0; changes && i < changes->size(); ++i) {
    require((*changes)[i].request.url.starts_with(kApi) && is_line((*changes)[i].request.url));
    require(is_line((*changes)[i].what));
    for (const auto& [name, value] : (*changes)[i].request.headers) require(is_line(name) && is_line(value));
  }
  return 0;
}
