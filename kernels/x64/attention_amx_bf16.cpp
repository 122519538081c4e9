// attention in tiles of AMX: 16 rows of 64 bytes. Two tiles of queries and two of keys, or of weights and of values,
// make four tiles of sums. What lies between the products is that of AVX-512.

#include "kernels/attention.h"

#include "base/rounding.h"
#include "kernels/x64/attention_words_bf16.h"

namespace samc::amx_bf16 {
namespace {

using namespace avx512_bf16;

constexpr int64_t kTileRows = 16;
constexpr int64_t kLine = 16;          // words of a query that lie together in a tile
constexpr bool kEvenTiles = false;     // a tile takes the same time whatever its rows
constexpr int64_t kWordMultiple = 16;  // how many words a sum of products is of
constexpr int64_t kTogether = kAttentionScoreRows / kTileRows;
constexpr int64_t kRowsOfVectors = kTileRows;
static_assert(kTogether == 2);

// Gives this thread's tiles their shape while it lives.
class TilesInUse {
 public:
  TilesInUse() {
    alignas(64) uint8_t shape[64] = {1};  // palette
    for (int tile = 0; tile < 8; ++tile) {
      shape[16 + 2 * tile] = 64;  // bytes of a row
      shape[48 + tile] = kTileRows;
    }
    _tile_loadconfig(shape);
  }
  ~TilesInUse() { _tile_release(); }
  TilesInUse(const TilesInUse&) = delete;
  TilesInUse& operator=(const TilesInUse&) = delete;
};

// Tiles of bytes: 0 to 3 are the sums, (2, 2); 4 and 5 of a; 6 and 7 of b.
// sums += a (tiles, kTileRows, words) times b (words, vectors kLanes). All pitches are in bytes.
template <int kTiles, int kVectors>
inline void multiply_tiles(const float* a, int64_t a_tile_words, int64_t a_step_words, int64_t a_pitch, const float* b,
                           int64_t words) {
  constexpr int64_t kRow = kVectors * kLanes;  // words
  constexpr int64_t kBPitch = kRow * 4;
  for (int64_t word = 0; word < words; word += kWordMultiple, a += a_step_words, b += kWordMultiple * kRow) {
    _tile_loadd(4, a, a_pitch);
    _tile_loadd(6, b, kBPitch);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (kVectors == 2) {
      _tile_loadd(7, b + kLanes, kBPitch);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (kTiles == 2) {
      _tile_loadd(5, a + a_tile_words, a_pitch);
      _tile_dpbf16ps(2, 5, 6);
      if constexpr (kVectors == 2) _tile_dpbf16ps(3, 5, 7);
    }
  }
}

template <int kTiles, int kVectors>
inline void clear_sums() {
  _tile_zero(0);
  if constexpr (kVectors == 2) _tile_zero(1);
  if constexpr (kTiles == 2) _tile_zero(2);
  if constexpr (kTiles == 2 && kVectors == 2) _tile_zero(3);
}

// Of (tiles, kTileRows, vectors kLanes); pitch in bytes.
template <int kTiles, int kVectors>
inline void load_sums(const float* source, int64_t tile_words, int64_t pitch) {
  _tile_loadd(0, source, pitch);
  if constexpr (kVectors == 2) _tile_loadd(1, source + kLanes, pitch);
  if constexpr (kTiles == 2) _tile_loadd(2, source + tile_words, pitch);
  if constexpr (kTiles == 2 && kVectors == 2) _tile_loadd(3, source + tile_words + kLanes, pitch);
}
template <int kTiles, int kVectors>
inline void store_sums(float* target, int64_t tile_words, int64_t pitch) {
  _tile_stored(0, target, pitch);
  if constexpr (kVectors == 2) _tile_stored(1, target + kLanes, pitch);
  if constexpr (kTiles == 2) _tile_stored(2, target + tile_words, pitch);
  if constexpr (kTiles == 2 && kVectors == 2) _tile_stored(3, target + tile_words + kLanes, pitch);
}

// body(tiles, vectors) with both as constants.
template <class Body>
inline void with_shape(int64_t tiles, int64_t vectors, const Body& body) {
  if (tiles == 2) {
    if (vectors == 2) {
      body.template operator()<2, 2>();
    } else {
      body.template operator()<2, 1>();
    }
  } else if (vectors == 2) {
    body.template operator()<1, 2>();
  } else {
    body.template operator()<1, 1>();
  }
}

// scores (tiles, kTileRows, vectors kLanes) of one panel of keys.
void score_tiles(const AttentionTiles& group, const float* keys, int64_t vectors, int64_t words, float* scores) {
  constexpr int64_t kPitch = kAttentionScoresPitch * 4;
  with_shape(group.tiles, vectors, [&]<int kTiles, int kVectors>() {
    clear_sums<kTiles, kVectors>();
    multiply_tiles<kTiles, kVectors>(group.q, group.tile_words, kTileRows * kLine, kLine * 4, keys, words);
    store_sums<kTiles, kVectors>(scores, kTileRows * kAttentionScoresPitch, kPitch);
  });
}

// out (tiles, rows, vectors kLanes) = out * corrections (tiles, kRowsOfVectors) + weights times one panel of values.
// Without corrections out holds nothing yet.
void value_tiles(const AttentionTiles& group, const float* weights, const float* values, int64_t vectors, int64_t words,
                 const float* corrections, float* out, int64_t out_pitch) {
  if (corrections != nullptr) {
    for (int64_t tile = 0; tile < group.tiles; ++tile)
      for (int64_t r = 0; r < kTileRows; ++r) {
        const float correction = corrections[tile * kTileRows + r];
        if (correction == 1.0f) continue;  // most rows have met their largest score soon
        float* row = out + (tile * kTileRows + r) * out_pitch;
        for (int64_t v = 0; v < vectors; ++v) store(row + v * kLanes, load(row + v * kLanes) * set1(correction));
      }
  }
  with_shape(group.tiles, vectors, [&]<int kTiles, int kVectors>() {
    const int64_t tile_words = kTileRows * out_pitch, pitch = out_pitch * 4;
    if (corrections == nullptr) {
      clear_sums<kTiles, kVectors>();
    } else {
      load_sums<kTiles, kVectors>(out, tile_words, pitch);
    }
    multiply_tiles<kTiles, kVectors>(weights, kTileRows * kAttentionScoresPitch, kWordMultiple,
                                     kAttentionScoresPitch * 4, values, words);
    store_sums<kTiles, kVectors>(out, tile_words, pitch);
  });
}

}  // namespace

#include "kernels/vector/attention.inc"

namespace {
void attend_in_tiles(const AttentionPiece& piece) {
  const TilesInUse tiles;
  attend(piece);
}
}  // namespace

extern const Attention attention_bf16 = {256, &attend_in_tiles, &pack_block};

}  // namespace samc::amx_bf16
