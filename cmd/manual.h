// Manual pages and shell completion, made from the same table as --help: the CLI::App that parses the command line. Pure text;
// docs/man/ and config/completion/ hold what they give, and a test keeps them true.
#pragma once

#include <map>
#include <string>

namespace CLI {
class App;
}

namespace postrider::cmd {

// roff (man(7)) by file name: postrider.1 and one page for each command, postrider-queue.1 and so on.
std::map<std::string, std::string> manual_pages(const CLI::App& app);

// Commands over them: exit codes. A page that does not exist, or a directory that cannot be written, is a CommandError.
int print_manual(const CLI::App& app, const std::string& command);  // empty: postrider(1)
int write_manual(const CLI::App& app, const std::string& directory);

// A bash completion script: commands, their verbs, and the options of each.
std::string bash_completion(const CLI::App& app);

}  // namespace postrider::cmd
