#include "culprit/native/symbol_name.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace loopscope {
namespace {

TEST(SymbolName, KeepsTheQualifiedNameOnly) {
  EXPECT_EQ(readable_symbol("read"), "read");
  EXPECT_EQ(readable_symbol("memcpy@@GLIBC_2.14"), "memcpy");
  EXPECT_EQ(readable_symbol("_ZN4node5StartEiPPc"), "node::Start");
  EXPECT_EQ(readable_symbol("_ZN2v88internal10JsonParserIhE14ParseJsonArrayEv"),
            "v8::internal::JsonParser::ParseJsonArray");
  EXPECT_EQ(readable_symbol("_ZN2v88internal12_GLOBAL__N_16InvokeEPNS0_7IsolateE"),
            "v8::internal::Invoke");
  EXPECT_EQ(readable_symbol("_ZSt4sortIPiEvT_S1_"), "std::sort");
  EXPECT_EQ(readable_symbol("_ZNSt6vectorIiSaIiEE9push_backEOi"), "std::vector::push_back");
  EXPECT_EQ(readable_symbol("_ZThn16_N3FooD1Ev"), "Foo::~Foo");
  EXPECT_EQ(readable_symbol("_ZNK3Foo3barB5cxx11Ev"), "Foo::bar");
}

TEST(SymbolName, CutsOffWhatTheCompilerAppends) {
  EXPECT_EQ(readable_symbol("parse.cold"), "parse");
  EXPECT_EQ(readable_symbol("parse.part.0.constprop.1"), "parse");
  EXPECT_EQ(readable_symbol("_ZN4node5StartEiPPc.isra.0.cold"), "node::Start");
}

TEST(SymbolName, KeepsOperators) {
  EXPECT_EQ(readable_symbol("_ZN3FoolsERKS_"), "Foo::operator<<");
  EXPECT_EQ(readable_symbol("_ZN3FooltERKS_"), "Foo::operator<");
  EXPECT_EQ(readable_symbol("_ZN3FooptEv"), "Foo::operator->");
  EXPECT_EQ(readable_symbol("_ZN3FooclEi"), "Foo::operator()");
  EXPECT_EQ(readable_symbol("_ZN3FooixEm"), "Foo::operator[]");
  EXPECT_EQ(readable_symbol("_ZN3FoocvbEv"), "Foo::operator bool");
  EXPECT_EQ(readable_symbol("_Znwm"), "operator new");
  EXPECT_EQ(readable_symbol("_ZdaPv"), "operator delete[]");
  EXPECT_EQ(shorten_cpp_name("bool ns::operator< <int>(A<int> const&, A<int> const&)"),
            "ns::operator<");
  EXPECT_EQ(shorten_cpp_name("A& ns::A::operator=<char const (&)[1]>(char const (&)[1])"),
            "ns::A::operator=");
  EXPECT_EQ(shorten_cpp_name("void sort<ns::operator<<(S&)::{lambda(A<int>)#1}>(int)"), "sort");
  EXPECT_EQ(shorten_cpp_name("operatorial()"), "operatorial");
}

TEST(SymbolName, NamesFunctionsInsideFunctions) {
  EXPECT_EQ(readable_symbol("_ZZ4mainENKUlvE_clEv"), "main::{lambda}");
  EXPECT_EQ(shorten_cpp_name("a::f(int) const::{lambda(char)#2}::operator()(char) const"),
            "a::f::{lambda}");
  EXPECT_EQ(shorten_cpp_name("f(int)::Local::run()"), "f::Local::run");
}

TEST(SymbolName, LeavesUnknownFormsWhole) {
  EXPECT_EQ(shorten_cpp_name("decltype ((x).y()) g<int>(int)"), "g");
  EXPECT_EQ(shorten_cpp_name("void (*f<int>(int))(char)"), "void (*f<int>(int))(char)");
  EXPECT_EQ(shorten_cpp_name("broken<int"), "broken<int");
  EXPECT_EQ(shorten_cpp_name(""), "");
}

TEST(SymbolName, ReadsRust) {
  EXPECT_EQ(readable_symbol("_ZN4core3fmt5Write9write_str17h0123456789abcdefE"),
            "core::fmt::Write::write_str");
  EXPECT_EQ(readable_symbol("_ZN50_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$Debug$GT$3fmt17h"
                            "0123456789abcdefE"),
            "<alloc::vec::Vec<T> as Debug>::fmt");
}

TEST(SymbolName, IsBoundedAndPrintable) {
  const std::string shown = readable_symbol(std::string(5000, 'x') + "end");
  EXPECT_EQ(shown.size(), kMaxFunctionName);
  EXPECT_TRUE(shown.starts_with("...x"));
  EXPECT_TRUE(shown.ends_with("xend"));
  EXPECT_EQ(readable_symbol("a\n\x1b[31m\xff"), "a??[31m?");
  EXPECT_EQ(readable_symbol(""), "");
}

TEST(SymbolName, DoesNotFollowASymbolThatDoublesItself) {
  // B<C<D<...<A, itself>...>>: one more level doubles the text; here 2^30 times an A.
  constexpr int kLevels = 30;
  std::string bomb = "_Z1f";
  for (int i = 0; i < kLevels; ++i) bomb += std::string("1") + static_cast<char>('B' + i) + "I";
  bomb += "1A";
  for (int i = kLevels - 1; i < 2 * kLevels - 1; ++i) {
    const auto digit = [](int value) {
      return static_cast<char>(value < 10 ? '0' + value : 'A' + value - 10);
    };
    const std::string number =
        i < 36 ? std::string(1, digit(i)) : "1" + std::string(1, digit(i - 36));
    bomb += "S" + number + "_E";
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_LE(readable_symbol(bomb).size(), kMaxFunctionName);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  // A real function with such parameters still has its name.
  EXPECT_EQ(readable_symbol("_ZN4node5StartE" + bomb.substr(4)), "node::Start");
}

}  // namespace
}  // namespace loopscope
