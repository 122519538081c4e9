#pragma once
// Products of whole numbers of 16 bits, for files built with AVX2.

#include <immintrin.h>

namespace samc::avx2 {

// sums + the products of each pair. Compilers would add products to each other first, and keep sums in memory: here
// there is one register for products.
static inline __m256i add_pair_products(__m256i a, __m256i b, __m256i sums) {
  __m256i product;
  __asm__("vpmaddwd %[b], %[a], %[product]\n\tvpaddd %[product], %[sums], %[sums]"
          : [sums] "+x"(sums), [product] "=&x"(product)
          : [a] "x"(a), [b] "x"(b));
  return sums;
}

}  // namespace samc::avx2
