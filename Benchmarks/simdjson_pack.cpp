// What simdjson reaches on the work of `recq pack`: lines of trades from standard input to frames.
// Exact: prices and quantities are taken from their text, not through a double.
#include <simdjson.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

using namespace simdjson;

static constexpr size_t LENGTH = 110;

template <typename Value>
static void put(uint8_t *frame, size_t place, Value value) {
    memcpy(frame + place, &value, sizeof value);
}

/// Decimal text as a number of 10^exponent.
static int64_t mantissa(std::string_view text, int exponent) {
    int64_t value = 0;
    int digits = 0;
    bool point = false, negative = false;
    for (char c : text) {
        if (c == '-') negative = true;
        else if (c == '.') point = true;
        else if (c >= '0' && c <= '9') value = value * 10 + (c - '0'), digits += point;
        else break;
    }
    for (; digits < -exponent; digits++) value *= 10;
    return negative ? -value : value;
}

static void pack(ondemand::document_reference line, std::vector<uint8_t> &out) {
    uint8_t frame[LENGTH] = {0, 0, 0, LENGTH, 0xEB, 0x50, 96, 0, 1, 0, 0x62, 0x22, 1, 0};
    std::string_view price, quantity;
    int64_t price_exponent = 0, quantity_exponent = 0;
    uint8_t best = 255;
    for (auto field : line.get_object()) {
        std::string_view key = field.unescaped_key();
        ondemand::value value = field.value();
        if (key == "symbol") {
            std::string_view symbol = value.get_string();
            memcpy(frame + 46, symbol.data(), symbol.size() < 32 ? symbol.size() : 32);
        } else if (key == "trade_id") {
            int64_t id = value.get_int64();
            put(frame, 30, id), put(frame, 38, id);
        } else if (key == "price") {
            price = value.raw_json_token();
        } else if (key == "qty") {
            quantity = value.raw_json_token();
        } else if (key == "is_buyer_maker") {
            frame[102] = bool(value.get_bool());
        } else if (key == "source") {
            std::string_view source = value.get_string();
            frame[81] = source == "sbe" ? 1 : source == "rest" ? 2 : source == "archive" ? 3 : 4;
        } else if (key == "is_best_match") {
            if (!value.is_null()) best = bool(value.get_bool());
        } else if (key == "price_exponent") {
            price_exponent = value.get_int64();
        } else if (key == "qty_exponent") {
            quantity_exponent = value.get_int64();
        } else if (key == "event_time_us") {
            put(frame, 14, int64_t(value.get_int64()));
        } else if (key == "ingest_time_ns") {
            put(frame, 22, int64_t(value.get_int64_in_string()));
        } else if (key == "venue") {
            frame[80] = int64_t(value.get_int64());
        } else if (key == "flags") {
            put(frame, 84, uint16_t(int64_t(value.get_int64())));
        }
    }
    frame[82] = price_exponent, frame[83] = quantity_exponent, frame[103] = best;
    put(frame, 86, mantissa(price, price_exponent));
    put(frame, 94, mantissa(quantity, quantity_exponent));
    out.insert(out.end(), frame, frame + LENGTH);
}

int main() {
    std::string text;
    std::vector<char> part(1 << 20);
    for (ssize_t count; (count = read(0, part.data(), part.size())) > 0;) text.append(part.data(), count);
    padded_string padded(text);
    ondemand::parser parser;
    ondemand::document_stream lines = parser.iterate_many(padded, 1 << 20);
    std::vector<uint8_t> out;
    out.reserve(1 << 17);
    for (auto line : lines) {
        pack(line.value(), out);
        if (out.size() < 1 << 16) continue;
        if (write(1, out.data(), out.size()) < 0) return 74;
        out.clear();
    }
    return out.empty() || write(1, out.data(), out.size()) > 0 ? 0 : 74;
}
