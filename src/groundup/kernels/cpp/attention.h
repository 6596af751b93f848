// Attention over keys and values that lie in blocks of a shared memory.
//
// The memory is cut into cells of 16 positions; which cells are a sequence's stands in its table.
// In a cell, the keys of a head are transposed, so that sixteen positions are sixteen lanes:
//
//     keys [cell][layer][head][d][16]      values [cell][layer][head][16][d]      in float16
//
// What is of one cell lies together, so that memory that no sequence has used is never touched.
//
// A query's scores are turned into weights 256 positions at a time, with the greatest score and the
// sum of weights so far (the online softmax of Milakov and Gimelshein, 2018). Several queries that
// look at the same keys - heads that share them, neighbouring tokens - read them together; what is
// computed for each is the same as alone, bit for bit.

#pragma once

#include <limits>

#include "lanes.h"

constexpr int kCell = 16;      // positions of a cell
constexpr int kStretch = 256;  // positions between two corrections of the sums
constexpr int kQueries = 6;    // most queries that read keys together

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

// What is known of a query after some positions.
struct Query {
    const float* query;  // times 1 / sqrt(d)
    float* mixed;        // sum of weights times values
    int limit;           // positions it sees
    float best;          // the greatest score
    float total;         // the sum of weights
};

template <int count>
inline void score(const Memory& memory, const Query* queries, int start, int end, float (*scores)[kStretch]) {
    for (int position = start; position < end; position += kCell) {
        const uint16_t* keys = memory.cache.keys + memory.offset(position);
        const uint16_t* values = memory.cache.values + memory.offset(position);
        const uint16_t* next = position + kCell < end ? memory.cache.keys + memory.offset(position + kCell) : values;
        Floats total[count];
        for (Floats& lane : total) lane = broadcast(0.0f);
        for (int d = 0; d < memory.width; d++) {
            __builtin_prefetch((d % 2 ? next : values) + d / 2 * 2 * kCell);
            const Floats key = load_half(keys + d * kCell);
            for (int i = 0; i < count; i++) total[i] = multiply_add(broadcast(queries[i].query[d]), key, total[i]);
        }
        for (int i = 0; i < count; i++) store(scores[i] + position - start, total[i]);
    }
}

// Scores become weights e^(score - best); returns what earlier sums must be multiplied by.
inline float weigh(Query& query, int start, int end, float* scores) {
    const int seen = std::min(query.limit, end) - start;
    const int padded = (end - start + kCell - 1) / kCell * kCell;
    const float lowest = -std::numeric_limits<float>::infinity();
    Floats most = broadcast(query.best), total = broadcast(0.0f);
    for (int i = 0; i < seen; i += kCell) most = maximum(most, keep_first(seen - i, load(scores + i), lowest));
    const float best = largest(most);
    for (int i = 0; i < padded; i += kCell) {
        const Floats weight = exponential(load(scores + i) - broadcast(best));
        store(scores + i, keep_first(std::max(0, seen - i), weight, 0.0f));
        total = total + load(scores + i);
    }
    float shrink[16];
    store(shrink, exponential(broadcast(query.best - best)));
    query.total = query.total * shrink[0] + sum(total);
    query.best = best;
    return shrink[0];
}

template <int count, int wide>
inline void mix(const Memory& memory, Query* queries, int start, int end, float (*weights)[kStretch],
                const float* shrink, int d) {
    Floats total[count][wide];
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < wide; j++) total[i][j] = load(queries[i].mixed + d + 16 * j) * broadcast(shrink[i]);
    }
    for (int position = start; position < end; position += kCell) {
        const uint16_t* values = memory.cache.values + memory.offset(position) + d;
        const int seen = std::min(kCell, end - position);  // what lies beyond may be anything
        for (int p = 0; p < seen; p++, values += memory.width) {
            Floats value[wide];
            for (int j = 0; j < wide; j++) value[j] = load_half(values + 16 * j);
            for (int i = 0; i < count; i++) {
                const Floats weight = broadcast(weights[i][position - start + p]);
                for (int j = 0; j < wide; j++) total[i][j] = multiply_add(weight, value[j], total[i][j]);
            }
        }
    }
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < wide; j++) store(queries[i].mixed + d + 16 * j, total[i][j]);
    }
}

// Queries of one sequence and one key head; afterwards `mixed` is what each has gathered.
template <int count>
inline void attend(const Memory& memory, Query* queries) {
    float scores[count][kStretch], shrink[count];
    int limit = 0;
    for (int i = 0; i < count; i++) {
        limit = std::max(limit, queries[i].limit);
        queries[i].best = -std::numeric_limits<float>::infinity();
        queries[i].total = 0.0f;
        std::fill_n(queries[i].mixed, memory.width, 0.0f);
    }
    for (int start = 0; start < limit; start += kStretch) {
        const int end = std::min(limit, start + kStretch);
        score<count>(memory, queries, start, end, scores);
        for (int i = 0; i < count; i++) shrink[i] = weigh(queries[i], start, end, scores[i]);
        int d = 0;
        for (; d + 64 <= memory.width; d += 64) mix<count, 4>(memory, queries, start, end, scores, shrink, d);
        for (; d < memory.width; d += 16) mix<count, 1>(memory, queries, start, end, scores, shrink, d);
    }
    for (int i = 0; i < count; i++) {
        const Floats inverse = broadcast(1.0f / queries[i].total);
        for (int d = 0; d < memory.width; d += 16) {
            store(queries[i].mixed + d, load(queries[i].mixed + d) * inverse);
        }
    }
}

inline void attend(const Memory& memory, Query* queries, int count) {
    using Function = void (*)(const Memory&, Query*);
    static constexpr Function functions[kQueries] = {attend<1>, attend<2>, attend<3>,
                                                     attend<4>, attend<5>, attend<6>};
    functions[count - 1](memory, queries);
}
