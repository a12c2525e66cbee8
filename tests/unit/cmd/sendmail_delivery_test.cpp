// Where sendmail finds the daemon, what it makes of answers, and what it leaves in the drop directory.
#include "cmd/sendmail_delivery.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cmd/exit_codes.h"
#include "cmd/sendmail_drop.h"
#include "tests/temp_directory.h"

namespace postrider::cmd {
namespace {

namespace fs = std::filesystem;

result<ClientPlaces> places_of(std::optional<std::string> file, std::string smtp = "", std::string maildrop = "") {
  return find_places([&](const char* name) { return std::string(name) == "POSTRIDER_SMTP" ? smtp : maildrop; }, file);
}

TEST(SendmailPlaces, TheEnvironmentThenTheFileThenTheDefault) {
  EXPECT_EQ(places_of(std::nullopt)->smtp(), "127.0.0.1:2525");
  EXPECT_EQ(places_of(std::nullopt)->maildrop, "");
  const std::string file = "smtp = \"relay.example:25\"\nmaildrop = \"/drop\"\n";
  EXPECT_EQ(places_of(file)->smtp(), "relay.example:25");
  EXPECT_EQ(places_of(file)->maildrop, "/drop");
  EXPECT_TRUE(places_of(file)->maildrop_from_file);
  EXPECT_EQ(places_of(file, "[::1]:2526")->smtp(), "[::1]:2526");
  EXPECT_EQ(places_of(file, "", "/mine")->maildrop, "/mine");
  EXPECT_FALSE(places_of(file, "", "/mine")->maildrop_from_file);
}

TEST(SendmailPlaces, FaultsNameThePlace) {
  const std::pair<std::string, std::string> files[] = {
      {"smtp = \"relay\"\n", "/etc/postrider/client.toml: line 1: smtp must be host:port"},
      {"smtp = \"relay:0\"\n", "/etc/postrider/client.toml: line 1: smtp must be host:port"},
      {"\nsmtp = 25\n", "/etc/postrider/client.toml: line 2: smtp must be a string"},
      {"mail_drop = \"/x\"\n", "/etc/postrider/client.toml: line 1: mail_drop is not a key: smtp and maildrop are"},
      {"smtp = \n", "/etc/postrider/client.toml: line 1: "},
  };
  for (const auto& [file, fault] : files)
    EXPECT_EQ(places_of(file).error().text.substr(0, fault.size()), fault) << file;
  EXPECT_EQ(places_of(std::nullopt, "relay:99999").error().text, "POSTRIDER_SMTP must be host:port");
}

RecipientOutcome outcome(OutcomeKind kind, Cause cause, Stage stage, int code, std::string enhanced = "") {
  RecipientOutcome out;
  out.kind = kind;
  out.reason = {cause, stage, code, std::move(enhanced), ""};
  return out;
}

TEST(SendmailDelivery, AnswersAreAcceptedFinalOrForLater) {
  using enum OutcomeKind;
  EXPECT_EQ(fate_of(outcome(sent, Cause::none, Stage::final_dot, 250)), Fate::accepted);
  EXPECT_EQ(fate_of(outcome(bounced, Cause::recipient, Stage::rcpt, 550, "5.1.1")), Fate::refused);
  EXPECT_EQ(fate_of(outcome(deferred, Cause::route, Stage::mail, 530, "5.7.0")), Fate::refused);
  EXPECT_EQ(fate_of(outcome(deferred, Cause::capability, Stage::hello, 0, "5.3.4")), Fate::refused);
  EXPECT_EQ(fate_of(outcome(deferred, Cause::route, Stage::connect, 0)), Fate::later);
  EXPECT_EQ(fate_of(outcome(deferred, Cause::content, Stage::mail, 452, "4.3.1")), Fate::later);
  EXPECT_EQ(fate_of(outcome(deferred, Cause::throttle, Stage::rcpt, 552)), Fate::later);
  EXPECT_EQ(fate_of(outcome(uncertain, Cause::uncertain, Stage::final_dot, 0)), Fate::later);
}

TEST(SendmailDelivery, ExitCodesSayWhatWasWrong) {
  const auto code = [](Cause cause, Stage stage, int reply, const char* enhanced) {
    return exit_code_of({cause, stage, reply, enhanced, ""});
  };
  EXPECT_EQ(code(Cause::recipient, Stage::rcpt, 550, "5.1.1"), EX_NOUSER);
  EXPECT_EQ(code(Cause::recipient, Stage::rcpt, 554, "5.7.1"), EX_UNAVAILABLE);
  EXPECT_EQ(code(Cause::route, Stage::mail, 530, "5.7.0"), EX_UNAVAILABLE);
  EXPECT_EQ(code(Cause::capability, Stage::hello, 0, "5.3.4"), EX_DATAERR);
  EXPECT_EQ(code(Cause::content, Stage::final_dot, 550, "5.6.0"), EX_DATAERR);
  EXPECT_EQ(code(Cause::capability, Stage::mail, 552, "5.3.4"), EX_DATAERR);
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
  return names;
}

std::string content_of(const std::string& file) {
  std::stringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  return content.str();
}

relay::MaildropEnvelope envelope_for(std::size_t recipients) {
  relay::MaildropEnvelope envelope;
  envelope.sender = {"app", "example.com"};
  for (std::size_t i = 0; i < recipients; ++i)
    envelope.recipients.push_back({{"u" + std::to_string(i), "example.net"}, "", {}});
  return envelope;
}

TEST(SendmailDrop, LeavesOneWholeReadableFile) {
  const TempDirectory directory;
  SendmailSpool message(100);
  const std::string text = "Subject: x\r\n\r\n" + std::string(300, 'x') + "\r\n";
  message.append(text);
  const mode_t before = ::umask(077);
  leave_in_maildrop(directory.path(), envelope_for(2), message);
  ::umask(before);
  const auto names = names_in(directory.path());
  ASSERT_EQ(names.size(), 1u);
  EXPECT_NE(names[0].front(), relay::kMaildropTemporary);
  struct stat facts {};
  ASSERT_EQ(::stat((directory / names[0]).c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0644u);
  relay::MaildropEnvelope envelope = envelope_for(2);
  envelope.size = text.size();
  EXPECT_EQ(content_of(directory / names[0]), relay::encode_maildrop(envelope) + text);
}

TEST(SendmailDrop, ManyRecipientsMakeSeveralFiles) {
  const TempDirectory directory;
  SendmailSpool message;
  message.append("Subject: x\r\n\r\n");
  leave_in_maildrop(directory.path(), envelope_for(2001), message);
  std::size_t recipients = 0;
  const auto names = names_in(directory.path());
  EXPECT_EQ(names.size(), 3u);
  for (const std::string& name : names) {
    relay::MaildropReader reader;
    ASSERT_EQ(reader.feed(content_of(directory / name)).status, relay::MaildropReader::Status::complete);
    recipients += reader.envelope().recipients.size();
  }
  EXPECT_EQ(recipients, 2001u);
}

TEST(SendmailDrop, WithoutADirectoryItSaysSo) {
  const TempDirectory directory;
  SendmailSpool message;
  try {
    leave_in_maildrop(directory / "missing", envelope_for(1), message);
    FAIL() << "took it";
  } catch (const CommandError& error) {
    EXPECT_EQ(error.exit_code(), EX_TEMPFAIL);
    EXPECT_NE(std::string(error.what()).find("missing: cannot open it: "), std::string::npos) << error.what();
  }
}

// The disk refuses in the middle (a limit of file size stands for a full one): nothing stays behind.
TEST(SendmailDrop, AFailedWriteLeavesNothing) {
  const TempDirectory directory;
  SendmailSpool message;
  message.append(std::string(200'000, 'x'));
  fs::create_directory(directory / "drop");
  rlimit old{}, small{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  small = old;
  small.rlim_cur = 50'000;
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(leave_in_maildrop(directory / "drop", envelope_for(1), message), CommandError);
  ::setrlimit(RLIMIT_FSIZE, &old);
  ::signal(SIGXFSZ, handler);
  EXPECT_TRUE(names_in(directory / "drop").empty());
}

}  // namespace
}  // namespace postrider::cmd
