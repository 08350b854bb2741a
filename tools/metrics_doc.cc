// loopscope_metrics_doc               writes docs/metrics.md to standard output
// loopscope_metrics_doc --check FILE  fails if FILE is not what it would write

#include "export/metrics_doc.h"

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

int main(int argc, char** argv) {
  const std::string doc = loopscope::metrics_doc();
  if (argc == 1) {
    std::cout << doc;
    return std::cout.flush() ? 0 : 1;
  }
  if (argc != 3 || std::string_view(argv[1]) != "--check") {
    std::cerr << "usage: loopscope_metrics_doc [--check FILE]\n";
    return 2;
  }
  std::ifstream in(argv[2]);
  const std::string current(std::istreambuf_iterator<char>(in), {});
  if (current == doc) return 0;
  std::cerr << argv[2] << " is out of date: write the output of loopscope_metrics_doc to it\n";
  return 1;
}
