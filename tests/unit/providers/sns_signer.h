// An Amazon SNS of the tests' own: a key made when it is first asked for, its certificate, and messages signed with it. No key is on
// disk.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <boost/json.hpp>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "core/time.h"
#include "providers/provider.h"

namespace postrider::providers {

class SnsSigner {
 public:
  SnsSigner() : key_(EVP_RSA_gen(2048), &EVP_PKEY_free) {}

  // PEM, good from `from` until `until`.
  std::string certificate(Time from, Time until) const {
    const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), &X509_free);
    ASN1_TIME_set(X509_getm_notBefore(x509.get()), to_ms(from) / 1000);
    ASN1_TIME_set(X509_getm_notAfter(x509.get()), to_ms(until) / 1000);
    X509_set_pubkey(x509.get(), key_.get());
    X509_sign(x509.get(), key_.get(), EVP_sha256());
    const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()), &BIO_free_all);
    PEM_write_bio_X509(bio.get(), x509.get());
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &text);
    return {text, static_cast<std::size_t>(size)};
  }

  // Fills in SignatureVersion and Signature over `names`, in that order.
  std::string sign(boost::json::object message, std::initializer_list<std::string_view> names,
                   std::string_view version = "2") const {
    std::string text;
    for (const std::string_view name : names)
      text.append(name).append("\n").append(message.at(name).as_string()).append("\n");
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    std::string signature(512, '\0');
    std::size_t size = signature.size();
    EVP_DigestSignInit(context.get(), nullptr, version == "1" ? EVP_sha1() : EVP_sha256(), nullptr, key_.get());
    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                   reinterpret_cast<const unsigned char*>(text.data()), text.size());
    signature.resize(size);
    message["SignatureVersion"] = version;
    message["Signature"] = base64(signature);
    return boost::json::serialize(message);
  }

 private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

}  // namespace postrider::providers
