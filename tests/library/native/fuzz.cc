// Throws shapes, dtypes and sizes at the driver, without TensorFlow, under sanitizers: `fuzz CASES SEED`.
//
// Each case runs one rule on some variables, three times: on one thread, divided among threads, and, where the rule is
// elementwise, with every variable cut in two. All must agree to the last bit. Arrays have exactly the size they are
// said to have, so that the sanitizer finds each access beyond their ends.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <thread>

#include "step.h"

using namespace tfoptim;

namespace {

std::mt19937_64 random_bits;

int64_t below(int64_t n) { return static_cast<int64_t>(random_bits() % static_cast<uint64_t>(n)); }

double number() { return std::uniform_real_distribution<double>(0, 1)(random_bits); }

const Parallel kAlone = [](int64_t count, int64_t, const std::function<void(int64_t, int64_t)>& work) {
  if (count > 0) work(0, count);
};

const Parallel kThreads = [](int64_t count, int64_t, const std::function<void(int64_t, int64_t)>& work) {
  const int64_t parts = 1 + below(3);
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t begin = count * i / parts, end = count * (i + 1) / parts;
    if (begin < end) threads.emplace_back([&work, begin, end] { work(begin, end); });
  }
  for (auto& thread : threads) thread.join();
};

int64_t bytes_of(Kind kind) { return kind == Kind::kDouble ? 8 : 4; }

// An array on the heap, which a copy owns for itself.
struct Array {
  std::unique_ptr<char[]> data;
  int64_t bytes = 0;

  explicit Array(int64_t size) : data(new char[size]), bytes(size) {}
  Array(const Array& other) : Array(other.bytes) { std::memcpy(data.get(), other.data.get(), bytes); }
  Array(Array&&) = default;
  Array& operator=(Array&&) = default;
  bool operator==(const Array& other) const { return std::memcmp(data.get(), other.data.get(), bytes) == 0; }
};

Array floats(int64_t n, Kind kind, bool positive) {
  Array array(n * bytes_of(kind));
  for (int64_t i = 0; i < n; ++i) {
    const bool special = below(500) == 0;
    const double x = special ? (below(2) ? 1e38 : 0.0) : (positive ? number() : 2 * number() - 1);
    if (kind == Kind::kDouble) {
      std::memcpy(array.data.get() + 8 * i, &x, 8);
    } else {
      const float y = static_cast<float>(x);
      std::memcpy(array.data.get() + 4 * i, &y, 4);
    }
  }
  return array;
}

// The arrays of one variable.
struct Arrays {
  int64_t size;
  Array weights;
  std::vector<Array> slots;
  std::vector<Array> average;

  bool operator==(const Arrays& other) const {
    return weights == other.weights && slots == other.slots && average == other.average;
  }
};

Arrays arrays(const Rule& rule, Kind kind, int64_t size, bool averaged) {
  Arrays found{size, Array(size * width(kind)), {}, {}};
  if (width(kind) == 2) {
    for (int64_t i = 0; i < 2 * size; ++i) found.weights.data[i] = static_cast<char>(below(256));
  } else {
    found.weights = floats(size, kind, false);
  }
  for (int k = 0; k < rule.slots; ++k) found.slots.push_back(floats(size, kind, true));
  if (averaged) found.average.push_back(floats(size, kind, false));
  return found;
}

struct Case {
  const Rule* rule;
  Kind kind;
  std::vector<double> numbers;
  double factor;
  std::vector<Array> gradients;
};

// The elements [begin, begin + size) of a variable.
Variable variable(const Case& c, Arrays& a, const Array& gradient, int64_t begin, int64_t size) {
  const int64_t bytes = bytes_of(c.kind) * begin;
  Variable v{size, a.weights.data.get() + width(c.kind) * begin, {}, nullptr, gradient.data.get() + bytes, c.factor,
             c.numbers.data()};
  for (size_t k = 0; k < a.slots.size(); ++k) v.slots[k] = a.slots[k].data.get() + bytes;
  if (!a.average.empty()) v.average = a.average[0].data.get() + bytes;
  return v;
}

int64_t any_size() {
  const int64_t sizes[] = {0, 1, 15, 16, 17, 1023, 1024, 1025, 16384, 16385, 50000};
  return below(2) ? sizes[below(below(8) ? 8 : 11)] : below(3000);
}

Case any_case(const Rule& rule) {
  Case c{&rule, static_cast<Kind>(below(4)), {}, below(2) ? 1.0 : number(), {}};
  c.numbers = {below(2) ? 0.0 : 1e-3 * number(), number()};
  for (int i = 0; i < rule.numbers; ++i) c.numbers.push_back(below(20) ? 0.999 * number() : 0.0);
  if (rule.numbers >= 5) c.numbers[kCommon + 4] = static_cast<double>(1 + below(1000));
  return c;
}

void require(bool good, const Case& c, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s, kind %d: %s\n", c.rule->name.c_str(), static_cast<int>(c.kind), what);
  std::exit(1);
}

void whole(const Rule& rule) {
  Case c = any_case(rule);
  const bool averaged = below(2);
  std::vector<Arrays> alone;
  for (int64_t i = 1 + below(4); i > 0; --i) alone.push_back(arrays(rule, c.kind, any_size(), averaged));
  for (const auto& a : alone) c.gradients.push_back(floats(a.size, c.kind, false));
  auto divided = alone, cut = alone;
  std::vector<Variable> one, many, halves;
  for (size_t i = 0; i < alone.size(); ++i) {
    const int64_t size = alone[i].size, middle = size / 3;
    one.push_back(variable(c, alone[i], c.gradients[i], 0, size));
    many.push_back(variable(c, divided[i], c.gradients[i], 0, size));
    halves.push_back(variable(c, cut[i], c.gradients[i], 0, middle));
    halves.push_back(variable(c, cut[i], c.gradients[i], middle, size - middle));
  }
  step(rule, c.kind, one, kAlone);
  step(rule, c.kind, many, kThreads);
  require(alone == divided, c, "the result depends on threads");
  if (rule.takes_whole_variables) return;
  step(rule, c.kind, halves, kAlone);
  require(alone == cut, c, "the result depends on how variables are cut");
}

void rows(const Rule& rule) {
  Case c = any_case(rule);
  const int64_t width = below(10) ? 1 + below(40) : any_size(), count = 1 + below(30), touched = below(60);
  Arrays alone = arrays(rule, c.kind, count * width, false), divided = alone;
  c.gradients.push_back(floats(touched * width, c.kind, false));
  std::vector<int64_t> index;
  for (int64_t i = 0; i < touched; ++i) index.push_back(below(count + 2) - 1);
  const auto call = [&](Arrays& a, const Parallel& parallel) {
    step_rows(rule, c.kind, {{variable(c, a, c.gradients[0], 0, width), index.data(), touched, count}}, parallel);
  };
  call(alone, kAlone);
  call(divided, kThreads);
  require(alone == divided, c, "the result for rows depends on threads");
}

void sums(bool is_double) {
  Case c{find_rule("gd"), is_double ? Kind::kDouble : Kind::kFloat, {}, 1, {}};
  std::vector<std::pair<const void*, int64_t>> all;
  for (int64_t i = 1 + below(4); i > 0; --i) {
    const int64_t size = any_size();
    c.gradients.push_back(floats(size, c.kind, false));
    all.emplace_back(nullptr, size);
  }
  for (size_t i = 0; i < all.size(); ++i) all[i].first = c.gradients[i].data.get();
  require(sums_of_squares(is_double, all, kAlone) == sums_of_squares(is_double, all, kThreads), c, "sums differ");
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return std::fprintf(stderr, "usage: fuzz CASES SEED\n"), 2;
  random_bits.seed(std::strtoull(arguments[2], nullptr, 10));
  const auto names = rule_names();
  for (int64_t i = std::atoll(arguments[1]); i > 0; --i) {
    const Rule& rule = *find_rule(names[below(static_cast<int64_t>(names.size()))]);
    const int64_t what = below(10);
    if (what == 0) {
      sums(below(2));
    } else if (what < 4 && !rule.takes_whole_variables) {
      rows(rule);
    } else {
      whole(rule);
    }
  }
  std::printf("%s cases\n", arguments[1]);
}
