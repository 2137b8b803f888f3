// Declarations of a header that TensorFlow's wheel lacks and its other headers name. None of these is called from here,
// so none is defined.

#ifndef TFOPTIM_MISSING_FARMHASH_H_
#define TFOPTIM_MISSING_FARMHASH_H_

#include <cstddef>
#include <cstdint>
#include <utility>

namespace util {

using uint128_t = std::pair<uint64_t, uint64_t>;

uint64_t Fingerprint64(const char* data, size_t size);
uint32_t Fingerprint32(const char* data, size_t size);
uint128_t Fingerprint128(const char* data, size_t size);
uint128_t Uint128(uint64_t low, uint64_t high);
uint64_t Uint128Low64(const uint128_t& x);
uint64_t Uint128High64(const uint128_t& x);

}  // namespace util

#endif  // TFOPTIM_MISSING_FARMHASH_H_
