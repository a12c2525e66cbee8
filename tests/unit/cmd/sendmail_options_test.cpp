#include "cmd/sendmail_options.h"

namespace postrider::cmd {
namespace {

using Arguments = std::vector<std::string>;

SendmailOptions parsed(const Arguments& arguments) {
  const auto options = parse_sendmail_options(arguments);
  if (!options) {
    ADD_FAILURE() << options.error().text;
    return {};
  }
  return *options;
}

std::string fault_of(const Arguments& arguments) {
  const auto options = parse_sendmail_options(arguments);
  return options ? "" : options.error().text;
}

TEST(SendmailOptions, NothingIsSubmission) {
  const SendmailOptions options = parsed({"user@example.net", "root"});
  EXPECT_EQ(options.mode, SendmailMode::submit);
  EXPECT_FALSE(options.recipients_from_header || options.ignore_dots || options.verbose || options.sender);
  EXPECT_EQ(options.recipients, (Arguments{"user@example.net", "root"}));
}

TEST(SendmailOptions, FlagsStandAloneAndTogether) {
  for (const Arguments& line : {Arguments{"-t", "-i"},
                                {"-ti"},
                                {"-it"},
                                {"-t", "-oi"},
                                {"-t", "-o", "i"},
                                {"-tOIgnoreDots=True"},
                                {"-ti", "-O", "ErrorMode=m"}}) {
    const SendmailOptions options = parsed(line);
    EXPECT_TRUE(options.recipients_from_header && options.ignore_dots) << line[0];
  }
  EXPECT_FALSE(parsed({"-OIgnoreDots=False"}).ignore_dots);
}

TEST(SendmailOptions, ValuesAreAttachedOrTheNextArgument) {
  for (const Arguments& line : {Arguments{"-fapp@example.com", "u"},
                                {"-f", "app@example.com", "u"},
                                {"-rapp@example.com", "u"},
                                {"-r", "app@example.com", "u"},
                                {"-tfapp@example.com", "u"},
                                {"u", "-if", "app@example.com"}}) {
    const SendmailOptions options = parsed(line);
    EXPECT_EQ(options.sender, "app@example.com") << line[0];
    EXPECT_EQ(options.recipients, Arguments{"u"}) << line[0];
  }
  EXPECT_EQ(parsed({"-f", "", "u"}).sender, "");
  EXPECT_EQ(parsed({"-f<>", "u"}).sender, "<>");
  EXPECT_EQ(parsed({"-F", "Ann Example", "u"}).full_name, "Ann Example");
  EXPECT_EQ(parsed({"-FAnn", "u"}).full_name, "Ann");
}

TEST(SendmailOptions, NoticesAreAskedFor) {
  const SendmailOptions some = parsed({"-N", "success,Delay", "-R", "hdrs", "-V", "order 17"});
  EXPECT_TRUE(some.notify.success && some.notify.delay);
  EXPECT_FALSE(some.notify.failure || some.notify.never);
  EXPECT_EQ(some.ret, DsnReturn::headers);
  EXPECT_EQ(some.envid, "order+2017");
  EXPECT_TRUE(parsed({"-Nnever"}).notify.never);
  EXPECT_EQ(parsed({"-Rfull"}).ret, DsnReturn::full);
}

TEST(SendmailOptions, Modes) {
  EXPECT_EQ(parsed({"-bm", "u"}).mode, SendmailMode::submit);
  EXPECT_EQ(parsed({"-bs"}).mode, SendmailMode::smtp);
  EXPECT_EQ(parsed({"-b", "p"}).mode, SendmailMode::list);
  EXPECT_EQ(parsed({"-q"}).mode, SendmailMode::flush);
  EXPECT_EQ(parsed({"-q30m"}).mode, SendmailMode::flush);
  EXPECT_EQ(parsed({"-qRexample.com"}).mode, SendmailMode::flush);
  EXPECT_EQ(parsed({"-bi"}).mode, SendmailMode::flush);
  EXPECT_EQ(parsed({"--help"}).mode, SendmailMode::help);
  EXPECT_TRUE(parsed({"-B8BITMIME"}).eight_bit);
  EXPECT_FALSE(parsed({"-B", "7bit"}).eight_bit);
}

TEST(SendmailOptions, WhatMeansNothingHereIsTaken) {
  const SendmailOptions options = parsed(
      {"-Am", "-Ac",   "-G", "-U",  "-n",    "-m", "-h",  "3",  "-om",      "-oem",   "-odb",   "-o7",   "-eq", "-e",
       "m",   "-OX=1", "-O", "Y=2", "-Ltag", "-L", "tag", "-X", "/tmp/log", "-psmtp", "-Cfile", "-d0.1", "-v",  "u"});
  EXPECT_EQ(options.recipients, Arguments{"u"});
  EXPECT_TRUE(options.verbose);
}

TEST(SendmailOptions, TwoDashesEndThem) {
  EXPECT_EQ(parsed({"-i", "--", "-f", "u"}).recipients, (Arguments{"-f", "u"}));
}

TEST(SendmailOptions, MistakesAreUsageErrorsThatSayWhat) {
  const std::pair<Arguments, std::string> mistakes[] = {
      {{"-k"}, "unknown option -k"},
      {{"-tz"}, "unknown option -z"},
      {{"--recipients"}, "unknown option --"},
      {{"-f"}, "option -f needs a value"},
      {{"-Nsometimes"}, "-N takes never"},
      {{"-Nnever,success"}, "-N takes never"},
      {{"-Rsome"}, "-R takes full or hdrs"},
      {{"-B", "binary"}, "-B takes 7bit or 8bitmime"},
      {{"-V", std::string(101, 'x')}, "-V takes an envelope id"},
      {{"-bz"}, "-bz is not a mode"},
      {{"-bd"}, "-bd: the daemon is started by `postrider serve`"},
  };
  for (const auto& [line, fault] : mistakes) EXPECT_EQ(fault_of(line).substr(0, fault.size()), fault) << line[0];
}

}  // namespace
}  // namespace postrider::cmd
