// Declarations of headers that TensorFlow's wheel lacks; see `missing/farmhash.h`.

#ifndef TFOPTIM_MISSING_HIGHWAYHASH_H_
#define TFOPTIM_MISSING_HIGHWAYHASH_H_

#include <cstddef>
#include <cstdint>

#define HH_TARGET_PREFERRED 0

namespace highwayhash {

using HHKey = uint64_t[4];
using HHResult64 = uint64_t;
using HHResult128 = uint64_t[2];

template <int target>
class HighwayHashCatT {
 public:
  explicit HighwayHashCatT(const HHKey& key);
  void Reset(const HHKey& key);
  void Append(const char* data, size_t size);
  void Finalize(HHResult64* hash);
  void Finalize(HHResult128* hash);
};

}  // namespace highwayhash

#endif  // TFOPTIM_MISSING_HIGHWAYHASH_H_
