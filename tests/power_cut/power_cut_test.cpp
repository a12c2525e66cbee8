// The power goes while the spool is written: at any moment, with any part of what was not yet synced on the disk or not. Whatever the
// store had answered by then must be there when it is opened again, and nothing must be there by halves.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>

#include "tests/power_cut/disk_journal.h"
#include "tests/unit/storage/lmdb_fixture.h"

namespace postrider::storage {
namespace {

constexpr int kMessages = 160;
constexpr int kAtOnce = 6;  // so that commits hold several
constexpr int kCuts = 50;

enum class Step : std::uint8_t { offered, accepted, claimed, settling, settled };

// What the store was asked or had answered of a message when that many changes had been made to the file.
struct Mark {
  std::size_t position = 0;
  MessageId id;
  Step step = Step::offered;
};

struct Told {
  bool accepted = false, claimed = false, settling = false, settled = false;
};

class PowerCutTest : public LmdbTest {
 protected:
  PowerCutTest() : journal_(directory_ / "spool/data.mdb") {}

  void mark(const MessageId& id, Step step) {
    const std::lock_guard lock(marking_);
    marks_.push_back({journal_.size(), id, step});
  }

  static std::string octets_of(const MessageId& id, std::size_t size) {
    std::string octets = "Subject: " + id.str() + "\r\n\r\n";
    while (octets.size() < size) octets += id.str() + "\r\n";
    return octets;
  }

  // Of some ten sizes, those of several chunks partly staged before.
  NewMessage letter(std::uint64_t dice) {
    NewMessage m = message();
    const std::string octets = octets_of(m.record.id, dice % 9 == 0 ? 3 * kChunkPayload + 17 : 200 + dice % 9000);
    m.body.chunks.clear();
    for (std::size_t at = 0; at < octets.size(); at += kChunkPayload)
      m.body.chunks.push_back(std::make_shared<const std::string>(octets.substr(at, kChunkPayload)));
    m.body.size = m.record.body_size = octets.size();
    m.record.body_chunks = static_cast<std::uint32_t>(m.body.chunks.size());
    if (dice % 4 != 0) m.intent = Intent{"primary"};
    return m;
  }

  void stage_some(NewMessage& m) {
    for (std::uint32_t index = 0; index + 1 < m.record.body_chunks; ++index) {
      store().stage({m.record.id, index, m.body.chunks[index]},
                    Done<Nothing>(mailbox_, [](const result<Nothing>& staged) { EXPECT_TRUE(staged.has_value()); }));
    }
    m.first_chunk = m.record.body_chunks - 1;
    m.body.chunks.erase(m.body.chunks.begin(), m.body.chunks.end() - 1);
  }

  // Accept, claim and settle, some of them left at each point; the answers come on the writer's thread, between two changes.
  void begin(NewMessage m, std::uint64_t dice) {
    const MessageId id = m.record.id;
    const bool claims = m.intent.has_value();
    sizes_[id] = m.record.body_size;
    mark(id, Step::offered);
    if (m.record.body_chunks > 1) stage_some(m);
    store().accept(std::move(m), Done<Accepted>(mailbox_, [this, id, claims, dice](const result<Accepted>& accepted) {
                     ASSERT_TRUE(accepted.has_value());
                     mark(id, Step::accepted);
                     if (claims) return claimed(id, dice);
                     if (dice % 3 == 0) return finish();
                     store().claim({{id, "primary", now_}},
                                   Done<std::vector<Claimed>>(mailbox_, [this, id, dice](auto) { claimed(id, dice); }));
                   }));
  }
  void claimed(const MessageId& id, std::uint64_t dice) {
    mark(id, Step::claimed);
    if (dice % 5 == 0) return finish();
    mark(id, Step::settling);
    store().settle(sent(id), Done<Settled>(mailbox_, [this, id](const result<Settled>& settled) {
                     ASSERT_TRUE(settled.has_value());
                     mark(id, Step::settled);
                     finish();
                   }));
  }
  void finish() { --under_way_; }

  void run_load() {
    open();
    std::mt19937_64 dice(1);
    for (int n = 0; n < kMessages; ++n) {
      mailbox_.wait([this] { return under_way_ < kAtOnce; });
      ++under_way_;
      const std::uint64_t thrown = dice();
      begin(letter(thrown), thrown >> 32);
    }
    mailbox_.wait([this] { return under_way_ == 0; });
    flush_writer();
    close();
  }

  // Opens a disk with that on it, and says what is wrong with it; nothing when nothing is.
  std::vector<std::string> faults_of(const std::string& image, const std::map<MessageId, Told>& told) {
    const TempDirectory disk;
    std::filesystem::create_directory(disk / "spool");
    const int fd = ::open((disk / "spool/data.mdb").c_str(), O_WRONLY | O_CREAT, 0600);
    const bool written = ::write(fd, image.data(), image.size()) == static_cast<ssize_t>(image.size());
    ::close(fd);
    if (!written) return {"the test cannot write an image"};
    SpoolOptions options = options_;
    options.data_dir = disk.path();
    try {
      store_ = open_lmdb_store(options, log_);
    } catch (const SpoolError& error) {
      return {error.what()};
    }
    std::vector<std::string> faults;
    for (const auto& [id, about] : told) {
      const std::string fault = fault_of(id, about);
      if (!fault.empty()) faults.push_back(id.str() + " " + fault);
    }
    const auto page = answer<VerifyPage>([this](Done<VerifyPage> done) {
      store().verify({std::nullopt, 1000}, std::move(done));
    });
    faults.insert(faults.end(), page->faults.begin(), page->faults.end());
    if (!accept(claimed_message())) faults.emplace_back("takes no new message");
    close();
    return faults;
  }

  std::string fault_of(const MessageId& id, const Told& told) {
    const auto record = find(id);
    if (!record) return told.accepted ? "was accepted and is lost: " + record.error().text : "";
    const Recipient& recipient = record->recipients.at(0);
    switch (recipient.state) {
      case RecipientState::sent:
        return told.settling ? "" : "is sent, and nobody said so";
      case RecipientState::deferred:  // cut off, by recovery
        if (told.settled) return "was settled and is to be sent again";
        if (recipient.interruptions != 1) return "is deferred and was not interrupted";
        break;
      case RecipientState::queued:
        if (told.claimed) return "was claimed, and there is no trace of it";
        break;
      default:
        return "is " + std::string(to_string(recipient.state));
    }
    const auto chunks = read_body(id);
    if (!chunks) return "has no body: " + chunks.error().text;
    std::string octets;
    for (const auto& chunk : *chunks) octets += *chunk;
    return octets == octets_of(id, sizes_.at(id)) ? "" : "has another body";
  }

  // What was told of each message before `position`.
  std::map<MessageId, Told> told_before(std::size_t position) const {
    std::map<MessageId, Told> told;
    for (const Mark& mark : marks_) {
      if (mark.position > position) break;
      Told& about = told[mark.id];
      about.accepted |= mark.step == Step::accepted;
      about.claimed |= mark.step == Step::claimed;
      about.settling |= mark.step == Step::settling;
      about.settled |= mark.step == Step::settled;
    }
    return told;
  }

  std::vector<std::string> faults_at_cuts(const std::vector<DiskChange>& changes) {
    std::mt19937_64 dice(2);
    std::vector<std::size_t> cuts;
    cuts.reserve(kCuts);
    // Half of them right after an answer, when the least that it promises is there. Before the first question there is no mail to lose.
    const std::size_t first = marks_.front().position;
    for (int n = 0; n < kCuts; ++n) {
      cuts.push_back(n % 2 == 0 ? marks_[dice() % marks_.size()].position
                                : first + dice() % (changes.size() - first + 1));
    }
    std::sort(cuts.begin(), cuts.end());
    CutDisk disk(changes);
    std::vector<std::string> faults;
    for (const std::size_t cut : cuts) {
      disk.advance_to(cut);
      for (const auto what : {CutDisk::Unsynced::lost, CutDisk::Unsynced::kept, CutDisk::Unsynced::torn}) {
        for (const std::string& fault : faults_of(disk.image(what, dice), told_before(cut)))
          faults.push_back("cut at " + std::to_string(cut) + ": " + fault);
      }
    }
    return faults;
  }

  DiskJournal journal_;
  std::mutex marking_;
  std::vector<Mark> marks_;
  std::map<MessageId, std::uint64_t> sizes_;
  std::atomic<int> under_way_{0};
};

TEST_F(PowerCutTest, WhatWasAnsweredIsThereAndNothingIsThereByHalves) {
  run_load();
  const auto faults = faults_at_cuts(journal_.changes());
  EXPECT_TRUE(faults.empty()) << faults.size() << ", the first: " << faults.front();
}

// That the test above can fail: on a disk that says it has synced what it has not, from the middle of the load on.
TEST_F(PowerCutTest, ADiskThatLiesLosesMail) {
  run_load();
  std::vector<DiskChange> changes = journal_.changes();
  const auto middle = changes.begin() + static_cast<std::ptrdiff_t>(marks_[marks_.size() / 2].position);
  changes.erase(std::remove_if(middle, changes.end(),
                               [](const DiskChange& change) { return change.kind == DiskChange::Kind::sync; }),
                changes.end());
  CutDisk disk(changes);
  disk.advance_to(changes.size());
  std::mt19937_64 dice(3);
  EXPECT_FALSE(faults_of(disk.image(CutDisk::Unsynced::lost, dice), told_before(journal_.size())).empty());
}

// A file that was synced under a name that was not is not found again.
TEST_F(PowerCutTest, TheNamesAreOnTheDiskBeforeTheFirstAnswer) {
  run_load();
  std::vector<std::string> synced;
  for (std::size_t n = 0; n < marks_.front().position; ++n) {
    const DiskChange& change = journal_.changes()[n];
    if (change.kind == DiskChange::Kind::sync_entries) synced.push_back(change.octets);
  }
  EXPECT_THAT(synced, testing::IsSupersetOf({directory_.path(), directory_ / "spool"}));
}

}  // namespace
}  // namespace postrider::storage
