// One step of a decoder-only transformer (Llama, Qwen2, Qwen3) on a CPU: tokens in, logits out.
//
//     x = embedding(token)
//     for each layer:  x += output(attention(q, k, v of norm(x)));  x += down(silu(gate) * up)
//     logits = head(norm(x))
//
// The tokens of a step may be of any sequences. What is computed for a token does not depend on the
// others of the step, bit for bit. The plain twin, in NumPy, is inference/plain_decoder.py.

#include <algorithm>
#include <memory>
#include <new>

#include "attention.h"
#include "packed.h"
#include "team.h"

extern "C" {
struct Layer {  // the same in kernels/decoder.py, as the other structs here
    Matrix query, key, value, output, gate, up, down;
    const float *attention_norm, *feed_forward_norm;                    // gains
    const float *query_norm, *key_norm;                                 // gains, or null
    const float *query_bias, *key_bias, *value_bias, *output_bias;      // or null
};

struct Model {
    Matrix embedding, head;
    const Layer* layers;
    const float* norm;          // gains
    const float *cosine, *sine;  // [context][head_width / 2]
    int32_t depth, width, heads, key_heads, head_width, hidden;
    float epsilon;
    int32_t unused;
};

struct Batch {
    const int32_t *tokens, *positions, *sequences;  // of each token; sequences ascend
    const int32_t* blocks;                          // [sequence][blocks_per_sequence]
    const int32_t* wanted;                          // tokens whose result is asked for
    int32_t token_count, blocks_per_sequence, wanted_count;
    int32_t is_hidden;  // the result is the last norm's output, not logits
};

struct Limits {  // what a batch's numbers must be below
    int32_t vocabulary, context, sequences, blocks, block_size;
};
}

namespace {

constexpr int kTokens = 12;  // most neighbours that go through the keys together
constexpr int kMost = 96;    // queries that do

// Work of attention: neighbouring tokens of one sequence, and the stretch that they look at.
struct Piece {
    int first, count;
    int stretch;  // -1: all that they see
};

class Decoder {
  public:
    Decoder(const Model& model, const Cache& cache, int threads)
        : model_(model), layers_(model.layers, model.layers + model.depth), cache_(cache), team_(threads) {}

    void step(const Batch& batch, float* result) {
        const int T = batch.token_count;
        const size_t queries = size_t(T) * model_.heads * model_.head_width;
        const size_t keys = size_t(T) * model_.key_heads * model_.head_width;
        grow(stream_, size_t(T) * model_.width);
        grow(queries_, queries);
        grow(mixed_, queries);
        grow(keys_, keys);
        grow(values_, keys);
        normed_.resize(T, model_.width);
        gathered_.resize(T, model_.heads * model_.head_width);
        inner_.resize(T, model_.hidden);
        plan_attention(batch);
        team_.run([&] {
            embed(batch);
            for (int i = 0; i < model_.depth; i++) {
                attention(layers_[i], i, batch);
                feed_forward(layers_[i], T);
            }
            finish(batch, result);
        });
    }

  private:
    static void grow(std::vector<float>& numbers, size_t size) {
        if (numbers.size() < size) numbers.resize(size);
    }

    // Neighbours go together as long as all threads have work. If one sequence would keep a thread
    // at work when the others are done, it is cut into stretches. Neither changes what is computed.
    void plan_attention(const Batch& batch) {
        const int T = batch.token_count, threads = team_.size();
        const int most = std::clamp(T * model_.key_heads / (8 * threads), 1, kTokens);
        double work = 0, longest = 0;  // in positions
        for (int t = 0; t < T; t++) {
            work += double(batch.positions[t] + 1) * model_.key_heads;
            longest = std::max(longest, batch.positions[t] + 1.0);
        }
        is_cut_ = threads > 1 && longest > kStretch && longest * most * 4 * threads > work;
        pieces_.clear();
        for (int t = 0, count; t < T; t += count) {
            for (count = 1; count < most && t + count < T; count++) {
                if (batch.sequences[t + count] != batch.sequences[t]) break;
            }
            const int last = batch.positions[t + count - 1] / kStretch;
            if (!is_cut_) pieces_.push_back({t, count, -1});
            for (int i = 0; is_cut_ && i <= last; i++) pieces_.push_back({t, count, i});
        }
        make_parts(batch);
    }

    // Room for what is gathered: of a token that is cut for each stretch, else for one at a time.
    void make_parts(const Batch& batch) {
        first_part_.assign(1, 0);
        for (int t = 0; t < batch.token_count; t++) {
            first_part_.push_back(first_part_[t] + (is_cut_ ? batch.positions[t] / kStretch + 1 : 1));
        }
        const size_t parts = first_part_.back() * model_.heads;
        grow(part_sums_, parts * model_.head_width);
        if (parts_.size() < parts) parts_.resize(parts);
        for (size_t i = 0; i < parts; i++) parts_[i].mixed = &part_sums_[i * model_.head_width];
    }

    Part* part(int t, int stretch, int head) { return &parts_[(first_part_[t] + stretch) * model_.heads + head]; }

    void embed(const Batch& batch) {
        team_.share(batch.token_count, [&](int first, int last) {
            for (int t = first; t < last; t++) {
                unpack_row(model_.embedding, batch.tokens[t], &stream_[size_t(t) * model_.width]);
            }
        });
    }

    // x / sqrt(mean(x^2) + epsilon) is x times this.
    float inverse_size(const float* x, int width) const {
        Floats squares = broadcast(0.0f);
        for (int i = 0; i < width; i += 16) squares = multiply_add(load(x + i), load(x + i), squares);
        return 1.0f / std::sqrt(sum(squares) / static_cast<float>(width) + model_.epsilon);
    }

    // Normalise a token and keep it in 8 bits.
    void normalize(const float* x, const float* gains, int token) {
        const Floats scale = broadcast(inverse_size(x, model_.width));
        for (int i = 0; i < model_.width; i += kGroup) {
            normed_.keep(token, i / kGroup, load(x + i) * scale * load(gains + i),
                         load(x + i + 16) * scale * load(gains + i + 16));
        }
    }

    void normalize_all(const float* gains, int tokens) {
        each_panel(tokens, [&](int t) { normalize(&stream_[size_t(t) * model_.width], gains, t); });
    }

    // `body(token)`, the tokens of a panel on one thread: they lie in the same cache lines.
    template <class Body>
    void each_panel(int tokens, Body body) {
        team_.share((tokens + kPanel - 1) / kPanel, [&](int first, int last) {
            for (int t = first * kPanel; t < std::min(tokens, last * kPanel); t++) body(t);
        });
    }

    // `body(tile, first token, count)` for each tile and panel: a thread goes through its tiles
    // with one panel after the other, so that these are read from near.
    template <class Body>
    void each_tile(int tiles, int tokens, Body body) {
        team_.share(tiles, [&](int first, int last) {
            for (int t = 0; t < tokens; t += kPanel) {
                for (int tile = first; tile < last; tile++) body(tile, t, std::min(kPanel, tokens - t));
            }
        });
    }

    // y[t][n] = (w x_t)[n] + bias[n], or added to what is there; for the rows of a tile.
    static void linear(const Matrix& w, int tile, const Tokens8& x, int token, int count, const float* bias,
                       float* y, bool is_added = false) {
        Floats part[kPanel];
        multiply(w, tile, x, token, count, part);
        for (int i = 0; i < count; i++) {
            float* to = y + size_t(token + i) * w.rows + tile * kRows;
            if (bias) part[i] = part[i] + load(bias + tile * kRows);
            store(to, is_added ? load(to) + part[i] : part[i]);
        }
    }

    void attention(const Layer& layer, int index, const Batch& batch) {
        const int T = batch.token_count, width = model_.heads * model_.head_width;
        normalize_all(layer.attention_norm, T);
        const int queries = layer.query.tiles(), keys = layer.key.tiles();
        each_tile(queries + 2 * keys, T, [&](int tile, int t, int count) {
            if (tile < queries) {
                linear(layer.query, tile, normed_, t, count, layer.query_bias, queries_.data());
            } else if (tile < queries + keys) {
                linear(layer.key, tile - queries, normed_, t, count, layer.key_bias, keys_.data());
            } else {
                linear(layer.value, tile - queries - keys, normed_, t, count, layer.value_bias, values_.data());
            }
        });
        each_panel(T, [&](int t) { turn_and_keep(layer, index, batch, t); });
        team_.share(static_cast<int>(pieces_.size()) * model_.key_heads, [&](int first, int last) {
            for (int i = first; i < last; i++) {
                gather(index, batch, pieces_[i / model_.key_heads], i % model_.key_heads);
            }
        });
        each_panel(T, [&](int t) {
            if (is_cut_) put_together(t);
            const float* x = &mixed_[size_t(t) * width];
            for (int i = 0; i < width; i += kGroup) gathered_.keep(t, i / kGroup, load(x + i), load(x + i + 16));
        });
        each_tile(layer.output.tiles(), T, [&](int tile, int t, int count) {
            linear(layer.output, tile, gathered_, t, count, layer.output_bias, stream_.data(), true);
        });
    }

    // Normalise (if the model does) and rotate a token's queries and keys; keep its key and value.
    void turn_and_keep(const Layer& layer, int index, const Batch& batch, int t) {
        const int D = model_.head_width, position = batch.positions[t];
        const float shrink = 1.0f / std::sqrt(static_cast<float>(D));
        for (int head = 0; head < model_.heads; head++) {
            turn(&queries_[(size_t(t) * model_.heads + head) * D], layer.query_norm, position, shrink);
        }
        for (int head = 0; head < model_.key_heads; head++) {
            const size_t at = (size_t(t) * model_.key_heads + head) * D;
            turn(&keys_[at], layer.key_norm, position, 1.0f);
            memory(index, batch, t, head).keep(position, &keys_[at], &values_[at]);
        }
    }

    // Pairs (i, i + D/2) turn by their position's angle.
    void turn(float* x, const float* gains, int position, float scale) const {
        const int D = model_.head_width, half = D / 2;
        if (gains) {
            const float inverse = inverse_size(x, D);
            for (int i = 0; i < D; i++) x[i] = x[i] * inverse * gains[i];
        }
        const float* cosine = model_.cosine + size_t(position) * half;
        const float* sine = model_.sine + size_t(position) * half;
        for (int i = 0; i < half; i++) {
            const float left = x[i], right = x[i + half];
            x[i] = (left * cosine[i] - right * sine[i]) * scale;
            x[i + half] = (left * sine[i] + right * cosine[i]) * scale;
        }
    }

    Memory memory(int layer, const Batch& batch, int t, int head) const {
        const int32_t* blocks = batch.blocks + size_t(batch.sequences[t]) * batch.blocks_per_sequence;
        return {cache_, blocks, layer, head, model_.key_heads, model_.head_width};
    }

    // Attention of a piece, for the heads that share one head of keys.
    void gather(int index, const Batch& batch, Piece piece, int key_head) {
        const int group = model_.heads / model_.key_heads, D = model_.head_width;
        const Memory memory = this->memory(index, batch, piece.first, key_head);
        for (int first = 0; first < piece.count * group; first += kMost) {
            Query queries[kMost];
            Part wholes[kMost];
            const int count = std::min(kMost, piece.count * group - first);
            for (int i = 0; i < count; i++) {
                const int t = piece.first + (first + i) / group, head = key_head * group + (first + i) % group;
                const size_t at = size_t(t) * model_.heads + head;
                queries[i] = {&queries_[at * D], batch.positions[t] + 1, part(t, std::max(0, piece.stretch), head)};
                wholes[i].mixed = &mixed_[at * D];
            }
            if (piece.stretch >= 0) {
                attend(memory, queries, count, piece.stretch * kStretch);
            } else {
                attend_all(memory, queries, count, wholes);
            }
        }
    }

    // Put the stretches of a token together.
    void put_together(int t) {
        const int D = model_.head_width, stretches = static_cast<int>(first_part_[t + 1] - first_part_[t]);
        for (int head = 0; head < model_.heads; head++) {
            Part whole{&mixed_[(size_t(t) * model_.heads + head) * D]};
            std::fill_n(whole.mixed, D, 0.0f);
            for (int i = 0; i < stretches; i++) merge(whole, *part(t, i, head), D);
            divide_by_total(whole, D);
        }
    }

    void feed_forward(const Layer& layer, int tokens) {
        normalize_all(layer.feed_forward_norm, tokens);
        each_tile(layer.gate.tiles() / 2, tokens, [&](int pair, int t, int count) { gate(layer, pair, t, count); });
        each_tile(layer.down.tiles(), tokens, [&](int tile, int t, int count) {
            linear(layer.down, tile, inner_, t, count, nullptr, stream_.data(), true);
        });
    }

    // silu(gate) * up for two tiles, kept in 8 bits at once: they are a group of what `down` reads.
    void gate(const Layer& layer, int pair, int token, int count) {
        Floats gate[2][kPanel], up[2][kPanel];
        for (int half = 0; half < 2; half++) {
            multiply(layer.gate, 2 * pair + half, normed_, token, count, gate[half]);
            multiply(layer.up, 2 * pair + half, normed_, token, count, up[half]);
        }
        for (int i = 0; i < count; i++) {
            inner_.keep(token + i, pair, silu(gate[0][i]) * up[0][i], silu(gate[1][i]) * up[1][i]);
        }
    }

    static Floats silu(Floats x) { return x / (broadcast(1.0f) + exponential(broadcast(0.0f) - x)); }

    void finish(const Batch& batch, float* result) {
        const int C = model_.width, count = batch.wanted_count;
        if (batch.is_hidden) {
            team_.share(count, [&](int first, int last) {
                for (int i = first; i < last; i++) {
                    const float* x = &stream_[size_t(batch.wanted[i]) * C];
                    const Floats scale = broadcast(inverse_size(x, C));
                    for (int c = 0; c < C; c += 16) {
                        store(result + size_t(i) * C + c, load(x + c) * scale * load(model_.norm + c));
                    }
                }
            });
        } else {
            each_panel(count, [&](int i) { normalize(&stream_[size_t(batch.wanted[i]) * C], model_.norm, i); });
            each_tile(model_.head.tiles(), count, [&](int tile, int t, int part) {
                linear(model_.head, tile, normed_, t, part, nullptr, result);
            });
        }
    }

    Model model_;
    std::vector<Layer> layers_;
    Cache cache_;
    Team team_;
    std::vector<Piece> pieces_;
    bool is_cut_ = false;             // whether pieces are single stretches
    std::vector<size_t> first_part_;  // of each token
    std::vector<Part> parts_;         // [token][stretch][head]
    std::vector<float> stream_, queries_, keys_, values_, mixed_;  // [token][...]
    std::vector<float> part_sums_;  // [token][stretch][head][d]
    Tokens8 normed_, gathered_, inner_;
};

// Whether all numbers of a batch are in range. The plain twin, check_step in kernels/decoder.py, says
// which one is not; but each of its dozens of NumPy calls comes back to a processor whose caches the
// weights have swept, and together they took a twentieth of a small step.
bool fits(const Batch& batch, const Limits& limits) {
    const auto within = [](int number, int end) { return 0 <= number && number < end; };
    for (int i = 0; i < batch.wanted_count; i++) {
        const int least = i ? batch.wanted[i - 1] + 1 : 0;
        if (batch.wanted[i] < least || batch.wanted[i] >= batch.token_count) return false;
    }
    for (int t = 0; t < batch.token_count; t++) {
        const int sequence = batch.sequences[t], position = batch.positions[t];
        const int block = position / limits.block_size;
        if (!within(batch.tokens[t], limits.vocabulary) || !within(position, limits.context)) return false;
        if (!within(sequence, limits.sequences) || block >= batch.blocks_per_sequence) return false;
        const bool is_first = t == 0 || batch.sequences[t - 1] < sequence;
        if (!is_first && (batch.sequences[t - 1] > sequence || batch.positions[t - 1] + 1 != position)) return false;
        const bool is_last = t + 1 == batch.token_count || batch.sequences[t + 1] != sequence;
        const int32_t* blocks = batch.blocks + size_t(sequence) * batch.blocks_per_sequence;
        for (int i = 0; is_last && i <= block; i++) {
            if (!within(blocks[i], limits.blocks)) return false;
        }
    }
    return true;
}

}  // namespace

#define EXPORTED __attribute__((visibility("default")))

extern "C" {
EXPORTED const char* decoder_lanes() { return lanes_name(); }

// What this side takes the structs to be, so that the other side can tell whether it agrees.
EXPORTED int32_t decoder_sizes() { return sizeof(Layer) + 1000 * sizeof(Model) + 1000000 * sizeof(Batch); }

EXPORTED void* decoder_open(const Model* model, const Cache* cache, int32_t threads) {
    try {
        return new Decoder(*model, *cache, threads);
    } catch (...) {  // no memory, or no threads
        return nullptr;
    }
}

EXPORTED void decoder_close(void* decoder) { delete static_cast<Decoder*>(decoder); }

EXPORTED int32_t decoder_fits(const Batch* batch, const Limits* limits) { return fits(*batch, *limits); }

// Returns 0, or 1 if there was no memory for so many tokens. Everything in the batch is believed.
EXPORTED int32_t decoder_step(void* decoder, const Batch* batch, float* result) {
    try {
        static_cast<Decoder*>(decoder)->step(*batch, result);
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}
}
