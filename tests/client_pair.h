// A certificate that a client shows, with its key, made by the test that needs it.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <stdexcept>
#include <string>

#include "net/tls.h"

namespace postrider::net {

// `directory`/`name`.crt and .key: its own CA, since nobody else signed it.
inline ClientCertificate make_client_pair(const std::string& directory, const std::string& name) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const made = X509_new();
  const auto* common = reinterpret_cast<const unsigned char*>(name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8, common, -1, -1, 0);
  X509_set_issuer_name(made, X509_get_subject_name(made));
  ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
  X509_gmtime_adj(X509_getm_notBefore(made), -3600);
  X509_gmtime_adj(X509_getm_notAfter(made), 3600);
  X509_set_pubkey(made, key);
  if (X509_sign(made, key, EVP_sha256()) <= 0) throw std::runtime_error("cannot sign a certificate for a test");
  const ClientCertificate files{directory + "/" + name + ".crt", directory + "/" + name + ".key"};
  for (const bool secret : {false, true}) {
    BIO* const out = BIO_new_file((secret ? files.key_file : files.certificate_file).c_str(), "w");
    const int written = secret ? PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr)
                               : PEM_write_bio_X509(out, made);
    if (written != 1) throw std::runtime_error("cannot write a certificate for a test");
    BIO_free(out);
  }
  X509_free(made);
  EVP_PKEY_free(key);
  return files;
}

}  // namespace postrider::net
