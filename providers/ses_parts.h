// What the files of SES share: signed requests to its API, the errors of AWS, and its words for a bounce, which Resend hands on as
// they are. Pure; any thread; no clock but the time given.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "providers/provider.h"

namespace postrider::providers {

std::string ses_base(const UpstreamConfig& upstream);  // of the API's URLs
// All of the request's headers, Authorization among them: it goes out as it is then.
Headers ses_headers(const UpstreamConfig& upstream, const Request& request, Time now);

struct AwsError {
  std::string name;  // "MessageRejected"; empty: none is given
  std::string
      message;  // never what a refused signature is answered with, which quotes the request and its session token

  std::string text() const;  // both
};
// `json`: of the answer, or null.
AwsError aws_error(const Answer& answer, const boost::json::value& json);

// "Contents of event data" of the SES guide, object Bounce. Empty: it does not say.
struct BounceWords {
  std::string_view type, sub_type;  // "Permanent", "MailboxFull"
  std::string_view status;          // RFC 3463: "5.1.1"
  std::string_view diagnostic;      // RFC 3464 2.3.6: "smtp; 550 5.1.1 user unknown"
  std::string_view message;         // a sentence for people
};
// Also of a delay.
Reason bounce_reason(EventType type, const BounceWords& words);

}  // namespace postrider::providers
