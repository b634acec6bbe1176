#!/bin/sh
# rustc for our own crates, with what libFuzzer sees coverage by: cargo's RUSTC_WORKSPACE_WRAPPER, so dependencies stay as they
# are. All of it is stable Rust; the passes are LLVM's. One unit of code each: the linker drops counters that lie apart.
exec "$@" -Ccodegen-units=1 -Cpasses=sancov-module \
  -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
  -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares
