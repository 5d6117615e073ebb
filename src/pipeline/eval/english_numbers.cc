#include "pipeline/eval/english_numbers.h"

#include <optional>
#include <vector>

#include "pipeline/eval/number_words.h"
#include "pipeline/eval/text_rewriting.h"
#include "pipeline/eval/unicode_text.h"

namespace amanuensis::pipeline {
namespace {

constexpr std::u32string_view kSigns = U"-+\u00A3\u20AC$\u00A2";
constexpr std::u32string_view kBanknotes = U"\u20AC\u00A3$";
constexpr char32_t kCents = U'\u00A2';

// A number that is being put together.
struct Value {
  bool is_whole = true;  // digits without leading zeros, which can be added to; otherwise only text to append to
  std::u32string text;
};

// Goes through the words once; a number is written out when a word comes that is no part of it.
class NumberReader {
 public:
  explicit NumberReader(const std::vector<std::u32string>& words) : words_(words) {}

  std::vector<std::u32string> run() {
    for (at_ = 0; at_ < words_.size(); ++at_) read(words_[at_]);
    write_value();
    return std::move(out_);
  }

 private:
  std::u32string_view previous() const { return at_ > 0 ? std::u32string_view(words_[at_ - 1]) : U""; }
  std::u32string_view next() const { return at_ + 1 < words_.size() ? std::u32string_view(words_[at_ + 1]) : U""; }
  bool next_may_be_number() const { return find_number_word(next()) != nullptr || is_figure(next()); }

  void write(const std::u32string& text) {
    out_.push_back(sign_ + text);
    sign_.clear();
    value_.reset();
  }
  void write_value() {
    if (value_) write(std::u32string(value_->text));
  }
  // What text is appended to; a whole zero disappears.
  std::u32string so_far() const { return !value_ || (value_->is_whole && value_->text == U"0") ? U"" : value_->text; }

  void read(const std::u32string& word) {
    const bool has_sign = kSigns.find(word.front()) != std::u32string_view::npos;
    const std::u32string figure = has_sign ? word.substr(1) : word;
    if (is_figure(figure)) return read_figure(word, figure);
    const NumberWord* number = find_number_word(word);
    if (number != nullptr) return read_number_word(word, *number);
    write_value();
    write(word);
  }

  void read_figure(const std::u32string& word, const std::u32string& figure) {
    if (value_ && !value_->is_whole && value_->text.ends_with(U'.')) {  // decimals, parts of an address
      value_->text += word;
      return;
    }
    write_value();
    if (word.size() != figure.size()) sign_ = word.front();
    const auto whole = scaled(figure, 0);
    value_ = whole ? Value{true, *whole} : Value{false, figure};
  }

  void read_number_word(const std::u32string& word, const NumberWord& number) {
    switch (number.part) {
      case NumberPart::kZero:
        value_ = Value{false, so_far() + U"0"};
        break;
      case NumberPart::kOnes:
        value_ = with_ones(number.value);
        break;
      case NumberPart::kOnesWithEnding:
        write(with_ones(number.value).text + number.text);
        break;
      case NumberPart::kTens:
        value_ = with_tens(number.value);
        break;
      case NumberPart::kTensWithEnding:
        write(with_tens(number.value).text + number.text);
        break;
      case NumberPart::kMultiplier:
      case NumberPart::kMultiplierWithEnding:
        read_multiplier(number);
        break;
      case NumberPart::kSignBefore:
        write_value();
        if (next_may_be_number()) {
          sign_ = number.text;
        } else {
          write(word);
        }
        break;
      case NumberPart::kSignAfter:
        if (value_) sign_ = number.text;
        write(value_ ? value_->text : word);
        break;
      case NumberPart::kPercent:
        read_percent(word, number.text);
        break;
      case NumberPart::kSpecial:
        read_special(word);
        break;
    }
  }

  // The value with 1 to 19 added where there is room for it, else appended.
  Value with_ones(std::size_t ones) const {
    const std::u32string digits = digits_of(ones);
    if (!value_) return {true, digits};
    const std::u32string& text = value_->text;
    if (!value_->is_whole || is_number_part(previous(), NumberPart::kOnes)) {
      const bool has_room = ones < 10 && is_number_part(previous(), NumberPart::kTens);
      return {false, (has_room ? text.substr(0, text.size() - 1) : text) + digits};
    }
    return with_added(digits);
  }
  Value with_tens(std::size_t tens) const {
    const std::u32string digits = digits_of(tens);
    if (!value_) return {true, digits};
    return value_->is_whole ? with_added(digits) : Value{false, value_->text + digits};
  }
  // Adds digits in the place of as many zeros.
  Value with_added(const std::u32string& digits) const {
    const std::u32string& text = value_->text;
    if (text == U"0") return {true, digits};
    if (text.ends_with(std::u32string(digits.size(), U'0'))) {
      return {true, text.substr(0, text.size() - digits.size()) + digits};
    }
    return {false, text + digits};
  }

  void read_multiplier(const NumberWord& number) {
    const bool ends = number.part == NumberPart::kMultiplierWithEnding;
    std::optional<std::u32string> product = value_ ? multiplied(number.value) : scaled(U"1", number.value);
    if (!product) {
      write_value();
      product = scaled(U"1", number.value);
    }
    if (ends) {
      write(*product + number.text);
    } else {
      value_ = Value{true, *product};
    }
  }
  // What is below a thousand is multiplied: "two million three hundred thousand".
  std::optional<std::u32string> multiplied(std::size_t zeros) const {
    const std::u32string& text = value_->text;
    if (!value_->is_whole) return scaled(text, zeros);
    const std::size_t above = text.size() - std::min<std::size_t>(3, text.size());
    const std::u32string thousands = above == 0 ? U"0" : text.substr(0, above) + U"000";
    return sum_of(thousands, scaled(text.substr(above), zeros).value_or(U"0"));
  }

  void read_percent(const std::u32string& word, const std::u32string& sign) {
    if (!value_) return write(word);
    if (word == U"percent" || next() == U"cent") {
      if (word != U"percent") ++at_;
      return write(value_->text + sign);
    }
    write_value();
    write(word);
  }

  void read_special(const std::u32string& word) {
    const bool next_is_digit = is_number_part(next(), NumberPart::kOnes) || is_number_part(next(), NumberPart::kZero);
    if (word == U"point" && next_may_be_number()) {
      if (next_is_digit || is_number_part(next(), NumberPart::kTens) || is_figure(next())) {
        value_ = Value{false, so_far() + U"."};
      }
    } else if (word == U"and" && next_may_be_number() && is_number_part(previous(), NumberPart::kMultiplier)) {
      return;  // "one hundred and one"
    } else if ((word == U"double" || word == U"triple") && next_is_digit) {
      const std::u32string digits = digits_of(find_number_word(next())->value);
      std::u32string repeated = so_far();
      for (int i = 0; i < (word == U"double" ? 2 : 3); ++i) repeated += digits;
      value_ = Value{false, repeated};
      ++at_;
    } else {
      write_value();
      write(word);
    }
  }

  const std::vector<std::u32string>& words_;
  std::vector<std::u32string> out_;
  std::size_t at_ = 0;
  std::u32string sign_;
  std::optional<Value> value_;
};

// The end of \band\s+a\s+half\b at `at`, or nothing.
std::optional<std::size_t> end_of_and_a_half(std::u32string_view text, std::size_t at) {
  if (!is_word_boundary(text, at)) return std::nullopt;
  for (const std::u32string_view word : {U"and", U"a", U"half"}) {
    if (word != U"and") {
      if (at >= text.size() || !is_space(text[at])) return std::nullopt;
      while (at < text.size() && is_space(text[at])) ++at;
    }
    if (!has_at(text, at, word)) return std::nullopt;
    at += word.size();
  }
  return is_word_boundary(text, at) ? std::optional(at) : std::nullopt;
}

// "two and a half" -> "two point five"
std::u32string replace_halves(std::u32string_view text) {
  std::vector<std::u32string> parts;
  std::size_t begin = 0;
  std::size_t at = text.find(U"and");
  while (at != std::u32string_view::npos) {
    const auto end = end_of_and_a_half(text, at);
    if (end) {
      const std::u32string_view part = text.substr(begin, at - begin);
      const std::vector<std::u32string> words = split_words(part);
      if (!words.empty()) {
        const NumberWord* last = find_number_word(words.back());
        const bool is_number =
            last != nullptr && (last->part == NumberPart::kZero || last->part == NumberPart::kOnes ||
                                last->part == NumberPart::kTens || last->part == NumberPart::kMultiplier);
        parts.emplace_back(part);
        parts.emplace_back(is_number ? U"point five" : U"and a half");
      }
      begin = *end;
    }
    at = text.find(U"and", end.value_or(at + 1));
  }
  if (!split_words(text.substr(begin)).empty()) parts.emplace_back(text.substr(begin));
  return join_words(parts);
}

// A space between ASCII letters and digits that touch.
std::u32string separate_letters_and_digits(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t before = i > 0 ? text[i - 1] : U' ';
    const bool touch =
        (is_ascii_lower(before) && is_ascii_digit(text[i])) || (is_ascii_digit(before) && is_ascii_lower(text[i]));
    if (touch) out += U' ';
    out += text[i];
  }
  return out;
}

// ([0-9])\s+(st|nd|rd|th|s)\b -> \1\2
std::u32string join_endings(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    std::size_t end = i + 1;
    while (end < text.size() && is_space(text[end])) ++end;
    if (!is_ascii_digit(text[i]) || end == i + 1) continue;
    for (const std::u32string_view ending : {U"st", U"nd", U"rd", U"th", U"s"}) {
      if (!has_at(text, end, ending) || !is_word_boundary(text, end + ending.size())) continue;
      out += ending;
      i = end + ending.size() - 1;
      break;
    }
  }
  return out;
}

// One or two digits at `at` that end there: how many, 0 for none.
std::size_t cents_at(std::u32string_view text, std::size_t at) {
  std::size_t count = 0;
  while (count < 2 && at + count < text.size() && is_ascii_digit(text[at + count])) ++count;
  return count > 0 && is_word_boundary(text, at + count) ? count : 0;
}

// ([€£$])([0-9]+) (?:and )?¢([0-9]{1,2})\b -> \1\2.\3, with two digits: "$2 and ¢7" -> "$2.07"
std::u32string combine_cents(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (kBanknotes.find(text[i]) == std::u32string_view::npos) continue;
    std::size_t end = i + 1;
    while (end < text.size() && is_ascii_digit(text[end])) ++end;
    const std::u32string_view amount = text.substr(i + 1, end - i - 1);
    if (amount.empty() || !has_at(text, end, U" ")) continue;
    const std::size_t sign = end + (has_at(text, end, U" and ") ? 5 : 1);
    const std::size_t count = has_at(text, sign, std::u32string(1, kCents)) ? cents_at(text, sign + 1) : 0;
    if (count == 0) continue;
    out += amount;
    out += count == 1 ? U".0" : U".";
    out += text.substr(sign + 1, count);
    i = sign + count;
  }
  return out;
}

// [€£$]0.([0-9]{1,2})\b -> ¢\1 as a number; the point stands for any character, as in the original.
std::u32string extract_cents(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_zero = kBanknotes.find(text[i]) != std::u32string_view::npos && has_at(text, i + 1, U"0");
    const std::size_t count = is_zero ? cents_at(text, i + 3) : 0;
    if (count == 0) {
      out += text[i];
      continue;
    }
    out += kCents;
    out += scaled(text.substr(i + 3, count), 0).value_or(U"0");
    i += 2 + count;
  }
  return out;
}

// \b1(s?)\b -> one\1
std::u32string spell_one(std::u32string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool plural = has_at(text, i, U"1s");
    const bool fits = text[i] == U'1' && is_word_boundary(text, i) && is_word_boundary(text, i + (plural ? 2 : 1));
    if (fits) {
      out += U"one";
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

std::u32string normalize_numbers(std::u32string_view text) {
  const std::u32string prepared = join_endings(separate_letters_and_digits(replace_halves(text)));
  const std::u32string written = join_words(NumberReader(split_words(prepared)).run());
  return spell_one(extract_cents(combine_cents(written)));
}

}  // namespace amanuensis::pipeline
