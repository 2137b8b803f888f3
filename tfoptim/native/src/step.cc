// The driver: divides all variables into blocks, and runs a rule's loop on each.

#include "step.h"

#include <algorithm>
#include <cstring>

#ifdef __SSE2__
#include <xmmintrin.h>
#endif

#include "rules.h"

namespace tfoptim {
namespace {

// Takes numbers below the normal ones for 0 while it lives, as TensorFlow's threads do, and makes every thread do so.
class WithoutSubnormals {
#ifdef __SSE2__
 public:
  WithoutSubnormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
  ~WithoutSubnormals() { _mm_setcsr(before_); }

 private:
  const unsigned int before_;
#elif defined(__aarch64__)
 public:
  WithoutSubnormals() {
    asm volatile("mrs %0, fpcr" : "=r"(before_));
    asm volatile("msr fpcr, %0" : : "r"(before_ | (uint64_t{1} << 24)));  // FZ
  }
  ~WithoutSubnormals() { asm volatile("msr fpcr, %0" : : "r"(before_)); }

 private:
  uint64_t before_;
#else
 public:
  WithoutSubnormals() {}
#endif
};

constexpr int64_t kBlock = 16384;  // elements of a unit of work
constexpr int64_t kChunk = 1024;   // elements that stay in the first cache between loops over them
constexpr int kLanes = 16;         // sums of squares side by side, which a vector unit takes at once

// The loops, compiled for several vector widths

template <typename Formula, typename T>
TFOPTIM_WIDTHS void loop(const Formula rule, int64_t n, const T* __restrict g, T* __restrict w, T* __restrict a,
                         T* __restrict b, T* __restrict c) {
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (Formula::kSlots == 0) {
      rule(g[i], w[i]);
    } else if constexpr (Formula::kSlots == 1) {
      rule(g[i], w[i], a[i]);
    } else if constexpr (Formula::kSlots == 2) {
      rule(g[i], w[i], a[i], b[i]);
    } else {
      rule(g[i], w[i], a[i], b[i], c[i]);
    }
  }
}

template <typename T>
TFOPTIM_WIDTHS void scale(int64_t n, T factor, const T* __restrict x, T* __restrict y) {
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * factor;
}

template <typename T>
TFOPTIM_WIDTHS void add(int64_t n, const T* __restrict x, T* __restrict y) {
  for (int64_t i = 0; i < n; ++i) y[i] = y[i] + x[i];
}

template <typename T>
TFOPTIM_WIDTHS void shrink(int64_t n, T decay, T* __restrict w) {
  for (int64_t i = 0; i < n; ++i) w[i] = w[i] - w[i] * decay;
}

template <typename T>
TFOPTIM_WIDTHS void move_average(int64_t n, T share, const T* __restrict w, T* __restrict a) {
  for (int64_t i = 0; i < n; ++i) a[i] = a[i] - share * (a[i] - w[i]);
}

template <typename Short>
TFOPTIM_WIDTHS void widen(int64_t n, const uint16_t* __restrict x, float* __restrict y) {
  for (int64_t i = 0; i < n; ++i) y[i] = Short::widen(x[i]);
}

template <typename Short>
TFOPTIM_WIDTHS void narrow(int64_t n, const float* __restrict x, uint16_t* __restrict y) {
  for (int64_t i = 0; i < n; ++i) y[i] = Short::narrow(x[i]);
}

template <typename T>
TFOPTIM_WIDTHS void add_squares(int64_t n, const T* __restrict x, double* __restrict lanes) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int k = 0; k < kLanes; ++k) lanes[k] += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
  }
  for (; i < n; ++i) lanes[i % kLanes] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
}

double total(const double* lanes) {
  double sum = 0;
  for (int k = 0; k < kLanes; ++k) sum += lanes[k];
  return sum;
}

template <typename T>
double squares(int64_t n, const T* x) {
  double lanes[kLanes] = {};
  add_squares(n, x, lanes);
  return total(lanes);
}

// Lamb's first pass: moves the averages and stores u.
template <typename T>
TFOPTIM_WIDTHS void measure(const Lamb<T> rule, int64_t n, const T* __restrict g, const T* __restrict w,
                            T* __restrict m, T* __restrict v, T* __restrict u) {
  for (int64_t i = 0; i < n; ++i) {
    rule.moments(g[i], m[i], v[i]);
    u[i] = rule.direction(w[i], m[i], v[i]);
  }
}

// Lamb's second pass.
template <typename T>
TFOPTIM_WIDTHS void move(const Lamb<T> rule, T phi, int64_t n, T* __restrict w, const T* __restrict m,
                         const T* __restrict v) {
  for (int64_t i = 0; i < n; ++i) w[i] = w[i] - rule.rate * (phi * rule.direction(w[i], m[i], v[i]));
}

// Part of one variable, or of one row: its arrays

template <typename T>
struct Part {
  int64_t n;
  char* weights;
  T* slots[3];
  T* average;
  const T* gradient;
};

template <typename T>
Part<T> part(const Variable& v, Kind kind, int64_t begin, int64_t n) {
  Part<T> p{n, static_cast<char*>(v.weights) + begin * width(kind), {}, nullptr, nullptr};
  for (int k = 0; k < 3; ++k) p.slots[k] = v.slots[k] ? static_cast<T*>(v.slots[k]) + begin : nullptr;
  p.average = v.average ? static_cast<T*>(v.average) + begin : nullptr;
  p.gradient = v.gradient ? static_cast<const T*>(v.gradient) + begin : nullptr;
  return p;
}

// Returns weights in the precision of the computation: those of the variable, or a copy in `buffer`.
template <typename T>
T* loaded(Kind kind, const Part<T>& p, T* buffer) {
  if constexpr (sizeof(T) == sizeof(float)) {
    const auto* shorts = reinterpret_cast<const uint16_t*>(p.weights);
    if (kind == Kind::kHalf) return widen<Half>(p.n, shorts, buffer), buffer;
    if (kind == Kind::kBFloat16) return widen<BFloat16>(p.n, shorts, buffer), buffer;
  }
  return reinterpret_cast<T*>(p.weights);
}

// Stores half-precision weights, and leaves in `w` what was stored.
template <typename T>
void store(Kind kind, const Part<T>& p, T* w) {
  if constexpr (sizeof(T) == sizeof(float)) {
    auto* shorts = reinterpret_cast<uint16_t*>(p.weights);
    if (kind == Kind::kHalf) narrow<Half>(p.n, w, shorts), widen<Half>(p.n, shorts, w);
    if (kind == Kind::kBFloat16) narrow<BFloat16>(p.n, w, shorts), widen<BFloat16>(p.n, shorts, w);
  }
}

template <typename T>
const T* scaled(const Part<T>& p, double factor, T* buffer) {
  if (factor == 1) return p.gradient;
  return scale(p.n, static_cast<T>(factor), p.gradient, buffer), buffer;
}

template <typename T>
using Loop = void (*)(const double* h, int64_t n, const T* g, T* w, T* const* slots);

template <typename Formula, typename T>
void run(const double* h, int64_t n, const T* g, T* w, T* const* slots) {
  loop(Formula(h), n, g, w, slots[0], slots[1], slots[2]);
}

// Updates one chunk: factor, decay, rule, average.
template <typename T>
void update(Loop<T> rule, Kind kind, const Part<T>& p, double factor, const double* numbers) {
  alignas(64) T gradients[kChunk], weights[kChunk];
  const T* g = scaled(p, factor, gradients);
  T* w = loaded(kind, p, weights);
  if (numbers[0] != 0) shrink(p.n, static_cast<T>(numbers[0]), w);
  rule(numbers + kCommon, p.n, g, w, p.slots);
  store(kind, p, w);
  if (p.average) move_average(p.n, static_cast<T>(numbers[1]), w, p.average);
}

// Calls `each(begin, n)` for the chunks of a range; a range that needs no buffer is one chunk.
template <typename Each>
void in_chunks(int64_t begin, int64_t end, int64_t chunk, const Each& each) {
  for (int64_t i = begin; i < end; i += chunk) each(i, std::min(chunk, end - i));
}

bool is_plain(const Variable& v, Kind kind) {
  return v.factor == 1 && v.numbers[0] == 0 && !v.average && (kind == Kind::kFloat || kind == Kind::kDouble);
}

// Division of the work

struct Range {
  int64_t variable, begin, end;
};

std::vector<Range> ranges(const std::vector<int64_t>& sizes) {
  std::vector<Range> all;
  for (size_t i = 0; i < sizes.size(); ++i) {
    in_chunks(0, sizes[i], kBlock, [&](int64_t begin, int64_t n) {
      all.push_back({static_cast<int64_t>(i), begin, begin + n});
    });
  }
  return all;
}

// Runs `work(range)` on all ranges; a unit of work is as many consecutive ranges as make a block.
void over(const std::vector<Range>& all, const Parallel& parallel, const std::function<void(size_t)>& work) {
  std::vector<size_t> starts;
  int64_t elements = kBlock;
  for (size_t i = 0; i < all.size(); ++i) {
    const int64_t size = all[i].end - all[i].begin;
    if (elements + size > kBlock) starts.push_back(i), elements = 0;
    elements += size + 256;  // a range costs something whatever its size
  }
  const int64_t units = static_cast<int64_t>(starts.size());
  starts.push_back(all.size());
  parallel(units, kBlock, [&](int64_t first, int64_t last) {
    const WithoutSubnormals flush;
    for (size_t i = starts[first]; i < starts[last]; ++i) work(i);
  });
}

std::vector<int64_t> sizes_of(const std::vector<Variable>& variables) {
  std::vector<int64_t> sizes;
  for (const auto& v : variables) sizes.push_back(v.size);
  return sizes;
}

template <typename T>
void step_elements(Loop<T> rule, Kind kind, const std::vector<Variable>& variables, const Parallel& parallel) {
  const auto all = ranges(sizes_of(variables));
  over(all, parallel, [&](size_t r) {
    const Variable& v = variables[all[r].variable];
    in_chunks(all[r].begin, all[r].end, is_plain(v, kind) ? kBlock : kChunk, [&](int64_t begin, int64_t n) {
      update<T>(rule, kind, part<T>(v, kind, begin, n), v.factor, v.numbers);
    });
  });
}

// Sums of squares of weights and directions over one range: Lamb's first pass.
template <typename T>
std::pair<double, double> measured(Kind kind, const Variable& v, const Range& r) {
  const Lamb<T> rule(v.numbers + kCommon);
  double of_weights[kLanes] = {}, of_directions[kLanes] = {};
  in_chunks(r.begin, r.end, kChunk, [&](int64_t begin, int64_t n) {
    alignas(64) T gradients[kChunk], weights[kChunk], directions[kChunk];
    const auto p = part<T>(v, kind, begin, n);
    const T* g = scaled(p, v.factor, gradients);
    const T* now = loaded(kind, p, weights);
    if (now != weights) std::memcpy(weights, now, n * sizeof(T));
    if (v.numbers[0] != 0) shrink(n, static_cast<T>(v.numbers[0]), weights);
    measure(rule, n, g, weights, p.slots[0], p.slots[1], directions);
    add_squares(n, weights, of_weights), add_squares(n, directions, of_directions);
  });
  return {total(of_weights), total(of_directions)};
}

template <typename T>
void move_by(T phi, Kind kind, const Variable& v, const Range& r) {
  const Lamb<T> rule(v.numbers + kCommon);
  in_chunks(r.begin, r.end, kChunk, [&](int64_t begin, int64_t n) {
    alignas(64) T weights[kChunk];
    const auto p = part<T>(v, kind, begin, n);
    T* w = loaded(kind, p, weights);
    if (v.numbers[0] != 0) shrink(n, static_cast<T>(v.numbers[0]), w);
    move(rule, phi, n, w, p.slots[0], p.slots[1]);
    store(kind, p, w);
    if (p.average) move_average(n, static_cast<T>(v.numbers[1]), w, p.average);
  });
}

template <typename T>
void step_lamb(Kind kind, const std::vector<Variable>& variables, const Parallel& parallel) {
  const auto all = ranges(sizes_of(variables));
  std::vector<std::pair<double, double>> sums(all.size()), norms(variables.size());
  over(all, parallel, [&](size_t r) { sums[r] = measured<T>(kind, variables[all[r].variable], all[r]); });
  for (size_t r = 0; r < all.size(); ++r) {
    norms[all[r].variable].first += sums[r].first, norms[all[r].variable].second += sums[r].second;
  }
  over(all, parallel, [&](size_t r) {
    const auto& [of_weights, of_directions] = norms[all[r].variable];
    const Variable& v = variables[all[r].variable];
    move_by<T>(Lamb<T>(v.numbers + kCommon).phi(of_weights, of_directions), kind, v, all[r]);
  });
}

// Rows

using Touched = std::pair<int64_t, int64_t>;  // index of a row, position in the gradient

std::vector<Touched> in_order(const Rows& v) {
  std::vector<Touched> order;
  for (int64_t i = 0; i < v.rows; ++i) {
    if (v.index[i] >= 0 && v.index[i] < v.count) order.emplace_back(v.index[i], i);
  }
  std::sort(order.begin(), order.end());
  return order;
}

// Updates a row from its gradients at [first, last) of `order`.
template <typename T>
void step_row(Loop<T> rule, Kind kind, const Rows& v, const std::vector<Touched>& order, size_t first, size_t last) {
  const int64_t size = v.variable.size, row = order[first].first;
  const T* values = static_cast<const T*>(v.variable.gradient);
  in_chunks(0, size, kChunk, [&](int64_t begin, int64_t n) {
    alignas(64) T sum[kChunk];
    auto p = part<T>(v.variable, kind, row * size + begin, n);
    p.gradient = values + order[first].second * size + begin;
    if (last > first + 1) {
      std::memcpy(sum, p.gradient, n * sizeof(T));
      for (size_t i = first + 1; i < last; ++i) add(n, values + order[i].second * size + begin, sum);
      p.gradient = sum;
    }
    update<T>(rule, kind, p, v.variable.factor, v.variable.numbers);
  });
}

template <typename T>
void step_variable_rows(Loop<T> rule, Kind kind, const Rows& v, const Parallel& parallel) {
  const auto order = in_order(v);
  std::vector<size_t> starts;
  for (size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || order[i].first != order[i - 1].first) starts.push_back(i);
  }
  const int64_t rows = static_cast<int64_t>(starts.size());
  starts.push_back(order.size());
  parallel(rows, v.variable.size + 64, [&](int64_t begin, int64_t end) {
    const WithoutSubnormals flush;
    for (int64_t r = begin; r < end; ++r) step_row<T>(rule, kind, v, order, starts[r], starts[r + 1]);
  });
}

// The table of rules

template <template <typename> class Formula>
Rule rule(const char* name) {
  return {name, Formula<float>::kSlots, Formula<float>::kNumbers, false,
          {reinterpret_cast<const void*>(&run<Formula<float>, float>),
           reinterpret_cast<const void*>(&run<Formula<double>, double>)}};
}

const std::vector<Rule>& table() {
  static const auto* rules = new std::vector<Rule>{
      rule<GD>("gd"),
      rule<Momentum>("momentum"),
      rule<Nesterov>("nesterov"),
      rule<AdaGrad>("adagrad"),
      rule<RMSprop>("rmsprop"),
      rule<RMSpropCentered>("rmsprop_centered"),
      rule<RMSpropMomentum>("rmsprop_momentum"),
      rule<RMSpropCenteredMomentum>("rmsprop_centered_momentum"),
      rule<Adadelta>("adadelta"),
      rule<Adam>("adam"),
      rule<AMSGrad>("amsgrad"),
      rule<Adamax>("adamax"),
      rule<Nadam>("nadam"),
      rule<NAdamW>("nadamw"),
      rule<Lion>("lion"),
      rule<RAdam>("radam"),
      rule<RAdamAMSGrad>("radam_amsgrad"),
      rule<AdEMAMix>("ademamix"),
      rule<Yogi>("yogi"),
      rule<AdaBelief>("adabelief"),
      rule<AdaBeliefAMSGrad>("adabelief_amsgrad"),
      {"lamb", Lamb<float>::kSlots, Lamb<float>::kNumbers, true, {nullptr, nullptr}},
  };
  return *rules;
}

template <typename T>
Loop<T> loop_of(const Rule& rule) {
  return reinterpret_cast<Loop<T>>(const_cast<void*>(rule.loops[sizeof(T) == sizeof(double)]));
}

}  // namespace

int64_t width(Kind kind) { return kind == Kind::kDouble ? 8 : kind == Kind::kFloat ? 4 : 2; }

const Rule* find_rule(const std::string& name) {
  for (const auto& rule : table()) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

std::vector<std::string> rule_names() {
  std::vector<std::string> names;
  for (const auto& rule : table()) names.push_back(rule.name);
  return names;
}

void step(const Rule& rule, Kind kind, const std::vector<Variable>& variables, const Parallel& parallel) {
  const bool is_double = kind == Kind::kDouble;
  if (rule.takes_whole_variables) {
    return is_double ? step_lamb<double>(kind, variables, parallel) : step_lamb<float>(kind, variables, parallel);
  }
  if (is_double) return step_elements(loop_of<double>(rule), kind, variables, parallel);
  step_elements(loop_of<float>(rule), kind, variables, parallel);
}

void step_rows(const Rule& rule, Kind kind, const std::vector<Rows>& variables, const Parallel& parallel) {
  for (const auto& v : variables) {
    if (kind == Kind::kDouble) {
      step_variable_rows(loop_of<double>(rule), kind, v, parallel);
    } else {
      step_variable_rows(loop_of<float>(rule), kind, v, parallel);
    }
  }
}

std::vector<double> sums_of_squares(bool is_double, const std::vector<std::pair<const void*, int64_t>>& arrays,
                                    const Parallel& parallel) {
  std::vector<int64_t> sizes;
  for (const auto& array : arrays) sizes.push_back(array.second);
  const auto all = ranges(sizes);
  std::vector<double> parts(all.size()), sums(arrays.size());
  over(all, parallel, [&](size_t r) {
    const void* array = arrays[all[r].variable].first;
    const int64_t n = all[r].end - all[r].begin;
    parts[r] = is_double ? squares(n, static_cast<const double*>(array) + all[r].begin)
                         : squares(n, static_cast<const float*>(array) + all[r].begin);
  });
  for (size_t r = 0; r < all.size(); ++r) sums[all[r].variable] += parts[r];
  return sums;
}

}  // namespace tfoptim
