// The rules: one functor each, which reads like the paper's box; `tfoptim/rules/` has the papers and the references.
//
// A functor is made from the numbers `h` of a step, in double precision, in the order of its `take`; all that depends on
// them is computed in double precision and rounded once. Called with a gradient, it moves one weight and its slots. The
// order of operations is that of the rule, so that results agree but for rounding.

#ifndef TFOPTIM_RULES_H_
#define TFOPTIM_RULES_H_

#include "arithmetic.h"

namespace tfoptim {

template <typename T>
struct GD {
  static constexpr int kNumbers = 1, kSlots = 0;
  T rate;

  explicit GD(const double* h) : rate(h[0]) {}

  void operator()(T g, T& w) const { w = w - rate * g; }
};

template <typename T>
struct Momentum {
  static constexpr int kNumbers = 2, kSlots = 1;
  T rate, momentum;

  explicit Momentum(const double* h) : rate(h[0]), momentum(h[1]) {}

  void operator()(T g, T& w, T& v) const {
    v = momentum * v - rate * g;
    w = w + v;
  }
};

template <typename T>
struct Nesterov {
  static constexpr int kNumbers = 2, kSlots = 1;
  T rate, momentum;

  explicit Nesterov(const double* h) : rate(h[0]), momentum(h[1]) {}

  void operator()(T g, T& w, T& v) const {
    v = momentum * v - rate * g;
    w = w + momentum * v - rate * g;
  }
};

template <typename T>
struct AdaGrad {
  static constexpr int kNumbers = 2, kSlots = 1;
  T rate, epsilon;

  explicit AdaGrad(const double* h) : rate(h[0]), epsilon(h[1]) {}

  void operator()(T g, T& w, T& G) const {
    G = G + square(g);
    w = w - rate * ratio(g, std::sqrt(G + epsilon));
  }
};

// The averages and the step that all forms of RMSprop share.
template <typename T>
struct RMSpropNumbers {
  static constexpr int kNumbers = 4;
  T rate, rho, rest, momentum, epsilon;

  explicit RMSpropNumbers(const double* h) {
    const auto [learning_rate, rho_, momentum_, epsilon_] = take<4>(h);
    rate = learning_rate, rho = rho_, rest = 1 - rho_, momentum = momentum_, epsilon = epsilon_;
  }

  T step(T g, T& v) const {
    v = rho * v + rest * square(g);
    return ratio(rate * g, std::sqrt(v + epsilon));
  }

  T centered(T g, T& v, T& a) const {
    v = rho * v + rest * square(g);
    a = rho * a + rest * g;
    return ratio(rate * g, std::sqrt(larger(v - square(a), T(0)) + epsilon));
  }
};

template <typename T>
struct RMSprop : RMSpropNumbers<T> {
  static constexpr int kSlots = 1;
  using RMSpropNumbers<T>::RMSpropNumbers;

  void operator()(T g, T& w, T& v) const { w = w - this->step(g, v); }
};

template <typename T>
struct RMSpropCentered : RMSpropNumbers<T> {
  static constexpr int kSlots = 2;
  using RMSpropNumbers<T>::RMSpropNumbers;

  void operator()(T g, T& w, T& v, T& a) const { w = w - this->centered(g, v, a); }
};

template <typename T>
struct RMSpropMomentum : RMSpropNumbers<T> {
  static constexpr int kSlots = 2;
  using RMSpropNumbers<T>::RMSpropNumbers;

  void operator()(T g, T& w, T& v, T& b) const {
    b = this->momentum * b + this->step(g, v);
    w = w - b;
  }
};

template <typename T>
struct RMSpropCenteredMomentum : RMSpropNumbers<T> {
  static constexpr int kSlots = 3;
  using RMSpropNumbers<T>::RMSpropNumbers;

  void operator()(T g, T& w, T& v, T& b, T& a) const {
    b = this->momentum * b + this->centered(g, v, a);
    w = w - b;
  }
};

template <typename T>
struct Adadelta {
  static constexpr int kNumbers = 3, kSlots = 2;
  T rate, rho, rest, epsilon;

  explicit Adadelta(const double* h) : rate(h[0]), rho(h[1]), rest(1 - h[1]), epsilon(h[2]) {}

  void operator()(T g, T& w, T& a, T& d) const {
    a = rho * a + rest * square(g);
    const T x = ratio(std::sqrt(d + epsilon), std::sqrt(a + epsilon)) * g;
    d = rho * d + rest * square(x);
    w = w - rate * x;
  }
};

// The numbers of Adam and of its relatives.
template <typename T>
struct AdamNumbers {
  static constexpr int kNumbers = 5;
  T rate, beta_1, rest_1, beta_2, rest_2, epsilon, unbias, debias_1, debias_2;

  explicit AdamNumbers(const double* h) {
    const auto [learning_rate, b1, b2, epsilon_, t] = take<5>(h);
    rate = learning_rate, epsilon = epsilon_;
    beta_1 = b1, rest_1 = 1 - b1;
    beta_2 = b2, rest_2 = 1 - b2;
    debias_1 = debias(b1, t), debias_2 = debias(b2, t);
    unbias = std::sqrt(debias(b2, t)) / debias(b1, t);
  }

  void moments(T g, T& m, T& v) const {
    m = beta_1 * m + rest_1 * g;
    v = beta_2 * v + rest_2 * square(g);
  }
};

template <typename T>
struct Adam : AdamNumbers<T> {
  static constexpr int kSlots = 2;
  using AdamNumbers<T>::AdamNumbers;

  void operator()(T g, T& w, T& m, T& v) const {
    this->moments(g, m, v);
    w = w - this->rate * ratio(this->unbias * m, std::sqrt(v) + this->epsilon);
  }
};

template <typename T>
struct AMSGrad : AdamNumbers<T> {
  static constexpr int kSlots = 3;
  using AdamNumbers<T>::AdamNumbers;

  void operator()(T g, T& w, T& m, T& v, T& v_max) const {
    this->moments(g, m, v);
    v_max = larger(v_max, v);
    w = w - this->rate * ratio(this->unbias * m, std::sqrt(v_max) + this->epsilon);
  }
};

template <typename T>
struct Adamax : AdamNumbers<T> {
  static constexpr int kSlots = 2;
  using AdamNumbers<T>::AdamNumbers;

  void operator()(T g, T& w, T& m, T& u) const {
    m = this->beta_1 * m + this->rest_1 * g;
    u = larger(this->beta_2 * u, std::abs(g));
    w = w - this->rate * ratio(m / this->debias_1, u + this->epsilon);
  }
};

template <typename T>
struct Nadam : AdamNumbers<T> {
  static constexpr int kNumbers = 8, kSlots = 2;
  T ahead, along;

  explicit Nadam(const double* h) : AdamNumbers<T>(h) {
    const auto [mu, mu_next, P] = take<3>(h + 5);
    ahead = mu_next / (1 - P * mu_next), along = (1 - mu) / (1 - P);
  }

  void operator()(T g, T& w, T& m, T& v) const {
    this->moments(g, m, v);
    w = w - this->rate * ratio(ahead * m + along * g, std::sqrt(v / this->debias_2) + this->epsilon);
  }
};

template <typename T>
struct NAdamW : AdamNumbers<T> {
  static constexpr int kSlots = 2;
  T ahead, along;

  explicit NAdamW(const double* h) : AdamNumbers<T>(h) {
    const double b1 = h[1], t = h[4];
    ahead = b1 / debias(b1, t + 1), along = (1 - b1) / debias(b1, t);
  }

  void operator()(T g, T& w, T& m, T& v) const {
    this->moments(g, m, v);
    w = w - this->rate * ratio(ahead * m + along * g, std::sqrt(v / this->debias_2) + this->epsilon);
  }
};

template <typename T>
struct Lion {
  static constexpr int kNumbers = 3, kSlots = 1;
  T rate, beta_1, rest_1, beta_2, rest_2;

  explicit Lion(const double* h) : rate(h[0]), beta_1(h[1]), rest_1(1 - h[1]), beta_2(h[2]), rest_2(1 - h[2]) {}

  void operator()(T g, T& w, T& m) const {
    const T u = sign(beta_1 * m + rest_1 * g);
    m = beta_2 * m + rest_2 * g;
    w = w - rate * u;
  }
};

// RAdam; r is 0 while the variance is not tractable.
template <typename T>
struct RAdam : AdamNumbers<T> {
  static constexpr int kNumbers = 6, kSlots = 2;
  T r;

  explicit RAdam(const double* h) : AdamNumbers<T>(h), r(h[5]) {}

  T rectified(T m, T v) const {
    const T m_hat = m / this->debias_1;
    return r > T(0) ? ratio(r * m_hat, std::sqrt(v / this->debias_2) + this->epsilon) : m_hat;
  }

  void operator()(T g, T& w, T& m, T& v) const {
    this->moments(g, m, v);
    w = w - this->rate * rectified(m, v);
  }
};

template <typename T>
struct RAdamAMSGrad : RAdam<T> {
  static constexpr int kSlots = 3;
  using RAdam<T>::RAdam;

  void operator()(T g, T& w, T& m, T& v, T& v_max) const {
    this->moments(g, m, v);
    v_max = larger(v_max, v);
    w = w - this->rate * this->rectified(m, v_max);
  }
};

template <typename T>
struct AdEMAMix : AdamNumbers<T> {
  static constexpr int kNumbers = 7, kSlots = 3;
  T a, b, rest_b;

  explicit AdEMAMix(const double* h) : AdamNumbers<T>(h), a(h[5]), b(h[6]), rest_b(1 - h[6]) {}

  void operator()(T g, T& w, T& m1, T& m2, T& v) const {
    this->moments(g, m1, v);
    m2 = b * m2 + rest_b * g;
    w = w - this->rate * ratio(m1 / this->debias_1 + a * m2, std::sqrt(v / this->debias_2) + this->epsilon);
  }
};

template <typename T>
struct Yogi : AdamNumbers<T> {
  static constexpr int kSlots = 2;
  using AdamNumbers<T>::AdamNumbers;

  void operator()(T g, T& w, T& m, T& v) const {
    m = this->beta_1 * m + this->rest_1 * g;
    v = v - this->rest_2 * (sign(v - square(g)) * square(g));
    w = w - this->rate * ratio(this->unbias * m, std::sqrt(v) + this->epsilon);
  }
};

// AdaBelief; r is 1 without rectification.
template <typename T>
struct AdaBelief : AdamNumbers<T> {
  static constexpr int kNumbers = 6, kSlots = 2;
  T r;

  explicit AdaBelief(const double* h) : AdamNumbers<T>(h), r(h[5]) {}

  void belief(T g, T& m, T& s) const {
    m = this->beta_1 * m + this->rest_1 * g;
    s = this->beta_2 * s + this->rest_2 * square(g - m) + this->epsilon;
  }

  T rectified(T m, T s) const {
    const T m_hat = m / this->debias_1;
    return r > T(0) ? r * ratio(m_hat, std::sqrt(s / this->debias_2) + this->epsilon) : m_hat;
  }

  void operator()(T g, T& w, T& m, T& s) const {
    belief(g, m, s);
    w = w - this->rate * rectified(m, s);
  }
};

template <typename T>
struct AdaBeliefAMSGrad : AdaBelief<T> {
  static constexpr int kSlots = 3;
  using AdaBelief<T>::AdaBelief;

  void operator()(T g, T& w, T& m, T& s, T& s_max) const {
    this->belief(g, m, s);
    s_max = larger(s_max, s);
    w = w - this->rate * this->rectified(m, s_max);
  }
};

// Lamb in two passes: one moves the averages and measures w and u, the other moves the weights by phi * u.
template <typename T>
struct Lamb : AdamNumbers<T> {
  static constexpr int kNumbers = 7, kSlots = 2;
  T decay;     // of `decay_in_ratio`, else 0
  bool adapts;  // whether phi is a ratio of norms, else 1

  explicit Lamb(const double* h) : AdamNumbers<T>(h), decay(h[5]), adapts(h[6] != 0) {}

  T direction(T w, T m, T v) const {
    const T u = ratio(m / this->debias_1, std::sqrt(v / this->debias_2) + this->epsilon);
    return decay != T(0) ? u + decay * w : u;
  }

  T phi(double of_weights, double of_direction) const {
    const T factor = ratio(std::sqrt(of_weights), std::sqrt(of_direction));
    return adapts && factor > T(0) ? factor : T(1);
  }
};

}  // namespace tfoptim

#endif  // TFOPTIM_RULES_H_
