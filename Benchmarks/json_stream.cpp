// A C++ reader of the venue's JSON trades on simdjson (On-Demand), for `make bench`:
//
//   json-peer FILE PASSES     a message a line; prints what `bench-core texts FILE PASSES` prints
//
// Decimals are read exactly, as mantissas, like ours; a record is not made of them.

#include <simdjson.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

static long long mantissa(std::string_view text) {
    long long value = 0;
    for (char c : text) {
        if (c == '.') continue;
        if (c < '0' || c > '9') std::abort();
        value = value * 10 + (c - '0');
    }
    return value;
}

int main(int count, char **words) {
    if (count != 3) return std::fprintf(stderr, "usage: json-peer FILE PASSES\n"), 64;
    simdjson::padded_string text;
    if (simdjson::padded_string::load(words[1]).get(text)) return 74;
    std::vector<std::pair<size_t, size_t>> lines;
    std::string_view all(text.data(), text.size());
    for (size_t start = 0; start < all.size();) {
        size_t end = all.find('\n', start);
        if (end == std::string_view::npos) end = all.size();
        lines.emplace_back(start, end - start);
        start = end + 1;
    }
    simdjson::ondemand::parser parser;
    unsigned long long messages = 0, sum = 0;
    for (int pass = 0; pass < std::atoi(words[2]); pass++) {
        for (auto [start, length] : lines) {
            simdjson::ondemand::document document;
            if (parser.iterate(all.data() + start, length,
                               text.size() - start + simdjson::SIMDJSON_PADDING)
                    .get(document))
                return 65;
            std::string_view stream = document["stream"].get_string();
            if (stream.substr(stream.find('@')) != "@trade") return 65;
            simdjson::ondemand::object data = document["data"].get_object();
            std::string_view symbol;
            long long id = 0, time = 0, price = 0, quantity = 0, sent = 0;
            bool maker = false, best = false;
            for (auto field : data) {
                std::string_view key = field.unescaped_key();
                if (key.size() != 1) continue;
                switch (key[0]) {
                case 'E': sent = int64_t(field.value().get_int64()); break;
                case 's': symbol = field.value().get_string(); break;
                case 't': id = int64_t(field.value().get_int64()); break;
                case 'p': price = mantissa(field.value().get_string()); break;
                case 'q': quantity = mantissa(field.value().get_string()); break;
                case 'T': time = int64_t(field.value().get_int64()); break;
                case 'm': maker = field.value().get_bool(); break;
                case 'M': best = field.value().get_bool(); break;
                }
            }
            if (symbol.empty() || !sent || !best) return 65;
            messages++;
            sum += (unsigned long long)(id + price + quantity + time) + maker;
        }
    }
    std::printf("messages %llu, sum %llu\n", messages, sum);
}
