#include "mgmt/form_data.h"

#include <gtest/gtest.h>

#include <random>

namespace postrider::mgmt {
namespace {

constexpr const char* kType = "multipart/form-data; boundary=XX";

// "--XX" and header and value of each, and the end.
std::string form(std::initializer_list<std::pair<std::string, std::string>> parts) {
  std::string body;
  for (const auto& [header, value] : parts) body += "--XX\r\n" + header + "\r\n\r\n" + value + "\r\n";
  return body + "--XX--\r\n";
}

std::string field(const std::string& parameters) {
  return "Content-Disposition: form-data; " + parameters;
}

FormPart only_part(const std::string& header, const std::string& value = "v") {
  const auto parts = parse_form(kType, form({{header, value}}));
  EXPECT_TRUE(parts && parts->size() == 1) << header << (parts ? "" : ": " + parts.error().text);
  return parts && parts->size() == 1 ? parts->front() : FormPart{};
}

std::string fault_of(const std::string& type, const std::string& body, FormLimits limits = {}) {
  const auto parts = parse_form(type, body, limits);
  return parts ? "" : parts.error().text;
}

TEST(FormData, GivesFieldsAndFilesInTheirOrder) {
  const auto parts = parse_form(
      kType, form({{field("name=\"to\""), "a@example.net"},
                   {field("name=\"to\""), "b@example.net"},
                   {field("name=attachment; filename=\"a b.png\"") + "\r\ncontent-type: image/png", "\0\r\n--X\r\n"}}));
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 3u);
  EXPECT_EQ((*parts)[1].name, "to");
  EXPECT_EQ((*parts)[1].value, "b@example.net");
  EXPECT_FALSE((*parts)[1].is_file);
  EXPECT_TRUE((*parts)[2].is_file);
  EXPECT_EQ((*parts)[2].filename, "a b.png");
  EXPECT_EQ((*parts)[2].content_type, "image/png");
}

TEST(FormData, KeepsEveryOctetOfAFile) {
  std::string octets;
  for (int i = 0; i < 256 * 3; ++i) octets += static_cast<char>(i);
  octets += "\r\n--XY\r\n--X\r\n\r\n";
  EXPECT_EQ(only_part(field("name=f; filename=f"), octets).value, octets);
  EXPECT_EQ(only_part(field("name=f; filename=f"), "").value, "");
}

TEST(FormData, ReadsNamesAsBrowsersAndCurlWriteThem) {
  EXPECT_EQ(only_part(field(R"(name="a\"b\\c")")).name, "a\"b\\c");
  EXPECT_EQ(only_part(field("name=\"a%22b\"")).name, "a\"b");
  EXPECT_EQ(only_part(field("name=f; filename=\"100%25.txt\"")).filename, "100%25.txt");
  EXPECT_EQ(only_part(field(R"(name=f; filename="C:\dir\a.txt")")).filename, "a.txt");
  EXPECT_EQ(only_part(field("name=f; filename=\"/etc/passwd\"")).filename, "passwd");
  EXPECT_EQ(only_part(field("name=f; filename=\"Gr\xc3\xbc\xc3\x9f"
                            "e.txt\""))
                .filename,
            "Grüße.txt");
  EXPECT_EQ(only_part(field("name=f; filename=x; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20a.txt")).filename, "Grüße a.txt");
  EXPECT_EQ(only_part(field("name=f; filename*=utf-8'en'a;")).filename, "a");
  EXPECT_TRUE(only_part(field("name=f; filename=\"\"")).is_file);
}

TEST(FormData, TakesPreambleEpilogueAndBlanksAfterABoundary) {
  const auto parts = parse_form("Multipart/Form-Data; charset=utf-8; boundary=\"XX\"",
                                "words\r\n--XX  \r\n" + field("name=a") + "\r\n\r\n1\r\n--XX \t\r\n" + field("name=b") +
                                    "\r\n\r\n2\r\n--XX--\r\nmore words\r\n--XX\r\n");
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].value, "1");
  EXPECT_EQ((*parts)[1].value, "2");
  const auto none = parse_form(kType, "--XX--");
  EXPECT_TRUE(none && none->empty());
}

TEST(FormData, SaysWhatIsWrong) {
  const std::string good = form({{field("name=a"), "1"}});
  EXPECT_NE(fault_of("multipart/form-data", good).find("boundary"), std::string::npos);
  EXPECT_NE(fault_of("multipart/form-data; boundary=" + std::string(71, 'x'), good).find("boundary"),
            std::string::npos);
  EXPECT_NE(fault_of("multipart/form-data; boundary=YY", good).find("boundary"), std::string::npos);
  EXPECT_NE(fault_of("multipart/form-data; boundary=XX; boundary=XX", good), "");
  EXPECT_NE(fault_of("application/json", good), "");
  EXPECT_NE(fault_of("", good), "");
  EXPECT_NE(fault_of(kType, good.substr(0, good.size() - 6)).find("cut off"), std::string::npos);
  EXPECT_NE(fault_of(kType, form({{"Content-Type: text/plain", "1"}})).find("Content-Disposition"), std::string::npos);
  for (const char* bad :
       {"Content-Disposition: form-data", "Content-Disposition: attachment; name=a",
        "Content-Disposition: form-data; name=\"a", "Content-Disposition: form-data; name=a; name=b",
        "Content-Disposition: form-data; name=\"\"", "Content-Disposition form-data; name=a",
        " Content-Disposition: form-data; name=a", "Content-Disposition: form-data; name=a; filename*=latin1''x"})
    EXPECT_NE(fault_of(kType, form({{bad, "1"}})), "") << bad;
  const std::string encoded = field("name=a") + "\r\nContent-Transfer-Encoding: base64";
  EXPECT_NE(fault_of(kType, form({{encoded, "MQ=="}})).find("Transfer-Encoding"), std::string::npos);
}

TEST(FormData, IsBounded) {
  std::string body;
  for (int i = 0; i < 11; ++i) body += "--XX\r\n" + field("name=a") + "\r\n\r\n1\r\n";
  body += "--XX--";
  EXPECT_NE(fault_of(kType, body, {10, 1000}), "");
  EXPECT_EQ(fault_of(kType, body, {11, 1000}), "");
  const std::string long_header = field("name=a") + "\r\nX: " + std::string(1000, 'x');
  EXPECT_NE(fault_of(kType, form({{long_header, "1"}}), {10, 1000}), "");
  EXPECT_EQ(fault_of(kType, form({{long_header, "1"}}), {10, 1100}), "");
  EXPECT_NE(fault_of(std::string(kUrlencodedForm), "a=1&b=2&c=3", {2, 1000}), "");
}

TEST(FormData, ReadsUrlencodedForms) {
  const auto parts =
      parse_form("application/x-www-form-urlencoded; charset=utf-8",
                 "to=a%2Bb%40example.net&subject=Gr%c3%bc+e&&empty=&bare&sum=1+%2B+1%3D2&odd=100%&x=%zz");
  ASSERT_TRUE(parts);
  const std::vector<std::pair<std::string, std::string>> wanted{
      {"to", "a+b@example.net"}, {"subject", "Grü e"}, {"empty", ""}, {"bare", ""},
      {"sum", "1 + 1=2"},        {"odd", "100%"},      {"x", "%zz"}};
  ASSERT_EQ(parts->size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ((*parts)[i].name, wanted[i].first);
    EXPECT_EQ((*parts)[i].value, wanted[i].second);
    EXPECT_FALSE((*parts)[i].is_file);
  }
}

// Whatever is done to a form, what comes out was in it, and no more than it.
TEST(FormData, SurvivesEveryCutAndManyMutations) {
  const std::string good =
      form({{field("name=\"a\"; filename*=UTF-8''x%41") + "\r\nContent-Type: text/plain", "1\r\n2"},
            {field(R"(name="b\"c")"), ""}});
  const auto check = [](const std::string& type, const std::string& body) {
    std::size_t octets = 0;
    if (const auto parts = parse_form(type, body))
      for (const FormPart& part : *parts) octets += part.name.size() + part.value.size() + part.filename.size();
    EXPECT_LE(octets, body.size());
  };
  for (std::size_t end = 0; end < good.size(); ++end) check(kType, good.substr(0, end));
  std::mt19937 random(7);
  const std::string alphabet = "\r\n-X\"\\;=*%' \t:a";
  for (int round = 0; round < 20'000; ++round) {
    std::string body = good, type = kType;
    for (int i = 0; i < 4; ++i) body[random() % body.size()] = alphabet[random() % alphabet.size()];
    if (round % 3 == 0) type[random() % type.size()] = alphabet[random() % alphabet.size()];
    if (round % 5 == 0) body.erase(random() % body.size(), random() % 9);
    check(type, body);
    check(std::string(kUrlencodedForm), body);
  }
}

}  // namespace
}  // namespace postrider::mgmt
