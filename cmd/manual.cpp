#include "cmd/manual.h"

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <sstream>
#include <vector>

#include "cmd/exit_codes.h"

namespace postrider::cmd {

namespace {

// roff takes a dot or quote that starts a line for a request, and a backslash for an escape anywhere.
std::string roff(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  const bool request = !out.empty() && (out.front() == '.' || out.front() == '\'');
  return request ? "\\&" + out : out;
}

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  std::vector<const CLI::App*> verbs;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!verb->get_name().empty() && !verb->get_group().empty()) verbs.push_back(verb);
  }
  return verbs;
}

// "-h,--help"
std::string names_of(const CLI::Option& option) {
  std::string names;
  for (const std::string& name : option.get_snames()) names += (names.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) names += (names.empty() ? "--" : ", --") + name;
  return names;
}

std::string value_of(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return {};
  const std::string type = option.get_type_name();
  return type.empty() || type == "TEXT" || type == "UINT" || type == "INT" ? "VALUE" : type;
}

bool shown(const CLI::Option& option) {
  return !option.get_group().empty();
}

std::string synopsis(const CLI::App& app, const std::string& command) {
  std::string line = ".B " + roff(command) + "\n";
  bool options = false;
  for (const CLI::Option* option : app.get_options())
    options = options || (shown(*option) && !option->get_positional());
  if (options) line += ".RI [ options ]\n";
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional() || !shown(*option)) continue;
    const std::string name = roff(option->get_name(true)) + (option->get_items_expected_max() > 1 ? " ..." : "");
    line += option->get_required() ? ".I " + name + "\n" : ".RI [ \"" + name + "\" ]\n";
  }
  return line;
}

void add_options(std::string& page, const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (!shown(*option)) continue;
    page += ".TP\n";
    if (option->get_positional()) {
      page += ".I " + roff(option->get_name(true)) + "\n";
    } else {
      const std::string value = value_of(*option);
      page +=
          ".BR \"" + roff(names_of(*option)) + "\"" + (value.empty() ? "" : " \" \\fI" + roff(value) + "\\fP\"") + "\n";
    }
    page += roff(option->get_description()) + "\n";
  }
}

std::string title(const std::string& name) {
  return ".\\\" Made by `postrider man`; do not edit.\n.TH " + roff(name) +
         " 1 \"\" \"postrider " POSTRIDER_VERSION "\"\n";
}

// The help of a program that has a table of its own, line by line.
std::string as_it_is(const std::string& text) {
  std::string out = ".nf\n";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out += roff(line) + "\n";
  return out + ".fi\n";
}

std::string page_of(const CLI::App& command) {
  const std::string name = "postrider-" + command.get_name();
  std::string page =
      title(name) + ".SH NAME\n" + roff(name) + " \\- " + roff(command.get_description()) + "\n.SH SYNOPSIS\n";
  const auto verbs = verbs_of(command);
  if (const std::string text = command.get_footer(); !text.empty()) {
    page += ".B " + roff(command.get_name()) + "\n.RI [ options ]\n.SH DESCRIPTION\n" + as_it_is(text);
  } else if (verbs.empty()) {
    page += synopsis(command, "postrider " + command.get_name()) + ".SH OPTIONS\n";
    add_options(page, command);
  } else {
    for (const CLI::App* verb : verbs)
      page += synopsis(*verb, "postrider " + command.get_name() + " " + verb->get_name()) + ".br\n";
    page += ".SH COMMANDS\n";
    for (const CLI::App* verb : verbs) {
      page += ".SS \"postrider " + roff(command.get_name() + " " + verb->get_name()) + "\"\n" +
              roff(verb->get_description()) + "\n";
      add_options(page, *verb);
    }
  }
  page += ".SH EXIT STATUS\n0 on success, else a code of\n.BR sysexits.h (3head).\n";
  return page += ".SH SEE ALSO\n.BR postrider (1)\n";
}

// "serve config queue", for compgen.
std::string words_of(const std::vector<const CLI::App*>& apps) {
  std::string words;
  for (const CLI::App* app : apps) words += (words.empty() ? "" : " ") + app->get_name();
  return words;
}

std::string options_of(const CLI::App& app) {
  std::string words;
  for (const CLI::Option* option : app.get_options()) {
    if (!shown(*option)) continue;
    for (const std::string& name : option->get_lnames()) words += (words.empty() ? "--" : " --") + name;
  }
  return words;
}

}  // namespace

std::map<std::string, std::string> manual_pages(const CLI::App& app) {
  std::map<std::string, std::string> pages;
  std::string main = title("postrider") + ".SH NAME\npostrider \\- " + roff(app.get_description()) +
                     "\n.SH SYNOPSIS\n.B postrider\n.I command\n.RI [ options ]\n.SH COMMANDS\n";
  for (const CLI::App* command : verbs_of(app)) {
    main += ".TP\n.B " + roff(command->get_name()) + "\n" + roff(command->get_description()) +
            " (see\n.BR postrider\\-" + roff(command->get_name()) + " (1))\n";
    pages["postrider-" + command->get_name() + ".1"] = page_of(*command);
  }
  main += ".SH OPTIONS\n";
  add_options(main, app);
  main +=
      ".SH ENVIRONMENT\n.TP\n.B POSTRIDER_URL\nWhere the daemon's API is.\n.TP\n.B POSTRIDER_TOKEN\nThe key for "
      "it.\n.TP\n"
      ".B POSTRIDER_SMTP, POSTRIDER_MAILDROP\nWhere the sendmail command hands mail in.\n"
      ".SH FILES\n.TP\n.I /etc/postrider/postrider.toml\nThe configuration.\n";
  pages["postrider.1"] = main;
  return pages;
}

int print_manual(const CLI::App& app, const std::string& command) {
  const auto pages = manual_pages(app);
  const auto page = pages.find(command.empty() ? "postrider.1" : "postrider-" + command + ".1");
  if (page == pages.end()) throw CommandError(EX_USAGE, "there is no manual page of " + command);
  std::cout << page->second;
  return EX_OK;
}

int write_manual(const CLI::App& app, const std::string& directory) {
  for (const auto& [name, page] : manual_pages(app)) {
    const std::string path = directory + "/" + name;
    std::ofstream file(path, std::ios::binary);
    file << page;
    if (!file.flush()) throw CommandError(EX_CANTCREAT, "cannot write " + path);
  }
  return EX_OK;
}

std::string bash_completion(const CLI::App& app) {
  const auto commands = verbs_of(app);
  std::string out =
      "# bash completion for postrider; made by `postrider completion`, do not edit.\n"
      "_postrider() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} words=\"" +
      words_of(commands) + " " + options_of(app) +
      "\"\n"
      "  case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n";
  for (const CLI::App* command : commands) {
    for (const CLI::App* verb : verbs_of(*command)) {
      const std::string place = command->get_name() + " " + verb->get_name();
      out += "    \"" + place + "\") [ \"$COMP_CWORD\" -gt 2 ] && words=\"" + options_of(*verb) + "\" || words=\"" +
             words_of(verbs_of(*command)) + "\" ;;\n";
    }
    const bool group = !verbs_of(*command).empty();
    const std::string words = group ? words_of(verbs_of(*command)) + " " + options_of(*command) : options_of(*command);
    out += "    \"" + command->get_name() + " \"*) [ \"$COMP_CWORD\" -gt 1 ] && words=\"" + words + "\" ;;\n";
  }
  out +=
      "  esac\n"
      "  case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n"
      "    --config|--output|--data-dir) COMPREPLY=($(compgen -f -- \"$current\")) ; return ;;\n"
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}\n"
      "complete -F _postrider postrider\n";
  return out;
}

}  // namespace postrider::cmd
