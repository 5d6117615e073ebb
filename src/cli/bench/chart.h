// Measurements as a picture: horizontal bars in panels, as one self-contained SVG document. A pure function.
#pragma once

#include <string>
#include <vector>

namespace amanuensis::cli {

struct ChartBar {
  std::string label;
  double value = 0;       // of the panel's full scale 1
  std::string text;       // shown behind the bar
  double peer_value = 0;  // a second, thinner bar below; 0: none
  std::string peer_text;
};

struct ChartPanel {
  std::string title;
  std::string note;      // smaller, behind the title; may be empty
  std::string color;     // "#rrggbb" of its bars
  bool has_full = true;  // a line at 1, which is then the most the machine can do
  std::vector<ChartBar> bars;
};

struct Chart {
  std::string title;
  std::string subtitle;
  std::string legend_ours;
  std::string legend_peers;  // empty: there are none
  std::vector<ChartPanel> panels;
};

// Panels are laid out in up to three columns of about the same height. Any text may stand in any field.
std::string svg_of(const Chart& chart);

// Writes it to a file. Throws Error{kNotFound | kIo} naming the path.
void write_chart(const std::string& path, const Chart& chart);

}  // namespace amanuensis::cli
