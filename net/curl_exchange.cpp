#include "net/curl_exchange.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <new>

#include "net/loop.h"

namespace postrider::net {

namespace {

// Providers close idle connections after about a minute: one that is older than this is not worth the gamble.
constexpr long kMaxIdleSeconds = 30;

bool is_https(const std::string& url) {
  return url.starts_with("https:") || url.starts_with("HTTPS:");
}

}  // namespace

CurlExchange::CurlExchange(HttpExchange request, Done<HttpOutcome> done, Duration now) noexcept
    : request_(std::move(request)), done_(std::move(done)), since_(now) {
  answer_.max_octets = request_.max_answer;
  try {
    where_ = host_and_port(request_.url);
  } catch (const std::bad_alloc&) {  // prepare() says what is wrong with it
  }
}

result<void> CurlExchange::prepare(Duration now) noexcept {
  try {
    if (auto ready = set_up(); !ready) return ready;
  } catch (const std::bad_alloc&) {
    return Fault{FaultKind::unavailable, "no memory"};  // short: it needs none
  }
  phase_ = Phase::connecting;
  since_ = now;
  return {};
}

result<void> CurlExchange::set_up() {
  if (where_.host.empty() || !(is_https(request_.url) || request_.url.starts_with("http:"))) {
    return invalid("the request's address is not an http or https URL");  // which may hold a secret: it is not shown
  }
  if (has_line_break(request_.method) || has_line_break(request_.url)) return invalid("a line break in the request");
  auto lines = header_lines(request_.headers, nullptr);
  if (!lines) return lines.error();
  lines_ = std::move(*lines);
  curl_.reset(curl_easy_init());
  if (!curl_) return Fault{FaultKind::unavailable, "no memory for a request"};
  set_common_options(curl_.get(), request_.url, request_.ca_file, lines_.get(), answer_);
  set_body();
  set_callbacks();
  return {};
}

// The body comes by a read callback, and there is none to seek back: libcurl, which sends a request again by itself when a kept
// connection turns out dead, cannot do so once it has read an octet. CURLOPT_POSTFIELDS would let it.
void CurlExchange::set_body() {
  CURL* curl = curl_.get();
  if (request_.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else if (request_.method != "GET" || !request_.body.empty()) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, this);
  }
}

void CurlExchange::set_callbacks() {
  CURL* curl = curl_.get();
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail_);
  curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket);
  curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, this);
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_handshake);
  curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, this);
  curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_connected);
  curl_easy_setopt(curl, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, this);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  // The deadlines are ours: libcurl's own for connecting is only kept out of the way.
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(2 * request_.connect_timeout.count() + 1000));
  // Else giving up a look-up waits for the thread that makes it, and every other exchange with it.
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
}

Duration CurlExchange::deadline() const {
  switch (phase_) {
    case Phase::waiting:
    case Phase::connecting:
      return since_ + request_.connect_timeout;
    case Phase::sending:
      return std::min(since_ + request_.stall_timeout, sending_until_);
    case Phase::answering:
      return since_ + request_.answer_timeout;
  }
  return since_;
}

std::size_t CurlExchange::on_read(char* to, std::size_t one, std::size_t size, void* self) {
  auto& me = *static_cast<CurlExchange*>(self);
  const std::size_t part = std::min(one * size, me.request_.body.size() - me.given_);
  std::copy_n(me.request_.body.data() + me.given_, part, to);
  me.given_ += part;
  return part;
}

// A peer that acknowledges nothing for so long is gone. Our own deadlines end exchanges; over HTTP/2 those that follow would be put on
// the dead connection again.
int CurlExchange::on_socket(void* self, curl_socket_t socket, curlsocktype) {
  const HttpExchange& request = static_cast<CurlExchange*>(self)->request_;
  const Duration patience = std::max(request.stall_timeout, request.connect_timeout);  // it holds for the handshake too
  const auto ms = static_cast<unsigned>(std::clamp<Duration::rep>(patience.count(), 1, INT_MAX));
  setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);  // RFC 5482; without it we have our deadlines
  return CURL_SOCKOPT_OK;
}

// libcurl's own time stamps do not tell connecting from the handshake: this is called between them.
CURLcode CurlExchange::on_handshake(CURL*, void*, void* self) {
  static_cast<CurlExchange*>(self)->handshake_ = true;
  return CURLE_OK;
}

// Before each request on a connection, new or kept. libcurl begins a request anew when a kept connection was dead, when a server
// refuses a stream or "Expect", and more: all that is fine as long as no octet of the body is out.
int CurlExchange::on_connected(void* self, char* address, char* /*local*/, int /*port*/, int /*local_port*/) {
  auto& me = *static_cast<CurlExchange*>(self);
  me.resent_ = me.given_ > 0;
  if (me.resent_) return CURL_PREREQFUNC_ABORT;
  me.note_peer(address);
  me.note_tls();
  me.phase_ = Phase::sending;
  me.since_ = SystemClock().monotonic();
  me.sending_until_ = me.since_ + me.longest_sending();
  if (me.request_.body.empty()) me.begin_answering(me.since_);
  return CURL_PREREQFUNC_OK;
}

int CurlExchange::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t uploaded) {
  auto& me = *static_cast<CurlExchange*>(self);
  if (me.phase_ == Phase::sending && static_cast<std::size_t>(uploaded) > me.uploaded_)
    me.note_uploaded(uploaded, SystemClock().monotonic());
  return 0;
}

void CurlExchange::note_uploaded(curl_off_t uploaded, Duration now) {
  uploaded_ = std::max(uploaded_, static_cast<std::size_t>(uploaded));
  since_ = now;
  if (uploaded_ >= request_.body.size()) begin_answering(now);
}

// A server that answers before it has the whole body wants no more of it: that answer, too, has its time from here.
std::size_t CurlExchange::on_header(char* data, std::size_t /*one*/, std::size_t size, void* self) {
  auto& me = *static_cast<CurlExchange*>(self);
  const std::string_view line(data, size);
  const std::size_t blank = line.starts_with("HTTP/") ? line.find(' ') : line.npos;
  const bool is_final = blank != line.npos && line.substr(blank + 1, 1) != "1";
  if (is_final && me.phase_ == Phase::sending) me.begin_answering(SystemClock().monotonic());
  return take_header_line(line, me.answer_) ? size : 0;
}

void CurlExchange::begin_answering(Duration now) {
  phase_ = Phase::answering;
  since_ = now;
}

// A server that takes an octet now and then would hold the body in memory for days.
Duration CurlExchange::longest_sending() const {
  return request_.stall_timeout +
         std::chrono::seconds(request_.body.size() / std::max<std::size_t>(request_.least_rate, 1));
}

void CurlExchange::note_peer(const char* address) {
  if (address == nullptr || *address == '\0') return;
  peer_ = where_.host + "[" + address + "]:" + where_.port;
}

void CurlExchange::note_tls() {
  curl_tlssessioninfo* info = nullptr;
  if (curl_easy_getinfo(curl_.get(), CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == nullptr) return;
  if (info->backend != CURLSSLBACKEND_OPENSSL || info->internals == nullptr) return;
  const auto* ssl = static_cast<const SSL*>(info->internals);
  tls_ = SSL_get_version(ssl);
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  http2_ = size == 2 && std::memcmp(protocol, "h2", 2) == 0;
}

void CurlExchange::finish(CURLcode code) {
  if (code != CURLE_OK) {
    HttpOutcome broken = outcome(reached(code));
    broken.error = words(code);
    return answer(std::move(broken));
  }
  long status = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
  HttpOutcome answered = outcome(HttpStage::done);
  answered.response = std::move(answer_.response);
  answered.response.status = static_cast<int>(status);
  answer(std::move(answered));
}

void CurlExchange::give_up() {
  HttpOutcome late = outcome(reached());
  late.timed_out = true;
  late.never_begun = phase_ == Phase::waiting;
  late.error = words_of_time_out();
  answer(std::move(late));
}

void CurlExchange::refuse(const std::string& error) {
  HttpOutcome refused = outcome(HttpStage::resolve);
  refused.error = error;
  answer(std::move(refused));
}

void CurlExchange::stop() {
  HttpOutcome stopped = outcome(reached());
  stopped.stopped = true;
  stopped.error = "stopped before the answer";
  answer(std::move(stopped));
}

// What the other side may have of the body. libcurl counts an octet as written when the kernel took it, over TLS when the kernel
// took all of the write it was in, records before that one not counted; over HTTP/2 its count can lag behind what went out when a
// later frame fails. So its count is believed only where it cannot be too small.
HttpOutcome CurlExchange::outcome(HttpStage stage) {
  if (curl_) {
    curl_off_t uploaded = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_SIZE_UPLOAD_T, &uploaded);
    uploaded_ = std::max(uploaded_, static_cast<std::size_t>(uploaded));
    char* address = nullptr;
    if (peer_.empty() && curl_easy_getinfo(curl_.get(), CURLINFO_PRIMARY_IP, &address) == CURLE_OK) note_peer(address);
  }
  HttpOutcome outcome;
  outcome.stage = stage;
  outcome.body_sent = (tls_.empty() ? uploaded_ : given_) > 0;
  const bool connected = phase_ == Phase::sending || phase_ == Phase::answering;
  outcome.body_complete = connected && (http2_ ? given_ : uploaded_) >= request_.body.size();
  outcome.peer = std::move(peer_);
  outcome.tls = std::move(tls_);
  return outcome;
}

HttpStage CurlExchange::reached() const {
  if (phase_ == Phase::answering) return HttpStage::answer;
  if (phase_ == Phase::sending) return HttpStage::request;
  if (phase_ == Phase::waiting) return HttpStage::resolve;
  if (handshake_) return HttpStage::tls;
  curl_off_t resolved = 0;
  curl_easy_getinfo(curl_.get(), CURLINFO_NAMELOOKUP_TIME_T, &resolved);
  return resolved == 0 ? HttpStage::resolve : HttpStage::connect;
}

// A kept connection that was dead is replaced: then even an exchange that was sending can fail at the beginning again.
HttpStage CurlExchange::reached(CURLcode code) const {
  const bool nothing_out = given_ == 0 && answer_.header_octets == 0;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return HttpStage::resolve;
    case CURLE_COULDNT_CONNECT:
      return HttpStage::connect;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
      return nothing_out ? HttpStage::tls : reached();
    default:
      return reached();
  }
}

std::string CurlExchange::words(CURLcode code) const {
  const std::string where = where_.text();
  const std::string why = *detail_ ? detail_ : curl_easy_strerror(code);
  if (resent_) return "the connection to " + where + " was lost";
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "the name " + where_.host + " could not be resolved";
    case CURLE_COULDNT_CONNECT:
      return no_connection(curl_.get(), where, why);
    case CURLE_WRITE_ERROR:
      if (answer_.too_large) return "the answer from " + where + " was too long";
      break;
    case CURLE_UNSUPPORTED_PROTOCOL:  // what there is before HTTP/1.0
    case CURLE_WEIRD_SERVER_REPLY:
      return "the answer from " + where + " was not HTTP";
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_FAIL_REWIND:
      return "the connection to " + where + " was closed without an answer";
    case CURLE_PARTIAL_FILE:
      return "the connection to " + where + " was closed within the answer";
    default:
      break;
  }
  return "the exchange with " + where + " failed (" + why + ")";
}

std::string CurlExchange::words_of_time_out() const {
  const std::string where = where_.text();
  if (phase_ == Phase::waiting) {
    return "no connection to " + where + " became free within " + format_duration(request_.connect_timeout);
  }
  switch (reached()) {
    case HttpStage::resolve:
      return "the name " + where_.host + " was not resolved within " + format_duration(request_.connect_timeout);
    case HttpStage::connect:
      return "no connection to " + where + " within " + format_duration(request_.connect_timeout);
    case HttpStage::tls:
      return "no TLS handshake with " + where + " within " + format_duration(request_.connect_timeout);
    case HttpStage::request:
      if (since_ + request_.stall_timeout <= sending_until_)
        return where + " took nothing of the request for " + format_duration(request_.stall_timeout);
      return where + " did not take the whole request within " + format_duration(longest_sending());
    case HttpStage::answer:
    case HttpStage::done:
      break;
  }
  return "no whole answer from " + where + " within " + format_duration(request_.answer_timeout);
}

void CurlExchange::answer(HttpOutcome outcome) {
  done_.complete(std::move(outcome));
}

}  // namespace postrider::net
