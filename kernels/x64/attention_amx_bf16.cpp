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
constexpr bool kInStages = true;       // tiles multiply beside the vector registers
constexpr bool kEvenTiles = false;     // a tile takes the same time whatever its rows
constexpr int64_t kWordMultiple = 16;  // how many words a sum of products is of
constexpr int64_t kTogether = kAttentionScoreRows / kTileRows;
constexpr int64_t kRowsOfVectors = kTileRows;
static_assert(kTogether == 2);

// What ldtilecfg reads: eight tiles of kTileRows rows of 64 bytes. A constant, since g++ 12 takes only the first eight
// bytes for read and would leave out what fills the rest.
struct TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {kTileRows, kTileRows, kTileRows, kTileRows, kTileRows, kTileRows, kTileRows, kTileRows};
};
static_assert(sizeof(TileShapes) == 64);
alignas(64) constexpr TileShapes kTileShapes;

// Gives this thread's tiles their shapes while it lives.
class TilesInUse {
 public:
  TilesInUse() { _tile_loadconfig(&kTileShapes); }
  ~TilesInUse() { _tile_release(); }
  TilesInUse(const TilesInUse&) = delete;
  TilesInUse& operator=(const TilesInUse&) = delete;
};

// Tiles 0 to 3 are the sums, (2, 2); 4 and 5 hold a, 6 and 7 hold b. Pitches are in bytes.

// sums += a (tiles, kTileRows, words) times b (words, vectors kLanes).
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

// out (tiles, rows, out_pitch) times corrections (tiles, kRowsOfVectors).
void correct_before_products(const AttentionTiles& group, const float* corrections, float* out, int64_t out_pitch) {
  for (int64_t tile = 0; tile < group.tiles; ++tile) {
    const float* factors = corrections + tile * kRowsOfVectors;
    uint32_t rows = _mm512_cmp_ps_mask(load(factors), set1(1.0f), _CMP_NEQ_UQ);  // most have met their largest score
    if (tile + 1 == group.tiles) rows &= first_lanes(group.last_rows);
    for (; rows != 0; rows &= rows - 1) {
      const int64_t r = __builtin_ctz(rows);
      float* row = out + (tile * kTileRows + r) * out_pitch;
      for (int64_t c = 0; c < out_pitch; c += kLanes) store(row + c, load(row + c) * set1(factors[r]));
    }
  }
}

// out (tiles, rows, vectors kLanes) += weights times one panel of values. Without corrections out holds nothing yet.
void value_tiles(const AttentionTiles& group, const float* weights, const float* values, int64_t vectors, int64_t words,
                 const float* corrections, float* out, int64_t out_pitch) {
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
