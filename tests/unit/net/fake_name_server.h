// A DNS server for tests: UDP on loopback, on its own thread, answering each question as its name asks for:
//   good.test A 192.0.2.1, 192.0.2.2 and AAAA 2001:db8::1 (TTL as given), v4only.test (no AAAA), nothing.test NXDOMAIN,
//   what add_address() and add_service() said, broken.test SERVFAIL, garbage.test octets that are no DNS, silent.test never; held.test after release().
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace postrider::net {

class FakeNameServer {
 public:
  using udp = boost::asio::ip::udp;

  explicit FakeNameServer(std::uint32_t ttl) : ttl_(ttl) {
    receive();
    thread_ = std::thread([this] { io_.run(); });
  }
  ~FakeNameServer() {
    io_.stop();
    thread_.join();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port()); }
  void add_address(const std::string& name, const std::string& v4) {
    const auto octets = boost::asio::ip::make_address_v4(v4).to_bytes();
    add(name, kA, std::string(octets.begin(), octets.end()));
  }
  // "." as the target: the service is not offered.
  void add_service(const std::string& name, std::uint16_t priority, std::uint16_t weight, std::uint16_t port,
                   const std::string& target) {
    std::string data;
    for (const std::uint16_t number : {priority, weight, port}) {
      data += static_cast<char>(number >> 8);
      data += static_cast<char>(number & 0xff);
    }
    std::istringstream labels(target == "." ? "" : target);
    for (std::string label; std::getline(labels, label, '.');) data += static_cast<char>(label.size()) + label;
    add(name, kSrv, data + '\0');
  }
  int asked(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return asked_[name];
  }
  void wait_until_asked(const std::string& name) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_[name] > 0; });
  }
  // Answers the questions about held.test, those that came and those to come.
  void release() {
    boost::asio::post(io_, [this] {
      released_ = true;
      for (const Question& q : held_) reply(q, 0, good_records(q));
      held_.clear();
    });
  }

 private:
  enum : std::uint16_t { kA = 1, kAaaa = 28, kSrv = 33 };
  struct Question {
    udp::endpoint from;
    std::string packet;  // header and question, as it came
    std::string name;
    std::uint16_t type = 0;
  };

  void add(const std::string& name, std::uint16_t type, std::string data) {
    const std::lock_guard lock(mutex_);
    added_[name][type].push_back(std::move(data));
  }

  void receive() {
    socket_.async_receive_from(boost::asio::buffer(window_), peer_, [this](auto error, std::size_t size) {
      if (!error && size > 12) answer(read(std::string(window_.data(), size)));
      receive();
    });
  }

  Question read(const std::string& packet) {
    Question q{peer_, packet, {}, 0};
    std::size_t at = 12;
    while (at < packet.size() && packet[at] != 0) {
      const auto length = static_cast<std::size_t>(static_cast<unsigned char>(packet[at]));
      q.name += (q.name.empty() ? "" : ".") + packet.substr(at + 1, length);
      at += length + 1;
    }
    q.type = static_cast<std::uint16_t>(static_cast<unsigned char>(packet.at(at + 2)));
    q.packet.resize(at + 5);  // without EDNS
    const std::lock_guard lock(mutex_);
    ++asked_[q.name];
    changed_.notify_all();
    return q;
  }

  void answer(const Question& q) {
    if (const auto records = added(q)) return reply(q, 0, *records);
    if (q.name == "silent.test") return;
    if (q.name == "garbage.test") return send(q.from, "this is no DNS message at all");
    if (q.name == "broken.test") return reply(q, 2, {});
    if (q.name == "held.test" && !released_) return held_.push_back(q);
    if (q.name == "v4only.test") return reply(q, 0, q.type == kA ? good_records(q) : std::vector<std::string>{});
    const bool known = q.name == "good.test" || q.name == "held.test";
    reply(q, known ? 0 : 3, known ? good_records(q) : std::vector<std::string>{});
  }

  std::optional<std::vector<std::string>> added(const Question& q) {
    const std::lock_guard lock(mutex_);
    const auto found = added_.find(q.name);
    if (found == added_.end()) return std::nullopt;
    return found->second[q.type];
  }

  static std::vector<std::string> good_records(const Question& q) {
    using std::string_literals::operator""s;
    if (q.type == kA) return {"\xc0\x00\x02\x01"s, "\xc0\x00\x02\x02"s};
    if (q.type == kAaaa) return {"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"s};
    return {};
  }

  void reply(const Question& q, int code, const std::vector<std::string>& records) {
    std::string out = q.packet;
    out[2] = static_cast<char>(0x81);         // response, recursion desired
    out[3] = static_cast<char>(0x80 | code);  // recursion available
    out[7] = static_cast<char>(records.size());
    out[9] = out[11] = 0;
    for (const std::string& data : records) {
      out += std::string("\xc0\x0c\0", 3) + static_cast<char>(q.type) + std::string("\0\x01", 2);
      for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(ttl_ >> shift);
      out += '\0';
      out += static_cast<char>(data.size());
      out += data;
    }
    send(q.from, out);
  }

  void send(const udp::endpoint& to, const std::string& octets) { socket_.send_to(boost::asio::buffer(octets), to); }

  const std::uint32_t ttl_;
  boost::asio::io_context io_;
  udp::socket socket_{io_, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
  udp::endpoint peer_;
  std::array<char, 2048> window_{};
  std::vector<Question> held_;
  bool released_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> asked_;
  std::map<std::string, std::map<std::uint16_t, std::vector<std::string>>> added_;
  std::thread thread_;
};

}  // namespace postrider::net
