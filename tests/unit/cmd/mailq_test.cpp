#include "cmd/mailq.h"

#include <unistd.h>

#include <boost/json/parse.hpp>
#include <filesystem>

#include "cmd/sendmail_drop.h"
#include "tests/temp_directory.h"

namespace postrider::cmd {
namespace {

namespace json = boost::json;

TEST(Mailq, AnEmptyQueueSaysSo) {
  EXPECT_EQ(render_mailq({}), "Mail queue is empty\n");
}

TEST(Mailq, HasTheFamiliarShape) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  const json::value messages = json::parse(R"([
    {"id":"01kg9aaaaaaaaaaaaaaaaaaaaa","state":"sending","size":1000,"created_at":"2026-01-31T08:15:00.000Z",
     "sender":"app@example.com","recipients":[
       {"address":"done@example.net","state":"sent","reason":null},
       {"address":"user@example.net","state":"sending","reason":null},
       {"address":"late\u001b@example.net","state":"deferred","reason":"450 busy"}]},
    {"id":"01kg9bbbbbbbbbbbbbbbbbbbbb","state":"held","size":1049,"created_at":"2026-01-01T00:00:00.000Z",
     "sender":"","recipients":[{"address":"x@example.net","state":"held","reason":"asked"}]}])");
  EXPECT_EQ(render_mailq(messages.as_array()),
            "-----Queue ID-------------- --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
            "01kg9aaaaaaaaaaaaaaaaaaaaa*     1000 Sat Jan 31 08:15:00  app@example.com\n"
            "                                                          user@example.net\n"
            "    (450 busy)\n"
            "                                                          late?@example.net\n"
            "\n"
            "01kg9bbbbbbbbbbbbbbbbbbbbb!     1049 Thu Jan  1 00:00:00  MAILER-DAEMON\n"
            "    (asked)\n"
            "                                                          x@example.net\n"
            "\n"
            "-- 3 Kbytes in 2 Requests.\n");
}

TEST(Mailq, WaitingFilesAreShownToTheirOwnerAndToRoot) {
  const TempDirectory directory;
  relay::MaildropEnvelope envelope;
  envelope.sender = {"app", "example.com"};
  envelope.recipients = {{{"user", "example.net"}, "", {}}};
  SendmailSpool message;
  message.append("Subject: x\r\n\r\n");
  leave_in_maildrop(directory.path(), envelope, message);
  std::filesystem::create_directory(directory / "bad");
  std::filesystem::create_symlink("/etc/passwd", directory / "link");

  const auto mine = waiting_files(directory.path(), ::getuid());
  ASSERT_EQ(mine.size(), 1u);
  EXPECT_EQ(mine[0].sender, "app@example.com");
  EXPECT_EQ(mine[0].recipients, std::vector<std::string>{"user@example.net"});
  EXPECT_EQ(mine[0].size, 14u);
  EXPECT_EQ(waiting_files(directory.path(), 0).size(), 1u);
  EXPECT_TRUE(waiting_files(directory.path(), ::getuid() + 1).empty());
  EXPECT_TRUE(waiting_files(directory / "missing", ::getuid()).empty());
  EXPECT_NE(render_waiting(mine).find("app@example.com\n"), std::string::npos);
}

}  // namespace
}  // namespace postrider::cmd
