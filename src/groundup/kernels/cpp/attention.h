// Attention over keys and values that lie in blocks of a shared memory.
//
// The memory is cut into cells of 16 positions; which cells are a sequence's stands in its table.
// In a cell, the keys of a head are transposed, so that sixteen positions are sixteen lanes:
//
//     keys [cell][layer][head][d][16]      values [cell][layer][head][16][d]      in float16
//
// What is of one cell lies together, so that memory that no sequence has used is never touched.
//
// What a query gathers is computed stretch by stretch, 256 positions each:
//
//     part of a stretch:  best = max score,  total = sum of e^(score - best),
//                         mixed = sum of e^(score - best) times value
//     two parts are one:  with the greater best, each part times e^(its best - the greater)
//
// (the online softmax of Milakov and Gimelshein, 2018). Stretches begin at multiples of 256 and are
// put together from the first to the last, whoever computed them: so several threads may share one
// long sequence (Dao et al., "Flash-Decoding", 2023), and a prompt may come in pieces of any length.
// Several queries that look at the same keys - heads that share them, neighbouring tokens - read
// them together. In either case what is computed for each is the same as alone, bit for bit.

#pragma once

#include <algorithm>
#include <limits>

#include "lanes.h"

constexpr int kCell = 16;      // positions of a cell
constexpr int kStretch = 256;  // positions of a part
constexpr int kQueries = 6;    // most queries that read keys together
constexpr int kSums = kFloats >= 32 ? 12 : 6;  // scores of 16 positions that are summed side by side

struct Cache {  // the same in kernels/decoder.py
    uint16_t* keys;
    uint16_t* values;
    int32_t layers;
    int32_t cells_per_block;
};

// Where the keys and values of one head of one layer are, for one sequence.
struct Memory {
    const Cache& cache;
    const int32_t* blocks;  // the sequence's table
    int layer, head, heads, width;

    size_t offset(int position) const {  // of the cell that holds a position, in either array
        const int cell = position / kCell, block = blocks[cell / cache.cells_per_block];
        const size_t where = size_t(block) * cache.cells_per_block + cell % cache.cells_per_block;
        return ((where * cache.layers + layer) * heads + head) * kCell * width;
    }

    void keep(int position, const float* key, const float* value) const {
        uint16_t* keys = cache.keys + offset(position) + position % kCell;
        uint16_t* values = cache.values + offset(position) + position % kCell * width;
        uint16_t halves[16];
        for (int d = 0; d < width; d += 16) {
            store_half(values + d, load(value + d));
            store_half(halves, load(key + d));
            for (int i = 0; i < 16; i++) keys[(d + i) * kCell] = halves[i];
        }
    }
};

// What is gathered from some positions; `mixed` is [width].
struct Part {
    float* mixed;
    float best = -std::numeric_limits<float>::infinity();
    float total = 0.0f;
};

struct Query {
    const float* query;  // times 1 / sqrt(d)
    int limit;           // positions it sees
    Part* part;          // where what it gathers from a stretch is put
};

// Scores of `cells` cells from `position` on; scores[i] are those of query i.
template <int count, int cells>
inline void score(const Memory& memory, const Query* queries, int position, int end, float (*scores)[kStretch]) {
    const uint16_t *keys[cells], *next[cells];
    for (int c = 0; c < cells; c++) {
        const int after = position + (cells + c) * kCell;
        keys[c] = memory.cache.keys + memory.offset(position + c * kCell);
        next[c] = after < end ? memory.cache.keys + memory.offset(after) : keys[c];
    }
    Floats total[count * cells];
    for (Floats& lane : total) lane = broadcast(0.0f);
    for (int d = 0; d < memory.width; d++) {
        Floats key[cells];
        for (int c = 0; c < cells; c++) {
            if (d % 2) __builtin_prefetch(next[c] + d / 2 * 2 * kCell);
            key[c] = load_half(keys[c] + d * kCell);
        }
        for (int i = 0; i < count; i++) {
            const Floats query = broadcast(queries[i].query[d]);
            for (int c = 0; c < cells; c++) total[i * cells + c] = multiply_add(query, key[c], total[i * cells + c]);
        }
    }
    for (int i = 0; i < count; i++) {
        for (int c = 0; c < cells; c++) store(scores[i] + position % kStretch + c * kCell, total[i * cells + c]);
    }
}

// A sum waits for the one before it, so few queries take more cells at a time.
template <int count>
inline void score_stretch(const Memory& memory, const Query* queries, int start, int end, float (*scores)[kStretch]) {
    constexpr int kCells = 4 * count <= kSums ? 4 : 2 * count <= kSums ? 2 : 1;
    int position = start;
    for (; position + (kCells - 1) * kCell < end; position += kCells * kCell) {
        score<count, kCells>(memory, queries, position, end, scores);
    }
    for (; position < end; position += kCell) score<count, 1>(memory, queries, position, end, scores);
}

// Scores become weights e^(score - best), 0 where the query does not see.
inline void weigh(const Query& query, int start, int end, float* scores) {
    const int seen = std::max(0, std::min(query.limit, end) - start);
    const int padded = (end - start + kCell - 1) / kCell * kCell;
    const float lowest = -std::numeric_limits<float>::infinity();
    Floats most = broadcast(lowest), total = broadcast(0.0f);
    for (int i = 0; i < seen; i += kCell) most = maximum(most, keep_first(seen - i, load(scores + i), lowest));
    const Floats best = broadcast(largest(most));
    for (int i = 0; i < padded; i += kCell) {
        const Floats weight = keep_first(std::max(0, seen - i), exponential(load(scores + i) - best), 0.0f);
        store(scores + i, weight);
        total = total + weight;
    }
    query.part->best = largest(best);
    query.part->total = sum(total);
}

// Numbers d ... d + 16 wide of the values, times the weights.
template <int count, int wide>
inline void mix(const Memory& memory, const Query* queries, int start, int end, float (*weights)[kStretch], int d) {
    Floats total[count * wide];
    for (Floats& lane : total) lane = broadcast(0.0f);
    for (int position = start; position < end; position += kCell) {
        const uint16_t* values = memory.cache.values + memory.offset(position) + d;
        const uint16_t* next = memory.cache.values + memory.offset(std::min(position + kCell, end - 1)) + d;
        const int seen = std::min(kCell, end - position);  // what lies beyond may be anything
        for (int p = 0; p < seen; p++, values += memory.width) {
            for (int j = 0; j < wide; j += 2) __builtin_prefetch(next + p * memory.width + 16 * j);
            Floats value[wide];
            for (int j = 0; j < wide; j++) value[j] = load_half(values + 16 * j);
            for (int i = 0; i < count; i++) {
                const Floats weight = broadcast(weights[i][position - start + p]);
                Floats* lanes = total + i * wide;
                for (int j = 0; j < wide; j++) lanes[j] = multiply_add(weight, value[j], lanes[j]);
            }
        }
    }
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < wide; j++) store(queries[i].part->mixed + d + 16 * j, total[i * wide + j]);
    }
}

template <int count>
inline void attend_tile(const Memory& memory, const Query* queries, int start) {
    int end = start;
    for (int i = 0; i < count; i++) end = std::max(end, std::min(start + kStretch, queries[i].limit));
    if (end == start) return;
    float scores[count][kStretch];
    score_stretch<count>(memory, queries, start, end, scores);
    for (int i = 0; i < count; i++) weigh(queries[i], start, end, scores[i]);
    int d = 0;
    for (; d + 64 <= memory.width; d += 64) mix<count, 4>(memory, queries, start, end, scores, d);
    for (; d < memory.width; d += 16) mix<count, 1>(memory, queries, start, end, scores, d);
}

// What queries of one sequence and one key head gather from the stretch at `start`, in their parts.
// Tile by tile of six queries; the first fetches the stretch, the others find it near.
inline void attend(const Memory& memory, const Query* queries, int count, int start) {
    using Function = void (*)(const Memory&, const Query*, int);
    static constexpr Function functions[kQueries] = {attend_tile<1>, attend_tile<2>, attend_tile<3>,
                                                     attend_tile<4>, attend_tile<5>, attend_tile<6>};
    for (int i = 0; i < count; i += kQueries) {
        functions[std::min(kQueries, count - i) - 1](memory, queries + i, start);
    }
}

// Put a part to what was gathered before it.
inline void merge(Part& whole, const Part& part, int width) {
    const float best = std::max(whole.best, part.best);
    const Floats old_share = exponential(broadcast(whole.best - best));
    const Floats new_share = exponential(broadcast(part.best - best));
    for (int d = 0; d < width; d += 16) {
        const Floats added = load(part.mixed + d) * new_share;
        store(whole.mixed + d, multiply_add(load(whole.mixed + d), old_share, added));
    }
    whole.total = whole.total * largest(old_share) + part.total * largest(new_share);
    whole.best = best;
}

// The weights add up to 1.
inline void divide_by_total(const Part& whole, int width) {
    const Floats inverse = broadcast(1.0f / whole.total);
    for (int d = 0; d < width; d += 16) store(whole.mixed + d, load(whole.mixed + d) * inverse);
}

// What they gather from all positions they see.
inline void attend_all(const Memory& memory, const Query* queries, int count, Part* wholes) {
    int limit = 0;
    for (int i = 0; i < count; i++) {
        limit = std::max(limit, queries[i].limit);
        std::fill_n(wholes[i].mixed, memory.width, 0.0f);
    }
    for (int start = 0; start < limit; start += kStretch) {
        attend(memory, queries, count, start);
        for (int i = 0; i < count; i++) {
            if (start < queries[i].limit) merge(wholes[i], *queries[i].part, memory.width);
        }
    }
    for (int i = 0; i < count; i++) divide_by_total(wholes[i], memory.width);
}
