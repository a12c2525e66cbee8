#include "cmd/sendmail_options.h"

#include <string_view>

#include "relay/smtp/ascii.h"
#include "relay/smtp/xtext.h"

namespace postrider::cmd {

namespace {

using smtp::iequals;

constexpr std::size_t kMaxEnvid = 100;  // RFC 3461 4.4, as xtext

// How an option takes its value.
enum class Takes : unsigned char {
  nothing,   // may stand together with others: -ti
  value,     // -fuser and -f user
  attached,  // -q and -q30m: what follows in the same argument, if anything
};

using Apply = std::optional<Fault> (*)(SendmailOptions&, std::string_view value);

std::optional<Fault> ignore(SendmailOptions&, std::string_view) {
  return std::nullopt;
}

std::optional<Fault> take_mode(SendmailOptions& options, std::string_view value) {
  if (value == "m") {
    options.mode = SendmailMode::submit;
  } else if (value == "s") {
    options.mode = SendmailMode::smtp;
  } else if (value == "p") {
    options.mode = SendmailMode::list;
  } else if (value == "i") {
    options.mode = SendmailMode::flush;
  } else if (value == "d" || value == "D") {
    return invalid("-b" + std::string(value) + ": the daemon is started by `postrider serve`");
  } else {
    return invalid("-b" + std::string(value) + " is not a mode: -bm, -bs and -bp are");
  }
  return std::nullopt;
}

std::optional<Fault> take_body(SendmailOptions& options, std::string_view value) {
  options.eight_bit = iequals(value, "8bitmime");
  if (!options.eight_bit && !iequals(value, "7bit")) return invalid("-B takes 7bit or 8bitmime");
  return std::nullopt;
}

std::optional<Fault> take_notify(SendmailOptions& options, std::string_view value) {
  options.notify = {};
  if (iequals(value, "never")) {
    options.notify.never = true;
    return std::nullopt;
  }
  for (;;) {
    const std::size_t comma = value.find(',');
    const std::string_view word = smtp::trim(value.substr(0, comma));
    bool* flag = iequals(word, "success")   ? &options.notify.success
                 : iequals(word, "failure") ? &options.notify.failure
                 : iequals(word, "delay")   ? &options.notify.delay
                                            : nullptr;
    if (flag == nullptr) return invalid("-N takes never, or a list of success, failure and delay");
    *flag = true;
    if (comma == std::string_view::npos) return std::nullopt;
    value.remove_prefix(comma + 1);
  }
}

std::optional<Fault> take_return(SendmailOptions& options, std::string_view value) {
  if (!iequals(value, "full") && !iequals(value, "hdrs")) return invalid("-R takes full or hdrs");
  options.ret = iequals(value, "full") ? DsnReturn::full : DsnReturn::headers;
  return std::nullopt;
}

std::optional<Fault> take_envid(SendmailOptions& options, std::string_view value) {
  options.envid = smtp::encode_xtext(value);
  if (options.envid.empty() || options.envid.size() > kMaxEnvid)
    return invalid("-V takes an envelope id of 1 to 100 octets");
  return std::nullopt;
}

std::optional<Fault> take_old_option(SendmailOptions& options, std::string_view value) {  // -oi
  if (value == "i") options.ignore_dots = true;
  return std::nullopt;
}

std::optional<Fault> take_long_option(SendmailOptions& options, std::string_view value) {  // -OIgnoreDots=True
  const std::size_t equals = value.find('=');
  const std::string_view setting = equals == std::string_view::npos ? std::string_view("t") : value.substr(equals + 1);
  if (iequals(value.substr(0, equals), "IgnoreDots"))
    options.ignore_dots = !setting.empty() && (smtp::to_lower(setting.front()) == 't' || setting.front() == '1');
  return std::nullopt;
}

std::optional<Fault> take_flag_t(SendmailOptions& options, std::string_view) {
  options.recipients_from_header = true;
  return std::nullopt;
}
std::optional<Fault> take_flag_i(SendmailOptions& options, std::string_view) {
  options.ignore_dots = true;
  return std::nullopt;
}
std::optional<Fault> take_flag_v(SendmailOptions& options, std::string_view) {
  options.verbose = true;
  return std::nullopt;
}
std::optional<Fault> take_sender(SendmailOptions& options, std::string_view value) {
  options.sender = std::string(value);
  return std::nullopt;
}
std::optional<Fault> take_name(SendmailOptions& options, std::string_view value) {
  options.full_name = std::string(value);
  return std::nullopt;
}
std::optional<Fault> take_flush(SendmailOptions& options, std::string_view) {
  options.mode = SendmailMode::flush;
  return std::nullopt;
}

struct Option {
  char letter;
  Takes takes;
  Apply apply;
};
constexpr Option kOptions[] = {
    {'b', Takes::value, take_mode},
    {'t', Takes::nothing, take_flag_t},
    {'i', Takes::nothing, take_flag_i},
    {'f', Takes::value, take_sender},
    {'r', Takes::value, take_sender},
    {'F', Takes::value, take_name},
    {'B', Takes::value, take_body},
    {'N', Takes::value, take_notify},
    {'R', Takes::value, take_return},
    {'V', Takes::value, take_envid},
    {'v', Takes::nothing, take_flag_v},
    {'q', Takes::attached, take_flush},
    {'I', Takes::nothing, take_flush},
    {'o', Takes::value, take_old_option},
    {'O', Takes::value, take_long_option},
    // Without meaning here: submission or relay (-A, -G, -U), aliases (-n), metoo (-m), hops (-h), what to do with errors (-e:
    // they go to stderr and the exit code), protocol (-p), configuration (-C), log tag (-L), traffic log (-X), debugging (-d).
    {'A', Takes::value, ignore},
    {'G', Takes::nothing, ignore},
    {'U', Takes::nothing, ignore},
    {'n', Takes::nothing, ignore},
    {'m', Takes::nothing, ignore},
    {'h', Takes::value, ignore},
    {'e', Takes::value, ignore},
    {'p', Takes::value, ignore},
    {'C', Takes::value, ignore},
    {'L', Takes::value, ignore},
    {'X', Takes::value, ignore},
    {'d', Takes::attached, ignore},
};

const Option* find_option(char letter) {
  for (const Option& option : kOptions)
    if (option.letter == letter) return &option;
  return nullptr;
}

// One argument that begins with a dash: several letters without a value may stand in it, one with a value ends it.
std::optional<Fault> take_argument(const std::vector<std::string>& arguments, std::size_t& at,
                                   SendmailOptions& options) {
  std::string_view letters = std::string_view(arguments[at]).substr(1);
  while (!letters.empty()) {
    const char letter = letters.front();
    letters.remove_prefix(1);
    const Option* option = find_option(letter);
    if (option == nullptr)
      return invalid("unknown option -" + std::string(1, letter) + "; see `postrider sendmail --help`");
    std::string_view value;
    if (option->takes != Takes::nothing) value = std::exchange(letters, {});
    if (option->takes == Takes::value && value.empty()) {
      if (at + 1 == arguments.size()) return invalid("option -" + std::string(1, letter) + " needs a value");
      value = arguments[++at];
    }
    if (auto fault = option->apply(options, value)) return fault;
  }
  return std::nullopt;
}

}  // namespace

result<SendmailOptions> parse_sendmail_options(const std::vector<std::string>& arguments) {
  SendmailOptions options;
  std::size_t at = 0;
  for (; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    if (argument == "--help") {
      options.mode = SendmailMode::help;
      return options;
    }
    if (argument == "--") {
      ++at;
      break;
    }
    if (argument.size() < 2 || argument.front() != '-') {  // options may also stand behind addresses
      options.recipients.push_back(argument);
      continue;
    }
    if (auto fault = take_argument(arguments, at, options)) return std::move(*fault);
  }
  for (; at < arguments.size(); ++at) options.recipients.push_back(arguments[at]);
  return options;
}

std::string sendmail_help() {
  return "sendmail [options] [recipient ...]   reads a message from stdin and hands it to the Postrider daemon\n"
         "\n"
         "  -t             take recipients from To, Cc and Bcc too (Resent-... if there are any); Bcc is removed\n"
         "  -i, -oi        a line with a single dot does not end the message\n"
         "  -f, -r ADDR    envelope sender; <> for none\n"
         "  -F NAME        name for the From field, when there is none\n"
         "  -N WHEN        never, or a list of success, failure, delay: which delivery notices to ask for\n"
         "  -R full|hdrs   how much of the message such a notice returns\n"
         "  -V ID          envelope id for such notices\n"
         "  -B 7bit|8bitmime\n"
         "  -bm            submit a message (default)\n"
         "  -bs            speak SMTP on stdin and stdout\n"
         "  -bp            show the queue, as mailq does\n"
         "  -q             no effect: the daemon delivers by itself\n"
         "  -v             say what became of the message\n"
         "  --             the rest are recipients\n"
         "\n"
         "The daemon: POSTRIDER_SMTP, else `smtp` in /etc/postrider/client.toml, else 127.0.0.1:2525. While it is "
         "down, the drop\n"
         "directory takes the message: POSTRIDER_MAILDROP, else `maildrop` in that file. Other options of sendmail (-A "
         "-C -G -L -O -U -X\n"
         "-d -e -h -m -n -o -p) are taken and have no effect.\n";
}

}  // namespace postrider::cmd
