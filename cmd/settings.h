// From the configuration to the small struct of each component: the only place where the two meet. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "mgmt/http.h"
#include "relay/inbound/limits.h"
#include "relay/inbound/policy.h"
#include "relay/inbound/submission.h"
#include "relay/outbound/dispatcher.h"
#include "relay/outbound/notice_writer.h"
#include "relay/outbound/reviver.h"
#include "relay/outbound/routes.h"
#include "storage/lmdb_store.h"
#include "storage/store.h"

namespace postrider::cmd {

std::string hostname_of(const Config& config);  // server.hostname, else the machine's name
std::uint32_t relay_threads(const Config& config, unsigned cores);

storage::SpoolOptions spool_options(const Config& config);
storage::RetirePolicy retire_policy(const Config& config);
relay::SessionLimits session_limits(const Config& config);
mgmt::HttpLimits http_limits(const Config& config);
std::vector<std::string> own_hosts(const Config& config);  // this relay's names in the Host of a request
bool serves(const MgmtListenerConfig& listener, std::string_view what);
relay::AccessPolicy access_policy(const Config& config);
relay::ListenerPolicy listener_policy(const SmtpListenerConfig& listener);
relay::SubmissionOptions submission_options(const Config& config, const std::string& hostname);
relay::HealthPolicy health_policy(const Config& config);
relay::DispatchOptions dispatch_options(const Config& config, std::uint32_t shard, std::uint32_t shards);
relay::ReviverOptions reviver_options(const Config& config);
relay::NoticeOptions notice_options(const Config& config, const std::string& hostname);
// With the defaults that depend on other sections: EHLO name, capture directory.
std::vector<UpstreamConfig> upstreams(const Config& config, const std::string& hostname);

}  // namespace postrider::cmd
