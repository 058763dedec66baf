#include "checkpoint/sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <fstream>
#include <memory>

#include "checkpoint/errors.hpp"

namespace peftgrid::checkpoint {
namespace {

class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
      throw FileError("OpenSSL offers no SHA-256");
    }
  }
  void add(std::string_view bytes) {
    if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) throw FileError("OpenSSL: SHA-256 failed");
  }
  std::string hexadecimal() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    if (EVP_DigestFinal_ex(context_.get(), digest.data(), &length) != 1) throw FileError("OpenSSL: SHA-256 failed");
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * std::size_t{length});
    for (unsigned int i = 0; i < length; ++i) {
      text += kDigits[digest[i] >> 4U];
      text += kDigits[digest[i] & 15U];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hexadecimal();
}

std::string sha256_of_files(const std::vector<std::filesystem::path>& files) {
  Digest digest;
  std::vector<char> block(std::size_t{1} << 20U);
  for (const auto& file : files) {
    // A directory opens as a stream and then reads as empty: it would hash like an empty file.
    std::error_code ignored;
    std::ifstream in(file, std::ios::binary);
    if (!in || std::filesystem::is_directory(file, ignored)) throw FileError("cannot open " + file.string());
    while (in) {
      in.read(block.data(), static_cast<std::streamsize>(block.size()));
      digest.add({block.data(), static_cast<std::size_t>(in.gcount())});
    }
    if (in.bad()) throw FileError("cannot read " + file.string() + " to its end");
  }
  return digest.hexadecimal();
}

}  // namespace peftgrid::checkpoint
