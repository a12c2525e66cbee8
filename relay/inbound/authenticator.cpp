#include "relay/inbound/authenticator.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>

#include <boost/asio/post.hpp>
#include <cstring>
#include <stdexcept>

#include "net/await.h"
#include "relay/inbound/password.h"

namespace postrider::relay {
namespace {

// Stands in for a user that does not exist: no password fits, and finding that out takes as long as for one that does.
std::shared_ptr<const storage::UserRecord> nobody() {
  static const auto user = [] {
    auto made = std::make_shared<storage::UserRecord>();
    made->password_hash = decoy_password_hash();
    return made;
  }();
  return user;
}

// A hash that cannot be computed (no memory) is our trouble, not a wrong password.
result<bool> matches(const storage::UserRecord& user, std::string_view password) {
  try {
    return password_matches(user, password);
  } catch (const std::exception& e) {
    return Fault{FaultKind::unavailable, e.what()};
  }
}

}  // namespace

PasswordWorker::PasswordWorker(std::size_t max_waiting) : max_waiting_(max_waiting) {
  boost::asio::post(pool_, [] { pthread_setname_np(pthread_self(), "password"); });
}

PasswordWorker::~PasswordWorker() {
  pool_.join();
}

void PasswordWorker::check(std::shared_ptr<const storage::UserRecord> user, std::string password, Done<bool> done) {
  if (waiting_.fetch_add(1) >= max_waiting_) {
    waiting_.fetch_sub(1);
    done.complete(Fault{FaultKind::unavailable, "too many logins at once"});
    return;
  }
  auto work = [this, user = std::move(user), password = std::move(password), done = std::move(done)]() mutable {
    checks_.fetch_add(1, std::memory_order_relaxed);
    result<bool> right = matches(*user, password);
    waiting_.fetch_sub(1);
    done.complete(std::move(right));
  };
  boost::asio::post(pool_, std::move(work));
}

Authenticator::Authenticator(net::Loop& loop, const Clock& clock, storage::Store& store, PasswordWorker& worker)
    : loop_(loop), clock_(clock), store_(store), worker_(worker) {
  if (RAND_bytes(secret_.data(), static_cast<int>(secret_.size())) != 1)
    throw std::runtime_error("the system has no random numbers");
}

boost::asio::awaitable<Authenticator::Verdict> Authenticator::check_password(std::string name, std::string password) {
  auto look_up = [this, &name](Done<storage::UserRecord> done) { store_.find_user(name, std::move(done)); };
  result<storage::UserRecord> found = co_await net::await_done<storage::UserRecord>(loop_, look_up);
  if (!found && found.error().kind != FaultKind::not_found) co_return Verdict{Kind::trouble, nullptr};

  std::shared_ptr<const storage::UserRecord> user = nobody();
  if (found) user = std::make_shared<storage::UserRecord>(std::move(*found));
  Key key = key_of(*user, password);
  if (found && remembered(key)) co_return Verdict{Kind::accepted, std::move(user)};

  auto verify = [this, &user, &password](Done<bool> done) { worker_.check(user, password, std::move(done)); };
  result<bool> right = co_await net::await_done<bool>(loop_, verify);
  if (!right) co_return Verdict{Kind::busy, nullptr};
  if (!found || !*right) co_return Verdict{Kind::refused, nullptr};
  remember(key);
  co_return Verdict{Kind::accepted, std::move(user)};
}

boost::asio::awaitable<Authenticator::Verifier> Authenticator::find_verifier(std::string name) {
  auto look_up = [this, &name](Done<storage::UserRecord> done) { store_.find_user(name, std::move(done)); };
  result<storage::UserRecord> found = co_await net::await_done<storage::UserRecord>(loop_, look_up);
  Verifier answer;
  if (!found && found.error().kind != FaultKind::not_found) {
    answer.kind = Kind::trouble;
    co_return answer;
  }
  if (found) {
    if (auto verifier = smtp::parse_scram_verifier(found->scram)) {
      answer.verifier = std::move(*verifier);
      answer.user = std::make_shared<storage::UserRecord>(std::move(*found));
      co_return answer;
    }
  }
  std::string_view secret(reinterpret_cast<const char*>(secret_.data()), secret_.size());
  answer.verifier = smtp::decoy_scram_verifier(name, secret, kScramIterations);
  co_return answer;
}

std::size_t Authenticator::KeyHash::operator()(const Key& key) const noexcept {
  std::size_t out;  // an HMAC is as good a hash as any
  std::memcpy(&out, key.data(), sizeof out);
  return out;
}

Authenticator::Key Authenticator::key_of(const storage::UserRecord& user, std::string_view password) const {
  std::string text = user.name;
  for (std::string_view part : {std::string_view(user.password_hash), std::string_view(user.scram), password}) {
    text += '\0';
    text += part;
  }
  Key key{};
  unsigned length = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), key.data(), &length);
  OPENSSL_cleanse(text.data(), text.size());
  return key;
}

bool Authenticator::remembered(const Key& key) {
  auto it = right_ones_.find(key);
  if (it == right_ones_.end()) return false;
  if (it->second > clock_.monotonic()) return true;
  right_ones_.erase(it);
  return false;
}

void Authenticator::remember(const Key& key) {
  Duration now = clock_.monotonic();
  if (right_ones_.size() >= kMaxRemembered)
    std::erase_if(right_ones_, [now](const auto& e) { return e.second <= now; });
  if (right_ones_.size() >= kMaxRemembered) right_ones_.clear();
  right_ones_[key] = now + kRemember;
}

}  // namespace postrider::relay
