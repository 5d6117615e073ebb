#include "cli/bench/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string_view>

#include "base/error.h"

namespace amanuensis::cli {
namespace {

// All lengths in pixels.
constexpr double kMargin = 32;
constexpr double kHeader = 92;
constexpr double kColumnWidth = 540;
constexpr double kColumnGap = 36;
constexpr double kLabelWidth = 172;
constexpr double kTextWidth = 150;
constexpr double kBarWidth = kColumnWidth - kLabelWidth - kTextWidth;
constexpr double kTitleHeight = 34;
constexpr double kRowHeight = 19;
constexpr double kPeerRowHeight = 29;
constexpr double kBarHeight = 12;
constexpr double kPeerBarHeight = 7;
constexpr double kPanelGap = 18;
constexpr std::size_t kMostColumns = 3;
constexpr double kColumnHeightWorthSplitting = 420;
constexpr std::string_view kPeerColor = "#9aa3ad";
constexpr std::string_view kLegendColor = "#2f6fb5";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        // Control characters have no place in XML.
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

double height_of(const ChartBar& bar) { return bar.peer_value > 0 ? kPeerRowHeight : kRowHeight; }

double height_of(const ChartPanel& panel) {
  double height = kTitleHeight + kPanelGap;
  for (const ChartBar& bar : panel.bars) height += height_of(bar);
  return height;
}

struct Place {
  const ChartPanel* panel;
  std::size_t column;
  double top;
};

// In reading order down the columns; a panel that would begin below the average height opens the next column.
std::vector<Place> lay_out(const Chart& chart, std::size_t columns, double& tallest) {
  double total = 0;
  for (const ChartPanel& panel : chart.panels) total += height_of(panel);
  const double wanted = total / static_cast<double>(columns);
  std::vector<Place> places;
  std::size_t column = 0;
  double top = 0;
  for (const ChartPanel& panel : chart.panels) {
    const double height = height_of(panel);
    if (top > 0 && top + height / 2 > wanted && column + 1 < columns) {
      ++column;
      top = 0;
    }
    places.push_back({&panel, column, top});
    top += height;
    tallest = std::max(tallest, top);
  }
  return places;
}

std::string text(double x, double y, std::string_view style, std::string_view content) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>\n", x, y, style, escaped(content));
}

std::string rectangle(double x, double y, double width, double height, std::string_view color) {
  return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"1.5\" fill=\"{}\"/>\n", x,
                     y, std::max(width, 1.0), height, escaped(color));
}

std::string draw(const ChartPanel& panel, double left, double top) {
  double largest = panel.has_full ? 1.0 : 0.0;
  for (const ChartBar& bar : panel.bars) largest = std::max({largest, bar.value, bar.peer_value});
  const double scale = largest > 0 ? kBarWidth / largest : 0.0;
  std::string svg =
      fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"panel\">{} <tspan class=\"note\">{}</tspan></text>\n", left,
                  top + 16, escaped(panel.title), escaped(panel.note));
  const double first = top + kTitleHeight - 8;
  double y = first;
  const double bars = left + kLabelWidth;
  for (const ChartBar& bar : panel.bars) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"label\">{}</text>\n", bars - 8, y + 10.5,
                       escaped(bar.label));
    svg += rectangle(bars, y, bar.value * scale, kBarHeight, panel.color);
    svg += text(bars + std::max(bar.value, 0.0) * scale + 6, y + 10.5, "value", bar.text);
    if (bar.peer_value > 0) {
      svg += rectangle(bars, y + kBarHeight + 1, bar.peer_value * scale, kPeerBarHeight, kPeerColor);
      svg += text(bars + bar.peer_value * scale + 6, y + kBarHeight + 8.5, "peer", bar.peer_text);
    }
    y += height_of(bar);
  }
  svg += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\" class=\"axis\"/>\n", bars,
                     first - 3, y);
  if (panel.has_full) {
    svg += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\" class=\"full\"/>\n",
                       bars + scale, first - 3, y);
  }
  return svg;
}

constexpr std::string_view kStyle =
    "<style>text{font-family:Inter,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;fill:#1d2733}"
    ".title{font-size:22px;font-weight:600}.subtitle{font-size:13px;fill:#5b6672}"
    ".panel{font-size:14px;font-weight:600}.note{font-size:11px;font-weight:400;fill:#5b6672}"
    ".label{font-size:11px;text-anchor:end;fill:#3c4650}.value{font-size:11px}"
    ".peer{font-size:9.5px;fill:#6b7580}.axis{stroke:#c4cbd2;stroke-width:1}"
    ".full{stroke:#c23b3b;stroke-width:1;stroke-dasharray:3 3}</style>\n";

}  // namespace

std::string svg_of(const Chart& chart) {
  double total = 0;
  for (const ChartPanel& panel : chart.panels) total += height_of(panel);
  const std::size_t columns =
      std::clamp<std::size_t>(static_cast<std::size_t>(total / kColumnHeightWorthSplitting), 1, kMostColumns);
  double tallest = 0;
  const std::vector<Place> places = lay_out(chart, columns, tallest);
  const double width =
      2 * kMargin + static_cast<double>(columns) * kColumnWidth + static_cast<double>(columns - 1) * kColumnGap;
  const double height = kHeader + tallest + kMargin;

  std::string svg = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} "
      "{1:.0f}\">\n"
      "{2}<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
      width, height, kStyle);
  svg += text(kMargin, 38, "title", chart.title);
  svg += text(kMargin, 58, "subtitle", chart.subtitle);
  double x = kMargin;
  const auto legend = [&](std::string_view color, const std::string& words) {
    if (words.empty()) return;
    svg += rectangle(x, 68, 12, 10, color);
    svg += text(x + 18, 77, "subtitle", words);
    x += 18 + 7.2 * static_cast<double>(words.size()) + 20;
  };
  legend(kLegendColor, chart.legend_ours);
  legend(kPeerColor, chart.legend_peers);
  for (const Place& place : places) {
    const double left = kMargin + static_cast<double>(place.column) * (kColumnWidth + kColumnGap);
    svg += draw(*place.panel, left, kHeader + place.top);
  }
  return svg + "</svg>\n";
}

void write_chart(const std::string& path, const Chart& chart) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  if (!out) {
    throw Error(ErrorCode::kIo, fmt::format("--chart '{}': cannot be written; does its folder exist?", path));
  }
  out << svg_of(chart);
  out.close();
  if (!out) throw Error(ErrorCode::kIo, fmt::format("--chart '{}': writing failed; is the disk full?", path));
}

}  // namespace amanuensis::cli
