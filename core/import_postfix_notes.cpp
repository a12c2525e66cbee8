#include "core/import_postfix_notes.h"

namespace postrider {
namespace {

constexpr std::string_view kRestrictions =
    "Postrider has one rule instead: who is in access.trusted_networks or has logged in may relay, everyone else may "
    "not. Mail "
    "from outside for domains of yours does not belong here.";
constexpr std::string_view kLocal =
    "Postrider delivers nothing on this machine: all mail goes to the upstream. Names that must stay here need an "
    "alias to a "
    "mailbox elsewhere.";
constexpr std::string_view kFilter =
    "no equivalent: Postrider sends on the bytes it was given. Let the upstream do it, or a filter before Postrider.";
constexpr std::string_view kSigning =
    "no equivalent. If this is where DKIM signatures come from, the upstream must sign from now on.";
constexpr std::string_view kRouting =
    "not taken over: write an [[upstream]] for each way, with match = { sender_domain = [...] } or { recipient_domain "
    "= "
    "[...] }, and one without match for the rest.";
constexpr std::string_view kCopies = "no equivalent: Postrider makes no copies.";
constexpr std::string_view kUsers =
    "logins are Postrider's own: make them with `postrider user add`; passwords of other systems are not read.";
constexpr std::string_view kRewrite =
    "no equivalent: envelope senders can be rewritten (addresses.rewrite_sender), header fields are left as they are.";
constexpr std::string_view kVerified =
    "no equivalent: with tls = \"starttls\" or \"implicit\" the certificate is verified for the upstream's name, "
    "always.";

const PostfixNote kPostfixNotes[] = {
    {"smtpd_recipient_restrictions", kRestrictions},
    {"smtpd_relay_restrictions", kRestrictions},
    {"smtpd_client_restrictions", kRestrictions},
    {"smtpd_sender_restrictions", kRestrictions},
    {"smtpd_helo_restrictions", kRestrictions},
    {"smtpd_data_restrictions", kRestrictions},
    {"smtpd_end_of_data_restrictions", kRestrictions},
    {"mydestination", kLocal},
    {"local_recipient_maps", kLocal},
    {"local_transport", kLocal},
    {"mailbox_command", kLocal},
    {"mailbox_transport", kLocal},
    {"home_mailbox", kLocal},
    {"luser_relay", kLocal},
    {"virtual_mailbox_domains", kLocal},
    {"virtual_mailbox_maps", kLocal},
    {"virtual_mailbox_base", kLocal},
    {"virtual_transport", kLocal},
    {"virtual_alias_domains", kLocal},
    {"virtual_alias_maps",
     "no equivalent for whole tables: addresses.aliases takes one address for one name or address."},
    {"relay_domains", kRestrictions},
    {"relay_recipient_maps", kRestrictions},
    {"permit_mx_backup_networks", kRestrictions},
    {"smtpd_milters", kSigning},
    {"non_smtpd_milters", kSigning},
    {"content_filter", kFilter},
    {"smtpd_proxy_filter", kFilter},
    {"header_checks", kFilter},
    {"mime_header_checks", kFilter},
    {"nested_header_checks", kFilter},
    {"body_checks", kFilter},
    {"smtp_header_checks", kFilter},
    {"smtp_body_checks", kFilter},
    {"always_bcc", kCopies},
    {"sender_bcc_maps", kCopies},
    {"recipient_bcc_maps", kCopies},
    {"sender_dependent_relayhost_maps", kRouting},
    {"sender_dependent_default_transport_maps", kRouting},
    {"smtp_sender_dependent_authentication", kRouting},
    {"transport_maps", kRouting},
    {"default_transport", kRouting},
    {"relay_transport", kRouting},
    {"fallback_relay", "write a second [[upstream]] instead: it is asked when the first one fails."},
    {"smtp_fallback_relay", "write a second [[upstream]] instead: it is asked when the first one fails."},
    {"recipient_canonical_maps", kRewrite},
    {"masquerade_domains", kRewrite},
    {"masquerade_classes", kRewrite},
    {"local_header_rewrite_clients", kRewrite},
    {"smtpd_sasl_auth_enable", kUsers},
    {"smtpd_sasl_type", kUsers},
    {"smtpd_sasl_path", kUsers},
    {"smtpd_sender_login_maps", "bind a user to its senders instead: `postrider user add NAME --senders LIST`."},
    {"smtp_tls_policy_maps", "no equivalent: each [[upstream]] has its own tls."},
    {"smtp_tls_fingerprint_cert_match", kVerified},
    {"smtp_tls_secure_cert_match", kVerified},
    {"smtp_tls_verify_cert_match", kVerified},
    {"smtp_tls_CApath",
     "no equivalent: tls_ca_file names one PEM file; without it the system's authorities are believed."},
    {"smtp_tls_cert_file", "not taken over: see upstream.tls_certificate and upstream.tls_key."},
    {"smtp_tls_key_file", ""},
    {"smtp_bind_address", "no equivalent: the system chooses the address to connect from."},
    {"smtp_bind_address6", "no equivalent: the system chooses the address to connect from."},
    {"smtp_destination_rate_delay", "see upstream.rate."},
    {"default_destination_rate_delay", "see upstream.rate."},
    {"smtpd_client_message_rate_limit",
     "no equivalent: connections are limited (smtp.max_connections_per_address), messages in a time are not."},
    {"smtpd_client_connection_rate_limit",
     "no equivalent: connections at once are limited (smtp.max_connections_per_address), new ones in a time are not."},
    {"bounce_queue_lifetime", "no equivalent: bounces are tried as other messages are."},
    {"notify_classes", "no equivalent: see the metrics and `postrider events`."},
    {"delay_warning_time", "no equivalent: no notice is sent while a message waits."},
    {"soft_bounce", "no equivalent: a permanent refusal bounces."},
    {"defer_transports", "hold messages instead: `postrider queue hold`."},
    {"smtputf8_enable", "SMTPUTF8 is always offered, and asked of the upstream where an address needs it."},
    {"strict_rfc821_envelopes", "no equivalent: missing angle brackets are forgiven."},
    {"maillog_file", "the log goes to standard error: let the service manager keep it."},

    // What Postrider has no use for, or does anyway.
    {"compatibility_level", ""},
    {"mydomain", ""},
    {"queue_directory", ""},
    {"command_directory", ""},
    {"daemon_directory", ""},
    {"data_directory", ""},
    {"mail_owner", ""},
    {"setgid_group", ""},
    {"default_privs", ""},
    {"html_directory", ""},
    {"manpage_directory", ""},
    {"readme_directory", ""},
    {"sample_directory", ""},
    {"sendmail_path", ""},
    {"newaliases_path", ""},
    {"mailq_path", ""},
    {"mail_spool_directory", ""},
    {"mail_name", ""},
    {"meta_directory", ""},
    {"shlib_directory", ""},
    {"biff", ""},
    {"append_dot_mydomain", ""},
    {"append_at_myorigin", ""},
    {"recipient_delimiter", ""},
    {"mailbox_size_limit", ""},
    {"virtual_mailbox_limit", ""},
    {"smtpd_banner", ""},
    {"debug_peer_level", ""},
    {"debug_peer_list", ""},
    {"debugger_command", ""},
    {"unknown_local_recipient_reject_code", ""},
    {"alias_database", ""},
    {"inet_protocols", ""},
    {"mynetworks_style", ""},
    {"smtp_tls_session_cache_database", ""},
    {"smtpd_tls_session_cache_database", ""},
    {"smtp_tls_loglevel", ""},
    {"smtpd_tls_loglevel", ""},
    {"smtpd_tls_received_header", ""},
    {"smtp_tls_note_starttls_offer", ""},
    {"smtp_sasl_security_options", ""},
    {"smtp_sasl_tls_security_options", ""},
    {"smtpd_sasl_security_options", ""},
    {"smtpd_sasl_tls_security_options", ""},
    {"smtpd_tls_auth_only", ""},
    {"smtpd_tls_dh1024_param_file", ""},
    {"smtpd_tls_protocols", ""},
    {"smtpd_tls_mandatory_protocols", ""},
    {"smtp_tls_protocols", ""},
    {"smtp_tls_mandatory_protocols", ""},
    {"tls_random_source", ""},
    {"smtpd_helo_required", ""},
    {"disable_vrfy_command", ""},
    {"queue_run_delay", ""},
    {"default_process_limit", ""},
    {"maillog_file_prefixes", ""},
};

}  // namespace

const PostfixNote* find_postfix_note(std::string_view name) {
  for (const PostfixNote& note : kPostfixNotes)
    if (note.name == name) return &note;
  return nullptr;
}

}  // namespace postrider
