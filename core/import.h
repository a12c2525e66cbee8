// The configuration of another mail program as a postrider.toml with notes on what has no equivalent: Postfix, msmtp, ssmtp,
// nullmailer. Pure: texts in, text out; who reads the files is cmd/import_command. Never throws for what a file says, and
// never puts a password into the result unless it is told to.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace postrider {

struct ImportOptions {
  bool with_secrets = false;                   // write passwords into the result
  std::string secrets_dir = "/etc/postrider";  // else: where { file = "..." } says they are
};

// A file that the result names and that must be made.
struct SecretToMake {
  std::string path;
  std::string what;  // "the password of app for [smtp.example.net]:587 in sasl_passwd, line 3"
};

struct ImportResult {
  std::string toml;
  std::vector<SecretToMake> secrets;
  std::vector<std::string> notes;  // the same that stand at the end of `toml`, one sentence or two each
};

struct ImportFile {
  std::string name;  // for comments: "main.cf"
  std::string text;
};

struct PostfixFiles {
  ImportFile main_cf;
  std::optional<ImportFile> master_cf;    // beside main.cf: ports of the listeners
  std::optional<ImportFile> sasl_passwd;  // the text that smtp_sasl_password_maps was made from
  std::optional<ImportFile> aliases;      // that of alias_maps
  std::optional<ImportFile> generic;      // that of smtp_generic_maps or sender_canonical_maps
};
ImportResult import_postfix(const PostfixFiles& files, const ImportOptions& options);

ImportResult import_msmtp(const ImportFile& msmtprc, const ImportOptions& options);
ImportResult import_ssmtp(const ImportFile& ssmtp_conf, const ImportOptions& options);

struct NullmailerFiles {
  ImportFile remotes;
  std::map<std::string, std::string> controls;  // the other files of its directory by name: "me", "adminaddr", ...
};
// The names of the files that are of interest.
const std::vector<std::string>& nullmailer_controls();
ImportResult import_nullmailer(const NullmailerFiles& files, const ImportOptions& options);

}  // namespace postrider
