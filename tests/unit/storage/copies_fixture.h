// For the tests of backup, compact and salvage: a spool with messages in every kind of state, what is expected of each, and what is
// found of them in a copy.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>

#include "tests/unit/storage/lmdb_fixture.h"

namespace postrider::storage {

class CopiesTest : public LmdbTest {
 protected:
  struct Known {
    RecipientState state = RecipientState::queued;
    std::string body;  // empty: removed
    std::size_t events = 0;
  };

  std::string data_file() const { return directory_.path() + "/spool/data.mdb"; }
  std::string output() const { return directory_.path() + "/copy"; }

  // Text that is different for each message and compresses to nothing, so that pages cannot be mistaken for each other.
  NewMessage random_message(std::size_t size) {
    NewMessage m = message(0);
    std::string octets = "Subject: " + m.record.id.str() + "\r\nFrom: app@example.org\r\n\r\n";
    while (octets.size() < size) octets += static_cast<char>('!' + dice_() % 90);
    octets += "\r\n";
    m.body = {};
    m.body.size = m.record.body_size = octets.size();
    for (std::size_t at = 0; at < octets.size(); at += kChunkPayload)
      m.body.chunks.push_back(std::make_shared<const std::string>(octets.substr(at, kChunkPayload)));
    m.record.body_chunks = static_cast<std::uint32_t>(m.body.chunks.size());
    return m;
  }

  // One more message, in a state that the dice choose.
  MessageId add_any() {
    const std::size_t sizes[] = {100, 1500, 3000, 9000, kChunkPayload, 2 * kChunkPayload + 777};
    NewMessage m = random_message(sizes[dice_() % std::size(sizes)]);
    const unsigned fate = dice_() % 5;
    if (fate == 0) m.record.recipients[0].due = now_ + std::chrono::hours(1);
    if (fate >= 2) m.intent = Intent{"primary"};
    const MessageId id = stored(std::move(m));
    if (fate == 3 || fate == 4) {
      EXPECT_TRUE(settle(fate == 3 ? sent(id) : deferred(id)).has_value());
    }
    return id;
  }
  static Settlement deferred(const MessageId& id) {
    Settlement s = sent(id);
    s.attempts[0].outcome = OutcomeKind::deferred;
    s.updates[0].trigger = Trigger::defer;
    s.updates[0].due = from_ms(kTestNow) + std::chrono::minutes(10);
    return s;
  }
  result<std::vector<Steered>> steer(const MessageId& id, SteerVerb verb) {
    SteerRequest request;
    request.id = id;
    request.verb = verb;
    request.now = now_;
    std::vector<SteerRequest> requests{request};
    auto answers = answer<std::vector<result<Steered>>>(
        [&](Done<std::vector<result<Steered>>> done) { store().steer(std::move(requests), std::move(done)); });
    if (!answers->front()) return answers->front().error();
    return std::vector<Steered>{*answers->front()};
  }

  // What the open store says.
  Known known(const MessageId& id) {
    Known all;
    const auto record = find(id);
    if (!record) throw std::runtime_error(record.error().text);
    all.state = record->state();
    if (record->body == BodyState::present) {
      for (std::uint32_t next = 0; next < record->body_chunks; ++next) {
        const auto chunks = answer<Chunks>([&](Done<Chunks> done) {
          store().read_body({id, next, 1}, std::move(done));
        });
        if (!chunks) throw std::runtime_error(chunks.error().text);
        all.body += *chunks->front();
      }
    }
    all.events =
        answer<std::vector<Event>>([&](Done<std::vector<Event>> done) { store().history(id, std::move(done)); })
            .value()
            .size();
    return all;
  }
  std::map<MessageId, Known> known(const std::vector<MessageId>& ids) {
    std::map<MessageId, Known> all;
    for (const MessageId& id : ids) all[id] = known(id);
    return all;
  }
  std::vector<MessageId> all_ids() {
    std::vector<MessageId> ids;
    ListQuery query;
    query.limit = 1000;
    const auto page = answer<ListPage>([&](Done<ListPage> done) { store().list(query, std::move(done)); });
    for (const MessageRecord& record : page->messages) ids.push_back(record.id);
    return ids;
  }
  std::vector<std::string> faults() {
    std::vector<std::string> all;
    VerifyQuery query;
    do {
      auto page = answer<VerifyPage>([&](Done<VerifyPage> done) { store().verify(query, std::move(done)); });
      all.insert(all.end(), page->faults.begin(), page->faults.end());
      query.after = page->next;
    } while (query.after);
    return all;
  }

  void open_copy(const std::string& data_dir) {
    close();
    SpoolOptions options = options_;
    options.data_dir = data_dir;
    store_ = open_lmdb_store(options, log_);
  }

  // Work in a process of its own, which stops at each call of `turn` until the parent calls resume(): LMDB allows no process to
  // open an environment twice. Made while no thread is alive here.
  class OtherProcess {
   public:
    explicit OtherProcess(const std::function<void(const std::function<void()>& turn)>& work) {
      if (pipe(to_parent_) != 0 || pipe(to_child_) != 0) throw std::runtime_error("no pipe");
      child_ = fork();
      if (child_ != 0) {
        ::close(to_parent_[1]);
        ::close(to_child_[0]);
        return;
      }
      ::close(to_parent_[0]);
      ::close(to_child_[1]);
      char octet = 0;
      try {
        work([&] {
          if (write(to_parent_[1], &octet, 1) != 1 || read(to_child_[0], &octet, 1) != 1) _exit(4);
        });
      } catch (const std::exception& error) {
        fprintf(stderr, "child: %s\n", error.what());
        _exit(3);
      }
      _exit(testing::Test::HasFailure() ? 2 : 0);
    }
    ~OtherProcess() {
      ::close(to_parent_[0]);
      ::close(to_child_[1]);
      if (child_ > 0) waitpid(child_, nullptr, 0);
    }
    // False: it has ended.
    bool wait_for_turn() {
      char octet = 0;
      return read(to_parent_[0], &octet, 1) == 1;
    }
    void resume() {
      const char octet = 0;
      if (write(to_child_[1], &octet, 1) != 1) throw std::runtime_error("the child is gone");
    }
    int exit_status() {
      int status = 0;
      waitpid(std::exchange(child_, 0), &status, 0);
      return status;
    }

   private:
    pid_t child_ = 0;
    int to_parent_[2], to_child_[2];
  };
  std::uint64_t data_size() const { return std::filesystem::file_size(data_file()); }

  std::mt19937 dice_{20};
};

}  // namespace postrider::storage
