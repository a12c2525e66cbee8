#include "net/ares_channel.h"

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>

namespace postrider::net {

namespace asio = boost::asio;

namespace {

constexpr int kTries = 2;
constexpr Duration kShortestTry = std::chrono::milliseconds(50);
constexpr std::string_view kAddress = "address", kSrvRecord = "SRV record";
constexpr const char* kSystemConfiguration = "/etc/resolv.conf";

struct Query {
  std::string name;
  AresChannel::OnAnswer on_answer;
  std::size_t& under_way;
};

asio::ip::address to_address(const ares_addrinfo_node& node) {
  if (node.ai_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, node.ai_addr, sizeof in);
    return asio::ip::address_v4(ntohl(in.sin_addr.s_addr));
  }
  sockaddr_in6 in{};
  std::memcpy(&in, node.ai_addr, sizeof in);
  asio::ip::address_v6::bytes_type octets;
  std::memcpy(octets.data(), &in.sin6_addr, octets.size());
  return asio::ip::address_v6(octets, in.sin6_scope_id);
}

Fault to_fault(int status, std::string_view record, const std::string& host) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return {FaultKind::not_found, "no " + std::string(record) + " for " + host + ": " + ares_strerror(status)};
    case ARES_EBADNAME:
      return invalid("\"" + host + "\" is not a host name");
    default:
      return {FaultKind::unavailable, "cannot look up " + host + ": " + ares_strerror(status)};
  }
}

AresAnswer to_addresses(int status, const std::string& host, const ares_addrinfo* found) {
  if (status != ARES_SUCCESS) return {to_fault(status, kAddress, host)};
  Addresses addresses;
  std::int64_t ttl = std::numeric_limits<std::int32_t>::max();
  for (const ares_addrinfo_node* node = found->nodes; node; node = node->ai_next) {
    if (node->ai_family != AF_INET && node->ai_family != AF_INET6) continue;
    addresses.push_back(to_address(*node));
    ttl = std::min<std::int64_t>(ttl, node->ai_ttl);
  }
  if (addresses.empty()) return {to_fault(ARES_ENODATA, kAddress, host)};
  return {NameData{std::move(addresses), {}}, std::chrono::seconds(std::max<std::int64_t>(ttl, 0))};
}

AresAnswer to_services(int status, const std::string& name, const unsigned char* message, int size) {
  ares_srv_reply* found = nullptr;
  if (status == ARES_SUCCESS) status = ares_parse_srv_reply(message, size, &found);
  if (status != ARES_SUCCESS) return {to_fault(status, kSrvRecord, name)};
  SrvRecords services;
  bool refused = false;
  for (const ares_srv_reply* each = found; each; each = each->next) {
    const std::string_view target = each->host;
    refused |= target.empty() || target == ".";
    if (!refused) services.push_back({std::string(target), each->port, each->priority, each->weight});
  }
  ares_free_data(found);
  // RFC 2782, "Target": the root stands for a service that is decidedly not available.
  if (refused) return {Fault{FaultKind::not_found, name + ": the domain says that it does not offer this"}};
  if (services.empty()) return {to_fault(ARES_ENODATA, kSrvRecord, name)};
  return {NameData{{}, std::move(services)}};
}

void finish(Query& query, AresAnswer answer) {
  --query.under_way;
  query.on_answer(std::move(answer));
}

void on_addresses(void* argument, int status, int /*timeouts*/, ares_addrinfo* found) noexcept {
  const std::unique_ptr<Query> query(static_cast<Query*>(argument));
  AresAnswer answer = to_addresses(status, query->name, found);
  if (found) ares_freeaddrinfo(found);
  finish(*query, std::move(answer));
}

void on_services(void* argument, int status, int /*timeouts*/, unsigned char* message, int size) noexcept {
  const std::unique_ptr<Query> query(static_cast<Query*>(argument));
  finish(*query, to_services(status, query->name, message, size));
}

std::int64_t configuration_time() {
  struct stat about {};
  return ::stat(kSystemConfiguration, &about) == 0 ? about.st_mtim.tv_sec * 1'000'000'000 + about.st_mtim.tv_nsec : 0;
}

}  // namespace

AresChannel::AresChannel(Options options)
    : options_(std::move(options)), wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (wake_fd_ < 0) throw std::runtime_error(std::string("cannot make an event descriptor: ") + std::strerror(errno));
  watched_.push_back({wake_fd_, POLLIN, 0});
  try {
    open();
  } catch (...) {
    ::close(wake_fd_);
    throw;
  }
}

AresChannel::~AresChannel() {
  ares_destroy(channel_);
  ::close(wake_fd_);
}

void AresChannel::query(const std::string& host, OnAnswer on_answer) {
  reopen_if_changed();
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // one entry an address
  ++under_way_;
  auto query = std::make_unique<Query>(Query{host, std::move(on_answer), under_way_});
  ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, on_addresses, query.release());
}

void AresChannel::query_service(const std::string& name, OnAnswer on_answer) {
  reopen_if_changed();
  ++under_way_;
  auto query = std::make_unique<Query>(Query{name, std::move(on_answer), under_way_});
  ares_query(channel_, name.c_str(), ns_c_in, ns_t_srv, on_services, query.release());
}

void AresChannel::work(Duration at_most) {
  constexpr Duration kLongest = std::chrono::minutes(1);
  const auto limit = std::min(at_most, kLongest).count();
  timeval most{static_cast<time_t>(limit / 1000), static_cast<suseconds_t>(limit % 1000 * 1000)};
  timeval own{};
  const timeval* wait = ares_timeout(channel_, &most, &own);
  const int milliseconds = static_cast<int>(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000);
  ::poll(watched_.data(), watched_.size(), milliseconds);

  const std::vector<pollfd> seen = watched_;  // c-ares opens and closes sockets while it works
  if (seen.front().revents) {
    eventfd_t count;
    eventfd_read(wake_fd_, &count);
  }
  for (std::size_t i = 1; i < seen.size(); ++i) {
    const short events = seen[i].revents;
    if (!events) continue;
    const bool readable = events & (POLLIN | POLLERR | POLLHUP), writable = events & (POLLOUT | POLLERR);
    ares_process_fd(channel_, readable ? seen[i].fd : ARES_SOCKET_BAD, writable ? seen[i].fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // its timeouts
}

void AresChannel::wake() {
  eventfd_write(wake_fd_, 1);
}

void AresChannel::open() {
  ares_options o{};
  o.tries = kTries;
  // c-ares doubles the time of the second try: a quarter and a half of ours.
  o.timeout = static_cast<int>(std::max(options_.timeout / 4, kShortestTry).count());
  o.sock_state_cb_data = this;
  o.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
    static_cast<AresChannel*>(self)->watch(socket, readable != 0, writable != 0);
  };
  configured_at_ = configuration_time();
  ares_library_init(ARES_LIB_INIT_ALL);
  int status = ares_init_options(&channel_, &o, ARES_OPT_TRIES | ARES_OPT_TIMEOUTMS | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS)
    throw std::runtime_error(std::string("cannot start the resolver: ") + ares_strerror(status));
  if (options_.servers.empty()) return;
  status = ares_set_servers_ports_csv(channel_, options_.servers.c_str());
  if (status == ARES_SUCCESS) return;
  ares_destroy(channel_);
  throw std::runtime_error("not a list of name servers: \"" + options_.servers + "\": " + ares_strerror(status));
}

// This c-ares reads the system's configuration only once; a machine that changes networks has another one later.
void AresChannel::reopen_if_changed() {
  if (under_way_ > 0 || !options_.servers.empty() || configuration_time() == configured_at_) return;
  ares_channel old = channel_;
  try {
    open();
  } catch (const std::exception&) {
    channel_ = old;  // short of memory: the servers known before may still answer
    return;
  }
  ares_destroy(old);
}

void AresChannel::watch(ares_socket_t socket, bool readable, bool writable) {
  std::erase_if(watched_, [socket](const pollfd& p) { return p.fd == socket; });
  const int events = (readable ? POLLIN : 0) | (writable ? POLLOUT : 0);
  if (events) watched_.push_back({socket, static_cast<short>(events), 0});
}

}  // namespace postrider::net
